"""The solution of every substrate's equation, and its ledger.

Last in the phase: all contributions are in. A steady field is solved again when its terms have changed by more than
its tolerance; an implicit one takes a step of backward Euler; an immobile one decays exactly.

**Fields that wait.** Most factors hardly change from step to step. An implicit field with a tolerance ``refresh`` is
left as it is while its terms have changed by less than that since its last solve, if it was at rest then: what it
changed by is below the same share of what passed through it. (Both are rates, so that shorter steps do not make a
field rest that is still on its way.) Terms are compared by their sums over blocks a quarter as wide as the factor
spreads, √(D/k): what moves within a block, as a cell that hops, moves its field by next to nothing. The time that it
waited is made up for by the next solve, one step of backward Euler over all of it. For the time waited its terms are
the mean of those of the last solve and the present ones, which they drifted to; after a jump, those of the last solve.
So what cells secreted meanwhile is what the field receives.

**What cells hold.** h = H c/(K + c) is kept beside the field (``Field.held``). A step over a time T solves
(c + h)ₙₑₓₜ − (c + h) = T (...), in which h adds H/T to the uptake and h/T to the source. What was held where nothing
holds any more was lost with the cell.

**Bound forms.** b of a mobile c, with b' = k_b c + s − (k_f + d) b, advances with it over the same T: b follows from
the new c, with n = 1 + T (k_f + d), as (b + T (k_b c + s))/n, and what it gives back is k_f times that. Put into the
equation of c this is a loss k_b (1 − T k_f/n) and a source k_f (b + T s)/n. What one of them gives the other receives,
whatever T.

**The ledger.** What flows in a step is booked as the solution has it: of an implicit field the rates at its end, as in
backward Euler; of an immobile one their integrals. So ``residual`` is rounding and what the solver's tolerance leaves.
A steady field is booked with the rates at the end of the step too; there the residual is also what the field stores,
which its equation leaves out. ``stored`` counts what cells hold. Of drugs each contributor to source and loss has an
entry of its own, what it gave less what it took (``Substrate.itemized``): ``supply`` is what blood gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Kind, Phase, Process
from tumorabm.processes.transport.pools import BoundForm, Pools
from tumorabm.tissue.microenvironment import TERMS, Field
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import NANOMOLAR_VOLUME_TO_FEMTOMOLE

_FLOWS: Final = ("source", "decay", "loss", "uptake", "boundary")
_ENTERING: Final = ("source", "boundary")
_REMOVING: Final = ("loss", "release")
_LANES: Final = 64  # partial sums of a comparison
# Hours after which a field is solved although nothing changed: what the ledger and the field are behind by stays
# within what is recorded (a day), and a change too small to be noticed acts no longer than that.
LONGEST_WAIT: Final = 24.0
# A change of terms by more than so many times what ends a wait came at once, in the present step.
_JUMP: Final = 4.0
Terms = Mapping[str, np.ndarray]


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

        fields = tissue.microenvironment.fields
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
            for name, field in fields.items()
        }
        # Names of bound forms by that of the mobile one.
        self._bound = {
            field.substrate.bound_form_of: name
            for name, field in fields.items()
            if field.substrate.bound_form_of in fields
        }

    def step(self, tissue: Tissue, dt: float) -> None:
        from tumorabm.solvers.implicit import SolverError

        with_mobile_form = set(self._bound.values())
        for name, field in tissue.microenvironment.fields.items():
            if name in with_mobile_form:
                continue
            terms = field.terms()
            try:
                if field.substrate.solver == "immobile":
                    if dt > 0.0:
                        before = field.concentration.sum()
                        _book_flows(tissue, name, field, _advance_immobile(name, field, terms, dt), before)
                elif field.substrate.solver == "steady":
                    self._follow(tissue, name, field, terms, dt)
                elif dt > 0.0:
                    self._advance(tissue, name, field, terms, dt)
            except SolverError as error:
                raise SolverError(f"step {tissue.step_number} ({tissue.hours:g} h): {error}") from error

    def relax(self, tissue: Tissue) -> None:
        """Bring every diffusing field to the steady state of its terms (at the start, when nothing was before)."""
        with_mobile_form = set(self._bound.values())
        for name, field in tissue.microenvironment.fields.items():
            if field.substrate.solver == "immobile" or name in with_mobile_form:
                continue
            terms, bound = field.terms(), self._bound_form(tissue, name)
            pools = Pools(name, field, terms, bound, np.inf)
            self._solvers[name].steady(field.concentration, *pools.ordered)
            pools.follow()
            if field.may_wait:
                _remember(field, terms, bound)
                field.waited = field.imbalance = 0.0

    def _follow(self, tissue: Tissue, name: str, field: Field, terms: Terms, dt: float) -> None:
        """Solve a steady field again if its terms have changed."""
        solver, budget, before = self._solvers[name], None, field.concentration.sum()
        ordered = (terms["source"], terms["loss"], terms["uptake"])
        if changed(field, terms):
            budget = solver.steady(field.concentration, *ordered).budget
            field.remember(terms)
        if dt > 0.0:
            budget = budget or solver.budget(field.concentration, *ordered)
            _book_flows(tissue, name, field, {entry: getattr(budget, entry) * dt for entry in _FLOWS}, before)

    def _advance(self, tissue: Tissue, name: str, field: Field, terms: Terms, dt: float) -> None:
        """Take a step with an implicit field and its bound form, or let it wait."""
        time, form = field.waited + dt, self._bound_form(tissue, name)
        drift = _drift(field, terms, form) if field.may_wait else np.inf
        if max(drift, field.imbalance) <= field.substrate.refresh and time <= LONGEST_WAIT:
            field.waited = time
            return
        present, past = terms, field.waited / time
        if field.waited > 0.0:
            past *= 0.5 if drift <= _JUMP * field.substrate.refresh else 1.0
            terms = _weighted(field, terms, past)
        pools = Pools(name, field, terms, form, time)
        before, flows = field.concentration.copy(), dict.fromkeys(_FLOWS, 0.0)
        amount = float(before.sum())
        if amount != 0.0 or pools.ordered[0].any() or field.substrate.boundary_value > 0.0:
            budget = self._solvers[name].backward_euler(field.concentration, *pools.ordered, time).budget
            flows = {entry: getattr(budget, entry) * time for entry in _FLOWS}
        pools.settle(flows)
        entries = _signed(flows)
        if field.substrate.itemized:
            del entries["source"], entries["loss"]
            entries |= _contributed(field, time)
        _book(tissue, name, field, entries | pools.entries, amount, pools.held_before)
        if form is not None:
            account, bound = self._bound[name], form[0]
            _book(tissue, account, bound, _signed(pools.bound_flows) | pools.bound_entries, pools.bound_before, 0.0)
        if field.may_wait:
            moved = summed_change(field.concentration.reshape(-1), before.reshape(-1))[0] + pools.moved
            passed = flows["decay"] + flows["loss"] + flows["uptake"]
            field.imbalance = moved / passed if passed > 0.0 else (np.inf if moved > 0.0 else 0.0)
            if field.waited > 0.0:
                field.imbalance += drift * past  # by so much it was not solved for the present terms
            field.waited = 0.0
            _remember(field, present, form)

    def _bound_form(self, tissue: Tissue, name: str) -> BoundForm | None:
        """The bound form of a field, with its terms, where it has one."""
        if name not in self._bound:
            return None
        bound = tissue.microenvironment[self._bound[name]]
        return bound, bound.terms()


def _drift(field: Field, terms: Terms, form: BoundForm | None) -> float:
    """Largest relative change of a term of a field or its bound form since the last solve."""
    return max(_largest_change(*item) for item in ((field, terms), form) if item is not None)


def _remember(field: Field, terms: Terms, form: BoundForm | None) -> None:
    field.remember(terms)
    if form is not None:
        form[0].remember(form[1])


def _weighted(field: Field, terms: Terms, past: float) -> dict[str, np.ndarray]:
    """Means of the present terms and those of the last solve, of which the latter make up a share."""
    out = dict(terms)
    for term in ("source", "loss", "uptake"):
        new, old = terms[term], field.solved[term]
        if not (new is field.zeros and old is field.zeros):
            out[term] = past * old + (1.0 - past) * new
    return out


def _signed(flows: Mapping[str, float]) -> dict[str, float]:
    """Flows as entries of the ledger: what enters is positive."""
    return {entry: flow if entry in _ENTERING else -flow for entry, flow in flows.items()}


def _contributed(field: Field, time: float) -> dict[str, float]:
    """What each contributor to source and loss gave less what it took, at the field's new concentration."""
    sources, losses = field.contributions("source"), field.contributions("loss")
    given = {name: time * float(rate.sum()) for name, rate in sources.items()}
    taken = {name: time * float((rate * field.concentration).sum()) for name, rate in losses.items()}
    return {name: given.get(name, 0.0) - taken.get(name, 0.0) for name in sorted(given | taken)}


