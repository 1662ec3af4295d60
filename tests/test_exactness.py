"""The data are bitwise the same for any number of threads, any order of rows, after any resume and on a branch."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from same_data import same
from short_run import SHORT, STEPS, data, short, signal_at, started, told

from tumorabm.config import load_experiment
from tumorabm.recording.layout import FORMAT
from tumorabm.recording.run_folder import RunFolder
from tumorabm.run import RunInterrupted, branch, parts, resume, run_experiment

FIRST_LINE = Path(__file__).parent.parent / "configs" / "experiments" / "sunitinib_first_line.yaml"


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "short.yaml"
    path.write_text(SHORT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """An uninterrupted run on one thread. Read only."""
    return run_experiment(short(), tmp_path_factory.mktemp("whole"), quiet=True)


def test_something_happens_in_the_run(whole) -> None:
    """Equal data would mean little if nothing changed: cells divide and die, vessels change, drug comes and goes."""
    records = data(whole)
    assert records.to_step == STEPS and records.steps.size == 21 and len(records.frames) == 6
    series = records.series
    for name in (
        "tumor_cells",
        "apoptotic_cells",
        "necrotic_cells",
        "endothelial_cells",
        "tip_cells",
        "perfused_fraction",
    ):
        assert np.unique(series[name]).size > 3, name
    assert series["sprout_supply_share"].max() > 0 and series["sunitinib_plasma_total"].max() > 0
    first, last = records.frames[0].cells()["uid"], records.frames[-1].cells()["uid"]
    assert np.setdiff1d(last, first).size > 10 and np.setdiff1d(first, last).size > 0


# The command line, telling at the end whether its solves were shared out among threads.
TELLING = """
import sys
from tumorabm.cli import main
from tumorabm.solvers.implicit import FieldSolver
decide, decided = FieldSolver.uses_threads, set()
def telling(solver):
    decided.add(decide(solver))
    return decide(solver)
FieldSolver.uses_threads = telling
try:
    main()
finally:
    print("shared out:", *sorted(decided), file=sys.stderr)
"""
# A lattice that is worth the threads, and half a day on it.
SERIES = ("tumor_cells", "endothelial_cells", "mean_lesion_oxygen")
WIDE = (
    *("lattice.shape=[368, 368]", "burn_in=2 h", "duration=10 h"),
    *("record.every=2 h", "record.frames=12 h", "record.keep=[]", f"record.outputs=[{', '.join(SERIES)}]"),
)


def test_two_threads_give_the_data_of_one(config, tmp_path) -> None:
    settings = [argument for override in WIDE for argument in ("--set", override)]
    runs = []
    for threads in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", TELLING, "run", config, "--threads", f"{threads}", "--json", *settings]
            + ["--out", tmp_path / f"{threads}"],
            capture_output=True,
            text=True,
            env={**os.environ, "NUMBA_NUM_THREADS": "2"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[-1] == f"shared out: {threads == 2}"
        runs.append(told(done)["run"])
        assert RunFolder(runs[-1]).provenance["threads"] == threads
    records = data(runs[0])
    for name in SERIES:
        assert np.unique(records.series[name]).size > 3, f"nothing happens to {name}"
    same(data(runs[1]), records)


@pytest.mark.parametrize("step", [7, 30, 101])
def test_a_resumed_run_is_the_uninterrupted_one(whole, tmp_path, monkeypatch, step) -> None:
    """Within a checkpoint interval, at a checkpoint, and late."""
    with signal_at(monkeypatch, [step]), pytest.raises(RunInterrupted) as stopped:
        run_experiment(short(), tmp_path, quiet=True)
    path = stopped.value.folder
    assert RunFolder(path).status == "interrupted"
    same(data(path), data(whole).until(step + 1))
    assert resume(path, quiet=True) == path
    assert RunFolder(path).status == "finished"
    same(data(path), data(whole))


def test_a_run_resumed_three_times_is_the_uninterrupted_one(whole, tmp_path, monkeypatch) -> None:
    with signal_at(monkeypatch, [20, 63, 64], signal.SIGINT):
        with pytest.raises(RunInterrupted) as stopped:
            run_experiment(short(), tmp_path, quiet=True)
        for _ in range(2):
            with pytest.raises(RunInterrupted):
                resume(stopped.value.folder, quiet=True)
    resume(stopped.value.folder, quiet=True)
    same(data(stopped.value.folder), data(whole))
    sessions = RunFolder(stopped.value.folder).provenance["sessions"]
    assert [session["from_step"] for session in sessions] == [0, 21, 64, 65]


@pytest.mark.parametrize("named_in", ["file", "override"])
def test_a_run_from_a_table_is_resumed_and_branched_from_anywhere(tmp_path, monkeypatch, named_in) -> None:
    """The experiment, its table and the folder of runs are named relative to where it was started."""
    start, elsewhere = tmp_path / "start", tmp_path / "elsewhere"
    (start / "tables").mkdir(parents=True)
    # Of the same name, but not what was meant.
    (elsewhere / "tables").mkdir(parents=True)
    (elsewhere / "tables" / "cells.csv").write_text("x,y\n10,10\n", encoding="utf-8")
    rows = [f"{x},{y}" for x in range(310, 510, 20) for y in range(310, 510, 20)]
    (start / "tables" / "cells.csv").write_text("\n".join(["x,y", *rows]), encoding="utf-8")
    cells = "cells: [{table: tables/cells.csv}]"
    text = SHORT.replace("cells: [{shape: disc, radius: 200 um}]", cells) if named_in == "file" else SHORT
    (start / "short.yaml").write_text(text, encoding="utf-8")
    changes = ["burn_in=0 h", "duration=2 d", "record.keep=[]", "record.frames=1 d"]
    changes += [cells.replace(": ", "=", 1)] if named_in == "override" else []

    monkeypatch.chdir(start)
    experiment = load_experiment("short.yaml", changes)
    with signal_at(monkeypatch, [9]), pytest.raises(RunInterrupted) as stopped:
        run_experiment(experiment, "runs", quiet=True)
    monkeypatch.chdir(elsewhere)
    path = resume(Path("..") / "start" / stopped.value.folder, quiet=True)
    assert RunFolder(path).status == "finished"
    undisturbed = data(run_experiment(experiment, "undisturbed", quiet=True))
    assert undisturbed.series["tumor_cells"][0] == len(rows)
    same(data(path), undisturbed)
    same(data(branch(path, "1 d", out="branches", quiet=True)), undisturbed)


def test_the_order_of_rows_means_nothing(whole, tmp_path, monkeypatch) -> None:
    build = parts.build

    def shuffled(experiment):
        tissue, processes = build(experiment)
        tissue.cells.permute(np.random.default_rng(11).permutation(tissue.cells.n))
        return tissue, processes

    monkeypatch.setattr(parts, "build", shuffled)
    same(data(run_experiment(short(), tmp_path, quiet=True)), data(whole))


@pytest.mark.parametrize(
    ("at", "why"), [("4 d", "kept"), ("5 d", "computed from the kept one"), ("10 h", "from the start")]
)
def test_an_unchanged_branch_is_its_parent(whole, tmp_path, at, why) -> None:
    path = branch(whole, at, out=tmp_path, quiet=True)
    assert path != whole
    same(data(path), data(whole))
    assert RunFolder(path).provenance["parent"]["run_id"] == RunFolder(whole).run_id


def test_a_longer_run_is_the_same_run(whole, tmp_path) -> None:
    path = run_experiment(short("duration=5 d"), tmp_path, quiet=True)
    same(data(path), data(whole).until(84))
    resume(path, until="8 d", quiet=True)
    same(data(path), data(whole))
    assert RunFolder(path).experiment()["duration"] == RunFolder(whole).experiment()["duration"]


def wait_for(found: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is so, or the process has ended."""
    while process.poll() is None and not found():
        time.sleep(0.002)


