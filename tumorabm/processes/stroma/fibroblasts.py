"""Fibroblasts: resident in host tissue and lesion, dividing where PDGF and FGF drive them, changed by long exposure.

A fibroblast takes a site of the parenchyma. It is host tissue: it uses oxygen as that does, is no part of the lesion,
and is pushed and drawn along with what is around it. At the start a share of all sites holds one, in the lesion in the
place of a founder.

**Division** at the rate b D (1 − s/s_max), with D = 1 − (1 − θ_P)(1 − θ_F) the drive of PDGF-BB and FGF2, from the
occupancies c/(K + c) of their receptors, that of PDGFR times what drugs leave of it, and s the share of the sites
within the crowding radius that hold another one. Death at a rate that balances division in host tissue at the resident
share, so s stays near it, rises where drive is higher, and division ends at s_max: there is no runaway.

**Change.** ȧ = k S (1 − a) − r a, with the stimulus S = 1 − (1 − H)(1 − E): lack of oxygen H = 1/(1 + (p/p_half)^n),
and exposure E to treatment, the share of VEGFR2 and PDGFR that drugs at the cell block, either or both. Daughters keep
their mother's a. Changed fibroblasts secrete F times as much of a factor: 1 + (F − 1) a.

Crawford et al. (2009): fibroblasts of tumors that resist anti-VEGF treatment make PDGF-CC (lymphoma of mice).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, Self

import numpy as np

from tumorabm.kernel import as_exponent, kernel
from tumorabm.processes.fate.migration import ask_for_hops, hop_rate
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.inhibited import Inhibited
from tumorabm.processes.signaling.inhibitors import Inhibitor, groups_of, inhibitors_of
from tumorabm.processes.transport.cell_secretion import CellSecretion
from tumorabm.tissue.cells import FIBROBLAST, PARENCHYMA, Column
from tumorabm.tissue.geometry import occupied_share
from tumorabm.tissue.random import derived_uid, purpose, uniforms
from tumorabm.tissue.tissue import Tissue

ACTIVATION = Column("activation", "1", "how far a fibroblast has changed, 0 to 1", "f8", 0.0, "copy")
MECHANISM: Final = "fibroblasts"
# Receptors whose blockade is what fibroblasts are exposed to, and the one of them that drives their division.
_TARGETS: Final = ("vegfr2", "pdgfr")
_DRIVING: Final = "pdgfr"
_RESIDENT = purpose("resident fibroblast")


class _Inhibited(Inhibited):
    """A process with the inhibitors of fibroblasts' receptors, of which some have a field in tissue."""

    targets: ClassVar[tuple[str, ...]] = _TARGETS

    def __init__(
        self, values: Mapping[str, float], inhibitors: Sequence[Inhibitor] = (), fields: Iterable[str] = ()
    ) -> None:
        super().__init__(values, inhibitors)
        self.fields = tuple(fields)
        self.substrates = (*type(self).substrates, *self.fields)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with those of the experiment's drugs that compete for the receptors."""
        found = inhibitors_of(catalog, (*choice.drugs, *choice.exposure), choice.sets)
        acting = [item for item in found if item.node in cls.targets and item.competes]
        fields = [drug for drug in choice.drugs if any(item.compound == drug for item in acting)]
        return cls(cls.values_from(catalog, choice.sets, given), acting, fields)


class Fibroblasts(_Inhibited):
    """Resident fibroblasts, and their change by lack of oxygen and treatment.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    inhibitors : sequence of Inhibitor
        Of the receptors whose blockade counts as exposure.
    fields : iterable of str
        Compounds among them that have a field in tissue.
    """

    name = "fibroblasts"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    mechanism = MECHANISM
    parameters = {
        "fraction": Parameter("cell_types.fibroblast.fraction", "1", "share of sites at the start"),
        "rate": Parameter("cell_types.fibroblast.sensitization_rate", "1/h", "change under full stimulus"),
        "reversal": Parameter("cell_types.fibroblast.reversal_rate", "1/h", "change back"),
        "half": Parameter("cell_types.fibroblast.hypoxia_half", "mmHg", "oxygen of half the stimulus", above=0),
        "exponent": Parameter("cell_types.fibroblast.hypoxia_exponent", "1", "steepness of the response"),
    }
    columns = (ACTIVATION,)
    substrates: tuple[str, ...] = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment", "patient")
    writes = ("cells/activation",)

    def populate(self, tissue: Tissue) -> None:
        cells = tissue.cells
        sites = np.arange(tissue.lattice.sites)
        sites = sites[uniforms(tissue.seed, derived_uid(MECHANISM, [sites]), 0, _RESIDENT) < self.p.fraction]
        staying = np.ones(cells.n, dtype=bool)
        replaced = cells.occupancy[PARENCHYMA][sites]
        staying[replaced[replaced >= 0]] = False
        cells.keep(staying)
        cells.append(
            {
                "uid": derived_uid(MECHANISM, [sites]),
                "site": sites,
                "cell_type": np.full(sites.size, FIBROBLAST, dtype=np.int8),
            }
        )

    def stimulus(self, tissue: Tissue, rows: np.ndarray) -> np.ndarray:
        """S of some fibroblasts, shape (m,)."""
        sites = tissue.cells["site"][rows]
        oxygen = tissue.microenvironment["oxygen"].at(sites)
        with_oxygen = 1.0 - 1.0 / (1.0 + (oxygen / self.p.half) ** as_exponent(self.p.exponent))
        return 1.0 - with_oxygen * _left(tissue, self, _TARGETS, sites)

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt <= 0.0:
            return
        rows = tissue.cells.alive(FIBROBLAST)
        changing = self.p.rate * self.stimulus(tissue, rows)
        total = changing + self.p.reversal
        # Exact for a constant stimulus: what is aimed at, and how much of the way there is made.
        moved = np.divide(-np.expm1(-total * dt), total, out=np.full(rows.size, dt), where=total > 0.0)
        activation = tissue.cells["activation"]
        activation[rows] += (changing - total * activation[rows]) * moved


