"""Locally one-dimensional steps: an implicit sweep along each axis in turn, for short steps only.

The step splits diffusion by axis and gives every sweep an equal share of source, decay, loss and uptake, the uptake
linearized at the concentration that enters the sweep:

    (1 + dt (decay + loss + Vmax / (Km + c)) / axes - dt D d²/da²) c' = c + dt source / axes     for a = x, y, z

Equal shares are on purpose: with no terms in the third sweep a step in 3D is a third faster, but the total over the
domain at the steady state is off by up to 1.7 times as much.

It is cheap, positive and unconditionally stable, but first order in dt with a large constant: where a step is longer
than diffusion between sources and sinks takes, the split sweeps do not see each other. A growth factor with
D = 3.6e4 um²/h settles, in steps of 2 h on voxels of 20 um, up to 3.3-fold off its steady state, 1.4-fold at the median
voxel (``tests/verification/test_fields_lod.py``). For a step of the cells use ``implicit.py``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tumorabm.solvers.failure import SolverError, check_fields, check_parameters
from tumorabm.solvers.memory import aligned_zeros
from tumorabm.tissue.lattice import FIXED, Lattice

LANES: Final = 32  # rows along x swept together, in a transposed buffer
TILE: Final = 8  # cells of these rows transposed at a time
CHUNK: Final = 64  # columns swept together along y and z
PAD: Final = 8  # between rows of the transposed buffer: rows a power of two apart would share few places in the cache
BLOCKS: Final = 16  # into how many blocks the tasks of a sweep are cut, each with its own buffers
SITES_FOR_THREADS: Final = 100_000


class LodSolver:
    """Locally one-dimensional solver of one substance on one lattice, without physical state.

    Parameters
    ----------
    lattice : Lattice
        Geometry and kinds of faces.
    diffusivity : float
        D in um²/h.
    decay : float
        First-order decay in 1/h.
    half_saturation : float
        Km of the uptake, in the unit of concentration; needed as soon as there is uptake.
    boundary_value : float
        Concentration at FIXED faces, half a spacing from the centers of the voxels at the border.
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
        name: str = "",
    ) -> None:
        check_parameters(
            name,
            diffusivity=diffusivity,
            decay=decay,
            half_saturation=half_saturation,
            boundary_value=boundary_value,
        )
        self.lattice = lattice
        self.name = name
        self._numbers = np.array([diffusivity / lattice.spacing**2, decay, half_saturation, boundary_value])
        # An axis one voxel thick is swept only if a fixed face feeds it.
        active = [n > 1 or FIXED in lattice.faces[2 * axis : 2 * axis + 2] for axis, n in enumerate(lattice.shape)]
        if not any(active):
            active[2] = True
        faces = [kind if kind == FIXED or lattice.shape[k // 2] > 1 else -1 for k, kind in enumerate(lattice.faces)]
        self._geometry = np.array([*lattice.shape, *active, *faces], dtype=np.int64)
        buffer = max((lattice.shape[2] + TILE) * (2 * LANES + PAD), 2 * (max(lattice.shape[:2]) + 1) * CHUNK)
        self._buffers = aligned_zeros((BLOCKS, 3, buffer))

    def step(
        self, concentration: np.ndarray, source: np.ndarray, loss: np.ndarray, uptake: np.ndarray, dt: float
    ) -> None:
        """Advance ``concentration`` by ``dt`` hours, in place; ``dt`` = 0 changes nothing.

        Parameters
        ----------
        concentration : ndarray of float64, shape (nz, ny, nx)
            Changed in place.
        source, loss, uptake : ndarray of float64, shape (nz, ny, nx)
            Supply in concentration/h, first-order loss in 1/h, maximal uptake Vmax in concentration/h.
        dt : float
            Step in h.

        Raises
        ------
        SolverError
            NaN or infinity in the result.
        """
        if not 0.0 <= dt < np.inf:
            raise ValueError(f"{self.name or 'substance'}: dt must be 0 or positive and finite, got {dt} h")
        arrays = check_fields(self.name, self.lattice.shape, concentration, source, loss, uptake)
        if dt == 0.0:
            return
        _step(arrays[0].size >= SITES_FOR_THREADS, float(dt), *arrays, *self.workspace())
        if not np.isfinite(concentration.sum()):
            raise SolverError(f"{self.name or 'substance'}: NaN or infinity after a step of {dt} h")

    def workspace(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parameters, geometry and buffers, in the order of the compiled step."""
        return self._numbers, self._geometry, self._buffers


def _step(large: bool, *arguments: Any) -> None:
    """Call the compiled step (imported here because it loads numba, which declarations do without)."""
    import numba

    from tumorabm.solvers.lines import step_with, tasks_function

    step_with(tasks_function().address, large and numba.get_num_threads() > 1, *arguments)
