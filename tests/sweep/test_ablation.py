"""What a process, node or edge does that is taken away: arithmetic on known numbers, the command on a small tissue."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from short_run import SHORT, short
from typer.testing import CliRunner

from tumorabm import yaml
from tumorabm.cli import app
from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.processes import PIPELINE
from tumorabm.sweep.ablation import NOTHING, WITHOUT, Ablation, compared
from tumorabm.sweep.results import open_sweep

ON = {"apoptosis", "migration", "competing_risks", "commit_parenchyma", "compaction", "equivalent_signals"}
SIGNALING = {"birth", "tumor_signaling", "signaled_division", "signaled_survival"}
INTACT = np.array([10.0, 12.0, 14.0])

ENGINE = f"{SHORT}mechanisms: {{all: false}}\n"


def test_differences_are_paired() -> None:
    (row,) = compared(INTACT, {"a": np.array([20.0, 21.0, 25.0])})
    # Differences 10, 9, 11: mean 10, standard deviation 1; Student's quantile of two degrees of freedom 4.3027.
    assert row.difference == pytest.approx(10.0)
    assert (row.low, row.high) == pytest.approx((10 - 4.30265 / 3**0.5, 10 + 4.30265 / 3**0.5), rel=1e-5)
    assert (row.intact, row.without, row.seeds, row.missing) == (12.0, 22.0, 3, 0)
    assert row.effect == pytest.approx(10.0 / 2.0)
    assert row.certain
    assert row.ratio == pytest.approx((20 * 21 * 25 / (10 * 12 * 14)) ** (1 / 3))
    assert row.ratio_low < row.ratio < row.ratio_high
    assert row.ratio_certain is (row.ratio_low > 1.0)


def test_a_difference_may_be_certain_where_the_ratio_is_not_and_the_other_way_round() -> None:
    """Each is told by its own interval: the figure colors ratios by that of the ratio."""
    (row,) = compared(np.array([1.0, 10.0, 100.0]), {"a": np.array([2.0, 20.0, 200.0])})
    assert row.ratio_certain and not row.certain


def test_the_largest_effect_comes_first() -> None:
    rows = compared(INTACT, {"none": INTACT, "small": INTACT - 1, "large": INTACT * 0, "failed": INTACT * np.nan})
    assert [row.name for row in rows] == ["large", "small", "none", "failed"]
    large, small, none, failed = rows
    assert np.isnan(large.ratio) and large.difference == -12.0
    assert (small.low, small.high, small.certain) == (-1.0, -1.0, True)
    assert (none.difference, none.low, none.high, none.effect, none.certain) == (0.0, 0.0, 0.0, 0.0, False)
    assert (failed.seeds, failed.missing, failed.certain) == (0, 3, False) and np.isnan(failed.difference)


def test_a_missing_value_leaves_out_its_pair() -> None:
    (row,) = compared(INTACT, {"a": np.array([11.0, np.nan, 15.0])})
    assert (row.difference, row.intact, row.seeds, row.missing) == (1.0, 12.0, 2, 1)


def test_intervals_hold_what_they_promise_and_pairs_make_them_short() -> None:
    rng = np.random.default_rng(5)
    hits, lengths = [], []
    for _ in range(400):
        luck = 10.0 * rng.standard_normal(5)
        (row,) = compared(luck, {"a": luck + 3.0 + rng.standard_normal(5)})
        hits.append(row.low < 3.0 < row.high)
        lengths.append(row.high - row.low)
    assert 0.92 < np.mean(hits) < 0.98
    assert np.mean(lengths) < 3.0  # unpaired they would be about 29


def test_what_cannot_be_removed_says_why(tmp_path: Path) -> None:
    config = tmp_path / "short.yaml"
    config.write_text(ENGINE, encoding="utf-8")
    asked = Ablation(str(config), "sprout_supply_share", replicates=2, of="processes")
    assert asked.kept == {
        "pharmacokinetics": "a treatment needs this process; for an untreated run give 'treatment: []'",
        "equivalent_signals": "cannot be switched off: responses of endothelium act on these signals",
        "compaction": "cannot be switched off: without it cells that are cleared or have regressed would still count",
        "commit_vessels": "without it there is no sprout_supply_share",
    }
    assert list(asked.kept)[-2:] == ["compaction", "commit_vessels"]
    assert set(asked.removable) | set(asked.kept) == set(short("mechanisms.all=false").active_processes())


def test_a_process_keeps_its_parameters_where_another_is_removed(tmp_path: Path) -> None:
    config = tmp_path / "short.yaml"
    config.write_text(ENGINE, encoding="utf-8")
    said = ("processes.migration={speed: 3 um/h}",)
    arms = Ablation(str(config), "tumor_cells", settings=said, of="processes").sweep()["factors"][WITHOUT]["values"]
    assert arms[NOTHING]["migration"] == arms["birth"]["migration"] == {"speed": "3 um/h"}
    assert (arms["birth"]["birth"], arms["migration"]["migration"]) == (False, False)


@pytest.fixture(scope="module")
def ablated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of the sweep and what the command printed: cells that only die and move."""
    folder = tmp_path_factory.mktemp("ablation")
    config = dying(folder, ON)
    arguments = ["--output", "tumor_cells", "--replicates", "3", "--at", "36 h", "--jobs", "1", "--out", str(folder)]
    arguments += ["--of", "processes"]
    result = CliRunner().invoke(app, ["ablate", str(config), *arguments])
    assert result.exit_code == 0, result.output
    return folder / "dying_ablation", result.stdout


