"""What a field is in equilibrium or exchange with beside itself, over one step: what cells hold, and a bound form.

The equations are those of ``solve``: in the step's system of equations both are additions to source, loss and uptake.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.tissue.microenvironment import Field

Array = np.ndarray
_OF_BOUND: Final = ("binding", "release", "source", "loss")
BoundForm = tuple[Field, Mapping[str, Array]]  # with its terms


class Pools:
    """The pools of a field over a step of some length.

    Parameters
    ----------
    name : str
        Of the field.
    field : Field
    terms : mapping of str to ndarray
        Of the field, for the step.
    form : tuple of Field and mapping, or None
        Its bound form, with its terms.
    time : float
        Hours; infinite for the steady state.

    Attributes
    ----------
    ordered : tuple of ndarray
        Source, loss and uptake of the step's equation.
    entries, bound_flows, bound_entries : dict of str to float
        For the ledger, after ``settle``: what passed between the pools, and what else the bound form received and
        lost.
    held_before, bound_before : float
        Amounts at the beginning.
    moved : float
        Sum of the changes of all pools, without signs.
    """

    def __init__(
        self, name: str, field: Field, terms: Mapping[str, Array], form: BoundForm | None, time: float
    ) -> None:
        self.field, self.bound, self.time = field, None if form is None else form[0], time
        self.entries: dict[str, float] = {}
        self.bound_flows: dict[str, float] = {}
        self.bound_entries: dict[str, float] = {}
        self.held_before = self.bound_before = self.moved = 0.0
        self._source, self._loss = terms["source"], terms["loss"]
        self._holding = terms["holding"]
        self._holds = field.held is not None or self._holding is not field.zeros
        source, loss, uptake = terms["source"], terms["loss"], terms["uptake"]
        self._stored = 0.0  # rate at which what is held at the beginning acts as a source
        if self._holds:
            source, uptake = self._hold(source, uptake)
        if form is not None:
            source, loss = self._bind(name, *form, source, loss)
        self.ordered = source, loss, uptake

    def _hold(self, source: Array, uptake: Array) -> tuple[Array, Array]:
        """What holding adds to source and uptake. What dead cells held is lost."""
        field = self.field
        if field.held is None:
            field.held = np.zeros_like(field.concentration)
        if math.isinf(self.time):
            self.held_before = float(field.held.sum())
            return source, uptake
        given, taken, totals = np.empty(source.shape), np.empty(source.shape), np.empty(2)
        _hold(*_flat(field.held, self._holding, source, uptake, given, taken), self.time, totals)
        self.held_before, lost = totals.tolist()
        if lost > 0.0:
            self.entries["lost"] = -lost
        self._stored = (self.held_before - lost) / self.time
        return given, taken

    def _bind(
        self, name: str, bound: Field, terms: Mapping[str, Array], source: Array, loss: Array
    ) -> tuple[Array, Array]:
        """What exchange with the bound form adds to source and loss."""
        from tumorabm.solvers.failure import SolverError

        if terms["uptake"] is not bound.zeros or terms["holding"] is not bound.zeros:
            raise SolverError(f"{bound.substrate.name}: the bound form of {name} is neither taken up nor held")
        self._on, self._off, self._own, self._lost = (terms[term] for term in _OF_BOUND)
        self.bound_before = float(bound.concentration.sum())
        given, removed = np.empty(source.shape), np.empty(source.shape)
        arrays = (bound.concentration, *self._rates_of_bound, source, loss, given, removed)
        if not _bind(*_flat(*arrays), bound.substrate.decay, self.time):
            raise SolverError(f"{bound.substrate.name}: binding, release or loss negative or not finite")
        return given, removed

    @property
    def _rates_of_bound(self) -> tuple[Array, ...]:
        return self._on, self._off, self._own, self._lost

    def follow(self) -> None:
        """Bring the pools to rest beside a field that is in its steady state."""
        if self._holds:
            self.field.held = self._equilibrium()
        if self.bound is not None:
            leaving = self._off + self.bound.substrate.decay + self._lost
            some = np.where(leaving > 0.0, leaving, 1.0)
            rest = (self._on * self.field.concentration + self._own) / some
            self.bound.concentration[:] = np.where(leaving > 0.0, rest, self.bound.concentration)

    def settle(self, flows: dict[str, float]) -> None:
        """Bring the pools up to date with the new concentration, and take them out of the field's flows, in place."""
        field, time = self.field, self.time
        if self._holds and field.held is not None:
            totals = np.empty(2)
            half = field.substrate.half_saturation
            _settle_held(*_flat(field.held, self._holding, field.concentration), half, totals)
            held, moved = totals.tolist()
            self.moved += moved
            flows["source"] -= self._stored * time
            flows["uptake"] -= held
        if self.bound is None:
            return
        bound, totals = self.bound, np.empty(_TOTALS)
        arrays = (bound.concentration, *self._rates_of_bound, self._source, self._loss, field.concentration)
        _settle_bound(*_flat(*arrays), bound.substrate.decay, time, totals)
        arriving, released, own, new, lost, moved, source, loss = (time * totals).tolist()
        flows["source"], flows["loss"] = source, loss
        self.entries |= {"bind": -arriving, "release": released}
        self.bound_entries = {"bind": arriving, "release": -released}
        self.bound_flows = {"source": own, "decay": bound.substrate.decay * new, "loss": lost}
        self.moved += moved / time

    def _equilibrium(self) -> Array:
        """What cells hold beside the present concentration."""
        c = self.field.concentration
        return self._holding * (c / (self.field.substrate.half_saturation + c))


