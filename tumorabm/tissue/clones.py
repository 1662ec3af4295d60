"""Clones: the genotypes that tumor cells share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

VHL_STATUS: Final = ("wild_type", "mutated", "methylated")


class Clones:
    """The clone table; a tumor cell's ``clone`` is a row of it.

    Attributes
    ----------
    names : list of str
    vhl : ndarray of int8
        Index into VHL_STATUS. Mutated and methylated VHL both leave HIF undegraded whatever the oxygen.
    parent : ndarray of int32
        Row of the parent clone, -1 for founders.
    birth_step : ndarray of int64
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.vhl = np.empty(0, dtype=np.int8)
        self.parent = np.empty(0, dtype=np.int32)
        self.birth_step = np.empty(0, dtype=np.int64)

    def add(self, name: str, vhl: str, parent: int = -1, step: int = 0) -> int:
        """Add a clone and return its row."""
        if vhl not in VHL_STATUS:
            raise ValueError(f"unknown VHL status {vhl!r}, expected one of {', '.join(VHL_STATUS)}")
        self.names.append(name)
        self.vhl = np.append(self.vhl, np.int8(VHL_STATUS.index(vhl)))
        self.parent = np.append(self.parent, np.int32(parent))
        self.birth_step = np.append(self.birth_step, np.int64(step))
        return len(self.names) - 1

    @property
    def vhl_null(self) -> np.ndarray:
        """Whether each clone has lost VHL, shape (clones,)."""
        return self.vhl != VHL_STATUS.index("wild_type")

    def state(self) -> dict[str, np.ndarray]:
        """Copies of the table."""
        return {
            "names": np.array(self.names, dtype="S64"),
            "vhl": self.vhl.copy(),
            "parent": self.parent.copy(),
            "birth_step": self.birth_step.copy(),
        }

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state."""
        self.names = [name.decode() for name in state["names"].tolist()]
        self.vhl = state["vhl"].astype(np.int8)
        self.parent = state["parent"].astype(np.int32)
        self.birth_step = state["birth_step"].astype(np.int64)
