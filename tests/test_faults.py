"""A full disk, damaged folders and failing steps stop a run with a message; what was recorded stays."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import h5py
import pytest
from same_data import same
from short_run import SHORT, command, data, short, signal_at, told

from tumorabm.errors import InputError
from tumorabm.recording.layout import FORMAT
from tumorabm.recording.run_folder import RunFolder
from tumorabm.run import RunFailed, RunInterrupted, branch, consolidate, course, resume, run_experiment


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return run_experiment(short(), tmp_path_factory.mktemp("whole"), quiet=True)


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


def every_file_opens(folder: Path) -> int:
    files = list(folder.rglob("*.h5"))
    for path in files:
        with h5py.File(path) as file:
            assert file.attrs["tumorabm_format"] == FORMAT
    return len(files)


@pytest.mark.parametrize("share", [0.35, 0.6, 0.85])
def test_a_full_disk_stops_the_run_with_a_message(whole, small_disk, tmp_path, share) -> None:
    """A disk that holds a share of what the whole run leaves behind."""
    disk, resize = small_disk
    (tmp_path / "short.yaml").write_text(SHORT, encoding="utf-8")
    needed = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    resize(round(share * needed / 1024))
    done = command("run", tmp_path / "short.yaml", "--out", disk, "--json")
    assert done.returncode == 1, done.stderr
    assert "the disk is full; everything up to day" in done.stderr
    assert "Traceback" not in done.stderr
    path = Path(told(done)["run"])
    assert every_file_opens(path) > 1
    before = data(path)
    same(before, data(whole).until(before.to_step))
    resize(65536)
    again = command("resume", path, "--json")
    assert again.returncode == 0, again.stderr
    assert told(again)["status"] == "finished"
    same(data(path), data(whole))


def test_a_disk_that_is_full_from_the_beginning(small_disk, tmp_path) -> None:
    disk, resize = small_disk
    (tmp_path / "short.yaml").write_text(SHORT, encoding="utf-8")
    resize(8)
    done = command("run", tmp_path / "short.yaml", "--out", disk, "--json")
    assert done.returncode == 1, done.stderr
    assert "the disk is full" in done.stderr and "Traceback" not in done.stderr
    assert told(done)["status"] == "failed"
    resize(65536)
    again = command("run", tmp_path / "short.yaml", "--out", disk, "--json")
    assert again.returncode == 0, again.stderr


def test_a_disk_that_fills_at_the_consolidation_loses_nothing(whole, tmp_path, monkeypatch) -> None:
    from tumorabm.recording import segments

    write_records = segments.write_records

    def full(path, records, kind):
        if kind == "run":
            raise OSError(28, "No space left on device")
        write_records(path, records, kind)

    with monkeypatch.context() as patch:
        patch.setattr(segments, "write_records", full)
        with pytest.raises(RunFailed, match="the disk is full; everything up to day 10 is safe") as failed:
            run_experiment(short(), tmp_path, quiet=True)
        with pytest.raises(RunFailed, match="the disk is full"):
            consolidate(failed.value.folder)
    path = failed.value.folder
    assert not (path / "run.h5").exists()
    same(data(path), data(whole))
    resume(path, quiet=True)
    assert (path / "run.h5").exists()
    same(data(path), data(whole))


def test_a_failing_step_names_itself_and_keeps_what_was_recorded(whole, tmp_path, monkeypatch) -> None:
    advance = course.advance

    def failing(tissue, processes, dt):
        if tissue.step_number == 40:
            raise RuntimeError("oxygen: did not converge, residual 0.1")
        advance(tissue, processes, dt)

    with monkeypatch.context() as patch:
        patch.setattr(course, "advance", failing)
        with pytest.raises(RunFailed, match=r"step 40 \(day 3.33.*oxygen: did not converge, residual 0.1") as failed:
            run_experiment(short(), tmp_path, quiet=True)
    path = failed.value.folder
    folder = RunFolder(path)
    assert folder.status == "failed" and "did not converge" in folder.provenance["message"]
    same(data(path), data(whole).until(40))
    resume(path, quiet=True)
    same(data(path), data(whole))


@pytest.fixture
def interrupted(tmp_path, monkeypatch) -> Path:
    with signal_at(monkeypatch, [50]), pytest.raises(RunInterrupted) as stopped:
        run_experiment(short(), tmp_path, quiet=True)
    return stopped.value.folder


def test_a_damaged_checkpoint_is_replaced_by_the_one_before(whole, interrupted) -> None:
    (interrupted / "checkpoint.h5").write_bytes(b"not HDF5")
    resume(interrupted, quiet=True)
    assert RunFolder(interrupted).provenance["sessions"][-1]["from_step"] == 48  # the kept time, 4 d
    same(data(interrupted), data(whole))
    events = [json.loads(line)["event"] for line in (interrupted / "log.jsonl").read_text().splitlines()]
    assert "unreadable" in events


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def both_checkpoints(run: Path) -> None:
    truncate(run / "checkpoint.h5")
    truncate(run / "checkpoint-previous.h5")


def foreign_checkpoint(run: Path) -> None:
    for name in ("checkpoint.h5", "checkpoint-previous.h5"):
        with h5py.File(run / name, "w") as file:
            file["x"] = 1.0


def other_experiment(run: Path) -> None:
    path = run / "experiment.yaml"
    path.write_text(path.read_text().replace("seed: 5", "seed: 6"))


def broken_experiment(run: Path) -> None:
    path = run / "experiment.yaml"
    path.write_text(path.read_text().replace("seed:", "sed:"))


def first_segment(run: Path) -> None:
    truncate(min((run / "segments").glob("*.h5")))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (both_checkpoints, "checkpoint.h5: cannot be read, it is damaged, truncated or no HDF5 file"),
        (foreign_checkpoint, "checkpoint.h5: is an HDF5 file, but not one of tumorabm"),
        (other_experiment, "belongs to another configuration than experiment.yaml beside it"),
        (broken_experiment, "unknown key; did you mean 'seed'"),
        (lambda run: (run / "provenance.json").write_text("{"), "provenance.json: cannot be read"),
        (lambda run: (run / "experiment.yaml").unlink(), "is no run folder"),
    ],
)
def test_a_folder_that_cannot_be_resumed_says_why(interrupted, damage, message) -> None:
    damage(interrupted)
    done = command("resume", interrupted)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_segment_is_named_by_readers(interrupted) -> None:
    first_segment(interrupted)
    for action in (lambda: data(interrupted), lambda: consolidate(interrupted), lambda: branch(interrupted, "1 d")):
        with pytest.raises(InputError, match=r"segments.*0000000000.h5: cannot be read, it is damaged"):
            action()
