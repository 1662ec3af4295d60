"""VEGF-A: secreted by tumor cells and host tissue, internalized with its receptor by endothelium.

A tumor cell without VHL secretes at a constant rate whatever the oxygen: its HIF is not degraded. A VHL-intact cell
secretes s₀ (1 + (f − 1) H(p)) with H(p) = p₅₀ⁿ / (p₅₀ⁿ + pⁿ): the hypoxia response is gated by genotype.
Endothelium takes up VEGF bound to VEGFR2, k_int R c / (K_d + c) per cell. This sink is what keeps normal tissue quiet:
host secretion at its published value settles below the sprouting threshold.

Jiang et al. (1996) for H; Mac Gabhann and Popel for receptor numbers and internalization.
"""

from __future__ import annotations

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, PARENCHYMA, TUMOR
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME


class VegfSecretion(Process):
    """Secretion of VEGF-A by tumor and host."""

    name = "vegf_secretion"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "vhl_null": Parameter("cell_types.tumor.vegf_secretion_vhl_null", "molecule/h", "per cell without VHL"),
        "vhl_intact": Parameter("cell_types.tumor.vegf_secretion_vhl_intact", "molecule/h", "with VHL, at high oxygen"),
        "hypoxia_fold": Parameter("cell_types.tumor.vegf_hypoxia_fold", "1", "largest rise under hypoxia, with VHL"),
        "hif_half": Parameter("cell_types.tumor.hif_half_oxygen", "mmHg", "oxygen of half-maximal HIF"),
        "hif_exponent": Parameter("cell_types.tumor.hif_exponent", "1", "steepness of HIF's response"),
        "host": Parameter("substrates.vegf_a.host_secretion", "molecule/h", "per site of host tissue"),
    }
    substrates = ("oxygen", "vegf_a")
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/clone", "clones", "microenvironment/oxygen")
    writes = ("terms/vegf_a",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        host = np.where(cells.occupancy[PARENCHYMA] < 0, p.host, 0.0)
        living = np.flatnonzero((cells["cell_type"] == TUMOR) & (cells["state"] == ALIVE))
        sites = cells["site"][living]
        tumor = np.zeros(tissue.lattice.sites)
        tumor[sites] = p.vhl_null
        intact = sites[~tissue.clones.vhl_null[cells["clone"][living]]]
        hypoxia = hif_response(tissue.microenvironment["oxygen"].at(intact), p.hif_half, p.hif_exponent)
        tumor[intact] = p.vhl_intact * (1.0 + (p.hypoxia_fold - 1.0) * hypoxia)
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        vegf = tissue.microenvironment["vegf_a"]
        vegf.contribute("source", "host", host * scale)
        vegf.contribute("source", "tumor", tumor * scale)


class VegfInternalization(Process):
    """Uptake of VEGF-A by endothelium."""

    name = "vegf_internalization"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "rate": Parameter("substrates.vegf_a.internalization_rate", "1/h", "internalization of bound VEGFR2"),
        "receptors": Parameter("substrates.vegf_a.receptors_per_cell", "molecule", "VEGFR2 per endothelial cell"),
    }
    substrates = ("vegf_a",)
    reads = ("cells/site", "cells/cell_type")
    writes = ("terms/vegf_a",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        uptake = np.zeros(tissue.lattice.sites)
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        uptake[cells["site"][cells["cell_type"] == ENDOTHELIAL]] = self.p.rate * self.p.receptors * scale
        tissue.microenvironment["vegf_a"].contribute("uptake", "endothelium", uptake)


def hif_response(oxygen: np.ndarray, half: float, exponent: float) -> np.ndarray:
    """Share of maximal HIF activity of a VHL-intact cell at an oxygen pressure (mmHg)."""
    ratio = (oxygen / half) ** exponent
    return 1.0 / (1.0 + ratio)
