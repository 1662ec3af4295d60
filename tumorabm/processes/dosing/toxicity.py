"""Toxicity: what a patient feels of drugs, remembered by class.

Each drug of the treatment has a class (the fact ``toxicity_class``), and drugs of a class burden the same organs. With
x the unbound concentration in plasma of a class's drugs and their active metabolites, each relative to its mean at the
usual dose (``usual_exposure``), and summed, injury a and burden b follow

    da/dt = (x − a)/τ_on,    db/dt = (a − b)/τ_recovery

so that toxicity is slow to come and slow to go, and what one drug of a class leaves the next one finds. Organs have
reserve: little of a burden is felt while it is small. The class's toxicity is w bⁿ, w being that of the usual dose
given for ever, relative to inhibitors of VEGFR's kinase; total toxicity is the sum over classes. So one burden twice as
large is worse than two of different organs.

Exact whatever the time step: a and b are two compartments more behind the drug's own (``course``). Constant exposures
of an experiment are those of a medium, and burden nobody. Weights, times and n are assumed (``toxicities/``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from tumorabm.processes.dosing.course import Course, pieces_of
from tumorabm.processes.dosing.disposition import DrugModel
from tumorabm.processes.dosing.pharmacokinetics import drug_model
from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.tissue import Tissue

CLASS_FACT: Final = "toxicity_class"
TOTAL: Final = "total_toxicity"
OF_CLASS: Final = "{}_toxicity"
_INJURY: Final = "toxicity_injury_{}"
_BURDEN: Final = "toxicity_burden_{}"
_USUAL: Final = "usual_exposure"


@dataclass(frozen=True)
class ToxicityClass:
    """Drugs that burden the same organs.

    Attributes
    ----------
    name : str
        In the catalog.
    weight : float
        Toxicity of the usual dose given for ever, relative to inhibitors of VEGFR's kinase.
    onset_time, recovery_time : float
        Of injury to follow exposure, and of the burden to follow injury (h).
    steepness : float
        Exponent of the burden.
    """

    name: str
    weight: float
    onset_time: float
    recovery_time: float
    steepness: float

    @property
    def rates(self) -> np.ndarray:
        """d(injury, burden)/dt = rates @ (injury, burden) without exposure (1/h), shape (2, 2)."""
        on, recovery = 1.0 / self.onset_time, 1.0 / self.recovery_time
        return np.array([[-on, 0.0], [recovery, -recovery]])

    def behind(self, drug: DrugModel, usual: float) -> np.ndarray:
        """Rates of a drug's compartments with injury and burden by it behind them (1/h).

        Parameters
        ----------
        usual : float
            Mean unbound concentration at the usual dose (nM).
        """
        n = len(drug.rates)
        unbound = np.array([compound.fraction_unbound for compound in drug.compounds]) @ drug.concentrations
        out = np.zeros((n + 2, n + 2))
        out[:n, :n], out[n:, n:] = drug.rates, self.rates
        out[n, :n] = unbound / (usual * self.onset_time)
        return out


class Toxicity(Process):
    """Injury, burden and toxicity of each class of the treatment's drugs.

    Parameters
    ----------
    classes : sequence of ToxicityClass
    drugs : sequence of (DrugModel, str, float)
        Drug, name of its class, and its mean unbound concentration at the usual dose (nM).
    """

    name = "toxicity"
    phase = Phase.PATIENT
    kind = Kind.EVOLVING
    reads = ("patient",)
    writes = ("patient/levels",)

    def __init__(
        self, classes: Sequence[ToxicityClass] = (), drugs: Sequence[tuple[DrugModel, str, float]] = ()
    ) -> None:
        super().__init__({})
        self.classes = tuple(classes)
        by_name = {item.name: item for item in self.classes}
        self.drugs = [(drug, name, by_name[name].behind(drug, usual)) for drug, name, usual in drugs]
        self._course = Course()

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process for those of the treatment's drugs whose class and usual exposure the catalog has."""
        drugs = [
            (
                drug_model(catalog, drug, choice.sets),
                name,
                catalog.get(f"drugs.{drug}.{_USUAL}", "nM", choice.sets),
            )
            for drug, name in toxicity_classes(catalog, choice.drugs).items()
        ]
        names = sorted({name for _, name, _ in drugs})
        return cls([toxicity_class(catalog, name, choice.sets) for name in names], drugs)

    def prepare(self, tissue: Tissue) -> None:
        levels = tissue.patient.levels
        for item in self.classes:
            for name in (_INJURY, _BURDEN, OF_CLASS):
                levels.setdefault(name.format(item.name), 0.0)
        if self.classes:
            levels.setdefault(TOTAL, 0.0)

    def step(self, tissue: Tissue, dt: float) -> None:
        """Advance by ``dt`` hours, beside the plasma, which is at the begin of the step."""
        if dt <= 0.0 or not self.classes:
            return
        patient, levels = tissue.patient, tissue.patient.levels
        added = self._added(patient, tissue.hours, dt)
        total = 0.0
        for item in self.classes:
            names = _INJURY.format(item.name), _BURDEN.format(item.name)
            advance = self._course.over(names[1], item.rates, dt)[0]
            state = advance @ np.array([levels[name] for name in names]) + added[item.name]
            levels.update(zip(names, state.tolist(), strict=True))
            levels[OF_CLASS.format(item.name)] = toxicity = item.weight * float(state[1]) ** item.steepness
            total += toxicity
        levels[TOTAL] = total

    def _added(self, patient: Patient, hours: float, dt: float) -> dict[str, np.ndarray]:
        """Injury and burden at the end of the step that come of exposure within it, by class."""
        added = {item.name: np.zeros(2) for item in self.classes}
        for drug, name, rates in self.drugs:
            start = np.concatenate([patient.amounts[drug.name], np.zeros(2)])
            pieces = pieces_of(patient, drug, hours, dt)
            added[name] += self._course.through(drug.name, rates, start, pieces)[0][-2:]
        return added


def toxicity_classes(catalog: Values, drugs: Sequence[str]) -> dict[str, str]:
    """Class of each of some drugs that has one and is known well enough to burden a patient, by drug."""
    paths, out = set(catalog.paths()), {}
    for drug in dict.fromkeys(drugs):
        name = catalog.noun("drugs", drug).facts.get(CLASS_FACT)
        if name is not None and f"drugs.{drug}.{_USUAL}" in paths:
            out[drug] = str(name)
    return out


def toxicity_class(catalog: Values, name: str, sets: Mapping[str, str]) -> ToxicityClass:
    """A class as the catalog has it."""
    units = {"weight": "1", "onset_time": "h", "recovery_time": "h", "steepness": "1"}
    return ToxicityClass(
        name, **{key: catalog.get(f"toxicities.{name}.{key}", unit, sets) for key, unit in units.items()}
    )


def toxicity_limits(catalog: Values, name: str, sets: Mapping[str, str]) -> dict[str, float]:
    """Toxicity at which doses of drugs of a class are usually reduced, interrupted and given again."""
    return {
        key: catalog.get(f"toxicities.{name}.{key}", "1", sets)
        for key in ("reduce_above", "interrupt_above", "resume_below")
    }


def known_classes(patient: Patient) -> list[str]:
    """Classes that a patient's drugs belong to."""
    begin = _BURDEN.format("")
    return sorted(name.removeprefix(begin) for name in patient.levels if name.startswith(begin))
