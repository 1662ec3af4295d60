"""Death of tumor cells, and the clearance of what is left.

Apoptosis has a constant rate. Necrosis follows oxygen: zero above its onset, full below a lower pressure, linear in
between. Both leave debris on the site, cleared at the rate 1/τ (τ hours for apoptotic, weeks for necrotic debris).
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ALIVE, APOPTOTIC, NECROTIC, STATES, TUMOR
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
        living = (tissue.cells["cell_type"] == TUMOR) & (tissue.cells["state"] == ALIVE)
        tissue.rates.add("apoptosis", self.name, living * self.p.rate)


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
    descending = (("onset", "full"),)
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment/oxygen")
    writes = ("rates/necrosis",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        oxygen = tissue.microenvironment["oxygen"].concentration.reshape(-1)
        rate = np.empty(cells.n)
        _fill_necrosis_rate(cells["cell_type"], cells["state"], cells["site"], oxygen, p.rate, p.onset, p.full, rate)
        tissue.rates.add("necrosis", self.name, rate)


class Clearance(Process):
    """Rate at which debris is cleared."""

    name = "clearance"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "apoptotic": Parameter("cell_types.tumor.apoptotic_clearance_time", "h", "mean time to clearance", above=0),
        "necrotic": Parameter("cell_types.tumor.necrotic_clearance_time", "h", "mean time to clearance", above=0),
    }
    reads = ("cells/state",)
    writes = ("rates/clear",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rate_of = np.zeros(len(STATES))
        rate_of[APOPTOTIC], rate_of[NECROTIC] = 1.0 / self.p.apoptotic, 1.0 / self.p.necrotic
        tissue.rates.add("clear", self.name, rate_of[tissue.cells["state"]])


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_necrosis_rate(cell_type, state, site, oxygen, rate, onset, full, out):
    for row in range(out.size):
        out[row] = 0.0
        if cell_type[row] == TUMOR and state[row] == ALIVE:
            out[row] = rate * min(max((onset - oxygen[site[row]]) / (onset - full), 0.0), 1.0)
