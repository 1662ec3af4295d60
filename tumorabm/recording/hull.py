"""The convex hull of a lesion on the lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorabm.tissue.lattice import Lattice

_ROUND_OFF = 1e-9  # of a site, on which side of a facet a center lies


@dataclass(frozen=True)
class Hull:
    """Convex hull of a set of sites.

    Attributes
    ----------
    mask : ndarray of bool, shape (nz, ny, nx)
        Sites whose center lies inside.
    volume : float
        µm³; in a slab the hull's area times its thickness.
    diameter : float
        Of the sphere of equal volume, in a slab of the circle of equal area, µm. 0 without sites.
    border_distance : float
        µm from the hull to the nearest wall of the domain: infinite if all axes are periodic, NaN without sites.
    """

    mask: np.ndarray
    volume: float
    diameter: float
    border_distance: float


def hull_of(sites: np.ndarray, lattice: Lattice) -> Hull:
    """Convex hull of the sites of a mask (their corners, so that one site has a volume too).

    Parameters
    ----------
    sites : ndarray of bool, shape (nz, ny, nx)
        Across a periodic face the hull continues on the other side; sites that go all the way round fill the axis.
    lattice : Lattice
    """
    if not sites.any():
        return Hull(np.zeros_like(sites), 0.0, 0.0, float("nan"))
    shifts = [_shift(sites, axis) if lattice.periodic[axis] else 0 for axis in range(3)]
    moved = np.roll(sites, shifts, axis=(0, 1, 2))
    axes = [axis for axis in range(3) if lattice.shape[axis] > 1] or [2]
    flat = moved.reshape([lattice.shape[axis] for axis in axes])
    mask, measure = _fill(flat)
    filled = np.roll(mask.reshape(lattice.shape), [-shift for shift in shifts], axis=(0, 1, 2))

    gaps = []
    for axis in axes:
        if not lattice.periodic[axis]:
            present = np.flatnonzero(sites.any(axis=tuple(other for other in range(3) if other != axis)))
            gaps += [present[0], lattice.shape[axis] - 1 - present[-1]]
    volume = measure * lattice.site_volume
    if len(axes) == 3:
        diameter = np.cbrt(6 * volume / np.pi)
    elif len(axes) == 2:
        diameter = 2 * np.sqrt(measure / np.pi) * lattice.spacing
    else:
        diameter = measure * lattice.spacing
    return Hull(filled, volume, float(diameter), min(gaps) * lattice.spacing if gaps else float("inf"))


def _shift(sites: np.ndarray, axis: int) -> int:
    """By how much to roll a periodic axis so that its longest empty stretch lies across the face."""
    present = np.flatnonzero(sites.any(axis=tuple(other for other in range(3) if other != axis)))
    n = sites.shape[axis]
    gaps = np.diff(np.append(present, present[0] + n))
    return int(n - present[(np.argmax(gaps) + 1) % present.size])


def _fill(sites: np.ndarray) -> tuple[np.ndarray, float]:
    """Sites whose center lies in the convex hull of the corners of sites, and its area or volume in sites."""
    if sites.ndim == 1:
        present = np.flatnonzero(sites)
        mask = np.zeros_like(sites)
        mask[present[0] : present[-1] + 1] = True
        return mask, float(np.count_nonzero(mask))

    from scipy.spatial import ConvexHull

    # Of each row along x only the first and the last site can touch the hull.
    rows = np.argwhere(sites.any(axis=-1))
    along = sites[tuple(rows.T)]
    first = along.argmax(axis=1)
    last = sites.shape[-1] - 1 - along[:, ::-1].argmax(axis=1)
    ends = np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last + 1])])
    corners = []
    for offset in np.ndindex(*(2,) * (sites.ndim - 1)):
        corners.append(ends + np.array([*offset, 0]))
    hull = ConvexHull(_different(np.concatenate(corners)).astype(float))

    # Each facet n·p + d <= 0 bounds x on every row of sites from one side.
    low = np.full(sites.shape[:-1], -np.inf)
    high = np.full(sites.shape[:-1], np.inf)
    centers = np.meshgrid(*(np.arange(n) + 0.5 for n in sites.shape[:-1]), indexing="ij")
    for *normal, slope, offset in np.unique(hull.equations, axis=0):
        rest = offset + sum(component * center for component, center in zip(normal, centers, strict=True))
        if abs(slope) <= _ROUND_OFF:
            low[rest > _ROUND_OFF] = np.inf
        elif slope > 0:
            high = np.minimum(high, -rest / slope)
        else:
            low = np.maximum(low, -rest / slope)
    x = np.arange(sites.shape[-1]) + 0.5
    mask = (x >= low[..., None] - _ROUND_OFF) & (x <= high[..., None] + _ROUND_OFF)
    return mask, float(hull.volume)


def _different(points: np.ndarray) -> np.ndarray:
    """Each point of whole coordinates, not negative, once, in ascending order."""
    extent = tuple(points.max(axis=0) + 1)
    return np.stack(np.unravel_index(np.unique(np.ravel_multi_index(tuple(points.T), extent)), extent), axis=1)
