"""Factors: what a sweep varies, as its file has it and as designs use it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tumorabm import units
from tumorabm.config import Experiment
from tumorabm.config.quantity import Fault, Wrong, read_number
from tumorabm.sweep.distributions import Distribution
from tumorabm.sweep.factor_blocks import DistributionBlock, FactorBlock, NormalBlock
from tumorabm.sweep.targets import Target, target_of
from tumorabm.yaml import Steps

# Computed numbers are written with this many digits.
_DIGITS: Final = 10
_UNIFORM: Final = {"linear": "uniform", "log": "log_uniform"}


@dataclass(frozen=True)
class Level:
    """One value of a factor.

    Attributes
    ----------
    value : float, int, bool or str
        What the table has: a number in the factor's unit, or a word.
    setting : object
        What the experiment gets.
    place : tuple
        Where it stands in the sweep file; empty if it was computed.
    """

    value: Any
    setting: Any
    place: Steps = ()

    def told(self, unit: str) -> str:
        """In words, for messages and tables."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        shown = f"{self.value:.6g}" if isinstance(self.value, int | float) else str(self.value)
        return f"{shown} {unit}" if unit not in ("", units.DIMENSIONLESS) else shown


Point = tuple[Level, ...]


@dataclass(frozen=True)
class Factor:
    """What a design varies.

    Attributes
    ----------
    label : str
    paths : tuple of str
    unit : str
        Of its values; "1" for numbers without a dimension, empty for words.
    levels : tuple of Level
        Its values, if it has them.
    distribution : Distribution or None
        What it is sampled from, if it is not from its levels.
    targets : tuple of Target
    """

    label: str
    paths: tuple[str, ...]
    unit: str
    targets: tuple[Target, ...]
    levels: tuple[Level, ...] = ()
    distribution: Distribution | None = None

    def at(self, share: float) -> Level:
        """The value at a share of its distribution, each of its levels being as likely."""
        if self.distribution is None:
            return self.levels[min(math.floor(share * len(self.levels)), len(self.levels) - 1)]
        return self.computed(self.distribution.quantile(share))

    def computed(self, number: float) -> Level:
        """A computed number as a level, rounded to a legible number of digits."""
        if all(target.whole for target in self.targets):
            return Level(round(number), round(number))
        value = float(f"{number:.{_DIGITS}g}")
        plain = self.unit in ("", units.DIMENSIONLESS)
        return Level(value, value if plain else f"{value:.{_DIGITS}g} {self.unit}")

    def read(self, given: Any, place: Steps, word: str | None = None) -> Level:
        """A level as a sweep file has it.

        Raises
        ------
        Wrong
            If it does not fit the paths.
        """
        if word is None and (given is None or isinstance(given, list | dict)):
            raise Wrong(
                f"{'null' if given is None else given!r} is no number or word, which the table needs; "
                "give values by words, for example 'values: {without: ...}'"
            )
        # Same message for several paths: once.
        faults = dict.fromkeys(message for target in self.targets for message in target.check(given))
        if faults and given is not None:
            raise Wrong([Fault((), message) for message in faults])
        if word is not None:
            return Level(word, given, place)
        if self.unit and not isinstance(given, bool) and (not isinstance(given, str) or _unit_in(given) is not None):
            return Level(read_number(given, self.unit), given, place)
        if self.unit:
            raise Wrong(f"expected a quantity in {self.unit} as the other values, got {given!r}")
        return Level(given, given, place)


def factor_of(
    label: str, block: FactorBlock, experiment: Experiment, base: Mapping[str, Any], elsewhere: Sequence[Any] = ()
) -> Factor:
    """A factor of a sweep file for an experiment, whose content is ``base``.

    ``elsewhere`` are values of it that stand in the design.

    Raises
    ------
    Wrong
        With all that is wrong, at paths below the factor.
    """
    faults: list[Fault] = []
    targets = []
    names = block.paths or [block.path or ""]
    for index, path in enumerate(names):
        try:
            targets.append(target_of(path, experiment, base))
        except Wrong as error:
            where: Steps = ("paths", index) if block.paths else ("path",)
            faults += [fault._replace(path=where) for fault in error.faults]
    kinds = {units.dimension(target.unit) if target.unit else "" for target in targets}
    if len(kinds) > 1:
        told = ", ".join(f"{target.path} ({target.unit or 'no number'})" for target in targets)
        faults.append(Fault(("paths",), f"these take different things: {told}"))
    if faults:
        raise Wrong(faults)
    unit = _unit_of(block, targets, elsewhere)
    factor = Factor(label, tuple(names), unit, tuple(targets))
    if block.values is not None:
        return replace(factor, levels=_levels(factor, block.values, ("values",)))
    if block.range is not None:
        return _ranged(factor, block)
    return _distributed(factor, block.distribution) if block.distribution is not None else factor


def _given(block: FactorBlock) -> list[Any]:
    """All values that a factor's block names."""
    found = block.values
    if block.range is not None:
        found = block.range
    elif block.distribution is not None:
        said = block.distribution
        normal = [said.normal.mean, said.normal.sd] if said.normal is not None else None
        found = said.uniform or said.log_uniform or normal or said.choice
    return list(found) if isinstance(found, list) else []


