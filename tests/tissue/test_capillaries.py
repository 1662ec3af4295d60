"""The host's capillary bed: loops of the spacing asked for, in no direction of the lattice, between many roots."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import sparse

from tumorabm.tissue.capillaries import CapillaryBed, bed_from_sites, capillary_mesh
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.vasculature import neighbor_table

PLANE = Lattice((1, 150, 150), 20.0)
TORUS = Lattice((1, 150, 150), 20.0, (NO_FLUX, NO_FLUX, *(PERIODIC,) * 4))
SPACE = Lattice((30, 34, 38), 20.0)
BOXED_TORUS = Lattice((30, 34, 38), 20.0, (PERIODIC,) * 6)
SPACING, ROOTS = 200.0, 300.0


def make_bed(lattice: Lattice, seed: int) -> CapillaryBed:
    if lattice.dimensions == 3:
        return capillary_mesh(lattice, 140.0, 200.0, seed)
    return capillary_mesh(lattice, SPACING, ROOTS, seed)


@functools.cache
def bed_on(lattice: Lattice, seed: int = 1) -> CapillaryBed:
    """The bed of a seed, made once. Read only."""
    return make_bed(lattice, seed)


def gaps(lattice: Lattice, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shortest vectors between sites in spacings, shape (n, 3)."""
    shape = np.array(lattice.shape)
    apart = (lattice.centers(b) - lattice.centers(a)) / lattice.spacing
    return np.where(lattice.periodic, (apart + 0.5 * shape) % shape - 0.5 * shape, apart)


def length(lattice: Lattice, bed: CapillaryBed) -> float:
    """Total length of the edges in µm."""
    return float(np.linalg.norm(gaps(lattice, bed.edges[:, 0], bed.edges[:, 1]), axis=1).sum() * lattice.spacing)


def degrees(lattice: Lattice, bed: CapillaryBed) -> np.ndarray:
    return np.bincount(bed.edges.ravel(), minlength=lattice.sites)


@pytest.mark.parametrize("lattice", [PLANE, TORUS, SPACE, BOXED_TORUS], ids=["2d", "periodic", "3d", "periodic 3d"])
class TestMesh:
    def test_edges_join_neighbors_among_the_sites(self, lattice: Lattice) -> None:
        bed = bed_on(lattice)
        assert np.abs(gaps(lattice, bed.edges[:, 0], bed.edges[:, 1])).max() == 1.0
        assert (bed.edges[:, 0] < bed.edges[:, 1]).all()
        assert np.unique(bed.edges, axis=0).shape == bed.edges.shape
        np.testing.assert_array_equal(np.unique(bed.edges), bed.sites)

    def test_it_is_in_one_piece(self, lattice: Lattice) -> None:
        bed = bed_on(lattice)
        ends = np.searchsorted(bed.sites, bed.edges).T
        graph = sparse.coo_array((np.ones(ends.shape[1]), tuple(ends)), shape=(bed.sites.size,) * 2)
        _, label = sparse.csgraph.connected_components(graph, directed=False)
        assert np.bincount(label).max() > 0.97 * bed.sites.size

    def test_roots_are_apart_and_of_both_kinds(self, lattice: Lattice) -> None:
        bed = bed_on(lattice)
        assert np.intersect1d(bed.arterioles, bed.venules).size == 0
        assert np.isin(np.concatenate([bed.arterioles, bed.venules]), bed.sites).all()
        degree = degrees(lattice, bed)
        inner = np.concatenate([bed.arterioles, bed.venules])
        inner = inner[degree[inner] > 1]
        least = 200.0 if lattice.dimensions == 3 else ROOTS
        for i, site in enumerate(inner.tolist()):
            others = np.delete(inner, i)
            assert np.linalg.norm(gaps(lattice, np.full(others.size, site), others), axis=1).min() * 20.0 >= least
        share = bed.arterioles.size / (bed.arterioles.size + bed.venules.size)
        assert 0.3 < share < 0.7

    def test_every_end_is_a_root_at_the_border(self, lattice: Lattice) -> None:
        """Blood leaves where a capillary meets the border; inside the bed nothing ends."""
        bed = bed_on(lattice)
        ends = np.flatnonzero(degrees(lattice, bed) == 1)
        assert np.isin(ends, np.concatenate([bed.arterioles, bed.venules])).all()
        if all(lattice.periodic[axis] for axis in range(3) if lattice.shape[axis] > 1):
            assert ends.size == 0
        else:
            assert ends.size > 10
            at = np.stack(lattice.coordinates(ends), axis=1)
            border = np.minimum(at, np.array(lattice.shape) - 1 - at)
            border[:, np.array(lattice.shape) == 1] = 99
            assert (border.min(axis=1) <= 1).mean() > 0.95

    def test_it_is_a_function_of_the_seed(self, lattice: Lattice) -> None:
        one, again, other = bed_on(lattice), make_bed(lattice, 1), bed_on(lattice, seed=2)
        for part in ("sites", "edges", "arterioles", "venules"):
            np.testing.assert_array_equal(getattr(one, part), getattr(again, part))
        assert np.isin(one.sites, other.sites).mean() < 0.6


