"""The table and the dataset of a sweep tell what is in its folder, whatever state its runs are in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dosing_sweep import sweep

from tumorabm.errors import InputError
from tumorabm.recording.run_folder import RunFolder
from tumorabm.sweep.attempts import Claim
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.planning import prepare
from tumorabm.sweep.results import DAMAGED, SERIES, TABLE, collect, open_sweep, status_of
from tumorabm.sweep.status import Status
from tumorabm.sweep.sweep_file import load_sweep
from tumorabm.sweep.worker import execute


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a sweep of which all eight runs are finished. Read only."""
    folder = prepare(load_sweep(sweep()), tmp_path_factory.mktemp("sweeps"))
    for index in range(8):
        assert execute(str(folder), index)["state"] == "finished"
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def test_the_table_has_a_row_per_run(whole: Path) -> None:
    table = open_sweep(whole).table
    assert list(table) == [
        *("index", "run_id", "point", "replicate", "seed", "state", "attempts", "seconds", "message"),
        *("dose", "times", "peak", "risen"),
    ]
    assert table["index"].tolist() == list(range(8))
    assert table["dose"].tolist() == [25.0] * 4 + [50.0] * 4
    assert table["times"].tolist() == ["daily", "daily", "twice", "twice"] * 2
    assert table["seed"].tolist() == [3, 4] * 4
    assert set(table["state"]) == {"finished"} and set(table["attempts"]) == {1}
    assert table.attrs["units"] == {"dose": "mg", "peak": "nM", "risen": "d", "seconds": "s"}


def test_summaries_are_those_of_the_runs(whole: Path) -> None:
    table = open_sweep(whole).table
    for row in table.itertuples():
        series = RunFolder(whole / row.run_id).timeseries()["sunitinib_plasma_total"]
        assert row.peak == series.max() > 0
    by_dose = table.groupby(["times", "dose"])["peak"].mean()
    for times in ("daily", "twice"):
        assert by_dose[times, 50.0] == pytest.approx(2 * by_dose[times, 25.0])


def test_the_dataset_is_labelled(whole: Path) -> None:
    series = open_sweep(whole).series
    plasma = series["sunitinib_plasma_total"]
    assert plasma.dims == ("run", "time") and plasma.shape == (8, 9)
    assert plasma.attrs["units"] == "nM" and series["time"].attrs["units"] == "d"
    assert series["time"].values.tolist() == [0.25 * k for k in range(9)]
    assert series["dose"].attrs["units"] == "mg"
    chosen = plasma.where((series["dose"] == 50.0) & (series["times"] == "twice"), drop=True)
    assert chosen["seed"].values.tolist() == [3, 4]
    expected = RunFolder(whole / str(chosen["run_id"].values[0])).timeseries()["sunitinib_plasma_total"]
    assert np.array_equal(chosen.values[0], expected)
    # Along factors instead of runs.
    grid = series.set_index(run=["dose", "times", "replicate"]).unstack("run")
    assert grid["sunitinib_plasma_total"].sizes == {"time": 9, "dose": 2, "times": 2, "replicate": 2}


def test_files_read_back_as_they_are(folder: Path) -> None:
    import pandas as pd
    import xarray as xr

    assert collect(folder) == folder / TABLE
    table = pd.read_parquet(folder / TABLE)
    pd.testing.assert_frame_equal(table, open_sweep(folder).table)
    assert table.attrs["units"]["peak"] == "nM"
    with xr.open_dataset(folder / SERIES) as series:
        assert series.load().equals(open_sweep(folder).series)
        assert series["dose"].attrs == {"units": "mg"}
    assert not list(folder.glob("*.tmp"))


def test_a_sweep_is_readable_while_it_goes_on(folder: Path) -> None:
    plan = Plan.read(folder)
    shutil.rmtree(folder / plan.runs[1].run_id)  # not begun
    with Claim(folder / plan.runs[2].run_id, 2):  # this process is at it
        (folder / plan.runs[3].run_id / "run.h5").write_bytes(b"cut off")
        failed = Status(plan.runs[4].run_id, 4, "failed", 1, failures=1, message="step 3: NaN", traceback="...")
        failed.write(folder / failed.run_id)
        run = open_sweep(folder)
        table = run.table
    assert table["state"].tolist() == ["finished", "waiting", "running", DAMAGED, "failed", *["finished"] * 3]
    assert table["message"][4] == "step 3: NaN" and "7 bytes" in table["message"][3]
    known = table["peak"].notna()
    assert known.tolist() == [state == "finished" for state in table["state"]]
    assert run.finished == 4 and run.series["run"].values.tolist() == [0, 5, 6, 7]
    # Nobody is at it any more, and it did not say how it ended.
    os.utime(folder / plan.runs[2].run_id / "attempts" / "0002.json", (0, 0))
    assert status_of(folder) == {
        **{"runs": 8, "waiting": 1, "running": 0, "finished": 5, "failed": 1, "interrupted": 0, "lost": 1}
    }


def test_other_summaries_are_computed_from_what_is_there(folder: Path) -> None:
    """A sweep that asks for more than when it was run: nothing is run again, and nothing stale is shown."""
    before = open_sweep(folder).table
    peak = {"output": "sunitinib_plasma_total", "statistic": "max", "to": "1 d"}
    prepare(load_sweep(sweep(collect={"series": [], "summaries": {"peak": peak}})), folder.parent)
    found = open_sweep(folder)
    assert list(found.table)[-1] == "peak" and set(found.table["state"]) == {"finished"}
    assert (found.table["peak"] < before["peak"]).all()
    collect(folder)
    assert not (folder / SERIES).exists()


def test_runs_of_other_lengths_share_a_time(tmp_path: Path) -> None:
    factors = {"length": {"path": "duration", "values": ["12 h", "24 h"]}}
    folder = prepare(load_sweep(sweep(factors=factors, replicates=1)), tmp_path)
    for index in range(2):
        execute(str(folder), index)
    plasma = open_sweep(folder).series["sunitinib_plasma_total"]
    assert plasma.sizes == {"run": 2, "time": 7}
    assert np.isfinite(plasma.values).sum(axis=1).tolist() == [5, 7]


def test_nothing_done_yet(tmp_path: Path) -> None:
    folder = prepare(load_sweep(sweep()), tmp_path)
    found = open_sweep(folder)
    assert repr(found) == "<Sweep dosing: 0 of 8 runs finished>"
    assert set(found.table["state"]) == {"waiting"} and found.series.sizes["run"] == 0
    collect(folder)
    with pytest.raises(InputError, match="is no folder of a sweep"):
        open_sweep(tmp_path)


def test_without_the_packages_it_says_what_to_install(whole: Path) -> None:
    code = f"""
import sys, json, importlib.util as u
find = u.find_spec
u.find_spec = lambda name, *rest: None if name in ("pandas", "pyarrow") else find(name, *rest)
from tumorabm.sweep.results import collect, status_of
print(json.dumps(status_of({str(whole)!r})))
try:
    collect({str(whole)!r})
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    counts, (kind, message) = map(json.loads, out.stdout.splitlines())
    assert counts["finished"] == 8
    assert kind == "PackagesMissing"
    assert message == "tables of sweeps need pandas and pyarrow: pip install 'tumorabm[analysis]'"
