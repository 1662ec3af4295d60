"""Growth of vessels: sprouts led by tips, and regrowth along empty sleeves.

VEGF drives three things apart from each other: survival (``survival``), proliferation and migration. A sprout starts at
the rate k_s (σ − σ_s)/(1 − σ_s) where the VEGFR2 signal exceeds the threshold σ_s. Its tip advances at the speed at
which both migration and the supply of stalk cells allow: 1/v = 1/(v₀ M(σ)) + 1/(n ℓ P(σ)/T) with the tip's speed v₀, n
dividing stalk cells of length ℓ and division time T, and Hill functions M and P of the signal. Stop either and the
sprout stops. Where endothelium has died, neighbors divide into the sleeve of basement membrane it left, at k_r P(σ).

Mancuso et al. (2006) for sleeves and their regrowth; Utzinger et al. (2015) for the speed of sprouts.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.processes.signaling.endothelium import DIVISION_SIGNAL, MOTILITY_SIGNAL
from tumorabm.processes.transport.oxygen import ROOT
from tumorabm.processes.vessels.survival import PHENOTYPE, signal_response
from tumorabm.tissue.cells import ENDOTHELIAL, VESSEL, Column
from tumorabm.tissue.random import DRAWS, purpose, uniforms
from tumorabm.tissue.requests import ADVANCE
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import NOT_ROOT, TIP, first_bit

TIP_PATH = Column("tip_path", "um", "way of a tip since its last move", "f8", 0.0, "reset")
_SLEEVE = purpose("sleeve")


class Sprouting(Process):
    """Rate at which endothelial cells start sprouts (spacing and crowding are checked when it happens)."""

    name = "sprouting"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "rate": Parameter("cell_types.endothelial.sprout_rate", "1/h", "at full signal"),
        "threshold": Parameter(
            "cell_types.endothelial.sprout_threshold", "1", "VEGFR2 signal below which none starts", below=1
        ),
    }
    columns = (MOTILITY_SIGNAL, ROOT, PHENOTYPE)
    reads = ("cells/cell_type", "cells/root", "cells/phenotype", "cells/motility_signal")
    writes = ("rates/sprout",)
    limits_step = ("rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rate = np.empty(cells.n)
        columns = (cells[name] for name in ("cell_type", "root", "phenotype", "motility_signal"))
        _fill_sprout_rate(*columns, self.p.rate, self.p.threshold, rate)
        tissue.rates.add("sprout", self.name, rate)


class Recolonization(Process):
    """Rate at which endothelial cells divide into empty sleeves beside them."""

    name = "recolonization"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "rate": Parameter("cell_types.endothelial.recolonization_rate", "1/h", "at full signal"),
        "half": Parameter(
            "cell_types.endothelial.proliferation_half", "1", "VEGFR2 signal of half proliferation", above=0
        ),
        "exponent": Parameter("cell_types.endothelial.proliferation_exponent", "1", "steepness"),
    }
    columns = (DIVISION_SIGNAL,)
    reads = ("cells/site", "cells/cell_type", "cells/division_signal", "vasculature/sleeves")
    writes = ("rates/recolonize",)
    limits_step = ("rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = np.flatnonzero(tissue.vasculature.sleeves[cells["site"]] != 0)
        rows = rows[cells["cell_type"][rows] == ENDOTHELIAL]
        rate = np.zeros(cells.n)
        if rows.size:
            rate[rows] = self.p.rate * signal_response(cells["division_signal"][rows], self.p.half, self.p.exponent)
        tissue.rates.add("recolonize", self.name, rate)


class TipMigration(Process):
    """How far tips advance in this step, in moves of half a spacing."""

    name = "tip_migration"
    phase = Phase.REQUESTS
    kind = Kind.EVENTS
    parameters = {
        "speed": Parameter("cell_types.endothelial.sprout_speed", "um/h", "of a tip at full signal"),
        "migration_half": Parameter("cell_types.endothelial.migration_half", "1", "VEGFR2 signal of half speed"),
        "migration_exponent": Parameter("cell_types.endothelial.migration_exponent", "1", "steepness"),
        "division_time": Parameter("cell_types.endothelial.division_time", "h", "of stalk cells at full signal"),
        "stalk_cells": Parameter("cell_types.endothelial.proliferating_stalk_cells", "1", "that feed a sprout"),
        "cell_length": Parameter("cell_types.endothelial.cell_length", "um", "of an endothelial cell in a sprout"),
        "proliferation_half": Parameter("cell_types.endothelial.proliferation_half", "1", "VEGFR2 signal, half rate"),
        "proliferation_exponent": Parameter("cell_types.endothelial.proliferation_exponent", "1", "steepness"),
    }
    columns = (DIVISION_SIGNAL, MOTILITY_SIGNAL, PHENOTYPE, TIP_PATH)
    reads = ("cells/cell_type", "cells/phenotype", "cells/division_signal", "cells/motility_signal", "cells/tip_path")
    writes = ("requests/advance", "cells/tip_path")

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = np.flatnonzero((cells["phenotype"] == TIP) & (cells["cell_type"] == ENDOTHELIAL))
        if rows.size == 0:
            return
        move = 0.5 * tissue.lattice.spacing
        speed = self.tip_speed(cells["motility_signal"][rows], cells["division_signal"][rows])
        way = cells["tip_path"][rows] + speed * dt
        moves = np.floor(way / move).astype(np.int64)
        if moves.max(initial=0) > DRAWS:
            raise ValueError(f"a tip would make {moves.max()} moves in a step of {dt:g} h; shorten time_step")
        cells["tip_path"][rows] = way - moves * move
        number = np.concatenate([np.arange(m) for m in moves.tolist()] or [np.empty(0, dtype=np.int64)])
        every = np.repeat(moves, moves)
        tissue.requests.add(ADVANCE, np.repeat(rows, moves), dt * (number + 1) / np.maximum(every, 1), number)

    def tip_speed(self, motility: np.ndarray, division: np.ndarray) -> np.ndarray:
        """Speed of tips in µm/h at the signals that their movement and the division behind them act on."""
        p = self.p
        migration = p.speed * signal_response(motility, p.migration_half, p.migration_exponent)
        divided = signal_response(division, p.proliferation_half, p.proliferation_exponent) / p.division_time
        supply = p.stalk_cells * p.cell_length * divided
        both = migration + supply
        return np.where(both > 0.0, migration * supply / np.where(both > 0.0, both, 1.0), 0.0)


class SleeveLoss(Process):
    """Loss of empty basement membrane sleeves, a segment at a time at a constant rate.

    A segment is a run of empty sites joined by sleeves, as far as the next branching point or living cell; a branching
    point stands for itself. Lost site by site, a long segment would soon have a gap, and what blood flows through comes
    back only as a whole.
    """

    name = "sleeve_loss"
    phase = Phase.VESSELS
    kind = Kind.EVENTS
    parameters = {
        "half_life": Parameter("cell_types.endothelial.sleeve_half_life", "h", "of an empty segment", above=0)
    }
    reads = ("cells/site", "vasculature/sleeves")
    writes = ("vasculature/sleeves",)

    def step(self, tissue: Tissue, dt: float) -> None:
        vasculature = tissue.vasculature
        empty = _empty_sleeves(vasculature.sleeves, tissue.cells.occupancy[VESSEL])
        if empty.size == 0:
            return
        first = first_of_segment(empty, vasculature.sleeves, vasculature.neighbors)
        chance = -np.expm1(-np.log(2.0) * dt / self.p.half_life)
        # A segment has no uid: its first site stands for one.
        drawn = uniforms(tissue.seed, first.astype(np.uint64), tissue.step_number, _SLEEVE)
        _forget_sleeves(empty[drawn < chance], vasculature.sleeves, vasculature.neighbors)


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_sprout_rate(cell_type, root, phenotype, signal, rate, threshold, out):
    for row in range(out.size):
        out[row] = 0.0
        if cell_type[row] == ENDOTHELIAL and root[row] == NOT_ROOT and phenotype[row] != TIP:
            out[row] = rate * (max(0.0, signal[row] - threshold) / (1.0 - threshold))


@kernel
def _empty_sleeves(sleeves, occupied):
    """Sites with sleeves and without a cell, in ascending order."""
    out = np.empty(sleeves.size, dtype=np.int64)
    count = 0
    for site in range(sleeves.size):
        if sleeves[site] != np.uint32(0) and occupied[site] < 0:
            out[count] = site
            count += 1
    return out[:count].copy()


@kernel
def first_of_segment(empty, sleeves, neighbors):
    """First site of the segment that each empty site belongs to; ``empty`` is in ascending order."""
    first = np.full(empty.size, -1, dtype=np.int64)
    stack = np.empty(empty.size, dtype=np.int64)
    for start in range(empty.size):
        if first[start] >= 0:
            continue
        first[start] = empty[start]
        depth = 0
        if _unbranched(sleeves[empty[start]]):
            stack[0] = start
            depth = 1
        while depth > 0:
            depth -= 1
            here = empty[stack[depth]]
            word = sleeves[here]
            while word != np.uint32(0):
                there = neighbors[here, first_bit(word)]
                word &= word - np.uint32(1)
                i = np.searchsorted(empty, there)
                if i < empty.size and empty[i] == there and first[i] < 0 and _unbranched(sleeves[there]):
                    first[i] = empty[start]
                    stack[depth] = i
                    depth += 1
    return first


@kernel
def _unbranched(word):
    """Whether at most two bits are set."""
    word &= word - np.uint32(1)
    return word & (word - np.uint32(1)) == np.uint32(0)


@kernel
def _forget_sleeves(lost, sleeves, neighbors):
    for i in range(lost.size):
        here = lost[i]
        for k in range(26):
            if (sleeves[here] >> np.uint32(k)) & np.uint32(1):
                there = neighbors[here, k]
                sleeves[there] &= ~(np.uint32(1) << np.uint32(25 - k))
        sleeves[here] = np.uint32(0)
