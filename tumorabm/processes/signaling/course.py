"""The course of a signaling network in many cells, and its steady states.

The kernel advances the nodes one after another in the order of the file, by an exponential method of second order
(Cox and Matthews 2002) that is exact for a drive linear in time whatever the time constant. A node sees the new
values of those before it and extrapolates those behind it, so a cascade written in its own order is followed in one
pass per sub-step. How many sub-steps a cell takes depends on how far it is from rest, and on nothing but the cell.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.signaling.network import Make, Network

# Sub-steps that a cell may take, and the error that they are chosen for: about ERROR * gap * (h/n)^2 with the widest
# gap between a node and its drive, of slow nodes only the part that is no straight line within the step (measured on
# jumps of inputs and inhibitors, tests/verification/test_network_course.py).
_COUNTS: Final = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128])
_ERROR: Final = 0.25  # 1/h^2
_TOLERANCE: Final = 8e-4
_HORIZON: Final = 2.0  # h, over which nodes count as slow or fast
# A cell whose nodes are this near to their drives (times hours) takes one step of first order.
_RESTING: Final = 2e-4
_LEAST_TIME: Final = 1e-6
_LANES: Final = 64  # cells that the kernel takes side by side
_SETTLED: Final = 1e-10
# On the way to a steady state: rounds of so many passes, then Newton's method for the cells that still move.
_ROUNDS: Final = 8
_PASSES: Final = 25
_NEWTON_STEPS: Final = 30
_DIFFERENCE: Final = 1e-6
# Two steady states that differ by more than this, in any node, are two.
DISTINCT: Final = 1e-4


class Left(NamedTuple):
    """What inhibitors leave of the drives of cells.

    Attributes
    ----------
    nodes : ndarray of int64, shape (inhibited,)
        Nodes that are inhibited at all.
    share : ndarray, shape (m, inhibited)
        Factor on their drive.
    """

    nodes: np.ndarray
    share: np.ndarray


def uninhibited(cells: int) -> Left:
    """No inhibition at all."""
    return Left(np.empty(0, dtype=np.int64), np.empty((cells, 0)))


def drive(network: Network, state: np.ndarray, inputs: np.ndarray, make: Make, left: Left) -> np.ndarray:
    """What each node is driven to, shape (m, nodes); parameters as of ``advance``, for all cells of ``state``."""
    out = np.empty_like(state)
    rows, gap, stay = np.arange(state.shape[0]), np.empty(state.shape[0]), np.ones(len(network.nodes))
    _begin(state, inputs, *left, rows, *network.arrays, make.level, make.basal, make.weight, stay, stay, -1.0, out, gap)
    return out


def advance(
    network: Network, state: np.ndarray, rows: np.ndarray, inputs: np.ndarray, make: Make, left: Left, dt: float
) -> None:
    """Advance cells of one make by ``dt`` hours.

    Parameters
    ----------
    state : ndarray, shape (cells, nodes)
        Changed in place.
    rows : ndarray of int64, shape (m,)
        Which cells.
    inputs : ndarray, shape (m, inputs)
        Constant over the time.
    make : Make
    left : Left
    dt : float
    """
    shape = (rows.size, len(network.nodes))
    drive, gap = np.empty(shape), np.empty(rows.size)
    keep = np.exp(-dt / network.time)
    matters = (1.0 - np.exp(-_HORIZON / network.time)) ** 2
    resting = _RESTING / max(dt, _LEAST_TIME)
    _begin(
        state, inputs, *left, rows, *network.arrays, make.level, make.basal, make.weight, keep, matters, resting,
        drive, gap,
    )  # fmt: skip
    counts = np.where(gap <= resting, 0, substeps(gap, dt))
    for count in np.flatnonzero(np.bincount(counts)).tolist():
        if count == 0:
            continue
        chosen = np.flatnonzero(counts == count)
        _go(network, state, rows, chosen, inputs, make, left, drive, count, dt / count, network.time)


def _go(
    network: Network,
    state: np.ndarray,
    rows: np.ndarray,
    chosen: np.ndarray,
    inputs: np.ndarray,
    make: Make,
    left: Left,
    drive: np.ndarray,
    count: int,
    h: float,
    time: np.ndarray,
) -> None:
    """Advance some of the rows by ``count`` sub-steps of ``h`` hours."""
    ratio = h / time
    keep = np.exp(-ratio)
    correct = (keep - 1.0 + ratio) / ratio
    _advance(
        state, inputs, *left, rows, chosen, drive, *network.arrays, make.level, make.basal, make.weight, keep, correct,
        network.feeds_back, count,
    )  # fmt: skip


def steady(
    network: Network, inputs: np.ndarray, make: Make, left: Left | None = None, start: np.ndarray | float | None = None
) -> np.ndarray:
    """Steady state that cells come to.

    Parameters
    ----------
    inputs : ndarray, shape (m, inputs)
    make : Make
    left : Left, optional
        What inhibitors leave; everything by default.
    start : ndarray, shape (m, nodes), or float
        Where they come from; the middle of all activities by default.

    Returns
    -------
    ndarray, shape (m, nodes)

    Raises
    ------
    ArithmeticError
        If the network goes on moving, as one that oscillates does.
    """
    inputs = np.atleast_2d(inputs)
    shape = (inputs.shape[0], len(network.nodes))
    left = uninhibited(shape[0]) if left is None else left
    state = np.ascontiguousarray(np.broadcast_to(0.5 if start is None else start, shape), dtype=float).copy()
    state[:, make.held] = make.basal[make.held]
    # Where a network rests does not depend on how fast its nodes are: all get there at one pace.
    pace = np.ones(len(network.nodes))
    for _ in range(_ROUNDS):
        driven = drive(network, state, inputs, make, left)
        moving = np.flatnonzero(np.abs(driven - state).max(axis=1) > _SETTLED)
        if moving.size == 0:
            return state
        part = Left(left.nodes, left.share[moving])
        _go(
            network,
            state,
            moving,
            np.arange(moving.size),
            inputs[moving],
            make,
            part,
            driven[moving],
            _PASSES,
            1.0,
            pace,
        )
    for cell in moving.tolist():
        here = Left(left.nodes, left.share[cell : cell + 1])
        state[cell] = _newton(network, state[cell], inputs[cell : cell + 1], make, here)
    return state


def _newton(network: Network, state: np.ndarray, inputs: np.ndarray, make: Make, left: Left) -> np.ndarray:
    """Rest of one cell that comes near to it but slowly, by Newton's method with differences for derivatives."""
    size = state.size
    many = np.repeat(inputs, size + 1, axis=0)
    share = Left(left.nodes, np.repeat(left.share, size + 1, axis=0))
    for _ in range(_NEWTON_STEPS):
        trials = np.repeat(state[None], size + 1, axis=0)
        trials[np.arange(size), np.arange(size)] += _DIFFERENCE
        driven = drive(network, trials, many, make, share)
        gap = driven[-1] - state
        if np.abs(gap).max() < _SETTLED:
            return state
        slopes = ((driven[:-1] - driven[-1]) / _DIFFERENCE).T
        state = np.clip(state + np.linalg.solve(np.eye(size) - slopes, gap), 0.0, None)
    raise ArithmeticError(f"network {network.name} does not come to rest (nodes still move by {np.abs(gap).max():.2g})")


