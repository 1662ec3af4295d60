"""The implicit solver against a direct sparse solver, its ledger, its refusals and its determinism."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from direct import direct_solution
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import twin

from tumorabm.solvers.budget import REPORTED, TOTALS
from tumorabm.solvers.cycle import solve
from tumorabm.solvers.implicit import FieldSolver, SolverError
from tumorabm.solvers.sweeps import sweep_block
from tumorabm.tissue.lattice import FIXED, NO_FLUX, PERIODIC, Lattice

OXYGEN = {"diffusivity": 7.2e6, "decay": 0.1, "half_saturation": 2.0, "boundary_value": 40.0}
GROWTH_FACTOR = {"diffusivity": 3.6e4, "decay": 0.65}
SHAPES = [
    ((1, 13, 17), (NO_FLUX,) * 6),
    ((1, 12, 16), (NO_FLUX, NO_FLUX, FIXED, NO_FLUX, NO_FLUX, FIXED)),
    ((5, 7, 11), (PERIODIC, PERIODIC, NO_FLUX, FIXED, PERIODIC, PERIODIC)),
    ((4, 6, 8), (PERIODIC,) * 6),
    ((1, 1, 23), (NO_FLUX, NO_FLUX, NO_FLUX, NO_FLUX, FIXED, NO_FLUX)),
    ((1, 1, 2), (PERIODIC,) * 6),
    ((1, 1, 9), (PERIODIC,) * 6),
    ((19, 1, 1), (NO_FLUX, FIXED, NO_FLUX, NO_FLUX, NO_FLUX, NO_FLUX)),
    ((7, 11, 1), (PERIODIC, PERIODIC, PERIODIC, PERIODIC, FIXED, FIXED)),
    ((1, 1, 1), (FIXED,) * 6),
    ((1, 2, 31), (FIXED, FIXED, PERIODIC, PERIODIC, NO_FLUX, NO_FLUX)),
]


def tissue_fields(shape: tuple[int, int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, loss and uptake of voxels of which a tenth exchange with blood, faster than they diffuse."""
    rng = np.random.default_rng(seed)
    exchange = 1e5 * (rng.random(shape) < 0.1)
    return exchange * 60.0, exchange, 4e4 * rng.random(shape)


def growth_fields(shape: tuple[int, int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random(shape) * (rng.random(shape) < 0.3) + 0.01, 5.0 * (rng.random(shape) < 0.1), np.zeros(shape)


def close(result: np.ndarray, exact: np.ndarray, relative: float) -> bool:
    return bool(np.abs(result - exact).max() <= relative * np.abs(exact).max())


@pytest.mark.parametrize(("shape", "faces"), SHAPES)
def test_steady_state_is_the_direct_solution(shape: tuple[int, int, int], faces: tuple[int, ...]) -> None:
    lattice = Lattice(shape, 20.0, faces)
    fields = tissue_fields(shape)
    c = np.random.default_rng(1).random(shape) * 30.0
    report = FieldSolver(lattice, **OXYGEN, tolerance=1e-10).steady(c, *fields)
    assert close(c, direct_solution(lattice, fields, **OXYGEN), 1e-8)
    assert report.residual <= 1e-10


@pytest.mark.parametrize(("shape", "faces"), SHAPES)
def test_backward_euler_is_the_direct_solution(shape: tuple[int, int, int], faces: tuple[int, ...]) -> None:
    lattice = Lattice(shape, 20.0, faces)
    fields = growth_fields(shape)
    old = np.random.default_rng(1).random(shape)
    c = old.copy()
    FieldSolver(lattice, **GROWTH_FACTOR, tolerance=1e-10).backward_euler(c, *fields, 2.0)
    assert close(c, direct_solution(lattice, fields, **GROWTH_FACTOR, old=old, dt=2.0), 1e-8)


axis_faces = st.sampled_from([(NO_FLUX, NO_FLUX), (PERIODIC, PERIODIC), (FIXED, NO_FLUX), (FIXED, FIXED)])


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 19), st.integers(1, 37)),
    st.tuples(axis_faces, axis_faces, axis_faces),
    st.sampled_from([0.0, 1e2, 4e4, 7.2e6]),
    st.sampled_from([0.01, 2.0, 100.0]),
    st.integers(0, 1000),
)
def test_any_lattice_and_any_faces(
    shape: tuple[int, int, int],
    faces: tuple[tuple[int, int], ...],
    diffusivity: float,
    half_saturation: float,
    seed: int,
) -> None:
    lattice = Lattice(shape, 20.0, faces[0] + faces[1] + faces[2])
    fields = tissue_fields(shape, seed)
    numbers = {
        "diffusivity": diffusivity,
        "decay": 0.5,
        "half_saturation": half_saturation,
        "boundary_value": 30.0,
    }
    old = np.random.default_rng(seed).random(shape) * 20.0
    c = old.copy()
    # Exchange dominates the norm of the right-hand side; voxels out of its reach need a small residual to be right.
    FieldSolver(lattice, **numbers, tolerance=1e-12).backward_euler(c, *fields, 1.0)
    assert (c >= 0.0).all()
    assert close(c, direct_solution(lattice, fields, **numbers, old=old, dt=1.0), 1e-6)


