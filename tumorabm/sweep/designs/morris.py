"""Morris' trajectories for screening: one factor after another takes a step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from tumorabm.config.quantity import Fault
from tumorabm.sweep.designs.design import Sampling
from tumorabm.sweep.designs.unit_cube import unit_cube
from tumorabm.sweep.factors import Factor

if TYPE_CHECKING:
    import numpy as np


class Morris(Sampling):
    """Trajectories through a grid of levels: trajectories × (factors + 1) points."""

    method: Literal["morris"] = "morris"
    trajectories: int = Field(10, description="Number of trajectories", ge=2)
    levels: int = Field(4, description="Levels of each factor, an even number", ge=2)

    to_the_ends: ClassVar[bool] = True

    def count(self, factors: Sequence[Factor]) -> int:
        return self.trajectories * (len(factors) + 1)

    def sample(self, factors: int) -> np.ndarray:
        from SALib.sample import morris

        return morris.sample(unit_cube(factors), self.trajectories, num_levels=self.levels, seed=self.seed)

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        yield from super().faults(factors)
        if self.levels % 2:
            message = f"{self.levels} levels are an odd number, with which Morris' steps do not visit all alike"
            yield Fault(("design", "levels"), f"{message}; take {self.levels - 1} or {self.levels + 1}")
