"""Flow through a network of vessels: pressures at branching points, by elimination of one after the other.

Runs of cells with two links carry one flow, so they are tubes in series and only branching points are unknowns. The one
with the fewest neighbors is eliminated first: a point with the conductances g_j to its neighbors leaves g_j g_k / Σ g
between each two of them (the star-mesh transform, which is Gaussian elimination of this system). Only positive numbers
are added, so nothing cancels, and also a feeble flow is exact. All is numbered by site: the result is a function of the
vessels as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorabm.kernel import kernel
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
    level = _eliminate(marks[sites], given[sites], is_node, ends, whole)
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
def _take_out(node, bucket, degree, after, before):
    """Take a node out of the list of those with its degree."""
    if before[node] >= 0:
        after[before[node]] = after[node]
    else:
        bucket[degree[node]] = after[node]
    if after[node] >= 0:
        before[after[node]] = before[node]


@kernel
def _put_in(node, bucket, degree, after, before):
    """Put a node at the head of the list of those with its degree."""
    head = bucket[degree[node]]
    after[node] = head
    before[node] = -1
    if head >= 0:
        before[head] = node
    bucket[degree[node]] = node


@kernel
def _grown(entries, size):
    out = np.empty(size, dtype=entries.dtype)
    for i in range(entries.size):  # a slice in its place takes seconds to compile
        out[i] = entries[i]
    return out


@kernel
def _eliminate(marks, given, is_node, ends, whole):
    """Pressure of every node (of no meaning at other cells)."""
    count = is_node.size
    level = np.zeros(count)
    node = np.full(count, -1, dtype=np.int64)
    cell = np.empty(count, dtype=np.int64)
    n = 0
    for i in range(count):
        if marks[i] & (INLET | OUTLET):
            level[i] = given[i]
        elif is_node[i]:
            node[i] = n
            cell[n] = i
            n += 1
    fixed, driven, head, degree, used, other, after, weight = _join(n, level, node, ends, whole)
    order, total, other, after, weight = _reduce(fixed, driven, head, degree, used, other, after, weight)
    # What an eliminated node was joined to has stayed in its list.
    for step in range(n - 1, -1, -1):
        a = order[step]
        into = driven[a]
        entry = head[a]
        while entry >= 0:
            into += weight[entry] * level[cell[other[entry]]]
            entry = after[entry]
        level[cell[a]] = into / total[a] if total[a] > 0.0 else 0.0
    return level


@kernel
def _join(n, level, node, ends, whole):
    """Conductances of each node to inlets and outlets, the flow that these drive into it, and to other nodes.

    The last are a list: ``head`` names a node's first entry and ``after`` the next one of an entry.
    """
    fixed = np.zeros(n)
    driven = np.zeros(n)
    head = np.full(n, -1, dtype=np.int64)
    degree = np.zeros(n, dtype=np.int64)
    size = 4 * ends.shape[0] + 16
    other = np.empty(size, dtype=np.int64)
    after = np.empty(size, dtype=np.int64)
    weight = np.empty(size)
    used = 0
    for segment in range(ends.shape[0]):
        conductance = 1.0 / whole[segment]
        for side in range(2):
            a, there = node[ends[segment, side]], ends[segment, 1 - side]
            b = node[there]
            if a < 0 or a == b:
                continue
            if b < 0:
                fixed[a] += conductance
                driven[a] += conductance * level[there]
                continue
            entry = head[a]
            while entry >= 0 and other[entry] != b:
                entry = after[entry]
            if entry >= 0:
                weight[entry] += conductance  # a second tube between the same two
            else:
                other[used], weight[used], after[used] = b, conductance, head[a]
                head[a] = used
                degree[a] += 1
                used += 1
    return fixed, driven, head, degree, used, other, after, weight


@kernel
def _reduce(fixed, driven, head, degree, used, other, after, weight):
    """Eliminate all nodes. Returns their order, the sum of each one's conductances then, and the grown lists."""
    n = head.size
    bucket = np.full(n + 1, -1, dtype=np.int64)  # first node of each degree; the others follow by ``later``
    later = np.empty(n, dtype=np.int64)
    earlier = np.empty(n, dtype=np.int64)
    for a in range(n - 1, -1, -1):
        _put_in(a, bucket, degree, later, earlier)
    order = np.empty(n, dtype=np.int64)
    total = np.empty(n)
    near = np.empty(n, dtype=np.int64)
    share = np.empty(n)
    place = np.full(n, -1, dtype=np.int64)
    lowest, spare = 0, -1
    for step in range(n):
        while bucket[lowest] < 0:
            lowest += 1
        a = bucket[lowest]
        _take_out(a, bucket, degree, later, earlier)
        order[step] = a
        total[a] = fixed[a]
        neighbors = 0
        entry = head[a]
        while entry >= 0:
            near[neighbors], share[neighbors] = other[entry], weight[entry]
            total[a] += weight[entry]
            neighbors += 1
            entry = after[entry]
        if used + neighbors * neighbors > other.size:
            size = 2 * (used + neighbors * neighbors)
            other, after, weight = _grown(other, size), _grown(after, size), _grown(weight, size)
        for i in range(neighbors):
            b = near[i]
            fixed[b] += share[i] * fixed[a] / total[a]
            driven[b] += share[i] * driven[a] / total[a]
            _take_out(b, bucket, degree, later, earlier)
            spare = _forget(a, b, spare, head, degree, other, after, place)
            for j in range(neighbors):
                if j != i:
                    joined = share[i] * share[j] / total[a]
                    used, spare = _add(b, near[j], joined, used, spare, head, degree, other, after, weight, place)
            entry = head[b]
            while entry >= 0:
                place[other[entry]] = -1
                entry = after[entry]
            _put_in(b, bucket, degree, later, earlier)
            lowest = min(lowest, degree[b])
    return order, total, other, after, weight


@kernel
def _forget(a, b, spare, head, degree, other, after, place):
    """Take ``a`` from the list of ``b`` and note the place of all other entries. Returns the first entry to reuse."""
    previous, entry = -1, head[b]
    while entry >= 0:
        following = after[entry]
        if other[entry] == a:
            if previous >= 0:
                after[previous] = following
            else:
                head[b] = following
            after[entry] = spare
            spare = entry
            degree[b] -= 1
        else:
            place[other[entry]] = entry
            previous = entry
        entry = following
    return spare


@kernel
def _add(b, there, joined, used, spare, head, degree, other, after, weight, place):
    """Add a conductance to the list of ``b``. Returns how many entries are used and the first one to reuse."""
    entry = place[there]
    if entry >= 0:
        weight[entry] += joined
        return used, spare
    if spare >= 0:
        entry, spare = spare, after[spare]
    else:
        entry = used
        used += 1
    other[entry], weight[entry], after[entry] = there, joined, head[b]
    head[b] = entry
    degree[b] += 1
    return used, spare


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
