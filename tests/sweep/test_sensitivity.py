"""Sensitivity from the command to its tables and figures; Sobol's shares of Ishigami's function through everything."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from dosing_sweep import base
from ishigami import FIRST, NAMES, TOTAL, VARIANCE, ishigami
from ishigami_sweep import sweep
from typer.testing import CliRunner

from tumorabm import yaml
from tumorabm.cli import app
from tumorabm.errors import InputError
from tumorabm.sweep.counts import Counts
from tumorabm.sweep.measured import values_of
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.results import open_sweep
from tumorabm.sweep.variance_shares import Shares, shares

PNG = b"\x89PNG"


def shares_of_ishigami(folder: Path, samples: int, replicates: int, noise: float) -> tuple[Shares, Shares]:
    """From a sweep file through plan, pool and results to indices; and those of the function at the same points."""
    design = {"method": "sobol", "samples": samples}
    file = folder / "ishigami.yaml"
    file.write_text(yaml.dump(sweep(design, noise, replicates, resources={"workers": 2})), encoding="utf-8")
    arguments = ["sweep", str(file), "--out", str(folder), "--json"]
    # In another process: the function's module must not be registered in this one.
    done = subprocess.run([sys.executable, "-m", "tumorabm.cli", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["finished"] == samples * 5 * replicates
    table = open_sweep(folder / "ishigami").table
    values = table.pivot(index="point", columns="replicate", values="y").to_numpy()
    points = table.drop_duplicates("point").sort_values("point")[list(NAMES)].to_numpy()
    exact = ishigami(*points.T)[:, np.newaxis]
    return shares(NAMES, values, samples, shared=False), shares(NAMES, exact, samples, shared=False)


def test_sobol_shares_of_ishigami_through_the_whole_machinery(tmp_path: Path) -> None:
    """Exactly what the function gives at these points; that enough points give the known shares is told elsewhere."""
    found, exact = shares_of_ishigami(tmp_path, samples=8, replicates=1, noise=0.0)
    for share, expected in zip(found.factors, exact.factors, strict=True):
        assert share.factor == expected.factor
        assert astuple(share)[1:] == pytest.approx(astuple(expected)[1:], rel=1e-9)
    assert found.variance == pytest.approx(exact.variance, rel=1e-9)
    assert found.samples == 8 and found.missing == 0


@pytest.mark.slow
def test_sobol_shares_of_noisy_ishigami_through_the_whole_machinery(tmp_path: Path) -> None:
    found, _ = shares_of_ishigami(tmp_path, samples=128, replicates=2, noise=2.0)
    for share in found.factors:
        assert share.first_low < FIRST[share.factor] < share.first_high
        assert share.total_low < TOTAL[share.factor] < share.total_high
        assert share.total_high - share.total_low < 0.6
    assert found.variance == pytest.approx(VARIANCE, rel=0.25)
    assert found.luck == pytest.approx(4.0, rel=0.25)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patient with a drug in plasma and nothing else."""
    path = tmp_path_factory.mktemp("config") / "dosing.yaml"
    path.write_text(yaml.dump(base()), encoding="utf-8")
    return path


ASKED = (
    *("--output", "sunitinib_plasma_total", "--factors", "pk_central_volume,molar_mass_su12662"),
    *("--trajectories", "2", "--replicates", "2", "--sobol", "2", "--most", "2", "--jobs", "1"),
)


