"""Amino acids: delivered through the walls of perfused vessels, taken up by tumor cells and host tissue.

Supply per site: (P S / V) (c_v − c), as of small drugs, limited by the flow of blood as that of oxygen. Uptake:
Michaelis–Menten, M c / (c + c_½), with M of the tumor times the relative output ``nutrient_transport`` of the cell's
signaling where a living tumor cell is, and M of the host where no tumor cell is: a fibroblast is host tissue. Debris
takes up nothing. Without this mechanism the supply of amino acids is the signaling network's constant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.cell_signaling import Drive
from tumorabm.processes.signaling.tumor import CELL_TYPE, TUMOR_NETWORK
from tumorabm.processes.transport.oxygen import FLOW, PERFUSED, ROOT, given_by_flow, perfused_length, supply_columns
from tumorabm.tissue.cells import FIBROBLAST, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.tissue import Tissue

NUTRIENT = "amino_acids"


class NutrientSupply(Process):
    """Exchange of amino acids between blood and tissue."""

    name = "nutrient_supply"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    mechanism = "nutrients"
    parameters = {
        "in_blood": Parameter("substrates.amino_acids.vessel_concentration", "nM", "concentration in blood"),
        "permeability": Parameter("substrates.amino_acids.wall_permeability", "um/h", "of the wall of capillaries"),
        "radius": Parameter("cell_types.endothelial.vessel_radius", "um", "of a capillary"),
    }
    columns: tuple[Column, ...] = (PERFUSED, ROOT, FLOW)
    substrates = (NUTRIENT,)
    reads = ("cells/site", "cells/cell_type", "cells/perfused", "cells/root", "cells/flow", "vasculature/links")
    writes = (f"terms/{NUTRIENT}",)

    def __init__(self, values: Mapping[str, float], by_flow: bool = False) -> None:
        super().__init__(values)
        self.by_flow = by_flow
        self.columns = supply_columns(by_flow)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> NutrientSupply:
        """The process, which follows flow where that mechanism is on."""
        return cls(cls.values_from(catalog, choice.sets, given), "flow" in choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        exchange = perfused_length(tissue)
        exchange *= 2.0 * math.pi * self.p.radius * self.p.permeability / tissue.lattice.site_volume
        if self.by_flow:
            exchange *= given_by_flow(tissue, exchange * tissue.lattice.site_volume)
        field = tissue.microenvironment[NUTRIENT]
        field.contribute("loss", "supply", exchange)
        field.contribute("source", "supply", exchange * self.p.in_blood)


class NutrientUptake(Process):
    """Uptake of amino acids by tumor cells and host tissue.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    drive : Drive, optional
        Of nutrient transport, where tumor signaling is on.
    """

    name = "nutrient_uptake"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    mechanism = "nutrients"
    parameters = {
        "tumor": Parameter("substrates.amino_acids.tumor_uptake", "nM/h", "largest, of the reference tumor cell"),
        "host": Parameter("substrates.amino_acids.host_uptake", "nM/h", "largest, of host tissue"),
    }
    columns: tuple[Column, ...] = (TUMOR_NETWORK,)
    substrates = (NUTRIENT,)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/tumor_network")
    writes = (f"terms/{NUTRIENT}",)

    def __init__(self, values: Mapping[str, float], drive: Drive | None = None) -> None:
        super().__init__(values)
        self.drive = drive
        self.columns = () if drive is None else (drive.column,)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> NutrientUptake:
        """The process with the drive of tumor cells, if their signaling is on."""
        drive = Drive.from_catalog(catalog, choice, CELL_TYPE, "nutrient_transport")
        return cls(cls.values_from(catalog, choice.sets, given), drive)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = cells.alive(TUMOR)
        uptake = np.where(cells.occupancy[PARENCHYMA] < 0, self.p.host, 0.0)
        uptake[cells["site"][cells.alive(FIBROBLAST)]] = self.p.host
        uptake[cells["site"][rows]] = self.p.tumor * (1.0 if self.drive is None else self.drive.relative(tissue, rows))
        tissue.microenvironment[NUTRIENT].contribute("uptake", "consumption", uptake)
