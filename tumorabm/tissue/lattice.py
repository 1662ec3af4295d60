"""The lattice: a regular grid of sites, always three-dimensional arrays (z, y, x).

A two-dimensional domain is a slab one spacing thick (nz = 1) with closed faces; there is one code path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

NO_FLUX: Final = 0
PERIODIC: Final = 1
FIXED: Final = 2
FACES: Final = ("z_low", "z_high", "y_low", "y_high", "x_low", "x_high")


@dataclass(frozen=True)
class Lattice:
    """Geometry of the domain.

    Parameters
    ----------
    shape : tuple of int
        Number of sites along (z, y, x); 2D is (1, ny, nx).
    spacing : float
        Edge of a site in µm.
    faces : tuple of int
        Condition at z_low, z_high, y_low, y_high, x_low, x_high: NO_FLUX, PERIODIC or FIXED. Cells see a FIXED face
        as a wall; the value that a substrate has there belongs to the substrate.
    """

    shape: tuple[int, int, int]
    spacing: float
    faces: tuple[int, int, int, int, int, int] = (NO_FLUX,) * 6

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"lattice shape must be three positive numbers (z, y, x), got {self.shape}")
        if not self.spacing > 0:
            raise ValueError(f"lattice spacing must be positive, got {self.spacing} um")
        for axis in range(3):
            low, high = self.faces[2 * axis], self.faces[2 * axis + 1]
            if (low == PERIODIC) != (high == PERIODIC):
                raise ValueError(f"both faces of axis {'zyx'[axis]} must be periodic, or neither")

    @cached_property
    def sites(self) -> int:
        """Number of sites."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def dimensions(self) -> int:
        """Number of axes along which the domain extends (1, 2 or 3)."""
        return max(1, sum(n > 1 for n in self.shape))

    @cached_property
    def site_volume(self) -> float:
        """Volume of one site in µm³."""
        return self.spacing**3

    @property
    def periodic(self) -> tuple[bool, bool, bool]:
        """Whether each axis (z, y, x) is periodic."""
        return tuple(self.faces[2 * axis] == PERIODIC for axis in range(3))  # type: ignore[return-value]

    @cached_property
    def geometry(self) -> np.ndarray:
        """(nz, ny, nx, periodic z, periodic y, periodic x) as int64, what kernels take; to be read, not written."""
        return np.array([*self.shape, *self.periodic], dtype=np.int64)

    def site(self, z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Flat site index of integer coordinates."""
        return (np.asarray(z) * self.shape[1] + y) * self.shape[2] + x

    def coordinates(self, site: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Integer coordinates (z, y, x) of flat site indices."""
        z, rest = np.divmod(site, self.shape[1] * self.shape[2])
        y, x = np.divmod(rest, self.shape[2])
        return z, y, x

    def centers(self, site: np.ndarray) -> np.ndarray:
        """Centers of sites in µm, shape (n, 3), columns z, y, x."""
        return (np.stack(self.coordinates(site), axis=-1) + 0.5) * self.spacing
