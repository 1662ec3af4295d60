"""A substance that does not diffuse: every voxel balances supply and loss on its own, in closed form."""

from __future__ import annotations

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.solvers.nonlinear import (
    CONVERGED,
    DECAY,
    NEGATIVE_INPUT,
    NO_STEADY_STATE,
    NOT_CONVERGED,
    NOT_FINITE,
    RATE,
    SATURATION,
)


@kernel(error_model="numpy")
def react(c, source, loss, uptake, old, parameters, tolerance, report):
    """Positive root of the voxel's equation, quadratic with Michaelis-Menten uptake, in place; how it ended."""
    rate, km = parameters[RATE], parameters[SATURATION]
    decay = parameters[DECAY] + rate
    report[:] = 0.0
    low, high = c[0], c[0]
    squared, norm = 0.0, 0.0
    for i in range(c.size):
        low, high = min(low, c[i]), max(high, c[i])
        if not np.isfinite(source[i] + loss[i] + uptake[i] + c[i]):
            return NOT_FINITE
        if loss[i] < 0.0 or uptake[i] < 0.0:
            return NEGATIVE_INPUT
    report[3], report[4] = low, high
    if low < -tolerance * abs(high):
        return NEGATIVE_INPUT
    for i in range(c.size):
        first_order = decay + loss[i]
        b = source[i] + (rate * old[i] if rate > 0.0 else 0.0)
        if b <= 0.0:
            if first_order + uptake[i] > 0.0 or b < 0.0:
                c[i] = 0.0
        elif uptake[i] == 0.0:
            if first_order == 0.0:
                return NO_STEADY_STATE
            c[i] = b / first_order
        else:
            m = first_order * km + uptake[i] - b
            root = np.sqrt(m * m + 4.0 * first_order * b * km)
            if m > 0.0:
                c[i] = 2.0 * b * km / (m + root)
            elif first_order > 0.0:
                c[i] = (root - m) / (2.0 * first_order)
            else:
                return NO_STEADY_STATE
        taken = first_order * c[i]
        if uptake[i] > 0.0:
            taken += uptake[i] * c[i] / (km + c[i])
        squared += (b - taken) ** 2
        norm += b * b
    if norm > 0.0:
        report[2] = np.sqrt(squared / norm)
    report[1] = 1.0
    if not report[2] <= tolerance:
        return NOT_CONVERGED
    return CONVERGED
