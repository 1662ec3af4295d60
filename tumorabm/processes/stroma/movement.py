"""Movement of immune cells between the cells of the tissue: a random walk, guided where their type has a guide.

As for tumor cells (``fate/migration``), a walk of speed v and persistence time τ is hops to the 2d nearest sites at the
total rate 2 v² τ / h²; waiting times are exponential, so a cell may hop several times in a step. Immune cells squeeze
through: other layers do not stop them, another immune cell does.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.fate.migration import hop_rate
from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.random import draw, purpose
from tumorabm.tissue.requests import WANDER
from tumorabm.tissue.tissue import Tissue

_STREAM = purpose("wandering")
_MOST_HOPS = 200  # below the number of draws of a purpose


class Wandering(Process):
    """Hops of the immune cells of one type; subclasses name it, and have parameters ``speed`` and ``persistence``."""

    phase = Phase.REQUESTS
    kind = Kind.EVENTS
    row_type: ClassVar[int]
    reads: ClassVar[tuple[str, ...]] = ("cells/site", "cells/cell_type", "cells/state", "cells/uid")
    writes = ("requests/wander", "requests/guides")

    def step(self, tissue: Tissue, dt: float) -> None:
        rows = tissue.cells.alive(self.row_type)
        if rows.size == 0 or dt <= 0.0:
            return
        rate = hop_rate(self.p.speed, self.p.persistence, tissue.lattice.spacing)
        if rate * dt > 0.5 * _MOST_HOPS:
            raise ValueError(f"{self.name}: {rate * dt:.0f} hops of a cell in a step of {dt:g} h; the step is too long")
        guide = self.guide(tissue)
        if guide is not None:
            tissue.requests.guide(self.row_type, guide)
        most = min(_MOST_HOPS, int(10 + 4 * rate * dt))
        uids = tissue.cells["uid"][rows]
        hops = _hop_times(np.uint64(tissue.seed), np.uint64(tissue.step_number), _STREAM, rows, uids, rate, dt, most)
        tissue.requests.add(WANDER, *hops)

    def guide(self, tissue: Tissue) -> np.ndarray | None:
        """What attracts, shape (sites,): where it falls by 1, one of e hops is made. None for a random walk."""
        return None


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _hop_times(seed, step, stream, rows, uids, rate, dt, most):
    """Rows, times and numbers of all hops."""
    who = np.empty(rows.size * most, dtype=np.int64)
    times = np.empty(who.size)
    numbers = np.empty(who.size, dtype=np.int64)
    count = 0
    for i in range(rows.size):
        time = 0.0
        for hop in range(most):
            time -= np.log(draw(seed, uids[i], step, stream + np.uint64(hop))) / rate
            if time >= dt:
                break
            who[count] = rows[i]
            times[count] = time
            numbers[count] = hop
            count += 1
    return who[:count].copy(), times[:count].copy(), numbers[:count].copy()
