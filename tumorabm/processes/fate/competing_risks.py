"""Competing risks: at most one of several events per cell and step, exact over the step.

With total rate K, the first event comes after a time t = −ln(u₁)/K and is event i with probability k_i/K; it happens in
this step if t < dt. So p = 1 − exp(−K dt) for any dt. Two keyed draws per cell.
"""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.random import draw_two, purpose, waits_longer
from tumorabm.tissue.requests import EVENTS
from tumorabm.tissue.tissue import Tissue

RISKS = ("divide", "apoptosis", "necrosis", "clear", "regress", "sprout", "recolonize")
_STREAM = purpose("competing risks")


class CompetingRisks(Process):
    """Which of its risks meets a cell in this step, and when."""

    name = "competing_risks"
    phase = Phase.REQUESTS
    kind = Kind.EVENTS
    reads = ("rates", "cells/uid")
    writes = ("requests",)

    def step(self, tissue: Tissue, dt: float) -> None:
        n = tissue.cells.n
        rates = np.empty((len(RISKS), n))
        for index, risk in enumerate(RISKS):
            tissue.rates.total(risk, n, rates[index])
        event, time = first_events(tissue.seed, tissue.cells["uid"], tissue.step_number, rates, dt)
        for index, risk in enumerate(RISKS):
            rows = np.flatnonzero(event == index)
            if rows.size:
                tissue.requests.add(EVENTS.index(risk), rows, time[rows])


def first_events(seed: int, uids: np.ndarray, step: int, rates: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """First event of each cell within the step.

    Parameters
    ----------
    uids : ndarray of uint64, shape (n,)
    rates : ndarray, shape (risks, n)
        1/h.
    dt : float
        Hours.

    Returns
    -------
    event : ndarray of int8, shape (n,)
        Index of the event, -1 for none.
    time : ndarray, shape (n,)
        Hours into the step; dt where nothing happens.
    """
    event = np.full(uids.size, -1, dtype=np.int8)
    time = np.full(uids.size, dt)
    _first_events(np.uint64(seed), uids, np.uint64(step), _STREAM, rates, dt, event, time)
    return event, time


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _first_events(seed, uids, step, stream, rates, dt, event, time):
    for i in range(uids.size):
        total = 0.0
        for j in range(rates.shape[0]):
            total += rates[j, i]
        if total <= 0.0:
            continue
        first, second = draw_two(seed, uids[i], step, stream)
        if waits_longer(first, total * dt):
            continue
        waited = -np.log(first) / total
        if waited >= dt:
            continue
        threshold = second * total
        running = 0.0
        chosen = -1
        for j in range(rates.shape[0]):
            if rates[j, i] > 0.0:
                running += rates[j, i]
                chosen = j
                if threshold < running:
                    break
        event[i] = chosen
        time[i] = waited
