"""A bed of vessels under given concentrations: what happens to it, without what a tumor would do to the fields.

The host's capillary mesh of an experiment, with only the processes of vessels and of chosen mechanisms; concentrations
are uniform and stay as a test sets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.processes.process import Process
from tumorabm.step import advance
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.tissue import Tissue

STEP = 2.0  # h
BED = """
name: bed
duration: 1 d
time_step: 2 h
lattice: {shape: [50, 50], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: review_2016, targets: cellular}
clones: [{name: clear_cell, vhl: mutated}]
cells: []
vessels: {network: capillary_mesh, spacing: 160 um, arteriole_spacing: 320 um}
exposure: {sunitinib: 0 nM}
"""
# Without signaling networks survival acts on VEGFR2 itself.
_OFF = ("endothelial_signaling", "tumor_signaling")


@dataclass
class Bed:
    """A bed, and what changes it."""

    tissue: Tissue
    processes: list[Process]
    rates_size: int = 0  # rows at the time of the last step's rates

    @classmethod
    def of(
        cls,
        seed: int,
        mechanisms: tuple[str, ...],
        *overrides: str,
        without: tuple[str, ...] = (),
        fields: bool = False,
    ) -> Bed:
        """The bed of an experiment.

        Parameters
        ----------
        mechanisms : tuple of str
            Those that are on.
        *overrides : str
            Of the experiment.
        without : tuple of str
            Processes that are left out.
        fields : bool
            Whether fields follow what is secreted; else they stay as ``hold`` sets them.
        """
        chosen = [f"mechanisms.{name}=true" for name in mechanisms]
        off = [f"processes.{name}=false" for name in _OFF]
        document = yaml.parse(BED, "bed").data
        experiment = load_experiment(document, [f"seed={seed}", "mechanisms.all=false", *chosen, *off, *overrides])
        tissue, processes = build(experiment)
        out = (*without, *(() if fields else ("field_solve",)))
        return cls(tissue, [item for item in processes if item.name not in out])

    def hold(self, concentrations: Mapping[str, float], sunitinib: float = 0.0) -> Bed:
        """Set concentrations (nM), also that of the drug; they stay."""
        for name, value in concentrations.items():
            self.tissue.microenvironment[name].concentration[:] = value
        self.tissue.patient.exposure["sunitinib"] = sunitinib
        return self

    def run(self, days: float) -> Bed:
        """Let time pass."""
        for _ in range(round(days * 24.0 / STEP)):
            self.rates_size = self.tissue.cells.n
            advance(self.tissue, self.processes, STEP)
        return self

    @property
    def vessels(self) -> int:
        """Number of endothelial cells."""
        return int(self.tissue.cells.alive(ENDOTHELIAL).size)

    @property
    def coverage(self) -> float:
        """Mean coverage of endothelium."""
        rows = self.tissue.cells.alive(ENDOTHELIAL)
        return float(np.sort(self.tissue.cells["coverage"][rows]).mean())
