"""How wrong the locally one-dimensional step is: first order in dt, and several-fold at the step of the cells."""

from __future__ import annotations

import numpy as np
import pytest

from tumorabm.solvers.implicit import FieldSolver
from tumorabm.solvers.lod import LodSolver
from tumorabm.tissue.lattice import Lattice

NUMBERS = {"diffusivity": 3.6e4, "decay": 0.65}  # a growth factor
LATTICE = Lattice((1, 48, 48), 20.0)


def terms() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tenth of the voxels secretes, a few vessels take up."""
    rng = np.random.default_rng(11)
    source = 1.0 * (rng.random(LATTICE.shape) < 0.1)
    return source, 50.0 * (rng.random(LATTICE.shape) < 0.02), np.zeros(LATTICE.shape)


def error_after(duration: float, dt: float) -> float:
    """Largest relative error after some time from a field of zero, against backward Euler with far shorter steps."""
    c = np.zeros(LATTICE.shape)
    solver = LodSolver(LATTICE, **NUMBERS)
    for _ in range(round(duration / dt)):
        solver.step(c, *terms(), dt)
    return float(np.abs(c / reference(duration) - 1.0).max())


def reference(duration: float) -> np.ndarray:
    c = np.zeros(LATTICE.shape)
    solver = FieldSolver(LATTICE, **NUMBERS, tolerance=1e-9)
    for _ in range(2000):
        solver.backward_euler(c, *terms(), duration / 2000)
    return c


def test_the_error_falls_with_the_first_power_of_the_step() -> None:
    errors = [error_after(0.02, dt) for dt in (4e-4, 2e-4, 1e-4)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(1.0, abs=0.15)
    assert errors[2] < 0.03


def test_at_the_step_of_the_cells_it_is_wrong_several_fold() -> None:
    """Steps of 2 h until nothing changes: the multigrid solver is at the steady state, this is far from it."""
    c = np.zeros(LATTICE.shape)
    steady = np.zeros(LATTICE.shape)
    FieldSolver(LATTICE, **NUMBERS, tolerance=1e-9).steady(steady, *terms())
    lod, implicit = LodSolver(LATTICE, **NUMBERS), FieldSolver(LATTICE, **NUMBERS, tolerance=1e-9)
    for _ in range(40):
        lod.step(c, *terms(), 2.0)
    split = np.maximum(c / steady, steady / c)
    d = np.zeros(LATTICE.shape)
    for _ in range(40):
        implicit.backward_euler(d, *terms(), 2.0)
    assert split.max() > 2.5  # 3.3 at the worst voxel
    assert np.median(split) > 1.25  # 1.4 at the median one
    assert np.abs(d / steady - 1.0).max() < 1e-6
