"""VEGF-A in blood, and its capture by an antibody in tissue."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, VEGF, bare_tissue
from scipy.integrate import solve_ivp

from tumorabm.catalog import load_catalog
from tumorabm.processes.dosing.systemic_vegf import FREE, POOL, SystemicVegf
from tumorabm.processes.process import Choice
from tumorabm.processes.signaling.inhibitors import Inhibitor
from tumorabm.processes.transport.capture import Capture, LigandCapture, captures_of
from tumorabm.processes.transport.solve import FieldSolve
from tumorabm.step import advance
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue

VALUES = {"baseline": 0.005, "turnover": 0.02, "by_vegfr2": 0.8}
CATALOG = load_catalog()


def pool(**antibodies: tuple[float, float]) -> tuple[Tissue, SystemicVegf]:
    process = SystemicVegf(VALUES, [Inhibitor("tki", "vegfr2", 4.0)], antibodies)
    return bare_tissue((1, 2, 2), processes=[process]), process


# --- in blood --------------------------------------------------------------------------------------------------------


def test_without_drugs_it_stays_at_its_baseline() -> None:
    tissue, process = pool()
    process.step(tissue, 50.0)
    assert tissue.patient.levels[POOL] == pytest.approx(0.005) == tissue.patient.levels[FREE]


@pytest.mark.parametrize(("tki", "antibody"), [(0.0, 30.0), (12.0, 0.0), (12.0, 30.0)])
def test_the_course_is_that_of_its_equation(tki: float, antibody: float) -> None:
    tissue, process = pool(ab=(10.0, 0.001))
    tissue.patient.exposure.update(tki=tki, ab=antibody)
    free = 1.0 / (1.0 + antibody / 10.0)
    rate = 0.02 * free * (0.2 + 0.8 / (1.0 + tki / 4.0)) + 0.001 * (1.0 - free)
    solved = solve_ivp(lambda _, y: 0.02 * 0.005 - rate * y, (0, 40), [0.005], rtol=1e-11, atol=1e-16)
    for _ in range(20):
        process.step(tissue, 2.0)
    assert tissue.patient.levels[POOL] == pytest.approx(solved.y[0, -1], rel=1e-8)
    assert tissue.patient.levels[FREE] == pytest.approx(free * solved.y[0, -1], rel=1e-8)
    process.relax(tissue)
    assert tissue.patient.levels[POOL] == pytest.approx(0.02 * 0.005 / rate)


def test_a_kinase_inhibitor_raises_it_and_an_antibody_binds_more_of_more() -> None:
    """With an antibody there is more in all and less of it free, as measured in patients."""
    tissue, process = pool(ab=(10.0, 0.001))
    levels, found = tissue.patient.levels, {}
    for name, given in (("none", {}), ("tki", {"tki": 12.0}), ("antibody", {"ab": 100.0})):
        tissue.patient.exposure = given
        process.relax(tissue)
        found[name] = levels[POOL], levels[FREE]
    assert found["tki"][1] == pytest.approx(found["none"][1] / (0.2 + 0.8 / 4.0))
    assert found["antibody"][0] > 2.0 * found["none"][0] and found["antibody"][1] < 0.9 * found["none"][1]


def test_the_catalog_has_what_it_takes() -> None:
    process = SystemicVegf.from_catalog(CATALOG, Choice(SETS, ("bevacizumab", "sunitinib")))
    assert {item.compound for item in process.inhibitors} == {"sunitinib", "su12662"}
    constant, rate = process.antibodies["bevacizumab"]
    assert constant == 267.0 and rate == pytest.approx(0.18 / 24.0 / 6.33)


# --- in tissue -------------------------------------------------------------------------------------------------------


def captured(secretion: float, antibody: float, supply: float | None = None) -> tuple[float, Tissue]:
    """Free VEGF-A at rest in a uniform tissue, relative to that without antibody.

    With a supply (1/h) the antibody has a field that exchanges with blood at that rate, else it is constant.
    """
    vegf = Substrate("vegf_a", "nM", "VEGF-A", "implicit", 2e5, 0.65, 0.1)
    drug = Substrate("ab", "nM", "antibody", "implicit", 5e4, 0.0)
    capture = LigandCapture([Capture("ab", "vegf_a", 0.5, 0.01)], () if supply is None else ("ab",))
    processes = [capture, FieldSolve({})]
    tissue = bare_tissue((1, 3, 4), processes=processes, substrates=(OXYGEN, vegf, drug))
    if supply is None:
        tissue.patient.exposure["ab"] = antibody
    # Contributions last a step: those of the surroundings are made by a process of the test.
    fields = tissue.microenvironment

    class Around(LigandCapture):
        def step(self, tissue: Tissue, dt: float) -> None:
            fields["vegf_a"].contribute("source", "cells", np.full(12, secretion))
            if supply is not None:
                fields["ab"].contribute("source", "blood", np.full(12, supply * antibody))
                fields["ab"].contribute("loss", "blood", np.full(12, supply))

    for _ in range(2000):
        advance(tissue, [Around(), *processes], 2.0)
    return float(fields["vegf_a"].concentration.mean()) / (secretion / 0.65), tissue


def test_what_is_left_is_what_the_equation_says() -> None:
    for antibody in (0.0, 5.0, 200.0):
        left, _ = captured(0.05, antibody)
        assert left == pytest.approx(0.65 / (0.65 + 0.01 * antibody / 0.5), rel=1e-3)


def test_an_antibody_that_arrives_slowly_is_used_up_by_much_of_the_factor() -> None:
    """Both equations at rest: k C c/K leaves of each."""
    share = {}
    for secretion in (0.05, 10.0):
        share[secretion], tissue = captured(secretion, 200.0, supply=0.02)
        c, drug = (float(tissue.microenvironment[name].concentration.mean()) for name in ("vegf_a", "ab"))
        flux = 0.01 * c * drug / 0.5
        assert flux == pytest.approx(secretion - 0.65 * c, rel=2e-3)
        assert flux == pytest.approx(0.02 * (200.0 - drug), rel=2e-3)
    assert share[0.05] < 0.5 * share[10.0]


def test_what_is_captured_is_in_the_ledger() -> None:
    _, tissue = captured(0.5, 200.0, supply=0.002)
    for name in ("vegf_a", "ab"):
        account = tissue.ledger.accounts[name]
        stored = account["stored"]
        flows = sum(value for entry, value in account.items() if entry not in ("stored", "residual"))
        assert stored == pytest.approx(flows + account["residual"], rel=1e-9)
        assert abs(account["residual"]) < 1e-3 * abs(account["source"])


def test_the_catalog_says_that_bevacizumab_captures_vegf() -> None:
    (item,) = captures_of(CATALOG, ("bevacizumab", "sunitinib"), SETS)
    assert (item.drug, item.factor, item.constant, item.loss) == ("bevacizumab", "vegf_a", 0.058, 0.003)
    process = LigandCapture.from_catalog(CATALOG, Choice(SETS, ("bevacizumab",), ("vegf_a", "plgf")))
    assert process.captures == (item,)
    assert LigandCapture.from_catalog(CATALOG, Choice(SETS, ("bevacizumab",), ("oxygen",))).captures == ()
    assert VEGF.name == item.factor
