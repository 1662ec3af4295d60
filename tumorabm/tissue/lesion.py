"""The lesion: the largest connected piece of tumor cells and their debris."""

from __future__ import annotations

import numpy as np

from tumorabm.tissue.cells import TUMOR
from tumorabm.tissue.tissue import Tissue


def lesion_size(tissue: Tissue) -> int:
    """Number of tumor cells and debris in the lesion."""
    mask = np.zeros(tissue.lattice.sites, dtype=bool)
    mask[tissue.cells["site"][tissue.cells.rows_of(TUMOR)]] = True
    return int(np.count_nonzero(largest_component(mask.reshape(tissue.lattice.shape), tissue.lattice.periodic)))


def largest_component(mask: np.ndarray, periodic: tuple[bool, bool, bool]) -> np.ndarray:
    """The largest connected component (26 neighbors, 8 in a slab) of a mask; of equal ones that of the lowest site.

    Parameters
    ----------
    mask : ndarray of bool, shape (nz, ny, nx)
    periodic : tuple of bool
        Axes across whose faces sites are neighbors.
    """
    from scipy import ndimage

    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=bool))
    if count == 0:
        return np.zeros_like(mask)
    if any(periodic):
        labels, count = _join_across_faces(labels, count, periodic)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    return labels == int(np.argmax(sizes))


def _join_across_faces(labels: np.ndarray, count: int, periodic: tuple[bool, bool, bool]) -> tuple[np.ndarray, int]:
    """Merge labels that touch through a periodic face, also through edges and corners of the domain."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = []
    for axis in range(3):
        if not periodic[axis]:
            continue
        first = np.take(labels, [0], axis=axis)
        last = np.take(labels, [-1], axis=axis)
        for shift in _tangential_shifts(axis):
            moved = np.roll(last, shift, axis=(0, 1, 2))
            for other in range(3):  # what rolled around a wall is no neighbor
                if shift[other] and not periodic[other]:
                    edge = [slice(None)] * 3
                    edge[other] = slice(0, 1) if shift[other] > 0 else slice(-1, None)
                    moved[tuple(edge)] = 0
            touching = (moved > 0) & (first > 0) & (moved != first)
            pairs.append(np.stack([moved[touching], first[touching]]))
    joined = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(joined.shape[1]), (joined[0], joined[1])), shape=(count + 1, count + 1))
    groups, group = connected_components(graph, directed=False)
    # Renumber by the lowest label of each group, so that ties still go to the lowest site; background stays 0.
    lowest = np.full(groups, count + 1)
    np.minimum.at(lowest, group, np.arange(count + 1))
    return lowest[group][labels], count


def _tangential_shifts(axis: int) -> list[tuple[int, int, int]]:
    shifts = []
    for first in (-1, 0, 1):
        for second in (-1, 0, 1):
            shift = [first, second]
            shift.insert(axis, 0)
            shifts.append((shift[0], shift[1], shift[2]))
    return shifts
