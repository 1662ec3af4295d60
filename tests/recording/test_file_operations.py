"""A fault between any two file operations: nothing before the last checkpoint is lost, and every file opens."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import sys
from pathlib import Path

import h5py
import pytest
from same_data import same

from tumorabm.errors import InputError
from tumorabm.recording import atomic
from tumorabm.recording.layout import FORMAT
from tumorabm.recording.recorder import Recorder
from tumorabm.recording.records import Records
from tumorabm.recording.run_folder import RunFolder
from tumorabm.recording.segments import read_all
from tumorabm.recording.writer import RunWriter

CONSTANTS = {"hypoxic_threshold": 5.0}
OUTPUTS = ("tumor_cells", "lesion_diameter", "lesion_mean", "domain_quantiles")
FIRST, SECOND, LAST = 6, 12, 18


class Crash(BaseException):
    """The process ends here: nothing of ours runs after it."""


class Story:
    """A run of a tissue that needs no computing: what it is at a step follows from the step."""

    def __init__(self, make, folder: Path) -> None:
        self.tissue = make(shape=(1, 8, 9), radius=3.0)
        self.folder = folder
        self.recorder = self.new_recorder(-1)

    def new_recorder(self, from_step: int) -> Recorder:
        return Recorder(self.tissue, OUTPUTS, CONSTANTS, every=2, frames=3, from_step=from_step)

    def to(self, step: int) -> None:
        while self.tissue.step_number < step:
            self.tissue.step_number += 1
            number = self.tissue.step_number
            self.tissue.hours = 2.0 * number
            self.tissue.microenvironment["vegf_a"].concentration[:] = 0.01 * number
            self.tissue.cells["births"][:] = number
            self.tissue.ledger.book("oxygen", "source", 0.5)
            self.recorder.observe(self.tissue)

    def resume(self, writer: RunWriter) -> int:
        checkpoint = writer.restore()
        assert checkpoint is not None
        self.tissue.load(checkpoint.state)
        self.recorder = self.new_recorder(checkpoint.step)
        return checkpoint.step


def begin(story: Story) -> RunWriter:
    writer = RunWriter(story.folder)
    (story.folder / "experiment.yaml").write_text("name: story\n")
    writer.begin({"run_id": "x", "sentences": []}, "hash", 1, 0)
    story.recorder.observe(story.tissue)
    writer.commit(story.tissue, story.recorder.take(story.tissue))
    story.to(FIRST)
    writer.commit(story.tissue, story.recorder.take(story.tissue))
    return writer


def second_part(story: Story, writer: RunWriter) -> None:
    story.to(SECOND)
    writer.commit(story.tissue, story.recorder.take(story.tissue), keep=True)
    writer.consolidate(story.tissue.step_number)


@pytest.fixture
def reference(make, tmp_path):
    """Records of a run without faults."""
    story = Story(make, tmp_path / "reference")
    with begin(story) as writer:
        second_part(story, writer)
        story.to(LAST)
        writer.commit(story.tissue, story.recorder.take(story.tissue))
        return read_all(story.folder)


class Operations:
    """Counts file operations and lets one of them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.fail_at = 0
        self.fault: type[BaseException] = OSError
        for owner, name in ((os, "replace"), (os, "open"), (Path, "unlink")):
            monkeypatch.setattr(owner, name, self.watched(getattr(owner, name)))
        monkeypatch.setattr(os, "fsync", self.watched(lambda descriptor: None))  # counts, and costs no time

    def watched(self, function):
        def call(*args, **kwargs):
            self.count += 1
            if self.count == self.fail_at:
                self.fail_at = 0
                raise OSError(errno.EIO, "input/output error") if self.fault is OSError else self.fault()
            return function(*args, **kwargs)

        return call


@pytest.mark.parametrize(
    ("fault", "stride"), [(Crash, 1), (OSError, 3), pytest.param(OSError, 1, marks=pytest.mark.slow)]
)
def test_a_fault_at_any_operation_loses_nothing_before_it(
    make, tmp_path, monkeypatch, reference, fault, stride
) -> None:
    story = Story(make, tmp_path / "begun")
    begin(story).__exit__()
    state = story.tissue.state()
    operations = Operations(monkeypatch)
    total = 0
    number = 0
    while number <= total:  # the first round only counts
        story.folder = tmp_path / f"{number}"
        shutil.copytree(tmp_path / "begun", story.folder)
        story.tissue.load(state)
        story.recorder = story.new_recorder(FIRST)
        writer = RunWriter(story.folder)
        operations.count, operations.fail_at, operations.fault = 0, number, fault
        if number == 0:
            second_part(story, writer)
            total = operations.count
        else:
            with pytest.raises(fault):
                second_part(story, writer)
        writer._log.close()  # as the end of the process does, which also gives up the lock
        recover(story, reference, to_the_end=number % 4 == 0)
        number += stride
    assert total > 20


