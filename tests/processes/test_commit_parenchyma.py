"""COMMIT of the parenchyma: pushing, dying, closing ranks, hopping; nobody is lost and nobody shares a site."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_tumor, same_contents
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial import ConvexHull

from tumorabm.processes.fate import cohesion, commit
from tumorabm.processes.fate.cohesion import density
from tumorabm.processes.fate.commit import CommitParenchyma, shells
from tumorabm.tissue.cells import ALIVE, APOPTOTIC, NECROTIC, PARENCHYMA, TUMOR
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.random import mix
from tumorabm.tissue.requests import APOPTOSIS, CLEAR, DIVIDE, MIGRATE, NECROSIS
from tumorabm.tissue.tissue import Tissue

PERIODIC_FACES = (PERIODIC,) * 6


def prepared(
    shape: tuple[int, int, int], seed: int = 1, faces=(NO_FLUX,) * 6, **values: float
) -> tuple[Tissue, CommitParenchyma]:
    process = process_of("commit_parenchyma", **values)
    tissue = bare_tissue(shape, faces=faces, processes=[process], seed=seed)
    return tissue, process


def ask(tissue: Tissue, kind: int, rows: object, times: object = 0.5) -> None:
    rows = np.atleast_1d(np.asarray(rows, dtype=np.int64))
    tissue.requests.add(kind, rows, np.broadcast_to(np.asarray(times, dtype=float), rows.shape))


def carry_out(tissue: Tissue, process: CommitParenchyma) -> None:
    """COMMIT, and what follows it."""
    process.step(tissue, 2.0)
    process_of("compaction").step(tissue, 2.0)
    tissue.requests.clear()
    tissue.step_number += 1


def consistent(tissue: Tissue) -> None:
    """Every cell has a site of its own, and the occupancy says so."""
    cells = tissue.cells
    assert np.unique(cells["site"]).size == cells.n and np.unique(cells["uid"]).size == cells.n
    occupied = np.full(tissue.lattice.sites, -1)
    occupied[cells["site"]] = np.arange(cells.n)
    np.testing.assert_array_equal(cells.occupancy[PARENCHYMA], occupied)


def picture(tissue: Tissue) -> list[str]:
    grid = np.where(tissue.cells.occupancy[PARENCHYMA] >= 0, "#", ".").reshape(tissue.lattice.shape)
    return ["".join(line) for line in grid[tissue.lattice.shape[0] // 2]]


def disc(tissue: Tissue, radius: float) -> np.ndarray:
    """Sites of a disc or ball about the middle of the lattice."""
    gaps = (
        np.stack(tissue.lattice.coordinates(np.arange(tissue.lattice.sites)))
        - (np.array(tissue.lattice.shape) // 2)[:, None]
    )
    return np.flatnonzero((gaps**2).sum(axis=0) <= radius**2)


# --- division -------------------------------------------------------------------------------------------------------


def test_a_daughter_goes_beside_its_mother() -> None:
    tissue, process = prepared((1, 7, 7))
    put_tumor(tissue, [24], clone=3)
    mother = tissue.cells["uid"][0]
    ask(tissue, DIVIDE, 0)
    carry_out(tissue, process)
    cells = tissue.cells
    assert cells.n == 2 and cells["site"][0] == 24
    assert cells["site"][1] in (17, 23, 25, 31)  # the nearest sites
    assert cells["births"].tolist() == [1, 0] and cells["clone"].tolist() == [3, 3]
    assert cells["uid"].tolist() == [mother, mix(mother, np.uint64(1))]
    consistent(tissue)


def test_directions_of_division_are_equally_frequent() -> None:
    tissue, process = prepared((1, 120, 120))
    z, y, x = np.meshgrid([0], np.arange(1, 119, 3), np.arange(1, 119, 3), indexing="ij")
    mothers = put_tumor(tissue, tissue.lattice.site(z, y, x).ravel())
    ask(tissue, DIVIDE, mothers)
    uids = tissue.cells["uid"].copy()
    carry_out(tissue, process)
    mother_of = {mix(uid, np.uint64(1)): int(site) for uid, site in zip(uids, tissue.cells["site"], strict=False)}
    daughters = slice(mothers.size, None)
    pairs = zip(tissue.cells["uid"][daughters].tolist(), tissue.cells["site"][daughters].tolist(), strict=True)
    steps = [site - mother_of[uid] for uid, site in pairs]
    moves, counts = np.unique(steps, return_counts=True)
    assert moves.tolist() == [-120, -1, 1, 120]
    assert np.abs(counts / mothers.size - 0.25).max() < 4.0 * np.sqrt(0.25 * 0.75 / mothers.size)


def test_a_cell_inside_pushes_towards_the_nearest_free_site() -> None:
    """In a 5 by 5 block with the hole of one site, the cells between mother and hole move up by one."""
    tissue, process = prepared((1, 7, 7))
    full = [7 * y + x for y in range(7) for x in range(7) if (y, x) != (3, 6)]
    put_tumor(tissue, full)
    row = {site: row for row, site in enumerate(full)}
    ask(tissue, DIVIDE, row[7 * 3 + 3])
    carry_out(tissue, process)
    cells = tissue.cells
    assert cells.n == 49
    assert cells["site"][row[7 * 3 + 3]] == 7 * 3 + 3  # the mother stays
    assert cells["site"][-1] == 7 * 3 + 4  # the daughter is beside her
    assert cells["site"][row[7 * 3 + 4]] == 7 * 3 + 5 and cells["site"][row[7 * 3 + 5]] == 7 * 3 + 6
    consistent(tissue)


def test_diagonal_paths_move_in_a_line() -> None:
    tissue, process = prepared((1, 9, 9))
    full = [9 * y + x for y in range(9) for x in range(9) if (y, x) != (6, 8)]
    put_tumor(tissue, full)
    row = {site: row for row, site in enumerate(full)}
    ask(tissue, DIVIDE, row[9 * 4 + 4])
    before = tissue.cells["site"].copy()
    carry_out(tissue, process)
    moved = {int(before[r]): int(tissue.cells["site"][r]) for r in np.flatnonzero(before != tissue.cells["site"][:80])}
    # 4 to the right and 2 down: every other step goes down, halves to the even.
    assert moved == {9 * 4 + 5: 9 * 5 + 6, 9 * 5 + 6: 9 * 6 + 7, 9 * 6 + 7: 9 * 6 + 8}
    assert tissue.cells["site"][-1] == 9 * 4 + 5
    consistent(tissue)


def test_pushing_ends_at_its_reach() -> None:
    """The hole is five sites off: a reach of 100 µm gets there, one of 80 µm does not, and the mother waits."""
    for reach, born in ((80.0, 0), (100.0, 1)):
        tissue, process = prepared((1, 1, 12), pushing_reach=reach)
        put_tumor(tissue, [site for site in range(12) if site != 7])
        ask(tissue, DIVIDE, 2)
        carry_out(tissue, process)
        assert tissue.cells.n == 11 + born
        assert tissue.cells["births"].tolist() == [int(born and r == 2) for r in range(11 + born)]


def test_in_a_full_lattice_nobody_is_born() -> None:
    tissue, process = prepared((1, 6, 6), faces=PERIODIC_FACES)
    put_tumor(tissue, np.arange(36))
    ask(tissue, DIVIDE, np.arange(36))
    before = tissue.state()
    carry_out(tissue, process)
    for name, array in before.items():
        if name != "step_number":
            np.testing.assert_array_equal(tissue.state()[name], array)


def test_events_of_a_step_see_those_before_them() -> None:
    """One free site and two that divide: the earlier one gets it. A site freed before is free."""
    for times, winner in (((0.1, 0.9), 0), ((0.9, 0.1), 1)):
        tissue, process = prepared((1, 1, 3), pushing_reach=20.0)
        put_tumor(tissue, [0, 2])
        ask(tissue, DIVIDE, [0, 1], times)
        carry_out(tissue, process)
        assert tissue.cells["births"].tolist() == [int(winner == 0), int(winner == 1), 0]
    tissue, process = prepared((1, 1, 3), pushing_reach=20.0, collapse_reach=0.0)
    put_tumor(tissue, [0, 1, 2])
    ask(tissue, CLEAR, 1, 0.1)
    ask(tissue, DIVIDE, 0, 0.2)
    carry_out(tissue, process)
    assert tissue.cells.n == 3 and tissue.cells["births"].sum() == 1


@pytest.mark.parametrize("shape", [(1, 31, 31), (15, 15, 15)])
def test_what_grows_from_a_cell_is_round_and_without_holes(shape) -> None:
    tissue, process = prepared(shape)
    put_tumor(tissue, [tissue.lattice.sites // 2])
    while tissue.cells.n < 400:
        ask(tissue, DIVIDE, np.arange(tissue.cells.n))
        carry_out(tissue, process)
    occupied = (tissue.cells.occupancy[PARENCHYMA] >= 0).reshape(shape)
    assert (ndimage.binary_fill_holes(occupied) == occupied).all()
    consistent(tissue)
    at = np.argwhere(occupied).astype(float)
    axes = [axis for axis in range(3) if shape[axis] > 1]
    spread = np.var(at, axis=0)[axes]
    assert spread.max() / spread.min() < 1.3
    # A disc or ball of N sites has the variance R² / (d + 2) along an axis.
    d, n = len(axes), tissue.cells.n
    radius = np.sqrt(n / np.pi) if d == 2 else (3.0 * n / (4.0 * np.pi)) ** (1.0 / 3.0)
    assert spread.mean() < 1.08 * radius**2 / (d + 2)


# --- death and clearance --------------------------------------------------------------------------------------------


def test_the_dead_stay_until_they_are_cleared() -> None:
    tissue, process = prepared((1, 9, 9))
    put_tumor(tissue, [40, 41, 42])
    ask(tissue, APOPTOSIS, 0)
    ask(tissue, NECROSIS, 1)
    carry_out(tissue, process)
    assert tissue.cells["state"].tolist() == [APOPTOTIC, NECROTIC, ALIVE]
    assert tissue.cells["site"].tolist() == [40, 41, 42]
    ask(tissue, CLEAR, [0, 1])
    carry_out(tissue, process)
    assert tissue.cells.n == 1 and tissue.cells["state"].tolist() == [ALIVE]
    consistent(tissue)


def test_the_dead_do_not_move() -> None:
    tissue, process = prepared((1, 9, 9))
    put_tumor(tissue, [40], state=APOPTOTIC)
    for _ in range(20):
        ask(tissue, MIGRATE, 0)
        carry_out(tissue, process)
    assert tissue.cells["site"].tolist() == [40]


def clear_at_random(share: float, radius: int, seed: int, per_step: int = 25) -> tuple[Tissue, int]:
    """A disc that loses a share of its cells, some at each step, wherever they are."""
    tissue, process = prepared((1, 2 * radius + 15, 2 * radius + 15), seed=seed)
    put_tumor(tissue, disc(tissue, radius))
    rng = np.random.default_rng(seed)
    first = tissue.cells.n
    while tissue.cells.n > (1.0 - share) * first:
        ask(tissue, CLEAR, rng.choice(tissue.cells.n, per_step, replace=False), rng.random(per_step))
        carry_out(tissue, process)
    consistent(tissue)
    return tissue, first


@pytest.fixture(scope="module")
def shrunken() -> list[np.ndarray]:
    """Coordinates of what is left of discs that lost 60 % of their cells, about their centers."""
    out = []
    for seed in range(3):
        tissue, _ = clear_at_random(0.6, 26, seed)
        z, y, x = tissue.lattice.coordinates(tissue.cells["site"])
        at = np.stack([y, x], axis=1).astype(float)
        out.append(at - at.mean(axis=0))
    return out


def test_a_lesion_that_loses_cells_stays_compact(shrunken) -> None:
    """Without closing ranks the hull would keep its size, 2.5 times the area of the cells in it."""
    for at in shrunken:
        occupied = np.zeros((70, 70), dtype=bool)
        occupied[tuple(np.rint(at + 35).astype(int).T)] = True
        labels, _ = ndimage.label(occupied)
        assert np.bincount(labels[occupied]).max() == at.shape[0]
        assert ndimage.binary_fill_holes(occupied).sum() < 1.02 * at.shape[0]
        corners = (at[:, None, :] + 0.5 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])).reshape(-1, 2)
        assert ConvexHull(corners).volume < 1.15 * at.shape[0]


def directions(at: np.ndarray) -> np.ndarray:
    """Order of two and of four directions, mean(r^k cos kθ) / mean(r^k): 0 for a disc."""
    point = at[:, 1] + 1j * at[:, 0]
    two, four = abs((point**2).mean()), (point**4).real.mean()
    return np.array([two / (np.abs(point) ** 2).mean(), four / (np.abs(point) ** 4).mean()])


def test_a_lesion_that_loses_cells_stays_round(shrunken) -> None:
    """No diamonds (order of four directions 0.43) and no squares (-0.28); taking the lowest neighbor gave 0.38."""
    order = np.array([directions(at) for at in shrunken])
    assert abs(order[:, 1].mean()) < 0.1 and np.abs(order[:, 1]).max() < 0.15
    assert order[:, 0].max() < 0.15
    y, x = np.mgrid[-20:21, -20:21]
    diamond, square = np.abs(y) + np.abs(x) <= 20, np.maximum(np.abs(y), np.abs(x)) <= 20
    assert directions(np.argwhere(diamond) - 20.0)[1] > 0.4
    assert directions(np.argwhere(square) - 20.0)[1] < -0.25


def test_a_hole_leaves_the_lesion_where_it_is_exposed() -> None:
    """Clearing below a spike takes the spike away; clearing the middle of a disc takes a cell of its surface."""
    tissue, process = prepared((1, 41, 41))
    body, middle = disc(tissue, 9), 41 * 20 + 20
    spike = middle + 41 * np.array([10, 11, 12])
    put_tumor(tissue, np.concatenate([body, spike]))
    before = set(tissue.cells["site"].tolist())
    ask(tissue, CLEAR, int(np.flatnonzero(tissue.cells["site"] == spike[0])[0]))
    carry_out(tissue, process)
    assert before - set(tissue.cells["site"].tolist()) == {int(spike[-1])}
    ask(tissue, CLEAR, int(np.flatnonzero(tissue.cells["site"] == middle)[0]))
    carry_out(tissue, process)
    (left,) = before - set(tissue.cells["site"].tolist()) - {int(spike[-1])}
    assert not set((left + np.array([-41, -1, 1, 41])).tolist()) <= before


def test_ranks_close_within_their_reach_only() -> None:
    tissue, process = prepared((1, 41, 41), collapse_reach=0.0)
    put_tumor(tissue, disc(tissue, 9))
    row = int(np.flatnonzero(tissue.cells["site"] == 41 * 20 + 20)[0])
    ask(tissue, CLEAR, row)
    carry_out(tissue, process)
    assert picture(tissue)[20][20] == "."


def test_on_a_long_way_no_number_is_drawn_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """More moves than a purpose has draws: a hole drifts along a row of 700 cells."""
    n = 700
    tissue = bare_tissue((1, 1, n))
    put_tumor(tissue, np.arange(1, n))
    drawn = []

    def told(*who_and_when: np.uint64) -> float:
        drawn.append(tuple(int(number) for number in who_and_when))
        return 0.5

    monkeypatch.setattr(commit, "draw", told)
    cells = tissue.cells
    end = commit._close_ranks.py_func(
        0, cells["site"], cells.occupancy[PARENCHYMA], tissue.vasculature.neighbors, cells["cell_type"],
        -np.arange(float(n)), n, np.uint64(1), np.uint64(2), np.uint64(3),
    )  # fmt: skip
    assert end == n - 1
    assert len(drawn) == n - 1 == len(set(drawn))
    purposes = {stream >> 8 for *_, stream in drawn}
    assert purposes == {int(commit._CLOSING) >> 8}


def test_more_hops_than_can_be_told_apart_are_refused() -> None:
    process = process_of("commit_parenchyma")
    tissue = bare_tissue((1, 3, 3), processes=[process])
    row = put_tumor(tissue, [4])
    tissue.requests.add(MIGRATE, row, np.ones(1), np.array([256]))
    with pytest.raises(ValueError, match="a cell asks for 257 hops in a step; at most 256 can be told apart"):
        process.step(tissue, 2.0)


def test_cohesion_is_seen_alike_everywhere() -> None:
    """The part of the lattice that is looked at does not decide on cohesion, and inside is more than outside."""
    radius = 6
    full = Lattice((1, 260, 280), 20.0)
    occupied = np.zeros(full.shape, dtype=bool)
    y, x = np.ogrid[:260, :280]
    occupied[0] = (y - 130) ** 2 + (x - 130) ** 2 <= radius**2
    cohesion = density(occupied, full)[0]
    framed = occupied.copy()
    framed[0, 0, 0] = framed[0, -1, -1] = True  # so that the window is the whole lattice
    whole = density(framed, full)[0]
    there = occupied[0]
    np.testing.assert_allclose(cohesion[there], whole[there], rtol=1e-9)
    assert cohesion[130, 130] == pytest.approx(cohesion[there].max(), rel=1e-9)
    assert cohesion[130, 136] == pytest.approx(cohesion[136, 130], rel=1e-9)
    assert (np.diff(cohesion[130, 130:137]) < 0).all()


def test_cohesion_around_a_periodic_axis() -> None:
    lattice = Lattice((1, 90, 90), 20.0, (NO_FLUX, NO_FLUX, *(PERIODIC,) * 4))
    occupied = np.zeros(lattice.shape, dtype=bool)
    occupied[0, 40:50, 40:50] = True
    moved = np.roll(occupied, (45, 45), axis=(1, 2))
    np.testing.assert_allclose(
        np.roll(density(occupied, lattice), (45, 45), axis=(1, 2)), density(moved, lattice), rtol=1e-9
    )
    np.testing.assert_allclose(density(occupied, lattice).sum(), 3 * 100.0)  # three scales, each keeps the total


def test_walls_reflect_cohesion() -> None:
    """A lesion at a wall is seen as one half of a whole: with its mirror image on a lattice twice as wide."""
    for extent in (300, 40):  # the other walls far away, or all near
        occupied = np.zeros((1, extent, extent), dtype=bool)
        y, x = np.ogrid[:extent, :extent]
        occupied[0] = (y - 20) ** 2 + (x + 0.5) ** 2 <= 12**2
        half = density(occupied, Lattice(occupied.shape, 20.0))
        both = np.concatenate([occupied[:, :, ::-1], occupied], axis=2)
        whole = density(both, Lattice(both.shape, 20.0))[:, :, extent:]
        np.testing.assert_allclose(half[occupied], whole[occupied], rtol=1e-9)
        assert half[0, 20, 0] == half[occupied].max()


def test_a_lesion_at_a_wall_does_not_shrink_from_it() -> None:
    """Half a disc that loses 60 % of its cells stays at its wall, and half a disc."""
    depths, feet = [], []
    y, x = np.ogrid[:60, :40]
    for seed in range(4):
        tissue, process = prepared((1, 60, 40), seed=seed)
        rows = put_tumor(tissue, np.flatnonzero((y - 30) ** 2 + (x + 0.5) ** 2 <= 22**2))
        order = np.random.default_rng(seed).permutation(tissue.cells["uid"])[: int(0.6 * rows.size)]
        for uids in np.array_split(order, 20):
            ask(tissue, CLEAR, np.flatnonzero(np.isin(tissue.cells["uid"], uids)))
            carry_out(tissue, process)
        columns = tissue.lattice.coordinates(tissue.cells["site"])[2]
        radius = np.sqrt(2.0 * tissue.cells.n / np.pi)
        depths.append((columns.mean() + 0.5) / (4.0 * radius / (3.0 * np.pi)))
        feet.append(np.count_nonzero(columns == 0) / (2.0 * radius))
    assert np.mean(depths) == pytest.approx(1.0, abs=0.06)
    assert np.mean(feet) == pytest.approx(1.0, abs=0.12)


def test_shells_are_by_distance() -> None:
    offsets, starts = shells(Lattice((1, 30, 30), 20.0), 100.0)
    squared = (offsets**2).sum(axis=1)
    assert (np.diff(squared) >= 0).all() and squared.max() == 25 and squared.min() == 1
    assert starts[0] == 0 and starts[-1] == squared.size
    for begin, end in zip(starts[:-1], starts[1:], strict=True):
        assert np.unique(squared[begin:end]).size == 1
    assert np.unique(squared).size == starts.size - 1
    assert squared.size == sum(0 < y * y + x * x <= 25 for y in range(-5, 6) for x in range(-5, 6))


# --- hops -----------------------------------------------------------------------------------------------------------


def test_adhesion_holds_a_cell_that_would_lose_neighbors() -> None:
    """From a flat surface to the corner of nowhere: exp(-A n), n = 3 neighbors lost of a cell on top of a row."""
    hopped = {}
    for adhesion in (0.0, 0.5):
        tissue, process = prepared((1, 3, 3000), adhesion=adhesion, seed=3)
        # Triplets below, one cell on top of each middle: beside it are 2 of the 3, above it none.
        below = np.concatenate([6000 + 10 * i + np.arange(3) for i in range(290)])
        top = 3000 + 10 * np.arange(290) + 1
        rows = put_tumor(tissue, np.concatenate([top, below]))[:290]
        ask(tissue, MIGRATE, rows)
        carry_out(tissue, process)
        steps = tissue.cells["site"][rows] - top
        hopped[adhesion] = np.array([np.mean(steps == d) for d in (-1, 1, -3000, 3000)])
    np.testing.assert_allclose(hopped[0.0], [0.25, 0.25, 0.25, 0.0], atol=0.08)
    # Sideways one neighbor is lost (3 to 2), upwards all three.
    np.testing.assert_allclose(hopped[0.5], 0.25 * np.exp([-0.5, -0.5, -1.5, -np.inf]), atol=0.07)


def test_nobody_hops_onto_another() -> None:
    tissue, process = prepared((1, 1, 4), adhesion=0.0)
    put_tumor(tissue, [1, 2])
    for _ in range(60):
        ask(tissue, MIGRATE, [0, 1], [0.1, 0.2])
        carry_out(tissue, process)
        consistent(tissue)
        assert tissue.cells["site"][0] < tissue.cells["site"][1]


# --- all together ---------------------------------------------------------------------------------------------------


def crowd(
    seed: int, shape: tuple[int, int, int], faces: tuple[int, ...]
) -> tuple[Tissue, CommitParenchyma, np.random.Generator]:
    rng = np.random.default_rng(seed)
    tissue, process = prepared(
        shape, seed=seed, faces=faces, adhesion=0.5, pushing_reach=float(rng.choice([20, 60, 400]))
    )
    sites = np.flatnonzero(rng.random(tissue.lattice.sites) < rng.uniform(0.1, 1.0))
    put_tumor(tissue, sites, clone=np.arange(sites.size))
    return tissue, process, rng


def ask_at_random(tissue: Tissue, rng: np.random.Generator) -> np.ndarray:
    """At most one risk per cell, as competing risks do, and some hops. Returns the kind for each row, -1 for none."""
    n = tissue.cells.n
    alive = tissue.cells["state"] == ALIVE
    risk = rng.choice([-1, DIVIDE, APOPTOSIS, NECROSIS], n, p=[0.4, 0.4, 0.1, 0.1])
    kind = np.where(alive, risk, np.where(rng.random(n) < 0.5, CLEAR, -1))
    time = rng.random(n)
    for event in (DIVIDE, APOPTOSIS, NECROSIS, CLEAR):
        rows = np.flatnonzero(kind == event)
        ask(tissue, event, rows, time[rows])
    rows = np.flatnonzero(alive & (rng.random(n) < 0.3))
    ask(tissue, MIGRATE, rows, rng.random(rows.size))
    return kind


SHAPES = st.sampled_from([(1, 9, 11), (1, 1, 17), (5, 4, 6), (4, 1, 9)])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), SHAPES, st.booleans())
def test_cells_are_conserved(seed: int, shape: tuple[int, int, int], periodic: bool) -> None:
    tissue, process, rng = crowd(seed, shape, PERIODIC_FACES if periodic else (NO_FLUX,) * 6)
    for _ in range(4):
        cells = tissue.cells
        uids, states = cells["uid"].copy(), cells["state"].copy()
        kind = ask_at_random(tissue, rng)
        carry_out(tissue, process)
        consistent(tissue)
        gone = np.setdiff1d(uids, cells["uid"])
        assert set(gone.tolist()) == set(uids[kind == CLEAR].tolist())
        born = np.setdiff1d(cells["uid"], uids)
        assert born.size <= (kind == DIVIDE).sum()
        if uids.size + (kind == DIVIDE).sum() <= tissue.lattice.sites and process.p.pushing_reach == 400.0:
            assert born.size == (kind == DIVIDE).sum()  # there was room for all, whatever came first
        known = {int(u): int(s) for u, s in zip(cells["uid"], cells["state"], strict=True)}
        for uid, state, event in zip(uids.tolist(), states.tolist(), kind.tolist(), strict=True):
            if event != CLEAR:
                assert known[uid] == {APOPTOSIS: APOPTOTIC, NECROSIS: NECROTIC}.get(event, state)
        assert all(known[int(uid)] == ALIVE for uid in born)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), SHAPES)
def test_the_order_of_rows_means_nothing(seed: int, shape: tuple[int, int, int]) -> None:
    one, process, _ = crowd(seed, shape, (NO_FLUX,) * 6)
    other, _, _ = crowd(seed, shape, (NO_FLUX,) * 6)
    order = np.random.default_rng(seed + 1).permutation(other.cells.n)
    other.cells.permute(order)
    ask_at_random(one, np.random.default_rng(5))
    kinds, rows, times, _ = one.requests.ordered((DIVIDE, APOPTOSIS, NECROSIS, CLEAR, MIGRATE), one.cells["uid"])
    place = np.argsort(order)
    for kind, row, time in zip(kinds.tolist(), place[rows].tolist(), times.tolist(), strict=True):
        ask(other, kind, row, time)
    for tissue in (one, other):
        carry_out(tissue, process)
    same_contents(one, other)


def test_the_plain_function_agrees_with_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for function in (commit._carry_out, commit._carry_out.py_func):
        tissue, process, rng = crowd(7, (1, 9, 11), (NO_FLUX,) * 6)
        monkeypatch.setattr(commit, "_carry_out", function)
        for _ in range(3):
            ask_at_random(tissue, rng)
            carry_out(tissue, process)
        results.append(tissue)
    same_contents(*results)
    assert (results[0].cells["cell_type"] == TUMOR).all() and results[0].cells.n > 20


@pytest.mark.parametrize("shape", [(1, 23, 70), (3, 23, 5), (70, 23, 1)])
@pytest.mark.parametrize("reach", [2, 7, 11, 24, 60])
@pytest.mark.parametrize(
    ("mode", "periodic", "walls"),
    [("wrap", True, (False, False)), ("reflect", False, (True, True)), ("constant", False, (False, False))],
)
def test_the_plain_box_mean_agrees_with_the_kernel_and_with_scipy(
    reach: int, mode: str, periodic: bool, walls, shape: tuple[int, int, int]
) -> None:
    layers = np.random.default_rng(0).random(shape)
    compiled, plain, expected = layers.copy(), layers.copy(), layers
    cohesion._box_means(compiled, reach, 4, periodic, *walls)
    cohesion._box_means.py_func(plain, reach, 4, periodic, *walls)
    np.testing.assert_allclose(compiled, plain, rtol=1e-13)
    for _ in range(4):
        expected = ndimage.uniform_filter1d(expected, 2 * reach + 1, axis=1, mode=mode)
    np.testing.assert_allclose(compiled, expected, rtol=1e-9)
