"""The bibliography: BibTeX entries by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tumorabm.errors import InputError, Problem

_START = re.compile(r"@(\w+)\s*\{\s*([^,\s{}]+)\s*,")
_FIELD = re.compile(r"(\w+)\s*=\s*")


@dataclass(frozen=True)
class Reference:
    """One entry of a bibliography.

    Attributes
    ----------
    key, kind : str
        Citation key and type (article, misc, ...).
    fields : mapping of str to str
        Author, title, year and so on, without their braces.
    text : str
        The entry as it stands in the file.
    """

    key: str
    kind: str
    fields: Mapping[str, str]
    text: str


def read_bibliography(path: Path, shown_as: str | None = None) -> dict[str, Reference]:
    """Entries of a BibTeX file by key.

    Raises
    ------
    InputError
        If an entry is not closed, has no fields, or a key is there twice.
    """
    text = path.read_text(encoding="utf-8")
    shown = shown_as or str(path)
    references: dict[str, Reference] = {}
    problems = []
    position = 0
    while match := _START.search(text, position):
        line = text.count("\n", 0, match.start()) + 1
        key = match[2]
        end = _closing(text, text.index("{", match.start()))
        if end is None:
            problems.append(Problem(f"the entry {key!r} is not closed", "", shown, line, 1))
            break
        fields = _fields(text[match.end() : end])
        if not fields:
            problems.append(Problem(f"the entry {key!r} has no fields", "", shown, line, 1))
        if key in references:
            problems.append(Problem(f"duplicate key {key!r}", "", shown, line, 1))
        references[key] = Reference(key, match[1].lower(), fields, text[match.start() : end + 1])
        position = end + 1
    if problems:
        raise InputError(problems)
    return references


def _closing(text: str, opening: int) -> int | None:
    """Index of the brace that closes the one at ``opening``."""
    depth = 0
    for index in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return None


def _fields(text: str) -> dict[str, str]:
    fields = {}
    position = 0
    while match := _FIELD.search(text, position):
        if match.end() >= len(text) or text[match.end()] != "{":
            position = match.end()
            continue
        end = _closing(text, match.end())
        if end is None:
            break
        fields[match[1].lower()] = " ".join(text[match.end() + 1 : end].split())
        position = end + 1
    return fields
