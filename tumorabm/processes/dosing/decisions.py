"""What has been decided on a treatment at scans and visits, kept in ``Patient.levels``, and the regimen that follows.

Each decision is kept with its hour on the treatment clock, under its drug and the regimen's number among those of that
drug: a branch that puts another drug before it finds it again. It holds for doses from then on: what was swallowed
before still arrives, however long that takes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Final, cast

from tumorabm.processes.dosing.schedule import Regimen

PROGRESSION: Final = "progression_{}"  # hour at which the n-th one was seen
PAUSED: Final = "paused"  # by the lesion, turn about: from then on paused, given again, paused ...
INTERRUPTED: Final = "interrupted"  # by toxicity, in the same way
REDUCED: Final = "reduced"  # by toxicity: hours of changes of dose
STEP: Final = "reduction_step"  # and what each was to: 0 for the planned dose, 1 for the first of the reduced ones


def numbered(regimens: object) -> Iterator[tuple[int, Regimen]]:
    """Regimens of a treatment (``Patient.regimens``), each with its number among those of its drug."""
    seen: Counter[str] = Counter()
    for regimen in cast("Sequence[Regimen]", regimens):
        yield seen[regimen.drug], regimen
        seen[regimen.drug] += 1


def name_of(what: str, number: int, regimen: Regimen) -> str:
    """The beginning of the names of levels that say something of a regimen."""
    return f"{what}_{number}_{regimen.drug}"


def decided(levels: Mapping[str, float], what: str, number: int, regimen: Regimen) -> list[float]:
    """All that has been decided of one kind, in the order of time."""
    stem = name_of(what, number, regimen)
    out: list[float] = []
    for nth in count(1):
        if (name := f"{stem}_{nth}") not in levels:
            return out
        out.append(levels[name])
    return out


def decide(levels: MutableMapping[str, float], what: str, number: int, regimen: Regimen, value: float) -> None:
    """Add a decision."""
    nth = len(decided(levels, what, number, regimen)) + 1
    levels[f"{name_of(what, number, regimen)}_{nth}"] = value


def holds(levels: Mapping[str, float], what: str, number: int, regimen: Regimen) -> bool:
    """Whether a regimen is paused or interrupted now."""
    return len(decided(levels, what, number, regimen)) % 2 == 1


def step_of(levels: Mapping[str, float], number: int, regimen: Regimen) -> int:
    """By how many steps the dose is reduced now."""
    return int((decided(levels, STEP, number, regimen) or [0.0])[-1])


def in_force(regimen: Regimen, number: int, levels: Mapping[str, float]) -> Regimen | None:
    """A regimen as it is after what has been decided; None while it waits for a progression.

    Parameters
    ----------
    number : int
        Of the regimen, as ``numbered`` has it.
    levels : mapping of str to float
        ``Patient.levels``.
    """
    start = 0.0
    if regimen.after is not None:
        if PROGRESSION.format(regimen.after) not in levels:
            return None
        start = levels[PROGRESSION.format(regimen.after)]
    end = regimen.end + start
    if regimen.until is not None:
        end = min(end, levels.get(PROGRESSION.format(regimen.until), math.inf))
    pauses, ceilings = _pauses(regimen, number, levels), _ceilings(regimen, number, levels)
    if start == 0.0 and end == regimen.end and not pauses and not ceilings:
        return regimen
    return replace(
        regimen,
        start=regimen.start + start,
        end=end,
        delays=tuple((at + start, by) for at, by in regimen.delays),
        changes=tuple((at + start, dose) for at, dose in regimen.changes),
        pauses=pauses,
        ceilings=ceilings,
    )


def _pauses(regimen: Regimen, number: int, levels: Mapping[str, float]) -> tuple[tuple[float, float], ...]:
    """Hours between which nothing is given; the last may have no end yet. Only what the regimen still asks for."""
    kinds = [PAUSED] if regimen.pause_below is not None else []
    kinds += [INTERRUPTED] if regimen.toxicity is not None else []
    out: list[tuple[float, float]] = []
    for kind in kinds:
        hours = [*decided(levels, kind, number, regimen), math.inf]
        out += zip(hours[::2], hours[1::2], strict=False)
    return tuple(out)


def _ceilings(regimen: Regimen, number: int, levels: Mapping[str, float]) -> tuple[tuple[float, float], ...]:
    """Doses that are not exceeded from some hours on. A branch may have fewer steps: its last is the lowest."""
    if regimen.toxicity is None or not regimen.toxicity.doses:
        return ()
    doses = (math.inf, *regimen.toxicity.doses)
    steps = decided(levels, STEP, number, regimen)
    hours = decided(levels, REDUCED, number, regimen)
    return tuple((at, doses[min(int(step), len(doses) - 1)]) for at, step in zip(hours, steps, strict=True))
