"""Tolerance of lack of oxygen: clones without p53 die of it less.

Part of the death of cells that lack oxygen needs p53. With the share a of it, the rate of necrosis is multiplied by
1 − a (1 − p), p what a clone's alterations leave of p53 (``p53_expression``; 1 in others). Hypoxia
selects such clones by this factor, which is assumed: how much less they die is put in, how much they gain is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.cell_signaling import expressions_of
from tumorabm.tissue.cells import TUMOR
from tumorabm.tissue.genotypes import ByGenotype
from tumorabm.tissue.tissue import Tissue

_P53: Final = "p53_expression"


class HypoxiaTolerance(Process):
    """Necrosis of tumor cells by their clone's p53.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    expressions : callable, optional
        What alterations leave or make, by ``<molecule>_expression``; nothing if not given.
    genotypes : iterable of sequence of str
        Alterations of the cells that there are at the start or may be soon.
    """

    name = "hypoxia_tolerance"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {"share": Parameter("cell_types.tumor.necrosis_p53_share", "1", "of necrosis, needs p53", below=1.0)}
    reads = ("cells/cell_type", "cells/clone", "clones")
    writes = ("rates/necrosis",)

    def __init__(
        self,
        values: Mapping[str, float],
        expressions: Callable[[tuple[str, ...]], Mapping[str, float]] | None = None,
        genotypes: Iterable[Sequence[str]] = (),
    ) -> None:
        super().__init__(values)

        def factor(genotype: tuple[str, ...]) -> float:
            left = expressions(genotype).get(_P53, 1.0) if expressions else 1.0
            return 1.0 - self.p.share * (1.0 - left)

        self.factors = ByGenotype(factor, genotypes)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process for the clones of the experiment."""
        values = cls.values_from(catalog, choice.sets, given)
        return cls(values, lambda genotype: expressions_of(catalog, genotype, choice.sets), choice.genotypes)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        places = self.factors.places(tissue.clones)
        factors = np.array(self.factors.values)[places]
        tumor = cells["cell_type"] == TUMOR
        tissue.rates.multiply("necrosis", self.name, np.where(tumor, factors[cells["clone"]], 1.0))
