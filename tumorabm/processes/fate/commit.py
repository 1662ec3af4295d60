"""COMMIT for the parenchyma: divisions, deaths, clearance and hops, carried out one after another.

Events come in the order of their time within the step (then uid), each sees the tissue that the ones before it left, so
nothing is contested and nothing is lost, and the order of rows or threads plays no part.

**Division pushes.** A daughter goes to a neighboring free site, or the cells on the straight line to the nearest free
site (Euclidean, within the pushing reach) each move up by one. So the inside of a nodule grows too.

**Clearance closes ranks.** A cleared site would leave a hole. A neighbor of lower cohesion moves in, then one of that
one's neighbors, and so on until no neighbor has less: the hole leaves the lesion where it is exposed. Cohesion is the
local density of the parenchyma on several scales, so protrusions go first, as under surface tension; filling from the
nearest neighbor instead digs pits that grow. Which neighbor moves is drawn in proportion to the fall of cohesion over
the squared distance: the hole then drifts along the gradient whatever its direction. Always taking the neighbor of
least cohesion favors diagonals, and shrinking lesions turn into diamonds. A lesion that loses cells stays compact.

**Hops** of tumor cells cost the adhesion A to each neighbor in the lesion that is lost, and gain what the guide g of
tumor cells rises: a hop that loses n is made with probability exp(−max(0, A n − g' + g)). Only an invading lesion
(``invasion``) has a guide, and cells that hold on less. Fibroblasts are no part of the lesion: they are pushed and
drawn along with it, hold nobody, and hop freely.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.fate.cohesion import density
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.tissue.cells import ALIVE, APOPTOTIC, NECROTIC, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.division import fill_daughters
from tumorabm.tissue.free_sites import change_free, count_free, nearest_free_squared
from tumorabm.tissue.geometry import shifted
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.random import DRAWS, draw, mix, purpose
from tumorabm.tissue.requests import APOPTOSIS, CLEAR, DIVIDE, MIGRATE, NECROSIS
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import OFFSETS

HOLD = Column("hold", "1", "adhesion of a tumor cell relative to the reference cell", "f8", 1.0)

_DIRECTION = purpose("direction of division")
_HOP = purpose("hop")
_ADHESION = purpose("adhesion")
_CLOSING = purpose("closing ranks")
_SQUARED_LENGTHS = (OFFSETS**2).sum(axis=1).astype(np.float64)
_SHELLS_BEFORE_BLOCKS = 3


class CommitParenchyma(Process):
    """Carries out what was asked for in the parenchyma.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    invading : bool
        Whether cells differ in their hold on each other.
    """

    name = "commit_parenchyma"
    phase = Phase.COMMIT
    kind = Kind.EVENTS
    parameters = {
        "pushing_reach": Parameter("cell_types.tumor.pushing_reach", "um", "farthest free site a division pushes to"),
        "collapse_reach": Parameter("cell_types.tumor.collapse_reach", "um", "longest way on which ranks close"),
        "adhesion": Parameter("cell_types.tumor.adhesion", "1", "cost of a lost neighbor for a moving cell"),
    }
    reads = ("requests", "cells")
    writes = ("cells", "requests/divided")

    def __init__(self, values: Mapping[str, float], invading: bool = False) -> None:
        super().__init__(values)
        self.invading = invading
        self.columns = (HOLD,) if invading else ()

    @classmethod
    def from_catalog(
        cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None
    ) -> CommitParenchyma:
        """The process, which knows of cells that invade where they do."""
        return cls(cls.values_from(catalog, choice.sets, given), "invasion" in choice.mechanisms)

    def prepare(self, tissue: Tissue) -> None:
        self._offsets, self._shells = shells(tissue.lattice, self.p.pushing_reach)
        squared = (self._offsets[self._shells[:-1]] ** 2).sum(axis=1)
        self._shell_of = np.full(squared[-1] + 1 if squared.size else 1, -1, dtype=np.int64)
        self._shell_of[squared] = np.arange(squared.size)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        uids = cells["uid"]
        kind, row, _, number = tissue.requests.ordered((DIVIDE, APOPTOSIS, NECROSIS, CLEAR, MIGRATE), uids)
        if kind.size == 0:
            return
        if number.max() >= DRAWS:
            raise ValueError(f"a cell asks for {number.max() + 1} hops in a step; at most {DRAWS} can be told apart")
        n = cells.n
        cells.reserve(n + int(np.count_nonzero(kind == DIVIDE)))
        cohesion = np.zeros(0)
        if (kind == CLEAR).any():
            lesion = np.zeros(tissue.lattice.sites, dtype=bool)
            lesion[cells["site"][cells.rows_of(TUMOR)]] = True
            cohesion = density(lesion, tissue.lattice).reshape(-1)
        parents = _carry_out(
            np.uint64(tissue.seed), np.uint64(tissue.step_number), kind, row, number, n,
            cells.storage("uid"), cells.storage("site"), cells.storage("state"), cells.storage("births"),
            cells.storage("cell_type"),
            cells.occupancy[PARENCHYMA], tissue.vasculature.neighbors, tissue.lattice.geometry,
            self._offsets, self._shells, self._shell_of, cohesion,
            int(self.p.collapse_reach / tissue.lattice.spacing), self.p.adhesion,
            cells["hold"] if self.invading else np.zeros(0), tissue.requests.guides.get(TUMOR, np.zeros(0)),
        )  # fmt: skip
        tissue.requests.divided = parents, fill_daughters(cells, parents)


def shells(lattice: Lattice, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (z, y, x) to all sites within reach (µm) by distance, and where each new distance begins."""
    radius = max(1, int(reach / lattice.spacing))
    spans = [np.arange(-min(radius, n - 1), min(radius, n - 1) + 1) for n in lattice.shape]
    offsets = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, 3)
    squared = (offsets**2).sum(axis=1)
    near = (squared > 0) & (squared <= max(radius**2, 1))
    offsets, squared = offsets[near], squared[near]
    order = np.argsort(squared, kind="stable")
    starts = np.flatnonzero(np.diff(squared[order], prepend=-1))
    return offsets[order].astype(np.int64), np.append(starts, order.size).astype(np.int64)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _nearest_free(start, occupied, free, geometry, offsets, shell_starts, shell_of, chance):
    """Index of the offset to the nearest free site, equally near ones by chance, -1 where there is none."""
    shell = 0
    while shell < shell_starts.size - 1:
        found = 0
        for i in range(shell_starts[shell], shell_starts[shell + 1]):
            there = shifted(start, offsets[i, 0], offsets[i, 1], offsets[i, 2], geometry)
            if there >= 0 and occupied[there] < 0:
                found += 1
        if found > 0:
            wanted = int(chance * found)
            for i in range(shell_starts[shell], shell_starts[shell + 1]):
                there = shifted(start, offsets[i, 0], offsets[i, 1], offsets[i, 2], geometry)
                if there >= 0 and occupied[there] < 0:
                    if wanted == 0:
                        return i
                    wanted -= 1
        shell += 1
        if shell == _SHELLS_BEFORE_BLOCKS:
            # Deep inside a lesion thousands of sites are nearer than the nearest free one: go to its shell at once.
            squared = nearest_free_squared(start, occupied, free, geometry, shell_of.size - 1)
            if squared < 0:
                return -1
            shell = shell_of[squared]
    return -1


