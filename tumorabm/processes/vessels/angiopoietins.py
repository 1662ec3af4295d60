"""Angiopoietins: Ang2 from remodeling endothelium and tumor cells against Ang1, and what it does to vessels.

Ang2 keeps Ang1 from Tie2: with concentrations A₁ and A₂ and dissociation constants K₁ and K₂,

    a = (A₂/K₂) / (A₂/K₂ + A₁/K₁)

is the share of what is bound that does not signal. It loosens vessels, and VEGF decides what comes of that: with
v = σⁿ / (σ_½ⁿ + σⁿ) of the VEGFR2 signal, and the pericyte coverage C, which leaves the share
P(C) = 1 − C (1 − m) of what happens to naked endothelium as in ``survival``,

    regression += k_r a (1 − v) P(C)        sprouting += k_s a v P(C).

Host tissue makes Ang1 and hardly any Ang2. Tips secrete Ang2 fully; any other endothelial cell outside of feeding and
draining vessels by s V + (1 − s) H, with V a Hill function of the VEGFR2 signal, H one of the lack of oxygen, and s the
share that VEGF drives: under a block of VEGF Ang2 falls where that share dominates, as in plasma of patients, and rises
where hypoxia and tumor cells do, as in the review. Quiet host vessels, in oxygen and little VEGF, make next to none.

Maisonpierre et al. (1997) for the antagonist.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tumorabm.kernel import as_exponent, kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.vegfr2 import VEGFR2_SIGNAL
from tumorabm.processes.transport.cell_secretion import CellSecretion
from tumorabm.processes.transport.oxygen import ROOT
from tumorabm.processes.vessels.survival import COVERAGE, PHENOTYPE
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import NOT_ROOT, TIP

MECHANISM = "angiopoietins"
ANG1, ANG2 = "ang1", "ang2"


class EndothelialAng2(CellSecretion):
    """Secretion of Ang2 by endothelium that remodels."""

    name = "endothelial_ang2"
    mechanism = MECHANISM
    cell_type = "endothelial"
    row_type = ENDOTHELIAL
    parameters = {
        "vegf_share": Parameter("cell_types.endothelial.ang2_vegf_share", "1", "that VEGF drives; hypoxia the rest"),
        "half": Parameter("cell_types.endothelial.ang2_vegf_half", "1", "VEGFR2 signal of half of it", above=0),
        "oxygen_half": Parameter("cell_types.endothelial.ang2_oxygen_half", "mmHg", "oxygen of half of it", above=0),
        "exponent": Parameter("cell_types.endothelial.ang2_exponent", "1", "steepness of both"),
    }
    columns: tuple[Column, ...] = (PHENOTYPE, ROOT, VEGFR2_SIGNAL)
    substrates = (ANG2, "oxygen")
    reads = (
        *CellSecretion.reads, "cells/phenotype", "cells/root", "cells/vegfr2_signal", "microenvironment/oxygen",
    )  # fmt: skip
    writes = (f"terms/{ANG2}",)

    @classmethod
    def rates_from(cls, catalog: Values, choice: Choice) -> dict[str, float]:
        return {name: rate for name, rate in super().rates_from(catalog, choice).items() if name == ANG2}

    def activity(self, tissue: Tissue, rows: np.ndarray, substrate: str) -> np.ndarray:
        cells, p = tissue.cells, self.p
        names = ("site", "phenotype", "root", "vegfr2_signal")
        remodels = np.empty(rows.size)
        _fill_remodeling(
            rows, *(cells[name] for name in names), tissue.microenvironment["oxygen"].concentration.reshape(-1),
            p.vegf_share, p.half**p.exponent, p.oxygen_half**p.exponent, p.exponent, remodels,
        )  # fmt: skip
        return remodels


class Tie2Switch(Process):
    """Regression and sprouting of endothelium whose Tie2 Ang2 keeps from Ang1."""

    name = "tie2_switch"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = MECHANISM
    parameters: ClassVar = {
        "ang1_dissociation": Parameter(f"substrates.{ANG1}.tie2_dissociation", "nM", "of Ang1 and Tie2", above=0),
        "ang2_dissociation": Parameter(f"substrates.{ANG2}.tie2_dissociation", "nM", "of Ang2 and Tie2", above=0),
        "regress": Parameter("cell_types.endothelial.ang2_regression_rate", "1/h", "all Tie2 with Ang2, no VEGF"),
        "sprout": Parameter("cell_types.endothelial.ang2_sprout_rate", "1/h", "all Tie2 with Ang2, full VEGF"),
        "half": Parameter("cell_types.endothelial.ang2_switch_half", "1", "signal at which both are halved", above=0),
        "exponent": Parameter("cell_types.endothelial.ang2_switch_exponent", "1", "steepness"),
        "covered": Parameter("cell_types.endothelial.covered_multiplier", "1", "left of both under full cover"),
    }
    columns = (VEGFR2_SIGNAL, ROOT, PHENOTYPE, COVERAGE)
    substrates = (ANG1, ANG2)
    reads = (
        "cells/site", "cells/cell_type", "cells/root", "cells/phenotype", "cells/coverage", "cells/vegfr2_signal",
        f"microenvironment/{ANG1}", f"microenvironment/{ANG2}",
    )  # fmt: skip
    writes = ("rates/regress", "rates/sprout")
    limits_step = ("regress", "sprout")

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        regress, sprout = np.empty(cells.n), np.empty(cells.n)
        exponent = as_exponent(p.exponent)
        ligands = (tissue.microenvironment[name].concentration.reshape(-1) for name in (ANG1, ANG2))
        names = ("cell_type", "site", "root", "phenotype", "coverage", "vegfr2_signal")
        _fill_rates(
            *(cells[name] for name in names), *ligands, p.ang1_dissociation, p.ang2_dissociation,
            p.regress, p.sprout, p.half**exponent, exponent, p.covered, regress, sprout,
        )  # fmt: skip
        tissue.rates.add("regress", self.name, regress)
        tissue.rates.add("sprout", self.name, sprout)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_remodeling(rows, site, phenotype, root, signal, oxygen, share, signal_power, oxygen_power, exponent, out):
    """How far some endothelial cells remodel, by VEGF or for lack of oxygen."""
    for i in range(rows.size):
        row = rows[i]
        if root[row] != NOT_ROOT:
            out[i] = 0.0
        elif phenotype[row] == TIP:
            out[i] = 1.0
        else:
            by_vegf = signal[row] ** exponent
            by_oxygen = oxygen[site[row]] ** exponent
            by_hypoxia = 1.0 - by_oxygen / (oxygen_power + by_oxygen)
            out[i] = share * (by_vegf / (signal_power + by_vegf)) + (1.0 - share) * by_hypoxia


@kernel
def _fill_rates(
    cell_type, site, root, phenotype, coverage, signal, ang1, ang2, ang1_half, ang2_half, regress_rate, sprout_rate,
    power_half, exponent, covered_multiplier, regress, sprout,
):  # fmt: skip
    for row in range(site.size):
        regress[row] = 0.0
        sprout[row] = 0.0
        if cell_type[row] == ENDOTHELIAL and root[row] == NOT_ROOT:
            held = ang1[site[row]] / ang1_half
            freed = ang2[site[row]] / ang2_half
            if freed > 0.0:
                tip = phenotype[row] == TIP
                loosened = freed / (freed + held) * (1.0 - (0.0 if tip else coverage[row]) * (1.0 - covered_multiplier))
                power = signal[row] ** exponent
                vegf = power / (power_half + power)
                regress[row] = regress_rate * loosened * (1.0 - vegf)
                if not tip:
                    sprout[row] = sprout_rate * loosened * vegf
