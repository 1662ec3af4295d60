"""Units: quantities written as text, and their conversion by pint, once, when a file is read.

Inside, numbers are floats in µm, h, nM, mmHg (oxygen), fmol and mg. A cell and a vessel count as pure numbers and a
molecule as 1/N_A mol, so that ``molecule/cell/s`` converts to ``fmol/h`` and ``cells/mL`` to ``1/um^3``.
"""

from __future__ import annotations

import atexit
import functools
import math
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorabm.kept import Kept

if TYPE_CHECKING:
    import pint

_DEFINITIONS = (
    "cell = [] = cell = cells",
    "vessel = [] = vessel = vessels",
    "molecule = mole / avogadro_number = molecule = molecules",
)
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)
_SCALED = re.compile(r"\d+(?:\.\d*)?(?!\d|\.|\s*/)")
DIMENSIONLESS = "1"

AVOGADRO: Final = 6.02214076e23  # 1/mol, exact in the SI
# Molecules in a volume in µm³ as nM: 1e15 µm³ in a liter, 1e9 nmol in a mol.
MOLECULES_TO_NANOMOLAR_VOLUME: Final = 1e24 / AVOGADRO
# nM in a volume in µm³ as fmol: 1e-15 L in a µm³, 1e6 fmol in a nmol.
NANOMOLAR_VOLUME_TO_FEMTOMOLE: Final = 1e-9

# What messages call a dimension.
_WORDS: Final = {
    "dimensionless": "a pure number",
    "[time]": "a time",
    "[length]": "a length",
    "[mass]": "a mass",
    "1 / [time]": "a rate (1/time)",
    "[length] / [time]": "a speed",
    "[length] ** 2 / [time]": "a diffusivity (area/time)",
    "[substance] / [length] ** 3": "a concentration",
    "[mass] / [length] / [time] ** 2": "a pressure",
    "[length] ** 3 / [time]": "a flow (volume/time)",
    "[length] ** 2": "an area",
    "[length] ** 3": "a volume",
    "[mass] / [length] ** 3": "a concentration by mass",
    "[substance]": "an amount",
    "[mass] / [substance]": "a molar mass",
    "[substance] / [time]": "a rate of production (amount/time)",
    "[substance] / [length] ** 3 / [time]": "a change of concentration (concentration/time)",
    "[length] ** 3 / [time] / [substance]": "a rate of binding (1/concentration/time)",
    "[mass] / [length] / [time] ** 3": "a change of pressure (pressure/time)",
    "1 / [length]": "a density per length",
    "1 / [length] ** 2": "a density per area",
    "1 / [length] ** 3": "a density per volume",
    "[temperature]": "a temperature",
}


class UnitError(ValueError):
    """A unit that is not known, or one of another dimension than needed."""


@functools.cache
def _registry() -> pint.UnitRegistry[Any]:
    """The one registry of units (imports pint)."""
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry()
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


@functools.cache
def _parsed(unit: str) -> Any:
    """The pint unit of a text; ``um2`` is read as ``um^2``."""
    text = re.sub(r"(?<=[A-Za-zµ])(\d)", r"^\1", unit.strip())
    if text.startswith("/"):
        text = f"1{text}"
    if text in ("", DIMENSIONLESS):
        return _registry().Unit("dimensionless")
    if _SCALED.match(text):
        raise UnitError(f"{unit!r} is not a unit")  # 2 um: a factor
    try:
        parsed = _registry().parse_units(text)
    # pint's parser fails in many ways on text that is no unit (AssertionError, TokenError, TypeError, ...)
    except Exception as error:
        raise UnitError(f"{unit!r} is not a unit") from error
    if not _registry().Quantity(1.0, parsed)._is_multiplicative:
        raise UnitError(f"{unit!r} has an offset and cannot be used here")
    return parsed


