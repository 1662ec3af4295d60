"""Signaling in tumor cells, and what division and apoptosis take from it.

The network (``network``, data in ``catalog/networks``) runs in every living tumor cell with the alterations of its
clone. Rates of the catalog were measured on a cell of the network's reference state; in any other state

    division:   b · x / x_ref           apoptosis:   d · (1 − s) / (1 − s_ref)

with x the output ``division`` and s the output ``survival``, the share of cells that are protected. Secretion
(``transport/secretion``), movement (``fate/migration``) and uptake of nutrients (``transport/nutrient``) follow their
own outputs. A tumor cell sees the unbound drug in tissue or, where cells hold drug (``resistance.intracellular``), what
is free in its cytosol; active metabolites have no field there yet. Where EMT is on a cell takes of that what its
sensitivity says (``resistance.mesenchymal``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.processes.resistance.held_drugs import HeldDrug, drug_columns, free_in_cells, held_drugs
from tumorabm.processes.resistance.mesenchymal import MesenchymalFactor, drug_sensitivity
from tumorabm.processes.signaling.cell_signaling import CellSignaling, Drive, network_column
from tumorabm.tissue.cells import PARENCHYMA, TUMOR, Column
from tumorabm.tissue.tissue import Tissue

CELL_TYPE = "tumor"
TUMOR_NETWORK = network_column(CELL_TYPE)


class TumorSignaling(CellSignaling):
    """The signaling network of living tumor cells.

    Attributes
    ----------
    sensitivity : MesenchymalFactor or None
        What a concentration at a cell is multiplied by before it acts, where that differs between cells.
    """

    name = "tumor_signaling"
    cell_type = CELL_TYPE
    row_type = TUMOR
    columns: tuple[Column, ...] = (TUMOR_NETWORK,)
    substrates = ("oxygen", "vegf_a")
    reads = (
        "cells/site",
        "cells/cell_type",
        "cells/state",
        "cells/clone",
        "cells/emt",
        "clones",
        "cells/drug_cytosol",
        "microenvironment",
        "patient",
    )
    writes = ("cells/tumor_network",)
    sensitivity: MesenchymalFactor | None = None
    held: tuple[HeldDrug, ...] = ()

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process, which sees the drug inside cells where they hold it."""
        process = super().from_catalog(catalog, choice, given)
        process.sensitivity = drug_sensitivity(catalog, choice)
        if process.sensitivity is not None:
            process.columns += (process.sensitivity.column,)
        process.held = held_drugs(catalog, choice)
        if process.held:
            process.columns += (drug_columns(drug.name for drug in process.held)[0],)
        return process

    @classmethod
    def genotypes(cls, choice: Choice) -> Sequence[Sequence[str]]:
        return choice.genotypes

    def make_of(self, tissue: Tissue, rows: np.ndarray) -> np.ndarray:
        return self.makes.places(tissue.clones)[tissue.cells["clone"][rows]]

    def concentrations(self, tissue: Tissue, sites: np.ndarray) -> dict[str, np.ndarray | float]:
        out: dict[str, np.ndarray | float] = dict(tissue.patient.exposure)
        held = {drug.name for drug in self.held}
        for compound in {item.compound for item in self.inhibitors}:
            if compound in held:
                rows = tissue.cells.occupancy[PARENCHYMA][sites]
                out[compound] = free_in_cells(tissue, self.held, compound, rows)
            elif compound in tissue.microenvironment:
                out[compound] = out.get(compound, 0.0) + tissue.microenvironment[compound].at(sites)
        if self.sensitivity is not None:
            share = self.sensitivity.of(tissue, tissue.cells.occupancy[PARENCHYMA][sites])
            out = {compound: concentration * share for compound, concentration in out.items()}
        return out


class DrivenRate(Process):
    """A rate of tumor cells that follows an output of their network."""

    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    columns: tuple[Column, ...] = (TUMOR_NETWORK,)
    reads = ("cells/cell_type", "cells/tumor_network")
    output = ""
    event = ""

    def __init__(self, drive: Drive | None = None) -> None:
        super().__init__({})
        self.drive = drive
        self.columns = () if drive is None else (drive.column,)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> DrivenRate:
        return cls(Drive.from_catalog(catalog, choice, CELL_TYPE, cls.output))

    def step(self, tissue: Tissue, dt: float) -> None:
        if self.drive is not None:
            factor = np.where(tissue.cells["cell_type"] == TUMOR, self.factor(tissue, self.drive), 1.0)
            tissue.rates.multiply(self.event, self.name, factor)

    def factor(self, tissue: Tissue, drive: Drive) -> np.ndarray:
        """What the rate is multiplied by, shape (n,)."""
        raise TypeError(f"process {self.name} defines no factor")


class SignaledDivision(DrivenRate):
    """Division of tumor cells follows the output ``division``."""

    name = "signaled_division"
    output = "division"
    event = "divide"
    writes = ("rates/divide",)

    def factor(self, tissue: Tissue, drive: Drive) -> np.ndarray:
        return drive.relative(tissue)


class SignaledSurvival(DrivenRate):
    """Apoptosis of tumor cells follows what the output ``survival`` leaves unprotected."""

    name = "signaled_survival"
    output = "survival"
    event = "apoptosis"
    writes = ("rates/apoptosis",)

    def factor(self, tissue: Tissue, drive: Drive) -> np.ndarray:
        return (1.0 - drive.activity(tissue)) / (1.0 - drive.reference)
