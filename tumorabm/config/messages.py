"""What pydantic finds wrong in the words of this package, for every kind of file that is made of blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_origin

from pydantic import BaseModel, ValidationError

from tumorabm.config.quantity import Wrong
from tumorabm.errors import Problem, nearest
from tumorabm.yaml import Steps

_EXAMPLES: Final = {"dose": "'dose: 50 mg'", "every": "'every: 1 d'"}


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems file by file, each file's in the order of its lines; every one once."""
    found = list(problems)
    files = list(dict.fromkeys(problem.file for problem in found))
    places = {problem: (files.index(problem.file), problem.line or 0, problem.column or 0) for problem in found}
    return sorted(places, key=places.__getitem__)


def messages_of(
    error: ValidationError, model: type[BaseModel], also: Sequence[str] = ()
) -> Iterable[tuple[Steps, str, bool]]:
    """Path, message and whether the key is at fault, for everything that pydantic found in a model.

    ``also`` are keys that a file may have at its top besides those of the model.
    """
    for item in error.errors(include_url=False):
        path = tuple(item["loc"])
        kind, given = item["type"], item.get("input")
        wrong = item.get("ctx", {}).get("error")
        if isinstance(wrong, Wrong):
            for fault in wrong.faults:
                yield (*path, *fault.path), fault.message, fault.at_key
        elif kind == "extra_forbidden":
            yield path, f"unknown key{nearest(path[-1], _keys_at(model, path[:-1], also))}", True
        elif kind == "missing":
            yield path, _missing(model, path), False
        else:
            yield path, _reworded(kind, given, item.get("ctx", {}), item["msg"]), False


def _missing(model: type[BaseModel], path: Steps) -> str:
    if path[0] == "treatment" and len(path) == 3 and path[-1] in _EXAMPLES:
        return f"is missing: a drug without a schedule; give 'dose' and 'every', for example {_EXAMPLES[str(path[-1])]}"
    return f"is missing{_described(model, path)}"


def _reworded(kind: str, given: Any, context: Mapping[str, Any], message: str) -> str:
    """What pydantic found in the words of this package."""
    expected = {
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "string_type": "text",
        "list_type": "a list",
        "bool_type": "true or false",
        "model_type": "a mapping",
        "model_attributes_type": "a mapping",
        "dict_type": "a mapping",
    }
    if kind in expected:
        return f"expected {expected[kind]}, got {given!r}"
    if kind == "literal_error":
        words = re.findall(r"'([^']+)'", context["expected"])
        return f"{given!r} is not known{nearest(given, words)}"
    bounds = {"greater_than_equal": ("ge", "at least"), "greater_than": ("gt", "more than")}
    bounds |= {"less_than_equal": ("le", "at most"), "less_than": ("lt", "less than")}
    if kind in bounds:
        name, words_of = bounds[kind]
        return f"{given!r} must be {words_of} {context[name]:g}"
    if kind in ("too_short", "too_long"):
        limit = context.get("min_length", context.get("max_length"))
        return f"has {context['actual_length']} items, expected at {'least' if kind == 'too_short' else 'most'} {limit}"
    if kind == "string_pattern_mismatch":
        return (
            f"{given!r} must begin with a letter or digit and hold letters, digits, '_', '.' and '-' only, 100 at most"
        )
    return f"{message}, got {given!r}"


def model_at(model: type[BaseModel], path: Steps) -> type[BaseModel] | None:
    """The block that a path into a model leads to."""
    found: type[BaseModel] | None = model
    named = False  # whether the next step is a name in a mapping of blocks
    for step in path:
        if found is None or isinstance(step, int) or named:
            named = False
            continue
        fields = {field.alias or name: field for name, field in found.model_fields.items()}
        annotation = fields[step].annotation if step in fields else None
        found, named = _block_in(annotation), get_origin(annotation) is dict
    return found


def _block_in(annotation: Any) -> type[BaseModel] | None:
    """The block inside an annotation such as ``list[CellsBlock]`` or ``TableBlock | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _block_in(part)
        if found is not None:
            return found
    return None


def _keys_at(model: type[BaseModel], path: Steps, also: Sequence[str]) -> list[str]:
    block = model_at(model, path)
    names = [field.alias or name for name, field in block.model_fields.items()] if block else []
    return [*names, *also] if not path else names


def _described(model: type[BaseModel], path: Steps) -> str:
    block = model_at(model, path[:-1])
    fields = {field.alias or name: field for name, field in block.model_fields.items()} if block else {}
    text = fields[path[-1]].description if path[-1] in fields else None
    return f" ({text[0].lower()}{text[1:]})" if text else ""
