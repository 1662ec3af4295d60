"""The course of the main experiment, small: two nodules in 1.6 mm of tissue, 30 days and one course of sunitinib.

The full version over ten seeds is ``tests/validation/engine_course.py``; its figures are kept beside it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import constants_of
from tumorabm.step import advance
from tumorabm.tissue.cells import TUMOR
from tumorabm.units import quantity

EXPERIMENTS = Path(__file__).resolve().parents[1] / "configs" / "experiments"
SEEDS = (1, 2)
START, LAST_DOSE, END = 30, 58, 72  # d


def course(name: str) -> dict[int, list[dict[str, float]]]:
    """What the lesions were like on some days, by day, a mapping for each seed."""
    found: dict[int, list[dict[str, float]]] = {START: [], LAST_DOSE: [], END: []}
    for seed in SEEDS:
        settings = [f"seed={seed}", "lattice.shape=[80, 80]", "burn_in=30 d", "duration=42 d", "record.keep=[]"]
        experiment = load_experiment(EXPERIMENTS / name, settings)
        constants = constants_of(experiment.catalog, experiment.sets)
        tissue, processes = build(experiment)
        for day in range(1, END + 1):
            for _ in range(12):
                advance(tissue, processes, 2.0)
            if day in found:
                seen = Measurement(tissue, constants)
                oxygen = tissue.microenvironment["oxygen"].at(seen.living_lesion_sites)
                found[day].append(
                    {
                        "cells": float(np.count_nonzero(seen.tumor_states == 0)),
                        # Of the lesion as it is: one that shrinks leaves its vessels outside.
                        "vessels": np.count_nonzero(seen.endothelium.in_hull) / tissue.cells.rows_of(TUMOR).size,
                        "hypoxic": float((oxygen < constants["hypoxic_threshold"]).mean()),
                        "oxygen": float(oxygen.mean()),
                    }
                )
    return found


def mean(found: list[dict[str, float]], name: str) -> float:
    return float(np.mean([item[name] for item in found]))


@pytest.fixture(scope="module")
def untreated() -> dict[int, list[dict[str, float]]]:
    return course("untreated.yaml")


@pytest.fixture(scope="module")
def treated() -> dict[int, list[dict[str, float]]]:
    return course("sunitinib_first_line.yaml")


def test_an_untreated_nodule_grows_at_the_oxygen_of_such_lesions(untreated) -> None:
    rate = np.log(mean(untreated[END], "cells") / mean(untreated[START], "cells")) / (END - START)
    assert 60 < np.log(2) / rate < 150
    assert 8 < mean(untreated[END], "oxygen") < 12
    assert mean(untreated[END], "hypoxic") < 0.1


def test_sunitinib_takes_vessels_that_come_back_in_the_break(treated) -> None:
    """Vessels per cell of the lesion, debris included."""
    baseline = mean(treated[START], "vessels")
    assert 0.3 < 1 - mean(treated[LAST_DOSE], "vessels") / baseline < 0.75
    assert mean(treated[END], "vessels") / baseline > 0.75


def test_sunitinib_makes_the_lesion_hypoxic_and_slows_it(treated, untreated) -> None:
    assert mean(treated[LAST_DOSE], "hypoxic") > mean(treated[START], "hypoxic") + 0.15
    growth = [np.log(mean(arm[END], "cells") / mean(arm[START], "cells")) for arm in (treated, untreated)]
    assert growth[0] < 0.6 * growth[1]


def test_arms_share_their_history_until_treatment_begins(treated, untreated) -> None:
    assert treated[START] == untreated[START]


def test_the_kept_scan_is_of_the_shipped_values() -> None:
    """Each number of ``engine_calibration.md`` has one bold value, and it is the catalog's."""
    experiment = load_experiment(EXPERIMENTS / "sunitinib_first_line.yaml")
    text = (EXPERIMENTS.parents[1] / "tests" / "validation" / "engine_calibration.md").read_text(encoding="utf-8")
    bold = dict(re.findall(r"^\| ([a-z_0-9.]+) \| \*\*(.+?)\*\* \|", text, re.MULTILINE))
    assert set(bold) == set(re.findall(r"^\| ([a-z_0-9]+\.[a-z_0-9.]+) \|", text, re.MULTILINE)) != set()
    for path, value in bold.items():
        unit = experiment.catalog.entry(path, experiment.sets).unit
        assert quantity(value, unit) == pytest.approx(experiment.value(path, unit)), path
