"""Outputs about clones: how many there are, how diverse they are, and cells of those that the tumor began with.

Diversity is that of living tumor cells, of which p_i belong to clone i: Shannon's −Σ p ln p and Simpson's 1 − Σ p², the
probability that two cells drawn with replacement are of different clones. Registered as those of ``outputs``.
"""

from __future__ import annotations

import numpy as np

from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import output


def _shares(m: Measurement) -> np.ndarray:
    """Shares of the clones that are alive, in the order of their keys: the order of a sum means something."""
    cells = m.census[1]
    return cells / max(int(cells.sum()), 1)


@output("clone_cells", "1", "living tumor cells of a clone, without those that it gave rise to", per="clone")
def _clone_cells(m: Measurement, clone: str) -> int:
    return int(m.clone_cells[m.tissue.clones.names.index(clone)])


@output("clone_intravasated_cells", "1", "tumor cells of a clone that have entered vessels so far", per="clone")
def _clone_intravasated_cells(m: Measurement, clone: str) -> int:
    return int(m.tissue.clones.intravasated[m.tissue.clones.names.index(clone)])


@output("clones", "1", "clones with living tumor cells")
def _clones(m: Measurement) -> int:
    return int(m.census[0].size)


@output("shannon_diversity", "1", "Shannon index of clones among living tumor cells, natural logarithm")
def _shannon_diversity(m: Measurement) -> float:
    shares = _shares(m)
    return float(-(shares * np.log(shares)).sum()) + 0.0 if shares.size else float("nan")


@output("simpson_diversity", "1", "probability that two living tumor cells are of different clones")
def _simpson_diversity(m: Measurement) -> float:
    shares = _shares(m)
    return float(1.0 - (shares**2).sum()) if shares.size else float("nan")


@output("largest_clone_share", "1", "share of living tumor cells that belong to the largest clone")
def _largest_clone_share(m: Measurement) -> float:
    shares = _shares(m)
    return float(shares.max()) if shares.size else float("nan")
