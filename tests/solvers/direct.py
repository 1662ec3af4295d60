"""The discrete equation as a sparse matrix, solved directly: what the solvers are compared with."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import spsolve

from tumorabm.tissue.lattice import FIXED, PERIODIC, Lattice


def axis_matrix(count: int, low: int, high: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Minus the second difference along an axis, and the weights of the value at fixed faces."""
    matrix = np.zeros((count, count))
    weights = np.zeros(count)
    for i in range(count - 1):
        matrix[i : i + 2, i : i + 2] += [[1, -1], [-1, 1]]
    if low == PERIODIC and count > 1:
        ends = np.ix_([0, count - 1], [0, count - 1])
        matrix[ends] += [[1, -1], [-1, 1]]
    for end, kind in ((0, low), (count - 1, high)):
        if kind == FIXED:
            matrix[end, end] += 2
            weights[end] += 2
    return sparse.csr_matrix(matrix), weights


def diffusion_matrix(lattice: Lattice) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Minus the Laplacian times spacing², and the weights of the value at fixed faces (flat)."""
    total = sparse.csr_matrix((lattice.sites, lattice.sites))
    weights = np.zeros(lattice.shape)
    for axis, count in enumerate(lattice.shape):
        along, ends = axis_matrix(count, lattice.faces[2 * axis], lattice.faces[2 * axis + 1])
        factors = [sparse.identity(n) for n in lattice.shape]
        factors[axis] = along
        total = total + sparse.kron(sparse.kron(factors[0], factors[1]), factors[2])
        weights += ends.reshape([-1 if k == axis else 1 for k in range(3)])
    return total.tocsr(), weights.ravel()


def direct_solution(
    lattice: Lattice,
    fields: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    diffusivity: float,
    decay: float,
    half_saturation: float = 0.0,
    boundary_value: float = 0.0,
    old: np.ndarray | None = None,
    dt: float = np.inf,
) -> np.ndarray:
    """Steady state, or a step of backward Euler from ``old``: Newton's method with a direct sparse solver."""
    source, loss, uptake = (field.ravel() for field in fields)
    coupling = diffusivity / lattice.spacing**2
    laplacian, weights = diffusion_matrix(lattice)
    right = source + coupling * boundary_value * weights
    if old is not None:
        right = right + old.ravel() / dt
    linear = coupling * laplacian + sparse.diags(decay + loss + 1.0 / dt)
    km = half_saturation if half_saturation > 0.0 else 1.0
    uptake = uptake if half_saturation > 0.0 else np.zeros_like(uptake)
    c = np.zeros(lattice.sites)
    for _ in range(200):
        residual = right - linear @ c - uptake * c / (km + c)
        if np.abs(residual).max() <= 1e-13 * np.abs(right).max():
            return c.reshape(lattice.shape)
        c = np.maximum(c + spsolve((linear + sparse.diags(uptake * km / (km + c) ** 2)).tocsc(), residual), 0.0)
    raise AssertionError("the reference does not converge")