def _book_flows(tissue: Tissue, name: str, field: Field, flows: Mapping[str, float], before: float) -> None:
    _book(tissue, name, field, _signed(flows), before, 0.0)


def _book(
    tissue: Tissue, name: str, field: Field, entries: Mapping[str, float], before: float, held_before: float
) -> None:
    """Add a step's entries (concentration times voxels) to the ledger; what is left open gets its own entry."""
    amount = tissue.lattice.site_volume * field.substrate.capacity
    if field.substrate.unit == "nM":
        amount *= NANOMOLAR_VOLUME_TO_FEMTOMOLE
    stored = field.concentration.sum() - before
    if field.held is not None:
        stored += field.held.sum() - held_before
    for entry, value in entries.items():
        tissue.ledger.book(name, entry, value * amount)
    tissue.ledger.book(name, "stored", stored * amount)
    tissue.ledger.book(name, "residual", (stored - sum(entries.values())) * amount)


def _largest_change(field: Field, terms: Terms) -> float:
    """The largest relative change of a field's terms; most of a field's terms are nowhere."""
    used = [term for term in TERMS if not (terms[term] is field.zeros and field.solved[term] is field.zeros)]
    return max((relative_change(field, term, terms[term]) for term in used), default=0.0)


def relative_change(field: Field, term: str, new: np.ndarray) -> float:
    """Summed difference of a term from that of the last solve, relative to its sum; infinite if there was none.

    What removes in proportion to the concentration counts together with the decay.
    """
    old = field.solved[term]
    if new is field.zeros and old is field.zeros:
        return 0.0
    if field.may_wait and field.block > 1:
        difference, size = block_change(new, old, field.block)
    else:
        difference, size = summed_change(new.reshape(-1), old.reshape(-1))
    if difference == 0.0:
        return 0.0
    if term in _REMOVING:
        size += field.substrate.decay * new.size
    return difference / size if size > 0.0 and difference < np.inf else np.inf