def _unit_of(block: FactorBlock, targets: Sequence[Target], elsewhere: Sequence[Any]) -> str:
    """The unit of a factor: that of its first value, else that of its path; none for words and values by words."""
    by_words = isinstance(block.values, dict) or (block.distribution and isinstance(block.distribution.choice, dict))
    if by_words:
        return ""
    unit = targets[0].unit
    given = _given(block) or list(elsewhere)
    if unit is None:
        # A setting that takes numbers and words alike: then all its values decide.
        if given and all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
            return units.DIMENSIONLESS
        found = [_unit_in(value) for value in given]
        return (found[0] or "") if found and all(found) else ""
    first = _unit_in(given[0]) if given else None
    if first and first != units.DIMENSIONLESS and units.dimension(first) == units.dimension(unit):
        return first
    return unit


def _unit_in(given: Any) -> str | None:
    """The unit that a text ends in, None if it is no quantity."""
    if not isinstance(given, str):
        return None
    try:
        return units.split_quantity(given)[1]
    except units.UnitError:
        return None


def _levels(factor: Factor, values: list[Any] | dict[str, Any], where: Steps) -> tuple[Level, ...]:
    faults: list[Fault] = []
    levels: list[Level] = []
    by_words = isinstance(values, dict)
    for key, given in values.items() if isinstance(values, dict) else enumerate(values):
        try:
            level = factor.read(given, ("factors", factor.label, *where, key), str(key) if by_words else None)
        except Wrong as error:
            faults += [fault._replace(path=(*where, key, *fault.path)) for fault in error.faults]
            continue
        if any(level.setting == other.setting for other in levels):
            faults.append(Fault((*where, key), f"{given!r} is named twice"))
        levels.append(level)
    if faults:
        raise Wrong(faults)
    return tuple(levels)


def _numbers(factor: Factor, given: Sequence[tuple[Steps, Any]], checked: bool = True) -> Iterator[float]:
    """Quantities of a range or distribution as numbers in the factor's unit.

    Raises
    ------
    Wrong
        With all that is wrong with them.
    """
    if not factor.unit:
        raise Wrong([Fault(given[0][0][:1], f"needs numbers, but {factor.paths[0]} takes others; give 'values'")])
    numbers, faults = [], []
    for place, value in given:
        try:
            numbers.append(float(read_number(value, factor.unit)))
            if checked:
                factor.read(value, place)
        except Wrong as error:
            faults += [fault._replace(path=place) for fault in error.faults]
    if faults:
        raise Wrong(faults)
    yield from numbers


def _ends(factor: Factor, given: Sequence[Any], where: Steps, logarithmic: bool) -> tuple[float, float]:
    low, high = _numbers(factor, [((*where, index), value) for index, value in enumerate(given)])
    if not low < high:
        raise Wrong([Fault(where, f"{given[0]!r} is not below {given[1]!r}")])
    if logarithmic and low <= 0.0:
        raise Wrong([Fault((*where, 0), f"{given[0]!r} must be above 0 on a logarithmic scale")])
    return low, high


def _whole(factor: Factor) -> bool:
    return all(target.whole for target in factor.targets)


def _ranged(factor: Factor, block: FactorBlock) -> Factor:
    given, logarithmic = block.range or [], block.scale == "log"
    low, high = _ends(factor, given, ("range",), logarithmic)
    if block.levels is None:
        kind = _UNIFORM[block.scale or "linear"]
        return replace(factor, distribution=Distribution(kind, low, high, whole=_whole(factor)))
    numbers = []
    for index in range(block.levels):
        share = index / (block.levels - 1)
        numbers.append(low * (high / low) ** share if logarithmic else low + share * (high - low))
    levels = [factor.computed(number) for number in (low, *numbers[1:-1], high)]
    if _whole(factor) and any(abs(level.value - number) > 1e-9 for level, number in zip(levels, numbers, strict=True)):
        raise Wrong([Fault(("levels",), f"{block.levels} levels from {low:g} to {high:g} are not all whole numbers")])
    return replace(factor, levels=tuple(levels))


def _distributed(factor: Factor, said: DistributionBlock) -> Factor:
    where: Steps = ("distribution",)
    if said.choice is not None:
        return replace(factor, levels=_levels(factor, said.choice, (*where, "choice")))
    if said.normal is not None:
        return replace(factor, distribution=_normal(factor, said.normal, (*where, "normal")))
    kind = "uniform" if said.uniform is not None else "log_uniform"
    given = said.uniform if said.uniform is not None else said.log_uniform
    low, high = _ends(factor, given or [], (*where, kind), kind == "log_uniform")
    return replace(factor, distribution=Distribution(kind, low, high, whole=_whole(factor)))


def _normal(factor: Factor, said: NormalBlock, where: Steps) -> Distribution:
    mean, sd = _numbers(factor, [((*where, "mean"), said.mean), ((*where, "sd"), said.sd)], checked=False)
    if not sd > 0.0:
        raise Wrong([Fault((*where, "sd"), f"{said.sd!r} must be above 0")])
    ends = {}
    for name, pick in (("low", max), ("high", min)):
        own = getattr(said, name)
        if own is not None:
            (ends[name],) = _numbers(factor, [((*where, name), own)])
        else:
            bounds = [getattr(target, name) for target in factor.targets]
            scales = [units.factor(target.unit or factor.unit, factor.unit) for target in factor.targets]
            ends[name] = pick(bound * scale for bound, scale in zip(bounds, scales, strict=True))
    low, high = ends["low"], ends["high"]
    if not low < high:
        raise Wrong([Fault(where, f"its ends {low:g} and {high:g} {factor.unit} leave nothing between them")])
    if not low <= mean <= high:
        raise Wrong(
            [Fault((*where, "mean"), f"{said.mean!r} lies outside its ends, {low:g} and {high:g} {factor.unit}")]
        )
    return Distribution("normal", low, high, mean, sd, whole=_whole(factor))
