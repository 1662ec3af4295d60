"""Maps of one frame: fields, cells by state, and vessels as the segments of their graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm.analysis.style import (
    BLACK,
    BLUE,
    FIELD_MAPS,
    GREY,
    OTHER_FIELD_MAP,
    PAPER,
    RED,
    STATE_COLORS,
    YELLOW,
    scale_bar,
    top_of,
    unit_text,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from tumorabm.analysis.run import Run

# Codes of the columns ``phenotype`` and ``root`` of endothelial cells.
TIP: Final = 2
SLAB: Final = 100.0  # um: vessels this far around a slice of a 3D run are drawn, since a slice alone shows only stumps
BESIDE: Final[dict[str, Any]] = {"fontsize": 7, "loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
ROOTS: Final = {1: ("arteriole", RED), 2: ("venule", BLUE)}


def map_figure(run: Run, frame: int = -1, z: int | None = None, margin: float | None = None) -> Figure:
    """Draw one frame: oxygen and VEGF (and other fields), cells by state, vessels.

    Parameters
    ----------
    run : Run
    frame : int
        Number of the frame.
    z : int, optional
        Slice of a 3D run; the middle one if not given.
    margin : float, optional
        Show only the tumor cells and their debris with this margin (µm); the whole domain if not given.

    Returns
    -------
    Figure

    Raises
    ------
    IndexError
        If there is no such frame or slice.
    """
    z = slice_of(run, z)
    cells, vessels = run.cells(frame), run.vessels(frame)
    count = len(run.substrates) + 2
    figure, grid, lesion = panels(run, cells, count, 2 if count <= 4 else 3, margin)
    in_slice = slab_of(vessels, z, run.spacing)
    for axes, substrate in zip(grid, run.substrates, strict=False):
        _draw_field(axes, run, substrate, frame, z)
        draw_vessels(axes, in_slice, faint=True)
        _outline(axes, lesion[z], run.spacing, "white")
    _draw_cells(grid[count - 2], run, cells, z)
    draw_vessels(grid[count - 1], in_slice)
    _mark_endothelium(grid[count - 1], cells[np.isclose(cells["z"], (z + 0.5) * run.spacing)])
    _outline(grid[count - 1], lesion[z], run.spacing, GREY)
    grid[count - 1].set_facecolor(PAPER)
    grid[count - 1].set_title("vessels" if run.shape[0] == 1 else f"vessels of a slab of {SLAB:g} µm")
    figure.suptitle(title_of(run, frame, z), fontsize=11)
    return figure


def slice_of(run: Run, z: int | None) -> int:
    """A slice, the middle one if none is given; IndexError if the run has none of that number."""
    if z is None:
        return run.shape[0] // 2
    if not 0 <= z < run.shape[0]:
        raise IndexError(f"z is {z}, but the run has slices 0 to {run.shape[0] - 1}")
    return z


def draw_image(axes: Axes, run: Run, values: np.ndarray, **keywords: Any) -> AxesImage:
    """Draw a value, or a color, for each site of a slice, shape (y, x) or (y, x, 3)."""
    extent = (0.0, run.shape[2] * run.spacing, 0.0, run.shape[1] * run.spacing)
    return axes.imshow(values, origin="lower", extent=extent, interpolation="nearest", **keywords)


def panels(
    run: Run, cells: pd.DataFrame, count: int, columns: int, margin: float | None, width: float = 5.2
) -> tuple[Figure, Sequence[Axes], np.ndarray]:
    """A figure with maps still to be drawn, their axes, and where tumor cells and their debris are, (z, y, x)."""
    from matplotlib.figure import Figure

    columns = min(columns, count)
    rows = -(-count // columns)
    lesion = np.zeros(run.shape, dtype=bool)
    lesion.reshape(-1)[cells["site"][cells["cell_type"] == "tumor"]] = True
    window = lesion_window(lesion, run.spacing, margin)
    aspect = (window[3] - window[2]) / (window[1] - window[0])
    figure = Figure(figsize=(width * columns, (0.85 * width * aspect + 0.5) * rows), layout="compressed")
    grid = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for axes in grid[:count]:
        frame_axes(axes, window)
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, list(grid[:count]), lesion


def title_of(run: Run, frame: int, z: int) -> str:
    """The run, the day, the slice of a 3D run, and what is given."""
    place = f", z = {(z + 0.5) * run.spacing:g} µm" if run.shape[0] > 1 else ""
    return f"{run.name}, day {run.frame_times[frame]:g}{place}{_dosing(run, frame)}"


def frame_axes(
    axes: Axes, window: tuple[float, float, float, float], labels: tuple[str, str] = ("x", "y"), bar: bool = True
) -> None:
    """Set the window (left, right, low, high in µm) and labels of a map, with a scale bar."""
    axes.set(xlim=window[:2], ylim=window[2:], aspect="equal")
    axes.set_xlabel(f"{labels[0]} (µm)")
    axes.set_ylabel(f"{labels[1]} (µm)")
    axes.tick_params(labelsize=7)
    if bar:
        scale_bar(axes, window[1] - window[0])


def draw_vessels(axes: Axes, vessels: pd.DataFrame, faint: bool = False, plane: str = "xy") -> None:
    """Draw links as segments: perfused ones in red, others in blue; faint ones are thin and of one color."""
    from matplotlib.collections import LineCollection

    first, second = plane[0], plane[1]
    ends = vessels[[f"{first}_0", f"{second}_0", f"{first}_1", f"{second}_1"]].to_numpy().reshape(-1, 2, 2)
    perfused = vessels["perfused"].to_numpy() if "perfused" in vessels else np.ones(len(vessels), dtype=bool)
    if faint:
        axes.add_collection(LineCollection(list(ends[perfused]), colors="white", linewidths=0.5, alpha=0.6))
        return
    axes.add_collection(LineCollection(list(ends[~perfused]), colors=BLUE, linewidths=0.8, label="not perfused"))
    axes.add_collection(LineCollection(list(ends[perfused]), colors=RED, linewidths=1.1, label="perfused"))


def lesion_window(lesion: np.ndarray, spacing: float, margin: float | None) -> tuple[float, float, float, float]:
    """Left, right, low and high end of what a map shows, µm."""
    ends = []
    for axis in (2, 1):
        length = lesion.shape[axis] * spacing
        found = np.flatnonzero(lesion.any(axis=tuple({0, 1, 2} - {axis})))
        if margin is None or not found.size:
            ends += [0.0, length]
        else:
            ends += [max(0.0, found[0] * spacing - margin), min(length, (found[-1] + 1) * spacing + margin)]
    return ends[0], ends[1], ends[2], ends[3]


def _outline(axes: Axes, mask: np.ndarray, spacing: float, color: str) -> None:
    """Draw the border of the tumor cells and their debris."""
    if mask.any() and not mask.all():
        y, x = ((np.arange(-1, count + 1) + 0.5) * spacing for count in mask.shape)
        axes.contour(x, y, np.pad(mask, 1).astype(float), levels=[0.5], colors=color, linewidths=0.9, linestyles=":")


def slab_of(vessels: pd.DataFrame, z: int, spacing: float) -> pd.DataFrame:
    """Links within a slab of thickness ``SLAB`` around a slice."""
    height = (z + 0.5) * spacing
    return vessels[(0.5 * (vessels["z_0"] + vessels["z_1"]) - height).abs() <= 0.5 * SLAB]


def _draw_field(axes: Axes, run: Run, substrate: str, frame: int, z: int) -> None:
    values = run.field(substrate, frame)
    described = run.manifest["substrates"][substrate]
    image = draw_image(
        axes, run, values[z], cmap=FIELD_MAPS.get(substrate, OTHER_FIELD_MAP), vmin=0.0, vmax=top_of(values)
    )
    axes.figure.colorbar(image, ax=axes, label=unit_text(described["unit"]).strip())
    axes.set_title(substrate)


def _draw_cells(axes: Axes, run: Run, cells: pd.DataFrame, z: int) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    codes = np.zeros(run.shape, dtype=int)
    tumor = cells[cells["cell_type"] == "tumor"]
    codes.reshape(-1)[tumor["site"]] = tumor["state"].cat.codes + 1
    states = list(cells["state"].cat.categories)
    colors = [PAPER, *(STATE_COLORS[state] for state in states)]
    norm = BoundaryNorm(np.arange(len(colors) + 1) - 0.5, len(colors))
    draw_image(axes, run, codes[z], cmap=ListedColormap(colors), norm=norm)
    patches = [
        Patch(color=color, label="living" if state == "alive" else state)
        for state, color in zip(states, colors[1:], strict=True)
    ]
    axes.legend(handles=patches, **BESIDE)
    axes.set_title("tumor cells and their debris")


def _mark_endothelium(axes: Axes, cells: pd.DataFrame) -> None:
    """Mark roots and tips, and explain all vessel colors."""
    if "root" in cells:
        for code, (label, color) in ROOTS.items():
            roots = cells[cells["root"] == code]
            axes.plot(roots["x"], roots["y"], "s", ms=3.5, mfc=color, mec=BLACK, mew=0.4, ls="", label=label)
    if "phenotype" in cells:
        tips = cells[(cells["phenotype"] == TIP) & (cells["cell_type"] == "endothelial")]
        axes.plot(tips["x"], tips["y"], "^", ms=4, mfc=YELLOW, mec=BLACK, mew=0.5, ls="", label="tip cell")
    axes.legend(**BESIDE)


def _dosing(run: Run, frame: int) -> str:
    day, last = float(run.frame_times[frame]), float(run.timeseries["time"][-1])

    def holds(begin: float, end: float) -> bool:
        return begin < day and (day <= end or end >= last)  # a frame may come after the last record

    given = [drug for drug, periods in run.doses().items() if any(holds(*period) for period in periods)]
    held = [
        f"{drug} at {level}" for drug, level in run.experiment.get("exposure", {}).items() if float(level.split()[0])
    ]
    return f", on {' and '.join([*given, *held])}" if given or held else ""
