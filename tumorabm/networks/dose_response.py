"""Steady states of a network over the concentration of a drug, for several makes of cell.

A cell is followed from the reference state to its steady state without the drug and then through rising concentrations,
as in an experiment where the dose is raised slowly. Whether the network has a second steady state at a concentration is
found out from no activity and from full activity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from tumorabm.catalog import Catalog
from tumorabm.networks.chosen import (
    NONE,
    Conditions,
    inhibitors_that_reach,
    inputs_of,
    make_of,
    reference_make,
    settled,
)
from tumorabm.processes.signaling.course import DISTINCT, Left
from tumorabm.processes.signaling.inhibitors import Inhibitor, left_by
from tumorabm.processes.signaling.network import Make, Network

# An output whose value changes by less than this share is not moved by the drug.
LEAST_EFFECT: Final = 0.01
# Steady states are found to about 1e-10: below this, an activity is none, and nothing is relative to it.
_NOTHING: Final = 1e-8


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    network, drug : str
    concentrations : ndarray
        Rising, above 0, nM of the unbound drug in the cell.
    sets : mapping of str to str
    makes : sequence of sequence of str
        Alterations of each make; those of the network's reference cell alone if empty.
    outputs : sequence of str
        Nodes to look at; those that the drug inhibits and all outputs that it moves if empty.
    conditions : Conditions
    others : mapping of str to float
        Constant concentrations of other drugs, nM.
    """

    network: str
    drug: str
    concentrations: np.ndarray
    sets: Mapping[str, str]
    makes: Sequence[Sequence[str]] = ()
    outputs: Sequence[str] = ()
    conditions: Conditions = field(default_factory=lambda: Conditions({}, {}, ()))
    others: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """How one node of one make responds.

    Attributes
    ----------
    make, node : str
    untreated : float
        Its activity without the drug.
    activity : ndarray, shape (concentrations,)
    relative : ndarray
        Activity over that without the drug; NaN where there is none.
    half_maximal : float or None
        Concentration (nM) at which half of the effect at the highest concentration is reached; None where that effect
        is below 1 %, or already at the lowest concentration more than half of it is there.
    largest : float
        The largest change of ``relative`` from 1, with its sign.
    largest_at : float
        Concentration where that is.
    below_range : bool
        Whether more than half of the effect is there at the lowest concentration.
    """

    make: str
    node: str
    untreated: float
    activity: np.ndarray
    relative: np.ndarray
    half_maximal: float | None
    largest: float
    largest_at: float
    below_range: bool


@dataclass(frozen=True)
class Curve:
    """The cell of one make over all concentrations.

    Attributes
    ----------
    make : str
        Its alterations in words.
    state : ndarray, shape (1 + concentrations, nodes)
        Steady states, the first one without the drug.
    two : ndarray of bool, shape (1 + concentrations,)
        Whether there are two of them.
    """

    make: str
    state: np.ndarray
    two: np.ndarray


