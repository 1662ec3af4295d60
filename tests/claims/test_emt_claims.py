"""Claims about EMT: nodules under a constant concentration of sunitinib for two days or four months, then without it,
and cells that are taken from them into a dish.

F-51 is about resistance that goes without the drug; here what EMT does to it in cells. In the dish it is measured with
torin1, since sunitinib does not act on the division of tumor cells yet: at a dose the output ``division`` of the cells'
network, and counts. Six seeds; effects are given as the mean of the paired differences over their standard deviation.
"""

from __future__ import annotations

import copy
import functools
import math

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, VEGF, advance_only, bare_tissue, put_tumor

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.config import load_experiment
from tumorabm.config.contents import make_processes
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, NetworkChoice
from tumorabm.recording.constants import constants_of
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs
from tumorabm.step import advance
from tumorabm.tissue.cells import TUMOR
from tumorabm.tissue.lattice import PERIODIC
from tumorabm.tissue.tissue import Tissue

SEEDS = range(1, 7)
BEFORE, PULSE, LONG, DT = 21, 2, 120, 2.0  # days, days, days, hours
WEEKS = (0, 3, 6, 12)
DOSE = 10.0  # nM of sunitinib
LARGE = 1.5  # of an effect
CATALOG = load_catalog()

NODULE = """
name: nodule
burn_in: 0 d
duration: 21 d
time_step: 2 h
seed: 1
lattice: {shape: [50, 50], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: review_2016, targets: cellular}
substrates: [oxygen, vegf_a, mmp9]
clones: [{name: tumor, vhl: mutated}]
cells: [{shape: disc, radius: 160 um}]
vessels: {network: capillary_mesh}
mechanisms: {all: false, emt: true}
exposure: {sunitinib: 10 nM}
"""
NO_PROTEASE = ("catalog.cell_types.tumor.emt_mmp9_fold=1",)


def course(tissue: Tissue, days: float, dose: float, settings: tuple[str, ...] = ()) -> Tissue:
    """A copy of a tissue some days later."""
    tissue = copy.deepcopy(tissue)
    tissue.patient.exposure["sunitinib"] = dose
    processes = make_processes(load_experiment(yaml.parse(NODULE, "nodule").data, settings))
    for process in processes:
        process.prepare(tissue)
    for _ in range(round(days * 24.0 / DT)):
        advance(tissue, processes, DT)
    return tissue


@functools.cache
def nodule(seed: int, arm: str) -> Tissue:
    """The tissue of an arm: of its name here, or after as many weeks without the drug."""
    if arm == "before":
        return course(build(load_experiment(yaml.parse(NODULE, "nodule").data), seed)[0], BEFORE, 0.0)
    if arm == "untreated":
        return course(nodule(seed, "before"), LONG, 0.0)
    if arm == "pulse":  # ten days after it, when most of what cells have accumulated is gone
        return course(course(nodule(seed, "before"), PULSE, DOSE), 10.0, 0.0)
    if arm == "no pulse":
        return course(nodule(seed, "before"), PULSE + 10.0, 0.0)
    if arm == "no protease":
        return course(nodule(seed, "before"), LONG, DOSE, NO_PROTEASE)
    if arm == "0 weeks":
        return course(nodule(seed, "before"), LONG, DOSE)
    earlier = WEEKS[WEEKS.index(int(arm.split()[0])) - 1]
    return course(nodule(seed, f"{earlier} weeks"), 7.0 * (int(arm.split()[0]) - earlier), 0.0)


def measured(name: str, arm: str) -> np.ndarray:
    """An output of an arm for every seed."""
    function, constants = registered_outputs()[name].function, constants_of(CATALOG, SETS, {"emt"})
    return np.array([function(Measurement(nodule(seed, arm), constants)) for seed in SEEDS])


def effect(more: np.ndarray, less: np.ndarray) -> float:
    """Mean of the paired differences over their standard deviation."""
    difference = more - less
    size = float(difference.mean() / difference.std(ddof=1))
    print(f"{more.mean():.3g} against {less.mean():.3g}: effect {size:.2f}")
    return size


