"""Geometry of the multigrid hierarchy: which cells a coarse cell joins, and the coefficients between them.

Each axis is halved on its own, two cells into one, until one row along x is left, which is solved exactly. Where the
number is odd the last coarse cell takes three. Coarse grids are therefore finite volumes of unequal width, and every
lattice (primes, slabs, thin axes) is coarsened without padding. Lengths are in units of the spacing and rates in units
of D / spacing².

The fields of all levels live in one float32 buffer. A row holds its cells and then dead cells up to a multiple of
``LANES``, so that vector loops have no remainder; dead cells have the inverse diagonal 0 and stay at 0.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorabm.tissue.lattice import FIXED, PERIODIC

LANES: Final = 16

# Columns of the table of levels. Offsets point at the first cell of the first row, in the field or coefficient buffer.
NZ, NY, NX, PITCH, WIDTH = 0, 1, 2, 3, 4  # cells along z, y, x; distance between rows; cells of a row with dead ones
VALUE, RIGHT, SINK, INVERSE = 5, 6, 7, 8  # solution, right-hand side, loss, 1 / diagonal
AXIS_Z, AXIS_Y, AXIS_X = 9, 10, 11  # coefficients along an axis: see COUPLING_LOW and the names after it
STRIDE_Z, STRIDE_Y, STRIDE_X = 12, 13, 14  # distance between two of these coefficients
TWO_COLOR = 15  # whether rows of one color never touch
BLOCKS = 16  # into how many blocks of rows a sweep is cut
DIRECTION, PRODUCT, CORRECTION = 17, 18, 19  # vectors of the conjugate gradients, finest level only
COLUMNS: Final = 20

# Coefficients along an axis, each an array over its cells. What concerns transfers is kept along z and y by cell; along
# x by coarse cell, for its first and second cell apart, and what a third cell or the periodic wrap needs in entry 0.
COUPLING_LOW, COUPLING_HIGH = 0, 1  # to the previous and to the next cell (along x without the periodic wrap)
DIAGONAL = 2  # what the axis adds to the diagonal, faces with a fixed value included
WRAP_LOW, WRAP_HIGH = 3, 4  # x: the periodic couplings
SHARE, SHARE_SECOND, SHARE_THIRD = 5, 6, 7  # of a cell in the volume of its coarse cell
NEAR, NEAR_SECOND, NEAR_THIRD = 8, 9, 10  # weight of the own coarse cell when a correction is interpolated
FAR, FAR_SECOND = 11, 12  # weight of the coarse neighbor on the cell's side (without the wrap along x)
FAR_WRAP_FIRST, FAR_WRAP_LAST = 13, 14  # x: that weight across the wrap, for the first and the last cell of the row
ARRAYS: Final = 15

CELLS_IN_A_BLOCK: Final = 8192
MOST_BLOCKS: Final = 32


@dataclass(frozen=True)
class Hierarchy:
    """Tables that the multigrid kernels read, and the sizes of their work arrays.

    Attributes
    ----------
    levels : ndarray of int64, shape (levels, COLUMNS)
        Sizes and offsets.
    coefficients : ndarray of float32
        Coefficients along the axes of all levels.
    scratch : int
        Offset of the row buffers of the first block, behind the fields.
    buffer : int
        Length of the row buffers of one block.
    """

    levels: np.ndarray
    coefficients: np.ndarray
    scratch: int
    buffer: int

    @property
    def size(self) -> int:
        """Length of the float32 buffer."""
        return self.scratch + MOST_BLOCKS * self.buffer


@functools.lru_cache(maxsize=8)
def build_hierarchy(shape: tuple[int, int, int], faces: tuple[int, ...]) -> Hierarchy:
    """Coarsen a lattice of the given shape (z, y, x) and faces until one row is left. Shared by solvers: read only."""
    widths = [np.ones(n) for n in shape]
    tables: list[list[int]] = []
    coefficients: list[np.ndarray] = []
    used = 0
    cells = LANES
    while True:
        counts = [w.size for w in widths]
        coarse = [_merge(w) for w in widths]
        width = _padded(counts[2])
        pitch = width + LANES
        row = np.zeros(COLUMNS, dtype=np.int64)
        row[[NZ, NY, NX, PITCH, WIDTH]] = [*counts, pitch, width]
        rows = counts[0] * counts[1]
        fields = [VALUE, RIGHT, SINK, INVERSE]
        if not tables:
            fields += [DIRECTION, PRODUCT, CORRECTION]
        for column in fields:
            row[column] = cells
            cells += rows * pitch
        for axis, (column, stride) in enumerate(((AXIS_Z, STRIDE_Z), (AXIS_Y, STRIDE_Y), (AXIS_X, STRIDE_X))):
            block = _axis(widths[axis], coarse[axis], faces[2 * axis], faces[2 * axis + 1], axis == 2)
            row[column], row[stride] = used, block.shape[1]
            coefficients.append(block.ravel())
            used += block.size
        row[TWO_COLOR] = not any(
            counts[axis] > 1 and counts[axis] % 2 and faces[2 * axis] == PERIODIC for axis in (0, 1)
        )
        row[BLOCKS] = max(1, min(MOST_BLOCKS, rows, rows * width // CELLS_IN_A_BLOCK))
        tables.append(row.tolist())
        if counts[0] == counts[1] == 1:
            break
        widths = coarse
    levels = np.array(tables, dtype=np.int64)
    buffer = 3 * (int(levels[0, WIDTH]) + 4 * LANES)
    return Hierarchy(levels, np.concatenate(coefficients).astype(np.float32), cells, buffer)


def _padded(count: int) -> int:
    return -(-count // LANES) * LANES


def _merge(width: np.ndarray) -> np.ndarray:
    """Widths after joining cells in pairs, the last three of an odd number together."""
    count = max(1, width.size // 2)
    first = np.minimum(2 * np.arange(count), width.size - 1)
    return np.add.reduceat(width, first)


def _axis(width: np.ndarray, coarse: np.ndarray, low: int, high: int, along_rows: bool) -> np.ndarray:
    """Coefficients (ARRAYS, stride) along one axis with cells of the given widths."""
    count = width.size
    out = np.zeros((ARRAYS, _padded(count)))
    periodic = low == PERIODIC and count > 1
    distance = 0.5 * (width + np.roll(width, 1))  # between a cell and the previous one
    to_low = 1.0 / (width * distance)
    to_high = 1.0 / (width * np.roll(distance, -1))
    if not periodic:
        to_low[0] = to_high[-1] = 0.0
    diagonal = to_low + to_high
    diagonal[0] += 2.0 / width[0] ** 2 if low == FIXED else 0.0
    diagonal[-1] += 2.0 / width[-1] ** 2 if high == FIXED else 0.0
    if along_rows:
        if periodic:
            out[WRAP_LOW, 0], out[WRAP_HIGH, 0] = to_low[0], to_high[-1]
        to_low[0] = to_high[-1] = 0.0
    out[COUPLING_LOW, :count], out[COUPLING_HIGH, :count], out[DIAGONAL, :count] = to_low, to_high, diagonal
    parent = np.minimum(np.arange(count) // 2, coarse.size - 1)
    share = width / coarse[parent]
    near, far = _interpolation(width, coarse, parent, low, high)
    if not along_rows:
        out[SHARE, :count], out[NEAR, :count], out[FAR, :count] = share, near, far
        return out
    if periodic:
        out[FAR_WRAP_FIRST, 0], out[FAR_WRAP_LAST, 0] = far[0], far[-1]
    far[0] = far[-1] = 0.0
    pairs = max(1, count // 2)
    for values, first in ((share, SHARE), (near, NEAR), (far, FAR)):
        out[first, :pairs] = values[0 : 2 * pairs : 2]
        if count > 1:
            out[first + 1, :pairs] = values[1 : 2 * pairs : 2]
    if count > 1 and count % 2:
        out[SHARE_THIRD, 0], out[NEAR_THIRD, 0] = share[-1], near[-1]
    return out


def _interpolation(
    width: np.ndarray, coarse: np.ndarray, parent: np.ndarray, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the own coarse cell and of its neighbor on the cell's side, linear between the coarse centers.

    The neighbor lies towards low for the first cell of a coarse cell, towards high for the others. At a closed face the
    correction is level, at a fixed value it falls to 0.
    """
    center = np.cumsum(width) - 0.5 * width
    offset = center - (np.cumsum(coarse) - 0.5 * coarse)[parent]
    first = np.arange(width.size) == 2 * parent
    beyond = parent + np.where(first, -1, 1)
    inside = (beyond >= 0) & (beyond < coarse.size)
    gap = 0.5 * (coarse[parent] + coarse[beyond % coarse.size])
    far = np.clip(np.where(first, -offset, offset), 0.0, None) / gap
    near = 1.0 - far
    if low == PERIODIC:
        return near, far
    fixed = np.where(beyond < 0, low == FIXED, high == FIXED)
    at_face = 1.0 - 2.0 * far * gap / coarse[parent]
    return np.where(inside, near, np.where(fixed, at_face, 1.0)), np.where(inside, far, 0.0)
