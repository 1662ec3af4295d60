"""Clones: the genotypes that tumor cells share, and who descends from whom.

Every gain of an alteration founds a clone of its own, also where another has the same alterations (infinite alleles).
A clone is known by its key, which follows from the founder's name or from the cell in which it began and the step, so
it depends neither on other clones nor on the order of anything. Rows of the table are for the present: a child comes
behind its parent, clones of one step in the order of their keys, and ``prune`` may give rows up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from tumorabm.tissue.random import derived_uid

if TYPE_CHECKING:
    from tumorabm.tissue.tissue import Tissue

_SEPARATOR: Final = " "
_NUMBERS: Final = {
    "key": np.uint64,
    "parent": np.int32,
    "birth_step": np.int64,
    "site": np.int64,
    "intravasated": np.int64,
}


class Clones:
    """The clone table; a tumor cell's ``clone`` is a row of it.

    Attributes
    ----------
    names : list of str
        Of founders as the experiment has them, of others the key in hexadecimal digits.
    alterations : list of tuple of str
        Alterations of each clone, by their names in the catalog.
    key : ndarray of uint64
    parent : ndarray of int32
        Row of the parent clone, -1 for founders.
    birth_step : ndarray of int64
        Number of completed steps when its first cell was there.
    site : ndarray of int64
        Where it began, -1 for founders.
    intravasated : ndarray of int64
        Number of cells of each clone that have entered a vessel so far.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.alterations: list[tuple[str, ...]] = []
        self.key, self.parent, self.birth_step, self.site, self.intravasated = (
            np.empty(0, dtype=dtype) for dtype in _NUMBERS.values()
        )
        self._known: set[int] = set()  # the keys once more, to look one up at once

    def __len__(self) -> int:
        return len(self.names)

    def add(
        self,
        name: str = "",
        alterations: Sequence[str] = (),
        parent: int = -1,
        step: int = 0,
        *,
        key: int | None = None,
        site: int = -1,
    ) -> int:
        """Add a clone and return its row.

        Parameters
        ----------
        name : str
            The key's digits if none is given.
        alterations : sequence of str
        parent, step, site : int
            As in the table.
        key : int, optional
            Follows from the name if not given.

        Raises
        ------
        ValueError
            If another clone has the key.
        """
        key = key_of_founder(name) if key is None else int(key)
        if key in self._known:
            raise ValueError(f"two clones have the key {key:016x} ({name})")
        self._known.add(key)
        self.names.append(name or f"{key:016x}")
        self.alterations.append(tuple(alterations))
        row = {"key": key, "parent": parent, "birth_step": step, "site": site, "intravasated": 0}
        for column, value in row.items():
            dtype = _NUMBERS[column]
            setattr(self, column, np.append(getattr(self, column), np.array(value, dtype=dtype)))
        return len(self.names) - 1

    def founders(self) -> list[str]:
        """Names of the clones that the tumor began with."""
        return [name for name, parent in zip(self.names, self.parent.tolist(), strict=True) if parent < 0]

    def founder_of(self, row: int) -> str:
        """Name of the founder that a clone descends from."""
        while self.parent[row] >= 0:
            row = int(self.parent[row])
        return self.names[row]

    def keep(self, mask: np.ndarray) -> np.ndarray:
        """Give up the rows where mask is False. Returns the new row of each, -1 of those given up.

        Raises
        ------
        ValueError
            If a clone would lose its parent.
        """
        rows = np.where(mask, np.cumsum(mask) - 1, -1).astype(np.int32)
        orphans = mask & (self.parent >= 0) & (rows[self.parent] < 0)
        if orphans.any():
            raise ValueError(f"{int(orphans.sum())} clones would lose their parent")
        self.names = [name for name, kept in zip(self.names, mask.tolist(), strict=True) if kept]
        self.alterations = [names for names, kept in zip(self.alterations, mask.tolist(), strict=True) if kept]
        for column in _NUMBERS:
            setattr(self, column, getattr(self, column)[mask])
        self._known = set(self.key.tolist())
        self.parent = np.where(self.parent >= 0, rows[self.parent], -1).astype(np.int32)
        return rows

    def state(self) -> dict[str, np.ndarray]:
        """Copies of the table."""
        return {
            "names": np.array(self.names, dtype="S64"),
            "alterations": np.array([_SEPARATOR.join(names) for names in self.alterations], dtype="S"),
            **{column: getattr(self, column).copy() for column in _NUMBERS},
        }

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state."""
        self.names = [name.decode() for name in state["names"].tolist()]
        listed = [text.decode() for text in state["alterations"].tolist()]
        self.alterations = [tuple(text.split(_SEPARATOR)) if text else () for text in listed]
        for column, dtype in _NUMBERS.items():
            setattr(self, column, state[column].astype(dtype))
        self._known = set(self.key.tolist())


def key_of_founder(name: str) -> int:
    """Key of a clone that the tumor begins with."""
    return int.from_bytes(hashlib.sha256(f"clone {name}".encode()).digest()[:8], "little")


def keys_of_gains(uids: np.ndarray, step: int) -> np.ndarray:
    """Keys of the clones that begin in some cells in a step, uint64, shape (n,)."""
    return derived_uid("clone", [uids, np.array(step)])


def prune(tissue: Tissue) -> int:
    """Drop extinct clones that have no descendants from the table; nothing else changes.

    Founders stay, and those of which cells (debris included) are there or have entered vessels, with all their
    ancestors. No run calls it: phylogeny and census of a run are about all clones that there were. It is for models
    that run on for so long, or gain so much, that the table grows too large, and that want the living ones only.

    Returns
    -------
    int
        Number of clones dropped.
    """
    clones, of_cells = tissue.clones, tissue.cells["clone"]
    kept = (clones.parent < 0) | (clones.intravasated > 0)
    kept[of_cells[of_cells >= 0]] = True
    for row in range(len(clones) - 1, -1, -1):  # children come behind their parents
        if kept[row] and clones.parent[row] >= 0:
            kept[clones.parent[row]] = True
    dropped = int(np.count_nonzero(~kept))
    if dropped:
        rows = clones.keep(kept)
        of_cells[:] = np.where(of_cells >= 0, rows[of_cells], -1)
    return dropped
