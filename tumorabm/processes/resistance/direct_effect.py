"""Direct effect of drugs on the division of tumor cells.

Division is multiplied by 1/(1 + Σ a C/K), K a drug's ``direct_ic50`` and a its ``direct_effect``, 1 or 0 by the set of
the literature: Loewe additivity of drugs whose curves have one slope. Under Bliss independence (``sets.combination``)
it is Π 1/(1 + a C/K). C is the free cytosolic concentration of the cell where cells hold drug, else what is unbound at
its site; where EMT is on a mesenchymal cell takes of it what its sensitivity says. Of vessels nothing changes: this is
what tumor cells that sequester drug, or pump it out, are protected from.

Gotink et al. (2011) found a direct effect at micromolar concentrations in medium, Hammers et al. (2010) none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.processes.resistance.held_drugs import HeldDrug, drug_columns, free_in_cells, held_drugs
from tumorabm.processes.resistance.mesenchymal import MesenchymalFactor, drug_sensitivity
from tumorabm.processes.signaling.inhibitors import independent
from tumorabm.tissue.cells import TUMOR, Column
from tumorabm.tissue.tissue import Tissue


class DirectEffect(Process):
    """What drugs that act on tumor cells directly leave of their division.

    Parameters
    ----------
    constants : mapping of str to float
        K/a of each drug with an effect, nM.
    drugs : sequence of HeldDrug
        All that cells hold, in the order of their column.
    fields : iterable of str
        Drugs that have a field.
    independent : bool
        Whether what drugs leave multiplies (Bliss) instead of their concentrations adding up (Loewe).
    sensitivity : MesenchymalFactor, optional
        What a concentration in a cell is multiplied by before it acts, where that differs between cells.
    """

    name = "direct_effect"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = "direct_effect"
    columns: tuple[Column, ...] = ()
    substrates: tuple[str, ...] = ()
    reads = (
        "cells/site",
        "cells/cell_type",
        "cells/state",
        "cells/drug_cytosol",
        "cells/emt",
        "microenvironment",
        "patient",
    )
    writes = ("rates/divide",)

    def __init__(
        self,
        constants: Mapping[str, float] | None = None,
        drugs: Sequence[HeldDrug] = (),
        fields: Iterable[str] = (),
        sensitivity: MesenchymalFactor | None = None,
        independent: bool = False,
    ) -> None:
        super().__init__({})
        self.independent = independent
        self.constants, self.drugs = dict(sorted((constants or {}).items())), tuple(drugs)
        held = {drug.name for drug in self.drugs} & set(self.constants)
        self.sensitivity = sensitivity
        self.columns = (drug_columns(drug.name for drug in self.drugs)[0],) if held else ()
        self.columns += () if sensitivity is None else (sensitivity.column,)
        self.substrates = tuple(name for name in self.constants if name in set(fields) and name not in held)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with those of the experiment's drugs that act on tumor cells."""
        constants = direct_constants(catalog, (*choice.drugs, *choice.exposure), choice.sets)
        sensitivity = drug_sensitivity(catalog, choice) if constants else None
        return cls(constants, held_drugs(catalog, choice), choice.drugs, sensitivity, independent(choice.sets))

    def step(self, tissue: Tissue, dt: float) -> None:
        if not self.constants:
            return
        rows = tissue.cells.alive(TUMOR)
        together = [[name] for name in self.constants] if self.independent else [list(self.constants)]
        factor = np.ones(tissue.cells.n)
        for names in together:
            ratio = np.zeros(rows.size)
            for name in names:
                ratio += free_in_cells(tissue, self.drugs, name, rows) / self.constants[name]
            if self.sensitivity is not None:
                ratio *= self.sensitivity.of(tissue, rows)
            factor[rows] *= 1.0 / (1.0 + ratio)
        tissue.rates.multiply("divide", self.name, factor)


def direct_constants(catalog: Values, drugs: Iterable[str], sets: Mapping[str, str]) -> dict[str, float]:
    """Concentration (nM) that halves division, of those of some drugs that act on tumor cells directly."""
    paths, found = set(catalog.paths()), {}
    for name in sorted(set(drugs)):
        if f"drugs.{name}.direct_ic50" in paths:
            effect = catalog.get(f"drugs.{name}.direct_effect", "1", sets)
            if effect > 0.0:
                found[name] = catalog.get(f"drugs.{name}.direct_ic50", "nM", sets) / effect
    return found
