"""Parent, workers and other calls agree on what is to be done, or say that they do not."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from small_sweep import attempts, content

from tumorabm.errors import InputError
from tumorabm.recording.atomic import write_json
from tumorabm.recording.writer import RunBusy, RunWriter
from tumorabm.sweep import worker
from tumorabm.sweep.loop import run_sweep
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.planning import prepare
from tumorabm.sweep.status import Status, damage, told
from tumorabm.sweep.sweep_file import load_sweep
from tumorabm.sweep.worker import execute


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sweep of two runs, none of them begun."""
    more = {"modules": [], "set": {}, "replicates": 1, "resources": {"workers": 1, "retries": 1}}
    return prepare(load_sweep(content(**more)), tmp_path)


def test_a_run_that_was_interrupted_while_it_was_tried_again_goes_on(folder: Path) -> None:
    (first, _) = Plan.read(folder).runs
    (folder / first.run_id).mkdir()
    Status(first.run_id, 0, "interrupted", failures=2).write(folder / first.run_id)
    assert execute(str(folder), 0)["state"] == "finished"
    (again, _) = (told(folder, run) for run in Plan.read(folder).runs)
    assert (again.state, again.attempt) == ("finished", 1)

    # What is damaged in any way is said to be, and run again.
    path = folder / first.run_id / "run.h5"
    assert damage(path.parent, again) == ""
    with h5py.File(path, "a") as file:
        for name in list(file):
            del file[name]
    assert "cannot be read" in damage(path.parent, replace(again, size=0))
    assert str(run_sweep(folder, progress=False)) == "2 runs: 2 finished"
    assert damage(path.parent, told(folder, first)) == ""
    assert attempts(folder) == [2, 1]


def test_a_plan_that_another_call_has_replaced_is_not_followed(folder: Path) -> None:
    plan = Plan.read(folder)
    replace(plan, runs=plan.runs[::-1]).write(folder)
    with pytest.raises(InputError, match="another call has replaced the plan"):
        execute(str(folder), 0, identity=plan.identity)
    assert attempts(folder) == [0, 0]


def test_another_base_fails_no_run(folder: Path) -> None:
    base = folder / "base.yaml"
    kept = base.read_text()
    base.write_text(kept.replace("50 mg", "40 mg"))
    with pytest.raises(InputError, match="planned as"):
        execute(str(folder), 0)
    base.write_text(kept)
    assert attempts(folder) == [0, 0] and told(folder, Plan.read(folder).runs[0]).failures == 0


def test_a_silent_holder_that_has_the_files_open_costs_no_failure(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(worker, "_BUSY", 0.0)
    run = folder / Plan.read(folder).runs[0].run_id
    with RunWriter(run):
        with pytest.raises(RunBusy):
            RunWriter(run)
        outcome = execute(str(folder), 0)
    assert outcome["state"] == "interrupted" and outcome["failures"] == 0


def test_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: write_json(path, {"number": number, "text": "x" * 5000}), range(80)))
    assert 0 <= json.loads(path.read_text())["number"] < 80
    assert list(tmp_path.iterdir()) == [path]
