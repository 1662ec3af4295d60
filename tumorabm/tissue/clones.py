"""Clones: the genotypes that tumor cells share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

_SEPARATOR: Final = " "


class Clones:
    """The clone table; a tumor cell's ``clone`` is a row of it.

    Attributes
    ----------
    names : list of str
    alterations : list of tuple of str
        Alterations of each clone, by their names in the catalog.
    parent : ndarray of int32
        Row of the parent clone, -1 for founders.
    birth_step : ndarray of int64
    intravasated : ndarray of int64
        Number of cells of each clone that have entered a vessel so far.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.alterations: list[tuple[str, ...]] = []
        self.parent = np.empty(0, dtype=np.int32)
        self.birth_step = np.empty(0, dtype=np.int64)
        self.intravasated = np.empty(0, dtype=np.int64)

    def add(self, name: str, alterations: Sequence[str] = (), parent: int = -1, step: int = 0) -> int:
        """Add a clone and return its row."""
        self.names.append(name)
        self.alterations.append(tuple(alterations))
        self.parent = np.append(self.parent, np.int32(parent))
        self.birth_step = np.append(self.birth_step, np.int64(step))
        self.intravasated = np.append(self.intravasated, np.int64(0))
        return len(self.names) - 1

    def state(self) -> dict[str, np.ndarray]:
        """Copies of the table."""
        return {
            "names": np.array(self.names, dtype="S64"),
            "alterations": np.array([_SEPARATOR.join(names) for names in self.alterations], dtype="S"),
            "parent": self.parent.copy(),
            "birth_step": self.birth_step.copy(),
            "intravasated": self.intravasated.copy(),
        }

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state."""
        self.names = [name.decode() for name in state["names"].tolist()]
        listed = [text.decode() for text in state["alterations"].tolist()]
        self.alterations = [tuple(text.split(_SEPARATOR)) if text else () for text in listed]
        self.parent = state["parent"].astype(np.int32)
        self.birth_step = state["birth_step"].astype(np.int64)
        self.intravasated = state["intravasated"].astype(np.int64)
