"""The commands that check and show: validate, schema, catalog."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tumorabm import yaml
from tumorabm.catalog import load_catalog
from tumorabm.cli import app
from tumorabm.config import load_experiment
from tumorabm.config.schema import schema_text

ROOT = Path(__file__).parents[1]
FIRST_LINE = str(ROOT / "configs" / "experiments" / "sunitinib_first_line.yaml")
RUNNER = CliRunner()


def test_validate() -> None:
    result = RUNNER.invoke(app, ["validate", FIRST_LINE])
    assert result.exit_code == 0
    assert "valid; sunitinib_first_line, 455 days, sunitinib 50 mg every day" in result.stdout


def test_validate_resolved_prints_an_experiment(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["validate", FIRST_LINE, "--resolved", "--set", "duration=30 d"])
    assert result.exit_code == 0
    (tmp_path / "resolved.yaml").write_text(result.stdout)
    assert (
        load_experiment(tmp_path / "resolved.yaml").resolved()
        == load_experiment(FIRST_LINE, ["duration=30 d"]).resolved()
    )


def test_validate_pipeline_is_in_order_and_shows_what_is_off() -> None:
    result = RUNNER.invoke(app, ["validate", FIRST_LINE, "--pipeline", "--set", "processes.necrosis=false"])
    assert result.exit_code == 0
    phases = [line.split()[0] for line in result.stdout.splitlines()[1:] if line and not line.startswith(" ")]
    assert phases == ["PATIENT", "FIELDS", "SIGNALS", "STATE", "RATES", "REQUESTS", "COMMIT", "VESSELS"]
    assert "necrosis (off)" in result.stdout


def test_validate_as_json() -> None:
    result = RUNNER.invoke(app, ["validate", FIRST_LINE, "--json", "--pipeline", "--resolved"])
    content = json.loads(result.stdout)
    assert (result.exit_code, content["valid"], content["name"]) == (0, True, "sunitinib_first_line")
    assert content["config_hash"] == load_experiment(FIRST_LINE).config_hash
    assert {row["process"] for row in content["pipeline"]} >= {"birth", "apoptosis"}
    assert content["resolved"]["duration"] == "365 d"


def test_wrong_input_is_status_2_with_messages_on_standard_error() -> None:
    result = RUNNER.invoke(app, ["validate", FIRST_LINE, "--set", "time_step=2", "--set", "seed=x"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "--set time_step=2: time_step: 2 has no unit, expected a time, for example '2 h'",
        "--set seed=x: seed: expected a whole number, got 'x'",
    ]


def test_wrong_input_as_json() -> None:
    result = RUNNER.invoke(app, ["validate", "nope.yaml", "--json"])
    assert result.exit_code == 2
    content = json.loads(result.stdout)
    assert content["valid"] is False
    assert content["problems"][0] == {
        "file": "nope.yaml",
        "line": None,
        "column": None,
        "path": "",
        "message": "no such file",
    }


@pytest.mark.parametrize("arguments", [["validate"], ["validate", FIRST_LINE, "--sett", "a=1"], ["validat"], []])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    assert RUNNER.invoke(app, arguments).exit_code == 2


def test_warnings_go_to_standard_error() -> None:
    result = RUNNER.invoke(app, ["validate", FIRST_LINE, "--set", "catalog.substrates.oxygen.vessel_oxygen=99 mmHg"])
    assert result.exit_code == 0
    assert "warning: substrates.oxygen.vessel_oxygen: 99 mmHg lies outside its range 10 to 40 mmHg" in result.stderr


def test_the_break_even_oxygen_is_told() -> None:
    """Where birth balances apoptosis; for patients' metastases from the catalog's numbers by hand."""
    reference = 7.6**2 / (7.6**2 + 36.0)
    share = (0.0122 / 0.020) * reference
    by_hand = 2.0 + 6.0 * (share / (1.0 - share)) ** 0.5
    line = f"break-even oxygen, where birth balances apoptosis: {by_hand:.2g} mmHg (patient_metastasis)"
    assert RUNNER.invoke(app, ["validate", FIRST_LINE]).stdout.splitlines()[1:] == [line]
    content = json.loads(RUNNER.invoke(app, ["validate", FIRST_LINE, "--json"]).stdout)
    assert content["break_even_oxygen"] == pytest.approx(by_hand)
    sets = json.loads(RUNNER.invoke(app, ["catalog", "cell_types", "tumor", "--json"]).stdout)
    pressures = sets["cell_types.tumor"]["break_even_oxygen"]
    assert list(pressures) == ["in_vitro", "xenograft", "patient_metastasis", "patient_primary"]
    assert pressures["patient_metastasis"] == content["break_even_oxygen"]
    shown = RUNNER.invoke(app, ["catalog", "cell_types", "tumor"]).stdout
    assert (
        f"{by_hand:.2g} mmHg (patient_metastasis), {pressures['patient_primary']:.2g} mmHg (patient_primary)" in shown
    )


def test_where_birth_never_balances_death_that_is_told() -> None:
    dying = ["--set", "processes.birth={rate: 0.001 1/d}"]
    assert RUNNER.invoke(app, ["validate", FIRST_LINE, *dying]).stdout.endswith(": at none (patient_metastasis)\n")
    content = json.loads(RUNNER.invoke(app, ["validate", FIRST_LINE, "--json", *dying]).stdout)
    assert content["break_even_oxygen"] is None
    still = RUNNER.invoke(app, ["validate", FIRST_LINE, "--set", "processes.birth=false"])
    assert "break-even" not in still.stdout


def test_schema() -> None:
    result = RUNNER.invoke(app, ["schema"])
    assert result.exit_code == 0
    assert result.stdout == schema_text()


def test_catalog() -> None:
    result = RUNNER.invoke(app, ["catalog", "cell_types", "tumor"])
    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if line.startswith("birth_rate [patient_metastasis]"))
    for part in ("0.02", "1/d", "0.02 - 0.046", "pmid_12534920"):
        assert part in line
    everything = RUNNER.invoke(app, ["catalog"]).stdout
    for title in ("substrates.oxygen", "cell_types.endothelial", "drugs.sunitinib"):
        assert f"{title}:" in everything


def test_catalog_as_json() -> None:
    content = json.loads(RUNNER.invoke(app, ["catalog", "substrates", "--json"]).stdout)
    assert set(content) == {f"substrates.{name}" for name in load_catalog().names("substrates")}
    assert {"substrates.oxygen", "substrates.vegf_a", "substrates.amino_acids"} <= set(content)
    entry = content["substrates.oxygen"]["values"]["diffusivity"]
    assert (entry["value"], entry["unit"], entry["range"]) == (2000.0, "um^2/s", [1500.0, 2500.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["drgs"], "the catalog has no 'drgs'; did you mean 'drugs'?"),
        (["drugs", "sunitinb"], "the catalog has no drugs.sunitinb; did you mean 'sunitinib'?"),
        (["--catalog", "nope"], "nope: no such folder of catalog files"),
    ],
)
def test_catalog_of_nothing(arguments: list[str], message: str) -> None:
    result = RUNNER.invoke(app, ["catalog", *arguments])
    assert result.exit_code == 2
    assert result.stderr.strip() == message


def test_a_catalog_folder_reaches_the_experiment(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "drugs").mkdir(parents=True)
    text = yaml.read(ROOT / "tumorabm" / "catalog" / "drugs" / "sunitinib.yaml").data
    (folder / "drugs" / "newdrug.yaml").write_text(yaml.dump({**text, "name": "newdrug"}))
    arguments = ["validate", FIRST_LINE, "--set", "treatment[0].drug=newdrug"]
    assert RUNNER.invoke(app, arguments).exit_code == 2
    result = RUNNER.invoke(app, [*arguments, "--catalog", str(folder)])
    assert result.exit_code == 0
    assert "newdrug 50 mg every day" in result.stdout


def test_validate_answers_at_once_without_heavy_packages() -> None:
    code = (
        "import sys\n"
        "from tumorabm.cli import main\n"
        f"sys.argv = ['tumorabm', 'validate', {FIRST_LINE!r}, '--json', '--pipeline']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'numba', 'mesa', 'h5py', 'pandas', 'matplotlib', 'scipy.sparse'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)\n"
    )
    start = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    elapsed = time.perf_counter() - start
    assert result.stderr.strip().splitlines()[-1] == "[]"
    assert json.loads(result.stdout)["valid"] is True
    # About a second on a warm file cache; the rest is for a machine that does other things as well.
    assert elapsed < 6.0


def test_version() -> None:
    from tumorabm import __version__

    result = RUNNER.invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.strip()) == (0, f"tumorabm {__version__}")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("lattice.shape=[200000, 200000]", "the tissue could not be made: Unable to allocate"),
        ("cells=[{table: TABLE}]", "cells.h5ad: cannot be read"),
    ],
)
def test_a_run_that_cannot_begin_says_why(tmp_path: Path, setting: str, message: str) -> None:
    table = tmp_path / "cells.h5ad"
    table.write_bytes(b"x")
    setting = setting.replace("TABLE", str(table))
    result = RUNNER.invoke(app, ["run", FIRST_LINE, "--set", setting, "--out", str(tmp_path / "runs")])
    assert result.exit_code in (1, 2) and message in result.output and "Traceback" not in result.output


def test_a_sweep_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    smoke = str(ROOT / "configs" / "sweeps" / "smoke.yaml")
    result = RUNNER.invoke(app, ["sweep", smoke, "--out", str(tmp_path / "file")])
    assert result.exit_code == 2 and "cannot be written" in result.output
