"""Run, resume, branch and consolidate as a user meets them."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from same_data import same
from short_run import SHORT, STEPS, command, data, short, signal_at, started, told

from tumorabm import yaml
from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.recording.checkpoint import kept_name, read_checkpoint
from tumorabm.recording.progress import Progress
from tumorabm.recording.run_folder import RunFolder
from tumorabm.run import RunInterrupted, branch, consolidate, parts, resume, run_experiment


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "short.yaml"
    path.write_text(SHORT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ran(config, tmp_path_factory):
    """A run by the command line: what the command said, and the folder. Read only."""
    out = tmp_path_factory.mktemp("out")
    done = command("run", config, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    return done, Path(told(done)["run"])


def test_json_is_one_object_and_nothing_else(ran) -> None:
    done, path = ran
    content = told(done)
    assert content["status"] == "finished" and content["step"] == STEPS and content["hours"] == 240.0
    assert path.parent.name == "short" and path.name == content["run_id"]


def test_the_run_is_quiet_without_a_terminal(ran) -> None:
    """One line may say that kernels were compiled."""
    lines = ran[0].stderr.splitlines()
    assert all(line.startswith(("Compiling kernels", "warning: ")) for line in lines)


def test_what_a_run_folder_holds(ran) -> None:
    path = ran[1]
    names = {item.name for item in path.iterdir()}
    assert names == {
        "experiment.yaml",
        "provenance.json",
        "citations.bib",
        "segments",
        "checkpoint.h5",
        "checkpoint-previous.h5",
        "checkpoint-0004d.h5",
        "run.h5",
        "log.jsonl",
    }
    assert not list((path / "segments").iterdir())
    provenance = RunFolder(path).provenance
    for key in (
        "version",
        "source_hash",
        "platform",
        "cpu",
        "packages",
        "seed",
        "threads",
        "start",
        "end",
        "config_hash",
        "break_even_oxygen",
    ):
        assert provenance[key], key
    assert provenance["status"] == "finished" and provenance["parent"] is None and provenance["seed"] == 5
    assert RunFolder(path).sentences() == list(short().sentences())
    assert "@" in (path / "citations.bib").read_text()
    events = [json.loads(line)["event"] for line in (path / "log.jsonl").read_text().splitlines()]
    assert events[0] == "start" and events[-1] == "finished" and events.count("checkpoint") == 10


def test_the_experiment_in_the_folder_gives_the_same_run(ran, tmp_path) -> None:
    experiment = load_experiment(ran[1] / "experiment.yaml")
    assert parts.identity(experiment)["run_id"] == ran[1].name
    same(data(run_experiment(experiment, tmp_path, quiet=True)), data(ran[1]))


def test_the_run_file_opens_in_xarray(ran) -> None:
    with xr.open_dataset(ran[1] / "run.h5", group="timeseries", engine="h5netcdf") as rows:
        assert rows.time.values[-1] == 240.0 and rows.time.attrs["units"] == "h"
        assert rows.lesion_diameter.attrs["units"] == "um"
        assert (rows.tumor_cells > 0).all()
    folder = RunFolder(ran[1])
    rows = folder.timeseries()
    assert rows["time"].size == rows["lesion_diameter"].size == 21
    assert folder.units()["lesion_diameter"] == "um"
    assert [frame.hours for frame in folder.frames()] == [0.0, 48.0, 96.0, 144.0, 192.0, 240.0]


def test_ledgers_close(ran) -> None:
    """What came in, less what went, is what is there; the residual has its own entry and is small."""
    ledger = RunFolder(ran[1]).ledger()
    for substrate in ("oxygen", "vegf_a", "sunitinib"):
        terms = {name.split("/")[1]: values[-1] for name, values in ledger.items() if name.startswith(f"{substrate}/")}
        came = terms["supply"] if substrate == "sunitinib" else terms["source"]  # of drugs by contributor
        assert abs(terms["residual"]) <= 1e-4 * abs(came), substrate


def test_a_finished_run_is_not_repeated_unless_forced(ran, config) -> None:
    out = ran[1].parent.parent
    before = RunFolder(ran[1]).provenance
    again = command("run", config, "--out", out, "--json")
    assert again.returncode == 0 and told(again)["run"] == str(ran[1])
    assert "finished already" in again.stderr
    assert RunFolder(ran[1]).provenance == before
    records = data(ran[1])
    run_experiment(short(), out, force=True, quiet=True)
    assert RunFolder(ran[1]).provenance["start"] != before["start"] or RunFolder(ran[1]).provenance != before
    same(data(ran[1]), records)


def test_another_seed_is_another_run(ran, config) -> None:
    other = parts.identity(load_experiment(config, ["seed=6"]))
    assert other["run_id"] != ran[1].name
    renamed = parts.identity(load_experiment(config, ["description=again"]))
    assert renamed["run_id"] == ran[1].name


def test_an_unfinished_run_is_to_be_resumed(config, tmp_path, monkeypatch) -> None:
    with signal_at(monkeypatch, [10]), pytest.raises(RunInterrupted) as stopped:
        run_experiment(short(), tmp_path, quiet=True)
    done = command("run", config, "--out", tmp_path)
    assert done.returncode == 2 and "holds an unfinished run" in done.stderr and "resume it" in done.stderr
    assert RunFolder(stopped.value.folder).status == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_130_after_a_checkpoint(ran, config, tmp_path, number) -> None:
    process = started("run", config, "--out", tmp_path, "--json")
    while not list(tmp_path.glob("short/*/checkpoint.h5")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    content = json.loads(output)
    assert content["status"] == "interrupted" and 0 <= content["step"] < STEPS
    assert "Traceback" not in errors
    assert data(content["run"]).to_step == content["step"]
    again = command("resume", content["run"], "--json")
    assert again.returncode == 0, again.stderr
    assert told(again)["status"] == "finished"
    same(data(content["run"]), data(ran[1]))


def test_wrong_input_ends_with_2(config, tmp_path) -> None:
    for arguments, message in [
        (("run", config, "--set", "sed=3", "--out", tmp_path), "did you mean 'seed'"),
        (("run", config, "--threads", 4096, "--out", tmp_path), "--threads 4096: expected 1 to"),
        (("resume", tmp_path / "absent"), "there is no such run folder"),
        (("resume", config.parent), "is no run folder"),
        (("branch", tmp_path / "absent", "--at", "1 d"), "there is no such run folder"),
        (("consolidate", tmp_path), "is no run folder"),
        (("run", config, "--out", config), "cannot be written"),
    ]:
        done = command(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert message in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_resuming_a_finished_run_changes_nothing(ran) -> None:
    before = RunFolder(ran[1]).provenance
    assert resume(ran[1], quiet=True) == ran[1]
    assert RunFolder(ran[1]).provenance == before
    with pytest.raises(InputError, match="the run is at day 10 .* already"):
        resume(ran[1], until="5 d", quiet=True)


def test_a_branch_differs_from_its_time_on(ran, tmp_path) -> None:
    path = branch(ran[1], "2 d", ["treatment=[]"], out=tmp_path, quiet=True)
    parent, child = data(ran[1]), data(path)
    assert child.to_step == parent.to_step
    for name, values in parent.series.items():
        np.testing.assert_array_equal(child.series[name][:5], values[:5], err_msg=name)
    assert np.nanmax(child.series["sunitinib_plasma_total"][5:], initial=0.0) == 0.0
    assert parent.series["sunitinib_plasma_total"].max() > 0.0
    provenance = RunFolder(path).provenance
    assert provenance["parent"]["run_id"] == ran[1].name and provenance["parent"]["at"] == 48.0
    assert provenance["parent"]["set"] == ["treatment=[]"]
    assert (path / "parent.yaml").read_text() == (ran[1] / "experiment.yaml").read_text()
    constant = [
        f"{drug} at a constant {value} nM unbound" for drug, value in (("everolimus", 0.02), ("bevacizumab", 2))
    ]
    assert RunFolder(path).sentences() == constant


def test_a_branch_may_begin_a_treatment(tmp_path) -> None:
    """The drug's field and its outputs are new: not a number before, as a new tissue has it after."""
    parent = run_experiment(short("treatment=[]", "duration=4 d"), tmp_path, quiet=True)
    treated = "treatment=[{drug: sunitinib, dose: 50 mg, every: 1 d}]"
    path = branch(parent, "2 d", [treated], quiet=True)
    assert path.parent == parent.parent
    records = data(path)
    plasma = records.series["sunitinib_plasma_total"]
    assert np.isnan(plasma[:5]).all() and (plasma[5:] > 0).all()
    assert np.isnan(records.frames[0].field("sunitinib")).all()
    assert np.isfinite(records.frames[-1].field("sunitinib")).all()
    reference = run_experiment(short(treated, "duration=4 d"), tmp_path, quiet=True)
    np.testing.assert_array_equal(data(reference).series["tumor_cells"][:5], records.series["tumor_cells"][:5])


