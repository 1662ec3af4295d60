"""What ``tumorabm catalog networks`` prints: the networks there are, one of them with all its edges, its picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tumorabm.catalog import Catalog
from tumorabm.networks.chosen import USUAL_SETS
from tumorabm.networks.description import edges_of, said_of_states
from tumorabm.networks.dot import dot_of
from tumorabm.networks.figure import check_format, draw_network
from tumorabm.processes.signaling.network import Network

KIND: Final = "networks"


def draw(catalog: Catalog, name: str, dot: bool, figure: Path | None) -> None:
    """Print a network in Graphviz' language, or draw it into a file."""
    network = Network.from_catalog(catalog, name, USUAL_SETS)
    if dot:
        print(dot_of(network), end="")
    if figure is not None:
        check_format(figure)
        draw_network(figure, network)
        if not dot:
            print(figure)


def print_list(catalog: Catalog) -> None:
    """All networks of the catalog, a line each."""
    rows = []
    for name in catalog.names(KIND):
        noun = catalog.noun(KIND, name)
        facts = noun.facts
        counts = [str(len(facts[part])) for part in ("inputs", "nodes", "outputs", "edges")]
        rows.append((name, facts["cell_type"], *counts, str(len(noun.values)), noun.description))
    print("networks: 'tumorabm catalog networks NAME' prints one, with --dot for Graphviz, with --figure as a picture")
    print_table(("name", "cell type", "inputs", "nodes", "outputs", "edges", "numbers", "description"), rows)


def print_network(catalog: Catalog, name: str) -> None:
    """A network with all nodes and edges, and how many steady states its reference cell has."""
    noun = catalog.noun(KIND, name)
    network = Network.from_catalog(catalog, name, USUAL_SETS)
    print(f"networks.{name}: {noun.description} (in {network.cell_type} cells)\n")
    inputs = [
        (key, _with_unit(value, network.units[key]), network.substrates[key], noun.facts["inputs"][key]["description"])
        for key, value in network.inputs.items()
    ]
    print_table(("input", "reference", "field", "description"), inputs)
    print()
    print_table(("node", "time", "basal", "", "description"), list(_node_rows(network, noun.facts["nodes"])))
    print()
    edges = [
        (
            edge["from"],
            edge["sign"],
            edge["to"],
            edge["effect"],
            _with_unit(edge["half"], edge["unit"]),
            f"{edge['exponent']:g}",
            f"{edge['weight']:g}",
            " ".join(edge["claims"]),
            ", ".join(edge["papers"]),
        )
        for edge in edges_of(network)
    ]
    print_table(("from", "", "to", "effect", "half", "exponent", "weight", "claims", "papers"), edges)
    print()
    for line in said_of_states(catalog, name):
        print(line)


def _node_rows(network: Network, facts: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            node,
            f"{network.time[place]:g} h",
            f"{network.basal[place]:g}",
            "output" if node in network.outputs else "",
            facts[node]["description"],
        )
        for place, node in enumerate(network.nodes)
    ]


def _with_unit(value: float, unit: str) -> str:
    return f"{value:g}" if unit == "1" else f"{value:g} {unit}"


def print_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table, as wide as it needs to be where nobody looks at a terminal."""
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)
