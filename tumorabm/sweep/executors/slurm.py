"""Workers of dask in jobs of Slurm, by dask-jobqueue: submitted, replaced when they end, and canceled at the end.

The scheduler is in this process, which must stay. Workers connect to it over the site's network without a password; on
a network where others must not, use the script of ``--emit-array``, which opens no ports.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorabm.errors import InputError
from tumorabm.sweep.executors.dask import PRELOAD, DaskPool, imported, settings, used
from tumorabm.sweep.executors.job import Job, environment, exports, log_folder, output_option, thread_settings

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster

    from tumorabm.sweep.plan import Plan

_LOOK_EVERY: Final = 0.5  # seconds between looks for the first worker
_SUBMISSION: Final = 120.0  # seconds within which at least one job has to be submitted
_TAIL: Final = 1500  # characters of a job's output that a message shows


@contextmanager
def slurm_workers(plan: Plan, workers: int, options: Mapping[str, Any]) -> Iterator[DaskPool]:
    """As many workers as asked for, each in a job of its own.

    Parameters
    ----------
    plan : Plan
        Its resources say what a job asks for: threads, memory, walltime, partition, account, directives, prologue, and
        the network ``interface`` that nodes reach this machine by.
    workers : int
        How many jobs.
    options : mapping
        Resources that replace the plan's; the sweep's ``folder``, for what jobs print; ``stopping``.

    Raises
    ------
    InputError
        If dask-jobqueue is not installed, there is no Slurm, it refuses the jobs, or they all end before they work.
    """
    jobqueue, distributed = imported("dask_jobqueue"), imported("distributed")
    if shutil.which("sbatch") is None:
        raise InputError("--executor slurm: there is no sbatch here; is this a machine of a cluster?")
    resources = {**plan.resources, **options}
    logs = log_folder(resources["folder"])
    earlier = set(logs.iterdir())
    with settings():
        cluster: SLURMCluster = jobqueue.SLURMCluster(**_arguments(plan.name, resources, logs))
        # Closing it cancels its jobs.
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            _check(cluster.job_script())
            # Both bounds the same: a job that ends, at the end of its time or with its node, is replaced by another.
            cluster.adapt(minimum_jobs=workers, maximum_jobs=workers)
            _wait_for_a_worker(cluster, logs, earlier, resources.get("stopping", lambda: False))
            yield from used(DaskPool(client))


def _check(script: str) -> None:
    """Ask Slurm whether it would take a job like this; its refusal of a real one would only be logged."""
    done = subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"--executor slurm: Slurm refuses a job ({done.stderr.strip()}); see the sweep's resources")


def _arguments(name: str, resources: Mapping[str, Any], logs: Path) -> dict[str, Any]:
    """What makes the cluster. All options of sbatch are ours, none of a user's file of dask's."""
    job = Job.of({**resources, "cores": None})
    # In an orderly way before Slurm ends it, so that its run writes a checkpoint.
    lifetime = ["--lifetime", f"{job.walltime - job.warning:.0f}s"] if job.walltime else []
    return {
        "name": name,
        "cores": 1,  # runs at once in the one worker of a job
        "processes": 1,
        "memory": "1 GB",  # has to be said; the batch system limits it, by the options below
        "nanny": True,
        "python": sys.executable,
        "interface": resources.get("interface"),
        "worker_extra_args": ["--memory-limit", "0", "--no-dashboard", "--preload", PRELOAD, *lifetime],
        "job_directives_skip": ["#SBATCH"],
        "job_extra_directives": [f"--job-name={name}", output_option(logs, "%j.txt"), *job.options()],
        "job_script_prologue": [*environment(), *exports(thread_settings(job.threads)), *job.prologue],
        "scheduler_options": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        "silence_logs": "CRITICAL",
    }


def _wait_for_a_worker(cluster: SLURMCluster, logs: Path, earlier: set[Path], stopping: Callable[[], bool]) -> None:
    """Until one of the jobs works, which may take as long as the queue is; or all have ended, which is an error."""
    told = False
    began = time.monotonic()
    while not cluster.scheduler_info["workers"] and not stopping():
        jobs = [job.job_id for job in cluster.workers.values() if job.job_id]
        if jobs and not _queued(jobs) and not cluster.scheduler_info["workers"]:
            raise InputError(f"--executor slurm: the jobs ended before they began to work{_said(logs, earlier)}")
        if not jobs and time.monotonic() - began > _SUBMISSION:
            raise InputError(f"--executor slurm: Slurm has taken no job for {_SUBMISSION:g} s")
        if jobs and not told:
            print(f"Waiting for Slurm to start jobs: {', '.join(jobs)}", file=sys.stderr)
            told = True
        time.sleep(_LOOK_EVERY)


def _queued(jobs: list[str]) -> bool:
    """Whether any of the jobs is waiting or running."""
    command = ["squeue", "--noheader", "--format=%i", f"--jobs={','.join(jobs)}"]
    return bool(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())


def _said(logs: Path, earlier: set[Path]) -> str:
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(set(logs.iterdir()) - earlier)]
    text = next((text.strip() for text in texts if text.strip()), "")
    return f"; one of them said:\n{text[-_TAIL:]}" if text else ""
