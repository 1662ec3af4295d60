"""Every process switched off alone: the experiment runs without it, or is refused in one line before it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from short_run import SHORT, data, short
from typer.testing import CliRunner

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.cli import app
from tumorabm.config import ExperimentError, load_experiment
from tumorabm.config.switching import switchable_processes, without_process
from tumorabm.processes import PIPELINE
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import constants_of, registered_outputs, series_of
from tumorabm.recording.run_folder import RunFolder
from tumorabm.step import advance
from tumorabm.tissue.cells import Cells

NAMES = [kind.name for kind in PIPELINE]
REFUSED = {
    "pharmacokinetics": "a treatment needs this process; for an untreated run give 'treatment: []'",
    "equivalent_signals": "cannot be switched off: responses of endothelium act on these signals",
    "flow": "cannot be switched off: supply and survival follow it; its mechanism can be switched off",
    **dict.fromkeys(
        ("drug_uptake", "intracellular_drug", "drug_loss"),
        "cannot be switched off: cells and tissue share the drug; its mechanism can be switched off",
    ),
    "compaction": "cannot be switched off: without it cells that are cleared or have regressed would still count",
}
A_DAY = ("burn_in=6 h", "duration=18 h", "record.keep=[]", "record.frames=1 d", "record.every=6 h")
NEED_ORIGIN = {"host_supply_share", "sprout_supply_share", "recolonized_supply_share", "myeloid_endothelial_cells"}


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "short.yaml"
    path.write_text(SHORT, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_each_alone(config: Path, tmp_path: Path, name: str) -> None:
    settings = [part for text in (*A_DAY, f"processes.{name}=false") for part in ("--set", text)]
    result = CliRunner().invoke(app, ["run", str(config), "--out", str(tmp_path), *settings])
    if name in REFUSED:
        assert result.exit_code == 2
        assert result.stderr == f"--set processes.{name}=false: processes.{name}: {REFUSED[name]}\n"
        return
    assert result.exit_code == 0, result.stderr
    run = RunFolder(result.stdout.strip())
    assert run.status == "finished"
    series = data(run.path).series
    assert (NEED_ORIGIN & set(series) == set()) is (name == "commit_vessels")
    assert np.isfinite(series["tumor_cells"]).all() and series["tumor_cells"].size == 5


def test_which_can_be_switched_off() -> None:
    assert switchable_processes(short()) == {name: REFUSED.get(name, "") for name in NAMES}
    assert switchable_processes(short("treatment=[]"))["pharmacokinetics"] == ""


def test_without_a_process_its_outputs_go_and_all_else_stays() -> None:
    whole = short()
    less = without_process(whole, "commit_vessels")
    assert set(whole.record.outputs) - set(less.record.outputs) == NEED_ORIGIN
    assert set(whole.active_processes()) - set(less.active_processes()) == {"commit_vessels"}
    assert {**less.resolved(), "record": 0, "processes": 0} == {**whole.resolved(), "record": 0, "processes": 0}


def test_an_output_that_is_asked_for_without_its_column_is_refused() -> None:
    content = yaml.parse(SHORT, "short").data
    content |= {"processes": {"commit_vessels": False}, "record": {"outputs": ["tumor_cells", "sprout_supply_share"]}}
    with pytest.raises(ExperimentError) as error:
        load_experiment(content)
    assert [problem.message for problem in error.value.problems] == [
        "'sprout_supply_share' needs the column 'origin' of cells, which comes with commit_vessels"
    ]


def test_outputs_declare_the_columns_that_they_look_at() -> None:
    experiment = short("burn_in=0 h")
    tissue, processes = build(experiment)
    for _ in range(3):
        advance(tissue, processes, experiment.time_step)
    seen: set[str] = set()

    class WatchedCells(Cells):
        def __getitem__(self, name: str) -> np.ndarray:
            seen.add(name)
            return super().__getitem__(name)

    tissue.cells.__class__ = WatchedCells
    core = set(Cells(1).specs)
    constants = constants_of(experiment.catalog, experiment.sets, experiment.choice().mechanisms)
    for name, output in registered_outputs().items():
        seen.clear()
        for series in series_of([name], tissue):
            series.value(Measurement(tissue, constants))
        listing = set(output.columns[:1]) if output.per == "held_drug" else set()  # whose labels are its drugs
        assert (seen - core) | listing == set(output.columns), name