class FibroblastSecretion(CellSecretion):
    """Secretion by fibroblasts, more of it when they have changed.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    rates : mapping of str to float
        Of an unchanged fibroblast, molecule/h, by substrate.
    folds : mapping of str to float
        Secretion of a changed fibroblast relative to an unchanged one, by substrate, where it differs.
    """

    name = "fibroblast_secretion"
    mechanism = MECHANISM
    cell_type = "fibroblast"
    row_type = FIBROBLAST
    columns = (ACTIVATION,)
    reads = (*CellSecretion.reads, "cells/activation")

    def __init__(
        self,
        values: Mapping[str, float],
        rates: Mapping[str, float] | None = None,
        folds: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(values, rates)
        self.folds = dict(folds or {})

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process for the experiment's substrates."""
        paths = set(catalog.paths())
        rates = cls.rates_from(catalog, choice)
        entries = {name: f"cell_types.{cls.cell_type}.sensitized_{name}_fold" for name in rates}
        folds = {name: catalog.get(path, "1", choice.sets) for name, path in entries.items() if path in paths}
        return cls(cls.values_from(catalog, choice.sets, given), rates, folds)

    def activity(self, tissue: Tissue, rows: np.ndarray, substrate: str) -> np.ndarray | float:
        fold = self.folds.get(substrate, 1.0)
        return 1.0 if fold == 1.0 else 1.0 + (fold - 1.0) * tissue.cells["activation"][rows]


class FibroblastTurnover(_Inhibited):
    """Rates of division and death of fibroblasts.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    inhibitors : sequence of Inhibitor
        Of PDGFR.
    fields : iterable of str
        Compounds among them that have a field in tissue.
    """

    name = "fibroblast_turnover"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = MECHANISM
    parameters = {
        "doubling_time": Parameter("cell_types.fibroblast.doubling_time", "h", "at full drive and room", above=0),
        "death": Parameter("cell_types.fibroblast.apoptosis_rate", "1/h", "of every fibroblast"),
        "pdgf_half": Parameter("substrates.pdgf_bb.pdgfr_dissociation", "nM", "of PDGF-BB and its receptor", above=0),
        "fgf_half": Parameter("substrates.fgf2.fgfr_dissociation", "nM", "of FGF2 and its receptor", above=0),
        "radius": Parameter("cell_types.fibroblast.crowding_radius", "um", "within which fibroblasts are counted"),
        "largest_share": Parameter("cell_types.fibroblast.largest_share", "1", "of sites, no division above", above=0),
    }
    substrates: tuple[str, ...] = ("pdgf_bb", "fgf2")
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment", "patient")
    writes = ("rates/divide", "rates/apoptosis")
    limits_step = ("death",)
    targets = (_DRIVING,)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = cells.alive(FIBROBLAST)
        sites = cells["site"][rows]
        pdgf, fgf = (tissue.microenvironment[name].at(sites) for name in ("pdgf_bb", "fgf2"))
        by_pdgf = pdgf / (self.p.pdgf_half + pdgf) * _left(tissue, self, (_DRIVING,), sites)
        drive = 1.0 - (1.0 - by_pdgf) * self.p.fgf_half / (self.p.fgf_half + fgf)
        living = np.full(tissue.lattice.sites, -1, dtype=np.int32)
        living[sites] = 0
        share = np.empty(rows.size)
        _fill_shares(sites, living, tissue.lattice.geometry, max(1, int(self.p.radius / tissue.lattice.spacing)), share)
        divide, die = np.zeros(cells.n), np.zeros(cells.n)
        room = np.maximum(0.0, 1.0 - share / self.p.largest_share)
        divide[rows] = math.log(2.0) / self.p.doubling_time * drive * room
        die[rows] = self.p.death
        tissue.rates.add("divide", self.name, divide)
        tissue.rates.add("apoptosis", self.name, die)


class FibroblastMigration(Process):
    """Hops of fibroblasts that have a free site beside them."""

    name = "fibroblast_migration"
    phase = Phase.REQUESTS
    kind = Kind.EVENTS
    mechanism = MECHANISM
    parameters = {
        "speed": Parameter("cell_types.fibroblast.speed", "um/h", "of a moving cell"),
        "persistence": Parameter("cell_types.fibroblast.persistence", "h", "of its direction"),
    }
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/uid")
    writes = ("requests/migrate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rate = np.full(tissue.cells.n, hop_rate(self.p.speed, self.p.persistence, tissue.lattice.spacing))
        ask_for_hops(tissue, FIBROBLAST, rate, dt, self.name)


def _left(tissue: Tissue, process: _Inhibited, targets: Iterable[str], sites: np.ndarray) -> np.ndarray | float:
    """What drugs at some sites leave of some targets, all together; active metabolites have no field there yet."""
    left: np.ndarray | float = 1.0
    for target in targets:
        for group in groups_of(item for item in process.inhibitors if item.node == target):
            total: np.ndarray | float = 0.0
            for item in group:
                total = total + tissue.patient.exposure.get(item.compound, 0.0) / item.constant
                if item.compound in process.fields:
                    total = total + tissue.microenvironment[item.compound].at(sites) / item.constant
            left = left / (1.0 + total)
    return left


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_shares(sites, occupied, geometry, radius, out):
    """Share of sites around each that hold another one."""
    for i in range(sites.size):
        occupied[sites[i]] = -1
        out[i] = occupied_share(sites[i], occupied, geometry, radius)
        occupied[sites[i]] = 0
