"""Perfusion: who has a lumen, and through whom blood flows.

A cell's lumen opens a day after it has been linked on both sides. Blood flows through open cells that lie on a path
from an arteriole to a venule; dead ends and loops that hang by one cell are not perfused. Feeding and draining sites
always carry blood.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.processes.transport.oxygen import PERFUSED, ROOT
from tumorabm.processes.vessels.survival import PHENOTYPE
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, INLET, NOT_ROOT, OPEN, OUTLET, TIP, VENULE, count_links

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
        columns = (cells[name] for name in ("cell_type", "site", "phenotype", "lumen_age"))
        _age(*columns, tissue.vasculature.links, dt)


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
        columns = (tissue.cells[name] for name in ("cell_type", "site", "root", "perfused"))
        _fill_perfused(*columns, tissue.vasculature.flowing(open_marks(tissue, self.p.delay)))


def open_marks(tissue: Tissue, delay: float) -> np.ndarray:
    """What each site is to the blood, bits OPEN, INLET and OUTLET: uint8, shape (sites,)."""
    marks = np.zeros(tissue.lattice.sites, dtype=np.uint8)
    _mark(*(tissue.cells[name] for name in ("cell_type", "site", "root", "lumen_age")), delay, marks)
    return marks


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _age(cell_type, site, phenotype, lumen_age, links, dt):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL and phenotype[row] != TIP and count_links(site[row], links) >= 2:
            lumen_age[row] += dt


@kernel
def _mark(cell_type, site, root, lumen_age, delay, marks):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            if root[row] == ARTERIOLE:
                marks[site[row]] = OPEN | INLET
            elif root[row] == VENULE:
                marks[site[row]] = OPEN | OUTLET
            elif lumen_age[row] >= delay:
                marks[site[row]] = OPEN


@kernel
def _fill_perfused(cell_type, site, root, perfused, flows):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            perfused[row] = flows[site[row]] or root[row] != NOT_ROOT
