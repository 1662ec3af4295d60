"""MDSCs: the pool in blood and what it has learned, who comes where, how long they stay, what they secrete."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, VEGF, bare_tissue, process_of, put, put_tumor, put_vessel
from short_run import short

from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.processes.process import Choice
from tumorabm.processes.signaling.inhibitors import Inhibitor, share_left
from tumorabm.processes.stroma.mdsc import (
    POOL,
    SENSITIZATION,
    MdscPool,
    MdscRecruitment,
    MdscSecretion,
    hypoxia,
    hypoxic_tumor,
    local_mean,
)
from tumorabm.step import advance
from tumorabm.tissue.cells import APOPTOTIC, ENDOTHELIAL, FIBROBLAST, MDSC, T_CELL, TUMOR
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

OTHERS = [Substrate(name, "nM", name, "implicit", 1e5, 0.1) for name in ("plgf", "mmp9", "bv8")]
PERIODIC_FACES = (PERIODIC,) * 6


def tissue_with(*processes, shape=(1, 9, 9), **options) -> Tissue:
    return bare_tissue(shape, processes=processes, substrates=(OXYGEN, VEGF, *OTHERS), **options)


# --- hypoxia --------------------------------------------------------------------------------------------------------


def test_hypoxia_falls_with_oxygen_and_is_a_half_at_its_half() -> None:
    pressures = np.array([-1e-9, 0.0, 2.5, 5.0, 10.0, 1e9])
    np.testing.assert_allclose(hypoxia(pressures, 5.0, 2.0), [1.0, 1.0, 0.8, 0.5, 0.2, 0.0], atol=1e-12)


def test_only_living_tumor_cells_are_hypoxic_tumor() -> None:
    tissue = tissue_with()
    assert not hypoxic_tumor(tissue, 5.0, 2.0).any()
    put_tumor(tissue, [3, 4], state=np.array([0, APOPTOTIC]))
    put(tissue, FIBROBLAST, [5])
    put(tissue, MDSC, [6])
    assert np.flatnonzero(hypoxic_tumor(tissue, 5.0, 2.0)).tolist() == [3]


@pytest.mark.parametrize("shape", [(1, 7, 9), (5, 6, 7), (1, 1, 12)])
@pytest.mark.parametrize("faces", [(NO_FLUX,) * 6, PERIODIC_FACES])
def test_a_local_mean_is_that_of_a_cube(shape, faces) -> None:
    lattice = Lattice(shape, 20.0, faces)
    values = np.random.default_rng(1).random(shape)
    padded = np.pad(
        values, [(2, 2) if n > 1 else (0, 0) for n in shape], "symmetric" if faces[0] == NO_FLUX else "wrap"
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, [5 if n > 1 else 1 for n in shape])
    expected = windows.mean(axis=(-3, -2, -1)).reshape(-1)
    np.testing.assert_allclose(local_mean(values.reshape(-1), 42.0, lattice), expected, rtol=1e-12)
    np.testing.assert_array_equal(local_mean(values.reshape(-1), 9.0, lattice), values.reshape(-1))
    empty = local_mean(np.zeros(lattice.sites), 42.0, lattice)
    assert (empty == 0.0).all()


# --- the patient's levels -------------------------------------------------------------------------------------------


def pool(**values: float) -> MdscPool:
    usual = {"response": 100.0, "sensitization": 500.0, "oxygen_half": 5.0, "oxygen_exponent": 1.0}
    return MdscPool(usual | values, [Inhibitor("drug", POOL, 10.0), Inhibitor("metabolite", POOL, 5.0)])


def test_the_pool_goes_to_what_drugs_leave_and_comes_back() -> None:
    process = pool()
    tissue = tissue_with(process)
    levels = tissue.patient.levels
    assert levels == {POOL: 1.0, SENSITIZATION: 0.0}
    process.step(tissue, 1000.0)
    assert levels[POOL] == 1.0
    tissue.patient.unbound_mean.update(drug=10.0, metabolite=5.0)
    process.step(tissue, 100.0)
    assert levels[POOL] == pytest.approx(1.0 / 3.0 + 2.0 / 3.0 * np.exp(-1.0), rel=1e-12)
    for _ in range(10):  # in ten steps the same as in one
        process.step(tissue, 10.0)
    assert levels[POOL] == pytest.approx(1.0 / 3.0 + 2.0 / 3.0 * np.exp(-2.0), rel=1e-12)
    tissue.patient.unbound_mean.clear()
    tissue.patient.exposure["drug"] = 10.0  # in a medium: the same as in blood
    process.step(tissue, 1e6)
    assert levels[POOL] == pytest.approx(0.5)
    tissue.patient.exposure.clear()
    process.step(tissue, 1e6)
    assert levels[POOL] == pytest.approx(1.0)


def test_inhibitors_of_one_target_share_it() -> None:
    partial = Inhibitor("third", "t", 2.0, 0.6)
    both = [Inhibitor("one", "t", 10.0), Inhibitor("two", "t", 5.0)]
    assert share_left(both, {}) == share_left([], {"one": 9.0}) == 1.0
    assert share_left(both, {"one": 10.0, "two": 10.0}) == pytest.approx(0.25)
    assert share_left([partial], {"third": 2.0}) == pytest.approx(0.7)
    assert share_left([*both, partial], {"one": 10.0, "third": 1e12}) == pytest.approx(0.5 * 0.4)


def test_sensitization_follows_the_mean_hypoxia_of_living_tumor_cells() -> None:
    process = pool()
    tissue = tissue_with(process)
    put_tumor(tissue, [0, 1, 2], state=np.array([0, 0, APOPTOTIC]))
    put(tissue, FIBROBLAST, [3])
    tissue.microenvironment["oxygen"].concentration.reshape(-1)[:4] = [5.0, 20.0, 0.0, 0.0]
    assert process.burden(tissue) == pytest.approx((0.5 + 0.2) / 2.0)
    process.step(tissue, 500.0)
    assert tissue.patient.levels[SENSITIZATION] == pytest.approx(0.35 * (1.0 - np.exp(-1.0)), rel=1e-12)
    process.relax(tissue)
    assert tissue.patient.levels == {POOL: 1.0, SENSITIZATION: process.burden(tissue)}
    tissue.cells.keep(np.zeros(4, dtype=bool))
    assert process.burden(tissue) == 0.0


def test_the_catalogs_sunitinib_halves_the_pool() -> None:
    """At the unbound concentrations of the label's daily dose: reversed in blood, not abolished."""
    process = MdscPool.from_catalog(load_catalog(), Choice(SETS, drugs=("sunitinib",)))
    assert {item.compound for item in process.inhibitors} == {"sunitinib", "su12662"}
    assert 0.4 < share_left(process.inhibitors, {"sunitinib": 6.3, "su12662": 7.4}) < 0.7
    assert MdscPool.from_catalog(load_catalog(), Choice(SETS, drugs=("everolimus",))).inhibitors == ()


