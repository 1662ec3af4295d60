"""Oxygen: delivered by perfused vessels, consumed by tumor cells and host tissue.

Supply per site: k (p_v − p) with k = K ℓ / h³, where K is the transfer coefficient of blood and wall per length of
vessel (µm²/h), ℓ the vessel's length at the site and h the spacing: it follows vessel length, not the number of sites.
Consumption: Michaelis–Menten, M p / (p + p₅₀), with M of the tumor where a living tumor cell is and of the host where
no tumor cell is: a fibroblast is host tissue. Debris consumes nothing.

Where the flow Q of blood is known (mechanism ``flow``), blood gives no more than it brings: with blood that is mixed
within a cell's length, κ Q (p_v − p_b) = K ℓ (p_b − p), so that K ℓ becomes K ℓ κ Q / (κ Q + K ℓ). κ is what blood
takes up per pressure relative to tissue. So ordinary capillaries supply as without the mechanism, and those in which
blood stands still do not. That blood loses oxygen on its way along many cells is left out.

Krogh (1919); Hellums et al. (1996) for the transfer through blood and wall.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import NOT_ROOT, length_at

PERFUSED = Column("perfused", "1", "blood flows through this endothelial cell's lumen", "i1", 0, "reset")
FLOW = Column("flow", "um^3/h", "blood that passes an endothelial cell", "f8", 0.0, "reset")
SHEAR = Column("shear", "Pa", "wall shear stress of blood on an endothelial cell", "f8", 0.0, "reset")
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


def given_by_flow(tissue: Tissue, exchange: np.ndarray, capacity: float = 1.0) -> np.ndarray:
    """Share of an exchange that the flow of blood allows, at every site; 1 where nothing is exchanged.

    Parameters
    ----------
    exchange : ndarray, shape (sites,)
        Exchange per difference in concentration if blood were renewed at once, um^3/h.
    capacity : float
        What blood takes up per concentration relative to tissue.
    """
    out = np.ones(tissue.lattice.sites)
    columns = (tissue.cells[name] for name in ("cell_type", "site", "flow"))
    _fill_given(*columns, exchange, capacity, out)
    return out


def _thickness(tissue: Tissue) -> float:
    """What a feeding or draining vessel crosses of a slab, µm."""
    return tissue.lattice.spacing if tissue.lattice.shape[0] == 1 else 0.0


def supply_columns(by_flow: bool) -> tuple[Column, ...]:
    """Columns of a supply by blood, which follows flow or does not."""
    return (PERFUSED, ROOT, FLOW) if by_flow else (PERFUSED, ROOT)


class OxygenSupply(Process):
    """Exchange of oxygen between blood and tissue."""

    name = "oxygen_supply"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "vessel_oxygen": Parameter("substrates.oxygen.vessel_oxygen", "mmHg", "oxygen in capillary blood", above=0),
        "wall_transfer": Parameter("substrates.oxygen.wall_transfer", "um^2/h", "transfer per length of vessel"),
        "capacity": Parameter("substrates.oxygen.blood_capacity", "1", "of blood, relative to tissue", above=0),
    }
    columns: tuple[Column, ...] = (PERFUSED, ROOT, FLOW)
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/perfused", "cells/root", "cells/flow", "vasculature/links")
    writes = ("terms/oxygen",)

    def __init__(self, values: Mapping[str, float], by_flow: bool = False) -> None:
        super().__init__(values)
        self.by_flow = by_flow
        self.columns = supply_columns(by_flow)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> OxygenSupply:
        """The process, which follows flow where that mechanism is on."""
        return cls(cls.values_from(catalog, choice.sets, given), "flow" in choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        exchange = perfused_length(tissue)
        exchange *= self.p.wall_transfer
        if self.by_flow:
            exchange *= given_by_flow(tissue, exchange, self.p.capacity)
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
def _fill_given(cell_type, site, flow, exchange, capacity, out):
    for row in range(site.size):
        here = site[row]
        if cell_type[row] == ENDOTHELIAL and exchange[here] > 0.0:
            brought = capacity * flow[row]
            out[here] = brought / (brought + exchange[here])


@kernel
def _fill_consumption(occupied, cell_type, state, host, tumor, out):
    for site in range(out.size):
        row = occupied[site]
        if row < 0:
            out[site] = host
        else:
            out[site] = 0.0
            if state[row] == ALIVE:
                out[site] = tumor if cell_type[row] == TUMOR else host
