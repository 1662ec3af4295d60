"""A small drug in tissue: through the walls of perfused vessels, free and bound apart.

The field is the unbound tissue concentration c. Bound drug is (R − 1) c, in fast equilibrium, where R is total over
unbound drug in tissue. So R ∂c/∂t = D ∇²c + (P S / V)(c_p − c): the partition slows the approach to steady state from
minutes to hours or days. c_p is the unbound plasma concentration, averaged over the step. Where the flow of blood is
known it limits the exchange as that of oxygen; what is bound in blood would bring more and is left out (flow takes 4 %
of the exchange at 1e-4 cm/s and a fifth at 1e-3, where with what is bound it would take 3 %).

Where cells hold drug themselves (``resistance.intracellular``) R is what is left outside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.transport.oxygen import FLOW, PERFUSED, ROOT, given_by_flow, perfused_length, supply_columns
from tumorabm.tissue.cells import Column
from tumorabm.tissue.tissue import Tissue

INTRACELLULAR: Final = "intracellular"  # the mechanism with which cells hold drug
EXTRACELLULAR: Final = "extracellular_share"  # entry of a drug that enters cells


def field_capacity(catalog: Values, drug: str, sets: Mapping[str, str], in_cells: bool) -> float:
    """Total over unbound drug in what a drug's field stands for.

    Parameters
    ----------
    in_cells : bool
        Whether cells hold drug themselves: then the field is that of what lies outside them.
    """
    total = catalog.get(f"drugs.{drug}.tissue_total_over_unbound", "1", sets)
    path = f"drugs.{drug}.{EXTRACELLULAR}"
    return total * catalog.get(path, "1", sets) if in_cells and path in set(catalog.paths()) else total


def host_form(drug: str) -> str:
    """Name of the field of what host tissue and debris hold of a drug."""
    return f"{drug}_in_host"


class DrugSupply(Process):
    """Exchange of every scheduled drug between plasma and tissue.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    walls : mapping of str to (float, float)
        For each drug the permeability of the vessel wall (µm/h) and total over unbound drug in tissue.
    by_flow : bool
        Whether the flow of blood limits the exchange.
    """

    name = "drug_supply"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    parameters = {"radius": Parameter("cell_types.endothelial.vessel_radius", "um", "of a capillary")}
    columns: tuple[Column, ...] = (PERFUSED, ROOT, FLOW)
    reads = (
        "cells/site",
        "cells/cell_type",
        "cells/perfused",
        "cells/root",
        "cells/flow",
        "vasculature/links",
        "patient",
    )
    writes = ("terms",)

    def __init__(
        self,
        values: Mapping[str, float],
        walls: Mapping[str, tuple[float, float]] | None = None,
        by_flow: bool = False,
    ) -> None:
        super().__init__(values)
        self.walls = dict(walls or {})
        self.by_flow = by_flow
        self.columns = supply_columns(by_flow)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> DrugSupply:
        """The process with the walls of all drugs of the treatment."""
        walls = {
            drug: (
                catalog.get(f"drugs.{drug}.vessel_permeability", "um/h", choice.sets),
                field_capacity(catalog, drug, choice.sets, INTRACELLULAR in choice.mechanisms),
            )
            for drug in choice.drugs
        }
        return cls(cls.values_from(catalog, choice.sets, given), walls, "flow" in choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        if not self.walls:
            return
        surface = perfused_length(tissue)
        surface *= 2.0 * math.pi * self.p.radius
        for drug, (permeability, partition) in sorted(self.walls.items()):
            exchange = surface * (permeability / (tissue.lattice.site_volume * partition))
            if self.by_flow:
                exchange *= given_by_flow(tissue, surface * permeability)
            field = tissue.microenvironment[drug]
            field.contribute("loss", "supply", exchange)
            field.contribute("source", "supply", exchange * tissue.patient.unbound_mean.get(drug, 0.0))
