"""Virtual biopsies: what sequencing would find in the cells of a place.

Alterations are taken to be heterozygous in diploid cells, so the variant allele frequency is half the share of cells
that carry one. With a sequencing depth the reads with the variant are drawn from a binomial distribution, by a number
that follows from the run, the place, the alteration and a seed: the same biopsy always reads the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from tumorabm.analysis.run import AXES
from tumorabm.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from tumorabm.analysis.run import Run

# Of two copies one is altered.
HETEROZYGOUS: Final = 0.5


def biopsy(
    run: Run,
    center: Sequence[float],
    radius: float,
    *,
    frame: int = -1,
    depth: int | None = None,
    seed: int = 0,
    stroma: bool = False,
) -> pd.DataFrame:
    """Variant allele frequencies in the living cells of a disc (3D: a sphere).

    Parameters
    ----------
    run : Run
    center : sequence of float
        µm, in the order of the lattice's shape: (y, x), or (z, y, x) in three dimensions.
    radius : float
        µm. What lies beyond a wall, or behind a periodic face, is not there.
    frame : int
        Number of the frame.
    depth : int, optional
        Reads that cover each alteration; without it frequencies are exact.
    seed : int
        Another one draws other reads.
    stroma : bool
        Whether cells of other types are taken too, which dilute the tumor.

    Returns
    -------
    DataFrame
        By alteration: ``cells`` that carry it, ``share`` of all that were taken, ``vaf``; with a depth also ``reads``
        with the variant. ``attrs`` has the number of cells taken (``cells``) and of tumor cells among them (``tumor``).

    Raises
    ------
    InputError
        If the center does not fit the lattice, the radius is not above 0, or there are no such cells.
    """
    import pandas as pd

    axes = AXES if run.shape[0] > 1 else AXES[1:]
    if len(center) != len(axes):
        raise InputError(f"a biopsy here has a center of {len(axes)} numbers ({', '.join(axes)}), got {len(center)}")
    if not radius > 0.0:
        raise InputError(f"a biopsy has a radius above 0, got {radius:g}")
    if depth is not None and depth < 1:
        raise InputError(f"a depth is 1 or more, got {depth}")
    cells = run.cells(frame)
    squared = sum((cells[axis] - position) ** 2 for axis, position in zip(axes, center, strict=True))
    taken = cells[(squared <= radius**2) & (cells["state"] == "alive")]
    tumor = taken[taken["cell_type"] == "tumor"]
    whole = len(taken) if stroma else len(tumor)
    if len(tumor) == 0:
        raise InputError(f"there are no living tumor cells within {radius:g} um of {tuple(center)}")
    carried: dict[str, int] = {}
    counts = tumor.loc[tumor["clone"] >= 0, "clone"].value_counts()
    for row, count in counts.items():
        for name in run.clones["alterations"][row]:
            carried[name] = carried.get(name, 0) + int(count)
    table = pd.DataFrame({"cells": pd.Series(carried, dtype=np.int64).sort_index()}).rename_axis("alteration")
    table["share"] = table["cells"] / whole
    table["vaf"] = HETEROZYGOUS * table["share"]
    if depth is not None:
        place = [run.folder.run_id, float(run.frame_times[frame]), *map(float, center), float(radius), stroma, seed]
        table["reads"] = [_reads([*place, name], depth, vaf) for name, vaf in table["vaf"].items()]
        table["vaf"] = table["reads"] / depth
    table.attrs = {"cells": whole, "tumor": len(tumor)}
    return table


def _reads(place: Sequence[object], depth: int, share: float) -> int:
    """Reads with a variant, by a generator whose key is what is read."""
    key = int.from_bytes(hashlib.sha256(repr(place).encode()).digest()[:16], "little")
    return int(np.random.Generator(np.random.Philox(key=key)).binomial(depth, share))
