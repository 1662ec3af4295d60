"""Clones of a run: frequencies, tree, Muller data, sizes, biopsies, and the picture."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tumorabm.analysis import biopsy, muller_plot, open_run, phylogeny
from tumorabm.analysis.muller import drawn, nested
from tumorabm.analysis.phylogeny import ROOT, Phylogeny
from tumorabm.analysis.run import Run
from tumorabm.errors import InputError


@pytest.fixture(scope="session")
def evolving_run(small_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run in which cells gain much. Read only."""
    from tumorabm.config import load_experiment
    from tumorabm.run import run_experiment

    overrides = [
        "sets.kinetics=xenograft",
        "mechanisms.mutation=true",
        "clones=[{name: plain, vhl: mutated, fraction: 0.7}, {name: other, vhl: wild_type, fraction: 0.3}]",
        "mutations=[{alteration: neutral, rate: 0.1}, {alteration: tsc_loss, rate: 0.05, start: 1 d}]",
    ]
    return run_experiment(load_experiment(small_config, overrides), tmp_path_factory.mktemp("evolving"), quiet=True)


@pytest.fixture(scope="session")
def run(evolving_run: Path) -> Run:
    return open_run(evolving_run)


def test_the_table_says_where_and_when_clones_began(run: Run) -> None:
    clones = run.clones
    assert clones["name"][:2].tolist() == ["plain", "other"] and len(clones) > 20
    first, later = clones[:2], clones[2:]
    assert (first["parent"] == "").all() and first["x"].isna().all() and (first["birth"] == 0.0).all()
    assert later["parent"].isin(clones["name"]).all() and later["birth"].between(0.0, 10.0, inclusive="right").all()
    assert later["x"].between(0.0, 52 * 20).all() and (later["z"] == 10.0).all()
    assert later["birth"].is_monotonic_increasing
    late = [birth for birth, names in zip(clones["birth"], clones["alterations"], strict=True) if "tsc_loss" in names]
    assert min(late) > 5.0, "a day after the burn-in of four"
    for name, alterations in zip(later["parent"], later["alterations"], strict=True):
        inherited = clones["alterations"][clones["name"] == name].iloc[0]
        assert set(inherited) < set(alterations)


def test_frequencies_agree_with_series_and_frames(run: Run) -> None:
    history = phylogeny(run)
    cells, shares = history.cells, history.frequencies
    np.testing.assert_array_equal(cells.sum("clone"), run.timeseries["tumor_cells"])
    np.testing.assert_array_equal((cells > 0).sum("clone"), run.timeseries["clones"])
    np.testing.assert_array_equal(cells.sel(clone="plain"), run.timeseries["plain_clone_cells"])
    np.testing.assert_allclose(shares.sum("clone"), 1.0)
    np.testing.assert_allclose(shares.max("clone"), run.timeseries["largest_clone_share"])
    np.testing.assert_allclose(1.0 - (shares**2).sum("clone"), run.timeseries["simpson_diversity"], atol=1e-12)
    assert shares.dims == ("time", "clone") and shares["time"].attrs["units"] == "d"
    frame = run.cells(1)
    living = frame[(frame["cell_type"] == "tumor") & (frame["state"] == "alive")]
    counts = np.bincount(living["clone"], minlength=len(run.clones))
    np.testing.assert_array_equal(cells.sel(time=5.0), counts)
    carried = history.alteration_frequencies().sel(time=5.0)
    assert carried.sel(alteration="vhl_mutated") == pytest.approx(
        np.mean(["vhl_mutated" in run.clones["alterations"][row] for row in living["clone"]])
    )


def test_sizes_are_the_distribution_of_clones(run: Run) -> None:
    history = phylogeny(run)
    for day in (0.0, 5.2, np.inf):
        sizes = history.sizes(day)
        at = history.cells.sel(time=min(round(day), 10) if np.isfinite(day) else 10.0)
        assert (sizes * sizes.index).sum() == at.sum() and sizes.sum() == (at > 0).sum()
    assert history.sizes(0.0).sum() == 2


