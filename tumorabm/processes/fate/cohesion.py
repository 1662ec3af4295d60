"""Cohesion: how much lesion is around a site, which decides where ranks are closed from (``commit``)."""

from __future__ import annotations

import math

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.tissue.lattice import Lattice

_COHESION_RADII = (2, 7, 24)  # sites; each scale smooths the lesion's density over about that distance
_BOXES = 4


def density(occupied: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Local density of the lesion, summed over scales: high inside, low at protrusions. Shape (nz, ny, nx).

    Each scale is a box applied four times along each axis: near enough to a Gaussian to have no directions. Walls
    reflect: tissue goes on beyond them as its mirror image, so that a lesion does not shrink from a wall it touches.
    """
    occupied = occupied.reshape(lattice.shape)
    window = _window(occupied, lattice)
    field = occupied[window].astype(np.float64)
    total = np.zeros(lattice.shape)
    for radius in _COHESION_RADII:
        smooth = field.copy()
        for axis in range(3):
            n = field.shape[axis]
            if n > 1:
                reach = min(radius, (n - 1) // 2) if lattice.periodic[axis] else radius
                walls = window[axis].start in (None, 0), window[axis].stop in (None, lattice.shape[axis])
                layers = smooth.reshape(math.prod(field.shape[:axis]), n, -1)
                _box_means(layers, reach, _BOXES, lattice.periodic[axis], *walls)
        total[window] += smooth
    return total


def _window(occupied: np.ndarray, lattice: Lattice) -> tuple[slice, ...]:
    """The part of the lattice that the widest scale can bring to bear on occupied sites."""
    margin = _BOXES * _COHESION_RADII[-1] // 2
    window = []
    for axis in range(3):
        along = np.flatnonzero(occupied.any(axis=tuple(other for other in range(3) if other != axis)))
        if lattice.periodic[axis] or along.size == 0:
            window.append(slice(None))
        else:
            last = min(lattice.shape[axis], int(along[-1]) + margin + 1)
            window.append(slice(max(0, int(along[0]) - margin), last))
    return tuple(window)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _layer_at(k, n, periodic, wall_below, wall_above):
    """Which of n layers is at place k: round a periodic axis, mirrored beyond a wall; -1 where there is none."""
    if periodic:
        return k % n
    if wall_below and wall_above:
        k %= 2 * n  # the image of an image is the tissue again
    elif wall_below and k < 0:
        k = -1 - k
    if wall_above and k >= n:
        k = 2 * n - 1 - k
    return k if 0 <= k < n else -1


@kernel
def _box_means(layers, reach, boxes, periodic, wall_below, wall_above):
    """Replace each of n layers, shape (outer, n, inner), by the mean of those up to ``reach`` away, ``boxes`` times."""
    outer, n, inner = layers.shape
    # The layers at places -reach - 1 to n + reach - 1.
    at = np.empty(n + 2 * reach + 1, dtype=np.int64)
    for i in range(at.size):
        at[i] = _layer_at(i - reach - 1, n, periodic, wall_below, wall_above)
    # One running sum waits for each addition; a strip of many, side by side, does not, and it stays in the cache.
    width = 64
    strip, smooth, running = np.zeros((n, width)), np.zeros((n, width)), np.zeros(width)
    if inner == 1:
        for first in range(0, outer, width):
            lines = layers[first : first + width, :, 0]
            for k in range(n):
                for j in range(lines.shape[0]):
                    strip[k, j] = lines[j, k]
            strip, smooth = _smooth_strip(strip, smooth, running, reach, boxes, at)
            for k in range(n):
                for j in range(lines.shape[0]):
                    lines[j, k] = strip[k, j]
    else:
        for block in range(outer):
            for first in range(0, inner, width):
                part = layers[block, :, first : first + width]
                for k in range(n):  # slices in the place of these loops take seconds to compile
                    for j in range(part.shape[1]):
                        strip[k, j] = part[k, j]
                strip, smooth = _smooth_strip(strip, smooth, running, reach, boxes, at)
                for k in range(n):
                    for j in range(part.shape[1]):
                        part[k, j] = strip[k, j]


@kernel
def _smooth_strip(strip, smooth, running, reach, boxes, at):
    """The means along the first axis of a strip, and the array that is free for the next."""
    n, width = strip.shape
    scale = 1.0 / (2 * reach + 1)
    for _ in range(boxes):
        running[:] = 0.0
        for k in range(2 * reach):
            there = at[k + 1]
            if there >= 0:
                for j in range(width):
                    running[j] += strip[there, j]
        for k in range(n):
            entering, leaving = at[k + 2 * reach + 1], at[k]
            if entering >= 0 and leaving >= 0 and k > 0:
                for j in range(width):
                    running[j] = running[j] + strip[entering, j] - strip[leaving, j]
            elif entering >= 0:
                for j in range(width):
                    running[j] += strip[entering, j]
            elif leaving >= 0 and k > 0:
                for j in range(width):
                    running[j] -= strip[leaving, j]
            for j in range(width):
                smooth[k, j] = running[j] * scale
        strip, smooth = smooth, strip
    return strip, smooth
