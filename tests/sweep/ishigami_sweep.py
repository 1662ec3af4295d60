"""Sweep files over Ishigami's function: runs of one step on a tiny lattice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tumorabm.processes import PIPELINE

MODULE = Path(__file__).parent / "ishigami_process.py"
NEEDED = {"compaction", "equivalent_signals"}


def base(noise: float = 0.0) -> dict[str, Any]:
    """The experiment: everything off but the function."""
    off = {kind.name: False for kind in PIPELINE if kind.name not in NEEDED}
    return {
        "name": "ishigami",
        "duration": "1 h",
        "time_step": "1 h",
        "substrates": [],
        "lattice": {"shape": [4, 4], "spacing": "20 um"},
        "sets": {"kinetics": "xenograft", "literature": "review_2016", "targets": "cellular"},
        "cells": [],
        "vessels": {"network": "none"},
        "mechanisms": {"all": False},
        "processes": {**off, "ishigami": {"x1": 0, "x2": 0, "x3": 0, "noise": noise}},
        "record": {"every": "1 h", "checkpoint": "1 h", "outputs": ["ishigami_value"]},
    }


def sweep(design: dict[str, Any], noise: float = 0.0, replicates: int = 1, **more: Any) -> dict[str, Any]:
    """A sweep over the three numbers, each from -pi to pi."""
    factors = {
        name: {"path": f"processes.ishigami.{name}", "range": [-3.141592653589793, 3.141592653589793]}
        for name in ("x1", "x2", "x3")
    }
    return {
        "base": base(noise),
        "modules": [str(MODULE)],
        "name": "ishigami",
        "factors": factors,
        "design": design,
        "replicates": replicates,
        "collect": {
            "series": ["ishigami_value"],
            "summaries": {"y": {"output": "ishigami_value", "statistic": "final"}},
        },
        **more,
    }
