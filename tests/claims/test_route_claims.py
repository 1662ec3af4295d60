"""F-27: the routes of acquired resistance that the review lists, each of them switched as a whole.

What each does by itself is shown under its own claim; here that they are there together, and what a tumor under
treatment loses with one of them. The main experiment without each: tests/validation/ablation.md.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from immune_scenes import NODULE, STEP, SUNITINIB, grown, lesion_vessels

from tumorabm.config import load_experiment
from tumorabm.processes.mechanisms import MECHANISMS
from tumorabm.yaml import parse

# The review's routes and the mechanisms that carry them.
ROUTES = {
    "genes that regulate angiogenesis": ("alternative_signals", "angiopoietins", "receptor_competition"),
    "pericyte coverage": ("pericytes",),
    "inflammatory cells from bone marrow": ("mdsc",),
    "stroma": ("fibroblasts",),
    "invasion, without new vessels": ("invasion",),
    "less intake, and lysosomes": ("intracellular",),
    "epithelial-to-mesenchymal transition": ("emt",),
}
REMOVED = ("fibroblasts", "mdsc", "alternative_signals")
SEEDS, DAYS = range(4), 42


@pytest.mark.parametrize("route", ROUTES)
def test_f27_every_route_is_there_and_can_be_switched(route: str) -> None:
    document = parse(NODULE, "nodule").data
    on = load_experiment(document, ["mechanisms.all=true", SUNITINIB])
    for name in ROUTES[route]:
        assert name in MECHANISMS and on.mechanisms[name]
        off = load_experiment(document, ["mechanisms.all=true", f"mechanisms.{name}=false", SUNITINIB])
        lost = set(on.active_processes()) - set(off.active_processes())
        assert lost and all(on.active_processes()[process].mechanism == name for process in lost)


@functools.cache
def vessels(seed: int, *without: str) -> float:
    """Endothelial cells of a lesion after six weeks of sunitinib with all routes but some."""
    off = [f"mechanisms.{name}=false" for name in without]
    tissue, _ = grown(NODULE, seed, round(DAYS * 24.0 / STEP), "burn_in=0 d", "mechanisms.all=true", SUNITINIB, *off)
    return float(lesion_vessels(tissue))


@pytest.mark.slow
@pytest.mark.parametrize("route", REMOVED)
def test_f27_a_tumor_under_treatment_keeps_fewer_vessels_without_a_route(route: str) -> None:
    change = np.array([vessels(seed, route) - vessels(seed) for seed in SEEDS])
    print(f"without {route}: {change} of {[vessels(seed) for seed in SEEDS]}")
    assert change.mean() < 0.0
