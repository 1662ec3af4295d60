"""Signaling in endothelial cells, and the VEGFR2 signals that would have the same effect.

The responses of endothelium to VEGF (``vessels/growth``, ``vessels/survival``) are functions of the VEGFR2 signal σ,
and that is what they were calibrated on. The network says what else makes cells divide, move and live: inhibitors of
mTOR, other growth factors, feedback. Each output y is turned into the signal that a cell of the reference state would
need to show the same output, σ_y = Y⁻¹(y), with Y the steady output as a function of σ. So where VEGFR2 alone acts
the calibrated responses hold as they are, after the delay of the network; an mTOR inhibitor acts like a lower signal,
FGF like a higher.

Endothelium sees the unbound drug in plasma.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final, Self

import numpy as np

from tumorabm.errors import InputError
from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.processes.signaling.cell_signaling import CellSignaling, effects_of, network_column
from tumorabm.processes.signaling.course import Left, steady
from tumorabm.processes.signaling.network import Network
from tumorabm.processes.signaling.vegfr2 import RECEPTOR, VEGF_ACTING, VEGFR2_SIGNAL, AmplifiedSignal
from tumorabm.tissue.cells import ENDOTHELIAL, VESSEL, Column
from tumorabm.tissue.tissue import Tissue

CELL_TYPE = "endothelial"
LIGAND: Final = "vegf_a"  # of the receptor, among the inputs
ENDOTHELIAL_NETWORK = network_column(CELL_TYPE)
# The outputs that stand for a signal, with the column of that signal.
SIGNALS: Final[dict[str, Column]] = {
    output: Column(f"{output}_signal", "1", f"VEGFR2 signal that {output} of endothelium acts on", "f8", 0.0, "copy")
    for output in ("division", "survival", "motility")
}
DIVISION_SIGNAL, SURVIVAL_SIGNAL, MOTILITY_SIGNAL = SIGNALS.values()
# Signals at which the reference cell's outputs are tabulated, dense where vessels decide between life and death.
_TABLE: Final = np.linspace(0.0, 1.0, 801) ** 2
_PLACES: Final = 4096  # of a grid that leads into the table


class EndothelialSignaling(CellSignaling):
    """The signaling network of endothelial cells."""

    name = "endothelial_signaling"
    cell_type = CELL_TYPE
    row_type = ENDOTHELIAL
    columns: tuple[Column, ...] = (ENDOTHELIAL_NETWORK,)
    substrates = ("vegf_a",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/vegf_acting", "microenvironment", "patient")
    writes = ("cells/endothelial_network",)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process, whose cells receive VEGF-A as PlGF amplifies it where that mechanism is on."""
        process = super().from_catalog(catalog, choice, given)
        if AmplifiedSignal.mechanism in choice.mechanisms:
            process.columns += (VEGF_ACTING,)
        return process

    def _inputs(self, tissue: Tissue, sites: np.ndarray) -> np.ndarray:
        inputs = super()._inputs(tissue, sites)
        if VEGF_ACTING in self.columns:
            acting = tissue.cells["vegf_acting"][tissue.cells.occupancy[VESSEL][sites]]
            inputs[:, list(self.network.inputs).index(LIGAND)] = acting
        return inputs

    def concentrations(self, tissue: Tissue, sites: np.ndarray) -> dict[str, np.ndarray | float]:
        out: dict[str, np.ndarray | float] = dict(tissue.patient.exposure)
        for compound, concentration in tissue.patient.unbound_mean.items():
            out[compound] = out.get(compound, 0.0) + concentration
        return out


