"""What the review says about PlGF, VEGFR-1 and the VEGF that matrix holds (claims by their numbers in the notes)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_vessel
from scenarios import states, tumor

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.step import advance
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.vasculature import SPROUTED

# Without signaling inside cells they secrete what they secrete: of VEGF the same, whatever PlGF there is.
SMALL = """
name: small
duration: 12 d
time_step: 2 h
lattice: {shape: [40, 40], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: review_2016, targets: cellular}
clones: [{name: clear_cell, vhl: mutated}]
cells: [{shape: disc, radius: 160 um}]
vessels: {network: capillary_mesh, spacing: 160 um, arteriole_spacing: 320 um}
processes: {tumor_signaling: false, endothelial_signaling: false}
catalog:
  cell_types.endothelial.sprout_rate: 1 1/d
  cell_types.endothelial.activation_rate: 1 1/d
  cell_types.endothelial.crowding_density: 1000 1/mm^2
"""
SEEDS: Final = range(1, 9)
DT: Final = 2.0
# Secretion of PlGF and of MMP-9 by each cell, at the upper ends of their ranges.
PLGF: Final = tuple(f"catalog.substrates.plgf.{cell}_secretion=0.1 molecule/cell/s" for cell in ("host", "tumor"))
MMP9: Final = (
    "catalog.substrates.mmp9.tumor_secretion=0.1 molecule/cell/s",
    "catalog.substrates.mmp9.vegf_release=0.5 1/h/nM",
)


@dataclass(frozen=True)
class Course:
    """What became of a small tumor.

    Attributes
    ----------
    free : float
        Mean free VEGF-A after four hours, when vessels are still the same (it is at rest at the start), nM.
    bound : float
        Mean VEGF-A in matrix then; NaN without.
    signal : float
        Mean VEGFR2 signal of endothelium then.
    sprouted : int
        Endothelial cells of sprouts at the end.
    """

    free: float
    bound: float
    signal: float
    sprouted: int


@functools.cache
def course(seed: int, mechanism: str, days: int, *settings: str) -> Course:
    """The tumor with one mechanism, or with none of that name; fields of the factors are there in any case."""
    experiment = load_experiment(
        yaml.parse(SMALL, "small").data,
        [f"mechanisms={{all: false{f', {mechanism}: true' if mechanism else ''}}}",
         "substrates=[oxygen, vegf_a, plgf, mmp9]", *settings],
    )  # fmt: skip
    tissue, processes = build(experiment, seed)
    for step in range(days * 12):
        advance(tissue, processes, DT)
        if step == 1:
            fields = tissue.microenvironment
            free = float(fields["vegf_a"].concentration.mean())
            bound = float(fields["vegf_bound"].concentration.mean()) if "vegf_bound" in fields else np.nan
            signal = float(tissue.cells["vegfr2_signal"][tissue.cells.rows_of(ENDOTHELIAL)].mean())
    origin = tissue.cells["origin"][tissue.cells.rows_of(ENDOTHELIAL)]
    return Course(free, bound, signal, int(np.count_nonzero(origin == SPROUTED)))


def differences(quantity: str, mechanism: str, days: int, added: tuple[str, ...]) -> np.ndarray:
    """What is added makes of a quantity, by seed, relative to its mean without."""
    pairs = [(course(seed, mechanism, days, *added), course(seed, mechanism, days)) for seed in SEEDS]
    usual = np.mean([getattr(without, quantity) for _, without in pairs])
    return np.array([getattr(one, quantity) - getattr(without, quantity) for one, without in pairs]) / usual


def effect(values: np.ndarray) -> float:
    """Effect size of paired differences: their mean over their standard deviation."""
    return float(values.mean() / values.std(ddof=1))


# --- F-32: PlGF and VEGFR-1 -------------------------------------------------------------------------------------------


def test_f32_plgf_raises_free_vegf_and_the_signal_of_vegfr2_at_the_same_secretion() -> None:
    """2x2: with competition for receptors PlGF leaves more VEGF free, and without the mechanism it does nothing."""
    for quantity, least in (("free", 0.02), ("signal", 0.05)):
        with_it = differences(quantity, "receptor_competition", 12, PLGF)
        assert with_it.min() > 0.0 and with_it.mean() > least and effect(with_it) > 2.0, quantity
        assert not differences(quantity, "", 12, PLGF).any(), quantity


def test_f32_plgf_grows_vessels_at_the_same_secretion_of_vegf() -> None:
    """2x2 over eight seeds: a large effect on the vessels that grow, and none without the mechanism."""
    with_it = differences("sprouted", "receptor_competition", 12, PLGF)
    assert with_it.mean() > 0.1 and effect(with_it) > 0.8
    assert not differences("sprouted", "", 12, PLGF).any()


def test_f32_without_amplification_free_vegf_alone_raises_the_signal() -> None:
    """Both effects of PlGF are there: displacement alone, and more with the amplification by its complex."""
    alone = ("catalog.substrates.plgf.vegfr2_amplification=0",)
    displaced = np.array([course(s, "receptor_competition", 1, *PLGF, *alone).signal for s in SEEDS])
    usual = np.array([course(s, "receptor_competition", 1, *alone).signal for s in SEEDS])
    amplified = np.array([course(s, "receptor_competition", 1, *PLGF).signal for s in SEEDS])
    assert (displaced > 1.01 * usual).all() and (amplified > 1.03 * displaced).all()


def test_f32_plgf_displaces_vegf_from_vegfr1() -> None:
    """With a fixed total of VEGF in a closed block."""
    free, on_vegfr1 = [], []
    for plgf in (0.0, 1.0, 10.0):
        processes = [process_of("receptor_binding", rate=0.0), process_of("field_solve")]
        substrates = [
            Substrate(name, "nM", name, "implicit", 4e4, 0.0, half, start, tolerance=1e-10)
            for name, half, start in (("vegf_a", 0.1, 0.5), ("plgf", 0.2, plgf))
        ]
        tissue = bare_tissue((1, 4, 5), processes=processes, substrates=substrates)
        put_vessel(tissue, [0, 1, 2, 3])
        for _ in range(200):
            advance(tissue, processes, DT)
        field = tissue.microenvironment["vegf_a"]
        assert field.held is not None
        c = field.concentration.ravel()[:4]
        free.append(float(field.concentration.mean()))
        on_vegfr1.append(
            float((field.held.ravel()[:4] - field.contribution("holding", "vegfr2").ravel()[:4] * c / (c + 0.1)).sum())
        )
        assert (field.concentration + field.held).sum() == pytest.approx(10.0, rel=1e-10)
    assert free[0] < 0.95 * free[1] < 0.9 * free[2] and on_vegfr1[0] > 1.1 * on_vegfr1[1] > 1.2 * on_vegfr1[2]


@pytest.mark.parametrize("factor", ["vegf_a", "fgf2", "pdgf_bb", "mmp9"])
def test_f32_plgf_induces_factors_through_vegfr1(factor: str) -> None:
    """Each of the four, in a tumor cell; not where VEGFR-1 is held as it is without PlGF."""
    output = f"secretion_{factor}"
    low, high = tumor(plgf=0.0), tumor(plgf=1.0)
    before = states([low])[low]
    held = tumor(plgf=1.0, clamp={"vegfr1": before["vegfr1"]})
    found = states([low, high, held])
    assert found[high][output] > 1.01 * found[low][output]
    assert found[held][output] == pytest.approx(found[low][output], rel=1e-6)


# --- F-44: MMP-9 and the VEGF in matrix -------------------------------------------------------------------------------


def test_f44_mmp9_frees_the_vegf_of_matrix() -> None:
    """2x2: MMP-9 moves VEGF from matrix to where it acts; without the mechanism MMP-9 does nothing to VEGF."""
    freed, left = (differences(name, "matrix_vegf", 1, MMP9) for name in ("free", "bound"))
    assert freed.min() > 0.0 and freed.mean() > 0.005 and effect(freed) > 3.0
    assert left.max() < 0.0 and left.mean() < -0.05
    assert not differences("free", "", 1, MMP9).any()


@pytest.mark.parametrize("dt", [0.1, 2.0, 24.0])
def test_f44_the_total_is_conserved(dt: float) -> None:
    """In a block that nothing leaves: with MMP-9 in one place more is free and less bound, of the same total."""
    free, bound = [], []
    for mmp9 in (0.0, 10.0):
        processes = [process_of("matrix_binding"), process_of("field_solve")]
        substrates = [
            Substrate("vegf_a", "nM", "v", "implicit", 4e4, 0.0, 0.1, 0.1, tolerance=1e-10),
            Substrate("vegf_bound", "nM", "b", "immobile", 0.0, 0.0, 1.0, 0.233, bound_form_of="vegf_a"),
            Substrate("mmp9", "nM", "m", "immobile", 0.0, 0.0, 1.0, 0.0),
        ]
        tissue = bare_tissue((1, 4, 5), processes=processes, substrates=substrates)
        tissue.microenvironment["mmp9"].concentration[0, 0] = mmp9  # of myeloid cells
        mobile, fixed = (tissue.microenvironment[name].concentration for name in ("vegf_a", "vegf_bound"))
        for _ in range(max(int(24.0 / dt), 1)):
            advance(tissue, processes, dt)
            assert (mobile + fixed).sum() == pytest.approx(20 * 0.333, rel=1e-11)
        free.append(float(mobile.mean()))
        bound.append(fixed[0].mean(axis=1).copy())
    assert free[1] > 1.5 * free[0]
    assert bound[1][0] < 0.8 * bound[0][0] and bound[1][0] < bound[1][3]
