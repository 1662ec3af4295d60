"""What a path in an experiment takes: its unit, its bounds, and what is wrong with a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from tumorabm import units, yaml
from tumorabm.catalog import SETS, Catalog
from tumorabm.config import Experiment, declared
from tumorabm.config.loading import path_steps
from tumorabm.config.messages import messages_of
from tumorabm.config.quantity import Written, Wrong
from tumorabm.errors import InputError, nearest
from tumorabm.yaml import Steps

# What a sweep decides itself, and why it cannot be a factor.
_NOT_VARIED: Final[Mapping[str, str]] = {
    "seed": "'replicates' and 'luck' decide on seeds",
    "name": "all runs of a sweep are named after it",
    "description": "it changes nothing in a run",
    "extends": "it is read before anything is set; vary what it would set",
}


@dataclass(frozen=True)
class Target:
    """What a path takes.

    Parameters
    ----------
    path : str
    unit : str or None
        Unit of numbers ("1" for those without a dimension), None where words or anything else may stand.
    low, high : float
        Least and greatest value, in ``unit``; of the catalog's values the plausible range.
    whole : bool
        Whether numbers are whole.
    check : callable
        What is wrong with a value, as messages.
    """

    path: str
    unit: str | None
    check: Callable[[Any], list[str]]
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False


def target_of(path: str, experiment: Experiment, base: Mapping[str, Any]) -> Target:
    """What a path takes in an experiment, whose content is ``base``.

    Raises
    ------
    Wrong
        If there is no such path, or a sweep cannot vary it.
    """
    steps = path_steps(path)
    if not steps:
        raise Wrong(f"{path!r} is no path such as treatment[0].dose")
    first = str(steps[0])
    if first in _NOT_VARIED:
        raise Wrong(f"{first!r} cannot be a factor: {_NOT_VARIED[first]}")
    try:
        # Does the way to it exist? Lists are as long as they are.
        yaml.assign(yaml.from_mapping(base), steps, 0, "")
    except InputError as error:
        raise Wrong(error.problems[0].message) from None
    if first == "catalog" and len(steps) == 2:
        return _in_catalog(path, str(steps[1]), experiment)
    if first == "processes" and len(steps) > 1:
        return _in_processes(path, steps, experiment)
    if first == "sets" and len(steps) > 1:
        kind = str(steps[1])
        if kind not in SETS or len(steps) > 2:
            raise Wrong(f"the experiment has no {path!r}{nearest(kind, SETS)}")
        return Target(path, None, lambda given: _word_of_set(kind, given))
    return _in_schema(path, steps)


def _word_of_set(kind: str, given: Any) -> list[str]:
    return [] if given in SETS[kind] else [f"{given!r} is no {kind} set; expected one of {', '.join(SETS[kind])}"]


def _in_catalog(path: str, entry_path: str, experiment: Experiment) -> Target:
    catalog: Catalog = experiment.base_catalog
    try:
        entries = list(catalog.variants(entry_path).values())
    except InputError as error:
        raise Wrong(str(error)) from None
    if entries[0].validation:
        raise Wrong(f"{entry_path} is a validation target, never an input of the model")

    def check(given: Any) -> list[str]:
        try:
            catalog.with_overrides({entry_path: given})
        except InputError as error:
            return [problem.message for problem in error.problems]
        return []

    low, high = _range_of(catalog, entry_path)
    return Target(path, entries[0].unit, check, low, high)


def _range_of(catalog: Catalog, entry_path: str) -> tuple[float, float]:
    """The widest range of an entry's variants, in the unit of the first."""
    entries = list(catalog.variants(entry_path).values())
    unit = entries[0].unit
    ranges = [
        [units.convert(end, entry.unit, unit) for end in entry.range] for entry in entries if entry.range is not None
    ]
    if not ranges:
        return -math.inf, math.inf
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _in_processes(path: str, steps: Steps, experiment: Experiment) -> Target:
    known = declared.processes()
    name = str(steps[1])
    if name not in known:
        raise Wrong(f"the experiment has no process {name!r}{nearest(name, known)}")

    def check(given: Any) -> list[str]:
        setting = {str(steps[2]): given} if len(steps) == 3 else given
        try:
            declared.read_processes({name: setting})
        except Wrong as error:
            return [fault.message for fault in error.faults]
        return []

    if len(steps) == 2:
        return Target(path, None, check)
    parameters = known[name].parameters
    parameter = parameters.get(str(steps[2]))
    if parameter is None or len(steps) > 3:
        hint = nearest(steps[2], parameters) or "; it has none"
        raise Wrong(f"the process {name} has no parameter {str(steps[2])!r}{hint}")
    unit = parameter.unit or units.DIMENSIONLESS
    low, high = -math.inf, math.inf
    if parameter.entry in experiment.base_catalog:
        # In a range nothing but the source's own unit is known to be right.
        source = next(iter(experiment.base_catalog.variants(parameter.entry).values())).unit
        low, high = (units.convert(end, source, unit) for end in _range_of(experiment.base_catalog, parameter.entry))
    return Target(path, unit, check, low, high)


