"""What enters and leaves the domain, in one pass over the fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import BLOCKS, NX, NY, NZ
from tumorabm.solvers.nonlinear import COUPLING, FACE_KINDS, FACE_VALUE, SATURATION, SEGMENT, row_faces
from tumorabm.tissue.lattice import FIXED

# Columns of the sums: supply, concentration, loss, uptake and what enters through fixed faces; old concentration,
# derivative of what leaves without decay, times concentration, and square of the uptake.
SOURCE_TOTAL, VALUE_TOTAL, LOSS_TOTAL, UPTAKE_TOTAL, BOUNDARY_TOTAL = 0, 1, 2, 3, 4
OLD_TOTAL, SLOPE_TOTAL, UPTAKE_SQUARED = 5, 6, 7
TOTALS: Final = 8
REPORTED: Final = 5  # numbers in the report of a solve before these totals


@dataclass(frozen=True)
class Budget:
    """What enters and leaves the domain at a given concentration, in concentration times voxels per h.

    Attributes
    ----------
    source, decay, loss, uptake : float
        Amounts supplied and removed, all as positive numbers.
    boundary : float
        What enters through faces of fixed value (negative if more leaves).
    amount : float
        Sum of the concentration over the voxels.
    residual : float
        source + boundary - decay - loss - uptake: the rate at which the amount would change, 0 in a steady state.
    """

    source: float
    decay: float
    loss: float
    uptake: float
    boundary: float
    amount: float

    @property
    def residual(self) -> float:
        return self.source + self.boundary - self.decay - self.loss - self.uptake


@kernel(error_model="numpy")
def balance_rows(c, old, source, loss, uptake, parameters, level, first, last, factor, w, sums):
    """Stretch rows first..last by a factor, and the sums over them after that."""
    nz, ny, nx = level[NZ], level[NY], level[NX]
    g, km, value = parameters[COUPLING], parameters[SATURATION], parameters[FACE_VALUE]
    supplied, present, lost = np.uint64(0), np.uint64(SEGMENT), np.uint64(2 * SEGMENT)
    taken, entering, before = np.uint64(3 * SEGMENT), np.uint64(4 * SEGMENT), np.uint64(5 * SEGMENT)
    slope, squared = np.uint64(6 * SEGMENT), np.uint64(7 * SEGMENT)
    for i in range(np.uint64(TOTALS * SEGMENT)):
        w[i] = 0.0
    for r in range(first, last):
        faces = 2.0 * g * row_faces(parameters, r // ny, r % ny, nz, ny)
        for start in range(0, nx, SEGMENT):
            end = min(start + SEGMENT, nx)
            at, m = np.uint64(r * nx + start), np.uint64(end - start)
            if factor != 1.0:
                for i in range(m):
                    c[at + i] *= factor
            if km > 0.0:
                for i in range(m):
                    here = c[at + i]
                    share = 1.0 / (km + here)
                    uptaken = uptake[at + i] * share * here
                    w[taken + i] += uptaken
                    w[slope + i] += uptaken * km * share
                    w[squared + i] += uptaken * uptaken
            for i in range(m):
                here = c[at + i]
                first_order = loss[at + i] * here
                w[supplied + i] += source[at + i]
                w[present + i] += here
                w[before + i] += old[at + i]
                w[lost + i] += first_order
                w[slope + i] += first_order
            if faces > 0.0:
                for i in range(m):
                    w[entering + i] += faces * (value - c[at + i])
                    w[slope + i] += faces * c[at + i]
            for side in range(2):
                if parameters[FACE_KINDS + 4 + side] == FIXED and (end == nx if side else start == 0):
                    k = nx - 1 - start if side else 0
                    here = c[r * nx + start + k]
                    w[BOUNDARY_TOTAL * SEGMENT + k] += 2.0 * g * (value - here)
                    w[SLOPE_TOTAL * SEGMENT + k] += 2.0 * g * here
    for k in range(TOTALS):
        to = np.uint64(k * SEGMENT)
        sums[k] = 0.0
        for i in range(np.uint64(min(nx, SEGMENT))):
            sums[k] += w[to + i]


@kernel(error_model="numpy")
def total_budget(c, source, loss, uptake, parameters, level, w, sums, totals):
    """The sums over the domain, in the order of the solver's."""
    rows, blocks = level[NZ] * level[NY], level[BLOCKS]
    totals[:] = 0.0
    for block in range(blocks):
        first, last = rows * block // blocks, rows * (block + 1) // blocks
        balance_rows(c, c, source, loss, uptake, parameters, level, first, last, 1.0, w, sums)
        for k in range(TOTALS):
            totals[k] += sums[k]
