"""Vector operations of the conjugate gradients, on rows of the finest level, in single precision.

A dot product is taken along rows into a row buffer first, which vectorizes without reordering, and summed in double
precision per block of rows: the same for any number of threads.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import (
    AXIS_X,
    CORRECTION,
    COUPLING_HIGH,
    COUPLING_LOW,
    DIAGONAL,
    DIRECTION,
    NY,
    NZ,
    PITCH,
    PRODUCT,
    RIGHT,
    SINK,
    STRIDE_X,
    VALUE,
    WIDTH,
)
from tumorabm.solvers.smoothing import add_rows, add_wrap, diagonal_across, rows_across, rows_beside


@kernel(error_model="numpy")
def search_rows(f, level, first, last, beta):
    """New search direction: the preconditioned residual plus ``beta`` times the old direction."""
    n = np.uint64(level[WIDTH])
    for r in range(first, last):
        z = np.uint64(level[VALUE] + r * level[PITCH])
        p = np.uint64(level[DIRECTION] + r * level[PITCH])
        if beta == np.float32(0.0):
            for i in range(n):
                f[p + i] = f[z + i]
        else:
            for i in range(n):
                f[p + i] = f[z + i] + beta * f[p + i]


@kernel(error_model="numpy")
def multiply_rows(f, a, level, first, last, acc, sums):
    """Operator times search direction, and their dot product."""
    ny, nz, pitch = level[NY], level[NZ], level[PITCH]
    n = np.uint64(level[WIDTH])
    for i in range(n):
        f[acc + i] = np.float32(0.0)
    along = np.uint64(level[AXIS_X] + DIAGONAL * level[STRIDE_X])
    along_low = np.uint64(level[AXIS_X] + COUPLING_LOW * level[STRIDE_X])
    along_high = np.uint64(level[AXIS_X] + COUPLING_HIGH * level[STRIDE_X])
    one, minus = np.uint64(1), np.float32(-1.0)
    for r in range(first, last):
        z, y = r // ny, r % ny
        across = diagonal_across(a, level, z, y)
        row = level[DIRECTION] + r * pitch
        p = np.uint64(row)
        q = np.uint64(level[PRODUCT] + r * pitch)
        sink = np.uint64(level[SINK] + r * pitch)
        low, high, c_low, c_high = rows_beside(a, level, row, y)
        for i in range(n):
            beside = c_low * f[low + i] + c_high * f[high + i]
            f[q + i] = (a[along + i] + across + f[sink + i]) * f[p + i] - beside
        if nz > 1:
            low, high, c_low, c_high = rows_across(a, level, row, z)
            add_rows(f, n, -c_low, low, -c_high, high, q)
        add_wrap(f, a, level, p, minus, q)
        for i in range(n):
            own = a[along_low + i] * f[p + i - one] + a[along_high + i] * f[p + i + one]
            product = f[q + i] - own
            f[q + i] = product
            f[acc + i] += product * f[p + i]
    sums[0] = 0.0
    for i in range(n):
        sums[0] += f[acc + i]


@kernel(error_model="numpy")
def advance_rows(f, level, first, last, alpha, afresh, acc, sums):
    """Step along the search direction (``afresh`` starts the correction at 0), and the squared residual after it."""
    pitch = level[PITCH]
    n = np.uint64(level[WIDTH])
    for i in range(n):
        f[acc + i] = np.float32(0.0)
    for r in range(first, last):
        e = np.uint64(level[CORRECTION] + r * pitch)
        b = np.uint64(level[RIGHT] + r * pitch)
        p = np.uint64(level[DIRECTION] + r * pitch)
        q = np.uint64(level[PRODUCT] + r * pitch)
        if afresh:
            for i in range(n):
                f[e + i] = alpha * f[p + i]
        else:
            for i in range(n):
                f[e + i] += alpha * f[p + i]
        for i in range(n):
            rest = f[b + i] - alpha * f[q + i]
            f[b + i] = rest
            f[acc + i] += rest * rest
    sums[0] = 0.0
    for i in range(n):
        sums[0] += f[acc + i]


@kernel(error_model="numpy")
def inner_rows(f, level, first, last, acc, sums):
    """Dot products of the preconditioned residual with the residual and with the last product."""
    n = np.uint64(level[WIDTH])
    other = acc + n + np.uint64(64)
    for i in range(n):
        f[acc + i] = np.float32(0.0)
        f[other + i] = np.float32(0.0)
    for r in range(first, last):
        x = np.uint64(level[VALUE] + r * level[PITCH])
        b = np.uint64(level[RIGHT] + r * level[PITCH])
        q = np.uint64(level[PRODUCT] + r * level[PITCH])
        for i in range(n):
            f[acc + i] += f[x + i] * f[b + i]
            f[other + i] += f[x + i] * f[q + i]
    sums[0], sums[1] = 0.0, 0.0
    for i in range(n):
        sums[0] += f[acc + i]
        sums[1] += f[other + i]
