"""Geometry of lattice sites for kernels: offsets, distances and boxes across walls and periodic faces.

``geometry`` is that of the lattice: (nz, ny, nx, periodic z, periodic y, periodic x).
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel

# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def shifted(site, dz, dy, dx, geometry):
    """Site at an offset, -1 beyond a wall."""
    nz, ny, nx = geometry[0], geometry[1], geometry[2]
    z = site // (ny * nx) + dz
    y = (site // nx) % ny + dy
    x = site % nx + dx
    if geometry[3]:
        z %= nz
    if geometry[4]:
        y %= ny
    if geometry[5]:
        x %= nx
    if z < 0 or z >= nz or y < 0 or y >= ny or x < 0 or x >= nx:
        return -1
    return (z * ny + y) * nx + x


@kernel
def squared_distance(a, b, geometry):
    """Squared distance between two sites in spacings, the shorter way around periodic axes."""
    ny, nx = geometry[1], geometry[2]
    gaps = (
        abs(a // (ny * nx) - b // (ny * nx)),
        abs((a // nx) % ny - (b // nx) % ny),
        abs(a % nx - b % nx),
    )
    total = 0
    for axis in range(3):
        gap = gaps[axis]
        if geometry[3 + axis]:
            gap = min(gap, geometry[axis] - gap)
        total += gap * gap
    return total


@kernel
def occupied_share(site, occupied, geometry, radius):
    """Share of occupied sites in the box of this radius (in sites) around a site, as far as the lattice goes."""
    nz, ny, nx = geometry[0], geometry[1], geometry[2]
    center = (site // (ny * nx), (site // nx) % ny, site % nx)
    begin = np.empty(3, dtype=np.int64)
    end = np.empty(3, dtype=np.int64)
    for axis in range(3):
        n = geometry[axis]
        if geometry[3 + axis]:  # around a short axis every site counts once
            begin[axis] = center[axis] - min(radius, (n - 1) // 2)
            end[axis] = center[axis] + min(radius, n // 2) + 1
        else:
            begin[axis] = max(center[axis] - radius, 0)
            end[axis] = min(center[axis] + radius + 1, n)
    count = 0
    for z in range(begin[0], end[0]):
        for y in range(begin[1], end[1]):
            for x in range(begin[2], end[2]):
                if occupied[((z % nz) * ny + y % ny) * nx + x % nx] >= 0:
                    count += 1
    return count / ((end[0] - begin[0]) * (end[1] - begin[1]) * (end[2] - begin[2]))


@kernel
def unit_gradient(site, field, neighbors):
    """Unit vector (z, y, x) along the gradient of a field, zero where it is flat."""
    slope = np.zeros(3)
    low, high = (4, 10, 12), (21, 15, 13)
    for axis in range(3):
        a, b = neighbors[site, low[axis]], neighbors[site, high[axis]]
        if a >= 0 and b >= 0:
            slope[axis] = field[b] - field[a]
        elif b >= 0:
            slope[axis] = 2.0 * (field[b] - field[site])
        elif a >= 0:
            slope[axis] = 2.0 * (field[site] - field[a])
    norm = np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2)
    if norm > 0.0:
        slope /= norm
    return slope


@kernel
def beside_free(occupied, geometry):
    """Whether each site or one of its neighbors is free: 1 or 0, uint8, shape (sites,)."""
    ny, nx = geometry[1], geometry[2]
    out = np.empty(occupied.size, dtype=np.uint8)
    for site in range(occupied.size):
        out[site] = occupied[site] < 0
    for axis in (2, 1, 0):  # a box is a line along x, spread along y, then along z
        n = geometry[axis]
        if n == 1:
            continue
        stride = 1 if axis == 2 else (nx if axis == 1 else ny * nx)
        before = out.copy()
        for block in range(0, out.size, n * stride):
            old, new = before[block : block + n * stride], out[block : block + n * stride]
            _join_with(new[:-stride], old[stride:])
            _join_with(new[stride:], old[:-stride])
            if geometry[3 + axis]:
                _join_with(new[:stride], old[-stride:])
                _join_with(new[-stride:], old[:stride])
    return out


@kernel
def _join_with(these, others):
    for i in range(these.size):
        these[i] |= others[i]
