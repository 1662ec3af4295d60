"""Transient diffusion against exact answers, with the order of convergence observed."""

from __future__ import annotations

import numpy as np
import pytest

from tumorabm.solvers.implicit import FieldSolver
from tumorabm.tissue.lattice import FIXED, NO_FLUX, PERIODIC, Lattice

DIFFUSIVITY = 3.6e4  # um²/h, a growth factor


def nothing(lattice: Lattice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(lattice.shape), np.zeros(lattice.shape), np.zeros(lattice.shape)


def order(errors: list[float], ratio: float = 2.0) -> float:
    """Observed order between the two finest of successively refined errors."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(ratio))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((1, 1, 101), (2,)),
        ((1, 101, 1), (1,)),
        ((101, 1, 1), (0,)),
        ((1, 61, 61), (1, 2)),
        ((61, 61, 1), (0, 1)),
        ((61, 1, 61), (0, 2)),
        ((37, 37, 37), (0, 1, 2)),
    ],
)
def test_a_point_spreads_by_two_d_t_along_each_axis(shape: tuple[int, int, int], axes: tuple[int, ...]) -> None:
    """The second moment grows by exactly 2 D dt per step and axis, as long as nothing has reached the walls."""
    lattice = Lattice(shape, 10.0)
    c = np.zeros(shape)
    c[tuple(n // 2 for n in shape)] = 1.0
    solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.0, tolerance=1e-11)
    dt, steps = 2e-3, 6
    for _ in range(steps):
        solver.backward_euler(c, *nothing(lattice), dt)
    assert c.sum() == pytest.approx(1.0, rel=1e-13)
    for axis, n in enumerate(shape):
        offset = (np.arange(n) - n // 2) * 10.0
        moment = (c.sum(axis=tuple(k for k in range(3) if k != axis)) * offset**2).sum()
        exact = 2.0 * DIFFUSIVITY * dt * steps if axis in axes else 0.0
        assert moment == pytest.approx(exact, rel=2e-5, abs=1e-9)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_gaussian_spreads_with_second_order(dimensions: int) -> None:
    """From one Gaussian to a wider one, the step of time refined with the square of the spacing."""
    edge, start, duration = 400.0, 2500.0, 0.03  # um, variance in um², h
    coarsest = {1: 20, 2: 20, 3: 16}[dimensions]
    errors = []
    for level in range(3 if dimensions < 3 else 2):
        n = coarsest * 2**level
        lattice = Lattice(tuple(n if k >= 3 - dimensions else 1 for k in range(3)), edge / n)
        x = (np.arange(n) + 0.5) * lattice.spacing - edge / 2
        axes = [x if count > 1 else np.zeros(1) for count in lattice.shape]
        squared = sum(a**2 for a in np.meshgrid(*axes, indexing="ij"))
        exact_variance = start + 2.0 * DIFFUSIVITY * duration
        c = np.exp(-squared / (2.0 * start))
        solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.5, tolerance=1e-9)
        steps = 6 * 4**level
        for _ in range(steps):
            solver.backward_euler(c, *nothing(lattice), duration / steps)
        exact = np.exp(-squared / (2.0 * exact_variance)) * (start / exact_variance) ** (dimensions / 2)
        exact *= np.exp(-0.5 * duration)
        errors.append(np.abs(c - exact)[squared < (0.3 * edge) ** 2].max() / exact.max())
    assert order(errors) == pytest.approx(2.0, abs=0.25)
    assert errors[-1] < (0.01 if dimensions < 3 else 0.03)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", [NO_FLUX, PERIODIC, FIXED])
def test_a_wave_decays_at_its_discrete_rate(axis: int, kind: int) -> None:
    """Each kind of wall has its own exact eigenvectors, so this holds to the tolerance of the solver."""
    n = 31
    shape = tuple(n if k == axis else 3 for k in range(3))
    faces = tuple(kind if k // 2 == axis else NO_FLUX for k in range(6))
    lattice = Lattice(shape, 20.0, faces)
    cells = np.arange(n) + 0.5
    wave = {
        NO_FLUX: np.cos(2.0 * np.pi * cells / n),
        PERIODIC: np.sin(2.0 * np.pi * cells / n),
        FIXED: np.sin(2.0 * np.pi * cells / n),
    }[kind]
    wave = wave.reshape([-1 if k == axis else 1 for k in range(3)])
    c = 5.0 + np.broadcast_to(wave, shape).copy()
    solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.0, boundary_value=5.0, tolerance=1e-12)
    dt = 0.05
    solver.backward_euler(c, *nothing(lattice), dt)
    rate = DIFFUSIVITY / 400.0 * (2.0 - 2.0 * np.cos(2.0 * np.pi / n))
    assert np.abs(c - (5.0 + wave / (1.0 + dt * rate))).max() < 1e-9


def test_backward_euler_is_first_order_in_time() -> None:
    lattice = Lattice((1, 1, 40), 20.0)
    cells = (np.arange(40) + 0.5).reshape(lattice.shape)
    wave = np.cos(np.pi * cells / 40)
    rate = DIFFUSIVITY / 400.0 * (2.0 - 2.0 * np.cos(np.pi / 40)) + 0.65
    errors = []
    for steps in (4, 8, 16, 32):
        c = 2.0 + wave
        solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.65, tolerance=1e-10)
        for _ in range(steps):
            solver.backward_euler(c, *nothing(lattice), 1.0 / steps)
        exact = 2.0 * np.exp(-0.65) + wave * np.exp(-rate)
        errors.append(np.abs(c - exact).max())
    assert order(errors) == pytest.approx(1.0, abs=0.05)


def test_closed_walls_keep_every_molecule() -> None:
    lattice = Lattice((7, 11, 13), 20.0)
    c = np.random.default_rng(3).random(lattice.shape)
    before = c.sum()
    solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.0)
    for _ in range(50):
        solver.backward_euler(c, *nothing(lattice), 0.5)
    assert c.sum() == pytest.approx(before, rel=1e-13)
    assert np.ptp(c) < 1e-4 * c.mean()
