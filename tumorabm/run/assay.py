"""Dose-response of what is taken out of a run's tumor, by simulation and from cell counts alone.

Tumor cells in dishes (``explant``), or tissue in naive hosts of which vessels are counted (``graft``), live for some
days at each concentration of a drug, and once without it, with the same luck. Net growth over that time,
g = ln(cells at the end / at the start), is described by

    g(C) = g_all + (g_none − g_all) / (1 + (C/IC50)^h)

with g_none, g_all, IC50 and h fitted by least squares. So IC50 is the concentration of half of what the drug can do to
growth: it depends neither on how fast cells divide nor on how long they are left (Hafner et al. 2016), while the
concentration that halves the number of cells would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np

from tumorabm import units
from tumorabm.errors import InputError
from tumorabm.run.course import steps_in
from tumorabm.step import advance

if TYPE_CHECKING:
    from tumorabm.config import Experiment
    from tumorabm.processes.process import Process
    from tumorabm.tissue.tissue import Tissue

# Below this change of ln(cells), and below three times the noise of a difference of counts, a drug has done nothing
# that counts could show. Dishes of one luck are less noisy, division and death add to it: a rule of thumb.
LEAST_EFFECT: Final = 0.02
# The fit may look for IC50 this far beyond the concentrations that were measured, and for an effect this many times the
# largest that was seen. It is told only where two concentrations lie above it: from one, noise makes a plateau.
_BEYOND: Final = 10.0
_LARGEST_EFFECT: Final = 1.5


class Sample(Protocol):
    """What is taken out of a tumor, and how it is kept and counted."""

    counted: ClassVar[str]

    @property
    def start(self) -> int: ...

    def surroundings(self, exposure: Mapping[str, str], settings: Sequence[str] = ()) -> Experiment: ...

    def placed(self, experiment: Experiment, seed: int, /) -> tuple[Tissue, list[Process]]: ...

    def count(self, tissue: Tissue) -> int: ...


@dataclass(frozen=True)
class Fit:
    """A fitted curve.

    Attributes
    ----------
    ic50 : float or None
        nM; None where the drug does too little for one, or it lies outside of what was measured.
    none, all_of_it : float
        Net growth without the drug and with as much as wanted.
    steepness : float
    why : str
        Why there is no IC50; empty where there is one.
    """

    ic50: float | None
    none: float
    all_of_it: float
    steepness: float
    why: str = ""


@dataclass(frozen=True)
class Assay:
    """What was counted.

    Attributes
    ----------
    drug : str
    concentrations : ndarray, shape (concentrations,)
        Unbound, nM, the first one 0.
    counted : str
        What was.
    start : int
        Number at the start.
    counts : ndarray of int, shape (replicates, concentrations)
        Numbers at the end.
    """

    drug: str
    concentrations: np.ndarray
    counted: str
    start: int
    counts: np.ndarray

    @property
    def growth(self) -> np.ndarray:
        """ln(cells at the end / at the start), shape (replicates, concentrations); of none, of half a cell."""
        return np.log(np.maximum(self.counts, 0.5) / self.start)

    def fit(self) -> Fit:
        """The curve through all replicates."""
        return fitted(self.concentrations, self.growth.mean(axis=0), self.start * len(self.counts))

    def fits(self) -> list[Fit]:
        """A curve through each replicate."""
        return [fitted(self.concentrations, row, self.start) for row in self.growth]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row for each dish, for a table."""
        for replicate, row in enumerate(self.counts.tolist(), 1):
            for concentration, count in zip(self.concentrations.tolist(), row, strict=True):
                yield {
                    "drug": self.drug,
                    "replicate": replicate,
                    "concentration_nM": concentration,
                    "counted": self.counted,
                    "at_start": self.start,
                    "at_end": count,
                }


