"""Latin hypercube: as many slices of each factor as points, and one point in each slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tumorabm.sweep.designs.design import Sampling
from tumorabm.sweep.factors import Factor

if TYPE_CHECKING:
    import numpy as np


class LatinHypercube(Sampling):
    """A sample that covers each factor evenly."""

    method: Literal["latin_hypercube"] = "latin_hypercube"
    samples: int = Field(description="Number of points", ge=1)

    def count(self, factors: Sequence[Factor]) -> int:
        return self.samples

    def sample(self, factors: int) -> np.ndarray:
        from scipy.stats import qmc

        return qmc.LatinHypercube(factors, seed=self.seed).random(self.samples)
