"""Muller plot: clones over time, each inside the one that gave rise to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tumorabm.analysis.phylogeny import Phylogeny, phylogeny
from tumorabm.analysis.style import CLONE_COLORS, GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tumorabm.analysis.run import Run

# Clones that never reach this share are drawn as part of their parents.
LEAST: Final = 0.01
NAMED: Final = 12  # so many at most are in the legend


def muller_plot(run: Run, least: float = LEAST, absolute: bool = False) -> Figure:
    """Draw shares of clones over time, children inside their parents; clones with the same alterations in one color.

    Parameters
    ----------
    run : Run
    least : float
        Share that a clone must reach to be drawn; smaller ones, with what came of them, count as their parents.
    absolute : bool
        Whether heights are numbers of living cells rather than shares of them.

    Returns
    -------
    Figure
    """
    from matplotlib.figure import Figure

    history = phylogeny(run)
    values, shown = drawn(history, least, absolute)
    order = nested(history, shown)
    time = history.cells["time"].values
    labels, colors = colors_of(history, shown)
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    edges = np.cumsum([np.zeros(time.size), *(values[row] / order.count(row) for row in order)], axis=0)
    for row, low, high in zip(order, edges[:-1], edges[1:], strict=True):
        axes.fill_between(time, low, high, color=colors[labels[row]], linewidth=0, antialiased=False)
    for label in list(colors)[:NAMED]:
        axes.fill_between([], [], [], color=colors[label], linewidth=0, label=label)
    if run.burn_in > 0:
        axes.axvline(run.burn_in, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlabel("time since the start (d)")
    axes.set_ylabel("living tumor cells" if absolute else "share of living tumor cells")
    axes.set_ylim(bottom=0.0)
    axes.margins(x=0, y=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=8, loc="outside right upper")
    figure.suptitle("\n".join([run.name, *run.sentences]), fontsize=10)
    return figure


def colors_of(history: Phylogeny, shown: list[int]) -> tuple[dict[int, str], dict[str, str]]:
    """What a legend calls each of these rows, and the color of each such name."""
    labels = {row: label_of(history, row) for row in shown}
    return labels, {name: CLONE_COLORS[k % len(CLONE_COLORS)] for k, name in enumerate(dict.fromkeys(labels.values()))}


def drawn(history: Phylogeny, least: float, absolute: bool = False) -> tuple[np.ndarray, list[int]]:
    """Heights by row of the clone table, those of small clones added to their parents', and the rows to be drawn.

    A clone is drawn if it reaches the least share together with all that descends from it; what the tumor began with
    always is.
    """
    shares = np.nan_to_num(history.frequencies.values.T)
    with_descendants = shares.copy()
    values = history.cells.values.T.astype(float) if absolute else shares.copy()
    shown = np.zeros(len(values), dtype=bool)
    for row in range(len(values) - 1, -1, -1):  # children come behind their parents
        parent = history.parents[row]
        shown[row] = parent < 0 or with_descendants[row].max(initial=0.0) >= least
        if parent >= 0:
            with_descendants[parent] += with_descendants[row]
            if not shown[row]:
                values[parent] += values[row]
                values[row] = 0.0
    return values, np.flatnonzero(shown).tolist()


def nested(history: Phylogeny, shown: list[int]) -> list[int]:
    """Rows from bottom to top: a clone before each of its children and behind the last, children by birth."""
    inside = set(shown)
    children: dict[int, list[int]] = {row: [] for row in (-1, *shown)}
    for row in shown:
        children[int(history.parents[row])].append(row)
    order: list[int] = []
    waiting = [(row, False) for row in reversed(children[-1])]
    while waiting:
        row, again = waiting.pop()
        order.append(row)
        if not again:
            for child in reversed([child for child in children[row] if child in inside]):
                waiting += [(row, True), (child, False)]
    return order


def label_of(history: Phylogeny, row: int) -> str:
    """What a legend calls a clone: the one that the tumor began with, and what has been gained since."""
    founder = row
    while history.parents[founder] >= 0:
        founder = int(history.parents[founder])
    begun = set(history.clones["alterations"][founder])
    gained = sorted(set(history.clones["alterations"][row]) - begun)
    return " + ".join([str(history.clones["name"][founder]), *gained])
