"""A run folder as labelled data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tumorabm.analysis import latest_run, open_run
from tumorabm.errors import InputError
from tumorabm.recording.run_folder import RunFolder


def test_the_time_series_have_units_and_days(small_run: Path) -> None:
    run = open_run(small_run)
    series = run.timeseries
    assert series["time"].values.tolist() == list(range(11))
    assert series["time"].attrs["units"] == "d"
    for name, unit in RunFolder(small_run).units().items():
        if name not in ("time", "step"):
            assert series[name].attrs["units"] == unit
            assert series[name].attrs["long_name"]
    quantiles = series["oxygen_lesion_quantiles"]
    assert quantiles.dims == ("time", "quantile")
    assert (quantiles.diff("quantile") >= 0).all()
    assert run.name == "small" and "small" in repr(run)
    assert run.burn_in == 4.0
    assert any("sunitinib 50 mg" in sentence for sentence in run.sentences)


def test_doses_are_read_off_the_ledger(small_run: Path) -> None:
    assert open_run(small_run).doses() == {"sunitinib": [(4.0, 7.0), (9.0, 10.0)]}


def test_fields_cells_and_series_tell_one_story(small_run: Path) -> None:
    run = open_run(small_run)
    assert run.frame_times.tolist() == [0.0, 5.0, 10.0]
    assert run.frame_at(6.0) == 1
    oxygen = run.fields("oxygen")
    assert oxygen.shape == (3, 1, 48, 52) and oxygen.attrs["units"] == "mmHg"
    assert oxygen["x"].values[[0, -1]].tolist() == [10.0, 1030.0]
    for frame, day in enumerate(run.frame_times):
        cells = run.cells(frame)
        living = cells[(cells["cell_type"] == "tumor") & (cells["state"] == "alive")]
        assert len(living) == run.timeseries["tumor_cells"].sel(time=day)
        np.testing.assert_array_equal(oxygen[frame].values, run.field("oxygen", frame))
        at_cells = oxygen[frame].sel(z=10.0).values[(living["y"] // 20).astype(int), (living["x"] // 20).astype(int)]
        np.testing.assert_array_equal(at_cells, run.field("oxygen", frame).reshape(-1)[living["site"]])


def test_vessels_are_the_links_of_the_graph(small_run: Path) -> None:
    run = open_run(small_run)
    vessels, cells = run.vessels(), run.cells()
    assert len(vessels) == RunFolder(small_run).frames()[-1].vessels().shape[0] > 50
    steps = np.stack([vessels[f"{axis}_1"] - vessels[f"{axis}_0"] for axis in "zyx"], axis=1)
    assert np.abs(steps).max() == 20.0
    np.testing.assert_array_equal(vessels["x_1"], cells.loc[vessels["uid_1"], "x"])
    assert (cells.loc[vessels["uid_0"], "cell_type"] == "endothelial").all()
    assert 0 < vessels["perfused"].sum() <= len(vessels)
    length = np.linalg.norm(steps, axis=1).sum()
    inside = run.timeseries["lesion_endothelial_cells"].values[-1] + run.timeseries["host_endothelial_cells"].values[-1]
    assert 20.0 <= length / inside <= 40.0


def test_the_names_of_pcdl_work(small_run: Path) -> None:
    run = open_run(small_run)
    assert run.get_cell_df(1).equals(run.cells(1))
    concentrations = run.get_conc_df(1)
    assert len(concentrations) == 48 * 52
    assert set(concentrations.columns) == {"z", "y", "x", *run.substrates}
    np.testing.assert_array_equal(concentrations["oxygen"], run.field("oxygen", 1).reshape(-1))
    assert concentrations.iloc[53][["y", "x"]].tolist() == [30.0, 30.0]


def test_anndata_holds_positions_types_and_concentrations(small_run: Path) -> None:
    run = open_run(small_run)
    data, cells = run.get_anndata(), run.cells()
    assert data.obs_names.tolist() == cells.index.astype(str).tolist()
    np.testing.assert_array_equal(data.obsm["spatial"], cells[["x", "y"]])
    assert data.obs["cell_type"].tolist() == cells["cell_type"].tolist()
    oxygen = data[:, "oxygen"].X[:, 0]
    np.testing.assert_array_equal(oxygen, run.field("oxygen").reshape(-1)[cells["site"]])
    assert data.uns["time"] == {"value": 10.0, "units": "d"}


def test_three_dimensions(small_run_3d: Path) -> None:
    run = open_run(small_run_3d)
    assert run.shape == (12, 24, 28)
    assert run.fields("vegf_a").shape == (3, 12, 24, 28)
    assert run.get_anndata().obsm["spatial"].shape[1] == 3
    cells = run.cells()
    assert cells["z"].nunique() > 6
    order = np.lexsort((cells["x"], cells["y"], cells["z"]))
    assert (np.diff(cells["site"].to_numpy()[order]) >= 0).all(), "sites run along x, then y, then z"


def test_links_through_a_periodic_face_end_outside(monkeypatch: pytest.MonkeyPatch, small_run: Path) -> None:
    run = open_run(small_run)
    uids = run.cells().index.to_numpy()
    cells = run.cells().copy()
    cells.loc[uids[0], ["y", "x"]] = [10.0, 1030.0]
    cells.loc[uids[1], ["y", "x"]] = [30.0, 10.0]
    frame = run._frame(-1)
    monkeypatch.setattr(run, "cells", lambda _: cells)
    monkeypatch.setattr(type(frame), "vessels", lambda _: uids[None, :2])
    link = run.vessels().iloc[0]
    assert (link["x_0"], link["x_1"], link["y_0"], link["y_1"]) == (1030.0, 1050.0, 10.0, 30.0)


def test_what_is_not_there_is_named(small_run: Path, tmp_path: Path) -> None:
    run = open_run(small_run)
    with pytest.raises(KeyError, match="oxygen"):
        run.fields("oxygne")
    with pytest.raises(IndexError, match="frames 0 to 2"):
        run.cells(3)
    with pytest.raises(InputError, match="no such run folder"):
        open_run(tmp_path / "nothing")
    with pytest.raises(InputError, match="no run below"):
        latest_run(tmp_path)


def test_the_latest_run_is_found(small_run: Path) -> None:
    assert latest_run(small_run.parent.parent).folder.path == small_run
