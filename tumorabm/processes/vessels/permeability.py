"""How leaky endothelium is: VEGF opens its wall, pericytes keep it tight.

leakiness = σ / (σ_½ + σ) (1 − C (1 − c)), with the VEGFR2 signal σ, the pericyte coverage C and the share c that full
coverage leaves. VEGF was found as the factor that makes vessels permeable (Senger et al. 1983), and vessels with few or
loose pericytes leak (Baluk et al. 2005): the two multiply, since without VEGF also naked vessels are tight, and covered
ones leak less under VEGF. A tip has no coverage. What leaks resists flow (``flow``) and lets tumor cells through: a
block of VEGF tightens the vessels that are left, and blood flows better through each (normalization, Jain 2005).
"""

from __future__ import annotations

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.processes.signaling.vegfr2 import VEGFR2_SIGNAL
from tumorabm.processes.vessels.survival import COVERAGE, PHENOTYPE
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import TIP

LEAKINESS = Column("leakiness", "1", "of an endothelial cell's wall, between 0 and 1", "f8", 0.0, "copy")


class Permeability(Process):
    """Leakiness of endothelial cells."""

    name = "permeability"
    mechanism = "permeability"
    # Before flow, which asks for it: a new tissue has fields and signals before its vessels are seen a second time.
    phase = Phase.VESSELS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "half": Parameter("cell_types.endothelial.leak_half", "1", "VEGFR2 signal of half the leakiness", above=0),
        "covered_share": Parameter("cell_types.endothelial.covered_leak", "1", "left of it under full cover"),
    }
    columns = (LEAKINESS, VEGFR2_SIGNAL, COVERAGE, PHENOTYPE)
    reads = ("cells/cell_type", "cells/phenotype", "cells/vegfr2_signal", "cells/coverage")
    writes = ("cells/leakiness",)

    def step(self, tissue: Tissue, dt: float) -> None:
        names = ("cell_type", "phenotype", "vegfr2_signal", "coverage", "leakiness")
        _fill_leakiness(*(tissue.cells[name] for name in names), self.p.half, self.p.covered_share)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_leakiness(cell_type, phenotype, signal, coverage, leakiness, half, covered_share):
    for row in range(leakiness.size):
        if cell_type[row] == ENDOTHELIAL:
            covered = 0.0 if phenotype[row] == TIP else coverage[row]
            leakiness[row] = signal[row] / (half + signal[row]) * (1.0 - covered * (1.0 - covered_share))
