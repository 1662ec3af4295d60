"""Where the runs of a sweep are carried out: one file and one line each.

An executor is made of the plan, the number of workers and options (what the plan's resources have, replaced by the
command line, ``folder``, and ``stopping``, which tells whether a signal came while workers are waited for), and is a
context that gives a ``concurrent.futures.Executor`` whose workers are processes. It may have two methods more:
``interrupt()``, upon which workers write checkpoints and end; and ``leave()``, which waits for that and then for
nothing. If it breaks, it is left and made again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tumorabm.errors import InputError, nearest

if TYPE_CHECKING:
    from tumorabm.sweep.plan import Plan

    MakeWorkers = Callable[[Plan, int, Mapping[str, Any]], AbstractContextManager[Executor]]

# By name: module and function. Imported when asked for, since some need packages that are not always there.
EXECUTORS: Final[dict[str, tuple[str, str]]] = {
    "local": ("tumorabm.sweep.executors.local", "local_workers"),
    "dask": ("tumorabm.sweep.executors.dask", "dask_workers"),
    "slurm": ("tumorabm.sweep.executors.slurm", "slurm_workers"),
}


def workers_of(name: str) -> MakeWorkers:
    """What makes the workers of an executor.

    Raises
    ------
    InputError
        If there is no such executor.
    """
    if name not in EXECUTORS:
        raise InputError(f"--executor {name}: is not known{nearest(name, EXECUTORS)}")
    module, function = EXECUTORS[name]
    made: MakeWorkers = getattr(import_module(module), function)
    return made


def default_workers(resources: Mapping[str, Any]) -> int:
    """How many runs at once: as asked for, else as many as fit into the cores that this process may use."""
    if resources.get("workers"):
        return int(resources["workers"])
    given = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if given.isdigit():
        cores = int(given)
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(resources.get("threads") or 1))
