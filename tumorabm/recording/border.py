"""The border of a lesion: how branched it is, and how far cells have gone beyond it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tumorabm.tissue.lattice import Lattice

# Sites on each side over which the density is taken that tells the bulk of a lesion from single cells and strands.
_REACH: Final = 3
_IN_BULK: Final = 0.5


def branching_index(lesion: np.ndarray, lattice: Lattice) -> float:
    """Border of a lesion relative to that of a disc (3D: ball) of as many sites; NaN without a lesion.

    What the lesion encloses, such as fibroblasts, counts as its own. The square of the index is perimeter² / (4π area)
    in a slab. Walls are no border.

    Parameters
    ----------
    lesion : ndarray of bool, shape (nz, ny, nx)
    lattice : Lattice
    """
    from scipy import ndimage

    if not lesion.any():
        return float("nan")
    axes = [axis for axis in range(3) if lattice.shape[axis] > 1] or [2]
    filled = ndimage.binary_fill_holes(lesion.reshape([lattice.shape[axis] for axis in axes]))
    faces = 0
    for place, axis in enumerate(axes):
        faces += int(np.count_nonzero(np.diff(filled, axis=place)))
        if lattice.periodic[axis]:
            faces += int(np.count_nonzero(filled.take(0, axis=place) != filled.take(-1, axis=place)))
    size = int(np.count_nonzero(filled))
    # On a square lattice the faces of a disc are 4/π of its circumference, those of a ball 3/2 of its surface.
    compact = {1: 2.0, 2: 8.0 * math.sqrt(size / math.pi), 3: 6.0 * math.pi * (0.75 * size / math.pi) ** (2 / 3)}
    return faces / compact[len(axes)]


def distance_from_bulk(lesion: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Distance in µm of every site from the bulk of a lesion, where half of the sites around belong to it; 0 inside.

    NaN everywhere if there is no bulk.

    Parameters
    ----------
    lesion : ndarray of bool, shape (nz, ny, nx)
    lattice : Lattice
    """
    from scipy import ndimage

    modes = ["wrap" if periodic else "reflect" for periodic in lattice.periodic]
    sizes = [2 * _REACH + 1 if n > 1 else 1 for n in lattice.shape]
    bulk = ndimage.uniform_filter(lesion.astype(float), sizes, mode=modes) >= _IN_BULK
    if not bulk.any():
        return np.full(lattice.shape, np.nan)
    # Nothing is farther than half way round a periodic axis.
    around = [n // 2 if periodic else 0 for n, periodic in zip(lattice.shape, lattice.periodic, strict=True)]
    distance = ndimage.distance_transform_edt(~np.pad(bulk, [(n, n) for n in around], mode="wrap"))
    inner = tuple(slice(n, n + size) for n, size in zip(around, lattice.shape, strict=True))
    return distance[inner] * lattice.spacing
