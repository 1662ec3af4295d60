"""COMMIT for pericytes, immune cells, and tumor cells that leave: events one after another, in the order of their time.

Who comes takes a free place of its layer: a pericyte the site of the endothelial cell that called it, an immune cell
that site or a free one beside it. Who finds none does not come. A wandering immune cell hops to one of the nearest
sites; where its type has a guide g (``Requests.guide``), a hop downhill is made with the probability exp(g' − g)
(Metropolis), so a guide without slope leaves a random walk. A T cell that kills chooses among the living tumor cells on
its own and the neighboring sites, in proportion to how likely it is to kill each (``likelihood``). An MDSC joins the
endothelium where one of these sites is an empty sleeve: the sleeve links it to its neighbors, and ``origin`` keeps
where it came from. A tumor cell that intravasates leaves its site; ``Clones.intravasated`` counts it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.processes.vessels.commit import ORIGIN
from tumorabm.processes.vessels.survival import COVERAGE, PHENOTYPE
from tumorabm.tissue.cells import (
    ALIVE,
    APOPTOTIC,
    CELL_TYPES,
    ENDOTHELIAL,
    IMMUNE,
    LAYER_OF_TYPE,
    MDSC,
    MURAL,
    PARENCHYMA,
    PERICYTE,
    T_CELL,
    TUMOR,
    VESSEL,
    Cells,
    Column,
)
from tumorabm.tissue.random import DRAWS, draw, mix, purpose
from tumorabm.tissue.requests import (
    ADMIT_MDSC,
    ADMIT_T_CELL,
    COVER,
    INCORPORATE,
    INTRAVASATE,
    KILL,
    LEAVE,
    UNCOVER,
    WANDER,
)
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import MYELOID, STALK, fill, first_bit

RECOGNITION = Column("recognition", "1", "share of T cells' recognition that HLA-G and HLA-E of a tumor cell leave")
PDL1 = Column("pdl1", "1", "PD-L1 on a tumor cell, of what holds T cells back fully")
FREE_PD1 = Column("free_pd1", "1", "PD-1 on a T cell that no drug occupies, of its full effect", "f8", 0.0, "reset")
KILLS = Column("kills", "1", "tumor cells that a T cell has killed", "u4", 0, "reset")

_EVENTS = (COVER, UNCOVER, ADMIT_MDSC, ADMIT_T_CELL, WANDER, LEAVE, INCORPORATE, KILL, INTRAVASATE)
_PERICYTE, _MDSC, _T_CELL = (purpose(f"arrival: {CELL_TYPES[kind]}") for kind in (PERICYTE, MDSC, T_CELL))
_PLACE = purpose("place of an arrival")
_HOP = purpose("hop of an immune cell")
_DOWNHILL = purpose("downhill hop of an immune cell")
_TARGET = purpose("target of a T cell")
_SLEEVE = purpose("sleeve for an MDSC")


class CommitStroma(Process):
    """Carries out what was asked for by and of the stroma.

    Parameters
    ----------
    values : mapping
        None are declared.
    killing : bool
        Whether there are T cells, which choose their targets and count what they kill.
    joining : bool
        Whether there are MDSCs, which may become endothelial cells.
    """

    name = "commit_stroma"
    phase = Phase.COMMIT
    kind = Kind.EVENTS
    reads = ("requests", "cells", "vasculature", "clones")
    writes = ("cells", "vasculature/links", "vasculature/sleeves", "clones")

    def __init__(self, values: Mapping[str, float], killing: bool = False, joining: bool = False) -> None:
        super().__init__(values)
        self.killing = killing
        targets: tuple[Column, ...] = (RECOGNITION, PDL1, FREE_PD1, KILLS) if killing else ()
        self.columns = targets + ((ORIGIN, PHENOTYPE, COVERAGE) if joining else ())

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> CommitStroma:
        """The process, which knows of targets where T cells are, and of endothelium where MDSCs are."""
        return cls({}, "t_cells" in choice.mechanisms, "mdsc" in choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, vasculature = tissue.cells, tissue.vasculature
        kind, row, _, number = tissue.requests.ordered(_EVENTS, cells["uid"])
        if kind.size == 0:
            return
        if number.max() >= DRAWS:
            raise ValueError(f"a cell asks for {number.max() + 1} hops in a step; at most {DRAWS} can be told apart")
        n = cells.n
        cells.reserve(n + kind.size)
        given, flat = tissue.requests.guides, np.zeros(tissue.lattice.sites)
        guides = tuple(np.ascontiguousarray(given.get(item, flat), dtype=np.float64) for item in range(len(CELL_TYPES)))
        names = ("recognition", "pdl1", "free_pd1") if self.killing else ()
        made, template, killers, gone = _carry_out(
            np.uint64(tissue.seed), np.uint64(tissue.step_number), kind, row, number, n,
            tuple(cells.storage(name) for name in ("uid", "site", "cell_type", "state")),
            tuple(cells.occupancy[layer] for layer in (PARENCHYMA, VESSEL, MURAL, IMMUNE)),
            (vasculature.links, vasculature.sleeves, vasculature.neighbors),
            guides, tuple(cells.storage(name) for name in names) or (np.zeros(0),) * 3, tissue.lattice.geometry,
        )  # fmt: skip
        _complete(cells, made, template)
        if killers.size:
            np.add.at(cells["kills"], killers, 1)
        if gone.size:
            clones = cells["clone"][gone]
            np.add.at(tissue.clones.intravasated, clones, 1)


def likelihood(recognition: np.ndarray, pdl1: np.ndarray, free_pd1: np.ndarray) -> np.ndarray:
    """How likely a T cell that touches a tumor cell is to kill it, relative to one that nothing hides or holds back."""
    return _likelihood.py_func(recognition, pdl1, free_pd1)


def _complete(cells: Cells, made: np.ndarray, template: np.ndarray) -> None:
    """Fill the columns of new rows, of which ``uid`` and ``site`` are set.

    Parameters
    ----------
    made : ndarray of int8, shape (m,)
        Type of each.
    template : ndarray of int64, shape (m,)
        Row of an endothelial cell that a new one beside it is like; -1 where defaults are taken.
    """
    if made.size == 0:
        return
    first = cells.n
    cells.n += made.size
    like = np.flatnonzero(template >= 0)
    for name, spec in cells.specs.items():
        if name in ("uid", "site"):
            continue
        values = cells[name]
        values[first:] = spec.default
        if spec.at_division == "copy":
            values[first + like] = values[template[like]]
    cells["cell_type"][first:] = made
    cells["state"][first:] = ALIVE
    cells["clone"][first:] = -1
    myeloid = first + np.flatnonzero(made == ENDOTHELIAL)
    if myeloid.size:
        cells["phenotype"][myeloid] = STALK
        cells["origin"][myeloid] = MYELOID
        cells["coverage"][myeloid] = 0.0
    # Layers hold the new rows already: the kernel has put them there.
    assert (cells.occupancy[LAYER_OF_TYPE[made], cells["site"][first:]] >= 0).all()


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _free_place(here, occupied, neighbors, chance):
    """The site itself if it is free, else a free neighbor by chance; -1 without one."""
    if occupied[here] < 0:
        return here
    free = 0
    for k in range(26):
        there = neighbors[here, k]
        if there >= 0 and occupied[there] < 0:
            free += 1
    wanted = int(chance * free)
    for k in range(26):
        there = neighbors[here, k]
        if there >= 0 and occupied[there] < 0:
            if wanted == 0:
                return there
            wanted -= 1
    return -1


@kernel
def _empty_sleeve(here, sleeves, vessel, neighbors, chance):
    """A site with a sleeve that leads to a living cell and no cell, here or beside it, by chance; -1 without one."""
    found = 0
    for turn in range(2):
        wanted = int(chance * found)
        for k in range(-1, 26):
            there = here if k < 0 else neighbors[here, k]
            if there >= 0 and vessel[there] < 0 and _sleeve_leads_on(there, sleeves, vessel, neighbors) >= 0:
                if turn == 0:
                    found += 1
                elif wanted == 0:
                    return there
                else:
                    wanted -= 1
        if found == 0:
            return -1
    return -1


@kernel
def _sleeve_leads_on(here, sleeves, vessel, neighbors):
    """Row of a living endothelial cell that a sleeve at a site leads to, -1 without one."""
    word = sleeves[here]
    while word != np.uint32(0):
        there = neighbors[here, first_bit(word)]
        if vessel[there] >= 0:
            return vessel[there]
        word &= word - np.uint32(1)
    return -1


@kernel
def _likelihood(recognition, pdl1, free_pd1):
    return recognition * (1.0 - free_pd1 * pdl1)


@kernel
def _target(here, parenchyma, neighbors, cell_type, state, recognized, free_pd1, chance):
    """Row of a living tumor cell on or beside a site, by likelihood for a T cell's PD-1; -1 where all have none."""
    recognition, pdl1 = recognized
    total = 0.0
    for turn in range(2):
        wanted = chance * total
        chosen = -1
        for k in range(-1, 26):
            there = here if k < 0 else neighbors[here, k]
            if there < 0 or parenchyma[there] < 0:
                continue
            row = parenchyma[there]
            if cell_type[row] != TUMOR or state[row] != ALIVE:
                continue
            weight = _likelihood(recognition[row], pdl1[row], free_pd1)
            if weight <= 0.0:
                continue
            if turn == 0:
                total += weight
            else:
                chosen = row
                wanted -= weight
                if wanted < 0.0:
                    return row
        if turn == 1:
            return chosen
    return -1


