"""Matrix: laid down by tissue and fibroblasts up to its normal density, degraded by MMP-9 that TIMP-2 leaves active.

Of the density m relative to normal tissue, ṁ = k (1 − m) − d M/(1 + T/K) m, with k the rate of renewal, higher where a
living fibroblast is, M the concentration of MMP-9, T that of TIMP-2 and K the concentration that inhibits half. Matrix
does not move, so a step of it is exact (``solve``); it stays between 0 and 1. Who secretes the two is in ``secretion``
(tumor cells, host tissue) and ``cell_secretion``.
"""

from __future__ import annotations

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import FIBROBLAST
from tumorabm.tissue.tissue import Tissue


class MatrixTurnover(Process):
    """Renewal and degradation of matrix."""

    name = "matrix_turnover"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    mechanism = "matrix"
    parameters = {
        "renewal": Parameter("substrates.matrix.renewal_rate", "1/h", "of what is missing, by tissue"),
        "synthesis": Parameter("cell_types.fibroblast.matrix_synthesis_rate", "1/h", "added by a fibroblast"),
        "degradation": Parameter("substrates.matrix.mmp_degradation", "1/h/nM", "by active MMP-9"),
        "inhibition": Parameter("substrates.timp2.mmp_inhibition", "nM", "TIMP-2 that inhibits half", above=0),
    }
    substrates = ("matrix", "mmp9", "timp2")
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment/mmp9", "microenvironment/timp2")
    writes = ("terms/matrix",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, fields, p = tissue.cells, tissue.microenvironment, self.p
        renewal = np.full(tissue.lattice.sites, p.renewal)
        renewal[cells["site"][cells.alive(FIBROBLAST)]] += p.synthesis
        active = fields["mmp9"].concentration / (1.0 + fields["timp2"].concentration / p.inhibition)
        matrix = fields["matrix"]
        matrix.contribute("source", "renewal", renewal)
        matrix.contribute("loss", "renewal", renewal)
        matrix.contribute("loss", "degradation", p.degradation * active)
