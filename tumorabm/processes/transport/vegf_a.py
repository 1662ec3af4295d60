"""VEGF-A: secreted by tumor cells and host tissue, internalized with its receptor by endothelium.

A tumor cell without VHL secretes at a constant rate whatever the oxygen: its HIF is not degraded. A VHL-intact cell
secretes s₀ (1 + (f − 1) H(p)) with H(p) = p₅₀ⁿ / (p₅₀ⁿ + pⁿ): the hypoxia response is gated by genotype.
Endothelium takes up VEGF bound to VEGFR2, k_int R c / (K_d + c) per cell. This sink is what keeps normal tissue quiet:
host secretion at its published value settles below the sprouting threshold.

Jiang et al. (1996) for H; Mac Gabhann and Popel for receptor numbers and internalization.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import as_exponent, kernel
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
        host, tumor = np.empty(tissue.lattice.sites), np.empty(tissue.lattice.sites)
        _fill_secretion(
            cells.occupancy[PARENCHYMA], cells["cell_type"], cells["state"], cells["clone"], tissue.clones.vhl_null,
            tissue.microenvironment["oxygen"].concentration.reshape(-1), p.vhl_null, p.vhl_intact, p.hypoxia_fold,
            p.hif_half, as_exponent(p.hif_exponent), p.host,
            MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume, host, tumor,
        )  # fmt: skip
        vegf = tissue.microenvironment["vegf_a"]
        vegf.contribute("source", "host", host)
        vegf.contribute("source", "tumor", tumor)


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
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        cells = tissue.cells
        uptake = np.zeros(tissue.lattice.sites)
        uptake[cells["site"][cells["cell_type"] == ENDOTHELIAL]] = self.p.rate * self.p.receptors * scale
        tissue.microenvironment["vegf_a"].contribute("uptake", "endothelium", uptake)


def hif_response(oxygen: np.ndarray, half: float, exponent: float) -> np.ndarray:
    """Share of maximal HIF activity of a VHL-intact cell at an oxygen pressure (mmHg)."""
    return _hypoxia.py_func(oxygen, half, exponent)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _hypoxia(oxygen, half, exponent):
    ratio = (oxygen / half) ** exponent
    return 1.0 / (1.0 + ratio)


@kernel
def _fill_secretion(
    occupied, cell_type, state, clone, vhl_null, oxygen, null_rate, intact_rate, fold, half, exponent, host_rate, scale,
    host, tumor,
):  # fmt: skip
    for site in range(occupied.size):
        row = occupied[site]
        host[site] = host_rate * scale if row < 0 else 0.0
        rate = 0.0
        if row >= 0 and cell_type[row] == TUMOR and state[row] == ALIVE:
            if vhl_null[clone[row]]:
                rate = null_rate
            else:
                rate = intact_rate * (1.0 + (fold - 1.0) * _hypoxia(oxygen[site], half, exponent))
        tumor[site] = rate * scale
