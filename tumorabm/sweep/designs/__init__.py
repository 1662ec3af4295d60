"""Designs: which points of the space of factors are run. To add one, write its file and its line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from tumorabm.config.messages import messages_of
from tumorabm.config.quantity import Fault, Wrong
from tumorabm.errors import nearest
from tumorabm.sweep.designs.design import Design, OfLevels, Sampling
from tumorabm.sweep.designs.grid import Grid
from tumorabm.sweep.designs.latin_hypercube import LatinHypercube
from tumorabm.sweep.designs.list import List
from tumorabm.sweep.designs.morris import Morris
from tumorabm.sweep.designs.sobol import Sobol
from tumorabm.sweep.designs.zip import Zip

DESIGNS: Final[Mapping[str, type[Design]]] = {
    "grid": Grid,
    "list": List,
    "zip": Zip,
    "latin_hypercube": LatinHypercube,
    "sobol": Sobol,
    "morris": Morris,
}

__all__ = ["DESIGNS", "Design", "OfLevels", "Sampling", "read_design"]


def read_design(given: Any) -> Design:
    """A design as a sweep file and a plan have it.

    Raises
    ------
    Wrong
        With all that is wrong.
    """
    if not isinstance(given, dict):
        raise Wrong(f"expected a mapping with a method, one of {', '.join(DESIGNS)}, got {given!r}")
    method = given.get("method")
    if method is None:
        raise Wrong([Fault(("method",), f"is missing; expected one of {', '.join(DESIGNS)}")])
    if not isinstance(method, str) or method not in DESIGNS:
        raise Wrong([Fault(("method",), f"{method!r} is no design{nearest(method, DESIGNS)}")])
    try:
        return DESIGNS[method].model_validate(given)
    except ValidationError as error:
        raise Wrong([Fault(*found) for found in messages_of(error, DESIGNS[method])]) from None
