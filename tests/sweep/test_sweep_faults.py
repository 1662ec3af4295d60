"""Faults of a sweep, with real processes: nothing finished is lost or run twice, and the table tells the truth."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from same_data import same
from small_sweep import STEPS, attempts, ended, parent, planned_as, records, statuses, until

from tumorabm.recording.run_folder import RunFolder
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.status import Status

SLOW = {"any": {"pace": 0.1}}


def all_as(folder: Path, undisturbed: Path) -> None:
    """The data of every run are those of a sweep that nothing disturbed, bit by bit, and everything says finished."""
    for data, expected in zip(records(folder), records(undisturbed), strict=True):
        same(data, expected)
    for status, expected in zip(statuses(folder), statuses(undisturbed), strict=True):
        assert (status.state, status.summaries, status.message) == ("finished", expected.summaries, "")
        assert RunFolder(folder / status.run_id).status == "finished"


def seeds(folder: Path) -> list[str]:
    return [str(run.seed) for run in Plan.read(folder).runs]


def under_way(folder: Path) -> list[Status]:
    """Runs that have written more than their first checkpoint; between two renames only the first is there."""
    return [
        status
        for status in statuses(folder)
        if status.state == "running"
        and all((folder / status.run_id / name).exists() for name in ("checkpoint-previous.h5", "checkpoint.h5"))
    ]


def finished(folder: Path) -> dict[str, int]:
    """Finished runs, and when their results were written."""
    return {
        s.run_id: (folder / s.run_id / "run.h5").stat().st_mtime_ns for s in statuses(folder) if s.state == "finished"
    }


def test_a_killed_worker(undisturbed, tmp_path) -> None:
    """And in the same sweep a run that fails once, and is tried again."""
    folder = planned_as(undisturbed, tmp_path / "small")
    once = {"do": "fail", "step": 5, "once": str(tmp_path / "failed")}
    process = parent(folder, {**SLOW, seeds(folder)[2]: once})
    killed = until(lambda: under_way(folder), process)[0]
    os.kill(killed.process, signal.SIGKILL)
    done = finished(folder)
    told = ended(process)
    assert told["status"] == 0 and told["line"] == "4 runs: 4 finished", told["errors"]
    all_as(folder, undisturbed)
    after = statuses(folder)
    assert after[killed.index].attempt == 2 and after[killed.index].failures == 0
    assert after[2].attempt >= 2 and after[2].failures == 1
    sessions = RunFolder(folder / killed.run_id).provenance["sessions"]
    assert sessions[1]["from_step"] > 0, "it went on from its checkpoint"
    assert all(status.attempt == 1 + status.failures for status in after if status.run_id in done)
    assert {run: finished(folder)[run] for run in done} == done


def test_a_killed_parent(undisturbed, tmp_path) -> None:
    folder = planned_as(undisturbed, tmp_path / "small")
    first = seeds(folder)[0]
    process = parent(folder, {"any": {"pace": 0.2}, first: {"pace": 0.0}}, workers=1)
    until(lambda: statuses(folder)[0].state == "finished" and under_way(folder), process)
    done, orphans = finished(folder), [status.process for status in under_way(folder)]
    process.kill()
    process.communicate()
    again = ended(parent(folder, workers=1))  # at once, while the workers of the first may still be writing
    assert again["status"] == 0, again["errors"]
    assert again["finished"] == 4 and again["already"] >= len(done) > 0
    all_as(folder, undisturbed)
    assert {run: finished(folder)[run] for run in done} == done
    for status in statuses(folder):
        assert status.failures == status.losses == 0
        assert status.attempt == 1 or status.run_id not in done
    assert sum(attempts(folder)) == 5, "only the run that was under way was begun twice"
    until(lambda: not any(Path(f"/proc/{number}").exists() for number in orphans))


def test_runs_that_fail_hang_or_take_too_long(undisturbed, tmp_path) -> None:
    folder = planned_as(undisturbed, tmp_path / "small", retries=0, time_limit=2.5)
    does = ({"do": "fail", "step": 15}, {"do": "go_wrong", "step": 5}, {"do": "hang", "step": 7}, {"pace": 0.3})
    told = ended(parent(folder, dict(zip(seeds(folder), does, strict=True))))
    assert told["status"] == 1
    assert told["line"] == "4 runs: 0 finished, 2 failed, 2 over their time limit", told["errors"]

    failed, wrong, hung, slow = after = statuses(folder)
    assert all((status.state, status.failures) == ("failed", 1) for status in after)
    assert failed.message == "step 15 (day 1.25): it was told to fail"
    assert "misbehaving.py" in failed.traceback and 'RuntimeError("it was told to fail")' in failed.traceback
    assert wrong.message == "step 5 (day 0.416667): the column coverage of the cells is not a number"
    assert hung.message == "over its time limit of 2.5 s without coming to the end of a step"
    assert "misbehaving.py" in hung.traceback and "in hang" in hung.traceback
    assert slow.message.startswith("over its time limit of 2.5 s at day ")
    assert (failed.attempt, wrong.attempt, hung.attempt) == (1, 1, 1)
    assert records(folder)[0].steps[-1] == 12 and RunFolder(folder / slow.run_id).status == "failed"

    left = ended(parent(folder))
    assert left["line"] == told["line"] and left["workers_cpu"] < 0.1
    assert statuses(folder) == after
    planned_as(undisturbed, folder)  # without the limit
    again = ended(parent(folder, retry_failed=True, workers=1))
    assert again["status"] == 0 and again["line"] == "4 runs: 4 finished", again["errors"]
    all_as(folder, undisturbed)
    starts = [RunFolder(folder / s.run_id).provenance["sessions"][-1]["from_step"] for s in after]
    assert starts[:3] == [12, 0, 6] and 0 < starts[3] < STEPS, "each went on from its last checkpoint"


@pytest.mark.slow
def test_a_run_that_kills_its_worker_is_left_and_the_others_are_not(undisturbed, tmp_path) -> None:
    folder = planned_as(undisturbed, tmp_path / "small", retries=0)
    told = ended(parent(folder, {seeds(folder)[1]: {"do": "die", "step": 1}}))
    assert told["status"] == 1 and told["line"] == "4 runs: 3 finished, 1 failed", told["errors"]
    after = statuses(folder)
    assert [status.state for status in after] == ["finished", "failed", "finished", "finished"]
    assert after[1].attempt == 3 and "its worker is gone" in after[1].message
    again = ended(parent(folder, retry_failed=True))
    assert again["line"] == "4 runs: 4 finished (3 were there already)", again["errors"]
    all_as(folder, undisturbed)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, and a function that sets its size."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root; CI has it")
    disk = tmp_path / "disk"
    disk.mkdir()

    def resize(kilobytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(disk)], check=True)

    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    yield disk, resize
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk(undisturbed, small_disk) -> None:
    disk, resize = small_disk
    folder = planned_as(undisturbed, disk / "small")
    used = shutil.disk_usage(disk).used // 1024
    one_run = sum(path.stat().st_blocks // 2 for path in (undisturbed / statuses(undisturbed)[0].run_id).rglob("*"))
    resize(used + 3 * one_run)
    told = ended(parent(folder, workers=1))
    assert told["status"] == 1, told["errors"]
    assert "; the disk is full; the same command goes on" in told["line"] and "Traceback" not in told["errors"]
    after = statuses(folder)
    assert told["finished"] == sum(status.state == "finished" for status in after) > 0
    assert told["waiting"] == sum(status.state == "waiting" for status in after)
    unfinished = [status for status in after if status.state != "finished"]
    assert unfinished and all(status.state in ("interrupted", "lost", "waiting") for status in unfinished)
    assert all(status.failures == 0 for status in after), "it is not the runs' fault"
    done = finished(folder)
    resize(65536)
    again = ended(parent(folder, workers=1))
    assert again["status"] == 0 and again["already"] == len(done), again["errors"]
    all_as(folder, undisturbed)
    assert {run: finished(folder)[run] for run in done} == done
    assert all(status.attempt == 1 for status in statuses(folder) if status.run_id in done)


def test_finished_runs_that_are_damaged(undisturbed, tmp_path) -> None:
    folder = tmp_path / "small"
    shutil.copytree(undisturbed, folder)
    truncated, scrambled, unsaid, whole = statuses(folder)
    results = {status.run_id: folder / status.run_id / "run.h5" for status in statuses(folder)}
    kept = results[whole.run_id].stat().st_mtime_ns, results[unsaid.run_id].stat().st_mtime_ns
    results[truncated.run_id].write_bytes(results[truncated.run_id].read_bytes()[:5000])
    results[scrambled.run_id].write_bytes(b"x" * scrambled.size)
    (folder / unsaid.run_id / "status.json").write_text("{", encoding="utf-8")
    told = ended(parent(folder, workers=1))
    assert told["status"] == 0 and told["line"] == "4 runs: 4 finished (1 was there already)", told["errors"]
    said = [line for line in told["errors"].splitlines() if "was finished but is damaged, it is run again" in line]
    assert len(said) == 2 and truncated.run_id in said[0] and scrambled.run_id in said[1]
    assert "has 5000 bytes" in said[0] and "damaged, truncated or no HDF5 file" in said[1]
    all_as(folder, undisturbed)
    assert attempts(folder) == [2, 2, 2, 1]
    assert (results[whole.run_id].stat().st_mtime_ns, results[unsaid.run_id].stat().st_mtime_ns) == kept


def test_two_parents_at_once(undisturbed, tmp_path) -> None:
    folder = planned_as(undisturbed, tmp_path / "small")
    parents = [parent(folder, SLOW, workers=1) for _ in range(2)]
    told = [ended(process) for process in parents]
    assert [one["status"] for one in told] == [0, 0], [one["errors"] for one in told]
    assert [one["finished"] for one in told] == [4, 4]
    assert sum(one["finished"] - one["elsewhere"] - one["already"] for one in told) == 4
    assert attempts(folder) == [1, 1, 1, 1]
    all_as(folder, undisturbed)
