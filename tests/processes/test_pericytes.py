"""Pericytes: who comes and leaves, what coverage follows from it, and what they secrete."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS, VEGF, bare_tissue, process_of, put, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, Process
from tumorabm.tissue.cells import MURAL, PERICYTE, VESSEL
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.requests import COVER, REGRESS, UNCOVER
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, QUIESCENT, STALK, TIP

PDGF = Substrate("pdgf_bb", "nM", "PDGF-BB", "implicit", 1e5, 0.0, 0.1)
NAMES = (
    "endothelial_pdgf", "pericyte_secretion", "pdgfrb_signal", "pericyte_maturing", "pericyte_coverage",
    "endothelial_survival", "pericyte_turnover", "commit_vessels", "commit_stroma", "compaction",
)  # fmt: skip
PATH = [20, 21, 22, 23, 24]
DAY = 24.0


def tissue_with(covered: list[int], **columns: object) -> tuple[Tissue, np.ndarray, np.ndarray]:
    """A chain of endothelial cells on PATH, some of them covered: the tissue, and rows of both."""
    tissue = bare_tissue((1, 9, 9), processes=[process_of(name) for name in NAMES], substrates=(VEGF, PDGF))
    vessel = put_vessel(tissue, PATH, **columns)
    return tissue, vessel, put(tissue, PERICYTE, covered)


def given_drug(name: str, concentration: float, tissue: Tissue, **values: float) -> Process:
    """A process that knows sunitinib, which is in the tissue at a constant concentration (nM)."""
    tissue.patient.exposure["sunitinib"] = concentration
    choice = Choice(SETS, exposure={"sunitinib": concentration})
    return registered()[name].from_catalog(load_catalog(), choice, values)


# --- PDGFR-beta -----------------------------------------------------------------------------------------------------

SIGNAL = {
    "dissociation": 0.3, "retention": 10.0, "suppression": 0.8, "half": 0.5, "exponent": 2.0, "vegf_dissociation": 0.1,
}  # fmt: skip


def signal(pdgf: float, vegf: float, drug: float = 0.0, **values: float) -> float:
    """What a pericyte and an endothelial cell show, which is the same."""
    tissue, vessel, pericytes = tissue_with([20])
    for name, value in (("pdgf_bb", pdgf), ("vegf_a", vegf)):
        tissue.microenvironment[name].concentration[:] = value
    given_drug("pdgfrb_signal", drug, tissue, **{**SIGNAL, **values}).step(tissue, 2.0)
    shown = tissue.cells["pdgfrb_signal"]
    assert shown[vessel[0]] == shown[pericytes[0]]
    return float(shown[pericytes[0]])


def test_the_receptor_sees_what_the_wall_retains() -> None:
    assert signal(0.03, 0.0) == pytest.approx(0.5)
    assert signal(0.03, 0.0, retention=1.0) == pytest.approx(0.03 / 0.33)
    assert signal(0.0, 0.0) == 0.0


def test_vegf_suppresses_it_and_a_blocker_of_both_lifts_that_and_blocks_itself() -> None:
    assert signal(0.03, 0.1) == pytest.approx(0.5 * (1.0 - 0.8 * 0.5))
    assert signal(0.03, 0.1, suppression=0.0) == pytest.approx(0.5)
    # 4 nM halve the signal of VEGFR2, 10 nM are the constant of PDGFR-beta.
    power = (0.5 / 2.0) ** 2
    assert signal(0.03, 0.1, drug=4.0) == pytest.approx(0.5 / 1.4 * (1.0 - 0.8 * power / (0.25 + power)))


def test_the_literature_decides_how_much_vegf_suppresses() -> None:
    values = {
        literature: registered()["pdgfrb_signal"].values_from(load_catalog(), {**SETS, "literature": literature})
        for literature in ("review_2016", "primary")
    }
    assert values["primary"]["suppression"] > 2.0 * values["review_2016"]["suppression"]


# --- contacts and coverage ------------------------------------------------------------------------------------------


def test_contacts_ripen_at_rest_and_are_lost_under_vegf() -> None:
    tissue, vessel, pericytes = tissue_with([20, 21, 50])
    tissue.cells["contact_maturity"][pericytes] = 0.5
    tissue.cells["vegfr2_signal"][vessel[1]] = 0.6
    process = process_of("pericyte_maturing", time=100.0, loss=0.02, threshold=0.5)
    process.step(tissue, 10.0)
    wanted = [1.0 - 0.5 * np.exp(-0.1), 0.5 * np.exp(-0.2), 0.5]  # the third sits on no vessel
    np.testing.assert_allclose(tissue.cells["contact_maturity"][pericytes], wanted)


def test_a_pericyte_covers_its_own_cell_and_less_of_those_beside() -> None:
    tissue, vessel, _ = tissue_with([22])
    process = process_of("pericyte_coverage", reach=0.5, time=10.0, host=1.0)
    process.relax(tissue)
    np.testing.assert_allclose(tissue.cells["coverage"][vessel], [0.0, 0.25, 0.5, 0.25, 0.0])
    tissue.cells["coverage"][vessel] = 1.0
    process.step(tissue, 10.0)
    target = np.array([0.0, 0.25, 0.5, 0.25, 0.0])
    np.testing.assert_allclose(tissue.cells["coverage"][vessel], target + (1.0 - target) * np.exp(-1.0))


def test_where_all_are_covered_coverage_is_full_and_a_tip_has_none() -> None:
    tissue, vessel, _ = tissue_with(PATH, phenotype=np.array([TIP, STALK, STALK, QUIESCENT, QUIESCENT]))
    process_of("pericyte_coverage").relax(tissue)
    assert tissue.cells["coverage"][vessel].tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("share", [1.0, 0.6, 0.0])
def test_host_vessels_get_their_share_of_pericytes_once(share: float) -> None:
    process = process_of("pericyte_coverage", host=share)
    tissue = bare_tissue((1, 1, 1200), processes=[process], substrates=())
    put_vessel(tissue, np.arange(1000))
    process.populate(tissue)
    pericytes = tissue.cells.alive(PERICYTE)
    assert pericytes.size / 1000 == pytest.approx(share, abs=0.06)
    assert (tissue.cells["contact_maturity"][pericytes] == 1.0).all()
    assert (tissue.cells.occupancy[VESSEL][tissue.cells["site"][pericytes]] >= 0).all()
    tissue.cells.check_uids()


# --- coming and leaving ---------------------------------------------------------------------------------------------

RATES = {"time": 50.0, "basal": 0.001, "loose": 0.01, "blocked": 0.02, "share": 0.5, "orphaned": 0.1}


def turnover(tissue: Tissue, drug: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    tissue.rates.clear()
    given_drug("pericyte_turnover", drug, tissue, **RATES).step(tissue, 2.0)
    return tissue.rates.total("cover", tissue.cells.n), tissue.rates.total("uncover", tissue.cells.n)


def test_pericytes_come_to_naked_endothelium_but_not_to_tips() -> None:
    tissue, vessel, pericytes = tissue_with([20], phenotype=np.array([0, 0, TIP, 0, 0]), pdgfrb_signal=0.5)
    come, _ = turnover(tissue)
    np.testing.assert_allclose(come[vessel], [0.0, 0.01, 0.0, 0.01, 0.01])
    assert (come[pericytes] == 0.0).all()


def test_fresh_contacts_loosen_and_a_block_of_the_receptor_adds_to_it() -> None:
    tissue, vessel, pericytes = tissue_with([20, 21])
    tissue.cells["contact_maturity"][pericytes] = [0.0, 1.0]
    np.testing.assert_allclose(turnover(tissue)[1][pericytes], [0.011, 0.001])
    # 10 nM block half of PDGFR-beta, and half of the block loosens.
    np.testing.assert_allclose(turnover(tissue, drug=10.0)[1][pericytes], [0.001 + 0.01 + 0.005, 0.001])
    assert (turnover(tissue)[1][vessel] == 0.0).all()


def test_without_its_vessel_a_pericyte_stays_on_the_sleeve_and_leaves_where_there_is_none() -> None:
    tissue, _, pericytes = tissue_with([22, 50])
    vasculature = tissue.vasculature
    gone = tissue.cells.occupancy[VESSEL][22]
    tissue.requests.add(REGRESS, np.array([gone]), np.array([0.1]))
    for name in ("commit_vessels", "commit_stroma", "compaction"):
        process_of(name).step(tissue, 2.0)
    assert tissue.cells.occupancy[VESSEL][22] < 0 and vasculature.sleeves[22] != 0
    rows = tissue.cells.occupancy[MURAL][[22, 50]]
    assert (rows >= 0).all()
    for drug in (0.0, 10.0):
        np.testing.assert_allclose(turnover(tissue, drug)[1][rows], [0.001, 0.1])


def test_who_leaves_is_gone_and_who_was_called_has_come() -> None:
    tissue, vessel, pericytes = tissue_with([20])
    tissue.requests.add(UNCOVER, pericytes, np.array([0.5]))
    tissue.requests.add(COVER, vessel[1:2], np.array([0.7]))
    for name in ("commit_stroma", "compaction"):
        process_of(name).step(tissue, 2.0)
    assert np.flatnonzero(tissue.cells.occupancy[MURAL] >= 0).tolist() == [21]
    assert tissue.cells["contact_maturity"][tissue.cells.alive(PERICYTE)].tolist() == [0.0]


# --- secretion ------------------------------------------------------------------------------------------------------


def sources(name: str, tissue: Tissue, substrate: str) -> np.ndarray:
    choice = Choice(SETS, substrates=("vegf_a", "pdgf_bb"))
    registered()[name].from_catalog(load_catalog(), choice).step(tissue, 2.0)
    return tissue.microenvironment[substrate].term("source").reshape(-1)


def test_tips_secrete_pdgf_stalk_cells_less_quiet_cells_none() -> None:
    tissue, _, _ = tissue_with([], phenotype=np.array([TIP, STALK, QUIESCENT, QUIESCENT, QUIESCENT]))
    source = sources("endothelial_pdgf", tissue, "pdgf_bb")
    share = load_catalog().get("cell_types.endothelial.stalk_pdgf_bb_share", "1", SETS)
    np.testing.assert_allclose(source[PATH] / source[20], [1.0, share, 0.0, 0.0, 0.0])
    assert np.count_nonzero(source) == 2
    # 0.05 molecules per second into 8000 µm³.
    assert source[20] == pytest.approx(0.05 * 3600 / (6.02214076e23 * 8000e-15) * 1e9)


def test_pdgf_drives_the_vegf_of_pericytes() -> None:
    tissue, _, pericytes = tissue_with([20, 21, 22])
    tissue.cells["pdgfrb_signal"][pericytes] = [0.0, 0.4, 0.8]
    source = sources("pericyte_secretion", tissue, "vegf_a")
    assert source[20] == 0.0 and source[22] == pytest.approx(2.0 * source[21]) and np.count_nonzero(source) == 2


# --- what stands in without pericytes steps aside -------------------------------------------------------------------


def test_the_engines_stand_ins_step_aside() -> None:
    catalog = load_catalog()
    kinds = {name: registered()[name] for name in ("commit_vessels", "vessel_remodeling")}
    with_pericytes = {
        name: kind.from_catalog(catalog, Choice(SETS, mechanisms=frozenset({"pericytes"})))
        for name, kind in kinds.items()
    }
    without = {name: kind.from_catalog(catalog, Choice(SETS)) for name, kind in kinds.items()}
    assert with_pericytes["commit_vessels"].new_coverage == 0.0
    assert without["commit_vessels"].new_coverage == catalog.get("cell_types.endothelial.tumor_coverage", "1", SETS)
    tissue, vessel, _ = tissue_with([], coverage=1.0, vegfr2_signal=0.9)
    with_pericytes["vessel_remodeling"].step(tissue, DAY)
    assert (tissue.cells["coverage"][vessel] == 1.0).all()
    without["vessel_remodeling"].step(tissue, DAY)
    assert (tissue.cells["coverage"][vessel] < 0.95).all()


def test_a_root_keeps_its_pericyte_as_others_do() -> None:
    tissue, vessel, _ = tissue_with([], root=np.array([ARTERIOLE, 0, 0, 0, 0]), pdgfrb_signal=0.5)
    assert (turnover(tissue)[0][vessel] == 0.01).all()
