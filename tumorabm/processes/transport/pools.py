"""What a field is in equilibrium or exchange with beside itself, over one step: what cells hold, and a bound form.

The equations are those of ``solve``: in the step's system of equations both are additions to source, loss and uptake.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tumorabm.tissue.microenvironment import Field

Array = np.ndarray


class Pools:
    """The pools of a field over a step of some length.

    Parameters
    ----------
    name : str
        Of the field.
    field : Field
    terms : mapping of str to ndarray
        Of the field, for the step.
    bound : Field or None
        Its bound form.
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

    def __init__(self, name: str, field: Field, terms: Mapping[str, Array], bound: Field | None, time: float) -> None:
        self.field, self.bound, self.time = field, bound, time
        self.entries: dict[str, float] = {}
        self.bound_flows: dict[str, float] = {}
        self.bound_entries: dict[str, float] = {}
        self.held_before = self.bound_before = self.moved = 0.0
        self._source, self._loss = terms["source"], terms["loss"]
        self._holding = terms["holding"]
        self._holds = field.held is not None or self._holding is not field.zeros
        source, loss, uptake = terms["source"], terms["loss"], terms["uptake"]
        self._returned = self._stored = 0.0  # rates at which the pools at the beginning act as a source
        if self._holds:
            source, uptake = self._hold(source, uptake)
        if bound is not None:
            source, loss = self._bind(name, bound, source, loss)
        self.ordered = source, loss, uptake

    def _hold(self, source: Array, uptake: Array) -> tuple[Array, Array]:
        """What holding adds to source and uptake. What dead cells held is lost."""
        field = self.field
        if field.held is None:
            field.held = np.zeros_like(field.concentration)
        self.held_before = float(field.held.sum())
        if math.isinf(self.time):
            return source, uptake
        abandoned = (self._holding == 0.0) & (field.held > 0.0)
        if abandoned.any():
            self.entries["lost"] = -float(field.held[abandoned].sum())
            field.held[abandoned] = 0.0
        self._stored = float(field.held.sum()) / self.time
        return source + field.held / self.time, uptake + self._holding / self.time

    def _bind(self, name: str, bound: Field, source: Array, loss: Array) -> tuple[Array, Array]:
        """What exchange with the bound form adds to source and loss."""
        from tumorabm.solvers.failure import SolverError

        if bound.term("uptake") is not bound.zeros or bound.term("holding") is not bound.zeros:
            raise SolverError(f"{bound.substrate.name}: the bound form of {name} is neither taken up nor held")
        self._on, self._off = bound.term("binding"), bound.term("release")
        self._own, self._gone = bound.term("source"), bound.substrate.decay + bound.term("loss")
        if not (np.isfinite(self._on + self._off + self._gone).all() and min(self._on.min(), self._off.min()) >= 0.0):
            raise SolverError(f"{bound.substrate.name}: binding, release or loss negative or not finite")
        self.bound_before = float(bound.concentration.sum())
        leaving = self._off + self._gone
        if math.isinf(self.time):
            there = leaving > 0.0
            some = np.where(there, leaving, 1.0)
            given = np.where(there, self._off * self._own / some, 0.0)
            # Without anything that ends binding it has long come to its end.
            return source + given, loss + np.where(there, self._on * (self._gone / some), 0.0)
        n = 1.0 + self.time * leaving
        given = self._off * (bound.concentration + self.time * self._own) / n
        self._returned = float(given.sum())
        return source + given, loss + self._on * ((1.0 + self.time * self._gone) / n)

    def follow(self) -> None:
        """Bring the pools to rest beside a field that is in its steady state."""
        if self._holds:
            self.field.held = self._equilibrium()
        if self.bound is not None:
            leaving = self._off + self._gone
            some = np.where(leaving > 0.0, leaving, 1.0)
            rest = (self._on * self.field.concentration + self._own) / some
            self.bound.concentration[:] = np.where(leaving > 0.0, rest, self.bound.concentration)

    def settle(self, flows: dict[str, float]) -> None:
        """Bring the pools up to date with the new concentration, and take them out of the field's flows, in place."""
        field, time = self.field, self.time
        if self._holds and field.held is not None:
            held = self._equilibrium()
            self.moved += float(np.abs(held - field.held).sum())
            flows["source"] -= self._stored * time
            flows["uptake"] -= float(held.sum())
            field.held = held
        if self.bound is None:
            return
        bound, old = self.bound, self.bound.concentration.copy()
        arriving = self._on * field.concentration
        bound.concentration[:] = (old + time * (arriving + self._own)) / (1.0 + time * (self._off + self._gone))
        new = bound.concentration
        bind, release = time * float(arriving.sum()), time * float((self._off * new).sum())
        flows["source"] = time * float(self._source.sum())
        flows["loss"] = time * float((self._loss * field.concentration).sum())
        self.entries |= {"bind": -bind, "release": release}
        self.bound_entries = {"bind": bind, "release": -release}
        decayed = bound.substrate.decay * time * float(new.sum())
        lost = time * float((bound.term("loss") * new).sum())
        self.bound_flows = {"source": time * float(self._own.sum()), "decay": decayed, "loss": lost}
        self.moved += float(np.abs(new - old).sum())

    def _equilibrium(self) -> Array:
        """What cells hold beside the present concentration."""
        c = self.field.concentration
        return self._holding * (c / (self.field.substrate.half_saturation + c))
