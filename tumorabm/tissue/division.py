"""What a daughter inherits: the columns of new rows, by what each column declares."""

from __future__ import annotations

import numpy as np

from tumorabm.tissue.cells import Cells

# COMMIT sets these itself for every daughter.
_SET_BY_COMMIT = ("uid", "site")


def fill_daughters(cells: Cells, parents: np.ndarray) -> np.ndarray:
    """Take the rows that COMMIT wrote behind the last one into use.

    Parameters
    ----------
    parents : ndarray of int, shape (m,)
        Row of the parent of each new row, in the order of the new rows; their ``uid`` and ``site`` are set.

    Returns
    -------
    ndarray of int, shape (m,)
        The new rows.
    """
    first = cells.n
    daughters = np.arange(first, first + parents.size)
    if parents.size == 0:
        return daughters
    cells.n += parents.size
    for name, spec in cells.specs.items():
        if name in _SET_BY_COMMIT:
            continue
        values = cells[name]
        if spec.at_division == "copy":
            values[first:] = values[parents]
        elif spec.at_division == "halve":
            # A parent that divides keeps half; with several daughters in one step, half of what is left each time.
            for parent, daughter in zip(parents.tolist(), daughters.tolist(), strict=True):
                values[parent] *= 0.5
                values[daughter] = values[parent]
        else:
            values[first:] = spec.default
    return daughters
