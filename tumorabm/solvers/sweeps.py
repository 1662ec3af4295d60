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
from numba.core import cgutils
from numba.extending import intrinsic

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


_FIELD, _SINGLE, _OFFSETS = (numba.types.Array(kind, 1, "C") for kind in (numba.float64, numba.float32, numba.int64))
_TABLE, _ROWS = numba.types.Array(numba.int64, 2, "C"), numba.types.Array(numba.float64, 2, "C")
_WORK = numba.types.Tuple([*[_FIELD] * 6, _SINGLE, _SINGLE, _TABLE, _ROWS, _ROWS, _OFFSETS])
SIGNATURE = numba.int64(numba.int64, numba.int64, numba.float64, _WORK)


@functools.cache
def sweep_address(threads: bool) -> int:
    """Address of the compiled sweep (numba caches the code on disk)."""
    _ = sweep_block.dispatcher  # teaches numba what a kernel is, which calls of kernels do otherwise
    options: dict[str, Any] = {"parallel": True} if threads else {}
    compiled = numba.cfunc(SIGNATURE, cache=True, error_model="numpy", **options)(sweep_threads if threads else sweep)
    _KEPT.append(compiled)
    return compiled.address


_KEPT: list[Any] = []  # numba frees the code of a function that nothing refers to


@intrinsic
def sweep_at(context: Any, address: Any) -> Any:
    """The sweep at an address, as a function that a kernel can call.

    To pass numba's function object instead would cost 50 us per call: numba works out its type anew each time.
    """

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function = cgutils.create_struct_proxy(signature.return_type)(target, builder)
        null = target.get_constant_null(numba.types.voidptr)
        function.c_addr = builder.inttoptr(arguments[0], null.type)
        function.py_addr = null
        function.jit_addr = null
        return function._getvalue()

    return numba.types.FunctionType(SIGNATURE)(numba.int64), generate


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
