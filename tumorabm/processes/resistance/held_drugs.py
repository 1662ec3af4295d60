"""Which drugs tumor cells hold, and what the catalog says of that.

A drug enters cells if its file has ``extracellular_share``, the share x of the drug in tissue that lies outside cells.
The rest, (1 − x) R per unbound drug with R its ``tissue_total_over_unbound``, is what a parental cell holds at rest
without pumps and exocytosis: B in cytosol and S/(1 + k_x/k_ex) in lysosomes. The share in lysosomes is the drug's
``lysosomal_share`` where that was measured. For other lysosomotropic drugs it follows from ion trapping,

    S/(1 + k_x/k_ex) / B = I(pKa) v f,    I(pKa) = (1 + 10^(pKa − pH_l)) / (1 + 10^(pKa − pH_c)),

with the share v of a cell's volume that is lysosomes, and f, binding in lysosomes relative to that in cytosol. Drugs
that are not lysosomotropic have S = 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorabm.errors import InputError, Problem
from tumorabm.processes.process import Choice, Values
from tumorabm.processes.transport.drug import EXTRACELLULAR, INTRACELLULAR, field_capacity
from tumorabm.tissue.cells import Column
from tumorabm.tissue.tissue import Tissue

PUMPS: Final = ("abcb1", "abcc1", "abcg2")
EXPRESSION: Final = "_expression"
INDUCING: Final = "lysosomal_induction_half"  # entry of a lysosomotropic drug
CAPACITY = Column("lysosomal_capacity", "1", "binding capacity of lysosomes relative to a parental cell", "f8", 1.0)
PH_RISE = Column("lysosomal_ph_rise", "1", "by how much drugs have raised the pH of the lysosomes", "f8", 0.0)


@dataclass(frozen=True)
class HeldDrug:
    """A drug that tumor cells hold.

    Attributes
    ----------
    name : str
    cytosolic : float
        B, drug in cytosol over what is free there.
    lysosomal : float
        S, capacity of a parental cell's lysosomes on the same scale, at rest with a cytosol that loses nothing.
    pka : float
        Of its base; NaN for a drug that is not lysosomotropic.
    inducing : float
        Free cytosolic concentration that induces capacity of lysosomes at half of the full rate, nM; infinite for a
        drug that is not lysosomotropic.
    pumped : tuple of bool
        Whether each of ``PUMPS`` carries it.
    beside : float
        What host tissue and debris hold, relative to what the field itself does: (1 − x)/x.
    """

    name: str
    cytosolic: float
    lysosomal: float
    pka: float
    inducing: float
    pumped: tuple[bool, ...]
    beside: float


@dataclass(frozen=True)
class Passage:
    """How drugs pass through tumor cells.

    Attributes
    ----------
    uptake : float
        k_u/B, 1/h.
    exchange, exocytosis, metabolism : float
        k_ex, k_x and k_m, 1/h.
    ph, cytosolic_ph : float
        Of parental lysosomes and of cytosol.
    basal : tuple of float
        Expression of each pump in a cell without alterations.
    efflux : tuple of float
        Of each pump at expression 1 and little drug, relative to k_u.
    half : tuple of float
        Km, free cytosolic drug at which each pump is half as fast, nM.
    """

    uptake: float
    exchange: float
    exocytosis: float
    metabolism: float
    ph: float
    cytosolic_ph: float
    basal: tuple[float, ...]
    efflux: tuple[float, ...]
    half: tuple[float, ...]


def held_names(catalog: Values, choice: Choice) -> tuple[str, ...]:
    """Drugs of the treatment and at constant exposure that tumor cells hold, in the order of their names."""
    if INTRACELLULAR not in choice.mechanisms:
        return ()
    paths = set(catalog.paths())
    drugs = sorted({*choice.drugs, *choice.exposure})
    return tuple(name for name in drugs if f"drugs.{name}.{EXTRACELLULAR}" in paths)


def drug_columns(names: Iterable[str] = ()) -> tuple[Column, Column, Column]:
    """Columns with what a cell holds of each drug in cytosol and lysosomes, and what of it is free in cytosol.

    Without names of drugs their declarations only.

    A cell that divides halves what it holds. Amounts are per volume of a site, so what is free in a daughter is half of
    what it was in its mother until uptake has made up for it, within hours.
    """
    labels = tuple(names)
    shape = (len(labels),) if labels else ()
    cytosol, lysosome = (
        Column(f"drug_{place}", "nM", f"drug in {place} per volume of a site", "f8", 0.0, "halve", shape, labels)
        for place in ("cytosol", "lysosome")
    )
    free = Column("drug_free", "nM", "free concentration of drug in cytosol", "f8", 0.0, "halve", shape, labels)
    return cytosol, lysosome, free


CYTOSOL, LYSOSOME, FREE = drug_columns()


def passage_of(catalog: Values, sets: Mapping[str, str]) -> Passage:
    """How drugs pass through tumor cells, as the catalog has it.

    Raises
    ------
    InputError
        If a time or half-saturation is 0.
    """
    cell = "cell_types.tumor."

    def positive(name: str, unit: str) -> float:
        value = catalog.get(f"{cell}{name}", unit, sets)
        if not value > 0.0:
            raise InputError([Problem("must lie above 0", f"{cell}{name}")])
        return value

    return Passage(
        uptake=1.0 / positive("drug_uptake_time", "h"),
        exchange=positive("lysosomal_exchange_rate", "1/h"),
        exocytosis=catalog.get(f"{cell}lysosomal_exocytosis_rate", "1/h", sets),
        metabolism=catalog.get(f"{cell}drug_metabolism_rate", "1/h", sets),
        ph=catalog.get(f"{cell}lysosomal_ph", "1", sets),
        cytosolic_ph=catalog.get(f"{cell}cytosolic_ph", "1", sets),
        basal=tuple(catalog.get(f"{cell}{pump}{EXPRESSION}", "1", sets) for pump in PUMPS),
        efflux=tuple(catalog.get(f"{cell}{pump}_efflux", "1", sets) for pump in PUMPS),
        half=tuple(positive(f"{pump}_half_saturation", "nM") for pump in PUMPS),
    )


def held_drugs(catalog: Values, choice: Choice) -> tuple[HeldDrug, ...]:
    """What the catalog says of the drugs that tumor cells hold."""
    names = held_names(catalog, choice)
    return tuple(_held(catalog, name, choice.sets, passage_of(catalog, choice.sets)) for name in names)


def ion_trapping(pka: float, ph: float, cytosolic_ph: float) -> float:
    """I, concentration of a base in lysosomes over that in cytosol if only its neutral form passes between them."""
    return (1.0 + 10.0 ** (pka - ph)) / (1.0 + 10.0 ** (pka - cytosolic_ph))


def _held(catalog: Values, name: str, sets: Mapping[str, str], passage: Passage) -> HeldDrug:
    stem, paths = f"drugs.{name}.", set(catalog.paths())
    facts = catalog.noun("drugs", name).facts
    outside = field_capacity(catalog, name, sets, True)
    inside = catalog.get(f"{stem}tissue_total_over_unbound", "1", sets) - outside
    relative, pka, inducing = 0.0, math.nan, math.inf
    if facts.get("lysosomotropic", False):
        pka = catalog.get(f"{stem}pka", "1", sets)
        inducing = catalog.get(f"{stem}{INDUCING}", "nM", sets)
        if not inducing > 0.0:
            raise InputError([Problem("must lie above 0", f"{stem}{INDUCING}")])
        if f"{stem}lysosomal_share" in paths:
            share = catalog.get(f"{stem}lysosomal_share", "1", sets)
            relative = share / (1.0 - share)
        else:
            cell = "cell_types.tumor."
            relative = ion_trapping(pka, passage.ph, passage.cytosolic_ph)
            relative *= catalog.get(f"{cell}lysosomal_volume", "1", sets)
            relative *= catalog.get(f"{cell}lysosomal_binding", "1", sets)
    cytosolic = inside / (1.0 + relative)
    return HeldDrug(
        name,
        cytosolic,
        cytosolic * relative * (1.0 + passage.exocytosis / passage.exchange),
        pka,
        inducing,
        tuple(bool(facts.get(f"{pump}_substrate", False)) for pump in PUMPS),
        inside / outside,
    )


def expression_of(
    catalog: Values, alterations: Iterable[str], sets: Mapping[str, str], passage: Passage
) -> tuple[float, ...]:
    """Expression of each pump in a cell with some alterations, which multiply it."""
    expression = dict(zip(PUMPS, passage.basal, strict=True))
    for alteration in alterations:
        for pump in PUMPS:
            if f"{pump}{EXPRESSION}" in catalog.noun("alterations", alteration).values:
                expression[pump] *= catalog.get(f"alterations.{alteration}.{pump}{EXPRESSION}", "1", sets)
    return tuple(expression.values())


def outside(tissue: Tissue, compound: str, sites: np.ndarray) -> np.ndarray:
    """Unbound compound at some sites outside cells, nM."""
    found = np.full(sites.size, tissue.patient.exposure.get(compound, 0.0))
    if compound in tissue.microenvironment:
        found += tissue.microenvironment[compound].at(sites)
    return found


def free_in_cells(tissue: Tissue, drugs: Sequence[HeldDrug], compound: str, rows: np.ndarray) -> np.ndarray:
    """Free cytosolic compound in some tumor cells, nM; of one that cells do not hold what is unbound at their sites."""
    for index, drug in enumerate(drugs):
        if drug.name == compound:
            return tissue.cells[CYTOSOL.name][rows, index] / drug.cytosolic
    return outside(tissue, compound, tissue.cells["site"][rows])
