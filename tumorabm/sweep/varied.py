"""The experiment that a sweep varies, with what the sweep sets in all runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tumorabm import yaml
from tumorabm.catalog import load_catalog
from tumorabm.config import Experiment
from tumorabm.config.loading import assignments, extended, read_document, validated
from tumorabm.errors import InputError
from tumorabm.yaml import Document, Position, Steps

# Settings that follow from others if a file does not give them: a factor must be able to move what they follow from.
_FOLLOWING: Final = (("vessels", "spacing"), ("vessels", "arteriole_spacing"), ("record", "outputs"))


@dataclass(frozen=True)
class BaseExperiment:
    """The base of a sweep.

    Attributes
    ----------
    experiment : Experiment
        Complete.
    content : dict
        As a file would have it, without settings that follow from others.
    """

    experiment: Experiment
    content: dict[str, Any]


def base_keys() -> list[str]:
    """Keys at the top of an experiment file."""
    return [field.alias or name for name, field in Experiment.model_fields.items()]


def read_base(
    sweep: Document,
    folder: Path,
    name: str,
    overrides: Sequence[tuple[Steps, Any, str]],
    catalog_dirs: Sequence[str | Path],
) -> BaseExperiment:
    """The base of a sweep.

    Parameters
    ----------
    sweep : Document
        With ``base`` and ``set``.
    folder : Path
        That of the sweep file, from which paths in it begin.
    name : str
        Of the sweep, for a base that has none.
    overrides : sequence of tuple
        Path, value and source of what is set on top.
    catalog_dirs : sequence of Path

    Raises
    ------
    InputError
        With all that is wrong, in the files in which it stands.
    """
    document = _document(sweep, folder)
    document.data.setdefault("name", name)
    for steps, value, place in _settings(sweep):
        try:
            yaml.assign(document, steps, value, "")
        except InputError as error:
            raise InputError([sweep.problem(place, error.problems[0].message)]) from None
        _move(sweep, place, document, steps)
    for steps, value, source in overrides:
        yaml.assign(document, steps, value, source)
    experiment = validated(document, load_catalog(catalog_dirs))
    content = experiment.resolved()
    for block, key in _FOLLOWING:
        given = document.data.get(block)
        if not isinstance(given, dict) or not given.get(key):
            content[block].pop(key, None)
    return BaseExperiment(experiment, content)


def _document(sweep: Document, folder: Path) -> Document:
    """What the base says, with what it extends."""
    given = sweep.data["base"]
    if isinstance(given, str):
        path = Path(os.path.normpath(folder / given))
        if not path.is_file():
            raise InputError([sweep.problem(("base",), f"no such file {str(path)!r}")])
        return read_document(path)
    if not isinstance(given, dict):
        raise InputError(
            [sweep.problem(("base",), f"expected the path of an experiment or its content, got {given!r}")]
        )
    positions = {path[1:]: position for path, position in sweep.positions.items() if path[:1] == ("base",)}
    return extended(Document(yaml.from_mapping(given).data, positions), folder)


def _settings(sweep: Document) -> list[tuple[Steps, Any, Steps]]:
    """Path, value and place in the sweep file of everything under ``set``."""
    given = sweep.data.get("set") or {}
    if isinstance(given, Mapping):
        items: list[tuple[Any, Steps]] = [({path: value}, ("set", path)) for path, value in given.items()]
    elif isinstance(given, list):
        items = [([text], ("set", index)) for index, text in enumerate(given)]
    else:
        raise InputError([sweep.problem(("set",), f"expected values by path, got {given!r}")])
    found, problems = [], []
    for item, place in items:
        try:
            found += [(steps, value, place) for steps, value, _ in assignments(item)]
        except InputError as error:
            problems += [sweep.problem(place, problem.message) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return found


def _move(sweep: Document, place: Steps, document: Document, steps: Steps) -> None:
    """Let what was set at a path be told where it stands in the sweep file."""
    document.forget(steps)
    for known, position in sweep.positions.items():
        if known[: len(place)] == place:
            document.positions[(*steps, *known[len(place) :])] = Position(position.file, position.key, position.value)
