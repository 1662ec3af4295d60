"""Host vessels under VEGF lose their mature coverage.

Where the VEGFR2 signal exceeds a threshold, coverage relaxes towards that of tumor vessels,
dC/dt = −k (C − C_tumor): it is VEGF that activates a host vessel, not who sits on its site. Solved exactly over a step.
It stands in for pericytes, and steps aside where the mechanism ``pericytes`` is on (``stroma/pericytes``).

Greenberg et al. (2008): VEGF through VEGFR2 suppresses PDGFR-β in pericytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.vegfr2 import VEGFR2_SIGNAL
from tumorabm.processes.vessels.survival import COVERAGE
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.tissue import Tissue


class VesselRemodeling(Process):
    """Loss of coverage of vessels under VEGF."""

    name = "vessel_remodeling"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    parameters = {
        "rate": Parameter("cell_types.endothelial.activation_rate", "1/h", "of the loss of coverage"),
        "threshold": Parameter(
            "cell_types.endothelial.activation_threshold", "1", "VEGFR2 signal above which it is lost"
        ),
        "tumor_coverage": Parameter("cell_types.endothelial.tumor_coverage", "1", "of tumor vessels"),
    }
    columns = (VEGFR2_SIGNAL, COVERAGE)
    reads = ("cells/cell_type", "cells/vegfr2_signal", "cells/coverage")
    writes = ("cells/coverage",)

    def __init__(self, values: Mapping[str, float], aside: bool = False) -> None:
        super().__init__(values)
        self.aside = aside

    @classmethod
    def from_catalog(
        cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None
    ) -> VesselRemodeling:
        """The process, which does nothing where there are pericytes."""
        return cls(cls.values_from(catalog, choice.sets, given), "pericytes" in choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        if self.aside:
            return
        cells = tissue.cells
        active = (cells["cell_type"] == ENDOTHELIAL) & (cells["vegfr2_signal"] > self.p.threshold)
        rows = np.flatnonzero(active & (cells["coverage"] > self.p.tumor_coverage))
        excess = cells["coverage"][rows] - self.p.tumor_coverage
        cells["coverage"][rows] = self.p.tumor_coverage + excess * np.exp(-self.p.rate * dt)
