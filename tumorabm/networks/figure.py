"""Pictures of a network and of dose-response curves, written beside and renamed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm.errors import InputError
from tumorabm.networks.layout import layout_of
from tumorabm.processes.signaling.network import Network
from tumorabm.recording.atomic import beside_of, check_writable, output, rename

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tumorabm.networks.dose_response import DoseResponse

FORMATS: Final = (".png", ".svg", ".pdf")

# Okabe and Ito's palette: told apart with any color vision.
_COLORS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES: Final = ("-", "--", ":", "-.")
_BLACK: Final = "#000000"
_RED: Final = "#C8102E"
_LIGHT: Final = "#DDDDDD"
_FILL: Final = "#DCE9F5"
# Inches: from column to column, from node to node in a column, and a node's size.
_COLUMN, _ROW, _WIDTH, _HEIGHT = 1.5, 0.38, 1.06, 0.26
_PANELS: Final = 3  # side by side
_DASHED, _OFF = (0, (4, 2)), (0, (1, 3))
_SALT: Final = "tumorabm"  # of identifiers in SVG, so that the same picture is the same file


def check_format(path: Path) -> None:
    """Say before anything is computed that a picture could not be written.

    Raises
    ------
    InputError
        If the name ends in no known format, the file could not be written or matplotlib is missing.
    """
    import importlib.util

    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: a figure's name ends in {', '.join(FORMATS)}")
    check_writable(path)
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("this needs matplotlib: pip install 'tumorabm[analysis]'")


def draw_network(path: Path, network: Network) -> None:
    """A network from left to right: inputs as boxes, nodes as ellipses, outputs as filled boxes.

    Black arrows activate, dashed ones are required, red bars inhibit; thickness is the largest effect.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Ellipse, Rectangle

    layout = layout_of(network)
    heights = [y for _, y in layout.places.values()] + [y for way in layout.ways for _, y in way]
    top, bottom = min(heights) - 1.2, max(heights) + 1.2
    width, height = (layout.columns - 1) * _COLUMN + 2 * _WIDTH, (bottom - top) * _ROW + 0.4
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(-_WIDTH, width - _WIDTH)
    axes.set_ylim(bottom * _ROW + 0.4, top * _ROW)
    axes.set_axis_off()
    at = {name: (column * _COLUMN, row * _ROW) for name, (column, row) in layout.places.items()}
    ports = _ports(network, layout.ways, at)
    for place, edge in enumerate(network.edges):
        way = [(column * _COLUMN, row * _ROW) for column, row in layout.ways[place]]
        _draw_edge(axes, edge.effect, float(network.weight[place]), at[edge.source], at[edge.target], way, ports[place])
    for name, (x, y) in at.items():
        box: dict[str, Any] = {"linewidth": 0.9, "edgecolor": _BLACK, "zorder": 3}
        if name in network.inputs or name in network.outputs:
            fill = _FILL if name in network.outputs else "white"
            corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
            axes.add_patch(Rectangle(corner, _WIDTH, _HEIGHT, facecolor=fill, **box))
        else:
            axes.add_patch(Ellipse((x, y), _WIDTH, _HEIGHT, facecolor="white", **box))
        axes.text(x, y, name.replace("_", " "), ha="center", va="center", fontsize=7.5, zorder=4)
    _legend_of_effects(axes)
    _save(figure, path)


def _ports(
    network: Network, ways: Sequence[Sequence[tuple[float, float]]], at: dict[str, tuple[float, float]]
) -> list[float]:
    """Height at which each edge ends at its target, relative to its middle: side by side in the order they come."""
    out = [0.0] * len(network.edges)
    comes: dict[tuple[str, bool], list[tuple[float, int]]] = {}
    for place, edge in enumerate(network.edges):
        before = ways[place][-1][1] * _ROW if ways[place] else at[edge.source][1]
        forward = at[edge.source][0] <= at[edge.target][0]
        comes.setdefault((edge.target, forward), []).append((before, place))
    for arriving in comes.values():
        spread = np.linspace(-0.36, 0.36, len(arriving)) * _HEIGHT if len(arriving) > 1 else np.zeros(1)
        for offset, (_, place) in zip(spread.tolist(), sorted(arriving), strict=True):
            out[place] = offset
    return out


