"""The solution of every substrate's equation, and its ledger.

Last in the phase: all contributions are in. A steady field is solved again when its terms have changed by more than
its tolerance; an implicit one takes a step of backward Euler; an immobile one decays exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.microenvironment import TERMS, Field
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import NANOMOLAR_VOLUME_TO_FEMTOMOLE


class FieldSolve(Process):
    """Bring every field up to date with its terms."""

    name = "field_solve"
    phase = Phase.FIELDS
    kind = Kind.EVOLVING
    closes_phase = True
    reads = ("terms",)
    writes = ("microenvironment", "ledger")

    def prepare(self, tissue: Tissue) -> None:
        from tumorabm.solvers.implicit import FieldSolver

        self._solvers = {
            name: FieldSolver(
                tissue.lattice,
                diffusivity=field.substrate.diffusivity,
                decay=field.substrate.decay,
                half_saturation=field.substrate.half_saturation,
                boundary_value=field.substrate.boundary_value,
                tolerance=field.substrate.tolerance,
                name=name,
            )
            for name, field in tissue.microenvironment.fields.items()
        }

    def step(self, tissue: Tissue, dt: float) -> None:
        from tumorabm.solvers.implicit import SolverError

        for name, field in tissue.microenvironment.fields.items():
            terms = {term: field.term(term) for term in TERMS}
            try:
                self._advance(tissue, name, field, terms, dt)
            except SolverError as error:
                raise SolverError(f"step {tissue.step_number} ({tissue.hours:g} h): {error}") from error

    def relax(self, tissue: Tissue) -> None:
        """Bring every diffusing field to the steady state of its terms (at the start, when nothing was before)."""
        for name, field in tissue.microenvironment.fields.items():
            if field.substrate.solver != "immobile":
                terms = {term: field.term(term) for term in TERMS}
                self._solvers[name].steady(field.concentration, terms["source"], terms["loss"], terms["uptake"])

    def _advance(self, tissue: Tissue, name: str, field: Field, terms: Mapping[str, np.ndarray], dt: float) -> None:
        solver = self._solvers[name]
        before = field.concentration.sum()
        ordered = (terms["source"], terms["loss"], terms["uptake"])
        if field.substrate.solver == "steady":
            if changed(field, terms):
                solver.steady(field.concentration, *ordered)
                for term in TERMS:
                    field.solved[term][:] = terms[term]
        elif field.substrate.solver == "implicit":
            if before > 0.0 or terms["source"].any() or field.substrate.boundary_value > 0.0:
                solver.backward_euler(field.concentration, *ordered, dt)
        else:
            _advance_immobile(field, terms, dt)
        if dt > 0.0:
            self._book(tissue, name, field, ordered, before, dt)

    def _book(
        self, tissue: Tissue, name: str, field: Field, ordered: tuple[np.ndarray, ...], before: float, dt: float
    ) -> None:
        """Add this step's amounts to the ledger; what the solver left open gets its own entry."""
        amount = tissue.lattice.site_volume * field.substrate.capacity
        if field.substrate.unit == "nM":
            amount *= NANOMOLAR_VOLUME_TO_FEMTOMOLE
        budget = self._solvers[name].budget(field.concentration, *ordered)
        stored = (field.concentration.sum() - before) * amount
        entries = {
            "source": budget.source * dt * amount,
            "decay": -budget.decay * dt * amount,
            "loss": -budget.loss * dt * amount,
            "uptake": -budget.uptake * dt * amount,
            "boundary": budget.boundary * dt * amount,
        }
        for entry, value in entries.items():
            tissue.ledger.book(name, entry, value)
        tissue.ledger.book(name, "stored", stored)
        tissue.ledger.book(name, "residual", stored - sum(entries.values()))


def changed(field: Field, terms: Mapping[str, np.ndarray]) -> bool:
    """Whether any term differs from that of the last solve by more than the field's tolerance (relative, summed)."""
    for term in TERMS:
        difference = np.abs(terms[term] - field.solved[term]).sum()
        if not difference <= field.substrate.tolerance * np.abs(terms[term]).sum():
            return True
    return False


def _advance_immobile(field: Field, terms: Mapping[str, np.ndarray], dt: float) -> None:
    """Exact solution of dc/dt = s − k c over the step, with uptake linearized at its start."""
    c = field.concentration
    rate = field.substrate.decay + terms["loss"]
    if field.substrate.half_saturation > 0.0:
        rate = rate + terms["uptake"] / (field.substrate.half_saturation + c)
    decayed = np.exp(-rate * dt)
    gain = np.where(rate > 0.0, -np.expm1(-rate * dt) / np.where(rate > 0.0, rate, 1.0), dt)
    c[:] = c * decayed + terms["source"] * gain