def test_cells_begin_at_rest_in_a_branch_that_begins_their_signaling(tmp_path) -> None:
    networks = ("tumor", "endothelial")
    off = [f"processes.{cell_type}_signaling=false" for cell_type in networks]
    parent = run_experiment(short("duration=4 d", *off), tmp_path, quiet=True)
    path = branch(parent, "2 d", [text.replace("false", "true") for text in off], quiet=True)
    columns = {f"{cell_type}_network" for cell_type in networks}
    before, after = (set(data(path).frames[number].cells()) for number in (0, -1))
    assert before & columns == set() and columns <= after
    begun = read_checkpoint(path / kept_name(48.0)).state
    tissue, processes = parts.build(parts.load(path))
    parts.load_state(tissue, processes, begun)
    for process in processes:
        if process.name.endswith("_signaling"):
            process.relax(tissue)
    for cell_type, column in enumerate(sorted(columns, reverse=True)):
        living = tissue.cells.alive(cell_type)
        assert living.size > 100 and begun[f"cells/{column}"][living].max(axis=1).min() > 0.5
        np.testing.assert_allclose(begun[f"cells/{column}"], tissue.cells[column], atol=1e-6)


@pytest.mark.parametrize(
    ("at", "overrides", "message"),
    [
        ("11 d", [], "can be branched between day 0 and day 10"),
        ("3 h", [], "--at: 3 h is no multiple of the time step of 2 h"),
        ("4 d", ["lattice.spacing=25 um"], "--set changes lattice"),
        ("4 d", ["treatment=[]"], "sunitinib is still in the patient's body"),
        ("4 d", ["sed=3"], "did you mean 'seed'"),
        ("4 mg", [], "--at: '4 mg' is"),
    ],
)
def test_a_branch_that_cannot_be_says_why(ran, tmp_path, at, overrides, message) -> None:
    with pytest.raises(InputError, match=message):
        branch(ran[1], at, overrides, out=tmp_path, quiet=True)
    assert not list(tmp_path.iterdir())


