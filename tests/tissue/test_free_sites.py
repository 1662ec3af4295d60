"""The search for the nearest free site against looking at all of them."""

from __future__ import annotations

import numpy as np
import pytest

from tumorabm.tissue.free_sites import change_free, count_free, nearest_free_squared
from tumorabm.tissue.geometry import squared_distance
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice

FAR = 10**9


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("slab", [True, False])
def test_the_nearest_free_site_is_found(seed: int, slab: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 27, 3))
    shape = (1, *shape[1:]) if slab else shape
    faces = tuple(int(face) for face in np.repeat(rng.choice([NO_FLUX, PERIODIC], 3), 2))
    lattice = Lattice(shape, 20.0, faces)
    for share in (0.0, 0.001, 0.02, 0.3):
        occupied = np.where(rng.random(lattice.sites) < share, -1, 5).astype(np.int32)
        free = count_free(occupied, lattice.geometry)
        assert free.sum() == np.count_nonzero(occupied < 0)
        targets = np.flatnonzero(occupied < 0)
        for start in rng.choice(np.flatnonzero(occupied >= 0), 5).tolist():
            most = int(rng.choice([4, 50, 2500]))
            nearest = min((squared_distance(start, int(t), lattice.geometry) for t in targets), default=FAR)
            expected = nearest if nearest <= most else -1
            assert nearest_free_squared(start, occupied, free, lattice.geometry, most) == expected


def test_counts_follow_changes() -> None:
    lattice = Lattice((3, 20, 17), 20.0)
    occupied = np.zeros(lattice.sites, dtype=np.int32)
    free = count_free(occupied, lattice.geometry)
    site = int(lattice.site(2, 9, 16))
    change_free(free, site, 1, lattice.geometry)
    occupied[site] = -1
    np.testing.assert_array_equal(free, count_free(occupied, lattice.geometry))
    change_free(free, site, -1, lattice.geometry)
    assert not free.any()
