"""Epithelial-to-mesenchymal transition of tumor cells: a state E from 0 to 1, slow to come, slow to go, reversible.

**Stimulus** s = 1 − (1 − H)(1 − M)(1 − D), each enough by itself: lack of oxygen at the cell, H = 1/(1 + (p/p_half)^n),
whatever its HIF class is; HGF through c-MET, M = max(0, 1 − (1 − x)/(1 − x_ref)) with x the output ``emt_stimulus`` of
the cell's network, 0 without signaling; a drug at the cell, D = c/(1 + c) with c = Σ C/K over the unbound parent drugs
that have an entry ``emt_induction``, K. What the cell's network makes of the drug takes no part.

**Accumulation** ȧ = (s − a)/τ: proteins pile up over days, so that a short stimulus hardly raises a. The response to
that, S = a^m/(a_half^m + a^m), is steep.

**State** Ė = k_in (1 − E) − k_out E, with k_in = k_b + k S (1 + (f − 1)(1 − (1 − H)(1 − M))), faster where there is
hypoxia or HGF, and k_out = k_r − (k_r − k_d) D, slower while the drug is there. Daughters keep their mother's a and E.

A new tissue is at rest without the drug. A step is exact for constant stimulus once a is at rest; while a moves, parts
of the step of at most τ/20 take S from the middle of the part, where a is exact.

**Effects**, all 1 + (f − 1) E, none where f = 1: division (a cost, there with the drug and without it), necrosis (cells
that bear hypoxia), speed of movement and secretion of every factor that has a fold are contributed here. Adhesion is
taken by ``fate/invasion``, sensitivity to drugs by ``signaling/tumor`` (``mesenchymal``).

The review: EMT after a long-lasting stimulus, reversible, resistance is lost over 12 weeks without the drug. Kamli et
al. (2018): four lines that resist sunitinib neither grow nor transmigrate otherwise than their parents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Self

import numpy as np

from tumorabm.kernel import as_exponent
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.resistance.mesenchymal import EMT, MECHANISM, MesenchymalFactor
from tumorabm.processes.signaling.cell_signaling import Drive
from tumorabm.processes.signaling.tumor import CELL_TYPE, TUMOR_NETWORK
from tumorabm.tissue.cells import TUMOR, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

ACCUMULATED = Column("emt_accumulated", "1", "stimulus of EMT that a tumor cell has accumulated", "f8", 0.0, "copy")
INDUCTION: Final = "emt_induction"
_OUTPUT: Final = "emt_stimulus"
_RATE: Final = "tumor_secretion"
_PARTS: Final = 20.0  # of the accumulation time, the longest in which the response is taken from the middle


class Emt(Process):
    """The state of tumor cells between epithelial and mesenchymal.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    drive : Drive, optional
        Of the network's stimulus, where tumor signaling is on and has it.
    inducers : mapping of str to float
        K by drug, nM.
    fields : sequence of str
        Drugs among them that have a field in tissue.
    """

    name = "emt"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    mechanism = MECHANISM
    parameters = {
        "rate": Parameter("cell_types.tumor.emt_rate", "1/h", "under full response, without hypoxia and HGF"),
        "basal": Parameter("cell_types.tumor.emt_basal_rate", "1/h", "without stimulus"),
        "faster": Parameter("cell_types.tumor.emt_hypoxia_hgf_fold", "1", "rate under hypoxia or HGF, relative"),
        "reversal": Parameter("cell_types.tumor.emt_reversal_rate", "1/h", "back, without the drug"),
        "held": Parameter("cell_types.tumor.emt_held_reversal_rate", "1/h", "back, under the drug"),
        "time": Parameter("cell_types.tumor.emt_accumulation_time", "h", "of the stimulus", above=0),
        "half": Parameter("cell_types.tumor.emt_accumulation_half", "1", "accumulated, half response", above=0),
        "exponent": Parameter("cell_types.tumor.emt_accumulation_exponent", "1", "steepness of the response"),
        "oxygen_half": Parameter("cell_types.tumor.emt_hypoxia_half", "mmHg", "oxygen of half the stimulus", above=0),
        "oxygen_exponent": Parameter("cell_types.tumor.emt_hypoxia_exponent", "1", "steepness of the stimulus"),
    }
    columns: tuple[Column, ...] = (EMT, ACCUMULATED, TUMOR_NETWORK)
    substrates: tuple[str, ...] = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/tumor_network", "microenvironment", "patient")
    writes = ("cells/emt", "cells/emt_accumulated")

    def __init__(
        self,
        values: Mapping[str, float],
        drive: Drive | None = None,
        inducers: Mapping[str, float] | None = None,
        fields: tuple[str, ...] = (),
    ) -> None:
        super().__init__(values)
        self.drive, self.inducers, self.fields = drive, dict(inducers or {}), fields
        self.columns = (EMT, ACCUMULATED, *(() if drive is None else (drive.column,)))
        self.substrates = (*type(self).substrates, *fields)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with the network's stimulus and the drugs that induce."""
        paths = set(catalog.paths())
        inducers = {
            drug: catalog.get(f"drugs.{drug}.{INDUCTION}", "nM", choice.sets)
            for drug in sorted({*choice.drugs, *choice.exposure})
            if f"drugs.{drug}.{INDUCTION}" in paths
        }
        drive = Drive.from_catalog(catalog, choice, CELL_TYPE, _OUTPUT)
        fields = tuple(drug for drug in choice.drugs if drug in inducers)
        return cls(cls.values_from(catalog, choice.sets, given), drive, inducers, fields)

    def surroundings(self, tissue: Tissue, rows: np.ndarray) -> np.ndarray:
        """Stimulus of some cells by hypoxia and HGF, 1 − (1 − H)(1 − M), shape (m,)."""
        oxygen = tissue.microenvironment["oxygen"].at(tissue.cells["site"][rows])
        without = 1.0 - 1.0 / (1.0 + (oxygen / self.p.oxygen_half) ** as_exponent(self.p.oxygen_exponent))
        if self.drive is not None:
            beside = (1.0 - self.drive.activity(tissue, rows)) / (1.0 - self.drive.reference)
            without = without * np.clip(beside, 0.0, 1.0)
        return 1.0 - without

    def exposure(self, tissue: Tissue, rows: np.ndarray) -> np.ndarray:
        """Stimulus D of some cells by drugs, shape (m,)."""
        sites, total = tissue.cells["site"][rows], np.zeros(rows.size)
        for drug, constant in self.inducers.items():
            total += tissue.patient.exposure.get(drug, 0.0) / constant
            if drug in self.fields:
                total += tissue.microenvironment[drug].at(sites) / constant
        return total / (1.0 + total)

    def response(self, accumulated: np.ndarray) -> np.ndarray:
        """S of what cells have accumulated."""
        powers = (accumulated / self.p.half) ** as_exponent(self.p.exponent)
        return powers / (1.0 + powers)

    def relax(self, tissue: Tissue) -> None:
        """Bring all cells to rest in their surroundings, without any drug."""
        rows = tissue.cells.alive(TUMOR)
        around = self.surroundings(tissue, rows)
        forth = self.forth(around, around)
        tissue.cells["emt_accumulated"][rows] = around
        total = forth + self.p.reversal
        tissue.cells["emt"][rows] = np.divide(forth, total, out=np.zeros(rows.size), where=total > 0.0)

    def forth(self, accumulated: np.ndarray, around: np.ndarray) -> np.ndarray:
        """Rate k_in of cells with an accumulated stimulus in given surroundings, 1/h."""
        faster = 1.0 + (self.p.faster - 1.0) * around
        return self.p.basal + self.p.rate * faster * self.response(accumulated)

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt <= 0.0:
            return
        p, cells = self.p, tissue.cells
        rows = cells.alive(TUMOR)
        around, drug = self.surroundings(tissue, rows), self.exposure(tissue, rows)
        stimulus = 1.0 - (1.0 - around) * (1.0 - drug)
        back = p.reversal - (p.reversal - p.held) * drug
        state, missing = cells["emt"][rows], cells["emt_accumulated"][rows] - stimulus
        parts = max(1, math.ceil(dt * _PARTS / p.time))
        part = dt / parts
        for _ in range(parts):
            middle = np.maximum(stimulus + missing * math.exp(-0.5 * part / p.time), 0.0)
            forth = self.forth(middle, around)
            total = forth + back
            moved = np.divide(-np.expm1(-total * part), total, out=np.full(rows.size, part), where=total > 0.0)
            state = state + (forth - total * state) * moved
            missing = missing * math.exp(-part / p.time)
        cells["emt"][rows], cells["emt_accumulated"][rows] = state, stimulus + missing