@pytest.mark.parametrize(("shape", "faces"), SHAPES)
def test_the_ledger_closes_to_round_off(shape: tuple[int, int, int], faces: tuple[int, ...]) -> None:
    """At the default tolerance too: what is stored is what came in less what went out."""
    lattice = Lattice(shape, 20.0, faces)
    fields = tissue_fields(shape)
    solver = FieldSolver(lattice, **OXYGEN)
    c = np.full(shape, 20.0)
    before = c.sum()
    through_faces = 2.0 * OXYGEN["diffusivity"] / 20.0**2 * 40.0 * sum(kind == FIXED for kind in faces) * lattice.sites
    solver.backward_euler(c, *fields, 0.25)
    turnover = fields[0].sum() + through_faces + before / 0.25
    assert abs((c.sum() - before) / 0.25 - solver.budget(c, *fields).residual) <= 1e-13 * turnover
    solver.steady(c, *fields)
    assert abs(solver.budget(c, *fields).residual) <= 1e-13 * turnover


def test_the_budget_counts_every_way_in_and_out() -> None:
    lattice = Lattice((1, 1, 4), 10.0, (NO_FLUX,) * 4 + (FIXED, NO_FLUX))
    solver = FieldSolver(lattice, diffusivity=200.0, decay=0.5, half_saturation=2.0, boundary_value=3.0)
    c = np.array([1.0, 2.0, 3.0, 6.0]).reshape(1, 1, 4)
    source, loss, uptake = (
        np.array(row, dtype=float).reshape(1, 1, 4) for row in ([1] * 4, [0, 1, 0, 2], [0, 0, 5, 8])
    )
    budget = solver.budget(c, source, loss, uptake)
    assert (budget.source, budget.amount, budget.decay, budget.loss) == (4.0, 12.0, 6.0, 14.0)
    assert budget.uptake == pytest.approx(5.0 * 3.0 / 5.0 + 8.0 * 6.0 / 8.0, rel=1e-14)
    assert budget.boundary == pytest.approx(2.0 * 2.0 * (3.0 - 1.0), rel=1e-14)
    assert budget.residual == pytest.approx(4.0 + 8.0 - 6.0 - 14.0 - 9.0, rel=1e-13)


def test_a_step_of_no_time_changes_nothing() -> None:
    lattice = Lattice((1, 5, 6), 20.0)
    c = np.random.default_rng(0).random(lattice.shape)
    before = c.copy()
    FieldSolver(lattice, **GROWTH_FACTOR).backward_euler(c, *growth_fields(lattice.shape), 0.0)
    assert (c == before).all()


def test_without_diffusion_every_voxel_is_on_its_own() -> None:
    lattice = Lattice((2, 3, 4), 20.0)
    source, loss, uptake = tissue_fields(lattice.shape)
    source += 1e3
    c = np.zeros(lattice.shape)
    solver = FieldSolver(lattice, diffusivity=0.0, decay=0.2, half_saturation=2.0, tolerance=1e-12)
    solver.steady(c, source, loss, uptake)
    balance = source - (0.2 + loss + uptake / (2.0 + c)) * c
    assert np.abs(balance).max() < 1e-9 * source.max()
    assert (c > 0.0).all()


