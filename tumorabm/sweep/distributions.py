"""Distributions of factors: from a number between 0 and 1 to a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

# Unbounded tails are cut where designs may ask for 0 or 1 themselves.
_LEAST: Final = 1e-9


@dataclass(frozen=True)
class Distribution:
    """A distribution between two ends.

    Parameters
    ----------
    kind : {"uniform", "log_uniform", "normal"}
    low, high : float
        Ends; infinite ones are for the normal distribution only.
    mean, sd : float
        Of the normal distribution before it is truncated to its ends.
    whole : bool
        Whether values are whole numbers.
    """

    kind: str
    low: float
    high: float
    mean: float = 0.0
    sd: float = 1.0
    whole: bool = False

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def quantile(self, share: float) -> float:
        """The value below which this share of the distribution lies."""
        if self.whole and self.kind == "uniform":
            return self.low + min(math.floor(share * (self.high - self.low + 1)), self.high - self.low)
        value = _QUANTILES[self.kind](self, share)
        return min(max(round(value) if self.whole else value, self.low), self.high)


def _uniform(given: Distribution, share: float) -> float:
    return given.low + share * (given.high - given.low)


def _log_uniform(given: Distribution, share: float) -> float:
    return given.low * (given.high / given.low) ** share


def _normal(given: Distribution, share: float) -> float:
    normal = NormalDist(given.mean, given.sd)
    below, upto = normal.cdf(given.low), normal.cdf(given.high)
    return normal.inv_cdf(min(max(below + share * (upto - below), _LEAST), 1.0 - _LEAST))


_QUANTILES: Final[Mapping[str, Callable[[Distribution, float], float]]] = {
    "uniform": _uniform,
    "log_uniform": _log_uniform,
    "normal": _normal,
}
