"""Visits of the patient, at which toxicity is judged: doses are reduced, interrupted and given again.

A regimen says what is done about toxicity (``ToxicityRule``). Between visits nothing is decided, and what has been
swallowed stays so. Each visit that finds toxicity above what is tolerated lowers the dose by one step; above more than
that the drug is not given until a visit finds toxicity low again.
"""

from __future__ import annotations

import math
from typing import ClassVar, Final

from tumorabm.processes.dosing.decisions import (
    INTERRUPTED,
    REDUCED,
    STEP,
    decide,
    holds,
    in_force,
    name_of,
    numbered,
    step_of,
)
from tumorabm.processes.dosing.schedule import CLOCK_ROUNDING, Regimen, ToxicityRule
from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.tissue import Tissue

_LAST: Final = "last_visit"  # hour of the treatment clock at which the last visit for a regimen was due


class DoseVisits(Process):
    """Visits of the patient: what is decided on regimens that say what to do about toxicity."""

    name: ClassVar[str] = "dose_visits"
    phase: ClassVar[Phase] = Phase.PATIENT
    kind: ClassVar[Kind] = Kind.DIAGNOSTIC
    reads: ClassVar[tuple[str, ...]] = ("patient",)
    writes: ClassVar[tuple[str, ...]] = ("patient/levels",)

    def step(self, tissue: Tissue, dt: float) -> None:
        levels, hour = tissue.patient.levels, tissue.patient.treatment_hours(tissue.hours)
        now = hour + CLOCK_ROUNDING
        for number, planned in numbered(tissue.patient.regimens):
            if planned.toxicity is None or now < 0.0:
                continue
            due = math.floor(now / planned.toxicity.every) * planned.toxicity.every
            last = name_of(_LAST, number, planned)
            regimen = in_force(planned, number, levels)
            if due > levels.get(last, -math.inf) and regimen is not None and regimen.start <= now < regimen.end:
                levels[last] = due
                _judge(levels, number, planned, planned.toxicity, hour)


def _judge(levels: dict[str, float], number: int, regimen: Regimen, rule: ToxicityRule, hour: float) -> None:
    """Decide on a regimen by the toxicity that a visit finds."""
    found = levels.get(rule.judged, 0.0)
    if holds(levels, INTERRUPTED, number, regimen):
        if found < rule.resume_below:
            decide(levels, INTERRUPTED, number, regimen, hour)
        return
    before = after = min(step_of(levels, number, regimen), len(rule.doses))
    if found > rule.reduce_above:
        after = min(before + 1, len(rule.doses))
    elif rule.raise_below is not None and found < rule.raise_below:
        after = max(before - 1, 0)
    if after != before:
        decide(levels, REDUCED, number, regimen, hour)
        decide(levels, STEP, number, regimen, float(after))
    if found > rule.interrupt_above:
        decide(levels, INTERRUPTED, number, regimen, hour)
