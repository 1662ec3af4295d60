"""The solution of every substrate's equation, and its ledger.

Last in the phase: all contributions are in. A steady field is solved again when its terms have changed by more than
its tolerance; an implicit one takes a step of backward Euler; an immobile one decays exactly.

What flows in a step is booked as the solution has it: of an implicit field the rates at its end, as in backward Euler;
of an immobile one their integrals. So ``residual`` is rounding and what the solver's tolerance leaves. A steady field
is booked with the rates at the end of the step too; there the residual is also what the field stores, which its
equation leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.tissue.microenvironment import TERMS, Field
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import NANOMOLAR_VOLUME_TO_FEMTOMOLE

_FLOWS: Final = ("source", "decay", "loss", "uptake", "boundary")
_ENTERING: Final = ("source", "boundary")
_LANES: Final = 64  # partial sums of a comparison


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
        solver, report = self._solvers[name], None
        before = field.concentration.sum()
        ordered = (terms["source"], terms["loss"], terms["uptake"])
        if field.substrate.solver == "immobile":
            if dt > 0.0:
                _book(tissue, name, field, _advance_immobile(name, field, terms, dt), before)
            return
        if field.substrate.solver == "steady":
            if changed(field, terms):
                report = solver.steady(field.concentration, *ordered)
                for term in TERMS:
                    field.solved[term][:] = terms[term]
        elif before > 0.0 or terms["source"].any() or field.substrate.boundary_value > 0.0:
            report = solver.backward_euler(field.concentration, *ordered, dt)
        if dt > 0.0:
            budget = report.budget if report is not None else solver.budget(field.concentration, *ordered)
            flows = {entry: getattr(budget, entry) * dt for entry in _FLOWS}
            _book(tissue, name, field, flows, before)


def _book(tissue: Tissue, name: str, field: Field, flows: Mapping[str, float], before: float) -> None:
    """Add a step's flows (concentration times voxels) to the ledger; what is left open gets its own entry."""
    amount = tissue.lattice.site_volume * field.substrate.capacity
    if field.substrate.unit == "nM":
        amount *= NANOMOLAR_VOLUME_TO_FEMTOMOLE
    stored = (field.concentration.sum() - before) * amount
    entries = {entry: (flow if entry in _ENTERING else -flow) * amount for entry, flow in flows.items()}
    for entry, value in entries.items():
        tissue.ledger.book(name, entry, value)
    tissue.ledger.book(name, "stored", stored)
    tissue.ledger.book(name, "residual", stored - sum(entries.values()))


def changed(field: Field, terms: Mapping[str, np.ndarray]) -> bool:
    """Whether any term differs from that of the last solve by more than the field's tolerance (relative, summed)."""
    for term in TERMS:
        difference, size = summed_change(terms[term].reshape(-1), field.solved[term].reshape(-1))
        if not difference <= field.substrate.tolerance * size:
            return True
    return False


def _advance_immobile(name: str, field: Field, terms: Mapping[str, np.ndarray], dt: float) -> dict[str, float]:
    """Exact solution of dc/dt = s − k c over the step, with uptake linearized at its start. Returns what flowed.

    With g = (1 − exp(−k dt))/k the new concentration is c − (k c − s) g, and the integral of c over the step, which
    the losses go with, is c g + s (dt − g)/k.
    """
    from tumorabm.solvers.failure import SolverError

    c, source, decay = field.concentration, terms["source"], field.substrate.decay
    taken = np.zeros_like(c)
    if field.substrate.half_saturation > 0.0:
        taken = terms["uptake"] / (field.substrate.half_saturation + c)
    rate = decay + terms["loss"] + taken
    if not (np.isfinite(rate + source + c).all() and min(c.min(), rate.min()) >= 0.0):
        raise SolverError(f"{name}: negative or not finite, in its concentration or what removes it")
    some = np.where(rate > 0.0, rate, 1.0)
    gain = np.where(rate > 0.0, -np.expm1(-rate * dt) / some, dt)
    # Where k dt is small the difference dt - g would be rounding; its series is not.
    second = np.where(rate * dt > 1e-4, (dt - gain) / some, dt**2 * (0.5 - rate * dt / 6.0))
    integral = c * gain + source * second
    c[:] = c * np.exp(-rate * dt) + source * gain
    return {
        "source": float(source.sum()) * dt,
        "decay": decay * float(integral.sum()),
        "loss": float((terms["loss"] * integral).sum()),
        "uptake": float((taken * integral).sum()),
        "boundary": 0.0,
    }


@kernel(error_model="numpy")
def summed_change(new, old):
    """Sum of the differences and of the new values, without signs. Many partial sums, which vectorize."""
    change, size = np.zeros(_LANES), np.zeros(_LANES)
    whole = new.size // _LANES
    for row in range(whole):
        at = np.uint64(row * _LANES)
        for i in range(np.uint64(_LANES)):
            change[i] += abs(new[at + i] - old[at + i])
            size[i] += abs(new[at + i])
    for k in range(whole * _LANES, new.size):
        change[0] += abs(new[k] - old[k])
        size[0] += abs(new[k])
    return change.sum(), size.sum()
