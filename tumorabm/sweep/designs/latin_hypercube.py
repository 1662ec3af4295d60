"""Latin hypercube: as many slices of each factor as points, and one point in each slice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tumorabm.config.quantity import Fault
from tumorabm.errors import nearest
from tumorabm.sweep.designs.design import Sampling
from tumorabm.sweep.factors import Factor, Point

if TYPE_CHECKING:
    import numpy as np


class LatinHypercube(Sampling):
    """A sample that covers each factor evenly; at each of its points every value of the factors that are crossed."""

    method: Literal["latin_hypercube"] = "latin_hypercube"
    samples: int = Field(description="Number of points", ge=1)
    crossed: list[str] = Field(
        default_factory=list, description="Factors that are not sampled: each sample is run with all of their values"
    )

    def _sampled(self, factors: Sequence[Factor]) -> list[Factor]:
        return [factor for factor in factors if factor.label not in self.crossed]

    def count(self, factors: Sequence[Factor]) -> int:
        return self.samples * math.prod(len(factor.levels) for factor in factors if factor.label in self.crossed)

    def sample(self, factors: int) -> np.ndarray:
        from scipy.stats import qmc

        return qmc.LatinHypercube(factors, seed=self.seed).random(self.samples)

    def points(self, factors: Sequence[Factor]) -> Iterator[Point]:
        for sampled in super().points(self._sampled(factors)):
            rest = iter(sampled)
            choices = [factor.levels if factor.label in self.crossed else (next(rest),) for factor in factors]
            yield from itertools.product(*choices)

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        yield from super().faults(self._sampled(factors))
        by_label = {factor.label: factor for factor in factors}
        for index, label in enumerate(self.crossed):
            if label not in by_label:
                yield Fault(("design", "crossed", index), f"no such factor{nearest(label, by_label)}")
            elif not by_label[label].levels:
                yield Fault(("factors", label), "needs 'values', or a 'range' with 'levels', to be crossed", True)
