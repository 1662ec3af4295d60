"""Figures of sensitivity and ablation, one per question, written beside and renamed into the sweep's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm.recording.atomic import beside_of, rename
from tumorabm.sweep.elementary_effects import LUCK, MATTERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tumorabm.sweep.ablation import Ablation, Removed
    from tumorabm.sweep.elementary_effects import Screened
    from tumorabm.sweep.variance_shares import Shares

# Okabe and Ito's palette: told apart with any color vision.
_BLACK: Final = "#000000"
_BLUE: Final = "#0072B2"
_ORANGE: Final = "#E69F00"
_GREY: Final = "#8C8C8C"
_LIGHT: Final = "#DDDDDD"
_UNITS: Final = {"um": "µm", "1/mm^2": "mm⁻²", "um^3": "µm³", "1": "dimensionless", "mmHg um^3/h": "mmHg µm³/h"}
_MOST_ROWS: Final = 40
_ROW: Final = 0.24  # inches


def unit_text(unit: str) -> str:
    """A unit in brackets."""
    return f" ({_UNITS.get(unit, unit)})"


def draw_screening(path: Path, rows: Sequence[Screened], what: str, unit: str, logarithm: bool = False) -> None:
    """Mean absolute effects with their intervals, and the floor that luck alone would reach.

    Parameters
    ----------
    path : Path
        Of the PNG.
    rows : sequence of Screened
        Largest first.
    what : str
        What was measured.
    unit : str
        Of the effects.
    logarithm : bool
        Whether effects are on the natural logarithm.
    """
    shown = [row for row in rows if row.effects][:_MOST_ROWS]
    figure, axes = _rows(len(shown), [row.factor for row in shown], 8.0)
    colors = {MATTERS: _BLUE, LUCK: _GREY}
    for position, row in enumerate(shown):
        color = colors.get(row.verdict, _ORANGE)
        if np.isfinite(row.floor):
            axes.barh(position, row.floor, height=0.8, color=_LIGHT, zorder=1)
        _interval(axes, position, row.mu_star, row.low, row.high, color)
    axes.set_xlim(left=0.0)
    said = f"ln {what}" if logarithm else what
    axes.set_xlabel(f"mean absolute change of {said}\nover a value's range, µ*{unit_text(unit)}")
    entries = [("matters", _BLUE), ("unclear", _ORANGE), ("not above luck", _GREY)]
    handles = [_marker(color, label) for label, color in entries] + [_patch(_LIGHT, "what luck alone reaches")]
    _legend(figure, handles)
    left = sum(1 for row in rows if row.effects) - len(shown)
    axes.set_title(f"Morris screening, 95 % intervals{f'; {left} smaller not shown' if left else ''}", fontsize=9)
    _save(figure, path)


def draw_shares(path: Path, found: Shares, what: str, logarithm: bool = False) -> None:
    """First and total shares of variance with their intervals."""
    rows = found.factors
    figure, axes = _rows(len(rows), [row.factor for row in rows], 7.0, height=0.45)
    for position, row in enumerate(rows):
        _interval(axes, position - 0.14, row.total, row.total_low, row.total_high, _BLUE)
        _interval(axes, position + 0.14, row.first, row.first_low, row.first_high, _ORANGE)
    axes.axvline(0.0, color=_BLACK, lw=0.8)
    said = f"ln {what}" if logarithm else what
    axes.set_xlabel(f"share of the variance of {said} without luck (dimensionless)")
    handles = [_marker(_BLUE, "total (with interactions)"), _marker(_ORANGE, "by itself (first order)")]
    _legend(figure, handles)
    luck = f"; luck: {100 * found.luck_share:.1f} % of the variance of one run" if np.isfinite(found.luck_share) else ""
    axes.set_title(f"Sobol's shares, 95 % intervals{luck}", fontsize=9)
    _save(figure, path)


def draw_ablation(path: Path, rows: Sequence[Removed], asked: Ablation) -> None:
    """What each removal does, with intervals over seeds: as a ratio where all values are above 0, else a difference."""
    shown = [row for row in rows if row.seeds > 1][:_MOST_ROWS]
    noun, what = asked.kind.noun, str(asked.measured)
    ratios = bool(shown) and all(np.isfinite(row.ratio) for row in shown)
    figure, axes = _rows(len(shown), [row.name for row in shown], 7.5)
    for position, row in enumerate(shown):
        values = (row.ratio, row.ratio_low, row.ratio_high) if ratios else (row.difference, row.low, row.high)
        certain = row.ratio_certain if ratios else row.certain
        _interval(axes, position, *values, _BLUE if certain else _GREY)
    axes.axvline(1.0 if ratios else 0.0, color=_BLACK, lw=0.8, zorder=0)
    compared = asked.kind.compared.format(noun=noun, over=" over " if ratios else " less ")
    axes.set_xlabel(f"{what} {compared}{' (ratio, dimensionless)' if ratios else unit_text(asked.measured.unit)}")
    if ratios:
        _logarithmic(axes, shown)
    seeds = max((row.seeds for row in shown), default=0)
    more = f"; {len(rows) - len(shown)} smaller not shown" if len(rows) > len(shown) else ""
    title = f"One {noun} {asked.kind.act} at a time, {seeds} shared seeds, 95 % intervals (paired t){more}"
    axes.set_title(title, fontsize=9)
    handles = [_marker(_BLUE, "interval leaves out no change"), _marker(_GREY, "it does not")]
    _legend(figure, handles)
    _save(figure, path)


def _logarithmic(axes: Axes, rows: Sequence[Removed]) -> None:
    """A logarithmic axis of ratios with plain numbers at its ticks."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low = min(min(row.ratio_low for row in rows), 1.0)
    high = max(max(row.ratio_high for row in rows), 1.0)
    if low == high:  # nothing changed anywhere
        low, high = 0.9, 1.1
    axes.set_xscale("log")
    margin = (high / low) ** 0.05
    axes.set_xlim(low / margin, high * margin)
    wide = high / low > 30.0
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 3.0, 5.0, 7.0), numticks=20))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _rows(count: int, labels: Sequence[str], width: float, height: float = _ROW) -> tuple[Figure, Axes]:
    """Axes with a labeled row each, the first at the top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 1.6 + height * max(count, 3)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_yticks(range(count), [label.replace("_", " ") for label in labels], fontsize=8)
    axes.set_ylim(max(count, 1) - 0.4, -0.6)
    axes.grid(axis="x", color=_LIGHT, lw=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def _interval(axes: Axes, position: float, value: float, low: float, high: float, color: str) -> None:
    if np.isfinite(low) and np.isfinite(high):
        axes.plot([low, high], [position, position], color=color, lw=1.8, solid_capstyle="butt", zorder=2)
    axes.plot([value], [position], "o", color=color, ms=4.5, zorder=3)


def _legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Below the axes, where no interval can be hidden by it."""
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=8)


def _marker(color: str, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, marker="o", ms=4.5, lw=1.8, label=label)


def _patch(color: str, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=color, label=label)


def _save(figure: Figure, path: Path) -> None:
    beside = beside_of(path)
    figure.savefig(beside, dpi=150, format="png")
    rename(beside, path)