@kernel
def _wander(row, number, seed, step, uid, site, immune, guide, neighbors, directions, choices):
    """One hop of an immune cell to a nearest site, if that is free and not too far downhill."""
    here = site[row]
    if choices == 0:
        return
    there = neighbors[here, directions[int(draw(seed, uid[row], step, _HOP + number) * choices)]]
    if there < 0 or immune[there] >= 0:
        return
    if guide[there] < guide[here]:
        if draw(seed, uid[row], step, _DOWNHILL + number) >= np.exp(guide[there] - guide[here]):
            return
    immune[here] = -1
    immune[there] = row
    site[row] = there


@kernel
def _carry_out(seed, step, kinds, rows, numbers, n, cells, layers, graph, guides, seen, geometry):
    uid, site, cell_type, state = cells
    parenchyma, vessel, mural, immune = layers
    links, sleeves, neighbors = graph
    recognition, pdl1, free_pd1 = seen
    made = np.empty(rows.size, dtype=np.int8)
    template = np.empty(rows.size, dtype=np.int64)
    killers = np.empty(rows.size, dtype=np.int64)
    gone = np.empty(rows.size, dtype=np.int64)
    born, killed, left = 0, 0, 0
    directions = np.empty(6, dtype=np.int64)
    choices = 0
    for k, axis in ((4, 0), (10, 1), (12, 2), (13, 2), (15, 1), (21, 0)):
        if geometry[axis] > 1:
            directions[choices] = k
            choices += 1
    for event in range(rows.size):
        row, kind = rows[event], kinds[event]
        here = site[row]
        if here < 0:
            continue  # gone earlier in this step
        new = -1
        place = here
        like = np.int64(-1)
        origin = np.uint64(0)
        if kind == COVER:
            if mural[here] < 0:
                new, origin = PERICYTE, _PERICYTE
                mural[here] = n + born
        elif kind == ADMIT_MDSC or kind == ADMIT_T_CELL:
            place = _free_place(here, immune, neighbors, draw(seed, uid[row], step, _PLACE))
            if place >= 0:
                new, origin = (MDSC, _MDSC) if kind == ADMIT_MDSC else (T_CELL, _T_CELL)
                immune[place] = n + born
        elif kind == UNCOVER:
            mural[here] = -1
            site[row] = -1
        elif kind == LEAVE:
            immune[here] = -1
            site[row] = -1
        elif kind == WANDER:
            number = np.uint64(numbers[event])
            _wander(row, number, seed, step, uid, site, immune, guides[cell_type[row]], neighbors, directions, choices)
        elif kind == KILL:
            chance = draw(seed, uid[row], step, _TARGET)
            target = _target(here, parenchyma, neighbors, cell_type, state, (recognition, pdl1), free_pd1[row], chance)
            if target >= 0:
                state[target] = APOPTOTIC
                killers[killed] = row
                killed += 1
        elif kind == INCORPORATE:
            place = _empty_sleeve(here, sleeves, vessel, neighbors, draw(seed, uid[row], step, _SLEEVE))
            if place >= 0:
                new = ENDOTHELIAL
                like = np.int64(_sleeve_leads_on(place, sleeves, vessel, neighbors))
                if like >= n:
                    like = template[like - n]  # came in this step too
                vessel[place] = n + born
                fill(place, vessel, links, sleeves, neighbors)
                immune[here] = -1
                site[row] = -1
        elif kind == INTRAVASATE and state[row] == ALIVE:
            parenchyma[here] = -1
            site[row] = -1
            gone[left] = row
            left += 1
        if new >= 0:
            cell = n + born
            # The cell that came of another one is derived from it; who comes with blood from where and when it came.
            if new == ENDOTHELIAL:
                uid[cell] = mix(uid[row], np.uint64(1))
            else:
                uid[cell] = mix(np.uint64(mix(origin, np.uint64(place))), step)
            site[cell] = place
            made[born] = new
            template[born] = like
            born += 1
    return made[:born], template[:born], killers[:killed], gone[:left]