def test_muller_data_are_a_tree_with_all_cells(run: Run) -> None:
    edges, population = phylogeny(run).muller()
    assert list(edges) == ["Parent", "Identity"] and list(population) == ["Time", "Identity", "Population"]
    names = set(population["Identity"])
    assert set(edges["Identity"]) | {ROOT} == names and edges["Identity"].is_unique
    assert set(edges["Parent"]) <= names
    assert edges[edges["Parent"] == ROOT]["Identity"].tolist() == ["plain", "other"]
    total = population.groupby("Time")["Population"].sum()
    np.testing.assert_array_equal(total, run.timeseries["tumor_cells"])
    assert len(population) == len(names) * run.timeseries.sizes["time"], "each clone at each time"


def invented(parents: list[int], births: list[float], cells: list[list[int]], alterations=None) -> Phylogeny:
    """A history told by hand: cells by time and clone, times 0, 1, 2 ..."""
    names = [f"c{row}" for row in range(len(parents))]
    clones = pd.DataFrame(
        {
            "key": np.arange(len(parents), dtype=np.uint64) * np.uint64(7) + np.uint64(3),
            "name": names,
            "parent": [names[row] if row >= 0 else "" for row in parents],
            "alterations": pd.Series(alterations or [()] * len(parents), dtype=object),
            "birth": births,
        }
    )
    rows = [(float(time), clone, count) for time, of in enumerate(cells) for clone, count in enumerate(of) if count]
    census = pd.DataFrame(
        {
            "time": [time for time, _, _ in rows],
            "key": clones["key"].to_numpy()[[clone for _, clone, _ in rows]],
            "cells": [count for _, _, count in rows],
        }
    )
    series = xr.Dataset(coords={"time": np.arange(len(cells), dtype=float)})
    return Phylogeny(SimpleNamespace(clones=clones, census=census, timeseries=series, time_step=0.1))


def test_the_tree_has_branches_of_the_right_lengths() -> None:
    # c0 to the end; c1 of it at 0.5, dies out after 2; c2 of c1 at 1.25, lives; c3 of c0 at 2.5, never recorded.
    history = invented([-1, 0, 1, 0], [0.0, 0.5, 1.25, 2.5], [[4, 0, 0, 0], [4, 1, 0, 0], [3, 1, 2, 0], [3, 0, 5, 0]])
    assert history.newick() == "((c2:1.75,c1:0.75):0.75,(c3:0,c0:0.5):2):0.5;"
    # c1 is gone: its lineage goes on in c2 alone.
    assert history.newick(extinct=False) == "(c2:2.5,c0:2.5):0.5;"
    assert [history.children(row) for row in (-1, 0, 1)] == [[0], [1, 3], [2]]
    edges, population = history.muller()
    assert edges.to_numpy().tolist() == [["c0", "c1"], ["c1", "c2"]], "one root needs none besides; c3 was never seen"
    assert population[population["Identity"] == "c2"]["Population"].tolist() == [0, 0, 2, 5]


def test_founders_meet_at_the_beginning() -> None:
    history = invented([-1, -1], [0.0, 0.0], [[1, 1], [1, 0]])
    assert history.newick() == "(c0:1,c1:0);" and history.newick(extinct=False) == "c0:1;"


def test_the_tree_of_a_run_is_well_formed(run: Run) -> None:
    history = phylogeny(run)
    text = history.newick()
    assert text.count("(") == text.count(")") and text.endswith(";")
    leaves = re.findall(r"[(,]([A-Za-z0-9_]+):", text)
    assert sorted(leaves) == sorted(history.clones["name"])
    living = history.clones["name"][history.cells.values[-1] > 0]
    assert sorted(re.findall(r"[(,]([A-Za-z0-9_]+):", history.newick(extinct=False))) == sorted(living)
    assert min(float(length) for length in re.findall(r":([0-9.e+-]+)", text)) >= 0.0


def test_an_unusual_name_is_quoted() -> None:
    history = invented([-1], [0.0], [[1], [1]])
    history.clones["name"] = ["it's (a)"]
    assert history.newick() == "'it''s (a)':1;"


# --- biopsies -------------------------------------------------------------------------------------------------------


