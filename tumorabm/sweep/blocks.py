"""The blocks of a sweep file. Field names are what users write."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from tumorabm import units
from tumorabm.config.blocks import Block
from tumorabm.config.quantity import Fault, Span, Wrong
from tumorabm.sweep.designs import DESIGNS, Design, read_design
from tumorabm.sweep.factor_blocks import FactorBlock

# Columns of the table that are not factors.
TAKEN: Final = (
    *("index", "run_id", "point", "replicate", "seed", "state", "attempts", "seconds", "message"),
    *("run", "time", "quantile"),
)


def _memory(given: Any) -> str:
    if not isinstance(given, str):
        raise Wrong(f"expected an amount of memory such as '2 GB', got {given!r}")
    try:
        value = units.quantity(given, "byte")
    except units.UnitError:
        raise Wrong(f"{given!r} is no amount of memory such as '2 GB'") from None
    if not value >= 1.0:
        raise Wrong(f"{given!r} must be above 0")
    return given


class CollectBlock(Block):
    """What is taken from each run."""

    series: list[str] = Field(default_factory=list, description="Time series for the dataset")
    summaries: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Numbers for the table by name, each a statistic of an output"
    )


class ResourcesBlock(Block):
    """What a run and the whole sweep may use; what belongs to clusters is ignored elsewhere."""

    workers: int | None = Field(None, description="Runs at the same time; as many as there are cores by default", ge=1)
    threads: int = Field(1, description="Threads per run; the data do not depend on it", ge=1)
    time_limit: Span | None = Field(None, description="Longest time of a run, none by default")
    retries: int = Field(1, description="How often a failed run is tried again", ge=0)
    memory: Annotated[str, PlainValidator(_memory), WithJsonSchema({"type": "string"})] | None = Field(
        None, description="Memory per run, for a cluster: '2 GB'"
    )
    partition: str | None = Field(None, description="Partition of a cluster")
    account: str | None = Field(None, description="Account on a cluster")
    walltime: Span | None = Field(None, description="Longest time of a cluster's job, which may hold several runs")
    cores: int | None = Field(
        None,
        description="Cores of a task of an array, which has as many runs at once as fit; those of one run by default",
        ge=1,
    )
    tasks: int | None = Field(None, description="Size of an array; a task for each run by default, up to 1000", ge=1)
    scheduler: str | None = Field(None, description="Address of a dask scheduler that runs already")
    interface: str | None = Field(None, description="Network interface by which a cluster's nodes reach this machine")
    directives: list[str] = Field(
        default_factory=list, description="Further options of sbatch, for example '--qos=short'"
    )
    prologue: list[str] = Field(
        default_factory=list, description="Lines of a shell before a job's work, for example 'module load python'"
    )

    def planned(self) -> dict[str, Any]:
        """As a plan has them: times in s (0 for no limit), the rest as given, without what is not given."""
        content = {key: value for key, value in self.model_dump().items() if value not in (None, [])}
        content["time_limit"] = 3600.0 * self.time_limit if self.time_limit is not None else 0.0
        if self.walltime is not None:
            content["walltime"] = 3600.0 * self.walltime
        return content


def _written(design: Design) -> dict[str, Any]:
    return design.settings()


class SweepBlock(Block):
    """A sweep file."""

    base: Any = Field(description="Experiment that is varied: a file, relative to this one, or its content")
    modules: list[str] = Field(
        default_factory=list,
        description="Modules of your own to import first: names, or files that end in .py, relative to this one",
    )
    set: Any = Field(
        default_factory=dict, description="What differs from the base in all runs: values by path, or path=value"
    )
    name: str = Field(
        description="Names the folder of the sweep; the file's name by default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$",
    )
    description: str = Field("", description="One line on what it asks")
    factors: dict[str, FactorBlock] = Field(default_factory=dict, description="What is varied, by short names")
    design: Annotated[
        Design,
        PlainValidator(read_design),
        PlainSerializer(_written),
        WithJsonSchema({"type": "object"}),
    ] = Field(default_factory=lambda: DESIGNS["grid"](method="grid"), description="Which points are run")
    replicates: int = Field(1, description="Runs of each point, with seeds of their own", ge=1)
    luck: Literal["shared", "independent"] = Field(
        "shared",
        description="Whether replicate i has the same seed at every point, so that points can be compared in pairs",
    )
    collect: CollectBlock = Field(
        default_factory=lambda: CollectBlock.model_validate({}), description="What is taken from each run"
    )
    resources: ResourcesBlock = Field(
        default_factory=lambda: ResourcesBlock.model_validate({}), description="What the sweep may use"
    )

    @model_validator(mode="after")
    def _checked(self) -> SweepBlock:
        faults = []
        names: list[tuple[tuple[str, ...], str]] = [(("factors", label), label) for label in self.factors]
        names += [(("collect", "summaries", name), name) for name in self.collect.summaries]
        seen: list[str] = []
        for place, name in names:
            if not name.isidentifier():
                faults.append(Fault(place, f"{name!r} must be a word of letters, digits and '_'", True))
            elif name in TAKEN:
                faults.append(Fault(place, f"{name!r} is a column of every table; choose another name", True))
            elif name in seen:
                faults.append(Fault(place, f"{name!r} is a factor already; choose another name", True))
            seen.append(name)
        if faults:
            raise Wrong(faults)
        return self
