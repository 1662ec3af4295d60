"""Morris screening: what each factor does on average over its range, and whether that is more than luck.

An elementary effect is the change of the output over a step of one factor, scaled to the factor's whole range. Where a
run has luck, mu* (the mean of absolute effects) is above 0 for a factor that does nothing: the floor says how far.

Where all points share their seeds, a seed may respond to a factor in its own way. That part is the same on all
trajectories, so their number does not average it out; only more seeds do. The floor is never below what it explains.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tumorabm.errors import InputError
from tumorabm.sweep.intervals import bootstrap_mean, luck_of_difference

_FLOOR_LEVEL: Final = 0.95
_DRAWS: Final = 20_000
_SAME: Final = 1e-12

MATTERS: Final = "matters"
UNCLEAR: Final = "unclear"
LUCK: Final = "as luck"


@dataclass(frozen=True)
class Screened:
    """A factor after Morris screening; all numbers but counts are in the unit of the output, over the whole range.

    Attributes
    ----------
    factor : str
    mu_star, low, high : float
        Mean absolute effect and its bootstrap interval over trajectories.
    mu : float
        Mean effect with its sign; near 0 beside a large mu* means that the direction depends on the other factors.
    sigma : float
        Standard deviation of effects over trajectories without the part that is luck: interactions and curvature.
    luck : float
        Standard deviation that luck gives to one effect, replicates averaged.
    floor : float
        What mu* of a factor without any effect stays below in 95 of 100 screenings, given that luck and, with shared
        seeds, how much the mean effect differs from seed to seed.
    effects, missing : int
        Effects that were there, and those left out because a run failed or its statistic has no value.
    verdict : str
        ``MATTERS``: the whole interval lies above the floor; ``UNCLEAR``: mu* does, but not all of its interval.
    """

    factor: str
    mu_star: float
    low: float
    high: float
    mu: float
    sigma: float
    luck: float
    floor: float
    effects: int
    missing: int

    @property
    def verdict(self) -> str:
        if not self.mu_star > self.floor:
            return LUCK if self.effects else "unknown"
        return MATTERS if self.low > self.floor else UNCLEAR


def screen(
    labels: Sequence[str],
    points: Sequence[Sequence[Any]],
    values: np.ndarray,
    trajectories: int,
    levels: int,
    *,
    shared: bool = True,
) -> list[Screened]:
    """Evaluate a Morris design.

    Parameters
    ----------
    labels : sequence of str
        Of the factors.
    points : sequence of sequences, shape (trajectories * (factors + 1), factors)
        Values of the factors at each point, in the order of the design.
    values : ndarray, shape (points, replicates)
        The output, NaN where there is none.
    trajectories, levels : int
        Of the design.
    shared : bool
        Whether replicate i has the same seed at every point.

    Returns
    -------
    list of Screened
        Largest mu* first.

    Raises
    ------
    InputError
        If the points are no Morris design of these numbers.
    """
    count = len(labels)
    if len(points) != trajectories * (count + 1) or len(values) != len(points):
        raise InputError(
            f"{len(points)} points are no Morris design of {trajectories} trajectories and {count} factors, "
            f"expected {trajectories * (count + 1)}"
        )
    delta = levels / (2.0 * (levels - 1.0))
    effects = np.full((trajectories, count, values.shape[1]), np.nan)  # by seed
    luck = np.full((trajectories, count), np.nan)
    for trajectory in range(trajectories):
        first = trajectory * (count + 1)
        for index, factor, sign in _steps(points[first : first + count + 1], trajectory):
            before, after = values[first + index], values[first + index + 1]
            there = np.isfinite(before) & np.isfinite(after)
            # With some replicates missing the rest would be a sample of another kind: where a threshold is passed.
            if there.all():
                effects[trajectory, factor] = sign * (after - before) / delta
                luck[trajectory, factor] = luck_of_difference(after, before) / delta**2
    rows = [_screened(label, effects[:, k], luck[:, k], shared) for k, label in enumerate(labels)]
    return sorted(rows, key=lambda row: -np.nan_to_num(row.mu_star, nan=-1.0))


def _steps(points: Sequence[Sequence[Any]], trajectory: int) -> list[tuple[int, int, float]]:
    """Steps of a trajectory as (number, factor, sign of its change).

    Each factor changes once. A step may leave its value as it is (a choice of few words): no effect then.
    """
    count = len(points) - 1
    steps, still = [], []
    for index in range(count):
        changed = [k for k in range(count) if _differ(points[index][k], points[index + 1][k])]
        if len(changed) > 1:
            raise InputError(
                f"trajectory {trajectory}: {len(changed)} factors change at once, this is no Morris design"
            )
        if not changed:
            still.append(index)
            continue
        before, after = points[index][changed[0]], points[index + 1][changed[0]]
        falls = isinstance(before, int | float) and isinstance(after, int | float) and after < before
        steps.append((index, changed[0], -1.0 if falls else 1.0))
    left = sorted(set(range(count)) - {factor for _, factor, _ in steps})
    if len(left) != len(still):
        raise InputError(f"trajectory {trajectory}: a factor changes twice, this is no Morris design")
    return steps + [(index, factor, 1.0) for index, factor in zip(still, left, strict=True)]


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) > _SAME * max(abs(one), abs(other))
    return bool(one != other)


def _screened(label: str, effects: np.ndarray, luck: np.ndarray, shared: bool) -> Screened:
    """A factor by its effects, shape (trajectories, replicates), and the luck in their means over replicates."""
    there = np.isfinite(effects).all(axis=1)
    n, replicates = int(there.sum()), effects.shape[1]
    if not n:
        nothing = float("nan")
        return Screened(label, *(nothing,) * 7, effects=0, missing=len(effects))
    seen = effects[there].mean(axis=1)
    noise = float(np.mean(luck[there]))
    floor = float(np.sqrt(noise)) * _floor(n, n * (replicates - 1))
    if shared and replicates > 1:
        floor = max(floor, _floor_of_seeds(effects[there].mean(axis=0)))
    low, high = bootstrap_mean(np.abs(seen))
    spread = float(np.var(seen, ddof=1)) if n > 1 else float("nan")
    return Screened(
        factor=label,
        mu_star=float(np.mean(np.abs(seen))),
        low=low,
        high=high,
        mu=float(np.mean(seen)),
        sigma=float(np.sqrt(max(spread - noise, 0.0))) if np.isfinite(noise) else float(np.sqrt(spread)),
        luck=float(np.sqrt(noise)),
        floor=floor,
        effects=n,
        missing=len(effects) - n,
    )


def _floor_of_seeds(effects: np.ndarray) -> float:
    """What |mean| of effects by seed, shape (replicates,), stays below if the expected one is 0 but seeds differ."""
    from scipy import stats

    count = effects.size
    quantile = stats.t.ppf(0.5 + _FLOOR_LEVEL / 2.0, count - 1)
    return float(quantile * np.std(effects, ddof=1) / np.sqrt(count))


@functools.cache
def _floor(effects: int, freedom: int) -> float:
    """What mu* of pure luck stays below, in the standard deviation of one effect as the replicates tell it.

    The distribution of the mean of ``effects`` values |N(0, 1)| over the root of a chi-squared of ``freedom`` degrees,
    drawn: the standard deviation is known from few replicates only, which counts as much as mu* itself.
    """
    if freedom < 1:
        return float("nan")
    rng = np.random.default_rng(0)
    mean = np.zeros(_DRAWS)
    for _ in range(effects):
        mean += np.abs(rng.standard_normal(_DRAWS)) / effects
    return float(np.quantile(mean / np.sqrt(rng.chisquare(freedom, _DRAWS) / freedom), _FLOOR_LEVEL))
