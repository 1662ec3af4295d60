"""Zip: the first value of every factor together, then the second of every factor, and so on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from tumorabm.config.quantity import Fault
from tumorabm.sweep.designs.design import OfLevels
from tumorabm.sweep.factors import Factor, Point


class Zip(OfLevels):
    """Factors side by side, all with the same number of values."""

    method: Literal["zip"] = "zip"

    def count(self, factors: Sequence[Factor]) -> int:
        return len(factors[0].levels) if factors else 0

    def points(self, factors: Sequence[Factor]) -> Iterator[Point]:
        return zip(*(factor.levels for factor in factors), strict=True)

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        yield from super().faults(factors)
        if not factors:
            yield Fault(("design",), "zip needs factors")
        lengths = {factor.label: len(factor.levels) for factor in factors if factor.levels}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{label} has {length}" for label, length in lengths.items())
            yield Fault(("design",), f"zip needs as many values of every factor: {told}")
