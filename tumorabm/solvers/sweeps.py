"""Sweeps over the blocks of rows of a level, in one thread or in several.

The solver's loop calls a sweep through a pointer: LLVM then compiles all kernels below once more here, and not again
in every function above, and the threaded variant is compiled only where a lattice is large enough for threads. Blocks
and the order of sums are those of the lattice, so both variants give the same bits.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from numba import prange

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import BLOCKS, NX, NY, NZ, TWO_COLOR
from tumorabm.solvers.nonlinear import correct_rows, evaluate_rows, survey_rows
from tumorabm.solvers.smoothing import relax_rows, solve_line, start_rows
from tumorabm.solvers.transfer import coarsen_rows, prolong_rows, restrict_rows
from tumorabm.solvers.vectors import advance_rows, inner_rows, multiply_rows, search_rows

START, RESTRICT, PROLONG, COARSEN = 0, 1, 2, 3
RELAX_EVEN, RELAX_ODD, RELAX_ODD_FROM_ZERO, RELAX_EVEN_BACK, RELAX_ODD_BACK = 4, 5, 6, 7, 8
SEARCH, MULTIPLY, ADVANCE, ADVANCE_AFRESH, INNER = 9, 10, 11, 12, 13
EVALUATE, SURVEY, CORRECT, RESCALE, SMALL_CYCLE = 14, 15, 16, 17, 18

# Places in the tuple of arrays that all sweeps share: concentration, old concentration, source, loss, uptake,
# parameters; fields and coefficients of the hierarchy, its levels; row buffers, sums over blocks, offsets of scratch.
LEVELS, BLOCK_SUMS = 8, 10


@functools.cache
def compiled_sweep(threads: bool) -> Any:
    """The sweep as a function pointer that a kernel takes as an argument (numba caches it on disk)."""
    field, single = numba.types.Array(numba.float64, 1, "C"), numba.types.Array(numba.float32, 1, "C")
    table, rows = numba.types.Array(numba.int64, 2, "C"), numba.types.Array(numba.float64, 2, "C")
    whole = numba.types.Array(numba.int64, 1, "C")
    work = numba.types.Tuple([*[field] * 6, single, single, table, rows, rows, whole])
    signature = numba.int64(numba.int64, numba.int64, numba.float64, work)
    _ = sweep_block.dispatcher  # teaches numba what a kernel is, which calls of kernels do otherwise
    if threads:
        return numba.cfunc(signature, cache=True, parallel=True, error_model="numpy")(sweep_threads)
    return numba.cfunc(signature, cache=True, error_model="numpy")(sweep)


def sweep(what, depth, number, work):
    """One sweep over level ``depth``, block by block."""
    blocks = count_blocks(what, depth, work[LEVELS])
    for block in range(blocks):
        sweep_block(what, depth, block, blocks, number, work)
    return blocks


def sweep_threads(what, depth, number, work):
    """One sweep over level ``depth``, the blocks shared out among the threads."""
    blocks = count_blocks(what, depth, work[LEVELS])
    if blocks == 1:
        sweep_block(what, depth, 0, 1, number, work)
        return blocks
    for block in prange(blocks):
        sweep_block(what, depth, np.int64(block), blocks, number, work)
    return blocks


@kernel(error_model="numpy")
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
        odd = what == RELAX_ODD or what == RELAX_ODD_FROM_ZERO or what == RELAX_ODD_BACK
        relax_rows(f, a, level, odd, what != RELAX_ODD_FROM_ZERO, first, last, what >= RELAX_EVEN_BACK, t)
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
    elif what == EVALUATE:
        evaluate_rows(c, old, source, loss, uptake, parameters, f, a, level, first, last, w[block], sums[block])
    elif what == SURVEY:
        survey_rows(c, old, source, loss, uptake, parameters, level, first, last, w[block], sums[block])
    elif what == CORRECT:
        correct_rows(c, parameters, f, level, first, last)
    elif what == RESCALE:
        for i in range(first * level[NX], last * level[NX]):
            c[i] *= number
    elif what == SMALL_CYCLE:
        small_cycle(f, f.view(np.complex64), a, levels, depth, t)


@kernel(error_model="numpy")
def small_cycle(f, pairs, a, levels, top, t):
    """The V-cycle over the levels from ``top`` down."""
    coarsest = levels.shape[0] - 1
    for depth in range(top, coarsest):
        level, coarse = levels[depth], levels[depth + 1]
        rows = level[NZ] * level[NY]
        start_rows(f, level, 0, rows)
        if not level[TWO_COLOR]:
            relax_rows(f, a, level, False, True, 0, rows, False, t)
        relax_rows(f, a, level, True, not level[TWO_COLOR], 0, rows, False, t)
        restrict_rows(f, pairs, a, level, coarse, 0, coarse[NZ] * coarse[NY], t)
    solve_line(f, a, levels[coarsest], np.int64(t))
    for k in range(coarsest - top):
        depth = coarsest - 1 - k
        level = levels[depth]
        rows = level[NZ] * level[NY]
        prolong_rows(f, pairs, a, level, levels[depth + 1], 0, rows, t)
        relax_rows(f, a, level, True, True, 0, rows, True, t)
        relax_rows(f, a, level, False, True, 0, rows, True, t)


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
