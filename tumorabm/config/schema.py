"""The JSON Schema of an experiment file, so that editors complete and check while one writes."""

from __future__ import annotations

import json
from typing import Any

from tumorabm import units
from tumorabm.catalog import load_catalog
from tumorabm.config import declared
from tumorabm.config.experiment import Experiment


def experiment_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an experiment file, with the processes, outputs and paths known now.

    Nothing is required at the top, as ``extends`` may supply it.
    """
    schema = Experiment.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "tumorabm experiment"
    schema["description"] = (
        "An experiment of tumorabm. Quantities are text with a unit; null removes what was extended."
    )
    schema.pop("required", None)
    properties = schema["properties"]
    catalog = load_catalog()
    properties["substrates"]["items"] = {"enum": catalog.names("substrates")}
    properties["sets"].pop("required")
    properties["processes"] |= _processes()
    properties["catalog"] |= {
        "additionalProperties": False,
        "properties": {
            path: _value(next(iter(catalog.variants(path).values())))
            for path in catalog.paths()
            if not next(iter(catalog.variants(path).values())).validation
        },
    }
    definitions = schema["$defs"]
    definitions["RecordBlock"]["properties"]["outputs"]["items"] = {
        "oneOf": [{"const": name, "description": output.description} for name, output in declared.outputs().items()]
    }
    definitions["TreatmentBlock"]["properties"]["drug"]["enum"] = catalog.names("drugs")
    definitions["MutationBlock"]["properties"]["alteration"]["enum"] = catalog.names("alterations")
    for block in ("CellsBlock", "VesselsBlock"):
        table = definitions[block]["properties"]["table"]
        table["anyOf"] = [{"type": "string", "pattern": r"\.(csv|h5ad)$"}, {"$ref": "#/$defs/TableBlock"}]
    for block in (schema, *definitions.values()):
        for key, value in block.get("properties", {}).items():
            tidy(value)
            block["properties"][key] = value
    schema["properties"] = {
        "extends": {
            "type": "string",
            "description": "Experiment or preset that this one changes, relative to this file",
        },
        **properties,
    }
    return schema


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(experiment_schema(), indent=2, ensure_ascii=False) + "\n"


def _processes() -> dict[str, Any]:
    properties = {}
    for name, process in declared.processes().items():
        described = {
            key: {
                "type": ["string", "number"] if units.dimension(parameter.unit) == "dimensionless" else "string",
                "description": f"{parameter.description}; {parameter.entry} by default, in {parameter.unit or '1'}",
            }
            for key, parameter in process.parameters.items()
        }
        properties[name] = {
            "description": (process.__doc__ or name).strip().splitlines()[0],
            "oneOf": [
                {"type": "boolean"},
                {"type": "object", "additionalProperties": False, "properties": described},
            ],
        }
    return {"additionalProperties": False, "properties": properties}


def _value(entry: Any) -> dict[str, Any]:
    number = units.dimension(entry.unit) == "dimensionless"
    return {
        "type": ["string", "number"] if number else "string",
        "description": f"{entry.description}, in {entry.unit}"
        if entry.unit != units.DIMENSIONLESS
        else entry.description,
    }


def tidy(value: dict[str, Any]) -> None:
    """Drop generated titles, and defaults in internal units, which would mislead."""
    value.pop("title", None)
    if isinstance(value.get("default"), int | float) and value.get("type") == "string":
        value.pop("default")
    for option in value.get("anyOf", ()):
        option.pop("title", None)
