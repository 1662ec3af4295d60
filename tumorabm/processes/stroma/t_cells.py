"""Cytotoxic T cells: they come with blood, recognize tumor cells beside them, kill them, and exhaust.

A T cell enters through perfused endothelium at a constant rate per cell of it, wanders, and leaves after an exponential
life. On meeting a tumor cell it is as likely to kill it, relative to a pair that nothing hides or holds back, as

    w = (1 − HLA) (1 − PD1 · PDL1)

where 1 − HLA = (1 − HLA-G)(1 − HLA-E) and PDL1 are what the tumor cell shows, its type's and its clone's alterations
joined, and PD1 = (q + (1 − q) e) · left is the T cell's PD-1: it rises with exhaustion e, and drugs with a
``pd1_inhibition`` leave 1/(1 + Σ C/K) of it, C unbound in blood. The T cell kills at the rate k (1 − e) w (1 − s) with
the largest w within reach, its own and the neighboring sites, and s where an MDSC is as near. It handles one cell at a
time: more cells within reach do not make it faster. Exhaustion follows what it meets, de/dt = k_e r (1 − e) − k_r e,
with r the largest 1 − HLA of the living tumor cells within reach; solved exactly while r stays.

Those meant are specific for the tumor, a small part of all T cells there. Halle et al. (2016) for the speed of killing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Self

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.cell_signaling import expressions_of
from tumorabm.processes.signaling.inhibited import Inhibited
from tumorabm.processes.signaling.inhibitors import in_blood, share_left
from tumorabm.processes.stroma.commit import FREE_PD1, KILLS, PDL1, RECOGNITION, likelihood
from tumorabm.processes.stroma.movement import Wandering
from tumorabm.processes.transport.oxygen import PERFUSED
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL, IMMUNE, MDSC, PARENCHYMA, T_CELL, TUMOR, Column
from tumorabm.tissue.genotypes import ByGenotype
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import DIRECTIONS

EXHAUSTION = Column("exhaustion", "1", "of a T cell: 0 fresh, 1 without effect", "f8", 0.0, "reset")
_MECHANISM: Final = "t_cells"
_TARGET: Final = "pd1"
_SHOWN: Final = ("hla_g_expression", "hla_e_expression", "pdl1_expression")


def targets_around(tissue: Tissue, rows: np.ndarray) -> np.ndarray:
    """Rows of the living tumor cells on the own and the neighboring sites of some cells, -1 for none, shape (m, 27)."""
    cells = tissue.cells
    near = np.full((rows.size, 1 + DIRECTIONS), -1, dtype=np.int64)
    columns = (cells[name] for name in ("site", "cell_type", "state"))
    _fill_targets(rows, *columns, cells.occupancy[PARENCHYMA], tissue.vasculature.neighbors, near)
    return near


class TumorRecognition(Process):
    """What tumor cells show to T cells.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    shown : callable, optional
        What alterations make a cell show besides, by ``<molecule>_expression``; nothing if not given.
    genotypes : iterable of sequence of str
        Alterations of the cells that there are at the start or may be soon.
    """

    name = "tumor_recognition"
    phase = Phase.STATE
    kind = Kind.DIAGNOSTIC
    mechanism = _MECHANISM
    parameters = {name: Parameter(f"cell_types.tumor.{name}", "1", "of a cell without alterations") for name in _SHOWN}
    columns = (RECOGNITION, PDL1)
    reads = ("cells/cell_type", "cells/clone", "clones")
    writes = ("cells/recognition", "cells/pdl1")

    def __init__(
        self,
        values: Mapping[str, float],
        shown: Callable[[tuple[str, ...]], Mapping[str, float]] | None = None,
        genotypes: Iterable[Sequence[str]] = (),
    ) -> None:
        super().__init__(values)

        def met(genotype: tuple[str, ...]) -> tuple[float, float]:
            besides = shown(genotype) if shown else {}
            hla_g, hla_e, pdl1 = (1.0 - (1.0 - values[name]) * (1.0 - besides.get(name, 0.0)) for name in _SHOWN)
            return (1.0 - hla_g) * (1.0 - hla_e), pdl1

        # Recognition and PD-L1.
        self.met = ByGenotype(met, genotypes)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process for the clones of the experiment."""
        values = cls.values_from(catalog, choice.sets, given)
        return cls(values, lambda genotype: expressions_of(catalog, genotype, choice.sets), choice.genotypes)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        tumor = cells["cell_type"] == TUMOR
        places = self.met.places(tissue.clones)
        recognition, pdl1 = np.array(self.met.values).T
        place = places[cells["clone"][tumor]]
        cells["recognition"][tumor] = recognition[place]
        cells["pdl1"][tumor] = pdl1[place]


