"""Rates of birth and death of tumor cells as functions of oxygen."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_tumor, put_vessel

from tumorabm.processes.fate.birth import break_even_oxygen, oxygen_response
from tumorabm.processes.process import Process
from tumorabm.processes.resistance.tolerance import HypoxiaTolerance
from tumorabm.tissue.cells import ALIVE, APOPTOTIC, NECROTIC
from tumorabm.tissue.tissue import Tissue


def cells_at(oxygen: list[float], process: Process, **columns: object) -> Tissue:
    """A tumor cell at each oxygen pressure, and a vessel that must not be meant."""
    tissue = bare_tissue((1, 2, len(oxygen)), processes=[process])
    tissue.microenvironment["oxygen"].concentration[0, 0] = oxygen
    put_tumor(tissue, np.arange(len(oxygen)), **columns)
    put_vessel(tissue, [len(oxygen), len(oxygen) + 1])
    return tissue


def rate_of(event: str, tissue: Tissue, process: Process) -> np.ndarray:
    process.step(tissue, 2.0)
    return tissue.rates.total(event, tissue.cells.n)


def test_birth_follows_oxygen_and_has_its_rate_at_the_reference() -> None:
    process = process_of("birth", rate=0.02, reference=9.6, half=8.0, threshold=2.0, exponent=2.0)
    oxygen = [0.0, 2.0, 8.0, 9.6, 1e6]
    rate = rate_of("divide", cells_at(oxygen, process), process)
    # x²/(x² + 36) with x = p - 2: 1/2 at 8, 57.76/93.76 at 9.6, 1 far above.
    at_reference = 57.76 / 93.76
    np.testing.assert_allclose(rate[:5], 0.02 * np.array([0.0, 0.0, 0.5, at_reference, 1.0]) / at_reference, rtol=1e-6)
    assert not rate[5:].any()


def test_the_dead_neither_divide_nor_die() -> None:
    state = np.array([ALIVE, APOPTOTIC, NECROTIC])
    for name, event in (("birth", "divide"), ("apoptosis", "apoptosis"), ("necrosis", "necrosis")):
        process = process_of(name)
        oxygen = 0.0 if name == "necrosis" else 20.0
        rate = rate_of(event, cells_at([oxygen] * 3, process, state=state), process)
        assert rate[0] > 0.0 and not rate[1:].any(), name


def test_birth_balances_death_at_the_break_even_oxygen() -> None:
    shape = {"reference": 9.6, "half": 8.0, "threshold": 2.0, "exponent": 2.0}
    pressure = break_even_oxygen({"rate": 0.020, **shape}, 0.0122)
    birth, death = process_of("birth", rate=0.020, **shape), process_of("apoptosis", rate=0.0122)
    tissue = cells_at([pressure - 0.1, pressure, pressure + 0.1], birth)
    net = rate_of("divide", tissue, birth)[:3] - rate_of("apoptosis", tissue, death)[:3]
    assert net[0] < 0.0 < net[2] and net[1] == pytest.approx(0.0, abs=1e-12)
    assert 6.0 < pressure < 7.0  # the prototype's 6.2 mmHg had another threshold
    assert break_even_oxygen({"rate": 0.020, **shape}, 0.040) == float("inf")
    assert break_even_oxygen({"rate": 0.0, **shape}, 0.0) == float("inf")


def test_the_response_is_a_hill_function_above_a_threshold() -> None:
    assert oxygen_response(8.0, 8.0, 2.0, 3.0) == 0.5
    assert oxygen_response(np.array([0.0, 2.0]), 8.0, 2.0, 3.0).tolist() == [0.0, 0.0]
    steep, gentle = (oxygen_response(np.array([5.0, 11.0]), 8.0, 2.0, n) for n in (4.0, 1.0))
    assert steep[0] < gentle[0] and steep[1] > gentle[1]


def test_necrosis_sets_in_below_its_onset() -> None:
    process = process_of("necrosis", rate=0.2, onset=1.0, full=0.5)
    rate = rate_of("necrosis", cells_at([0.0, 0.5, 0.75, 1.0, 5.0], process), process)
    np.testing.assert_allclose(rate[:5], [0.2, 0.2, 0.1, 0.0, 0.0])
    assert not rate[5:].any()


def test_debris_is_cleared_at_the_rate_of_its_kind() -> None:
    process = process_of("clearance", apoptotic=8.6, necrotic=1440.0)
    tissue = cells_at([5.0] * 3, process, state=np.array([ALIVE, APOPTOTIC, NECROTIC]))
    np.testing.assert_allclose(rate_of("clear", tissue, process), [0.0, 1 / 8.6, 1 / 1440.0, 0.0, 0.0])


def test_apoptosis_is_the_same_everywhere() -> None:
    process = process_of("apoptosis", rate=0.01)
    assert rate_of("apoptosis", cells_at([0.0, 100.0], process), process).tolist() == [0.01, 0.01, 0.0, 0.0]


def test_cells_without_p53_die_less_of_lack_of_oxygen() -> None:
    """By the share of necrosis that needs it; other cells, other types and other rates are as they were."""
    lost = {"tp53": {"p53_expression": 0.0}, "half": {"p53_expression": 0.5}}
    tolerance = HypoxiaTolerance({"share": 0.6}, lambda genotype: lost[genotype[0]] if genotype else {})
    necrosis = process_of("necrosis", rate=0.2, onset=1.0, full=0.5)
    tissue = cells_at([0.0, 0.0, 0.0, 5.0], necrosis)
    for alterations in ((), ("tp53",), ("half",)):
        tissue.clones.add(f"clone {alterations}", alterations)
    base = rate_of("necrosis", tissue, necrosis)
    tissue.cells["clone"][:4] = [0, 1, 2, 1]
    np.testing.assert_allclose(rate_of("necrosis", tissue, tolerance), base * [1.0, 0.4, 0.7, 1.0, 1.0, 1.0])
    assert base[:3].min() > 0.0
