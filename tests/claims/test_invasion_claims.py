"""Claims about invasion in simulated tissue: nodules of cells with and without VHL in tissue with little and much HGF.

The tissue is well supplied (60 mmHg in capillaries), as hypoxia takes away what pVHL holds back. Eight seeds; effects
are given as the mean of the paired differences over their standard deviation.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.processes.process import Process
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs
from tumorabm.step import advance
from tumorabm.tissue.cells import TUMOR
from tumorabm.tissue.tissue import Tissue

SEEDS = range(1, 9)
DAYS, DT = 40, 2.0
LITTLE, MUCH = 0.0093, 0.28  # molecules per second and site of host tissue: 0.03 and 0.9 nM
LARGE = 1.5  # of an effect

NODULE = """
name: nodule
burn_in: 0 d
duration: 40 d
time_step: 2 h
seed: 1
lattice: {shape: [52, 52], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: review_2016, targets: cellular}
substrates: [oxygen, vegf_a, hgf, mmp9, timp2]
cells: [{shape: disc, radius: 200 um}]
vessels: {network: capillary_mesh}
catalog:
  substrates.oxygen.vessel_oxygen: 60 mmHg
"""


@dataclass(frozen=True)
class Arm:
    """One kind of nodule."""

    vhl: str
    hgf: float
    mechanisms: tuple[str, ...] = ("matrix", "invasion")
    cut: tuple[str, ...] = ()


LOST_LITTLE, LOST_MUCH = Arm("mutated", LITTLE), Arm("mutated", MUCH)
INTACT_LITTLE, INTACT_MUCH = Arm("wild_type", LITTLE), Arm("wild_type", MUCH)
NO_INVASION = Arm("mutated", MUCH, ("matrix",))


@functools.cache
def grown(arm: Arm, seed: int) -> Tissue:
    """The tissue of an arm after its time."""
    document = yaml.parse(NODULE, "nodule").data
    overrides = [
        f"clones=[{{name: tumor, vhl: {arm.vhl}}}]",
        f"catalog.substrates.hgf.host_secretion={arm.hgf} molecule/cell/s",
        "mechanisms.all=false",
        *(f"mechanisms.{name}=true" for name in arm.mechanisms),
        *([f"signaling.tumor.cut=[{', '.join(arm.cut)}]"] if arm.cut else []),
    ]
    tissue, processes = build(load_experiment(document, overrides), seed)
    course(tissue, processes)
    return tissue


def course(tissue: Tissue, processes: list[Process]) -> None:
    for _ in range(round(DAYS * 24.0 / DT)):
        advance(tissue, processes, DT)


def measured(name: str, arm: Arm) -> np.ndarray:
    """An output of an arm for every seed."""
    outputs = registered_outputs()
    return np.array([outputs[name].function(Measurement(grown(arm, seed), {})) for seed in SEEDS])


def in_lesion(substrate: str, arm: Arm) -> np.ndarray:
    """Mean of a field over the lesion for every seed."""
    out = []
    for seed in SEEDS:
        tissue = grown(arm, seed)
        out.append(tissue.microenvironment[substrate].at(Measurement(tissue, {}).lesion_sites).mean())
    return np.array(out)


def effect(more: np.ndarray, less: np.ndarray) -> float:
    """Mean of the paired differences over their standard deviation."""
    difference = more - less
    size = float(difference.mean() / difference.std(ddof=1))
    print(f"{more.mean():.3g} against {less.mean():.3g}: effect {size:.2f}")
    return size


@pytest.mark.slow
def test_f48_lesions_branch_only_without_vhl_and_with_hgf() -> None:
    both = measured("branching_index", LOST_MUCH)
    others = [measured("branching_index", arm) for arm in (LOST_LITTLE, INTACT_LITTLE, INTACT_MUCH)]
    for other in others:
        assert effect(both, other) > LARGE and (both > other).all()
    # Each alone does nothing that could be told from seeds.
    compact = others[1]
    for alone in (others[0], others[2]):
        assert abs(alone.mean() - compact.mean()) < 0.2 * (both.mean() - compact.mean())
    # Together they do more than the sum of both.
    assert effect(both - others[0], others[2] - compact) > LARGE


@pytest.mark.slow
def test_f48_f49_cells_invade_only_with_both() -> None:
    for name in ("detached_cells", "invasion_depth"):
        both = measured(name, LOST_MUCH)
        for arm in (LOST_LITTLE, INTACT_LITTLE, INTACT_MUCH):
            assert effect(both, measured(name, arm)) > LARGE


@pytest.mark.slow
def test_f48_timp2_falls_mmp9_rises_and_matrix_is_lost() -> None:
    for arm in (LOST_LITTLE, INTACT_LITTLE, INTACT_MUCH):
        assert effect(in_lesion("timp2", arm), in_lesion("timp2", LOST_MUCH)) > LARGE
        assert effect(in_lesion("mmp9", LOST_MUCH), in_lesion("mmp9", arm)) > LARGE
        assert effect(in_lesion("matrix", arm), in_lesion("matrix", LOST_MUCH)) > LARGE


@pytest.mark.slow
def test_f48_without_the_mechanism_lesions_do_not_branch() -> None:
    """HGF makes cells faster then too, but they hold on to each other and nothing guides them."""
    both, off = measured("branching_index", LOST_MUCH), measured("branching_index", NO_INVASION)
    assert effect(both, off) > LARGE and (both > off).all()
    compact = measured("branching_index", LOST_LITTLE)
    assert abs(off.mean() - compact.mean()) < 0.3 * (both.mean() - compact.mean())
    assert measured("detached_cells", NO_INVASION).sum() <= 0.1 * measured("detached_cells", LOST_MUCH).sum()


@pytest.mark.slow
def test_f36_hold_falls_with_nuclear_beta_catenin_that_needs_hgf_and_loss_of_restraint() -> None:
    def catenin(arm: Arm) -> np.ndarray:
        out = []
        for seed in SEEDS:
            cells = grown(arm, seed).cells
            place = cells.specs["tumor_network"].labels.index("beta_catenin")
            out.append(cells["tumor_network"][cells.alive(TUMOR), place].mean())
        return np.array(out)

    for arm in (LOST_LITTLE, INTACT_LITTLE, INTACT_MUCH):
        assert effect(catenin(LOST_MUCH), catenin(arm)) > LARGE
        assert effect(measured("tumor_hold", arm), measured("tumor_hold", LOST_MUCH)) > LARGE
    # Cell by cell in one lesion: more of it in the nucleus, less hold.
    cells = grown(LOST_MUCH, 1).cells
    rows = cells.alive(TUMOR)
    place = cells.specs["tumor_network"].labels.index("beta_catenin")
    assert np.corrcoef(cells["tumor_network"][rows, place], cells["hold"][rows])[0, 1] < -0.5


@pytest.mark.slow
def test_f49_without_what_met_does_to_beta_catenin_and_cadherin_hgf_does_not_make_lesions_branch() -> None:
    cut = Arm("mutated", MUCH, cut=('"met -> beta_catenin"', '"met -| e_cadherin"'))
    both = measured("branching_index", LOST_MUCH)
    assert effect(both, measured("branching_index", cut)) > LARGE
