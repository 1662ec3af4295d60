"""What solvers refuse: the error they raise and the checks of their arguments."""

from __future__ import annotations

import numpy as np


class SolverError(RuntimeError):
    """A field could not be solved: bad input, no steady state, or no convergence."""


def check_parameters(name: str, **numbers: float) -> None:
    """Raise ValueError unless all parameters of a substance are 0 or positive and finite."""
    for key, value in numbers.items():
        if not 0.0 <= value < np.inf:
            raise ValueError(f"{name or 'substance'}: {key} must be 0 or positive and finite, got {value}")


def check_fields(
    name: str,
    shape: tuple[int, int, int],
    concentration: np.ndarray,
    source: np.ndarray,
    loss: np.ndarray,
    uptake: np.ndarray,
) -> list[np.ndarray]:
    """The four fields as flat views; raise ValueError unless they are C-contiguous float64 arrays of the shape."""
    arrays = (concentration, source, loss, uptake)
    for array, what in zip(arrays, ("concentration", "source", "loss", "uptake"), strict=True):
        if array.shape != shape or array.dtype != np.float64 or not array.flags.c_contiguous:
            raise ValueError(
                f"{name or 'substance'}: {what} must be a C-contiguous float64 array of shape {shape}, "
                f"got {array.dtype} {array.shape}"
            )
    return [array.reshape(-1) for array in arrays]
