"""One run of a sweep, carried out in any process of any node: all that it needs is the sweep's folder and a number."""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import functools
import math
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorabm.errors import InputError
from tumorabm.recording.interrupt import Interrupt
from tumorabm.recording.provenance import now
from tumorabm.recording.run_folder import STATUS, RunFolder
from tumorabm.recording.writer import RunBusy
from tumorabm.run import Bounds, RunFailed, RunInterrupted, RunTaken, parts, resume, run_experiment
from tumorabm.run.course import what_failed
from tumorabm.sweep.attempts import Claim
from tumorabm.sweep.modules import load_modules
from tumorabm.sweep.plan import PLAN, Plan, PlannedRun
from tumorabm.sweep.planning import experiment_of
from tumorabm.sweep.status import Status, claim, damage, definition, results_size, told
from tumorabm.sweep.summaries import summarize

if TYPE_CHECKING:
    from tumorabm.config import Experiment

_TRACEBACK: Final = 20_000  # characters, from the end
_SIGTERM_STATUS: Final = 143
# Seconds after its time in which a run may end by itself: as many as its limit, within these.
_GRACE: Final = (2.0, 60.0)
_BUSY: Final = 5.0  # seconds to wait where another process has a run's files open
_WARM_STEPS: Final = 24  # of the run that compiles kernels

# Of the file system, not of the run.
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)

_stopping = threading.Event()
_loaded: set[str] = set()  # sweeps whose kernels this process has


def stop() -> None:
    """Let runs of this process write a checkpoint and end as interrupted, and begin no others."""
    _stopping.set()


def take_new_runs() -> None:
    """Begin runs again after ``stop``, in a process that goes on when a sweep ends."""
    _stopping.clear()


def failures_allowed(plan: Plan) -> int:
    """How often a run may fail before it is left: once, and as often as it is to be retried."""
    return 1 + int(plan.resources.get("retries", 1))


def execute(
    folder: str, index: int, allowed: int | None = None, own_process: bool = False, identity: str = ""
) -> dict[str, Any]:
    """Carry out a run, or what is left of it.

    Parameters
    ----------
    folder : str
        Of the sweep.
    index : int
        Number of the run in the plan.
    allowed : int, optional
        A run that has failed so often is left as it is. By default one more than the plan's ``retries``.
    own_process : bool
        The process is there for this only: it may be ended when a run hangs past its time limit, and ends itself
        after a signal.
    identity : str
        Of the plan that the run is taken from.

    Returns
    -------
    dict
        ``run_id``, ``state`` (of the run, or ``held`` if another process is at it), ``message``, ``seconds`` of this
        attempt, ``failures``, ``disk``: whether it ended because nothing can be written, and ``tried``: whether this
        call had the run; if not, and it is finished, another process has finished it.

    Raises
    ------
    InputError
        If the folder holds another plan by now, or code or files have changed so that this is another run. Nothing has
        been written then, and no run has failed.
    """
    plan = plan_of(folder)
    if identity not in ("", plan.identity):
        raise InputError(f"{folder}: another call has replaced the plan of this sweep; give the command again")
    planned = plan.runs[index]
    load_modules(plan.resources.get("modules", ()))
    if own_process:
        _load_kernels(folder, index)
    # A pool that breaks tells its workers to end, who may have been told already.
    with Interrupt(patient=own_process) as interrupt:
        work = _Work(
            Path(folder).resolve(),
            plan,
            planned,
            experiment_of(folder, planned),
            failures_allowed(plan) if allowed is None else allowed,
            own_process,
            lambda: interrupt.requested or _stopping.is_set(),
        )
        outcome = work.outcome()
    if interrupt.requested and own_process:
        # The pool's queues may be broken, and nobody waits for an answer: the status says how it ended.
        os._exit(_SIGTERM_STATUS)
    return outcome


def plan_of(folder: str | Path) -> Plan:
    """The plan of a sweep, read once per process unless it changes."""
    path = Path(folder) / PLAN
    return _plan(str(folder), path.stat().st_mtime_ns if path.is_file() else 0)