@pytest.fixture(scope="module")
def answered(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder of sweeps and what the command printed."""
    out = tmp_path_factory.mktemp("sweeps")
    result = CliRunner().invoke(app, ["sensitivity", str(config), *ASKED, "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out, result.stdout


def test_the_table_says_what_matters(answered: tuple[Path, str]) -> None:
    """Without luck the floor is 0: what has any effect matters, and the metabolite's mass has none."""
    out, printed = answered
    folder = out / "dosing_sensitivity_morris"
    with (folder / "sunitinib_plasma_total_final.csv").open(encoding="utf-8") as file:
        rows = {row["factor"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["sunitinib_pk_central_volume", "sunitinib_molar_mass_su12662"]
    assert [row["verdict"] for row in rows.values()] == ["matters", "as luck"]
    volume = rows["sunitinib_pk_central_volume"]
    assert float(volume["mu"]) == -float(volume["mu_star"]) < 0
    assert float(volume["low"]) > float(volume["floor"]) == 0
    assert volume["unit_of_effects"] == "nM" and float(volume["luck"]) == 0
    assert float(rows["sunitinib_molar_mass_su12662"]["mu_star"]) == 0
    assert "final sunitinib_plasma_total: 2 values, 2 trajectories, 12 runs" in printed
    assert "12 runs: 12 finished\n" in printed and "matters" in printed


def test_effects_are_those_of_the_runs(answered: tuple[Path, str]) -> None:
    """Mean effect of a line: the slope between the ends, of runs of the same table."""
    out, _ = answered
    folder = out / "dosing_sensitivity_morris"
    table = open_sweep(folder).table.query("replicate == 0").sort_values("point")
    column = table["sunitinib_pk_central_volume"]
    with (folder / "sunitinib_plasma_total_final.csv").open(encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["factor"] == "sunitinib_pk_central_volume")
    low, high = float(row["from"]), float(row["to"])
    steps = [k for k in range(1, 6) if k % 3 and column.iloc[k] != column.iloc[k - 1]]
    slopes = [
        (table["value"].iloc[k] - table["value"].iloc[k - 1]) / (column.iloc[k] - column.iloc[k - 1]) for k in steps
    ]
    assert len(slopes) == 2
    assert float(row["mu"]) == pytest.approx(np.mean(slopes) * (high - low))


def test_shares_of_what_matters(answered: tuple[Path, str]) -> None:
    out, printed = answered
    folder = out / "dosing_sensitivity_sobol"
    with (folder / "sunitinib_plasma_total_final.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["factor"] for row in rows] == ["sunitinib_pk_central_volume"]
    assert rows[0]["path"].endswith("pk_central_volume")
    assert "Luck: 0.0 % of the variance of single runs" in printed
    assert printed.count("12 runs: 12 finished\n") == 2


def test_figures_are_drawn(answered: tuple[Path, str]) -> None:
    out, _ = answered
    for kind in ("morris", "sobol"):
        path = out / f"dosing_sensitivity_{kind}" / "sunitinib_plasma_total_final.png"
        assert path.read_bytes().startswith(PNG) and path.stat().st_size > 10_000
        assert not list(path.parent.glob("*.tmp"))


def test_called_again_it_runs_nothing(config: Path, answered: tuple[Path, str]) -> None:
    out, _ = answered
    again = CliRunner().invoke(app, ["sensitivity", str(config), *ASKED, "--out", str(out), "--json"])
    content = json.loads(again.stdout)
    for part in ("screening", "shares"):
        assert (content[part]["counts"]["finished"], content[part]["counts"]["already"]) == (12, 12)
    assert content["shares"]["luck_share"] == 0.0


def test_the_same_runs_answer_for_another_output(config: Path, answered: tuple[Path, str]) -> None:
    """Whose logarithm is asked for: it is 0 at the start, so there is none, and JSON knows no NaN."""
    out, _ = answered
    before = open_sweep(out / "dosing_sensitivity_morris").table
    arguments = ["--output", "su12662_plasma_total", "--log", "--at", "0 d", "--sobol", "0", "--out", str(out)]
    result = CliRunner().invoke(app, ["sensitivity", str(config), *ASKED, *arguments, "--json"])
    content = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(word))["screening"]
    assert content["counts"]["finished"] == 12
    assert {row["mu_star"] for row in content["rows"]} == {None}
    assert {(row["effects"], row["missing"], row["verdict"]) for row in content["rows"]} == {(0, 2, "unknown")}
    table = open_sweep(content["sweep"]).table
    assert table["run_id"].equals(before["run_id"]) and (table["value"] == 0.0).all()
    assert (Path(content["sweep"]) / "su12662_plasma_total_at_0d_log.png").is_file()
    assert (Path(content["sweep"]) / "sunitinib_plasma_total_final.png").is_file()


def test_a_plan_that_another_call_replaced_is_not_evaluated(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another call for another output, while this one runs: its values must not stand in the table of this one."""

    def meanwhile(folder: Path, **_: object) -> Counts:
        plan = Plan.read(folder)
        replace(plan, summaries={"value": {"output": "su12662_plasma_total", "statistic": "max"}}).write(folder)
        with pytest.raises(InputError, match="the plan was replaced by another call"):
            values_of(folder, plan)
        return Counts(total=len(plan.runs), finished=len(plan.runs))

    monkeypatch.setattr("tumorabm.sweep.loop.run_sweep", meanwhile)
    for command, rest in (("sensitivity", ASKED), ("ablate", ASKED[:2])):
        result = CliRunner().invoke(app, [command, str(config), *rest, "--out", str(tmp_path)])
        assert result.exit_code == 2 and "the plan was replaced by another call" in result.stderr
    assert len(list(tmp_path.glob("*/plan.json"))) == 2
    assert not [*tmp_path.glob("*/*.csv"), *tmp_path.glob("*/*.png")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--output", "tumour_cells"],
            "--output tumour_cells: 'tumour_cells' is no time series of the base experiment; "
            "did you mean 'tumor_cells'?",
        ),
        (
            ["--output", "tumor_cells", "--statistic", "mean frm=2d"],
            "--statistic mean frm=2d: frm: is no option of the statistic mean; did you mean 'from'?",
        ),
        (["--output", "tumor_cells", "--statistic", "at"], "--statistic at: at: is missing, the statistic at needs it"),
        (
            ["--output", "tumor_cells", "--statistic", "mean", "--at", "1 d"],
            "--at 1 d and --statistic mean: one of them",
        ),
        (
            ["--output", "tumor_cells", "--factors", "pk_clearence"],
            "--factors: 'pk_clearence' is no value that the experiment reads; did you mean 'pk_clearance'?",
        ),
        (
            ["--output", "tumor_cells", "--factors", "pk_clearance", "--sobol", "12"],
            "--sobol: 12 is no power of two, which Sobol's sequence needs",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    config: Path, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    result = CliRunner().invoke(app, ["sensitivity", str(config), *arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.stderr == expected + "\n"
    assert not (tmp_path / "out").exists()


def test_a_dry_run_tells_what_would_be_varied(small_config: Path, tmp_path: Path) -> None:
    arguments = ["sensitivity", str(small_config), "--output", "lesion_cells", "--dry-run", "--out", str(tmp_path)]
    content = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert len(content["varied"]) > 50
    assert content["varied"]["oxygen_vessel_oxygen"] == {
        **{"path": "substrates.oxygen.vessel_oxygen", "from": 10.0, "to": 40.0, "unit": "mmHg"}
    }
    assert not list(tmp_path.iterdir())
