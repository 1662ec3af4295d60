"""Kernels of the locally one-dimensional step: many tridiagonal systems side by side, in vector lanes.

A task gathers up to LANES rows (transposed) or CHUNK columns into buffers of diagonal and right-hand side, eliminates,
and scatters the solution. Tasks are independent, so threads change nothing.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from tumorabm.kernel import kernel
from tumorabm.solvers.lod import BLOCKS, CHUNK, LANES
from tumorabm.tissue.lattice import FIXED, PERIODIC

# numbers: coupling D / spacing², decay, half-saturation, value at fixed faces.
# geometry: nz, ny, nx; whether z, y, x are swept; kinds of the six faces.


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
    """Sweep along x: rows row .. row + count, each a lane of a transposed buffer."""
    n, low, high = geometry[2], geometry[10], geometry[11]
    d, r, w = buffers[0], buffers[1], buffers[2]
    k = dt * numbers[0]
    share = dt / geometry[3:6].sum()
    at, size, lanes = np.uint64(row * n), np.uint64(n), np.uint64(count)
    prepare(c, source, loss, uptake, at, np.uint64(count * n), numbers, share, d, r, np.uint64(0))
    if low == PERIODIC:
        sweep_ring_rows(c, at, d, r, w, n, count, k)
        return
    own, two = np.uint64(LANES), np.uint64(2 * LANES)
    for i in range(two):
        w[i] = 0.0
    for j in range(n):
        coupling = end_coupling(j, n, k, low, high)
        supply = (2.0 * k * numbers[3] if j == 0 and low == FIXED else 0.0) + (
            2.0 * k * numbers[3] if j == n - 1 and high == FIXED else 0.0
        )
        here = np.uint64((j + 1) * 2 * LANES)
        cell = np.uint64(j)
        for i in range(lanes):
            inverse = 1.0 / (d[i * size + cell] + coupling - k * w[here - two + i])
            w[here + i] = k * inverse
            w[here + own + i] = (r[i * size + cell] + supply + k * w[here - own + i]) * inverse
    for j in range(1, n):
        here = np.uint64((n - j) * 2 * LANES)
        for i in range(lanes):
            w[here + own + i] += w[here + i] * w[here + two + own + i]
    for i in range(lanes):
        for j in range(size):
            c[at + i * size + j] = w[(j + np.uint64(1)) * two + own + i]


@kernel(error_model="numpy")
def sweep_ring_rows(c, at, d, r, u, n, count, k):
    """Sweep along periodic rows, from diagonals and right-hand sides row by row."""
    size, lanes = np.uint64(n), np.uint64(count)
    diagonal, right = d[: n * count].copy(), r[: n * count].copy()
    for i in range(lanes):
        for j in range(size):
            d[j * lanes + i] = diagonal[i * size + j]
            r[j * lanes + i] = right[i * size + j]
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
        supply = (2.0 * k * numbers[3] if j == 0 and low == FIXED else 0.0) + (
            2.0 * k * numbers[3] if j == n - 1 and high == FIXED else 0.0
        )
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
def end_coupling(j, n, k, low, high):
    """What the couplings of voxel ``j`` of a line, and the faces at its ends, add to the diagonal."""
    result = 2.0 * k
    if j == 0:
        result += k if low == FIXED else -k
    if j == n - 1:
        result += k if high == FIXED else -k
    return result


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
def step_planes(c, source, loss, uptake, numbers, dt, geometry, first, last, buffers):
    """Sweeps along x and y of planes first..last, so that a plane stays in the cache between them."""
    ny, nx = geometry[1], geometry[2]
    for z in range(first, last):
        if geometry[5]:
            for y in range(0, ny, LANES):
                sweep_rows(c, source, loss, uptake, numbers, dt, geometry, z * ny + y, min(LANES, ny - y), buffers)
        if geometry[4]:
            for x in range(0, nx, CHUNK):
                start = z * ny * nx + x
                sweep_columns(c, source, loss, uptake, numbers, dt, geometry, 1, start, min(CHUNK, nx - x), buffers)


@kernel(error_model="numpy")
def step_tasks(c, source, loss, uptake, numbers, dt, geometry, axis, first, last, buffers):
    """Tasks first..last of the sweep along one axis: groups of rows (x), chunks of columns (y of one plane, z)."""
    nz, ny, nx = geometry[0], geometry[1], geometry[2]
    chunks = (nx + CHUNK - 1) // CHUNK
    for task in range(first, last):
        if axis == 2:
            row = task * LANES
            sweep_rows(c, source, loss, uptake, numbers, dt, geometry, row, min(LANES, nz * ny - row), buffers)
        else:
            line, chunk = task // chunks, task % chunks
            start = (line if axis == 0 else 0) * nx + chunk * CHUNK
            count = min(CHUNK, nx - chunk * CHUNK)
            sweep_columns(c, source, loss, uptake, numbers, dt, geometry, axis, start, count, buffers)


@kernel(error_model="numpy")
def count_tasks(geometry, axis):
    """Number of tasks of the sweep along an axis of ``step_tasks``."""
    chunks = (geometry[2] + CHUNK - 1) // CHUNK
    if axis == 2:
        return (geometry[0] * geometry[1] + LANES - 1) // LANES
    return chunks if axis == 1 else chunks * geometry[1]


@kernel(error_model="numpy")
def step(c, source, loss, uptake, numbers, dt, geometry, buffers):
    """One step in one thread."""
    step_planes(c, source, loss, uptake, numbers, dt, geometry, 0, geometry[0], buffers[0])
    if geometry[3]:
        step_tasks(c, source, loss, uptake, numbers, dt, geometry, 0, 0, count_tasks(geometry, 0), buffers[0])


@kernel(parallel=True, error_model="numpy")
def step_threads(c, source, loss, uptake, numbers, dt, geometry, buffers):
    """One step, its tasks shared out among the threads: by planes, or by lines where there is one plane."""
    phases = 2 if geometry[0] > 1 else 3
    for phase in range(phases):
        axis = 0 if geometry[0] > 1 else 2 - phase
        tasks = geometry[0] if phases == 2 and phase == 0 else count_tasks(geometry, axis)
        if not geometry[3 + axis] and not (phases == 2 and phase == 0):
            continue
        for block in prange(BLOCKS):
            first, last = tasks * np.int64(block) // BLOCKS, tasks * (np.int64(block) + 1) // BLOCKS
            if phases == 2 and phase == 0:
                step_planes(c, source, loss, uptake, numbers, dt, geometry, first, last, buffers[block])
            else:
                step_tasks(c, source, loss, uptake, numbers, dt, geometry, axis, first, last, buffers[block])