def dimension(unit: str) -> str:
    """Dimension of a unit as text, for example ``1 / [time]``.

    Raises
    ------
    UnitError
        If the unit is not known.
    """
    known = _known()
    if unit not in known:
        known[unit] = str(_parsed(unit).dimensionality)
    return str(known[unit])


def kind(unit: str) -> str:
    """What a unit measures, as a message says it: ``a time``; the dimension where there is no word for it."""
    found = dimension(unit)
    return _WORDS.get(found, found)


@functools.cache
def _known() -> dict[Any, Any]:
    """Dimensions by unit and factors by pair of units that some process has found: to ask pint anew takes long."""
    kept = Kept("units", [Path(__file__)], metadata.version("pint"))
    known: dict[Any, Any] = kept.load() or {}
    before = len(known)
    atexit.register(lambda: kept.save(known) if len(known) > before else None)
    return known


def factor(unit: str, to: str) -> float:
    """What a number in ``unit`` is multiplied with to be in ``to``, rounded to 15 digits.

    Raises
    ------
    UnitError
        If a unit is not known or the dimensions differ.
    """
    known = _known()
    if (unit, to) not in known:
        known[unit, to] = _factor(unit, to)
    return float(known[unit, to])


def _factor(unit: str, to: str) -> float:
    if dimension(unit) != dimension(to):
        raise UnitError(f"{unit!r} is {kind(unit)}, expected {kind(to)}")
    value = float(_registry().convert(1.0, _parsed(unit), _parsed(to)))
    inverse = round(1.0 / value) if value else 0
    # Unit by unit multiplication leaves noise in the last digits (1/3600 and 1e12 are meant to be just that).
    if inverse > 1 and abs(1.0 / value - inverse) < 1e-9:
        return 1.0 / inverse
    return float(f"{value:.15g}")


def convert(value: float, unit: str, to: str) -> float:
    """``value`` in ``unit`` as a number in ``to``."""
    return value * factor(unit, to)


def split_quantity(text: str) -> tuple[float, str]:
    """Number and unit of a text such as ``"1.8e-5 cm^2/s"``.

    Raises
    ------
    UnitError
        If it does not begin with a number, or what follows is no unit.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"{text!r} is not a number with a unit")
    unit = match[2] or DIMENSIONLESS
    dimension(unit)
    return float(match[1]), unit


def quantity(text: str, unit: str) -> float:
    """A quantity written as text, as a number in ``unit``.

    Raises
    ------
    UnitError
        If it is no quantity, has no unit where one is needed, or has another dimension.
    """
    try:
        value, given = split_quantity(text)
    except UnitError as error:
        whole = "" if repr(text) in str(error) else f"{text!r}: "
        raise UnitError(f"{whole}{error}, expected {kind(unit)}, for example '1 {unit}'") from None
    if given == DIMENSIONLESS and dimension(unit) != "dimensionless":
        raise UnitError(f"{text!r} has no unit, expected {kind(unit)}, for example '{text.strip()} {unit}'")
    if dimension(given) != dimension(unit):
        raise UnitError(f"{text!r} is {kind(given)}, expected {kind(unit)}")
    converted = convert(value, given, unit)
    if not math.isfinite(converted):
        raise UnitError(f"{text!r} is not finite")
    return converted


def as_text(value: float, unit: str, also: Sequence[str] = ()) -> str:
    """A quantity as text that reads back as exactly the same float.

    Parameters
    ----------
    value : float
        Number in ``unit``.
    unit : str
        The unit inside.
    also : sequence of str
        Units that a reader may prefer; the first one in which the number is short and at least one is taken.
    """
    candidates = (*also, unit)
    for least in (1.0, 0.0):
        for candidate in candidates:
            text = f"{value * factor(unit, candidate):.12g}"
            if abs(float(text)) >= least and float(text) * factor(candidate, unit) == value:
                return text if candidate == DIMENSIONLESS else f"{text} {candidate}"
    return repr(value) if unit == DIMENSIONLESS else f"{value!r} {unit}"
