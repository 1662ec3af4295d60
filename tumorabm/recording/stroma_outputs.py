"""Outputs about the stroma: pericytes, immune cells, fibroblasts, and tumor cells that leave through vessels.

Registered as those of ``outputs``, when this package is imported. Counts are 0 where a type of cell is not modeled;
means over none are NaN.
"""

from __future__ import annotations

import numpy as np

from tumorabm.recording.border import branching_index, distance_from_bulk
from tumorabm.recording.measurement import Measurement, ratio
from tumorabm.recording.outputs import output
from tumorabm.tissue.cells import ALIVE, FIBROBLAST, MDSC, PERICYTE, T_CELL, TUMOR
from tumorabm.tissue.vasculature import MYELOID


def _number(m: Measurement, cell_type: int, inside: bool) -> int:
    """Living cells of a type inside the lesion's hull, or outside."""
    sites = m.tissue.cells["site"][m.tissue.cells.alive(cell_type)]
    return int(np.count_nonzero(m.region(inside)[sites]))


def _mean(m: Measurement, cell_type: int, column: str) -> float:
    """Mean of a column over the living cells of a type inside the lesion's hull."""
    cells = m.tissue.cells
    rows = cells.alive(cell_type)
    rows = rows[m.region(True)[cells["site"][rows]]]
    rows = rows[np.argsort(cells["site"][rows])]  # the order of rows means nothing, that of a sum does
    return ratio(float(cells[column][rows].sum()), rows.size)


# --- pericytes -------------------------------------------------------------------------------------------------------


@output("lesion_coverage", "1", "mean coverage of the endothelium inside the lesion's hull", columns=("coverage",))
def _lesion_coverage(m: Measurement) -> float:
    inside = m.endothelial("coverage")[m.endothelium.in_hull]
    return ratio(float(inside.sum()), inside.size)


@output("host_coverage", "1", "mean coverage of the endothelium outside the lesion's hull", columns=("coverage",))
def _host_coverage(m: Measurement) -> float:
    outside = m.endothelial("coverage")[~m.endothelium.in_hull]
    return ratio(float(outside.sum()), outside.size)


@output("lesion_pericytes", "1", "pericytes inside the lesion's hull")
def _lesion_pericytes(m: Measurement) -> int:
    return _number(m, PERICYTE, True)


@output("host_pericytes", "1", "pericytes outside the lesion's hull")
def _host_pericytes(m: Measurement) -> int:
    return _number(m, PERICYTE, False)


@output(
    "pericyte_maturity", "1", "mean maturity of pericytes' contacts in the lesion's hull", columns=("contact_maturity",)
)
def _pericyte_maturity(m: Measurement) -> float:
    return _mean(m, PERICYTE, "contact_maturity")


# --- immune cells and fibroblasts ------------------------------------------------------------------------------------


@output("lesion_mdscs", "1", "myeloid-derived suppressor cells inside the lesion's hull")
def _lesion_mdscs(m: Measurement) -> int:
    return _number(m, MDSC, True)


@output("host_mdscs", "1", "myeloid-derived suppressor cells outside the lesion's hull")
def _host_mdscs(m: Measurement) -> int:
    return _number(m, MDSC, False)


@output("myeloid_endothelial_cells", "1", "endothelial cells that were MDSCs", columns=("origin",))
def _myeloid_endothelial_cells(m: Measurement) -> int:
    return int(np.count_nonzero(m.endothelial("origin") == MYELOID))


@output("mdsc_pool", "1", "MDSCs in blood, relative to the untreated patient", processes=("mdsc_pool",))
def _mdsc_pool(m: Measurement) -> float:
    return m.tissue.patient.levels.get("mdsc_pool", float("nan"))


@output("mdsc_sensitization", "1", "how far hypoxia has sensitized MDSCs", processes=("mdsc_pool",))
def _mdsc_sensitization(m: Measurement) -> float:
    return m.tissue.patient.levels.get("mdsc_sensitization", float("nan"))


@output("lesion_fibroblasts", "1", "fibroblasts inside the lesion's hull")
def _lesion_fibroblasts(m: Measurement) -> int:
    return _number(m, FIBROBLAST, True)


@output("host_fibroblasts", "1", "fibroblasts outside the lesion's hull")
def _host_fibroblasts(m: Measurement) -> int:
    return _number(m, FIBROBLAST, False)


@output(
    "fibroblast_activation", "1", "mean activation of the fibroblasts in the lesion's hull", columns=("activation",)
)
def _fibroblast_activation(m: Measurement) -> float:
    return _mean(m, FIBROBLAST, "activation")


@output("lesion_t_cells", "1", "T cells inside the lesion's hull")
def _lesion_t_cells(m: Measurement) -> int:
    return _number(m, T_CELL, True)


@output("host_t_cells", "1", "T cells outside the lesion's hull")
def _host_t_cells(m: Measurement) -> int:
    return _number(m, T_CELL, False)


@output("t_cell_exhaustion", "1", "mean exhaustion of the T cells in the lesion's hull", columns=("exhaustion",))
def _t_cell_exhaustion(m: Measurement) -> float:
    return _mean(m, T_CELL, "exhaustion")


@output("t_cell_kills", "1", "tumor cells that the T cells which are there have killed", columns=("kills",))
def _t_cell_kills(m: Measurement) -> int:
    return int(m.tissue.cells["kills"][m.tissue.cells.alive(T_CELL)].sum())


# --- tumor cells in blood --------------------------------------------------------------------------------------------


@output("intravasated_cells", "1", "tumor cells that have entered vessels so far")
def _intravasated_cells(m: Measurement) -> int:
    return int(m.tissue.clones.intravasated.sum())


# --- invasion --------------------------------------------------------------------------------------------------------


@output("branching_index", "1", "border of all tumor cells and debris relative to that of a disc (ball) of as many")
def _branching_index(m: Measurement) -> float:
    return branching_index((m.tumor_states >= 0).reshape(m.lattice.shape), m.lattice)


@output("detached_cells", "1", "living tumor cells outside the lesion, its largest connected component")
def _detached_cells(m: Measurement) -> int:
    return int(np.count_nonzero((m.tumor_states == ALIVE) & ~m.lesion.reshape(-1)))


@output("invasion_depth", "um", "mean distance of the outermost hundredth of living tumor cells from the lesion's bulk")
def _invasion_depth(m: Measurement) -> float:
    distance = distance_from_bulk((m.tumor_states >= 0).reshape(m.lattice.shape), m.lattice).reshape(-1)
    distance = np.sort(distance[m.tumor_states == ALIVE])
    outermost = distance[distance.size - -(-distance.size // 100) :]
    return ratio(float(outermost.sum()), outermost.size)


@output("tumor_hold", "1", "mean adhesion of living tumor cells relative to the reference cell", columns=("hold",))
def _tumor_hold(m: Measurement) -> float:
    cells = m.tissue.cells
    rows = cells.alive(TUMOR)
    rows = rows[np.argsort(cells["site"][rows])]
    return ratio(float(cells["hold"][rows].sum()), rows.size)
