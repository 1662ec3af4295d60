"""Ang2 against Ang1: who secretes it, and what it does to vessels with and without VEGF."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, bare_tissue, process_of, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, TIP

SUBSTRATES = (OXYGEN, *(Substrate(name, "nM", name, "implicit", 1e5, 0.0, 0.1) for name in ("ang1", "ang2")))
PATH = [20, 21, 22, 23, 24]
SWITCH = {
    "ang1_dissociation": 4.0, "ang2_dissociation": 3.0, "regress": 0.01, "sprout": 0.02, "half": 0.4, "exponent": 4.0,
    "covered": 0.1,
}  # fmt: skip


def scene(ang1: float = 0.0, ang2: float = 0.0, oxygen: float = 40.0, **columns: object) -> Tissue:
    processes = [process_of("tie2_switch"), process_of("endothelial_ang2")]
    tissue = bare_tissue((1, 9, 9), processes=processes, substrates=SUBSTRATES)
    for name, value in (("ang1", ang1), ("ang2", ang2), ("oxygen", oxygen)):
        tissue.microenvironment[name].concentration[:] = value
    put_vessel(tissue, PATH, **columns)
    return tissue


def rates(tissue: Tissue) -> tuple[np.ndarray, np.ndarray]:
    tissue.rates.clear()
    process_of("tie2_switch", **SWITCH).step(tissue, 2.0)
    return tissue.rates.total("regress", tissue.cells.n), tissue.rates.total("sprout", tissue.cells.n)


def test_without_vegf_ang2_makes_vessels_regress_with_it_sprout() -> None:
    for signal, share in ((0.0, 0.0), (0.4, 0.5)):
        regress, sprout = rates(scene(ang2=1.0, vegfr2_signal=signal))
        np.testing.assert_allclose(regress, 0.01 * (1.0 - share))
        np.testing.assert_allclose(sprout, 0.02 * share)


def test_ang1_takes_its_place_by_affinity() -> None:
    np.testing.assert_allclose(rates(scene(ang1=4.0, ang2=3.0))[0], 0.005)
    np.testing.assert_allclose(rates(scene(ang1=12.0, ang2=3.0))[0], 0.0025)
    assert (rates(scene(ang1=4.0))[0] == 0.0).all()
    assert (rates(scene())[0] == 0.0).all()  # none of both


def test_coverage_protects_a_tip_does_not_sprout_and_roots_stay() -> None:
    np.testing.assert_allclose(rates(scene(ang2=1.0, coverage=1.0))[0], 0.001)
    tissue = scene(
        ang2=1.0, coverage=1.0, vegfr2_signal=10.0, phenotype=np.array([TIP, 0, 0, 0, 0]),
        root=np.array([0, 0, 0, 0, ARTERIOLE]),
    )  # fmt: skip
    np.testing.assert_allclose(rates(tissue)[1], [0.0, 0.002, 0.002, 0.002, 0.0], rtol=1e-4)


def secreted(literature: str, tissue: Tissue) -> np.ndarray:
    """Sources of Ang2 of the chain of cells relative to what the catalog has for a tip under the set."""
    choice = Choice({**SETS, "literature": literature}, substrates=("ang1", "ang2"))
    process = registered()["endothelial_ang2"].from_catalog(load_catalog(), choice)
    assert set(process.rates) == {"ang2"}
    process.step(tissue, 2.0)
    source = tissue.microenvironment["ang2"].term("source").reshape(-1)
    tissue.microenvironment["ang2"].clear_contributions()
    per_molecule = 1e9 / (6.02214076e23 * 8000e-15)
    return source[PATH] / (process.rates["ang2"] * per_molecule)


def test_tips_secrete_ang2_and_quiet_vessels_and_roots_do_not() -> None:
    columns = {"phenotype": np.array([TIP, 0, 0, 0, 0]), "root": np.array([0, 0, 0, 0, ARTERIOLE])}
    source = secreted("review_2016", scene(vegfr2_signal=0.2, **columns))
    assert source[0] == pytest.approx(1.0) and source[1:4].max() < 0.01 and source[4] == 0.0


@pytest.mark.parametrize(("literature", "sign"), [("review_2016", 1), ("primary", -1)])
def test_the_literature_decides_whether_a_block_of_vegf_raises_or_lowers_it(literature: str, sign: int) -> None:
    """Under the block VEGFR2 is silent and the lesion is short of oxygen."""
    before = secreted(literature, scene(vegfr2_signal=0.5, oxygen=10.0))[1]
    under = secreted(literature, scene(vegfr2_signal=0.15, oxygen=4.0))[1]
    assert sign * (under - before) > 0.1 * max(before, under)
