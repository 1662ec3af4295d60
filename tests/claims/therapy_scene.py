"""A small nodule whose cells have VHL, before and under sunitinib, with its untreated twin.

The experiment ``vhl_intact`` until treatment begins, then from a copy with doses and from one without: both arms have
the same past and the same seed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.config.contents import make_processes
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs
from tumorabm.step import advance
from tumorabm.tissue.cells import ALIVE
from tumorabm.tissue.tissue import Tissue

VHL_INTACT = Path(__file__).resolve().parents[2] / "configs" / "experiments" / "vhl_intact.yaml"
FACTORS = ("fgf2", "il8", "ephrin_a", "ang2")
OXYGEN = "oxygen"
LIVING = "living cells"
DAYS = (14, 28)  # of treatment


def secretion(name: str) -> str:
    """What living tumor cells' signaling makes of the secretion of a factor."""
    return f"secretion_{name}"


def lesion_means(tissue: Tissue) -> dict[str, float]:
    """Means over the lesion of each factor (nM) and of oxygen (mmHg), outputs of living cells, and how many live."""
    mean, seen = registered_outputs()["lesion_mean"].function, Measurement(tissue, {})
    out = {name: float(mean(seen, name)) for name in (*FACTORS, OXYGEN)}
    out |= {secretion(name): float(seen.tumor_activity[secretion(name)]) for name in FACTORS}
    return {**out, LIVING: float(np.count_nonzero(seen.tumor_states == ALIVE))}


def therapy(literature: str, seed: int, *overrides: str, days: Sequence[int] = DAYS) -> dict[str, dict[str, float]]:
    """Lesion means in mid burn-in, before treatment, and at days of it in both arms.

    Returns
    -------
    dict of str to dict of str to float
        Under ``early``, ``before``, ``treated 14``, ``untreated 14`` and so on.
    """
    experiment = load_experiment(VHL_INTACT, [f"sets.literature={literature}", *overrides])
    dt = experiment.time_step
    tissue, processes = build(experiment, seed)
    half = round(experiment.burn_in / dt / 2)
    out = {}
    for moment in ("early", "before"):
        for _ in range(half):
            advance(tissue, processes, dt)
        out[moment] = lesion_means(tissue)
    for arm in ("treated", "untreated"):
        twin = copy.deepcopy(tissue)
        if arm == "untreated":
            twin.patient.regimens = ()
        own = make_processes(experiment)
        for process in own:
            process.prepare(twin)
        for step in range(1, round(max(days) * 24.0 / dt) + 1):
            advance(twin, own, dt)
            if step * dt / 24.0 in days:
                out[f"{arm} {step * dt / 24.0:g}"] = lesion_means(twin)
    return out


def ratios(found: Sequence[dict[str, dict[str, float]]], name: str, over: str, under: str) -> np.ndarray:
    """A factor's mean at one moment over that at another, by seed."""
    return np.array([one[over][name] / one[under][name] for one in found])
