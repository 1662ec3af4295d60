"""The command ``sweep``: dry runs with their estimate, a sweep of seconds from its file to its table, and wrong use."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tumorabm.cli import app
from tumorabm.sweep.estimate import Estimate, duration, estimate, size
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.sweep_file import load_sweep

SMOKE = Path(__file__).parents[2] / "configs" / "sweeps" / "smoke.yaml"
run = CliRunner().invoke


def sweep(*arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the command."""
    done = run(app, ["sweep", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the sweep of seconds, carried out by the command with one seed."""
    out = tmp_path_factory.mktemp("sweeps")
    status, told, errors = sweep(SMOKE, "--out", out, "--set", "replicates=1", "--workers", 1, "--json")
    assert status == 0, errors
    content = json.loads(told)
    assert content["sweep"] == str(out / "smoke")
    assert (content["total"], content["finished"]) == (4, 4)
    assert content["table"] == str(out / "smoke" / "runs.parquet")
    return out / "smoke"


def test_a_sweep_ends_with_its_count_and_its_table(smoke: Path) -> None:
    table = pd.read_parquet(smoke / "runs.parquet")
    assert table["arm"].tolist() == ["untreated", "sunitinib"] * 2
    assert table["oxygen"].tolist() == [10.5, 10.5, 15.0, 15.0]
    assert (table["cells"] > 0).all()
    assert table["run_id"].tolist() == [planned.run_id for planned in Plan.read(smoke).runs]


def test_the_same_again_runs_nothing(smoke: Path) -> None:
    status, told, _ = sweep(SMOKE, "--out", smoke.parent, "--set", "replicates=1")
    assert status == 0
    assert told.splitlines() == ["4 runs: 4 finished (4 were there already)", str(smoke / "runs.parquet")]


@pytest.mark.parametrize("by_folder", [True, False])
def test_status(smoke: Path, by_folder: bool) -> None:
    given = [smoke] if by_folder else [SMOKE, "--out", smoke.parent]
    status, told, _ = sweep(*given, "--status")
    assert status == 0
    assert told.startswith(f"{smoke}: 4 runs, ")
    assert "4 finished" in told
    assert json.loads(sweep(*given, "--status", "--json")[1])["finished"] == 4


def test_a_dry_run_prints_the_runs_and_an_estimate_and_leaves_nothing(tmp_path: Path) -> None:
    status, told, _ = sweep(SMOKE, "--dry-run", "--out", tmp_path, "--workers", 2)
    assert status == 0
    lines = told.splitlines()
    assert lines[0].split() == ["run", "id", "point", "replicate", "seed", "oxygen", "(mmHg)", "arm"]
    assert lines[1].split()[2:] == ["0", "0", "1", "10.5", "untreated"]
    assert lines[9] == "8 runs: 4 points (grid) with 2 replicates each"
    assert lines[10].startswith("about ")
    assert lines[11].startswith("measured on the first 8 steps of the base experiment (")
    assert lines[11].endswith("extrapolated to 192 steps; a tumor that grows takes longer, and factors may change it")
    assert not list(tmp_path.iterdir())


def test_a_dry_run_as_json(tmp_path: Path) -> None:
    status, told, _ = sweep(SMOKE, "--dry-run", "--json", "--set", "replicates=1", "--workers", 1)
    content = json.loads(told)
    assert status == 0
    assert [found["factors"]["oxygen"] for found in content["runs"]] == [10.5, 10.5, 15.0, 15.0]
    assert content["estimate"]["steps"] == 4 * 24
    assert content["estimate"]["wall_seconds"] == content["estimate"]["seconds"] > 0.0


def test_the_estimate_is_near_what_runs_take(smoke: Path) -> None:
    """Disk is known well; time is told to a factor of a few on a machine that does other things meanwhile."""
    loaded = load_sweep(SMOKE, ["replicates=1"])
    found = estimate(loaded.experiment, [24] * 4, 1)
    ignored = ("attempts", "status.json")
    folders = [smoke / planned.run_id for planned in Plan.read(smoke).runs]
    sizes = [
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not set(ignored) & set(path.parts))
        for folder in folders
    ]
    assert found.bytes == pytest.approx(sum(sizes), rel=0.3)
    assert 0.0 < found.seconds_per_step < 1.0
    assert found.seconds == pytest.approx(4 * (24 * found.seconds_per_step + found.seconds_per_start))


def test_an_estimate_in_words() -> None:
    given = Estimate(50, 0.02, 1.5, 7200.0, 2, 3e9, 10_000, 10)
    assert given.sentences() == (
        "about 60 min with 2 at a time (12 min per run), and 3 GB of disk (300 MB per run)",
        "measured on the first 50 steps of the base experiment (20 ms per step, 1.5 s around them) and extrapolated to "
        "10,000 steps; a tumor that grows takes longer, and factors may change it",
    )
    assert [duration(seconds) for seconds in (1.0, 109.6, 200.0, 9000.0, 1e6)] == [
        "1 s",
        "110 s",
        "3.33 min",
        "2.5 h",
        "11.6 d",
    ]
    assert [size(count) for count in (10, 2e3, 3e6, 4e9, 5e12)] == ["10 bytes", "2 kB", "3 MB", "4 GB", "5 TB"]


def test_a_long_table_shows_its_beginning_and_end() -> None:
    import contextlib
    import io

    from tumorabm.cli_sweep import _print_runs
    from tumorabm.sweep.planning import make_plan

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        _print_runs(make_plan(load_sweep(SMOKE, ["replicates=30"])))
    numbers = [line.split()[0] for line in text.getvalue().splitlines()]
    assert numbers == ["run", *map(str, range(40)), "...", *map(str, range(115, 120))]


WRONG = [
    (["--dry-run", "--status"], "--dry-run and --status: one of them at a time"),
    (["--task", "3"], "--task and --of go together: --task 3 --of 10"),
    (["--task", "3", "--of", "3"], "--task 3 --of 3: shares are counted from 0 to 2"),
    (["--executor", "locl"], "--executor locl: is not known; did you mean 'local'?"),
    (["--set", "replicates=0"], "--set replicates=0: replicates: 0 must be at least 1"),
]


@pytest.mark.parametrize(("options", "expected"), WRONG, ids=[" ".join(options) for options, _ in WRONG])
def test_wrong_use(tmp_path: Path, options: list[str], expected: str) -> None:
    status, told, errors = sweep(SMOKE, "--out", tmp_path, *options)
    assert (status, told) == (2, "")
    assert errors.splitlines()[-1] == expected


def test_wrong_use_of_folders(smoke: Path, tmp_path: Path) -> None:
    assert sweep(SMOKE, "--out", tmp_path, "--status") == (2, "", f"{tmp_path / 'smoke'}: the sweep has not begun\n")
    expected = f"{smoke}: expected a sweep file, not the folder of a sweep\n"
    assert sweep(smoke, "--dry-run") == (2, "", expected)
    expected = f"{smoke}: the plan of a sweep's folder is made; give --set and --catalog with its file\n"
    assert sweep(smoke, "--set", "replicates=2") == (2, "", expected)


def test_a_broken_sweep_as_json(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("base: 3\n")
    status, told, errors = sweep(tmp_path / "broken.yaml", "--json")
    assert status == 2
    (problem,) = json.loads(told)["problems"]
    assert (problem["line"], problem["column"], problem["path"]) == (1, 7, "base")


def test_the_schema_of_sweeps() -> None:
    done = run(app, ["schema", "--sweep"])
    assert json.loads(done.stdout)["title"] == "tumorabm sweep"
