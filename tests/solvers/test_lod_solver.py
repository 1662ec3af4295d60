"""The locally one-dimensional step against direct solutions of its own split equations."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from direct import direct_solution
from test_field_solver import SHAPES
from twin import twin

from tumorabm.solvers import lines
from tumorabm.solvers.failure import SolverError
from tumorabm.solvers.lod import LodSolver
from tumorabm.tissue.lattice import FIXED, NO_FLUX, PERIODIC, Lattice

NUMBERS = {"diffusivity": 4e3, "decay": 0.3, "half_saturation": 2.0, "boundary_value": 3.0}
WIDE = [
    ((1, 70, 19), (NO_FLUX, NO_FLUX, FIXED, NO_FLUX, NO_FLUX, FIXED)),
    ((3, 20, 70), (PERIODIC, PERIODIC, NO_FLUX, FIXED, PERIODIC, PERIODIC)),
]


def fields(shape: tuple[int, int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.random(shape) * scale for scale in (10.0, 100.0, 20.0, 50.0)]


def split_step(lattice: Lattice, c: np.ndarray, terms: list[np.ndarray], dt: float) -> np.ndarray:
    """The same split with sparse matrices: per axis a step of backward Euler of its share of all terms."""
    source, loss, uptake = terms
    fixed = [FIXED in lattice.faces[2 * axis : 2 * axis + 2] for axis in range(3)]
    axes = [axis for axis in (2, 1, 0) if lattice.shape[axis] > 1 or fixed[axis]]
    for axis in axes:
        faces = [NO_FLUX] * 6
        faces[2 * axis : 2 * axis + 2] = lattice.faces[2 * axis : 2 * axis + 2]
        rate = NUMBERS["decay"] + loss + uptake / (NUMBERS["half_saturation"] + c)
        terms_of_axis = (source / len(axes), rate / len(axes), np.zeros_like(c))
        c = _step_along(Lattice(lattice.shape, lattice.spacing, tuple(faces)), axis, c, terms_of_axis, dt)
    return c


def _step_along(lattice: Lattice, axis: int, c: np.ndarray, terms: tuple[np.ndarray, ...], dt: float) -> np.ndarray:
    """Backward Euler along one axis: every line is its own lattice."""
    line = Lattice(tuple(n if k == axis else 1 for k, n in enumerate(lattice.shape)), lattice.spacing, lattice.faces)
    result = np.empty_like(c)
    for index in np.ndindex(*(1 if k == axis else n for k, n in enumerate(lattice.shape))):
        at = tuple(slice(None) if k == axis else slice(i, i + 1) for k, i in enumerate(index))
        result[at] = direct_solution(
            line,
            tuple(term[at] for term in terms),
            diffusivity=NUMBERS["diffusivity"],
            decay=0.0,
            boundary_value=NUMBERS["boundary_value"],
            old=c[at],
            dt=dt,
        )
    return result


@pytest.mark.parametrize(("shape", "faces"), SHAPES + WIDE)
def test_a_step_solves_its_split_equations(shape: tuple[int, int, int], faces: tuple[int, ...]) -> None:
    lattice = Lattice(shape, 20.0, faces)
    c, *terms = fields(shape)
    exact = split_step(lattice, c, terms, 0.1)
    LodSolver(lattice, **NUMBERS).step(c, *terms, 0.1)
    assert np.abs(c - exact).max() <= 1e-12 * exact.max()


@pytest.mark.parametrize("faces", [(NO_FLUX,) * 6, (PERIODIC,) * 6])
def test_closed_walls_keep_every_molecule(faces: tuple[int, ...]) -> None:
    lattice = Lattice((9, 10, 11), 20.0, faces)
    c = fields(lattice.shape)[0]
    zero = np.zeros(lattice.shape)
    before = c.sum()
    solver = LodSolver(lattice, diffusivity=1e5, decay=0.0)
    for _ in range(20):
        solver.step(c, zero, zero, zero, 0.01)
    assert c.sum() == pytest.approx(before, rel=1e-13)
    assert (c > 0.0).all()


def test_a_step_of_no_time_changes_nothing() -> None:
    lattice = Lattice((1, 5, 6), 20.0)
    c, *terms = fields(lattice.shape)
    before = c.copy()
    LodSolver(lattice, **NUMBERS).step(c, *terms, 0.0)
    assert (c == before).all()


def test_without_diffusion_or_neighbors_a_voxel_follows_its_equation() -> None:
    c, *terms = fields((1, 1, 1))
    rate = 0.3 + terms[1] + terms[2] / (2.0 + c)
    exact = (c + 0.1 * terms[0]) / (1.0 + 0.1 * rate)
    LodSolver(Lattice((1, 1, 1), 20.0), diffusivity=4e3, decay=0.3, half_saturation=2.0).step(c, *terms, 0.1)
    assert c == pytest.approx(exact, rel=1e-14)


def test_what_is_not_a_number_is_refused() -> None:
    lattice = Lattice((1, 5, 6), 20.0)
    c, *terms = fields(lattice.shape)
    terms[0][0, 1, 1] = np.nan
    with pytest.raises(SolverError, match="lactate: NaN or infinity"):
        LodSolver(lattice, **NUMBERS, name="lactate").step(c, *terms, 0.1)
    with pytest.raises(ValueError, match="dt must be"):
        LodSolver(lattice, **NUMBERS).step(c, *terms, -1.0)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one core")
@pytest.mark.parametrize("shape", [(48, 47, 50), (1, 330, 331)])
def test_threads_change_no_bit(shape: tuple[int, int, int]) -> None:
    lattice = Lattice(shape, 20.0, (NO_FLUX, FIXED, PERIODIC, PERIODIC, NO_FLUX, FIXED))
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            c, *terms = fields(shape)
            LodSolver(lattice, **NUMBERS).step(c, *terms, 0.05)
            results.append(c)
    finally:
        numba.set_num_threads(before)
    assert (results[0] == results[1]).all()


@pytest.mark.parametrize("faces", [(NO_FLUX,) * 6, (PERIODIC,) * 4 + (NO_FLUX, FIXED)])
def test_the_compiled_step_does_what_its_python_says(faces: tuple[int, ...]) -> None:
    lattice = Lattice((2, 4, 5), 20.0, faces)
    compiled, *terms = fields(lattice.shape)
    python = compiled.copy()
    solver = LodSolver(lattice, **NUMBERS)
    solver.step(compiled, *terms, 0.1)
    known: dict = {}
    work = (*(array.reshape(-1) for array in (python, *terms)), *solver.workspace())
    twin(lines.step, known)(twin(lines.line_tasks, known), 0, 0.1, work)
    assert np.abs(python - compiled).max() <= 1e-14 * compiled.max()
