"""COMMIT of the stroma: who comes finds a place, who leaves makes one; nobody is lost and nobody shares a layer."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, process_of, put, put_tumor, put_vessel, same_contents
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tumorabm.catalog import load_catalog
from tumorabm.processes.process import Choice
from tumorabm.processes.stroma import commit
from tumorabm.processes.stroma.commit import CommitStroma, likelihood
from tumorabm.processes.vessels.commit import CommitVessels
from tumorabm.tissue.cells import (
    ALIVE,
    APOPTOTIC,
    CELL_TYPES,
    ENDOTHELIAL,
    FIBROBLAST,
    IMMUNE,
    LAYER_OF_TYPE,
    LAYERS,
    MDSC,
    MURAL,
    NECROTIC,
    PERICYTE,
    T_CELL,
    TUMOR,
)
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC
from tumorabm.tissue.random import mix
from tumorabm.tissue.requests import (
    ADMIT_MDSC,
    ADMIT_T_CELL,
    COVER,
    INCORPORATE,
    INTRAVASATE,
    KILL,
    LEAVE,
    REGRESS,
    UNCOVER,
    WANDER,
)
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import DIRECTIONS, HOST, MYELOID, STALK

PERIODIC_FACES = (PERIODIC,) * 6
EVERY = (COVER, UNCOVER, ADMIT_MDSC, ADMIT_T_CELL, WANDER, LEAVE, INCORPORATE, KILL, INTRAVASATE)
ADMITS = {ADMIT_MDSC: MDSC, ADMIT_T_CELL: T_CELL}
MIDDLE = 15 * 31 + 15  # of the lattice of 31 by 31 sites


def prepared(shape=(1, 31, 31), faces=(NO_FLUX,) * 6, seed: int = 1) -> tuple[Tissue, CommitStroma]:
    """A tissue with the columns of vessels, and two clones."""
    process = CommitStroma.from_catalog(load_catalog(), Choice(SETS, mechanisms=frozenset({"t_cells"})))
    processes = [process, process_of("commit_vessels"), process_of("lumen")]
    tissue = bare_tissue(shape, faces=faces, processes=processes, seed=seed)
    for name in ("one", "other"):
        tissue.clones.add(name)
    return tissue, process


def ask(tissue: Tissue, kind: int, rows: object, times: object = 0.5, number: object = 0) -> None:
    rows = np.atleast_1d(np.asarray(rows, dtype=np.int64))
    tissue.requests.add(kind, rows, np.broadcast_to(np.asarray(times, dtype=float), rows.shape), number)


def carry_out(tissue: Tissue, *processes: CommitStroma | CommitVessels) -> None:
    for process in processes:
        process.step(tissue, 2.0)
    process_of("compaction").step(tissue, 2.0)
    tissue.requests.clear()
    tissue.step_number += 1


def of_type(tissue: Tissue, cell_type: int) -> np.ndarray:
    return np.flatnonzero(tissue.cells["cell_type"] == cell_type)


def row_at(tissue: Tissue, site: int, layer: int) -> int:
    return int(tissue.cells.occupancy[layer, site])


def consistent(tissue: Tissue) -> None:
    """One cell per site and layer, as the occupancy says; links join living cells, sleeves at least one empty site."""
    cells, vasculature = tissue.cells, tissue.vasculature
    assert np.unique(cells["uid"]).size == cells.n
    expected = np.full((len(LAYERS), tissue.lattice.sites), -1)
    layer = LAYER_OF_TYPE[cells["cell_type"]].astype(np.int64)
    assert np.unique(layer * tissue.lattice.sites + cells["site"]).size == cells.n
    expected[layer, cells["site"]] = np.arange(cells.n)
    np.testing.assert_array_equal(cells.occupancy, expected)
    there = cells.occupancy[1] >= 0
    for k in range(DIRECTIONS):
        for words, joined in ((vasculature.links, "links"), (vasculature.sleeves, "sleeves")):
            here = np.flatnonzero((words >> np.uint32(k)) & np.uint32(1))
            other = vasculature.neighbors[here, k]
            assert (other >= 0).all()
            assert ((words[other] >> np.uint32(DIRECTIONS - 1 - k)) & np.uint32(1)).all(), joined
            both = there[here] & there[other]
            assert both.all() if joined == "links" else not both.any(), joined


# --- pericytes ------------------------------------------------------------------------------------------------------


def test_a_pericyte_comes_to_the_cell_that_called_it_and_no_second_one() -> None:
    tissue, process = prepared()
    vessel = put_vessel(tissue, [MIDDLE, MIDDLE + 1])
    ask(tissue, COVER, vessel[0])
    carry_out(tissue, process)
    (row,) = of_type(tissue, PERICYTE)
    cells = tissue.cells
    assert cells["site"][row] == MIDDLE and cells["state"][row] == ALIVE and cells["clone"][row] == -1
    uid = cells["uid"][row]
    ask(tissue, COVER, [0, 1], [0.1, 0.2])
    carry_out(tissue, process)
    assert sorted(cells["site"][of_type(tissue, PERICYTE)].tolist()) == [MIDDLE, MIDDLE + 1]
    assert uid in cells["uid"]
    consistent(tissue)


def test_a_pericyte_leaves_and_another_one_comes_in_the_same_step() -> None:
    tissue, process = prepared()
    (vessel,) = put_vessel(tissue, [MIDDLE])
    (old,) = put(tissue, PERICYTE, [MIDDLE])
    uid = tissue.cells["uid"][old]
    ask(tissue, COVER, vessel, 0.2)  # too early: taken
    ask(tissue, UNCOVER, old, 0.5)
    carry_out(tissue, process)
    assert of_type(tissue, PERICYTE).size == 0
    (old,) = put(tissue, PERICYTE, [MIDDLE])
    ask(tissue, UNCOVER, old, 0.1)
    ask(tissue, COVER, 0, 0.9)
    carry_out(tissue, process)
    (new,) = of_type(tissue, PERICYTE)
    assert tissue.cells["uid"][new] != uid and tissue.cells["site"][new] == MIDDLE
    consistent(tissue)


# --- arrivals in the immune layer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ADMITS)
def test_an_immune_cell_enters_at_the_vessel_then_beside_it_then_not_at_all(event: int) -> None:
    tissue, process = prepared()
    put_vessel(tissue, [MIDDLE])
    put_tumor(tissue, np.arange(tissue.lattice.sites), clone=0)  # another layer is not in its way
    seen = []
    for _ in range(10):
        ask(tissue, event, 0)
        carry_out(tissue, process)
        consistent(tissue)
        seen.append(set(tissue.cells["site"][of_type(tissue, ADMITS[event])].tolist()))
    assert seen[0] == {MIDDLE}
    assert [len(sites) for sites in seen] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert seen[-1] == {MIDDLE + dy + dx for dy in (-31, 0, 31) for dx in (-1, 0, 1)}
    new = of_type(tissue, ADMITS[event])
    assert (tissue.cells["state"][new] == ALIVE).all() and (tissue.cells["clone"][new] == -1).all()
    assert (tissue.cells["births"][new] == 0).all() and (tissue.cells["kills"][new] == 0).all()


def test_places_beside_the_vessel_are_equally_frequent() -> None:
    tissue, process = prepared((1, 150, 150))
    y, x = np.meshgrid(np.arange(3, 148, 5), np.arange(3, 148, 5), indexing="ij")
    doors = tissue.lattice.site(0, y, x).ravel()
    for site in doors.tolist():
        put_vessel(tissue, [site])
    put(tissue, MDSC, doors)
    ask(tissue, ADMIT_T_CELL, np.arange(doors.size))
    carry_out(tissue, process)
    came = tissue.cells["site"][of_type(tissue, T_CELL)]
    moves = [site - door for site in came.tolist() for door in doors.tolist() if abs(site - door) in (1, 149, 150, 151)]
    _, counts = np.unique(moves, return_counts=True)
    assert counts.size == 8 and counts.sum() == doors.size and stats.chisquare(counts)[1] > 1e-3


def test_mdscs_and_t_cells_share_a_layer() -> None:
    tissue, process = prepared((1, 1, 1))
    put_vessel(tissue, [0])
    ask(tissue, ADMIT_T_CELL, 0, 0.7)
    ask(tissue, ADMIT_MDSC, 0, 0.3)
    carry_out(tissue, process)
    assert of_type(tissue, MDSC).size == 1 and of_type(tissue, T_CELL).size == 0
    ask(tissue, LEAVE, of_type(tissue, MDSC), 0.2)
    ask(tissue, ADMIT_T_CELL, 0, 0.4)
    carry_out(tissue, process)
    assert of_type(tissue, MDSC).size == 0 and of_type(tissue, T_CELL).size == 1
    consistent(tissue)


def test_identities_differ_between_types_sites_and_steps() -> None:
    tissue, process = prepared()
    put_vessel(tissue, [MIDDLE, MIDDLE + 1])
    seen: list[int] = tissue.cells["uid"].tolist()
    for _ in range(4):
        for event in (COVER, ADMIT_MDSC, ADMIT_T_CELL):
            ask(tissue, event, [0, 1])
            carry_out(tissue, process)
            gone = np.flatnonzero(tissue.cells["cell_type"] != ENDOTHELIAL)
            assert gone.size == 2
            seen += tissue.cells["uid"][gone].tolist()
            tissue.cells.keep(tissue.cells["cell_type"] == ENDOTHELIAL)
    assert len(set(seen)) == len(seen) == 2 + 24


def test_nobody_comes_through_a_vessel_that_has_regressed_before() -> None:
    tissue, process = prepared()
    put_vessel(tissue, [MIDDLE])
    ask(tissue, REGRESS, 0, 1.5)  # COMMIT of the vessels comes before that of the stroma
    for event in (COVER, ADMIT_MDSC, ADMIT_T_CELL):
        ask(tissue, event, 0, 0.1)
    carry_out(tissue, process_of("commit_vessels"), process)
    assert tissue.cells.n == 0


# --- wandering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "moves"),
    [((1, 31, 31), {-31, -1, 1, 31}), ((31, 1, 31), {-31, -1, 1, 31}), ((1, 1, 961), {-1, 1}), ((1, 1, 1), set())],
)
def test_a_hop_goes_to_a_nearest_site_along_the_axes_that_there_are(shape, moves) -> None:
    seen = set()
    for seed in range(60):
        tissue, process = prepared(shape, seed=seed)
        middle = tissue.lattice.sites // 2
        put(tissue, T_CELL, [middle])
        ask(tissue, WANDER, 0)
        carry_out(tissue, process)
        seen.add(int(tissue.cells["site"][0]) - middle)
        consistent(tissue)
    assert seen == moves or (not moves and seen == {0})


def test_many_hops_without_a_guide_have_no_direction() -> None:
    tissue, process = prepared((1, 201, 201))
    starts = tissue.lattice.site(0, *np.meshgrid(np.arange(50, 151, 10), np.arange(50, 151, 10), indexing="ij")).ravel()
    put(tissue, MDSC, starts)
    order = tissue.cells["uid"].copy()
    begin = tissue.lattice.centers(starts)
    hops = 60
    for number in range(hops):
        ask(tissue, WANDER, np.arange(starts.size), number / hops, number)
    carry_out(tissue, process)
    np.testing.assert_array_equal(tissue.cells["uid"], order)
    way = (tissue.lattice.centers(tissue.cells["site"]) - begin)[:, 1:] / 20.0
    assert np.abs(way.mean(axis=0)).max() < 4.0 * np.sqrt(hops / 2 / starts.size)
    # Two hops in succession are independent, so squares add up: that of 121 cells has a relative error of 1/11.
    assert (way**2).sum(axis=1).mean() == pytest.approx(hops, rel=0.4)


def test_a_guide_leads_uphill_by_the_metropolis_rule() -> None:
    """Along one axis: all hops up are made, and exp(-1) of those down."""
    ups, downs, cells = 0, 0, 3000
    tissue, process = prepared((1, 3, 3 * cells))
    middle = 3 * cells + 3 * np.arange(cells) + 1
    put(tissue, MDSC, middle)
    tissue.requests.guide(MDSC, np.repeat([2.0, 1.0, 0.0], 3 * cells))
    ask(tissue, WANDER, np.arange(cells))
    carry_out(tissue, process)
    rows = tissue.cells["site"] // (3 * cells)
    ups, downs = int((rows == 0).sum()), int((rows == 2).sum())
    error = 4.0 * np.sqrt(cells * 0.25 * 0.75)
    assert abs(ups - cells / 4) < error
    assert abs(downs - cells / 4 * np.exp(-1.0)) < error


def test_the_guide_of_one_type_does_not_lead_another() -> None:
    results = []
    for guided in (None, MDSC, T_CELL):
        tissue, process = prepared()
        put(tissue, MDSC, np.arange(100, 130))
        if guided is not None:
            tissue.requests.guide(guided, np.linspace(0.0, 500.0, tissue.lattice.sites))
        for number in range(20):
            ask(tissue, WANDER, np.arange(30), number / 20, number)
        carry_out(tissue, process)
        results.append(tissue.cells["site"].tolist())
    assert results[0] == results[2] != results[1]


def test_a_wandering_cell_squeezes_past_others_but_not_past_its_own_layer() -> None:
    tissue, process = prepared((1, 1, 3))
    put_tumor(tissue, [0, 1, 2], clone=0)
    put_vessel(tissue, [0, 1, 2])
    put(tissue, PERICYTE, [0, 1, 2])
    (walker,) = put(tissue, T_CELL, [1])
    uid = tissue.cells["uid"][walker]
    ask(tissue, WANDER, walker)
    carry_out(tissue, process)
    (walker,) = np.flatnonzero(tissue.cells["uid"] == uid)
    assert tissue.cells["site"][walker] in (0, 2)
    blocked, process = prepared((1, 1, 3))
    put(blocked, MDSC, [0, 2])
    put(blocked, T_CELL, [1])
    for number in range(40):
        ask(blocked, WANDER, 2, number / 40, number)
    carry_out(blocked, process)
    assert blocked.cells["site"].tolist() == [0, 2, 1]


def test_walls_stop_a_walk_and_periodic_faces_do_not() -> None:
    for faces, crossed in (((NO_FLUX,) * 6, False), (PERIODIC_FACES, True)):
        seen = set()
        for seed in range(30):
            tissue, process = prepared((1, 1, 9), faces, seed)
            put(tissue, T_CELL, [0])
            ask(tissue, WANDER, 0)
            carry_out(tissue, process)
            seen.add(int(tissue.cells["site"][0]))
        assert (8 in seen) == crossed and 1 in seen


def test_too_many_hops_are_refused() -> None:
    tissue, process = prepared()
    put(tissue, T_CELL, [MIDDLE])
    ask(tissue, WANDER, 0, 0.5, 256)
    with pytest.raises(ValueError, match="asks for 257 hops"):
        process.step(tissue, 2.0)


# --- killing --------------------------------------------------------------------------------------------------------


def test_a_t_cell_kills_one_living_tumor_cell_within_reach() -> None:
    tissue, process = prepared()
    around = [MIDDLE + dy + dx for dy in (-31, 0, 31) for dx in (-1, 0, 1)]
    far = [MIDDLE + 2, MIDDLE - 62]
    put_tumor(tissue, [*around, *far], clone=0, recognition=1.0)
    (killer,) = put(tissue, T_CELL, [MIDDLE])
    for count in range(1, 12):
        ask(tissue, KILL, killer)
        carry_out(tissue, process)
        assert np.count_nonzero(tissue.cells["state"] == APOPTOTIC) == min(count, 9)
    dead = tissue.cells["site"][tissue.cells["state"] == APOPTOTIC]
    assert sorted(dead.tolist()) == around
    assert tissue.cells["kills"][killer] == 9 and tissue.cells["kills"].sum() == 9
    consistent(tissue)


def test_targets_are_chosen_by_likelihood() -> None:
    """Of four neighbors, one is a fibroblast, and the others are as visible and as well protected as they are."""
    found = likelihood(np.array([0.5, 1.0]), np.array([0.8, 1.0]), np.array([0.75, 1.0]))
    assert found.tolist() == pytest.approx([0.2, 0.0])
    weights = np.array([1.0, 0.5 * (1.0 - 0.8 * 0.5), 0.0])
    trials, hit = 1500, np.zeros(3)
    tissue, process = prepared((1, 3, 4 * trials))
    here = 4 * trials + 4 * np.arange(trials) + 1
    for site, recognition, pdl1 in ((here, 1.0, 0.0), (here - 1, 0.5, 0.8), (here + 1, 0.0, 0.0)):
        put_tumor(tissue, site, clone=0, recognition=recognition, pdl1=pdl1)
    put(tissue, FIBROBLAST, here + 4 * trials)
    killers = put(tissue, T_CELL, here, free_pd1=0.5)
    ask(tissue, KILL, killers)
    carry_out(tissue, process)
    dead = tissue.cells["site"][tissue.cells["state"] == APOPTOTIC]
    hit = np.array([np.isin(place, dead).sum() for place in (here, here - 1, here + 1)])
    assert hit.sum() == trials and hit[2] == 0
    assert abs(hit[0] / trials - weights[0] / weights.sum()) < 4.0 * np.sqrt(0.25 / trials)


@pytest.mark.parametrize(
    "columns",
    [{"recognition": 0.0}, {"recognition": 1.0, "pdl1": 1.0}, {"recognition": 1.0, "state": NECROTIC}],
    ids=["hidden", "held back", "dead"],
)
def test_nobody_is_killed_who_is_hidden_or_holds_back_or_is_dead(columns: dict[str, float]) -> None:
    tissue, process = prepared()
    put_tumor(tissue, [MIDDLE, MIDDLE + 1], clone=0, **columns)
    (killer,) = put(tissue, T_CELL, [MIDDLE], free_pd1=1.0)
    before = tissue.cells["state"].copy()
    ask(tissue, KILL, killer)
    carry_out(tissue, process)
    np.testing.assert_array_equal(tissue.cells["state"], before)
    assert not tissue.cells["kills"].any()


def test_two_t_cells_do_not_kill_one_cell_twice() -> None:
    tissue, process = prepared()
    put_tumor(tissue, [MIDDLE], clone=0, recognition=1.0)
    killers = put(tissue, T_CELL, [MIDDLE - 1, MIDDLE + 1])
    ask(tissue, KILL, killers, [0.6, 0.3])
    carry_out(tissue, process)
    assert tissue.cells["kills"][killers].tolist() == [0, 1]  # the first in time


# --- leaving --------------------------------------------------------------------------------------------------------


def test_an_immune_cell_that_has_left_does_nothing_more() -> None:
    tissue, process = prepared()
    put_tumor(tissue, [MIDDLE], clone=0, recognition=1.0)
    (gone,) = put(tissue, T_CELL, [MIDDLE])
    ask(tissue, LEAVE, gone, 0.1)
    ask(tissue, WANDER, gone, 0.2)
    ask(tissue, KILL, gone, 0.3)
    carry_out(tissue, process)
    assert tissue.cells["cell_type"].tolist() == [TUMOR] and tissue.cells["state"].tolist() == [ALIVE]
    consistent(tissue)


def test_a_tumor_cell_that_intravasates_is_counted_by_clone() -> None:
    tissue, process = prepared()
    put_tumor(tissue, np.arange(6), clone=np.array([0, 0, 1, 1, 1, 0]), state=np.array([ALIVE] * 5 + [NECROTIC]))
    ask(tissue, INTRAVASATE, [0, 2, 3, 5])
    carry_out(tissue, process)
    assert sorted(tissue.cells["site"].tolist()) == [1, 4, 5]  # debris stays
    assert tissue.clones.intravasated.tolist() == [1, 2]
    ask(tissue, INTRAVASATE, np.flatnonzero(tissue.cells["site"] == 4))
    carry_out(tissue, process)
    assert tissue.clones.intravasated.tolist() == [1, 3]
    consistent(tissue)


# --- incorporation --------------------------------------------------------------------------------------------------


def vessel_with_gap(gap: int = 1) -> tuple[Tissue, CommitStroma, np.ndarray]:
    """A vessel along a row whose middle cells have regressed; its links before that."""
    tissue, process = prepared()
    path = [MIDDLE + x for x in range(-5, 6)]
    rows = put_vessel(tissue, path, coverage=0.9, lumen_age=100.0, sprout=7, births=4)
    before = tissue.vasculature.links.copy()
    first = 5 - gap // 2
    ask(tissue, REGRESS, rows[first : first + gap])
    carry_out(tissue, process_of("commit_vessels"), process)
    assert tissue.vasculature.sleeves.any() and tissue.cells.n == 11 - gap
    return tissue, process, before


def test_an_mdsc_becomes_endothelium_on_an_empty_sleeve() -> None:
    tissue, process, links = vessel_with_gap()
    (mdsc,) = put(tissue, MDSC, [MIDDLE + 31])  # beside the gap
    uid = tissue.cells["uid"][mdsc]
    ask(tissue, INCORPORATE, mdsc)
    carry_out(tissue, process)
    cells = tissue.cells
    np.testing.assert_array_equal(tissue.vasculature.links, links)
    assert not tissue.vasculature.sleeves.any()
    assert of_type(tissue, MDSC).size == 0 and row_at(tissue, MIDDLE + 31, IMMUNE) == -1
    new = row_at(tissue, MIDDLE, 1)
    assert (
        cells["cell_type"][new] == ENDOTHELIAL
        and cells["origin"][new] == MYELOID
        and cells["uid"][new] == mix(uid, np.uint64(1))
    )
    assert cells["phenotype"][new] == STALK and cells["coverage"][new] == 0.0 and cells["lumen_age"][new] == 0.0
    assert cells["sprout"][new] == 7 and cells["births"][new] == 0  # as a cell of its neighbor's sprout, and new
    assert (cells["origin"][np.arange(cells.n) != new] == HOST).all()
    consistent(tissue)


def test_an_mdsc_without_a_sleeve_beside_it_stays_what_it_is() -> None:
    tissue, process, _ = vessel_with_gap()
    rows = put(tissue, MDSC, [MIDDLE + 62, MIDDLE + 4])  # two sites from the gap; in the middle of a whole vessel
    ask(tissue, INCORPORATE, rows)
    carry_out(tissue, process)
    assert of_type(tissue, MDSC).size == 2 and not (tissue.cells["origin"] == MYELOID).any()
    # A sleeve that leads to nobody alive is no place either: there is nothing to join.
    alone, process, _ = vessel_with_gap(gap=5)
    (row,) = put(alone, MDSC, [MIDDLE])
    ask(alone, INCORPORATE, row)
    carry_out(alone, process)
    assert of_type(alone, MDSC).size == 1


def test_mdscs_fill_a_gap_from_both_ends_in_one_step() -> None:
    """Whoever joins a cell that came in the same step has what that one has from its neighbor."""
    tissue, process, links = vessel_with_gap(gap=5)
    rows = put(tissue, MDSC, [MIDDLE + 31 + x for x in (-2, -1, 0, 1, 2)])
    ask(tissue, INCORPORATE, rows, [0.1, 0.2, 0.3, 0.4, 0.5])
    carry_out(tissue, process)
    assert of_type(tissue, MDSC).size == 0
    np.testing.assert_array_equal(tissue.vasculature.links, links)
    myeloid = np.flatnonzero(tissue.cells["origin"] == MYELOID)
    assert myeloid.size == 5 and (tissue.cells["sprout"][myeloid] == 7).all()
    consistent(tissue)


def test_two_mdscs_cannot_fill_one_place() -> None:
    tissue, process, _ = vessel_with_gap()
    rows = put(tissue, MDSC, [MIDDLE + 31, MIDDLE - 31])
    first = tissue.cells["uid"][rows[1]]
    ask(tissue, INCORPORATE, rows, [0.8, 0.4])
    carry_out(tissue, process)
    assert of_type(tissue, MDSC).size == 1
    assert tissue.cells["uid"][row_at(tissue, MIDDLE, 1)] == mix(first, np.uint64(1))
    consistent(tissue)


# --- all together ---------------------------------------------------------------------------------------------------

SHAPES = st.sampled_from([(1, 12, 13), (1, 1, 20), (6, 5, 7), (5, 1, 9)])


def crowd(seed: int, shape: tuple[int, int, int], faces: tuple[int, ...]) -> tuple[Tissue, CommitStroma]:
    """Cells of every type and layer in a tangle of vessels with sleeves."""
    rng = np.random.default_rng(seed)
    tissue, process = prepared(shape, faces, seed)
    sites = np.arange(tissue.lattice.sites)
    for site in np.flatnonzero(rng.random(sites.size) < 0.4).tolist():
        put_vessel(tissue, [site])
        for there in tissue.vasculature.neighbors[site].tolist():
            if 0 <= there < site and row_at(tissue, there, 1) >= 0 and rng.random() < 0.5:
                tissue.vasculature.link(site, there)
    ask(tissue, REGRESS, of_type(tissue, ENDOTHELIAL)[::3])
    carry_out(tissue, process_of("commit_vessels"))
    layer, immune, mural = rng.random((3, sites.size))
    tumor = sites[layer < 0.6]
    put_tumor(
        tissue, tumor, clone=rng.integers(0, 2, tumor.size), state=rng.choice([ALIVE, APOPTOTIC], tumor.size),
        recognition=rng.random(tumor.size), pdl1=rng.random(tumor.size),
    )  # fmt: skip
    put(tissue, FIBROBLAST, sites[layer > 0.8])
    put(tissue, MDSC, sites[immune < 0.3])
    t_cells = sites[immune > 0.8]
    put(tissue, T_CELL, t_cells, free_pd1=rng.random(t_cells.size))
    put(tissue, PERICYTE, sites[mural < 0.3])
    return tissue, process


MAY_ASK = {
    TUMOR: (INTRAVASATE,),
    ENDOTHELIAL: (COVER, ADMIT_MDSC, ADMIT_T_CELL),
    PERICYTE: (UNCOVER,),
    MDSC: (LEAVE, INCORPORATE),
    T_CELL: (LEAVE, KILL),
    FIBROBLAST: (),
}


def ask_at_random(tissue: Tissue, rng: np.random.Generator) -> None:
    for cell_type, events in MAY_ASK.items():
        rows = of_type(tissue, cell_type)
        if events:
            chosen, time = rng.choice([-1, *events], rows.size), rng.random(rows.size)
            for event in events:
                ask(tissue, event, rows[chosen == event], time[chosen == event])
        if cell_type in (MDSC, T_CELL):
            for number in range(3):
                ask(tissue, WANDER, rows, rng.random(rows.size), number)
    tissue.requests.guide(MDSC, rng.random(tissue.lattice.sites))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), SHAPES, st.booleans())
def test_layers_and_the_graph_stay_consistent_and_cells_add_up(seed: int, shape, periodic: bool) -> None:
    tissue, process = crowd(seed, shape, PERIODIC_FACES if periodic else (NO_FLUX,) * 6)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        cells = tissue.cells
        before = np.bincount(cells["cell_type"], minlength=6)
        uids = set(cells["uid"].tolist())
        dead, kills, left = (cells["state"] == APOPTOTIC).sum(), int(cells["kills"].sum()), tissue.clones.intravasated
        left = int(left.sum())
        # Those whose kills are forgotten when they leave.
        ask_at_random(tissue, rng)
        leaving = {int(row) for row in tissue.requests.ordered((LEAVE,), cells["uid"])[1]}
        forgotten = sum(int(cells["kills"][row]) for row in leaving)
        carry_out(tissue, process)
        consistent(tissue)
        after = np.bincount(cells["cell_type"], minlength=6)
        myeloid = len([u for u in cells["uid"][cells["origin"] == MYELOID].tolist() if u not in uids])
        assert after[ENDOTHELIAL] == before[ENDOTHELIAL] + myeloid
        assert after[FIBROBLAST] == before[FIBROBLAST]
        assert before[TUMOR] - after[TUMOR] == tissue.clones.intravasated.sum() - left
        assert int((cells["state"] == APOPTOTIC).sum()) - dead >= 0
        assert int(cells["kills"].sum()) - (kills - forgotten) <= int((cells["state"] == APOPTOTIC).sum()) - dead


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), SHAPES)
def test_the_order_of_rows_means_nothing(seed: int, shape: tuple[int, int, int]) -> None:
    one, process = crowd(seed, shape, (NO_FLUX,) * 6)
    other, _ = crowd(seed, shape, (NO_FLUX,) * 6)
    order = np.random.default_rng(seed + 1).permutation(other.cells.n)
    other.cells.permute(order)
    ask_at_random(one, np.random.default_rng(5))
    place = np.argsort(order)
    for kind, row, time, number in zip(
        *(part.tolist() for part in one.requests.ordered(EVERY, one.cells["uid"])), strict=True
    ):
        ask(other, kind, place[row], time, number)
    other.requests.guides.update(one.requests.guides)
    for tissue in (one, other):
        carry_out(tissue, process)
    same_contents(one, other)


def test_what_happens_is_a_function_of_seed_and_step() -> None:
    results = {}
    for change in ("none", "again", "seed", "step"):
        tissue, process = crowd(3, (1, 12, 13), (NO_FLUX,) * 6)
        ask_at_random(tissue, np.random.default_rng(3))
        tissue.seed += change == "seed"
        tissue.step_number += change == "step"
        carry_out(tissue, process)
        order = np.argsort(tissue.cells["uid"])
        results[change] = (tissue.cells["site"][order].tolist(), tissue.cells["state"][order].tolist())
    assert results["none"] == results["again"]
    assert results["seed"] != results["none"] != results["step"]


def test_the_plain_function_agrees_with_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for plain in (False, True):
        tissue, process = crowd(4, (1, 12, 13), (NO_FLUX,) * 6)
        if plain:
            for name in (
                "_carry_out",
                "_free_place",
                "_empty_sleeve",
                "_sleeve_leads_on",
                "_target",
                "_wander",
                "_likelihood",
            ):
                monkeypatch.setattr(commit, name, getattr(commit, name).py_func)
        rng = np.random.default_rng(4)
        for _ in range(3):
            ask_at_random(tissue, rng)
            carry_out(tissue, process)
        results.append(tissue)
    same_contents(*results)


def test_without_t_cells_there_are_no_columns_of_theirs() -> None:
    process = CommitStroma.from_catalog(load_catalog(), Choice(SETS))
    tissue = bare_tissue((1, 5, 5), processes=[process])
    assert "kills" not in tissue.cells and "recognition" not in tissue.cells
    put_vessel(tissue, [12])
    ask(tissue, ADMIT_MDSC, 0)
    carry_out(tissue, process)
    assert tissue.cells["cell_type"].tolist() == [ENDOTHELIAL, MDSC]


def test_who_comes_has_the_defaults_of_every_column() -> None:
    tissue, process = prepared()
    put_vessel(tissue, [MIDDLE], lumen_age=50.0, coverage=0.7, sprout=9)
    for event in (COVER, ADMIT_MDSC):
        ask(tissue, event, 0)
    carry_out(tissue, process)
    for kind, layer in ((PERICYTE, MURAL), (MDSC, IMMUNE)):
        row = row_at(tissue, MIDDLE, layer)
        assert CELL_TYPES[tissue.cells["cell_type"][row]] == CELL_TYPES[kind]
        for name, spec in tissue.cells.specs.items():
            if name not in ("uid", "site", "cell_type"):
                np.testing.assert_array_equal(tissue.cells[name][row], np.full(spec.shape, spec.default), err_msg=name)
