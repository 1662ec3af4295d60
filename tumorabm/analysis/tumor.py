"""Maps of one frame that show what living tumor cells are: clone, how mesenchymal, and what they hold of drugs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tumorabm.analysis.maps import BESIDE, draw_image, draw_vessels, panels, slab_of, slice_of, title_of
from tumorabm.analysis.muller import LEAST, NAMED, colors_of, drawn
from tumorabm.analysis.phylogeny import phylogeny
from tumorabm.analysis.style import PAPER, top_of, unit_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tumorabm.analysis.run import Run


class State(NamedTuple):
    """A column of tumor cells, what a map calls it, its colors, and what it is at rest; the scale may end at 1."""

    column: str
    title: str
    colors: str
    at_rest: float = 0.0
    ends_at_one: bool = False


# The drug's name stands in the title where the column has an entry for each drug.
STATES: Final = (
    State("emt", "EMT, 0 epithelial to 1 mesenchymal", "viridis", ends_at_one=True),
    State("drug_free", "{drug}, free in cytosol", "magma"),
    State("drug_lysosome", "{drug} in lysosomes, per volume of a site", "magma"),
    State("lysosomal_capacity", "capacity of lysosomes over that of parental cells", "cividis", at_rest=1.0),
)


def has_states(run: Run, frame: int) -> bool:
    """Whether living tumor cells of a frame have anything that these maps show."""
    if not run.frame_times.size:
        return False
    living = _living(run.cells(frame))
    return bool(_states(run, living)) or living["clone"].nunique() > 1


def tumor_figure(run: Run, frame: int = -1, z: int | None = None, margin: float | None = None) -> Figure:
    """Draw living tumor cells by clone (where there are several), EMT, drug in cytosol and lysosomes, as recorded.

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
        Perfused vessels are drawn over the cells. Clones have the colors of ``muller_plot`` as it is by default. What
        is at rest in all cells is left out.

    Raises
    ------
    IndexError
        If there is no such frame or slice.
    """
    z = slice_of(run, z)
    cells = run.cells(frame)
    vessels = slab_of(run.vessels(frame), z, run.spacing)
    living = _living(cells)
    several = living["clone"].nunique() > 1
    states = _states(run, living)
    figure, grid, _ = panels(run, cells, max(1, several + len(states)), 3, margin, width=5.6)
    if several:
        _draw_clones(grid[0], run, living, z)
    for axes, (column, title, state) in zip(grid[several:], states, strict=False):
        _draw_state(axes, run, living, z, column, title, state)
    for axes in grid:
        axes.set_facecolor(PAPER)
        draw_vessels(axes, vessels[vessels["perfused"]] if "perfused" in vessels else vessels)
    figure.suptitle(title_of(run, frame, z), fontsize=11)
    return figure


def _living(cells: pd.DataFrame) -> pd.DataFrame:
    return cells[(cells["cell_type"] == "tumor") & (cells["state"] == "alive")]


def _states(run: Run, living: pd.DataFrame) -> list[tuple[str, str, State]]:
    """Recorded columns in which some cell is not at rest, with their titles."""
    out = []
    for state in STATES:
        described = run.manifest["columns"].get(state.column)
        if described is not None:
            labels = described.get("labels") or [""]
            names = [f"{state.column}_{label}".rstrip("_") for label in labels]
            out += [
                (name, state.title.format(drug=label), state)
                for name, label in zip(names, labels, strict=True)
                if (living[name] != state.at_rest).any()
            ]
    return out


def _draw_state(axes: Axes, run: Run, living: pd.DataFrame, z: int, column: str, title: str, state: State) -> None:
    values = np.full(run.shape, np.nan)
    values.reshape(-1)[living["site"]] = living[column]
    top = 1.0 if state.ends_at_one else top_of(living[column].to_numpy())
    image = draw_image(axes, run, values[z], cmap=state.colors, vmin=0.0, vmax=top)
    unit = run.manifest["columns"][state.column]["unit"]
    axes.figure.colorbar(image, ax=axes, label=unit_text(unit).strip())
    axes.set_title(title)


def _draw_clones(axes: Axes, run: Run, living: pd.DataFrame, z: int) -> None:
    """Cells of clones too small for a color of their own have that of the clone that they came from."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    history = phylogeny(run)
    _, shown = drawn(history, LEAST)
    labels, colors = colors_of(history, shown)
    image = np.full((*run.shape, 3), to_rgb(PAPER))
    present = []
    for row, of in living.groupby("clone"):
        ancestor = int(row)
        while ancestor not in labels:
            ancestor = int(history.parents[ancestor])
        image.reshape(-1, 3)[of["site"]] = to_rgb(colors[labels[ancestor]])
        present.append(labels[ancestor])
    draw_image(axes, run, image[z])
    patches = [Patch(color=color, label=label) for label, color in colors.items() if label in present]
    axes.legend(handles=patches[:NAMED], **BESIDE)
    axes.set_title("living tumor cells by clone")
