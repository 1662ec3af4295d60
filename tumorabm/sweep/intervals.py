"""Bootstrap intervals that are honest in small samples, and the noise that luck adds to a mean over replicates."""

from __future__ import annotations

from typing import Final

import numpy as np

LEVEL: Final = 0.95
RESAMPLES: Final = 1000
_SEED: Final = 20240229  # intervals of the same data are the same


def resampled(n: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Weights of ``n`` rows in bootstrap samples, shape (resamples, n), each row of sum 1; the same at every call."""
    return np.random.default_rng(_SEED).multinomial(n, np.full(n, 1.0 / n), size=resamples) / n


def expanded_quantiles(n: int, level: float = LEVEL) -> tuple[float, float]:
    """Which quantiles of a bootstrap of ``n`` rows bound an interval of the level.

    A percentile interval is too short by sqrt((n - 1) / n), and by taking the normal for Student's distribution; both
    are made good by taking quantiles further out (Hesterberg 2015). For eight rows that is a third in length.
    """
    from scipy import stats

    if n < 2:
        return 0.0, 1.0
    tail = float(stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1.0 - level) / 2.0, n - 1)))
    return tail, 1.0 - tail


def bounds(samples: np.ndarray, n: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bound from bootstrap values along the first axis, those of ``n`` rows; NaN are left out."""
    low, high = expanded_quantiles(n, level)
    if np.isnan(samples).all():
        nothing = np.full(samples.shape[1:], np.nan)
        return nothing, nothing
    return np.nanquantile(samples, low, axis=0), np.nanquantile(samples, high, axis=0)


def bootstrap_mean(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Interval of the mean of values, shape (n,)."""
    if values.size < 2:
        return float("nan"), float("nan")
    low, high = bounds(resampled(values.size) @ values, values.size, level)
    return float(low), float(high)


def luck_variance(values: np.ndarray, shared: bool) -> np.ndarray:
    """Variance of single runs by luck at each point.

    Parameters
    ----------
    values : ndarray, shape (points, replicates)
        All finite.
    shared : bool
        Whether replicate i has the same seed at every point. What a seed does to all points alike then adds nothing to
        the variance between points, so it is taken out first (two-way layout: points and seeds).

    Returns
    -------
    ndarray, shape (points,)
        NaN if there is but one replicate.
    """
    points, replicates = values.shape
    if replicates < 2:
        return np.full(points, np.nan)
    rest = values - values.mean(axis=1, keepdims=True)
    freedom = replicates - 1.0
    if shared and points > 1:
        rest = rest - rest.mean(axis=0, keepdims=True)
        freedom *= (points - 1.0) / points
    return np.asarray((rest**2).sum(axis=1) / freedom)


def luck_of_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Variance that luck gives to the difference of two points' means, replicate by replicate.

    Parameters
    ----------
    one, other : ndarray, shape (..., replicates)
        With shared seeds the pairs are what they are; with independent ones any pairing is as good.
    """
    replicates = one.shape[-1]
    if replicates < 2:
        return np.full(one.shape[:-1], np.nan)
    return np.asarray(np.var(one - other, axis=-1, ddof=1) / replicates)


def paired_t(differences: np.ndarray, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean of paired differences with its interval by Student's t, shape (n,)."""
    from scipy import stats

    n = differences.size
    mean = float(np.mean(differences))
    if n < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.5 + level / 2.0, n - 1) * np.std(differences, ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def luck_of_runs(values: np.ndarray, shared: bool) -> tuple[float, float]:
    """Standard deviation of single runs by luck, and its share of their variance over all points.

    Parameters
    ----------
    values : ndarray, shape (points, replicates)
        Points with missing values are left out.
    shared : bool
        Whether replicate i has the same seed at every point.
    """
    whole = values[np.isfinite(values).all(axis=1)]
    if len(whole) < 2 or whole.shape[1] < 2:
        return float("nan"), float("nan")
    luck = float(luck_variance(whole, shared).mean())
    between = max(float(whole.mean(axis=1).var(ddof=1)) - luck / whole.shape[1], 0.0)
    return float(np.sqrt(luck)), luck / (luck + between) if luck + between > 0.0 else float("nan")