@kernel
def _push(start, offset, site, occupied, geometry, path):
    """Move the cells on the line towards the offset up by one; returns the site that becomes free beside start."""
    longest = max(abs(offset[0]), abs(offset[1]), abs(offset[2]))
    length = 0
    path[0] = start
    for k in range(1, longest + 1):
        share = k / longest
        there = shifted(
            start,
            int(np.rint(offset[0] * share)),
            int(np.rint(offset[1] * share)),
            int(np.rint(offset[2] * share)),
            geometry,
        )
        length += 1
        path[length] = there
        if occupied[there] < 0:
            break
    for k in range(length, 1, -1):
        moving = occupied[path[k - 1]]
        occupied[path[k]] = moving
        site[moving] = path[k]
    occupied[path[1]] = -1
    return path[1]


@kernel
def _close_ranks(hole, site, occupied, neighbors, cell_type, cohesion, reach, seed, uid, step):
    """Let the hole drift to where the lesion is most exposed; returns where it ends. Host tissue has no holes."""
    slopes = np.zeros(26)
    for move in range(reach):
        total = 0.0
        in_lesion = False
        for k in range(26):
            there = neighbors[hole, k]
            slopes[k] = 0.0
            if there >= 0 and occupied[there] >= 0:
                in_lesion |= cell_type[occupied[there]] == TUMOR
                if cohesion[there] < cohesion[hole]:
                    slopes[k] = (cohesion[hole] - cohesion[there]) / _SQUARED_LENGTHS[k]
                    total += slopes[k]
        if total == 0.0 or not in_lesion:
            return hole
        # A long way takes more draws than a purpose has: beyond them a uid derived for that draws.
        number = np.uint64(move)
        who = uid if move < DRAWS else mix(uid, _CLOSING + number // np.uint64(DRAWS))
        wanted = draw(seed, who, step, _CLOSING + number % np.uint64(DRAWS)) * total
        chosen = -1
        for k in range(26):
            if slopes[k] > 0.0:
                chosen = k
                wanted -= slopes[k]
                if wanted < 0.0:
                    break
        there = neighbors[hole, chosen]
        moving = occupied[there]
        occupied[hole] = moving
        site[moving] = hole
        occupied[there] = -1
        hole = there
    return hole


@kernel
def _neighbors_of_lesion(here, but, occupied, neighbors, cell_type):
    count = 0
    for k in range(26):
        there = neighbors[here, k]
        if there >= 0 and there != but and occupied[there] >= 0 and cell_type[occupied[there]] == TUMOR:
            count += 1
    return count


@kernel
def _cost_of_hop(row, here, there, occupied, neighbors, cell_type, adhesion, hold, guide):
    """What a hop costs in units of the motility's noise: lost neighbors, less what the guide rises."""
    if cell_type[row] != TUMOR:
        return 0.0
    before = _neighbors_of_lesion(here, here, occupied, neighbors, cell_type)
    after = _neighbors_of_lesion(there, here, occupied, neighbors, cell_type)
    cost = adhesion * max(0, before - after)
    if hold.size > 0:
        cost *= hold[row]
    if guide.size > 0:
        cost -= guide[there] - guide[here]
    return max(0.0, cost)


@kernel
def _carry_out(
    seed, step, kinds, rows, numbers, n, uid, site, state, births, cell_type, occupied, neighbors, geometry,
    offsets, shell_starts, shell_of, cohesion, collapse_reach, adhesion, hold, guide,
):  # fmt: skip
    parents = np.empty(rows.size, dtype=np.int64)
    born = 0
    path = np.empty(max(geometry[0], geometry[1], geometry[2]) + 1, dtype=np.int64)
    # Hops go to the nearest sites: one step along one of the axes that the lattice has.
    directions = np.empty(6, dtype=np.int64)
    choices = 0
    for k, axis in ((4, 0), (10, 1), (12, 2), (13, 2), (15, 1), (21, 0)):
        if geometry[axis] > 1:
            directions[choices] = k
            choices += 1
    free = count_free(occupied, geometry)
    for event in range(rows.size):
        row = rows[event]
        kind = kinds[event]
        here = site[row]
        if kind == APOPTOSIS:
            state[row] = APOPTOTIC
        elif kind == NECROSIS:
            state[row] = NECROTIC
        elif kind == CLEAR:
            site[row] = -1
            occupied[here] = -1
            hole = _close_ranks(
                here, site, occupied, neighbors, cell_type, cohesion, collapse_reach, seed, uid[row], step
            )
            change_free(free, hole, 1, geometry)
        elif kind == DIVIDE:
            chance = draw(seed, uid[row], step, _DIRECTION)
            found = _nearest_free(here, occupied, free, geometry, offsets, shell_starts, shell_of, chance)
            if found >= 0:
                target = shifted(here, offsets[found, 0], offsets[found, 1], offsets[found, 2], geometry)
                change_free(free, target, -1, geometry)
                place = _push(here, offsets[found], site, occupied, geometry, path)
                births[row] += 1
                daughter = n + born
                uid[daughter] = mix(uid[row], np.uint64(births[row]))
                site[daughter] = place
                occupied[place] = daughter
                cell_type[daughter] = cell_type[row]  # looked at by what follows in this step
                parents[born] = row
                born += 1
        elif kind == MIGRATE and state[row] == ALIVE:
            stream = np.uint64(numbers[event])
            if choices > 0:
                there = neighbors[here, directions[int(draw(seed, uid[row], step, _HOP + stream) * choices)]]
                # A hop against a wall is not made. Made elsewhere instead, it would keep cells away from walls.
                if there >= 0 and occupied[there] < 0:
                    cost = _cost_of_hop(row, here, there, occupied, neighbors, cell_type, adhesion, hold, guide)
                    if draw(seed, uid[row], step, _ADHESION + stream) < np.exp(-cost):
                        occupied[here] = -1
                        occupied[there] = row
                        site[row] = there
                        change_free(free, here, 1, geometry)
                        change_free(free, there, -1, geometry)
    return parents[:born]