# --- F-50 ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_f50_a_long_stimulus_gives_emt_and_a_short_one_does_not() -> None:
    arms = ("before", "untreated", "pulse", "no pulse", "0 weeks")
    before, untreated, pulse, twin, long = (measured("tumor_emt", arm) for arm in arms)
    print(f"E before {before.mean():.3f}, untreated {untreated.mean():.3f}, pulse {(pulse - twin).mean():+.4f}")
    assert effect(long, untreated) > LARGE and (long > 0.6).all()
    assert (np.abs(pulse - twin) < 0.01).all() and (untreated < 0.1).all()
    assert (measured("mesenchymal_fraction", "0 weeks") > 0.9).all()
    for arm in ("before", "untreated", "pulse"):
        assert (measured("mesenchymal_fraction", arm) < 0.01).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marker", "sign"), [("pecam1", -1), ("hoxa9", -1), ("esm1", -1), ("mmp2", 1), ("mmp9", 1), ("gli1", -1)]
)
def test_f50_markers_move_as_the_review_says(marker: str, sign: int) -> None:
    arms = ("before", "pulse", "no pulse", "0 weeks")
    before, pulse, twin, long = (measured(f"{marker}_marker", arm) for arm in arms)
    assert effect(sign * long, sign * before) > LARGE
    assert (np.abs(pulse - twin) < 0.02 * np.abs(long - before)).all()


@pytest.mark.slow
def test_f50_mesenchymal_cells_bring_proteases_into_the_lesion() -> None:
    def protease(arm: str) -> np.ndarray:
        tissues = [nodule(seed, arm) for seed in SEEDS]
        return np.array(
            [tissue.microenvironment["mmp9"].at(Measurement(tissue, {}).lesion_sites).mean() for tissue in tissues]
        )

    assert effect(protease("0 weeks"), protease("no protease")) > LARGE


# --- F-51 ------------------------------------------------------------------------------------------------------------


def states(seed: int, arm: str) -> np.ndarray:
    """E of the tumor cells of a nodule."""
    cells = nodule(seed, arm).cells
    return cells["emt"][cells.alive(TUMOR)]


def left(values: dict[str, np.ndarray], before: np.ndarray) -> np.ndarray:
    """Excess over before treatment that is left after weeks without the drug, of what there was, (weeks, seeds)."""
    return np.array([(values[f"{week} weeks"] - before) / (values["0 weeks"] - before) for week in WEEKS])


def check_recovery(found: np.ndarray) -> None:
    """Less with every break, about half left at 3 weeks, at most 15 % at 12."""
    print(
        ", ".join(
            f"{week} weeks {share.mean():.2f} +- {share.std():.2f}" for week, share in zip(WEEKS, found, strict=True)
        )
    )
    assert (np.diff(found, axis=0) < 0.0).all()
    assert 0.4 < found[1].mean() < 0.6 and found[3].mean() + 2.0 * found[3].std(ddof=1) / math.sqrt(len(SEEDS)) < 0.15
    for longer, shorter in zip(found[1:], found[:-1], strict=True):
        assert effect(shorter, longer) > LARGE


@pytest.mark.slow
def test_f51_without_the_drug_cells_turn_back_over_twelve_weeks() -> None:
    values = {f"{week} weeks": measured("tumor_emt", f"{week} weeks") for week in WEEKS}
    check_recovery(left(values, measured("tumor_emt", "before")))


