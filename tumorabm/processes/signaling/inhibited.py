"""Processes that drugs act on without a signaling network in between: on a receptor, a pool, a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from tumorabm.processes.process import Choice, Process, Values
from tumorabm.processes.signaling.inhibitors import Inhibitor, inhibitors_of


class Inhibited(Process):
    """A process with the inhibitors of its ``targets``.

    Parameters
    ----------
    values : mapping of str to float
        Values of its parameters.
    inhibitors : sequence of Inhibitor
        Of its targets, by the experiment's drugs.
    """

    def __init__(self, values: Mapping[str, float], inhibitors: Sequence[Inhibitor] = ()) -> None:
        super().__init__(values)
        self.inhibitors = tuple(inhibitors)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with those of the experiment's drugs that act on its targets."""
        found = inhibitors_of(catalog, (*choice.drugs, *choice.exposure), choice.sets)
        return cls(cls.values_from(catalog, choice.sets, given), [item for item in found if item.node in cls.targets])
