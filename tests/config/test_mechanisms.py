"""Mechanisms: switched as a whole, with the substrates that they bring; the engine does without any."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from short_run import SHORT, short

from tumorabm import catalog, yaml
from tumorabm.build import build
from tumorabm.config import ExperimentError, load_experiment
from tumorabm.config.switching import with_mechanisms
from tumorabm.errors import InputError
from tumorabm.processes import PIPELINE
from tumorabm.processes.mechanisms import MECHANISMS
from tumorabm.step import advance


def test_every_process_names_a_mechanism_that_exists() -> None:
    named = {kind.mechanism for kind in PIPELINE if kind.mechanism}
    assert named <= set(MECHANISMS)
    # A mechanism without processes is what it brings.
    assert all(MECHANISMS[name].substrates for name in set(MECHANISMS) - named)


def test_all_are_on_by_default_and_all_speaks_for_the_others() -> None:
    content = {key: value for key, value in yaml.parse(SHORT, "short").data.items() if key != "mechanisms"}
    assert load_experiment(content).mechanisms == dict.fromkeys(MECHANISMS, True)
    alone = load_experiment({**content, "mechanisms": {"all": False, "pericytes": True}})
    assert [name for name, on in alone.mechanisms.items() if on] == ["pericytes"]
    again = load_experiment(yaml.from_mapping(alone.resolved()).data)
    assert again.mechanisms == alone.mechanisms and again.config_hash == alone.config_hash


def test_substrates_come_and_go_with_what_needs_them() -> None:
    none = short("mechanisms.all=false", "substrates=[oxygen, vegf_a]")
    assert none.all_substrates == ("oxygen", "vegf_a")
    assert {kind.mechanism for kind in none.active_processes().values()} == {""}
    matrix = with_mechanisms(none, {**none.mechanisms, "matrix": True})
    assert set(matrix.all_substrates) == {"oxygen", "vegf_a", *MECHANISMS["matrix"].substrates}
    assert matrix.choice().mechanisms == {"matrix"}
    tissue, _ = build(matrix)
    assert set(tissue.microenvironment) == {*matrix.all_substrates, *matrix.drugs}


def test_a_process_follows_its_mechanism() -> None:
    content = {**yaml.parse(SHORT, "short").data, "processes": {"nutrient_supply": True, "nutrient_uptake": True}}
    off = load_experiment({**content, "mechanisms": {"nutrients": False}, "substrates": ["oxygen", "vegf_a"]})
    assert "nutrient_supply" not in off.active_processes() and "amino_acids" not in off.all_substrates


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pericites": False}, "unknown mechanism; did you mean 'pericytes'?"),
        ({"flow": "off"}, "expected true or false, got 'off'"),
        ({"flow": 0}, "expected true or false, got 0"),
        (["flow"], "expected a mapping from mechanisms to true or false, got ['flow']"),
        (False, "expected a mapping from mechanisms to true or false, got False"),
    ],
)
def test_wrong_settings_are_told(given: object, message: str) -> None:
    with pytest.raises(ExperimentError) as error:
        load_experiment({**yaml.parse(SHORT, "short").data, "mechanisms": given})
    assert [problem.message for problem in error.value.problems] == [message]


@pytest.mark.parametrize("name", MECHANISMS)
def test_each_alone_and_without_each(name: str) -> None:
    """The engine runs with any one of them, and everything runs without any one: what they need, they bring."""
    base = ("substrates=[oxygen, vegf_a]", "burn_in=0 h", "lattice.shape=[32, 32]")
    alone = short(*base, "mechanisms.all=false", f"mechanisms.{name}=true")
    without = short(*base, "mechanisms.all=true", f"mechanisms.{name}=false")
    for experiment in (alone, without):
        tissue, processes = build(experiment)
        for _ in range(3):
            advance(tissue, processes, experiment.time_step)
        assert tissue.not_a_number() == "" and tissue.cells.n > 0
        for field in tissue.microenvironment.fields.values():
            assert np.isfinite(field.concentration).all() and field.concentration.min() >= 0.0


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("catalog.cell_types.pericyte.loosening_rate=-0.03 1/d", "-0.03 1/d must be 0 or more"),
        ("catalog.cell_types.t_cell.recruitment_rate=-1 1/d", "-1 1/d must be 0 or more"),
        ("catalog.substrates.plgf.vegfr2_amplification=-5", "-5 must be 0 or more"),
        ("catalog.substrates.mmp9.tumor_secretion=-1 molecule/cell/s", "must be 0 or more"),
    ],
)
def test_values_that_no_tissue_has_are_refused(setting: str, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        short(setting)


def test_nothing_decays_at_once() -> None:
    with pytest.raises(InputError, match=re.escape("substrates.vegf_bound.half_life: must lie above 0")):
        short("catalog.substrates.vegf_bound.half_life=0 h")


@pytest.mark.parametrize("value", ["abc", "-1", "5", ".nan", "true"])
def test_how_much_a_field_may_wait_is_a_share(tmp_path: Path, value: str) -> None:
    text = (Path(catalog.__file__).parent / "substrates" / "fgf2.yaml").read_text(encoding="utf-8")
    (tmp_path / "substrates").mkdir()
    changed = text.replace("facts:\n", f"facts:\n  refresh: {value}\n", 1)
    assert changed != text
    (tmp_path / "substrates" / "fgf2.yaml").write_text(changed, encoding="utf-8")
    with pytest.raises(InputError, match=r"substrates\.fgf2\.refresh: expected a share"):
        load_experiment(yaml.parse(SHORT, "short").data, catalog_dirs=[tmp_path])


def test_a_process_of_a_mechanism_that_is_off_is_warned_of() -> None:
    warnings = short("mechanisms.mdsc=false", "processes.mdsc_secretion=true").warnings
    assert any("does nothing: the mechanism mdsc is off" in warning for warning in warnings)


def test_an_output_names_the_mechanism_that_it_lacks() -> None:
    with pytest.raises(InputError, match=re.escape("(the mechanism pericytes, which is off)")):
        short("mechanisms.pericytes=false", "record.outputs=[pericyte_maturity]")


ANTIBODY = """
name: antibody
description: Blocks PD-1
facts: {unit: nM}
values:
  pd1_inhibition: {description: Half of PD-1, value: 1, unit: nM, source: [assumed], confidence: E, range: [0.1, 10]}
"""


def test_a_drug_that_acts_on_stroma_alone_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "drugs").mkdir()
    (tmp_path / "drugs" / "antibody.yaml").write_text(ANTIBODY, encoding="utf-8")
    content = {**yaml.parse(SHORT, "short").data, "treatment": [], "exposure": {"antibody": "1 nM"}}
    for on in (True, False):
        content["mechanisms"] = {"t_cells": on}
        content.pop("catalog", None)
        warnings = load_experiment(content, catalog_dirs=[tmp_path]).warnings
        assert any("acts on nothing that runs here" in warning for warning in warnings) is not on
