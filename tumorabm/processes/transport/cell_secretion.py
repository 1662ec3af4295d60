"""Secretion by cells of the stroma, as the catalog's ``cell_types.<type>.<substrate>_secretion`` says.

A cell secretes every such substrate that the experiment has, its rate times the cell's activity, into its own site. Who
owns a type of cell makes a subclass and says what the activity is; there is one cell of a type per site, so a source is
set and never summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

_SUFFIX: Final = "_secretion"


class CellSecretion(Process):
    """Secretion by the living cells of one type. A subclass gives it a name, its type and, if need be, ``activity``.

    Parameters
    ----------
    values : mapping of str to float
        The parameters that a subclass declares.
    rates : mapping of str to float
        Of a cell with activity 1, molecule/h, by substrate.
    """

    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    cell_type: ClassVar[str]
    row_type: ClassVar[int]
    reads: ClassVar[tuple[str, ...]] = ("cells/site", "cells/cell_type", "cells/state")
    writes: ClassVar[tuple[str, ...]] = ("terms",)

    def __init__(self, values: Mapping[str, float], rates: Mapping[str, float] | None = None) -> None:
        super().__init__(values)
        self.rates = dict(rates or {})

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process for the experiment's substrates."""
        return cls(cls.values_from(catalog, choice.sets, given), cls.rates_from(catalog, choice))

    @classmethod
    def rates_from(cls, catalog: Values, choice: Choice) -> dict[str, float]:
        """What a cell of the type secretes of the experiment's substrates, molecule/h."""
        paths = set(catalog.paths())
        entries = {name: f"cell_types.{cls.cell_type}.{name}{_SUFFIX}" for name in choice.substrates}
        return {name: catalog.get(path, "molecule/h", choice.sets) for name, path in entries.items() if path in paths}

    def activity(self, tissue: Tissue, rows: np.ndarray, substrate: str) -> np.ndarray | float:
        """What a substrate's rate is multiplied by in each of some cells, shape (m,) or one number for all."""
        return 1.0

    def step(self, tissue: Tissue, dt: float) -> None:
        rows = tissue.cells.alive(self.row_type)
        sites = tissue.cells["site"][rows]
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        for substrate, rate in self.rates.items():
            source = np.zeros(tissue.lattice.sites)
            source[sites] = rate * scale * self.activity(tissue, rows, substrate)
            tissue.microenvironment[substrate].contribute("source", self.cell_type, source)
