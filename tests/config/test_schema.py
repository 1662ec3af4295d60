"""The JSON Schema of experiment files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tumorabm import yaml
from tumorabm.config import load_experiment
from tumorabm.config.schema import experiment_schema, schema_text

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted((ROOT / "configs" / "experiments").rglob("*.yaml"))
CONFIGS = [*EXPERIMENTS, *sorted((ROOT / "configs" / "presets").glob("*.yaml"))]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = experiment_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "configs" / "schema" / "experiment.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: tumorabm schema > configs/schema/experiment.json"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_our_files_fit_the_schema(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.read(path).data)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    above = "../" * len(path.relative_to(ROOT / "configs").parent.parts)
    assert first == f"# yaml-language-server: $schema={above}schema/experiment.json"


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_resolved_experiments_fit_the_schema(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(load_experiment(path).resolved())


@pytest.mark.parametrize(
    "content",
    [
        {"time_step": 2},
        {"time_stp": "2 h"},
        {"sets": {"kinetics": "patient"}},
        {"processes": {"necrossis": True}},
        {"processes": {"migration": {"sped": "1 um/h"}}},
        {"catalog": {"substrates.oxygen.difusivity": "1 um^2/s"}},
        {"catalog": {"substrates.oxygen.measured_median": "10 mmHg"}},
        {"record": {"outputs": ["tumour_cells"]}},
        {"treatment": [{"drug": "sunitinb", "dose": "50 mg", "every": "1 d"}]},
        {"lattice": {"shape": [10, 10], "spacing": "20 um", "boundary": {"x_left": "periodic"}}},
    ],
)
def test_the_schema_refuses(content: dict[str, Any], validator: jsonschema.Draft202012Validator) -> None:
    assert not validator.is_valid(content)
