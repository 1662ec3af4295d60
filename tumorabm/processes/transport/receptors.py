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

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.microenvironment import Field
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
        sites = cells["site"][cells["cell_type"] == ENDOTHELIAL]
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        c, other = vegf.at(sites), plgf.at(sites)
        vegfr2 = np.zeros(tissue.lattice.sites)
        vegfr2[sites] = p.vegfr2 * scale
        vegf.contribute("holding", "vegfr2", vegfr2)
        for field, free, half in (
            (vegf, c, p.vegf_dissociation * (1.0 + other / p.plgf_dissociation)),
            (plgf, other, p.plgf_dissociation * (1.0 + c / p.vegf_dissociation)),
        ):
            vegfr1 = np.zeros(tissue.lattice.sites)
            vegfr1[sites] = p.vegfr1 * scale * _as_if(field, free, half)
            field.contribute("holding", "vegfr1", vegfr1)
            field.contribute("uptake", "vegfr1", p.rate * vegfr1)


def _as_if(field: Field, free: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Receptors with the field's half-saturation that hold as much of what is free as one with its own."""
    return (free + field.substrate.half_saturation) / (free + half)
