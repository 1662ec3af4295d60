"""What a sweep will take in time and disk, told from one short run of its base experiment that is measured."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorabm.config import Experiment

if TYPE_CHECKING:
    import h5py

# The measured run: this share of the steps, but not more than so many seconds of them, and at least a few.
_SHARE: Final = 0.05
_SECONDS: Final = 10.0
_LEAST_STEPS: Final = 8
_BARELY: Final = 2  # steps of a run that is little but beginning and end
_TRIED: Final = 4  # steps without anything around them
_FRAMES: Final = 2
_PER_FRAME: Final = ("fields", "cells", "vessels")


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take.

    Attributes
    ----------
    measured_steps : int
        Steps of the run that was measured.
    seconds_per_step, seconds_per_start : float
        Of a step, and of everything around the steps.
    seconds : float
        Of all runs one after another.
    workers : int
        Runs at the same time.
    bytes : float
        On the disk, all runs together.
    steps : int
        Of all runs together.
    runs : int
    """

    measured_steps: int
    seconds_per_step: float
    seconds_per_start: float
    seconds: float
    workers: int
    bytes: float
    steps: int
    runs: int

    def as_dict(self) -> dict[str, Any]:
        """The numbers, for JSON."""
        return {**self.__dict__, "wall_seconds": self.seconds / self.workers}

    def sentences(self) -> tuple[str, str]:
        """What it takes, and how that was found."""
        wall = self.seconds / max(self.workers, 1)
        each = self.seconds / max(self.runs, 1)
        first = (
            f"about {duration(wall)} with {self.workers} at a time ({duration(each)} per run), "
            f"and {size(self.bytes)} of disk ({size(self.bytes / max(self.runs, 1))} per run)"
        )
        second = (
            f"measured on the first {self.measured_steps} steps of the base experiment "
            f"({1000 * self.seconds_per_step:.3g} ms per step, {self.seconds_per_start:.2g} s around them) and "
            f"extrapolated to {self.steps:,} steps; a tumor that grows takes longer, and factors may change it"
        )
        return first, second


def estimate(experiment: Experiment, steps: Sequence[int], workers: int, threads: int = 1) -> Estimate:
    """Run the beginning of an experiment in a folder that is removed again, and extrapolate.

    Parameters
    ----------
    experiment : Experiment
        The base of the sweep.
    steps : sequence of int
        Lengths of the runs.
    workers : int
        Runs at the same time.
    threads : int
        Of a run.

    Raises
    ------
    InputError
        If the experiment cannot be built.
    RunFailed
    """
    from tumorabm.run import parts
    from tumorabm.step import advance

    parts.use_threads(threads)
    longest = max(steps, default=1)
    with tempfile.TemporaryDirectory(prefix="tumorabm-") as folder:
        # Once to compile what has to be compiled, then for what a run takes besides its steps.
        _timed(experiment, _BARELY, Path(folder) / "first", threads)
        _, short = _timed(experiment, _BARELY, Path(folder) / "second", threads)
        tissue, processes = parts.build(experiment)
        fastest = math.inf
        for _ in range(_TRIED):
            began = time.perf_counter()
            advance(tissue, processes, experiment.time_step)
            fastest = min(fastest, time.perf_counter() - began)
        count = int(max(min(max(_SHARE * longest, _LEAST_STEPS), _SECONDS / fastest, longest), 2 * _BARELY))
        run, taken = _timed(experiment, count, Path(folder) / "measured", threads)
        size_of = _sizes(run, experiment, count)
    # The difference of two short runs may drown in what else the machine does; no step takes less than the fastest.
    per_step = max((taken - short) / (count - _BARELY), fastest)
    around = max(short - _BARELY * per_step, 0.0)
    return Estimate(
        measured_steps=count,
        seconds_per_step=per_step,
        seconds_per_start=around,
        seconds=sum(steps) * per_step + len(steps) * around,
        workers=workers,
        bytes=sum(size_of[0] + size_of[1] * length for length in steps),
        steps=sum(steps),
        runs=len(steps),
    )


def duration(seconds: float) -> str:
    """A time in words, with the unit that suits it."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10.0 else f"{seconds:.2g} s"


def size(count: float) -> str:
    """A number of bytes in words."""
    for unit, length in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= length:
            return f"{count / length:.3g} {unit}"
    return f"{count:.0f} bytes"


def _timed(experiment: Experiment, count: int, out: Path, threads: int) -> tuple[Path, float]:
    """Folder of a run of the first steps, and the seconds it took."""
    from tumorabm.run import run_experiment

    began = time.perf_counter()
    run = run_experiment(_beginning(experiment, count), out, threads=threads, quiet=True)
    return run, time.perf_counter() - began


def _beginning(experiment: Experiment, count: int) -> Experiment:
    """The first steps of an experiment, with a few frames if it has frames at all."""
    dt = experiment.time_step
    burn_in = min(experiment.burn_in, count * dt)
    frames = max(count // _FRAMES, 1) * dt if experiment.record.frames else None
    record = experiment.record.model_copy(update={"frames": frames, "keep": []})
    update = {"burn_in": burn_in, "duration": count * dt - burn_in, "record": record}
    return experiment.model_copy(update=update)


def _sizes(run: Path, experiment: Experiment, count: int) -> tuple[float, float]:
    """Bytes of a run: what is there whatever its length, and what each step adds on average."""
    import h5py

    record, dt = experiment.record, experiment.time_step
    total = float(sum(path.stat().st_size for path in run.rglob("*") if path.is_file()))
    checkpoints = [path.stat().st_size for path in run.glob("checkpoint*.h5")]
    frames = float(count // max(count // _FRAMES, 1) + 1) if record.frames else 0.0
    with h5py.File(run / "run.h5", "r") as file:
        in_frames = float(sum(_stored(file[name]) for name in _PER_FRAME if name in file))
        rows = float(_stored(file["timeseries"])) / (count * dt / record.every + 1.0)
    kept = sum(checkpoints[-1:]) * len(record.keep)
    # A long run has two checkpoints beside those that are kept.
    fixed = total - in_frames + kept + sum(checkpoints[-1:]) * (2 - min(len(checkpoints), 2))
    per_step = rows * dt / record.every
    if record.frames and frames:
        per_step += in_frames / frames * dt / record.frames
        fixed += in_frames / frames
    return fixed, per_step


def _stored(item: h5py.Group | h5py.Dataset) -> int:
    """Bytes of everything below an item of an HDF5 file."""
    if hasattr(item, "id") and hasattr(item.id, "get_storage_size"):
        return int(item.id.get_storage_size())
    return sum(_stored(item[name]) for name in item)
