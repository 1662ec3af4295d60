"""The host's capillaries at the start: a mesh between arteriole and venule sites.

Seeds are thrown at random with a minimum distance; the edges of their Voronoi cells are the capillaries, so that the
bed is made of loops of about the given spacing that meet in threes (in fours in 3D) and has no straight lines along
the lattice. Arterioles and venules are vertices of the mesh far enough from each other, in turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.random import derived_uid, purpose, uniforms
from tumorabm.tissue.vasculature import LENGTHS

# Dart throwing fills the plane (or space) to about this fraction of the closest packing, so seeds at the minimum
# distance d have a mean cell size of about 1.45 d squared (2D) or 1.4 d cubed (3D).
_CELL_SIZE = {1: 1.34, 2: 1.45, 3: 1.4}
_DARTS_PER_SEED = 30


@dataclass(frozen=True)
class CapillaryBed:
    """Sites and edges of a vessel network.

    Attributes
    ----------
    sites : ndarray of int, shape (n,)
        Sites with an endothelial cell.
    edges : ndarray of int, shape (m, 2)
        Pairs of neighboring sites that are linked.
    arterioles, venules : ndarray of int
        Feeding and draining sites, a subset of ``sites``.
    """

    sites: np.ndarray
    edges: np.ndarray
    arterioles: np.ndarray
    venules: np.ndarray


def capillary_mesh(lattice: Lattice, spacing: float, root_spacing: float, seed: int) -> CapillaryBed:
    """A capillary bed over the whole lattice.

    Parameters
    ----------
    spacing : float
        Width of a mesh of the bed in µm.
    root_spacing : float
        Minimum distance between two feeding or draining sites, µm.
    seed : int
        Seed of the run.

    Raises
    ------
    ValueError
        If the lattice is too small to hold a mesh with an arteriole and a venule.
    """
    points = _scatter(lattice, spacing, seed)
    vertices, ridges = _voronoi(lattice, points, 4.0 * spacing)
    edges: set[tuple[int, int]] = set()
    used: dict[int, None] = {}
    for a, b in ridges:
        line = _rasterize(lattice, vertices[a], vertices[b])
        for here, there in zip(line[:-1], line[1:], strict=True):
            edges.add((min(here, there), max(here, there)))
    for a, b in sorted(edges):
        used[a] = None
        used[b] = None
    if not used:
        raise ValueError(f"the lattice is too small for capillaries {spacing:g} um apart")
    sites = np.array(sorted(used), dtype=np.int64)
    pairs = np.array(sorted(edges), dtype=np.int64)
    inner = _roots(lattice, sites, pairs, root_spacing, seed)
    if len(inner) < 2:
        raise ValueError(f"the lattice is too small for an arteriole and a venule {root_spacing:g} um apart")
    # Where a capillary meets the border of the domain it goes on outside: blood enters or leaves there.
    ends = sites[_degree(lattice, pairs)[sites] == 1]
    side = uniforms(seed, derived_uid("border root", [ends]), 0, purpose("border root")) < 0.5
    return CapillaryBed(
        sites, pairs, np.concatenate([inner[0::2], ends[side]]), np.concatenate([inner[1::2], ends[~side]])
    )


def bed_from_sites(
    lattice: Lattice, neighbors: np.ndarray, sites: np.ndarray, kinds: np.ndarray, seed: int
) -> CapillaryBed:
    """A vessel network from imaged vessel sites.

    Neighboring sites are linked, diagonal ones only where no straight step leads there as well. Where ``kinds`` names
    no arteriole and venule, blood enters and leaves at the free ends of the network, drawn at random.

    Parameters
    ----------
    neighbors : ndarray of int, shape (sites, 26)
        ``vasculature.neighbor_table``.
    sites : ndarray of int, shape (n,)
    kinds : ndarray of str, shape (n,)
        endothelial, arteriole or venule.

    Raises
    ------
    ValueError
        If nothing is left where blood could enter and leave.
    """
    present = np.zeros(lattice.sites, dtype=bool)
    present[sites] = True
    edges: set[tuple[int, int]] = set()
    by_length = sorted(range(neighbors.shape[1]), key=lambda k: LENGTHS[k])
    for site in sites.tolist():
        linked: list[int] = []
        for there in neighbors[site, by_length].tolist():
            if there >= 0 and present[there] and not np.isin(neighbors[there], linked).any():
                linked.append(there)
                edges.add((min(site, there), max(site, there)))
    pairs = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2)
    arterioles, venules = sites[kinds == "arteriole"], sites[kinds == "venule"]
    if arterioles.size == 0 or venules.size == 0:
        ends = sites[_degree(lattice, pairs)[sites] == 1]
        side = uniforms(seed, derived_uid("table root", [ends]), 0, purpose("table root")) < 0.5
        arterioles, venules = ends[side], ends[~side]
    if arterioles.size == 0 or venules.size == 0:
        raise ValueError("the table names no arteriole and venule, and its network has no free ends for both")
    return CapillaryBed(sites, pairs, arterioles, venules)


def _scatter(lattice: Lattice, spacing: float, seed: int) -> np.ndarray:
    """Random seeds in µm (z, y, x) with a minimum distance, thrown until the domain is full."""
    extent = np.array(lattice.shape) * lattice.spacing
    active = np.array(lattice.shape) > 1
    dimensions = int(active.sum())
    distance = spacing / _CELL_SIZE[dimensions] ** (1.0 / dimensions)
    expected = float(np.prod(extent[active])) / spacing**dimensions
    darts = int(_DARTS_PER_SEED * max(expected, 4.0))
    uid = derived_uid("capillary seed", [np.arange(darts)])
    coordinates = np.stack([uniforms(seed, uid, 0, purpose("capillary seed") + np.uint64(k)) for k in range(3)], axis=1)
    coordinates = coordinates * extent
    coordinates[:, ~active] = 0.5 * lattice.spacing
    return coordinates[_apart(coordinates, distance, lattice)]


def _apart(points: np.ndarray, distance: float, lattice: Lattice) -> list[int]:
    """Those of some points (µm) that are at least so far from all kept before them.

    Points kept are found by boxes at least as wide as the distance, so that only those in a point's own box and around
    it can be too near.
    """
    extent = [n * lattice.spacing for n in lattice.shape]
    boxes = [max(1, int(size / distance)) for size in extent]
    # Neighbors of a box along each axis, each once: a periodic axis of one or two boxes meets itself.
    around = [
        [sorted({(k + d) % n if wraps else min(max(k + d, 0), n - 1) for d in (-1, 0, 1)}) for k in range(n)]
        for n, wraps in zip(boxes, lattice.periodic, strict=True)
    ]
    box_of = [np.minimum((points[:, k] / extent[k] * boxes[k]).astype(int), boxes[k] - 1) for k in range(3)]
    kept_in: dict[tuple[int, ...], list[list[float]]] = {}
    kept = []
    axes = list(zip(extent, lattice.periodic, strict=True))
    for i, (point, *box) in enumerate(zip(points.tolist(), *(column.tolist() for column in box_of), strict=True)):
        near = (other for at in product(*(around[k][box[k]] for k in range(3))) for other in kept_in.get(at, ()))
        for other in near:
            squared = 0.0
            for here, there, (size, wraps) in zip(point, other, axes, strict=True):
                gap = abs(here - there)
                gap = min(gap, size - gap) if wraps else gap
                squared += gap * gap
            if squared < distance**2:
                break
        else:
            kept.append(i)
            kept_in.setdefault(tuple(box), []).append(point)
    return kept


def _voronoi(lattice: Lattice, points: np.ndarray, margin: float) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Vertices (µm) and edges of the Voronoi cells of points and of their mirror or periodic images.

    Images further than the margin from the domain are left out.
    """
    from scipy.spatial import Voronoi

    extent = np.array(lattice.shape) * lattice.spacing
    active = [axis for axis in range(3) if lattice.shape[axis] > 1]
    images = points
    for axis in active:
        low, high = images.copy(), images.copy()
        if lattice.periodic[axis]:
            low[:, axis] -= extent[axis]
            high[:, axis] += extent[axis]
        else:
            low[:, axis] *= -1.0
            high[:, axis] = 2.0 * extent[axis] - high[:, axis]
        images = np.concatenate([images, low, high])
        images = images[(images[:, axis] > -margin) & (images[:, axis] < extent[axis] + margin)]
    if len(active) == 1:
        return _along_a_line(lattice, active[0])
    diagram = Voronoi(images[:, active])
    vertices = np.full((diagram.vertices.shape[0], 3), 0.5 * lattice.spacing)
    vertices[:, active] = diagram.vertices
    closed = len(active) == 3  # in space a ridge is a polygon
    ridges = [np.array(ridge) for ridge in diagram.ridge_vertices]
    ends = np.concatenate(
        [np.stack([ridge, np.roll(ridge, -1)], axis=1)[: ridge.size if closed else -1] for ridge in ridges]
    )
    pairs = np.unique(np.sort(ends[(ends >= 0).all(axis=1)], axis=1), axis=0)
    middle = 0.5 * (vertices[pairs[:, 0]] + vertices[pairs[:, 1]])
    inside = np.ones(len(pairs), dtype=bool)
    for axis in active:
        # An edge along the domain's face separates a seed from its own mirror image: it is no capillary.
        least = 0.0 if lattice.periodic[axis] else 0.5 * lattice.spacing
        inside &= (middle[:, axis] > least) & (middle[:, axis] < extent[axis] - least)
    return vertices, [(a, b) for a, b in pairs[inside].tolist()]


