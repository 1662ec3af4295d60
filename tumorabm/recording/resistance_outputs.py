"""Outputs about what makes tumor cells resist: the state between epithelial and mesenchymal, and markers of it.

Registered as those of ``outputs``, when this package is imported. A marker is read from the state, 1 + (f − 1) E with f
of the catalog, and acts on nothing (but MMP-9's f, which is that of its secretion too). Means are over all living tumor
cells, NaN over none.
"""

from __future__ import annotations

import numpy as np

from tumorabm.recording.constants import MARKERS
from tumorabm.recording.measurement import Measurement, ratio
from tumorabm.recording.outputs import Function, output
from tumorabm.tissue.cells import TUMOR


def _state(m: Measurement) -> np.ndarray:
    """E of living tumor cells in the order of their sites: that of rows means nothing, that of a sum does."""
    cells = m.tissue.cells
    rows = cells.alive(TUMOR)
    return cells["emt"][rows[np.argsort(cells["site"][rows])]]


@output("tumor_emt", "1", "mean of how far living tumor cells have turned mesenchymal", columns=("emt",))
def _tumor_emt(m: Measurement) -> float:
    state = _state(m)
    return ratio(float(state.sum()), state.size)


@output("mesenchymal_fraction", "1", "share of living tumor cells that are mesenchymal", columns=("emt",))
def _mesenchymal_fraction(m: Measurement) -> float:
    state = _state(m)
    return ratio(int(np.count_nonzero(state > m.constants["mesenchymal_threshold"])), state.size)


def _marker(name: str) -> Function:
    def relative(m: Measurement) -> float:
        return 1.0 + (m.constants[f"{name}_fold"] - 1.0) * _tumor_emt(m)

    return relative


_MEANT = "mean of the marker in living tumor cells, relative to epithelial ones"
for _name in MARKERS:
    output(f"{_name}_marker", "1", _MEANT, columns=("emt",))(_marker(_name))