class EquivalentSignals(Process):
    """VEGFR2 signals that stand for the outputs of endothelial signaling; the VEGFR2 signal itself without it.

    Parameters
    ----------
    network : Network, optional
        That runs in the cells.
    effects : mapping of str to float, optional
        Of the reference cell's alterations.
    """

    name = "equivalent_signals"
    phase = Phase.SIGNALS
    kind = Kind.DIAGNOSTIC
    indispensable = "responses of endothelium act on these signals"
    columns: tuple[Column, ...] = (VEGFR2_SIGNAL, ENDOTHELIAL_NETWORK, *SIGNALS.values())
    reads = ("cells/cell_type", "cells/vegfr2_signal", "cells/endothelial_network")
    writes = tuple(f"cells/{column.name}" for column in SIGNALS.values())

    def __init__(self, network: Network | None = None, effects: Mapping[str, float] | None = None) -> None:
        super().__init__({})
        self.network, self._effects = network, dict(effects or {})
        own = () if network is None else (network_column(CELL_TYPE, network),)
        self.columns = (VEGFR2_SIGNAL, *own, *SIGNALS.values())

    @classmethod
    def from_catalog(
        cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None
    ) -> EquivalentSignals:
        """The process with the reference cell's outputs over all signals."""
        chosen = choice.signaling.get(CELL_TYPE)
        if chosen is None:
            return cls()
        network = Network.from_catalog(catalog, chosen.network, choice.sets)
        return cls(network, effects_of(catalog, network.reference, choice.sets))

    @cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        """Steady outputs of the reference cell at the signals of the table, by output; none without signaling."""
        return {} if self.network is None else tabulated(self.network, self._effects)

    @cached_property
    def _near(self) -> dict[str, np.ndarray]:
        """By output, the places in the table of evenly spaced values."""
        return {
            name: np.searchsorted(shown, np.linspace(shown[0], shown[-1], _PLACES), "right").clip(1, shown.size - 1) - 1
            for name, shown in self.outputs.items()
        }

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = cells.rows_of(ENDOTHELIAL)
        for output, column in SIGNALS.items():
            if self.network is None or output not in self.outputs:
                cells[column.name][rows] = cells["vegfr2_signal"][rows]
            else:
                index = self.network.index(output)
                shown, state = self.outputs[output], cells["endothelial_network"]
                _look_up(rows, state, index, shown, _TABLE, self._near[output], cells[column.name])


def tabulated(network: Network, effects: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Steady outputs of the reference cell when its VEGFR2 has the activities of the table, by output.

    Raises
    ------
    InputError
        If an output does not rise with the signal: no signal stands for it then.
    """
    # A receptor that is fully active whatever it binds, of which an inhibitor leaves the share that is wanted.
    wanted = Left(np.array([network.index(RECEPTOR)]), _TABLE[:, None])
    inputs = np.repeat(network.reference_inputs(), _TABLE.size, axis=0)
    state = steady(network, inputs, network.make(effects, {RECEPTOR: 1.0}), wanted)
    out = {name: state[:, network.index(name)].copy() for name in SIGNALS if name in network.outputs}
    for name, values in out.items():
        if not (np.diff(values) > 0.0).all():
            raise InputError(f"network {network.name}: {name} does not rise with the signal of {RECEPTOR}")
    return out


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _look_up(rows, network, index, shown, signals, near, out):
    """Signal of each row at which the reference cell shows as much of an output; between those of a table, on a line.

    ``near`` tells where in the table to look, for values on a grid of its own: no search is then needed.
    """
    last = shown.size - 1
    scale = (near.size - 1) / (shown[last] - shown[0])
    for i in range(rows.size):
        value = network[rows[i], index]
        if value >= shown[last]:
            out[rows[i]] = signals[last]
        elif value <= shown[0]:
            out[rows[i]] = signals[0]
        elif np.isnan(value):
            out[rows[i]] = value
        else:
            j = near[np.int64((value - shown[0]) * scale)]
            while shown[j] > value:
                j -= 1
            while shown[j + 1] <= value:
                j += 1
            slope = (signals[j + 1] - signals[j]) / (shown[j + 1] - shown[j])
            out[rows[i]] = slope * (value - shown[j]) + signals[j]
