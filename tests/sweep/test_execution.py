"""A sweep carried out by a pool of processes: its data, its counts, and what a second call does."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from same_data import same
from small_sweep import BASE, attempts, content, ended, parent, planned_as, records, statuses, until

from tumorabm import yaml
from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.recording.run_folder import RunFolder
from tumorabm.run import run_experiment
from tumorabm.sweep.attempts import Claim
from tumorabm.sweep.counts import Counts
from tumorabm.sweep.executors import EXECUTORS, default_workers, workers_of
from tumorabm.sweep.loop import run_sweep
from tumorabm.sweep.modules import load_modules
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.planning import prepare
from tumorabm.sweep.progress import SweepProgress, time_text
from tumorabm.sweep.sweep_file import load_sweep
from tumorabm.sweep.worker import execute, warm_up

PRESSURES = ("9 mmHg", "11 mmHg", "9 mmHg")  # the first point twice: one run, two rows


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> tuple[Path, Counts]:
    """A sweep that this process has carried out, and its counts. Read only."""
    design = {"method": "list", "points": [{"oxygen": pressure} for pressure in PRESSURES]}
    factors = {"oxygen": {"path": "catalog.substrates.oxygen.vessel_oxygen"}}
    more = {"modules": [], "set": {}, "factors": factors, "design": design, "replicates": 1, "luck": "shared"}
    folder = prepare(load_sweep(content(**more)), tmp_path_factory.mktemp("swept"))
    return folder, run_sweep(folder, workers=1, progress=False)


def test_the_data_are_those_of_single_runs(swept, tmp_path) -> None:
    folder, counts = swept
    assert str(counts) == "3 runs: 3 finished" and counts.exit_status == 0
    found = records(folder)
    for pressure, data in zip(PRESSURES[:2], found, strict=False):
        setting = {"catalog.substrates.oxygen.vessel_oxygen": pressure}
        alone = run_experiment(load_experiment(yaml.parse(BASE, "base").data, setting), tmp_path, quiet=True)
        same(data, RunFolder(alone).records())
    assert found[0].series["tumor_cells"][-1] != found[1].series["tumor_cells"][-1]


def test_a_point_that_is_there_twice_is_run_once(swept) -> None:
    folder, _ = swept
    runs = Plan.read(folder).runs
    assert runs[0].run_id == runs[2].run_id != runs[1].run_id
    assert attempts(folder) == [1, 1, 1]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == sorted({run.run_id for run in runs})


def test_what_is_told_of_a_finished_run(swept) -> None:
    folder, _ = swept
    for index, (status, data) in enumerate(zip(statuses(folder), records(folder), strict=True)):
        assert (status.state, status.index, status.attempt, status.failures) == ("finished", index, 1, 0)
        assert status.summaries == {"cells": data.series["tumor_cells"][-1]}
        assert 0.0 < status.seconds < 60.0 and status.started and status.ended and not status.message
        provenance = RunFolder(folder / status.run_id).provenance
        assert provenance["process"] == status.process != os.getpid()
        assert provenance["threads"] == 1 and provenance["status"] == "finished"


def test_a_second_call_finds_it_done(swept) -> None:
    folder, _ = swept
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = run_sweep(folder, progress=False)
    assert str(again) == "3 runs: 3 finished (3 were there already)"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    part = run_sweep(folder, progress=False, indices=[1])
    assert str(part) == "1 run: 1 finished (1 was there already)"


def test_other_summaries_are_evaluated_without_running_again(swept) -> None:
    folder, _ = swept
    plan = Plan.read(folder)
    results = [folder / run.run_id / "run.h5" for run in plan.runs]
    before = [path.stat().st_mtime_ns for path in results]
    more = {**plan.summaries, "peak": {"output": "tumor_cells", "statistic": "max"}}
    try:
        replace(plan, summaries=more).write(folder)
        for index in (0, 1):
            assert execute(str(folder), index)["state"] == "finished"
        for status, data in zip(statuses(folder), records(folder), strict=True):
            assert status.summaries["peak"] == data.series["tumor_cells"].max()
    finally:
        plan.write(folder)
    assert [path.stat().st_mtime_ns for path in results] == before
    for index in (0, 1):
        assert execute(str(folder), index)["state"] == "finished"
    assert not any("peak" in status.summaries for status in statuses(folder))


def test_a_run_that_another_process_has_is_left_to_it(swept, tmp_path) -> None:
    folder, _ = swept
    run = Plan.read(folder).runs[1]
    status = statuses(folder)[1]
    with Claim(folder / run.run_id, status.attempt + 1) as other:
        outcome = execute(str(folder), 1)
    assert (outcome["state"], outcome["run_id"]) == ("held", run.run_id)
    other.path.unlink()
    assert execute(str(folder), 1)["state"] == "finished"
    assert statuses(folder)[1] == status


def test_warming_up_writes_nothing(swept) -> None:
    folder, _ = swept
    before = sorted(folder.rglob("*"))
    warm = warm_up(str(folder))
    assert warm["compiled"] is False and warm["seconds"] > 0.0
    assert sorted(folder.rglob("*")) == before


def test_signals_end_it_after_checkpoints_and_the_same_call_goes_on(undisturbed, tmp_path) -> None:
    """Ctrl-C reaches workers and parent alike, SIGTERM the parent alone."""
    folder = planned_as(undisturbed, tmp_path / "small")
    for number in (signal.SIGTERM, signal.SIGINT):
        before = statuses(folder)
        known = attempts(folder)
        process = parent(folder, {"any": {"pace": 0.2}}, group=True, progress=False, workers=1)
        until(functools.partial(moved_on, folder, known), process)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        told = ended(process)
        assert told["status"] == 130 and "Traceback" not in told["errors"], told["errors"]
        after = statuses(folder)
        stopped = [s for s, was in zip(after, before, strict=True) if s.attempt > was.attempt and s.state != "finished"]
        assert stopped and all((s.state, s.failures, s.losses) == ("interrupted", 0, 0) for s in stopped)
        count = Counter(status.state for status in after)
        assert (told["finished"], told["interrupted"], told["waiting"], told["running"]) == (
            count["finished"],
            count["interrupted"],
            count["waiting"],
            0,
        )
        assert told["line"].endswith("; interrupted, the same command goes on")
    before = statuses(folder)
    moved = folder.rename(tmp_path / "moved")  # a sweep's folder may be anywhere, under any name
    again = ended(parent(moved, workers=1))
    assert again["status"] == 0 and (again["finished"], again["already"]) == (4, count["finished"]), again["errors"]
    assert attempts(moved) == [s.attempt + (s.state != "finished") for s in before]
    for data, expected in zip(records(moved), records(undisturbed), strict=True):
        same(data, expected)


def moved_on(folder: Path, known: list[int]) -> bool:
    """Whether a run that was taken since then has written a checkpoint after its first."""
    return any(
        status.attempt > before
        and (folder / status.run_id / "checkpoint-previous.h5").exists()
        and status.state == "running"
        for status, before in zip(statuses(folder), known, strict=True)
    )


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(undisturbed, tmp_path) -> None:
    folder = planned_as(undisturbed, tmp_path / "small")
    process = parent(folder, {"any": {"do": "hang", "step": 3}}, group=True, progress=False)
    until(lambda: len(list(tmp_path.glob("*.hung.*"))) == 2, process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode not in (0, None), errors
    assert sorted(status.state for status in statuses(folder)) == ["lost", "lost", "waiting", "waiting"]


def test_code_that_has_changed_asks_for_another_plan(swept, tmp_path) -> None:
    folder, _ = swept
    plan = replace(Plan.read(folder), source_hash="another")
    plan.write(tmp_path)
    with pytest.raises(InputError, match="the code has changed since this sweep was planned; plan it again"):
        run_sweep(tmp_path)
    with pytest.raises(InputError, match="is no folder of a sweep, it lacks plan.json"):
        run_sweep(tmp_path / "absent")


def test_an_unknown_executor_names_the_nearest(swept) -> None:
    with pytest.raises(InputError, match="--executor slrm: is not known; did you mean 'slurm'?"):
        run_sweep(swept[0], "slrm")
    assert all(callable(workers_of(name)) for name in EXECUTORS)


def test_as_many_workers_as_fit_into_the_cores(monkeypatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "8")
    assert default_workers({}) == 8
    assert default_workers({"threads": 3}) == 2
    assert default_workers({"threads": 16}) == 1
    assert default_workers({"workers": 5, "threads": 4}) == 5
    monkeypatch.delenv("SLURM_CPUS_PER_TASK")
    assert default_workers({"threads": 1}) == len(os.sched_getaffinity(0))


def test_modules_of_users(tmp_path) -> None:
    good, bad = tmp_path / "good_module_of_a_user.py", tmp_path / "bad_module_of_a_user.py"
    good.write_text("VALUE = 1\n", encoding="utf-8")
    bad.write_text("import nothing_of_that_name\n", encoding="utf-8")
    load_modules([str(good), "json"])
    load_modules([str(good)])
    other = tmp_path / "elsewhere" / good.name
    other.parent.mkdir()
    other.write_text("", encoding="utf-8")
    with pytest.raises(InputError) as wrong:
        load_modules([str(bad), "absent_module", str(other)])
    messages = [problem.message for problem in wrong.value.problems]
    assert "No module named 'nothing_of_that_name'" in messages[0] and "'absent_module'" in messages[1]
    assert "another module is named 'good_module_of_a_user' already" in messages[2]


@pytest.mark.parametrize(
    ("counts", "line", "status"),
    [
        (
            Counts(200, 198, 12, 0, 1, 1),
            "200 runs: 198 finished (12 were there already), 1 failed, 1 over its time limit",
            1,
        ),
        (Counts(4, 4, 1, 2), "4 runs: 4 finished (1 was there already, 2 by another process)", 0),
        (
            Counts(5, 1, overdue=2, waiting=2, stopped="the disk is full"),
            "5 runs: 1 finished, 2 over their time limit, 2 waiting; the disk is full",
            1,
        ),
        (Counts(2, 1, interrupted=1, by_signal=True), "2 runs: 1 finished, 1 interrupted", 130),
    ],
)
def test_one_clear_line(counts: Counts, line: str, status: int) -> None:
    assert str(counts) == line and counts.exit_status == status


def test_progress_in_lines_where_there_is_no_terminal(capsys, monkeypatch) -> None:
    from tumorabm.sweep import progress

    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with SweepProgress("grid", 10) as shown:
        shown.update(done=2, already=2, failed=0, running=2, elsewhere=0)
        clock[0] += 31.0
        shown.update(done=3, already=2, failed=1, running=2, elsewhere=1)
        shown.update(done=4, already=2, failed=1, running=2, elsewhere=1)
        shown.say("a word")
    line = "grid: 3/10 done, 2 running, 1 elsewhere, 1 failed, 3 min 37 s left"
    assert capsys.readouterr().err == f"{line}\na word\n"
    with SweepProgress("grid", 10, quiet=True) as shown:
        clock[0] += 1000.0
        shown.update(done=3, already=2, failed=1, running=2, elsewhere=1)
    assert capsys.readouterr().err == ""


def test_times_in_words() -> None:
    assert [time_text(s) for s in (0.2, 59.4, 60.0, 125.0, 7825.0, 86400.0 * 3 + 3600.0)] == [
        "0 s",
        "59 s",
        "1 min",
        "2 min 5 s",
        "2 h 10 min",
        "3 d 1 h",
    ]
