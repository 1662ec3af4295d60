"""Quantities in an experiment file: text with a unit outside, a float in internal units inside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tumorabm import units

TIME_UNITS: Final = ("d", "h", "min", "s")
# A number and a unit, as far as a pattern can tell.
PATTERN: Final = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*[^\s\d].*$"
_BOUNDS = {"above_zero": "above 0", "not_negative": "0 or more", "any": ""}


class Fault(NamedTuple):
    """One thing wrong at a path below the validated field; with the key there, or with its value."""

    path: tuple[str | int, ...]
    message: str
    at_key: bool = False


class Wrong(ValueError):
    """What validators raise.

    Parameters
    ----------
    faults : str or iterable of Fault
        A message stands for the validated field itself.
    """

    def __init__(self, faults: str | Iterable[Fault]) -> None:
        self.faults = [Fault((), faults)] if isinstance(faults, str) else list(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))


def read_quantity(given: Any, unit: str, bound: str = "any", example: str = "") -> float:
    """A quantity as a float in ``unit``.

    Raises
    ------
    Wrong
        If it is no text with a unit, has another dimension, or lies outside the bound.
    """
    shown = example or f"1 {unit}"
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise Wrong(f"expected a quantity such as '{shown}', got {given!r}")
    if not isinstance(given, str):
        raise Wrong(f"{given!r} has no unit, expected {units.kind(unit)}, for example '{given} {unit}'")
    try:
        value = units.quantity(given, unit)
    except units.UnitError as error:
        raise Wrong(str(error)) from None
    if (bound == "above_zero" and not value > 0.0) or (bound == "not_negative" and not value >= 0.0):
        raise Wrong(f"{given!r} must be {_BOUNDS[bound]}")
    return value


def read_number(given: Any, unit: str, example: str = "") -> float:
    """As ``read_quantity``; a bare number where ``unit`` has no dimension."""
    if units.dimension(unit) == "dimensionless" and isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    return read_quantity(given, unit, example=example)


@dataclass(frozen=True)
class Written:
    """Marks a float of a model as a quantity that is written as text with a unit.

    Parameters
    ----------
    unit : str
        Unit inside.
    noun, example : str
        For messages and the JSON Schema.
    bound : {"any", "above_zero", "not_negative"}
    also : tuple of str
        Units that resolved experiments prefer, see ``units.as_text``.
    """

    unit: str
    noun: str
    example: str
    bound: str = "any"
    also: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda given: read_quantity(given, self.unit, self.bound, self.example),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: units.as_text(value, self.unit, self.also)
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": PATTERN,
            "description": f"{self.noun} with its unit, for example {self.example!r}",
            "examples": [self.example],
        }


Length = Annotated[float, Written("um", "a length above 0", "250 um", "above_zero")]
Span = Annotated[float, Written("h", "a time above 0", "2 h", "above_zero", TIME_UNITS)]
Time = Annotated[float, Written("h", "a time, 0 or more", "28 d", "not_negative", TIME_UNITS)]
Dose = Annotated[float, Written("mg", "a mass above 0", "50 mg", "above_zero")]
ReducedDose = Annotated[float, Written("mg", "a mass, 0 or more", "37.5 mg", "not_negative")]
Concentration = Annotated[float, Written("nM", "a concentration, 0 or more", "10 nM", "not_negative")]
