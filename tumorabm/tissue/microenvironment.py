"""The microenvironment: one concentration field per substrate, and what supplies and removes it in this step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tumorabm.tissue.lattice import Lattice

TERMS: Final = ("source", "loss", "uptake", "holding", "binding", "release")
Solver = Literal["steady", "implicit", "immobile"]
LARGEST_BLOCK: Final = 8  # sites


@dataclass(frozen=True)
class Substrate:
    """What a substrate is.

    Parameters
    ----------
    name, unit, description : str
        Concentration unit: mmHg for oxygen, nM for the rest.
    solver : {"steady", "implicit", "immobile"}
        Steady state at every step, backward Euler, or no diffusion (exact exponential).
    diffusivity : float
        µm²/h.
    decay : float
        1/h, everywhere.
    half_saturation : float
        Michaelis constant of the uptake, in the substrate's unit.
    initial, boundary_value : float
        Concentration at the start, and at faces of fixed value.
    tolerance : float
        Relative residual of a solve, and the relative change of the terms below which a steady field is not solved
        again.
    refresh : float
        Relative change of the terms, and imbalance, below which an implicit field is left as it is (at most
        ``transport.solve.LONGEST_WAIT``); 0 for one that is advanced in every step.
    bound_form_of : str
        Name of the mobile substrate that an immobile one is the bound form of.
    capacity : float
        Total over free substance: a field is the free concentration, its terms and diffusivity are divided by the
        capacity, and the ledger books the total.
    itemized : bool
        Whether the ledger has an entry for each contributor to source and loss; of a field that never waits.
    """

    name: str
    unit: str
    description: str
    solver: Solver
    diffusivity: float
    decay: float
    half_saturation: float = 0.0
    initial: float = 0.0
    boundary_value: float = 0.0
    tolerance: float = 1e-5
    capacity: float = 1.0
    refresh: float = 0.0
    bound_form_of: str = ""
    itemized: bool = False

    def __post_init__(self) -> None:
        if self.itemized and self.refresh > 0.0:
            # While it waits its terms drift, and what it is solved for is nobody's contribution any more.
            raise ValueError(f"{self.name}: what contributes to a field that waits cannot be told apart")


class Field:
    """A substrate's concentration and the terms of its equation in this step.

    ∂(c + h)/∂t = D∇²c − (decay + loss + uptake/(K + c)) c + source. Processes contribute to the terms by name; the
    contributions are kept apart and added in the order of the names. What cells hold, h = holding · c/(K + c), is in
    fast equilibrium with c. An immobile bound form b of the field exchanges with it: c is bound at the rate
    ``binding`` and freed at the rate ``release``, both terms of the bound form's field.

    Attributes
    ----------
    concentration : ndarray, shape (nz, ny, nx)
    held : ndarray or None
        h as of the last solve; None as long as there never was any.
    solved : dict of ndarray
        The terms at the last solve, which tell whether to solve again (part of the state).
    waited : float
        Hours that an implicit field has been left as it is since its last solve.
    imbalance : float
        Of an implicit field at its last solve: how fast it still changed, relative to what passed through it.
    zeros : ndarray
        A term that nothing contributes to, shared by all of them and never written.
    block : int
        Sites along the edge of the blocks over which terms are compared: a quarter of how far the substrate spreads.
    """

    def __init__(self, substrate: Substrate, lattice: Lattice, zeros: np.ndarray | None = None) -> None:
        self.substrate = substrate
        self.concentration = np.full(lattice.shape, substrate.initial)
        self.held: np.ndarray | None = None
        self.zeros = np.zeros(lattice.shape) if zeros is None else zeros
        self.block = _block(substrate, lattice)
        self.solved = {term: np.full(lattice.shape, np.nan) for term in TERMS}
        self.waited, self.imbalance = 0.0, math.inf
        self._contributions: dict[str, dict[str, np.ndarray]] = {term: {} for term in TERMS}
        self._shape = lattice.shape

    def clear_contributions(self) -> None:
        """Forget what contributed (at the start of a step: contributions are no state)."""
        for contributions in self._contributions.values():
            contributions.clear()

    def contribute(self, term: str, name: str, values: np.ndarray) -> None:
        """Set a named contribution to a term: source (unit/h), loss (1/h), uptake (maximal, unit/h), holding (unit).

        To a bound form also binding and release (1/h).
        """
        self._contributions[term][name] = values.reshape(self._shape)

    def contribution(self, term: str, name: str) -> np.ndarray:
        """A contribution of this step."""
        return self._contributions[term][name]

    def contributions(self, term: str) -> Mapping[str, np.ndarray]:
        """All contributions of this step to a term, by name."""
        return self._contributions[term]

    def term(self, term: str) -> np.ndarray:
        """Sum of the contributions to a term, shape (nz, ny, nx); to be read, not written."""
        parts = self._contributions[term]
        if not parts:
            return self.zeros
        first, *others = sorted(parts)
        if not others:
            return parts[first]
        total = parts[first] + parts[others[0]]
        for name in others[1:]:
            total += parts[name]
        return total

    def terms(self) -> dict[str, np.ndarray]:
        """All terms, by name."""
        return {term: self.term(term) if parts else self.zeros for term, parts in self._contributions.items()}

    def remember(self, terms: Mapping[str, np.ndarray]) -> None:
        """Keep the terms that the field has been solved for."""
        for term in TERMS:
            self.solved[term] = terms[term] if terms[term] is self.zeros else terms[term].copy()

    @property
    def compares(self) -> bool:
        """Whether the terms of the last solve decide on the next one: also those of a bound form, with its mobile's."""
        return self.substrate.solver == "steady" or self.may_wait or self.substrate.bound_form_of != ""

    @property
    def may_wait(self) -> bool:
        """Whether the field can be left as it is for some steps."""
        return self.substrate.refresh > 0.0

    def at(self, sites: np.ndarray) -> np.ndarray:
        """Concentration at flat site indices."""
        return self.concentration.reshape(-1)[sites]


