"""A signaling network inside cells: nodes that relax to what their inputs drive them to, for all cells at once.

Every node x follows dx/dt = (f − x)/τ with

    f = L [1 − (1 − b) Π_activations (1 − w h)] Π_requirements (1 − w + w h) Π_inhibitions (1 − w h) I

where h = sⁿ/(kⁿ + sⁿ) is the Hill function of an edge's source s with half-maximum k, exponent n and largest effect
w, b the node's basal activity, L its level in the clone (1 unless an alteration says otherwise) and I what inhibitors
leave of it. Activations combine as a noisy or: each of them alone can drive the node. Requirements combine as an and.

Wittmann et al. (2009) and Kraeutler et al. (2010) for networks of Hill functions as ordinary differential equations.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np

from tumorabm.catalog.network_reader import EFFECTS, SAME_AS, edge_name, out_of_bounds
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.processes.process import Values


@dataclass(frozen=True)
class Edge:
    """An edge: names of its ends, what it does, and its place among the numbers."""

    source: str
    target: str
    effect: str
    claims: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As paths of the catalog have it."""
        return edge_name(self.source, self.target)

    @property
    def sign(self) -> int:
        """1 if raising the source raises the target, -1 if it lowers it."""
        return -1 if self.effect == "inhibition" else 1

    def __str__(self) -> str:
        return f"{self.source} {'-|' if self.sign < 0 else '->'} {self.target}"


@dataclass(frozen=True)
class Make:
    """How a cell of a clone differs: what its alterations do to nodes and edges.

    Attributes
    ----------
    level, basal : ndarray, shape (nodes,)
        Factor on the drive, and activity without activation.
    weight : ndarray, shape (edges,)
    held : ndarray of bool, shape (nodes,)
        Nodes that are clamped, on which inhibitors do nothing either.
    """

    level: np.ndarray
    basal: np.ndarray
    weight: np.ndarray
    held: np.ndarray


# Networks by catalog, then by name and sets: one is asked for by every process that follows it.
_KNOWN: Final[WeakKeyDictionary[Values, dict[tuple[Any, ...], Network]]] = WeakKeyDictionary()


