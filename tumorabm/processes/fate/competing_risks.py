"""Competing risks: at most one of several events per cell and step, exact over the step.

With total rate K, the first event comes after a time t = −ln(u₁)/K and is event i with probability k_i/K; it happens in
this step if t < dt. So p = 1 − exp(−K dt) for any dt. Two keyed draws per cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.random import CHUNK, draw_two, fill_uniforms, purpose, waits_longer
from tumorabm.tissue.requests import EVENTS
from tumorabm.tissue.tissue import Tissue

RISKS = (
    "divide", "apoptosis", "necrosis", "clear", "regress", "sprout", "recolonize",
    "cover", "uncover", "admit_mdsc", "admit_t_cell", "leave", "incorporate", "kill", "intravasate",
)  # fmt: skip
_EVENT_OF_RISK = tuple(EVENTS.index(risk) for risk in RISKS)
_STREAM = purpose("competing risks")


class CompetingRisks(Process):
    """Which of its risks meets a cell in this step, and when."""

    name = "competing_risks"
    phase = Phase.REQUESTS
    kind = Kind.EVENTS
    reads = ("rates", "cells/uid")
    writes = ("requests",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rates = [tissue.rates.total(risk, tissue.cells.n) for risk in RISKS]
        event, time = first_events(tissue.seed, tissue.cells["uid"], tissue.step_number, rates, dt)
        rows = np.flatnonzero(event >= 0)
        happens = event[rows]
        for index in np.flatnonzero(np.bincount(happens)).tolist():
            chosen = rows[happens == index]
            tissue.requests.add(_EVENT_OF_RISK[index], chosen, time[chosen])


def first_events(
    seed: int, uids: np.ndarray, step: int, rates: Sequence[np.ndarray], dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """First event of each cell within the step.

    Parameters
    ----------
    uids : ndarray of uint64, shape (n,)
    rates : sequence of ndarray of float64, each of shape (n,)
        One for each risk, 1/h.
    dt : float
        Hours.

    Returns
    -------
    event : ndarray of int8, shape (n,)
        Index of the event, -1 for none.
    time : ndarray, shape (n,)
        Hours into the step; dt where nothing happens.

    Raises
    ------
    ArithmeticError
        If a rate is no number or infinite.
    """
    event = np.empty(uids.size, dtype=np.int8)
    time = np.empty(uids.size)
    wrong = _first_events(np.uint64(seed), uids, np.uint64(step), _STREAM, tuple(rates), dt, event, time)
    if wrong:
        names = [risk for risk, rate in zip(RISKS, rates, strict=False) if not np.isfinite(rate).all()]
        raise ArithmeticError(f"rates of {wrong} cells are not finite ({', '.join(names)})")
    return event, time


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _first_events(seed, uids, step, stream, rates, dt, event, time):
    totals, drawn = np.empty(CHUNK), np.empty(CHUNK)
    wrong = 0
    for begin in range(0, uids.size, CHUNK):
        end = min(begin + CHUNK, uids.size)
        event[begin:end] = -1
        time[begin:end] = dt
        totals[:] = 0.0
        for rate in rates:
            part = rate[begin:end]
            for i in range(part.size):
                totals[i] += part[i]
        fill_uniforms(seed, uids[begin:end], step, stream, drawn)
        for i in range(end - begin):
            if not totals[i] < np.inf:
                wrong += 1
            elif totals[i] > 0.0 and not waits_longer(drawn[i], totals[i] * dt):
                row = begin + i
                waited = -np.log(drawn[i]) / totals[i]
                if waited < dt:
                    time[row] = waited
                    event[row] = _which(rates, row, draw_two(seed, uids[row], step, stream)[1] * totals[i])
    return wrong


@kernel
def _which(rates, row, threshold):
    """The risk at which the sum of a cell's rates passes a threshold."""
    running = 0.0
    chosen = -1
    for j in range(len(rates)):
        if rates[j][row] > 0.0:
            running += rates[j][row]
            chosen = j
            if threshold < running:
                break
    return chosen
