"""The tissue: everything that evolves. It is the whole checkpoint and knows no Mesa, file or process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tumorabm.tissue.cells import Cells
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.ledger import Ledger
from tumorabm.tissue.microenvironment import Microenvironment
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.requests import Rates, Requests
from tumorabm.tissue.vasculature import Vasculature


@dataclass
class Tissue:
    """State of a simulation.

    Attributes
    ----------
    seed : int
        Key of all random numbers.
    step_number : int
        Number of completed steps; during a step, the number of that step counted from 0.
    hours : float
        Simulated time since the start, burn-in included.
    rates, requests : Rates, Requests
        Last one step only and are not part of the state.
    """

    lattice: Lattice
    cells: Cells
    microenvironment: Microenvironment
    vasculature: Vasculature
    clones: Clones
    patient: Patient
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    rates: Rates = field(default_factory=Rates)
    requests: Requests = field(default_factory=Requests)
    step_number: int = 0
    hours: float = 0.0

    _PARTS = ("cells", "microenvironment", "vasculature", "clones", "patient", "ledger")

    def state(self) -> dict[str, np.ndarray]:
        """Copies of everything that evolves, as arrays by ``<part>/<name>``: the content of a checkpoint."""
        out: dict[str, np.ndarray] = {
            "seed": np.asarray(self.seed, dtype=np.uint64),
            "step_number": np.asarray(self.step_number),
            "hours": np.asarray(self.hours),
        }
        for part in self._PARTS:
            out.update({f"{part}/{name}": array for name, array in getattr(self, part).state().items()})
        return out

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state (made by a tissue of the same lattice, columns and substrates)."""
        self.seed = int(state["seed"])
        self.step_number = int(state["step_number"])
        self.hours = float(state["hours"])
        for part in self._PARTS:
            prefix = f"{part}/"
            getattr(self, part).load({k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)})

    def digests(self) -> dict[str, str]:
        """A short hash of each array of the state, cells in the order of their uids."""
        state = self.state()
        order = np.argsort(state["cells/uid"])
        out = {}
        for name, array in state.items():
            data = array[order] if name.startswith("cells/") else array
            out[name] = hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()[:16]
        return out

    def not_a_number(self) -> str:
        """Name of a field or of a column of the cells that holds NaN; empty if none does."""
        arrays = {f"the field of {name}": field.concentration for name, field in self.microenvironment.fields.items()}
        for name, spec in self.cells.specs.items():
            if not np.isnan(spec.default):  # else NaN has a meaning there
                arrays[f"the column {name} of the cells"] = self.cells[name]
        for name, array in arrays.items():
            # The smallest value is NaN if any is.
            if array.size and array.dtype.kind == "f" and np.isnan(array.min()):
                return name
        return ""
