"""What starting, resuming and branching a run share."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm import yaml
from tumorabm.errors import InputError
from tumorabm.recording import provenance
from tumorabm.recording.atomic import write_text
from tumorabm.recording.outputs import constants_of, registered_outputs
from tumorabm.recording.progress import Progress
from tumorabm.recording.recorder import Recorder
from tumorabm.recording.run_folder import ATTEMPTS, CATALOG, CITATIONS, EXPERIMENT, LOG, PARENT, STATUS, RunFolder
from tumorabm.recording.segments import FOLDER
from tumorabm.recording.writer import RunWriter, find_checkpoint
from tumorabm.run.bounds import UNBOUND, Bounds
from tumorabm.run.course import Course, Plan, RunFailed, writing
from tumorabm.step import advance

if TYPE_CHECKING:
    from tumorabm.config import Experiment
    from tumorabm.processes.process import Process
    from tumorabm.tissue.cells import Column
    from tumorabm.tissue.tissue import Tissue

_KEPT: Final = (LOG, STATUS, ATTEMPTS)


def identity(experiment: Experiment, parent: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a run's provenance says from the beginning."""
    from tumorabm.config.contents import break_even, finite

    catalog = experiment.catalog
    return {
        "run_id": provenance.run_id(experiment.config_hash, experiment.seed, parent),
        "config_hash": experiment.config_hash,
        "name": experiment.name,
        "seed": experiment.seed,
        "sentences": list(experiment.sentences()),
        "break_even_oxygen": finite(break_even(experiment)),  # mmHg
        "catalog_overrides": dict(catalog.overrides),
        "parent": parent,
    }


def start(
    experiment: Experiment,
    writer: RunWriter,
    identity: dict[str, Any],
    threads: int,
    quiet: bool,
    bounds: Bounds = UNBOUND,
) -> Path:
    """Begin a run in an open folder, which loses what it held, and go on to its end."""
    plan = Plan.of(experiment)
    try:
        tissue, processes = build(experiment)
    except (ArithmeticError, ValueError, RuntimeError, MemoryError) as error:
        raise RunFailed(f"the tissue could not be made: {error}", writer.path) from error
    with writing(writer.path):
        clear(writer.path)
        describe(experiment, writer)
        writer.begin(identity, history_hash(writer.path), threads, 0)
    recorder = make_recorder(experiment, tissue, plan, -1)
    return Course(experiment, writer, tissue, processes, recorder, plan, quiet, bounds=bounds).go()