def steady_states(network: Network, inputs: np.ndarray, make: Make, left: Left | None = None) -> list[np.ndarray]:
    """The steady states of one cell that are reached from no activity at all and from full activity.

    Returns
    -------
    list of ndarray, shape (nodes,)
        One, or two where the network is bistable.
    """
    low, high = (steady(network, inputs, make, left, start)[0] for start in (0.0, 1.0))
    return [low] if np.abs(high - low).max() < DISTINCT else [low, high]


def substeps(gap: np.ndarray, dt: float) -> np.ndarray:
    """Number of sub-steps of cells whose nodes are up to ``gap`` away from their drives, in a step of ``dt`` hours."""
    wanted = dt * np.sqrt(_ERROR * gap / _TOLERANCE)
    return _COUNTS[np.minimum(np.searchsorted(_COUNTS, wanted), _COUNTS.size - 1)]


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel(error_model="numpy")
def _drive_of(
    node, x, left, first, source, effect, half_power, exponent, whole, level, basal, weight, out, na, da, nq, dq, p,
    used,
):  # fmt: skip
    """Drive of one node for all lanes into its row of ``out``.

    All factors are ratios (a + b p)/(c + p) with p = sⁿ, so numerators and denominators are multiplied up and divided
    once per node. The loops over lanes are simple for the compiler's sake: it makes vector instructions of them, but
    for powers that are no whole number, which only the lanes in use are given.
    """
    for lane in range(_LANES):
        na[lane] = 1.0 - basal[node]
        da[lane] = 1.0
    for lane in range(_LANES):
        nq[lane] = level[node] * left[node, lane]
        dq[lane] = 1.0
    for edge in range(first[node], first[node + 1]):
        s = np.uint64(source[edge])
        c = half_power[edge]
        a, b = c, 1.0 - weight[edge]
        if effect[edge] == 1:
            a, b = b * c, 1.0
        if effect[edge] == 0:
            numerator, denominator = na, da
        else:
            numerator, denominator = nq, dq
        if whole[edge] == 2:
            for lane in range(_LANES):
                v = x[s, lane] * x[s, lane]
                numerator[lane] *= a + b * v
                denominator[lane] *= c + v
        elif whole[edge] == 1:
            for lane in range(_LANES):
                v = x[s, lane]
                numerator[lane] *= a + b * v
                denominator[lane] *= c + v
        else:
            for lane in range(used):
                p[lane] = x[s, lane] ** exponent[edge]
            for lane in range(_LANES):
                numerator[lane] *= a + b * p[lane]
                denominator[lane] *= c + p[lane]
    for lane in range(_LANES):
        out[node, lane] = (da[lane] - na[lane]) * nq[lane] / (da[lane] * dq[lane])


