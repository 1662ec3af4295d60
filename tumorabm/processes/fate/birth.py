"""Division of tumor cells: a rate that follows oxygen.

b(p) = b₀ f(p) / f(p_ref) with f(p) = x² / (x² + x_half²), x = max(0, p − p_min), exponent 2 by default. b₀ is the birth
rate measured over a perfused lesion, so it is reached at that lesion's oxygen p_ref, not at saturation: read as a
maximum it would leave the nodule without growth. Birth balances death at the break-even oxygen.

Whether the cell finds room is decided when the division is carried out (``commit``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import as_exponent, kernel
from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.cells import ALIVE, TUMOR
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
    descending = (("half", "threshold"), ("reference", "threshold"))

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        rate = np.empty(cells.n)
        _fill_birth_rate(
            cells["cell_type"], cells["state"], cells["site"],
            tissue.microenvironment["oxygen"].concentration.reshape(-1), p.rate, p.reference, p.half, p.threshold,
            as_exponent(p.exponent), rate,
        )  # fmt: skip
        tissue.rates.add("divide", self.name, rate)


def oxygen_response(oxygen: np.ndarray | float, half: float, threshold: float, exponent: float) -> np.ndarray:
    """Hill response above a threshold; ``half`` is the oxygen of half-maximal response. All pressures in mmHg."""
    return _response.py_func(np.asarray(oxygen), (half - threshold) ** exponent, threshold, exponent)


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


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _response(oxygen, half_power, threshold, exponent):
    above = np.maximum(0.0, oxygen - threshold) ** exponent
    return above / (above + half_power)


@kernel
def _fill_birth_rate(cell_type, state, site, oxygen, rate, reference, half, threshold, exponent, out):
    half_power = (half - threshold) ** exponent
    at_reference = _response(reference, half_power, threshold, exponent)
    for row in range(out.size):
        out[row] = 0.0
        if cell_type[row] == TUMOR and state[row] == ALIVE:
            out[row] = rate * _response(oxygen[site[row]], half_power, threshold, exponent) / at_reference
