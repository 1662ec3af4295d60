"""From a sweep to its plan, its folder, and the experiment of each of its runs."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorabm import yaml
from tumorabm.config import Experiment, load_experiment
from tumorabm.errors import InputError
from tumorabm.recording import provenance
from tumorabm.recording.atomic import write_text
from tumorabm.recording.run_folder import CATALOG
from tumorabm.sweep.modules import load_modules
from tumorabm.sweep.plan import BASE, Plan, PlannedFactor, PlannedRun
from tumorabm.sweep.points import experiments_of_points, settings_of

if TYPE_CHECKING:
    from tumorabm.sweep.sweep_file import Sweep

# Seeds of runs with luck of their own stay exact in every kind of number.
_SEED_DIGITS: Final = 12  # hexadecimal


@dataclass(frozen=True)
class Draft:
    """A plan with what only its maker needs to know.

    Attributes
    ----------
    plan : Plan
    steps : list of int
        Number of steps of each run.
    warnings : tuple of str
        What is allowed but deserves a thought.
    """

    plan: Plan
    steps: list[int]
    warnings: tuple[str, ...]


def make_plan(sweep: Sweep) -> Plan:
    """Every run of a sweep.

    A point that a design holds twice gives runs of the same id (their data are the same), except where luck is
    independent; each is a planned run of its own and a row of the table.

    Raises
    ------
    InputError
        If the experiment of a point cannot be used, each at its place in the sweep file.
    """
    return draft(sweep).plan


def draft(sweep: Sweep) -> Draft:
    """The plan of a sweep, with the lengths of its runs and with warnings. Raises as ``make_plan`` does."""
    runs: list[PlannedRun] = []
    steps: list[int] = []
    warnings: dict[str, None] = dict.fromkeys(sweep.experiment.warnings)
    repeats: dict[str, int] = {}
    for point, (chosen, experiment) in enumerate(experiments_of_points(sweep)):
        warnings |= dict.fromkeys(experiment.warnings)
        settings = settings_of(sweep, chosen)
        length = round((experiment.burn_in + experiment.duration) / experiment.time_step)
        key = experiment.config_hash
        repeats[key] = repeats.get(key, -1) + 1
        for replicate, seed in enumerate(_seeds(sweep, key, repeats[key])):
            seeded = experiment.model_copy(update={"seed": seed})
            run_id = provenance.run_id(seeded.config_hash, seed)
            values = {factor.label: level.value for factor, level in zip(sweep.factors, chosen, strict=True)}
            runs.append(PlannedRun(len(runs), run_id, point, replicate, seed, settings, values))
            steps.append(length)
    plan = Plan(
        name=sweep.name,
        design=sweep.design.settings(),
        factors=[PlannedFactor(factor.label, factor.paths, factor.unit) for factor in sweep.factors],
        series=list(sweep.series),
        summaries={name: dict(definition) for name, definition in sweep.summaries.items()},
        resources={**sweep.resources.planned(), "modules": list(sweep.modules)},
        runs=runs,
        source_hash=provenance.source_hash(),
    )
    return Draft(plan, steps, _gathered(warnings))


def prepare(sweep: Sweep, out: str | Path) -> Path:
    """Write a sweep's folder: its plan, its base experiment and the files of users' catalogs.

    Runs that are there already stay; those of the new plan that have the same id are not run again.

    Returns
    -------
    Path
        ``<out>/<name>``.

    Raises
    ------
    InputError
        As ``make_plan``.
    """
    return prepared(sweep, make_plan(sweep), out)


def prepared(sweep: Sweep, plan: Plan, out: str | Path) -> Path:
    """As ``prepare``, for a plan that was made already."""
    folder = Path(out) / sweep.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error})") from error
    files = {f"{CATALOG}/{name}": text for name, text in sweep.experiment.catalog.user_files.items()}
    files[BASE] = yaml.dump(sweep.base)
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
    plan.write(folder)
    return folder


def experiment_of(folder: str | Path, planned: PlannedRun) -> Experiment:
    """The experiment of a planned run, made from what ``prepare`` wrote.

    Named after the sweep's folder, so that ``run_experiment(experiment, folder.parent)`` works in
    ``<folder>/<run id>``.

    Raises
    ------
    InputError
        If the folder lacks its base, or code or files have changed so that this is another run than the planned one.
    """
    folder = Path(folder).resolve()
    base, catalogs = _base(folder, (folder / BASE).stat().st_mtime_ns if (folder / BASE).is_file() else 0)
    experiment = load_experiment(base, {**planned.settings, "name": folder.name, "seed": planned.seed}, catalogs)
    run_id = provenance.run_id(experiment.config_hash, experiment.seed)
    if run_id != planned.run_id:
        raise InputError(
            f"{folder}: run {planned.index} was planned as {planned.run_id} but is {run_id} now: the code or the base "
            "has changed since; plan the sweep again from its file"
        )
    return experiment


@functools.lru_cache(maxsize=4)
def _base(folder: Path, changed: int) -> tuple[dict[str, Any], Sequence[Path]]:
    """Content of a sweep's base and the catalog folders; the time of its change is part of the key."""
    catalogs = [folder / CATALOG] if (folder / CATALOG).is_dir() else []
    load_modules(Plan.read(folder).resources.get("modules", ()))
    return yaml.read(folder / BASE).data, catalogs


def _seeds(sweep: Sweep, point: str, repeat: int) -> Iterator[int]:
    """Seeds of the replicates of a point.

    Shared luck counts up from the base's seed, the same at every point. Independent luck hashes point and replicate,
    so that a point keeps its runs when others are added to the sweep, or more replicates.
    """
    for replicate in range(sweep.replicates):
        if sweep.luck == "shared":
            yield sweep.experiment.seed + replicate
        else:
            text = f"{point} {repeat} {replicate}"
            yield int(hashlib.sha256(text.encode()).hexdigest()[:_SEED_DIGITS], 16)


def _gathered(warnings: dict[str, None]) -> tuple[str, ...]:
    """Warnings with one example per setting that they are about."""
    about: dict[str, list[str]] = {}
    for warning in warnings:
        about.setdefault(warning.partition(": ")[0], []).append(warning)
    return tuple(
        found[0] if len(found) == 1 else f"{found[0]} (and {len(found) - 1} more such at other points)"
        for found in about.values()
    )
