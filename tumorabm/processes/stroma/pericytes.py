"""Pericytes: who covers endothelium, how coverage follows, and what pericytes secrete.

A pericyte sits in the mural layer on the site of an endothelial cell. What it feels of PDGF-BB is

    A = ρP / (K + ρP) · 1 / (1 + Σ C_j / K_j) · (1 − e σⁿ / (σ_½ⁿ + σⁿ)),

with the concentration P, which the retention motif raises ρ-fold at the vessel's wall, inhibitors C of the kinase of
PDGFR-β, and the share e of the receptor's function that VEGF takes away through VEGFR2 on pericytes, whose signal σ the
same drugs lower: so a block of VEGF lets pericytes come, and a block of PDGFR-β keeps them away.

    comes, per uncovered endothelial cell:   A / τ
    leaves, per pericyte:                    k_0 + (1 − m) (k_l + w k_b B)

B is the share of PDGFR-β that is blocked, w how much of the block loosens pericytes, and m the maturity of the contact:
it ripens at rest, dm/dt = k_m (1 − m), and is lost under VEGF, dm/dt = −k_a m where σ of the endothelial cell exceeds
a threshold. So host vessels keep their pericytes, also under a drug, until VEGF activates them; pericytes of tumor
vessels come and go. Without its endothelial cell a pericyte stays on the sleeve (Mancuso et al. 2006), also under
a block, and leaves soon where there is no sleeve.

Coverage C of an endothelial cell relaxes to c = (p + κ Σ p_j) / (1 + κ n), with p for a pericyte on its own site and
p_j for those of the n cells that it is linked to, dC/dt = (c − C) / τ_C. A tip has none.

Lindblom et al. (2003) for PDGF-B held at the vessel's wall; Greenberg et al. (2008) for VEGF against PDGFR-β.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tumorabm.kernel import as_exponent, kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.inhibited import Inhibited
from tumorabm.processes.signaling.inhibitors import Inhibitor, lowering
from tumorabm.processes.signaling.vegfr2 import RECEPTOR, VEGFR2_SIGNAL
from tumorabm.processes.transport.cell_secretion import CellSecretion
from tumorabm.processes.vessels.survival import COVERAGE, PHENOTYPE
from tumorabm.tissue.cells import ENDOTHELIAL, MURAL, PERICYTE, VESSEL, Column
from tumorabm.tissue.random import derived_uid, purpose, uniforms
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import STALK, TIP, first_bit

MECHANISM = "pericytes"
PDGFRB = "pdgfrb"
PDGFRB_SIGNAL = Column("pdgfrb_signal", "1", "active share of PDGFR-beta of a pericyte here", "f8", 0.0, "copy")
MATURITY = Column("contact_maturity", "1", "of a pericyte's hold on its vessel", "f8", 0.0, "reset")

_COVERED = purpose("pericyte of a host vessel")


class EndothelialPdgf(CellSecretion):
    """Secretion of PDGF-BB by the tips of sprouts and, less, by stalk cells."""

    name = "endothelial_pdgf"
    mechanism = MECHANISM
    cell_type = "endothelial"
    row_type = ENDOTHELIAL
    parameters = {
        "stalk_share": Parameter("cell_types.endothelial.stalk_pdgf_bb_share", "1", "of a stalk cell, of a tip's")
    }
    columns: tuple[Column, ...] = (PHENOTYPE,)
    substrates = ("pdgf_bb",)
    reads = (*CellSecretion.reads, "cells/phenotype")
    writes = ("terms/pdgf_bb",)

    @classmethod
    def rates_from(cls, catalog: Values, choice: Choice) -> dict[str, float]:
        return {name: rate for name, rate in super().rates_from(catalog, choice).items() if name == "pdgf_bb"}

    def activity(self, tissue: Tissue, rows: np.ndarray, substrate: str) -> np.ndarray:
        phenotype = tissue.cells["phenotype"][rows]
        return np.where(phenotype == TIP, 1.0, np.where(phenotype == STALK, self.p.stalk_share, 0.0))


class PericyteSecretion(CellSecretion):
    """Secretion by pericytes: of VEGF as PDGF-BB drives them, of what else the catalog says at a constant rate."""

    name = "pericyte_secretion"
    mechanism = MECHANISM
    cell_type = "pericyte"
    row_type = PERICYTE
    columns: tuple[Column, ...] = (PDGFRB_SIGNAL,)
    substrates = ("vegf_a",)
    reads = (*CellSecretion.reads, "cells/pdgfrb_signal")

    def activity(self, tissue: Tissue, rows: np.ndarray, substrate: str) -> np.ndarray | float:
        return tissue.cells["pdgfrb_signal"][rows] if substrate == "vegf_a" else 1.0


class PdgfrbSignal(Inhibited):
    """Signal of PDGFR-beta in pericytes, and in one that would come to an endothelial cell.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    constants : mapping of str to mapping of str to float
        By receptor (PDGFR-beta, VEGFR2), the inhibition constants of compounds, nM of the unbound drug.
    """

    name = "pdgfrb_signal"
    phase = Phase.SIGNALS
    kind = Kind.DIAGNOSTIC
    mechanism = MECHANISM
    parameters = {
        "dissociation": Parameter("substrates.pdgf_bb.pdgfr_dissociation", "nM", "of PDGF-BB and its receptor"),
        "retention": Parameter("cell_types.pericyte.pdgf_retention", "1", "PDGF-BB at the wall over that around it"),
        "suppression": Parameter(
            "cell_types.pericyte.vegf_suppression", "1", "share that full VEGFR2 signal takes away"
        ),
        "half": Parameter(
            "cell_types.pericyte.vegf_suppression_half", "1", "VEGFR2 signal that does half of it", above=0
        ),
        "exponent": Parameter("cell_types.pericyte.vegf_suppression_exponent", "1", "steepness"),
        "vegf_dissociation": Parameter("substrates.vegf_a.vegfr2_dissociation", "nM", "of VEGF-A and VEGFR2"),
    }
    columns = (PDGFRB_SIGNAL,)
    substrates = ("pdgf_bb", "vegf_a")
    reads = ("cells/site", "cells/cell_type", "microenvironment/pdgf_bb", "microenvironment/vegf_a", "patient")
    writes = ("cells/pdgfrb_signal",)
    targets = (PDGFRB, RECEPTOR)

    def __init__(self, values: Mapping[str, float], inhibitors: Sequence[Inhibitor] = ()) -> None:
        super().__init__(values, inhibitors)
        self._by_node = {node: [item for item in inhibitors if item.node == node] for node in self.targets}

    def step(self, tissue: Tissue, dt: float) -> None:
        p = self.p
        columns = (tissue.cells[name] for name in ("cell_type", "site", "pdgfrb_signal"))
        ligands = (tissue.microenvironment[name].concentration.reshape(-1) for name in ("pdgf_bb", "vegf_a"))
        left = (1.0 / lowering(self._by_node[PDGFRB], tissue), 1.0 / lowering(self._by_node[RECEPTOR], tissue))
        exponent = as_exponent(p.exponent)
        _fill_signal(
            *columns, *ligands, left, p.dissociation / p.retention, p.vegf_dissociation, p.suppression,
            p.half**exponent, exponent,
        )  # fmt: skip


class PericyteMaturing(Process):
    """How firmly pericytes hold on to their vessels."""

    name = "pericyte_maturing"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    mechanism = MECHANISM
    parameters = {
        "time": Parameter("cell_types.pericyte.maturing_time", "h", "for a contact to ripen", above=0),
        "loss": Parameter("cell_types.endothelial.activation_rate", "1/h", "at which VEGF undoes it"),
        "threshold": Parameter("cell_types.endothelial.activation_threshold", "1", "VEGFR2 signal above which it does"),
    }
    columns = (MATURITY, VEGFR2_SIGNAL)
    reads = ("cells/site", "cells/cell_type", "cells/vegfr2_signal", "cells/contact_maturity")
    writes = ("cells/contact_maturity",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        _ripen(
            *(cells[name] for name in ("cell_type", "site", "vegfr2_signal", "contact_maturity")),
            cells.occupancy[VESSEL], -np.expm1(-dt / p.time), np.exp(-p.loss * dt), p.threshold,
        )  # fmt: skip


class PericyteCoverage(Process):
    """Coverage of endothelium by pericytes; puts those of host vessels in their places."""

    name = "pericyte_coverage"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    mechanism = MECHANISM
    parameters = {
        "host": Parameter("cell_types.endothelial.host_coverage", "1", "share of host endothelium with a pericyte"),
        "reach": Parameter("cell_types.pericyte.reach", "1", "weight of a linked cell's pericyte against the own one"),
        "time": Parameter("cell_types.pericyte.coverage_time", "h", "in which coverage follows pericytes", above=0),
    }
    columns = (COVERAGE, PHENOTYPE, MATURITY)
    reads = ("cells/site", "cells/cell_type", "cells/phenotype", "cells/coverage", "vasculature/links")
    writes = ("cells/coverage",)

    def populate(self, tissue: Tissue) -> None:
        sites = np.sort(tissue.cells["site"][tissue.cells.alive(ENDOTHELIAL)])
        uids = derived_uid("pericyte of a host vessel", [sites])
        chosen = uniforms(tissue.seed, uids, 0, _COVERED) < self.p.host
        count = np.count_nonzero(chosen)
        tissue.cells.append(
            {
                "uid": uids[chosen],
                "site": sites[chosen],
                "cell_type": np.full(count, PERICYTE, dtype=np.int8),
                "contact_maturity": np.ones(count),
            }
        )

    def relax(self, tissue: Tissue) -> None:
        self._follow(tissue, 1.0)

    def step(self, tissue: Tissue, dt: float) -> None:
        self._follow(tissue, float(-np.expm1(-dt / self.p.time)))

    def _follow(self, tissue: Tissue, gain: float) -> None:
        """Let coverage approach what pericytes cover by a share of the difference."""
        cells, vasculature = tissue.cells, tissue.vasculature
        names = ("cell_type", "site", "phenotype", "coverage")
        layers = cells.occupancy[VESSEL], cells.occupancy[MURAL]
        _cover(*(cells[name] for name in names), *layers, vasculature.links, vasculature.neighbors, self.p.reach, gain)


class PericyteTurnover(Inhibited):
    """Rates at which pericytes come to endothelial cells and leave.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    constants : mapping of str to float
        Of PDGFR-beta, nM of the unbound compound.
    """

    name = "pericyte_turnover"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = MECHANISM
    parameters = {
        "time": Parameter("cell_types.pericyte.recruitment_time", "h", "until one comes, under full signal", above=0),
        "basal": Parameter("cell_types.pericyte.turnover_rate", "1/h", "of mature contacts"),
        "loose": Parameter("cell_types.pericyte.loosening_rate", "1/h", "of fresh contacts"),
        "blocked": Parameter("cell_types.pericyte.detachment_rate", "1/h", "of fresh contacts, under full block"),
        "share": Parameter("cell_types.pericyte.detaching_share", "1", "of the block that loosens"),
        "orphaned": Parameter("cell_types.pericyte.orphan_loss_rate", "1/h", "without a vessel or sleeve"),
    }
    columns = (PDGFRB_SIGNAL, MATURITY, PHENOTYPE)
    reads = (
        "cells/site", "cells/cell_type", "cells/phenotype", "cells/pdgfrb_signal", "cells/contact_maturity",
        "vasculature/sleeves", "patient",
    )  # fmt: skip
    writes = ("rates/cover", "rates/uncover")
    limits_step = ("loose", "blocked", "orphaned")
    targets = (PDGFRB,)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        come, leave = np.empty(cells.n), np.empty(cells.n)
        detaching = p.share * p.blocked * (1.0 - 1.0 / lowering(self.inhibitors, tissue))
        _fill_turnover(
            *(cells[name] for name in ("cell_type", "site", "phenotype", "pdgfrb_signal", "contact_maturity")),
            cells.occupancy[VESSEL], cells.occupancy[MURAL], tissue.vasculature.sleeves,
            p.time, p.basal, p.loose, detaching, p.orphaned, come, leave,
        )  # fmt: skip
        tissue.rates.add("cover", self.name, come)
        tissue.rates.add("uncover", self.name, leave)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_signal(cell_type, site, signal, pdgf, vegf, left, half, vegf_half, suppression, power_half, exponent):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL or cell_type[row] == PERICYTE:
            ligand, other = pdgf[site[row]], vegf[site[row]]
            power = (other / (vegf_half + other) * left[1]) ** exponent
            signal[row] = ligand / (half + ligand) * left[0] * (1.0 - suppression * power / (power_half + power))


@kernel
def _ripen(cell_type, site, vegf_signal, maturity, vessel, gain, keep, threshold):
    for row in range(site.size):
        if cell_type[row] == PERICYTE and vessel[site[row]] >= 0:
            if vegf_signal[vessel[site[row]]] > threshold:
                maturity[row] *= keep
            else:
                maturity[row] += (1.0 - maturity[row]) * gain


@kernel
def _cover(cell_type, site, phenotype, coverage, vessel, mural, links, neighbors, reach, gain):
    for row in range(site.size):
        here = site[row]
        if cell_type[row] != ENDOTHELIAL or here < 0:
            continue
        total = 1.0 if mural[here] >= 0 else 0.0
        weight = 1.0
        word = links[here]
        while word != np.uint32(0):
            there = neighbors[here, first_bit(word)]
            word &= word - np.uint32(1)
            if vessel[there] >= 0:
                weight += reach
                if mural[there] >= 0:
                    total += reach
        target = 0.0 if phenotype[row] == TIP else total / weight
        coverage[row] += (target - coverage[row]) * gain


@kernel
def _fill_turnover(
    cell_type, site, phenotype, signal, maturity, vessel, mural, sleeves, time, basal, loose, detaching, orphaned,
    come, leave,
):  # fmt: skip
    for row in range(site.size):
        come[row] = 0.0
        leave[row] = 0.0
        here = site[row]
        if cell_type[row] == ENDOTHELIAL and phenotype[row] != TIP and mural[here] < 0:
            come[row] = signal[row] / time
        elif cell_type[row] == PERICYTE:
            if vessel[here] >= 0:
                leave[row] = basal + (1.0 - maturity[row]) * (loose + detaching)
            elif sleeves[here] != np.uint32(0):
                leave[row] = basal
            else:
                leave[row] = orphaned
