"""The course of a run: lesion, cells, vessels, oxygen and drug over time, with the treatment shaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tumorabm.analysis.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, unit_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tumorabm.analysis.run import Run


@dataclass(frozen=True)
class Line:
    """One output in a panel."""

    output: str
    label: str
    color: str
    style: str = "-"


@dataclass(frozen=True)
class Panel:
    """Outputs of one unit that are drawn together; ``band`` names one of quantiles, drawn as its quartiles."""

    title: str
    lines: tuple[Line, ...]
    band: str = ""
    log: bool = False


PANELS: Final = (
    Panel(
        "diameter",
        (Line("lesion_diameter", "lesion", BLACK), Line("hull_diameter", "convex hull", GREY, "--")),
    ),
    Panel(
        "tumor cells",
        (
            Line("tumor_cells", "living", PURPLE),
            Line("necrotic_cells", "necrotic", BLACK, "--"),
            Line("apoptotic_cells", "apoptotic", ORANGE, ":"),
        ),
    ),
    Panel(
        "endothelial cells in the hull",
        (
            Line("lesion_endothelial_cells", "all", RED),
            Line("perfused_lesion_endothelial_cells", "perfused", RED, ":"),
        ),
    ),
    Panel(
        "vessel length density",
        (Line("vessel_length_density", "lesion", RED), Line("host_vessel_length_density", "host", GREY, "--")),
    ),
    Panel("lesion oxygen", (Line("mean_lesion_oxygen", "mean", BLUE),), band="oxygen_lesion_quantiles"),
    Panel(
        "fraction",
        (
            Line("hypoxic_fraction", "hypoxic", BLUE),
            Line("necrotic_fraction", "necrotic", BLACK, "--"),
            Line("perfused_fraction", "perfused vessels", RED, ":"),
        ),
    ),
)
DRUG_COLORS: Final = (GREEN, SKY, ORANGE, PURPLE)
# Ends of the names of time series that exist for each compound.
PLASMA: Final = "_plasma_unbound"
TISSUE: Final = "_lesion_mean"


def course_figure(run: Run) -> Figure:
    """Draw the time series that the run recorded, a panel for each theme.

    Parameters
    ----------
    run : Run

    Returns
    -------
    Figure
    """
    from matplotlib.figure import Figure

    panels = [
        panel for panel in (*PANELS, *_drug_panels(run)) if any(li.output in run.timeseries for li in panel.lines)
    ]
    rows = max(1, -(-len(panels) // 2))
    figure = Figure(figsize=(11, 1.0 + 2.0 * rows), layout="constrained")
    grid = np.atleast_1d(figure.subplots(rows, 2, sharex=True, squeeze=False)).reshape(-1)
    for axes, panel in zip(grid, panels, strict=False):
        _draw(axes, run, panel)
        _shade(axes, run)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[max(0, len(panels) - 2) : len(panels)]:
        axes.set_xlabel("time since the start, with the burn-in (d)")
        axes.tick_params(labelbottom=True)
    if run.burn_in > 0 and run.doses():
        top = grid[0].get_xaxis_transform()
        grid[0].text(run.burn_in, 1.0, " day 0 of treatment", transform=top, fontsize=7, color=GREY, va="bottom")
    figure.suptitle("\n".join([run.name, *run.sentences]), fontsize=10)
    return figure


def _drug_panels(run: Run) -> list[Panel]:
    compounds = [str(name).removesuffix(PLASMA) for name in run.timeseries if str(name).endswith(PLASMA)]
    colors = {name: DRUG_COLORS[k % len(DRUG_COLORS)] for k, name in enumerate(sorted(compounds))}
    titles = {PLASMA: "unbound in plasma", TISSUE: "unbound in the lesion"}
    return [
        Panel(title, tuple(Line(f"{name}{ending}", name, color) for name, color in colors.items()))
        for ending, title in titles.items()
    ]


def _draw(axes: Axes, run: Run, panel: Panel) -> None:
    series = run.timeseries
    time = series["time"]
    unit = ""
    if panel.band in series:
        band = series[panel.band].sel(quantile=[0.25, 0.75])
        axes.fill_between(time, band[:, 0], band[:, 1], color=SKY, alpha=0.35, linewidth=0, label="quartiles")
    for line in panel.lines:
        if line.output in series:
            axes.plot(time, series[line.output], line.style, color=line.color, label=line.label, linewidth=1.4)
            unit = series[line.output].attrs["units"]
    axes.set_ylabel(f"{panel.title}{unit_text(unit)}", fontsize=9)
    axes.set_ylim(bottom=0.0)
    axes.margins(x=0)
    axes.spines[["top", "right"]].set_visible(False)
    if len(panel.lines) > 1 or panel.band in series:
        axes.legend(frameon=False, fontsize=8, loc="best")


def _shade(axes: Axes, run: Run) -> None:
    for k, periods in enumerate(run.doses().values()):
        for begin, end in periods:
            axes.axvspan(begin, end, color=DRUG_COLORS[k % len(DRUG_COLORS)], alpha=0.10, linewidth=0, zorder=0)
    burn_in = run.burn_in
    if burn_in > 0:
        axes.axvline(burn_in, color=GREY, linewidth=0.8, linestyle=":")
