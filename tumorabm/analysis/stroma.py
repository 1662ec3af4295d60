"""Maps of one frame that show the tumor's surroundings: cells by type, and vessels by what flows and covers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tumorabm.analysis.maps import BESIDE, draw_image, panels, slab_of, slice_of, title_of
from tumorabm.analysis.style import BLACK, BLUE, GREEN, PAPER, PURPLE, RED, SKY, STATE_COLORS, YELLOW, unit_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tumorabm.analysis.run import Run

# Marks of the cells that are drawn over the tumor: shape, size and color.
MARKS: Final[dict[str, tuple[str, float, str]]] = {
    "fibroblast": ("s", 2.2, GREEN),
    "pericyte": ("o", 2.0, BLACK),
    "mdsc": ("D", 2.2, PURPLE),
    "t_cell": ("^", 2.6, BLUE),
}


class Shade(NamedTuple):
    """A column of endothelial cells that vessels are colored by."""

    title: str
    colors: str
    logarithmic: bool = False


SHADES: Final[dict[str, Shade]] = {
    "flow": Shade("blood flow", "plasma", True),
    "coverage": Shade("pericyte coverage", "viridis"),
    "leakiness": Shade("leakiness", "inferno"),
    "notch": Shade("NOTCH activity", "cividis"),
}


def has_stroma(run: Run) -> bool:
    """Whether the run recorded something that these maps show."""
    stroma = set(MARKS) & set(run.cells()["cell_type"].unique()) if run.frame_times.size else set()
    return bool(stroma) or any(name in run.manifest["columns"] for name in SHADES if name != "coverage")


def stroma_figure(run: Run, frame: int = -1, z: int | None = None, margin: float | None = None) -> Figure:
    """Draw cells by type, and vessels colored by flow, coverage, leakiness and NOTCH, as far as recorded.

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
    cells, vessels = run.cells(frame), slab_of(run.vessels(frame), z, run.spacing)
    shades = [name for name in SHADES if name in run.manifest["columns"]]
    figure, grid, lesion = panels(run, cells, 1 + len(shades), 3, margin, width=5.6)
    _draw_types(grid[0], run, cells[np.isclose(cells["z"], (z + 0.5) * run.spacing)], lesion[z])
    for axes, name in zip(grid[1:], shades, strict=False):
        _draw_shaded(axes, vessels, cells, name, run.manifest["columns"][name]["unit"])
    figure.suptitle(title_of(run, frame, z), fontsize=11)
    return figure


def _draw_types(axes: Axes, run: Run, cells: pd.DataFrame, lesion: np.ndarray) -> None:
    """Tumor cells and debris as an image, endothelium and stroma as marks over it."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    image = np.full((*run.shape[1:], 3), to_rgb(PAPER))
    sites = cells["site"].to_numpy() % lesion.size
    for state, color in STATE_COLORS.items():
        chosen = ((cells["cell_type"] == "tumor") & (cells["state"] == state)).to_numpy()
        image.reshape(-1, 3)[sites[chosen]] = to_rgb(color)
    draw_image(axes, run, image)
    endothelium = cells[cells["cell_type"] == "endothelial"]
    perfused = endothelium["perfused"] > 0 if "perfused" in endothelium else endothelium["site"] >= 0
    for part, color, label in ((endothelium[perfused], RED, "perfused"), (endothelium[~perfused], SKY, "not perfused")):
        axes.plot(part["x"], part["y"], ".", ms=2.5, color=color, ls="", label=f"endothelium, {label}")
    for cell_type, (mark, size, color) in MARKS.items():
        part = cells[(cells["cell_type"] == cell_type) & (cells["state"] == "alive")]
        if len(part):
            label = cell_type.replace("_", " ").replace("mdsc", "MDSC").replace("t cell", "T cell")
            axes.plot(part["x"], part["y"], mark, ms=size, color=color, mew=0.0, ls="", label=label)
        if cell_type == "fibroblast" and "activation" in part and len(part):
            changed = part[part["activation"] > 0.5]
            axes.plot(
                changed["x"],
                changed["y"],
                mark,
                ms=size,
                mfc=YELLOW,
                mec=BLACK,
                mew=0.3,
                ls="",
                label="changed fibroblast",
            )
    handles, _ = axes.get_legend_handles_labels()
    states = [Patch(color=color, label=f"tumor, {state}") for state, color in STATE_COLORS.items()]
    axes.legend(handles=[*states, *handles], **BESIDE, markerscale=2.0)
    axes.set_title("cells by type")


def _draw_shaded(axes: Axes, vessels: pd.DataFrame, cells: pd.DataFrame, column: str, unit: str) -> None:
    """Links colored by the mean of a column at their ends."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LogNorm, Normalize

    shade = SHADES[column]
    values = 0.5 * sum(cells.loc[vessels[f"uid_{end}"], column].to_numpy(dtype=float) for end in (0, 1))
    ends = vessels[["x_0", "y_0", "x_1", "y_1"]].to_numpy().reshape(-1, 2, 2)
    norm: Any = Normalize(0.0, 1.0)
    drawn = np.ones(len(vessels), dtype=bool)
    axes.set_facecolor(PAPER)
    axes.set_title(shade.title)
    if shade.logarithmic:
        drawn = values > 0.0
        if not drawn.any():
            return
        low, high = np.quantile(values[drawn], (0.02, 1.0))
        norm = LogNorm(low, max(high, 2.0 * low))
        axes.add_collection(LineCollection(list(ends[~drawn]), colors=SKY, linewidths=0.8))
    lines = LineCollection(list(ends[drawn]), array=values[drawn], cmap=shade.colors, norm=norm, linewidths=1.4)
    axes.add_collection(lines)
    axes.figure.colorbar(lines, ax=axes, label=unit_text(unit).strip())
