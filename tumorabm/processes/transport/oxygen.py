"""Oxygen: delivered by perfused vessels, consumed by tumor cells and host tissue.

Supply per site: k (p_v − p) with k = K ℓ / h³, where K is the transfer coefficient of blood and wall per length of
vessel (µm²/h), ℓ the vessel's length at the site and h the spacing: it follows vessel length, not the number of sites.
Consumption: Michaelis–Menten, M p / (p + p₅₀), with M of the tumor where a living tumor cell is and of the host where
no parenchyma cell is. Debris consumes nothing.

Krogh (1919); Hellums et al. (1996) for the transfer through blood and wall.
"""

from __future__ import annotations

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import NOT_ROOT

PERFUSED = Column("perfused", "1", "blood flows through this endothelial cell's lumen", "i1", 0, "reset")
ROOT = Column("root", "1", "0 none, 1 arteriole, 2 venule: blood enters or leaves here", "i1", NOT_ROOT, "reset")


def vessel_length(tissue: Tissue, rows: np.ndarray) -> np.ndarray:
    """Vessel length in µm at the sites of endothelial rows; in a slab feeding and draining vessels also cross it."""
    thickness = tissue.lattice.spacing if tissue.lattice.shape[0] == 1 else 0.0
    crossing = (tissue.cells["root"][rows] != NOT_ROOT) * thickness
    return tissue.vasculature.length(tissue.cells["site"][rows]) + crossing


def perfused_rows(tissue: Tissue) -> np.ndarray:
    """Rows of perfused endothelial cells."""
    cells = tissue.cells
    return np.flatnonzero((cells["cell_type"] == ENDOTHELIAL) & (cells["perfused"] != 0))


class OxygenSupply(Process):
    """Exchange of oxygen between blood and tissue."""

    name = "oxygen_supply"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "vessel_oxygen": Parameter("substrates.oxygen.vessel_oxygen", "mmHg", "oxygen in capillary blood"),
        "wall_transfer": Parameter("substrates.oxygen.wall_transfer", "um^2/h", "transfer per length of vessel"),
    }
    columns = (PERFUSED, ROOT)
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/perfused", "cells/root", "vasculature/links")
    writes = ("terms/oxygen",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rows = perfused_rows(tissue)
        exchange = np.zeros(tissue.lattice.sites)
        exchange[tissue.cells["site"][rows]] = (
            self.p.wall_transfer * vessel_length(tissue, rows) / tissue.lattice.site_volume
        )
        oxygen = tissue.microenvironment["oxygen"]
        oxygen.contribute("loss", "supply", exchange)
        oxygen.contribute("source", "supply", exchange * self.p.vessel_oxygen)


class OxygenConsumption(Process):
    """Consumption of oxygen by tumor cells and host tissue."""

    name = "oxygen_consumption"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "tumor": Parameter("cell_types.tumor.oxygen_consumption", "mmHg/h", "maximal consumption by tumor cells"),
        "host": Parameter("substrates.oxygen.host_consumption", "mmHg/h", "maximal consumption by host tissue"),
    }
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/state")
    writes = ("terms/oxygen",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        row = cells.occupancy[PARENCHYMA]
        uptake = np.where(row < 0, self.p.host, 0.0)
        living = (cells["cell_type"] == TUMOR) & (cells["state"] == ALIVE)
        uptake[cells["site"][living]] = self.p.tumor
        tissue.microenvironment["oxygen"].contribute("uptake", "consumption", uptake)
