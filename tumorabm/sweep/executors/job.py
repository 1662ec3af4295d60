"""What a job asks of Slurm, from the resources of a sweep; for the workers of dask and for arrays alike."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tumorabm import units
from tumorabm.errors import InputError

LOGS: Final = "slurm"  # folder of jobs' output in a sweep's folder

# A batch system may hand a job another environment than the shell that submitted it had.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "NUMBA_CACHE_DIR", "NUMBA_CPU_NAME")
_THREADS: Final = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_WARNING: Final = 120.0  # seconds before the end of its time in which a job is told to stop


@dataclass(frozen=True)
class Job:
    """What one job gets.

    Attributes
    ----------
    threads : int
        Cores of one run.
    cores : int
        Of the job, which has as many runs at once as fit into them.
    memory : float
        MiB of the job; 0 leaves it to the site.
    walltime : float
        Seconds; 0 leaves it to the site.
    partition, account : str
        Empty for the site's own choice.
    directives : tuple of str
        More options of sbatch, as they stand there.
    prologue : tuple of str
        Lines of a shell before the work.
    """

    threads: int = 1
    cores: int = 1
    memory: float = 0.0
    walltime: float = 0.0
    partition: str = ""
    account: str = ""
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()

    @classmethod
    def of(cls, resources: Mapping[str, Any]) -> Job:
        """The job that a sweep's resources describe.

        ``memory`` there is that of one run, ``cores`` and ``walltime`` are those of a job.

        Raises
        ------
        InputError
            If a job has less cores than a run has threads.
        """
        threads = int(resources.get("threads") or 1)
        cores = int(resources.get("cores") or threads)
        memory = resources.get("memory")
        if cores < threads:
            raise InputError(f"resources: a job of {cores} cores cannot hold a run of {threads} threads")
        return cls(
            threads=threads,
            cores=cores,
            memory=units.quantity(memory, "MiB") * (cores // threads) if memory else 0.0,
            walltime=float(resources.get("walltime") or 0.0),
            partition=str(resources.get("partition") or ""),
            account=str(resources.get("account") or ""),
            directives=tuple(resources.get("directives") or ()),
            prologue=tuple(resources.get("prologue") or ()),
        )

    @property
    def runs_at_once(self) -> int:
        """How many runs fit into the job."""
        return self.cores // self.threads

    @property
    def warning(self) -> int:
        """Seconds before the end of its time in which the job is told to stop, so that runs write checkpoints."""
        return math.ceil(min(_WARNING, self.walltime / 4) if self.walltime else _WARNING)

    def options(self) -> list[str]:
        """Options of sbatch."""
        options = ["--ntasks=1", f"--cpus-per-task={self.cores}"]
        options += [f"--mem={math.ceil(self.memory)}M"] if self.memory else []
        options += [f"--time={clock(self.walltime)}"] if self.walltime else []
        options += [f"--partition={self.partition}"] if self.partition else []
        options += [f"--account={self.account}"] if self.account else []
        return [*options, *self.directives]


def clock(seconds: float) -> str:
    """A time as Slurm reads it, in whole minutes, rounded up: ``days-hours:minutes:00``.

    Examples
    --------
    >>> clock(90000)
    '1-01:00:00'
    """
    minutes = math.ceil(seconds / 60)
    days, minutes = divmod(minutes, 24 * 60)
    return f"{days}-{minutes // 60:02d}:{minutes % 60:02d}:00" if days else f"{minutes // 60:02d}:{minutes % 60:02d}:00"


def environment() -> list[str]:
    """Lines of a shell script that give a job the environment of this process, as far as a run depends on it."""
    names = [*_ENVIRONMENT, *sorted(name for name in os.environ if name.startswith("TUMORABM_"))]
    return exports({name: os.environ[name] for name in names if name in os.environ})


def thread_settings(threads: int) -> dict[str, str]:
    """Environment of a process that carries out runs of so many threads."""
    return {**dict.fromkeys(_THREADS, str(threads)), "OMP_WAIT_POLICY": "passive"}


def exports(variables: Mapping[str, str]) -> list[str]:
    """Lines of a shell script that set variables."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def output_option(folder: Path, name: str) -> str:
    """Where a job's output goes; %-patterns are meant in the name only, and blanks do not end it."""
    path = f"{str(folder).replace('%', '%%')}/{name}"
    return f'--output="{path}"' if any(character.isspace() for character in path) else f"--output={path}"


def log_folder(folder: str | Path) -> Path:
    """Where the output of a sweep's jobs goes; made if it is not there, since Slurm does not."""
    logs = Path(folder).resolve() / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    return logs
