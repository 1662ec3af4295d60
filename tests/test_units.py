"""Quantities and units."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorabm import units
from tumorabm.units import UnitError


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("20 um", "um", 20.0),
        ("20um", "um", 20.0),
        ("1.8e-5 cm^2/s", "um^2/h", 6.48e6),
        ("1.8e-5 cm2/s", "um^2/h", 6.48e6),
        ("24 months", "h", 24 * 30.4375 * 24),
        ("2 h", "h", 2.0),
        ("90 d", "h", 2160.0),
        ("0.5 1/d", "1/h", 0.5 / 24),
        ("0.5 /d", "1/h", 0.5 / 24),
        ("0.3 molecule/cell/s", "molecule/h", 1080.0),
        ("100 pM", "nM", 0.1),
        ("1.8 uM", "nM", 1800.0),
        ("51.8 L/h", "L/h", 51.8),
        ("1e-5 cm/s", "um/h", 360.0),
        ("5 %", "1", 0.05),
        ("5", "", 5.0),
        ("-3 d", "h", -72.0),
        (".5 mg", "mg", 0.5),
        ("1.25e8 cells/mL", "1/um^3", 1.25e-4),
    ],
)
def test_quantity(text: str, unit: str, value: float) -> None:
    assert units.quantity(text, unit) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("0.8 1/mm", "1/h", "'0.8 1/mm' is a density per length, expected a rate (1/time)"),
        ("50 ng/mL", "nM", "'50 ng/mL' is a concentration by mass, expected a concentration"),
        ("5 nM", "1", "'5 nM' is a concentration, expected a pure number"),
        ("5 um^2*h", "nM", "'5 um^2*h' is [length] ** 2 * [time], expected a concentration"),
        ("20", "um", "'20' has no unit, expected a length, for example '20 um'"),
        ("20 ums", "um", "'20 ums': 'ums' is not a unit, expected a length, for example '1 um'"),
        ("twenty um", "um", "'twenty um' is not a number with a unit, expected a length, for example '1 um'"),
        ("20 2 um", "um", "'20 2 um': '2 um' is not a unit, expected a length, for example '1 um'"),
        ("37 degC", "K", "'37 degC': 'degC' has an offset and cannot be used here, expected a temperature, *"),
        ("5 um**", "um", "'5 um**': 'um**' is not a unit, expected a length, for example '1 um'"),
        ("5 (", "um", "'5 (': '(' is not a unit, expected a length, for example '1 um'"),
        ("nan um", "um", "'nan um' is not a number with a unit, expected a length, for example '1 um'"),
        ("", "um", "'' is not a number with a unit, expected a length, for example '1 um'"),
    ],
)
def test_no_quantity(text: str, unit: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        units.quantity(text, unit)
    found = str(caught.value)
    assert found.startswith(message[:-1]) if message.endswith("*") else found == message


def test_words_for_dimensions_are_met() -> None:
    given = ["1", "h", "um", "mg", "1/h", "um/h", "um^2/h", "nM", "mmHg", "um^3/h", "um^3", "ng/mL", "fmol", "g/mol"]
    given += ["fmol/h", "nM/h", "1/nM/h", "1/mm", "1/mm^2", "1/um^3", "um^2", "K", "mmHg/h"]
    assert {units.dimension(unit) for unit in given} == set(units._WORDS)
    assert not any("[" in units.kind(unit) for unit in given)


def test_molecules_become_an_amount() -> None:
    assert units.convert(units.AVOGADRO, "molecule", "mol") == pytest.approx(1.0, rel=1e-14)
    # One molecule in a site of 20 um, as a concentration.
    expected = units.convert(1.0 / 8000.0, "molecule/um^3", "nM")
    assert pytest.approx(expected, rel=1e-12) == units.MOLECULES_TO_NANOMOLAR_VOLUME / 8000.0


def test_factors_are_clean_numbers() -> None:
    assert units.factor("L/h", "um^3/h") == 1e15
    assert units.factor("cells/mL", "1/um^3") == 1e-12
    assert units.factor("s", "h") == 1.0 / 3600.0
    assert units.factor("d", "h") == 24.0
    assert units.factor("um", "um") == 1.0


@pytest.mark.parametrize(
    ("value", "unit", "also", "text"),
    [
        (2016.0, "h", ("d", "h", "min"), "84 d"),
        (2.0, "h", ("d", "h", "min"), "2 h"),
        (0.5, "h", ("d", "h", "min"), "30 min"),
        (0.0, "h", ("d", "h"), "0 d"),
        (20.0, "um", (), "20 um"),
        (0.25, "1", (), "0.25"),
        (1 / 3, "um", (), "0.3333333333333333 um"),
    ],
)
def test_as_text(value: float, unit: str, also: tuple[str, ...], text: str) -> None:
    assert units.as_text(value, unit, also) == text


@given(st.floats(min_value=-1e9, max_value=1e9, allow_subnormal=False))
def test_text_reads_back_as_the_same_number(value: float) -> None:
    text = units.as_text(value, "h", ("d", "h", "min", "s"))
    assert units.quantity(text, "h") == value
    assert math.copysign(1.0, units.quantity(text, "h")) == math.copysign(1.0, value) or value == 0.0


def test_pint_is_loaded_only_when_needed() -> None:
    code = "import tumorabm.units, sys; assert 'pint' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_quantity_that_overflows_is_refused() -> None:
    with pytest.raises(UnitError, match="is not finite"):
        units.quantity("1e400 d", "h")
