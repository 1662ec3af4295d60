"""The blocks of an experiment file that say which signaling networks run in cells, and what is different in them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from tumorabm.config.blocks import Block
from tumorabm.config.quantity import Wrong


def _number_or_text(given: Any) -> float | str:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise Wrong(f"expected a quantity, got {given!r}")
    return given


class NetworkBlock(Block):
    """The signaling network of one type of cell."""

    network: str = Field(description="Name in catalog/networks")
    inputs: dict[str, Annotated[float | str, PlainValidator(_number_or_text)]] = Field(
        default_factory=dict,
        description="What cells receive where no field says otherwise, by input, with its unit",
        json_schema_extra={"additionalProperties": {"type": ["number", "string"]}},
    )
    clamp: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] = Field(
        default_factory=dict, description="Nodes that are held at an activity from 0 to 1"
    )
    cut: list[str] = Field(default_factory=list, description="Edges without effect, as 's6k -> pi3k' or 's6k_to_pi3k'")


def _network(name: str) -> Any:
    """A network block that knows which network is meant if none is named."""
    return BeforeValidator(lambda given: {"network": name, **given} if isinstance(given, dict) else given)


class SignalingBlock(Block):
    """The networks that run in cells, where tumor_signaling and endothelial_signaling are on."""

    tumor: Annotated[NetworkBlock, _network("rcc_figure1")] = Field(
        default_factory=lambda: NetworkBlock(network="rcc_figure1"), description="In tumor cells"
    )
    endothelial: Annotated[NetworkBlock, _network("endothelium_figure1")] = Field(
        default_factory=lambda: NetworkBlock(network="endothelium_figure1"), description="In endothelial cells"
    )
