"""What a process is: one thing that happens in a step, with everything it touches declared.

A process sees the tissue, never the model. Its declarations (parameters, columns, reads, writes) load without numba.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from tumorabm.tissue.cells import Column
    from tumorabm.tissue.tissue import Tissue


class Phase(IntEnum):
    """The phases of a step, in their order."""

    PATIENT = 0
    FIELDS = 1
    SIGNALS = 2
    STATE = 3
    RATES = 4
    REQUESTS = 5
    COMMIT = 6
    VESSELS = 7


class Kind(Enum):
    """How a process behaves in time, which is what the test over all processes checks.

    EVOLVING: dt = 0 changes nothing and halving the step converges. DIAGNOSTIC: a second call changes nothing.
    EVENTS: draws keyed random numbers; dt = 0 asks for nothing.
    """

    EVOLVING = "evolving"
    DIAGNOSTIC = "diagnostic"
    EVENTS = "events"


class Values(Protocol):
    """What a process needs of the catalog."""

    def paths(self) -> Iterable[str]:
        """Paths of all values."""

    def get(self, path: str, unit: str, sets: Mapping[str, str]) -> float:
        """A value in a unit."""


@dataclass(frozen=True)
class Parameter:
    """A number that a process takes from the catalog.

    Parameters
    ----------
    entry : str
        Path in the catalog, for example ``cell_types.tumor.apoptosis_rate``: a number lives with its noun.
    unit : str
        The unit in which the process receives it.
    description : str
        What it is.
    above, below : float
        What it must lie between, in ``unit``, where the process's equation asks for it.
    """

    entry: str
    unit: str
    description: str
    above: float = -math.inf
    below: float = math.inf


class Process:
    """One thing that happens in a step.

    Subclasses set the class attributes and write ``step``. The parameters arrive as floats in the declared units
    under ``self.p``.
    """

    name: ClassVar[str]
    phase: ClassVar[Phase]
    kind: ClassVar[Kind]
    default: ClassVar[bool] = True
    # Why a run cannot do without it; empty for a process that an experiment may switch off.
    indispensable: ClassVar[str] = ""
    # Comes after all others of its phase, also after those that users register later.
    closes_phase: ClassVar[bool] = False
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    columns: ClassVar[tuple[Column, ...]] = ()
    substrates: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ()
    # What happens at most once in a step needs dt times its rate to stay small; the parameters named here are rates
    # (1/h) that a configuration's time step is checked against.
    limits_step: ClassVar[tuple[str, ...]] = ()
    # Pairs of parameters of which the first must be larger than the second.
    descending: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, values: Mapping[str, float]) -> None:
        missing = set(self.parameters) - set(values)
        unknown = set(values) - set(self.parameters)
        if missing or unknown:
            raise ValueError(f"process {self.name}: missing {sorted(missing)}, unknown {sorted(unknown)}")
        self.p = SimpleNamespace(**{key: float(value) for key, value in values.items()})

    @classmethod
    def from_catalog(
        cls, catalog: Values, drugs: Sequence[str], sets: Mapping[str, str], given: Mapping[str, float] | None = None
    ) -> Process:
        """Make the process from catalog values.

        Parameters
        ----------
        catalog : Values
            Where the numbers are.
        drugs : sequence of str
            Drugs of the treatment, for processes that act once per drug.
        sets : mapping
            The chosen literature, kinetics and target sets.
        given : mapping, optional
            Values that the experiment sets by the parameter's name, in the declared units.
        """
        return cls(cls.values_from(catalog, sets, given))

    @classmethod
    def values_from(
        cls, catalog: Values, sets: Mapping[str, str], given: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """The declared parameters by name: as given, else from the catalog."""
        given = given or {}
        return {
            name: given[name] if name in given else catalog.get(parameter.entry, parameter.unit, sets)
            for name, parameter in cls.parameters.items()
        }

    def prepare(self, tissue: Tissue) -> None:
        """Look up what stays the same during a run. Called once after build and after a checkpoint is read."""

    def step(self, tissue: Tissue, dt: float) -> None:
        """Advance the tissue by ``dt`` hours."""
        raise TypeError(f"process {self.name} defines no step")


_REGISTRY: dict[str, type[Process]] = {}


def register(process: type[Process]) -> type[Process]:
    """Make a process known by its name, so that experiments can name it. Usable as a class decorator.

    Raises
    ------
    ValueError
        If another class has the same name.
    """
    known = _REGISTRY.get(process.name)
    if known is not None and known is not process and known.__qualname__ != process.__qualname__:
        raise ValueError(f"a process named {process.name!r} exists already ({known.__module__})")
    _REGISTRY[process.name] = process
    return process


def registered() -> Mapping[str, type[Process]]:
    """All known processes by name, in the order of a step: by phase, then in the order of registration."""
    return dict(sorted(_REGISTRY.items(), key=lambda item: (item[1].phase, item[1].closes_phase)))


def in_step_order(processes: Iterator[Process]) -> list[Process]:
    """Processes sorted by phase; within a phase in the order of the registry."""
    order = {name: position for position, name in enumerate(registered())}
    return sorted(processes, key=lambda process: order[process.name])