def recover(story: Story, reference: Records, to_the_end: bool = True) -> None:
    """After a fault every file opens, nothing up to the first checkpoint is lost, and the run goes on to its end."""
    for path in story.folder.rglob("*.h5"):
        with h5py.File(path) as file:
            assert file.attrs["tumorabm_format"] == FORMAT
    same(read_all(story.folder).until(FIRST), reference.until(FIRST))
    with RunWriter(story.folder) as writer:
        assert story.resume(writer) in (FIRST, SECOND)
        same(read_all(story.folder), reference.until(story.tissue.step_number))
        if not to_the_end:
            return
        if story.tissue.step_number == FIRST:
            second_part(story, writer)
        story.to(LAST)
        writer.commit(story.tissue, story.recorder.take(story.tissue))
    same(read_all(story.folder), reference)
    assert not list(story.folder.rglob(f"*{atomic.BESIDE}"))


@pytest.mark.parametrize("stride", [150, pytest.param(10, marks=pytest.mark.slow)])
def test_a_failing_write_is_an_error_and_no_crash_of_the_library(
    make, tmp_path, monkeypatch, reference, stride
) -> None:
    """Writes of HDF5 in turn fail, with all that follow, as on a full disk."""
    story = Story(make, tmp_path / "begun")
    begin(story).__exit__()
    state = story.tissue.state()
    left = 0

    class Full(atomic.Sink):
        def write(self, data):
            nonlocal left
            left -= 1
            if left < 0 and self.error is None:
                self.error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    monkeypatch.setattr(atomic, "Sink", Full)
    failures = 0
    for allowed in itertools.count(0, stride):
        story.folder = tmp_path / f"{allowed}"
        shutil.copytree(tmp_path / "begun", story.folder)
        story.tissue.load(state)
        story.recorder = story.new_recorder(FIRST)
        with RunWriter(story.folder) as writer:
            left = allowed
            try:
                second_part(story, writer)
            except OSError as error:
                assert error.errno == errno.ENOSPC
                failures += 1
            else:
                break
            left = sys.maxsize
        recover(story, reference)
    assert failures > 2


def test_a_damaged_latest_checkpoint_falls_back_to_the_previous_one(make, tmp_path, reference) -> None:
    story = Story(make, tmp_path / "run")
    with begin(story) as writer:
        second_part(story, writer)
    (story.folder / "checkpoint.h5").write_bytes(b"nonsense")
    with RunWriter(story.folder) as writer:
        assert story.resume(writer) == FIRST
        same(read_all(story.folder), reference.until(FIRST))  # run.h5 was ahead and is cut
        story.to(SECOND)
        writer.commit(story.tissue, story.recorder.take(story.tissue))
        story.to(LAST)
        writer.commit(story.tissue, story.recorder.take(story.tissue))
    same(read_all(story.folder), reference)


def test_without_a_readable_checkpoint_the_error_names_it(make, tmp_path) -> None:
    story = Story(make, tmp_path / "run")
    begin(story).__exit__()
    for name in ("checkpoint.h5", "checkpoint-previous.h5"):
        (story.folder / name).write_bytes(b"nonsense")
    with RunWriter(story.folder) as writer, pytest.raises(InputError, match="checkpoint.h5: cannot be read"):
        writer.restore()
    assert read_all(story.folder).to_step == FIRST  # what was recorded is still there


def test_one_process_writes_at_a_time(make, tmp_path) -> None:
    story = Story(make, tmp_path / "run")
    with begin(story), pytest.raises(InputError, match="another process is writing to this run"):
        RunWriter(story.folder)
    RunWriter(story.folder).__exit__()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is no run folder"),
        ("{", "cannot be read"),
        ("[]", "not the provenance"),
        ('{"a": 1}', "not the provenance"),
    ],
)
def test_a_folder_that_is_no_run_says_so(tmp_path, content, message) -> None:
    (tmp_path / "experiment.yaml").write_text("name: x\n")
    if content is not None:
        (tmp_path / "provenance.json").write_text(content)
    with pytest.raises(InputError, match=message):
        _ = RunFolder(tmp_path).status
    with pytest.raises(InputError, match="no such run folder"):
        RunFolder(tmp_path / "absent")
