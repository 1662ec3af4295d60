"""COMMIT for the vessels: regression, sprouts, advance of tips, anastomosis, regrowth, one after another.

Events come in the order of their time within the step (then uid); each sees the graph that the ones before it left.

A tip has a position and a heading off the lattice. In each move of half a spacing the new heading is the direction of
w_c ∇VEGF/|∇VEGF| + w_p heading + w_n noise; when the position enters another site, the tip moves there and leaves a
stalk cell, its daughter, behind. A tip that enters an occupied site, or comes to lie beside a vessel that is not its
own sprout, joins it. A sprout starts only where no other tip is near and the vessels within the crowding radius are
sparse enough: contact inhibition. A stump, the end of a vessel that has lost its continuation, is not crowded out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.transport.oxygen import ROOT
from tumorabm.processes.vessels.growth import TIP_PATH
from tumorabm.processes.vessels.survival import COVERAGE, PHENOTYPE
from tumorabm.tissue.cells import ENDOTHELIAL, VESSEL, Column
from tumorabm.tissue.division import fill_daughters
from tumorabm.tissue.geometry import occupied_share, squared_distance, unit_gradient
from tumorabm.tissue.random import draw, draw_two, mix, purpose
from tumorabm.tissue.requests import ADVANCE, RECOLONIZE, REGRESS, SPROUT
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import (
    HOST,
    OFFSETS,
    RECOLONIZED,
    SPROUTED,
    STALK,
    TIP,
    count_links,
    direction_to,
    empty,
    fill,
    join,
)

TIP_POSITION = Column("tip_position", "um", "of a tip, off the lattice (z, y, x)", "f8", 0.0, "reset", (3,))
TIP_HEADING = Column("tip_heading", "1", "direction of a tip (z, y, x)", "f8", 0.0, "reset", (3,))
SPROUT_OF = Column("sprout", "1", "uid of the tip that led the cell's sprout, 0 for none", "u8", 0, "copy")
SPROUT_CELLS = Column("sprout_cells", "1", "stalk cells that a tip has left behind", "i4", 0, "reset")
ORIGIN = Column("origin", "1", "0 host vessel, 1 sprout, 2 regrown along a sleeve, 3 an MDSC", "i1", HOST, "reset")

_HEADING = purpose("tip heading")
_CHOICE = purpose("sprout direction")
_SLEEVE_CHOICE = purpose("sleeve choice")


class CommitVessels(Process):
    """Carries out what was asked for in the vessels."""

    name = "commit_vessels"
    phase = Phase.COMMIT
    kind = Kind.EVENTS
    parameters = {
        "chemotaxis": Parameter("cell_types.endothelial.tip_chemotaxis", "1", "weight of the VEGF gradient"),
        "persistence": Parameter("cell_types.endothelial.tip_persistence", "1", "weight of a tip's heading"),
        "noise": Parameter("cell_types.endothelial.tip_noise", "1", "weight of chance"),
        "tip_spacing": Parameter("cell_types.endothelial.tip_spacing", "um", "no sprout nearer to another tip"),
        "tip_exclusion": Parameter("cell_types.endothelial.tip_exclusion", "um", "the same where NOTCH selects tips"),
        "crowding_radius": Parameter("cell_types.endothelial.crowding_radius", "um", "within which vessels count"),
        "crowding_density": Parameter(
            "cell_types.endothelial.crowding_density", "1/um^2", "length per volume above which no sprout starts"
        ),
        "own_length": Parameter("cell_types.endothelial.anastomosis_minimum_length", "um", "of a sprout that may join"),
        "tumor_coverage": Parameter("cell_types.endothelial.tumor_coverage", "1", "coverage of new endothelium"),
    }
    columns = (PHENOTYPE, COVERAGE, ROOT, TIP_PATH, TIP_POSITION, TIP_HEADING, SPROUT_OF, SPROUT_CELLS, ORIGIN)
    substrates = ("vegf_a",)
    reads = ("requests", "cells", "vasculature", "microenvironment/vegf_a")
    writes = ("cells", "vasculature/links", "vasculature/sleeves")

    def __init__(self, values: Mapping[str, float], mechanisms: frozenset[str] = frozenset()) -> None:
        super().__init__(values)
        # A least distance between tips stands for lateral inhibition, and a constant coverage for pericytes.
        self.tips_apart = self.p.tip_exclusion if "notch" in mechanisms else self.p.tip_spacing
        self.new_coverage = 0.0 if "pericytes" in mechanisms else self.p.tumor_coverage

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> CommitVessels:
        """The process, with tips as close as cells allow where NOTCH selects them, and naked sprouts with pericytes."""
        return cls(cls.values_from(catalog, choice.sets, given), choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, lattice, p = tissue.cells, tissue.lattice, self.p
        kind, row, _, number = tissue.requests.ordered((REGRESS, SPROUT, ADVANCE, RECOLONIZE), cells["uid"])
        if kind.size == 0:
            return
        n = cells.n
        cells.reserve(n + kind.size)
        weights = np.array([p.chemotaxis, p.persistence, p.noise])
        tips = np.flatnonzero((cells["cell_type"] == ENDOTHELIAL) & (cells["phenotype"] == TIP))
        radius = max(1, int(p.crowding_radius / lattice.spacing))
        changing = ("uid", "site", "births", "phenotype", "tip_position", "tip_heading", "sprout", "sprout_cells")
        vasculature = tissue.vasculature
        parents, births = _carry_out(
            np.uint64(tissue.seed), np.uint64(tissue.step_number), kind, row, number, n, tips,
            tuple(cells.storage(name) for name in changing),
            (cells.occupancy[VESSEL], vasculature.links, vasculature.sleeves, vasculature.neighbors),
            OFFSETS, lattice.geometry, lattice.spacing,
            tissue.microenvironment["vegf_a"].concentration.reshape(-1), weights, self.tips_apart, radius,
            p.crowding_density * lattice.spacing**2, int(p.own_length / lattice.spacing),
        )  # fmt: skip
        self._complete(tissue, parents, births)

    def _complete(self, tissue: Tissue, parents: np.ndarray, births: np.ndarray) -> None:
        """Fill the columns of new cells: ``births`` tells what each is (the event that made it)."""
        cells = tissue.cells
        made = cells.n
        names = ("phenotype", "tip_position", "tip_heading", "sprout", "sprout_cells")
        new = slice(made, made + parents.size)
        kept = {name: cells.storage(name)[new].copy() for name in names}
        daughters = fill_daughters(cells, parents)
        for name, values in kept.items():
            cells[name][daughters] = values
        # A cell that grows back along a sleeve takes its neighbor's cover; a sprout has that of tumor vessels, or none.
        cells["coverage"][daughters[births != RECOLONIZE]] = self.new_coverage
        cells["origin"][daughters] = np.where(births == RECOLONIZE, RECOLONIZED, SPROUTED)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _tip_near(site, tips, tip_count, phenotype, sites, geometry, spacing, distance):
    """Whether a tip is nearer to the site than the distance (µm)."""
    for i in range(tip_count):
        row = tips[i]
        if phenotype[row] == TIP and sites[row] >= 0:
            if squared_distance(site, sites[row], geometry) * spacing * spacing < distance * distance:
                return True
    return False


@kernel
def _noise(seed, uid, step, stream, geometry):
    """A random unit vector within the domain's axes (z, y, x)."""
    first, second = draw_two(seed, uid, step, stream)
    angle = 2.0 * np.pi * second
    out = np.zeros(3)
    if geometry[0] > 1 and geometry[1] > 1 and geometry[2] > 1:
        out[0] = 2.0 * first - 1.0
        radius = np.sqrt(1.0 - out[0] * out[0])
        out[1] = radius * np.sin(angle)
        out[2] = radius * np.cos(angle)
        return out
    parts = (np.sin(angle), np.cos(angle))
    extended = 0
    for axis in range(3):
        if geometry[axis] > 1:
            out[axis] = parts[extended]
            extended += 1
    norm = np.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2)
    if extended == 1 and norm > 0.0:
        out /= norm
    return out


