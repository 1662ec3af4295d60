"""VEGF-A: secreted by tumor cells and host tissue, internalized with its receptor by endothelium.

A tumor cell secretes what its signaling network says relative to the reference cell, which has lost VHL: there HIF is
not degraded and secretion hardly follows oxygen; with VHL it is low where oxygen is high. Without signaling every tumor
cell secretes as the reference cell does. Endothelium secretes a little itself, more under IL-8, and takes up VEGF bound
to VEGFR2, k_int R c / (K_d + c) per cell. This sink is what keeps normal tissue quiet: host secretion at its published
value settles below the sprouting threshold.

Mac Gabhann and Popel for receptor numbers and internalization.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.cell_signaling import Drive, drives_of
from tumorabm.processes.signaling.endothelium import ENDOTHELIAL_NETWORK
from tumorabm.processes.signaling.tumor import TUMOR_NETWORK
from tumorabm.tissue.cells import CELL_TYPES, ENDOTHELIAL, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME


class VegfSecretion(Process):
    """Secretion of VEGF-A by tumor, endothelium and host.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    drives : mapping of str to Drive
        Of tumor and endothelial cells, by type, where their signaling is on.
    """

    name = "vegf_secretion"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "tumor": Parameter("cell_types.tumor.vegf_secretion_vhl_null", "molecule/h", "of the reference tumor cell"),
        "endothelium": Parameter("cell_types.endothelial.vegf_secretion", "molecule/h", "of the reference cell"),
        "host": Parameter("substrates.vegf_a.host_secretion", "molecule/h", "per site of host tissue"),
    }
    columns: tuple[Column, ...] = (TUMOR_NETWORK, ENDOTHELIAL_NETWORK)
    substrates = ("vegf_a",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/tumor_network", "cells/endothelial_network")
    writes = ("terms/vegf_a",)

    def __init__(self, values: Mapping[str, float], drives: Mapping[str, Drive] | None = None) -> None:
        super().__init__(values)
        self.drives = dict(drives or {})
        self.columns = tuple(drive.column for drive in self.drives.values())

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> VegfSecretion:
        """The process with the drives of the cells whose signaling is on."""
        drives = drives_of(catalog, choice, "secretion_vegf_a")
        return cls(cls.values_from(catalog, choice.sets, given), drives)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        vegf = tissue.microenvironment["vegf_a"]
        vegf.contribute("source", "host", (cells.occupancy[PARENCHYMA] < 0) * (p.host * scale))
        for name, row_type, rate in (("endothelium", ENDOTHELIAL, p.endothelium), ("tumor", TUMOR, p.tumor)):
            source = np.zeros(tissue.lattice.sites)
            rows = cells.alive(row_type)
            drive = self.drives.get(CELL_TYPES[row_type])
            source[cells["site"][rows]] = rate * scale * (1.0 if drive is None else drive.relative(tissue, rows))
            vegf.contribute("source", name, source)


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