class MesenchymalRates(Process):
    """Division, necrosis and movement of mesenchymal tumor cells."""

    name = "mesenchymal_rates"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = MECHANISM
    parameters = {
        "division": Parameter("cell_types.tumor.emt_division", "1", "of a mesenchymal cell, relative"),
        "necrosis": Parameter("cell_types.tumor.emt_necrosis", "1", "of a mesenchymal cell, relative"),
        "speed": Parameter("cell_types.tumor.emt_migration_speed", "um/h", "of a mesenchymal cell"),
        "epithelial_speed": Parameter("cell_types.tumor.migration_speed", "um/h", "of an epithelial cell", above=0),
    }
    columns = (EMT,)
    reads = ("cells/emt",)
    writes = ("rates/divide", "rates/necrosis", "rates/migrate")

    def step(self, tissue: Tissue, dt: float) -> None:
        for event, value in (("divide", self.p.division), ("necrosis", self.p.necrosis)):
            tissue.rates.multiply(event, self.name, MesenchymalFactor(value).of(tissue))
        # The rate of hops goes with the square of speed.
        faster = MesenchymalFactor(self.p.speed / self.p.epithelial_speed).of(tissue) ** 2
        tissue.rates.multiply("migrate", self.name, faster)


class MesenchymalSecretion(Process):
    """What tumor cells secrete besides when they are mesenchymal: proteases and other factors.

    A factor of the experiment with an entry ``emt_<substrate>_fold`` f is secreted f times as much by a mesenchymal
    cell as by an epithelial one of the same signaling.

    Parameters
    ----------
    rates : mapping of str to float
        Of an epithelial reference cell, molecule/h, by substrate.
    folds : mapping of str to float
        f by substrate.
    drives : mapping of str to Drive
        By substrate, where tumor signaling is on and has the output.
    """

    name = "mesenchymal_secretion"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    mechanism = MECHANISM
    columns: tuple[Column, ...] = (EMT, TUMOR_NETWORK)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/emt", "cells/tumor_network")
    writes = ("terms",)

    def __init__(
        self,
        rates: Mapping[str, float] | None = None,
        folds: Mapping[str, float] | None = None,
        drives: Mapping[str, Drive] | None = None,
    ) -> None:
        super().__init__({})
        self.rates, self.folds, self.drives = dict(rates or {}), dict(folds or {}), dict(drives or {})
        self.columns = (EMT, *dict.fromkeys(drive.column for drive in self.drives.values()))

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process for the experiment's substrates."""
        paths, rates, folds, drives = set(catalog.paths()), {}, {}, {}
        for substrate in choice.substrates:
            rate, fold = f"substrates.{substrate}.{_RATE}", f"cell_types.{CELL_TYPE}.emt_{substrate}_fold"
            if rate not in paths or fold not in paths:
                continue
            rates[substrate] = catalog.get(rate, "molecule/h", choice.sets)
            folds[substrate] = catalog.get(fold, "1", choice.sets)
            drive = Drive.from_catalog(catalog, choice, CELL_TYPE, f"secretion_{substrate}")
            if drive is not None:
                drives[substrate] = drive
        return cls(rates, folds, drives)

    def step(self, tissue: Tissue, dt: float) -> None:
        if not self.rates:
            return
        rows = tissue.cells.alive(TUMOR)
        sites, state = tissue.cells["site"][rows], tissue.cells["emt"][rows]
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        for substrate, rate in self.rates.items():
            amount = rate * scale * (self.folds[substrate] - 1.0) * state
            if substrate in self.drives:
                amount = amount * self.drives[substrate].relative(tissue, rows)
            source = np.zeros(tissue.lattice.sites)
            source[sites] = amount
            tissue.microenvironment[substrate].contribute("source", "mesenchymal", source)
