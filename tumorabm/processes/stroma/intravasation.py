"""Intravasation: tumor cells that touch leaky, perfused vessels enter them and are gone from the tissue.

A living tumor cell enters at the rate k M Σ (1 − C) L, summed over the perfused endothelial cells on its own and the
neighboring sites: C is their pericyte coverage (a tip has none), L their leakiness where the mechanism ``permeability``
is on and 1 without it. M = M_½ / (M_½ + M_site) is what the matrix at the tumor cell lets through where the mechanism
``matrix`` is on, and 1 without it. So coverage that protects vessels from treatment also keeps tumor cells in place,
and what degrades matrix lets them out.

The review has low coverage as a cause of metastasis through blood (F-42). Butler and Gullino (1975) and Glaves et al.
(1988) counted cells that tumors shed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.transport.oxygen import PERFUSED
from tumorabm.processes.vessels.permeability import LEAKINESS
from tumorabm.processes.vessels.survival import COVERAGE, PHENOTYPE
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, TUMOR, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import DIRECTIONS, TIP

MATRIX = "matrix"


class Intravasation(Process):
    """Rate at which tumor cells enter vessels.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    by_leakiness, by_matrix : bool
        Whether leakiness and matrix are there to follow.
    """

    name = "intravasation"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = "intravasation"
    parameters = {
        "rate": Parameter("cell_types.tumor.intravasation_rate", "1/h", "per naked perfused cell touched, no matrix"),
        "matrix_half": Parameter("cell_types.tumor.intravasation_matrix_half", "1", "matrix that halves it", above=0),
    }
    columns: tuple[Column, ...] = (PERFUSED, PHENOTYPE, COVERAGE, LEAKINESS)
    reads = (
        "cells/site", "cells/cell_type", "cells/state", "cells/perfused", "cells/phenotype", "cells/coverage",
        "cells/leakiness", "microenvironment/matrix",
    )  # fmt: skip
    writes = ("rates/intravasate",)
    limits_step = ("rate",)

    def __init__(self, values: Mapping[str, float], by_leakiness: bool = False, by_matrix: bool = False) -> None:
        super().__init__(values)
        self.by_leakiness, self.by_matrix = by_leakiness, by_matrix
        self.columns = (PERFUSED, PHENOTYPE, COVERAGE, *((LEAKINESS,) if by_leakiness else ()))
        self.substrates = (MATRIX,) if by_matrix else ()

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Intravasation:
        """The process, which follows leakiness and matrix where these mechanisms are on."""
        active = choice.mechanisms
        return cls(cls.values_from(catalog, choice.sets, given), "permeability" in active, MATRIX in active)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        names = ("cell_type", "site", "perfused", "phenotype", "coverage")
        leakiness = cells["leakiness"] if self.by_leakiness else np.ones(cells.n)
        gaps = np.zeros(tissue.lattice.sites)
        _fill_gaps(*(cells[name] for name in names), leakiness, gaps)
        if self.by_matrix:
            let = p.matrix_half / (p.matrix_half + tissue.microenvironment[MATRIX].concentration.reshape(-1))
        else:
            let = np.ones(tissue.lattice.sites)
        rate = np.empty(cells.n)
        columns = (cells[name] for name in ("cell_type", "state", "site"))
        _fill_rate(*columns, gaps, tissue.vasculature.neighbors, let, p.rate, rate)
        tissue.rates.add("intravasate", self.name, rate)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_gaps(cell_type, site, perfused, phenotype, coverage, leakiness, gaps):
    """What the wall of a perfused endothelial cell lets through, by its site."""
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL and perfused[row] != 0:
            covered = 0.0 if phenotype[row] == TIP else coverage[row]
            gaps[site[row]] = (1.0 - covered) * leakiness[row]


@kernel
def _fill_rate(cell_type, state, site, gaps, neighbors, let, rate, out):
    for row in range(site.size):
        out[row] = 0.0
        if cell_type[row] == TUMOR and state[row] == ALIVE:
            here = site[row]
            total = gaps[here]
            for k in range(DIRECTIONS):
                there = neighbors[here, k]
                if there >= 0:
                    total += gaps[there]
            out[row] = rate * let[here] * total
