"""Smoothing: colored lines, in single precision.

Rows (lines along x) are colored like a checkerboard over (z, y); a row is relaxed by one Jacobi step along itself with
the newest values of the four rows around it. A V-cycle starts from zero, and its second smoothing mirrors the first.

Fields are addressed as offsets into one buffer with unsigned integers: numba then tests no index for being negative,
and LLVM turns the row loops into vector instructions. Every loop over a row writes one stream, or two, and reads few,
because LLVM gives up where too many pairs of streams might overlap.

The kernels take ``f`` (float32 buffer of fields), ``a`` (coefficients along the axes) and ``level`` (a row of the table
in ``hierarchy.py``), and a range of rows: blocks of rows are what threads share out. ``t`` is where row buffers begin.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import (
    AXIS_X,
    AXIS_Y,
    AXIS_Z,
    COUPLING_HIGH,
    COUPLING_LOW,
    DIAGONAL,
    INVERSE,
    NX,
    NY,
    NZ,
    PITCH,
    RIGHT,
    SINK,
    STRIDE_X,
    STRIDE_Y,
    STRIDE_Z,
    TWO_COLOR,
    VALUE,
    WIDTH,
    WRAP_HIGH,
    WRAP_LOW,
)

# Ways to relax. Numpy integers, because numba would compile a kernel anew for each literal one.
RELAX_EVEN, RELAX_ODD, RELAX_ODD_FROM_ZERO, RELAX_EVEN_BACK, RELAX_ODD_BACK = np.arange(5, dtype=np.int64)


@kernel(error_model="numpy")
def rows_beside(a, level, row, y):
    """The rows before and after ``row`` along y, and the couplings to them (0 where there is none)."""
    ny, pitch = level[NY], level[PITCH]
    at = level[AXIS_Y] + y
    low = np.uint64(row - pitch if y > 0 else row + (ny - 1) * pitch)
    high = np.uint64(row + pitch if y < ny - 1 else row - (ny - 1) * pitch)
    return low, high, a[at + COUPLING_LOW * level[STRIDE_Y]], a[at + COUPLING_HIGH * level[STRIDE_Y]]


@kernel(error_model="numpy")
def rows_across(a, level, row, z):
    """The rows before and after ``row`` along z, and the couplings to them (0 where there is none)."""
    nz, plane = level[NZ], level[NY] * level[PITCH]
    at = level[AXIS_Z] + z
    low = np.uint64(row - plane if z > 0 else row + (nz - 1) * plane)
    high = np.uint64(row + plane if z < nz - 1 else row - (nz - 1) * plane)
    return low, high, a[at + COUPLING_LOW * level[STRIDE_Z]], a[at + COUPLING_HIGH * level[STRIDE_Z]]


@kernel(error_model="numpy")
def add_rows(f, n, scale_low, low, scale_high, high, t):
    """Add two rows, scaled, to the row buffer at ``t``."""
    for i in range(n):
        f[t + i] += scale_low * f[low + i] + scale_high * f[high + i]


@kernel(error_model="numpy")
def add_own(f, a, level, row, t):
    """Add what the cells of a row contribute to each other to the row buffer at ``t``."""
    n = np.uint64(level[WIDTH])
    low = np.uint64(level[AXIS_X] + COUPLING_LOW * level[STRIDE_X])
    high = np.uint64(level[AXIS_X] + COUPLING_HIGH * level[STRIDE_X])
    one = np.uint64(1)
    for i in range(n):
        f[t + i] += a[low + i] * f[row + i - one] + a[high + i] * f[row + i + one]
    add_wrap(f, a, level, row, np.float32(1.0), t)


@kernel(error_model="numpy")
def add_wrap(f, a, level, row, scale, t):
    """Add the periodic couplings between both ends of a row, scaled, to the row buffer at ``t``."""
    low = a[level[AXIS_X] + WRAP_LOW * level[STRIDE_X]]
    if low != np.float32(0.0):
        high = a[level[AXIS_X] + WRAP_HIGH * level[STRIDE_X]]
        last = np.uint64(level[NX] - 1)
        f[t] += scale * low * f[row + last]
        f[t + last] += scale * high * f[row]


@kernel(error_model="numpy")
def start_rows(f, level, first, last):
    """Begin a cycle from zero: relax the even rows (or set all rows to zero where colors touch)."""
    ny, pitch = level[NY], level[PITCH]
    n = np.uint64(level[WIDTH])
    for r in range(first, last):
        x = np.uint64(level[VALUE] + r * pitch)
        if not level[TWO_COLOR]:
            for i in range(n):
                f[x + i] = np.float32(0.0)
        elif (r // ny + r % ny) % 2 == 0:
            b = np.uint64(level[RIGHT] + r * pitch)
            inverse = np.uint64(level[INVERSE] + r * pitch)
            for i in range(n):
                f[x + i] = f[inverse + i] * f[b + i]


@kernel(error_model="numpy")
def relax_rows(f, a, level, what, first, last, t):
    """Relax the rows with even or odd y + z, last row first (BACK), or as if their own values were zero (FROM_ZERO)."""
    odd = what == RELAX_ODD or what == RELAX_ODD_FROM_ZERO or what == RELAX_ODD_BACK
    backward = what == RELAX_EVEN_BACK or what == RELAX_ODD_BACK
    ny, nz, pitch = level[NY], level[NZ], level[PITCH]
    n = np.uint64(level[WIDTH])
    along_low = np.uint64(level[AXIS_X] + COUPLING_LOW * level[STRIDE_X])
    along_high = np.uint64(level[AXIS_X] + COUPLING_HIGH * level[STRIDE_X])
    one, unity = np.uint64(1), np.float32(1.0)
    for k in range(first, last):
        r = last - 1 - (k - first) if backward else k
        z, y = r // ny, r % ny
        if ((z + y) % 2 == 1) != odd:
            continue
        row = level[VALUE] + r * pitch
        x = np.uint64(row)
        b = np.uint64(level[RIGHT] + r * pitch)
        inverse = np.uint64(level[INVERSE] + r * pitch)
        low, high, c_low, c_high = rows_beside(a, level, row, y)
        for i in range(n):
            f[t + i] = f[b + i] + c_low * f[low + i] + c_high * f[high + i]
        if nz > 1:
            low, high, c_low, c_high = rows_across(a, level, row, z)
            add_rows(f, n, c_low, low, c_high, high, t)
        if what != RELAX_ODD_FROM_ZERO:
            add_wrap(f, a, level, x, unity, t)
            for i in range(n):
                own_part = a[along_low + i] * f[x + i - one] + a[along_high + i] * f[x + i + one]
                f[t + i] = f[inverse + i] * (f[t + i] + own_part)
            for i in range(n):
                f[x + i] = f[t + i]
        else:
            for i in range(n):
                f[x + i] = f[inverse + i] * f[t + i]


@kernel(error_model="numpy")
def invert_rows(f, a, level, first, last):
    """Set the inverse diagonal of rows first..last from their sink."""
    ny, pitch = level[NY], level[PITCH]
    n = np.uint64(level[NX])
    along = np.uint64(level[AXIS_X] + DIAGONAL * level[STRIDE_X])
    for r in range(first, last):
        across = diagonal_across(a, level, r // ny, r % ny)
        sink = np.uint64(level[SINK] + r * pitch)
        inverse = np.uint64(level[INVERSE] + r * pitch)
        for i in range(n):
            f[inverse + i] = np.float32(1.0) / (a[along + i] + across + f[sink + i])


@kernel(error_model="numpy")
def diagonal_across(a, level, z, y):
    """What the axes z and y add to the diagonal of row (z, y)."""
    return a[level[AXIS_Z] + DIAGONAL * level[STRIDE_Z] + z] + a[level[AXIS_Y] + DIAGONAL * level[STRIDE_Y] + y]


@kernel(error_model="numpy")
def solve_line(f, a, level, t):
    """Solve the coarsest level, one row, exactly: elimination, with Sherman-Morrison for the periodic wrap."""
    n = level[NX]
    low, high = level[AXIS_X] + COUPLING_LOW * level[STRIDE_X], level[AXIS_X] + COUPLING_HIGH * level[STRIDE_X]
    wrap = a[level[AXIS_X] + WRAP_LOW * level[STRIDE_X]]
    wrap_back = a[level[AXIS_X] + WRAP_HIGH * level[STRIDE_X]]
    x, b, inverse = level[VALUE], level[RIGHT], level[INVERSE]
    one = np.float32(1.0)
    periodic = wrap != np.float32(0.0)
    # The wrap is the product of (-gamma, 0, ..., wrap_back) and (1, 0, ..., wrap / gamma), gamma = first diagonal.
    gamma = one / f[inverse]
    ratio = t  # eliminated couplings
    u = t + n  # solution for the first factor
    pivot = gamma + gamma if periodic else gamma
    f[x] = f[b] / pivot
    f[u] = -gamma / pivot
    f[ratio] = -a[high] / pivot
    for i in range(1, n):
        diagonal = one / f[inverse + i]
        if periodic and i == n - 1:
            diagonal += wrap * wrap_back / gamma
        couple = a[low + i]
        pivot = diagonal + couple * f[ratio + i - 1]
        f[ratio + i] = -a[high + i] / pivot
        f[x + i] = (f[b + i] + couple * f[x + i - 1]) / pivot
        right = -wrap_back if i == n - 1 else np.float32(0.0)
        f[u + i] = (right + couple * f[u + i - 1]) / pivot
    for k in range(1, n):
        i = n - 1 - k
        f[x + i] -= f[ratio + i] * f[x + i + 1]
        f[u + i] -= f[ratio + i] * f[u + i + 1]
    if periodic:
        share = wrap / gamma
        scale = (f[x] + share * f[x + n - 1]) / (one + f[u] + share * f[u + n - 1])
        for i in range(n):
            f[x + i] -= scale * f[u + i]