@pytest.mark.parametrize("spacing", [160.0, 240.0, 320.0])
def test_the_density_in_a_plane_follows_the_spacing(spacing: float) -> None:
    """Cells of area A = s² per seed: a Voronoi mesh has the edge length 2 sqrt(1/A) per area, within a few per cent.

    For random seeds it is exactly 2 sqrt(density) (Meijering 1953), for hexagons 1.861; seeds kept apart are between.
    Drawn on a lattice, a line is up to 8 % longer (1/cos 22.5°, 5 % in the mean).
    """
    measured = []
    for seed in range(3):
        bed = capillary_mesh(TORUS, spacing, 300.0, seed)
        measured.append(length(TORUS, bed) / (TORUS.sites * TORUS.spacing**2))
    expected = 1.9 * 1.055 / spacing
    assert np.mean(measured) == pytest.approx(expected, rel=0.08)


def test_the_density_in_space_follows_the_spacing() -> None:
    """Voronoi cells of random seeds have the edge length 5.83 density^(2/3) per volume (Meijering 1953)."""
    measured = [length(BOXED_TORUS, bed_on(BOXED_TORUS, seed)) for seed in (1, 2)]
    expected = 5.83 / 140.0**2 * BOXED_TORUS.sites * BOXED_TORUS.spacing**3
    assert np.mean(measured) == pytest.approx(expected, rel=0.15)


def test_the_bed_has_no_direction() -> None:
    """Twelve directions of its pieces over 200 µm are equally frequent, and there are few straight lines."""
    angles, straight = [], 0
    for seed in range(1, 5):
        bed = bed_on(TORUS, seed)
        neighbors: dict[int, list[int]] = {}
        for a, b in bed.edges.tolist():
            neighbors.setdefault(a, []).append(b)
            neighbors.setdefault(b, []).append(a)
        for site in bed.sites[::7].tolist():
            path = [site, neighbors[site][0]]
            while len(path) < 6 and len(neighbors[path[-1]]) == 2:
                path.append(next(n for n in neighbors[path[-1]] if n != path[-2]))
            if len(path) == 6:
                _, dy, dx = gaps(TORUS, np.array(path[:1]), np.array(path[-1:]))[0]
                angles.append(np.arctan2(dy, dx))
                straight += abs(dx) + abs(dy) == max(abs(dx), abs(dy)) == 5
    angles = np.array(angles)
    assert angles.size > 400
    # Neighboring pieces share a direction, hence a wide margin: the strength of order of 2 and of 4 directions.
    assert abs(np.exp(2j * angles).mean()) < 0.12
    assert abs(np.exp(4j * angles).mean()) < 0.15
    # Of random directions, those within 5.7 degrees of an axis look straight over five sites.
    assert straight / angles.size < 0.25


def test_no_line_along_the_lattice_runs_on() -> None:
    """The longest straight run along an axis is of the size of a mesh, not of the domain."""
    bed = bed_on(PLANE)
    image = np.zeros(PLANE.sites, dtype=bool)
    image[bed.sites] = True
    image = image.reshape(PLANE.shape[1:])
    for lines in (image, image.T):
        longest = max(len(run) for line in lines for run in "".join("#" if s else " " for s in line).split())
        assert longest < 2.0 * SPACING / PLANE.spacing


def test_a_line_has_one_capillary() -> None:
    bed = capillary_mesh(Lattice((1, 1, 40), 20.0), 100.0, 100.0, 1)
    np.testing.assert_array_equal(bed.sites, np.arange(40))
    assert bed.edges.shape == (39, 2)


def test_a_lattice_without_room() -> None:
    with pytest.raises(ValueError, match="too small"):
        capillary_mesh(Lattice((1, 12, 12), 20.0), 200.0, 2000.0, 1)


# --- from imaged sites ----------------------------------------------------------------------------------------------


def imaged(picture: list[str]) -> tuple[Lattice, CapillaryBed]:
    lattice = Lattice((1, len(picture), len(picture[0])), 20.0)
    grid = np.array([list(line) for line in picture]).ravel()
    sites = np.flatnonzero(grid != ".")
    names = {"o": "endothelial", "a": "arteriole", "v": "venule"}
    kinds = np.array([names[letter] for letter in grid[sites]])
    return lattice, bed_from_sites(lattice, neighbor_table(lattice), sites, kinds, seed=3)


def test_imaged_sites_are_linked_to_their_neighbors() -> None:
    _, bed = imaged(["a.....", ".oo...", "...oov"])
    assert bed.edges.tolist() == [[0, 7], [7, 8], [8, 15], [15, 16], [16, 17]]
    assert bed.arterioles.tolist() == [0] and bed.venules.tolist() == [17]


def test_a_corner_is_not_cut() -> None:
    """Two straight steps lead around it already."""
    _, bed = imaged(["aoo", "..o", "..v"])
    assert bed.edges.tolist() == [[0, 1], [1, 2], [2, 5], [5, 8]]


def test_free_ends_stand_in_for_roots_that_nobody_named() -> None:
    _, bed = imaged(["o.o.o", ".ooo.", "o.o.o"])
    roots = np.concatenate([bed.arterioles, bed.venules])
    assert bed.arterioles.size and bed.venules.size
    assert set(roots.tolist()) <= {0, 2, 4, 10, 12, 14}


def test_a_ring_has_no_end() -> None:
    with pytest.raises(ValueError, match="no free ends"):
        imaged(["ooo", "o.o", "ooo"])
