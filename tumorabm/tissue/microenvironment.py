"""The microenvironment: one concentration field per substrate, and what supplies and removes it in this step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tumorabm.tissue.lattice import Lattice

TERMS: Final = ("source", "loss", "uptake")
Solver = Literal["steady", "implicit", "immobile"]


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
    capacity : float
        Total over free substance: a field is the free concentration, its terms and diffusivity are divided by the
        capacity, and the ledger books the total.
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


class Field:
    """A substrate's concentration and the terms of its equation in this step.

    ∂c/∂t = D∇²c − (decay + loss + uptake/(K + c)) c + source. Processes contribute to the terms by name; the
    contributions are kept apart and added in the order of the names.

    Attributes
    ----------
    concentration : ndarray, shape (nz, ny, nx)
    solved : dict of ndarray
        The terms at the last solve of a steady field, which tell whether to solve again (part of the state).
    """

    def __init__(self, substrate: Substrate, lattice: Lattice) -> None:
        self.substrate = substrate
        self.concentration = np.full(lattice.shape, substrate.initial)
        self.solved = {term: np.full(lattice.shape, np.nan) for term in TERMS}
        self._contributions: dict[str, dict[str, np.ndarray]] = {term: {} for term in TERMS}
        self._shape = lattice.shape

    def clear_contributions(self) -> None:
        """Forget what contributed (at the start of a step: contributions are no state)."""
        for contributions in self._contributions.values():
            contributions.clear()

    def contribute(self, term: str, name: str, values: np.ndarray) -> None:
        """Set a named contribution to a term: source (unit/h), loss (1/h) or uptake (maximal, unit/h)."""
        self._contributions[term][name] = values.reshape(self._shape)

    def contribution(self, term: str, name: str) -> np.ndarray:
        """A contribution of this step."""
        return self._contributions[term][name]

    def term(self, term: str) -> np.ndarray:
        """Sum of the contributions to a term, shape (nz, ny, nx); to be read, not written."""
        parts = self._contributions[term]
        names = sorted(parts)
        if not names:
            return np.zeros(self._shape)
        total = parts[names[0]]
        for name in names[1:]:
            total = total + parts[name]
        return total

    def at(self, sites: np.ndarray) -> np.ndarray:
        """Concentration at flat site indices."""
        return self.concentration.reshape(-1)[sites]


class Microenvironment:
    """All fields, by the substrate's name."""

    def __init__(self, lattice: Lattice, substrates: Iterable[Substrate]) -> None:
        self.fields = {substrate.name: Field(substrate, lattice) for substrate in substrates}

    def __getitem__(self, name: str) -> Field:
        return self.fields[name]

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def __iter__(self):
        return iter(self.fields)

    def state(self) -> dict[str, np.ndarray]:
        """Copies of what evolves, by ``<substrate>/<array>``."""
        out = {}
        for name, field in self.fields.items():
            out[f"{name}/concentration"] = field.concentration.copy()
            if field.substrate.solver == "steady":
                out.update({f"{name}/solved_{term}": array.copy() for term, array in field.solved.items()})
        return out

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state."""
        for name, field in self.fields.items():
            field.concentration[:] = state[f"{name}/concentration"]
            if field.substrate.solver == "steady":
                for term in TERMS:
                    field.solved[term][:] = state[f"{name}/solved_{term}"]
