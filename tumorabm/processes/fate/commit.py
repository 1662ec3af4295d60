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
"""

from __future__ import annotations

import math

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ALIVE, APOPTOTIC, NECROTIC, PARENCHYMA
from tumorabm.tissue.division import fill_daughters
from tumorabm.tissue.free_sites import change_free, count_free, nearest_free_squared
from tumorabm.tissue.geometry import shifted
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.random import DRAWS, draw, mix, purpose
from tumorabm.tissue.requests import APOPTOSIS, CLEAR, DIVIDE, MIGRATE, NECROSIS
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import OFFSETS

_DIRECTION = purpose("direction of division")
_HOP = purpose("hop")
_ADHESION = purpose("adhesion")
_CLOSING = purpose("closing ranks")
_SQUARED_LENGTHS = (OFFSETS**2).sum(axis=1).astype(np.float64)
_COHESION_RADII = (2, 7, 24)  # sites; each scale smooths the lesion's density over about that distance
_BOXES = 4
_SHELLS_BEFORE_BLOCKS = 3


class CommitParenchyma(Process):
    """Carries out what was asked for in the parenchyma."""

    name = "commit_parenchyma"
    phase = Phase.COMMIT
    kind = Kind.EVENTS
    parameters = {
        "pushing_reach": Parameter("cell_types.tumor.pushing_reach", "um", "farthest free site a division pushes to"),
        "collapse_reach": Parameter("cell_types.tumor.collapse_reach", "um", "longest way on which ranks close"),
        "adhesion": Parameter("cell_types.tumor.adhesion", "1", "cost of a lost neighbor for a moving cell"),
    }
    reads = ("requests", "cells")
    writes = ("cells",)

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
            cohesion = density(cells.occupancy[PARENCHYMA] >= 0, tissue.lattice).reshape(-1)
        parents = _carry_out(
            np.uint64(tissue.seed), np.uint64(tissue.step_number), kind, row, number, n,
            cells.storage("uid"), cells.storage("site"), cells.storage("state"), cells.storage("births"),
            cells.occupancy[PARENCHYMA], tissue.vasculature.neighbors, tissue.lattice.geometry,
            self._offsets, self._shells, self._shell_of, cohesion,
            int(self.p.collapse_reach / tissue.lattice.spacing), self.p.adhesion,
        )  # fmt: skip
        fill_daughters(cells, parents)


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


def density(occupied: np.ndarray, lattice: Lattice) -> np.ndarray:
    """Local density of the parenchyma, summed over scales: high inside, low at protrusions. Shape (nz, ny, nx).

    Each scale is a box applied four times along each axis: near enough to a Gaussian to have no directions. Walls
    reflect: tissue goes on beyond them as its mirror image, so that a lesion does not shrink from a wall it touches.
    """
    occupied = occupied.reshape(lattice.shape)
    window = _window(occupied, lattice)
    field = occupied[window].astype(np.float64)
    total = np.zeros(lattice.shape)
    for radius in _COHESION_RADII:
        smooth = field.copy()
        for axis in range(3):
            n = field.shape[axis]
            if n > 1:
                reach = min(radius, (n - 1) // 2) if lattice.periodic[axis] else radius
                walls = window[axis].start in (None, 0), window[axis].stop in (None, lattice.shape[axis])
                layers = smooth.reshape(math.prod(field.shape[:axis]), n, -1)
                _box_means(layers, reach, _BOXES, lattice.periodic[axis], *walls)
        total[window] += smooth
    return total


def _window(occupied: np.ndarray, lattice: Lattice) -> tuple[slice, ...]:
    """The part of the lattice that the widest scale can bring to bear on occupied sites."""
    margin = _BOXES * _COHESION_RADII[-1] // 2
    window = []
    for axis in range(3):
        along = np.flatnonzero(occupied.any(axis=tuple(other for other in range(3) if other != axis)))
        if lattice.periodic[axis] or along.size == 0:
            window.append(slice(None))
        else:
            last = min(lattice.shape[axis], int(along[-1]) + margin + 1)
            window.append(slice(max(0, int(along[0]) - margin), last))
    return tuple(window)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _layer_at(k, n, periodic, wall_below, wall_above):
    """Which of n layers is at place k: round a periodic axis, mirrored beyond a wall; -1 where there is none."""
    if periodic:
        return k % n
    if wall_below and wall_above:
        k %= 2 * n  # the image of an image is the tissue again
    elif wall_below and k < 0:
        k = -1 - k
    if wall_above and k >= n:
        k = 2 * n - 1 - k
    return k if 0 <= k < n else -1


@kernel
def _box_means(layers, reach, boxes, periodic, wall_below, wall_above):
    """Replace each of n layers, shape (outer, n, inner), by the mean of those up to ``reach`` away, ``boxes`` times."""
    outer, n, inner = layers.shape
    # The layers at places -reach - 1 to n + reach - 1.
    at = np.empty(n + 2 * reach + 1, dtype=np.int64)
    for i in range(at.size):
        at[i] = _layer_at(i - reach - 1, n, periodic, wall_below, wall_above)
    # One running sum waits for each addition; a strip of many, side by side, does not, and it stays in the cache.
    width = 64
    strip, smooth, running = np.zeros((n, width)), np.zeros((n, width)), np.zeros(width)
    if inner == 1:
        for first in range(0, outer, width):
            lines = layers[first : first + width, :, 0]
            for k in range(n):
                for j in range(lines.shape[0]):
                    strip[k, j] = lines[j, k]
            strip, smooth = _smooth_strip(strip, smooth, running, reach, boxes, at)
            for k in range(n):
                for j in range(lines.shape[0]):
                    lines[j, k] = strip[k, j]
    else:
        for block in range(outer):
            for first in range(0, inner, width):
                part = layers[block, :, first : first + width]
                strip[:, : part.shape[1]] = part
                strip, smooth = _smooth_strip(strip, smooth, running, reach, boxes, at)
                part[:] = strip[:, : part.shape[1]]


@kernel
def _smooth_strip(strip, smooth, running, reach, boxes, at):
    """The means along the first axis of a strip, and the array that is free for the next."""
    n, width = strip.shape
    scale = 1.0 / (2 * reach + 1)
    for _ in range(boxes):
        running[:] = 0.0
        for k in range(2 * reach):
            there = at[k + 1]
            if there >= 0:
                for j in range(width):
                    running[j] += strip[there, j]
        for k in range(n):
            entering, leaving = at[k + 2 * reach + 1], at[k]
            if entering >= 0 and leaving >= 0 and k > 0:
                for j in range(width):
                    running[j] = running[j] + strip[entering, j] - strip[leaving, j]
            elif entering >= 0:
                for j in range(width):
                    running[j] += strip[entering, j]
            elif leaving >= 0 and k > 0:
                for j in range(width):
                    running[j] -= strip[leaving, j]
            for j in range(width):
                smooth[k, j] = running[j] * scale
        strip, smooth = smooth, strip
    return strip, smooth


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
def _close_ranks(hole, site, occupied, neighbors, cohesion, reach, seed, uid, step):
    """Let the hole drift to where the lesion is most exposed; returns where it ends."""
    slopes = np.zeros(26)
    for move in range(reach):
        total = 0.0
        for k in range(26):
            there = neighbors[hole, k]
            slopes[k] = 0.0
            if there >= 0 and occupied[there] >= 0 and cohesion[there] < cohesion[hole]:
                slopes[k] = (cohesion[hole] - cohesion[there]) / _SQUARED_LENGTHS[k]
                total += slopes[k]
        if total == 0.0:
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
def _neighbors_of_lesion(here, but, occupied, neighbors):
    count = 0
    for k in range(26):
        there = neighbors[here, k]
        if there >= 0 and there != but and occupied[there] >= 0:
            count += 1
    return count


@kernel
def _carry_out(
    seed, step, kinds, rows, numbers, n, uid, site, state, births, occupied, neighbors, geometry,
    offsets, shell_starts, shell_of, cohesion, collapse_reach, adhesion,
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
            hole = _close_ranks(here, site, occupied, neighbors, cohesion, collapse_reach, seed, uid[row], step)
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
                parents[born] = row
                born += 1
        elif kind == MIGRATE and state[row] == ALIVE:
            stream = np.uint64(numbers[event])
            if choices > 0:
                there = neighbors[here, directions[int(draw(seed, uid[row], step, _HOP + stream) * choices)]]
                # A hop against a wall is not made. Made elsewhere instead, it would keep cells away from walls.
                if there >= 0 and occupied[there] < 0:
                    before = _neighbors_of_lesion(here, here, occupied, neighbors)
                    after = _neighbors_of_lesion(there, here, occupied, neighbors)
                    lost = max(0, before - after)
                    if draw(seed, uid[row], step, _ADHESION + stream) < np.exp(-adhesion * lost):
                        occupied[here] = -1
                        occupied[there] = row
                        site[row] = there
                        change_free(free, here, 1, geometry)
                        change_free(free, there, -1, geometry)
    return parents[:born]
