"""The equation of a field in double precision: its residual, its linearization, its budget.

    0 = D lap(c) - (decay + rate + loss + Vmax / (Km + c)) c + source + rate old

with ``rate`` = 1 / dt for backward Euler and 0 for the steady state. The Laplacian is written in differences, so that a
uniform field has none to the last bit. Fields are flat (nz ny nx); sums are taken along rows into row buffers first,
which vectorizes without reordering, and then over blocks of rows, which no number of threads changes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import CORRECTION, NX, NY, NZ, PITCH, RIGHT, SINK
from tumorabm.solvers.smoothing import invert_rows
from tumorabm.tissue.lattice import FIXED, PERIODIC

# The vector of parameters.
COUPLING, DECAY, RATE, SATURATION, FACE_VALUE, SCALE, SHIFT = 0, 1, 2, 3, 4, 5, 6  # COUPLING is D / spacing²
FACE_KINDS: Final = 7  # six entries: as in tissue.lattice (NO_FLUX, PERIODIC, FIXED), in the order of its FACES
PARAMETERS: Final = 13

# Columns of the sums over a block.
RESIDUAL_SQUARED, RESIDUAL_SUM, SLOPE_TIMES_VALUE = 0, 1, 2
RIGHT_SQUARED, RIGHT_SUM, LOSS_SUM, UPTAKE_SUM, SMALLEST_FIELD, SMALLEST_VALUE, LARGEST_VALUE = 0, 1, 2, 3, 4, 5, 6
SUMS: Final = 8
ROW_BUFFERS: Final = 8

# How a solve ends.
CONVERGED, NOT_CONVERGED, NOT_FINITE, NEGATIVE_INPUT, NO_STEADY_STATE = 0, 1, 2, 3, 4


@kernel(error_model="numpy")
def row_faces(parameters, z, y, nz, ny):
    """Number of faces with a fixed value that every cell of row (z, y) touches."""
    count = 0.0
    if z == 0 and parameters[FACE_KINDS] == FIXED:
        count += 1.0
    if z == nz - 1 and parameters[FACE_KINDS + 1] == FIXED:
        count += 1.0
    if y == 0 and parameters[FACE_KINDS + 2] == FIXED:
        count += 1.0
    if y == ny - 1 and parameters[FACE_KINDS + 3] == FIXED:
        count += 1.0
    return count


@kernel(error_model="numpy")
def row_laplacian(c, parameters, z, y, nz, ny, nx, w):
    """Laplacian of row (z, y) without the faces of fixed value, times spacing², into ``w[:nx]``."""
    row = np.uint64((z * ny + y) * nx)
    n = np.uint64(nx)
    one, two = np.uint64(1), np.uint64(2)
    wraps = parameters[FACE_KINDS + 2] == PERIODIC
    low = np.uint64((z * ny + (y - 1 if y > 0 else (ny - 1 if wraps else 0))) * nx)
    high = np.uint64((z * ny + (y + 1 if y < ny - 1 else (0 if wraps else ny - 1))) * nx)
    for i in range(n):
        w[i] = (c[low + i] - c[row + i]) + (c[high + i] - c[row + i])
    if nx > 1:
        for i in range(n - two):
            w[i + one] += (c[row + i] - c[row + i + one]) + (c[row + i + two] - c[row + i + one])
        last = row + n - one
        wrap = c[last] - c[row] if parameters[FACE_KINDS + 4] == PERIODIC else 0.0
        w[np.uint64(0)] += (c[row + one] - c[row]) + wrap
        w[n - one] += (c[last - one] - c[last]) - wrap
    if nz > 1:
        wraps = parameters[FACE_KINDS] == PERIODIC
        low = np.uint64(((z - 1 if z > 0 else (nz - 1 if wraps else 0)) * ny + y) * nx)
        high = np.uint64(((z + 1 if z < nz - 1 else (0 if wraps else nz - 1)) * ny + y) * nx)
        for i in range(n):
            w[i] += (c[low + i] - c[row + i]) + (c[high + i] - c[row + i])


@kernel(error_model="numpy")
def evaluate_rows(c, old, source, loss, uptake, parameters, f, a, level, first, last, w, sums):
    """Residual (times SCALE / coupling) and linearized sink of rows first..last for the hierarchy, and their sums.

    The sink is the derivative decay + rate + loss + Vmax Km / (Km + c)² over the coupling, plus SHIFT.
    """
    nz, ny, nx = level[NZ], level[NY], level[NX]
    n = np.uint64(nx)
    g, rate, km = parameters[COUPLING], parameters[RATE], parameters[SATURATION]
    decay = parameters[DECAY] + rate
    value, scale, shift = parameters[FACE_VALUE], parameters[SCALE] / g, parameters[SHIFT]
    inverse_g = 1.0 / g
    slope, total, squared = n, n + n, n + n + n
    summed, times_value = squared + n, squared + n + n
    for i in range(np.uint64(3 * nx)):
        w[squared + i] = 0.0
    for r in range(first, last):
        z, y = r // ny, r % ny
        row = np.uint64(r * nx)
        row_laplacian(c, parameters, z, y, nz, ny, nx, w)
        if km > 0.0:
            for i in range(n):
                share = 1.0 / (km + c[row + i])
                taken = uptake[row + i] * share
                w[total + i] = decay + loss[row + i] + taken
                w[slope + i] = decay + loss[row + i] + taken * km * share
        else:
            for i in range(n):
                w[total + i] = decay + loss[row + i]
                w[slope + i] = decay + loss[row + i]
        for i in range(n):
            w[i] = source[row + i] + g * w[i] - w[total + i] * c[row + i]
        if rate > 0.0:
            for i in range(n):
                w[i] += rate * old[row + i]
        b = np.uint64(level[RIGHT] + r * level[PITCH])
        sink = np.uint64(level[SINK] + r * level[PITCH])
        for i in range(n):
            f[sink + i] = w[slope + i] * inverse_g + shift
        across = 2.0 * g * row_faces(parameters, z, y, nz, ny)
        if across > 0.0:
            for i in range(n):
                w[i] += across * (value - c[row + i])
                w[slope + i] += across
        for side in range(2):
            if parameters[FACE_KINDS + 4 + side] == FIXED:
                end = np.uint64(side * (nx - 1))
                w[end] += 2.0 * g * (value - c[row + end])
                w[slope + end] += 2.0 * g
        for i in range(n):
            f[b + i] = w[i] * scale
        for i in range(n):
            w[squared + i] += w[i] * w[i]
            w[summed + i] += w[i]
        for i in range(n):
            w[times_value + i] += w[slope + i] * c[row + i]
    invert_rows(f, a, level, first, last)
    for k in range(3):
        sums[k] = 0.0
        for i in range(n):
            sums[k] += w[squared + np.uint64(k * nx) + i]


@kernel(error_model="numpy")
def survey_rows(c, old, source, loss, uptake, parameters, level, first, last, w, sums):
    """Norm and sum of the right-hand side, sums of loss and uptake, and the smallest values of rows first..last."""
    nz, ny, nx = level[NZ], level[NY], level[NX]
    n = np.uint64(nx)
    g, rate, value = parameters[COUPLING], parameters[RATE], parameters[FACE_VALUE]
    squared, supplied, lost, taken = n, n + n, np.uint64(3 * nx), np.uint64(4 * nx)
    least, low, high = np.uint64(5 * nx), np.uint64(6 * nx), np.uint64(7 * nx)
    start = np.uint64(first * nx)
    for i in range(np.uint64(5 * nx)):
        w[n + i] = 0.0
    for i in range(n):
        w[low + i] = c[start + i]
        w[high + i] = c[start + i]
    for r in range(first, last):
        row = np.uint64(r * nx)
        across = 2.0 * g * value * row_faces(parameters, r // ny, r % ny, nz, ny)
        for i in range(n):
            w[i] = source[row + i] + across
        if rate > 0.0:
            for i in range(n):
                w[i] += rate * old[row + i]
        for side in range(2):
            if parameters[FACE_KINDS + 4 + side] == FIXED:
                w[np.uint64(side * (nx - 1))] += 2.0 * g * value
        for i in range(n):
            w[squared + i] += w[i] * w[i]
            w[supplied + i] += w[i]
        for i in range(n):
            w[lost + i] += loss[row + i]
            w[taken + i] += uptake[row + i]
        for i in range(n):
            smaller = loss[row + i] if loss[row + i] < uptake[row + i] else uptake[row + i]
            w[least + i] = smaller if smaller < w[least + i] else w[least + i]
        for i in range(n):
            w[low + i] = c[row + i] if c[row + i] < w[low + i] else w[low + i]
            w[high + i] = c[row + i] if c[row + i] > w[high + i] else w[high + i]
    for k in range(4):
        sums[k] = 0.0
        for i in range(n):
            sums[k] += w[np.uint64((k + 1) * nx) + i]
    sums[SMALLEST_FIELD], sums[SMALLEST_VALUE], sums[LARGEST_VALUE] = w[least], w[low], w[high]
    for i in range(n):
        sums[SMALLEST_FIELD] = min(sums[SMALLEST_FIELD], w[least + i])
        sums[SMALLEST_VALUE] = min(sums[SMALLEST_VALUE], w[low + i])
        sums[LARGEST_VALUE] = max(sums[LARGEST_VALUE], w[high + i])


@kernel(error_model="numpy")
def correct_rows(c, parameters, f, level, first, last):
    """Add the correction of the linear solve to rows first..last, not below 0."""
    nx = level[NX]
    unscale = 1.0 / parameters[SCALE]
    for r in range(first, last):
        row = np.uint64(r * nx)
        e = np.uint64(level[CORRECTION] + r * level[PITCH])
        for i in range(np.uint64(nx)):
            c[row + i] = max(c[row + i] + unscale * f[e + i], 0.0)
