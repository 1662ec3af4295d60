"""The blocks of a factor in a sweep file, as users write them; their quantities are read in ``factors.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from tumorabm.config.blocks import Block
from tumorabm.config.quantity import Fault, Wrong


class NormalBlock(Block):
    """A normal distribution, truncated to what its target allows or to ends of its own."""

    mean: Any = Field(description="Before it is truncated")
    sd: Any = Field(description="Standard deviation before it is truncated")
    low: Any = Field(None, description="Least value; the catalog's range or the schema's bound by default")
    high: Any = Field(None, description="Greatest value; the catalog's range or the schema's bound by default")


class DistributionBlock(Block):
    """One distribution by its name."""

    uniform: list[Any] | None = Field(None, description="Least and greatest value", min_length=2, max_length=2)
    log_uniform: list[Any] | None = Field(
        None, description="Least and greatest value, both above 0", min_length=2, max_length=2
    )
    normal: NormalBlock | None = Field(None, description="Mean and standard deviation")
    choice: list[Any] | dict[str, Any] | None = Field(None, description="Values, each as likely", min_length=1)

    @model_validator(mode="after")
    def _checked(self) -> DistributionBlock:
        _one_of(self, ("uniform", "log_uniform", "normal", "choice"))
        return self


class FactorBlock(Block):
    """One factor of a sweep file."""

    path: str | None = Field(None, description="Path in the experiment, for example treatment[0].dose")
    paths: list[str] | None = Field(None, description="Several paths that get the same value", min_length=1)
    values: list[Any] | dict[str, Any] | None = Field(
        None, description="Its values; or by a word each that stands in the table", min_length=1
    )
    range: list[Any] | None = Field(None, description="Least and greatest value", min_length=2, max_length=2)
    levels: int | None = Field(None, description="Number of values over the range, its ends among them", ge=2)
    scale: Literal["linear", "log"] | None = Field(None, description="How a range is divided or sampled")
    distribution: DistributionBlock | None = Field(None, description="What it is sampled from")

    @model_validator(mode="after")
    def _checked(self) -> FactorBlock:
        _one_of(self, ("path", "paths"))
        _one_of(self, ("values", "range", "distribution"), least=0)
        faults = [
            Fault((name,), "belongs to a range", True)
            for name in ("levels", "scale")
            if getattr(self, name) is not None and self.range is None
        ]
        if faults:
            raise Wrong(faults)
        return self


def _one_of(block: Block, names: Sequence[str], least: int = 1) -> None:
    given = [name for name in names if getattr(block, name) is not None]
    choices = f"{', '.join(names[:-1])} or {names[-1]}"
    if len(given) > 1:
        raise Wrong([Fault((given[1],), f"{given[0]!r} is given already; expected one of {choices}", True)])
    if len(given) < least:
        raise Wrong(f"needs one of {choices}")
