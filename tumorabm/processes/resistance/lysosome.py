"""Lysosomes of tumor cells: capacity that exposure induces, and pH that drugs raise.

The capacity φ, relative to a parental cell's, follows s = x/(x + 1), x = Σ c/K over the lysosomotropic drugs, c the
free cytosolic concentration of each and K its ``lysosomal_induction_half``:

    φ' = k_ind (φ_max − φ) s − k_rec (1 − s)(φ − 1)

solved exactly while s stays. Without drug it falls back with a half-life of ln2/k_rec; daughters keep it. The pH of
lysosomes rises by Σ d h/(h + K_h) with the unbound concentrations h outside of drugs that have a ``lysosomal_ph_rise``
d and a ``lysosomal_ph_half`` K_h: less of a base is trapped then (``intracellular``).

Gotink et al. (2011): resistant renal carcinoma cells hold more sunitinib in more lysosomes, and lose both without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.resistance.held_drugs import (
    CAPACITY,
    CYTOSOL,
    PH_RISE,
    HeldDrug,
    drug_columns,
    held_drugs,
    held_names,
    outside,
)
from tumorabm.processes.transport.drug import INTRACELLULAR
from tumorabm.tissue.cells import TUMOR, Column
from tumorabm.tissue.tissue import Tissue

_RISE = "lysosomal_ph_rise"
_HALF = "lysosomal_ph_half"


class LysosomalCapacity(Process):
    """Capacity of lysosomes, induced by lysosomotropic drugs.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    drugs : sequence of HeldDrug
        All that cells hold, in the order of their column.
    """

    name = "lysosomal_capacity"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    mechanism = INTRACELLULAR
    parameters = {
        "induction": Parameter("cell_types.tumor.lysosomal_induction_rate", "1/h", "under full exposure"),
        "recovery": Parameter("cell_types.tumor.lysosomal_recovery_half_life", "h", "without drug", above=0),
        "largest": Parameter("cell_types.tumor.lysosomal_capacity_induced", "1", "relative to a parental cell"),
    }
    columns: tuple[Column, ...] = (CYTOSOL, CAPACITY)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/drug_cytosol", "cells/lysosomal_capacity")
    writes = ("cells/lysosomal_capacity",)

    def __init__(self, values: Mapping[str, float], drugs: Sequence[HeldDrug] = ()) -> None:
        super().__init__(values)
        self.columns = (drug_columns(drug.name for drug in drugs)[0], CAPACITY) if drugs else ()
        # What one unit of each drug in cytosol counts for.
        self._weights = np.array([1.0 / (drug.cytosolic * drug.inducing) for drug in drugs])

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with those of the experiment's drugs that cells hold."""
        return cls(cls.values_from(catalog, choice.sets, given), held_drugs(catalog, choice))

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt <= 0.0 or not self._weights.any():
            return
        p, cells = self.p, tissue.cells
        rows = cells.alive(TUMOR)
        free = (cells[CYTOSOL.name][rows] * self._weights).sum(axis=1)  # over what induces half
        exposure = free / (free + 1.0)
        onset, recovery = p.induction * exposure, math.log(2.0) / p.recovery * (1.0 - exposure)
        total = onset + recovery
        end = (onset * p.largest + recovery) / np.where(total > 0.0, total, 1.0)
        before = cells[CAPACITY.name][rows]
        cells[CAPACITY.name][rows] = before + (end - before) * -np.expm1(-total * dt)


class LysosomalPh(Process):
    """Rise of the pH of lysosomes under drugs that are bases themselves.

    Parameters
    ----------
    drugs : iterable of (str, float, float)
        Name, largest rise, and unbound concentration of half of it (nM).
    fields : iterable of str
        Drugs that have a field.
    """

    name = "lysosomal_ph"
    phase = Phase.STATE
    kind = Kind.DIAGNOSTIC
    mechanism = INTRACELLULAR
    columns: tuple[Column, ...] = (PH_RISE,)
    substrates: tuple[str, ...] = ()
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment", "patient")
    writes = ("cells/lysosomal_ph_rise",)

    def __init__(self, drugs: Iterable[tuple[str, float, float]] = (), fields: Iterable[str] = ()) -> None:
        super().__init__({})
        self.drugs = tuple(drugs)
        self.substrates = tuple(name for name, _, _ in self.drugs if name in set(fields))

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with those of the experiment's drugs that raise the pH."""
        return cls(ph_rises(catalog, held_names(catalog, choice), choice.sets), choice.drugs)

    def step(self, tissue: Tissue, dt: float) -> None:
        if not self.drugs:
            return
        rows = tissue.cells.alive(TUMOR)
        rise = np.zeros(rows.size)
        for name, largest, half in self.drugs:
            there = outside(tissue, name, tissue.cells["site"][rows])
            rise += largest * there / (there + half)
        tissue.cells[PH_RISE.name][rows] = rise


def ph_rises(catalog: Values, drugs: Iterable[str], sets: Mapping[str, str]) -> list[tuple[str, float, float]]:
    """Those of some drugs that raise the pH of lysosomes: name, largest rise, concentration (nM) of half of it."""
    paths = set(catalog.paths())
    return [
        (name, catalog.get(f"{stem}{_RISE}", "1", sets), catalog.get(f"{stem}{_HALF}", "nM", sets))
        for name, stem in ((name, f"drugs.{name}.") for name in sorted(set(drugs)))
        if {f"{stem}{_RISE}", f"{stem}{_HALF}"} <= paths
    ]
