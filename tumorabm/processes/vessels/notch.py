"""Selection of tip cells: DLL4 on a cell activates NOTCH in those beside it, and NOTCH keeps down their own DLL4.

    dD/dt = k (a_i s_i / (1 + (N / N_½)ⁿ) − D)        dN/dt = k (b M^m / (D_½^m + M^m) − N)

for the DLL4 D and the NOTCH activity N of endothelial cells, with M the mean DLL4 of the cells that one is linked to, b
what an inhibitor leaves of NOTCH, and s_i a factor of the cell's own, since no two cells are alike (Collier et al.
1996). The drive a joins the VEGFR2 signal, FGF2 and hypoxia, 1 − Π (1 − w_j h_j); the last two count where their fields
exist. From alike cells a pattern arises of cells with much DLL4 between cells with much NOTCH. Only the first kind
sprouts: the rate is multiplied by (1 − H(N)) / (1 − H_ref). A tip leads and its DLL4 follows the drive alone, so that
the cells behind it are held back. Solved as exponential relaxation over short sub-steps, all cells at once.

NOTCH also makes endothelium secrete MMP-9, where the experiment has it.

Hellström et al. (2007), Ridgway et al. (2006) and Noguera-Troise et al. (2006): without DLL4 or NOTCH there are more
tips and more vessels, which carry less blood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tumorabm.kernel import as_exponent, kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.vegfr2 import VEGFR2_SIGNAL
from tumorabm.processes.vessels.survival import PHENOTYPE
from tumorabm.tissue.cells import ENDOTHELIAL, VESSEL, Column
from tumorabm.tissue.random import purpose, uniforms
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import TIP, count_links, first_bit
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

DLL4 = Column("dll4", "1", "DLL4 on an endothelial cell, relative to what full drive gives", "f8", 0.0, "copy")
NOTCH = Column("notch", "1", "NOTCH activity in an endothelial cell, relative to its largest", "f8", 0.0, "copy")

FGF, OXYGEN, PROTEASE = "fgf2", "oxygen", "mmp9"
_SUB_STEP: Final = 0.5  # h, a small part of the half-life
_AT_REST: Final = 40.0  # half-lives after which a pattern has formed
_SPREAD = purpose("dll4 of the cell's own")


class Notch(Process):
    """DLL4 and NOTCH of endothelial cells."""

    name = "notch"
    mechanism = "notch"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    parameters = {
        "half_life": Parameter("cell_types.endothelial.notch_half_life", "h", "of DLL4 and active NOTCH", above=0),
        "signal_half": Parameter(
            "cell_types.endothelial.dll4_signal_half", "1", "VEGFR2 signal of half drive", above=0
        ),
        "signal_exponent": Parameter("cell_types.endothelial.dll4_signal_exponent", "1", "steepness"),
        "fgf_weight": Parameter("cell_types.endothelial.dll4_fgf_weight", "1", "drive by FGF2 alone"),
        "fgf_half": Parameter("substrates.fgf2.fgfr_dissociation", "nM", "FGF2 of half of that", above=0),
        "hypoxia_weight": Parameter("cell_types.endothelial.dll4_hypoxia_weight", "1", "drive by anoxia alone"),
        "hypoxia_half": Parameter("cell_types.endothelial.dll4_hypoxia_half", "mmHg", "oxygen of half that", above=0),
        "notch_half": Parameter("cell_types.endothelial.notch_on_dll4_half", "1", "NOTCH that halves DLL4", above=0),
        "notch_exponent": Parameter("cell_types.endothelial.notch_on_dll4_exponent", "1", "steepness"),
        "dll4_half": Parameter("cell_types.endothelial.dll4_on_notch_half", "1", "DLL4 beside of half NOTCH", above=0),
        "dll4_exponent": Parameter("cell_types.endothelial.dll4_on_notch_exponent", "1", "steepness"),
        "spread": Parameter("cell_types.endothelial.dll4_spread", "1", "by which cells differ in DLL4", below=1),
        "inhibition": Parameter("cell_types.endothelial.notch_inhibition", "1", "share of NOTCH that is blocked"),
    }
    columns = (DLL4, NOTCH, VEGFR2_SIGNAL, PHENOTYPE)
    reads = (
        "cells/uid",
        "cells/site",
        "cells/cell_type",
        "cells/phenotype",
        "cells/vegfr2_signal",
        "vasculature/links",
        f"microenvironment/{FGF}",
        f"microenvironment/{OXYGEN}",
    )
    writes = ("cells/dll4", "cells/notch")

    def __init__(self, values: Mapping[str, float], welcome: tuple[str, ...] = ()) -> None:
        super().__init__(values)
        self.substrates = welcome

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Notch:
        """The process with those of the fields that raise DLL4 that the experiment has."""
        welcome = tuple(name for name in (FGF, OXYGEN) if name in choice.substrates)
        return cls(cls.values_from(catalog, choice.sets, given), welcome)

    def relax(self, tissue: Tissue) -> None:
        self.step(tissue, _AT_REST * self.p.half_life)

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt <= 0.0:
            return
        cells, p, vasculature = tissue.cells, self.p, tissue.vasculature
        rows = cells.rows_of(ENDOTHELIAL)
        steps = max(1, int(np.ceil(dt / _SUB_STEP)))
        kept = 0.5 ** (dt / steps / p.half_life)
        _relax(
            rows, cells["site"], cells["phenotype"], self.drive(tissue, rows), cells["dll4"], cells["notch"],
            cells.occupancy[VESSEL], vasculature.links, vasculature.neighbors, steps, kept, p.notch_half,
            as_exponent(p.notch_exponent), p.dll4_half, as_exponent(p.dll4_exponent), 1.0 - p.inhibition,
        )  # fmt: skip

    def drive(self, tissue: Tissue, rows: np.ndarray) -> np.ndarray:
        """DLL4 of endothelial rows without NOTCH."""
        cells, p = tissue.cells, self.p
        power = cells["vegfr2_signal"][rows] ** as_exponent(p.signal_exponent)
        silent = 1.0 - power / (p.signal_half ** as_exponent(p.signal_exponent) + power)
        sites = cells["site"][rows]
        if FGF in self.substrates:
            fgf = tissue.microenvironment[FGF].at(sites)
            silent = silent * (1.0 - p.fgf_weight * fgf / (p.fgf_half + fgf))
        if OXYGEN in self.substrates:
            oxygen = tissue.microenvironment[OXYGEN].at(sites)
            silent = silent * (1.0 - p.hypoxia_weight * p.hypoxia_half / (p.hypoxia_half + oxygen))
        own = 1.0 + p.spread * (2.0 * uniforms(tissue.seed, cells["uid"][rows], 0, _SPREAD) - 1.0)
        return (1.0 - silent) * own


class NotchSprouting(Process):
    """Cells with active NOTCH do not become tips."""

    name = "notch_sprouting"
    mechanism = "notch"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "half": Parameter("cell_types.endothelial.notch_on_sprouting_half", "1", "NOTCH that halves sprouts", above=0),
        "exponent": Parameter("cell_types.endothelial.notch_on_sprouting_exponent", "1", "steepness"),
        "reference": Parameter(
            "cell_types.endothelial.notch_reference_inhibition", "1", "mean inhibition behind sprout_rate", below=1
        ),
    }
    columns = (NOTCH,)
    reads = ("cells/cell_type", "cells/notch")
    writes = ("rates/sprout",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        factor = np.empty(cells.n)
        _fill_factor(
            cells["cell_type"], cells["notch"], self.p.half, as_exponent(self.p.exponent), self.p.reference, factor
        )
        tissue.rates.multiply("sprout", self.name, factor)


class NotchProtease(Process):
    """Secretion of MMP-9 by endothelium with active NOTCH, where the experiment has MMP-9."""

    name = "notch_protease"
    mechanism = "notch"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {
        "rate": Parameter("cell_types.endothelial.mmp9_secretion", "molecule/h", "of a cell with full NOTCH activity")
    }
    columns: tuple[Column, ...] = (NOTCH,)
    reads = ("cells/site", "cells/cell_type", "cells/notch")
    writes = (f"terms/{PROTEASE}",)

    def step(self, tissue: Tissue, dt: float) -> None:
        if PROTEASE not in tissue.microenvironment:
            return
        cells = tissue.cells
        rows = cells.rows_of(ENDOTHELIAL)
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        source = np.zeros(tissue.lattice.sites)
        source[cells["site"][rows]] = self.p.rate * scale * cells["notch"][rows]
        tissue.microenvironment[PROTEASE].contribute("source", self.name, source)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _relax(
    rows, site, phenotype, drive, dll4, notch, occupied, links, neighbors, steps, kept, notch_half, notch_exponent,
    dll4_half, dll4_exponent, left,
):  # fmt: skip
    new_dll4 = np.empty(rows.size)
    new_notch = np.empty(rows.size)
    half_power = dll4_half**dll4_exponent
    first, linked = _linked_rows(rows, site, occupied, links, neighbors)
    for _ in range(steps):
        for i in range(rows.size):
            row = rows[i]
            beside, count = 0.0, first[i + 1] - first[i]
            for k in range(first[i], first[i + 1]):
                beside += dll4[linked[k]]
            power = (beside / count) ** dll4_exponent if count > 0 else 0.0
            goal = left * power / (half_power + power)
            new_notch[i] = goal + kept * (notch[row] - goal)
            goal = drive[i]
            if phenotype[row] != TIP:
                goal /= 1.0 + (notch[row] / notch_half) ** notch_exponent
            new_dll4[i] = goal + kept * (dll4[row] - goal)
        for i in range(rows.size):
            dll4[rows[i]] = new_dll4[i]
            notch[rows[i]] = new_notch[i]


@kernel
def _linked_rows(rows, site, occupied, links, neighbors):
    """Rows of the cells that each is linked to, one after another, and where the first of each is."""
    first = np.zeros(rows.size + 1, dtype=np.int64)
    for i in range(rows.size):
        first[i + 1] = first[i] + count_links(site[rows[i]], links)
    linked = np.empty(first[-1], dtype=np.int64)
    count = 0
    for i in range(rows.size):
        first[i] = count
        here = site[rows[i]]
        word = links[here]
        while word != np.uint32(0):
            other = occupied[neighbors[here, first_bit(word)]]
            word &= word - np.uint32(1)
            if other >= 0:
                linked[count] = other
                count += 1
    first[rows.size] = count
    return first, linked


@kernel
def _fill_factor(cell_type, notch, half, exponent, reference, out):
    for row in range(out.size):
        out[row] = 1.0
        if cell_type[row] == ENDOTHELIAL:
            out[row] = 1.0 / (1.0 + (notch[row] / half) ** exponent) / (1.0 - reference)
