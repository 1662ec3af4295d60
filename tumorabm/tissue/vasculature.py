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
HOST, SPROUTED, RECOLONIZED, MYELOID = range(4)
OPEN, INLET, OUTLET = 1, 2, 4  # bits of a mark: what a site is to the blood


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
        self._known = (self.links.copy(), np.zeros(lattice.sites, np.uint8), np.zeros(lattice.sites, np.bool_))
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
        return _lengths(self.links, np.asarray(sites, dtype=np.int64)) * self._lattice.spacing

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
        marks = open_sites.astype(np.uint8)
        marks[inlets] |= INLET
        marks[outlets] |= OUTLET
        return self.flowing(marks).copy()

    def flowing(self, marks: np.ndarray) -> np.ndarray:
        """The same, of ``marks`` (uint8, shape (sites,), bits OPEN, INLET and OUTLET). To be read, not written.

        Where neither links nor marks have changed since the last call, its answer is given again.
        """
        links, known, flows = self._known
        if not (np.array_equal(marks, known) and np.array_equal(self.links, links)):
            flows = _on_path(self.links, self.neighbors, marks)
            self._known = (self.links.copy(), marks.copy(), flows)
        return flows

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
def length_at(site, links):
    """Half of the lengths (in spacings) of the links at a site."""
    length = 0.0
    word = links[site]
    while word != np.uint32(0):
        length += 0.5 * LENGTHS[first_bit(word)]
        word &= word - np.uint32(1)
    return length


@kernel
def _lengths(links, sites):
    out = np.zeros(sites.size)
    for i in range(sites.size):
        out[i] = length_at(sites[i], links)
    return out


@kernel
def _on_path(links, neighbors, marks):
    # Nodes: 0 is the sink, which all outlets are joined to, then the open sites. ``linked`` lists, node by node, the
    # open ones that it is linked to; ``untried`` says where a node's part of it begins.
    number = np.zeros(links.size, dtype=np.int32)
    open_sites = np.empty(links.size, dtype=np.int32)
    count, outlets = 0, 0
    for site in range(links.size):
        if marks[site] & OPEN:
            open_sites[count] = site
            count += 1
            number[site] = count
            outlets += marks[site] & OUTLET > 0
    linked = np.empty(outlets + DIRECTIONS * count, dtype=np.int32)
    untried = np.empty(count + 2, dtype=np.int64)
    own_marks = np.zeros(count + 1, dtype=np.uint8)
    untried[0] = 0
    before, filled = 0, outlets
    for i in range(count):
        site = open_sites[i]
        own_marks[i + 1] = marks[site]
        untried[i + 1] = filled
        if marks[site] & OUTLET:
            linked[before] = i + 1
            before += 1
        word = links[site]
        while word != np.uint32(0):
            there = number[neighbors[site, first_bit(word)]]
            word &= word - np.uint32(1)
            if there > 0:
                linked[filled] = there
                filled += 1
    untried[count + 1] = filled
    flows = _component_of_sink(linked, untried, own_marks)
    result = np.zeros(links.size, dtype=np.bool_)
    for i in range(count):
        result[open_sites[i]] = flows[i + 1]
    return result


@kernel
def _component_of_sink(linked, untried, marks):
    # Depth-first search from the sink, which has the source (discovered first, number 1) as its parent. A finished
    # branch that reaches no higher than its root is another component and is taken off the stack; what remains in the
    # end is the component of the edge source-sink.
    count = marks.size
    until = untried[1:].copy()
    discovered = np.zeros(count, dtype=np.int32)
    low = np.zeros(count, dtype=np.int32)
    parent = np.zeros(count, dtype=np.int32)
    stack = np.empty(count, dtype=np.int32)
    counted = 2
    discovered[0] = 2
    low[0] = 1
    stacked = 0
    node = 0
    while True:
        following = 0
        while untried[node] < until[node] and following == 0:
            candidate = linked[untried[node]]
            untried[node] += 1
            if discovered[candidate] == 0:
                following = candidate
            elif candidate != parent[node]:
                low[node] = min(low[node], discovered[candidate])
        if following > 0:
            counted += 1
            discovered[following] = counted
            low[following] = counted
            if marks[following] & INLET:
                low[following] = 1
            elif marks[following] & OUTLET and node != 0:
                low[following] = 2
            parent[following] = node
            stack[stacked] = following
            stacked += 1
            node = following
        elif node == 0:
            break
        else:
            above = parent[node]
            low[above] = min(low[above], low[node])
            if low[node] >= discovered[above]:
                while True:
                    stacked -= 1
                    if stack[stacked] == node:
                        break
            node = above
    flows = np.zeros(count, dtype=np.bool_)
    for i in range(stacked):
        flows[stack[i]] = True
    return flows


@kernel
def count_links(here, links):
    """Number of links of the cell on a site."""
    count = 0
    word = links[here]
    while word != np.uint32(0):
        word &= word - np.uint32(1)
        count += 1
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
