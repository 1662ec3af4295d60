"""What an experiment can be run without: arms that differ in one setting, for nodes and edges of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tumorabm.config import Experiment
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.processes.signaling.cell_signaling import read_network
from tumorabm.processes.signaling.network import Network


@dataclass(frozen=True)
class Arms:
    """An experiment without one part after another.

    Attributes
    ----------
    path : str
        Setting of the experiment that differs between arms.
    intact : object
        Its value in the intact experiment.
    without : dict of str to object
        By the part that is taken away.
    kept : dict of str to str
        Parts that cannot be: why.
    stem : str
        Begins names of files, so that kinds of parts do not collide.
    """

    path: str
    intact: Any
    without: dict[str, Any]
    kept: dict[str, str]
    stem: str = ""


def node_arms(experiment: Experiment, cell_type: str) -> Arms:
    """Each node held at 0, beside those that the experiment holds.

    Raises
    ------
    InputError
        If no network runs in that type of cell.
    """
    network, held, _ = _network(experiment, cell_type)
    without = {node: {**held, node: 0.0} for node in network.nodes if node not in held}
    kept = {node: f"the experiment holds it at {value:g}" for node, value in held.items()}
    return Arms(f"signaling.{cell_type}.clamp", held, without, kept, f"{cell_type}_nodes")


def edge_arms(experiment: Experiment, cell_type: str) -> Arms:
    """Each edge cut, beside those that the experiment cuts.

    Raises
    ------
    InputError
        If no network runs in that type of cell.
    """
    network, held, cut = _network(experiment, cell_type)
    gone = {network.edge(name) for name in cut}
    kept, without = {}, {}
    for place, edge in enumerate(network.edges):
        if place in gone:
            kept[str(edge)] = "the experiment cuts it"
        elif edge.target in held:
            kept[str(edge)] = f"the experiment holds {edge.target}"
        elif network.weight[place] == 0.0:
            kept[str(edge)] = "its largest effect is 0"
        else:
            without[str(edge)] = [*cut, str(edge)]
    return Arms(f"signaling.{cell_type}.cut", cut, without, kept, f"{cell_type}_edges")


def _network(experiment: Experiment, cell_type: str) -> tuple[Network, dict[str, float], list[str]]:
    """The network that runs in a type of cell, what the experiment holds of it and what it cuts."""
    choice = experiment.choice()
    if cell_type not in choice.signaling:
        message = f"{cell_type} cells of this experiment have no signaling{nearest(cell_type, choice.signaling)}"
        raise InputError([Problem(message, file="--network")])
    chosen = choice.signaling[cell_type]
    return read_network(experiment.catalog, chosen, choice.sets), dict(chosen.clamp), list(chosen.cut)


def chosen_parts(only: Sequence[str], arms: Arms, noun: str) -> list[str]:
    """Parts that were named; edges also as ``a_to_b``.

    Raises
    ------
    InputError
        If one is not known or cannot be taken away.
    """
    named = {_plain(name): name for name in (*arms.without, *arms.kept)}
    problems, chosen = [], []
    for given in only:
        name = named.get(_plain(given))
        if name is None:
            problems.append(Problem(f"{given!r} is no {noun}{nearest(given, named.values())}", file="--only"))
        elif name in arms.kept:
            problems.append(Problem(f"{name} cannot be taken away: {arms.kept[name]}", file="--only"))
        elif name not in chosen:
            chosen.append(name)
    if problems:
        raise InputError(problems)
    return chosen


def _plain(name: str) -> str:
    """A name without the ways of writing an arrow."""
    return name.replace("-|", "->").replace(" ", "").replace("->", "_to_")
