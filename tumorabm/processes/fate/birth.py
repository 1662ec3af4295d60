"""Division of tumor cells: a rate that follows oxygen.

b(p) = b₀ f(p) / f(p_ref) with f(p) = x² / (x² + x_half²), x = max(0, p − p_min), exponent 2 by default. b₀ is the birth
rate measured over a perfused lesion, so it is reached at that lesion's oxygen p_ref, not at saturation: read as a
maximum it would leave the nodule without growth. Birth balances death at the break-even oxygen.

Whether the cell finds room is decided when the division is carried out (``commit``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import TUMOR
from tumorabm.tissue.tissue import Tissue


class Birth(Process):
    """Rate of division of living tumor cells."""

    name = "birth"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    parameters = {
        "rate": Parameter("cell_types.tumor.birth_rate", "1/h", "at the reference oxygen"),
        "reference": Parameter("cell_types.tumor.birth_reference_oxygen", "mmHg", "where the rate was measured"),
        "half": Parameter("cell_types.tumor.birth_oxygen_half", "mmHg", "half-maximal division"),
        "threshold": Parameter("cell_types.tumor.birth_oxygen_threshold", "mmHg", "no division below"),
        "exponent": Parameter("cell_types.tumor.birth_oxygen_exponent", "1", "steepness of the response"),
    }
    substrates = ("oxygen",)
    reads = ("cells/site", "cells/cell_type", "cells/state", "microenvironment/oxygen")
    writes = ("rates/divide",)
    limits_step = ("rate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        rows = tissue.cells.alive(TUMOR)
        oxygen = tissue.microenvironment["oxygen"].at(tissue.cells["site"][rows])
        rate = np.zeros(tissue.cells.n)
        rate[rows] = self.p.rate * self.response(oxygen) / self.response(self.p.reference)
        tissue.rates.add("divide", self.name, rate)

    def response(self, oxygen: np.ndarray | float) -> np.ndarray:
        """Share of the maximal rate at an oxygen pressure (mmHg)."""
        return oxygen_response(oxygen, self.p.half, self.p.threshold, self.p.exponent)


def oxygen_response(oxygen: np.ndarray | float, half: float, threshold: float, exponent: float) -> np.ndarray:
    """Hill response above a threshold; ``half`` is the oxygen of half-maximal response. All pressures in mmHg."""
    above = np.maximum(0.0, np.asarray(oxygen) - threshold) ** exponent
    return above / (above + (half - threshold) ** exponent)


def break_even_oxygen(birth: Mapping[str, float], death_rate: float) -> float:
    """Oxygen (mmHg) at which birth balances death; infinite where birth never reaches it.

    Parameters
    ----------
    birth : mapping of str to float
        Parameters of ``Birth`` by name.
    death_rate : float
        In the unit of ``birth["rate"]``.
    """
    half, threshold, exponent = birth["half"], birth["threshold"], birth["exponent"]
    needed = death_rate * float(oxygen_response(birth["reference"], half, threshold, exponent))
    if needed >= birth["rate"]:
        return float("inf")
    share = needed / birth["rate"]
    return threshold + (half - threshold) * (share / (1.0 - share)) ** (1.0 / exponent)