def _flat(*arrays: Array) -> tuple[Array, ...]:
    return tuple(array.reshape(-1) for array in arrays)


# --- kernels ---------------------------------------------------------------------------------------------------------

_TOTALS: Final = 8
_CHUNK: Final = 128  # sites whose sums are made apart, so that rounding stays small on large lattices


@kernel(error_model="numpy")
def _hold(held, holding, source, uptake, given, taken, time, totals):
    """Source and uptake with what holding adds over a step; what is held before, and what of it was lost with cells."""
    totals[:] = 0.0
    for begin in range(0, held.size, _CHUNK):
        before, lost = 0.0, 0.0
        for i in range(begin, min(begin + _CHUNK, held.size)):
            before += held[i]
            if holding[i] == 0.0:
                lost += held[i]
                held[i] = 0.0
            given[i] = source[i] + held[i] / time
            taken[i] = uptake[i] + holding[i] / time
        totals[0] += before
        totals[1] += lost


@kernel(error_model="numpy")
def _settle_held(held, holding, c, half, totals):
    """What cells hold beside a concentration; its sum, and that of the changes without signs."""
    totals[:] = 0.0
    for begin in range(0, held.size, _CHUNK):
        total, moved = 0.0, 0.0
        for i in range(begin, min(begin + _CHUNK, held.size)):
            new = holding[i] * (c[i] / (half + c[i]))
            total += new
            moved += abs(new - held[i])
            held[i] = new
        totals[0] += total
        totals[1] += moved


@kernel(error_model="numpy")
def _bind(b, on, off, own, lost, source, loss, given, removed, decay, time):
    """Source and loss with what the bound form adds to them over a time; whether its rates are what they can be.

    Over infinite time, without anything that ends binding, it has long come to its end.
    """
    wrong = 0
    for i in range(b.size):
        gone = decay + lost[i]
        wrong += not (on[i] >= 0.0 and off[i] >= 0.0 and abs(on[i] + off[i] + gone) < np.inf)
        if time < np.inf:
            n = 1.0 + time * (off[i] + gone)
            returned, share = off[i] * (b[i] + time * own[i]) / n, (1.0 + time * gone) / n
        elif off[i] + gone > 0.0:
            returned, share = off[i] * own[i] / (off[i] + gone), gone / (off[i] + gone)
        else:
            returned, share = 0.0, 0.0
        given[i] = source[i] + returned
        removed[i] = loss[i] + on[i] * share
    return wrong == 0


@kernel(error_model="numpy")
def _settle_bound(b, on, off, own, lost, source, loss, c, decay, time, totals):
    """The bound form after a step with the new concentration of the mobile one, in place.

    The totals are sums over the sites: what binds and is released per hour, the bound form's source, its new amount,
    what of it is lost per hour and by how much it changed, without signs; source and loss of the mobile form.
    """
    totals[:] = 0.0
    for begin in range(0, b.size, _CHUNK):
        arriving = released = supplied = amount = gone = moved = source_of_c = loss_of_c = 0.0
        for i in range(begin, min(begin + _CHUNK, b.size)):
            bind = on[i] * c[i]
            new = (b[i] + time * (bind + own[i])) / (1.0 + time * (off[i] + decay + lost[i]))
            arriving += bind
            released += off[i] * new
            supplied += own[i]
            amount += new
            gone += lost[i] * new
            moved += abs(new - b[i])
            source_of_c += source[i]
            loss_of_c += loss[i] * c[i]
            b[i] = new
        sums = (arriving, released, supplied, amount, gone, moved, source_of_c, loss_of_c)
        for k in range(_TOTALS):
            totals[k] += sums[k]
