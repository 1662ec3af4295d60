"""Sweeps over a patient who takes a drug and has no tumor: runs of milliseconds that compute something known."""

from __future__ import annotations

from typing import Any

from tumorabm.processes import PIPELINE

NEEDED = {"compaction", "equivalent_signals", "pharmacokinetics"}


def base(**changes: Any) -> dict[str, Any]:
    """The experiment: two days of a drug in plasma, nothing else."""
    return {
        "name": "dosing",
        "burn_in": "12 h",
        "duration": "36 h",
        "time_step": "2 h",
        "seed": 3,
        "substrates": [],
        "lattice": {"shape": [4, 4], "spacing": "20 um"},
        "sets": {"kinetics": "xenograft", "literature": "review_2016", "targets": "cellular"},
        "cells": [],
        "vessels": {"network": "none"},
        "treatment": [{"drug": "sunitinib", "dose": "50 mg", "every": "1 d"}],
        "mechanisms": {"all": False},
        "processes": {kind.name: False for kind in PIPELINE if kind.name not in NEEDED},
        "record": {"every": "6 h", "checkpoint": "2 d", "outputs": ["plasma_total"]},
        **changes,
    }


def sweep(**changes: Any) -> dict[str, Any]:
    """Two doses, two regimens, two seeds: eight runs."""
    return {
        "base": base(),
        "name": "dosing",
        "factors": {
            "dose": {"path": "treatment[0].dose", "values": ["25 mg", "50 mg"]},
            "times": {"path": "treatment[0].every", "values": {"daily": "1 d", "twice": "12 h"}},
        },
        "replicates": 2,
        "collect": {
            "series": ["sunitinib_plasma_total"],
            "summaries": {
                "peak": {"output": "sunitinib_plasma_total", "statistic": "max"},
                "risen": {"output": "sunitinib_plasma_total", "statistic": "time_to", "above": "20 nM"},
            },
        },
        **changes,
    }
