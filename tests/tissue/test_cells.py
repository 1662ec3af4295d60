"""Cells: rows, occupancy, and what daughters inherit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorabm.tissue.cells import (
    ALIVE,
    APOPTOTIC,
    ENDOTHELIAL,
    FIBROBLAST,
    LAYER_OF_TYPE,
    MDSC,
    PARENCHYMA,
    PERICYTE,
    T_CELL,
    TUMOR,
    VESSEL,
    Cells,
    Column,
)
from tumorabm.tissue.division import fill_daughters

AMOUNT = Column("amount", "fmol", "shared between daughters", "f8", 3.0, "halve")
MEMORY = Column("memory", "1", "kept", "f8", 2.0, "copy")
AGE = Column("age", "h", "begins anew", "f4", 7.0, "reset")
VECTOR = Column("vector", "um", "three numbers", "f8", -1.0, "copy", (3,))
COLUMNS = (AMOUNT, MEMORY, AGE, VECTOR)
SITES = 50


def tumor(cells: Cells, sites: list[int], first_uid: int = 1, cell_type: int = TUMOR, **values: object) -> np.ndarray:
    count = len(sites)
    return cells.append(
        {
            "uid": np.arange(first_uid, first_uid + count, dtype=np.uint64),
            "site": np.array(sites, dtype=np.int64),
            "cell_type": np.full(count, cell_type, dtype=np.int8),
            **values,
        }
    )


def consistent(cells: Cells) -> None:
    """Occupancy and rows tell the same."""
    assert np.count_nonzero(cells.occupancy >= 0) == cells.n
    rows = np.arange(cells.n)
    np.testing.assert_array_equal(cells.occupancy[LAYER_OF_TYPE[cells["cell_type"]], cells["site"]], rows)


def test_appended_cells_have_their_values_and_defaults_elsewhere() -> None:
    cells = Cells(SITES, COLUMNS)
    rows = tumor(cells, [3, 8], memory=np.array([0.5, 0.25]), vector=np.ones((2, 3)))
    assert rows.tolist() == [0, 1]
    assert cells["memory"].tolist() == [0.5, 0.25] and cells["amount"].tolist() == [3.0, 3.0]
    assert cells["vector"].shape == (2, 3) and cells["age"].dtype == np.float32
    assert (cells["state"] == ALIVE).all() and (cells["births"] == 0).all() and (cells["clone"] == -1).all()
    consistent(cells)


def test_more_cells_than_there_was_room_for() -> None:
    cells = Cells(1000, COLUMNS)
    for start in range(0, 1000, 100):
        tumor(cells, list(range(start, start + 100)), 1 + start, memory=np.arange(start, start + 100.0))
    assert cells.n == 1000
    np.testing.assert_array_equal(cells["memory"], np.arange(1000.0))
    consistent(cells)


def test_columns_are_writable_views() -> None:
    cells = Cells(SITES, COLUMNS)
    tumor(cells, [1, 2])
    cells["memory"][1] = 9.0
    assert cells["memory"].tolist() == [2.0, 9.0]
    assert "memory" in cells and "absent" not in cells
    with pytest.raises(KeyError):
        cells["absent"]


def test_layers_let_different_kinds_of_cells_share_a_site() -> None:
    cells = Cells(SITES)
    for number, kind in enumerate((TUMOR, ENDOTHELIAL, PERICYTE, MDSC)):
        tumor(cells, [7], 1 + number, kind)
    consistent(cells)
    assert cells.occupancy[PARENCHYMA, 7] == 0 and cells.occupancy[VESSEL, 7] == 1
    for kind in (TUMOR, FIBROBLAST, T_CELL, ENDOTHELIAL):
        other = Cells(SITES)
        other.load(cells.state())
        with pytest.raises(ValueError, match="two cells sit on one site"):
            tumor(other, [7], 99, kind)


def test_two_cells_with_one_uid_are_an_error() -> None:
    cells = Cells(SITES)
    tumor(cells, [1, 2])
    cells.check_uids()
    tumor(cells, [3], 2)
    with pytest.raises(ValueError, match="same uid"):
        cells.check_uids()


def test_a_column_may_be_declared_by_several_but_not_differently() -> None:
    assert "memory" in Cells(SITES, [MEMORY, MEMORY])
    with pytest.raises(ValueError, match="declared twice, differently"):
        Cells(SITES, [MEMORY, Column("memory", "1", "kept", "f4", 2.0, "copy")])


def test_rows_that_are_dropped_leave_their_place() -> None:
    cells = Cells(SITES, COLUMNS)
    tumor(cells, [10, 11, 12, 13], memory=np.arange(4.0))
    cells.keep(np.array([True, False, True, False]))
    assert cells["site"].tolist() == [10, 12] and cells["memory"].tolist() == [0.0, 2.0]
    consistent(cells)
    # What comes into their rows starts from the defaults again.
    tumor(cells, [11], 9)
    assert cells["memory"].tolist() == [0.0, 2.0, 2.0]


def test_kinds_and_states_of_rows() -> None:
    cells = Cells(SITES)
    tumor(cells, [0, 1, 2])
    tumor(cells, [0], 9, ENDOTHELIAL)
    cells["state"][1] = APOPTOTIC
    assert cells.alive(TUMOR).tolist() == [0, 2]
    assert cells.rows_of(TUMOR).tolist() == [0, 1, 2] and cells.rows_of(ENDOTHELIAL).tolist() == [3]


def test_a_state_is_taken_over_and_is_a_copy() -> None:
    cells = Cells(SITES, COLUMNS)
    tumor(cells, [4, 5, 6], memory=np.arange(3.0))
    state = cells.state()
    cells["memory"][:] = -1.0
    other = Cells(SITES, COLUMNS)
    tumor(other, [9, 8, 7, 6, 5])
    other.load(state)
    assert other.n == 3 and other["memory"].tolist() == [0.0, 1.0, 2.0]
    consistent(other)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "drop", "shuffle", "reload"]), st.integers(0, 2**32 - 1)), max_size=12)
)
def test_rows_and_occupancy_stay_consistent(actions: list[tuple[str, int]]) -> None:
    cells, uid = Cells(SITES, COLUMNS), 1
    expected: dict[int, tuple[int, float]] = {}
    for action, seed in actions:
        rng = np.random.default_rng(seed)
        if action == "add":
            free = np.setdiff1d(np.arange(SITES), [site for site, _ in expected.values()])
            sites = rng.permutation(free)[: rng.integers(0, 8)].tolist()
            values = rng.random(len(sites))
            tumor(cells, sites, uid, memory=values)
            expected |= {uid + i: (site, value) for i, (site, value) in enumerate(zip(sites, values, strict=True))}
            uid += len(sites)
        elif action == "drop":
            mask = rng.random(cells.n) < 0.6
            for gone in cells["uid"][~mask].tolist():
                del expected[gone]
            cells.keep(mask)
        elif action == "shuffle":
            cells.permute(rng.permutation(cells.n))
        else:
            again = Cells(SITES, COLUMNS)
            again.load(cells.state())
            cells = again
        consistent(cells)
        found = zip(cells["uid"].tolist(), cells["site"].tolist(), cells["memory"].tolist(), strict=True)
        assert {u: (site, value) for u, site, value in found} == expected


# --- division -------------------------------------------------------------------------------------------------------


def divide(cells: Cells, parents: list[int], sites: list[int]) -> np.ndarray:
    """What COMMIT does: uid and site behind the last row, then the rest by declaration."""
    cells.reserve(cells.n + len(parents))
    new = slice(cells.n, cells.n + len(parents))
    cells.storage("uid")[new] = np.arange(100, 100 + len(parents))
    cells.storage("site")[new] = sites
    return fill_daughters(cells, np.array(parents))


def test_daughters_copy_halve_or_begin_anew() -> None:
    cells = Cells(SITES, COLUMNS)
    tumor(
        cells, [1, 2], clone=np.array([4, 5]), births=np.array([1, 2]), amount=np.array([8.0, 10.0]),
        memory=np.array([0.1, 0.2]), age=np.array([50.0, 60.0]), vector=np.arange(6.0).reshape(2, 3),
    )  # fmt: skip
    rows = divide(cells, [1, 0], [3, 4])
    assert rows.tolist() == [2, 3] and cells.n == 4
    assert cells["uid"].tolist() == [1, 2, 100, 101] and cells["site"].tolist() == [1, 2, 3, 4]
    assert cells["amount"].tolist() == [4.0, 5.0, 5.0, 4.0]
    assert cells["memory"].tolist() == [0.1, 0.2, 0.2, 0.1]
    assert cells["vector"][2].tolist() == [3.0, 4.0, 5.0]
    assert cells["clone"].tolist() == [4, 5, 5, 4]
    # The daughter begins anew; the parent keeps its own.
    assert cells["age"].tolist() == [50.0, 60.0, 7.0, 7.0]
    assert cells["births"].tolist() == [1, 2, 0, 0]


def test_what_is_halved_is_conserved_also_by_two_divisions_of_one_cell() -> None:
    cells = Cells(SITES, COLUMNS)
    tumor(cells, [1], amount=np.array([8.0]))
    divide(cells, [0, 0], [2, 3])
    assert cells["amount"].tolist() == [2.0, 4.0, 2.0]


def test_a_daughter_of_a_dying_cell_is_alive() -> None:
    cells = Cells(SITES, COLUMNS)
    tumor(cells, [1], state=np.array([APOPTOTIC]))
    divide(cells, [0], [2])
    assert cells["state"].tolist() == [APOPTOTIC, ALIVE]
