"""What enters and leaves the domain, in one pass over the fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.hierarchy import NX, NY, NZ
from tumorabm.solvers.nonlinear import COUPLING, FACE_KINDS, FACE_VALUE, SATURATION, row_faces
from tumorabm.tissue.lattice import FIXED

SOURCE_TOTAL, VALUE_TOTAL, LOSS_TOTAL, UPTAKE_TOTAL, BOUNDARY_TOTAL = 0, 1, 2, 3, 4


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
def total_budget(c, source, loss, uptake, parameters, level, w, sums):
    """Sums over the domain: source, concentration, loss, uptake and what enters through fixed faces."""
    nz, ny, nx = level[NZ], level[NY], level[NX]
    n = np.uint64(nx)
    g, km, value = parameters[COUPLING], parameters[SATURATION], parameters[FACE_VALUE]
    for i in range(np.uint64(5 * nx)):
        w[i] = 0.0
    for r in range(nz * ny):
        row = np.uint64(r * nx)
        for i in range(n):
            w[i] += source[row + i]
        for i in range(n):
            w[n + i] += c[row + i]
        at = np.uint64(LOSS_TOTAL * nx)
        for i in range(n):
            w[at + i] += loss[row + i] * c[row + i]
        if km > 0.0:
            at = np.uint64(UPTAKE_TOTAL * nx)
            for i in range(n):
                w[at + i] += uptake[row + i] * (1.0 / (km + c[row + i])) * c[row + i]
        at = np.uint64(BOUNDARY_TOTAL * nx)
        across = 2.0 * g * row_faces(parameters, r // ny, r % ny, nz, ny)
        if across > 0.0:
            for i in range(n):
                w[at + i] += across * (value - c[row + i])
        for side in range(2):
            if parameters[FACE_KINDS + 4 + side] == FIXED:
                end = np.uint64(side * (nx - 1))
                w[at + end] += 2.0 * g * (value - c[row + end])
    for k in range(5):
        sums[k] = 0.0
        for i in range(n):
            sums[k] += w[np.uint64(k * nx) + i]
