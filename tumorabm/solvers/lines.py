"""Kernels of the locally one-dimensional step: many tridiagonal systems side by side, in vector lanes.

A task gathers up to LANES rows (transposed) or CHUNK columns into buffers of diagonal and right-hand side, eliminates,
and scatters the solution. Tasks are independent, so threads change nothing.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from numba import prange

from tumorabm.kernel import kernel
from tumorabm.solvers.compiled import function_at
from tumorabm.solvers.lod import BLOCKS, CHUNK, LANES, PAD, TILE
from tumorabm.tissue.lattice import FIXED, PERIODIC

# numbers: coupling D / spacing², decay, half-saturation, value at fixed faces.
# geometry: nz, ny, nx; whether z, y, x are swept; kinds of the six faces.
GEOMETRY = 5  # place in the tuple of arrays: concentration, source, loss, uptake, numbers, geometry, buffers
# Kinds of tasks: both sweeps within a plane; groups of rows; chunks of the columns of a plane along y; along z.
# Numpy integers, because numba would compile a kernel anew for each literal one.
PLANES, ROWS, COLUMNS, PILLARS = np.arange(4, dtype=np.int64)

_FIELD, _BUFFERS = numba.types.Array(numba.float64, 1, "C"), numba.types.Array(numba.float64, 3, "C")
_WORK = numba.types.Tuple([*[_FIELD] * 5, numba.types.Array(numba.int64, 1, "C"), _BUFFERS])
SIGNATURE = numba.int64(*[numba.int64] * 4, numba.float64, _WORK)
tasks_at = function_at(SIGNATURE)


@functools.cache
def tasks_function() -> Any:
    """``line_tasks`` as compiled for calls through a pointer (numba caches the code on disk)."""
    _ = prepare.dispatcher  # teaches numba what a kernel is, which calls of kernels do otherwise
    return numba.cfunc(SIGNATURE, cache=True, error_model="numpy")(line_tasks)


def line_tasks(phase, first, last, block, dt, work):
    """Tasks first..last of a phase, with the buffers of a block."""
    c, source, loss, uptake, numbers, geometry, buffers = work
    nz, ny, nx = geometry[0], geometry[1], geometry[2]
    chunks = (nx + CHUNK - 1) // CHUNK
    for task in range(first, last):
        if phase == ROWS or (phase == PLANES and geometry[5]):
            begin, end = (task * LANES, min(task * LANES + LANES, nz * ny))
            if phase == PLANES:
                begin, end = task * ny, (task + 1) * ny
            for row in range(begin, end, LANES):
                sweep_rows(c, source, loss, uptake, numbers, dt, geometry, row, min(LANES, end - row), buffers[block])
        if phase == ROWS or (phase == PLANES and not geometry[4]):
            continue
        axis = np.int64(0) if phase == PILLARS else np.int64(1)
        line = task // chunks if phase == PILLARS else (task * ny if phase == PLANES else 0)
        begin, end = (0, chunks) if phase == PLANES else (task % chunks, task % chunks + 1)
        for chunk in range(begin, end):
            start, count = line * nx + chunk * CHUNK, min(CHUNK, nx - chunk * CHUNK)
            sweep_columns(c, source, loss, uptake, numbers, dt, geometry, axis, start, count, buffers[block])
    return last


@kernel(error_model="numpy")
def prepare(c, source, loss, uptake, at, m, numbers, share, d, r, to):
    """Diagonal without couplings and right-hand side of the ``m`` voxels from ``at`` on, into ``d`` and ``r``."""
    decay, km = numbers[1], numbers[2]
    if km > 0.0:
        for i in range(m):
            d[to + i] = 1.0 + share * (decay + loss[at + i] + uptake[at + i] / (km + c[at + i]))
    else:
        for i in range(m):
            d[to + i] = 1.0 + share * (decay + loss[at + i])
    for i in range(m):
        r[to + i] = c[at + i] + share * source[at + i]


@kernel(error_model="numpy")
def solve_rings(d, r, u, n, m, k):
    """Solve ``m`` periodic lines of ``n`` voxels, as a rank-one change of open ones (Sherman-Morrison)."""
    for i in range(np.uint64(n * m)):
        d[i] += 2.0 * k
    # The wrap is the product of (gamma, 0, ..., -k) and (1, 0, ..., -k / gamma) with gamma = -d[0], for every line.
    last = (n - 1) * m
    for i in range(n * m):
        u[i] = 0.0
    gamma = u[last + m :]  # behind the lines: the buffer has room for one more row
    for i in range(m):
        gamma[i] = -d[i]
        d[last + i] += k * k / d[i]
        d[i] += d[i]
    for i in range(m):
        u[i] += gamma[i]
        u[last + i] -= k
    width = np.uint64(m)
    for j in range(n):
        row = np.uint64(j * m)
        for i in range(width):
            if j > 0:
                inverse = 1.0 / (d[row + i] - k * d[row + i - width])
                r[row + i] += k * r[row + i - width]
                u[row + i] += k * u[row + i - width]
            else:
                inverse = 1.0 / d[row + i]
            d[row + i] = k * inverse
            r[row + i] *= inverse
            u[row + i] *= inverse
    for j in range(1, n):
        row = np.uint64((n - 1 - j) * m)
        for i in range(width):
            r[row + i] += d[row + i] * r[row + i + width]
            u[row + i] += d[row + i] * u[row + i + width]
    for i in range(m):
        share = -k / gamma[i]
        scale = (r[i] + share * r[last + i]) / (1.0 + u[i] + share * u[last + i])
        for j in range(n):
            r[j * m + i] -= scale * u[j * m + i]


@kernel(error_model="numpy")
def sweep_rows(c, source, loss, uptake, numbers, dt, geometry, row, count, buffers):
    """Sweep along x: rows row .. row + count, each a lane of a buffer into which they are transposed, tile by tile."""
    n, low, high = geometry[2], geometry[10], geometry[11]
    d, r, w = buffers[0], buffers[1], buffers[2]
    k = dt * numbers[0]
    share = dt / geometry[3:6].sum()
    at, size, lanes = np.uint64(row * n), np.uint64(n), np.uint64(count)
    pitch = size + np.uint64(TILE)  # not a power of two where n is one: lanes would share few places in the cache
    for i in range(lanes):
        prepare(c, source, loss, uptake, at + i * size, size, numbers, share, d, r, i * pitch)
    if low == PERIODIC:
        sweep_ring_rows(c, at, d, r, w, n, pitch, count, k)
        return
    own, two, one, tile = np.uint64(LANES), np.uint64(2 * LANES + PAD), np.uint64(1), np.uint64(TILE)
    for i in range(two):
        w[i] = 0.0
    for start in range(np.uint64(0), size, tile):
        end = min(start + tile, size)
        for i in range(lanes):
            for j in range(start, end):
                here = (j + one) * two + i
                w[here] = d[i * pitch + j]
                w[here + own] = r[i * pitch + j]
        for j in range(start, end):
            coupling = end_coupling(j, size, k, low, high)
            supply = end_supply(j, size, k * numbers[3], low, high)
            here = (j + one) * two
            for i in range(lanes):
                inverse = 1.0 / (w[here + i] + coupling - k * w[here - two + i])
                w[here + i] = k * inverse
                w[here + own + i] = (w[here + own + i] + supply + k * w[here + own - two + i]) * inverse
    for j in range(one, size):
        here = (size - j) * two
        for i in range(lanes):
            w[here + own + i] += w[here + i] * w[here + two + own + i]
    for i in range(lanes):
        for j in range(size):
            c[at + i * size + j] = w[(j + one) * two + own + i]


@kernel(error_model="numpy")
def end_coupling(j, n, k, low, high):
    """What the couplings of voxel ``j`` of a line, and the faces at its ends, add to the diagonal."""
    result = 2.0 * k
    if j == 0:
        result += k if low == FIXED else -k
    if j + 1 == n:
        result += k if high == FIXED else -k
    return result


@kernel(error_model="numpy")
def end_supply(j, n, flow, low, high):
    """What fixed faces add to the right-hand side of voxel ``j`` of a line; ``flow`` is coupling times value."""
    result = 0.0
    if j == 0 and low == FIXED:
        result += 2.0 * flow
    if j + 1 == n and high == FIXED:
        result += 2.0 * flow
    return result


@kernel(error_model="numpy")
def sweep_ring_rows(c, at, d, r, u, n, pitch, count, k):
    """Sweep along periodic rows, from diagonals and right-hand sides row by row."""
    size, lanes = np.uint64(n), np.uint64(count)
    diagonal, right = d.copy(), r.copy()
    for i in range(lanes):
        for j in range(size):
            d[j * lanes + i] = diagonal[i * pitch + j]
            r[j * lanes + i] = right[i * pitch + j]
    solve_rings(d, r, u, n, count, k)
    for i in range(lanes):
        for j in range(size):
            c[at + i * size + j] = r[j * lanes + i]


@kernel(error_model="numpy")
def sweep_columns(c, source, loss, uptake, numbers, dt, geometry, axis, start, count, buffers):
    """Sweep along y or z (axis 1 or 0): the ``count`` neighboring lines that begin at site ``start``.

    Voxels are eliminated as they are read. Buffer rows of constant length, of factors and of right-hand sides in turn,
    tell LLVM what overlaps; the quotient Vmax / (Km + c) is multiplied out to divide once per voxel.
    """
    n = geometry[axis]
    low, high = geometry[6 + 2 * axis], geometry[7 + 2 * axis]
    stride = geometry[2] if axis == 1 else geometry[1] * geometry[2]
    if low == PERIODIC:
        sweep_rings(c, source, loss, uptake, numbers, dt, n, stride, start, count, geometry[3:6].sum(), buffers)
        return
    k, decay, km = dt * numbers[0], numbers[1], numbers[2]
    share = dt / geometry[3:6].sum()
    w = buffers[0]
    own, two = np.uint64(CHUNK), np.uint64(2 * CHUNK)
    width = np.uint64(count)
    for i in range(two):
        w[i] = 0.0
    for j in range(n):
        diagonal = 1.0 + share * decay + end_coupling(j, n, k, low, high)
        supply = end_supply(j, n, k * numbers[3], low, high)
        at = np.uint64(start + j * stride)
        row = np.uint64((j + 1) * 2 * CHUNK)
        if km > 0.0:
            for i in range(width):
                half = km + c[at + i]
                pivot = diagonal + share * loss[at + i] - k * w[row - two + i]
                inverse = half / (pivot * half + share * uptake[at + i])
                w[row + i] = k * inverse
                w[row + own + i] = (c[at + i] + share * source[at + i] + supply + k * w[row - own + i]) * inverse
        else:
            for i in range(width):
                inverse = 1.0 / (diagonal + share * loss[at + i] - k * w[row - two + i])
                w[row + i] = k * inverse
                w[row + own + i] = (c[at + i] + share * source[at + i] + supply + k * w[row - own + i]) * inverse
    at = np.uint64(start + (n - 1) * stride)
    row = np.uint64(n * 2 * CHUNK)
    for i in range(width):
        c[at + i] = w[row + own + i]
    step_back = np.uint64(stride)
    for j in range(1, n):
        at = np.uint64(start + (n - 1 - j) * stride)
        row = np.uint64((n - j) * 2 * CHUNK)
        for i in range(width):
            c[at + i] = w[row + own + i] + w[row + i] * c[at + step_back + i]


@kernel(error_model="numpy")
def sweep_rings(c, source, loss, uptake, numbers, dt, n, stride, start, count, axes, buffers):
    """Sweep along periodic columns: ``count`` lines of ``n`` voxels that begin at site ``start``."""
    width = np.uint64(count)
    d, r = buffers[0], buffers[1]
    for j in range(n):
        at = np.uint64(start + j * stride)
        prepare(c, source, loss, uptake, at, width, numbers, dt / axes, d, r, np.uint64(j * count))
    solve_rings(d, r, buffers[2], n, count, dt * numbers[0])
    for j in range(n):
        at, row = np.uint64(start + j * stride), np.uint64(j * count)
        for i in range(width):
            c[at + i] = r[row + i]


@kernel(error_model="numpy")
def count_tasks(geometry, phase):
    """Number of tasks of a phase of ``line_tasks``."""
    chunks = (geometry[2] + CHUNK - 1) // CHUNK
    if phase == PLANES:
        return geometry[0]
    if phase == ROWS:
        return (geometry[0] * geometry[1] + LANES - 1) // LANES
    return chunks if phase == COLUMNS else chunks * geometry[1]


@kernel(error_model="numpy")
def step(run, address, dt, work):
    """One step; ``run`` does the tasks block by block, or in threads what is at ``address``, if not 0.

    Several planes are swept along x and y one by one, which keeps each in the cache between the sweeps, and then along
    z; a single plane along x and then along y.
    """
    geometry = work[GEOMETRY]
    if geometry[0] > 1:
        phases = (PLANES, PILLARS)
        swept = (geometry[4] + geometry[5] > 0, geometry[3] > 0)
    else:
        phases = (ROWS, COLUMNS)
        swept = (geometry[5] > 0, geometry[4] > 0)
    for k in range(2):
        if swept[k]:
            sweep_lines(run, address, phases[k], dt, work)
    if geometry[0] == 1 and geometry[3]:
        sweep_lines(run, address, PILLARS, dt, work)


@kernel(error_model="numpy")
def sweep_lines(run, address, phase, dt, work):
    """The tasks of one phase."""
    tasks = count_tasks(work[GEOMETRY], phase)
    if address != 0:
        sweep_lines_threads(address, phase, tasks, dt, work)
    else:
        run(phase, 0, tasks, 0, dt, work)


@kernel(parallel=True, error_model="numpy")
def sweep_lines_threads(address, phase, tasks, dt, work):
    """The tasks of one phase, shared out among the threads."""
    for block in prange(BLOCKS):
        b = np.int64(block)
        tasks_at(address)(phase, tasks * b // BLOCKS, tasks * (b + 1) // BLOCKS, b, dt, work)


@kernel(error_model="numpy")
def step_with(run, threads, dt, c, source, loss, uptake, numbers, geometry, buffers):
    """``step`` with the function at the address ``run``."""
    work = (c, source, loss, uptake, numbers, geometry, buffers)
    step(tasks_at(run), run if threads else np.int64(0), dt, work)
