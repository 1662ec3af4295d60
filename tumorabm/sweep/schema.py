"""The JSON Schema of a sweep file, so that editors complete and check while one writes."""

from __future__ import annotations

import json
from typing import Any, Final

from tumorabm.config.schema import tidy
from tumorabm.sweep.blocks import SweepBlock
from tumorabm.sweep.designs import DESIGNS
from tumorabm.sweep.summaries import STATISTICS

_QUANTITY: Final = {"type": ["string", "number"]}
_PAIR: Final = {"type": "array", "items": _QUANTITY, "minItems": 2, "maxItems": 2}
_VALUES: Final = {"oneOf": [{"type": "array", "minItems": 1}, {"type": "object", "minProperties": 1}]}


def sweep_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a sweep file, with the designs and statistics known now."""
    schema = SweepBlock.model_json_schema(by_alias=True)
    definitions, properties = schema["$defs"], schema["properties"]
    definitions |= {name: _design(kind.model_json_schema(by_alias=True)) for name, kind in DESIGNS.items()}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "tumorabm sweep",
        "description": "A sweep of tumorabm: many runs that differ from a base experiment. Quantities have a unit.",
        "required": ["base"],
    }
    properties["base"] |= {"oneOf": [{"type": "string"}, {"type": "object"}]}
    properties["set"] |= {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "string"}}]}
    properties["set"].pop("default", None)
    described = properties["design"].get("description", "")
    properties["design"] = {"description": described, "oneOf": [{"$ref": f"#/$defs/{name}"} for name in DESIGNS]}
    factor = definitions["FactorBlock"]
    _replace(factor, values=_VALUES, range=_PAIR)
    factor["oneOf"] = [{"required": ["path"]}, {"required": ["paths"]}]
    distribution = definitions["DistributionBlock"]
    _replace(distribution, uniform=_PAIR, log_uniform=_PAIR, choice=_VALUES)
    distribution |= {"minProperties": 1, "maxProperties": 1}
    _replace(definitions["NormalBlock"], mean=_QUANTITY, sd=_QUANTITY, low=_QUANTITY, high=_QUANTITY)
    definitions["CollectBlock"]["properties"]["summaries"]["additionalProperties"] = _summary()
    for block in (schema, *definitions.values()):
        block.pop("title", None) if block is not schema else None
        for value in block.get("properties", {}).values():
            tidy(value)
    return schema


def sweep_schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(sweep_schema(), indent=2, ensure_ascii=False) + "\n"


def _design(schema: dict[str, Any]) -> dict[str, Any]:
    schema["required"] = ["method", *(name for name in schema.get("required", ()) if name != "method")]
    return schema


def _replace(block: dict[str, Any], **kinds: dict[str, Any]) -> None:
    """Say what fields take of which pydantic knows no more than that they take anything."""
    for name, kind in kinds.items():
        description = block["properties"][name].get("description", "")
        block["properties"][name] = {"description": description, **kind}


def _summary() -> dict[str, Any]:
    known = [{"const": name, "description": statistic.description} for name, statistic in STATISTICS.items()]
    options = sorted({option for statistic in STATISTICS.values() for option in statistic.options})
    return {
        "type": "object",
        "required": ["output", "statistic"],
        "additionalProperties": False,
        "properties": {
            "output": {"type": "string", "description": "Name of a time series"},
            "statistic": {"oneOf": known},
            "quantile": {"type": "number", "description": "Which, of an output that has several"},
            **{option: _QUANTITY for option in options},
        },
    }
