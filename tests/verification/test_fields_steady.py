"""Steady states against exact answers: slab, Krogh cylinder, sphere, with the order of convergence observed."""

from __future__ import annotations

import numpy as np
import pytest

from tumorabm.solvers.implicit import FieldSolver
from tumorabm.tissue.lattice import FIXED, NO_FLUX, PERIODIC, Lattice

DIFFUSIVITY = 7.2e6  # um²/h, oxygen
SURFACE = 40.0  # mmHg


def order(errors: list[float], ratio: float = 2.0) -> float:
    """Observed order between the two finest of successively refined errors."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(ratio))


def slab(n: int, thickness: float, axis: int = 2) -> tuple[Lattice, np.ndarray]:
    """A slab fed at its low face, and the depths of its voxels."""
    faces = tuple(FIXED if k == 2 * axis else NO_FLUX for k in range(6))
    lattice = Lattice(tuple(n if k == axis else 1 for k in range(3)), thickness / n, faces)
    return lattice, (np.arange(n) + 0.5) * thickness / n


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_first_order_loss_penetrates_by_the_root_of_d_over_k(axis: int) -> None:
    loss_rate, thickness = 1800.0, 200.0
    depth = np.sqrt(DIFFUSIVITY / loss_rate)
    errors = []
    for n in (10, 20, 40):
        lattice, x = slab(n, thickness, axis)
        c = np.zeros(lattice.shape)
        zero = np.zeros(lattice.shape)
        solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.0, boundary_value=SURFACE, tolerance=1e-10)
        solver.steady(c, zero, np.full(lattice.shape, loss_rate), zero)
        exact = SURFACE * np.cosh((thickness - x) / depth) / np.cosh(thickness / depth)
        errors.append(np.abs(c.ravel() - exact).max() / SURFACE)
    assert order(errors) == pytest.approx(2.0, abs=0.15)
    assert errors[-1] < 1e-3


def test_zero_order_uptake_in_a_thin_slab_is_a_parabola() -> None:
    rate, thickness = 1e5, 50.0
    errors = []
    for n in (10, 20, 40):
        lattice, x = slab(n, thickness)
        c = np.full(lattice.shape, SURFACE)
        zero = np.zeros(lattice.shape)
        solver = FieldSolver(
            lattice,
            diffusivity=DIFFUSIVITY,
            decay=0.0,
            half_saturation=1e-9,
            boundary_value=SURFACE,
            tolerance=1e-11,
        )
        solver.steady(c, zero, zero, np.full(lattice.shape, rate))
        exact = SURFACE - rate / DIFFUSIVITY * (thickness * x - x**2 / 2.0)
        errors.append(np.abs(c.ravel() - exact).max() / SURFACE)
    assert order(errors) == pytest.approx(2.0, abs=0.05)
    assert errors[-1] < 1e-3


def test_zero_order_uptake_in_a_thick_slab_stops_at_a_depth() -> None:
    """c = c0 (1 - x / depth)² down to depth = sqrt(2 D c0 / V), and anoxia below."""
    rate, thickness = 1e5, 150.0
    depth = np.sqrt(2.0 * DIFFUSIVITY * SURFACE / rate)
    errors = []
    for n in (15, 30, 60, 120):
        lattice, x = slab(n, thickness)
        c = np.full(lattice.shape, SURFACE)
        zero = np.zeros(lattice.shape)
        solver = FieldSolver(
            lattice,
            diffusivity=DIFFUSIVITY,
            decay=0.0,
            half_saturation=1e-6,
            boundary_value=SURFACE,
            tolerance=1e-9,
        )
        solver.steady(c, zero, zero, np.full(lattice.shape, rate))
        exact = SURFACE * np.clip(1.0 - x / depth, 0.0, None) ** 2
        errors.append(np.abs(c.ravel() - exact).max() / SURFACE)
        reach = x[c.ravel() > 1e-3].max()
        assert abs(reach - depth) < 1.5 * lattice.spacing
    assert np.log2(errors[0] / errors[-1]) / 3.0 == pytest.approx(2.0, abs=0.3)
    assert errors[-1] < 1e-3


def ball(n: int, edge: float, radius: float, dimensions: int) -> tuple[Lattice, np.ndarray]:
    """A lattice with closed walls, and the squared distances of its voxels from its center."""
    lattice = Lattice(tuple(n if k >= 3 - dimensions else 1 for k in range(3)), edge / n)
    x = (np.arange(n) + 0.5) * lattice.spacing - edge / 2.0
    axes = [x if count > 1 else np.zeros(1) for count in lattice.shape]
    return lattice, sum(a**2 for a in np.meshgrid(*axes, indexing="ij"))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_center_of_a_ball_lacks_v_r_squared_over_two_dimensions_d(dimensions: int) -> None:
    """Zero-order uptake within a radius, the concentration held outside: c = c0 - V (R² - r²) / (2 d D)."""
    rate, radius, edge = 4e4, 80.0, 200.0
    errors = []
    for n in (10, 20, 40):
        lattice, squared = ball(n, edge, radius, dimensions)
        outside = squared > radius**2
        # Held by an exchange that is fast beside diffusion at every spacing used here.
        exchange = 1e9 * outside
        c = np.full(lattice.shape, SURFACE)
        solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.0, half_saturation=1e-9, tolerance=1e-12)
        solver.steady(c, exchange * SURFACE, exchange, np.where(outside, 0.0, rate))
        exact = SURFACE - rate * (radius**2 - squared) / (2.0 * dimensions * DIFFUSIVITY)
        deficit = rate * radius**2 / (2.0 * dimensions * DIFFUSIVITY)
        inside = squared < (0.5 * radius) ** 2
        errors.append(np.abs((c - exact)[inside]).max() / deficit)
    # The surface is a staircase: first order.
    assert np.log2(errors[0] / errors[-1]) / 2.0 > 0.7
    assert errors[-1] < 0.08


def test_a_krogh_cylinder_has_krogh_and_erlangs_profile() -> None:
    """A capillary of one voxel in a periodic square of the area of Krogh's cylinder, uptake of zero order.

    A voxel of edge h that is held at a concentration acts like a cylinder of radius 0.2 h (0.1985 h is the value for
    the square lattice, from its Green's function exp(-gamma - 3/2 log 2) = 0.198).
    """
    rate, edge = 1e5, 100.0
    errors = []
    for n in (11, 21, 41):
        lattice = Lattice((1, n, n), edge / n, (NO_FLUX, NO_FLUX) + (PERIODIC,) * 4)
        middle = n // 2
        exchange = np.zeros(lattice.shape)
        exchange[0, middle, middle] = 1e10
        uptake = np.full(lattice.shape, rate)
        uptake[0, middle, middle] = 0.0
        blood = 100.0
        c = np.full(lattice.shape, blood)
        solver = FieldSolver(lattice, diffusivity=DIFFUSIVITY, decay=0.0, half_saturation=1e-9, tolerance=1e-12)
        solver.steady(c, exchange * blood, exchange, uptake)
        capillary = np.exp(-np.euler_gamma - 1.5 * np.log(2.0)) * lattice.spacing
        outer = edge / np.sqrt(np.pi)
        r = np.arange(1, middle // 2 + 1) * lattice.spacing
        drop = rate / (2.0 * DIFFUSIVITY) * (outer**2 * np.log(r / capillary) - (r**2 - capillary**2) / 2.0)
        along = c[0, middle, middle + 1 : middle + 1 + r.size]
        errors.append(np.abs(blood - along - drop).max() / drop.max())
    assert max(errors) < 0.03


def test_exchange_with_blood_is_a_loss_and_a_source() -> None:
    """Everywhere the same: k c_v = (k + decay) c."""
    lattice = Lattice((3, 4, 5), 20.0)
    exchange = np.full(lattice.shape, 50.0)
    c = np.zeros(lattice.shape)
    solver = FieldSolver(lattice, diffusivity=1e5, decay=10.0, tolerance=1e-10)
    solver.steady(c, exchange * 30.0, exchange, np.zeros(lattice.shape))
    assert np.abs(c - 25.0).max() < 1e-8