def dish(doses: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Mean output ``division`` at rest of cells in given states, times what EMT costs, at each dose of torin1."""
    chosen = in_dish()
    processes = [registered()[name].from_catalog(CATALOG, chosen) for name in ("tumor_signaling", "mesenchymal_rates")]
    signaling, rates = processes
    size = math.isqrt(state.size - 1) + 1
    tissue = bare_tissue((1, size, size), processes=processes, substrates=(OXYGEN, VEGF))
    tissue.microenvironment["oxygen"].concentration[:] = signaling.network.inputs["oxygen"]
    tissue.microenvironment["vegf_a"].concentration[:] = signaling.network.inputs["vegf_a"]
    put_tumor(tissue, np.arange(state.size), emt=state, clone=0)
    rates.step(tissue, DT)
    cost = tissue.rates.contributions("divide")["mesenchymal_rates"]
    found = []
    for dose in doses:
        tissue.patient.exposure["torin1"] = dose
        signaling.relax(tissue)
        place = signaling.network.index("division")
        found.append(float((tissue.cells["tumor_network"][:, place] * cost).mean()))
    return np.array(found)


def in_dish() -> Choice:
    return Choice(
        {**SETS, "kinetics": "xenograft"},
        substrates=("oxygen", "vegf_a"),
        exposure={"torin1": 0.0},
        clones=(("vhl_mutated",),),
        signaling={"tumor": NetworkChoice("rcc_figure1")},
        mechanisms=frozenset({"emt"}),
    )


def half_dose(state: np.ndarray) -> float:
    """ln of the dose (nM) that takes half of what the drug can take of division; eight doses, a line between them."""
    doses = np.geomspace(0.1, 200.0, 8)
    none, *curve, all_of_it = dish(np.array([0.0, *doses, 1e6]), state)
    return float(np.interp(0.5, (none - np.array(curve)) / (none - all_of_it), np.log(doses)))


@pytest.mark.slow
def test_f51_sensitivity_is_rebuilt_over_twelve_weeks() -> None:
    """ln(IC50 / IC50 before treatment) of the cells that are taken out."""
    arms = ("before", *(f"{week} weeks" for week in WEEKS))
    values = {arm: np.array([half_dose(states(seed, arm)) for seed in SEEDS]) for arm in arms}
    shift = values["0 weeks"] - values["before"]
    print(f"IC50 x {np.exp(shift.mean()):.2f} after {LONG} d of the drug")
    assert (shift > 0.5).all()
    check_recovery(left(values, values["before"]))


@functools.cache
def grown(seed: int, state: float, dose: float) -> int:
    """Cells of a dish after 14 days, from 120 cells in one state, which they keep meanwhile."""
    names = ("birth", "tumor_signaling", "signaled_division", "mesenchymal_rates", "competing_risks")
    processes = [registered()[name].from_catalog(CATALOG, in_dish()) for name in (*names, "commit_parenchyma")]
    tissue = bare_tissue((1, 60, 60), processes=processes, substrates=(OXYGEN, VEGF), seed=seed, faces=(PERIODIC,) * 6)
    processes = sorted(processes, key=lambda process: process.phase)
    tissue.microenvironment["oxygen"].concentration[:] = 9.6
    tissue.microenvironment["vegf_a"].concentration[:] = 0.1
    tissue.patient.exposure["torin1"] = dose
    put_tumor(tissue, np.random.default_rng(seed).permutation(3600)[:120], emt=state, clone=0)
    next(process for process in processes if process.name == "tumor_signaling").relax(tissue)
    for _ in range(42):
        advance_only(tissue, processes, 8.0)
    return int(tissue.cells.alive(TUMOR).size)


@pytest.mark.slow
def test_f51_mesenchymal_cells_lose_less_under_the_drug_and_grow_less_without() -> None:
    """Counts, in the state of nodules after four months of the drug and in that after 12 weeks without."""
    drugged, broken = (float(measured("tumor_emt", arm).mean()) for arm in ("0 weeks", "12 weeks"))
    counts = {
        (state, dose): np.log([grown(seed, state, dose) for seed in SEEDS])
        for state in (0.0, drugged, broken)
        for dose in (0.0, 5.0)
    }
    print(
        {f"E {state:.2f}, {dose:g} nM": round(float(np.exp(found.mean()))) for (state, dose), found in counts.items()}
    )
    lost = {state: counts[state, 0.0] - counts[state, 5.0] for state in (0.0, drugged, broken)}
    assert effect(counts[0.0, 0.0], counts[drugged, 0.0]) > LARGE  # the cost
    assert effect(lost[0.0], lost[drugged]) > LARGE
    assert effect(lost[broken], lost[drugged]) > LARGE  # after the break the drug works again
