"""Colors and small marks that all figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette: told apart with any color vision.
BLACK: Final = "#000000"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
BLUE: Final = "#0072B2"
RED: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8C8C8C"
PAPER: Final = "#F4F1EA"

STATE_COLORS: Final = {"alive": "#C9B8D8", "apoptotic": ORANGE, "necrotic": "#5B4A3A"}
CLONE_COLORS: Final = ("#C9B8D8", SKY, GREEN, PURPLE, YELLOW, BLUE)
FIELD_MAPS: Final = {"oxygen": "cividis", "vegf_a": "magma"}
OTHER_FIELD_MAP: Final = "viridis"

_UNITS: Final = {"um": "µm", "1/mm^2": "mm⁻²", "um^3": "µm³", "1": ""}


def unit_text(unit: str) -> str:
    """A unit as a figure prints it, in brackets; nothing for pure numbers."""
    text = _UNITS.get(unit, unit)
    return f" ({text})" if text else ""


def top_of(values: np.ndarray) -> float:
    """Upper end of a color scale that begins at 0; 1 where there is nothing to see."""
    return float(values.max(initial=0.0)) or 1.0


def scale_bar(axes: Axes, width: float) -> None:
    """Draw a bar of a round length, about a fifth of the width (µm), at the lower left."""
    from matplotlib.patheffects import withStroke

    decade = 10.0 ** np.floor(np.log10(width / 5))
    length = float(max(step * decade for step in (1, 2, 5) if step * decade <= width / 4))
    text = f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"
    outline = [withStroke(linewidth=4.5, foreground="white")]
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    left, low = x0 + 0.05 * (x1 - x0), y0 + 0.05 * (y1 - y0)
    axes.plot(
        [left, left + length], [low, low], color=BLACK, lw=2.5, solid_capstyle="butt", path_effects=outline, zorder=10
    )
    outline = [withStroke(linewidth=2.5, foreground="white")]
    middle, above = left + length / 2, low + 0.02 * (y1 - y0)
    axes.text(middle, above, text, ha="center", va="bottom", fontsize=8, path_effects=outline, zorder=10)
