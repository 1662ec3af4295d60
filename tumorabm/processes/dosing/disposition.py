"""Disposition of a drug: a linear system of compartments, advanced exactly.

A dose enters a depot (by mouth, under the skin) after a lag, or the central compartment, at once or at a constant rate
over the time of an infusion.

depot -> central <-> peripheral -> eliminated, and of what is eliminated (and, by first pass, of what is absorbed) a
fraction becomes an active metabolite with compartments of its own. A drug is data: what it lacks (a depot, a
peripheral compartment, a metabolite) is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

NANOMOLES_PER_MILLIMOLE: Final = 1e6
# Scaling and squaring: a Taylor series of this many terms is exact to rounding for matrices of at most this norm.
_TAYLOR_NORM: Final = 0.5
_TAYLOR_TERMS: Final = 18


@dataclass(frozen=True)
class Compound:
    """What circulates.

    Parameters
    ----------
    name : str
        Name under which others read its concentration.
    molar_mass : float
        Molar mass (g/mol) of the form that the dose or the assay is stated in.
    fraction_unbound : float
        Unbound fraction in plasma.
    clearance, central_volume : float
        Apparent clearance (L/h) and central volume (L). Of the parent: per dose, CL/F and V/F, first pass included.
        Of a metabolite: per amount formed.
    intercompartmental_clearance, peripheral_volume : float
        Of the exchange with a peripheral compartment (L/h, L); one compartment if the volume is 0.
    """

    name: str
    molar_mass: float
    fraction_unbound: float
    clearance: float
    central_volume: float
    intercompartmental_clearance: float = 0.0
    peripheral_volume: float = 0.0

    def __post_init__(self) -> None:
        if min(self.molar_mass, self.clearance, self.central_volume) <= 0.0:
            raise ValueError(f"{self.name}: molar mass, clearance and central volume must be above 0")
        if not 0.0 <= self.fraction_unbound <= 1.0:
            raise ValueError(f"{self.name}: the unbound fraction must lie in 0..1")
        if min(self.intercompartmental_clearance, self.peripheral_volume) < 0.0:
            raise ValueError(f"{self.name}: peripheral volume and exchange must not be negative")
        if (self.intercompartmental_clearance > 0.0) != (self.peripheral_volume > 0.0):
            raise ValueError(f"{self.name}: a peripheral compartment needs both its volume and its exchange")


@dataclass(frozen=True)
class Metabolite:
    """An active metabolite and where it comes from.

    Parameters
    ----------
    compound : Compound
        What it is.
    formation_fraction : float
        Molar fraction of the parent's systemic elimination that forms it.
    presystemic_fraction : float
        Molar fraction of the absorbed drug that reaches the circulation as this metabolite instead of as parent.
    """

    compound: Compound
    formation_fraction: float
    presystemic_fraction: float = 0.0


@dataclass(frozen=True)
class Transfer:
    """A first-order flow out of a compartment: its rate (1/h) times the amount there.

    ``origin`` and ``destination`` are account and entry of the ledger; what leaves the body has no destination.
    """

    compartment: int
    rate: float
    origin: tuple[str, str]
    destination: tuple[str, str] | None = None


@dataclass(frozen=True)
class DrugModel:
    """A drug, its metabolites and their compartments.

    Parameters
    ----------
    name : str
        Name of the drug in regimens and catalog.
    parent : Compound
        The drug itself.
    metabolites : tuple of Metabolite
        Active metabolites.
    absorption_rate : float, optional
        First-order absorption (1/h) of an oral dose; without it, a dose enters the central compartment.
    lag : float
        Hours between a dose and the begin of its absorption.
    infusion_time : float
        Hours over which a dose runs into the central compartment; 0 for all at once.
    excreted_share : float, optional
        Share of the parent's systemic elimination that leaves the body as it is, in urine or bile; what forms no active
        metabolite either is metabolized to what does not act. Without it the ledger does not tell the two apart.

    Attributes
    ----------
    compartments : tuple of str
        Names of the compartments, the order of the amounts.
    rates : ndarray of float64, shape (compartments, compartments)
        d(amounts)/dt = rates @ amounts (1/h).
    concentrations : ndarray of float64, shape (compounds, compartments)
        Plasma concentration of each compound (nM, bound included) per amount (nmol).
    transfers : tuple of Transfer
        All flows that the ledger books.

    Notes
    -----
    Only apparent quantities are known for an oral drug, so what is never absorbed is no part of the model, and an
    amount of parent in the body is the amount per bioavailability. The share that becomes metabolite on first pass is
    in the model: the parent's own volume is then (1 - presystemic fraction) V/F, which keeps AUC = dose / (CL/F).
    """

    name: str
    parent: Compound
    metabolites: tuple[Metabolite, ...] = ()
    absorption_rate: float | None = None
    lag: float = 0.0
    infusion_time: float = 0.0
    excreted_share: float | None = None
    compartments: tuple[str, ...] = field(init=False)
    rates: np.ndarray = field(init=False, repr=False, compare=False)
    concentrations: np.ndarray = field(init=False, repr=False, compare=False)
    transfers: tuple[Transfer, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        presystemic = sum(metabolite.presystemic_fraction for metabolite in self.metabolites)
        formed = sum(metabolite.formation_fraction for metabolite in self.metabolites)
        fractions = [m.presystemic_fraction for m in self.metabolites]
        fractions += [m.formation_fraction for m in self.metabolites]
        if any(fraction < 0.0 for fraction in fractions) or presystemic >= 1.0 or formed > 1.0:
            raise ValueError(f"{self.name}: fractions that form metabolites must be 0..1 together")
        if self.absorption_rate is not None and not 0.0 < self.absorption_rate < math.inf:
            raise ValueError(f"{self.name}: the absorption rate must be above 0")
        if not (0.0 <= self.lag < math.inf and 0.0 <= self.infusion_time < math.inf):
            raise ValueError(f"{self.name}: lag and infusion time must not be negative")
        if self.absorption_rate is not None and self.infusion_time > 0.0:
            raise ValueError(f"{self.name}: what is infused is not absorbed; it has one of the two")
        if self.absorption_rate is None and presystemic > 0.0:
            raise ValueError(f"{self.name}: presystemic metabolism needs an absorption rate")
        if self.excreted_share is not None and not 0.0 <= self.excreted_share <= 1.0 - formed:
            raise ValueError(f"{self.name}: what is excreted and what forms metabolites must be 0..1 together")
        layout = _Layout(self, presystemic)
        for name in ("compartments", "rates", "concentrations", "transfers"):
            object.__setattr__(self, name, getattr(layout, name))

    @property
    def compounds(self) -> tuple[Compound, ...]:
        """Parent first, then the metabolites: the rows of ``concentrations``."""
        return (self.parent, *(metabolite.compound for metabolite in self.metabolites))

    @property
    def entry(self) -> tuple[str, str]:
        """Account and entry of the ledger that a dose is booked under."""
        return (_depot(self.name) if self.absorption_rate is not None else _body(self.parent.name), "dosed")

    def amount(self, dose: float) -> float:
        """A dose (mg) as an amount (nmol)."""
        return dose / self.parent.molar_mass * NANOMOLES_PER_MILLIMOLE


class _Layout:
    """Compartments, rates and flows of a drug while they are put together."""

    def __init__(self, drug: DrugModel, presystemic: float) -> None:
        names = ["depot"] if drug.absorption_rate is not None else []
        for compound in drug.compounds:
            names.append(f"{compound.name}_central")
            if compound.peripheral_volume > 0.0:
                names.append(f"{compound.name}_peripheral")
        self.compartments = tuple(names)
        self._at = {name: index for index, name in enumerate(names)}
        self.rates = np.zeros((len(names), len(names)))
        self.concentrations = np.zeros((len(drug.compounds), len(names)))
        flows: list[Transfer] = []
        # The parent's volumes are stated per dose; its share of the dose scales them (see DrugModel's notes).
        for row, (compound, share) in enumerate(
            zip(drug.compounds, [1.0 - presystemic] + [1.0] * len(drug.metabolites), strict=True)
        ):
            self._exchange(compound)
            self.concentrations[row, self._at[f"{compound.name}_central"]] = 1.0 / (share * compound.central_volume)
        if drug.absorption_rate is not None:
            absorbed = (1.0 - presystemic) * drug.absorption_rate
            flows.append(self._flow("depot", drug.parent, absorbed, (_depot(drug.name), "absorbed"), "absorbed"))
            for metabolite in drug.metabolites:
                if metabolite.presystemic_fraction > 0.0:
                    rate = metabolite.presystemic_fraction * drug.absorption_rate
                    origin = (_depot(drug.name), f"presystemic_{metabolite.compound.name}")
                    flows.append(self._flow("depot", metabolite.compound, rate, origin, "formed_presystemic"))
        account = _body(drug.parent.name)
        central = f"{drug.parent.name}_central"
        elimination_rate = drug.parent.clearance / drug.parent.central_volume
        unchanged = 1.0
        for metabolite in drug.metabolites:
            rate = metabolite.formation_fraction * elimination_rate
            unchanged -= metabolite.formation_fraction
            origin = (account, f"metabolized_{metabolite.compound.name}")
            flows.append(self._flow(central, metabolite.compound, rate, origin, "formed"))
            own_rate = metabolite.compound.clearance / metabolite.compound.central_volume
            own = (_body(metabolite.compound.name), "eliminated")
            flows.append(self._flow(f"{metabolite.compound.name}_central", None, own_rate, own))
        rest = {"eliminated": max(unchanged, 0.0)}
        if drug.excreted_share is not None:
            rest = {"excreted": drug.excreted_share, "metabolized": max(unchanged - drug.excreted_share, 0.0)}
        flows += [self._flow(central, None, share * elimination_rate, (account, name)) for name, share in rest.items()]
        self.transfers = tuple(flows)

    def _flow(
        self, start: str, into: Compound | None, rate: float, origin: tuple[str, str], entry: str = ""
    ) -> Transfer:
        """Enter a flow into the rates: from a compartment into a compound's central one, or out of the body."""
        self.rates[self._at[start], self._at[start]] -= rate
        if into is not None:
            self.rates[self._at[f"{into.name}_central"], self._at[start]] += rate
        return Transfer(self._at[start], rate, origin, (_body(into.name), entry) if into is not None else None)

    def _exchange(self, compound: Compound) -> None:
        """Enter the exchange between the central and the peripheral compartment of a compound."""
        if compound.peripheral_volume > 0.0:
            central, peripheral = self._at[f"{compound.name}_central"], self._at[f"{compound.name}_peripheral"]
            outward = compound.intercompartmental_clearance / compound.central_volume
            inward = compound.intercompartmental_clearance / compound.peripheral_volume
            self.rates[central, central] -= outward
            self.rates[peripheral, central] += outward
            self.rates[peripheral, peripheral] -= inward
            self.rates[central, peripheral] += inward


