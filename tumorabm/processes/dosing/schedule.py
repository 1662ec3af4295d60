"""When doses are given: a regimen is data, and everything here is a pure function of it.

Times are hours on the treatment clock: simulated hours minus the burn-in. Each dose time is computed from the whole
numbers (cycle, dose of the cycle), never added up, so it is the same float whichever window asks for it and belongs
to exactly one half-open window.

A regimen may wait for the tumor: it begins at a progression (a switch, an add-on, a rechallenge after an interval),
ends at one, or is given only while the lesion is large (adaptive). ``in_force`` makes of it and of what has been seen
so far (``response``) a regimen that waits for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

HOURS_PER_DAY = 24.0
PROGRESSION = "progression_{}"  # level of the patient: hour of the treatment clock at which the n-th one was seen
PAUSED = "paused_{}"  # level of the patient: whether the regimen of this number is paused, 1 or 0
# Days converted to hours by a units library may miss a whole number of doses by a rounding error.
_COUNT_TOLERANCE = 1e-9


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


def in_force(regimen: Regimen, number: int, seen: Mapping[str, float]) -> Regimen | None:
    """A regimen as it is after what has been seen of the tumor; None while it waits or is paused.

    Parameters
    ----------
    number : int
        Its place in the treatment.
    seen : mapping of str to float
        ``Patient.levels``.
    """
    if regimen.pause_below is not None and seen.get(PAUSED.format(number), 0.0) > 0.0:
        return None
    start, end = 0.0, regimen.end
    if regimen.after is not None:
        if PROGRESSION.format(regimen.after) not in seen:
            return None
        start = seen[PROGRESSION.format(regimen.after)]
    end = regimen.end + start
    if regimen.until is not None:
        end = min(end, seen.get(PROGRESSION.format(regimen.until), math.inf))
    if start == 0.0 and end == regimen.end:
        return regimen
    return replace(
        regimen,
        start=regimen.start + start,
        end=end,
        delays=tuple((at + start, by) for at, by in regimen.delays),
        changes=tuple((at + start, dose) for at, dose in regimen.changes),
    )


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
    for due in _due(regimen, earliest, t1):
        at = _postponed(regimen, due)
        if t0 <= at < t1 and at < regimen.end:
            dose = dose_at(regimen, at)
            if dose > 0.0:
                times.append(at)
                amounts.append(dose)
    return np.array(times, dtype=np.float64), np.array(amounts, dtype=np.float64)


def dose_at(regimen: Regimen, at: float) -> float:
    """The dose in force (mg) at an hour of the treatment clock: that of the last change made by then."""
    made = [change for change in regimen.changes if change[0] <= at]
    return max(made, key=lambda change: change[0])[1] if made else regimen.dose


def sentence(regimen: Regimen) -> str:
    """The regimen in words, for logs and figures.

    Examples
    --------
    >>> sentence(Regimen("sunitinib", 50.0, 24.0, on=672.0, off=336.0))
    'sunitinib 50 mg every day, 28 days on, 14 days off, from day 0'
    """
    parts = [f"{regimen.drug} {regimen.dose:g} mg {_interval(regimen.every)}"]
    if math.isinf(regimen.on) or regimen.off == 0.0:
        parts.append("continuously" if regimen.cycles is None else f"{_duration(regimen.on * regimen.cycles)} in all")
    else:
        parts += [f"{_duration(regimen.on)} on", f"{_duration(regimen.off)} off"]
        if regimen.cycles is not None:
            parts.append("1 cycle" if regimen.cycles == 1 else f"{regimen.cycles} cycles")
    if regimen.after is None:
        parts.append(f"from {_day(regimen.start)}")
    elif regimen.start == 0.0:
        parts.append(f"from {_progression(regimen.after)}")
    else:
        parts.append(f"from {_duration(regimen.start)} after {_progression(regimen.after)}")
    counted = "" if regimen.after is None else " of that"
    ends = [f"{_day(regimen.end)}{counted}"] if math.isfinite(regimen.end) else []
    ends += [_progression(regimen.until)] if regimen.until is not None else []
    if ends:
        parts.append(f"until {' or '.join(ends)}")
    parts += [f"delayed by {_duration(by)} on {_day(at)}{counted}" for at, by in sorted(regimen.delays)]
    parts += [f"{dose:g} mg from {_day(at)}{counted}" for at, dose in sorted(regimen.changes)]
    if regimen.pause_below is not None and regimen.resume_above is not None:
        below, above = (f"{100.0 * share:g} %" for share in (regimen.pause_below, regimen.resume_above))
        parts.append(f"paused while the lesion is below {below} of its first volume, until it is above {above}")
    return ", ".join(parts)


def _progression(number: int) -> str:
    ordinals = {1: "first", 2: "second", 3: "third"}
    return f"the {ordinals.get(number, f'{number}th')} progression"


def _due(regimen: Regimen, t0: float, t1: float) -> list[float]:
    """Hours at which doses would be due without delays, within [t0, t1)."""
    period = regimen.on + regimen.off
    last = 0
    first = 0
    if math.isfinite(period):
        # One cycle more on either side: the quotient may round across a whole number.
        first = max(0, math.floor((t0 - regimen.start) / period) - 1)
        last = math.floor((t1 - regimen.start) / period) + 1
    if regimen.cycles is not None:
        last = min(last, regimen.cycles - 1)
    due = []
    for cycle in range(first, last + 1):
        opening = regimen.start + (cycle * period if cycle else 0.0)
        low = max(0, math.floor((t0 - opening) / regimen.every) - 1)
        high = math.floor((t1 - opening) / regimen.every) + 2
        if math.isfinite(regimen.on):
            high = min(high, math.ceil(regimen.on / regimen.every - _COUNT_TOLERANCE))
        due += [opening + number * regimen.every for number in range(low, high)]
    return [at for at in due if t0 <= at < t1]


def _postponed(regimen: Regimen, due: float) -> float:
    """When a dose is given that was due at an hour, after all delays in force by then."""
    at = due
    for start, by in sorted(regimen.delays):
        if at >= start:
            at += by
    return at


def _interval(hours: float) -> str:
    if hours % HOURS_PER_DAY:
        return f"every {hours:g} h"
    days = hours / HOURS_PER_DAY
    return "every day" if days == 1.0 else f"every {days:g} days"


def _duration(hours: float) -> str:
    if hours % HOURS_PER_DAY:
        return f"{hours:g} h"
    days = hours / HOURS_PER_DAY
    return "1 day" if days == 1.0 else f"{days:g} days"


def _day(hours: float) -> str:
    return f"day {hours / HOURS_PER_DAY:g}"