def dying(folder: Path, on: set[str]) -> Path:
    """File of an experiment without vessels in which few processes are on."""
    content = yaml.parse(SHORT, "short").data
    content |= {
        "name": "dying",
        "burn_in": "0 h",
        "duration": "36 h",
        "lattice": {"shape": [24, 24], "spacing": "20 um", "boundary": "no_flux"},
        "cells": [{"shape": "disc", "radius": "160 um"}],
        "treatment": [],
        "mechanisms": {"all": False},
        "vessels": {"network": "none"},
        "processes": {kind.name: kind.name in on for kind in PIPELINE},
        "catalog": {"cell_types.tumor.apoptosis_rate": "0.3 1/d"},
        "record": {"every": "12 h"},
    }
    config = folder / "dying.yaml"
    config.write_text(yaml.dump(load_experiment(content).resolved()), encoding="utf-8")
    return config


def test_without_death_all_live(ablated: tuple[Path, str]) -> None:
    folder, printed = ablated
    table = open_sweep(folder).table
    assert len(table) == 15 and table["seed"].tolist() == [5, 6, 7] * 5
    by_arm = table.groupby("without")["value"].apply(list)
    with (folder / "tumor_cells_at_36h.csv").open(encoding="utf-8") as file:
        rows = {row["process"]: row for row in csv.DictReader(file)}
    # Death, who decides on it and who carries it out: without any of them the cells are all there.
    for name in ("apoptosis", "competing_risks", "commit_parenchyma"):
        differences = np.array(by_arm[name]) - np.array(by_arm[NOTHING])
        assert len(set(by_arm[name])) == 1 and differences.min() > 30
        assert float(rows[name]["difference"]) == pytest.approx(differences.mean())
        assert float(rows[name]["low"]) > 0 and float(rows[name]["ratio_low"]) > 1
    # Who moves, and with the same luck dies at the same time, dies: exactly nothing changes.
    assert by_arm["migration"] == by_arm[NOTHING]
    assert float(rows["migration"]["difference"]) == float(rows["migration"]["high"]) == 0.0
    assert list(rows)[-1] == "migration"
    assert "15 runs: 15 finished" in printed and "cannot be switched off: without it" in printed
    assert (folder / "tumor_cells_at_36h.png").read_bytes().startswith(b"\x89PNG")


def test_called_again_it_runs_nothing(ablated: tuple[Path, str]) -> None:
    folder, _ = ablated
    config = folder.parent / "dying.yaml"
    arguments = ["--output", "tumor_cells", "--replicates", "3", "--at", "36 h", "--out", str(folder.parent), "--json"]
    arguments += ["--of", "processes"]
    content = json.loads(CliRunner().invoke(app, ["ablate", str(config), *arguments]).stdout)
    assert content["counts"]["already"] == 15 and content["sweep"] == str(folder)
    assert set(content["kept"]) == {"compaction", "equivalent_signals"}
    apoptosis = next(row for row in content["removed"] if row["process"] == "apoptosis")
    assert apoptosis["low"] > 0 and apoptosis["seeds"] == 3


