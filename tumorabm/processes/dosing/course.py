"""A step of a drug: which doses enter in it, and the compartments through it, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorabm.processes.dosing.decisions import in_force, numbered
from tumorabm.processes.dosing.disposition import DrugModel, propagator
from tumorabm.processes.dosing.schedule import CLOCK_ROUNDING, dose_events
from tumorabm.tissue.patient import Patient

_LARGEST_CACHE: Final = 256


@dataclass(frozen=True)
class Piece:
    """A part of a step in which nothing begins or ends.

    Attributes
    ----------
    end : float
        Its end, h after the step's start.
    rate : float
        Rate at which infusions run in it (nmol/h).
    dose : float
        Amount that enters at once at its end (nmol).
    """

    end: float
    rate: float
    dose: float


def pieces_of(patient: Patient, drug: DrugModel, hours: float, dt: float) -> list[Piece]:
    """A step cut where doses of a drug enter, infusions begin and end, and where it ends.

    Parameters
    ----------
    hours, dt : float
        Begin of the step (simulated h) and its length (h).
    """
    doses, time = _doses(patient, drug, hours, dt), drug.infusion_time
    if time == 0.0:
        return [*(Piece(min(max(at, 0.0), dt), 0.0, drug.amount(mg)) for at, mg in doses), Piece(dt, 0.0, 0.0)]
    cuts = sorted({dt, *(cut for at, _ in doses for cut in (at, at + time) if 0.0 < cut < dt)})
    begins = [0.0, *cuts[:-1]]
    running = [sum(drug.amount(mg) / time for at, mg in doses if at <= begin < at + time) for begin in begins]
    return [Piece(end, rate, 0.0) for end, rate in zip(cuts, running, strict=True)]


def _doses(patient: Patient, drug: DrugModel, hours: float, dt: float) -> list[tuple[float, float]]:
    """Doses of a drug that enter in the step: (hours after its start, mg), in order of time.

    Those that enter with a lag were given before; an infusion that still runs has begun before the step.
    """
    start = patient.treatment_hours(hours)
    doses = []
    for number, planned in numbered(patient.regimens):
        regimen = in_force(planned, number, patient.levels) if planned.drug == drug.name else None
        if regimen is not None:
            begin = start - drug.lag
            window = (begin - drug.infusion_time - CLOCK_ROUNDING, begin + dt - CLOCK_ROUNDING)
            times, amounts = dose_events(regimen, *window)
            doses += [(at - begin, mg) for at, mg in zip(times.tolist(), amounts.tolist(), strict=True)]
    return sorted(doses)


class Course:
    """Linear systems through a step, with their solutions kept, as most steps and dose intervals repeat."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, float], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def over(self, name: str, rates: np.ndarray, hours: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The exact solution of a system of this name over an interval, see ``propagator``."""
        key = (name, hours)
        if key not in self._known:
            if len(self._known) >= _LARGEST_CACHE:
                self._known.clear()
            self._known[key] = propagator(rates, hours)
        return self._known[key]

    def through(
        self, name: str, rates: np.ndarray, amounts: np.ndarray, pieces: list[Piece]
    ) -> tuple[np.ndarray, np.ndarray, list[float]]:
        """A system through a step; what is given enters its first compartment.

        Returns
        -------
        amounts : ndarray of float64, shape (compartments,)
            At the end of the step.
        integral : ndarray of float64, shape (compartments,)
            Over the step (amount times h).
        entered : list of float
            Amounts that were given, in the order of time.
        """
        integral, entered, now = np.zeros_like(amounts), [], 0.0
        for piece in pieces:
            if piece.end > now and (piece.rate > 0.0 or amounts.any()):
                advance, over, twice = self.over(name, rates, piece.end - now)
                integral += over @ amounts + twice[:, 0] * piece.rate
                amounts = advance @ amounts + over[:, 0] * piece.rate
                if piece.rate > 0.0:
                    entered.append(piece.rate * (piece.end - now))
            now = piece.end
            if piece.dose > 0.0:
                amounts = amounts.copy()
                amounts[0] += piece.dose
                entered.append(piece.dose)
        return amounts, integral, entered
