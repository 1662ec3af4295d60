"""Sweeps over the blocks of rows of a level, in one thread or in several.

All kernels that touch fields meet in ``sweep_block``, which the solver's loop calls through a pointer: LLVM then
compiles them once more here, and not again in every function above. Blocks and the order of sums are those of the
lattice, so threads change no bit.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from numba import prange

from tumorabm.kernel import kernel
from tumorabm.solvers.budget import balance_rows
from tumorabm.solvers.compiled import function_at
from tumorabm.solvers.hierarchy import BLOCKS, NY, NZ, TWO_COLOR
from tumorabm.solvers.nonlinear import correct_rows, evaluate_rows
from tumorabm.solvers.smoothing import (
    RELAX_EVEN,
    RELAX_EVEN_BACK,
    RELAX_ODD,
    RELAX_ODD_BACK,
    RELAX_ODD_FROM_ZERO,
    add_rows,
    relax_rows,
    solve_line,
    start_rows,
)
from tumorabm.solvers.transfer import coarsen_rows, prolong_rows, restrict_rows
from tumorabm.solvers.vectors import advance_rows, inner_rows, multiply_rows, search_rows

# Sweeps beside those that relax. Numpy integers, because numba would compile a sweep anew for each literal one.
FINEST = np.int64(0)
START, RESTRICT, PROLONG, COARSEN, SMALL_CYCLE = np.arange(5, 10, dtype=np.int64)
SEARCH, MULTIPLY, ADVANCE, ADVANCE_AFRESH, INNER = np.arange(10, 15, dtype=np.int64)
EVALUATE, SURVEY, CORRECT, STRETCH = np.arange(15, 19, dtype=np.int64)

# Places in the tuple of arrays that all sweeps share: concentration, old concentration, source, loss, uptake,
# parameters; fields and coefficients of the hierarchy, its levels; row buffers, sums over blocks, offsets of scratch.
LEVELS, BLOCK_SUMS = 8, 10


_FIELD, _SINGLE, _OFFSETS = (numba.types.Array(kind, 1, "C") for kind in (numba.float64, numba.float32, numba.int64))
_TABLE, _ROWS = numba.types.Array(numba.int64, 2, "C"), numba.types.Array(numba.float64, 2, "C")
_WORK = numba.types.Tuple([*[_FIELD] * 6, _SINGLE, _SINGLE, _TABLE, _ROWS, _ROWS, _OFFSETS])
SIGNATURE = numba.int64(*[numba.int64] * 4, numba.float64, _WORK)
block_at = function_at(SIGNATURE)


@functools.cache
def block_function() -> Any:
    """``sweep_block`` as compiled for calls through a pointer (numba caches the code on disk)."""
    _ = add_rows.dispatcher  # teaches numba what a kernel is, which calls of kernels do otherwise
    return numba.cfunc(SIGNATURE, cache=True, error_model="numpy")(sweep_block)


def sweep_block(what, depth, block, blocks, number, work):
    """One block of rows of a sweep; ``number`` is the scalar that some of them need."""
    c, old, source, loss, uptake, parameters, f, a, levels, w, sums, scratch = work
    level = levels[depth]
    coarse = levels[min(depth + 1, levels.shape[0] - 1)]
    t = np.uint64(scratch[0] + block * scratch[1])
    rows = level[NZ] * level[NY]
    if what == RESTRICT or what == COARSEN:
        rows = coarse[NZ] * coarse[NY]
    first, last = rows * block // blocks, rows * (block + 1) // blocks
    if what == START:
        start_rows(f, level, first, last)
    elif RELAX_EVEN <= what <= RELAX_ODD_BACK:
        relax_rows(f, a, level, what, first, last, t)
    elif what == RESTRICT:
        restrict_rows(f, f.view(np.complex64), a, level, coarse, first, last, t)
    elif what == PROLONG:
        prolong_rows(f, f.view(np.complex64), a, level, coarse, first, last, t)
    elif what == COARSEN:
        coarsen_rows(f, f.view(np.complex64), a, level, coarse, first, last, t)
    elif what == SEARCH:
        search_rows(f, level, first, last, np.float32(number))
    elif what == MULTIPLY:
        multiply_rows(f, a, level, first, last, t, sums[block])
    elif what == ADVANCE or what == ADVANCE_AFRESH:
        advance_rows(f, level, first, last, np.float32(number), what == ADVANCE_AFRESH, t, sums[block])
    elif what == INNER:
        inner_rows(f, level, first, last, t, sums[block])
    elif what == EVALUATE or what == SURVEY:
        survey = what == SURVEY
        evaluate_rows(c, old, source, loss, uptake, parameters, f, a, level, first, last, survey, w[block], sums[block])
    elif what == CORRECT:
        correct_rows(c, parameters, f, level, first, last)
    elif what == STRETCH:
        balance_rows(c, old, source, loss, uptake, parameters, level, first, last, number, w[block], sums[block])
    elif what == SMALL_CYCLE:
        small_cycle(f, f.view(np.complex64), a, levels, depth, t)
    return block


@kernel(error_model="numpy")
def small_cycle(f, pairs, a, levels, top, t):
    """The V-cycle over the levels from ``top`` down."""
    coarsest = levels.shape[0] - 1
    none = np.int64(0)
    for depth in range(top, coarsest):
        level, coarse = levels[depth], levels[depth + 1]
        rows = level[NZ] * level[NY]
        start_rows(f, level, none, rows)
        if level[TWO_COLOR]:
            relax_rows(f, a, level, RELAX_ODD_FROM_ZERO, none, rows, t)
        else:
            relax_rows(f, a, level, RELAX_EVEN, none, rows, t)
            relax_rows(f, a, level, RELAX_ODD, none, rows, t)
        restrict_rows(f, pairs, a, level, coarse, none, coarse[NZ] * coarse[NY], t)
    solve_line(f, a, levels[coarsest], np.int64(t))
    for k in range(coarsest - top):
        depth = coarsest - 1 - k
        level = levels[depth]
        rows = level[NZ] * level[NY]
        prolong_rows(f, pairs, a, level, levels[depth + 1], none, rows, t)
        relax_rows(f, a, level, RELAX_ODD_BACK, none, rows, t)
        relax_rows(f, a, level, RELAX_EVEN_BACK, none, rows, t)


@kernel(error_model="numpy")
def count_blocks(what, depth, levels):
    """Number of blocks of a sweep over level ``depth``."""
    blocks = levels[depth, BLOCKS]
    if what == SMALL_CYCLE:
        return 1
    if what == RESTRICT or what == COARSEN:
        return min(blocks, levels[depth + 1, NZ] * levels[depth + 1, NY])
    if RELAX_EVEN <= what <= RELAX_ODD_BACK and not levels[depth, TWO_COLOR]:
        return 1
    return blocks


@kernel(error_model="numpy")
def sweep(run, address, what, depth, number, work):
    """One sweep over level ``depth``: ``run`` does every block, or in threads what is at ``address``, if not 0."""
    blocks = count_blocks(what, depth, work[LEVELS])
    if address != 0 and blocks > 1:
        sweep_threads(address, what, depth, blocks, number, work)
    else:
        for block in range(blocks):
            run(what, depth, block, blocks, number, work)


@kernel(parallel=True, error_model="numpy")
def sweep_threads(address, what, depth, blocks, number, work):
    """The blocks of a sweep, shared out among the threads."""
    for block in prange(blocks):
        block_at(address)(what, depth, np.int64(block), blocks, number, work)