class Network:
    """A network with its numbers. Edges are in the order of their targets, by effect.

    Parameters
    ----------
    name, cell_type : str
    inputs : mapping of str to float
        Value that a cell of the reference state receives, by input, in the input's unit.
    nodes : sequence of str
    outputs : sequence of str
        Nodes that rates follow.
    edges : sequence of Edge
    time, basal : mapping of str to float
        By node; time constants in h.
    half, exponent, weight : mapping of str to float
        By the edge's name.
    substrates : mapping of str to str
        Substrate whose field an input reads, by input.
    reference : sequence of str
        Alterations of the cell that the rates were measured on.
    units : mapping of str to str
        Of the inputs.
    """

    def __init__(
        self,
        name: str,
        inputs: Mapping[str, float],
        nodes: Sequence[str],
        outputs: Sequence[str],
        edges: Sequence[Edge],
        time: Mapping[str, float],
        basal: Mapping[str, float],
        half: Mapping[str, float],
        exponent: Mapping[str, float],
        weight: Mapping[str, float],
        *,
        cell_type: str = "",
        substrates: Mapping[str, str] | None = None,
        reference: Sequence[str] = (),
        units: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.cell_type = name, cell_type
        self.inputs, self.nodes, self.outputs = dict(inputs), tuple(nodes), tuple(outputs)
        self.substrates, self.reference, self.units = dict(substrates or {}), tuple(reference), dict(units or {})
        position = {node: index for index, node in enumerate(self.nodes)}
        self.edges = tuple(sorted(edges, key=lambda edge: (position[edge.target], EFFECTS.index(edge.effect))))
        self.time = np.array([time[node] for node in self.nodes])
        self.basal = np.array([basal[node] for node in self.nodes])
        self.half = np.array([half[edge.name] for edge in self.edges])
        self.exponent = np.array([exponent[edge.name] for edge in self.edges])
        self.weight = np.array([weight[edge.name] for edge in self.edges])

    @classmethod
    def from_catalog(cls, catalog: Values, name: str, sets: Mapping[str, str]) -> Network:
        """The network of the catalog, read once of each catalog: change none of it.

        Raises
        ------
        InputError
            If there is none of that name, or a number is none that the equation allows.
        """
        known = _KNOWN.setdefault(catalog, {})
        key = (name, *sorted(sets.items()))
        if key not in known:
            known[key] = cls._read(catalog, name, sets)
        return known[key]

    @classmethod
    def _read(cls, catalog: Values, name: str, sets: Mapping[str, str]) -> Network:
        facts = catalog.noun("networks", name).facts
        problems = []

        def number(value: str, unit: str = "1") -> float:
            path = facts[SAME_AS].get(value, f"networks.{name}.{value}")
            found = catalog.get(path, unit, sets)
            wrong = out_of_bounds(value.rpartition("_")[2], found)
            if wrong:
                problems.append(Problem(wrong, path))
            return found

        inputs, nodes = facts["inputs"], list(facts["nodes"])
        edges = [
            Edge(edge["from"], edge["to"], edge["effect"], tuple(edge["claim"]), tuple(edge["source"]))
            for edge in facts["edges"]
        ]
        unit_of = {key: item["unit"] for key, item in inputs.items()}
        network = cls(
            name,
            inputs={key: number(f"{key}_level", unit) for key, unit in unit_of.items()},
            nodes=nodes,
            outputs=facts["outputs"],
            edges=edges,
            time={node: number(f"{node}_time", "h") for node in nodes},
            basal={node: number(f"{node}_basal") for node in nodes},
            half={edge.name: number(f"{edge.name}_half", unit_of.get(edge.source, "1")) for edge in edges},
            exponent={edge.name: number(f"{edge.name}_exponent") for edge in edges},
            weight={edge.name: number(f"{edge.name}_weight") for edge in edges},
            cell_type=facts["cell_type"],
            substrates={key: item["substrate"] for key, item in inputs.items()},
            reference=facts["reference"],
            units=unit_of,
        )
        if problems:
            raise InputError(problems)
        return network

    def with_inputs(self, given: Mapping[str, float]) -> Network:
        """The same network with other values of some inputs."""
        changed = copy.copy(self)
        changed.inputs = {**self.inputs, **given}
        return changed

    def __contains__(self, node: str) -> bool:
        return node in self._position

    def index(self, node: str) -> int:
        """Column of a node.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        if node not in self._position:
            raise InputError(f"network {self.name} has no node {node!r}{nearest(node, self.nodes)}")
        return self._position[node]

    @cached_property
    def _position(self) -> dict[str, int]:
        return {node: index for index, node in enumerate(self.nodes)}

    @cached_property
    def _edge_position(self) -> dict[str, int]:
        return {edge.name: index for index, edge in enumerate(self.edges)}

    def edge(self, name: str) -> int:
        """Place of an edge, given as ``a_to_b``, ``a -> b`` or ``a -| b``.

        Raises
        ------
        InputError
            If there is none.
        """
        parts = name.replace("-|", "->").split("->")
        found = edge_name(parts[0].strip(), parts[1].strip()) if len(parts) == 2 else name.strip()
        if found not in self._edge_position:
            raise InputError(f"network {self.name} has no edge {name!r}{nearest(found, self._edge_position)}")
        return self._edge_position[found]

    def make(
        self,
        effects: Mapping[str, float] | None = None,
        clamp: Mapping[str, float] | None = None,
        cut: Iterable[str] = (),
    ) -> Make:
        """A make of cell.

        Parameters
        ----------
        effects : mapping of str to float
            Of alterations: ``<node>_level`` multiplies the node's drive, ``<node>_activity`` makes it active without
            its activators, ``<source>_to_<target>_weight`` multiplies the edge's largest effect.
        clamp : mapping of str to float
            Nodes held at a value.
        cut : iterable of str
            Edges without effect.

        Raises
        ------
        InputError
            If the network has no such node or edge.
        """
        level, basal, weight = np.ones(len(self.nodes)), self.basal.copy(), self.weight.copy()
        held = np.zeros(len(self.nodes), dtype=bool)
        for name, value in (effects or {}).items():
            what, _, kind = name.rpartition("_")
            if kind == "level":
                level[self.index(what)] *= value
            elif kind == "activity":
                basal[self.index(what)] = 1.0 - (1.0 - basal[self.index(what)]) * (1.0 - value)
            elif kind == "weight":
                weight[self.edge(what)] = min(weight[self.edge(what)] * value, 1.0)
            else:
                raise InputError(
                    f"{name!r} is no effect of an alteration; expected <node>_level, <node>_activity or <edge>_weight"
                )
            if value < 0.0 or (kind == "activity" and value > 1.0):
                raise InputError(f"{name} of {value:g} must be {'from 0 to 1' if kind == 'activity' else 'at least 0'}")
        for name in cut:
            weight[self.edge(name)] = 0.0
        for node, value in (clamp or {}).items():
            index = self.index(node)
            level[index], basal[index], held[index] = 1.0, value, True
            weight[[place for place, edge in enumerate(self.edges) if edge.target == node]] = 0.0
        return Make(level, basal, weight, held)

    @cached_property
    def arrays(self) -> tuple[Any, ...]:
        """Edges as the kernel takes them."""
        place = {name: index for index, name in enumerate((*self.inputs, *self.nodes))}
        source = np.array([place[edge.source] for edge in self.edges], dtype=np.int64)
        effect = np.array([EFFECTS.index(edge.effect) for edge in self.edges], dtype=np.int64)
        targets = np.array([self._position[edge.target] for edge in self.edges], dtype=np.int64)
        first = np.searchsorted(targets, np.arange(len(self.nodes) + 1)).astype(np.int64)
        whole = np.where(self.exponent == np.round(self.exponent), self.exponent, 0).astype(np.int64)
        return first, source, effect, self.half**self.exponent, self.exponent, whole

    @cached_property
    def feeds_back(self) -> np.ndarray:
        """Whether each node acts on one that comes before it, or on itself, so that it has to be extrapolated."""
        out = np.zeros(len(self.nodes), dtype=np.bool_)
        for edge in self.edges:
            index = self._position.get(edge.source, -1)
            if index >= self._position[edge.target]:
                out[index] = True
        return out

    def reference_inputs(self, **given: float) -> np.ndarray:
        """Inputs of the reference state, some of them replaced, shape (1, inputs)."""
        unknown = set(given) - set(self.inputs)
        if unknown:
            name = min(unknown)
            raise InputError(f"network {self.name} has no input {name!r}{nearest(name, self.inputs)}")
        return np.array([[float(given.get(name, value)) for name, value in self.inputs.items()]])
