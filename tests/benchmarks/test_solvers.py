"""Speed of the field solvers, one thread, in ns per voxel, against the targets of the design.

Run with ``pytest tests/benchmarks/test_solvers.py -m benchmark --benchmark-enable``. A measurement fails at twice its
target: machines are shared, and a slower one than that needs a look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import pytest

from tumorabm.solvers.implicit import FieldSolver
from tumorabm.solvers.lod import LodSolver
from tumorabm.tissue.lattice import Lattice

pytestmark = pytest.mark.benchmark

OXYGEN = {"diffusivity": 7.2e6, "decay": 0.0, "half_saturation": 2.0}
DRUG = {"diffusivity": 1.5e6, "decay": 0.1}
GROWTH_FACTOR = {"diffusivity": 3.6e4, "decay": 0.65}
CUBE, LARGER_CUBE, SQUARE, SLICE = (100, 100, 100), (128, 128, 128), (1, 1024, 1024), (1, 120, 120)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def terms(shape: tuple[int, int, int], numbers: dict[str, float]) -> list[np.ndarray]:
    """Source, loss and uptake: vessels in 2 % of the voxels, uptake where there is a half-saturation."""
    rng = np.random.default_rng(0)
    vessels = rng.random(shape) < 0.02
    if "half_saturation" in numbers:
        return [6e6 * vessels, 1e5 * vessels, np.where(rng.random(shape) < 0.7, 4e4, 1e4)]
    return [1.5e5 * vessels, 3e3 * vessels + 100.0, np.zeros(shape)]


def changed(fields: list[np.ndarray]) -> list[np.ndarray]:
    """The same with a twentieth of the voxels changed by 5 %, vessels in step with their blood: a step of the cells."""
    factor = 1.0 + 0.05 * (np.random.default_rng(1).random(fields[0].shape) < 0.05)
    return [field * factor for field in fields]


def per_voxel(benchmark: Any, sites: int) -> float:
    nanoseconds = benchmark.stats.stats.median / sites * 1e9
    benchmark.extra_info["ns per voxel"] = round(nanoseconds, 2)
    return nanoseconds


@pytest.mark.parametrize("numbers", [OXYGEN, DRUG], ids=["oxygen", "drug"])
@pytest.mark.parametrize("shape", [CUBE, LARGER_CUBE, SQUARE], ids=["100³", "128³", "1024²"])
def test_steady_state_again_after_a_small_change(
    benchmark: Any, shape: tuple[int, int, int], numbers: dict[str, float]
) -> None:
    solver = FieldSolver(Lattice(shape, 20.0), **numbers, tolerance=1e-6)
    fields = terms(shape, numbers)
    start = np.full(shape, 20.0)
    solver.steady(start, *fields)
    after = changed(fields)
    benchmark.pedantic(solver.steady, setup=lambda: ((start.copy(), *after), {}), rounds=7, warmup_rounds=1)
    if benchmark.enabled:
        assert per_voxel(benchmark, start.size) <= 2 * 80.0


@pytest.mark.parametrize("numbers", [OXYGEN, DRUG], ids=["oxygen", "drug"])
def test_a_slice_of_the_model(benchmark: Any, numbers: dict[str, float]) -> None:
    """1 x 120 x 120 to the default tolerance: thousands of these make a run."""
    solver = FieldSolver(Lattice(SLICE, 20.0), **numbers)
    fields = terms(SLICE, numbers)
    start = np.full(SLICE, 20.0)
    solver.steady(start, *fields)
    after = changed(fields)
    benchmark.pedantic(solver.steady, setup=lambda: ((start.copy(), *after), {}), rounds=200, warmup_rounds=5)
    if benchmark.enabled:
        assert benchmark.stats.stats.median <= 2 * 0.6e-3


def test_a_solve_that_has_nothing_to_do(benchmark: Any) -> None:
    """What a call costs beside its arithmetic: a lattice of 16 voxels that is solved already."""
    shape = (1, 4, 4)
    solver = FieldSolver(Lattice(shape, 20.0), **DRUG)
    fields = terms(shape, DRUG)
    fields[0] += 1.0
    c = np.zeros(shape)
    solver.steady(c, *fields)
    benchmark(solver.steady, c, *fields)
    if benchmark.enabled:
        assert benchmark.stats.stats.median <= 50e-6


@pytest.mark.parametrize("shape", [CUBE, SQUARE, SLICE], ids=["100³", "1024²", "120²"])
def test_a_step_by_lines(benchmark: Any, shape: tuple[int, int, int]) -> None:
    solver = LodSolver(Lattice(shape, 20.0), **GROWTH_FACTOR, half_saturation=2.0)
    rng = np.random.default_rng(0)
    c, source, loss, uptake = (rng.random(shape) for _ in range(4))
    benchmark.pedantic(solver.step, args=(c, source, loss, uptake, 1e-3), rounds=15, warmup_rounds=1)
    if benchmark.enabled:
        assert per_voxel(benchmark, c.size) <= 2 * 5.0