def _in_schema(path: str, steps: Steps) -> Target:
    """A path into the blocks of an experiment."""
    model: type[BaseModel] = Experiment
    field: FieldInfo | None = None
    annotation: Any = Experiment
    for depth, step in enumerate(steps):
        if isinstance(step, int):
            annotation = _item_of(annotation)
        elif field is not None and _model_in(annotation) is None:
            if _leaf(path, annotation).unit is not None:
                raise Wrong(f"the experiment has no {str(step)!r} in {path.rpartition('.')[0]!r}, which is a number")
            return Target(path, None, lambda given: [])  # inside a setting that checks itself
        else:
            model = _model_in(annotation) or model
            fields = {found.alias or name: found for name, found in model.model_fields.items()}
            if step not in fields:
                where = f" in {path.rpartition('.')[0]!r}" if depth else ""
                raise Wrong(f"the experiment has no {step!r}{where}{nearest(step, fields)}")
            field = fields[step]
            annotation = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return _leaf(path, annotation)


def _leaf(path: str, annotation: Any) -> Target:
    metadata, kinds = _flattened(annotation)
    written = next((item for item in metadata if isinstance(item, Written)), None)
    low, high = -math.inf, math.inf
    for item in metadata:
        if isinstance(item, Ge | Gt):
            low = max(low, _bound(item, "ge", "gt"))
        elif isinstance(item, Le | Lt):
            high = min(high, _bound(item, "le", "lt"))
    unit = None
    if written is not None:
        unit = written.unit
        low = 0.0 if written.bound in ("above_zero", "not_negative") else low
    elif set(kinds) <= {int, float} and kinds:
        unit = units.DIMENSIONLESS
    adapter = None if _model_in(annotation) else TypeAdapter(annotation)
    strict = written is None

    def check(given: Any) -> list[str]:
        if adapter is None:
            return []
        try:
            adapter.validate_python(given, strict=strict)
        except ValidationError as error:
            return [message for _, message, _ in messages_of(error, Experiment)]
        return []

    return Target(path, unit, check, low, high, whole=kinds == [int])


def _bound(item: Any, *names: str) -> float:
    return float(next(getattr(item, name) for name in names if hasattr(item, name)))


def _flattened(annotation: Any) -> tuple[list[Any], list[Any]]:
    """Everything that is said about a type, and the plain types behind it, None left out."""
    if get_origin(annotation) is Annotated:
        inner, *said = get_args(annotation)
        metadata, kinds = _flattened(inner)
        spread = [part for item in said for part in (item.metadata if isinstance(item, FieldInfo) else (item,))]
        return [*spread, *metadata], kinds
    if _is_union(annotation):
        parts = [_flattened(part) for part in get_args(annotation) if part is not type(None)]
        return [item for metadata, _ in parts for item in metadata], [kind for _, kinds in parts for kind in kinds]
    return [], [str if get_origin(annotation) is Literal else annotation]


def _item_of(annotation: Any) -> Any:
    """What the items of a list are."""
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is list:
            return get_args(part)[0]
    return annotation


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The block that an annotation stands for, itself or with None beside it; not the items of a list."""
    if get_origin(annotation) is Annotated or _is_union(annotation):
        found = [model for part in get_args(annotation) if (model := _model_in(part)) is not None]
        return found[0] if found else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _is_union(annotation: Any) -> bool:
    import types

    return get_origin(annotation) in (Union, types.UnionType)
