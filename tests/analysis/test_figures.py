"""Figures: what they show, and the script that writes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.image import imread

from tumorabm.analysis import course_figure, map_figure, muller_plot, open_run, projection_figure
from tumorabm.analysis.course import PANELS
from tumorabm.analysis.maps import title_of
from tumorabm.analysis.render import main, render_run
from tumorabm.analysis.run import Run
from tumorabm.analysis.stroma import stroma_figure
from tumorabm.analysis.style import top_of, unit_text
from tumorabm.analysis.tumor import STATES, has_states, tumor_figure
from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.recording.outputs import registered_outputs
from tumorabm.run import run_experiment


def test_the_course_draws_recorded_outputs_with_their_units(small_run: Path) -> None:
    run = open_run(small_run)
    panels = [axes for axes in course_figure(run).axes if axes.lines]
    titles = {axes.get_ylabel() for axes in panels}
    assert titles >= {"diameter (µm)", "lesion oxygen (mmHg)", "vessel length density (mm⁻²)", "unbound in plasma (nM)"}
    lesion = next(axes for axes in panels if axes.get_ylabel() == "diameter (µm)").lines[0]
    np.testing.assert_array_equal(lesion.get_ydata(), run.timeseries["lesion_diameter"])
    np.testing.assert_array_equal(lesion.get_xdata(), run.timeseries["time"])
    assert panels[-1].get_xlabel() == "time since the start, with the burn-in (d)"


def test_the_course_shades_the_treatment(small_run: Path) -> None:
    figure = course_figure(open_run(small_run))
    shades = figure.axes[0].patches
    assert [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in shades] == [(4.0, 7.0), (9.0, 10.0)]
    assert "sunitinib 50 mg every day" in figure.get_suptitle()


def test_panels_name_outputs_that_exist() -> None:
    outputs = registered_outputs()
    assert [line.output for panel in PANELS for line in panel.lines if line.output not in outputs] == []


def test_a_map_shows_fields_cells_and_every_link(small_run: Path) -> None:
    run = open_run(small_run)
    figure = map_figure(run, frame=1)
    axes = {a.get_title(): a for a in figure.axes if a.get_title()}
    assert set(axes) == {*run.substrates, "tumor cells and their debris", "vessels"}
    np.testing.assert_array_equal(axes["oxygen"].images[0].get_array(), run.field("oxygen", 1)[0])
    links = [c for c in axes["vessels"].collections if isinstance(c, LineCollection)]
    vessels = run.vessels(1)
    assert [len(c.get_segments()) for c in links] == [(~vessels["perfused"]).sum(), vessels["perfused"].sum()]
    codes = np.asarray(axes["tumor cells and their debris"].images[0].get_array())
    assert (codes == 1).sum() == run.timeseries["tumor_cells"].sel(time=5.0)
    assert "day 5, on sunitinib" in figure.get_suptitle()
    assert axes["vessels"].get_xlabel() == "x (µm)" and axes["vessels"].get_xlim() == (0, 52 * 20)
    assert any(text.get_text() == "200 µm" for text in axes["vessels"].texts), "scale bar"


def test_a_map_can_show_the_lesion_alone(small_run: Path) -> None:
    run = open_run(small_run)
    tumor = run.cells()[run.cells()["cell_type"] == "tumor"]
    axes = map_figure(run, margin=40.0).axes[0]
    assert axes.get_xlim() == (tumor["x"].min() - 50.0, tumor["x"].max() + 50.0)
    assert axes.get_ylim() == (tumor["y"].min() - 50.0, tumor["y"].max() + 50.0)


def test_a_3d_run_has_slices_and_projections(small_run_3d: Path) -> None:
    run = open_run(small_run_3d)
    figure = map_figure(run, z=4)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), run.field(run.substrates[0])[4])
    assert "z = 90 µm" in figure.get_suptitle()
    with pytest.raises(IndexError, match="slices 0 to 11"):
        map_figure(run, z=12)
    above = projection_figure(run).axes[0].images[0].get_array()
    np.testing.assert_array_equal(above, run.field(run.substrates[0]).mean(axis=0))


def is_drawn(path: Path) -> bool:
    picture = imread(path)
    return min(picture.shape[:2]) > 300 and picture[..., :3].std() > 0.05


def test_the_render_command_writes_every_frame(small_run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tumorabm.analysis.render", str(small_run), "--frames", "all"]
    command += ["--out", str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.split()
    days = ["0000_00", "0005_00", "0010_00"]
    assert [Path(name).name for name in out] == ["course.png", *(f"map_day_{day}.png" for day in days)]
    assert all(is_drawn(Path(name)) for name in out)


def test_render_adds_projections_in_3d(small_run_3d: Path, tmp_path: Path) -> None:
    out = render_run(small_run_3d, tmp_path, frames=[-1])
    assert [path.name for path in out] == ["course.png", "map_day_0002_00.png", "projection_day_0002_00.png"]
    assert all(is_drawn(path) for path in out)


def test_wrong_input_is_refused(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing")]) == 2
    assert "no such run folder" in capsys.readouterr().err
    with pytest.raises(InputError, match="frames 0 to 2"):
        render_run(small_run, tmp_path, frames=[7])
    with pytest.raises(InputError, match="slices 0 to 0"):
        render_run(small_run, tmp_path, z=3)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def adapting_run(small_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two clones, one with pumps, whose cells hold drug and turn mesenchymal. Read only."""
    settings = [
        "mechanisms={all: false, emt: true, intracellular: true}",
        "clones=[{name: clear_cell, vhl: mutated, fraction: 0.5}, "
        "{name: pumping, vhl: mutated, fraction: 0.5, alterations: [abcb1_overexpression]}]",
    ]
    return run_experiment(load_experiment(small_config, settings), tmp_path_factory.mktemp("adapting"), quiet=True)


