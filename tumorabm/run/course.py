"""The course of a run: the loop over steps, with records and checkpoints when they are due."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from tumorabm.errors import InputError
from tumorabm.recording.interrupt import Interrupt
from tumorabm.recording.progress import Progress, compilation_announced
from tumorabm.recording.recorder import Recorder
from tumorabm.recording.writer import RunWriter
from tumorabm.run.bounds import UNBOUND, Bounds
from tumorabm.step import advance

if TYPE_CHECKING:
    from tumorabm.config import Experiment
    from tumorabm.processes.process import Process
    from tumorabm.tissue.tissue import Tissue

# Frames wait in memory for their segment; beyond this a checkpoint is written early.
_FRAMES_IN_MEMORY: Final = 256 * 2**20


class RunStopped(Exception):
    """A run ended before its time.

    Attributes
    ----------
    folder : Path
        What it left: everything up to its last checkpoint, or to its end if it was interrupted.
    """

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(message)
        self.folder = folder


class RunFailed(RunStopped):
    """A step or the disk failed (exit status 1)."""


class RunInterrupted(RunStopped):
    """Ctrl-C or SIGTERM: what was computed is written (exit status 130)."""


class RunOverdue(RunFailed):
    """It took longer than it may: what was computed is written."""


class RunTaken(RunStopped):
    """Another process has taken the run over: nothing more is written by this one."""


@dataclass(frozen=True)
class Plan:
    """When a run does what, in steps."""

    dt: float
    every: int
    frames: int
    checkpoint: int
    keep: frozenset[int]
    end: int

    @classmethod
    def of(cls, experiment: Experiment) -> Plan:
        """Intervals of an experiment in its steps.

        Raises
        ------
        InputError
            If one is no multiple of the time step.
        """
        dt, record = experiment.time_step, experiment.record
        return cls(
            dt=dt,
            every=steps_in(record.every, dt, "record.every"),
            frames=steps_in(record.frames, dt, "record.frames") if record.frames else 0,
            checkpoint=steps_in(record.checkpoint, dt, "record.checkpoint"),
            keep=frozenset(steps_in(hours, dt, "record.keep") for hours in record.keep),
            end=steps_in(experiment.burn_in + experiment.duration, dt, "burn_in + duration"),
        )


def steps_in(hours: float, dt: float, name: str) -> int:
    """A time as a number of steps.

    Raises
    ------
    InputError
        If it is no multiple of the step.
    """
    steps = round(hours / dt)
    if abs(steps * dt - hours) > 1e-9 * max(hours, dt):
        raise InputError(f"{name}: {hours:g} h is no multiple of the time step of {dt:g} h")
    return steps


@dataclass
class Course:
    """A run under way: everything the loop needs."""

    experiment: Experiment
    writer: RunWriter
    tissue: Tissue
    processes: Sequence[Process]
    recorder: Recorder
    plan: Plan
    quiet: bool
    committed: int = field(default=-1)
    bounds: Bounds = UNBOUND

    def go(self) -> Path:
        """Advance to the end, write what is due on the way, and make run.h5.

        Raises
        ------
        RunInterrupted, RunFailed, RunTaken
        """
        experiment, tissue, plan = self.experiment, self.tissue, self.plan
        end = plan.end * plan.dt
        progress = Progress(experiment.name, end, experiment.burn_in, experiment.regimens(), self.quiet)
        with progress, compilation_announced(progress), Interrupt() as interrupt:
            try:
                if self.committed < 0:
                    self.recorder.observe(tissue)
                    self._commit()
                while tissue.step_number < plan.end and not (interrupt.requested or self.bounds.reached):
                    self._step()
                    step = tissue.step_number
                    kept = step in plan.keep
                    full = self.recorder.nbytes > _FRAMES_IN_MEMORY
                    if kept or full or step % plan.checkpoint == 0:
                        self._commit(kept)
                    progress.update(tissue.hours, self.recorder.latest)
                if tissue.step_number > self.committed:
                    self._commit()
                if tissue.step_number < plan.end:
                    self._end_early(interrupt.requested)
                self._check_ours()
                self.writer.consolidate(tissue.step_number)
            except OSError as error:
                raise self._disk_failed(error) from error
        self.writer.end("finished", tissue)
        return self.writer.path

    def _end_early(self, interrupted: bool) -> NoReturn:
        where = f"day {self.tissue.hours / 24:g}"
        if interrupted or self.bounds.stopping():
            self.writer.end("interrupted", self.tissue)
            raise RunInterrupted(f"interrupted at {where}", self.writer.path)
        message = f"{self.bounds.overdue_message} at {where}"
        self.writer.end("failed", self.tissue, message)
        raise RunOverdue(message, self.writer.path)

    def _step(self) -> None:
        tissue = self.tissue
        before = tissue.step_number
        try:
            advance(tissue, self.processes, self.plan.dt)
            wrong = tissue.not_a_number()
            if wrong:
                raise ArithmeticError(f"{wrong} is not a number")
            self.recorder.observe(tissue)
        except (ArithmeticError, ValueError, LookupError, RuntimeError) as error:
            # The state is in the middle of a step: no checkpoint, but what was recorded before is for readers.
            self._check_ours()
            tissue.step_number, tissue.hours = before, before * self.plan.dt
            self.writer.rescue(self.recorder.take(tissue))
            message = f"step {before} (day {tissue.hours / 24:g}): {error}"
            self.writer.end("failed", tissue, message)
            raise RunFailed(message, self.writer.path) from error

    def _commit(self, keep: bool = False) -> None:
        self._check_ours()
        records = self.recorder.take(self.tissue)
        self.writer.commit(self.tissue, records, keep)
        self.committed = self.tissue.step_number

    def _check_ours(self) -> None:
        if self.bounds.taken():
            raise RunTaken("another process has taken this run over", self.writer.path)

    def _disk_failed(self, error: OSError) -> RunFailed:
        day = max(self.committed, 0) * self.plan.dt / 24
        message = f"{what_failed(error)}; everything up to day {day:g} is safe, make room and resume"
        self.writer.end("failed", self.tissue, message)
        return RunFailed(message, self.writer.path)


def what_failed(error: OSError) -> str:
    """A failure to write in words."""
    return "the disk is full" if error.errno == errno.ENOSPC else f"writing failed ({error})"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a failure to write a run's folder, outside its course, into a failed run."""
    try:
        yield
    except OSError as error:
        raise RunFailed(f"{folder}: {what_failed(error)}", folder) from error
