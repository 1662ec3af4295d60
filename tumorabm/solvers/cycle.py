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
from tumorabm.solvers.hierarchy import BLOCKS, NX, NY, NZ, TWO_COLOR
from tumorabm.solvers.nonlinear import (
    CONVERGED,
    COUPLING,
    LARGEST_VALUE,
    LOSS_SUM,
    NEGATIVE_INPUT,
    NO_STEADY_STATE,
    NOT_CONVERGED,
    NOT_FINITE,
    RESIDUAL_SQUARED,
    RESIDUAL_SUM,
    RIGHT_SQUARED,
    RIGHT_SUM,
    SCALE,
    SLOPE_TIMES_VALUE,
    SMALLEST_FIELD,
    SMALLEST_VALUE,
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
    RESCALE,
    RESTRICT,
    SEARCH,
    SMALL_CYCLE,
    START,
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
def solve(run, address, work, tolerance, closed, report):
    """Solve for ``c`` in place; how it ended.

    ``closed`` is whether nothing but loss and uptake can balance the sources (no decay, no fixed face, no step). The
    report holds iterations, Newton steps, relative residual, smallest and largest value of the start.
    """
    c, parameters, levels, sums = work[0], work[5], work[LEVELS], work[BLOCK_SUMS]
    blocks = levels[0, BLOCKS]
    sites = levels[0, NZ] * levels[0, NY] * levels[0, NX]
    report[:] = 0.0
    sweep(run, address, SURVEY, FINEST, 0.0, work)
    norm = np.sqrt(total(sums, blocks, RIGHT_SQUARED))
    supply, sink, capacity = (
        total(sums, blocks, RIGHT_SUM),
        total(sums, blocks, LOSS_SUM),
        total(sums, blocks, UPTAKE_SUM),
    )
    worst = 0.0
    low, high = c[0], c[0]
    for block in range(blocks):
        worst = min(worst, sums[block, SMALLEST_FIELD])
        low, high = min(low, sums[block, SMALLEST_VALUE]), max(high, sums[block, LARGEST_VALUE])
    report[3], report[4] = low, high
    if not np.isfinite(norm + sink + capacity + low + high):
        return NOT_FINITE
    if worst < 0.0 or low < -tolerance * abs(high):
        return NEGATIVE_INPUT
    if closed and sink == 0.0 and supply >= capacity and not (norm == 0.0 and (capacity > 0.0 or low == high)):
        return NO_STEADY_STATE
    if norm == 0.0:
        if not (closed and sink == 0.0 and capacity == 0.0):
            for i in range(c.size):
                c[i] = 0.0
        return CONVERGED
    if low < 0.0:
        for i in range(c.size):
            c[i] = max(c[i], 0.0)
    parameters[SCALE] = parameters[COUPLING] * np.sqrt(sites) / norm
    before = 0.0
    step, rescaled = 0, 0
    while True:
        sweep(run, address, EVALUATE, FINEST, 0.0, work)
        residual = np.sqrt(total(sums, blocks, RESIDUAL_SQUARED)) / norm
        excess, slope = total(sums, blocks, RESIDUAL_SUM), total(sums, blocks, SLOPE_TIMES_VALUE)
        report[1], report[2] = step, residual
        if not np.isfinite(residual):
            return NOT_FINITE
        uniform = excess * excess > 0.25 * sites * (residual * norm) ** 2
        if rescaled < 4 and (residual <= tolerance or uniform) and abs(excess) > CLOSURE * abs(supply):
            stretch = excess / slope if slope > 0.0 else 0.0
            if -0.9 < stretch < 1e3 and stretch != 0.0:
                sweep(run, address, RESCALE, FINEST, 1.0 + stretch, work)
                rescaled += 1
                continue
        if residual <= tolerance:
            return CONVERGED
        if step == MOST_STEPS:
            return NOT_CONVERGED
        if capacity == 0.0:
            reduction = 0.0
        elif step == 0:
            reduction = 0.05
        else:
            reduction = min(0.1, 0.5 * (residual / before) ** 2)
        for depth in range(levels.shape[0] - 1):
            sweep(run, address, COARSEN, depth, 0.0, work)
        reduction = max(reduction, INNER_FLOOR, 0.4 * tolerance / residual)
        report[0] += correction(run, address, (reduction * residual) ** 2 * sites, work)
        sweep(run, address, CORRECT, FINEST, 0.0, work)
        before = residual
        step, rescaled = step + 1, 0


@kernel(error_model="numpy")
def solve_with(
    run, threads, c, source, loss, uptake, old, parameters, f, a, levels, w, sums, scratch, tolerance, closed, report
):
    """``solve`` with the function at the address ``run``."""
    work = (c, old, source, loss, uptake, parameters, f, a, levels, w, sums, scratch)
    return solve(block_at(run), run if threads else np.int64(0), work, tolerance, closed, report)
