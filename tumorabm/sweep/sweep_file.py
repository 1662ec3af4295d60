"""From a sweep file to a sweep: read, checked against its base experiment, with everything that is wrong at once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tumorabm import yaml
from tumorabm.config import Experiment
from tumorabm.config.loading import assignments, path_steps
from tumorabm.config.messages import in_order, messages_of
from tumorabm.config.quantity import Fault, Wrong
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.sweep.blocks import ResourcesBlock, SweepBlock
from tumorabm.sweep.designs import Design
from tumorabm.sweep.designs.list import List
from tumorabm.sweep.factors import Factor, factor_of
from tumorabm.sweep.modules import load_modules
from tumorabm.sweep.summaries import check_series, summary_faults
from tumorabm.sweep.varied import BaseExperiment, base_keys, read_base
from tumorabm.yaml import Document, Steps

# More runs than this are a slip of the pen, or a plan that takes hours to make.
MOST_RUNS: Final = 100_000


@dataclass(frozen=True)
class Sweep:
    """A sweep, checked.

    Attributes
    ----------
    name, description : str
    experiment : Experiment
        The base, complete.
    base : dict
        Its content as a file would have it, with what follows from other settings left out.
    factors : tuple of Factor
    design : Design
    replicates : int
    luck : {"shared", "independent"}
    series : tuple of str
    summaries : dict of str to dict
    resources : ResourcesBlock
    modules : tuple of str
        Users' own, by name or by absolute path.
    catalog_dirs : tuple of Path
    document : Document
        What was read, for messages.
    """

    name: str
    description: str
    experiment: Experiment
    base: dict[str, Any]
    factors: tuple[Factor, ...]
    design: Design
    replicates: int
    luck: str
    series: tuple[str, ...]
    summaries: dict[str, dict[str, Any]]
    resources: ResourcesBlock
    modules: tuple[str, ...]
    catalog_dirs: tuple[Path, ...]
    document: Document

    @property
    def count(self) -> int:
        """Number of runs."""
        return self.design.count(self.factors) * self.replicates


def load_sweep(
    sweep: str | Path | Mapping[str, Any],
    overrides: Sequence[str] | Mapping[str, Any] = (),
    catalog_dirs: Sequence[str | Path] = (),
) -> Sweep:
    """Read a sweep.

    Parameters
    ----------
    sweep : str, Path or mapping
        A file, or its content.
    overrides : sequence of str, or mapping
        ``path=value`` as given to ``--set``, or values by path; of the sweep (``replicates=2``) or of its base
        experiment (``duration=30 d``).
    catalog_dirs : sequence of Path
        Users' catalog folders.

    Raises
    ------
    InputError
        With everything that is wrong, each at its file, line and column.
    """
    if isinstance(sweep, Mapping):
        document, folder = yaml.from_mapping(sweep), Path.cwd()
    else:
        path = Path(sweep)
        document, folder = yaml.read(path, os.path.normpath(path)), path.parent
        document.data.setdefault("name", path.stem)
    of_base = _assigned(document, overrides)
    block, problems, broken = _blocks(document)
    if "base" in broken or "base" not in document.data:
        raise InputError(in_order(problems))
    modules = tuple(str((folder / name).resolve()) if name.endswith(".py") else name for name in block.modules)
    for index, name in enumerate(modules):
        try:
            load_modules([name])
        except InputError as error:
            problems += [document.problem(("modules", index), problem.message) for problem in error.problems]
    try:
        base = read_base(document, folder, block.name, of_base, catalog_dirs)
    except InputError as error:
        raise InputError(in_order([*problems, *error.problems])) from None
    factors = tuple(_factors(document, block, base, problems))
    faults = [*_overlaps(factors), *_collected(block, base.experiment)]
    complete = len(factors) == len(block.factors) and not any(part.startswith("factors") for part in broken)
    if complete and "design" not in broken:
        faults += [*block.design.faults(factors)]
    problems += [document.problem(fault.path, fault.message, fault.at_key) for fault in faults]
    found = Sweep(
        name=block.name,
        description=block.description,
        experiment=base.experiment,
        base=base.content,
        factors=factors,
        design=block.design,
        replicates=block.replicates,
        luck=block.luck,
        series=tuple(block.collect.series),
        summaries=block.collect.summaries,
        resources=block.resources,
        modules=modules,
        catalog_dirs=tuple(Path(folder) for folder in catalog_dirs),
        document=document,
    )
    if not problems and found.count > MOST_RUNS:
        problems.append(document.problem(("design",), f"gives {found.count:,} runs, expected at most {MOST_RUNS:,}"))
    if problems:
        raise InputError(in_order(problems))
    return found


def _assigned(document: Document, overrides: Sequence[str] | Mapping[str, Any]) -> list[tuple[Steps, Any, str]]:
    """Set what overrides say of the sweep; those of the base experiment are given back."""
    own, theirs = list(SweepBlock.model_fields), base_keys()
    of_base = []
    for steps, value, source in assignments(overrides):
        first = str(steps[0])
        if first == "set" and len(steps) > 1:
            written = source.removeprefix("--set ").removeprefix("override ").partition("=")[0].strip()
            of_base.append((path_steps(written.removeprefix("set.")), value, source))
        elif first in own:
            yaml.assign(document, steps, value, source)
        elif first in theirs:
            of_base.append((steps, value, source))
        else:
            message = f"neither a sweep nor an experiment has it{nearest(first, [*own, *theirs])}"
            raise InputError([Problem(message, first, source)])
    return of_base


def _blocks(document: Document) -> tuple[SweepBlock, list[Problem], set[str]]:
    """The blocks of a sweep file, what is wrong with them, and which blocks are left out or replaced for it."""
    problems: list[Problem] = []
    broken: set[str] = set()
    data = document.data
    try:
        return SweepBlock.model_validate(data), problems, broken
    except ValidationError as error:
        for path, message, at_key in messages_of(error, SweepBlock):
            # The checks of pydantic speak of items of mappings as of fields.
            problems.append(document.problem(path, message, at_key))
            broken.add(f"factors.{path[1]}" if path[:1] == ("factors",) and len(path) > 1 else str(path[0]))
    kept = {key: value for key, value in data.items() if key not in broken}
    if isinstance(kept.get("factors"), dict):
        kept["factors"] = {
            label: factor for label, factor in kept["factors"].items() if f"factors.{label}" not in broken
        }
    return SweepBlock.model_validate({"name": "unnamed", "base": None, **kept}), problems, broken


def _factors(document: Document, block: SweepBlock, base: BaseExperiment, problems: list[Problem]) -> Iterator[Factor]:
    """The factors that are right, and problems of the others."""
    for label, given in block.factors.items():
        points = block.design.points_given if isinstance(block.design, List) else []
        elsewhere = [point[label] for point in points if label in point]
        try:
            yield factor_of(label, given, base.experiment, base.content, elsewhere)
        except Wrong as error:
            for fault in error.faults:
                problems.append(document.problem(("factors", label, *fault.path), fault.message, fault.at_key))


def _overlaps(factors: Sequence[Factor]) -> Iterator[Fault]:
    """Factors that set the same, or one a part of what another sets."""
    paths = [(factor.label, path, path_steps(path)) for factor in factors for path in factor.paths]
    for (label, path, steps), (other, its_path, its_steps) in itertools.combinations(paths, 2):
        shorter = min(len(steps), len(its_steps))
        if steps[:shorter] == its_steps[:shorter]:
            message = f"{its_path} is set by the factor {label} already" + (f" ({path})" if path != its_path else "")
            yield Fault(("factors", other), message, True)


def _collected(block: SweepBlock, experiment: Experiment) -> Iterator[Fault]:
    """What is wrong with series and summaries for the experiment."""
    collect = block.collect
    for index, name in enumerate(collect.series):
        message = check_series(name, experiment)
        if message:
            yield Fault(("collect", "series", index), message)
        elif name in collect.series[:index]:
            yield Fault(("collect", "series", index), f"{name!r} is named twice")
    for name, definition in collect.summaries.items():
        for key, message in summary_faults(definition, experiment):
            place: Steps = ("collect", "summaries", name, key) if key else ("collect", "summaries", name)
            yield Fault(place, message, not key)