def test_a_solution_is_recognized() -> None:
    lattice = Lattice((1, 30, 31), 20.0)
    fields = tissue_fields(lattice.shape)
    solver = FieldSolver(lattice, **OXYGEN)
    c = np.zeros(lattice.shape)
    assert solver.steady(c, *fields).iterations > 0
    solution = c.copy()
    report = solver.steady(c, *fields)
    assert (report.iterations, report.picard_iterations) == (0, 0)
    assert close(c, solution, 1e-12)


def test_nothing_supplied_is_nothing_there() -> None:
    lattice = Lattice((1, 6, 7), 20.0)
    zero = np.zeros(lattice.shape)
    c = np.ones(lattice.shape)
    FieldSolver(lattice, **GROWTH_FACTOR).steady(c, zero, zero, zero)
    assert (c == 0.0).all()
    FieldSolver(lattice, diffusivity=1e4, decay=0.0).steady(c, zero, zero, zero)
    assert (c == 0.0).all()


def test_a_nearly_closed_domain_finds_its_level() -> None:
    """A decay that single precision cannot see beside the couplings still sets the mean."""
    lattice = Lattice((1, 64, 64), 20.0)
    zero = np.zeros(lattice.shape)
    source = zero.copy()
    source[0, 5, 5] = 1.0
    c = zero.copy()
    FieldSolver(lattice, diffusivity=7.2e6, decay=1e-4, tolerance=1e-8).steady(c, source, zero, zero)
    assert c.mean() == pytest.approx(1.0 / 1e-4 / c.size, rel=1e-12)


def test_anoxic_cores_converge_and_stay_positive() -> None:
    """Newton's step undershoots where uptake saturates; cut at 0 it still converges, from any start."""
    lattice = Lattice((1, 65, 65), 20.0, (NO_FLUX, NO_FLUX) + (FIXED,) * 4)
    zero = np.zeros(lattice.shape)
    uptake = np.full(lattice.shape, 2e5)
    numbers = {"diffusivity": 7.2e6, "decay": 0.0, "half_saturation": 0.5, "boundary_value": 40.0}
    solutions = []
    for start in (0.0, 1e-3, 40.0, 1e4):
        c = np.full(lattice.shape, start)
        report = FieldSolver(lattice, **numbers, tolerance=1e-8).steady(c, zero, zero, uptake)
        assert report.picard_iterations < 25
        assert (c >= 0.0).all()
        solutions.append(c)
    assert solutions[0][0, 32, 32] < 1e-2
    assert all(close(c, solutions[0], 1e-6) for c in solutions)
    assert close(solutions[0], direct_solution(lattice, (zero, zero, uptake), **numbers), 1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": np.nan}, "NaN or infinity"),
        ({"loss": np.inf}, "NaN or infinity"),
        ({"uptake": np.nan}, "NaN or infinity"),
        ({"concentration": np.nan}, "NaN or infinity"),
        ({"loss": -1.0}, "negative loss"),
        ({"uptake": -1.0}, "negative loss, uptake"),
        ({"concentration": -1.0}, "concentration from -1"),
        ({"source": -1e9}, "no convergence: residual"),
    ],
)
@pytest.mark.parametrize("diffusivity", [0.0, 7.2e6])
def test_bad_fields_are_refused(change: dict[str, float], message: str, diffusivity: float) -> None:
    lattice = Lattice((1, 5, 6), 20.0)
    fields = dict(zip(("source", "loss", "uptake"), tissue_fields(lattice.shape), strict=True))
    fields = {"concentration": np.ones(lattice.shape), **fields}
    for name, value in change.items():
        fields[name][0, 2, 3] = value
    solver = FieldSolver(lattice, diffusivity=diffusivity, decay=1.0, half_saturation=2.0, name="oxygen")
    with pytest.raises(SolverError, match=f"oxygen: .*{message}"):
        solver.steady(*fields.values())