def test_a_biopsy_reads_half_the_share_of_cells(run: Run) -> None:
    center, radius = (480.0, 520.0), 100.0
    table = biopsy(run, center, radius, frame=1)
    cells = run.cells(1)
    near = np.hypot(cells["y"] - center[0], cells["x"] - center[1]) <= radius
    tumor = cells[near & (cells["cell_type"] == "tumor") & (cells["state"] == "alive")]
    assert table.attrs == {"cells": len(tumor), "tumor": len(tumor)} and len(tumor) > 50
    for name, row in table.iterrows():
        carriers = sum(name in run.clones["alterations"][clone] for clone in tumor["clone"])
        assert row["cells"] == carriers > 0
        assert row["vaf"] == carriers / len(tumor) / 2.0
    with_stroma = biopsy(run, center, radius, frame=1, stroma=True)
    assert with_stroma.attrs["cells"] > len(tumor) and (with_stroma["vaf"] < table["vaf"]).all()


def test_reads_are_drawn_and_stay_what_they_are(run: Run) -> None:
    where = (480.0, 520.0), 100.0
    exact, read = biopsy(run, *where), biopsy(run, *where, depth=200)
    pd.testing.assert_frame_equal(read, biopsy(run, *where, depth=200))
    np.testing.assert_array_equal(read["vaf"], read["reads"] / 200)
    assert (read["vaf"] != exact["vaf"]).any()
    many = np.array([biopsy(run, *where, depth=200, seed=seed)["reads"].to_numpy() for seed in range(300)])
    p = exact["vaf"].to_numpy()
    assert (np.abs(many.mean(axis=0) - 200 * p) < 4.0 * np.sqrt(200 * p * (1 - p) / 300)).all()
    ratio = many.var(axis=0, ddof=1) / (200 * p * (1 - p))
    assert (np.abs(ratio - 1.0) < 4.0 * np.sqrt(2.0 / 299)).all()


@pytest.mark.parametrize(
    ("center", "radius", "depth", "told"),
    [
        ((480.0, 520.0, 10.0), 100.0, None, "a center of 2 numbers (y, x), got 3"),
        ((480.0, 520.0), 0.0, None, "radius above 0, got 0"),
        ((480.0, 520.0), 100.0, 0, "a depth is 1 or more, got 0"),
        ((5.0, 5.0), 20.0, None, "no living tumor cells within 20 um"),
    ],
)
def test_a_biopsy_that_makes_no_sense_is_refused(run: Run, center, radius, depth, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        biopsy(run, center, radius, depth=depth)


# --- the picture ----------------------------------------------------------------------------------------------------


def test_small_clones_are_drawn_as_their_parents() -> None:
    history = invented([-1, 0, 1, 0], [0.0, 0.5, 0.5, 0.5], [[100, 0, 0, 0], [60, 1, 38, 1], [50, 0, 49, 1]])
    values, shown = drawn(history, 0.05)
    assert shown == [0, 1, 2], "what is small but has a large descendant is drawn, or that would hang in the air"
    np.testing.assert_allclose(values[0], [1.0, 0.61, 0.51])
    np.testing.assert_allclose(values.sum(axis=0), 1.0)
    assert nested(history, shown) == [0, 1, 2, 1, 0]
    cells, _ = drawn(history, 0.05, absolute=True)
    assert cells[0].tolist() == [100, 61, 51]


def test_the_muller_plot_fills_the_whole(run: Run) -> None:
    figure = muller_plot(run, least=0.005)
    axes = figure.axes[0]
    tops = [collection.get_paths()[0].vertices[:, 1].max() for collection in axes.collections if collection.get_paths()]
    assert max(tops) == pytest.approx(1.0)
    assert axes.get_xlim() == (0.0, 10.0) and axes.get_ylabel() == "share of living tumor cells"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"plain", "other"} <= set(labels) and any(label.startswith("plain + ") for label in labels)
    absolute = muller_plot(run, absolute=True).axes[0]
    assert absolute.dataLim.ymax == pytest.approx(float(run.timeseries["tumor_cells"].max()))


def test_a_run_with_one_clone_can_be_looked_at_too(small_run: Path) -> None:
    run = open_run(small_run)
    history = phylogeny(run)
    assert history.newick() == "clear_cell:10;" and len(history.muller()[0]) == 0
    np.testing.assert_array_equal(history.frequencies, 1.0)
    assert biopsy(run, (480.0, 520.0), 60.0)["vaf"].tolist() == [0.5]
    assert muller_plot(run).axes


def test_the_render_command_draws_clones(evolving_run: Path, tmp_path: Path) -> None:
    from tumorabm.analysis.render import render_run

    assert "clones.png" in [path.name for path in render_run(evolving_run, tmp_path)]
