"""Where the nodes of a network stand in a drawing, and how its edges go: columns by the longest path.

The steps are Sugiyama's: edges that close a loop are set aside, columns follow from the longest path of the rest, edges
get a place in every column that they pass, places are sorted by the middle of their neighbors, and heights follow by
least squares. Edges with the same source and effect share their way for as long as they can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorabm.processes.signaling.network import Edge, Network

_SWEEPS: Final = 40
_ROUNDS: Final = 200
# Least distance of neighbors in a column: two nodes, a node and a passing edge, two passing edges.
_GAPS: Final = (1.0, 0.6, 0.3)
_PULLS: Final = (1.0, 2.0, 8.0)

# A place in a column: a node's name, or (source, effect, direction, column) of edges that pass.
_Place = str | tuple[str, str, int, int]


@dataclass(frozen=True)
class Layout:
    """A drawing without its size: columns are 1 apart, so are nodes within a column at least.

    Attributes
    ----------
    places : dict of str to tuple of float
        Column and height of each input and node.
    ways : list of list of tuple of float
        For each edge of the network, the places that it passes between its ends.
    columns : int
    """

    places: dict[str, tuple[float, float]]
    ways: list[list[tuple[float, float]]]
    columns: int


def layout_of(network: Network) -> Layout:
    """A layout of a network."""
    column = columns_of(network)
    chains = [_chain(edge, column) for edge in network.edges]
    columns: list[list[_Place]] = [[] for _ in range(max(column.values()) + 1)]
    for name, at in column.items():
        columns[at].append(name)
    passing = dict.fromkeys(place for chain in chains for place in chain if not isinstance(place, str))
    for place in passing:
        columns[place[3]].append(place)
    links = sorted({(a, b) for chain in chains for a, b in zip(chain, chain[1:], strict=False)}, key=str)
    columns = _sorted(columns, links)
    height = _heights(columns, links)
    where = {place: (float(at), height[place]) for at, places in enumerate(columns) for place in places}
    return Layout(
        {name: where[name] for name in column}, [[where[p] for p in chain[1:-1]] for chain in chains], len(columns)
    )


def columns_of(network: Network) -> dict[str, int]:
    """Column of each input and node: inputs in the first, outputs in the last, every node right of what drives it.

    Edges against the order of the file are kept to only if they close no loop.
    """
    order = {name: index for index, name in enumerate((*network.inputs, *network.nodes))}
    targets: dict[str, list[str]] = {name: [] for name in order}
    edges = [edge for edge in network.edges if edge.source not in network.outputs]
    for edge in sorted(edges, key=lambda edge: order[edge.source] >= order[edge.target]):
        if not _reaches(targets, edge.target, edge.source):
            targets[edge.source].append(edge.target)
    column = {name: 0 if name in network.inputs else 1 for name in order}
    for _ in order:
        for source in order:
            for target in targets[source]:
                column[target] = max(column[target], column[source] + 1)
    inner = [name for name in network.nodes if name not in network.outputs]
    last = max([column[name] for name in inner], default=0) + 1
    column |= dict.fromkeys(network.outputs, last)
    driven = {target for found in targets.values() for target in found}
    for name in reversed(inner):  # what nothing to its left drives stands right before what it drives
        if name not in driven and targets[name]:
            column[name] = max(1, min(column[target] for target in targets[name]) - 1)
    return column


def _reaches(targets: dict[str, list[str]], start: str, end: str) -> bool:
    waiting, seen = [start], set()
    while waiting:
        name = waiting.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            waiting += targets[name]
    return False


def _chain(edge: Edge, column: dict[str, int]) -> list[_Place]:
    """An edge's ends and what it passes between them."""
    start, end = column[edge.source], column[edge.target]
    step = 1 if end >= start else -1
    between: list[_Place] = [(edge.source, edge.effect, step, at) for at in range(start + step, end, step)]
    return [edge.source, *between, edge.target]


