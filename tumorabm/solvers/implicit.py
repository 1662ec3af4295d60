"""Steady state and backward Euler of one diffusing substance, by multigrid-preconditioned conjugate gradients.

The equation of a substance, on a voxel of edge ``spacing``:

    dc/dt = D lap(c) - (decay + loss(x) + Vmax(x) / (Km + c)) c + source(x)

Exchange with vessels k (c_v - c) enters as ``loss += k`` and ``source += k c_v``. See ``cycle.py`` for the method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tumorabm.solvers.budget import (
    BOUNDARY_TOTAL,
    LOSS_TOTAL,
    REPORTED,
    SOURCE_TOTAL,
    TOTALS,
    UPTAKE_TOTAL,
    VALUE_TOTAL,
    Budget,
    total_budget,
)
from tumorabm.solvers.failure import SolverError, check_fields, check_parameters
from tumorabm.solvers.hierarchy import BLOCKS, MOST_BLOCKS, build_hierarchy
from tumorabm.solvers.memory import aligned_zeros
from tumorabm.solvers.nonlinear import (
    CONVERGED,
    COUPLING,
    DECAY,
    FACE_KINDS,
    FACE_VALUE,
    NEGATIVE_INPUT,
    NO_STEADY_STATE,
    NOT_FINITE,
    PARAMETERS,
    RATE,
    ROW_BUFFERS,
    SATURATION,
    SEGMENT,
    SHIFT,
    SUMS,
)
from tumorabm.solvers.pointwise import react
from tumorabm.tissue.lattice import FIXED, NO_FLUX, PERIODIC, Lattice

# Smallest sink, in units of D / spacing², that single precision tells from none; Newton's steps make up for it.
SMALLEST_SINK: Final = 2e-6
# Fewer blocks of rows than this are not worth waking threads for.
BLOCKS_FOR_THREADS: Final = 16


@dataclass(frozen=True)
class SolveReport:
    """How a solve went.

    Attributes
    ----------
    iterations : int
        Iterations of the conjugate gradients, one V-cycle each.
    picard_iterations : int
        Linearizations of the uptake (Newton steps).
    residual : float
        ||b - A(c) c|| / ||b|| of the nonlinear equation at the concentration returned, or a bound within the tolerance.
    budget : Budget
        What enters and leaves the domain at the concentration returned.
    """

    iterations: int
    picard_iterations: int
    residual: float
    budget: Budget


__all__ = ["Budget", "FieldSolver", "SolveReport", "SolverError"]


class FieldSolver:
    """Implicit solver of one substance on one lattice. It owns work arrays but no physical state.

    Concentrations returned are at least 0. No mass is cut away for that: iterates are cut at 0 before the residual
    that decides about convergence is computed, and at the end the field is stretched by a factor within the
    tolerance of 1 so that the total over the domain balances to round-off (see ``budget``). Inputs below
    -tolerance times the maximum, NaN and infinities raise ``SolverError``.

    Parameters
    ----------
    lattice : Lattice
        Geometry and kinds of faces.
    diffusivity : float
        D in um²/h; 0 solves each voxel on its own.
    decay : float
        First-order decay in 1/h.
    half_saturation : float
        Km of the uptake, in the unit of concentration; needed as soon as there is uptake.
    boundary_value : float
        Concentration at FIXED faces, half a spacing from the centers of the voxels at the border.
    tolerance : float
        Relative residual, in the Euclidean norm, at which a solve ends.
    name : str
        Substance, for messages.

    Raises
    ------
    ValueError
        Parameters that are negative or not finite.
    """

    def __init__(
        self,
        lattice: Lattice,
        *,
        diffusivity: float,
        decay: float,
        half_saturation: float = 0.0,
        boundary_value: float = 0.0,
        tolerance: float = 1e-5,
        name: str = "",
    ) -> None:
        check_parameters(
            name,
            diffusivity=diffusivity,
            decay=decay,
            half_saturation=half_saturation,
            boundary_value=boundary_value,
        )
        if not 1e-13 <= tolerance < 1.0:
            raise ValueError(f"{name or 'substance'}: tolerance must lie between 1e-13 and 1, got {tolerance}")
        self.lattice = lattice
        self.tolerance = float(tolerance)
        self.name = name
        faces = tuple(
            NO_FLUX if kind == PERIODIC and lattice.shape[k // 2] == 1 else kind for k, kind in enumerate(lattice.faces)
        )
        self._fixed = FIXED in faces
        hierarchy = build_hierarchy(lattice.shape, faces)
        self._levels, self._coefficients = hierarchy.levels, hierarchy.coefficients
        self._blocks = int(hierarchy.levels[0, BLOCKS])
        self._scratch = np.array([hierarchy.scratch, hierarchy.buffer], dtype=np.int64)
        self._size = hierarchy.size
        self._parameters = np.zeros(PARAMETERS)
        self._parameters[COUPLING] = diffusivity / lattice.spacing**2
        self._parameters[DECAY] = decay
        self._parameters[SATURATION] = half_saturation
        self._parameters[FACE_VALUE] = boundary_value
        self._parameters[SHIFT] = SMALLEST_SINK
        self._parameters[FACE_KINDS:] = faces
        self._fields = np.zeros(0, dtype=np.float32)
        self._rows = aligned_zeros((self._blocks, ROW_BUFFERS * SEGMENT))
        self._sums = np.zeros((MOST_BLOCKS, SUMS))
        self._old = np.zeros(0)
        self._report = np.zeros(REPORTED + TOTALS)

    def steady(
        self, concentration: np.ndarray, source: np.ndarray, loss: np.ndarray, uptake: np.ndarray
    ) -> SolveReport:
        """Solve for the steady state, in place, from ``concentration`` as the first guess.

        Parameters
        ----------
        concentration : ndarray of float64, shape (nz, ny, nx)
            First guess in, steady state out.
        source, loss, uptake : ndarray of float64, shape (nz, ny, nx)
            Supply in concentration/h, first-order loss in 1/h, maximal uptake Vmax in concentration/h.

        Raises
        ------
        SolverError
            No convergence, no steady state, negative or non-finite values. ``concentration`` is then undefined.
        """
        return self._solve(concentration, source, loss, uptake, 0.0)

    def backward_euler(
        self, concentration: np.ndarray, source: np.ndarray, loss: np.ndarray, uptake: np.ndarray, dt: float
    ) -> SolveReport:
        """Advance by one implicit step of ``dt`` hours, in place; ``dt`` = 0 changes nothing.

        The change of the total amount equals dt times the residual of ``budget`` at the new concentration, to
        round-off. Arguments and errors as for ``steady``.
        """
        if not 0.0 <= dt < np.inf:
            raise ValueError(f"{self.name or 'substance'}: dt must be 0 or positive and finite, got {dt} h")
        if dt == 0.0:
            return SolveReport(0, 0, 0.0, self.budget(concentration, source, loss, uptake))
        return self._solve(concentration, source, loss, uptake, 1.0 / dt)

    def budget(self, concentration: np.ndarray, source: np.ndarray, loss: np.ndarray, uptake: np.ndarray) -> Budget:
        """Amounts that enter and leave the domain per hour at ``concentration`` (arguments as for ``steady``)."""
        arrays = check_fields(self.name, self.lattice.shape, concentration, source, loss, uptake)
        totals = self._report[REPORTED:]
        total_budget(*arrays, self._parameters, self._levels[0], self._rows[0], self._sums[0], totals)
        return self._budget()

    def _budget(self) -> Budget:
        """The budget of the totals in the report."""
        totals = self._report[REPORTED:].tolist()
        return Budget(
            source=totals[SOURCE_TOTAL],
            decay=float(self._parameters[DECAY]) * totals[VALUE_TOTAL],
            loss=totals[LOSS_TOTAL],
            uptake=totals[UPTAKE_TOTAL],
            boundary=totals[BOUNDARY_TOTAL],
            amount=totals[VALUE_TOTAL],
        )

    def _solve(
        self, concentration: np.ndarray, source: np.ndarray, loss: np.ndarray, uptake: np.ndarray, rate: float
    ) -> SolveReport:
        arrays = check_fields(self.name, self.lattice.shape, concentration, source, loss, uptake)
        c = arrays[0]
        self._parameters[RATE] = rate
        old = c
        if rate > 0.0:
            if self._old.size != c.size:
                self._old = np.empty_like(c)
            old = self._old
            old[:] = c
        if self._parameters[COUPLING] == 0.0:
            end = react(*arrays, old, self._parameters, self.tolerance, self._report)
            if end == CONVERGED:
                totals = self._report[REPORTED:]
                total_budget(*arrays, self._parameters, self._levels[0], self._rows[0], self._sums[0], totals)
        else:
            closed = self._parameters[DECAY] == 0.0 and rate == 0.0 and not self._fixed
            end = _solve(
                self.uses_threads(), *arrays, old, *self.workspace(), self.tolerance, bool(closed), self._report
            )
        if end != CONVERGED:
            raise SolverError(f"{self.name or 'substance'}: {self._complaint(end)}")
        iterations, steps, residual = self._report[:3].tolist()
        return SolveReport(int(iterations), int(steps), residual, self._budget())

    def workspace(self) -> tuple[np.ndarray, ...]:
        """Parameters, tables and work arrays, in the order of the compiled loop (allocated at the first use)."""
        if self._fields.size == 0:
            self._fields = aligned_zeros(self._size, np.float32)
        return (
            self._parameters, self._fields, self._coefficients, self._levels, self._rows, self._sums, self._scratch
        )  # fmt: skip

    def uses_threads(self) -> bool:
        """Whether a solve is shared out among threads: there are several and the lattice is worth it."""
        if self._blocks < BLOCKS_FOR_THREADS:
            return False
        import numba

        return numba.get_num_threads() > 1

    def _complaint(self, end: int) -> str:
        iterations, steps, residual, low, high = self._report[:REPORTED].tolist()
        if end == NOT_FINITE:
            return f"NaN or infinity in its fields (after {int(iterations)} iterations)"
        if end == NEGATIVE_INPUT:
            return f"negative loss, uptake or concentration (concentration from {low:.6g} to {high:.6g})"
        if end == NO_STEADY_STATE:
            return "no steady state: nothing removes what is supplied (no decay, loss, fixed face or enough uptake)"
        return (
            f"no convergence: residual {residual:.3g}, tolerance {self.tolerance:.3g}, "
            f"{int(iterations)} iterations, {int(steps)} linearizations"
        )


def _solve(threads: bool, *arguments: Any) -> int:
    """Call the compiled loop (imported here because it loads numba, which declarations do without)."""
    from tumorabm.solvers.cycle import solve_with
    from tumorabm.solvers.sweeps import block_function

    return solve_with(block_function().address, threads, *arguments)
