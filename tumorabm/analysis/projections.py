"""A 3D run from above and from the side: fields by their mean, tumor cells by depth, all vessels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tumorabm.analysis.maps import BESIDE, draw_vessels, frame_axes
from tumorabm.analysis.style import FIELD_MAPS, OTHER_FIELD_MAP, PAPER, top_of, unit_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tumorabm.analysis.run import Run


def projection_figure(run: Run, frame: int = -1) -> Figure:
    """Draw projections of one frame along z and along y.

    Parameters
    ----------
    run : Run
    frame : int
        Number of the frame.

    Returns
    -------
    Figure
    """
    from matplotlib.figure import Figure

    cells, vessels = run.cells(frame), run.vessels(frame)
    living = np.zeros(run.shape, dtype=np.int64)
    living.reshape(-1)[cells["site"][(cells["cell_type"] == "tumor") & (cells["state"] == "alive")]] = 1
    depth, height, width = (count * run.spacing for count in run.shape)
    columns = len(run.substrates) + 2
    size = (4.2 * columns, 4.0 * (height + depth) / width + 1.6)
    figure = Figure(figsize=size, layout="compressed")
    grid = figure.subplots(2, columns, squeeze=False, height_ratios=(height, depth))
    for axis, row, plane, extent in ((0, grid[0], "xy", (width, height)), (1, grid[1], "xz", (width, depth))):
        for axes, substrate in zip(row, run.substrates, strict=False):
            unit = run.manifest["substrates"][substrate]["unit"]
            values = run.field(substrate, frame).mean(axis=axis)
            label = f"mean of {substrate}{unit_text(unit)}" if plane == "xy" else ""
            _image(axes, values, extent, FIELD_MAPS.get(substrate, OTHER_FIELD_MAP), label)
        label = "depth of living tumor cells (µm)" if plane == "xy" else ""
        _image(row[-2], living.sum(axis=axis) * run.spacing, extent, "Purples", label)
        row[-1].set_facecolor(PAPER)
        draw_vessels(row[-1], vessels, plane=plane)
        for axes in row:
            frame_axes(axes, (0.0, extent[0], 0.0, extent[1]), (plane[0], plane[1]), bar=plane == "xy")
    grid[0, -1].legend(**BESIDE)
    figure.suptitle(f"{run.name}, day {run.frame_times[frame]:g}: along z (above) and along y (below)", fontsize=11)
    return figure


def _image(axes: Axes, values: np.ndarray, extent: tuple[float, float], cmap: str, label: str) -> None:
    box = (0.0, extent[0], 0.0, extent[1])
    image = axes.imshow(values, origin="lower", extent=box, cmap=cmap, vmin=0.0, vmax=top_of(values))
    axes.figure.colorbar(image, ax=axes, label=label)
