"""What is measured of a tissue: the lesion, its hull, its vessels. Each quantity is computed once per record.

Sums run over sites in their order, never over rows, so that the order of rows changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from tumorabm.processes.transport.oxygen import vessel_length
from tumorabm.recording.hull import Hull, hull_of
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, TUMOR
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.lesion import largest_component
from tumorabm.tissue.tissue import Tissue

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


class Endothelium(NamedTuple):
    """Living endothelial cells in the order of their sites."""

    rows: np.ndarray
    sites: np.ndarray
    in_hull: np.ndarray


class Measurement:
    """Quantities that outputs share, at one moment.

    Parameters
    ----------
    tissue : Tissue
    constants : mapping of str to float
        The catalog's values that definitions need, see ``constants``.
    """

    def __init__(self, tissue: Tissue, constants: Mapping[str, float]) -> None:
        self.tissue = tissue
        self.constants = constants

    @property
    def lattice(self) -> Lattice:
        """The lattice."""
        return self.tissue.lattice

    @cached_property
    def tumor_states(self) -> np.ndarray:
        """State of the tumor cell (or its debris) on each site, -1 where there is none; int8, shape (sites,)."""
        cells = self.tissue.cells
        rows = cells.rows_of(TUMOR)
        out = np.full(self.lattice.sites, -1, dtype=np.int8)
        out[cells["site"][rows]] = cells["state"][rows]
        return out

    @cached_property
    def clone_cells(self) -> np.ndarray:
        """Number of living tumor cells of each clone, by row of the clone table."""
        rows = self.tissue.cells["clone"][self.tissue.cells.alive(TUMOR)]
        return np.bincount(rows[rows >= 0], minlength=len(self.tissue.clones))

    @cached_property
    def census(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys of the clones that are alive, ascending, and their numbers of living cells."""
        rows = np.flatnonzero(self.clone_cells)
        rows = rows[np.argsort(self.tissue.clones.key[rows])]
        return self.tissue.clones.key[rows], self.clone_cells[rows]

    @cached_property
    def tumor_activity(self) -> dict[str, float]:
        """Mean activity of each node of the signaling network in living tumor cells; NaN where there is none."""
        return self._mean_activity("tumor_network", TUMOR)

    @cached_property
    def endothelial_activity(self) -> dict[str, float]:
        """The same in endothelial cells."""
        return self._mean_activity("endothelial_network", ENDOTHELIAL)

    def _mean_activity(self, column: str, cell_type: int) -> dict[str, float]:
        cells = self.tissue.cells
        rows = cells.alive(cell_type)
        rows = rows[np.argsort(cells["site"][rows])]  # the order of rows means nothing, that of a sum does
        nodes = cells.specs[column].labels
        means = cells[column][rows].mean(axis=0).tolist() if rows.size else [float("nan")] * len(nodes)
        return dict(zip(nodes, means, strict=True))

    @cached_property
    def lesion(self) -> np.ndarray:
        """Sites of the lesion: the largest connected component of tumor cells and debris; bool, (nz, ny, nx)."""
        return largest_component((self.tumor_states >= 0).reshape(self.lattice.shape), self.lattice.periodic)

    @cached_property
    def lesion_sites(self) -> np.ndarray:
        """Flat indices of the lesion's sites, ascending."""
        return np.flatnonzero(self.lesion)

    @cached_property
    def living_lesion_sites(self) -> np.ndarray:
        """Flat indices of the lesion's sites that hold a living tumor cell, ascending."""
        sites = self.lesion_sites
        return sites[self.tumor_states[sites] == ALIVE]

    def lesion_count(self, state: int) -> int:
        """Number of the lesion's tumor cells in a state."""
        return int(np.count_nonzero(self.tumor_states[self.lesion_sites] == state))

    @cached_property
    def lesion_volume(self) -> float:
        """Volume of the lesion in µm³: its cells and debris times the volume of a site."""
        return self.lesion_sites.size * self.lattice.site_volume

    @cached_property
    def hull(self) -> Hull:
        """Convex hull of the lesion."""
        return hull_of(self.lesion, self.lattice)

    def region(self, inside: bool) -> np.ndarray:
        """Whether each site lies inside the lesion's hull, or outside; bool, shape (sites,)."""
        mask = self.hull.mask.reshape(-1)
        return mask if inside else ~mask

    @cached_property
    def endothelium(self) -> Endothelium:
        """Living endothelial cells in the order of their sites."""
        cells = self.tissue.cells
        rows = cells.alive(ENDOTHELIAL)
        rows = rows[np.argsort(cells["site"][rows])]
        sites = cells["site"][rows]
        return Endothelium(rows, sites, self.region(True)[sites])

    def endothelial(self, column: str) -> np.ndarray:
        """A column of the living endothelial cells, in the order of ``endothelium``."""
        return self.tissue.cells[column][self.endothelium.rows]

    @cached_property
    def vessel_length(self) -> np.ndarray:
        """Vessel length that belongs to each living endothelial cell, µm: half its links, and a root's crossing."""
        return vessel_length(self.tissue, self.endothelium.rows)

    def vessel_length_density(self, inside: bool) -> float:
        """Vessel length per volume in 1/mm², inside the lesion's hull or outside; NaN where there is no volume."""
        volume = np.count_nonzero(self.region(inside)) * self.lattice.site_volume
        chosen = self.endothelium.in_hull == inside
        return ratio(float(self.vessel_length[chosen].sum()), volume) * 1e6  # 1/µm² is 1e6 / mm²

    @cached_property
    def oxygen_supply(self) -> np.ndarray | None:
        """Oxygen that each living endothelial cell delivers, mmHg µm³/h; None before the first step."""
        field = self.tissue.microenvironment["oxygen"]
        try:
            delivered, returned = (field.contribution(term, "supply").reshape(-1) for term in ("source", "loss"))
        except KeyError:
            return None
        sites = self.endothelium.sites
        return (delivered[sites] - returned[sites] * field.at(sites)) * self.lattice.site_volume


def ratio(part: float, whole: float) -> float:
    """part / whole, NaN if the whole is nothing."""
    return part / whole if whole > 0 else float("nan")


def quantiles_of(values: np.ndarray) -> np.ndarray:
    """Values at ``QUANTILES``, between two of them on the line that joins them; NaN without values.

    What ``np.quantile`` gives, in half of its time: one sort.
    """
    if values.size == 0:
        return np.full(len(QUANTILES), np.nan)
    ordered = np.sort(values, axis=None)
    place = np.array(QUANTILES) * (ordered.size - 1)
    below = place.astype(np.int64)
    share = place - below
    low, high = ordered[below], ordered[np.minimum(below + 1, ordered.size - 1)]
    return np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1.0 - share))