def _draw_edge(
    axes: Axes,
    effect: str,
    weight: float,
    source: tuple[float, float],
    target: tuple[float, float],
    way: list[tuple[float, float]],
    port: float,
) -> None:
    """A smooth line that is level where it leaves, passes columns and arrives."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Line

    side = 1.0 if target[0] >= source[0] else -1.0
    start = (source[0] + side * _WIDTH / 2, source[1])
    inset = 1.0 - np.sqrt(max(1.0 - (2.0 * port / _HEIGHT) ** 2, 0.0))  # of an ellipse at that height
    end = (target[0] - side * _WIDTH / 2 * (1.0 - 0.8 * inset), target[1] + port)
    points = [start]
    for x, y in way:
        points += [(x - side * _WIDTH / 2, y), (x + side * _WIDTH / 2, y)]
    points.append(end)
    vertices, codes = [points[0]], [Line.MOVETO]
    for number, ((x, y), (next_x, next_y)) in enumerate(zip(points, points[1:], strict=False)):
        if number % 2:  # across a column
            vertices.append((next_x, next_y))
            codes.append(Line.LINETO)
        else:
            bend = x + 0.5 * (next_x - x) if side * (next_x - x) > 0.0 else x + side * 0.5 * _COLUMN
            back = bend if side * (next_x - x) > 0.0 else next_x + side * 0.5 * _COLUMN
            vertices += [(bend, y), (back, next_y), (next_x, next_y)]
            codes += [Line.CURVE4] * 3
    inhibits = effect == "inhibition"
    head = "-[,widthB=0.38,lengthB=0" if inhibits else "-|>,head_length=0.35,head_width=0.15"
    arrow = FancyArrowPatch(
        path=Line(vertices, codes),
        arrowstyle=head,
        mutation_scale=10,
        color=_RED if inhibits else _BLACK,
        linewidth=0.35 + 0.75 * weight,
        linestyle=_OFF if weight == 0.0 else _DASHED if effect == "requirement" else "-",
        fill=not inhibits,
        shrinkA=0,
        shrinkB=0,
        alpha=0.85,
        zorder=2,
    )
    axes.add_patch(arrow)


def _legend_of_effects(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_BLACK, lw=1.1, label="activation"),
        Line2D([], [], color=_BLACK, lw=1.1, ls=_DASHED, label="requirement"),
        Line2D([], [], color=_RED, lw=1.1, label="inhibition (bar)"),
        Line2D([], [], color=_BLACK, lw=0.4, label="thin: small largest effect"),
        Line2D([], [], color=_BLACK, lw=0.8, ls=_OFF, label="dotted: none, a hypothesis that is off"),
    ]
    axes.legend(handles=handles, loc="lower center", ncols=5, frameon=False, fontsize=8)


def draw_dose_response(path: Path, found: DoseResponse) -> None:
    """Activity relative to no drug over the concentration: a panel for each node, a line for each make.

    Open circles stand where a second steady state exists.
    """
    from matplotlib.figure import Figure

    outputs, doses = found.outputs, found.question.concentrations
    across = min(_PANELS, max(len(outputs), 1))
    down = -(-max(len(outputs), 1) // across)
    figure = Figure(figsize=(1.2 + 3.1 * across, 1.0 + 2.3 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True).ravel()
    for panel in panels[len(outputs) :]:
        panel.set_visible(False)
    for axes, node in zip(panels, outputs, strict=False):
        for number, curve in enumerate(found.curves):
            relative = found.response(curve, node).relative
            color, dash = _COLORS[number % len(_COLORS)], _DASHES[number % len(_DASHES)]
            axes.plot(doses, relative, color=color, ls=dash, lw=1.6)
            two = curve.two[1:]
            axes.plot(doses[two], relative[two], "o", color=color, mfc="white", ms=4.5)
        axes.axhline(1.0, color=_LIGHT, lw=0.8, zorder=0)
        axes.set_xscale("log")
        axes.set_ylim(bottom=0.0, top=max(1.1, axes.get_ylim()[1]))
        axes.set_title(node.replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=8, labelbottom=True)
        for name in ("top", "right"):
            axes.spines[name].set_visible(False)
    figure.supxlabel(f"unbound {found.question.drug} in the cell (nM)", fontsize=9)
    figure.supylabel("steady activity over that without it\n(ratio, dimensionless)", fontsize=9)
    figure.legend(handles=_lines_of_makes(found), loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    _save(figure, path)


def _lines_of_makes(found: DoseResponse) -> list[Any]:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_COLORS[n % len(_COLORS)], ls=_DASHES[n % len(_DASHES)], lw=1.6, label=curve.make)
        for n, curve in enumerate(found.curves)
    ]
    if any(curve.two[1:].any() for curve in found.curves):
        label = "a second steady state exists"
        handles.append(Line2D([], [], color=_BLACK, marker="o", mfc="white", ls="", ms=4.5, label=label))
    return handles


def _save(figure: Figure, path: Path) -> None:
    import matplotlib

    kind = path.suffix.lower().removeprefix(".")
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    beside = beside_of(path)
    with output(path):
        with matplotlib.rc_context({"svg.hashsalt": _SALT, "svg.fonttype": "none"}):
            figure.savefig(beside, dpi=150, format=kind, metadata=undated)
        rename(beside, path)
