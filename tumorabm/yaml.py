"""YAML 1.2 with the line and column of every key and value, which catalog and config share.

Duplicate keys, tags and what is not a mapping at the top are refused. A document is plain Python data with a position
per path, so it can be merged onto another (``extends``) and changed (``--set``) without losing where things stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tumorabm.errors import InputError, Problem, dotted

Steps = tuple[str | int, ...]
_SPECIAL = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}
_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Position:
    """Where a key and its value stand, lines and columns counted from one."""

    file: str
    key: tuple[int, int] | None
    value: tuple[int, int] | None


@dataclass
class Document:
    """Plain data with positions.

    Attributes
    ----------
    data : dict
        What was read.
    positions : dict
        By path, a tuple of keys and list indices; the empty tuple is the document itself.
    """

    data: dict[str, Any]
    positions: dict[Steps, Position] = field(default_factory=dict)

    def problem(self, path: Steps, message: str, at_key: bool = False) -> Problem:
        """A problem at a path; at the nearest enclosing one if nothing stands there (a missing key)."""
        for length in range(len(path), -1, -1):
            position = self.positions.get(path[:length])
            if position is not None:
                place = (position.key if at_key else None) or position.value or position.key or (None, None)
                return Problem(message, dotted(path), position.file, *place)
        return Problem(message, dotted(path))

    def forget(self, path: Steps) -> None:
        """Drop the positions at and below a path."""
        for known in [known for known in self.positions if known[: len(path)] == path]:
            del self.positions[known]


def read(path: Path, shown_as: str | None = None) -> Document:
    """Read a file.

    Parameters
    ----------
    path : Path
        The file.
    shown_as : str, optional
        How messages name it; the path itself if not given.

    Raises
    ------
    InputError
        If it cannot be read, is not YAML, holds a duplicate key or a tag, or is not a mapping.
    """
    shown = shown_as or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError([Problem("no such file", file=shown)]) from None
    except IsADirectoryError:
        raise InputError([Problem("is a folder, expected a YAML file", file=shown)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Problem(f"cannot be read: {error}", file=shown)]) from None
    return parse(text, shown)


def parse(text: str, file: str) -> Document:
    """Read a document from text; ``file`` is how messages name it. Raises as :func:`read` does."""
    data, positions = _load(text, file)
    if data is None:
        raise InputError([Problem("is empty, expected a mapping", file=file)])
    if not isinstance(data, dict):
        raise InputError([Problem(f"holds {_noun(data)}, expected a mapping", file=file, line=1, column=1)])
    return Document(data, positions)


def parse_value(text: str, file: str) -> Any:
    """One value as it would stand behind a key, for example of ``--set path=value``."""
    return _load(text, file)[0]


def from_mapping(data: Mapping[str, Any]) -> Document:
    """A document of plain data that stands in no file."""
    return Document(_copied(dict(data)))


def merge(below: Document, above: Document) -> Document:
    """``above`` on top of ``below``: mappings key by key, lists and scalars whole, null removes the key."""
    positions = dict(below.positions)
    merged = Document(_copied(below.data), positions)
    positions[()] = above.positions.get((), Position("", None, None))
    _merge_into(merged.data, above.data, (), merged, above)
    return merged


def assign(document: Document, path: Steps, value: Any, file: str) -> None:
    """Set one value in place, creating mappings on the way; null removes the key. Positions name ``file``.

    Raises
    ------
    InputError
        If the path runs through something that is neither a mapping nor a list, or past the end of a list.
    """
    node: Any = document.data
    for depth, step in enumerate(path[:-1]):
        if isinstance(node, dict) and not isinstance(node.get(str(step)), dict | list):
            document.forget(path[: depth + 1])
            node[str(step)] = {}
        node = _child(node, step, path, file)
    last = path[-1]
    document.forget(path)
    if isinstance(node, list):
        _child(node, last, path, file)
        node[int(last)] = value
    elif value is None:
        node.pop(str(last), None)
        return
    else:
        node[str(last)] = value
    for below in _paths(value, path):
        document.positions[below] = Position(file, None, None)


def dump(data: Any) -> str:
    """Plain data as YAML in block style, in the order given."""
    import io

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = 120
    out = io.StringIO()
    writer.dump(data, out)
    return out.getvalue()


def _load(text: str, file: str) -> tuple[Any, dict[Steps, Position]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        raise InputError([Problem(f"not valid YAML: {error.problem}", "", file, *place)]) from None
    except YAMLError as error:
        raise InputError([Problem(f"not valid YAML: {' '.join(str(error).split())}", file=file)]) from None
    if root is None:
        return None, {}
    reader = _Reader(file)
    data = reader.value(root, (), None)
    if reader.problems:
        raise InputError(reader.problems)
    return data, reader.positions


class _Reader:
    """Turns nodes into plain data, noting positions and what is refused."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[Steps, Position] = {}
        self.problems: list[Problem] = []

    def refuse(self, message: str, path: Steps, mark: Any) -> None:
        self.problems.append(Problem(message, dotted(path), self.file, mark.line + 1, mark.column + 1))

    def value(self, node: Any, path: Steps, key: tuple[int, int] | None) -> Any:
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.positions[path] = Position(self.file, key, place)
        tag = str(node.tag)
        if tag.endswith(":map"):
            return self.mapping(node, path)
        if tag.endswith(":seq"):
            return [self.value(child, (*path, index), None) for index, child in enumerate(node.value)]
        if not tag.startswith(_PREFIX):
            self.refuse(f"the tag {tag!r} is not used here", path, node.start_mark)
            return None
        return _scalar(node.value, tag.removeprefix(_PREFIX))

    def mapping(self, node: Any, path: Steps) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node.value, str):
                self.refuse("a key must be a word", path, mark)
                continue
            name = key_node.value
            if name in out:
                self.refuse(f"duplicate key {name!r}", (*path, name), mark)
            if value_node.value == "" and str(value_node.tag) == f"{_PREFIX}null":
                self.refuse(
                    "is empty; leave the line out, or write null for what it is by default", (*path, name), mark
                )
            out[name] = self.value(value_node, (*path, name), (mark.line + 1, mark.column + 1))
        return out


