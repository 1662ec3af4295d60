"""Signal of VEGFR2 on endothelium: the share of receptors that hold VEGF, lowered by kinase inhibitors.

σ = θ / (1 + Σ C_j / K_j) with θ = c / (K_d + c), or a product over drugs under Bliss independence (``inhibitors``).
Inhibitors compete with ATP, not with VEGF; endothelium sees the unbound concentration in plasma, parent and active
metabolite alike, averaged over the step.

PlGF (``transport.receptors``) amplifies it: θ becomes θ (1 + α θ₁ (1 − θ)), where θ₁ = (P/Kp)/(1 + c/K1 + P/Kp) is the
share of VEGFR1 that holds PlGF. Without VEGF-A it does nothing, and with α up to 1 no more than all of VEGFR2 is
active. The cell's signaling network receives the VEGF-A that alone would occupy as much.
"""

from __future__ import annotations

from typing import ClassVar

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase
from tumorabm.processes.signaling.inhibited import Inhibited
from tumorabm.processes.signaling.inhibitors import lowering
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue

RECEPTOR = "vegfr2"
VEGFR2_SIGNAL = Column("vegfr2_signal", "1", "active share of VEGFR2", "f8", 0.0, "copy")
VEGF_ACTING = Column("vegf_acting", "nM", "VEGF-A that alone would act on VEGFR2 as much", "f8", 0.0, "copy")


class Vegfr2Signal(Inhibited):
    """Receptor occupancy and inhibition at each endothelial cell."""

    name = "vegfr2_signal"
    phase = Phase.SIGNALS
    kind = Kind.DIAGNOSTIC
    parameters = {"dissociation": Parameter("substrates.vegf_a.vegfr2_dissociation", "nM", "of VEGF-A and VEGFR2")}
    columns: tuple[Column, ...] = (VEGFR2_SIGNAL,)
    substrates: tuple[str, ...] = ("vegf_a",)
    reads: ClassVar[tuple[str, ...]] = ("cells/site", "cells/cell_type", "microenvironment/vegf_a", "patient")
    writes: ClassVar[tuple[str, ...]] = ("cells/vegfr2_signal",)
    targets = (RECEPTOR,)

    def step(self, tissue: Tissue, dt: float) -> None:
        columns = (tissue.cells[name] for name in ("cell_type", "site", "vegfr2_signal"))
        vegf = tissue.microenvironment["vegf_a"].concentration.reshape(-1)
        _fill_signal(*columns, vegf, self.p.dissociation, lowering(self.inhibitors, tissue))


class AmplifiedSignal(Vegfr2Signal):
    """The signal with the amplification by PlGF on VEGFR1, in place of that without."""

    name = "amplified_signal"
    mechanism = "receptor_competition"
    parameters = {
        **Vegfr2Signal.parameters,
        "vegf_on_vegfr1": Parameter("substrates.vegf_a.vegfr1_dissociation", "nM", "of VEGF-A and VEGFR1", above=0),
        "plgf_on_vegfr1": Parameter("substrates.plgf.vegfr1_dissociation", "nM", "of PlGF and VEGFR1", above=0),
        "amplification": Parameter("substrates.plgf.vegfr2_amplification", "1", "of VEGFR2 by PlGF on VEGFR1", below=1),
    }
    columns = (VEGFR2_SIGNAL, VEGF_ACTING)
    substrates = ("vegf_a", "plgf")
    reads = (*Vegfr2Signal.reads, "microenvironment/plgf")
    writes = ("cells/vegfr2_signal", "cells/vegf_acting")

    def relax(self, tissue: Tissue) -> None:
        """Follow the fields that have been brought to rest, for the network that comes to rest next."""
        self.step(tissue, 0.0)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        columns = (cells[name] for name in ("cell_type", "site", "vegfr2_signal", "vegf_acting"))
        ligands = (tissue.microenvironment[name].concentration.reshape(-1) for name in self.substrates)
        _fill_amplified(
            *columns, *ligands, p.dissociation, p.vegf_on_vegfr1, p.plgf_on_vegfr1, p.amplification,
            lowering(self.inhibitors, tissue),
        )  # fmt: skip


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_signal(cell_type, site, signal, vegf, dissociation, inhibition):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            ligand = vegf[site[row]]
            signal[row] = ligand / (dissociation + ligand) / inhibition


@kernel
def _fill_amplified(
    cell_type, site, signal, acting, vegf, plgf, dissociation, vegf_on_vegfr1, plgf_on_vegfr1, amplification, inhibition
):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            ligand, ratio = vegf[site[row]], plgf[site[row]] / plgf_on_vegfr1
            occupied = ligand / (dissociation + ligand)
            by_plgf = ratio / (1.0 + ligand / vegf_on_vegfr1 + ratio)
            active = occupied * (1.0 + amplification * by_plgf * (1.0 - occupied))
            signal[row] = active / inhibition
            acting[row] = dissociation * active / (1.0 - active)