# --- recruitment ----------------------------------------------------------------------------------------------------


def recruiting(**values: float) -> tuple[Tissue, MdscRecruitment]:
    """Three vessels far from each other, the first two in tumor, and none of the others' business."""
    usual = {"rate": 0.01, "basal": 0.4, "plgf_half": 0.2, "oxygen_half": 5.0, "oxygen_exponent": 2.0, "reach": 20.0}
    process = MdscRecruitment(usual | values)
    tissue = tissue_with(process, shape=(1, 3, 30))
    tissue.patient.levels[POOL] = 1.0
    put_vessel(tissue, [30 + 4], perfused=1)
    put_vessel(tissue, [30 + 14], perfused=1)
    put_vessel(tissue, [30 + 24], perfused=1)
    put_tumor(tissue, [30 * y + x for y in range(3) for x in range(20)])
    tissue.microenvironment["oxygen"].concentration[:] = 5.0
    return tissue, process


def rates(tissue: Tissue, process: MdscRecruitment) -> np.ndarray:
    process.step(tissue, 2.0)
    return tissue.rates.total("admit_mdsc", tissue.cells.n)


def test_hypoxic_tumor_calls_and_blood_brings() -> None:
    tissue, process = recruiting()
    rate = rates(tissue, process)
    np.testing.assert_allclose(rate[:3], [0.01 * 0.5 * 0.4, 0.01 * 0.5 * 0.4, 0.0])
    assert not rate[3:].any()  # nobody comes through tumor cells
    tissue.cells["perfused"][0] = 0
    np.testing.assert_allclose(rates(tissue, process)[:3], [0.0, 0.002, 0.0])
    tissue.patient.levels[POOL] = 0.25
    np.testing.assert_allclose(rates(tissue, process)[1], 0.0005)


def test_oxygen_beside_the_vessel_does_not_drown_what_is_heard_from_around() -> None:
    tissue, process = recruiting()
    oxygen = tissue.microenvironment["oxygen"].concentration
    oxygen[0, :, :] = 0.0
    oxygen[0, 1, 4] = 1e6
    assert rates(tissue, process)[0] == pytest.approx(0.01 * 8.0 / 9.0 * 0.4)
    before = rates(tissue, process)[1]
    tissue.cells["state"][tissue.cells["site"] < 90] = np.where(tissue.cells["cell_type"] == ENDOTHELIAL, 0, APOPTOTIC)
    assert before > 0.0 and not rates(tissue, process).any()  # debris calls nobody


