"""Movement of tumor cells: a persistent random walk, held back by adhesion.

A walk of speed v and persistence time τ has the long-time diffusivity D = v² τ / d in d dimensions; on the lattice
that is a hop to one of the 2d nearest sites at the total rate 2 d D / h². Waiting times are exponential, so a cell
may hop several times in a step. A hop to a free site that would leave n fewer neighbors of the lesion is made with
probability exp(−A n): adhesion keeps the lesion together and smooths its surface, and a cell on its own walks freely.
A cell's speed is that of the reference cell times the relative output ``motility`` of its signaling; cells that invade
are faster yet (``invasion``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.cell_signaling import Drive
from tumorabm.processes.signaling.tumor import CELL_TYPE, TUMOR_NETWORK
from tumorabm.tissue.cells import ALIVE, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.geometry import beside_free
from tumorabm.tissue.random import CHUNK, draw, fill_uniforms, purpose, waits_longer
from tumorabm.tissue.requests import MIGRATE
from tumorabm.tissue.tissue import Tissue

_STREAM = purpose("migration")
_MOST_HOPS = 200  # below the number of draws of a purpose


class Migration(Process):
    """Hops of living tumor cells that have a free site beside them.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    drive : Drive, optional
        Of the speed, where tumor signaling is on.
    """

    name = "migration"
    phase = Phase.REQUESTS
    kind = Kind.EVENTS
    parameters = {
        "speed": Parameter("cell_types.tumor.migration_speed", "um/h", "of a moving cell"),
        "persistence": Parameter("cell_types.tumor.migration_persistence", "h", "of its direction"),
    }
    columns: tuple[Column, ...] = (TUMOR_NETWORK,)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/uid", "cells/tumor_network")
    writes = ("rates/migrate", "requests/migrate")

    def __init__(self, values: Mapping[str, float], drive: Drive | None = None) -> None:
        super().__init__(values)
        self.drive = drive
        self.columns = () if drive is None else (drive.column,)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Migration:
        """The process with the drive of tumor cells, if their signaling is on."""
        drive = Drive.from_catalog(catalog, choice, CELL_TYPE, "motility")
        return cls(cls.values_from(catalog, choice.sets, given), drive)

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt <= 0.0:
            return
        cells = tissue.cells
        rate = np.full(cells.n, hop_rate(self.p.speed, self.p.persistence, tissue.lattice.spacing))
        if self.drive is not None:
            rate *= self.drive.relative(tissue) ** 2
        tissue.rates.add("migrate", self.name, rate)
        ask_for_hops(tissue, TUMOR, tissue.rates.total("migrate", cells.n), dt, self.name)


def ask_for_hops(tissue: Tissue, cell_type: int, rate: np.ndarray, dt: float, who: str) -> None:
    """Ask for the hops of all living cells of a type of the parenchyma that have a free site beside them.

    Parameters
    ----------
    rate : ndarray, shape (n,)
        Hops per hour of every cell.
    who : str
        Name of the process, for messages.

    Raises
    ------
    ValueError
        If a cell would hop more often in a step than can be told apart.
    """
    cells = tissue.cells
    highest = float(rate.max(initial=0.0))
    if highest == 0.0:
        return
    if highest * dt > 0.5 * _MOST_HOPS:
        raise ValueError(f"{who}: {highest * dt:.0f} hops of a cell in a step of {dt:g} h; the step is too long")
    columns = (cells[name] for name in ("cell_type", "state", "site", "uid"))
    rows, times, numbers = _hops(
        np.uint64(tissue.seed), np.uint64(tissue.step_number), _STREAM, cell_type, *columns,
        cells.occupancy[PARENCHYMA], tissue.lattice.geometry, rate, dt, min(_MOST_HOPS, int(10 + 4 * highest * dt)),
    )  # fmt: skip
    tissue.requests.add(MIGRATE, rows, times, numbers)


def hop_rate(speed: float, persistence: float, spacing: float) -> float:
    """Hops per hour of a cell; the same in any dimension, since D = v² τ / d and the rate is 2 d D / h²."""
    return 2.0 * speed**2 * persistence / spacing**2


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _hops(seed, step, stream, kind, cell_type, state, site, uid, occupied, geometry, rate, dt, most):
    """Rows, times and numbers of the hops of living cells of a kind that have a free site beside them."""
    exposed = beside_free(occupied, geometry)
    rows = np.empty(4 * most, dtype=np.int64)
    times = np.empty(rows.size)
    numbers = np.empty(rows.size, dtype=np.int64)
    count = 0
    movable = np.empty(CHUNK, dtype=np.int64)
    uids = np.empty(CHUNK, dtype=np.uint64)
    drawn = np.empty(CHUNK)
    row = 0
    while row < site.size:
        waiting = 0
        while row < site.size and waiting < CHUNK:
            if cell_type[row] == kind and state[row] == ALIVE and exposed[site[row]]:
                movable[waiting] = row
                uids[waiting] = uid[row]
                waiting += 1
            row += 1
        fill_uniforms(seed, uids[:waiting], step, stream, drawn)
        for i in range(waiting):
            pace = rate[movable[i]]
            if waits_longer(drawn[i], pace * dt):
                continue
            if count + most > rows.size:
                rows = np.concatenate((rows, np.empty_like(rows)))
                times = np.concatenate((times, np.empty_like(times)))
                numbers = np.concatenate((numbers, np.empty_like(numbers)))
            time = 0.0
            for hop in range(most):
                chance = draw(seed, uids[i], step, stream + np.uint64(hop))
                if waits_longer(chance, pace * (dt - time)):
                    break
                time -= np.log(chance) / pace
                if time >= dt:
                    break
                rows[count] = movable[i]
                times[count] = time
                numbers[count] = hop
                count += 1
    return rows[:count], times[:count], numbers[:count]
