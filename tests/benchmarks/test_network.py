"""Speed of the signaling networks, one thread, against the targets of the design.

Run with ``pytest tests/benchmarks/test_network.py -m benchmark --benchmark-enable -s --benchmark-
timer=time.process_time``.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pytest
from scenes import Scene
from test_step import note, one_thread  # noqa: F401 - the fixture

from tumorabm.processes.signaling import course
from tumorabm.processes.signaling.cell_signaling import CellSignaling

pytestmark = pytest.mark.benchmark

PASS, STEP = 120.0, 600.0  # ns per cell: a pass over the network, a step of 2 h with its sub-steps


def least(action: Callable[[], object], rounds: int = 15) -> float:
    """Least processor time of an action, s."""
    times = []
    for _ in range(rounds):
        began = process_time()
        action()
        times.append(process_time() - began)
    return min(times)


def grown(*settings: str) -> tuple[Scene, list[CellSignaling]]:
    """The main experiment with its first doses given."""
    scene = Scene(["burn_in=2 d", *settings])
    scene.advance(5 * 12)
    return scene, [process for process in scene.processes if isinstance(process, CellSignaling)]


def test_a_pass_over_the_network(benchmark: Any) -> None:
    """4,096 cells of the tumor's network, from what 16 more sub-steps take."""
    _, (tumor, _) = grown()
    network, make, cells = tumor.network, tumor.makes.values[0], 4096
    inputs = np.repeat(network.reference_inputs(oxygen=1.0), cells, axis=0)
    state = np.repeat(course.steady(network, network.reference_inputs(), make), cells, axis=0)
    left, rows = course.uninhibited(cells), np.arange(cells)
    drive = course.drive(network, state, inputs, make, left)

    def passes(count: int) -> None:
        course._go(network, state.copy(), rows, rows, inputs, make, left, drive, count, 0.1, network.time)

    passes(1)
    taken = {count: least(lambda count=count: passes(count)) for count in (16, 32)}
    benchmark.pedantic(passes, args=(16,), rounds=3)
    nanoseconds = (taken[32] - taken[16]) / 16 / cells * 1e9
    note(benchmark, ns_per_cell_and_pass=nanoseconds, nodes=len(network.nodes), edges=len(network.edges))
    if benchmark.enabled:
        assert nanoseconds <= 2 * PASS


@pytest.mark.parametrize(
    "treatment",
    [
        [],
        ['treatment=[{"drug": "everolimus", "dose": "10 mg", "every": "1 d"}]'],
    ],
    ids=["sunitinib", "everolimus"],
)
def test_a_step_of_cells_in_tissue(benchmark: Any, treatment: list[str]) -> None:
    """Cells of the experiment over a day: all that signaling costs, fields and plasma moving under it."""
    scene, processes = grown(*treatment)
    spent, cells = (
        dict.fromkeys((p.cell_type for p in processes), 0.0),
        dict.fromkeys((p.cell_type for p in processes), 0),
    )
    for _ in range(12):
        for process in processes:
            began = process_time()
            process.step(scene.tissue, 2.0)
            spent[process.cell_type] += process_time() - began
            cells[process.cell_type] += scene.tissue.cells.alive(process.row_type).size
        scene.advance()
    benchmark.pedantic(lambda: [p.step(scene.tissue, 0.0) for p in processes], rounds=1)
    nanoseconds = {name: spent[name] / cells[name] * 1e9 for name in spent}
    together = sum(spent.values()) / sum(cells.values()) * 1e9
    note(benchmark, together_ns=together, **{f"{name}_ns": value for name, value in nanoseconds.items()})
    if benchmark.enabled:
        assert together <= 2 * STEP


def test_a_step_of_many_cells_in_tissue(benchmark: Any) -> None:
    """As many tumor cells as fill 300 x 300 sites: without the interpreter's share."""
    scene, (tumor, _) = grown("lattice.shape=[300, 300]", "cells[0].radius=2.6 mm", "vessels.spacing=240 um")
    began, cells = process_time(), 0
    for _ in range(6):
        tumor.step(scene.tissue, 2.0)
        cells += scene.tissue.cells.alive(tumor.row_type).size
    nanoseconds = (process_time() - began) / cells * 1e9
    benchmark.pedantic(tumor.step, args=(scene.tissue, 2.0), rounds=1)
    note(benchmark, ns_per_cell_and_step=nanoseconds, cells=cells / 6)
    if benchmark.enabled:
        assert nanoseconds <= 2 * STEP
