"""The solver's loop: Newton steps around conjugate gradients around one V-cycle, in one compiled call.

Newton's linearization of Michaelis-Menten uptake has a positive slope, so every linear problem is symmetric and
positive. The nonlinear operator is concave with couplings of one sign (an M-function): the larger of a Newton iterate
and 0 lies below the solution, and from there the steps increase towards it. So cutting iterates at 0 keeps them
positive and costs no convergence; the residual is always that of what is returned.

Corrections are solved in single precision, the residual they start from is computed in double precision, as in
iterative refinement: the answer is as accurate as the residual.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.budget import (
    BOUNDARY_TOTAL,
    LOSS_TOTAL,
    OLD_TOTAL,
    REPORTED,
    SLOPE_TOTAL,
    SOURCE_TOTAL,
    TOTALS,
    UPTAKE_SQUARED,
    UPTAKE_TOTAL,
    VALUE_TOTAL,
)
from tumorabm.solvers.hierarchy import BLOCKS, NX, NY, NZ, TWO_COLOR
from tumorabm.solvers.nonlinear import (
    CONVERGED,
    COUPLING,
    DECAY,
    LOSS_SUM,
    NEGATIVE_INPUT,
    NEGATIVE_TERMS,
    NEGATIVE_VALUES,
    NO_STEADY_STATE,
    NOT_CONVERGED,
    NOT_FINITE,
    RATE,
    RESIDUAL_SQUARED,
    RESIDUAL_SUM,
    RIGHT_SQUARED,
    RIGHT_SUM,
    SCALE,
    SLOPE_TIMES_VALUE,
    UPTAKE_SUM,
)
from tumorabm.solvers.smoothing import (
    RELAX_EVEN,
    RELAX_EVEN_BACK,
    RELAX_ODD,
    RELAX_ODD_BACK,
    RELAX_ODD_FROM_ZERO,
)
from tumorabm.solvers.sweeps import (
    ADVANCE,
    ADVANCE_AFRESH,
    BLOCK_SUMS,
    COARSEN,
    CORRECT,
    EVALUATE,
    FINEST,
    INNER,
    LEVELS,
    MULTIPLY,
    PROLONG,
    RESTRICT,
    SEARCH,
    SMALL_CYCLE,
    START,
    STRETCH,
    SURVEY,
    block_at,
    sweep,
)

MOST_STEPS: Final = 500  # Newton steps; an anoxic front of nearly zero-order uptake may move one voxel in each
MOST_ITERATIONS: Final = 80  # conjugate gradients within a step
CLOSURE: Final = 1e-14  # relative imbalance of the domain's total that counts as none
INNER_FLOOR: Final = 2e-4  # below this reduction, single precision gains too little per iteration


@kernel(error_model="numpy")
def cycle(run, address, work):
    """One V-cycle from zero: VALUE of the finest level is what the preconditioner makes of RIGHT.

    Levels cut into blocks are swept block by block; the ones below, without blocks, are one sweep together.
    """
    levels = work[LEVELS]
    small = np.int64(0)
    while small < levels.shape[0] - 1 and levels[small, BLOCKS] > 1:
        small += 1
    for depth in range(small):
        sweep(run, address, START, depth, 0.0, work)
        if levels[depth, TWO_COLOR]:
            sweep(run, address, RELAX_ODD_FROM_ZERO, depth, 0.0, work)
        else:
            sweep(run, address, RELAX_EVEN, depth, 0.0, work)
            sweep(run, address, RELAX_ODD, depth, 0.0, work)
        sweep(run, address, RESTRICT, depth, 0.0, work)
    sweep(run, address, SMALL_CYCLE, small, 0.0, work)
    for up in range(small):
        above = small - 1 - up
        sweep(run, address, PROLONG, above, 0.0, work)
        sweep(run, address, RELAX_ODD_BACK, above, 0.0, work)
        sweep(run, address, RELAX_EVEN_BACK, above, 0.0, work)


@kernel(error_model="numpy")
def total(sums, blocks, column):
    """Sum of a column over the blocks, in their order."""
    result = 0.0
    for block in range(blocks):
        result += sums[block, column]
    return result


@kernel(error_model="numpy")
def correction(run, address, limit, work):
    """Flexible conjugate gradients for the correction until the squared residual is ``limit``; number of iterations."""
    blocks, sums = work[LEVELS][0, BLOCKS], work[BLOCK_SUMS]
    alpha, beta, rz = 0.0, 0.0, 1.0
    for iteration in range(1, MOST_ITERATIONS + 1):
        cycle(run, address, work)
        sweep(run, address, INNER, FINEST, 0.0, work)
        if iteration > 1:
            beta = -alpha * total(sums, blocks, 1) / rz  # the residual has changed by -alpha times the last product
        rz = total(sums, blocks, 0)
        sweep(run, address, SEARCH, FINEST, beta, work)
        sweep(run, address, MULTIPLY, FINEST, 0.0, work)
        curvature = total(sums, blocks, 0)
        definite = curvature > 0.0 and rz > 0.0
        alpha = rz / curvature if definite else 0.0
        sweep(run, address, ADVANCE_AFRESH if iteration == 1 else ADVANCE, FINEST, alpha, work)
        if total(sums, blocks, 0) <= limit or not definite:
            return iteration
    return MOST_ITERATIONS


@kernel(error_model="numpy")
def close(run, address, factor, supply, work, report):
    """Stretch the field by ``factor``, and again until its total balances; by how much in all. Leaves its sums."""
    parameters, levels, sums = work[5], work[LEVELS], work[BLOCK_SUMS]
    decay, rate = parameters[DECAY] + parameters[RATE], parameters[RATE]
    totals = report[REPORTED:]
    stretched = 0.0
    for _ in range(4):
        sweep(run, address, STRETCH, FINEST, factor, work)
        stretched += abs(factor - 1.0)
        for k in range(TOTALS):
            totals[k] = total(sums, levels[0, BLOCKS], k)
        excess = totals[SOURCE_TOTAL] + totals[BOUNDARY_TOTAL] + rate * (totals[OLD_TOTAL] - totals[VALUE_TOTAL])
        excess -= parameters[DECAY] * totals[VALUE_TOTAL] + totals[LOSS_TOTAL] + totals[UPTAKE_TOTAL]
        slope = decay * totals[VALUE_TOTAL] + totals[SLOPE_TOTAL]
        factor = 1.0 + stretch(excess, slope, supply)
        if factor == 1.0:
            break
    return stretched


@kernel(error_model="numpy")
def stretch(excess, slope, supply):
    """By which share of itself a field grows to balance ``excess``; 0 if it is balanced or cannot be."""
    if slope > 0.0 and abs(excess) > CLOSURE * abs(supply):
        share = excess / slope
        if -0.9 < share < 1e3:
            return share
    return 0.0


@kernel(error_model="numpy")
def wanted_reduction(capacity, step, residual, before, tolerance):
    """By how much the conjugate gradients of a Newton step are to reduce the residual."""
    if capacity == 0.0:
        reduction = 0.9 * tolerance / residual
    elif step == 0:
        reduction = max(0.05, 0.4 * tolerance / residual)
    else:
        reduction = max(min(0.1, 0.5 * (residual / before) ** 2), 0.4 * tolerance / residual)
    return max(reduction, INNER_FLOOR)


@kernel(error_model="numpy")
def solve(run, address, work, tolerance, closed, report):
    """Solve for ``c`` in place; how it ended.

    ``closed`` is whether nothing but loss and uptake can balance the sources (no decay, no fixed face, no step). The
    report holds iterations, Newton steps, relative residual, smallest and largest value of the start, and the totals
    of ``budget.py`` at the solution.
    """
    c, parameters, levels, sums = work[0], work[5], work[LEVELS], work[BLOCK_SUMS]
    blocks = levels[0, BLOCKS]
    sites = levels[0, NZ] * levels[0, NY] * levels[0, NX]
    report[:] = 0.0
    parameters[SCALE] = parameters[COUPLING]
    sweep(run, address, SURVEY, FINEST, 0.0, work)
    norm = np.sqrt(total(sums, blocks, RIGHT_SQUARED))
    supply, sink, capacity = (
        total(sums, blocks, RIGHT_SUM),
        total(sums, blocks, LOSS_SUM),
        total(sums, blocks, UPTAKE_SUM),
    )
    negative, below = total(sums, blocks, NEGATIVE_TERMS), total(sums, blocks, NEGATIVE_VALUES)
    if not np.isfinite(norm + sink + capacity + negative + below):
        return NOT_FINITE
    low, high = c[0], c[0]
    if negative > 0.0 or below > 0.0 or norm == 0.0:
        for i in range(c.size):
            low, high = min(low, c[i]), max(high, c[i])
    report[3], report[4] = low, high
    if negative > 0.0 or low < -tolerance * abs(high):
        return NEGATIVE_INPUT
    if closed and sink == 0.0 and supply >= capacity and not (norm == 0.0 and (capacity > 0.0 or low == high)):
        return NO_STEADY_STATE
    if norm == 0.0:
        if not (closed and sink == 0.0 and capacity == 0.0):
            for i in range(c.size):
                c[i] = 0.0
        close(run, address, 1.0, 0.0, work, report)
        return CONVERGED
    # The survey left residuals as they are. If single precision cannot hold their squares, scale the norm to 1 each.
    scale = np.sqrt(sites) / norm
    unsuited = not 1e-6 < scale < 1e6
    if unsuited:
        parameters[SCALE] = parameters[COUPLING] * scale
    scale = parameters[SCALE] / parameters[COUPLING]
    if below > 0.0:
        for i in range(c.size):
            c[i] = max(c[i], 0.0)
    if below > 0.0 or unsuited:
        sweep(run, address, EVALUATE, FINEST, 0.0, work)
    before = 0.0
    step, rescaled = 0, 0
    while True:
        residual = np.sqrt(total(sums, blocks, RESIDUAL_SQUARED)) / norm
        excess, slope = total(sums, blocks, RESIDUAL_SUM), total(sums, blocks, SLOPE_TIMES_VALUE)
        report[1], report[2] = step, residual
        if not np.isfinite(residual):
            return NOT_FINITE
        share = stretch(excess, slope, supply) if rescaled < 4 else 0.0
        if residual <= tolerance:
            stretched = close(run, address, 1.0 + share, supply, work, report)
            # Stretching changes the residual by no more than what it stretches: all that leaves, which is the
            # right-hand side less the residual, and, where that bends, the uptake twice.
            bent = 2.0 * np.sqrt(report[REPORTED + UPTAKE_SQUARED]) / norm
            report[2] = residual + 1.01 * stretched * (1.0 + residual + bent)
            if report[2] <= tolerance:
                return CONVERGED
            sweep(run, address, EVALUATE, FINEST, 0.0, work)
            rescaled += 1
            if rescaled <= 4:
                continue
            report[2] = np.sqrt(total(sums, blocks, RESIDUAL_SQUARED)) / norm
            return CONVERGED if report[2] <= tolerance else NOT_CONVERGED
        uniform = excess * excess > 0.25 * sites * (residual * norm) ** 2
        if uniform and share != 0.0:
            sweep(run, address, STRETCH, FINEST, 1.0 + share, work)
            rescaled += 1
            sweep(run, address, EVALUATE, FINEST, 0.0, work)
            continue
        if step == MOST_STEPS:
            return NOT_CONVERGED
        reduction = wanted_reduction(capacity, step, residual, before, tolerance)
        for depth in range(levels.shape[0] - 1):
            sweep(run, address, COARSEN, depth, 0.0, work)
        report[0] += correction(run, address, (reduction * residual * norm * scale) ** 2, work)
        sweep(run, address, CORRECT, FINEST, 0.0, work)
        before = residual
        step, rescaled = step + 1, 0
        sweep(run, address, EVALUATE, FINEST, 0.0, work)


@kernel(error_model="numpy")
def solve_with(
    run, threads, c, source, loss, uptake, old, parameters, f, a, levels, w, sums, scratch, tolerance, closed, report
):
    """``solve`` with the function at the address ``run``."""
    work = (c, old, source, loss, uptake, parameters, f, a, levels, w, sums, scratch)
    return solve(block_at(run), run if threads else np.int64(0), work, tolerance, closed, report)
