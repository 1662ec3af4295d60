"""A network in Graphviz' language, drawn as Figure 1 of the review is: black arrows activate, red ones inhibit."""

from __future__ import annotations

from typing import Final

from tumorabm.processes.signaling.network import Network

# By effect. A requirement is dashed: it does not activate, but without it nothing does.
_STYLES: Final = {
    "activation": "color=black",
    "requirement": "color=black, style=dashed",
    "inhibition": "color=red, arrowhead=tee",
}
_FILL: Final = "#DCE9F5"


def dot_of(network: Network) -> str:
    """DOT text of a network, left to right: inputs as boxes, nodes as ellipses, outputs as filled boxes.

    The thickness of an arrow is its largest effect; a reader that shows tooltips has the numbers and the papers.
    """
    inner = [node for node in network.nodes if node not in network.outputs]
    lines = [
        f"digraph {_quoted(network.name)} {{",
        "  // black: activation; black and dashed: requirement; red with a bar: inhibition; dotted: off",
        "  rankdir=LR; ranksep=0.9; nodesep=0.15;",
        '  node [fontname="Helvetica", fontsize=11, height=0.3];',
        _rank("source", "shape=box", tuple(network.inputs)),
        _rank("", "shape=ellipse", inner),
        _rank("sink", f'shape=box, style=filled, fillcolor="{_FILL}"', network.outputs),
    ]
    for place, edge in enumerate(network.edges):
        half = f"{network.half[place]:g}{_unit(network, edge.source)}"
        told = f"{edge}: half {half}, exponent {network.exponent[place]:g}, weight {network.weight[place]:g}"
        papers = ", ".join((*edge.claims, *edge.papers))
        dotted = ", style=dotted" if network.weight[place] == 0.0 else ""
        style = f"{_STYLES[edge.effect]}{dotted}, penwidth={0.5 + network.weight[place]:.2g}"
        tip = _quoted(f"{told}; {papers}" if papers else told)
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [{style}, tooltip={tip}];")
    return "\n".join([*lines, "}", ""])


def _unit(network: Network, source: str) -> str:
    unit = network.units.get(source, "1")
    return "" if unit == "1" else f" {unit}"


def _rank(rank: str, style: str, names: tuple[str, ...] | list[str]) -> str:
    """Names with a common style, on one side of the drawing if it is told which."""
    place = f"rank={rank}; " if rank else ""
    shown = [f"    {_quoted(name)} [label={_quoted(name.replace('_', ' '))}];" for name in names]
    return "\n".join([f"  {{ {place}node [{style}];", *shown, "  }"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
