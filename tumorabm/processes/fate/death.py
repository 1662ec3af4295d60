"""Death of tumor cells, and the clearance of what is left.

Apoptosis has a constant rate. Necrosis follows oxygen: zero above its onset, full below a lower pressure, linear in
between. Both leave debris on the site, cleared at the rate 1/τ (τ hours for apoptotic, weeks for necrotic debris).
"""

from __future__ import annotations

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import APOPTOTIC, NECROTIC, TUMOR
from tumorabm.tissue.tissue import Tissue


class Apoptosis(Process):
    """Rate of apoptosis of living tumor cells."""

    name = "apoptosis"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {"rate": Parameter("cell_types.tumor.apoptosis_rate", "1/h", "of every living tumor cell")}
    reads = ("cells/cell_type", "cells/state")
    writes = ("rates/apoptosis",)
    limits_step = ("rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rate = np.zeros(tissue.cells.n)
        rate[tissue.cells.alive(TUMOR)] = self.p.rate
        tissue.rates.add("apoptosis", self.name, rate)


class Necrosis(Process):
    """Rate of necrosis of tumor cells without oxygen."""

    name = "necrosis"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "rate": Parameter("cell_types.tumor.necrosis_rate", "1/h", "once anoxic"),
        "onset": Parameter("cell_types.tumor.necrosis_onset_oxygen", "mmHg", "no necrosis above"),
        "full": Parameter("cell_types.tumor.necrosis_full_oxygen", "mmHg", "full rate below"),
    }
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment/oxygen")
    writes = ("rates/necrosis",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rows = tissue.cells.alive(TUMOR)
        oxygen = tissue.microenvironment["oxygen"].at(tissue.cells["site"][rows])
        rate = np.zeros(tissue.cells.n)
        rate[rows] = self.p.rate * np.clip((self.p.onset - oxygen) / (self.p.onset - self.p.full), 0.0, 1.0)
        tissue.rates.add("necrosis", self.name, rate)


class Clearance(Process):
    """Rate at which debris is cleared."""

    name = "clearance"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "apoptotic": Parameter("cell_types.tumor.apoptotic_clearance_time", "h", "mean time to clearance"),
        "necrotic": Parameter("cell_types.tumor.necrotic_clearance_time", "h", "mean time to clearance"),
    }
    reads = ("cells/state",)
    writes = ("rates/clear",)

    def step(self, tissue: Tissue, dt: float) -> None:
        state = tissue.cells["state"]
        rate = np.where(state == APOPTOTIC, 1.0 / self.p.apoptotic, 0.0)
        rate[state == NECROTIC] = 1.0 / self.p.necrotic
        tissue.rates.add("clear", self.name, rate)
