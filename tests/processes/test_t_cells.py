"""T cells: what tumor cells show them, exhaustion, the rate of killing and what holds it back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, process_of, put, put_tumor, put_vessel
from short_run import short

from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.processes.process import Choice
from tumorabm.processes.signaling.inhibitors import Inhibitor
from tumorabm.processes.stroma.t_cells import Exhaustion, TCellKilling, TumorRecognition
from tumorabm.step import advance
from tumorabm.tissue.cells import APOPTOTIC, FIBROBLAST, MDSC, T_CELL
from tumorabm.tissue.tissue import Tissue

SHOWN = {"hla_g_expression": 0.1, "hla_e_expression": 0.2, "pdl1_expression": 0.5}
MIDDLE = 4 * 9 + 4


def tissue_with(*processes, shape=(1, 9, 9), **options) -> Tissue:
    return bare_tissue(shape, processes=processes, **options)


# --- what tumor cells show ------------------------------------------------------------------------------------------


def test_alterations_add_to_what_a_tumor_cell_shows() -> None:
    shown = {"": {}, "one": {"hla_g_expression": 0.5}, "two": {"pdl1_expression": 0.8, "hla_e_expression": 1.0}}
    process = TumorRecognition(SHOWN, lambda genotype: shown["".join(genotype)])
    tissue = tissue_with(process)
    for name in shown:
        tissue.clones.add(f"clone {name}", (name,) if name else ())
    put_tumor(tissue, [0, 1, 2, 3], clone=np.array([0, 1, 2, -1]))
    put(tissue, T_CELL, [0])
    process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["recognition"], [0.9 * 0.8, 0.45 * 0.8, 0.0, 0.9 * 0.8, 0.0])
    np.testing.assert_allclose(tissue.cells["pdl1"], [0.5, 0.5, 0.9, 0.5, 0.0])


def test_alterations_of_the_catalog_hide_and_hold_back() -> None:
    catalog = load_catalog()
    clones = ((), ("hla_g_expression",), ("hla_e_expression", "hla_g_expression"), ("pdl1_expression", "pten_loss"))
    process = TumorRecognition.from_catalog(catalog, Choice(SETS, clones=clones))
    recognition, pdl1 = np.array([process.met[clone] for clone in clones]).T
    assert recognition[0] == recognition[3] > recognition[1] > recognition[2] > 0.0
    assert pdl1[3] > pdl1[0] == pdl1[1] == pdl1[2]


# --- exhaustion -----------------------------------------------------------------------------------------------------


def test_exhaustion_follows_what_a_t_cell_meets() -> None:
    process = Exhaustion({"rate": 0.02, "recovery": 0.01})
    tissue = tissue_with(process)
    put_tumor(tissue, [MIDDLE, MIDDLE + 1], recognition=np.array([0.25, 0.5]))
    put_tumor(tissue, [MIDDLE - 9], state=APOPTOTIC, recognition=1.0)
    put(tissue, FIBROBLAST, [MIDDLE - 1], recognition=1.0)
    t_cells = put(tissue, T_CELL, [MIDDLE, 0], exhaustion=np.array([0.0, 0.8]))
    process.step(tissue, 30.0)
    met, alone = tissue.cells["exhaustion"][t_cells]
    assert met == pytest.approx(0.5 * (1.0 - np.exp(-0.02 * 30.0)), rel=1e-12)
    assert alone == pytest.approx(0.8 * np.exp(-0.01 * 30.0), rel=1e-12)
    assert not tissue.cells["exhaustion"][: t_cells[0]].any()
    for _ in range(100):  # in parts the same
        process.step(tissue, 0.3)
    assert tissue.cells["exhaustion"][t_cells[0]] == pytest.approx(0.5 * (1.0 - np.exp(-0.02 * 60.0)), rel=1e-12)


def test_without_rates_nobody_exhausts_or_recovers() -> None:
    process = Exhaustion({"rate": 0.0, "recovery": 0.0})
    tissue = tissue_with(process)
    put(tissue, T_CELL, [3], exhaustion=0.3)
    process.step(tissue, 5.0)
    assert tissue.cells["exhaustion"].tolist() == [0.3]
    empty = tissue_with(process)
    process.step(empty, 5.0)
    assert empty.cells.n == 0


# --- killing --------------------------------------------------------------------------------------------------------


DRUG = (Inhibitor("drug", "pd1", 3.0),)


def killing(rate=0.1, pd1=0.5, suppression=0.4, inhibitors=DRUG) -> TCellKilling:
    return TCellKilling({"rate": rate, "pd1": pd1, "suppression": suppression}, inhibitors)


def rate_of(tissue: Tissue, process: TCellKilling) -> float:
    """Of the last cell; no other kills."""
    process.step(tissue, 2.0)
    rates = tissue.rates.total("kill", tissue.cells.n)
    assert not rates[:-1].any()
    return float(rates[-1])


@pytest.mark.parametrize(
    ("recognition", "pdl1", "exhaustion", "drug", "suppressed"),
    list(itertools.product([0.0, 0.6], [0.0, 0.9], [0.0, 0.5], [0.0, 9.0], [False, True])),
)
def test_the_rate_of_killing_factor_by_factor(recognition, pdl1, exhaustion, drug, suppressed) -> None:
    process = killing()
    tissue = tissue_with(process)
    put_tumor(tissue, [MIDDLE + 8], recognition=recognition, pdl1=pdl1)
    put(tissue, MDSC, [MIDDLE + (9 if suppressed else 2)])
    put(tissue, T_CELL, [MIDDLE], exhaustion=exhaustion)
    tissue.patient.unbound_mean["drug"] = drug
    free = (0.5 + 0.5 * exhaustion) / (1.0 + drug / 3.0)
    expected = 0.1 * recognition * (1.0 - free * pdl1) * (1.0 - exhaustion) * (0.6 if suppressed else 1.0)
    assert rate_of(tissue, process) == pytest.approx(expected, rel=1e-12)
    assert tissue.cells["free_pd1"][-1] == pytest.approx(free) and not tissue.cells["free_pd1"][:-1].any()


def test_the_most_likely_target_within_reach_counts_and_others_do_not_add() -> None:
    process = killing(pd1=1.0, inhibitors=())
    tissue = tissue_with(process)
    around = [MIDDLE + dy + dx for dy in (-9, 0, 9) for dx in (-1, 0, 1)]
    put_tumor(tissue, around, recognition=0.5, pdl1=np.linspace(0.2, 1.0, 9))
    put_tumor(tissue, [MIDDLE + 2], recognition=1.0, pdl1=0.0)  # out of reach
    put(tissue, T_CELL, [MIDDLE])
    assert rate_of(tissue, process) == pytest.approx(0.1 * 0.5 * 0.8)


def test_nobody_to_kill_no_rate() -> None:
    process = killing()
    tissue = tissue_with(process)
    put_tumor(tissue, [MIDDLE], state=APOPTOTIC, recognition=1.0)
    put(tissue, FIBROBLAST, [MIDDLE + 1], recognition=1.0)
    put(tissue, T_CELL, [MIDDLE])
    assert rate_of(tissue, process) == 0.0


def test_any_drug_with_a_constant_for_pd1_acts(tmp_path) -> None:
    """Of the treatment or as a constant exposure; others do not."""
    folder = tmp_path / "drugs"
    folder.mkdir()
    (folder / "antibody.yaml").write_text(
        "name: antibody\ndescription: Against PD-1\nvalues:\n"
        "  pd1_inhibition: {description: K, value: 3, unit: nM, source: [assumed], confidence: E, range: [1, 9]}\n"
    )
    catalog = load_catalog([tmp_path])
    process = TCellKilling.from_catalog(catalog, Choice(SETS, exposure={"antibody": 27.0}))
    assert process.inhibitors == (Inhibitor("antibody", "pd1", 3.0),)
    assert TCellKilling.from_catalog(catalog, Choice(SETS, drugs=("sunitinib",))).inhibitors == ()
    tissue = tissue_with(process)
    put_tumor(tissue, [MIDDLE], recognition=1.0, pdl1=1.0)
    (row,) = put(tissue, T_CELL, [MIDDLE], exhaustion=0.0)
    process.step(tissue, 2.0)
    assert tissue.cells["free_pd1"][row] == process.p.pd1
    tissue.patient.exposure["antibody"] = 27.0
    process.step(tissue, 2.0)
    assert tissue.cells["free_pd1"][row] == pytest.approx(0.1 * process.p.pd1)


# --- coming and going -----------------------------------------------------------------------------------------------


def test_t_cells_come_with_blood_and_leave() -> None:
    come, leave = process_of("t_cell_recruitment", rate=0.02), process_of("t_cell_turnover", lifespan=40.0)
    tissue = tissue_with(come, leave)
    put_vessel(tissue, [1, 2], perfused=np.array([1, 0]))
    put(tissue, T_CELL, [5])
    put(tissue, MDSC, [6])
    come.step(tissue, 2.0)
    leave.step(tissue, 2.0)
    assert tissue.rates.total("admit_t_cell", 4).tolist() == [0.02, 0.0, 0.0, 0.0]
    assert tissue.rates.total("leave", 4).tolist() == [0.0, 0.0, 0.025, 0.0]


def test_without_treatment_t_cells_kill_next_to_nothing() -> None:
    """What the growth of tumors was calibrated to holds with them: 5 % of apoptosis at most."""
    usual = load_catalog().get("cell_types.t_cell.recruitment_rate", "1/d", SETS)
    rate = f"catalog.cell_types.t_cell.recruitment_rate={usual} 1/d"
    experiment = short("mechanisms={all: false, t_cells: true}", "treatment=[]", "exposure={}", rate)
    tissue, processes = build(experiment)
    killed = []
    for _ in range(240):
        advance(tissue, processes, 2.0)
        rate = tissue.rates.contributions("kill")["t_cell_killing"].sum()
        killed.append(rate / np.count_nonzero(tissue.cells["recognition"] > 0.0))
    apoptosis = experiment.value("cell_types.tumor.apoptosis_rate", "1/h")
    assert tissue.cells.alive(T_CELL).size > 0
    assert 0.0 < np.mean(killed[120:]) < 0.05 * apoptosis