@kernel
def _sprout_direction(here, heading, seed, uid, step, occupied, neighbors, offsets):
    """Free neighbor for a new tip: up the gradient, away from other endothelium; -1 where there is none."""
    best = -1
    highest = -1.0e9
    for k in range(26):
        there = neighbors[here, k]
        if there < 0 or occupied[there] >= 0:
            continue
        length = np.sqrt(offsets[k, 0] ** 2 + offsets[k, 1] ** 2 + offsets[k, 2] ** 2)
        along = (offsets[k, 0] * heading[0] + offsets[k, 1] * heading[1] + offsets[k, 2] * heading[2]) / length
        beside = 0
        for j in range(26):
            other = neighbors[there, j]
            if other >= 0 and other != here and occupied[other] >= 0:
                beside += 1
        score = along - beside + draw(seed, uid, step, _CHOICE + np.uint64(k))
        if score > highest:
            highest = score
            best = k
    return best


@kernel
def _move_tip(row, position, heading, wanted, geometry, spacing):
    """Advance a tip by half a spacing along the wanted direction; reflects at walls. Returns the site it is in."""
    norm = np.sqrt(wanted[0] ** 2 + wanted[1] ** 2 + wanted[2] ** 2)
    if norm > 0.0:
        for axis in range(3):
            heading[row, axis] = wanted[axis] / norm
    index = np.zeros(3, dtype=np.int64)
    for axis in range(3):
        extent = geometry[axis] * spacing
        moved = position[row, axis] + 0.5 * spacing * heading[row, axis]
        if geometry[3 + axis]:
            moved %= extent
        elif moved < 0.0 or moved >= extent:
            heading[row, axis] = -heading[row, axis]
            moved = min(max(position[row, axis] + 0.5 * spacing * heading[row, axis], 0.0), extent * (1.0 - 1e-12))
        position[row, axis] = moved
        index[axis] = min(int(moved / spacing), geometry[axis] - 1)
    return (index[0] * geometry[1] + index[1]) * geometry[2] + index[2]


