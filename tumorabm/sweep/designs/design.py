"""What every design can do: say what it needs of factors, and give its points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tumorabm.config.blocks import Block
from tumorabm.config.quantity import Fault
from tumorabm.sweep.factors import Factor, Point

if TYPE_CHECKING:
    import numpy as np


class Design(Block):
    """A design: settings of its own, checked with the factors, and points.

    Attributes
    ----------
    method : str
        Its name in a sweep file.
    """

    method: str

    def count(self, factors: Sequence[Factor]) -> int:
        """Number of points, known before they are made."""
        raise NotImplementedError

    def points(self, factors: Sequence[Factor]) -> Iterator[Point]:
        """The points, each a level per factor in the order of the factors."""
        raise NotImplementedError

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        """What is wrong with the design for these factors; paths begin at the top of the sweep file."""
        return ()

    def settings(self) -> dict[str, Any]:
        """The design as the sweep file has it, with its defaults."""
        return self.model_dump()


class OfLevels(Design):
    """A design whose factors need a number of values each."""

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        for factor in factors:
            if factor.distribution is not None:
                message = f"a {self.method} needs 'values', or a 'range' with 'levels'"
                yield Fault(("factors", factor.label), message, True)
            elif not factor.levels:
                yield Fault(("factors", factor.label), "needs 'values', or a 'range' with 'levels'", True)


class Sampling(Design):
    """A design whose points are samples of the factors' distributions."""

    seed: int = Field(1, description="Of the sample; it has nothing to do with the seeds of runs", ge=0, lt=2**32)

    # Whether it goes to the very ends of every factor.
    to_the_ends: ClassVar[bool] = False

    def sample(self, factors: int) -> np.ndarray:
        """Points in the unit cube, shape (points, factors); the same for the same settings."""
        raise NotImplementedError

    def points(self, factors: Sequence[Factor]) -> Iterator[Point]:
        for row in self.sample(len(factors)).tolist():
            yield tuple(factor.at(share) for factor, share in zip(factors, row, strict=True))

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        if not factors:
            yield Fault(("design",), f"{self.method} needs factors to sample")
        for factor in factors:
            if factor.distribution is None and not factor.levels:
                message = "needs 'values', a 'range' or a 'distribution' to sample from"
                yield Fault(("factors", factor.label), message, True)
            elif factor.distribution is not None and self.to_the_ends and not factor.distribution.bounded:
                where = ("factors", factor.label, "distribution", factor.distribution.kind)
                yield Fault(where, f"{self.method} goes to the ends of every factor; give 'low' and 'high'")
