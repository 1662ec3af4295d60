"""Workers of dask: processes on this machine, or those of a scheduler that runs already.

A worker takes one run at a time, in a process of its own that dask starts again if it dies. What becomes of a run is
decided by ``worker.execute`` alone, so that dask needs to know no more than a folder and a number, and nothing is lost
with it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from tumorabm.errors import InputError
from tumorabm.sweep.executors.job import thread_settings
from tumorabm.sweep.worker import stop, take_new_runs

if TYPE_CHECKING:
    from distributed import Client

    from tumorabm.sweep.plan import Plan

SCHEDULER: Final = "TUMORABM_DASK_SCHEDULER"
PRELOAD: Final = "tumorabm.sweep.executors.dask_worker"
_ANSWER: Final = "30s"  # within which a scheduler has to answer
_PATIENCE: Final = 60.0  # seconds in which a run that is asked to stop may finish its step and write

# Set before anything of dask starts. A run whose worker died is not given to another one behind the back of the loop,
# which counts attempts. A worker has one run and none in reserve, so that its death hits no other. Memory is what a run
# needs, not what dask could spill: it is the batch system's to limit.
_SETTINGS: Final = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,
    "distributed.deploy.lost-worker-timeout": "5s",  # until a job that has ended is replaced
    "distributed.admin.tick.limit": "60s",  # a kernel may hold the interpreter for a while
}


class DaskPool(Executor):
    """The workers of a client as an executor.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._inner = client.get_executor(pure=False)
        self._futures: weakref.WeakSet[Future[Any]] = weakref.WeakSet()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function in one of the workers."""
        future: Future[Any] = self._inner.submit(fn, *args, **kwargs)
        self._futures.add(future)
        return future

    def interrupt(self) -> None:
        """Let runs write checkpoints and end."""
        self.client.run(stop, on_error="ignore")

    def leave(self, patience: float = _PATIENCE) -> None:
        """Wait for what is under way, as long as a checkpoint may take; then for nothing."""
        if self.client.scheduler_info()["workers"]:
            wait(list(self._futures), timeout=patience)
        self.shutdown(wait=False)
        with contextlib.suppress(OSError):  # workers that others started go on, with other sweeps
            self.client.run(take_new_runs, on_error="ignore")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; wait for what is under way, or forget it."""
        self._inner.shutdown(wait=wait and not cancel_futures)


@contextmanager
def dask_workers(plan: Plan, workers: int, options: Mapping[str, Any]) -> Iterator[DaskPool]:
    """Workers of a scheduler whose address is given, otherwise as many processes here as asked for.

    Parameters
    ----------
    plan : Plan
        Its resources may name a ``scheduler``; so may the environment, as TUMORABM_DASK_SCHEDULER.
    workers : int
        How many processes, where they are started here.
    options : mapping
        Resources that replace the plan's.

    Raises
    ------
    InputError
        If dask is not installed, or the scheduler does not answer.
    """
    distributed = imported("distributed")
    address = options.get("scheduler") or plan.resources.get("scheduler") or os.environ.get(SCHEDULER)
    with contextlib.ExitStack() as stack:
        stack.enter_context(settings())
        if address:
            try:
                client = stack.enter_context(distributed.Client(address, timeout=_ANSWER, set_as_default=False))
            except (OSError, ValueError) as error:
                raise InputError(f"--executor dask: no scheduler answers at {address} ({error})") from None
        else:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="dask-", ignore_cleanup_errors=True))
            threads = int(options.get("threads") or plan.resources.get("threads") or 1)
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,  # takes one run at a time
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # any port: other sweeps may go on here
                    scheduler_kwargs={"dashboard": False},
                    worker_dashboard_address=None,
                    memory_limit=0,
                    local_directory=scratch,
                    preload=[PRELOAD],
                    env=thread_settings(threads),
                    silence_logs="CRITICAL",  # what ends a worker is told by the loop
                )
            )
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
        yield from used(DaskPool(client))


def used(pool: DaskPool) -> Iterator[DaskPool]:
    """Give the pool to who asked for it, and leave nothing under way behind."""
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


@contextmanager
def settings() -> Iterator[None]:
    """Dask as a sweep needs it, and as it was afterwards."""
    import dask

    with dask.config.set(_SETTINGS):
        yield


def imported(name: str) -> ModuleType:
    """A package of the extra ``hpc``.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f'this executor needs {error.name}: pip install "tumorabm[hpc]"') from None
