"""How the tumor responds, seen at scans: what sequences and adaptive treatments go by.

The lesion is the largest connected piece of tumor cells and debris, its diameter goes with N^(1/3), and relative to
that at the begin of treatment it scales the patient's sum of longest diameters. RECIST 1.1 (Eisenhauer et al. 2009):
the disease has progressed when the sum is a fifth and 5 mm above the smallest since treatment, or since the last
progression, began. Nothing is known between scans. Without measurement error and new lesions, which belong to trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final, cast

import numpy as np

from tumorabm.processes.dosing.decisions import PAUSED, PROGRESSION, decide, holds, numbered
from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.lesion import lesion_size
from tumorabm.tissue.tissue import Tissue

LAST: Final = "last_scan"  # hour of the treatment clock at which the last scan was due
FIRST: Final = "first_lesion_size"  # cells and debris at the begin of treatment
SUM: Final = "sum_of_diameters"  # mm, at the last scan
NADIR: Final = "smallest_sum_of_diameters"  # mm, since treatment or the last progression began
PROGRESSIONS: Final = "progressions"  # how many have been seen
# Scans fall on steps; the clock's rounding must not put one off.
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Assessment:
    """When the tumor is looked at, and what counts.

    Parameters
    ----------
    every : float
        Hours between scans; the first is at the begin of treatment.
    baseline : float
        The patient's sum of longest diameters at the begin of treatment, mm.
    rise : float
        Rise over the smallest sum that is a progression, relative.
    least : float
        Least rise that counts, mm.
    """

    every: float = 6 * 7 * 24.0
    baseline: float = 100.0
    rise: float = 0.2
    least: float = 5.0


class Response(Process):
    """Scans of the tumor: progressions, and pauses of adaptive regimens."""

    name: ClassVar[str] = "response"
    phase: ClassVar[Phase] = Phase.PATIENT
    kind: ClassVar[Kind] = Kind.DIAGNOSTIC
    reads: ClassVar[tuple[str, ...]] = ("cells/site", "cells/cell_type", "patient")
    writes: ClassVar[tuple[str, ...]] = ("patient/levels",)

    def step(self, tissue: Tissue, dt: float) -> None:
        assessment = cast("Assessment", tissue.patient.assessment) or Assessment()
        clock = tissue.patient.treatment_hours(tissue.hours) + _ROUNDING
        due = math.floor(clock / assessment.every) * assessment.every
        if clock >= 0.0 and due > tissue.patient.levels.get(LAST, -math.inf):
            tissue.patient.levels[LAST] = due
            self._look(tissue, assessment)

    def _look(self, tissue: Tissue, assessment: Assessment) -> None:
        levels, size = tissue.patient.levels, lesion_size(tissue)
        hour = tissue.patient.treatment_hours(tissue.hours)
        first = levels.setdefault(FIRST, float(size))
        volume = size / first if first > 0.0 else 0.0
        levels[SUM] = now = assessment.baseline * float(np.cbrt(volume))
        nadir = levels[NADIR] = min(levels.get(NADIR, now), now)
        if now >= (1.0 + assessment.rise) * nadir and now >= nadir + assessment.least:
            levels[PROGRESSIONS] = nth = levels.get(PROGRESSIONS, 0.0) + 1.0
            levels[PROGRESSION.format(int(nth))] = hour
            levels[NADIR] = now
        for number, regimen in numbered(tissue.patient.regimens):
            if regimen.pause_below is not None and regimen.resume_above is not None:
                paused = holds(levels, PAUSED, number, regimen)
                if volume > regimen.resume_above if paused else volume < regimen.pause_below:
                    decide(levels, PAUSED, number, regimen, hour)
