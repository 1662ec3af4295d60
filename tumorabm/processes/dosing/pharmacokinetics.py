"""Plasma concentrations: doses at their exact times, disposition exact between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final

import numpy as np

from tumorabm.errors import InputError
from tumorabm.processes.dosing.course import Course, Piece, pieces_of
from tumorabm.processes.dosing.disposition import Compound, DrugModel, Metabolite
from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.tissue.tissue import Tissue

FEMTOMOLES_PER_NANOMOLE: Final = 1e6

# What the catalog says of a compound, with the unit in which it is read; of a metabolite with its name behind.
_COMPOUND: Final = {
    "molar_mass": "g/mol",
    "fraction_unbound": "1",
    "pk_clearance": "L/h",
    "pk_central_volume": "L",
}
_PERIPHERAL: Final = {"pk_intercompartmental_clearance": "L/h", "pk_peripheral_volume": "L"}
_FORMATION: Final = {"pk_formation_fraction": "1", "pk_presystemic_fraction": "1"}
_FORMED: Final = "pk_formation_fraction_"
EXCRETED: Final = "pk_excreted_share"
_OPTIONAL: Final = {"pk_absorption_rate": "1/h", "pk_lag_time": "h", "pk_infusion_time": "h", EXCRETED: "1"}


class Pharmacokinetics(Process):
    """Plasma concentrations of all scheduled drugs and their active metabolites.

    Doses enter at their exact times, also inside a step, and infusions run at a constant rate; between these times the
    compartments are advanced by the matrix exponential, so the result does not depend on the time step.

    Parameters
    ----------
    drugs : sequence of DrugModel
        One for each drug that a regimen names; ``drug_model`` reads them from the catalog.

    Notes
    -----
    Writes ``patient.amounts``, ``total``, ``total_mean``, ``unbound``, ``unbound_mean`` and the accounts
    ``<drug>_depot`` and ``<compound>_body`` of the ledger (fmol). The sum of an account is what is there. The tissue
    block takes so small a part of it that plasma is not lowered by it: that is in the account of its field.
    """

    name: ClassVar[str] = "pharmacokinetics"
    phase: ClassVar[Phase] = Phase.PATIENT
    kind: ClassVar[Kind] = Kind.EVOLVING
    reads: ClassVar[tuple[str, ...]] = ("patient",)
    writes: ClassVar[tuple[str, ...]] = ("patient", "ledger")

    def __init__(self, drugs: Sequence[DrugModel] = ()) -> None:
        super().__init__({})
        compounds = [compound.name for drug in drugs for compound in drug.compounds]
        if len(set(compounds)) < len(compounds):
            raise ValueError("pharmacokinetics: two drugs share a compound; concentrations would be ambiguous")
        self.drugs = tuple(drugs)
        self._course = Course()

    @classmethod
    def from_catalog(
        cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None
    ) -> Pharmacokinetics:
        """The process for the drugs of the treatment, each once."""
        return cls([drug_model(catalog, drug, choice.sets) for drug in dict.fromkeys(choice.drugs)])

    def prepare(self, tissue: Tissue) -> None:
        """Give the patient compartments for every drug.

        Raises
        ------
        ValueError
            If a drug that is prescribed, or that is still in the body after a change of treatment, has no model here,
            or if amounts in a checkpoint have other compartments.
        """
        patient = tissue.patient
        known = {drug.name for drug in self.drugs}
        for name in (regimen.drug for regimen in patient.regimens):
            if name not in known:
                raise ValueError(f"pharmacokinetics: {name} is prescribed but has no model")
        for name, amounts in patient.amounts.items():
            # Without its model the drug of an earlier treatment would stay in the body for ever.
            if name not in known and amounts.any():
                raise ValueError(f"pharmacokinetics: {name} is in the body but has no model")
        for drug in self.drugs:
            size = len(drug.compartments)
            amounts = patient.amounts.setdefault(drug.name, np.zeros(size))
            if amounts.shape != (size,):
                raise ValueError(f"pharmacokinetics: {drug.name} has {size} compartments, state has {amounts.shape}")
            for compound in drug.compounds:
                patient.molar_mass[compound.name] = compound.molar_mass
                for values in (patient.total, patient.total_mean, patient.unbound, patient.unbound_mean):
                    values.setdefault(compound.name, 0.0)

    def step(self, tissue: Tissue, dt: float) -> None:
        """Advance all drugs by ``dt`` hours, doses within the step included."""
        if dt <= 0.0:
            return
        for drug in self.drugs:
            self._advance(tissue, drug, pieces_of(tissue.patient, drug, tissue.hours, dt), dt)

    def _advance(self, tissue: Tissue, drug: DrugModel, pieces: list[Piece], dt: float) -> None:
        """Advance one drug over a step and book what flowed."""
        patient, book = tissue.patient, tissue.ledger.book
        amounts, integral, entered = self._course.through(drug.name, drug.rates, patient.amounts[drug.name], pieces)
        for amount in entered:
            book(*drug.entry, amount * FEMTOMOLES_PER_NANOMOLE)
        patient.amounts[drug.name] = amounts
        totals, means = (drug.concentrations @ amounts).tolist(), (drug.concentrations @ integral / dt).tolist()
        for compound, total, mean in zip(drug.compounds, totals, means, strict=True):
            patient.total[compound.name] = total
            patient.total_mean[compound.name] = mean
            patient.unbound[compound.name] = compound.fraction_unbound * total
            patient.unbound_mean[compound.name] = compound.fraction_unbound * mean
        spent = integral.tolist()
        if any(spent):
            for transfer in drug.transfers:
                flow = transfer.rate * spent[transfer.compartment] * FEMTOMOLES_PER_NANOMOLE
                book(*transfer.origin, -flow)
                if transfer.destination is not None:
                    book(*transfer.destination, flow)


def drug_entries(catalog: Values, drug: str) -> dict[str, str]:
    """The entries of the catalog that describe a drug's disposition, with the unit in which they are read.

    Parameters
    ----------
    catalog : Values
        Where to look.
    drug : str
        Name of the drug.

    Returns
    -------
    dict of str to str
        Unit by path. A peripheral compartment, an absorption rate (none: intravenous), a lag, the time of an infusion,
        what is excreted and metabolites are read only where the catalog has them; a metabolite ``m`` is one with an
        entry ``pk_formation_fraction_m``.
    """
    stem = f"drugs.{drug}."
    present = {path[len(stem) :] for path in catalog.paths() if path.startswith(stem)}
    if not any(name.startswith("pk_") for name in present):
        return {}
    wanted: dict[str, str] = {}
    for suffix in ["", *(f"_{name}" for name in _metabolites(present))]:
        wanted |= {f"{key}{suffix}": unit for key, unit in {**_COMPOUND, **(_FORMATION if suffix else {})}.items()}
        if any(f"{key}{suffix}" in present for key in _PERIPHERAL):
            wanted |= {f"{key}{suffix}": unit for key, unit in _PERIPHERAL.items()}
    wanted |= {key: unit for key, unit in _OPTIONAL.items() if key in present}
    return {stem + key: unit for key, unit in wanted.items()}


def drug_model(catalog: Values, drug: str, sets: Mapping[str, str]) -> DrugModel:
    """A drug as the catalog describes it.

    Parameters
    ----------
    catalog : Values
        Where the values are.
    drug : str
        Name of the drug.
    sets : mapping of str to str
        The chosen sets, passed on to the catalog.

    Returns
    -------
    DrugModel
        Parent, metabolites and compartments.

    Raises
    ------
    InputError
        If the catalog says nothing of its disposition.
    """
    stem = f"drugs.{drug}."
    values = {path[len(stem) :]: catalog.get(path, unit, sets) for path, unit in drug_entries(catalog, drug).items()}
    if not values:
        raise InputError(f"the catalog has no pharmacokinetics of {drug!r}")

    def compound(name: str, suffix: str) -> Compound:
        keys = (key for key in (*_COMPOUND, *_PERIPHERAL) if key + suffix in values)
        return Compound(name, **{key.removeprefix("pk_"): values[key + suffix] for key in keys})

    metabolites = tuple(
        Metabolite(
            compound(name, f"_{name}"), **{key.removeprefix("pk_"): values[f"{key}_{name}"] for key in _FORMATION}
        )
        for name in _metabolites(values)
    )
    absorption, lag, infusion, excreted = (values.get(key) for key in _OPTIONAL)
    return DrugModel(drug, compound(drug, ""), metabolites, absorption, lag or 0.0, infusion or 0.0, excreted)


def _metabolites(keys: Iterable[str]) -> list[str]:
    """Names of the metabolites that keys of the catalog speak of, sorted."""
    return sorted(key.removeprefix(_FORMED) for key in keys if key.startswith(_FORMED))
