"""Small tumors with immune cells: an untreated xenograft that grows and lacks oxygen, and a nodule of a patient.

Vessels of the xenograft live fast, so that much happens in two weeks. Of immune cells, values that differ from the
catalog's lie within its ranges. They make effects large enough to be seen in a few small tissues: many MDSCs, as in
hypoxic tumors, and what those of resistant tumors secrete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.processes.process import Process
from tumorabm.step import advance
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, NECROTIC, TUMOR
from tumorabm.tissue.tissue import Tissue

STEP = 2.0  # h
XENOGRAFT = """
name: xenograft
duration: 14 d
time_step: 2 h
lattice: {shape: [54, 54], spacing: 20 um, boundary: no_flux}
sets: {kinetics: xenograft, literature: review_2016, targets: cellular}
clones: [{name: clear_cell, vhl: mutated}]
cells: [{shape: disc, radius: 200 um}]
vessels: {network: capillary_mesh, spacing: 160 um, arteriole_spacing: 320 um}
mechanisms: {all: false}
catalog:
  substrates.oxygen.vessel_oxygen: 9 mmHg
  cell_types.tumor.necrosis_onset_oxygen: 7 mmHg
  cell_types.tumor.vegf_secretion_vhl_null: 0.5 molecule/cell/s
  cell_types.endothelial.sprout_rate: 2 1/d
  cell_types.endothelial.crowding_density: 1000 1/mm^2
  cell_types.endothelial.activation_rate: 2 1/d
  cell_types.endothelial.flow_multiplier: 0.5
  cell_types.endothelial.uncovered_regression_rate: 1 1/d
"""
NODULE = """
name: nodule
burn_in: 10 d
duration: 40 d
time_step: 2 h
lattice: {shape: [50, 50], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: review_2016, targets: cellular}
clones: [{name: clear_cell, vhl: mutated}]
cells: [{shape: disc, radius: 320 um}]
mechanisms: {all: false}
"""
SUNITINIB = "treatment=[{drug: sunitinib, dose: 50 mg, every: 1 d}]"

Look = Callable[[Tissue], None]


def grown(
    scene: str,
    seed: int,
    steps: int,
    *overrides: str,
    start: Look | None = None,
    look: Look | None = None,
    folders: Sequence[Path] = (),
) -> tuple[Tissue, list[Process]]:
    """A tissue after some steps. ``start`` sees it when it is new, ``look`` after every step."""
    tissue, processes = build(load_experiment(yaml.parse(scene, "scene").data, overrides, catalog_dirs=folders), seed)
    if start is not None:
        start(tissue)
    for _ in range(steps):
        advance(tissue, processes, STEP)
        if look is not None:
            look(tissue)
    return tissue, processes


def tumor_sites(tissue: Tissue) -> np.ndarray:
    """Where tumor cells or their debris are, shape (sites,)."""
    out = np.zeros(tissue.lattice.sites, dtype=bool)
    out[tissue.cells["site"][tissue.cells["cell_type"] == TUMOR]] = True
    return out


def lesion_vessels(tissue: Tissue, perfused: bool = False) -> int:
    """Endothelial cells within the tumor, all or those that blood flows through."""
    cells = tissue.cells
    rows = np.flatnonzero((cells["cell_type"] == ENDOTHELIAL) & ((cells["perfused"] > 0) | (not perfused)))
    return int(np.count_nonzero(tumor_sites(tissue)[cells["site"][rows]]))


def tumor_measures(tissue: Tissue) -> dict[str, float]:
    """Microvessel density, necrotic share and number of living cells of a tumor."""
    states = tissue.cells["state"][tissue.cells["cell_type"] == TUMOR]
    return {
        "density": lesion_vessels(tissue) / states.size,
        "necrosis": np.count_nonzero(states == NECROTIC) / states.size,
        "growth": float(np.count_nonzero(states == ALIVE)),
    }


def effect(without: Sequence[float], with_it: Sequence[float]) -> float:
    """Difference of means in standard deviations (Cohen's d), with its sign."""
    a, b = np.asarray(without, dtype=float), np.asarray(with_it, dtype=float)
    return float((b.mean() - a.mean()) / np.sqrt(0.5 * (a.var(ddof=1) + b.var(ddof=1))))