def living_of(run: Run) -> pd.DataFrame:
    cells = run.cells()
    return cells[(cells["cell_type"] == "tumor") & (cells["state"] == "alive")]


def test_tumor_cells_are_drawn_by_clone_emt_and_drug(adapting_run: Path, tmp_path: Path) -> None:
    run = open_run(adapting_run)
    assert [path.name.split("_")[0] for path in render_run(adapting_run, tmp_path)][-2:] == ["map", "tumor"]
    figure = tumor_figure(run)
    axes, living = {a.get_title(): a for a in figure.axes if a.get_title()}, living_of(run)
    columns = ["emt", "drug_free_sunitinib", "drug_lysosome_sunitinib", "lysosomal_capacity"]
    titles = [state.title.format(drug="sunitinib") for state in STATES]
    assert list(axes) == ["living tumor cells by clone", *titles]
    for column, title in zip(columns, titles, strict=True):
        drawn = np.ma.filled(axes[title].images[0].get_array(), np.nan).reshape(-1)
        np.testing.assert_array_equal(drawn[living["site"]], living[column])
        assert np.isnan(drawn).sum() == drawn.size - len(living)
    bars = figure.axes[-len(titles) :]
    assert [bar.get_ylabel() for bar in bars] == ["", "(nM)", "(nM)", ""]
    vessels = run.vessels()
    (links,) = (c for c in axes[titles[0]].collections if isinstance(c, LineCollection) and len(c.get_segments()))
    assert len(links.get_segments()) == vessels["perfused"].sum() > 0


def test_clones_have_the_colors_of_the_muller_plot(adapting_run: Path) -> None:
    run = open_run(adapting_run)
    living, axes = living_of(run), tumor_figure(run, margin=40.0).axes[0]
    assert axes.get_xlim() == (living["x"].min() - 50.0, living["x"].max() + 50.0)
    legend = {text.get_text() for text in axes.get_legend().get_texts()}
    assert legend == {"clear_cell", "pumping"}
    areas = {area.get_label(): area.get_facecolor()[0] for area in muller_plot(run).axes[0].collections}
    drawn = np.asarray(axes.images[0].get_array()).reshape(-1, 3)
    names = run.clones["name"].to_numpy()[living["clone"]]
    for name in legend:
        assert (drawn[living["site"][names == name]] == areas[name][:3]).all()


def test_cells_at_rest_are_not_drawn(small_run: Path, adapting_run: Path, small_run_3d: Path) -> None:
    assert not has_states(open_run(small_run), -1)
    before = tumor_figure(open_run(adapting_run), 0)  # no drug yet
    drawn = [a.get_title() for a in before.axes if a.get_title()]
    assert "living tumor cells by clone" in drawn and not any("sunitinib" in title for title in drawn)
    nothing = tumor_figure(open_run(small_run_3d), z=3)
    assert not nothing.axes[0].images and "z = 70 µm" in nothing.get_suptitle()
    for figure in (tumor_figure, stroma_figure, map_figure):
        with pytest.raises(IndexError, match="slices 0 to 11"):
            figure(open_run(small_run_3d), z=12)


def test_titles_tell_what_is_given_and_from_when(small_run: Path) -> None:
    run = open_run(small_run)
    assert [title_of(run, frame, 0) for frame in range(3)] == [
        "small, day 0",
        "small, day 5, on sunitinib",
        "small, day 10, on sunitinib",
    ]
    assert run.doses()["sunitinib"][0][0] == run.burn_in
    run.experiment["exposure"] = {"torin1": "5 nM", "everolimus": "0 nM"}
    assert title_of(run, 0, 0) == "small, day 0, on torin1 at 5 nM"


def test_a_scale_of_nothing_ends_at_one() -> None:
    assert top_of(np.empty(0)) == top_of(np.zeros(3)) == 1.0 and top_of(np.array([0.5, 2.0])) == 2.0


def test_units_are_printed_in_brackets() -> None:
    assert [unit_text(unit) for unit in ("um", "mmHg", "1", "1/mm^2")] == [" (µm)", " (mmHg)", "", " (mm⁻²)"]


@pytest.mark.parametrize("margin", ["-5", "nan", "wide"])
def test_a_margin_is_a_length(margin: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nowhere", "--margin", margin])
    assert ended.value.code == 2 and "--margin" in capsys.readouterr().err
