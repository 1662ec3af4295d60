"""How branched the border of a lesion is, and how far cells have gone beyond it."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, put, put_tumor

from tumorabm.processes.fate.commit import CommitParenchyma
from tumorabm.recording.border import branching_index, distance_from_bulk
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs
from tumorabm.tissue.cells import FIBROBLAST
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice

FLAT = Lattice((1, 101, 101), 20.0, (NO_FLUX,) * 6)
Y, X = np.mgrid[:101, :101]


def disc(radius: float, y: float = 50.0, x: float = 50.0) -> np.ndarray:
    return ((Y - y) ** 2 + (X - x) ** 2 <= radius**2)[None]


@pytest.mark.parametrize("radius", [10, 20, 40])
def test_a_disc_has_the_index_one(radius: int) -> None:
    assert branching_index(disc(radius), FLAT) == pytest.approx(1.0, abs=0.05)


def test_a_ball_has_the_index_one() -> None:
    z, y, x = np.mgrid[:41, :41, :41]
    lattice = Lattice((41, 41, 41), 20.0, (NO_FLUX,) * 6)
    ball = (z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 15**2
    assert branching_index(ball, lattice) == pytest.approx(1.0, abs=0.05)


def test_strands_and_clusters_raise_it_and_what_is_enclosed_does_not() -> None:
    compact = disc(20)
    branched = compact.copy()
    branched[0, 50, 70:95] = branched[0, 5:30, 50] = True
    assert branching_index(branched, FLAT) > 1.5
    # Two discs apart have the square root of two times the border of one as large as both.
    apart = disc(20, 25, 25) | disc(20, 75, 75)
    assert branching_index(apart, FLAT) == pytest.approx(np.sqrt(2.0) * branching_index(compact, FLAT), rel=1e-6)
    with_holes = compact.copy()
    with_holes[0, 45:55:3, 45:55:3] = False
    assert branching_index(with_holes, FLAT) == branching_index(compact, FLAT)
    assert np.isnan(branching_index(np.zeros_like(compact), FLAT))


def test_across_a_periodic_face_a_lesion_goes_on_and_a_wall_is_no_border() -> None:
    lattice = Lattice((1, 101, 101), 20.0, (PERIODIC,) * 6)
    moved = np.roll(disc(20), 50, axis=2)
    assert branching_index(moved, lattice) == pytest.approx(branching_index(disc(20), lattice))
    half = disc(20, x=0.0)
    faces = branching_index(half, FLAT) * 8.0 * np.sqrt(half.sum() / np.pi)
    assert faces == pytest.approx(41 + 2 * 21)  # not the 41 at the wall


def test_distance_from_the_bulk_sees_what_has_left_it() -> None:
    lesion = disc(20)
    lesion[0, 50, 90] = True
    distance = distance_from_bulk(lesion, FLAT)[0]
    assert distance[50, 50] == 0.0
    assert distance[50, 90] == pytest.approx(20.0 * (90 - 70), abs=21.0)
    assert np.isnan(distance_from_bulk(np.zeros_like(lesion), FLAT)).all()
    lattice = Lattice((1, 101, 101), 20.0, (PERIODIC,) * 6)
    moved = distance_from_bulk(np.roll(lesion, 45, axis=2), lattice)[0]
    np.testing.assert_allclose(np.roll(moved, -45, axis=1), distance_from_bulk(lesion, lattice)[0])
    assert moved[50, (90 + 45) % 101] == pytest.approx(distance[50, 90])


def test_outputs_of_a_lesion_with_a_cell_that_has_left_it() -> None:
    process = CommitParenchyma({"pushing_reach": 100.0, "collapse_reach": 100.0, "adhesion": 2.0}, invading=True)
    tissue = bare_tissue((1, 101, 101), processes=[process])
    values = {name: item.function for name, item in registered_outputs().items()}
    assert np.isnan(values["invasion_depth"](Measurement(tissue, {})))
    assert np.isnan(values["branching_index"](Measurement(tissue, {})))
    sites = np.flatnonzero(disc(20).reshape(-1))
    put_tumor(tissue, sites, hold=np.full(sites.size, 0.5))
    put(tissue, FIBROBLAST, [50 * 101 + 92])
    near = values["invasion_depth"](Measurement(tissue, {}))
    assert near <= 40.0 and values["detached_cells"](Measurement(tissue, {})) == 0
    put_tumor(tissue, [50 * 101 + 90], hold=np.array([2.0]))
    measurement = Measurement(tissue, {})
    outermost = -(-(sites.size + 1) // 100)
    expected = (20.0 * 20 + near * (outermost - 1)) / outermost
    assert values["invasion_depth"](measurement) == pytest.approx(expected, abs=10.0)
    assert values["detached_cells"](measurement) == 1
    assert values["tumor_hold"](measurement) == pytest.approx((0.5 * sites.size + 2.0) / (sites.size + 1))
    assert values["branching_index"](measurement) > 1.0