@dataclass(frozen=True)
class DoseResponse:
    """Curves of all makes.

    Attributes
    ----------
    question : Question
    network : Network
    inhibited : tuple of str
        Nodes that the drug inhibits.
    outputs : tuple of str
        Nodes to look at.
    curves : list of Curve
    """

    question: Question
    network: Network
    inhibited: tuple[str, ...]
    outputs: tuple[str, ...]
    curves: list[Curve]

    def responses(self) -> list[Response]:
        """The responses of all makes, make by make."""
        return [self.response(curve, node) for curve in self.curves for node in self.outputs]

    def response(self, curve: Curve, node: str) -> Response:
        """How a node responds in one make."""
        column = curve.state[:, self.network.index(node)]
        relative = column[1:] / column[0] if column[0] > _NOTHING else np.full(column.size - 1, np.nan)
        dose = self.question.concentrations
        change = np.nan_to_num(relative - 1.0)
        place = int(np.abs(change).argmax())
        half, below = half_maximal(dose, relative)
        untreated = float(column[0])
        largest, at = float(change[place]), float(dose[place])
        return Response(curve.make, node, untreated, column[1:], relative, half, largest, at, below)

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row for each make, node and concentration, for a table; the first of each without the drug."""
        doses = (0.0, *self.question.concentrations.tolist())
        for curve in self.curves:
            for item in (self.response(curve, node) for node in self.outputs):
                activity = (item.untreated, *item.activity.tolist())
                relative = (1.0 if item.untreated > _NOTHING else np.nan, *item.relative.tolist())
                for dose, value, over, two in zip(doses, activity, relative, curve.two.tolist(), strict=True):
                    yield {
                        "make": item.make,
                        "node": item.node,
                        "concentration_nM": dose,
                        "activity": value,
                        "relative": over,
                        "steady_states": 1 + two,
                    }


def concentrations_between(low: float, high: float, points: int) -> np.ndarray:
    """Concentrations evenly spaced on a logarithmic scale, with both ends as given."""
    out = np.geomspace(low, high, points)
    out[0], out[-1] = low, high
    return out


def half_maximal(concentrations: np.ndarray, relative: np.ndarray) -> tuple[float | None, bool]:
    """Concentration at which half of the effect at the highest one is reached first, interpolated on the logarithm.

    Returns
    -------
    float or None
        None where the effect is below 1 % or more than half of it is there at the lowest concentration.
    bool
        Whether the latter is so.
    """
    effect = relative - 1.0
    if not abs(effect[-1]) >= LEAST_EFFECT:
        return None, False
    share = effect / effect[-1]
    first = int(np.flatnonzero(share >= 0.5)[0])
    if first == 0:
        return None, True
    low, high = np.log(concentrations[first - 1 : first + 1])
    part = (0.5 - share[first - 1]) / (share[first] - share[first - 1])
    return float(np.exp(low + part * (high - low))), False


def dose_response(catalog: Catalog, question: Question) -> DoseResponse:
    """Follow all makes through the concentrations.

    Raises
    ------
    InputError
        If a name is not known, the drug inhibits no node of the network, or the network does not come to rest.
    """
    network = Network.from_catalog(catalog, question.network, question.sets)
    inhibitors = inhibitors_that_reach(catalog, network, (question.drug, *question.others), question.sets)
    inputs = inputs_of(network, question.conditions.inputs)
    for node in question.outputs:
        network.index(node)
    makes = {}
    for alterations in question.makes or (network.reference,):
        makes[" + ".join(alterations) or NONE] = make_of(
            catalog, network, alterations, question.conditions, question.sets
        )
    start = settled(network, network.reference_inputs(), reference_make(catalog, network, question.sets), None, 0.5)
    curves = [_followed(network, name, inputs, make, question, inhibitors, start) for name, make in makes.items()]
    inhibited = tuple(node for node in network.nodes if any(_hits(item, question.drug, node) for item in inhibitors))
    outputs = tuple(dict.fromkeys(question.outputs)) or _moved(network, curves, inhibited)
    return DoseResponse(question, network, inhibited, outputs, curves)


def _hits(item: Inhibitor, drug: str, node: str) -> bool:
    return (item.compound, item.node) == (drug, node)


def _moved(network: Network, curves: Sequence[Curve], inhibited: Sequence[str]) -> tuple[str, ...]:
    """The inhibited nodes, and the outputs that change in some make."""
    moved = []
    for output in network.outputs:
        columns = [curve.state[:, network.index(output)] for curve in curves]
        seen = [column for column in columns if column[0] > _NOTHING]
        if any(np.abs(column - column[0]).max() >= LEAST_EFFECT * column[0] for column in seen):
            moved.append(output)
    return tuple(dict.fromkeys([*inhibited, *moved]))


def _followed(
    network: Network,
    name: str,
    inputs: np.ndarray,
    make: Make,
    question: Question,
    inhibitors: Sequence[Inhibitor],
    start: np.ndarray,
) -> Curve:
    """One make through the concentrations, each steady state reached from the one before."""
    doses = np.concatenate([[0.0], question.concentrations])
    left = left_by(network, inhibitors, {**question.others, question.drug: doses}, make, doses.size)
    state = np.empty((doses.size, len(network.nodes)))
    for row in range(doses.size):
        start = settled(network, inputs, make, Left(left.nodes, left.share[row : row + 1]), start)
        state[row] = start[0]
    everywhere = np.repeat(inputs, doses.size, axis=0)
    low, high = (settled(network, everywhere, make, left, extreme) for extreme in (0.0, 1.0))
    return Curve(name, state, np.abs(high - low).max(axis=1) >= DISTINCT)
