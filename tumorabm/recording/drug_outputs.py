"""Outputs about drug inside tumor cells. Registered as those of ``outputs``, when this package is imported."""

from __future__ import annotations

import numpy as np

from tumorabm.processes.resistance.held_drugs import outside
from tumorabm.recording.measurement import Measurement, ratio
from tumorabm.recording.outputs import output
from tumorabm.tissue.cells import TUMOR


def _rows(m: Measurement) -> np.ndarray:
    """Living tumor cells in the order of their sites: that of rows means nothing, that of a sum does."""
    rows = m.tissue.cells.alive(TUMOR)
    return rows[np.argsort(m.tissue.cells["site"][rows])]


def _sum(m: Measurement, column: str, drug: str) -> float:
    """Sum of a drug's column over the living tumor cells."""
    cells = m.tissue.cells
    return float(cells[column][_rows(m), cells.specs[column].labels.index(drug)].sum())


@output(
    "in_tumor_cells",
    "nM",
    "mean drug in living tumor cells, bound or not",
    columns=("drug_cytosol", "drug_lysosome"),
    per="held_drug",
)
def _in_tumor_cells(m: Measurement, drug: str) -> float:
    return ratio(_sum(m, "drug_cytosol", drug) + _sum(m, "drug_lysosome", drug), _rows(m).size)


@output(
    "lysosomal_share",
    "1",
    "share of the drug in living tumor cells that is in lysosomes",
    columns=("drug_cytosol", "drug_lysosome"),
    per="held_drug",
)
def _lysosomal_share(m: Measurement, drug: str) -> float:
    in_lysosomes = _sum(m, "drug_lysosome", drug)
    return ratio(in_lysosomes, in_lysosomes + _sum(m, "drug_cytosol", drug))


@output(
    "free_inside_over_outside",
    "1",
    "mean free drug in the cytosol of living tumor cells over that at their sites",
    columns=("drug_free",),
    per="held_drug",
)
def _free_inside_over_outside(m: Measurement, drug: str) -> float:
    there = outside(m.tissue, drug, m.tissue.cells["site"][_rows(m)])
    return ratio(_sum(m, "drug_free", drug), float(there.sum()))


@output(
    "metabolized",
    "fmol",
    "drug that tumor cells have metabolized since the start",
    columns=("drug_cytosol",),
    per="held_drug",
)
def _metabolized(m: Measurement, drug: str) -> float:
    return -m.tissue.ledger.accounts.get(f"{drug}_cells", {}).get("metabolized", 0.0)


@output(
    "taken_from_plasma",
    "fmol",
    "drug that the tissue has taken from plasma since the start, less what it gave back",
    columns=("drug_cytosol",),
    per="held_drug",
)
def _taken_from_plasma(m: Measurement, drug: str) -> float:
    return m.tissue.ledger.accounts.get(drug, {}).get("supply", 0.0)


@output(
    "lysosomal_capacity",
    "1",
    "mean capacity of living tumor cells' lysosomes, relative to parental cells",
    columns=("lysosomal_capacity",),
)
def _lysosomal_capacity(m: Measurement) -> float:
    return ratio(float(m.tissue.cells["lysosomal_capacity"][_rows(m)].sum()), _rows(m).size)
