"""VEGF receptors of endothelium: VEGF-A and PlGF compete for VEGFR1, and what receptors hold is no longer free.

With c free VEGF-A and P free PlGF a cell with R1 VEGFR1 and R2 VEGFR2 (as concentrations in its site) holds

    h1 = R1 c/(c + K1 (1 + P/Kp))     h2 = R2 c/(c + K2)     p1 = R1 P/(P + Kp (1 + c/K1))

Binding takes minutes, so receptors are in equilibrium with what is free. Total VEGF-A is c + h1 + h2: PlGF lets VEGF-A
go from VEGFR1, more is free, and VEGFR2 gets its part of it. Receptors take inside what they hold, VEGFR2 at the rate
of ``vegf_a.VegfInternalization``, VEGFR1 at k1: it is a decoy that signals little and is slow. What a cell holds is
lost with it.

``FieldSolve`` keeps what is held and solves for free and held together; it knows one half-saturation per field, that
of VEGFR2 (of PlGF: Kp). VEGFR1 is put into that form at the concentrations at the beginning of the step, c₀ and P₀:

    h1 = M c/(c + K2),   M = R1 (c₀ + K2)/(c₀ + K1 (1 + P₀/Kp))

which is exact where c = c₀, so at rest, and of first order in the step on the way. Whatever M, mass is conserved: the
same h1 is taken from the field, kept and internalized.

PlGF on VEGFR1 amplifies VEGFR2 (``signaling.vegfr2.AmplifiedSignal``). Autiero et al. (2003) for both of its effects;
Mac Gabhann and Popel for numbers of receptors and affinities.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME


class ReceptorBinding(Process):
    """VEGF-A and PlGF held by endothelium, and taken inside with VEGFR1."""

    name = "receptor_binding"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    mechanism = "receptor_competition"
    parameters = {
        "vegfr1": Parameter("substrates.vegf_a.vegfr1_per_cell", "molecule", "VEGFR1 per endothelial cell"),
        "vegfr2": Parameter("substrates.vegf_a.receptors_per_cell", "molecule", "VEGFR2 per endothelial cell"),
        "rate": Parameter("substrates.vegf_a.vegfr1_internalization_rate", "1/h", "internalization of VEGFR1"),
        "vegf_dissociation": Parameter("substrates.vegf_a.vegfr1_dissociation", "nM", "of VEGF-A, VEGFR1", above=0),
        "plgf_dissociation": Parameter("substrates.plgf.vegfr1_dissociation", "nM", "of PlGF and VEGFR1", above=0),
    }
    substrates = ("vegf_a", "plgf")
    reads = ("cells/site", "cells/cell_type", "microenvironment/vegf_a", "microenvironment/plgf")
    writes = ("terms/vegf_a", "terms/plgf")

    def step(self, tissue: Tissue, dt: float) -> None:
        p, cells = self.p, tissue.cells
        vegf, plgf = tissue.microenvironment["vegf_a"], tissue.microenvironment["plgf"]
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        vegfr2, on_vegf, on_plgf = (np.zeros(tissue.lattice.sites) for _ in range(3))
        _fill_receptors(
            cells["cell_type"], cells["site"], vegf.concentration.reshape(-1), plgf.concentration.reshape(-1),
            p.vegfr2 * scale, p.vegfr1 * scale, p.vegf_dissociation, p.plgf_dissociation,
            vegf.substrate.half_saturation, plgf.substrate.half_saturation, vegfr2, on_vegf, on_plgf,
        )  # fmt: skip
        vegf.contribute("holding", "vegfr2", vegfr2)
        for field, vegfr1 in ((vegf, on_vegf), (plgf, on_plgf)):
            field.contribute("holding", "vegfr1", vegfr1)
            field.contribute("uptake", "vegfr1", p.rate * vegfr1)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_receptors(
    cell_type, site, vegf, plgf, vegfr2, vegfr1, vegf_dissociation, plgf_dissociation, vegf_half, plgf_half,
    holding_vegfr2, on_vegf, on_plgf,
):  # fmt: skip
    """VEGFR2 at each site, and VEGFR1 as so many receptors with the half-saturation of each ligand's field."""
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            here = site[row]
            c, other = vegf[here], plgf[here]
            holding_vegfr2[here] = vegfr2
            own = vegf_dissociation * (1.0 + other / plgf_dissociation)
            on_vegf[here] = vegfr1 * ((c + vegf_half) / (c + own))
            own = plgf_dissociation * (1.0 + c / vegf_dissociation)
            on_plgf[here] = vegfr1 * ((other + plgf_half) / (other + own))
