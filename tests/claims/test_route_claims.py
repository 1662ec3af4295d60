"""F-27: the routes of acquired resistance that the review lists, each of them switched as a whole.

What each does is shown under its own claim, in a scene where it has something to do. In the main experiment, which has
all of them, most can be missed without a difference beyond luck: tests/validation/ablation.md.
"""

from __future__ import annotations

import pytest
from immune_scenes import NODULE, SUNITINIB

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


@pytest.mark.parametrize("route", ROUTES)
def test_f27_every_route_is_there_and_can_be_switched(route: str) -> None:
    document = parse(NODULE, "nodule").data
    on = load_experiment(document, ["mechanisms.all=true", SUNITINIB])
    for name in ROUTES[route]:
        assert name in MECHANISMS and on.mechanisms[name]
        off = load_experiment(document, ["mechanisms.all=true", f"mechanisms.{name}=false", SUNITINIB])
        processes = set(on.active_processes()) - set(off.active_processes())
        assert processes or set(on.all_substrates) - set(off.all_substrates)
        assert all(on.active_processes()[process].mechanism == name for process in processes)
