"""When doses are given: a regimen is data, and everything here is a pure function of it.

Times are hours on the treatment clock: simulated hours minus the burn-in. Each dose time is computed from the whole
numbers (cycle, dose of the cycle), never added up, so it is the same float whichever window asks for it and belongs
to exactly one half-open window. It is the time at which a dose is swallowed or an infusion begins.

A regimen may wait for the tumor (it begins at a progression, ends at one, is given only while the lesion is large) and
for the patient (less or nothing while toxicity is high). ``decisions.in_force`` makes of it and of what has been
decided so far a regimen that waits for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# A step's window for doses begins and ends this much early (h), so that rounding of the clock at the boundary of two
# steps can neither lose a dose nor give it twice; so does what is decided at the beginning of a step.
CLOCK_ROUNDING = 1e-6
# Days converted to hours by a units library may miss a whole number of doses by a rounding error.
_COUNT_TOLERANCE = 1e-9


@dataclass(frozen=True)
class ToxicityRule:
    """What is done about toxicity at visits.

    Parameters
    ----------
    judged : str
        Level of the patient that is looked at.
    every : float
        Hours between visits; the first is at the begin of treatment.
    reduce_above : float
        Toxicity above which the dose is lowered by a step at a visit.
    doses : tuple of float
        Doses after one step, two, ... (mg), descending; without any the dose stays.
    raise_below : float, optional
        Toxicity below which the last step is taken back; without it that never happens.
    interrupt_above, resume_below : float
        No dose after a visit that finds toxicity above the first, until one finds it below the second; never
        interrupted if the first is infinite.

    Raises
    ------
    ValueError
        If a number makes no rule.
    """

    judged: str
    every: float
    reduce_above: float = math.inf
    doses: tuple[float, ...] = ()
    raise_below: float | None = None
    interrupt_above: float = math.inf
    resume_below: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.every < math.inf:
            raise ValueError("the time between visits must be above 0 and finite")
        if not 0.0 <= self.resume_below < self.interrupt_above or not self.reduce_above > (self.raise_below or 0.0):
            raise ValueError("toxicity must fall below what it rose above")
        steps = (math.inf, *self.doses)
        if any(not 0.0 < low < high for high, low in zip(steps, self.doses, strict=False)):
            raise ValueError("reduced doses must be above 0 and descend")


@dataclass(frozen=True)
class Regimen:
    """One drug given on a schedule.

    Parameters
    ----------
    drug : str
        Name in the catalog.
    dose : float
        Dose (mg).
    every : float
        Interval between doses (h).
    on, off : float
        Length of the dosing period and of the break after it (h); no cycles if ``on`` is infinite.
    start, end : float
        First dose, and the time from which no dose is given (h, treatment clock).
    cycles : int, optional
        Number of periods of dosing; as many as fit before ``end`` if not given.
    delays : tuple of (float, float)
        Pairs (at, by): what was due at hour ``at`` of the treatment clock or later is given ``by`` hours later, so
        the rest of the plan shifts as a whole.
    changes : tuple of (float, float)
        Pairs (at, dose): from hour ``at`` on, doses are ``dose`` mg.
    after : int, optional
        Number of the progression from which all times of the regimen count; the begin of treatment without it.
    until : int, optional
        Number of the progression that ends it.
    pause_below, resume_above : float, optional
        Volume of the lesion relative to that at the begin of treatment: no dose after it was seen below the first until
        it is seen above the second.
    loading : tuple of (float, int), optional
        Pair (dose, number): the first ``number`` doses are ``dose`` mg.
    toxicity : ToxicityRule, optional
        What is done about toxicity.
    pauses : tuple of (float, float)
        Pairs (from, until): hours between which nothing is given, as decided so far.
    ceilings : tuple of (float, float)
        Pairs (at, dose): from hour ``at`` on, at most ``dose`` mg are given, as decided so far.

    Raises
    ------
    ValueError
        If a number makes no schedule.
    """

    drug: str
    dose: float
    every: float
    on: float = math.inf
    off: float = 0.0
    start: float = 0.0
    end: float = math.inf
    cycles: int | None = None
    delays: tuple[tuple[float, float], ...] = ()
    changes: tuple[tuple[float, float], ...] = ()
    after: int | None = None
    until: int | None = None
    pause_below: float | None = None
    resume_above: float | None = None
    loading: tuple[float, int] | None = None
    toxicity: ToxicityRule | None = None
    pauses: tuple[tuple[float, float], ...] = ()
    ceilings: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        numbers = [self.dose, self.every, self.on, self.off, self.start, self.end]
        numbers += [number for pair in (*self.delays, *self.changes) for number in pair]
        if any(math.isnan(number) for number in numbers):
            raise ValueError(f"{self.drug}: a schedule cannot hold NaN")
        if not 0.0 < self.every < math.inf or not math.isfinite(self.start) or self.on <= 0.0:
            raise ValueError(f"{self.drug}: every and on must be above 0, every and start finite")
        if self.start < 0.0 or not 0.0 <= self.off < math.inf:
            raise ValueError(f"{self.drug}: start and off must not be negative")
        if any(not 0.0 <= dose < math.inf for dose in (self.dose, *(dose for _, dose in self.changes))):
            raise ValueError(f"{self.drug}: a dose must be finite and not negative")
        if any(not 0.0 <= by < math.inf for _, by in self.delays):
            raise ValueError(f"{self.drug}: a delay must be finite and not negative")
        if math.isinf(self.on) and (self.off > 0.0 or self.cycles is not None):
            raise ValueError(f"{self.drug}: breaks and cycles need a finite dosing period (on)")
        if self.cycles is not None and self.cycles < 1:
            raise ValueError(f"{self.drug}: cycles must be at least 1")
        numbers_of = [number for number in (self.after, self.until) if number is not None]
        if any(number < 1 for number in numbers_of) or (len(numbers_of) == 2 and numbers_of[0] >= numbers_of[1]):
            raise ValueError(f"{self.drug}: progressions are numbered from 1, and it must begin before it ends")
        if (self.pause_below is None) != (self.resume_above is None):
            raise ValueError(f"{self.drug}: a pause needs both its ends")
        if self.pause_below is not None and not 0.0 < self.pause_below <= (self.resume_above or 0.0):
            raise ValueError(f"{self.drug}: it must resume above what it pauses below")
        if self.loading is not None and not (0.0 < self.loading[0] < math.inf and self.loading[1] >= 1):
            raise ValueError(f"{self.drug}: a loading dose must be above 0 and finite, and be given at least once")


def dose_events(regimen: Regimen, t0: float, t1: float) -> tuple[np.ndarray, np.ndarray]:
    """All doses in the half-open window [t0, t1).

    Parameters
    ----------
    regimen : Regimen
        What was prescribed.
    t0, t1 : float
        Window (h, treatment clock), finite.

    Returns
    -------
    times : ndarray of float64, shape (doses,)
        When (h, treatment clock), ascending.
    amounts : ndarray of float64, shape (doses,)
        How much (mg); doses reduced to zero are left out.
    """
    if not (math.isfinite(t0) and math.isfinite(t1)):
        raise ValueError("a window for doses must be finite")
    times, amounts = [], []
    # Delays only postpone: what is given in the window was due in it or at most the sum of all delays earlier.
    earliest = t0 - sum(by for _, by in regimen.delays)
    for due, number in _due(regimen, earliest, t1):
        at = _postponed(regimen, due)
        if t0 <= at < t1 and at < regimen.end:
            dose = _given(regimen, at, number)
            if dose > 0.0:
                times.append(at)
                amounts.append(dose)
    return np.array(times, dtype=np.float64), np.array(amounts, dtype=np.float64)


def dose_at(regimen: Regimen, at: float) -> float:
    """The dose in force (mg) at an hour of the treatment clock: that of the last change made by then."""
    made = [change for change in regimen.changes if change[0] <= at]
    return max(made, key=lambda change: change[0])[1] if made else regimen.dose


def _given(regimen: Regimen, at: float, number: int) -> float:
    """What is given (mg) at an hour, as the dose of this number of the regimen, counted from 0."""
    now = at + CLOCK_ROUNDING
    if any(begin <= now < end for begin, end in regimen.pauses):
        return 0.0
    loading = regimen.loading
    planned = loading[0] if loading is not None and number < loading[1] else dose_at(regimen, at)
    decided = [ceiling for ceiling in regimen.ceilings if ceiling[0] <= now]
    return min(planned, decided[-1][1]) if decided else planned


def _due(regimen: Regimen, t0: float, t1: float) -> list[tuple[float, int]]:
    """Hours at which doses would be due without delays, within [t0, t1), and which dose of the regimen each is."""
    period = regimen.on + regimen.off
    last = 0
    first = 0
    in_cycle = 0
    if math.isfinite(period):
        # One cycle more on either side: the quotient may round across a whole number.
        first = max(0, math.floor((t0 - regimen.start) / period) - 1)
        last = math.floor((t1 - regimen.start) / period) + 1
        in_cycle = math.ceil(regimen.on / regimen.every - _COUNT_TOLERANCE)
    if regimen.cycles is not None:
        last = min(last, regimen.cycles - 1)
    due = []
    for cycle in range(first, last + 1):
        opening = regimen.start + (cycle * period if cycle else 0.0)
        low = max(0, math.floor((t0 - opening) / regimen.every) - 1)
        high = math.floor((t1 - opening) / regimen.every) + 2
        if math.isfinite(regimen.on):
            high = min(high, in_cycle)
        due += [(opening + number * regimen.every, cycle * in_cycle + number) for number in range(low, high)]
    return [dose for dose in due if t0 <= dose[0] < t1]


def _postponed(regimen: Regimen, due: float) -> float:
    """When a dose is given that was due at an hour, after all delays in force by then."""
    at = due
    for start, by in sorted(regimen.delays):
        if at >= start:
            at += by
    return at