@functools.lru_cache(maxsize=2)
def _plan(folder: str, changed: int) -> Plan:
    return Plan.read(folder)


def get_ready(folder: str) -> None:
    """Load what every run needs, while another worker compiles or loads the kernels."""
    import numba  # noqa: F401

    import tumorabm.build  # noqa: F401

    plan_of(folder)


def _load_kernels(folder: str, index: int) -> None:
    """Before the first run of a process, whose time this is not to count for."""
    if folder not in _loaded:
        with contextlib.suppress(Exception):  # what is wrong with the run, the run says
            warm_up(folder, index)


def warm_up(folder: str, index: int = 0) -> dict[str, Any]:
    """Compile the kernels that a run needs, or load them, without writing anything but the cache.

    Returns
    -------
    dict
        ``compiled``: whether that was necessary; ``seconds``.
    """
    from tumorabm.recording.progress import Progress, compilation_announced
    from tumorabm.run.course import Plan as Course
    from tumorabm.step import advance

    began = time.monotonic()
    _loaded.add(folder)
    plan = plan_of(folder)
    load_modules(plan.resources.get("modules", ()))
    experiment = experiment_of(folder, plan.runs[index])
    parts.use_threads(int(plan.resources.get("threads", 1)))
    progress = Progress(experiment.name, 0.0, 0.0, (), quiet=True)
    with compilation_announced(progress) as compilation:
        tissue, processes = parts.build(experiment)
        recorder = parts.make_recorder(experiment, tissue, Course.of(experiment), -1)
        recorder.observe(tissue)
        steps = round((experiment.burn_in + experiment.duration) / experiment.time_step)
        for _ in range(min(_WARM_STEPS, steps) if compilation.said else 0):
            # What goes wrong here goes wrong in the run, which says so.
            with contextlib.suppress(ArithmeticError, ValueError, LookupError, RuntimeError):
                advance(tissue, processes, experiment.time_step)
    return {"compiled": compilation.said, "seconds": time.monotonic() - began}


