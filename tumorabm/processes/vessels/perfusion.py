"""Perfusion: who has a lumen, and through whom blood flows.

A cell's lumen opens a day after it has been linked on both sides. Blood flows through open cells that lie on a path
from an arteriole to a venule; dead ends and loops that hang by one cell are not perfused. Feeding and draining sites
always carry blood.
"""

from __future__ import annotations

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.processes.transport.oxygen import PERFUSED, ROOT
from tumorabm.processes.vessels.survival import PHENOTYPE
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, NOT_ROOT, TIP, VENULE

LUMEN_AGE = Column("lumen_age", "h", "time since the cell was linked on both sides", "f8", 0.0, "reset")


class Lumen(Process):
    """Opening of lumens."""

    name = "lumen"
    phase = Phase.VESSELS
    kind = Kind.EVOLVING
    columns = (LUMEN_AGE, PHENOTYPE)
    reads = ("cells/site", "cells/cell_type", "cells/phenotype", "vasculature/links")
    writes = ("cells/lumen_age",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = cells.rows_of(ENDOTHELIAL)
        linked = (tissue.vasculature.degree(cells["site"][rows]) >= 2) & (cells["phenotype"][rows] != TIP)
        cells["lumen_age"][rows[linked]] += dt


class Perfusion(Process):
    """Which endothelial cells blood flows through."""

    name = "perfusion"
    phase = Phase.VESSELS
    kind = Kind.DIAGNOSTIC
    parameters = {"delay": Parameter("cell_types.endothelial.perfusion_delay", "h", "from link to open lumen")}
    columns = (PERFUSED, LUMEN_AGE, ROOT)
    reads = ("cells/site", "cells/cell_type", "cells/lumen_age", "cells/root", "vasculature/links")
    writes = ("cells/perfused",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = cells.rows_of(ENDOTHELIAL)
        site, root = cells["site"][rows], cells["root"][rows]
        is_open = np.zeros(tissue.lattice.sites, dtype=np.bool_)
        is_open[site[(cells["lumen_age"][rows] >= self.p.delay) | (root != NOT_ROOT)]] = True
        flows = tissue.vasculature.on_path(is_open, site[root == ARTERIOLE], site[root == VENULE])
        cells["perfused"][rows] = flows[site] | (root != NOT_ROOT)
