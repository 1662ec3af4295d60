"""Full grid: every value of every factor with every other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Literal

from tumorabm.sweep.designs.design import OfLevels
from tumorabm.sweep.factors import Factor, Point


class Grid(OfLevels):
    """Every value of every factor with every other; the last factor changes fastest."""

    method: Literal["grid"] = "grid"

    def count(self, factors: Sequence[Factor]) -> int:
        return math.prod(len(factor.levels) for factor in factors)

    def points(self, factors: Sequence[Factor]) -> Iterator[Point]:
        return itertools.product(*(factor.levels for factor in factors))
