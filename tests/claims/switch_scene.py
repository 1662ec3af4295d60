"""A tumor whose treatment changes: arms that share all of their past, as those of ``tumorabm branch``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.recording.writer import adapted
from tumorabm.run.parts import carried, columns_of, load_state
from tumorabm.step import advance
from tumorabm.tissue.cells import Column
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
    state, tissue = None, None
    for length, changes in past:
        tissue, columns = _gone_on(file, seed, state, changes, length)
        state = tissue.state(), columns
    assert tissue is not None
    out = {"before": look(tissue)}
    for name, changes in arms.items():
        out[name] = look(_gone_on(file, seed, state, changes, days)[0])
    return out


def _gone_on(
    file: str, seed: int, before: tuple[dict[str, Any], set[Column]] | None, changes: Changes, days: float
) -> tuple[Tissue, set[Column]]:
    """A tissue some days after a state with its columns, or after the start, and its own columns."""
    experiment = load_experiment(SWITCHES / file, changes)
    tissue, processes = build(experiment, seed)
    columns = columns_of(experiment)
    if before is not None:
        kept = carried(copy.deepcopy(before[0]), before[1], columns)
        load_state(tissue, processes, adapted(kept, tissue.state(), list(tissue.cells.specs.values())))
    for _ in range(round(days * 24.0 / experiment.time_step)):
        advance(tissue, processes, experiment.time_step)
    return tissue, columns