def test_plgf_adds_to_what_hypoxia_does_alone() -> None:
    tissue, process = recruiting()
    tissue.microenvironment["plgf"].concentration[0, 1, 4] = 0.2
    tissue.microenvironment["plgf"].concentration[0, 1, 14] = 1e9
    np.testing.assert_allclose(rates(tissue, process)[:2], [0.01 * 0.5 * 0.7, 0.01 * 0.5], rtol=1e-6)


# --- turnover, movement, secretion ----------------------------------------------------------------------------------


def test_mdscs_leave_and_incorporate_at_their_rates() -> None:
    process = process_of("mdsc_turnover", lifespan=50.0, incorporation=0.003)
    tissue = tissue_with(process)
    put(tissue, MDSC, [1, 2])
    put(tissue, T_CELL, [3])
    put_tumor(tissue, [1])
    process.step(tissue, 2.0)
    assert tissue.rates.total("leave", 4).tolist() == [0.02, 0.02, 0.0, 0.0]
    assert tissue.rates.total("incorporate", 4).tolist() == [0.003, 0.003, 0.0, 0.0]


def test_mdscs_gather_where_plgf_is() -> None:
    """Without sources and sinks of cells their density follows exp(guide), as the rule of hops is reversible."""
    wander = process_of("mdsc_wandering", speed=60.0, persistence=0.5, chemotaxis=4.0, plgf_half=0.2)
    processes = [wander, process_of("commit_stroma"), process_of("compaction")]
    tissue = tissue_with(*processes, shape=(1, 40, 40))
    plgf = np.linspace(0.0, 0.4, 40)
    tissue.microenvironment["plgf"].concentration[0] = plgf
    rng = np.random.default_rng(3)
    put(tissue, MDSC, rng.choice(1600, 60, replace=False))
    columns = np.zeros(40)
    for step in range(900):
        advance(tissue, processes, 2.0)
        if step > 200:
            columns += np.bincount(tissue.cells["site"] % 40, minlength=40)
    expected = np.exp(4.0 * plgf / (0.2 + plgf))
    shares, expected = columns.reshape(4, 10).sum(axis=1), expected.reshape(4, 10).sum(axis=1)
    np.testing.assert_allclose(shares / shares.sum(), expected / expected.sum(), atol=0.03)
    wander.p.chemotaxis = 0.0
    wander.step(tissue, 2.0)
    assert not tissue.requests.guides[MDSC].any()


def test_what_mdscs_secrete() -> None:
    process = MdscSecretion({"fold": 10.0}, {"mmp9": 100.0, "bv8": 300.0})
    tissue = tissue_with(process)
    put(tissue, MDSC, [40])
    put(tissue, T_CELL, [41])
    scale = MOLECULES_TO_NANOMOLAR_VOLUME / 8000.0
    for level, factor in ((0.0, 1.0), (0.5, 5.5), (1.0, 10.0)):
        tissue.patient.levels[SENSITIZATION] = level
        process.step(tissue, 2.0)
        for name, rate in (("mmp9", 100.0), ("bv8", 300.0 * factor)):
            source = tissue.microenvironment[name].term("source").reshape(-1)
            assert source[40] == pytest.approx(rate * scale) and np.count_nonzero(source) == 1


# --- in a tissue ----------------------------------------------------------------------------------------------------


def test_they_come_into_hypoxic_tumor_within_days_and_stay_few() -> None:
    experiment = short("mechanisms={all: false, mdsc: true}", "treatment=[]", "exposure={}")
    tissue, processes = build(experiment)
    assert tissue.patient.levels[POOL] == 1.0 and 0.0 < tissue.patient.levels[SENSITIZATION] < 1.0
    assert tissue.cells.alive(MDSC).size == 0
    counts = []
    for _ in range(120):
        advance(tissue, processes, 2.0)
        counts.append(tissue.cells.alive(MDSC).size)
    assert 0.005 < np.mean(counts[60:]) / tissue.cells.alive(TUMOR).size < 0.2
    assert max(counts[60:]) < 3.0 * np.mean(counts[60:])
    assert tissue.microenvironment["bv8"].concentration.max() > 0.0


def test_levels_are_part_of_a_checkpoint() -> None:
    experiment = short("mechanisms={all: false, mdsc: true}")
    tissue, processes = build(experiment)
    for _ in range(40):
        advance(tissue, processes, 2.0)
    assert tissue.patient.levels[POOL] < 1.0  # sunitinib
    again, others = build(experiment)
    again.load(tissue.state())
    for process in others:
        process.prepare(again)
    for one, pipeline in ((tissue, processes), (again, others)):
        advance(one, pipeline, 2.0)
    assert again.patient.levels == tissue.patient.levels
    assert again.digests() == tissue.digests()