def describe(experiment: Experiment, writer: RunWriter, parent: Experiment | None = None) -> None:
    """Write the files that say what a run is, before its provenance makes it a run folder."""
    catalog = experiment.catalog
    for name, text in catalog.user_files.items():
        (writer.path / CATALOG / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(writer.path / CATALOG / name, text)
    keys = catalog.sources(sorted(catalog.paths_read), experiment.sets)
    write_text(writer.path / CITATIONS, catalog.bibtex(keys))
    if parent is not None:
        write_text(writer.path / PARENT, yaml.dump(parent.resolved()))
    write_text(writer.path / EXPERIMENT, yaml.dump(experiment.resolved()))


def make_recorder(experiment: Experiment, tissue: Tissue, plan: Plan, from_step: int) -> Recorder:
    return Recorder(
        tissue,
        experiment.record.outputs or list(registered_outputs()),
        constants_of(experiment.catalog, experiment.sets, experiment.choice().mechanisms),
        every=plan.every,
        frames=plan.frames,
        from_step=from_step,
    )


def build(experiment: Experiment) -> tuple[Tissue, list[Process]]:
    from tumorabm.build import build

    return build(experiment, experiment.seed)


def columns_of(experiment: Experiment) -> set[Column]:
    """What an experiment's processes keep of every cell."""
    from tumorabm.config.contents import make_processes

    return {column for process in make_processes(experiment) for column in process.columns}


def load(folder: Path, overrides: Sequence[str] = ()) -> Experiment:
    from tumorabm.config import load_experiment

    catalogs = [folder / CATALOG] if (folder / CATALOG).is_dir() else []
    return load_experiment(folder / EXPERIMENT, overrides, catalogs)


def history_hash(folder: Path) -> str:
    """Hash of a run's experiment as it is written: read by a later version, it may have more to say."""
    return provenance.history_hash(yaml.read(folder / EXPERIMENT).data)


def load_state(tissue: Tissue, processes: Sequence[Process], state: dict[str, Any]) -> None:
    tissue.load(state)
    for process in processes:
        process.prepare(tissue)


def carried(state: Mapping[str, Any], before: set[Column], now: set[Column]) -> dict[str, Any]:
    """A state without columns that are new or other than before, but for what these hold under labels that remain."""
    new, old = now - before, {column.name: column for column in before}
    kept = {name: value for name, value in state.items() if name not in {f"cells/{column.name}" for column in new}}
    for column in new:
        was = old.get(column.name)
        if was is not None and was.labels and column.labels:
            kept[f"cells/{column.name}"] = relabeled(state[f"cells/{column.name}"], was, column)
    return kept


def relabeled(values: np.ndarray, old: Column, new: Column) -> np.ndarray:
    """A column whose components have changed, as those of drugs in cells do: what was there stays under its name."""
    out = np.full((len(values), *new.shape), new.default, dtype=new.dtype)
    for place, label in enumerate(new.labels):
        if label in old.labels:
            out[:, place] = values[:, old.labels.index(label)]
    return out


def rows_of(
    state: Mapping[str, Any], rows: np.ndarray, before: Iterable[Column], now: Mapping[str, Column]
) -> dict[str, np.ndarray]:
    """Some cells of a state, column by column, for an experiment with columns of its own; what only it has is left out.

    Parameters
    ----------
    state : mapping of str to ndarray
        Of another experiment.
    rows : ndarray of int
    before : iterable of Column
        Of that experiment.
    now : mapping of str to Column
        Of this one, by name.
    """
    labeled = {column.name: column for column in before}
    out = {}
    for name, column in now.items():
        if f"cells/{name}" in state:
            values, old = state[f"cells/{name}"][rows], labeled.get(name, column)
            out[name] = values if old.labels == column.labels else relabeled(values, old, column)
    return out


def state_at(folder: RunFolder, experiment: Experiment, step: int) -> dict[str, Any]:
    """State of a run at a step: from a checkpoint at or before it, else computed from the start."""
    checkpoint, problems = find_checkpoint(folder.path, step)
    for problem in problems:
        print(f"Note: {problem}", file=sys.stderr)
    if checkpoint is not None and checkpoint.step == step:
        return checkpoint.state
    inherited = folder.provenance.get("parent")
    if checkpoint is None and inherited:
        raise InputError(
            f"{folder.path}: its history up to day {inherited['at'] / 24:g} is that of {inherited['run']}: branch that"
        )
    tissue, processes = build(experiment)
    if checkpoint is not None:
        load_state(tissue, processes, checkpoint.state)
    dt = experiment.time_step
    with Progress(experiment.name, step * dt, experiment.burn_in, experiment.regimens()) as progress:
        if sys.stderr.isatty():
            days = f"day {tissue.step_number * dt / 24:g} to {step * dt / 24:g}"
            progress.say(f"{folder.path}: computing {days}, of which no checkpoint was kept")
        while tissue.step_number < step:
            advance(tissue, processes, dt)
            progress.update(tissue.step_number * dt, {})
    return tissue.state()


def has_checkpoint(path: Path) -> bool:
    return any(path.glob("checkpoint*.h5"))


def clear(path: Path) -> None:
    """Empty a run folder but for the log, which is open and locked, and what a sweep says of the run."""
    for item in path.iterdir():
        if item.name in _KEPT:
            continue
        if item.is_dir():
            shutil.rmtree(item)
        else:
            item.unlink()
    (path / FOLDER).mkdir()


def use_threads(threads: int) -> None:
    """Set the number of threads of the kernels.

    Raises
    ------
    InputError
        If there are not that many.
    """
    import numba

    available: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    if not 1 <= threads <= available:
        raise InputError(f"--threads {threads}: expected 1 to {available} (the cores there are, or NUMBA_NUM_THREADS)")
    numba.set_num_threads(threads)
