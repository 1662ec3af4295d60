"""From a file to an experiment: ``extends``, ``--set``, validation, and messages that say where."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tumorabm import yaml
from tumorabm.catalog import Catalog, load_catalog

# They all add to the first.
from tumorabm.config import (  # noqa: F401
    checks,
    clone_checks,
    license_checks,
    signaling_checks,
    treatment_checks,
)
from tumorabm.config.blocks import TableBlock
from tumorabm.config.contents import vessel_spacings
from tumorabm.config.experiment import Experiment
from tumorabm.config.messages import in_order, messages_of
from tumorabm.errors import InputError, Problem
from tumorabm.yaml import Document, Position, Steps

# What a missing or broken required block is replaced with, so that the rest can still be checked.
_STAND_INS: Final[Mapping[str, Any]] = {
    "name": "unnamed",
    "duration": "1 d",
    "time_step": "1 h",
    "lattice": {"shape": [200, 200], "spacing": "20 um"},
    "sets": {"kinetics": "patient_metastasis", "literature": "review_2016", "targets": "cellular"},
    "cells": [],
}
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class ExperimentError(InputError):
    """An experiment cannot be used; holds everything that is wrong with it."""


def load_experiment(
    experiment: str | Path | Mapping[str, Any] | Experiment,
    overrides: Sequence[str] | Mapping[str, Any] | None = (),
    catalog_dirs: Sequence[str | Path] = (),
) -> Experiment:
    """Read an experiment.

    Parameters
    ----------
    experiment : str, Path, mapping or Experiment
        A file, its content, or an experiment to change.
    overrides : sequence of str, or mapping
        ``path=value`` as given to ``--set``, or values by path; applied last. The part of a path behind ``catalog.``
        is the path in the catalog; ``treatment[0].dose`` names an item of a list. None removes a key.
    catalog_dirs : sequence of Path
        Users' catalog folders.

    Returns
    -------
    Experiment
        Complete: every default is filled in.

    Raises
    ------
    ExperimentError
        With everything that is wrong, each at its file, line and column.
    """
    try:
        if isinstance(experiment, Experiment):
            catalog = load_catalog(catalog_dirs) if catalog_dirs else experiment.base_catalog
            document = yaml.from_mapping(experiment.resolved())
        else:
            catalog = load_catalog(catalog_dirs)
            document = (
                yaml.from_mapping(experiment) if isinstance(experiment, Mapping) else read_document(Path(experiment))
            )
        for path, value, source in assignments(overrides or ()):
            yaml.assign(document, path, value, source)
    except InputError as error:
        raise ExperimentError(error.problems) from None
    return validated(document, catalog)


def read_document(path: Path, seen: tuple[Path, ...] = ()) -> Document:
    """A file merged onto what it extends; named by its stem if nothing in it says a name."""
    document = extended(yaml.read(path, os.path.normpath(path)), path.parent, (*seen, path.resolve()))
    if not seen:
        document.data.setdefault("name", path.stem)
    return document


def extended(above: Document, folder: Path, seen: tuple[Path, ...] = ()) -> Document:
    """A document merged onto the file that it extends, if it does; ``seen`` are the files that led to it."""
    base = above.data.pop("extends", None)
    if base is None:
        return yaml.merge(Document({}, {}), above)
    where = ("extends",)
    if not isinstance(base, str):
        raise InputError([above.problem(where, f"expected the path of a file, got {base!r}")])
    below = Path(os.path.normpath(folder / base))
    if below.resolve() in seen:
        names = " -> ".join(step.name for step in (*seen, below))
        raise InputError([above.problem(where, f"goes in a circle: {names}")])
    if not below.is_file():
        raise InputError([above.problem(where, f"no such file {str(below)!r}")])
    return yaml.merge(read_document(below, seen), above)


def assignments(overrides: Sequence[str] | Mapping[str, Any]) -> list[tuple[Steps, Any, str]]:
    """Path, value and what messages call it, of every override."""
    out: list[tuple[Steps, Any, str]] = []
    problems = []
    if isinstance(overrides, Mapping):
        given = [(str(path), value, f"override {path}") for path, value in overrides.items()]
    else:
        given = []
        for text in overrides:
            path, separator, value = str(text).partition("=")
            if not separator:
                problems.append(Problem("expected path=value", file=f"--set {text}"))
                continue
            given.append((path, yaml.parse_value(value, f"--set {text}"), f"--set {text}"))
    for path, value, source in given:
        steps = path_steps(path.strip())
        if steps:
            out.append((steps, value, source))
        else:
            problems.append(Problem(f"{path!r} is no path such as treatment[0].dose", file=source))
    if problems:
        raise InputError(problems)
    return out


def path_steps(path: str) -> Steps:
    """``treatment[0].dose`` as (treatment, 0, dose); behind ``catalog.`` stands one key. Empty if it is no path."""
    if path.startswith("catalog."):
        return ("catalog", path.removeprefix("catalog."))
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return ()
        steps.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
        if path[position : position + 1] == ".":
            position += 1
            if position == len(path):
                return ()
    return tuple(steps)


def validated(document: Document, catalog: Catalog) -> Experiment:
    """The experiment of a document.

    Raises
    ------
    ExperimentError
        With what is wrong by itself and, as far as the rest allows, with what does not fit together.
    """
    context = {"catalog": catalog}
    problems: list[Problem] = []
    broken: set[str] = set()
    data = document.data
    try:
        experiment = Experiment.model_validate(data, context=context)
    except ValidationError as error:
        for path, message, at_key in messages_of(error, Experiment, ("extends",)):
            problems.append(document.problem(path, message, at_key))
            broken.add(str(path[0]) if path else "")
        data = {key: value for key, value in data.items() if key not in broken}
        data |= {key: value for key, value in _STAND_INS.items() if key not in data}
        experiment = Experiment.model_validate(data, context=context)
    experiment, more = _with_tables(experiment, document)
    problems += more
    warnings = []
    for finding in checks.findings(experiment, broken):
        if finding.warning:
            warnings.append(f"{'.'.join(str(step) for step in finding.path)}: {finding.message}")
        else:
            problems.append(document.problem(finding.path, finding.message, finding.at_key))
    if problems:
        raise ExperimentError(in_order(problems))
    return _complete(experiment, warnings)


def _complete(experiment: Experiment, warnings: list[str]) -> Experiment:
    """The experiment with the defaults that depend on the catalog and on what is switched on."""
    vessels, record = experiment.vessels, experiment.record
    if vessels.network == "capillary_mesh":
        spacing, arterioles = vessel_spacings(experiment)
        vessels = vessels.model_copy(update={"spacing": spacing, "arteriole_spacing": arterioles})
    if not record.outputs:
        record = record.model_copy(update={"outputs": checks.available_outputs(experiment)})
    complete = experiment.model_copy(update={"vessels": vessels, "record": record})
    complete._warnings = tuple(warnings)
    return complete


def _with_tables(experiment: Experiment, document: Document) -> tuple[Experiment, list[Problem]]:
    """The experiment with absolute paths and hashes of its tables, and what is wrong with them."""
    problems: list[Problem] = []

    def placed(table: TableBlock, where: Steps) -> TableBlock:
        at = (*where, "path") if (*where, "path") in document.positions else where
        position = document.positions.get(at, Position("", None, None))
        folder = Path(position.file).parent if Path(position.file).is_file() else Path.cwd()
        path = (folder / table.path).resolve()
        found, digest = checks.table_problems(table, path, experiment.lattice.flat)
        problems.extend(document.problem(at, message) for message in found)
        return table.model_copy(update={"path": path, "sha256": digest})

    cells = []
    for index, item in enumerate(experiment.cells):
        if item.table is not None:
            item = item.model_copy(update={"table": placed(item.table, ("cells", index, "table"))})
        cells.append(item)
    vessels = experiment.vessels
    if vessels.table is not None:
        vessels = vessels.model_copy(update={"table": placed(vessels.table, ("vessels", "table"))})
    return experiment.model_copy(update={"cells": cells, "vessels": vessels}), problems
