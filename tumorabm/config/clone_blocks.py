"""The blocks of an experiment file that say which genotypes tumor cells start with, and what they may gain."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from tumorabm.config.blocks import Block
from tumorabm.config.quantity import Time, Wrong
from tumorabm.processes.process import Gain

CATALOG: Final = "catalog"  # a rate: that of the alteration's file


class CloneBlock(Block):
    """A genotype that cells start with."""

    name: str = Field(description="Name of the clone", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    fraction: float = Field(1.0, description="Share of the cells whose item names no clone", ge=0.0, le=1.0)
    vhl: Literal["wild_type", "mutated", "methylated"] = Field(
        description="State of VHL; mutated and methylated both leave HIF undegraded"
    )
    alterations: list[str] = Field(
        default_factory=list, description="What else is altered in it, by the names of catalog/alterations"
    )

    @property
    def genotype(self) -> tuple[str, ...]:
        """All alterations, that of VHL included."""
        return (*(() if self.vhl == "wild_type" else (f"vhl_{self.vhl}",)), *self.alterations)


def _rate(given: Any) -> float | str:
    if given == CATALOG:
        return CATALOG
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0.0 <= given <= 1.0:
        raise Wrong(f"expected a probability from 0 to 1 such as 1.0e-6, or {CATALOG!r}, got {given!r}")
    return float(given)


class MutationBlock(Block):
    """An alteration that tumor cells may gain when they divide."""

    alteration: str = Field(description="Name in catalog/alterations")
    rate: Annotated[
        float | str,
        PlainValidator(_rate),
        WithJsonSchema({"oneOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"const": CATALOG}]}),
    ] = Field(CATALOG, description="Probability per division and daughter; 'catalog' for the alteration's gain_rate")
    start: Time | None = Field(
        None, description="From then on, counted from the end of the burn-in; from the start of the run if not given"
    )
    clones: list[str] = Field(
        default_factory=list, description="Clones whose descendants can gain it, by name; all if none is named"
    )

    def gain(self) -> Gain:
        """What processes need to know of it."""
        rate = None if isinstance(self.rate, str) else self.rate
        return Gain(self.alteration, rate, -math.inf if self.start is None else self.start, tuple(self.clones))
