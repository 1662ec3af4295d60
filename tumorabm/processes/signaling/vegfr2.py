"""Signal of VEGFR2 on endothelium: the share of receptors that hold VEGF, lowered by kinase inhibitors.

σ = θ / (1 + Σ C_j / K_j) with θ = c / (K_d + c). Inhibitors compete with ATP, not with VEGF; endothelium sees the
unbound concentration in plasma, parent and active metabolite alike, averaged over the step.
"""

from __future__ import annotations

from collections.abc import Mapping

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.inhibitors import inhibitors_of
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue

RECEPTOR = "vegfr2"
VEGFR2_SIGNAL = Column("vegfr2_signal", "1", "active share of VEGFR2", "f8", 0.0, "copy")


class Vegfr2Signal(Process):
    """Receptor occupancy and inhibition at each endothelial cell."""

    name = "vegfr2_signal"
    phase = Phase.SIGNALS
    kind = Kind.DIAGNOSTIC
    parameters = {"dissociation": Parameter("substrates.vegf_a.vegfr2_dissociation", "nM", "of VEGF-A and VEGFR2")}
    columns = (VEGFR2_SIGNAL,)
    substrates = ("vegf_a",)
    reads = ("cells/site", "cells/cell_type", "microenvironment/vegf_a", "patient")
    writes = ("cells/vegfr2_signal",)

    def __init__(self, values: Mapping[str, float], inhibition_constants: Mapping[str, float] | None = None) -> None:
        super().__init__(values)
        self.inhibition_constants = dict(inhibition_constants or {})

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Vegfr2Signal:
        """The process with the inhibition constants (nM, unbound) of all compounds of the drugs that have one."""
        inhibitors = inhibitors_of(catalog, (*choice.drugs, *choice.exposure), choice.sets)
        constants = {item.compound: item.constant for item in inhibitors if item.node == RECEPTOR}
        return cls(cls.values_from(catalog, choice.sets, given), constants)

    def step(self, tissue: Tissue, dt: float) -> None:
        columns = (tissue.cells[name] for name in ("cell_type", "site", "vegfr2_signal"))
        vegf = tissue.microenvironment["vegf_a"].concentration.reshape(-1)
        _fill_signal(*columns, vegf, self.p.dissociation, self.inhibition(tissue))

    def inhibition(self, tissue: Tissue) -> float:
        """Factor 1 + Σ C/K by which inhibitors in plasma lower the signal."""
        unbound, constant = tissue.patient.unbound_mean, tissue.patient.exposure
        return 1.0 + sum(
            (unbound.get(compound, 0.0) + constant.get(compound, 0.0)) / k
            for compound, k in sorted(self.inhibition_constants.items())
        )


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_signal(cell_type, site, signal, vegf, dissociation, inhibition):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            ligand = vegf[site[row]]
            signal[row] = ligand / (dissociation + ligand) / inhibition
