"""Transfers between a level and the next coarser one, in single precision.

Right-hand sides and sinks go down as averages over the volume, corrections come up by linear interpolation between the
centers of coarse cells. That is not symmetric, hence the flexible conjugate gradients; constant interpolation would be,
and needs half as many iterations more. Arguments as in ``smoothing.py``; ``pairs`` is the buffer seen as complex
numbers, whose two parts are neighbors along x: that is how LLVM learns to load and store pairs in vectors.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import (
    AXIS_X,
    AXIS_Y,
    AXIS_Z,
    DIAGONAL,
    FAR,
    FAR_SECOND,
    FAR_WRAP_FIRST,
    FAR_WRAP_LAST,
    NEAR,
    NEAR_SECOND,
    NEAR_THIRD,
    NX,
    NY,
    NZ,
    PITCH,
    RIGHT,
    SHARE,
    SHARE_SECOND,
    SHARE_THIRD,
    SINK,
    STRIDE_X,
    STRIDE_Y,
    STRIDE_Z,
    TWO_COLOR,
    VALUE,
    WIDTH,
)
from tumorabm.solvers.smoothing import add_own, add_rows, diagonal_across, invert_rows, rows_across, rows_beside


@kernel(error_model="numpy")
def restrict_rows(f, pairs, a, level, coarse, first, last, t):
    """Average the residual after the first smoothing into the right-hand side of coarse rows first..last.

    Where colors never touch, odd rows have just been relaxed without their own values, so that their residual is what
    their cells contribute to each other; even rows were relaxed from zero, so that theirs is all the couplings.
    Elsewhere the residual is computed in full.
    """
    ny, nz, pitch = level[NY], level[NZ], level[PITCH]
    n = np.uint64(level[WIDTH])
    values = t + n + np.uint64(64)  # average of the rows: what cells of a row contribute to each other is linear
    for r in range(first, last):
        for i in range(n):
            f[t + i] = np.float32(0.0)
            f[values + i] = np.float32(0.0)
        z_coarse, y_coarse = r // coarse[NY], r % coarse[NY]
        z_end = nz if z_coarse == coarse[NZ] - 1 else 2 * z_coarse + 2
        y_end = ny if y_coarse == coarse[NY] - 1 else 2 * y_coarse + 2
        for z in range(2 * z_coarse, z_end):
            w_z = a[level[AXIS_Z] + SHARE * level[STRIDE_Z] + z]
            for y in range(2 * y_coarse, y_end):
                w = w_z * a[level[AXIS_Y] + SHARE * level[STRIDE_Y] + y]
                row = level[VALUE] + (z * ny + y) * pitch
                if not level[TWO_COLOR]:
                    add_own_residual(f, a, level, z, y, w, t)
                if (z + y) % 2 == 0 or not level[TWO_COLOR]:
                    low, high, c_low, c_high = rows_beside(a, level, row, y)
                    add_rows(f, n, w * c_low, low, w * c_high, high, t)
                    if nz > 1:
                        low, high, c_low, c_high = rows_across(a, level, row, z)
                        add_rows(f, n, w * c_low, low, w * c_high, high, t)
                x = np.uint64(row)
                for i in range(n):
                    f[values + i] += w * f[x + i]
        add_own(f, a, level, values, t)
        average_pairs(f, pairs, a, level, coarse, np.uint64(coarse[RIGHT] + r * coarse[PITCH]), t)


@kernel(error_model="numpy")
def add_own_residual(f, a, level, z, y, scale, t):
    """Add right-hand side minus the diagonal part of the operator, scaled, to the row buffer at ``t``."""
    r = z * level[NY] + y
    across = diagonal_across(a, level, z, y)
    along = np.uint64(level[AXIS_X] + DIAGONAL * level[STRIDE_X])
    x = np.uint64(level[VALUE] + r * level[PITCH])
    b = np.uint64(level[RIGHT] + r * level[PITCH])
    sink = np.uint64(level[SINK] + r * level[PITCH])
    for i in range(np.uint64(level[WIDTH])):
        f[t + i] += scale * (f[b + i] - (a[along + i] + across + f[sink + i]) * f[x + i])


@kernel(error_model="numpy")
def average_pairs(f, pairs, a, level, coarse, to, t):
    """Average the row buffer at ``t`` along x into the coarse row at ``to``."""
    first = np.uint64(level[AXIS_X] + SHARE * level[STRIDE_X])
    second = np.uint64(level[AXIS_X] + SHARE_SECOND * level[STRIDE_X])
    half = t // np.uint64(2)
    for i in range(np.uint64(coarse[WIDTH])):
        pair = pairs[half + i]
        f[to + i] = a[first + i] * pair.real + a[second + i] * pair.imag
    third = a[level[AXIS_X] + SHARE_THIRD * level[STRIDE_X]]
    if third != np.float32(0.0):
        f[to + np.uint64(coarse[NX] - 1)] += third * f[t + np.uint64(level[NX] - 1)]


@kernel(error_model="numpy")
def coarsen_rows(f, pairs, a, level, coarse, first, last, t):
    """Average the sink into coarse rows first..last (the loss of a coarse cell is that of its cells) and invert."""
    ny, pitch = level[NY], level[PITCH]
    n = np.uint64(level[WIDTH])
    for r in range(first, last):
        for i in range(n):
            f[t + i] = np.float32(0.0)
        z_coarse, y_coarse = r // coarse[NY], r % coarse[NY]
        z_end = level[NZ] if z_coarse == coarse[NZ] - 1 else 2 * z_coarse + 2
        y_end = ny if y_coarse == coarse[NY] - 1 else 2 * y_coarse + 2
        for z in range(2 * z_coarse, z_end):
            w_z = a[level[AXIS_Z] + SHARE * level[STRIDE_Z] + z]
            for y in range(2 * y_coarse, y_end):
                w = w_z * a[level[AXIS_Y] + SHARE * level[STRIDE_Y] + y]
                sink = np.uint64(level[SINK] + (z * ny + y) * pitch)
                for i in range(n):
                    f[t + i] += w * f[sink + i]
        average_pairs(f, pairs, a, level, coarse, np.uint64(coarse[SINK] + r * coarse[PITCH]), t)
    invert_rows(f, a, coarse, first, last)


@kernel(error_model="numpy")
def neighbor(index, parent, count):
    """Coarse neighbor on the side of cell ``index`` (any, where there is none: its weight is 0)."""
    return (parent + count - 1) % count if index == 2 * parent else (parent + 1) % count


@kernel(error_model="numpy")
def prolong_rows(f, pairs, a, level, coarse, first, last, t):
    """Add the interpolated correction to rows first..last."""
    ny, nz, pitch, m = level[NY], level[NZ], level[PITCH], coarse[NX]
    for r in range(first, last):
        z, y = r // ny, r % ny
        z_near, y_near = min(z // 2, coarse[NZ] - 1), min(y // 2, coarse[NY] - 1)
        z_far, y_far = neighbor(z, z_near, coarse[NZ]), neighbor(y, y_near, coarse[NY])
        at_y = level[AXIS_Y] + y
        near, far = a[at_y + NEAR * level[STRIDE_Y]], a[at_y + FAR * level[STRIDE_Y]]
        near_row = np.uint64(coarse[VALUE] + (z_near * coarse[NY] + y_near) * coarse[PITCH])
        far_row = np.uint64(coarse[VALUE] + (z_near * coarse[NY] + y_far) * coarse[PITCH])
        at_z = level[AXIS_Z] + z
        near_z, far_z = a[at_z + NEAR * level[STRIDE_Z]], a[at_z + FAR * level[STRIDE_Z]]
        e = t + np.uint64(16)  # the entry before a row is read, with weight 0
        for i in range(np.uint64(coarse[WIDTH])):
            f[e + i] = near_z * near * f[near_row + i] + near_z * far * f[far_row + i]
        if nz > 1:
            near_row = np.uint64(coarse[VALUE] + (z_far * coarse[NY] + y_near) * coarse[PITCH])
            far_row = np.uint64(coarse[VALUE] + (z_far * coarse[NY] + y_far) * coarse[PITCH])
            add_rows(f, np.uint64(coarse[WIDTH]), far_z * near, near_row, far_z * far, far_row, e)
        stretch_row(f, pairs, a, level, np.uint64(m), e, np.uint64(level[VALUE] + r * pitch))


@kernel(error_model="numpy")
def stretch_row(f, pairs, a, level, m, e, x):
    """Add the coarse row buffer at ``e``, interpolated along x, to the row at ``x``."""
    at, stride = level[AXIS_X], level[STRIDE_X]
    near, near_second = np.uint64(at + NEAR * stride), np.uint64(at + NEAR_SECOND * stride)
    far, far_second = np.uint64(at + FAR * stride), np.uint64(at + FAR_SECOND * stride)
    one, half = np.uint64(1), x // np.uint64(2)
    last = np.uint64(level[NX] - 1)
    for i in range(m):
        first = a[near + i] * f[e + i] + a[far + i] * f[e + i - one]
        second = a[near_second + i] * f[e + i] + a[far_second + i] * f[e + i + one]
        pairs[half + i] += complex(first, second)
    if level[NX] > 1 and level[NX] % 2 == 1:
        f[x + last] += a[at + NEAR_THIRD * stride] * f[e + m - one]
    f[x] += a[at + FAR_WRAP_FIRST * stride] * f[e + m - one]
    f[x + last] += a[at + FAR_WRAP_LAST * stride] * f[e]