def _scalar(text: str, tag: str) -> Any:
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        return int(text.replace("_", ""), 0) if text.lstrip("+-")[:2] in ("0x", "0o") else int(text.replace("_", ""))
    if tag == "float":
        plain = text.replace("_", "")
        return _SPECIAL[plain.lower()] if plain.lower() in _SPECIAL else float(plain)
    return text


def _merge_into(below: dict[str, Any], above: dict[str, Any], path: Steps, merged: Document, source: Document) -> None:
    for key, value in above.items():
        here = (*path, key)
        if value is None:
            below.pop(key, None)
            merged.forget(here)
        elif isinstance(value, dict) and isinstance(below.get(key), dict):
            if here in source.positions:
                merged.positions[here] = source.positions[here]
            _merge_into(below[key], value, here, merged, source)
        else:
            merged.forget(here)
            below[key] = _copied(value)
            for position in [known for known in source.positions if known[: len(here)] == here]:
                merged.positions[position] = source.positions[position]


def _child(node: Any, step: str | int, path: Steps, file: str) -> Any:
    if isinstance(node, list):
        if not str(step).isdigit():
            raise InputError([Problem(f"{step!r} is no index of a list", dotted(path), file)])
        if int(step) >= len(node):
            raise InputError([Problem(f"the list has {len(node)} items, no item {step}", dotted(path), file)])
        return node[int(step)]
    return node[str(step)]


def _paths(value: Any, path: Steps) -> Iterator[Steps]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from _paths(child, (*path, key))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(child) for key, child in value.items()}
    return [_copied(child) for child in value] if isinstance(value, list) else value


def _noun(value: Any) -> str:
    return "a list" if isinstance(value, list) else repr(value)
