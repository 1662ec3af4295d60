"""What follows from a clone's alterations, for the clone table as it is now.

A process that treats clones differently does not keep a value per row: rows come while the tumor evolves, and go when
the table is pruned. It keeps a ``ByGenotype``, which works a value out once for every set of alterations that occurs;
clones with the same alterations share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np

from tumorabm.tissue.clones import Clones

Value = TypeVar("Value")
Genotype = tuple[str, ...]


class ByGenotype(Generic[Value]):
    """Values by genotype, looked up by row of the clone table.

    Parameters
    ----------
    value_of : callable
        The value of a genotype: of alterations in the order of their names, each once.
    known : iterable of sequence of str
        Genotypes that are worked out at once, so that what is wrong with one shows early.

    Attributes
    ----------
    values : list
        In the order in which genotypes were met.
    """

    def __init__(self, value_of: Callable[[Genotype], Value], known: Iterable[Iterable[str]] = ()) -> None:
        self._value_of = value_of
        self._place: dict[Genotype, int] = {}
        self.values: list[Value] = []
        self._table: list[Genotype] = []
        self._of_row = np.empty(0, dtype=np.int64)
        for genotype in known:
            self._place_of(genotype)

    def __getitem__(self, genotype: Iterable[str]) -> Value:
        """Value of a genotype, whatever the order of its alterations."""
        return self.values[self._place_of(genotype)]

    def places(self, clones: Clones) -> np.ndarray:
        """Index into ``values`` for each row of the table, and last for cells of no clone, whose row is -1."""
        table = clones.alterations
        if table is not self._table or len(table) + 1 < self._of_row.size:
            # Another table: of another tissue, of a checkpoint, or pruned.
            self._table, self._of_row = table, np.array([self._place_of(())])
        known = self._of_row.size - 1
        if len(table) > known:
            new = [self._place_of(genotype) for genotype in table[known:]]
            self._of_row = np.concatenate([self._of_row[:known], new, self._of_row[-1:]])
        return self._of_row

    def _place_of(self, genotype: Iterable[str]) -> int:
        ordered = tuple(sorted(set(genotype)))
        if ordered not in self._place:
            self.values.append(self._value_of(ordered))
            self._place[ordered] = len(self.values) - 1
        return self._place[ordered]
