"""Regression of endothelium: without survival signal, without coverage, at dead ends.

k = P(C) k_u F (1 − S(σ, C)) + k_prune (dead end). The pericyte coverage C protects twice: it leaves the share
P(C) = 1 − C (1 − m) of the rate, and it lowers the need for VEGF, S(σ, C) = σⁿ / (σ_½(C)ⁿ + σⁿ) of the VEGFR2 signal σ
with σ_½(C) = σ_u (1 − C (1 − q)). So a covered host capillary lives on the little VEGF of normal tissue, also under a
drug, and dies where there is none. F = f where blood flows and 1 where it does not: shear stress keeps endothelium
alive. So one lost cell stops the flow in its segment, and the rest of the segment follows: vessels regress by segments
and not cell by cell. A tip has no coverage. Feeding and draining sites belong to vessels that run on outside the block
and do not regress. The slow turnover of healthy endothelium replaces a cell in its place and is no event here: as gaps,
it would wear host tissue down wherever a drug keeps neighbors from filling them.

Benjamin et al. (1999): vessels without pericytes die selectively when VEGF is withdrawn. Dimmeler et al. (1996): shear
stress suppresses apoptosis of endothelial cells.
"""

from __future__ import annotations

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.processes.signaling.vegfr2 import VEGFR2_SIGNAL
from tumorabm.processes.transport.oxygen import PERFUSED, ROOT
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import NOT_ROOT, QUIESCENT, TIP

PHENOTYPE = Column("phenotype", "1", "of endothelium: 0 quiescent, 1 stalk, 2 tip", "i1", QUIESCENT, "reset")
COVERAGE = Column("coverage", "1", "share of the endothelial cell that pericytes cover", "f8", 0.0, "copy")


class EndothelialSurvival(Process):
    """Rate of regression of endothelial cells."""

    name = "endothelial_survival"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "uncovered_rate": Parameter("cell_types.endothelial.uncovered_regression_rate", "1/h", "no cover, no signal"),
        "covered_multiplier": Parameter(
            "cell_types.endothelial.covered_multiplier", "1", "left of it under full cover"
        ),
        "flow_multiplier": Parameter("cell_types.endothelial.flow_multiplier", "1", "left of it where blood flows"),
        "half": Parameter("cell_types.endothelial.survival_half", "1", "VEGFR2 signal of half survival, no cover"),
        "covered_need": Parameter("cell_types.endothelial.covered_need", "1", "left of that under full cover"),
        "exponent": Parameter("cell_types.endothelial.survival_exponent", "1", "steepness"),
    }
    columns = (VEGFR2_SIGNAL, PERFUSED, ROOT, PHENOTYPE, COVERAGE)
    reads = (
        "cells/cell_type",
        "cells/root",
        "cells/perfused",
        "cells/phenotype",
        "cells/coverage",
        "cells/vegfr2_signal",
    )
    writes = ("rates/regress",)
    limits_step = ("uncovered_rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        rows = mortal_rows(tissue)
        half = p.half * exposure(tissue, rows, p.covered_need)
        lost = 1.0 - signal_response(cells["vegfr2_signal"][rows], half, p.exponent)
        rate = np.zeros(cells.n)
        flow = np.where(cells["perfused"][rows] != 0, p.flow_multiplier, 1.0)
        rate[rows] = p.uncovered_rate * exposure(tissue, rows, p.covered_multiplier) * flow * lost
        tissue.rates.add("regress", self.name, rate)


class Pruning(Process):
    """Regression of dead ends."""

    name = "pruning"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {"rate": Parameter("cell_types.endothelial.pruning_rate", "1/h", "of the last cell of a dead end")}
    columns = (ROOT, PHENOTYPE)
    reads = ("cells/site", "cells/cell_type", "cells/root", "cells/phenotype", "vasculature/links")
    writes = ("rates/regress",)
    limits_step = ("rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = mortal_rows(tissue)
        rows = rows[(tissue.vasculature.degree(cells["site"][rows]) < 2) & (cells["phenotype"][rows] != TIP)]
        rate = np.zeros(cells.n)
        rate[rows] = self.p.rate
        tissue.rates.add("regress", self.name, rate)


def mortal_rows(tissue: Tissue) -> np.ndarray:
    """Rows of endothelial cells that are not part of a feeding or draining vessel."""
    cells = tissue.cells
    return np.flatnonzero((cells["cell_type"] == ENDOTHELIAL) & (cells["root"] == NOT_ROOT))


def exposure(tissue: Tissue, rows: np.ndarray, covered_multiplier: float) -> np.ndarray:
    """What coverage leaves of a property of uncovered endothelium, 1 − C (1 − m)."""
    cells = tissue.cells
    coverage = np.where(cells["phenotype"][rows] == TIP, 0.0, cells["coverage"][rows])
    return 1.0 - coverage * (1.0 - covered_multiplier)


def signal_response(signal: np.ndarray, half: float | np.ndarray, exponent: float) -> np.ndarray:
    """Hill response to the VEGFR2 signal."""
    power = signal**exponent
    return power / (half**exponent + power)
