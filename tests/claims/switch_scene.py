"""A tumor whose treatment changes: arms that share all of their past, as those of ``tumorabm branch``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.recording.writer import adapted
from tumorabm.run.parts import load_state
from tumorabm.step import advance
from tumorabm.tissue.tissue import Tissue

SWITCHES = Path(__file__).resolve().parents[2] / "configs" / "experiments" / "switches"
Seen = TypeVar("Seen")
Changes = Sequence[str]
Past = Sequence[tuple[float, Changes]]


def branches(
    file: str, seed: int, past: Past, arms: Mapping[str, Changes], days: float, look: Callable[[Tissue], Seen]
) -> dict[str, Seen]:
    """What is seen when arms part (``"before"``), and in each of them some days later.

    Parameters
    ----------
    file : str
        Of an experiment among those about switches.
    seed : int
    past : sequence of (float, sequence of str)
        Stages that all arms share: days, and what is changed of the experiment for them.
    arms : mapping of str to sequence of str
        What each changes.
    days : float
    look : callable
        Of a tissue.
    """
    tissue = None
    for length, changes in past:
        tissue = _gone_on(file, seed, tissue and tissue.state(), changes, length)
    assert tissue is not None
    state, out = tissue.state(), {"before": look(tissue)}
    for name, changes in arms.items():
        out[name] = look(_gone_on(file, seed, state, changes, days))
    return out


def _gone_on(file: str, seed: int, state: dict[str, Any] | None, changes: Changes, days: float) -> Tissue:
    """A tissue some days after a state, or after the start."""
    experiment = load_experiment(SWITCHES / file, changes)
    tissue, processes = build(experiment, seed)
    if state is not None:
        kept = adapted(copy.deepcopy(state), tissue.state(), list(tissue.cells.specs.values()))
        load_state(tissue, processes, kept)
    for _ in range(round(days * 24.0 / experiment.time_step)):
        advance(tissue, processes, experiment.time_step)
    return tissue
