"""Large sweeps, on request: how busy the cores are, what a run costs beyond itself, and the parent's memory."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_sweep import HERE, ended, parent, prepared, until

from tumorabm.processes import PIPELINE

pytestmark = pytest.mark.slow

CORES = 2
# One step with next to nothing on: what remains is the sweep's own doing.
TINY = {
    "set": {
        "duration": "2 h",
        "lattice.shape": [4, 4],
        "cells": [],
        "treatment": [],
        "substrates": [],
        "vessels": {"network": "none"},
        "record": {"every": "2 h", "checkpoint": "2 h", "outputs": ["tumor_cells"]},
        **{f"processes.{kind.name}": False for kind in PIPELINE if not kind.indispensable},
    },
    "modules": [],
    "factors": {"shared": {"path": "time_step", "values": ["2 h"]}},
}


def rss(process: subprocess.Popen[str]) -> float:
    """MB that a process has now."""
    for line in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("it is gone")


def wanting(process: subprocess.Popen[str]) -> dict[int, float]:
    """Seconds that each child of a process was on a core or waited for one that another program had."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == process.pid:
                on_core, waited, _ = (path.parent / "schedstat").read_text(encoding="utf-8").split()
                found[int(path.parent.name)] = (int(on_core) + int(waited)) / 1e9
    return found


@pytest.mark.skipif((os.cpu_count() or 1) < CORES, reason="needs two cores")
def test_two_hundred_short_runs_keep_two_cores_busy(tmp_path, capsys) -> None:
    longer = {"processes.misbehaving": True, "lattice.shape": [40, 40], "duration": "4 d"}
    folder = prepared(tmp_path, replicates=100, set=longer, resources={"workers": CORES})
    process = parent(folder)
    busy: dict[int, float] = {}
    while process.poll() is None:
        busy |= wanting(process)
        time.sleep(0.5)
    told = ended(process)
    assert told["line"] == "200 runs: 200 finished", told["errors"]
    single = [
        subprocess.Popen(
            [
                sys.executable,
                str(HERE / "small_sweep.py"),
                "--alone",
                str(folder),
                str(tmp_path / "alone"),
                first,
                "12",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in ("0", "20")
    ]
    alone = [seconds for process in single for seconds in json.loads(process.communicate(timeout=300)[0])]
    wall, cpu = told["seconds"], told["workers_cpu"]
    busy_share = sum(busy.values()) / wall / CORES
    itself = sum(alone) / len(alone)
    overhead = CORES * wall / 200 - itself
    with capsys.disabled():
        print(
            f"\n200 runs in {wall:.1f} s: workers busy {busy_share:.1%} of the time of two cores (on them "
            f"{cpu / wall / CORES:.1%}, the rest other programs had); {CORES * wall / 200:.3f} s of a core a run, "
            f"{itself:.3f} s of them the run itself, {overhead:.3f} s beyond; parent {told['parent_mb']:.0f} MB"
        )
    assert busy_share > 0.9
    assert overhead < 0.3


def test_the_parents_memory_does_not_grow_with_the_runs(tmp_path, capsys) -> None:
    folder = prepared(tmp_path, replicates=1000, **TINY)
    process = parent(folder)

    def finished(count: int) -> bool:
        return len(list(folder.glob("*/run.h5"))) >= count

    until(lambda: finished(100), process, timeout=600.0)
    early = rss(process)
    until(lambda: finished(990), process, timeout=1800.0)
    late = rss(process)
    told = ended(process)
    assert told["line"] == "1000 runs: 1000 finished", told["errors"]
    with capsys.disabled():
        print(
            f"\n1,000 runs in {told['seconds']:.0f} s: parent {early:.1f} MB after 100, {late:.1f} MB after 990, "
            f"{CORES * told['seconds'] / 1000:.3f} s of a core each"
        )
    assert late - early < 2.0
