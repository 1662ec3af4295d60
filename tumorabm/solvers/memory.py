"""Work arrays that begin where vectors do."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

ALIGNMENT: Final = 64  # bytes: a cache line, and the longest vector


def aligned_zeros(shape: int | tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
    """Zeros that begin at a cache line. Numpy's begin 16 bytes behind one: every second vector would cross two."""
    kind = np.dtype(dtype)
    size = math.prod(shape) if isinstance(shape, tuple) else shape
    raw = np.zeros(size * kind.itemsize + ALIGNMENT, dtype=np.uint8)
    first = -raw.ctypes.data % ALIGNMENT
    return raw[first : first + size * kind.itemsize].view(kind).reshape(shape)