def changed(field: Field, terms: Terms) -> bool:
    """Whether any term differs from that of the last solve by more than the field's tolerance (relative, summed)."""
    return any(not relative_change(field, term, terms[term]) <= field.substrate.tolerance for term in TERMS)


def _advance_immobile(name: str, field: Field, terms: Mapping[str, np.ndarray], dt: float) -> dict[str, float]:
    """Exact solution of dc/dt = s − k c over the step, with uptake linearized at its start. Returns what flowed.

    With g = (1 − exp(−k dt))/k the new concentration is c − (k c − s) g, and the integral of c over the step, which
    the losses go with, is c g + s (dt − g)/k.
    """
    from tumorabm.solvers.failure import SolverError

    decay, totals = field.substrate.decay, np.empty(3)
    arrays = (array.reshape(-1) for array in (field.concentration, terms["source"], terms["loss"], terms["uptake"]))
    if not _decay_exactly(*arrays, decay, field.substrate.half_saturation, dt, totals):
        raise SolverError(f"{name}: negative or not finite, in its concentration or what removes it")
    integral, lost, taken = totals.tolist()
    source = float(terms["source"].sum()) * dt
    return {"source": source, "decay": decay * integral, "loss": lost, "uptake": taken, "boundary": 0.0}


# --- kernels ---------------------------------------------------------------------------------------------------------


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


@kernel(error_model="numpy")
def block_change(new, old, edge):
    """The same of the sums over blocks of so many sites along each axis."""
    nz, ny, nx = new.shape
    change, size = np.empty(nx), np.empty(nx)
    changed, whole = 0.0, 0.0
    for bottom in range(0, nz, edge):
        for front in range(0, ny, edge):
            change[:] = 0.0
            size[:] = 0.0
            for z in range(bottom, min(bottom + edge, nz)):
                for y in range(front, min(front + edge, ny)):
                    for x in range(nx):
                        change[x] += new[z, y, x] - old[z, y, x]
                        size[x] += new[z, y, x]
            for left in range(0, nx, edge):
                difference, amount = 0.0, 0.0
                for x in range(left, min(left + edge, nx)):
                    difference += change[x]
                    amount += size[x]
                changed += abs(difference)
                whole += abs(amount)
    return changed, whole


@kernel(error_model="numpy")
def _decay_exactly(c, source, loss, uptake, decay, half, dt, totals):
    """The exact step in every site; totals are those of c's integral, and of the loss and uptake times it.

    Where k dt is small the difference dt - g would be rounding; its series is not.
    """
    totals[:] = 0.0
    for i in range(c.size):
        taken = uptake[i] / (half + c[i]) if half > 0.0 else 0.0
        rate = decay + loss[i] + taken
        if not (np.isfinite(rate + source[i] + c[i]) and c[i] >= 0.0 and rate >= 0.0):
            return False
        gone = -np.expm1(-rate * dt)
        gain = gone / rate if rate > 0.0 else dt
        second = (dt - gain) / rate if rate * dt > 1e-4 else dt**2 * (0.5 - rate * dt / 6.0)
        integral = c[i] * gain + source[i] * second
        c[i] = c[i] * (1.0 - gone) + source[i] * gain
        totals[0] += integral
        totals[1] += loss[i] * integral
        totals[2] += taken * integral
    return True
