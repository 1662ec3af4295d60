"""The vessel graph: links, lengths and edges."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, put_vessel
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.vasculature import DIRECTIONS, Vasculature, count_links, direction_to, empty, join


def symmetric(words: np.ndarray, neighbors: np.ndarray) -> bool:
    """Every bit has its counterpart on the other site."""
    for site in np.flatnonzero(words).tolist():
        for k in range(DIRECTIONS):
            if (int(words[site]) >> k) & 1:
                there = neighbors[site, k]
                if there < 0 or not (int(words[there]) >> (DIRECTIONS - 1 - k)) & 1:
                    return False
    return True


def test_links_have_two_ends() -> None:
    vasculature = Vasculature(Lattice((1, 5, 5), 20.0))
    vasculature.link(12, 13)
    vasculature.link(12, 6)
    vasculature.link(12, 13)
    assert vasculature.degree(np.array([12, 13, 6, 7])).tolist() == [2, 1, 1, 0]
    assert symmetric(vasculature.links, vasculature.neighbors)
    vasculature.cut(13, 12)
    vasculature.cut(13, 14)  # there is none
    assert vasculature.degree(np.array([12, 13, 6])).tolist() == [1, 0, 1]


def test_sites_that_are_no_neighbors_cannot_be_linked() -> None:
    vasculature = Vasculature(Lattice((1, 5, 5), 20.0))
    for a, b in ((0, 2), (0, 0), (4, 5), (0, 24)):
        with pytest.raises(ValueError, match="not neighbors"):
            vasculature.link(a, b)
    around = Vasculature(Lattice((1, 5, 5), 20.0, (NO_FLUX, NO_FLUX, *(PERIODIC,) * 4)))
    around.link(0, 24)  # across the corner
    around.link(0, 4)
    assert around.degree(np.array([0]))[0] == 2 and symmetric(around.links, around.neighbors)


def test_length_is_half_of_every_link() -> None:
    vasculature = Vasculature(Lattice((3, 5, 5), 20.0))
    center = 25 + 12
    vasculature.link(center, center + 1)
    vasculature.link(center, center + 6)
    vasculature.link(center, center + 25 + 6)
    sites = np.array([center, center + 1, center + 6, center + 31, 0])
    expected = 10.0 * np.array([1 + 2**0.5 + 3**0.5, 1, 2**0.5, 3**0.5, 0])
    np.testing.assert_allclose(vasculature.length(sites), expected)


def test_edges_are_sorted_pairs_of_uids() -> None:
    tissue = bare_tissue((1, 6, 6), faces=(NO_FLUX,) * 2 + (PERIODIC,) * 4)
    path = [0, 7, 8, 2, 1, 0 + 30]
    put_vessel(tissue, path[:-1])
    put_vessel(tissue, path[-1:])
    tissue.vasculature.link(0, 30)
    tissue.vasculature.link(0, 1)
    uid = dict(zip(tissue.cells["site"].tolist(), tissue.cells["uid"].tolist(), strict=True))
    pairs = [*zip(path[:-2], path[1:-1], strict=True), (0, 30), (0, 1)]
    expected = sorted(sorted((uid[a], uid[b])) for a, b in pairs)
    assert tissue.vasculature.edges(tissue.cells).tolist() == expected
    tissue.cells.permute(np.array([3, 1, 5, 0, 2, 4]))
    assert tissue.vasculature.edges(tissue.cells).tolist() == expected


def test_edges_of_nothing() -> None:
    tissue = bare_tissue((1, 6, 6))
    assert tissue.vasculature.edges(tissue.cells).shape == (0, 2)


def test_a_lost_cell_leaves_sleeves_where_it_was_linked() -> None:
    vasculature = Vasculature(Lattice((1, 5, 5), 20.0))
    for a, b in ((11, 12), (12, 18), (18, 19)):
        vasculature.link(a, b)
    before = vasculature.links.copy()
    empty(12, vasculature.links, vasculature.sleeves, vasculature.neighbors)
    assert vasculature.degree(np.array([11, 12, 18, 19])).tolist() == [0, 0, 1, 1]
    assert symmetric(vasculature.sleeves, vasculature.neighbors)
    np.testing.assert_array_equal(vasculature.links | vasculature.sleeves, before)


@settings(max_examples=40, deadline=None)
@given(st.booleans(), st.lists(st.tuples(st.integers(0, 59), st.integers(0, 25), st.booleans()), max_size=40))
def test_links_stay_symmetric(periodic: bool, actions: list[tuple[int, int, bool]]) -> None:
    faces = (PERIODIC,) * 6 if periodic else (NO_FLUX,) * 6
    vasculature = Vasculature(Lattice((3, 4, 5), 20.0, faces))
    linked: set[frozenset[int]] = set()
    for site, k, add in actions:
        there = int(vasculature.neighbors[site, k])
        if there < 0:
            continue
        pair = frozenset((site, there))
        if add:
            join(site, direction_to(site, there, vasculature.neighbors), vasculature.links, vasculature.neighbors)
            linked.add(pair)
        else:
            vasculature.cut(site, there)
            linked.discard(pair)
    assert symmetric(vasculature.links, vasculature.neighbors)
    for site in range(60):
        assert count_links(site, vasculature.links) == sum(site in pair for pair in linked)


def test_the_state_is_a_copy() -> None:
    one, other = Vasculature(Lattice((1, 5, 5), 20.0)), Vasculature(Lattice((1, 5, 5), 20.0))
    one.link(3, 4)
    one.sleeves[7] = 5
    state = one.state()
    one.cut(3, 4)
    other.load(state)
    assert other.degree(np.array([3]))[0] == 1 and other.sleeves[7] == 5
    state["links"][:] = 0
    assert other.degree(np.array([3]))[0] == 1
