"""Regimens in words, for logs and figures."""

from __future__ import annotations

import math
from typing import Final

from tumorabm.processes.dosing.schedule import Regimen, ToxicityRule

HOURS_PER_DAY: Final = 24.0


def sentence(regimen: Regimen) -> str:
    """The regimen in words.

    Examples
    --------
    >>> sentence(Regimen("sunitinib", 50.0, 24.0, on=672.0, off=336.0))
    'sunitinib 50 mg every day, 28 days on, 14 days off, from day 0'
    """
    parts = [f"{regimen.drug} {regimen.dose:g} mg {_interval(regimen.every)}", *_rhythm(regimen), _begin(regimen)]
    counted = "" if regimen.after is None else " of that"
    ends = [f"{_day(regimen.end)}{counted}"] if math.isfinite(regimen.end) else []
    ends += [_progression(regimen.until)] if regimen.until is not None else []
    if ends:
        parts.append(f"until {' or '.join(ends)}")
    if regimen.loading is not None:
        dose, number = regimen.loading
        parts.append(f"{'first dose' if number == 1 else f'first {number} doses'} {dose:g} mg")
    parts += [f"delayed by {_duration(by)} on {_day(at)}{counted}" for at, by in sorted(regimen.delays)]
    parts += [f"{dose:g} mg from {_day(at)}{counted}" for at, dose in sorted(regimen.changes)]
    if regimen.pause_below is not None and regimen.resume_above is not None:
        below, above = (f"{100.0 * share:g} %" for share in (regimen.pause_below, regimen.resume_above))
        parts.append(f"paused while the lesion is below {below} of its first volume, until it is above {above}")
    if regimen.toxicity is not None:
        parts += _for_toxicity(regimen.toxicity)
    return ", ".join(parts)


def _rhythm(regimen: Regimen) -> list[str]:
    if math.isinf(regimen.on) or regimen.off == 0.0:
        return ["continuously" if regimen.cycles is None else f"{_duration(regimen.on * regimen.cycles)} in all"]
    parts = [f"{_duration(regimen.on)} on", f"{_duration(regimen.off)} off"]
    if regimen.cycles is not None:
        parts.append("1 cycle" if regimen.cycles == 1 else f"{regimen.cycles} cycles")
    return parts


def _begin(regimen: Regimen) -> str:
    if regimen.after is None:
        return f"from {_day(regimen.start)}"
    if regimen.start == 0.0:
        return f"from {_progression(regimen.after)}"
    return f"from {_duration(regimen.start)} after {_progression(regimen.after)}"


def _for_toxicity(rule: ToxicityRule) -> list[str]:
    parts = []
    if rule.doses:
        steps = ", then ".join(f"{dose:g} mg" for dose in rule.doses)
        parts.append(f"reduced to {steps} above a {_judged(rule)} of {rule.reduce_above:g}")
        if rule.raise_below is not None:
            parts.append(f"raised again below {rule.raise_below:g}")
    if math.isfinite(rule.interrupt_above):
        parts.append(
            f"interrupted above a {_judged(rule)} of {rule.interrupt_above:g} until below {rule.resume_below:g}"
        )
    return [*parts, f"judged {_interval(rule.every)}"] if parts else []


def _judged(rule: ToxicityRule) -> str:
    return rule.judged.replace("_", " ")


def _progression(number: int) -> str:
    ordinals = {1: "first", 2: "second", 3: "third"}
    return f"the {ordinals.get(number, f'{number}th')} progression"


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
