"""Cells: a struct of arrays with declared columns, and who sits on which site.

Rows 0 .. n-1 are in use; their order means nothing. A row is a living cell or the debris of one (``state``). Sites
have layers, one cell per site and layer, so a tumor cell and a capillary may share a site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tumorabm.kernel import kernel

CELL_TYPES: Final = ("tumor", "endothelial", "pericyte", "mdsc", "fibroblast", "t_cell")
TUMOR, ENDOTHELIAL, PERICYTE, MDSC, FIBROBLAST, T_CELL = range(6)
LAYERS: Final = ("parenchyma", "vessel", "mural", "immune")
PARENCHYMA, VESSEL, MURAL, IMMUNE = range(4)
LAYER_OF_TYPE: Final = np.array([PARENCHYMA, VESSEL, MURAL, IMMUNE, PARENCHYMA, IMMUNE], dtype=np.int8)
STATES: Final = ("alive", "apoptotic", "necrotic")
ALIVE, APOPTOTIC, NECROTIC = range(3)


@dataclass(frozen=True)
class Column:
    """One attribute of every cell.

    Parameters
    ----------
    name, unit, description : str
        What it is; unit "1" for pure numbers.
    dtype : str
        A numpy dtype.
    default : float
        Value in a cell that nobody set it for.
    at_division : {"copy", "halve", "reset"}
        What a daughter gets: the parent's value, half of it (as the parent keeps half), or the default (both).
    shape : tuple of int
        Shape of one cell's entry, () for a number.
    labels : tuple of str
        Names of the components of an entry.
    """

    name: str
    unit: str
    description: str
    dtype: str = "f8"
    default: float = 0.0
    at_division: Literal["copy", "halve", "reset"] = "copy"
    shape: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()


CORE_COLUMNS: Final = (
    Column("uid", "1", "identity, derived from the parent's", "u8"),
    Column("site", "1", "flat index of the site", "i8", -1),
    Column("cell_type", "1", "index into CELL_TYPES", "i1"),
    Column("state", "1", "alive, apoptotic or necrotic debris", "i1", ALIVE, "reset"),
    Column("clone", "1", "row of the clone table, -1 without", "i4", -1),
    Column("births", "1", "number of daughters so far", "u4", 0, "reset"),
)


class Cells:
    """All cells of a tissue.

    Parameters
    ----------
    sites : int
        Number of lattice sites.
    columns : iterable of Column
        What the active processes declare, beside the core columns.

    Attributes
    ----------
    n : int
        Number of rows in use.
    occupancy : ndarray of int32, shape (layers, sites)
        Row of the cell in each layer of each site, -1 where there is none.
    """

    def __init__(self, sites: int, columns: Iterable[Column] = ()) -> None:
        self.specs: dict[str, Column] = {}
        for column in (*CORE_COLUMNS, *columns):
            known = self.specs.setdefault(column.name, column)
            if known != column:
                raise ValueError(f"column {column.name!r} is declared twice, differently")
        self.n = 0
        self._different = 0  # so many of the first rows are known to have different uids
        self._arrays = {name: _filled(spec, 0) for name, spec in self.specs.items()}
        self.occupancy = np.full((len(LAYERS), sites), -1, dtype=np.int32)

    def __getitem__(self, name: str) -> np.ndarray:
        """The column's values in use, a writable view of shape (n, ...)."""
        return self._arrays[name][: self.n]

    def __contains__(self, name: str) -> bool:
        return name in self.specs

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(self.specs)

    def reserve(self, rows: int) -> None:
        """Make room for at least this many rows. Views taken before are stale afterwards if it had to grow."""
        capacity = self._arrays["uid"].shape[0]
        if rows <= capacity:
            return
        size = max(rows, int(1.5 * capacity), 64)
        for name, spec in self.specs.items():
            grown = _filled(spec, size)
            grown[: self.n] = self._arrays[name][: self.n]
            self._arrays[name] = grown

    def storage(self, name: str) -> np.ndarray:
        """The column with its spare rows, shape (capacity, ...), for kernels that append."""
        return self._arrays[name]

    def append(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Add rows; columns not given get their default. Occupancy follows. Returns the new rows."""
        count = len(values["uid"])
        self.reserve(self.n + count)
        rows = np.arange(self.n, self.n + count)
        for name, spec in self.specs.items():
            self._arrays[name][rows] = values.get(name, spec.default)
        self.n += count
        self.rebuild_occupancy()
        return rows

    def keep(self, mask: np.ndarray) -> None:
        """Drop the rows where mask is False, fill their places from the end, and bring the occupancy up to date."""
        kept = int(np.count_nonzero(mask))
        if kept < self.n:
            gaps = np.flatnonzero(~mask[:kept])
            moved = kept + np.flatnonzero(mask[kept:])
            for name, array in self._arrays.items():
                array[gaps] = array[moved]
                array[kept : self.n] = self.specs[name].default
            self._different = kept if self._different == self.n else 0
            self.n = kept
            self.occupancy[LAYER_OF_TYPE[self["cell_type"][gaps]], self["site"][gaps]] = gaps
        if not _occupancy_holds(self["cell_type"], self["site"], LAYER_OF_TYPE, self.occupancy):
            self.rebuild_occupancy()

    def permute(self, order: np.ndarray) -> None:
        """Reorder the rows (their order means nothing: tests shuffle it)."""
        for array in self._arrays.values():
            array[: self.n] = array[: self.n][order]
        self._different = 0
        self.rebuild_occupancy()

    def rebuild_occupancy(self) -> None:
        """Recompute who sits where.

        Raises
        ------
        ValueError
            If two cells claim one site of one layer.
        """
        if not _fill_occupancy(self["cell_type"], self["site"], LAYER_OF_TYPE, self.occupancy):
            raise ValueError("two cells sit on one site of one layer")

    def check_uids(self) -> None:
        """Raise ValueError if two cells have one uid."""
        if not _all_different(self["uid"], self._different):
            raise ValueError("two cells have the same uid")
        self._different = self.n

    def alive(self, cell_type: int) -> np.ndarray:
        """Rows of the living cells of a type."""
        rows = np.empty(self.n, dtype=np.int64)
        return rows[: _list_alive(self["cell_type"], self["state"], cell_type, rows)]

    def rows_of(self, cell_type: int) -> np.ndarray:
        """Rows of the cells of a type, debris included."""
        rows = np.empty(self.n, dtype=np.int64)
        return rows[: _list_rows(self["cell_type"], cell_type, rows)]

    def state(self) -> dict[str, np.ndarray]:
        """Copies of all columns in use."""
        return {name: self[name].copy() for name in self.specs}

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Replace all cells by those of a state."""
        count = len(state["uid"])
        self.n = self._different = 0
        self.reserve(count)
        for name, spec in self.specs.items():
            self._arrays[name][:count] = state[name]
            self._arrays[name][count:] = spec.default
        self.n = count
        self.rebuild_occupancy()


def _filled(spec: Column, size: int) -> np.ndarray:
    return np.full((size, *spec.shape), spec.default, dtype=spec.dtype)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _list_alive(cell_type, state, wanted, rows):
    """List the rows of the living cells of a type; how many there are."""
    count = 0
    for row in range(cell_type.size):
        rows[count] = row  # overwritten by the next, if it does not count
        count += (cell_type[row] == wanted) & (state[row] == ALIVE)
    return count


@kernel
def _list_rows(cell_type, wanted, rows):
    """List the rows of the cells of a type; how many there are."""
    count = 0
    for row in range(cell_type.size):
        rows[count] = row
        count += cell_type[row] == wanted
    return count


@kernel
def _fill_occupancy(cell_type, site, layer_of_type, occupancy):
    """Write every row to its place; whether no place was taken twice."""
    occupancy[:] = -1
    for row in range(site.size):
        layer = layer_of_type[cell_type[row]]
        if occupancy[layer, site[row]] >= 0:
            return False
        occupancy[layer, site[row]] = row
    return True


@kernel
def _occupancy_holds(cell_type, site, layer_of_type, occupancy):
    """Whether the occupancy says of every row, and of nobody else, where it sits."""
    for row in range(site.size):
        if occupancy[layer_of_type[cell_type[row]], site[row]] != row:
            return False
    taken = 0
    places = occupancy.reshape(-1)
    for place in range(places.size):
        taken += places[place] >= 0
    return taken == site.size


@kernel
def _all_different(numbers, known):
    """Whether no number occurs twice, if the first ``known`` are different: an open hash table of the others."""
    bits = 1
    while (1 << bits) < 4 * (numbers.size - known):
        bits += 1
    table = np.full(1 << bits, -1, dtype=np.int32)
    last = (1 << bits) - 1
    for i in range(numbers.size - 1, -1, -1):
        # Uids are hashes themselves (of site and purpose, or of the parent's): their low bits spread evenly.
        place = np.int64(numbers[i] & np.uint64(last))
        while table[place] >= 0:
            if numbers[table[place]] == numbers[i]:
                return False
            place = (place + 1) & last
        if i >= known:
            table[place] = i
    return True