def propagator(rates: np.ndarray, hours: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact solution of a linear system over an interval, with or without a constant input.

    Parameters
    ----------
    rates : ndarray of float64, shape (n, n)
        d(amounts)/dt = rates @ amounts + input (1/h), off the diagonal not negative.
    hours : float
        Length of the interval (h), not negative.

    Returns
    -------
    advance : ndarray of float64, shape (n, n)
        exp(rates hours): amounts at the end per amount at the start.
    integral : ndarray of float64, shape (n, n)
        Integral of exp(rates s) over s in 0..hours (h): time integral of the amounts per amount at the start, and
        amounts at the end per constant input.
    twice : ndarray of float64, shape (n, n)
        Integral of that over the interval (h²): time integral of the amounts per constant input.

    Notes
    -----
    All come from the exponential of one block matrix (Van Loan 1978). The diagonal is shifted so that only numbers >= 0
    are added and multiplied: nothing cancels, every entry has full relative precision and none can be negative.
    """
    size = rates.shape[0]
    block = np.zeros((3 * size, 3 * size))
    block[:size, :size] = rates * hours
    block[: 2 * size, size:] += np.eye(2 * size)
    shift = -min(float(np.diag(block).min()), 0.0)
    block += shift * np.eye(3 * size)
    norm = float(np.abs(block).sum(axis=1).max())
    halvings = max(0, math.ceil(math.log2(norm / _TAYLOR_NORM)))
    block /= 2.0**halvings
    term = np.eye(3 * size)
    exponential = term.copy()
    for order in range(1, _TAYLOR_TERMS + 1):
        term = term @ block / order
        exponential += term
    exponential *= math.exp(-shift / 2.0**halvings)
    for _ in range(halvings):
        exponential = exponential @ exponential
    advance, integral, twice = (exponential[:size, k * size : (k + 1) * size] for k in range(3))
    return advance, integral * hours, twice * hours**2


def _depot(drug: str) -> str:
    return f"{drug}_depot"


def _body(compound: str) -> str:
    return f"{compound}_body"
