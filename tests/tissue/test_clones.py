"""The clone table: who descends from whom, keys that depend on nobody else, and rows that can be given up."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, put_tumor
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorabm.tissue.clones import Clones, key_of_founder, keys_of_gains, prune
from tumorabm.tissue.tissue import Tissue


def test_what_is_added_is_in_the_table_and_comes_back() -> None:
    clones = Clones()
    assert len(clones) == 0 and clones.founders() == []
    founder = clones.add("clear_cell", ["vhl_mutated"])
    child = clones.add("", ("vhl_mutated", "neutral"), founder, 7, key=2**63 + 5, site=12)
    assert clones.names == ["clear_cell", "8000000000000005"]
    assert clones.key.tolist() == [key_of_founder("clear_cell"), 2**63 + 5]
    assert (clones.site.tolist(), clones.birth_step.tolist()) == ([-1, 12], [0, 7])
    assert clones.founders() == ["clear_cell"]
    assert clones.founder_of(child) == clones.founder_of(founder) == "clear_cell"
    again = Clones()
    again.load(clones.state())
    for name, values in clones.state().items():
        np.testing.assert_array_equal(again.state()[name], values)
        assert again.state()[name].dtype == values.dtype


def test_two_clones_of_one_key_are_refused() -> None:
    clones = Clones()
    clones.add("one")
    with pytest.raises(ValueError, match="two clones have the key"):
        clones.add("one")
    again = Clones()
    again.load(clones.state())
    with pytest.raises(ValueError, match="two clones have the key"):
        again.add("other", key=key_of_founder("one"))
    again.keep(np.array([False]))
    assert again.add("one") == 0, "nobody has it any more"


def test_keys_depend_on_nobody_else() -> None:
    uids = np.array([5, 2**64 - 1, 17], dtype=np.uint64)
    keys = keys_of_gains(uids, 3)
    assert keys.dtype == np.uint64 and np.unique(keys).size == 3
    np.testing.assert_array_equal(keys_of_gains(uids[::-1], 3), keys[::-1])
    assert not np.isin(keys_of_gains(uids, 4), keys).any(), "a cell may found a clone in several steps"


def tissue_of(parents: list[int], living: list[int], gone: list[int]) -> Tissue:
    """A tissue with clones of given parents, a cell of each living one, and one in blood of each of the gone."""
    tissue = bare_tissue((1, 1, max(len(living), 1)))
    for row, parent in enumerate(parents):
        tissue.clones.add(f"c{row}", (f"a{row}",), parent, row)
    tissue.clones.intravasated[gone] = 1
    put_tumor(tissue, range(len(living)), clone=np.array(living, dtype=int))
    return tissue


def test_pruning_drops_what_left_nothing() -> None:
    #       0 -> 2 -> 4 (extinct); 0 -> 3 -> 5 (lives), 1 -> 6 (in blood), 1 -> 7 (extinct)
    tissue = tissue_of([-1, -1, 0, 0, 2, 3, 1, 1], [5, -1, 0], [6])
    assert prune(tissue) == 3
    clones = tissue.clones
    assert clones.names == ["c0", "c1", "c3", "c5", "c6"]
    assert clones.parent.tolist() == [-1, -1, 0, 2, 1]
    assert clones.alterations == [("a0",), ("a1",), ("a3",), ("a5",), ("a6",)]
    assert clones.intravasated.tolist() == [0, 0, 0, 0, 1]
    assert tissue.cells["clone"].tolist() == [3, -1, 0]
    assert prune(tissue) == 0


def test_a_clone_does_not_lose_its_parent() -> None:
    clones = tissue_of([-1, 0, 1], [], []).clones
    with pytest.raises(ValueError, match="lose their parent"):
        clones.keep(np.array([True, False, True]))


@st.composite
def forests(draw):
    """Parents of up to 30 clones, each behind its parent, some of them alive and some in blood."""
    size = draw(st.integers(1, 30))
    parents = [draw(st.integers(-1, row - 1)) for row in range(size)]
    some = st.lists(st.integers(0, size - 1), unique=True)
    return parents, draw(some), draw(some)


@settings(deadline=None, max_examples=60)
@given(forests())
def test_pruning_keeps_every_living_cells_ancestry(forest) -> None:
    tissue = tissue_of(*forest)

    def ancestry(row: int) -> list[str]:
        lineage = []
        while row >= 0:
            lineage.append(tissue.clones.names[row])
            row = int(tissue.clones.parent[row])
        return lineage

    before = [ancestry(row) for row in tissue.cells["clone"].tolist()]
    size, founders, gone = len(tissue.clones), tissue.clones.founders(), tissue.clones.intravasated.sum()
    dropped = prune(tissue)
    assert [ancestry(row) for row in tissue.cells["clone"].tolist()] == before
    assert len(tissue.clones) == size - dropped
    assert tissue.clones.founders() == founders and tissue.clones.intravasated.sum() == gone
    assert (tissue.clones.parent < np.arange(len(tissue.clones))).all(), "parents come first"
    left = {name for lineage in before for name in lineage}
    leaves = set(range(len(tissue.clones))) - set(tissue.clones.parent.tolist())
    for row in leaves:
        clones = tissue.clones
        assert clones.names[row] in left or clones.parent[row] < 0 or clones.intravasated[row] > 0
