"""What a network of the catalog consists of, and whether its reference cell has one steady state or two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tumorabm.catalog import Catalog
from tumorabm.networks.chosen import reference_states
from tumorabm.processes.signaling.course import DISTINCT
from tumorabm.processes.signaling.network import Network


def edges_of(network: Network) -> Iterator[dict[str, Any]]:
    """Every edge with its numbers, in the order of its target."""
    for place, edge in enumerate(network.edges):
        yield {
            "from": edge.source,
            "sign": "-|" if edge.sign < 0 else "->",
            "to": edge.target,
            "effect": edge.effect,
            "half": float(network.half[place]),
            "unit": network.units.get(edge.source, "1"),
            "exponent": float(network.exponent[place]),
            "weight": float(network.weight[place]),
            "claims": list(edge.claims),
            "papers": list(edge.papers),
        }


def described(catalog: Catalog, name: str) -> dict[str, Any]:
    """Edges with their numbers, and the steady states of the reference cell, by kinetics set.

    Raises
    ------
    InputError
        If there is no such network, or it does not come to rest.
    """
    catalog.noun("networks", name)
    found = reference_states(catalog, name)
    network = next(iter(found.values()))[0]
    states = {
        kinetics: [dict(zip(network.nodes, map(float, state), strict=True)) for state in ends]
        for kinetics, (_, ends) in found.items()
    }
    return {"edges": list(edges_of(network)), "steady_states": states}


def said_of_states(catalog: Catalog, name: str) -> list[str]:
    """Whether the reference cell has one steady state or two, and in which nodes two differ."""
    found = reference_states(catalog, name)
    network = next(iter(found.values()))[0]
    cell = f"the reference cell ({', '.join(network.reference) or 'no alteration'})"
    single = [kinetics for kinetics, (_, states) in found.items() if len(states) == 1]
    lines = []
    if len(single) == len(found):
        lines.append(f"{cell} has one steady state, from no activity as from full activity, under every kinetics set")
    elif single:
        lines.append(f"{cell} has one steady state under kinetics {', '.join(single)}")
    for kinetics, (_, states) in found.items():
        if len(states) > 1:
            lines.append(f"{cell} has two steady states under kinetics {kinetics}: {_differing(network, states)}")
    return lines


def _differing(network: Network, states: Sequence[np.ndarray]) -> str:
    low, high = states
    differs = [(node, a, b) for node, a, b in zip(network.nodes, low, high, strict=True) if abs(a - b) >= DISTINCT]
    return ", ".join(f"{node} {a:.3g} or {b:.3g}" for node, a, b in differs)
