"""What tests share: a small experiment, a tissue of it, and one finished run per session."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Tests that are begun in the background of a script ignore Ctrl-C, and so would the runs that they interrupt by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests that need no kernels, and among them those that do.
WITHOUT_KERNELS = ("config", "test_architecture.py", "test_catalog.py", "test_units.py", "test_yaml.py")
WITH_KERNELS = ("test_mechanisms.py",)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the second process of xdist begin with tests that need no kernels while the first compiles them for both.

    xdist gives each process a quarter of its share to begin with, in the order of the tests.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes < 2:
        return
    first = len(items) // (4 * processes)
    light = [
        item
        for item in items
        if item.path.relative_to(ROOT / "tests").parts[0] in WITHOUT_KERNELS and item.path.name not in WITH_KERNELS
    ]
    if len(light) > first:
        kept = set(light)
        heavy = [item for item in items if item not in kept]
        items[:] = [*heavy[:first], *light, *heavy[first:]]


# A nodule that a treated and an untreated week fit into, in a second or two.
SMALL = f"""
extends: {ROOT / "configs" / "presets" / "clear_cell.yaml"}
name: small
burn_in: 4 d
duration: 6 d
time_step: 2 h
seed: 3
sets: {{kinetics: patient_metastasis}}
mechanisms: {{all: false}}
lattice: {{shape: [48, 52], spacing: 20 um, boundary: no_flux}}
cells: [{{shape: disc, radius: 150 um}}]
vessels: {{network: capillary_mesh, spacing: 200 um, arteriole_spacing: 300 um}}
treatment: [{{drug: sunitinib, dose: 50 mg, every: 1 d, on: 3 d, off: 2 d}}]
record: {{every: 1 d, frames: 5 d, checkpoint: 5 d}}
"""


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of a small two-dimensional experiment: 10 days, treated from day 4 to day 7."""
    path = tmp_path_factory.mktemp("configs") / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_run(small_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run of the small experiment. Read only."""
    from tumorabm.config import load_experiment
    from tumorabm.run import run_experiment

    return run_experiment(load_experiment(small_config), tmp_path_factory.mktemp("runs"), quiet=True)


@pytest.fixture(scope="session")
def small_run_3d(small_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run in three dimensions, of two days. Read only."""
    from tumorabm.config import load_experiment
    from tumorabm.run import run_experiment

    overrides = [
        "lattice.shape=[12, 24, 28]",
        "burn_in=1 d",
        "duration=1 d",
        "cells=[{shape: sphere, radius: 90 um}]",
        "vessels={spacing: 60 um, arteriole_spacing: 120 um}",
        "record.frames=1 d",
    ]
    experiment = load_experiment(small_config, overrides)
    return run_experiment(experiment, tmp_path_factory.mktemp("runs_3d"), quiet=True)
