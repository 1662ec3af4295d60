"""Myeloid-derived suppressor cells (MDSCs): they come with blood to where oxygen is low, and help vessels.

Outside the block there are two levels of the patient: the pool m of these cells in blood, relative to the untreated
patient, and their sensitization b. Drugs in plasma lower the pool, dm/dt = (left − m)/τ_m, with left = 1/(1 + Σ C/K) of
the unbound drugs that have an ``mdsc_pool_inhibition``. Hypoxic tumors reprogram them in marrow, which takes weeks:
db/dt = (H̄ − b)/τ_b, with H̄ the mean of H = 1/(1 + (p/p_½)ⁿ) over the oxygen p of the living tumor cells. The cells live
for days only, so they do not differ much in what they have learned and share the patient's b.

They enter through perfused endothelium at the rate k m A (β + (1 − β) P), P = [PlGF]/(K + [PlGF]). A is the local mean
of H where living tumor cells are and of 0 elsewhere: it is hypoxic tumor that calls, and a perfused vessel, beside
which there is oxygen, hears it over some distance. They wander up P and leave after an exponential life. So where
vessels go, the tissue calls louder and fewer doors are left. They secrete MMP-9, and Bv8 at the rate s (1 + (f − 1) b).
Beside an empty sleeve an MDSC may become endothelium (``commit``). A new tissue has none; they come within their
lifespan.

Shojaei et al. (2007) for Bv8, Yang et al. (2004) for MMP-9 and incorporation, Ko et al. (2009) for sunitinib in blood.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.processes.signaling.inhibited import Inhibited
from tumorabm.processes.signaling.inhibitors import in_blood, share_left
from tumorabm.processes.stroma.movement import Wandering
from tumorabm.processes.transport.cell_secretion import CellSecretion
from tumorabm.processes.transport.oxygen import PERFUSED
from tumorabm.tissue.cells import ENDOTHELIAL, MDSC, TUMOR
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.tissue import Tissue

POOL: Final = "mdsc_pool"
SENSITIZATION: Final = "mdsc_sensitization"
_MECHANISM: Final = "mdsc"


def hypoxia(oxygen: np.ndarray, half: float, exponent: float) -> np.ndarray:
    """How far oxygen (mmHg) is from enough: 0 where there is much, 1 where there is none."""
    return 1.0 / (1.0 + (np.maximum(oxygen, 0.0) / half) ** exponent)


def hypoxic_tumor(tissue: Tissue, half: float, exponent: float) -> np.ndarray:
    """Hypoxia of the living tumor cell on each site, 0 where there is none, shape (sites,)."""
    cells = tissue.cells
    sites = cells["site"][cells.alive(TUMOR)]
    out = np.zeros(tissue.lattice.sites)
    out[sites] = hypoxia(tissue.microenvironment["oxygen"].at(sites), half, exponent)
    return out


def local_mean(values: np.ndarray, reach: float, lattice: Lattice) -> np.ndarray:
    """Mean of what sites have over the cube of those up to ``reach`` (µm) away along each axis, shape (sites,).

    Walls reflect: tissue goes on beyond them as its mirror image.
    """
    from scipy import ndimage

    across = 2 * round(reach / lattice.spacing) + 1
    sizes = [across if n > 1 else 1 for n in lattice.shape]
    modes = ["wrap" if periodic else "reflect" for periodic in lattice.periodic]
    return ndimage.uniform_filter(values.reshape(lattice.shape), sizes, mode=modes).reshape(-1).clip(0.0)


class MdscPool(Inhibited):
    """The pool of MDSCs in blood and their sensitization.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    inhibitors : sequence of Inhibitor
        Compounds that lower the pool.
    """

    name = "mdsc_pool"
    phase = Phase.PATIENT
    kind = Kind.EVOLVING
    mechanism = _MECHANISM
    parameters = {
        "response": Parameter("cell_types.mdsc.pool_response_time", "h", "of the pool in blood", above=0),
        "sensitization": Parameter("cell_types.mdsc.sensitization_time", "h", "of reprogramming", above=0),
        "oxygen_half": Parameter("cell_types.mdsc.sensitization_oxygen_half", "mmHg", "of half of it", above=0),
        "oxygen_exponent": Parameter("cell_types.mdsc.oxygen_exponent", "1", "steepness"),
    }
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment/oxygen", "patient")
    writes = ("patient/levels",)
    targets = (POOL,)

    def prepare(self, tissue: Tissue) -> None:
        tissue.patient.levels.setdefault(POOL, 1.0)
        tissue.patient.levels.setdefault(SENSITIZATION, 0.0)

    def relax(self, tissue: Tissue) -> None:
        levels = tissue.patient.levels
        levels[POOL], levels[SENSITIZATION] = self._left(tissue), self.burden(tissue)

    def step(self, tissue: Tissue, dt: float) -> None:
        levels = tissue.patient.levels
        for name, target, time in (
            (POOL, self._left(tissue), self.p.response),
            (SENSITIZATION, self.burden(tissue), self.p.sensitization),
        ):
            levels[name] += (target - levels[name]) * -float(np.expm1(-dt / time))

    def burden(self, tissue: Tissue) -> float:
        """Mean hypoxia of the living tumor cells, 0 without any; over sites, so that rows may be in any order."""
        count = tissue.cells.alive(TUMOR).size
        return float(hypoxic_tumor(tissue, self.p.oxygen_half, self.p.oxygen_exponent).sum()) / max(count, 1)

    def _left(self, tissue: Tissue) -> float:
        """What drugs in blood leave of the pool in the long run."""
        return share_left(self.inhibitors, in_blood(tissue, [item.compound for item in self.inhibitors]))


class MdscRecruitment(Process):
    """Rate at which MDSCs enter through each endothelial cell."""

    name = "mdsc_recruitment"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = _MECHANISM
    parameters = {
        "rate": Parameter("cell_types.mdsc.recruitment_rate", "1/h", "where nothing limits it"),
        "basal": Parameter("cell_types.mdsc.recruitment_without_plgf", "1", "share of it without PlGF"),
        "plgf_half": Parameter("cell_types.mdsc.plgf_half", "nM", "PlGF of half its effect", above=0),
        "oxygen_half": Parameter("cell_types.mdsc.recruitment_oxygen_half", "mmHg", "of half of it", above=0),
        "oxygen_exponent": Parameter("cell_types.mdsc.oxygen_exponent", "1", "steepness"),
        "reach": Parameter("cell_types.mdsc.recruitment_reach", "um", "from where hypoxia is heard", above=0),
    }
    columns = (PERFUSED,)
    substrates = ("oxygen", "plgf")
    reads = (
        "cells/site",
        "cells/cell_type",
        "cells/state",
        "cells/perfused",
        "microenvironment/oxygen",
        "microenvironment/plgf",
        "patient",
    )
    writes = ("rates/admit_mdsc",)
    limits_step = ("rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        rows = np.flatnonzero((cells["cell_type"] == ENDOTHELIAL) & (cells["perfused"] > 0))
        sites = cells["site"][rows]
        plgf = tissue.microenvironment["plgf"].at(sites)
        called = local_mean(hypoxic_tumor(tissue, p.oxygen_half, p.oxygen_exponent), p.reach, tissue.lattice)[sites]
        called *= p.basal + (1.0 - p.basal) * plgf / (p.plgf_half + plgf)
        rate = np.zeros(cells.n)
        rate[rows] = p.rate * tissue.patient.levels.get(POOL, 1.0) * called
        tissue.rates.add("admit_mdsc", self.name, rate)


class MdscTurnover(Process):
    """Rates at which MDSCs die or leave, and join the endothelium where they find an empty sleeve."""

    name = "mdsc_turnover"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = _MECHANISM
    parameters = {
        "lifespan": Parameter("cell_types.mdsc.lifespan", "h", "mean life in the tumor", above=0),
        "incorporation": Parameter("cell_types.mdsc.incorporation_rate", "1/h", "beside an empty sleeve"),
    }
    reads = ("cells/cell_type",)
    writes = ("rates/leave", "rates/incorporate")
    limits_step = ("incorporation",)

    def step(self, tissue: Tissue, dt: float) -> None:
        there = tissue.cells["cell_type"] == MDSC
        tissue.rates.add("leave", self.name, there / self.p.lifespan)
        tissue.rates.add("incorporate", self.name, there * self.p.incorporation)


class MdscWandering(Wandering):
    """Movement of MDSCs, up PlGF."""

    name = "mdsc_wandering"
    mechanism = _MECHANISM
    row_type = MDSC
    parameters = {
        "speed": Parameter("cell_types.mdsc.speed", "um/h", "of a moving cell"),
        "persistence": Parameter("cell_types.mdsc.persistence", "h", "of its direction"),
        "chemotaxis": Parameter("cell_types.mdsc.plgf_chemotaxis", "1", "how far full PlGF outweighs chance"),
        "plgf_half": Parameter("cell_types.mdsc.plgf_half", "nM", "PlGF of half its effect", above=0),
    }
    substrates = ("plgf",)
    reads = (*Wandering.reads, "microenvironment/plgf")

    def guide(self, tissue: Tissue) -> np.ndarray:
        plgf = tissue.microenvironment["plgf"].concentration.reshape(-1)
        return self.p.chemotaxis * plgf / (self.p.plgf_half + plgf)


class MdscSecretion(CellSecretion):
    """Secretion of MMP-9 and Bv8."""

    name = "mdsc_secretion"
    mechanism = _MECHANISM
    cell_type = "mdsc"
    row_type = MDSC
    parameters = {
        "fold": Parameter(
            "cell_types.mdsc.sensitized_bv8_fold", "1", "Bv8 of a cell that hypoxia has fully sensitized"
        ),
    }
    substrates = ("mmp9", "bv8")
    reads = (*CellSecretion.reads, "patient")

    def activity(self, tissue: Tissue, rows: np.ndarray, substrate: str) -> float:
        if substrate != "bv8":
            return 1.0
        return 1.0 + (self.p.fold - 1.0) * tissue.patient.levels.get(SENSITIZATION, 0.0)
