"""Start, resume and consolidate a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tumorabm import yaml
from tumorabm.errors import InputError
from tumorabm.recording import provenance
from tumorabm.recording.atomic import write_text
from tumorabm.recording.run_folder import EXPERIMENT, PROVENANCE, RunFolder
from tumorabm.recording.segments import remove_unfinished, segment_paths
from tumorabm.recording.writer import RunWriter, find_checkpoint
from tumorabm.run import parts
from tumorabm.run.bounds import UNBOUND, Bounds
from tumorabm.run.course import Course, Plan, writing

if TYPE_CHECKING:
    from tumorabm.config import Experiment


def run_experiment(
    experiment: Experiment,
    out: str | Path = "runs",
    *,
    threads: int = 1,
    force: bool = False,
    quiet: bool = False,
    bounds: Bounds = UNBOUND,
) -> Path:
    """Run an experiment from its start.

    Parameters
    ----------
    experiment : Experiment
    out : str or Path
        Folder of runs; the run is in ``<out>/<name>/<run id>``.
    threads : int
        For the kernels. The data do not depend on it.
    force : bool
        Run again what is finished.
    quiet : bool
        Show no progress.
    bounds : Bounds
        What ends the run before its time, as in a sweep.

    Returns
    -------
    Path
        The run folder. A finished run is not repeated, unless forced.

    Raises
    ------
    InputError
        If the folder holds an unfinished run, or the experiment cannot be built.
    RunInterrupted, RunFailed
    """
    parts.use_threads(threads)
    identity = parts.identity(experiment)
    path = Path(out) / experiment.name / identity["run_id"]
    if (path / PROVENANCE).exists():
        status = RunFolder(path).status
        if status == "finished" and not force:
            if not quiet:
                print(f"{path}: finished already; --force runs it again", file=sys.stderr)
            return path
        if not force and parts.has_checkpoint(path):
            raise InputError(f"{path}: holds an unfinished run of this experiment; resume it, or run it with --force")
    with RunWriter(path) as writer:
        return parts.start(experiment, writer, identity, threads, quiet, bounds)


def resume(
    run: str | Path,
    *,
    until: str | None = None,
    threads: int = 1,
    quiet: bool = False,
    bounds: Bounds = UNBOUND,
) -> Path:
    """Continue a run from its last checkpoint; the data become those of an uninterrupted run.

    Parameters
    ----------
    run : str or Path
        The run folder.
    until : str, optional
        A new duration, for example ``"24 months"``, counted as the experiment's ``duration`` is: after the burn-in.
    threads : int
    quiet : bool
    bounds : Bounds
        As in ``run_experiment``.

    Returns
    -------
    Path
        The run folder. A run that has reached its end is left as it is.

    Raises
    ------
    InputError
        If the run or its checkpoint cannot be read, belongs to another configuration, or is beyond ``until``.
    RunInterrupted, RunFailed
    """
    parts.use_threads(threads)
    folder = RunFolder(run)
    experiment = parts.load(folder.path, [f"duration={until}"] if until else [])
    with RunWriter(folder.path) as writer:
        known = folder.provenance
        with writing(folder.path):
            checkpoint = writer.restore()
        plan = Plan.of(experiment)
        if checkpoint is None:
            if known.get("parent"):
                raise InputError(f"{folder.path}: the branch ended before its first checkpoint; branch again")
            return parts.start(experiment, writer, known, threads, quiet, bounds)
        if checkpoint.step > plan.end:
            day = checkpoint.hours / 24
            raise InputError(f"--until {until}: the run is at day {day:g} (burn-in included) already")
        if checkpoint.step == plan.end and folder.status == "finished":
            return folder.path
        history_hash = parts.history_hash(folder.path)
        if checkpoint.attributes["history_hash"] != history_hash:
            raise InputError(f"{checkpoint.path}: belongs to another configuration than {EXPERIMENT} beside it")
        if checkpoint.attributes["source_hash"] != provenance.source_hash():
            text = "this run was begun with another version of the code; its data may differ from an uninterrupted run"
            print(f"Note: {text}.", file=sys.stderr)
            writer.log("source_changed", message=text)
        tissue, processes = parts.build(experiment)
        parts.load_state(tissue, processes, checkpoint.state)
        with writing(folder.path):
            if until:
                duration = experiment.resolved()["duration"]
                write_text(folder.path / EXPERIMENT, yaml.dump({**folder.experiment(), "duration": duration}))
                known["config_hash"] = experiment.config_hash
            writer.begin(known, history_hash, threads, checkpoint.step)
        recorder = parts.make_recorder(experiment, tissue, plan, checkpoint.step)
        step = checkpoint.step
        return Course(experiment, writer, tissue, processes, recorder, plan, quiet, step, bounds=bounds).go()


def consolidate(run: str | Path) -> Path:
    """Put what a run has recorded so far into its run.h5.

    Raises
    ------
    InputError
        If the run cannot be read, or is being written.
    RunFailed
        If run.h5 could not be written; then everything is as before.
    """
    folder = RunFolder(run)
    with RunWriter(folder.path) as writer:
        remove_unfinished(folder.path)
        if not segment_paths(folder.path):
            return folder.path
        checkpoint, _ = find_checkpoint(folder.path, sys.maxsize)
        with writing(folder.path):
            writer.consolidate(checkpoint.step if checkpoint else folder.records().to_step)
    return folder.path
