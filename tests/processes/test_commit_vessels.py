"""COMMIT of the vessels: sprouts, their way, where they join; what regression leaves and what grows back into it."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_vessel, same_contents
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tumorabm.processes.vessels import commit
from tumorabm.processes.vessels.commit import CommitVessels
from tumorabm.tissue.cells import VESSEL
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC
from tumorabm.tissue.requests import ADVANCE, RECOLONIZE, REGRESS, SPROUT
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import DIRECTIONS, HOST, RECOLONIZED, SPROUTED, STALK, TIP

PERIODIC_FACES = (PERIODIC,) * 6
ROOMY = {"crowding_density": 1.0}  # never too crowded


def prepared(shape=(1, 30, 30), faces=(NO_FLUX,) * 6, seed: int = 1, **values: float) -> tuple[Tissue, CommitVessels]:
    process = process_of("commit_vessels", **values)
    tissue = bare_tissue(shape, faces=faces, processes=[process, process_of("lumen")], seed=seed)
    return tissue, process


def ask(tissue: Tissue, kind: int, rows: object, times: object = 0.5, number: int = 0) -> None:
    rows = np.atleast_1d(np.asarray(rows, dtype=np.int64))
    tissue.requests.add(kind, rows, np.broadcast_to(np.asarray(times, dtype=float), rows.shape), number)


def carry_out(tissue: Tissue, process: CommitVessels) -> None:
    process.step(tissue, 2.0)
    process_of("compaction").step(tissue, 2.0)
    tissue.requests.clear()
    tissue.step_number += 1


def slope(tissue: Tissue, axis: int = 2) -> None:
    """VEGF that rises along an axis."""
    z = np.indices(tissue.lattice.shape)[axis]
    tissue.microenvironment["vegf_a"].concentration[:] = 0.01 * (1 + z)


def tips(tissue: Tissue) -> np.ndarray:
    return np.flatnonzero(tissue.cells["phenotype"] == TIP)


def row_at(tissue: Tissue, site: int) -> int:
    return int(tissue.cells.occupancy[VESSEL, site])


def consistent(tissue: Tissue) -> None:
    """Links join living cells, sleeves at least one empty site, and both know of each other at both ends."""
    cells, vasculature = tissue.cells, tissue.vasculature
    assert np.unique(cells["site"]).size == cells.n and np.unique(cells["uid"]).size == cells.n
    there = np.zeros(tissue.lattice.sites, dtype=bool)
    there[cells["site"]] = True
    np.testing.assert_array_equal(there, cells.occupancy[VESSEL] >= 0)
    for k in range(DIRECTIONS):
        for words, joined in ((vasculature.links, "links"), (vasculature.sleeves, "sleeves")):
            here = np.flatnonzero((words >> np.uint32(k)) & np.uint32(1))
            other = vasculature.neighbors[here, k]
            assert (other >= 0).all()
            assert ((words[other] >> np.uint32(DIRECTIONS - 1 - k)) & np.uint32(1)).all(), joined
            if joined == "links":
                assert there[here].all() and there[other].all()
            else:
                assert not (there[here] & there[other]).any(), "a sleeve between two living cells"


# --- sprouts --------------------------------------------------------------------------------------------------------


def test_a_sprout_starts_up_the_gradient_and_is_linked() -> None:
    tissue, process = prepared(**ROOMY)
    put_vessel(tissue, [30 * y + 10 for y in range(5, 26)], coverage=1.0, lumen_age=100.0)
    slope(tissue)
    ask(tissue, SPROUT, 10)
    carry_out(tissue, process)
    (tip,) = tips(tissue)
    cells = tissue.cells
    assert cells["site"][tip] % 30 == 11 and tissue.vasculature.degree(cells["site"][tip : tip + 1])[0] == 1
    assert cells["coverage"][tip] == process.p.tumor_coverage and cells["origin"][tip] == SPROUTED
    assert cells["lumen_age"][tip] == 0.0
    assert cells["sprout"][tip] == cells["uid"][tip] and cells["births"][10] == 1
    np.testing.assert_array_equal(cells["tip_position"][tip], tissue.lattice.centers(cells["site"][tip : tip + 1])[0])
    assert np.linalg.norm(cells["tip_heading"][tip]) == pytest.approx(1.0)
    consistent(tissue)


def test_directions_of_sprouts_are_equally_frequent_where_vegf_is_flat() -> None:
    tissue, process = prepared((1, 150, 150), tip_spacing=0.0, **ROOMY)
    y, x = np.meshgrid(np.arange(3, 148, 5), np.arange(3, 148, 5), indexing="ij")
    for site in tissue.lattice.site(0, y, x).ravel().tolist():
        put_vessel(tissue, [site])
    mothers = tissue.cells["site"].copy()
    ask(tissue, SPROUT, np.arange(mothers.size))
    carry_out(tissue, process)
    # Each tip is in the Moore neighborhood of one mother: they are five sites apart.
    steps = [
        move for site in tissue.cells["site"][tips(tissue)] for move in MOORE if site - move in set(mothers.tolist())
    ]
    counts = [steps.count(move) for move in MOORE.tolist()]
    assert sum(counts) == mothers.size and stats.chisquare(counts)[1] > 1e-3


MOORE = np.array([-151, -150, -149, -1, 1, 149, 150, 151])


@pytest.mark.parametrize(("apart", "sprouts"), [(1, 1), (6, 2)])
def test_sprouts_of_one_step_keep_their_distance(apart: int, sprouts: int) -> None:
    """The second of two cells that are near each other sees the tip of the first."""
    tissue, process = prepared(tip_spacing=60.0, **ROOMY)
    put_vessel(tissue, np.arange(30 * 15 + 2, 30 * 15 + 28))
    ask(tissue, SPROUT, [10, 10 + apart], [0.1, 0.2])
    carry_out(tissue, process)
    assert tips(tissue).size == sprouts


def test_a_sprout_beside_a_tip_waits_for_it_to_leave() -> None:
    tissue, process = prepared(tip_spacing=60.0, **ROOMY)
    put_vessel(tissue, np.arange(30 * 15 + 2, 30 * 15 + 28))
    for distance, allowed in ((2, False), (3, True)):
        site = 30 * 15 + 12 - 30 * distance
        rows = put_vessel(tissue, [site], phenotype=TIP)
        before = tips(tissue).size
        ask(tissue, SPROUT, 10)
        carry_out(tissue, process)
        assert (tips(tissue).size > before) == allowed
        tissue.cells.keep(np.arange(tissue.cells.n) != rows[0])


def test_crowded_vessels_do_not_sprout_but_a_stump_does() -> None:
    """37 cells in a box of 11 by 11 sites, a length of h for each: the density is 37 / 121 / h²."""
    for factor, allowed in ((0.99, False), (1.01, True)):
        density = factor * 37 / 121 / 20.0**2
        tissue, process = prepared(crowding_density=density, crowding_radius=100.0, tip_spacing=0.0)
        for y in (8, 12, 16):
            put_vessel(tissue, [30 * y + x for x in range(4, 26)])
        put_vessel(tissue, [30 * 14 + x for x in (15, 14, 13, 12)])
        assert np.count_nonzero(tissue.cells.occupancy[VESSEL].reshape(30, 30)[7:18, 10:21] >= 0) == 37
        ask(tissue, SPROUT, row_at(tissue, 30 * 12 + 15))
        carry_out(tissue, process)
        assert tips(tissue).size == int(allowed)
        ask(tissue, SPROUT, row_at(tissue, 30 * 14 + 15))
        carry_out(tissue, process)
        assert tips(tissue).size == int(allowed) + 1


def test_tips_do_not_sprout() -> None:
    tissue, process = prepared(tip_spacing=0.0, **ROOMY)
    put_vessel(tissue, [400], phenotype=TIP)
    ask(tissue, SPROUT, 0)
    carry_out(tissue, process)
    assert tissue.cells.n == 1


# --- the way of a tip -----------------------------------------------------------------------------------------------


def lone_tip(shape=(1, 60, 60), faces=(NO_FLUX,) * 6, seed: int = 1, heading=(0.0, 0.0, 1.0), **values: float):
    """A tip in the middle, with nothing but itself."""
    tissue, process = prepared(shape, faces, seed, **values)
    site = int(tissue.lattice.site(*(n // 2 for n in shape)))
    rows = put_vessel(tissue, [site], phenotype=TIP)
    tissue.cells["tip_position"][rows] = tissue.lattice.centers(np.array([site]))
    tissue.cells["tip_heading"][rows] = heading
    tissue.cells["sprout"][rows] = tissue.cells["uid"][rows]
    return tissue, process, int(tissue.cells["uid"][0])


def test_a_tip_that_only_persists_goes_straight_and_leaves_a_linked_stalk() -> None:
    tissue, process, uid = lone_tip(chemotaxis=0.0, noise=0.0, persistence=1.0)
    for _ in range(20):
        ask(tissue, ADVANCE, int(np.flatnonzero(tissue.cells["uid"] == uid)[0]))
        carry_out(tissue, process)
    cells = tissue.cells
    assert sorted(cells["site"].tolist()) == [60 * 30 + x for x in range(30, 41)]
    assert cells["uid"][tips(tissue)].tolist() == [uid] and cells["site"][tips(tissue)].tolist() == [60 * 30 + 40]
    assert (cells["phenotype"] == STALK).sum() == 10 and (cells["sprout"] == uid).all()
    assert tissue.vasculature.degree(np.arange(60 * 30 + 30, 60 * 30 + 41)).tolist() == [1, *[2] * 9, 1]
    assert cells["sprout_cells"][tips(tissue)].tolist() == [10]
    consistent(tissue)


def test_a_tip_goes_in_any_direction() -> None:
    """Off the lattice: 20° is 20°, not the nearest of eight directions."""
    angle = np.deg2rad(20.0)
    tissue, process, uid = lone_tip(chemotaxis=0.0, noise=0.0, heading=(0.0, np.sin(angle), np.cos(angle)))
    for _ in range(30):
        ask(tissue, ADVANCE, int(np.flatnonzero(tissue.cells["uid"] == uid)[0]))
        carry_out(tissue, process)
    (tip,) = tips(tissue)
    way = tissue.cells["tip_position"][tip] - tissue.lattice.centers(np.array([60 * 30 + 30]))[0]
    np.testing.assert_allclose(way, 30 * 10.0 * np.array([0.0, np.sin(angle), np.cos(angle)]), atol=1e-9)
    site = tissue.lattice.centers(tissue.cells["site"][tip : tip + 1])[0]
    assert np.abs(site - tissue.cells["tip_position"][tip]).max() <= 10.0


@pytest.mark.parametrize("axis", [1, 2])
def test_chemotaxis_turns_a_tip_up_the_gradient(axis: int) -> None:
    heading = np.zeros(3)
    heading[3 - axis] = 1.0
    tissue, process, uid = lone_tip(chemotaxis=0.5, persistence=1.0, noise=0.0, heading=heading)
    slope(tissue, axis)
    for _ in range(20):
        ask(tissue, ADVANCE, int(np.flatnonzero(tissue.cells["uid"] == uid)[0]))
        carry_out(tissue, process)
    assert tissue.cells["tip_heading"][tips(tissue)[0]][axis] > 0.99


@pytest.mark.parametrize("shape", [(1, 60, 60), (60, 1, 60), (1, 1, 60), (24, 24, 24)])
def test_noise_has_no_direction_and_stays_in_the_domain(shape) -> None:
    headings = []
    for seed in range(150):
        tissue, process, _ = lone_tip(shape, seed=seed, chemotaxis=0.0, persistence=0.0, noise=1.0)
        ask(tissue, ADVANCE, 0)
        carry_out(tissue, process)
        row = int(np.argmax(tissue.cells["phenotype"] == TIP))
        headings.append(tissue.cells["tip_heading"][row].copy())
    headings = np.array(headings)
    extended = np.array(shape) > 1
    np.testing.assert_allclose(np.linalg.norm(headings, axis=1), 1.0)
    assert not headings[:, ~extended].any()
    d = extended.sum()
    assert np.abs(headings.mean(axis=0)).max() < 4.0 / np.sqrt(150 * d)
    np.testing.assert_allclose((headings**2).mean(axis=0)[extended], 1.0 / d, atol=0.12)


def test_walls_turn_a_tip_back_and_periodic_faces_let_it_through() -> None:
    for faces in ((NO_FLUX,) * 6, PERIODIC_FACES):
        tissue, process, uid = lone_tip((1, 9, 9), faces, chemotaxis=0.0, noise=0.0)
        for _ in range(9):
            ask(tissue, ADVANCE, int(np.flatnonzero(tissue.cells["uid"] == uid)[0]))
            carry_out(tissue, process)
        (tip,) = np.flatnonzero(tissue.cells["uid"] == uid)
        assert (tissue.cells["tip_position"][tip] >= 0).all() and (tissue.cells["tip_position"][tip] < 180.0).all()
        if faces is PERIODIC_FACES:
            assert tissue.cells["site"][tip] % 9 < 4
        else:
            assert tissue.cells["tip_heading"][tip][2] < 0.0
        consistent(tissue)


# --- anastomosis ----------------------------------------------------------------------------------------------------


def tip_towards_vessel(distance: int, own_length: float = 60.0) -> tuple[Tissue, CommitVessels, int]:
    """A tip heading for a vessel that crosses its way."""
    tissue, process, uid = lone_tip(chemotaxis=0.0, noise=0.0, own_length=own_length)
    put_vessel(tissue, [60 * y + 30 + distance for y in range(20, 41)])
    return tissue, process, uid


def test_a_tip_joins_the_vessel_that_it_meets() -> None:
    tissue, process, uid = tip_towards_vessel(8)
    for _ in range(20):
        ask(tissue, ADVANCE, int(np.flatnonzero(tissue.cells["uid"] == uid)[0]))
        carry_out(tissue, process)
    assert tips(tissue).size == 0
    assert row_at(tissue, 60 * 30 + 37) == np.flatnonzero(tissue.cells["uid"] == uid)[0]
    assert tissue.vasculature.degree(np.array([60 * 30 + 37]))[0] == 2
    assert 3 in tissue.vasculature.degree(60 * np.array([29, 30, 31]) + 38)
    consistent(tissue)


def test_two_tips_that_meet_become_one_vessel() -> None:
    tissue, process, uid = lone_tip(chemotaxis=0.0, noise=0.0, own_length=0.0)
    other = put_vessel(tissue, [60 * 30 + 36], phenotype=TIP)
    tissue.cells["tip_heading"][other] = (0.0, 0.0, -1.0)
    tissue.cells["tip_position"][other] = tissue.lattice.centers(tissue.cells["site"][other])
    tissue.cells["sprout"][other] = tissue.cells["uid"][other]
    for _ in range(8):
        ask(tissue, ADVANCE, tips(tissue))
        carry_out(tissue, process)
    assert tips(tissue).size == 0
    assert tissue.vasculature.degree(np.arange(60 * 30 + 30, 60 * 30 + 37)).tolist() == [1, 2, 2, 2, 2, 2, 1]
    consistent(tissue)


def test_a_sprout_does_not_join_itself() -> None:
    tissue, process, uid = lone_tip(chemotaxis=0.0, noise=0.0)
    put_vessel(tissue, [60 * 30 + 31, 60 * 30 + 32], sprout=tissue.cells["uid"][0])
    for _ in range(5):
        ask(tissue, ADVANCE, int(np.flatnonzero(tissue.cells["uid"] == uid)[0]))
        carry_out(tissue, process)
    (tip,) = tips(tissue)
    assert tissue.cells["uid"][tip] == uid and tissue.cells["tip_heading"][tip][2] < 0.0


# --- regression and regrowth ----------------------------------------------------------------------------------------


def test_regression_leaves_sleeves_and_regrowth_restores_the_links() -> None:
    tissue, process = prepared()
    path = [30 * 15 + x for x in range(5, 16)]
    put_vessel(tissue, path, coverage=1.0)
    put_vessel(tissue, [path[5] + 30], coverage=1.0)  # a branch in the middle
    tissue.vasculature.link(path[5], path[5] + 30)
    before = tissue.vasculature.links.copy()
    ask(tissue, REGRESS, [4, 5, 6])
    carry_out(tissue, process)
    assert tissue.cells.n == 9
    assert tissue.vasculature.degree(np.array(path)).tolist() == [1, 2, 2, 1, 0, 0, 0, 1, 2, 2, 1]
    np.testing.assert_array_equal(tissue.vasculature.links | tissue.vasculature.sleeves, before)
    consistent(tissue)
    for _ in range(3):  # from both ends at once
        ask(tissue, RECOLONIZE, np.flatnonzero(tissue.vasculature.sleeves[tissue.cells["site"]] != 0))
        carry_out(tissue, process)
        consistent(tissue)
    np.testing.assert_array_equal(tissue.vasculature.links, before)
    assert not tissue.vasculature.sleeves.any()
    regrown = np.isin(tissue.cells["site"], path[4:7])
    assert (tissue.cells["origin"][regrown] == RECOLONIZED).all() and (tissue.cells["origin"][~regrown] == HOST).all()
    assert (tissue.cells["coverage"][regrown] == 1.0).all()  # that of the neighbors it grew back from
    assert (tissue.cells["phenotype"][regrown] == STALK).all()


def test_nothing_grows_where_no_sleeve_is() -> None:
    tissue, process = prepared()
    put_vessel(tissue, [400, 401])
    ask(tissue, RECOLONIZE, [0, 1])
    carry_out(tissue, process)
    assert tissue.cells.n == 2


def test_a_cell_that_has_regressed_does_nothing_more_in_its_step() -> None:
    tissue, process = prepared(tip_spacing=0.0, **ROOMY)
    put_vessel(tissue, [400, 401, 402])
    ask(tissue, REGRESS, 1, 0.1)
    ask(tissue, SPROUT, 1, 0.2)
    carry_out(tissue, process)
    assert tissue.cells.n == 2


def test_a_tip_that_comes_into_a_sleeve_fills_it() -> None:
    tissue, process, uid = lone_tip(chemotaxis=0.0, noise=0.0)
    put_vessel(tissue, [60 * y + 32 for y in range(28, 33)])
    ask(tissue, REGRESS, row_at(tissue, 60 * 30 + 32))
    carry_out(tissue, process)
    for _ in range(4):
        ask(tissue, ADVANCE, int(np.flatnonzero(tissue.cells["uid"] == uid)[0]))
        carry_out(tissue, process)
    assert row_at(tissue, 60 * 30 + 32) >= 0 and not tissue.vasculature.sleeves.any()
    # The vessel whose sleeve it filled is whole again, and the sprout hangs on it.
    assert tissue.vasculature.degree(np.array([60 * y + 32 for y in (29, 31)])).tolist() == [2, 2]
    assert tissue.vasculature.degree(np.array([60 * 30 + 32])).tolist() == [3]
    consistent(tissue)


# --- all together ---------------------------------------------------------------------------------------------------

SHAPES = st.sampled_from([(1, 12, 13), (1, 1, 20), (6, 5, 7), (5, 1, 9)])


def mesh(seed: int, shape: tuple[int, int, int], faces: tuple[int, ...]) -> tuple[Tissue, CommitVessels]:
    """A tangle of vessels and tips."""
    rng = np.random.default_rng(seed)
    tissue, process = prepared(
        shape,
        faces,
        seed,
        tip_spacing=float(rng.choice([0.0, 40.0])),
        own_length=float(rng.choice([0.0, 40.0])),
        **ROOMY,
    )
    tissue.microenvironment["vegf_a"].concentration[:] = rng.random(shape)
    for site in np.flatnonzero(rng.random(tissue.lattice.sites) < 0.3).tolist():
        put_vessel(tissue, [site])
        for there in tissue.vasculature.neighbors[site].tolist():
            if 0 <= there < site and row_at(tissue, there) >= 0 and rng.random() < 0.5:
                tissue.vasculature.link(site, there)
    return tissue, process


def ask_at_random(tissue: Tissue, rng: np.random.Generator) -> None:
    n = tissue.cells.n
    kind = rng.choice([-1, REGRESS, SPROUT, RECOLONIZE], n, p=[0.4, 0.2, 0.2, 0.2])
    time = rng.random(n)
    for event in (REGRESS, SPROUT, RECOLONIZE):
        rows = np.flatnonzero(kind == event)
        ask(tissue, event, rows, time[rows])
    for number in range(2):
        ask(tissue, ADVANCE, tips(tissue), 0.3 + 0.6 * number, number)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), SHAPES, st.booleans())
def test_the_graph_stays_consistent(seed: int, shape: tuple[int, int, int], periodic: bool) -> None:
    tissue, process = mesh(seed, shape, PERIODIC_FACES if periodic else (NO_FLUX,) * 6)
    rng = np.random.default_rng(seed)
    for _ in range(6):
        ask_at_random(tissue, rng)
        carry_out(tissue, process)
        consistent(tissue)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), SHAPES)
def test_the_order_of_rows_means_nothing(seed: int, shape: tuple[int, int, int]) -> None:
    kinds = (REGRESS, SPROUT, RECOLONIZE, ADVANCE)
    one, process = mesh(seed, shape, (NO_FLUX,) * 6)
    for _ in range(2):  # so that there are tips and sleeves
        ask_at_random(one, np.random.default_rng(seed))
        carry_out(one, process)
    other, _ = mesh(seed, shape, (NO_FLUX,) * 6)
    other.load(one.state())
    order = np.random.default_rng(seed + 1).permutation(other.cells.n)
    other.cells.permute(order)
    ask_at_random(one, np.random.default_rng(5))
    place = np.argsort(order)
    for kind, row, time, number in zip(
        *(part.tolist() for part in one.requests.ordered(kinds, one.cells["uid"])), strict=True
    ):
        ask(other, kind, place[row], time, number)
    for tissue in (one, other):
        carry_out(tissue, process)
    same_contents(one, other)


def test_the_plain_function_agrees_with_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for function in (commit._carry_out, commit._carry_out.py_func):
        tissue, process = mesh(4, (1, 12, 13), (NO_FLUX,) * 6)
        monkeypatch.setattr(commit, "_carry_out", function)
        rng = np.random.default_rng(4)
        for _ in range(4):
            ask_at_random(tissue, rng)
            carry_out(tissue, process)
        results.append(tissue)
    same_contents(*results)


@pytest.mark.parametrize("name", ["_start_sprout", "_recolonize", "_advance"])
def test_the_plain_functions_agree_with_the_kernels(name: str) -> None:
    """One by one, each on the same cell."""
    tangles = []
    for plain in (False, True):
        tissue, process = mesh(11, (1, 12, 13), (NO_FLUX,) * 6)
        rng = np.random.default_rng(11)
        for _ in range(3):
            ask_at_random(tissue, rng)
            carry_out(tissue, process)
        cells, vasculature = tissue.cells, tissue.vasculature
        n = cells.n
        cells.reserve(n + 100)
        columns = ("uid", "site", "births", "phenotype", "tip_position", "tip_heading", "sprout", "sprout_cells")
        arrays = tuple(cells.storage(column) for column in columns)
        graph = (cells.occupancy[VESSEL], vasculature.links, vasculature.sleeves, vasculature.neighbors)
        function = getattr(commit, name).py_func if plain else getattr(commit, name)
        seed, step, number = np.uint64(3), np.uint64(8), np.uint64(0)
        geometry, vegf = tissue.lattice.geometry, tissue.microenvironment["vegf_a"].concentration.reshape(-1)
        made = 0
        for row in tips(tissue) if name == "_advance" else range(n):
            arguments = {
                "_start_sprout": (row, n + made, seed, step, arrays, graph, commit.OFFSETS, geometry, 20.0, vegf),
                "_recolonize": (row, n + made, seed, step, arrays, graph),
                "_advance": (row, n + made, seed, step, number, arrays, graph, geometry, 20.0, vegf, np.ones(3), 2),
            }[name]
            made += bool(function(*arguments))
        tangles.append((made, *(array[: n + made].copy() for array in arrays), *(part.copy() for part in graph)))
    assert tangles[0][0] == tangles[1][0] > 0
    for compiled, plain in zip(tangles[0][1:], tangles[1][1:], strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-12, atol=1e-12)