class Exhaustion(Process):
    """Exhaustion of T cells by what they meet."""

    name = "exhaustion"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    mechanism = _MECHANISM
    parameters = {
        "rate": Parameter("cell_types.t_cell.exhaustion_rate", "1/h", "among tumor cells that nothing hides"),
        "recovery": Parameter("cell_types.t_cell.recovery_rate", "1/h", "back from it"),
    }
    columns = (EXHAUSTION, RECOGNITION)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/recognition", "cells/exhaustion")
    writes = ("cells/exhaustion",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = cells.alive(T_CELL)
        near = targets_around(tissue, rows)
        met = np.where(near >= 0, cells["recognition"][near], 0.0).max(axis=1, initial=0.0)
        onset = self.p.rate * met
        total = onset + self.p.recovery
        end = onset / np.where(total > 0.0, total, 1.0)
        before = cells["exhaustion"][rows]
        cells["exhaustion"][rows] = before + (end - before) * -np.expm1(-total * dt)


class TCellRecruitment(Process):
    """Rate at which T cells enter through each endothelial cell."""

    name = "t_cell_recruitment"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = _MECHANISM
    parameters = {"rate": Parameter("cell_types.t_cell.recruitment_rate", "1/h", "through a perfused endothelial cell")}
    columns = (PERFUSED,)
    reads = ("cells/cell_type", "cells/perfused")
    writes = ("rates/admit_t_cell",)
    limits_step = ("rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        perfused = (cells["cell_type"] == ENDOTHELIAL) & (cells["perfused"] > 0)
        tissue.rates.add("admit_t_cell", self.name, perfused * self.p.rate)


class TCellTurnover(Process):
    """Rate at which T cells die or leave."""

    name = "t_cell_turnover"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = _MECHANISM
    parameters = {"lifespan": Parameter("cell_types.t_cell.lifespan", "h", "mean life in the tumor", above=0)}
    reads = ("cells/cell_type",)
    writes = ("rates/leave",)

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.rates.add("leave", self.name, (tissue.cells["cell_type"] == T_CELL) / self.p.lifespan)


class TCellKilling(Inhibited):
    """PD-1 that is free on T cells, and the rate at which they kill.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    inhibitors : sequence of Inhibitor
        Compounds that occupy PD-1.
    """

    name = "t_cell_killing"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = _MECHANISM
    parameters = {
        "rate": Parameter("cell_types.t_cell.kill_rate", "1/h", "of a T cell that nothing holds back"),
        "pd1": Parameter("cell_types.t_cell.pd1_expression", "1", "PD-1 of a T cell that is not exhausted"),
        "suppression": Parameter("cell_types.t_cell.mdsc_suppression", "1", "share that an MDSC beside it takes away"),
    }
    columns = (EXHAUSTION, RECOGNITION, PDL1, FREE_PD1, KILLS)  # COMMIT counts kills
    reads = (
        "cells/site",
        "cells/cell_type",
        "cells/state",
        "cells/recognition",
        "cells/pdl1",
        "cells/exhaustion",
        "patient",
    )
    writes = ("rates/kill", "cells/free_pd1")
    limits_step = ("rate",)
    targets = (_TARGET,)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        rows = cells.alive(T_CELL)
        exhaustion = cells["exhaustion"][rows]
        left = share_left(self.inhibitors, in_blood(tissue, [item.compound for item in self.inhibitors]))
        free = (p.pd1 + (1.0 - p.pd1) * exhaustion) * left
        cells["free_pd1"][rows] = free
        near = targets_around(tissue, rows)
        chance = likelihood(cells["recognition"][near], cells["pdl1"][near], free[:, None])
        best = np.where(near >= 0, chance, 0.0).max(axis=1, initial=0.0)
        left_by_mdscs = np.ones(rows.size)
        columns = (cells[name] for name in ("site", "cell_type"))
        neighbors = tissue.vasculature.neighbors
        _suppress(rows, *columns, cells.occupancy[IMMUNE], neighbors, 1.0 - p.suppression, left_by_mdscs)
        rate = np.zeros(cells.n)
        rate[rows] = p.rate * (1.0 - exhaustion) * best * left_by_mdscs
        tissue.rates.add("kill", self.name, rate)


class TCellWandering(Wandering):
    """Movement of T cells, without direction."""

    name = "t_cell_wandering"
    mechanism = _MECHANISM
    row_type = T_CELL
    parameters = {
        "speed": Parameter("cell_types.t_cell.speed", "um/h", "of a moving cell"),
        "persistence": Parameter("cell_types.t_cell.persistence", "h", "of its direction"),
    }


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_targets(rows, site, cell_type, state, parenchyma, neighbors, near):
    for i in range(rows.size):
        here = site[rows[i]]
        for k in range(near.shape[1]):
            there = here if k == 0 else neighbors[here, k - 1]
            row = parenchyma[there] if there >= 0 else -1
            if row >= 0 and cell_type[row] == TUMOR and state[row] == ALIVE:
                near[i, k] = row


@kernel
def _suppress(rows, site, cell_type, immune, neighbors, share, left):
    """What is left to cells that have an MDSC on a neighboring site (on their own there is no room for one)."""
    for i in range(rows.size):
        here = site[rows[i]]
        for k in range(neighbors.shape[1]):
            there = neighbors[here, k]
            if there >= 0 and immune[there] >= 0 and cell_type[immune[there]] == MDSC:
                left[i] = share
