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
    low_z, high_z = _box_along(site // (ny * nx), nz, geometry[3], radius)
    low_y, high_y = _box_along((site // nx) % ny, ny, geometry[4], radius)
    low_x, high_x = _box_along(site % nx, nx, geometry[5], radius)
    count = 0
    for z in range(low_z, high_z):
        for y in range(low_y, high_y):
            row = ((z % nz) * ny + y % ny) * nx
            if low_x >= 0 and high_x <= nx:
                for at in range(row + low_x, row + high_x):
                    count += occupied[at] >= 0
            else:
                for x in range(low_x, high_x):
                    count += occupied[row + x % nx] >= 0
    return count / ((high_z - low_z) * (high_y - low_y) * (high_x - low_x))


@kernel
def _box_along(center, n, periodic, radius):
    """First place of a box along an axis of n sites, and the one behind its last."""
    if periodic:  # around a short axis every site counts once
        return center - min(radius, (n - 1) // 2), center + min(radius, n // 2) + 1
    return max(center - radius, 0), min(center + radius + 1, n)


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
