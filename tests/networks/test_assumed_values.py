"""Values of networks in a sensitivity analysis: left out unless asked for."""

from __future__ import annotations

import pytest
from short_run import short
from typer.testing import CliRunner

from tumorabm.catalog.entry import ASSUMED
from tumorabm.cli import app
from tumorabm.config import Experiment, load_experiment
from tumorabm.config.contents import catalog_reads
from tumorabm.errors import InputError
from tumorabm.sweep import assumed
from tumorabm.sweep.assumed import EVERYTHING, NETWORKS, assumed_values


@pytest.fixture(scope="module")
def signaling() -> Experiment:
    """The engine with the tumor's network alone: each end of each value takes its time."""
    off = ("endothelial_signaling=false", "equivalent_signals=true")
    return short("mechanisms.all=false", *(f"processes.{text}" for text in off))


def test_networks_are_left_out_and_counted(signaling: Experiment) -> None:
    values, left_out = assumed_values(signaling)
    paths = {p for p in catalog_reads(signaling) if ASSUMED in signaling.catalog.entry(p, signaling.sets).source}
    network = {path for path in paths if path.startswith("networks.")}
    said = left_out.pop(NETWORKS)
    assert said == f"{len(network)} assumed values of signaling networks; --networks includes them"
    found = {value.entry.path for value in values}
    assert len(network) > 300 and found < paths - network and len(found) + len(left_out) == len(paths - network)


def test_all_are_varied_if_asked_for(signaling: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assumed, "_refused", lambda *_: "")  # which loads the experiment at every end
    values, left_out = assumed_values(signaling, [EVERYTHING])
    labels = {value.label for value in values}
    assert {"rcc_figure1_s6k_to_pi3k_weight", "tumor_adhesion"} <= labels and NETWORKS not in left_out
    assert len(labels) == len(values) > 400


def test_named_values_of_networks_are_varied(signaling: Experiment) -> None:
    (value,), left_out = assumed_values(signaling, ["s6k_to_pi3k_weight"])
    assert value.label == "rcc_figure1_s6k_to_pi3k_weight" and left_out == {}
    assert value.factor()["path"] == "catalog.networks.rcc_figure1.s6k_to_pi3k_weight"
    # Of processes of mechanisms that are off only those are told that a file names; a resolved experiment names all.
    told = [warning for warning in signaling.warnings if "does nothing: the mechanism" not in warning]
    assert list(load_experiment(signaling, {value.factor()["path"]: value.ends[0]}).warnings) == told
    with pytest.raises(InputError, match="'s6k_to_pi3k_wieght' is no value that the experiment reads; did you mean"):
        assumed_values(signaling, ["s6k_to_pi3k_wieght"])


def test_the_command_says_how_many_are_left_out(tmp_path, small_config) -> None:
    said = ["sensitivity", str(small_config), "--output", "tumor_cells", "--dry-run", "--factors", "adhesion"]
    assert "left out" not in CliRunner().invoke(app, said).stdout
    off = ["--set", "processes.endothelial_signaling=false"]
    shown = CliRunner().invoke(app, [*said[:-2], *off]).stdout
    assert "assumed values of signaling networks; --networks includes them" in shown
