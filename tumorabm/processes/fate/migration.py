"""Movement of tumor cells: a persistent random walk, held back by adhesion.

A walk of speed v and persistence time τ has the long-time diffusivity D = v² τ / d in d dimensions; on the lattice that
is a hop to one of the 2d nearest sites at the total rate 2 d D / h². Waiting times are exponential, so a cell may hop
several times in a step. A hop to a free site that would leave n fewer neighbors of the lesion is made with probability
exp(−A n): adhesion keeps the lesion together and smooths its surface, and a cell on its own walks freely.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import PARENCHYMA, TUMOR
from tumorabm.tissue.random import draw, purpose, waits_longer
from tumorabm.tissue.requests import MIGRATE
from tumorabm.tissue.tissue import Tissue

_STREAM = purpose("migration")
_MOST_HOPS = 200  # below the number of draws of a purpose


class Migration(Process):
    """Hops of living tumor cells that have a free site beside them."""

    name = "migration"
    phase = Phase.REQUESTS
    kind = Kind.EVENTS
    parameters = {
        "speed": Parameter("cell_types.tumor.migration_speed", "um/h", "of a moving cell"),
        "persistence": Parameter("cell_types.tumor.migration_persistence", "h", "of its direction"),
    }
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/uid")
    writes = ("requests/migrate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rate = hop_rate(self.p.speed, self.p.persistence, tissue.lattice.spacing)
        if rate == 0.0:
            return
        if rate * dt > 0.5 * _MOST_HOPS:
            raise ValueError(f"migration: {rate * dt:.0f} hops of a cell in a step of {dt:g} h; the step is too long")
        rows = tissue.cells.alive(TUMOR)
        occupied = tissue.cells.occupancy[PARENCHYMA]
        exposed = _exposed(occupied, tissue.vasculature.neighbors, tissue.cells["site"][rows])
        rows = rows[exposed]
        uids = tissue.cells["uid"][rows]
        most = min(_MOST_HOPS, int(10 + 4 * rate * dt))
        which, times, numbers = _hop_times(
            np.uint64(tissue.seed), uids, np.uint64(tissue.step_number), _STREAM, rate, dt, most
        )
        tissue.requests.add(MIGRATE, rows[which], times, numbers)


def hop_rate(speed: float, persistence: float, spacing: float) -> float:
    """Hops per hour of a cell; the same in any dimension, since D = v² τ / d and the rate is 2 d D / h²."""
    return 2.0 * speed**2 * persistence / spacing**2


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _exposed(occupied, neighbors, sites):
    out = np.zeros(sites.size, dtype=np.bool_)
    for i in range(sites.size):
        for k in range(26):
            there = neighbors[sites[i], k]
            if there >= 0 and occupied[there] < 0:
                out[i] = True
                break
    return out


@kernel
def _hop_times(seed, uids, step, stream, rate, dt, most):
    which = np.empty(uids.size * 2 + most, dtype=np.int64)
    times = np.empty(which.size)
    numbers = np.empty(which.size, dtype=np.int64)
    count = 0
    for i in range(uids.size):
        time = 0.0
        for hop in range(most):
            drawn = draw(seed, uids[i], step, stream + np.uint64(hop))
            if waits_longer(drawn, rate * (dt - time)):
                break
            time -= np.log(drawn) / rate
            if time >= dt:
                break
            if count == which.size:
                which = np.concatenate((which, np.empty_like(which)))
                times = np.concatenate((times, np.empty_like(times)))
                numbers = np.concatenate((numbers, np.empty_like(numbers)))
            which[count] = i
            times[count] = time
            numbers[count] = hop
            count += 1
    return which[:count], times[:count], numbers[:count]