def _sorted(columns: list[list[_Place]], links: Sequence[tuple[_Place, _Place]]) -> list[list[_Place]]:
    """Columns in an order with few crossings: the best of some sweeps forth and back."""
    neighbors = _neighbors(columns, links)
    best, fewest = columns, _crossings(columns, neighbors)
    for sweep in range(_SWEEPS):
        columns = [list(places) for places in columns]
        side = sweep % 2  # of the neighbors that a column is sorted by: before it, then behind it
        for at in range(len(columns)) if side == 0 else reversed(range(len(columns))):
            beside = at - 1 if side == 0 else at + 1
            if not 0 <= beside < len(columns):
                continue
            rank = {place: index for index, place in enumerate(columns[beside])}
            stands = {place: index for index, place in enumerate(columns[at])}
            scale = max(len(rank), 1) / max(len(stands), 1)
            middle = {
                place: float(np.mean([rank[other] for other in neighbors[place][side]]))
                if neighbors[place][side]
                else stands[place] * scale
                for place in columns[at]
            }
            columns[at].sort(key=lambda place: middle[place])
        found = _crossings(columns, neighbors)
        if found < fewest:
            best, fewest = columns, found
    return best


def _neighbors(
    columns: Sequence[Sequence[_Place]], links: Sequence[tuple[_Place, _Place]]
) -> dict[_Place, tuple[list[_Place], list[_Place]]]:
    """Places that each is linked to in the column before and in the one behind."""
    at = {place: index for index, places in enumerate(columns) for place in places}
    out: dict[_Place, tuple[list[_Place], list[_Place]]] = {place: ([], []) for place in at}
    for a, b in links:
        if at[a] != at[b]:
            first, second = (a, b) if at[a] < at[b] else (b, a)
            out[first][1].append(second)
            out[second][0].append(first)
    return out


def _crossings(columns: Sequence[Sequence[_Place]], neighbors: dict[_Place, tuple[list[_Place], list[_Place]]]) -> int:
    total = 0
    for places, behind in zip(columns, columns[1:], strict=False):
        rank = {place: index for index, place in enumerate(behind)}
        ends = [rank[other] for place in places for other in sorted(neighbors[place][1], key=lambda p: rank[p])]
        values = np.array(ends)
        total += sum(int((values[index + 1 :] < end).sum()) for index, end in enumerate(ends))
    return total


def _heights(columns: Sequence[Sequence[_Place]], links: Sequence[tuple[_Place, _Place]]) -> dict[_Place, float]:
    """Heights near the middle of the neighbors, in the order of the columns and with room between them."""
    neighbors = _neighbors(columns, links)
    height: dict[_Place, float] = {}
    offsets = []
    for places in columns:
        gaps = [
            _GAPS[(not isinstance(a, str)) + (not isinstance(b, str))] for a, b in zip(places, places[1:], strict=False)
        ]
        offset = np.concatenate([[0.0], np.cumsum(gaps)]) if places else np.empty(0)
        offsets.append(offset)
        height |= {place: float(y) for place, y in zip(places, offset - offset.mean() if places else (), strict=True)}
    for turn in range(_ROUNDS):
        indices = range(len(columns)) if turn % 2 == 0 else reversed(range(len(columns)))
        for at in indices:
            wanted = []
            for place in columns[at]:
                around = [other for side in neighbors[place] for other in side]
                pulls = [_pull(place, other) for other in around]
                heights = [height[other] for other in around]
                wanted.append(float(np.average(heights, weights=pulls)) if around else height[place])
            if wanted:
                placed = _in_order(np.array(wanted) - offsets[at]) + offsets[at]
                height |= {place: float(y) for place, y in zip(columns[at], placed, strict=True)}
    return height


def _pull(place: _Place, other: _Place) -> float:
    """How much a link wants to be level: ways through several columns most."""
    return _PULLS[(not isinstance(place, str)) + (not isinstance(other, str))]


def _in_order(wanted: np.ndarray) -> np.ndarray:
    """The rising values nearest to the wanted ones: neighbors in the wrong order are put at their common mean."""
    blocks: list[list[float]] = []  # mean, size
    for value in wanted.tolist():
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            total = blocks[-1][1] + size
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * size) / total, total]
    return np.concatenate([np.full(int(size), mean) for mean, size in blocks])