def _along_a_line(lattice: Lattice, axis: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """In one dimension the only bed is a capillary along the axis."""
    ends = np.full((2, 3), 0.5 * lattice.spacing)
    ends[1, axis] = (lattice.shape[axis] - 0.5) * lattice.spacing
    return ends, [(0, 1)]


def _rasterize(lattice: Lattice, start: np.ndarray, end: np.ndarray) -> list[int]:
    """Sites along a straight piece, each a neighbor of the one before."""
    a = start / lattice.spacing - 0.5
    b = end / lattice.spacing - 0.5
    steps = max(1, int(np.ceil(np.abs(b - a).max())))
    points = np.rint(a + (b - a) * (np.arange(steps + 1) / steps)[:, None]).astype(np.int64)
    shape = np.array(lattice.shape)
    periodic = np.array(lattice.periodic)
    points = np.where(periodic, points % shape, np.clip(points, 0, shape - 1))
    line: list[int] = []
    for site in lattice.site(points[:, 0], points[:, 1], points[:, 2]).tolist():
        if not line or line[-1] != site:
            line.append(site)
    return line


def _roots(lattice: Lattice, sites: np.ndarray, edges: np.ndarray, distance: float, seed: int) -> np.ndarray:
    """Junctions of the mesh at a minimum distance from each other, in an order in which neighbors alternate."""
    junctions = sites[_degree(lattice, edges)[sites] >= 3]
    if junctions.size < 2:
        junctions = sites
    order = np.argsort(uniforms(seed, derived_uid("vessel root", [junctions]), 0, purpose("vessel root")))
    junctions = junctions[order]
    kept = _apart(lattice.centers(junctions), distance, lattice)
    return junctions[_alternating(lattice.centers(junctions[kept]), kept)]


def _degree(lattice: Lattice, edges: np.ndarray) -> np.ndarray:
    """Number of edges at each site of the lattice."""
    return np.bincount(edges.ravel(), minlength=lattice.sites)


def _alternating(centers: np.ndarray, kept: list[int]) -> list[int]:
    """Order points so that even and odd positions interleave in space: a walk to the nearest point not visited."""
    left = list(range(len(kept)))
    walk = [left.pop(0)]
    while left:
        gaps = ((centers[left] - centers[walk[-1]]) ** 2).sum(axis=1)
        walk.append(left.pop(int(np.argmin(gaps))))
    return [kept[i] for i in walk]
