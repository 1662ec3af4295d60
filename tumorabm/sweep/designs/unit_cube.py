"""The unit cube in the words of SALib, in which designs sample and from which factors take their values."""

from __future__ import annotations

from typing import Any


def unit_cube(factors: int) -> dict[str, Any]:
    """SALib's problem with so many factors between 0 and 1."""
    names = [f"x{index}" for index in range(factors)]
    return {"num_vars": factors, "names": names, "bounds": [[0.0, 1.0]] * factors}