def kill_and_resume(config: Path, whole: Path, out: Path, checkpoints: int, delay: float) -> int:
    """Kill a run some time after a number of its checkpoints, resume it, and return the step it was resumed from."""
    process = started("run", config, "--out", out)
    wait_for(lambda: any(out.glob("short/*/provenance.json")), process)
    (path,) = out.glob("short/*")
    wait_for(lambda: (path / "log.jsonl").read_text().count("checkpoint") >= checkpoints, process)
    time.sleep(delay)
    process.kill()
    process.communicate()
    for file in path.rglob("*.h5"):
        with h5py.File(file) as content:
            assert content.attrs["tumorabm_format"] == FORMAT
    resume(path, quiet=True)
    same(data(path), data(whole))
    return RunFolder(path).provenance["sessions"][-1]["from_step"]


@pytest.mark.parametrize("count", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_resumed(config, whole, tmp_path, count) -> None:
    """The moments are new in every run of the tests; those of a failure are printed."""
    seed = int.from_bytes(os.urandom(4), "little")
    rng = random.Random(seed)
    resumed_from = []
    for number in range(count):
        out = tmp_path / f"{number}"
        moment = rng.randrange(9), rng.uniform(0.0, 0.2)
        print(f"kill {number} of seed {seed}: {moment[1]:.3f} s after checkpoint {moment[0]}")
        resumed_from.append(kill_and_resume(config, whole, out, *moment))
        shutil.rmtree(out)
    print(f"resumed from steps {resumed_from}")
    assert any(step < STEPS for step in resumed_from), "no run was killed before its end"


def test_a_reload_changes_nothing_where_fields_wait() -> None:
    """A quiet tissue, in which VEGF waits with its bound form: what decides on the next solve is in the checkpoint."""
    from tumorabm.build import build
    from tumorabm.step import advance

    settings = ["lattice.shape=[60, 60]", "burn_in=2 h", "cells[0].radius=160 um"]
    experiment = load_experiment(FIRST_LINE, settings)
    tissue, processes = build(experiment)
    reloaded, others = build(experiment)
    reloads = 0
    for _ in range(24):
        if reloads < 3 and tissue.microenvironment["vegf_a"].waited > 0.0:
            reloads += 1
            state = reloaded.state()
            reloaded, others = build(experiment)
            reloaded.load(state)
            for process in others:
                process.prepare(reloaded)
        advance(tissue, processes, experiment.time_step)
        advance(reloaded, others, experiment.time_step)
    assert reloads == 3
    assert tissue.digests() == reloaded.digests()


@pytest.mark.slow
def test_kernels_stay_within_their_arrays(tmp_path: Path) -> None:
    """Every mechanism on, with the bounds of all arrays checked: kernels are compiled anew for that."""
    script = (
        "from short_run import short\nfrom tumorabm.build import build\nfrom tumorabm.step import advance\n"
        "tissue, processes = build(short())\nfor _ in range(30):\n    advance(tissue, processes, 2.0)\n"
    )
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
