"""A cell with a network, put together from the catalog by names: what it receives, its alterations and inhibitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tumorabm.catalog import SETS, USUAL_MEMBERS, Catalog
from tumorabm.config.quantity import Wrong, read_number
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.processes.signaling.cell_signaling import effects_of
from tumorabm.processes.signaling.course import Left, steady, steady_states
from tumorabm.processes.signaling.inhibitors import Inhibitor, inhibitors_of
from tumorabm.processes.signaling.network import Make, Network

# How a cell without any alteration is asked for.
NONE: Final = "none"
# Where no experiment says which: the sets of the main experiment.
USUAL_SETS: Final = {
    "kinetics": "patient_metastasis",
    "literature": "review_2016",
    "targets": "cellular",
    **USUAL_MEMBERS,
}


@dataclass(frozen=True)
class Conditions:
    """What is the same for all makes of cell that are compared.

    Attributes
    ----------
    inputs : mapping of str to str or float
        By input, with unit; the network's own values where none is given.
    clamp : mapping of str to float
        Nodes that are held at an activity.
    cut : sequence of str
        Edges without effect.
    """

    inputs: Mapping[str, str | float]
    clamp: Mapping[str, float]
    cut: Sequence[str]


def checked_sets(given: Mapping[str, str]) -> dict[str, str]:
    """The usual sets with some of them replaced.

    Raises
    ------
    InputError
        If there is no such member of a set.
    """
    wrong = [
        Problem(f"{member!r} is no {kind} set{nearest(member, SETS[kind])}", file=f"--{kind}")
        for kind, member in given.items()
        if member not in SETS[kind]
    ]
    if wrong:
        raise InputError(wrong)
    return {**USUAL_SETS, **given}


def inputs_of(network: Network, given: Mapping[str, str | float]) -> np.ndarray:
    """What the cell receives, shape (1, inputs).

    Raises
    ------
    InputError
        If the network has no such input or a quantity does not fit it.
    """
    values: dict[str, float] = {}
    for name, quantity in given.items():
        if name in network.inputs:
            try:
                values[name] = read_number(quantity, network.units[name])
                if values[name] < 0.0:
                    raise Wrong(f"{quantity!r} must be 0 or more")
            except Wrong as error:
                raise InputError([Problem(str(error), name)]) from None
        else:
            values[name] = 0.0  # refused below, with the nearest name
    return network.reference_inputs(**values)


def make_of(
    catalog: Catalog, network: Network, alterations: Sequence[str], conditions: Conditions, sets: Mapping[str, str]
) -> Make:
    """The make of a cell with some alterations.

    Raises
    ------
    InputError
        If an alteration is unknown, named twice or alters what the network does not have; likewise for conditions.
    """
    known = catalog.names("alterations")
    for name in alterations:
        if name not in known:
            raise InputError(f"{name!r} is no alteration of the catalog{nearest(name, known)}")
        if list(alterations).count(name) > 1:
            raise InputError(f"{name!r} is named twice")
        try:
            network.make(effects_of(catalog, [name], sets))
        except InputError as error:
            raise InputError(f"{name!r} does not fit: {error}") from None
    for node, value in conditions.clamp.items():
        network.index(node)
        if not 0.0 <= value <= 1.0:
            raise InputError(f"{node} cannot be held at {value:g}; activities go from 0 to 1")
    return network.make(effects_of(catalog, alterations, sets), conditions.clamp, conditions.cut)


def inhibitors_that_reach(
    catalog: Catalog, network: Network, compounds: Sequence[str], sets: Mapping[str, str]
) -> list[Inhibitor]:
    """What some compounds inhibit in a network.

    Parameters
    ----------
    compounds : sequence of str
        Drugs of the catalog, or active metabolites of them.

    Raises
    ------
    InputError
        If there is no such compound, or one inhibits no node of the network.
    """
    known = inhibitors_of(catalog, catalog.names("drugs"), sets)
    names = sorted({*catalog.names("drugs"), *(item.compound for item in known)})
    found: list[Inhibitor] = []
    for compound in compounds:
        if compound not in names:
            raise InputError(f"{compound!r} is no drug of the catalog{nearest(compound, names)}")
        own = [item for item in known if item.compound == compound]
        reaching = [item for item in own if item.node in network.nodes]
        if not reaching:
            nodes = ", ".join(dict.fromkeys(item.node for item in own)) or "none of any network"
            raise InputError(f"{compound} inhibits no node of {network.name}; it inhibits {nodes}")
        found += reaching
    return found


def settled(network: Network, inputs: np.ndarray, make: Make, left: Left | None, start: Any) -> np.ndarray:
    """Steady states, shape (m, nodes), as ``course.steady`` finds them.

    Raises
    ------
    InputError
        If the network does not come to rest.
    """
    try:
        return steady(network, inputs, make, left, start)
    except ArithmeticError as error:
        raise InputError(str(error)) from None


def reference_make(catalog: Catalog, network: Network, sets: Mapping[str, str]) -> Make:
    """The cell that the catalog's rates were measured on."""
    return network.make(effects_of(catalog, network.reference, sets))


def reference_states(catalog: Catalog, name: str) -> dict[str, tuple[Network, list[np.ndarray]]]:
    """The network and the steady states of its reference cell, by the kinetics set, which may move the reference state.

    Raises
    ------
    InputError
        If the network does not come to rest.
    """
    out = {}
    for kinetics in SETS["kinetics"]:
        sets = {**USUAL_SETS, "kinetics": kinetics}
        network = Network.from_catalog(catalog, name, sets)
        try:
            states = steady_states(network, network.reference_inputs(), reference_make(catalog, network, sets))
        except ArithmeticError as error:
            raise InputError(str(error)) from None
        out[kinetics] = (network, states)
    return out
