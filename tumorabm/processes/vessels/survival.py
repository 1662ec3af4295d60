"""Regression of endothelium: without survival signal, without coverage, at dead ends.

k = P(C) k_u F (1 − S(σ, C)) + k_prune (dead end). The pericyte coverage C protects twice: it leaves the share
P(C) = 1 − C (1 − m) of the rate, and it lowers the need for VEGF, S(σ, C) = σⁿ / (σ_½(C)ⁿ + σⁿ) of the VEGFR2 signal σ
with σ_½(C) = σ_u (1 − C (1 − q)). So a covered host capillary lives on the little VEGF of normal tissue, also under a
drug, and dies where there is none. F = f where blood flows and 1 where it does not: shear stress keeps endothelium
alive. Where the wall shear stress τ is known (mechanism ``flow``), F = f + (1 − f) / (1 + (τ / τ_½)ⁿ) instead, so that
vessels with feeble flow are pruned too. One lost cell stops the flow in its segment, and the rest of the segment
follows: vessels regress by segments and not cell by cell. A tip has no coverage. Feeding and draining sites belong to
vessels that run on outside the block and do not regress. The slow turnover of healthy endothelium replaces a cell in
its place and is no event here: as gaps, it would wear host tissue down wherever a drug keeps neighbors from filling
them.

Benjamin et al. (1999): vessels without pericytes die selectively when VEGF is withdrawn. Dimmeler et al. (1996): shear
stress suppresses apoptosis of endothelial cells.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import as_exponent, kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.endothelium import SURVIVAL_SIGNAL
from tumorabm.processes.transport.oxygen import PERFUSED, ROOT, SHEAR
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import NOT_ROOT, QUIESCENT, TIP, count_links

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
        "half": Parameter(
            "cell_types.endothelial.survival_half", "1", "VEGFR2 signal of half survival, no cover", above=0
        ),
        "covered_need": Parameter("cell_types.endothelial.covered_need", "1", "left of that under full cover", above=0),
        "exponent": Parameter("cell_types.endothelial.survival_exponent", "1", "steepness"),
        "shear_half": Parameter(
            "cell_types.endothelial.shear_half", "Pa", "wall shear stress of half the protection by flow", above=0
        ),
        "shear_exponent": Parameter("cell_types.endothelial.shear_exponent", "1", "steepness of it"),
    }
    columns: tuple[Column, ...] = (SURVIVAL_SIGNAL, PERFUSED, ROOT, PHENOTYPE, COVERAGE, SHEAR)
    reads = (
        "cells/cell_type",
        "cells/root",
        "cells/perfused",
        "cells/phenotype",
        "cells/coverage",
        "cells/survival_signal",
        "cells/shear",
    )
    writes = ("rates/regress",)
    limits_step = ("uncovered_rate",)

    def __init__(self, values: Mapping[str, float], by_shear: bool = False) -> None:
        super().__init__(values)
        self.by_shear = by_shear
        # Whether blood flows counts without its flow, how much of it with it.
        other = SHEAR if by_shear else PERFUSED
        self.columns = (SURVIVAL_SIGNAL, ROOT, PHENOTYPE, COVERAGE, other)

    @classmethod
    def from_catalog(
        cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None
    ) -> EndothelialSurvival:
        """The process, which follows shear stress where the mechanism flow is on."""
        return cls(cls.values_from(catalog, choice.sets, given), "flow" in choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        rate = np.empty(cells.n)
        left = np.empty(cells.n)
        if self.by_shear:
            _fill_left_by_shear(cells["shear"], p.flow_multiplier, p.shear_half, as_exponent(p.shear_exponent), left)
        else:
            _fill_left_by_blood(cells["perfused"], p.flow_multiplier, left)
        columns = ("cell_type", "root", "phenotype", "coverage", "survival_signal")
        _fill_regression_rate(
            *(cells[name] for name in columns), left, p.uncovered_rate, p.covered_multiplier, p.half, p.covered_need,
            as_exponent(p.exponent), rate,
        )  # fmt: skip
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
        rate = np.empty(cells.n)
        columns = (cells[name] for name in ("cell_type", "root", "phenotype", "site"))
        _fill_pruning_rate(*columns, tissue.vasculature.links, self.p.rate, rate)
        tissue.rates.add("regress", self.name, rate)


def signal_response(signal: np.ndarray, half: float, exponent: float) -> np.ndarray:
    """Hill response to the VEGFR2 signal."""
    return _response.py_func(signal, half, exponent)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _response(signal, half, exponent):
    power = signal**exponent
    return power / (half**exponent + power)


@kernel
def _exposure(coverage, covered_multiplier):
    """What coverage leaves of a property of uncovered endothelium."""
    return 1.0 - coverage * (1.0 - covered_multiplier)


@kernel
def _fill_left_by_blood(perfused, flow_multiplier, out):
    for row in range(out.size):
        out[row] = flow_multiplier if perfused[row] != 0 else 1.0


@kernel
def _fill_left_by_shear(shear, flow_multiplier, half, exponent, out):
    for row in range(out.size):
        out[row] = flow_multiplier + (1.0 - flow_multiplier) / (1.0 + (shear[row] / half) ** exponent)


@kernel
def _fill_regression_rate(
    cell_type, root, phenotype, coverage, signal, left,
    uncovered_rate, covered_multiplier, half, covered_need, exponent, out,
):  # fmt: skip
    for row in range(out.size):
        out[row] = 0.0
        if cell_type[row] == ENDOTHELIAL and root[row] == NOT_ROOT:
            covered = 0.0 if phenotype[row] == TIP else coverage[row]
            lost = 1.0 - _response(signal[row], half * _exposure(covered, covered_need), exponent)
            out[row] = uncovered_rate * _exposure(covered, covered_multiplier) * left[row] * lost


@kernel
def _fill_pruning_rate(cell_type, root, phenotype, site, links, rate, out):
    for row in range(out.size):
        out[row] = 0.0
        if cell_type[row] == ENDOTHELIAL and root[row] == NOT_ROOT and phenotype[row] != TIP:
            if count_links(site[row], links) < 2:
                out[row] = rate
