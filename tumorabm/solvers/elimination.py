"""Pressures at the nodes of a network of tubes, by elimination of one after the other.

The node with the fewest neighbors is eliminated first: one with the conductances g_j to its neighbors leaves
g_j g_k / Σ g between each two of them (the star-mesh transform, which is Gaussian elimination of this system). Only
positive numbers are added, so nothing cancels, and also a feeble flow is exact (but in large blocks, see below).
Neighbors are lists as long as they are few; when what is left is joined nearly each to each, as it comes to be in three
dimensions, the rest is a full matrix.
Where many are left by the time that nodes have many neighbors (a large block of tissue), elimination would take the
cube of their number, and conjugate gradients take over: to _EXACT of the largest flow, in sums of fixed order.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorabm.kernel import kernel

# Elimination goes on with a full matrix when every node that is left has _FEW neighbors or more (in a slab none comes
# to have as many) and a _DENSE-th of all that are left. It takes _STRIP nodes at a time, which are written out.
_FEW: Final = 32
_DENSE: Final = 10
_STRIP: Final = 4
# Conjugate gradients take over when every node that is left has _SOME neighbors or more and there are more than _MANY.
_SOME: Final = 12
_MANY: Final = 4000
_EXACT: Final = 1e-14
_MOST_ITERATIONS: Final = 5000

# --- kernels ---------------------------------------------------------------------------------------------------------


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
def pressures(pinned, given, is_node, ends, whole):
    """Pressure of every node (of no meaning at other cells), of the pinned ones as given.

    ``ends`` and ``whole`` are the two nodes of every tube and its resistance.
    """
    count = is_node.size
    level = np.zeros(count)
    node = np.full(count, -1, dtype=np.int64)
    cell = np.empty(count, dtype=np.int64)
    n = 0
    for i in range(count):
        if pinned[i]:
            level[i] = given[i]
        elif is_node[i]:
            node[i] = n
            cell[n] = i
            n += 1
    fixed, driven, head, degree, used, other, after, weight = _join(n, level, node, ends, whole)
    order, total, other, after, weight = _reduce(fixed, driven, head, degree, used, other, after, weight)
    rest = _rest(n, order)
    if rest.size > 0:
        if rest.size > _MANY:
            found = _iterate(rest, head, other, after, weight, fixed[rest], driven[rest])
        else:
            found = _solve_dense(_joint(rest, head, other, after, weight), fixed[rest], driven[rest])
        for i in range(rest.size):
            level[cell[rest[i]]] = found[i]
    # What an eliminated node was joined to has stayed in its list.
    for step in range(order.size - 1, -1, -1):
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
    """Eliminate nodes until those left are joined nearly each to each, or are too many for that.

    Returns the order of the eliminated, the sum of each one's conductances then, and the grown lists.
    """
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
        if (lowest >= _FEW and _DENSE * lowest >= n - step) or (lowest >= _SOME and n - step > _MANY):
            return order[:step], total, other, after, weight
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
def _rest(n, order):
    """The nodes that are not in the order, ascending."""
    eliminated = np.zeros(n, dtype=np.bool_)
    for a in order:
        eliminated[a] = True
    rest = np.empty(n - order.size, dtype=np.int64)
    found = 0
    for a in range(n):
        if not eliminated[a]:
            rest[found] = a
            found += 1
    return rest


@kernel
def _joint(rest, head, other, after, weight):
    """Conductance between each two of some nodes that are joined among themselves alone, as a full matrix."""
    place = np.empty(head.size, dtype=np.int64)
    for i in range(rest.size):
        place[rest[i]] = i
    out = np.zeros((rest.size, rest.size))
    for i in range(rest.size):
        entry = head[rest[i]]
        while entry >= 0:
            out[i, place[other[entry]]] = weight[entry]
            entry = after[entry]
    return out


@kernel(error_model="numpy")
def _iterate(rest, head, other, after, weight, fixed, driven):
    """Pressures of some nodes that are joined among themselves alone, by conjugate gradients scaled by the diagonal."""
    m = rest.size
    place = np.empty(head.size, dtype=np.int64)
    for i in range(m):
        place[rest[i]] = i
    begin = np.zeros(m + 1, dtype=np.int64)
    for i in range(m):
        begin[i + 1] = begin[i]
        entry = head[rest[i]]
        while entry >= 0:
            begin[i + 1] += 1
            entry = after[entry]
    there = np.empty(begin[m], dtype=np.int64)
    joint = np.empty(begin[m])
    total = fixed.copy()
    for i in range(m):
        entry, at = head[rest[i]], begin[i]
        while entry >= 0:
            there[at], joint[at] = place[other[entry]], weight[entry]
            total[i] += weight[entry]
            at += 1
            entry = after[entry]
    level, residual, along, image = np.zeros(m), driven.copy(), np.zeros(m), np.empty(m)
    enough = _EXACT * np.abs(driven).max()
    before = 1.0
    for _ in range(_MOST_ITERATIONS):
        if np.abs(residual).max() <= enough:
            return level
        now = 0.0
        for i in range(m):
            now += residual[i] * residual[i] / total[i] if total[i] > 0.0 else 0.0
        curved = 0.0
        for i in range(m):
            scaled = residual[i] / total[i] if total[i] > 0.0 else 0.0
            along[i] = scaled + now / before * along[i]
        for i in range(m):
            out = total[i] * along[i]
            for at in range(begin[i], begin[i + 1]):
                out -= joint[at] * along[there[at]]
            image[i] = out
            curved += along[i] * out
        step = now / curved
        for i in range(m):
            level[i] += step * along[i]
            residual[i] -= step * image[i]
        before = now
    raise ValueError("pressures in the vessels do not converge")


@kernel(error_model="numpy")
def _solve_dense(joint, fixed, driven):
    """Pressures of nodes that are joined each to each, by the same elimination, several nodes at a time.

    Works above the diagonal of ``joint``, in place. What a strip of nodes gives to two others is added up at once, so
    that the matrix is read and written once for the strip.
    """
    m = fixed.size
    total = np.empty(m)
    share = np.empty(_STRIP)
    for begin in range(0, m, _STRIP):
        end = min(begin + _STRIP, m)
        for a in range(begin, end):
            total[a] = fixed[a]
            for j in range(a + 1, m):
                total[a] += joint[a, j]
            for i in range(a + 1, m):
                part = joint[a, i] / total[a] if total[a] > 0.0 else 0.0
                fixed[i] += part * fixed[a]
                driven[i] += part * driven[a]
                if i < end:
                    for j in range(i + 1, m):
                        joint[i, j] += part * joint[a, j]
        if end - begin < _STRIP:
            break
        for i in range(end, m):
            for k in range(_STRIP):
                a = begin + k
                share[k] = joint[a, i] / total[a] if total[a] > 0.0 else 0.0
            for j in range(i + 1, m):
                joint[i, j] += (
                    share[0] * joint[begin, j]
                    + share[1] * joint[begin + 1, j]
                    + share[2] * joint[begin + 2, j]
                    + share[3] * joint[begin + 3, j]
                )
    level = np.zeros(m)
    for a in range(m - 1, -1, -1):
        into = driven[a]
        for j in range(a + 1, m):
            into += joint[a, j] * level[j]
        level[a] = into / total[a] if total[a] > 0.0 else 0.0
    return level


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
