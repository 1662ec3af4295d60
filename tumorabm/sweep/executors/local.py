"""A pool of processes on this machine, with nothing to install."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any, Final

from tumorabm.sweep.modules import load_modules

if TYPE_CHECKING:
    from tumorabm.sweep.plan import Plan

_PATIENCE: Final = 60.0  # seconds in which a worker that is asked to stop may finish its step and write
_THREADS: Final = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LocalPool(ProcessPoolExecutor):
    """Workers that outlive neither their parent nor a request to stop.

    Parameters
    ----------
    workers : int
    threads : int
        Of each.
    modules : sequence of str
        Of users, imported before anything else.
    """

    def __init__(self, workers: int, threads: int = 1, modules: tuple[str, ...] = ()) -> None:
        self._context = _Context(threads)
        super().__init__(workers, mp_context=self._context, initializer=_begin, initargs=(modules,))

    def interrupt(self) -> None:
        """Let every worker finish its step, write a checkpoint and leave, which breaks the pool."""
        for process in self._context.started:
            if process.is_alive():
                process.terminate()

    def leave(self, patience: float = _PATIENCE) -> None:
        """Wait until no worker is left; one that takes too long is killed."""
        self.shutdown(wait=False, cancel_futures=True)
        waiting = [process for process in self._context.started if process.is_alive()]
        while waiting and wait([process.sentinel for process in waiting], timeout=patience):
            waiting = [process for process in waiting if process.is_alive()]
        for process in waiting:
            process.kill()


@contextmanager
def local_workers(plan: Plan, workers: int, options: Mapping[str, Any]) -> Iterator[LocalPool]:
    """Processes of this machine, each with the threads that the plan gives a run."""
    threads = int(options.get("threads") or plan.resources.get("threads") or 1)
    pool = LocalPool(workers, threads, tuple(plan.resources.get("modules", ())))
    try:
        yield pool
    except KeyboardInterrupt:
        pool.leave(patience=0.0)
        raise
    except BaseException:
        pool.interrupt()
        pool.leave()
        raise
    pool.leave()


class _Process(SpawnProcess):
    """A process that begins with its number of threads, and deaf to Ctrl-C, which is its parent's business."""

    threads = 1

    def start(self) -> None:
        settings = {name: str(self.threads) for name in _THREADS} | {"OMP_WAIT_POLICY": "passive"}
        before = {name: os.environ.get(name) for name in settings}
        # A blocked signal stays blocked in a child; ours comes when it is unblocked.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
        os.environ.update(settings)
        try:
            super().start()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _Context(SpawnContext):
    """Makes such processes and remembers them."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self.started: list[_Process] = []

    def Process(self, *args: Any, **kwargs: Any) -> _Process:  # type: ignore[override]
        process = _Process(*args, **kwargs)
        process.threads = self._threads
        self.started.append(process)
        return process


def _begin(modules: tuple[str, ...]) -> None:
    """In a new worker: leave with the parent, whatever ends it, and import what users register."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, name="parent", daemon=True).start()
    load_modules(modules)


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        with contextlib.suppress(OSError):
            os.kill(os.getpid(), signal.SIGTERM)