def test_nodes_and_edges_are_taken_away_beside_what_the_experiment_holds(tmp_path: Path) -> None:
    config = dying(tmp_path, ON | SIGNALING)
    said = ("signaling.tumor.clamp.pim=0.2", "signaling.tumor.cut=[s6k_to_pi3k]")
    nodes, edges, processes = (
        Ablation(str(config), "tumor_cells", settings=said, of=of) for of in ("nodes", "edges", "processes")
    )
    factor = nodes.sweep()["factors"][WITHOUT]
    assert factor["path"] == "signaling.tumor.clamp"
    assert (factor["values"][NOTHING], factor["values"]["s6k"]) == ({"pim": 0.2}, {"pim": 0.2, "s6k": 0.0})
    assert nodes.kept == {"pim": "the experiment holds it at 0.2"} and "pim" not in factor["values"]
    factor = edges.sweep()["factors"][WITHOUT]
    assert factor["path"] == "signaling.tumor.cut"
    assert factor["values"]["akt -| tsc"] == ["s6k_to_pi3k", "akt -| tsc"]
    assert edges.kept["s6k -| pi3k"] == "the experiment cuts it"
    assert edges.kept["mtorc1 -| pim"] == "the experiment holds pim"
    asked = (nodes, edges, processes)
    assert len({each.stem for each in asked}) == len({each.sweep()["name"] for each in asked}) == 3
    assert (processes.stem, processes.sweep()["name"]) == ("tumor_cells_final", "dying_ablation")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "node"}, "--of: 'node' cannot be taken away; did you mean 'nodes'?"),
        ({"of": "nodes", "cell_type": "endothelial"}, "--network: endothelial cells of this experiment have no"),
        ({"of": "nodes", "only": ["s6q"]}, "--only: 's6q' is no node; did you mean 's6'?"),
        ({"of": "edges", "only": ["akt -> tscc"]}, "--only: 'akt -> tscc' is no edge; did you mean 'akt -| tsc'?"),
        (
            {"of": "processes", "only": ["compaction"]},
            "--only: compaction cannot be taken away: cannot be switched off",
        ),
    ],
)
def test_what_cannot_be_asked(tmp_path: Path, options: dict, message: str) -> None:
    config = dying(tmp_path, ON | SIGNALING)
    with pytest.raises(InputError) as error:
        Ablation(str(config), "tumor_cells", **options)
    assert str(error.value).startswith(message)


def test_a_node_and_an_edge_in_runs(tmp_path: Path) -> None:
    config = dying(tmp_path, ON | SIGNALING)
    arguments = ["--output", "tumor_cells", "--replicates", "2", "--at", "36 h", "--jobs", "1", "--out", str(tmp_path)]

    def found(kind: str, *names: str) -> tuple[dict, dict]:
        said = ["ablate", str(config), *arguments, "--of", kind, "--only", ",".join(names), "--json"]
        result = CliRunner().invoke(app, said)
        assert result.exit_code == 0, result.output
        content = json.loads(result.stdout)
        return content, {row[kind.removesuffix("s")]: row for row in content["removed"]}

    content, nodes = found("nodes", "survival", "emt_stimulus")
    # Nothing follows the stimulus; without survival apoptosis is faster by 1/(1 - s) of the reference cell.
    assert nodes["emt_stimulus"]["difference"] == 0.0 and nodes["survival"]["difference"] < -5.0
    folder = Path(content["sweep"])
    assert folder.name == "dying_ablation_tumor_nodes"
    assert (folder / "tumor_nodes_tumor_cells_at_36h.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "tumor_nodes_tumor_cells_at_36h.csv").open(encoding="utf-8") as file:
        assert [row["node"] for row in csv.DictReader(file)] == ["survival", "emt_stimulus"]
    content, edges = found("edges", "met_to_emt_stimulus", "akt -> survival")
    assert list(edges) == ["akt -> survival", "met -> emt_stimulus"]
    assert edges["met -> emt_stimulus"]["difference"] == 0.0
    assert Path(content["sweep"]).name == "dying_ablation_tumor_edges"
