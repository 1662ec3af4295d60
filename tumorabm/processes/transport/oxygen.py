"""Oxygen: delivered by perfused vessels, consumed by tumor cells and host tissue.

Supply per site: k (p_v − p) with k = K ℓ / h³, where K is the transfer coefficient of blood and wall per length of
vessel (µm²/h), ℓ the vessel's length at the site and h the spacing: it follows vessel length, not the number of sites.
Consumption: Michaelis–Menten, M p / (p + p₅₀), with M of the tumor where a living tumor cell is and of the host where
no parenchyma cell is. Debris consumes nothing.

Krogh (1919); Hellums et al. (1996) for the transfer through blood and wall.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import NOT_ROOT, length_at

PERFUSED = Column("perfused", "1", "blood flows through this endothelial cell's lumen", "i1", 0, "reset")
ROOT = Column("root", "1", "0 none, 1 arteriole, 2 venule: blood enters or leaves here", "i1", NOT_ROOT, "reset")


def vessel_length(tissue: Tissue, rows: np.ndarray) -> np.ndarray:
    """Vessel length in µm at the sites of endothelial rows; in a slab feeding and draining vessels also cross it."""
    crossing = (tissue.cells["root"][rows] != NOT_ROOT) * _thickness(tissue)
    return tissue.vasculature.length(tissue.cells["site"][rows]) + crossing


def perfused_length(tissue: Tissue) -> np.ndarray:
    """Length of perfused vessels in µm at every site, shape (sites,)."""
    out = np.zeros(tissue.lattice.sites)
    columns = (tissue.cells[name] for name in ("cell_type", "perfused", "root", "site"))
    _fill_lengths(*columns, tissue.vasculature.links, tissue.lattice.spacing, _thickness(tissue), out)
    return out


def _thickness(tissue: Tissue) -> float:
    """What a feeding or draining vessel crosses of a slab, µm."""
    return tissue.lattice.spacing if tissue.lattice.shape[0] == 1 else 0.0


class OxygenSupply(Process):
    """Exchange of oxygen between blood and tissue."""

    name = "oxygen_supply"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "vessel_oxygen": Parameter("substrates.oxygen.vessel_oxygen", "mmHg", "oxygen in capillary blood", above=0),
        "wall_transfer": Parameter("substrates.oxygen.wall_transfer", "um^2/h", "transfer per length of vessel"),
    }
    columns = (PERFUSED, ROOT)
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/perfused", "cells/root", "vasculature/links")
    writes = ("terms/oxygen",)

    def step(self, tissue: Tissue, dt: float) -> None:
        exchange = perfused_length(tissue)
        exchange *= self.p.wall_transfer
        exchange /= tissue.lattice.site_volume
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
        uptake = np.empty(tissue.lattice.sites)
        _fill_consumption(
            cells.occupancy[PARENCHYMA], cells["cell_type"], cells["state"], self.p.host, self.p.tumor, uptake
        )
        tissue.microenvironment["oxygen"].contribute("uptake", "consumption", uptake)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_lengths(cell_type, perfused, root, site, links, spacing, thickness, out):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL and perfused[row] != 0:
            length = length_at(site[row], links) * spacing
            out[site[row]] = length + thickness if root[row] != NOT_ROOT else length


@kernel
def _fill_consumption(occupied, cell_type, state, host, tumor, out):
    for site in range(out.size):
        row = occupied[site]
        if row < 0:
            out[site] = host
        else:
            out[site] = tumor if cell_type[row] == TUMOR and state[row] == ALIVE else 0.0