@kernel
def _neighbor_of_another_sprout(here, own, sprout, occupied, neighbors, links):
    for k in range(26):
        there = neighbors[here, k]
        if there >= 0 and occupied[there] >= 0 and sprout[occupied[there]] != own:
            if not (links[here] >> np.uint32(k)) & np.uint32(1):
                return k
    return -1


@kernel
def _new_cell(parent, cell, there, kind, own, cells):
    """Fill the row of a daughter. ``cells`` are the columns that the kernels here change."""
    uid, site, births, phenotype, position, heading, sprout, sprout_cells = cells
    births[parent] += 1
    uid[cell] = mix(uid[parent], np.uint64(births[parent]))
    site[cell] = there
    phenotype[cell] = kind
    sprout[cell] = own
    sprout_cells[cell] = 0
    position[cell] = 0.0
    heading[cell] = 0.0


@kernel
def _start_sprout(row, tip, seed, step, cells, graph, offsets, geometry, spacing, vegf):
    """Put a tip beside an endothelial cell, if there is room. Returns whether there was."""
    uid, site, _, phenotype, position, heading, sprout, _ = cells
    occupied, links, sleeves, neighbors = graph
    here = site[row]
    uphill = unit_gradient(here, vegf, neighbors)
    k = _sprout_direction(here, uphill, seed, uid[row], step, occupied, neighbors, offsets)
    if k < 0:
        return False
    there = neighbors[here, k]
    _new_cell(row, tip, there, TIP, np.uint64(0), cells)
    sprout[tip] = uid[tip]
    coordinates = (there // (geometry[1] * geometry[2]), (there // geometry[2]) % geometry[1], there % geometry[2])
    length = np.sqrt(offsets[k, 0] ** 2 + offsets[k, 1] ** 2 + offsets[k, 2] ** 2)
    for axis in range(3):
        position[tip, axis] = (coordinates[axis] + 0.5) * spacing
        heading[tip, axis] = offsets[k, axis] / length
    occupied[there] = tip
    join(here, k, links, neighbors)
    if fill(there, occupied, links, sleeves, neighbors) > 0:
        phenotype[tip] = STALK  # a sleeve led on to another cell: the gap is closed
    return True


@kernel
def _recolonize(row, cell, seed, step, cells, graph):
    """Let an endothelial cell divide into an empty sleeve beside it. Returns whether there is one."""
    uid, site = cells[0], cells[1]
    occupied, links, sleeves, neighbors = graph
    here = site[row]
    open_count = 0
    for k in range(26):
        if (sleeves[here] >> np.uint32(k)) & np.uint32(1) and occupied[neighbors[here, k]] < 0:
            open_count += 1
    if open_count == 0:
        return False
    wanted = int(draw(seed, uid[row], step, _SLEEVE_CHOICE) * open_count)
    there = -1
    for k in range(26):
        if (sleeves[here] >> np.uint32(k)) & np.uint32(1) and occupied[neighbors[here, k]] < 0:
            if wanted == 0:
                there = neighbors[here, k]
            wanted -= 1
    _new_cell(row, cell, there, STALK, np.uint64(0), cells)
    occupied[there] = cell
    fill(there, occupied, links, sleeves, neighbors)
    return True


@kernel
def _anastomose(row, here, k, phenotype, graph):
    """Join a tip to the vessel in direction k: the tip, and one that it meets, become stalk cells."""
    occupied, links, _, neighbors = graph
    join(here, k, links, neighbors)
    phenotype[row] = STALK
    other = occupied[neighbors[here, k]]
    if phenotype[other] == TIP:
        phenotype[other] = STALK


@kernel
def _advance(row, stalk, seed, step, number, cells, graph, geometry, spacing, vegf, weights, own_cells):
    """Move a tip by half a spacing. Returns whether it left a stalk cell behind."""
    uid, site, _, phenotype, position, heading, sprout, sprout_cells = cells
    occupied, links, sleeves, neighbors = graph
    here = site[row]
    gradient = unit_gradient(here, vegf, neighbors)
    noise = _noise(seed, uid[row], step, _HEADING + number, geometry)
    wanted = weights[0] * gradient + weights[1] * heading[row] + weights[2] * noise
    old_position = position[row].copy()
    there = _move_tip(row, position, heading, wanted, geometry, spacing)
    if there == here:
        return False
    k = direction_to(here, there, neighbors)
    if occupied[there] >= 0:
        if sprout[occupied[there]] == uid[row] or (
            sprout_cells[row] < own_cells and (links[here] >> np.uint32(k)) & np.uint32(1)
        ):
            # It ran into its own sprout or back into its parent vessel: turn around and stay.
            for axis in range(3):
                heading[row, axis] = -heading[row, axis]
                position[row, axis] = old_position[axis]
        else:
            _anastomose(row, here, k, phenotype, graph)
        return False
    _new_cell(row, stalk, here, STALK, sprout[row], cells)
    occupied[here] = stalk
    site[row] = there
    occupied[there] = row
    sprout_cells[row] += 1
    join(here, k, links, neighbors)
    if fill(there, occupied, links, sleeves, neighbors) > 0:
        phenotype[row] = STALK  # a sleeve led on to another cell
    elif sprout_cells[row] >= own_cells:
        k = _neighbor_of_another_sprout(there, sprout[row], sprout, occupied, neighbors, links)
        if k >= 0:
            _anastomose(row, there, k, phenotype, graph)
    return True


@kernel
def _carry_out(
    seed, step, kinds, rows, numbers, n, first_tips, cells, graph, offsets, geometry, spacing, vegf, weights,
    tip_spacing, crowding_radius, crowding_share, own_cells,
):  # fmt: skip
    site, phenotype = cells[1], cells[3]
    occupied, links, sleeves, neighbors = graph
    parents = np.empty(rows.size, dtype=np.int64)
    made_by = np.empty(rows.size, dtype=np.int64)
    born = 0
    tips = np.empty(first_tips.size + rows.size, dtype=np.int64)
    for i in range(first_tips.size):  # a slice takes seconds to compile
        tips[i] = first_tips[i]
    tip_count = first_tips.size
    for event in range(rows.size):
        row, kind = rows[event], kinds[event]
        here = site[row]
        if here < 0:
            continue  # regressed earlier in this step
        made = False
        if kind == REGRESS:
            empty(here, links, sleeves, neighbors)
            occupied[here] = -1
            site[row] = -1
        elif kind == SPROUT and phenotype[row] != TIP:
            stump = count_links(here, links) < 2
            if stump or occupied_share(here, occupied, geometry, crowding_radius) <= crowding_share:
                if not _tip_near(here, tips, tip_count, phenotype, site, geometry, spacing, tip_spacing):
                    made = _start_sprout(row, n + born, seed, step, cells, graph, offsets, geometry, spacing, vegf)
            if made:
                tips[tip_count] = n + born
                tip_count += 1
        elif kind == RECOLONIZE:
            made = _recolonize(row, n + born, seed, step, cells, graph)
        elif kind == ADVANCE and phenotype[row] == TIP:
            number = np.uint64(numbers[event])
            made = _advance(
                row, n + born, seed, step, number, cells, graph, geometry, spacing, vegf, weights, own_cells
            )
        if made:
            parents[born] = row
            made_by[born] = kind
            born += 1
    return parents[:born], made_by[:born]
