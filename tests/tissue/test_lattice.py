"""The lattice: sites, coordinates, neighbors and the geometry that kernels use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorabm.tissue.geometry import occupied_share, shifted, squared_distance, unit_gradient
from tumorabm.tissue.lattice import FIXED, NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.vasculature import DIRECTIONS, LENGTHS, OFFSETS, neighbor_table

shapes = st.tuples(*(st.integers(1, 6),) * 3)
kinds = st.tuples(*(st.booleans(),) * 3)


def lattice_of(shape: tuple[int, int, int], periodic: tuple[bool, bool, bool]) -> Lattice:
    faces = tuple(PERIODIC if p else NO_FLUX for p in periodic for _ in range(2))
    return Lattice(shape, 20.0, faces)


def moved(lattice: Lattice, site: int, offset: tuple[int, int, int]) -> int:
    """Site at an offset, in words: wrapped on periodic axes, -1 beyond a wall."""
    there = []
    for axis, (at, step) in enumerate(zip(lattice.coordinates(site), offset, strict=True)):
        now = int(at) + step
        if lattice.periodic[axis]:
            now %= lattice.shape[axis]
        if not 0 <= now < lattice.shape[axis]:
            return -1
        there.append(now)
    return int(lattice.site(*there))


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_coordinates_and_sites_are_each_others_inverse(shape) -> None:
    lattice = Lattice(shape, 20.0)
    sites = np.arange(lattice.sites)
    z, y, x = lattice.coordinates(sites)
    assert (np.stack([z, y, x]) < np.array(shape)[:, None]).all()
    np.testing.assert_array_equal(lattice.site(z, y, x), sites)
    np.testing.assert_array_equal(np.ravel_multi_index((z, y, x), shape), sites)
    np.testing.assert_array_equal(lattice.centers(sites)[-1], (np.array(shape) - 0.5) * 20.0)


@settings(max_examples=60, deadline=None)
@given(shapes, kinds)
def test_the_neighbor_table_is_what_the_offsets_say(shape, periodic) -> None:
    lattice = lattice_of(shape, periodic)
    table = neighbor_table(lattice)
    for site in np.unique(np.linspace(0, lattice.sites - 1, 12).astype(int)).tolist():
        for k, offset in enumerate(OFFSETS.tolist()):
            there = moved(lattice, site, tuple(offset))
            assert table[site, k] == (-1 if there == site else there)
            if table[site, k] >= 0:
                assert table[there, DIRECTIONS - 1 - k] == site


@settings(max_examples=60, deadline=None)
@given(shapes, kinds, st.data())
def test_offsets_and_distances_of_kernels(shape, periodic, data) -> None:
    lattice = lattice_of(shape, periodic)
    site = data.draw(st.integers(0, lattice.sites - 1))
    offset = data.draw(st.tuples(*(st.integers(-7, 7),) * 3))
    assert shifted(site, *offset, lattice.geometry) == moved(lattice, site, offset)
    other = data.draw(st.integers(0, lattice.sites - 1))
    gap = np.abs(lattice.centers(np.array(site)) - lattice.centers(np.array(other))) / 20.0
    around = np.where(periodic, np.minimum(gap, np.array(shape) - gap), gap)
    assert squared_distance(site, other, lattice.geometry) == pytest.approx((around**2).sum())


@settings(max_examples=60, deadline=None)
@given(shapes, kinds, st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_box_around_a_site(shape, periodic, radius, seed) -> None:
    """Every site within the radius along all axes counts once; what lies beyond a wall is not there."""
    lattice = lattice_of(shape, periodic)
    rng = np.random.default_rng(seed)
    occupied = np.where(rng.random(lattice.sites) < 0.5, 0, -1).astype(np.int32)
    site = int(rng.integers(lattice.sites))
    reach = range(-radius, radius + 1)
    box = {moved(lattice, site, (a, b, c)) for a in reach for b in reach for c in reach} - {-1}
    assert occupied_share(site, occupied, lattice.geometry, radius) == np.mean([occupied[there] >= 0 for there in box])


def test_directions_and_their_lengths() -> None:
    assert DIRECTIONS == 26 == len({tuple(o) for o in OFFSETS.tolist()})
    np.testing.assert_array_equal(OFFSETS, -OFFSETS[::-1])
    np.testing.assert_allclose(sorted(LENGTHS), [1.0] * 6 + [2**0.5] * 12 + [3**0.5] * 8)


@pytest.mark.parametrize("shape", [(1, 9, 9), (9, 9, 9), (1, 1, 9)])
def test_the_gradient_of_a_slope_points_up(shape) -> None:
    lattice = Lattice(shape, 20.0)
    neighbors = neighbor_table(lattice)
    slope = np.where(np.array(shape) > 1, [0.6, 0.0, 0.8], 0.0)
    slope /= np.linalg.norm(slope)
    field = lattice.centers(np.arange(lattice.sites)) @ slope
    for site in (0, lattice.sites // 2, lattice.sites - 1):
        np.testing.assert_allclose(unit_gradient(site, field, neighbors), slope, atol=1e-12)
    assert not unit_gradient(3, np.ones(lattice.sites), neighbors).any()


def test_what_a_lattice_cannot_be() -> None:
    for shape in ((0, 4, 4), (4, 4)):
        with pytest.raises(ValueError, match="shape"):
            Lattice(shape, 20.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="spacing"):
        Lattice((1, 4, 4), 0.0)
    with pytest.raises(ValueError, match="both faces of axis y"):
        Lattice((1, 4, 4), 20.0, (NO_FLUX, NO_FLUX, PERIODIC, FIXED, NO_FLUX, NO_FLUX))


def test_dimensions() -> None:
    assert [Lattice(shape, 20.0).dimensions for shape in ((1, 1, 1), (1, 1, 4), (1, 4, 4), (4, 1, 4), (4, 4, 4))] == [
        1, 1, 2, 2, 3,
    ]  # fmt: skip
    assert Lattice((2, 3, 4), 10.0).site_volume == 1000.0
