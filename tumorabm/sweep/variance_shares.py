"""Sobol indices: which share of the output's variance each factor has, luck taken out.

The estimators are SALib's (first order after Saltelli 2010, total after Jansen) on means over replicates. Luck adds to
such means a variance that no factor has: it widens the total variance, and makes every total index larger than it is.
Both are corrected by what the replicates say of it, so the shares are those of the expected output.

One thing is not: where all points share their seeds and a seed responds to a factor in its own way, the mean over a few
seeds has an effect that the expected output has not. Total shares are corrected for it through the differences of
replicates, shares by itself (first order) are not; they are too large then. More replicates make it small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tumorabm.errors import InputError
from tumorabm.sweep.intervals import bounds, luck_of_difference, luck_variance, resampled


@dataclass(frozen=True)
class Share:
    """What a factor has of the variance of the expected output, each with its bootstrap interval.

    Attributes
    ----------
    factor : str
    first, first_low, first_high : float
        Share by itself (S1).
    total, total_low, total_high : float
        Share with everything that it takes part in (ST).
    """

    factor: str
    first: float
    first_low: float
    first_high: float
    total: float
    total_low: float
    total_high: float


@dataclass(frozen=True)
class Shares:
    """All factors, largest total share first, and what luck does.

    Attributes
    ----------
    factors : list of Share
    variance : float
        Of the expected output over the factors' ranges, in the square of its unit.
    luck : float
        Variance of one run by luck.
    luck_share : float
        Share of luck in the variance of single runs.
    luck_share_of_means : float
        The same of means over replicates, which is what was corrected for.
    samples, missing : int
        Rows of the design that were there, and those left out because a run failed or its statistic has no value.
    """

    factors: list[Share]
    variance: float
    luck: float
    luck_share: float
    luck_share_of_means: float
    samples: int
    missing: int


def shares(
    labels: Sequence[str], values: np.ndarray, samples: int, *, second_order: bool = False, shared: bool = True
) -> Shares:
    """Evaluate a Sobol design.

    Parameters
    ----------
    labels : sequence of str
        Of the factors.
    values : ndarray, shape (points, replicates)
        The output in the order of the design (SALib's: A, AB_1 ... AB_k, then BA_1 ... BA_k if it is for second
        order, B), NaN where there is none.
    samples : int
        Rows of the design.
    second_order : bool
        Whether the design has the points for second order.
    shared : bool
        Whether replicate i has the same seed at every point.

    Raises
    ------
    InputError
        If the points are no such design, or nearly all rows lack a value.
    """
    count = len(labels)
    width = 2 * count + 2 if second_order else count + 2
    if len(values) != samples * width:
        raise InputError(
            f"{len(values)} points are no Sobol design of {samples} samples and {count} factors, "
            f"expected {samples * width}"
        )
    table = values.reshape(samples, width, -1)
    used = table[:, [0, *range(1, count + 1), width - 1]]
    whole = np.isfinite(used).all(axis=(1, 2))
    used = used[whole]
    rows = len(used)
    if rows < 2:
        raise InputError(f"of {samples} rows of the Sobol design only {rows} have all values, too few to evaluate")
    a, ab, b = used[:, 0], used[:, 1:-1], used[:, -1]
    replicates = used.shape[2]
    luck = luck_variance(np.concatenate([a, b]), shared)
    luck = (luck[:rows] + luck[rows:]) / 2.0  # by row
    of_difference = luck_of_difference(ab, a[:, np.newaxis])
    if replicates < 2:  # without replicates luck is not known, and taken to be none
        luck, of_difference = np.zeros(rows), np.zeros((rows, count))
    mean_a, mean_ab, mean_b = a.mean(axis=1), ab.mean(axis=2), b.mean(axis=1)
    mean_a, mean_ab, mean_b = (part - table[whole].mean() for part in (mean_a, mean_ab, mean_b))  # as SALib does
    first = mean_b[:, np.newaxis] * (mean_ab - mean_a[:, np.newaxis])
    total = 0.5 * ((mean_ab - mean_a[:, np.newaxis]) ** 2 - of_difference)
    middle, square = (mean_a + mean_b) / 2.0, (mean_a**2 + mean_b**2) / 2.0

    def evaluated(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and total shares by weights of the rows, shape (resamples, factors)."""
        spread = weights @ square - (weights @ middle) ** 2 - weights @ luck / replicates
        spread = np.where(spread > 0.0, spread, np.nan)[:, np.newaxis]
        return weights @ first / spread, weights @ total / spread

    (s1,), (st,) = evaluated(np.full((1, rows), 1.0 / rows))
    resampled_first, resampled_total = evaluated(resampled(rows))
    low1, high1 = bounds(resampled_first, rows)
    low_t, high_t = bounds(resampled_total, rows)
    found = [
        Share(label, *map(float, (s1[k], low1[k], high1[k], st[k], low_t[k], high_t[k])))
        for k, label in enumerate(labels)
    ]
    of_means, of_run = float(square.mean() - middle.mean() ** 2), float(luck.mean())
    variance = max(of_means - of_run / replicates, 0.0)
    return Shares(
        factors=sorted(found, key=lambda share: -np.nan_to_num(share.total, nan=-1.0)),
        variance=variance,
        luck=of_run if replicates > 1 else float("nan"),
        luck_share=_share(of_run, variance + of_run) if replicates > 1 else float("nan"),
        luck_share_of_means=_share(of_run / replicates, of_means) if replicates > 1 else float("nan"),
        samples=rows,
        missing=samples - rows,
    )


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0.0 else float("nan")