@kernel(error_model="numpy")
def _load(state, inputs, inhibited, share, rows, chosen, begin, x, u):
    """Take the chosen cells from ``begin`` on into lanes: inputs and nodes in x, what inhibitors leave in u.

    What is missing to a full set repeats the last cell, so that every cell goes the same way through the arithmetic.
    """
    given = inputs.shape[1]
    for lane in range(_LANES):
        i = chosen[min(begin + lane, chosen.size - 1)]
        for k in range(given):
            x[k, lane] = inputs[i, k]
        for k in range(state.shape[1]):
            x[given + k, lane] = state[rows[i], k]
        for k in range(inhibited.size):
            u[inhibited[k], lane] = share[i, k]


@kernel(error_model="numpy", nogil=True)
def _begin(
    state, inputs, inhibited, share, rows, first, source, effect, half_power, exponent, whole, level, basal, weight,
    keep, matters, resting, drive, gap,
):  # fmt: skip
    """Drives of all cells and how far they are from them; those that are no farther than ``resting`` go the step."""
    given, nodes = inputs.shape[1], state.shape[1]
    x, u = np.empty((given + nodes, _LANES)), np.ones((nodes, _LANES))
    na, da, nq, dq, p = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES), np.empty(_LANES), np.zeros(_LANES)
    f = np.empty((nodes, _LANES))
    all_rows = np.arange(rows.size)
    for begin in range(0, rows.size, _LANES):
        _load(state, inputs, inhibited, share, rows, all_rows, begin, x, u)
        for node in range(nodes):
            _drive_of(
                node, x, u, first, source, effect, half_power, exponent, whole, level, basal, weight, f,
                na, da, nq, dq, p, min(_LANES, rows.size - begin),
            )  # fmt: skip
        for lane in range(min(_LANES, rows.size - begin)):
            i = begin + lane
            widest = 0.0
            for node in range(nodes):
                widest = max(widest, abs(f[node, lane] - x[given + node, lane]) * matters[node])
            gap[i] = widest
            if widest <= resting:
                for node in range(nodes):
                    state[rows[i], node] = f[node, lane] + (x[given + node, lane] - f[node, lane]) * keep[node]
            else:
                for node in range(nodes):
                    drive[i, node] = f[node, lane]


@kernel(error_model="numpy", nogil=True)
def _advance(
    state, inputs, inhibited, share, rows, chosen, drive,
    first, source, effect, half_power, exponent, whole, level, basal, weight, keep, correct, feeds_back, count,
):  # fmt: skip
    given, nodes = inputs.shape[1], state.shape[1]
    x, u = np.empty((given + nodes, _LANES)), np.ones((nodes, _LANES))
    na, da, nq, dq, p = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES), np.empty(_LANES), np.zeros(_LANES)
    # Drives at the beginning of a sub-step and at its end, in turns; of nodes that feed back also where they stood.
    f, stood = np.empty((2, nodes, _LANES)), np.empty((nodes, _LANES))
    for begin in range(0, chosen.size, _LANES):
        _load(state, inputs, inhibited, share, rows, chosen, begin, x, u)
        for lane in range(_LANES):
            i = chosen[min(begin + lane, chosen.size - 1)]
            for node in range(nodes):
                f[0, node, lane] = drive[i, node]
                f[1, node, lane] = drive[i, node]
        for step in range(count):
            # Before the first sub-step nothing is known of how drives change: both are the same then.
            before, now = f[(step + 1) % 2], f[step % 2]
            for node in range(nodes):
                if feeds_back[node]:
                    e, c = keep[node], correct[node]
                    for lane in range(_LANES):
                        stood[node, lane] = x[given + node, lane]
                    for lane in range(_LANES):
                        x[given + node, lane] += (now[node, lane] - x[given + node, lane]) * (1.0 - e)
                    for lane in range(_LANES):
                        ahead = x[given + node, lane] + (now[node, lane] - before[node, lane]) * c
                        x[given + node, lane] = max(ahead, 0.0)
            for node in range(nodes):
                _drive_of(
                    node, x, u, first, source, effect, half_power, exponent, whole, level, basal, weight, before,
                    na, da, nq, dq, p, min(_LANES, chosen.size - begin),
                )  # fmt: skip
                if feeds_back[node]:
                    for lane in range(_LANES):
                        x[given + node, lane] = stood[node, lane]
                e, c = keep[node], correct[node]
                for lane in range(_LANES):
                    x[given + node, lane] += (now[node, lane] - x[given + node, lane]) * (1.0 - e)
                for lane in range(_LANES):
                    x[given + node, lane] += (before[node, lane] - now[node, lane]) * c
        for lane in range(min(_LANES, chosen.size - begin)):
            for node in range(nodes):
                state[rows[chosen[begin + lane]], node] = x[given + node, lane]
