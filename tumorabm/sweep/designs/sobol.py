"""Saltelli's sample for Sobol indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tumorabm.config.quantity import Fault
from tumorabm.sweep.designs.design import Sampling
from tumorabm.sweep.designs.unit_cube import unit_cube
from tumorabm.sweep.factors import Factor

if TYPE_CHECKING:
    import numpy as np


class Sobol(Sampling):
    """Samples for Sobol indices: samples × (factors + 2) points, (2 × factors + 2) with those of second order."""

    method: Literal["sobol"] = "sobol"
    samples: int = Field(description="Base sample, a power of two", ge=1)
    second_order: bool = Field(False, description="Whether indices of pairs of factors are wanted")

    def count(self, factors: Sequence[Factor]) -> int:
        return self.samples * (2 + len(factors) * (2 if self.second_order else 1))

    def sample(self, factors: int) -> np.ndarray:
        from SALib.sample import sobol

        return sobol.sample(unit_cube(factors), self.samples, calc_second_order=self.second_order, seed=self.seed)

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        yield from super().faults(factors)
        if self.samples & (self.samples - 1):
            above = 1 << self.samples.bit_length()
            message = f"{self.samples} is no power of two, which Sobol's sequence needs; take {above // 2} or {above}"
            yield Fault(("design", "samples"), message)
