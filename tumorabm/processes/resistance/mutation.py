"""Gain of alterations: a cell that comes out of a division may be altered, and found a clone of its own.

Each of the two cells that come out of a division gains each alteration of ``mutations`` that its clone does not have
with the probability μ (``gain_rate``), by a draw of its own. So a division founds 2μ clones on average, and a
population that grows from one cell to N without deaths m = 2μ(N − 1) (Luria and Delbrück 1943, who count one of two).
What a cell gains in one division belongs to one new clone.

The rate is a probability per daughter and does not depend on the length of the step. COMMIT changes rows; this comes
directly behind it for the parenchyma, while the step still knows who has divided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tumorabm.processes.process import Choice, Gain, Kind, Phase, Process, Values
from tumorabm.tissue.clones import keys_of_gains
from tumorabm.tissue.random import purpose, uniforms
from tumorabm.tissue.tissue import Tissue


class Mutation(Process):
    """Alterations that tumor cells gain when they divide.

    Parameters
    ----------
    values : mapping
        None are declared.
    gains : sequence of Gain
        With their rates.
    """

    name = "mutation"
    phase = Phase.COMMIT
    kind = Kind.EVENTS
    mechanism = "mutation"
    asked_for_by = "mutations"
    reads = ("requests/divided", "cells/uid", "cells/site", "cells/clone", "clones", "patient")
    writes = ("cells/clone", "clones")

    def __init__(self, values: Mapping[str, float], gains: Sequence[Gain] = ()) -> None:
        super().__init__(values)
        self.gains: list[tuple[Gain, float]] = []
        for gain in gains:
            if gain.rate is None or not 0.0 <= gain.rate <= 1.0:
                raise ValueError(f"rate of {gain.alteration} is {gain.rate}, expected a probability from 0 to 1")
            self.gains.append((gain, gain.rate))

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Mutation:
        """The process for the mutations of the experiment."""
        gains = [
            Gain(
                gain.alteration,
                catalog.get(f"alterations.{gain.alteration}.gain_rate", "1", choice.sets)
                if gain.rate is None
                else gain.rate,
                gain.start,
                gain.founders,
            )
            for gain in choice.mutations
        ]
        return cls(cls.values_from(catalog, choice.sets, given), gains)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, clones = tissue.cells, tissue.clones
        rows = np.concatenate(tissue.requests.divided)
        rows = np.unique(rows[cells["clone"][rows] >= 0])
        if rows.size == 0:
            return
        uids = cells["uid"][rows]
        gained: dict[int, list[str]] = {}
        for gain, rate in self.gains:
            if tissue.hours < _hours(tissue, gain.start):
                continue
            drawn = uniforms(tissue.seed, uids, tissue.step_number, purpose(f"gain {gain.alteration}"))
            for place in np.flatnonzero(drawn < rate).tolist():
                if _can_gain(tissue, int(cells["clone"][rows[place]]), gain):
                    gained.setdefault(place, []).append(gain.alteration)
        if not gained:
            return
        places = np.array(sorted(gained))
        keys = keys_of_gains(uids[places], tissue.step_number)
        for number in np.argsort(keys).tolist():
            place = int(places[number])
            row = rows[place]
            parent = int(cells["clone"][row])
            alterations = (*clones.alterations[parent], *sorted(gained[place]))
            cells["clone"][row] = clones.add(
                "",
                alterations,
                parent,
                tissue.step_number + 1,
                key=int(keys[number]),
                site=int(cells["site"][row]),
            )


def _hours(tissue: Tissue, start: float) -> float:
    """A time after the burn-in since the start of the run."""
    return start if math.isinf(start) else tissue.patient.treatment_start + start


def _can_gain(tissue: Tissue, clone: int, gain: Gain) -> bool:
    """Whether a cell of a clone can gain an alteration: it lacks it, and descends from one of the founders."""
    if gain.alteration in tissue.clones.alterations[clone]:
        return False
    return not gain.founders or tissue.clones.founder_of(clone) in gain.founders
