"""Ishigami's function, whose shares of variance are known exactly, and a process that computes it in a run."""

from __future__ import annotations

from typing import Final

import numpy as np

A: Final = 7.0
B: Final = 0.1
NAMES: Final = ("x1", "x2", "x3")


def ishigami(x1: np.ndarray, x2: np.ndarray, x3: np.ndarray) -> np.ndarray:
    """Of three numbers, each uniform in [-pi, pi]."""
    return np.sin(x1) + A * np.sin(x2) ** 2 + B * x3**4 * np.sin(x1)


VARIANCE: Final = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
FIRST: Final = {
    "x1": 0.5 * (1 + B * np.pi**4 / 5) ** 2 / VARIANCE,
    "x2": A**2 / 8 / VARIANCE,
    "x3": 0.0,
}
_BOTH: Final = 8 * B**2 * np.pi**8 / 225 / VARIANCE  # of x1 and x3 together
TOTAL: Final = {"x1": FIRST["x1"] + _BOTH, "x2": FIRST["x2"], "x3": _BOTH}
