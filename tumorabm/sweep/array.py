"""A sweep as an array job of Slurm: a plain script, for sites where a process that schedules is unwelcome.

Each task of the array takes its share of the plan's runs. It needs nothing but the sweep's folder, and nothing runs
between the tasks: what is done and what is left is told by the folder. So the same script may be submitted again after
an interruption, or with ``--array`` for some of the tasks, as often as needed.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorabm.errors import InputError
from tumorabm.recording.atomic import write_text
from tumorabm.sweep.executors.job import Job, environment, log_folder, output_option
from tumorabm.sweep.plan import Plan

if TYPE_CHECKING:
    from tumorabm.sweep.loop import Counts

SCRIPT: Final = "array.sh"
CPUS: Final = "SLURM_CPUS_PER_TASK"
_MOST_TASKS: Final = 1000  # Slurm's own limit of an array's size (MaxArraySize) is 1001 unless a site changes it


def emit_array(folder: str | Path, tasks: int | None = None, at_once: int | None = None) -> Path:
    """Write the script of an array job that carries out a sweep.

    Parameters
    ----------
    folder : str or Path
        The sweep's folder, prepared.
    tasks : int, optional
        Size of the array; otherwise ``resources.tasks``, or one task per run that fits into it.
    at_once : int, optional
        How many of them may go at the same time; otherwise ``resources.workers``, or as many as the site allows.

    Returns
    -------
    Path
        ``array.sh`` in the folder.

    Raises
    ------
    InputError
        If there is no plan in the folder, or its resources contradict each other.
    """
    folder = Path(folder).resolve()
    plan = Plan.read(folder)
    job = Job.of(plan.resources)
    runs = len(plan.runs)
    wanted = tasks or plan.resources.get("tasks") or -(-runs // job.runs_at_once)
    size = max(1, min(int(wanted), runs, _MOST_TASKS))
    path = folder / SCRIPT
    write_text(path, _script(plan, job, folder, size, at_once or plan.resources.get("workers")))
    path.chmod(0o755)
    return path


def _script(plan: Plan, job: Job, folder: Path, size: int, at_once: int | None) -> str:
    limit = f"%{at_once}" if at_once and at_once < size else ""
    options = [
        f"--job-name={plan.name}",
        f"--array=0-{size - 1}{limit}",
        *job.options(),
        output_option(log_folder(folder), "%A_%a.txt"),
        f"--signal=B:TERM@{job.warning}",
    ]
    command = [sys.executable, "-m", "tumorabm.cli", "sweep", str(folder)]
    lines = [
        "#!/bin/bash",
        f"# {len(plan.runs)} runs of the sweep {plan.name} in {size} tasks. Submit it with sbatch; submitted again, it",
        "# does only what is left. What is done: tumorabm sweep FOLDER --status",
        *(f"#SBATCH {option}" for option in options),
        *environment(),
        *job.prologue,
        "# In place of the shell, which is what Slurm tells when the time is nearly over.",
        f'exec {shlex.join(command)} --task "$SLURM_ARRAY_TASK_ID" --of {size}',
    ]
    return "\n".join(lines) + "\n"


def run_task(folder: str | Path, task: int, of: int, *, retry_failed: bool = False) -> Counts:
    """Carry out one share of a sweep's runs, as many at once as fit into the cores that Slurm gave the task.

    A signal, such as Slurm's before the time is over, lets them write checkpoints.

    Parameters
    ----------
    folder : str or Path
        The sweep's folder, prepared.
    task, of : int
        Which share, of how many.
    retry_failed : bool
        Try again what was left as failed.

    Returns
    -------
    Counts
        Of the share.

    Raises
    ------
    InputError
        If there is no such share, or no room for a run.
    """
    from tumorabm.sweep.loop import run_sweep

    plan = Plan.read(folder)
    return run_sweep(
        folder,
        "local",
        runs_at_once(plan.resources),
        retry_failed=retry_failed,
        progress=False,
        indices=share(len(plan.runs), task, of),
    )


def share(runs: int, task: int, of: int) -> range:
    """Which runs a task takes: every ``of``-th, so that costly ends of a range are spread.

    Raises
    ------
    InputError
        If there is no such task.
    """
    if of < 1 or not 0 <= task < of:
        raise InputError(f"--task {task} --of {of}: tasks are counted from 0 to {max(of, 1) - 1}")
    return range(task, runs, of)


def runs_at_once(resources: Mapping[str, Any]) -> int:
    """How many runs this task has room for: in the cores that Slurm gave it, or in those of the sweep's resources.

    Raises
    ------
    InputError
        If not even one.
    """
    given = os.environ.get(CPUS)
    job = Job.of({**resources, "cores": int(given)} if given else resources)
    return job.runs_at_once