def _block(substrate: Substrate, lattice: Lattice) -> int:
    """Sites in a quarter of sqrt(D/k), at most ``LARGEST_BLOCK``; 1 for what does not spread or does not decay."""
    if not (substrate.decay > 0.0 and substrate.diffusivity > 0.0):
        return 1
    spread = math.sqrt(substrate.diffusivity / substrate.decay) / lattice.spacing
    return max(1, min(int(0.25 * spread), LARGEST_BLOCK))


class Microenvironment:
    """All fields, by the substrate's name."""

    def __init__(self, lattice: Lattice, substrates: Iterable[Substrate]) -> None:
        zeros = np.zeros(lattice.shape)
        self.fields = {substrate.name: Field(substrate, lattice, zeros) for substrate in substrates}

    def __getitem__(self, name: str) -> Field:
        return self.fields[name]

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def __iter__(self):
        return iter(self.fields)

    def state(self) -> dict[str, np.ndarray]:
        """Copies of what evolves, by ``<substrate>/<array>``. Terms that were nowhere are left out."""
        out = {}
        for name, field in self.fields.items():
            out[f"{name}/concentration"] = field.concentration.copy()
            if field.held is not None:
                out[f"{name}/held"] = field.held.copy()
            if field.compares:
                kept = {term: array for term, array in field.solved.items() if array is not field.zeros}
                out.update({f"{name}/solved_{term}": array.copy() for term, array in kept.items()})
            if field.may_wait:
                out[f"{name}/waited"] = np.asarray(field.waited)
                out[f"{name}/imbalance"] = np.asarray(field.imbalance)
        return out

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state."""
        for name, field in self.fields.items():
            field.concentration[:] = state[f"{name}/concentration"]
            held = state.get(f"{name}/held")
            field.held = None if held is None else np.array(held)
            if field.compares:
                for term in TERMS:
                    solved = state.get(f"{name}/solved_{term}")
                    field.solved[term] = field.zeros if solved is None else np.array(solved)
            if field.may_wait:
                field.waited = float(state[f"{name}/waited"])
                field.imbalance = float(state[f"{name}/imbalance"])
