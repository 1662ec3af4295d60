"""Claims about fibroblasts in simulated tissue: nodules that are alike until treatment begins, with fibroblasts as they
are, changed, changed with the signal of PDGF-CC cut, or taken out.

Fibroblasts change slowly on their own (processes/test_fibroblasts); here they are set, to see what that does. Eight
seeds; effects are given as the mean of the paired differences over their standard deviation.
"""

from __future__ import annotations

import copy
import functools

import numpy as np
import pytest

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.config.contents import make_processes
from tumorabm.processes.process import Process
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs
from tumorabm.step import advance
from tumorabm.tissue.cells import FIBROBLAST
from tumorabm.tissue.tissue import Tissue

SEEDS = range(1, 9)
BURN_IN, TREATED, DT = 30, 28, 2.0  # days, days, hours
LARGE = 1.5  # of an effect

NODULE = """
name: nodule
burn_in: 30 d
duration: 28 d
time_step: 2 h
seed: 1
lattice: {shape: [70, 70], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: review_2016, targets: cellular}
substrates: [oxygen, vegf_a]
clones: [{name: tumor, vhl: mutated}]
cells: [{shape: disc, radius: 300 um}]
vessels: {network: capillary_mesh}
mechanisms: {all: false, fibroblasts: true}
treatment: [{drug: sunitinib, dose: 50 mg, every: 1 d, on: 28 d, off: 14 d}]
"""
STILL = ("catalog.cell_types.fibroblast.sensitization_rate=0 1/d", "catalog.cell_types.fibroblast.reversal_rate=0 1/d")
CUT = 'signaling.endothelial.cut=["pdgf_cc -> pdgfra"]'
ARMS = {"naive": STILL, "changed": STILL, "cut": (*STILL, CUT), "depleted": STILL, "treated": (), "untreated": ()}


def course(tissue: Tissue, processes: list[Process], days: int) -> Tissue:
    for _ in range(round(days * 24 / DT)):
        advance(tissue, processes, DT)
    return tissue


@functools.cache
def at_treatment(seed: int) -> Tissue:
    """The nodule when treatment begins."""
    return course(*build(load_experiment(yaml.parse(NODULE, "nodule").data, STILL), seed), BURN_IN)


@functools.cache
def after(seed: int, arm: str) -> Tissue:
    """The nodule of an arm after a course of treatment."""
    tissue = copy.deepcopy(at_treatment(seed))
    fibroblasts = tissue.cells["cell_type"] == FIBROBLAST
    if arm in ("changed", "cut"):
        tissue.cells["activation"][fibroblasts] = 1.0
    elif arm == "depleted":
        tissue.cells.keep(~fibroblasts)
    elif arm == "untreated":
        tissue.patient.regimens = ()
    processes = make_processes(load_experiment(yaml.parse(NODULE, "nodule").data, ARMS[arm]))
    for process in processes:
        process.prepare(tissue)
    return course(tissue, processes, TREATED)


def measured(name: str, arm: str) -> np.ndarray:
    """An output of an arm for every seed."""
    function = registered_outputs()[name].function
    return np.array([function(Measurement(after(seed, arm), {})) for seed in SEEDS])


def in_lesion(substrate: str, arm: str) -> np.ndarray:
    """Mean of a field over the lesion for every seed."""
    out = []
    for seed in SEEDS:
        tissue = after(seed, arm)
        out.append(tissue.microenvironment[substrate].at(Measurement(tissue, {}).lesion_sites).mean())
    return np.array(out)


def effect(more: np.ndarray, less: np.ndarray) -> float:
    """Mean of the paired differences over their standard deviation."""
    difference = more - less
    size = float(difference.mean() / difference.std(ddof=1))
    print(f"{more.mean():.3g} against {less.mean():.3g}: effect {size:.2f}")
    return size


@pytest.mark.slow
def test_f40_changed_fibroblasts_rescue_vessels_under_treatment_by_pdgf_cc() -> None:
    for name in ("microvessel_density", "lesion_endothelial_cells", "perfused_lesion_endothelial_cells"):
        before = np.array([registered_outputs()[name].function(Measurement(at_treatment(s), {})) for s in SEEDS])
        naive, changed, cut = (measured(name, arm) for arm in ("naive", "changed", "cut"))
        assert effect(before, naive) > LARGE  # the drug takes vessels
        assert effect(changed, naive) > LARGE and (changed > naive).all()
        assert effect(changed, cut) > LARGE and (changed > cut).all()
        # What changed fibroblasts gave back of what the drug took, and what is left of that without PDGF-CC.
        lost = (before - naive).mean()
        assert (changed - naive).mean() > 0.5 * lost
        assert abs((cut - naive).mean()) < 0.2 * lost


@pytest.mark.slow
def test_f40_the_lesion_with_changed_fibroblasts_goes_on_growing() -> None:
    naive, changed, cut = (measured("tumor_cells", arm) for arm in ("naive", "changed", "cut"))
    assert effect(changed, naive) > 1.0 and effect(changed, cut) > 1.0


@pytest.mark.slow
def test_f40_vegf_is_not_what_rescues_them() -> None:
    assert in_lesion("vegf_a", "changed").mean() < 1.05 * in_lesion("vegf_a", "naive").mean()
    assert effect(in_lesion("pdgf_cc", "changed"), in_lesion("pdgf_cc", "naive")) > LARGE


@pytest.mark.slow
def test_f40_fibroblasts_change_under_treatment_and_hardly_without() -> None:
    treated, untreated = (measured("fibroblast_activation", arm) for arm in ("treated", "untreated"))
    assert effect(treated, untreated) > LARGE
    # A tenth in four weeks at most, at a rate of 1/250 d; untreated lesions are not hypoxic enough.
    assert 0.04 < treated.mean() < TREATED / 250
    assert untreated.mean() < 0.3 * treated.mean()


@pytest.mark.slow
def test_f39_without_fibroblasts_their_factors_are_missing() -> None:
    for substrate in ("pdgf_cc", "hgf"):
        assert effect(in_lesion(substrate, "naive"), in_lesion(substrate, "depleted")) > LARGE
    for name in ("lesion_fibroblasts", "host_fibroblasts"):
        assert not measured(name, "depleted").any() and measured(name, "naive").all()


@pytest.mark.slow
def test_f39_taking_out_changed_fibroblasts_takes_the_vessels() -> None:
    for name in ("microvessel_density", "lesion_endothelial_cells"):
        changed, depleted = measured(name, "changed"), measured(name, "depleted")
        assert effect(changed, depleted) > LARGE and (changed > depleted).all()