@dataclass(frozen=True)
class _Work:
    """A run to be carried out."""

    folder: Path
    plan: Plan
    planned: PlannedRun
    experiment: Experiment
    allowed: int
    own_process: bool
    stopping: Callable[[], bool]

    @property
    def run(self) -> Path:
        return self.folder / self.planned.run_id

    @property
    def time_limit(self) -> float:
        return float(self.plan.resources.get("time_limit") or math.inf)

    def outcome(self) -> dict[str, Any]:
        """Take the run and carry it out, if it is to be had and wanted."""
        began = time.monotonic()
        disk = ""
        try:
            if self.stopping():
                held, status = None, told(self.folder, self.planned)
            else:
                limit = 0.0 if math.isinf(self.time_limit) else self.time_limit
                held, status = claim(self.folder, self.planned, self._wanted, time_limit=limit)
        except OSError as error:
            held, status, disk = None, Status(self.planned.run_id, self.planned.index), what_failed(error)
        if held is not None:
            status, disk = self._attempt(held, status)
        return {
            "run_id": self.planned.run_id,
            "state": "held" if status.state == "running" else status.state,
            "message": disk or status.message,
            "seconds": time.monotonic() - began,
            "failures": status.failures,
            "disk": bool(disk),
            "tried": held is not None,
        }

    def _wanted(self, status: Status) -> bool:
        if status.state == "finished":
            return status.summarized != definition(self.plan.summaries) or bool(damage(self.run, status))
        # One that was stopped while it was tried again goes on, however often it has failed before.
        return status.state != "failed" or status.failures < self.allowed

    def _attempt(self, held: Claim, before: Status) -> tuple[Status, str]:
        """How the run is after this attempt, and what is wrong with the disk."""
        status = replace(
            before,
            state="running",
            attempt=held.number,
            started=now(),
            ended="",
            host=socket.gethostname(),
            process=os.getpid(),
            message="",
            traceback="",
        )
        began = time.monotonic()
        said = False
        try:
            with held, self._watched(held):
                try:
                    status.write(self.run)
                    change, disk = self._ended(held, before)
                except RunTaken:
                    said = True  # by whoever has it now
                    return status, ""
                except OSError as error:
                    change, disk = {"state": "interrupted"}, what_failed(error)
                seconds = before.seconds + time.monotonic() - began
                status = replace(status, ended=now(), seconds=round(seconds, 3), **{"message": disk, **change})
                said = held.taken() or self._written(status)
        finally:
            if not said:
                held.let_go()
        return status, disk

    def _ended(self, held: Claim, before: Status) -> tuple[dict[str, Any], str]:
        """What an attempt changes of the status, and what is wrong with the disk."""
        try:
            self._go(held, before)
            summaries = summarize(RunFolder(self.run), self.plan.summaries)
            done = {"summaries": summaries, "summarized": definition(self.plan.summaries)}
            return {"state": "finished", "losses": 0, "size": results_size(self.run), **done}, ""
        except RunInterrupted as error:
            return {"state": "interrupted", "message": str(error)}, ""
        except RunTaken:
            raise
        except RunBusy as error:
            # Its holder is silent but still has the files open. Not the run's fault; not to be asked for at once.
            time.sleep(_BUSY)
            return {"state": "interrupted", "message": str(error)}, ""
        except Exception as error:
            known = isinstance(error, RunFailed | InputError)
            message = str(error) if known else f"{type(error).__name__}: {error}"
            cause = error.__cause__ if isinstance(error, RunFailed) and error.__cause__ else error
            if isinstance(cause, OSError) and cause.errno in _DISK:
                # Not the run's fault: it goes on as soon as there is room.
                return {"state": "interrupted", "message": message}, what_failed(cause)
            where = "".join(traceback.format_exception(cause))[-_TRACEBACK:]
            return {"state": "failed", "failures": before.failures + 1, "message": message, "traceback": where}, ""

    def _go(self, held: Claim, before: Status) -> None:
        """Start the run, or go on with it; nothing if all that is missing is that its status says so."""
        threads = int(self.plan.resources.get("threads", 1))
        bounds = Bounds(self.time_limit, self.stopping, held.taken)
        try:
            known = RunFolder(self.run).status
        except InputError:
            known = ""
        if known == "finished" and not damage(self.run, before):
            return
        if known not in ("", "finished") and parts.has_checkpoint(self.run):
            try:
                resume(self.run, threads=threads, quiet=True, bounds=bounds)
                return
            except RunBusy:
                raise
            except InputError as error:
                if isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK:
                    raise error.__cause__ from error  # the file system's moment, not damage: nothing is thrown away
                print(f"Note: {error}; the run begins again.", file=sys.stderr)
        run_experiment(self.experiment, self.folder.parent, threads=threads, force=True, quiet=True, bounds=bounds)

    def _written(self, status: Status) -> bool:
        """Whether the status could be written. On a full disk the old one makes room for it."""
        try:
            status.write(self.run)
            return True
        except OSError:
            with contextlib.suppress(OSError):
                (self.run / STATUS).unlink()
                status.write(self.run)
                return True
        return False

    @contextlib.contextmanager
    def _watched(self, held: Claim) -> Iterator[None]:
        """Let the interpreter say where it was if it crashes, and end it if it hangs past the limit of time."""
        if not self.own_process:
            yield
            return
        try:
            words = held.last_words_path.open("w", encoding="utf-8")
        except OSError:  # a full disk shows elsewhere
            yield
            return
        with words:
            faulthandler.enable(words)
            if not math.isinf(self.time_limit):
                low, high = _GRACE
                grace = min(max(self.time_limit, low), high)
                faulthandler.dump_traceback_later(self.time_limit + grace, exit=True, file=words)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
                faulthandler.disable()
                with contextlib.suppress(OSError):
                    held.last_words_path.unlink()
