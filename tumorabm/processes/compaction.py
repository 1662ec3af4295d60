"""The end of COMMIT: rows of cells that are gone are given up, and identities are checked.

Until here rows keep their numbers, so that all requests of a step mean whom they meant.
"""

from __future__ import annotations

from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.tissue import Tissue


class Compaction(Process):
    """Drops rows without a site and brings the occupancy up to date."""

    name = "compaction"
    phase = Phase.COMMIT
    kind = Kind.EVENTS
    closes_phase = True
    indispensable = "without it cells that are cleared or have regressed would still count"
    reads = ("requests", "cells/site", "cells/uid")
    writes = ("cells",)

    def step(self, tissue: Tissue, dt: float) -> None:
        if len(tissue.requests) > 0:
            tissue.cells.check_uids()
            tissue.cells.keep(tissue.cells["site"] >= 0)
