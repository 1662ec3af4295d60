"""Leakiness: VEGF opens the wall, pericytes close it, and a block of VEGF normalizes the flow."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_tumor, put_vessel
from short_run import short

from tumorabm.build import build
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import TIP


def leakiness(**columns: object) -> np.ndarray:
    process = process_of("permeability", half=0.5, covered_share=0.1)
    tissue = bare_tissue((1, 3, 5), processes=[process])
    put_tumor(tissue, [0, 1])
    put_vessel(tissue, [0, 1, 2, 3, 4], **columns)
    process.step(tissue, 2.0)
    assert not tissue.cells["leakiness"][:2].any()  # tumor cells have no wall
    return tissue.cells["leakiness"][2:]


def test_vegf_opens_and_coverage_closes() -> None:
    signal = np.array([0.0, 0.25, 0.5, 1.0, 0.5])
    np.testing.assert_allclose(leakiness(vegfr2_signal=signal), signal / (0.5 + signal))
    np.testing.assert_allclose(leakiness(vegfr2_signal=signal, coverage=1.0), 0.1 * signal / (0.5 + signal))
    np.testing.assert_allclose(leakiness(vegfr2_signal=0.5, coverage=0.5), 0.5 * (1.0 - 0.5 * 0.9))
    phenotype = np.array([0, TIP, 0, 0, 0])
    np.testing.assert_allclose(leakiness(vegfr2_signal=0.5, coverage=1.0, phenotype=phenotype)[:2], [0.05, 0.5])


def test_leakiness_lies_between_nothing_and_one_and_is_monotone() -> None:
    signals, covers = np.linspace(0.0, 1.0, 5), np.linspace(0.0, 1.0, 5)
    grid = np.array([leakiness(vegfr2_signal=signals, coverage=cover) for cover in covers])
    assert ((grid >= 0.0) & (grid < 1.0)).all()
    assert (np.diff(grid, axis=1) > 0.0).all() and (np.diff(grid[:, 1:], axis=0) < 0.0).all()


# --- normalization --------------------------------------------------------------------------------------------------

SEEDS = range(1, 9)


def treated(seed: int, dose: float, permeability: bool) -> Tissue:
    """A new tumor in its bed, with a constant concentration of an inhibitor of VEGFR2 in the medium, nM."""
    mechanisms = f"mechanisms={{all: false, flow: true, permeability: {str(permeability).lower()}}}"
    # Without the tumor's part: its vessels are as naked as a tumor's own.
    naked = "catalog.cell_types.endothelial.host_coverage=0.8"
    off = "processes={nutrient_supply: false, nutrient_uptake: false}"
    substrates = "substrates=[oxygen, vegf_a]"
    exposure = f"exposure={{sunitinib: {dose} nM}}"
    return build(short(mechanisms, naked, off, substrates, "treatment=[]", exposure, f"seed={seed}"))[0]


def flow_per_vessel(tissue: Tissue) -> float:
    """Mean flow of perfused endothelium, by length."""
    cells = tissue.cells
    rows = np.flatnonzero((cells["cell_type"] == ENDOTHELIAL) & (cells["perfused"] != 0))
    return float(np.average(cells["flow"][rows], weights=tissue.vasculature.length(cells["site"][rows])))


def test_blockade_of_vegf_tightens_vessels_and_raises_the_flow_in_each() -> None:
    """In every one of eight tumors (sign test: p = 1/256), and not at all where vessels do not leak."""
    with_leak, without = [], []
    for seed in SEEDS:
        before, after = treated(seed, 0.0, True), treated(seed, 20.0, True)
        rows = before.cells["cell_type"] == ENDOTHELIAL
        assert after.cells["leakiness"][rows].mean() < 0.7 * before.cells["leakiness"][rows].mean()
        with_leak.append(flow_per_vessel(after) / flow_per_vessel(before))
        pair = [treated(seed, dose, False) for dose in (0.0, 20.0)]
        assert "leakiness" not in pair[0].cells
        without.append(flow_per_vessel(pair[1]) / flow_per_vessel(pair[0]))
    assert min(with_leak) > 1.0
    assert without == pytest.approx(np.ones(len(SEEDS)), rel=1e-12)