def test_a_branch_of_a_branch_keeps_the_first_history(ran, tmp_path) -> None:
    first = branch(ran[1], "4 d", ["treatment[0].dose=25 mg"], out=tmp_path, quiet=True)
    second = branch(first, "5 d", [], quiet=True)
    same(data(second), data(first))
    with pytest.raises(InputError, match="its history up to day 4 is that of"):
        branch(first, "3 d", [], quiet=True)


def test_consolidating_an_unfinished_run_changes_nothing_for_readers(ran, tmp_path, monkeypatch) -> None:
    with signal_at(monkeypatch, [70]), pytest.raises(RunInterrupted) as stopped:
        run_experiment(short(), tmp_path, quiet=True)
    path = stopped.value.folder
    before = data(path)  # its frames are read after the segments are gone
    assert consolidate(path) == path
    assert (path / "run.h5").exists() and not list((path / "segments").iterdir())
    same(data(path), before)
    resume(path, quiet=True)
    same(data(path), data(ran[1]))


def test_the_progress_says_where_the_run_is(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with Progress("short", 240.0, 48.0, short().regimens()) as progress:
        progress.update(72.0, {"tumor_cells": 12345, "lesion_diameter": 301.4})
        progress.say("a line")
    shown = capsys.readouterr().err
    assert "day 3 of 10" in shown and "12,345 cells" in shown and "a line" in shown
    assert progress.phase(24.0) == "burn-in"
    assert progress.phase(72.0) == "treated 1 d: sunitinib 50 mg"
    assert progress.phase(48.0 + 90.0) == "treated 4 d: sunitinib off"
    assert Progress("short", 240.0, 48.0, ()).phase(96.0) == "untreated 2 d"


def test_nothing_is_shown_without_a_terminal(capsys) -> None:
    with Progress("short", 240.0, 48.0, short().regimens()) as progress:
        progress.update(72.0, {"tumor_cells": 12345})
    assert capsys.readouterr() == ("", "")


def test_users_catalog_files_go_with_the_run(tmp_path, config) -> None:
    """A resumed run reads the folder's own copy, whatever became of the user's."""
    from tumorabm.catalog import load_catalog

    noun = load_catalog().noun("substrates", "oxygen")
    assert noun.values
    own = tmp_path / "own" / "substrates"
    own.mkdir(parents=True)
    built_in = Path(yaml.__file__).parent / "catalog" / "substrates" / "oxygen.yaml"
    (own / "oxygen.yaml").write_text(built_in.read_text())
    run = run_experiment(
        load_experiment(config, ["duration=1 d", "record.keep=[]"], [tmp_path / "own"]), tmp_path / "out", quiet=True
    )
    (own / "oxygen.yaml").unlink()
    assert (run / "catalog" / "substrates" / "oxygen.yaml").read_text() == built_in.read_text()
    resume(run, until="2 d", quiet=True)
    assert data(run).to_step == 48
