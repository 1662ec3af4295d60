"""The nearest free site, found without visiting all nearer ones.

Free sites are counted in blocks of 8 sites along each axis. A search passes over blocks without any, and over those
that lie farther than some free site is known to be. ``geometry`` is that of the lattice: (nz, ny, nx, periodic z,
periodic y, periodic x).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorabm.kernel import kernel

BLOCK: Final = 8

# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def count_free(occupied, geometry):
    """Number of free sites in each block, shape (blocks along z, y, x)."""
    nz, ny, nx = geometry[0], geometry[1], geometry[2]
    free = np.zeros(((nz + BLOCK - 1) // BLOCK, (ny + BLOCK - 1) // BLOCK, (nx + BLOCK - 1) // BLOCK), dtype=np.int32)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if occupied[(z * ny + y) * nx + x] < 0:
                    free[z // BLOCK, y // BLOCK, x // BLOCK] += 1
    return free


@kernel
def change_free(free, site, change, geometry):
    """Add to the count of a site's block: 1 where a site has become free, -1 where it was taken."""
    ny, nx = geometry[1], geometry[2]
    free[site // (ny * nx) // BLOCK, (site // nx) % ny // BLOCK, site % nx // BLOCK] += change


@kernel
def nearest_free_squared(start, occupied, free, geometry, most):
    """Squared distance (in spacings) from a site to the nearest free one, -1 if it exceeds ``most``."""
    ny, nx = geometry[1], geometry[2]
    here = (start // (ny * nx), (start // nx) % ny, start % nx)
    reach = int(np.sqrt(most)) + 1
    z_blocks = _blocks_within(here[0], reach, geometry[0], geometry[3])
    y_blocks = _blocks_within(here[1], reach, ny, geometry[4])
    x_blocks = _blocks_within(here[2], reach, nx, geometry[5])
    # A block with a free site has it no farther than its farthest corner.
    best = most + 1
    for z in range(z_blocks[0], z_blocks[1]):
        far_z = _farthest(here[0], z, geometry[0], geometry[3])
        for y in range(y_blocks[0], y_blocks[1]):
            far_y = far_z + _farthest(here[1], y, ny, geometry[4])
            if far_y < best:
                for x in range(x_blocks[0], x_blocks[1]):
                    if free[z, y, x] > 0:
                        best = min(best, far_y + _farthest(here[2], x, nx, geometry[5]))
    for z in range(z_blocks[0], z_blocks[1]):
        near_z = _nearest(here[0], z, geometry[0], geometry[3])
        for y in range(y_blocks[0], y_blocks[1]):
            near_y = near_z + _nearest(here[1], y, ny, geometry[4])
            if near_y < best:
                for x in range(x_blocks[0], x_blocks[1]):
                    if free[z, y, x] > 0 and near_y + _nearest(here[2], x, nx, geometry[5]) < best:
                        best = min(best, _nearest_in_block(here, (z, y, x), occupied, geometry, best))
    return best if best <= most else -1


@kernel
def _blocks_within(here, reach, n, periodic):
    """First and last + 1 of the blocks along an axis that come within reach (all of a periodic one)."""
    if periodic:
        return 0, (n + BLOCK - 1) // BLOCK
    return max(here - reach, 0) // BLOCK, min(here + reach, n - 1) // BLOCK + 1


@kernel
def _nearest_in_block(here, block, occupied, geometry, best):
    """The least squared distance to a free site of a block, ``best`` where none is nearer than that."""
    ny, nx = geometry[1], geometry[2]
    for z in range(block[0] * BLOCK, min((block[0] + 1) * BLOCK, geometry[0])):
        gap_z = _gap(here[0], z, geometry[0], geometry[3]) ** 2
        for y in range(block[1] * BLOCK, min((block[1] + 1) * BLOCK, ny)):
            gap_y = gap_z + _gap(here[1], y, ny, geometry[4]) ** 2
            if gap_y < best:
                for x in range(block[2] * BLOCK, min((block[2] + 1) * BLOCK, nx)):
                    if occupied[(z * ny + y) * nx + x] < 0:
                        best = min(best, gap_y + _gap(here[2], x, nx, geometry[5]) ** 2)
    return best


@kernel
def _gap(a, b, n, periodic):
    """Distance between two places along an axis, the shorter way around a periodic one."""
    gap = abs(a - b)
    return min(gap, n - gap) if periodic else gap


@kernel
def _nearest(here, block, n, periodic):
    """Square of the least distance along an axis to a block."""
    low, high = block * BLOCK, min((block + 1) * BLOCK, n) - 1
    if low <= here <= high:
        return 0
    return min(_gap(here, low, n, periodic), _gap(here, high, n, periodic)) ** 2


@kernel
def _farthest(here, block, n, periodic):
    """Square of a distance along an axis that no site of a block exceeds."""
    low, high = block * BLOCK, min((block + 1) * BLOCK, n) - 1
    farthest = max(abs(here - low), abs(here - high))
    return min(farthest, n // 2) ** 2 if periodic else farthest**2
