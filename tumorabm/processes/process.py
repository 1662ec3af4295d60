"""What a process is: one thing that happens in a step, with everything it touches declared.

A process sees the tissue, never the model. Its declarations (parameters, columns, reads, writes) load without numba.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

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

    def noun(self, kind: str, name: str) -> Any:
        """One file of the catalog, with its facts."""

    def entry(self, path: str, sets: Mapping[str, str]) -> Any:
        """A value with where it comes from."""

    def fact(self, path: str) -> Any:
        """What is no number."""

    def get(self, path: str, unit: str, sets: Mapping[str, str]) -> float:
        """A value in a unit."""


@dataclass(frozen=True)
class NetworkChoice:
    """The signaling network of a type of cell, as an experiment chooses it.

    Attributes
    ----------
    network : str
        Name in the catalog.
    inputs : mapping of str to float
        Values of inputs where no field says otherwise, in the network's units.
    clamp : mapping of str to float
        Nodes that are held at a value.
    cut : tuple of str
        Edges without effect.
    """

    network: str
    inputs: Mapping[str, float] = field(default_factory=dict)
    clamp: Mapping[str, float] = field(default_factory=dict)
    cut: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gain:
    """An alteration that cells may gain when they divide, as an experiment chooses it.

    Attributes
    ----------
    alteration : str
        Name in the catalog.
    rate : float or None
        Probability per division and daughter; None for the catalog's.
    start : float
        Hours since the end of the burn-in, -inf for the start of the run.
    founders : tuple of str
        Names of the founder clones whose descendants can gain it; empty for all.
    """

    alteration: str
    rate: float | None = None
    start: float = -math.inf
    founders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What an experiment chooses of the catalog, for processes that act once per drug, clone or network.

    Attributes
    ----------
    sets : mapping of str to str
        The chosen literature, kinetics and target sets.
    drugs : tuple of str
        Of the treatment.
    substrates : tuple of str
    exposure : mapping of str to float
        Constant unbound concentrations of drugs, nM.
    clones : tuple of tuple of str
        Alterations of each clone that the tumor begins with.
    signaling : mapping of str to NetworkChoice
        By type of cell, of those whose signaling is on.
    mechanisms : frozenset of str
        Names of the mechanisms that are on: where one is, the engine's stand-in for it steps aside.
    mutations : tuple of Gain
        What cells may gain when they divide.
    medium : mapping of str to float
        Concentrations that a stirred medium holds, by substrate and in its unit.
    """

    sets: Mapping[str, str]
    drugs: tuple[str, ...] = ()
    substrates: tuple[str, ...] = ()
    exposure: Mapping[str, float] = field(default_factory=dict)
    clones: tuple[tuple[str, ...], ...] = ()
    signaling: Mapping[str, NetworkChoice] = field(default_factory=dict)
    mechanisms: frozenset[str] = frozenset()
    mutations: tuple[Gain, ...] = ()
    medium: Mapping[str, float] = field(default_factory=dict)

    @property
    def genotypes(self) -> tuple[tuple[str, ...], ...]:
        """Alterations of the first clones, and of each with one more that it can gain; others follow from these."""
        gained = [(*clone, gain.alteration) for clone in self.clones for gain in self.mutations]
        return (*self.clones, *gained)


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
    # The mechanism (``mechanisms``) that it belongs to and is switched with; empty for the engine.
    mechanism: ClassVar[str] = ""
    # The block of an experiment that asks for it: with nothing there it is off.
    asked_for_by: ClassVar[str] = ""
    # Why a run cannot do without it; empty for a process that an experiment may switch off.
    indispensable: ClassVar[str] = ""
    # Comes after all others of its phase, also after those that users register later.
    closes_phase: ClassVar[bool] = False
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    # Of the class what configuration needs to know; an instance may know more, such as the nodes of a network.
    columns: tuple[Column, ...] = ()
    substrates: tuple[str, ...] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ()
    # What happens at most once in a step needs dt times its rate to stay small; the parameters named here are rates
    # (1/h) that a configuration's time step is checked against.
    limits_step: ClassVar[tuple[str, ...]] = ()
    # What drugs may act on in it, beside the nodes of networks: names of targets, as the drugs' files have them.
    targets: ClassVar[tuple[str, ...]] = ()
    # Pairs of parameters of which the first must be larger than the second.
    descending: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, values: Mapping[str, float]) -> None:
        missing = set(self.parameters) - set(values)
        unknown = set(values) - set(self.parameters)
        if missing or unknown:
            raise ValueError(f"process {self.name}: missing {sorted(missing)}, unknown {sorted(unknown)}")
        self.p = SimpleNamespace(**{key: float(value) for key, value in values.items()})

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Process:
        """Make the process from catalog values.

        Parameters
        ----------
        catalog : Values
            Where the numbers are.
        choice : Choice
            What the experiment chooses of it.
        given : mapping, optional
            Values that the experiment sets by the parameter's name, in the declared units.
        """
        return cls(cls.values_from(catalog, choice.sets, given))

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

    def populate(self, tissue: Tissue) -> None:
        """Put cells into a new tissue, once tumor cells and host vessels are in their places."""

    def prepare(self, tissue: Tissue) -> None:
        """Look up what stays the same during a run. Called once after build and after a checkpoint is read."""

    def relax(self, tissue: Tissue) -> None:
        """Bring what evolves to rest in a new tissue: the block is cut out of tissue that was there before."""

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
    registered.cache_clear()
    return process


@functools.cache
def registered() -> Mapping[str, type[Process]]:
    """All known processes by name, in the order of a step: by phase, then in the order of registration."""
    return MappingProxyType(dict(sorted(_REGISTRY.items(), key=lambda item: (item[1].phase, item[1].closes_phase))))


def in_step_order(processes: Iterator[Process]) -> list[Process]:
    """Processes sorted by phase; within a phase in the order of the registry."""
    order = {name: position for position, name in enumerate(registered())}
    return sorted(processes, key=lambda process: order[process.name])