def test_a_closed_domain_has_no_steady_state() -> None:
    lattice = Lattice((1, 8, 8), 20.0)
    zero, one = np.zeros(lattice.shape), np.ones(lattice.shape)
    solver = FieldSolver(lattice, diffusivity=1e4, decay=0.0, half_saturation=1.0, name="lactate")
    for uptake in (zero, 0.5 * one, one):
        with pytest.raises(SolverError, match="lactate: no steady state"):
            solver.steady(np.ones(lattice.shape), one, zero, uptake)
    c = np.ones(lattice.shape)
    solver.steady(c, one, zero, 3.0 * one)
    assert np.allclose(c, 0.5)


@pytest.mark.parametrize(
    "number", [{"diffusivity": -1.0}, {"decay": np.nan}, {"half_saturation": -1.0}, {"tolerance": 0.0}]
)
def test_bad_parameters_are_refused(number: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        FieldSolver(Lattice((1, 4, 4), 20.0), **{"diffusivity": 1.0, "decay": 1.0, **number})


def test_arrays_of_another_kind_are_refused() -> None:
    lattice = Lattice((1, 4, 5), 20.0)
    solver = FieldSolver(lattice, **GROWTH_FACTOR)
    good = [np.ones(lattice.shape) for _ in range(4)]
    for bad in (np.ones((1, 5, 4)), np.ones(lattice.shape, np.float32), np.ones((1, 4, 10))[..., ::2]):
        for place in range(4):
            with pytest.raises(ValueError, match="C-contiguous float64"):
                solver.steady(*(bad if k == place else array for k, array in enumerate(good)))


def test_the_past_of_a_solver_leaves_no_trace() -> None:
    lattice = Lattice((1, 40, 41), 20.0)
    fields = tissue_fields(lattice.shape)
    used, fresh = FieldSolver(lattice, **OXYGEN), FieldSolver(lattice, **OXYGEN)
    used.steady(np.zeros(lattice.shape), *tissue_fields(lattice.shape, seed=7))
    used.backward_euler(np.ones(lattice.shape), *fields, 0.1)
    first, second = np.full(lattice.shape, 5.0), np.full(lattice.shape, 5.0)
    used.steady(first, *fields)
    fresh.steady(second, *fields)
    assert (first == second).all()


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one core")
@pytest.mark.parametrize("shape", [(1, 383, 401), (45, 51, 61)])
def test_threads_change_no_bit(shape: tuple[int, int, int]) -> None:
    lattice = Lattice(shape, 20.0, (NO_FLUX, NO_FLUX, PERIODIC, PERIODIC, NO_FLUX, FIXED))
    fields = tissue_fields(shape)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            solver = FieldSolver(lattice, **OXYGEN)
            assert solver.uses_threads() is (threads > 1)
            c = np.zeros(shape)
            report = solver.steady(c, *fields)
            results.append((c, report, solver.budget(c, *fields)))
    finally:
        numba.set_num_threads(before)
    assert (results[0][0] == results[1][0]).all()
    assert results[0][1:] == results[1][1:]


@pytest.mark.parametrize("faces", [(NO_FLUX,) * 6, (NO_FLUX, FIXED, PERIODIC, PERIODIC, PERIODIC, PERIODIC)])
def test_the_compiled_loop_does_what_its_python_says(faces: tuple[int, ...]) -> None:
    lattice = Lattice((2, 5, 6), 20.0, faces)
    source, loss, uptake = (field.ravel() for field in tissue_fields(lattice.shape, seed=2))
    solver = FieldSolver(lattice, **OXYGEN)
    compiled = np.full(lattice.shape, 10.0)
    report = solver.steady(compiled, *(field.reshape(lattice.shape) for field in (source, loss, uptake)))
    python = np.full(lattice.sites, 10.0)
    numbers = np.zeros(REPORTED + TOTALS)
    solver = FieldSolver(lattice, **OXYGEN)
    known: dict = {}
    work = (python, python, source, loss, uptake, *solver.workspace())
    end = twin(solve, known)(twin(sweep_block, known), 0, work, 1e-5, False, numbers)
    assert end == 0
    assert np.abs(python.reshape(lattice.shape) - compiled).max() <= 1e-12 * compiled.max()
    assert numbers[0] == report.iterations
