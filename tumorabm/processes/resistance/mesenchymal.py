"""What a cell's state between epithelial (E = 0) and mesenchymal (E = 1) multiplies: 1 + (f − 1) E.

f is the value of a mesenchymal cell relative to an epithelial one. The state itself is made in ``emt``; processes that
own what differs take a factor from here, and none where the mechanism is off. One of them is the cell's sensitivity to
drugs: a cell of sensitivity q answers to a concentration C inside as an epithelial one does to q C, so that the state
moves its dose-response curve by the factor 1/q.
"""

from __future__ import annotations

from typing import Final, Self

import numpy as np

from tumorabm.processes.process import Choice, Values
from tumorabm.tissue.cells import Column
from tumorabm.tissue.tissue import Tissue

MECHANISM: Final = "emt"
EMT = Column("emt", "1", "how far a tumor cell has turned mesenchymal, 0 to 1", "f8", 0.0, "copy")
_SENSITIVITY: Final = "cell_types.tumor.emt_drug_sensitivity"


class MesenchymalFactor:
    """A factor that follows the state of cells.

    Parameters
    ----------
    value : float
        f, of a mesenchymal cell.
    """

    column = EMT

    def __init__(self, value: float) -> None:
        self.value = value

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, entry: str) -> Self | None:
        """The factor of an entry without dimension, or None where the mechanism is off."""
        return cls(catalog.get(entry, "1", choice.sets)) if MECHANISM in choice.mechanisms else None

    def of(self, tissue: Tissue, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The factor of every cell, or of some, shape (n,); 1 for cells of other types."""
        return 1.0 + (self.value - 1.0) * tissue.cells[self.column.name][rows]


def drug_sensitivity(catalog: Values, choice: Choice) -> MesenchymalFactor | None:
    """What a concentration inside tumor cells is multiplied by before it acts; None where nothing differs."""
    return MesenchymalFactor.from_catalog(catalog, choice, _SENSITIVITY)
