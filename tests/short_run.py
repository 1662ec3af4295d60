"""A short run on a small domain, in this process or in another one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tumorabm.config import Experiment, load_experiment
from tumorabm.recording.records import Records
from tumorabm.recording.run_folder import RunFolder

STEPS = 120  # of 2 h: 2 days of burn-in, 8 days after it

SHORT = """
name: short
burn_in: 2 d
duration: 8 d
time_step: 2 h
seed: 5
lattice: {shape: [40, 40], spacing: 20 um, boundary: no_flux}
sets: {kinetics: xenograft, literature: review_2016, targets: cellular}
substrates: [oxygen, vegf_a, fgf2, il8, amino_acids]
clones:
- {name: clear_cell, vhl: mutated, fraction: 0.75}
- {name: resistant, vhl: wild_type, fraction: 0.25, alterations: [pten_loss]}
mutations:
- {alteration: tsc_loss, rate: 0.05}
- {alteration: neutral, rate: 0.1, start: 2 h, clones: [clear_cell]}
cells: [{shape: disc, radius: 200 um}]
vessels: {network: capillary_mesh, spacing: 160 um, arteriole_spacing: 320 um}
treatment: [{drug: sunitinib, dose: 50 mg, every: 1 d, on: 3 d, off: 2 d}]
exposure: {everolimus: 0.02 nM, bevacizumab: 2 nM}
medium: {oxygen: 9 mmHg}
processes: {nutrient_supply: true, nutrient_uptake: true, medium: {layer: 1 m}}   # hardly a medium
# So that much happens in ten days: births, both deaths, sprouts that are perfused, regression, recolonization.
catalog:
  substrates.oxygen.vessel_oxygen: 9 mmHg
  cell_types.tumor.necrosis_onset_oxygen: 7 mmHg
  cell_types.tumor.vegf_secretion_vhl_null: 6 molecule/cell/s
  cell_types.endothelial.sprout_rate: 2 1/d
  cell_types.endothelial.activation_rate: 2 1/d
  cell_types.endothelial.crowding_density: 1000 1/mm^2
  cell_types.endothelial.flow_multiplier: 0.5
  cell_types.endothelial.uncovered_regression_rate: 1 1/d
  cell_types.t_cell.recruitment_rate: 0.02 1/d
record: {every: 12 h, frames: 2 d, checkpoint: 30 h, keep: [4 d]}
"""


def short(*overrides: str) -> Experiment:
    """The experiment, read from text as a file would be."""
    from tumorabm import yaml

    return load_experiment(yaml.parse(SHORT, "short").data, overrides)


def data(run: Path) -> Records:
    """Everything a run recorded."""
    return RunFolder(run).records()


def command(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line in another process."""
    return subprocess.run(
        [sys.executable, "-m", "tumorabm.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def told(done: subprocess.CompletedProcess[str]) -> dict:
    """What a command printed with --json: one object and nothing else."""
    return json.loads(done.stdout)


def started(*arguments: object) -> subprocess.Popen[str]:
    """A command of the command line under way in another process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tumorabm.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@contextlib.contextmanager
def signal_at(monkeypatch: pytest.MonkeyPatch, steps: Sequence[int], number: int = signal.SIGTERM) -> Iterator[None]:
    """Send this process a signal during some steps of its runs."""
    from tumorabm.run import course
    from tumorabm.step import advance

    left = set(steps)

    def advance_and_signal(tissue, processes, dt):
        if tissue.step_number in left:
            left.discard(tissue.step_number)
            signal.raise_signal(number)
        advance(tissue, processes, dt)

    with monkeypatch.context() as patch:
        patch.setattr(course, "advance", advance_and_signal)
        yield
    assert not left, "the run did not get to these steps"
