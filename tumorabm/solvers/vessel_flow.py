"""Flow through a network of vessels.

Runs of cells with two links carry one flow, so they are tubes in series and only branching points are unknowns, whose
pressures ``elimination`` finds. All is numbered by site: the result is a function of the vessels as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.elimination import pressures
from tumorabm.tissue.vasculature import INLET, LENGTHS, OUTLET, Vasculature, first_bit


@dataclass(frozen=True)
class Currents:
    """Flow through a network of tubes of conductance 1 per spacing, driven by pressures between 0 and 1.

    Attributes
    ----------
    pressure, flow : ndarray, shape (sites,)
        At each site; the flow is what passes: what comes in, or what goes out if that is more.
    ends : ndarray of int, shape (segments, 2)
        Sites of the branching points, inlets and outlets that each segment joins.
    through : ndarray, shape (segments,)
        Flow from the first end to the second.
    """

    pressure: np.ndarray
    flow: np.ndarray
    ends: np.ndarray
    through: np.ndarray


def currents(
    vasculature: Vasculature,
    flowing: np.ndarray,
    marks: np.ndarray,
    resistance: np.ndarray | None = None,
    given: np.ndarray | None = None,
) -> Currents:
    """Solve for the flow.

    Parameters
    ----------
    vasculature : Vasculature
    flowing : ndarray of bool, shape (sites,)
        Where blood can flow, as ``Vasculature.flowing`` says.
    marks : ndarray of uint8, shape (sites,)
        With bits INLET and OUTLET.
    resistance : ndarray, shape (sites,), optional
        Factor on the resistance of the half links at each site.
    given : ndarray, shape (sites,), optional
        Pressure at inlets and outlets, between 0 and 1; else 1 and 0.
    """
    if given is None:
        given = ((marks & INLET) > 0).astype(float)
    if resistance is None:
        resistance = np.ones(flowing.size)
    sites, is_node, ends, whole, first, inside, along = _segments(
        vasculature.links, vasculature.neighbors, flowing, marks, resistance
    )
    pinned = (marks[sites] & (INLET | OUTLET)) > 0
    level = pressures(pinned, given[sites], is_node, ends, whole)
    pressure, flow, through = _spread(
        flowing.size, sites, marks, is_node, ends, whole, first, inside, along, level
    )  # fmt: skip
    return Currents(pressure, flow, sites[ends], through)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _segments(links, neighbors, flowing, marks, resistance):
    """Runs of cells with two links between nodes, which are branching points, dead ends, inlets and outlets.

    Cells are the flowing sites in ascending order. Returns their sites; whether each is a node; the two nodes (as
    numbers of cells) of each segment, its resistance and where its part of ``inside`` begins, which lists the cells
    between its nodes; and the resistance from the first node to each of these.
    """
    number = np.full(links.size, -1, dtype=np.int32)
    sites = np.empty(links.size, dtype=np.int64)
    count = 0
    for site in range(links.size):
        if flowing[site]:
            number[site] = count
            sites[count] = site
            count += 1
    sites = sites[:count].copy()
    is_node = np.zeros(count, dtype=np.bool_)
    most = 0
    for i in range(count):
        degree = 0
        word = links[sites[i]]
        while word != np.uint32(0):
            degree += number[neighbors[sites[i], first_bit(word)]] >= 0
            word &= word - np.uint32(1)
        is_node[i] = degree != 2 or marks[sites[i]] & (INLET | OUTLET) > 0
        most += degree
    ends = np.empty((most, 2), dtype=np.int64)
    whole = np.empty(most)
    first = np.zeros(most + 1, dtype=np.int64)
    inside = np.empty(count, dtype=np.int64)
    along = np.empty(count)
    seen = np.zeros(count, dtype=np.bool_)
    found, filled = 0, 0
    for i in range(count):
        if not is_node[i]:
            continue
        begun = links[sites[i]]
        while begun != np.uint32(0):
            k = first_bit(begun)
            begun &= begun - np.uint32(1)
            here = number[neighbors[sites[i], k]]
            # The other way round it was walked already, or will be.
            if here < 0 or seen[here] or (is_node[here] and here <= i):
                continue
            before = i
            passed = 0.5 * LENGTHS[k] * (resistance[sites[before]] + resistance[sites[here]])
            following = here
            while not is_node[here] and following >= 0:
                seen[here] = True
                inside[filled] = here
                along[filled] = passed
                filled += 1
                following = -1
                word = links[sites[here]]
                while word != np.uint32(0):
                    j = first_bit(word)
                    word &= word - np.uint32(1)
                    there = number[neighbors[sites[here], j]]
                    if there >= 0 and there != before and following < 0:
                        following = there
                        passed += 0.5 * LENGTHS[j] * (resistance[sites[here]] + resistance[sites[there]])
                if following >= 0:
                    before = here
                    here = following
            if following >= 0:
                ends[found, 0] = i
                ends[found, 1] = here
                whole[found] = passed
                found += 1
                first[found] = filled
            else:
                filled = first[found]
    return sites, is_node, ends[:found], whole[:found], first[: found + 1], inside, along


@kernel
def _spread(size, sites, marks, is_node, ends, whole, first, inside, along, level):
    """Pressure and flow at all sites, and the flow through each segment."""
    pressure = np.zeros(size)
    flow = np.zeros(size)
    through = np.empty(whole.size)
    net = np.zeros(size)
    for segment in range(whole.size):
        a, b = ends[segment]
        through[segment] = (level[a] - level[b]) / whole[segment]
        for i in range(first[segment], first[segment + 1]):
            site = sites[inside[i]]
            flow[site] = abs(through[segment])
            pressure[site] = level[a] - through[segment] * along[i]
        for i in (a, b):
            flow[sites[i]] += 0.5 * abs(through[segment])
        net[sites[a]] -= through[segment]
        net[sites[b]] += through[segment]
    for i in range(sites.size):
        if is_node[i]:
            pressure[sites[i]] = level[i]
            if marks[sites[i]] & (INLET | OUTLET):
                flow[sites[i]] += 0.5 * abs(net[sites[i]])
    return pressure, flow, through
