"""The block ``mutations`` of an experiment: what it says, and what follows from it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from short_run import SHORT, short

from tumorabm import yaml
from tumorabm.config import load_experiment
from tumorabm.config.contents import catalog_reads, make_processes
from tumorabm.processes.process import Gain
from tumorabm.processes.resistance.mutation import Mutation

MUTATIONS = Path(__file__).parents[2] / "configs" / "experiments" / "mutations.yaml"


def of(*mutations: str, **others: object):
    """The short experiment with other mutations."""
    content = {**yaml.parse(SHORT, "short").data, **others}
    content["mutations"] = [yaml.parse(f"x: {text}", "text").data["x"] for text in mutations]
    return load_experiment(content)


def test_what_is_left_out_and_what_it_means() -> None:
    experiment = of(
        "{alteration: tsc_loss}",
        "{alteration: neutral, rate: 1e-6, start: 0 d}",
        "{alteration: pim_overexpression, rate: catalog, start: 2 d, clones: [resistant]}",
    )
    assert experiment.choice().mutations == (
        Gain("tsc_loss", None, -math.inf),
        Gain("neutral", 1e-6, 0.0),
        Gain("pim_overexpression", None, 48.0, ("resistant",)),
    )
    assert experiment.resolved()["mutations"] == [
        {"alteration": "tsc_loss", "rate": "catalog", "clones": []},
        {"alteration": "neutral", "rate": 1e-6, "start": "0 d", "clones": []},
        {"alteration": "pim_overexpression", "rate": "catalog", "start": "2 d", "clones": ["resistant"]},
    ]
    again = load_experiment(yaml.from_mapping(experiment.resolved()).data)
    assert again.config_hash == experiment.config_hash != of().config_hash


def test_the_rate_and_the_effects_of_what_may_be_gained_are_read_from_the_catalog() -> None:
    reads = catalog_reads(of("{alteration: tsc_loss}", "{alteration: hla_g_expression, rate: 0.1}"))
    assert {"alterations.tsc_loss.gain_rate", "alterations.tsc_loss.tsc_level"} <= reads
    assert "alterations.hla_g_expression.hla_g_expression" in reads
    assert "alterations.hla_g_expression.gain_rate" not in reads, "the experiment says its own"


def test_it_is_off_without_mutations() -> None:
    without, having = of(), of("{alteration: tsc_loss}")
    assert Mutation.name not in without.active_processes() and without.idle_mechanisms == ("mutation",)
    assert Mutation.name in having.active_processes() and having.idle_mechanisms == ()
    assert not any(isinstance(process, Mutation) for process in make_processes(without))
    assert not any("mutation" in warning for warning in without.warnings)


@pytest.mark.parametrize("setting", [{"mechanisms": {"mutation": False}}, {"processes": {"mutation": False}}])
def test_mutations_that_cannot_happen_are_told(setting: dict[str, object]) -> None:
    experiment = of("{alteration: tsc_loss}", **setting)
    assert "mutations: the mechanism mutation or its process is off, so this has no effect" in experiment.warnings


def test_an_alteration_of_a_network_that_is_off_is_told() -> None:
    experiment = of("{alteration: neutral}", "{alteration: tsc_loss}", processes={"tumor_signaling": False})
    told = [warning for warning in experiment.warnings if warning.startswith("mutations")]
    assert told == ["mutations.1.alteration: tumor_signaling is off, so the alteration has no effect"]


def test_pumps_and_what_t_cells_meet_are_told_where_their_mechanism_is_off() -> None:
    gained = ("{alteration: abcb1_overexpression}", "{alteration: hla_g_expression}")
    off = "the mechanism {} is off, so {}_expression has no effect"
    pump, shown = off.format("intracellular", "abcb1"), off.format("t_cells", "hla_g")

    def told(**mechanisms: bool) -> list[str]:
        return [item for item in of(*gained, mechanisms=mechanisms).warnings if "_expression" in item]

    assert told(intracellular=True, t_cells=True) == []
    assert told(intracellular=False, t_cells=True) == [f"mutations.0.alteration: {pump}"]
    assert told(intracellular=False, t_cells=False) == [
        f"mutations.0.alteration: {pump}",
        f"mutations.1.alteration: {shown}",
    ]
    present = short("mechanisms.intracellular=false", "clones[1].alterations=[abcb1_overexpression]").warnings
    assert [item for item in present if "_expression" in item] == [f"clones.1.alterations.0: {pump}"]


def test_rates_are_set_from_the_command_line_and_by_the_catalog() -> None:
    (process,) = (
        process
        for process in make_processes(
            short("mutations[0].rate=catalog", "catalog.alterations.tsc_loss.gain_rate=0.125")
        )
        if isinstance(process, Mutation)
    )
    assert [rate for _, rate in process.gains] == [0.125, 0.1]


def test_the_shipped_experiment_has_standing_variation_and_gains() -> None:
    experiment = load_experiment(MUTATIONS)
    assert min(clone.fraction for clone in experiment.clones) < 0.05
    assert {item.alteration for item in experiment.mutations} >= {"neutral", "fkbp12_loss"}
    assert all("outside its license: everolimus" in warning for warning in experiment.warnings)