def carry_out(
    sample: Sample,
    drug: str,
    concentrations: np.ndarray,
    *,
    hours: float,
    replicates: int = 3,
    settings: Sequence[str] = (),
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Assay:
    """Keep a sample at each concentration and count.

    Parameters
    ----------
    sample : Explant or Graft
    drug : str
        Of the catalog.
    concentrations : ndarray
        Unbound, nM, rising, above 0.
    hours : float
        How long it is left, h.
    replicates : int
        How often at each concentration; one luck each, the same at all concentrations.
    settings : sequence of str
        What else differs from the run's experiment.
    told : callable
        Told of progress: how many are done, and of how many.

    Raises
    ------
    InputError
        If this makes no valid experiment.
    """
    doses = np.concatenate(([0.0], concentrations))
    counts = np.zeros((replicates, doses.size), dtype=np.int64)
    for place, dose in enumerate(doses.tolist()):
        surroundings = sample.surroundings({drug: units.as_text(dose, "nM")}, settings)
        steps = steps_in(hours, surroundings.time_step, "--days")
        for replicate in range(replicates):
            # The luck is that of the number: the seed of the run has drawn the cells.
            tissue, processes = sample.placed(surroundings, replicate + 1)
            for _ in range(steps):
                advance(tissue, processes, surroundings.time_step)
            counts[replicate, place] = sample.count(tissue)
            told(place * replicates + replicate + 1, counts.size)
    return Assay(drug, doses, sample.counted, sample.start, counts)


def fitted(concentrations: np.ndarray, growth: np.ndarray, number: int) -> Fit:
    """The curve through growth at rising concentrations, of which the first is 0, from a number of cells at each."""
    from scipy.optimize import least_squares

    doses, none, least = concentrations[1:], float(growth[0]), float(growth.min())
    seen = max(LEAST_EFFECT, 3.0 * np.sqrt(2.0 / number))
    if none - least < seen:
        return Fit(None, none, float(growth[-1]), float("nan"), f"no effect beyond the noise of {number} at each")
    low, high = np.log(doses[[0, -1]])

    def curve(parameters: np.ndarray) -> np.ndarray:
        top, drop, middle, steepness = parameters
        return np.concatenate(([top], top - drop / (1.0 + np.exp(-steepness * (np.log(doses) - middle)))))

    first = int(np.argmax(growth <= none - 0.5 * (none - least)))
    start = np.array([none, none - least, np.log(doses[max(first - 1, 0)]), 1.0])
    reach = np.log(_BEYOND)
    largest = _LARGEST_EFFECT * (none - least)
    bounds = ([none - 1.0, 0.0, low - reach, 0.2], [none + 1.0, largest, high + reach, 8.0])
    found = least_squares(lambda parameters: curve(parameters) - growth, start, bounds=bounds)
    top, drop, middle, steepness = found.x.tolist()
    why = ""
    if drop < seen:
        why = f"no effect beyond the noise of {number} at each"
    elif middle < low:
        why = f"below {doses[0]:.3g} nM, the lowest"
    elif middle > np.log(doses[-2]):
        why = f"above {doses[-2]:.3g} nM, the last but one"
    return Fit(None if why else float(np.exp(middle)), top, top - drop, steepness, why)


def resistance(now: Fit, before: Fit) -> float:
    """ln(IC50 / IC50 before); NaN where one of them is not known."""
    if now.ic50 is None or before.ic50 is None:
        return float("nan")
    return float(np.log(now.ic50 / before.ic50))


def shift(now: Assay, before: Assay) -> tuple[float, float, float]:
    """ln(IC50 / IC50 before) with its 95 % interval.

    The mean over replicates, each with the one of its number, which has the same luck, and Student's t over them: the
    luck of dishes, not that of which cells were drawn, which all of them share. Where a replicate has no IC50 the
    curves through all of them are compared, without an interval (NaN).
    """
    from scipy import stats

    changes = np.array([resistance(*pair) for pair in zip(now.fits(), before.fits(), strict=True)])
    if np.isnan(changes).any():
        return resistance(now.fit(), before.fit()), float("nan"), float("nan")
    mean = float(changes.mean())
    if changes.size < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, changes.size - 1) * stats.sem(changes))
    return mean, mean - half, mean + half


def doses_between(low: float, high: float, points: int) -> np.ndarray:
    """Concentrations evenly spaced on a logarithmic scale.

    Raises
    ------
    InputError
        If they do not rise from above 0, or fewer than four are asked for: the curve has four unknowns.
    """
    if not 0.0 < low < high:
        raise InputError(f"--from, --to: concentrations rise from above 0: got {low:g} to {high:g} nM")
    if points < 4:
        raise InputError(f"a curve takes four concentrations or more, got {points}")
    return np.geomspace(low, high, points)
