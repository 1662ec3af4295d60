"""The vasculature: a graph of endothelial cells over lattice sites, and the empty sleeves that lost ones leave.

One endothelial cell sits on a site, and edges join neighboring sites (26 directions, 8 in a slab). So the graph is one
32-bit word per site, with bit k set when the cell there is linked to the neighbor in direction k. Links are an
explicit record of who is joined to whom: adjacency alone is no connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.tissue.cells import VESSEL, Cells
from tumorabm.tissue.lattice import Lattice

OFFSETS: Final = np.array(
    [(dz, dy, dx) for dz in (-1, 0, 1) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dz, dy, dx) != (0, 0, 0)],
    dtype=np.int64,
)
DIRECTIONS: Final = OFFSETS.shape[0]  # the opposite of direction k is 25 - k
LENGTHS: Final = np.sqrt((OFFSETS**2).sum(axis=1).astype(float))

# The top five bits of the sequence times 2^k differ for all k.
_DE_BRUIJN = np.uint32(0x077CB531)
_POSITION = np.zeros(32, dtype=np.int64)
_POSITION[[((0x077CB531 << k) & 0xFFFFFFFF) >> 27 for k in range(32)]] = np.arange(32)

NOT_ROOT, ARTERIOLE, VENULE = range(3)
QUIESCENT, STALK, TIP = range(3)
HOST, SPROUTED, RECOLONIZED = range(3)


class Vasculature:
    """Links between endothelial cells.

    Attributes
    ----------
    links : ndarray of uint32, shape (sites,)
        Bit k: the cell on this site is linked to the cell on the neighbor in direction k.
    sleeves : ndarray of uint32, shape (sites,)
        Bit k: basement membrane joins this site and that neighbor, and at least one of the two has lost its cell.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.links = np.zeros(lattice.sites, dtype=np.uint32)
        self.sleeves = np.zeros(lattice.sites, dtype=np.uint32)
        self._lattice = lattice
        self.neighbors = neighbor_table(lattice)

    def link(self, a: int, b: int) -> None:
        """Join two neighboring sites.

        Raises
        ------
        ValueError
            If they are not neighbors.
        """
        direction = np.flatnonzero(self.neighbors[a] == b)
        if direction.size == 0:
            raise ValueError(f"sites {a} and {b} are not neighbors")
        k = int(direction[0])
        self.links[a] |= np.uint32(1 << k)
        self.links[b] |= np.uint32(1 << (DIRECTIONS - 1 - k))

    def cut(self, a: int, b: int) -> None:
        """Remove the link between two neighboring sites, if there is one."""
        for k in np.flatnonzero(self.neighbors[a] == b):
            self.links[a] &= ~np.uint32(1 << int(k))
            self.links[b] &= ~np.uint32(1 << (DIRECTIONS - 1 - int(k)))

    def degree(self, sites: np.ndarray) -> np.ndarray:
        """Number of links at sites."""
        return np.bitwise_count(self.links[sites])

    def length(self, sites: np.ndarray) -> np.ndarray:
        """Vessel length that belongs to each site in µm: half of each of its links."""
        return _lengths(self.links, np.asarray(sites, dtype=np.int64), LENGTHS) * self._lattice.spacing

    def edges(self, cells: Cells) -> np.ndarray:
        """All edges as pairs of uids, shape (m, 2), each pair and the list in ascending order."""
        row = cells.occupancy[VESSEL]
        sites = np.flatnonzero(self.links)
        pairs = []
        for k in range(DIRECTIONS // 2):
            here = sites[(self.links[sites] >> np.uint32(k)) & np.uint32(1) == 1]
            pairs.append(np.stack([cells["uid"][row[here]], cells["uid"][row[self.neighbors[here, k]]]], axis=1))
        found = np.sort(np.concatenate(pairs), axis=1)
        return found[np.lexsort((found[:, 1], found[:, 0]))]

    def on_path(self, open_sites: np.ndarray, inlets: np.ndarray, outlets: np.ndarray) -> np.ndarray:
        """Sites through which blood can flow from an inlet to an outlet.

        A site is on a simple path from inlet to outlet if and only if it lies in the biconnected component of the
        edge that joins a common source of all inlets with a common sink of all outlets (Tarjan 1972). Dead ends, and
        loops that hang by one cell, are not.

        Parameters
        ----------
        open_sites : ndarray of bool, shape (sites,)
            Where an endothelial cell with an open lumen is.
        inlets, outlets : ndarray of int
            Sites of arterioles and venules.

        Returns
        -------
        ndarray of bool, shape (sites,)
        """
        is_inlet = np.zeros(self.links.size, dtype=np.bool_)
        is_inlet[inlets] = True
        is_outlet = np.zeros(self.links.size, dtype=np.bool_)
        is_outlet[outlets] = True
        return _on_path(self.links, self.neighbors, open_sites, is_inlet, is_outlet, np.asarray(outlets, np.int64))

    def state(self) -> dict[str, np.ndarray]:
        """Copies of what evolves."""
        return {"links": self.links.copy(), "sleeves": self.sleeves.copy()}

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state."""
        self.links[:] = state["links"]
        self.sleeves[:] = state["sleeves"]


def neighbor_table(lattice: Lattice) -> np.ndarray:
    """Site of the neighbor of each site in each of the 26 directions, -1 beyond a wall, shape (sites, 26), int32."""
    site = np.arange(lattice.sites)
    here = lattice.coordinates(site)
    table = np.empty((lattice.sites, DIRECTIONS), dtype=np.int32)
    for k, offset in enumerate(OFFSETS):
        inside = np.ones(lattice.sites, dtype=bool)
        there = []
        for axis in range(3):
            moved = here[axis] + offset[axis]
            if lattice.periodic[axis]:
                moved = moved % lattice.shape[axis]
            inside &= (moved >= 0) & (moved < lattice.shape[axis])
            there.append(moved)
        target = lattice.site(*there)
        table[:, k] = np.where(inside & (target != site), target, -1)
    return table


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def first_bit(word):
    """Position of the lowest bit set in a word (uint32, not 0): a de Bruijn sequence tells the 32 cases apart."""
    lowest = word & (~word + np.uint32(1))
    return _POSITION[np.uint32(lowest * _DE_BRUIJN) >> np.uint32(27)]


@kernel
def _lengths(links, sites, lengths):
    out = np.zeros(sites.size)
    for i in range(sites.size):
        word = links[sites[i]]
        while word != np.uint32(0):
            out[i] += 0.5 * lengths[first_bit(word)]
            word &= word - np.uint32(1)
    return out


@kernel
def _on_path(links, neighbors, open_sites, is_inlet, is_outlet, outlets):
    # Depth-first search from the sink, which has the source (discovered first, number 1) as its parent. Node numbers:
    # 0 .. sites-1 are sites, `sites` is the sink. A finished branch that reaches no higher than its root is another
    # component and is taken off the stack; what remains in the end is the component of the edge source-sink.
    sites = links.size
    sink = sites
    discovered = np.zeros(sites + 1, dtype=np.int32)
    low = np.zeros(sites + 1, dtype=np.int32)
    parent = np.full(sites + 1, -1, dtype=np.int32)
    untried = links.copy()
    tried_outlets = 0
    stack = np.empty(sites + 1, dtype=np.int32)
    path = np.empty(sites + 1, dtype=np.int32)
    result = np.zeros(sites, dtype=np.bool_)
    count = 2
    discovered[sink] = 2
    low[sink] = 1
    stacked = 0
    depth = 1
    path[0] = sink
    while depth > 0:
        node = path[depth - 1]
        following = -1
        if node == sink:
            while tried_outlets < outlets.size and following < 0:
                candidate = outlets[tried_outlets]
                tried_outlets += 1
                if open_sites[candidate] and discovered[candidate] == 0:
                    following = candidate
        else:
            while untried[node] != np.uint32(0) and following < 0:
                candidate = neighbors[node, first_bit(untried[node])]
                untried[node] &= untried[node] - np.uint32(1)
                if open_sites[candidate]:
                    if discovered[candidate] == 0:
                        following = candidate
                    elif candidate != parent[node]:
                        low[node] = min(low[node], discovered[candidate])
        if following >= 0:
            count += 1
            discovered[following] = count
            low[following] = count
            if is_inlet[following]:
                low[following] = 1
            if is_outlet[following] and node != sink:
                low[following] = min(low[following], 2)
            parent[following] = node
            stack[stacked] = following
            stacked += 1
            path[depth] = following
            depth += 1
        else:
            depth -= 1
            if depth > 0:
                above = path[depth - 1]
                low[above] = min(low[above], low[node])
                if low[node] >= discovered[above]:
                    while True:
                        stacked -= 1
                        if stack[stacked] == node:
                            break
    for i in range(stacked):
        result[stack[i]] = True
    return result


@kernel
def count_links(here, links):
    """Number of links of the cell on a site."""
    count = 0
    for k in range(26):
        count += (links[here] >> np.uint32(k)) & np.uint32(1)
    return count


@kernel
def join(here, k, links, neighbors):
    """Link the cell on a site to the one on its neighbor in direction k."""
    there = neighbors[here, k]
    links[here] |= np.uint32(1) << np.uint32(k)
    links[there] |= np.uint32(1) << np.uint32(25 - k)


@kernel
def direction_to(here, there, neighbors):
    """Direction of a neighboring site, -1 if it is none."""
    for k in range(26):
        if neighbors[here, k] == there:
            return k
    return -1


@kernel
def empty(here, links, sleeves, neighbors):
    """The cell on a site is lost: its links become empty sleeves."""
    for k in range(26):
        if (links[here] >> np.uint32(k)) & np.uint32(1):
            there = neighbors[here, k]
            links[there] &= ~(np.uint32(1) << np.uint32(25 - k))
            sleeves[there] |= np.uint32(1) << np.uint32(25 - k)
            sleeves[here] |= np.uint32(1) << np.uint32(k)
    links[here] = np.uint32(0)


@kernel
def fill(here, occupied, links, sleeves, neighbors):
    """A cell has come to a site: the sleeves there join it to its living neighbors. Returns how many links are new."""
    joined = 0
    for k in range(26):
        if (sleeves[here] >> np.uint32(k)) & np.uint32(1):
            there = neighbors[here, k]
            if occupied[there] >= 0:
                sleeves[here] &= ~(np.uint32(1) << np.uint32(k))
                sleeves[there] &= ~(np.uint32(1) << np.uint32(25 - k))
                if not (links[here] >> np.uint32(k)) & np.uint32(1):
                    join(here, k, links, neighbors)
                    joined += 1
    return joined
