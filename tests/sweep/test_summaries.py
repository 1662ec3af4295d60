"""Summaries: each statistic on a course that is known exactly, what is refused, and what a real run gives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from short_run import short

from tumorabm.config import load_experiment
from tumorabm.recording.run_folder import RunFolder
from tumorabm.sweep.summaries import (
    STATISTICS,
    check_summary,
    read_summary,
    series_of_experiment,
    summarize,
    summary_unit,
)

HOURS = np.arange(0.0, 241.0, 24.0)  # daily, 10 days
DAYS = HOURS / 24.0
GROWING = 100.0 * np.exp(0.3 * DAYS)
LINE = 5.0 + 2.0 * DAYS


def value(values: np.ndarray, statistic: str, **options: object) -> float:
    """A statistic of daily values; ``from_`` stands for the key ``from``."""
    definition = {"output": "x", "statistic": statistic, **{key.rstrip("_"): item for key, item in options.items()}}
    summary = read_summary("s", definition, "1")
    return STATISTICS[statistic].function(HOURS, values, summary.options)


@pytest.mark.parametrize(
    ("statistic", "options", "expected"),
    [
        ("final", {}, 25.0),
        ("at", {"at": "3 d"}, 11.0),
        ("at", {"at": "84 h"}, 12.0),  # between two records
        ("min", {}, 5.0),
        ("min", {"from_": "36 h"}, 8.0),
        ("max", {"to": "36 h"}, 8.0),
        ("mean", {}, 15.0),
        ("mean", {"from_": "2 d", "to": "3 d"}, 10.0),
        ("mean", {"from_": "2 d", "to": "2 d"}, 9.0),
        ("area", {"from_": "1 d", "to": "4 d"}, 30.0),
        ("change", {}, 5.0),
        ("change", {"from_": "5 d", "to": "10 d"}, 25.0 / 15.0),
        ("time_to", {"above": 5}, 0.0),
        ("time_to", {"above": 12}, 3.5),
        ("time_to", {"above": 12, "from_": "4 d"}, 4.0),
        ("time_to", {"above": 30}, math.nan),
        ("time_to", {"below": 6}, 0.0),
        ("time_to", {"above": 3, "relative_to": "0 h"}, 5.0),
    ],
)
def test_statistic_of_a_line(statistic: str, options: dict, expected: float) -> None:
    assert value(LINE, statistic, **options) == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_threshold_from_above() -> None:
    assert value(30.0 - LINE, "time_to", below=18) == pytest.approx(3.5)
    assert math.isnan(value(LINE, "time_to", below=4))


def test_growth_rate_is_the_slope_of_the_logarithm() -> None:
    assert value(GROWING, "growth_rate") == pytest.approx(0.3, rel=1e-12)
    assert value(GROWING, "growth_rate", from_="2 d", to="9 d") == pytest.approx(0.3, rel=1e-12)
    assert math.isnan(value(LINE - 5.0, "growth_rate"))  # begins at 0
    assert math.isnan(value(LINE - 5.0, "change"))


def test_what_is_not_known_is_not_a_number() -> None:
    gone = np.where(DAYS < 6, LINE, np.nan)
    for statistic in ("final", "min", "max", "mean", "area", "growth_rate", "change"):
        assert math.isnan(value(gone, statistic)), statistic
    assert value(gone, "mean", to="5 d") == 10.0
    assert value(gone, "time_to", above=12) == pytest.approx(3.5)


def test_units() -> None:
    units = {name: summary_unit({"statistic": name}, "um") for name in STATISTICS}
    assert units == {
        **dict.fromkeys(("final", "at", "min", "max", "mean"), "um"),
        **{"area": "um d", "change": "1", "growth_rate": "1/d", "time_to": "d"},
    }
    assert summary_unit({"statistic": "area"}, "1") == "d"


def test_series_are_known_before_a_run(small_config: Path, small_run: Path) -> None:
    recorded = RunFolder(small_run).manifest["series"]
    expected = series_of_experiment(load_experiment(small_config))
    assert {name: kind.unit for name, kind in expected.items()} == {k: v["unit"] for k, v in recorded.items()}
    assert {name for name, kind in expected.items() if kind.quantiles} == {n for n in recorded if "quantiles" in n}


def test_of_a_run(small_run: Path) -> None:
    run = RunFolder(small_run)
    series = run.timeseries()
    definitions = {
        "end": {"output": "tumor_cells", "statistic": "final"},
        "median": {"output": "oxygen_lesion_quantiles", "statistic": "at", "at": "4 d", "quantile": 0.5},
        "peak": {"output": "sunitinib_plasma_total", "statistic": "max", "from": "4 d"},
        "absent": {"output": "brown_cells", "statistic": "final"},
    }
    found = summarize(run, definitions)
    assert list(found) == list(definitions)
    assert found["end"] == series["tumor_cells"][-1] > 0
    assert found["median"] == series["oxygen_lesion_quantiles"][4, 2] > 0
    assert found["peak"] == series["sunitinib_plasma_total"].max() > 0
    assert math.isnan(found["absent"])


GOOD = {"output": "tumor_cells", "statistic": "final"}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (GOOD, []),
        ({**GOOD, "statistic": "growth_rate", "from": "0 d", "to": "9 d"}, []),
        ({"output": "mean_lesion_oxygen", "statistic": "time_to", "below": "5 mmHg"}, []),
        ({"output": "mean_lesion_oxygen", "statistic": "time_to", "below": 0.5, "relative_to": "2 d"}, []),
        (3, ["expected a mapping with output and statistic, got 3"]),
        ({}, ["output: is missing", "statistic: is missing"]),
        ({**GOOD, "statistic": "finl"}, ["statistic: 'finl' is no statistic; did you mean 'final'?"]),
        (
            {**GOOD, "output": "tumour_cells"},
            ["output: 'tumour_cells' is no time series of the base experiment; did you mean 'tumor_cells'?"],
        ),
        ({**GOOD, "statistic": "at"}, ["at: is missing, the statistic at needs it"]),
        ({**GOOD, "to": "3 d"}, ["to: is no option of the statistic final*"]),
        (
            {**GOOD, "statistic": "mean", "to": 3},
            ["to: 3 has no unit, expected a time, for example '3 h'"],
        ),
        (
            {**GOOD, "statistic": "mean", "to": "11 d"},
            ["to: '11 d' lies after the last record at 10 d, burn-in included"],
        ),
        (
            {**GOOD, "statistic": "mean", "from": "10 d"},
            ["from: '10 d' is not before 10 d"],
        ),
        ({**GOOD, "statistic": "time_to"}, ["the statistic time_to needs either 'above' or 'below'"]),
        (
            {"output": "lesion_diameter", "statistic": "time_to", "above": "3 d"},
            ["above: '3 d' is a time, expected a length"],
        ),
        (
            {"output": "oxygen_lesion_quantiles", "statistic": "final"},
            ["quantile: 'oxygen_lesion_quantiles' has several; choose one of 0.05, 0.25, 0.5, 0.75, 0.95"],
        ),
        ({**GOOD, "quantile": 0.5}, ["quantile: 'tumor_cells' has no quantiles"]),
    ],
)
def test_definitions_are_checked(definition: object, expected: list[str]) -> None:
    messages = check_summary(definition, short())
    assert len(messages) == len(expected), messages
    for message, wanted in zip(messages, expected, strict=True):
        assert message.startswith(wanted[:-1]) if wanted.endswith("*") else message == wanted
