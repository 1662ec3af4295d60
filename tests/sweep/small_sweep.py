"""A small sweep, and its parent as a process of its own that can be told to go, watched and killed.

As a script: ``python small_sweep.py FOLDER ARGUMENTS``, with keyword arguments of ``run_sweep`` as JSON; prints the
counts, what they say, and what the parent and its workers used.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tumorabm import yaml
from tumorabm.recording.records import Records
from tumorabm.recording.run_folder import RunFolder
from tumorabm.sweep.plan import BASE as BASE_FILE
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.status import Status, told

HERE = Path(__file__).parent
MODULE = HERE / "misbehaving.py"
STEPS = 24

BASE = """
name: small
duration: 2 d
time_step: 2 h
seed: 1
lattice: {shape: [24, 24], spacing: 20 um, boundary: no_flux}
sets: {kinetics: xenograft, literature: review_2016, targets: cellular}
clones: [{name: clear_cell, vhl: mutated}]
cells: [{shape: disc, radius: 120 um}]
vessels: {network: capillary_mesh, spacing: 120 um, arteriole_spacing: 240 um}
treatment: [{drug: sunitinib, dose: 50 mg, every: 1 d}]
record: {every: 12 h, checkpoint: 12 h, outputs: [tumor_cells, endothelial_cells, perfused_fraction]}
"""


def content(**more: Any) -> dict[str, Any]:
    """A sweep of four runs: two pressures of oxygen, two seeds."""
    return {
        "base": yaml.parse(BASE, "base").data,
        "modules": [str(MODULE)],
        "set": {"processes.misbehaving": True},
        "name": "small",
        "factors": {"oxygen": {"path": "catalog.substrates.oxygen.vessel_oxygen", "values": ["9 mmHg", "11 mmHg"]}},
        "design": {"method": "grid"},
        "replicates": 2,
        "luck": "independent",
        "collect": {
            "series": ["tumor_cells"],
            "summaries": {"cells": {"output": "tumor_cells", "statistic": "final"}},
        },
        "resources": {"workers": 2},
        **more,
    }


def parent(
    folder: Path, orders: dict[str, Any] | None = None, group: bool = False, **arguments: Any
) -> subprocess.Popen[str]:
    """Begin to carry out a sweep in another process, whose runs obey orders."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.pop("SLURM_CPUS_PER_TASK", None)
    if orders:
        path = folder.parent / f"orders-{time.monotonic_ns()}.json"
        path.write_text(json.dumps(orders), encoding="utf-8")
        environment["TUMORABM_TEST_ORDERS"] = str(path)
    return subprocess.Popen(
        [sys.executable, str(HERE / "small_sweep.py"), str(folder), json.dumps(arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=group,
    )


def ended(process: subprocess.Popen[str], timeout: float = 120.0) -> dict[str, Any]:
    """Wait for the parent, and what it printed."""
    output, errors = process.communicate(timeout=timeout)
    assert output, errors
    return {**json.loads(output), "status": process.returncode, "errors": errors}


def prepared(out: Path, **more: Any) -> Path:
    """Prepare a sweep in another process."""
    (out / "sweep.json").write_text(json.dumps(content(**more)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(HERE / "small_sweep.py"), "--prepare", str(out)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def planned_as(sweep: Path, folder: Path, **resources: Any) -> Path:
    """A folder for the same runs as another sweep's, with other resources."""
    folder.mkdir(exist_ok=True)
    shutil.copy(sweep / BASE_FILE, folder)
    plan = Plan.read(sweep)
    replace(plan, resources={**plan.resources, **resources}).write(folder)
    return folder


def statuses(folder: Path) -> list[Status]:
    """How every run of a sweep is."""
    return [told(folder, planned) for planned in Plan.read(folder).runs]


def records(folder: Path) -> list[Records]:
    """The data of every run, in the order of the plan."""
    return [RunFolder(folder / planned.run_id).records() for planned in Plan.read(folder).runs]


def attempts(folder: Path) -> list[int]:
    """How many attempts there were at each run."""
    return [len(list((folder / planned.run_id / "attempts").glob("*.json"))) for planned in Plan.read(folder).runs]


def until(condition, process: subprocess.Popen[str] | None = None, timeout: float = 60.0):
    """Wait until something holds, and give it back."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.01)
    return found


def alone(folder: Path, out: str, first: int, count: int) -> list[float]:
    """Seconds that planned runs take without a sweep around them, after one that loads what they need."""
    from tumorabm.run import run_experiment
    from tumorabm.sweep.modules import load_modules
    from tumorabm.sweep.planning import experiment_of

    plan = Plan.read(folder)
    load_modules(plan.resources.get("modules", ()))
    taken = []
    for planned in plan.runs[first : first + count + 1]:
        experiment = experiment_of(folder, planned)
        began = time.monotonic()
        run_experiment(experiment, out, quiet=True)
        taken.append(time.monotonic() - began)
    return taken[1:]


def main() -> None:
    from tumorabm.sweep.loop import run_sweep
    from tumorabm.sweep.planning import prepare
    from tumorabm.sweep.sweep_file import load_sweep

    if sys.argv[1] == "--prepare":
        out = Path(sys.argv[2])
        print(prepare(load_sweep(json.loads((out / "sweep.json").read_text(encoding="utf-8"))), out))
        return
    if sys.argv[1] == "--alone":
        print(json.dumps(alone(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
        return
    began = time.monotonic()
    counts = run_sweep(sys.argv[1], **json.loads(sys.argv[2]))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = {
        "seconds": time.monotonic() - began,
        "workers_cpu": children.ru_utime + children.ru_stime,
        "parent_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps({**counts.as_dict(), "line": str(counts), **used}))
    sys.exit(counts.exit_status)


if __name__ == "__main__":
    main()
