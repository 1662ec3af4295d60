"""The equation of a field in double precision: its residual and its linearization.

    0 = D lap(c) - (decay + rate + loss + Vmax / (Km + c)) c + source + rate old

with ``rate`` = 1 / dt for backward Euler and 0 for the steady state (``old`` is then any finite field). The Laplacian
is written in differences, so that a uniform field has none to the last bit. Fields are flat (nz ny nx); sums are taken
along rows into row buffers first, which vectorizes without reordering, and then over blocks of rows, which no number of
threads changes.

Rows are cut into segments of at most SEGMENT cells, and row buffers lie that far apart: constant distances tell LLVM
that they do not overlap, so that one loop may fill several. Fields are larger than the cache, so loops are few.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import AXIS_X, CORRECTION, DIAGONAL, INVERSE, NX, NY, NZ, PITCH, RIGHT, SINK, STRIDE_X
from tumorabm.solvers.smoothing import diagonal_across
from tumorabm.tissue.lattice import FIXED, PERIODIC

# The vector of parameters.
COUPLING, DECAY, RATE, SATURATION, FACE_VALUE, SCALE, SHIFT = 0, 1, 2, 3, 4, 5, 6  # COUPLING is D / spacing²
FACE_KINDS: Final = 7  # six entries: as in tissue.lattice (NO_FLUX, PERIODIC, FIXED), in the order of its FACES
PARAMETERS: Final = 13

# Columns of the sums over a block. There is a row buffer for each, and two more, for residual and slope.
RESIDUAL_SQUARED, RESIDUAL_SUM, SLOPE_TIMES_VALUE = 0, 1, 2
RIGHT_SQUARED, RIGHT_SUM, LOSS_SUM, UPTAKE_SUM, NEGATIVE_TERMS, NEGATIVE_VALUES = 3, 4, 5, 6, 7, 8
SUMS: Final = 9
SEGMENT: Final = 264  # not a power of 2: buffers would share few places in the cache
ROW_BUFFERS: Final = SUMS + 2

# How a solve ends.
CONVERGED, NOT_CONVERGED, NOT_FINITE, NEGATIVE_INPUT, NO_STEADY_STATE = 0, 1, 2, 3, 4


@kernel(error_model="numpy", forceinline=True)
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


@kernel(error_model="numpy", forceinline=True)
def add_across(c, parameters, at, m, z, y, nz, ny, nx, w):
    """Laplacian along y and z, times spacing², of the ``m`` cells from ``at`` on in row (z, y), into ``w``."""
    wraps = parameters[FACE_KINDS + 2] == PERIODIC
    here = np.int64(at)
    low = np.uint64(here + (-nx if y > 0 else ((ny - 1) * nx if wraps else 0)))
    high = np.uint64(here + (nx if y < ny - 1 else ((1 - ny) * nx if wraps else 0)))
    for i in range(m):
        w[i] = (c[low + i] - c[at + i]) + (c[high + i] - c[at + i])
    if nz > 1:
        wraps = parameters[FACE_KINDS] == PERIODIC
        plane = ny * nx
        low = np.uint64(here + (-plane if z > 0 else ((nz - 1) * plane if wraps else 0)))
        high = np.uint64(here + (plane if z < nz - 1 else ((1 - nz) * plane if wraps else 0)))
        for i in range(m):
            w[i] += (c[low + i] - c[at + i]) + (c[high + i] - c[at + i])


@kernel(error_model="numpy", forceinline=True)
def evaluate_cell(c, old, source, loss, uptake, parameters, k, before, after, w, i):
    """Residual and slope, without faces of fixed value, of cell ``k`` at the end of a row, into place ``i``."""
    g, rate, km = parameters[COUPLING], parameters[RATE], parameters[SATURATION]
    rest = parameters[DECAY] + rate + loss[k]
    share = 1.0 / (km + c[k]) if km > 0.0 else 0.0
    taken = uptake[k] * share
    laplacian = w[i] + ((c[before] - c[k]) + (c[after] - c[k]))
    w[i] = source[k] + rate * old[k] + g * laplacian - (rest + taken) * c[k]
    w[i + SEGMENT] = rest + taken * km * share


@kernel(error_model="numpy", forceinline=True)
def evaluate_cells(c, old, source, loss, uptake, parameters, at, first, last, w):
    """The same for cells first..last from ``at`` on, which lie within a row."""
    g, rate, km = parameters[COUPLING], parameters[RATE], parameters[SATURATION]
    decay = parameters[DECAY] + rate
    one, slope = np.uint64(1), np.uint64(SEGMENT)
    if km > 0.0:
        for i in range(first, last):
            here = c[at + i]
            share = 1.0 / (km + here)
            taken, rest = uptake[at + i] * share, decay + loss[at + i]
            laplacian = w[i] + ((c[at + i - one] - here) + (c[at + i + one] - here))
            w[i] = source[at + i] + rate * old[at + i] + g * laplacian - (rest + taken) * here
            w[i + slope] = rest + taken * km * share
    else:
        for i in range(first, last):
            here, rest = c[at + i], decay + loss[at + i]
            laplacian = w[i] + ((c[at + i - one] - here) + (c[at + i + one] - here))
            w[i] = source[at + i] + rate * old[at + i] + g * laplacian - rest * here
            w[i + slope] = rest


@kernel(error_model="numpy")
def evaluate_rows(c, old, source, loss, uptake, parameters, f, a, level, first, last, survey, w, sums):
    """Residual (times SCALE / coupling) and linearized sink of rows first..last for the hierarchy, and their sums.

    The sink is the derivative decay + rate + loss + Vmax Km / (Km + c)² over the coupling, plus SHIFT. With ``survey``
    also the norm and the sum of the right-hand side, the sums of loss and uptake, and what is negative anywhere.
    """
    nz, ny, nx = level[NZ], level[NY], level[NX]
    g, value = parameters[COUPLING], parameters[FACE_VALUE]
    scale, shift, inverse_g = parameters[SCALE] / g, parameters[SHIFT], 1.0 / g
    slope = np.uint64(SEGMENT)
    squared, summed, times_value = np.uint64(2 * SEGMENT), np.uint64(3 * SEGMENT), np.uint64(4 * SEGMENT)
    whole = np.uint64(min(nx, SEGMENT))
    for k in range(SUMS):
        to = np.uint64((k + 2) * SEGMENT)
        for i in range(whole):
            w[to + i] = 0.0
    for r in range(first, last):
        z, y = r // ny, r % ny
        faces = row_faces(parameters, z, y, nz, ny)
        across = diagonal_across(a, level, z, y)
        for start in range(0, nx, SEGMENT):
            end = min(start + SEGMENT, nx)
            at, m = np.uint64(r * nx + start), np.uint64(end - start)
            add_across(c, parameters, at, m, z, y, nz, ny, nx, w)
            inner, inner_end = np.uint64(start == 0), m - np.uint64(end == nx)
            if inner < inner_end:
                evaluate_cells(c, old, source, loss, uptake, parameters, at, inner, inner_end, w)
            wraps = parameters[FACE_KINDS + 4] == PERIODIC
            low, high = r * nx, r * nx + nx - 1
            if start == 0:
                before, after = high if wraps else low, min(low + 1, high)
                evaluate_cell(c, old, source, loss, uptake, parameters, low, before, after, w, 0)
            if end == nx and nx > 1:
                after = low if wraps else high
                evaluate_cell(c, old, source, loss, uptake, parameters, high, high - 1, after, w, high - r * nx - start)
            along = np.uint64(level[AXIS_X] + DIAGONAL * level[STRIDE_X] + start)
            sink = np.uint64(level[SINK] + r * level[PITCH] + start)
            inverse = np.uint64(level[INVERSE] + r * level[PITCH] + start)
            for i in range(m):
                lost = np.float32(w[slope + i] * inverse_g + shift)
                f[sink + i] = lost
                f[inverse + i] = np.float32(1.0) / (a[along + i] + across + lost)
            if survey:
                survey_cells(c, old, source, loss, uptake, parameters, at, m, 2.0 * g * value * faces, w)
            if faces > 0.0:
                for i in range(m):
                    w[i] += 2.0 * g * faces * (value - c[at + i])
                    w[slope + i] += 2.0 * g * faces
            for side in range(2):
                if parameters[FACE_KINDS + 4 + side] == FIXED and (end == nx if side else start == 0):
                    k = nx - 1 - start if side else 0
                    w[k] += 2.0 * g * (value - c[r * nx + start + k])
                    w[k + SEGMENT] += 2.0 * g
                    if survey:
                        right = source[r * nx + start + k] + parameters[RATE] * old[r * nx + start + k]
                        # The only cell of a row may touch both of its ends.
                        touched = faces + (1.0 if nx == 1 and side and parameters[FACE_KINDS + 4] == FIXED else 0.0)
                        more = 2.0 * g * value
                        right += more * touched
                        w[(RIGHT_SQUARED + 2) * SEGMENT + k] += more * (right + right + more)
                        w[(RIGHT_SUM + 2) * SEGMENT + k] += more
            b = np.uint64(level[RIGHT] + r * level[PITCH] + start)
            for i in range(m):
                f[b + i] = w[i] * scale
            for i in range(m):
                rest = w[i]
                w[squared + i] += rest * rest
                w[summed + i] += rest
                w[times_value + i] += w[slope + i] * c[at + i]
    for k in range(SUMS if survey else RIGHT_SQUARED):
        to = np.uint64((k + 2) * SEGMENT)
        sums[k] = 0.0
        for i in range(whole):
            sums[k] += w[to + i]


@kernel(error_model="numpy", forceinline=True)
def survey_cells(c, old, source, loss, uptake, parameters, at, m, supply, w):
    """Add the ``m`` cells from ``at`` on to the buffers of the survey; ``supply`` enters each through faces."""
    rate = parameters[RATE]
    squared, supplied = np.uint64((RIGHT_SQUARED + 2) * SEGMENT), np.uint64((RIGHT_SUM + 2) * SEGMENT)
    lost, taken = np.uint64((LOSS_SUM + 2) * SEGMENT), np.uint64((UPTAKE_SUM + 2) * SEGMENT)
    negative, below = np.uint64((NEGATIVE_TERMS + 2) * SEGMENT), np.uint64((NEGATIVE_VALUES + 2) * SEGMENT)
    for i in range(m):
        right = source[at + i] + rate * old[at + i] + supply
        w[squared + i] += right * right
        w[supplied + i] += right
        w[lost + i] += loss[at + i]
        w[taken + i] += uptake[at + i]
        # What is negative, twice: exactly 0 where nothing is. A minimum would be stored under masks, which is slow.
        w[negative + i] += (abs(loss[at + i]) - loss[at + i]) + (abs(uptake[at + i]) - uptake[at + i])
        w[below + i] += abs(c[at + i]) - c[at + i]


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
