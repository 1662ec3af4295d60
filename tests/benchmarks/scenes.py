"""What the benchmarks measure: tissues of given size, advanced by the processes of the default pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.kernel import Kernel
from tumorabm.processes.process import Process
from tumorabm.processes.signaling.cell_signaling import CellSignaling
from tumorabm.processes.transport.solve import FieldSolve
from tumorabm.step import advance
from tumorabm.tissue.tissue import Tissue

FIRST_LINE = Path(__file__).parents[2] / "configs" / "experiments" / "sunitinib_first_line.yaml"
DAYS = 455  # of the experiment: 90 of burn-in and 365
# A tenth of the sites is free, so that births find room, as they do in a lesion that is not packed solid.
FULL_OF_TUMOR = "cells=[{shape: all, density: 0.9, clone: clear_cell}]"
# A patient year: a step of the main experiment on this lattice with all mechanisms on, while the drug is there.
YEAR = 365 * 12  # steps of 2 h
PATIENT = ["lattice.shape=[100, 100]", "cells[0].radius=220 um", "burn_in=5 d"]
# The same with what the preset leaves out, and lineages that gain alterations.
EVERYTHING = [
    *PATIENT,
    "mechanisms={emt: true, intracellular: true, direct_effect: true}",
    "mutations=[{alteration: fkbp12_loss, rate: 1.0e-3}, {alteration: tsc_loss}, {alteration: neutral, rate: 0.05}]",
]
# A million tumor cells on half of the sites of a block, with all mechanisms on.
THREE_D = FIRST_LINE.with_name("sunitinib_3d.yaml")
LARGE = ["lattice.shape=[128, 128, 128]", "cells=[{shape: all, density: 0.49, clone: clear_cell}]", "burn_in=5 d"]
_THEMES = {
    "dosing": "patient",
    "transport": "fields: terms",
    "signaling": "signals at receptors",
    "vessels": "vessels",
    "stroma": "stroma",
}


class Scene:
    """A tissue, its processes, and the clock that they are measured with.

    The clock is the processor time of this process: on one thread that is the time on an idle machine, also where
    others keep the cores busy (though they still slow it down through caches and memory). For several threads it has to
    be that of the wall.
    """

    def __init__(
        self,
        overrides: Sequence[str] = (),
        config: Path = FIRST_LINE,
        clock: Callable[[], float] = time.process_time,
    ) -> None:
        experiment = load_experiment(config, list(overrides))
        self.dt, self.clock = experiment.time_step, clock
        self.tissue: Tissue
        self.processes: list[Process]
        self.tissue, self.processes = build(experiment)

    def advance(self, steps: int = 1) -> None:
        """Take steps."""
        for _ in range(steps):
            advance(self.tissue, self.processes, self.dt)

    def profile(self, steps: int) -> dict[str, float]:
        """Mean seconds per step of each process over some steps, and of whole steps under ``step``."""
        spent = {process.name: 0.0 for process in self.processes}
        timed = [_Timed(process, spent, self.clock) for process in self.processes]
        begin = self.clock()
        for _ in range(steps):
            advance(self.tissue, timed, self.dt)  # type: ignore[arg-type]
        spent["step"] = self.clock() - begin
        return {name: seconds / steps for name, seconds in spent.items()}

    def outside_kernels(self, steps: int) -> dict[str, float]:
        """The same without what compiled kernels take: numpy and the interpreter. To time each call adds a little."""
        inside = dict.fromkeys((process.name for process in self.processes), 0.0)
        call = Kernel.__call__

        def timed(kernel: Kernel, *args: object) -> object:
            begin = self.clock()
            try:
                return call(kernel, *args)
            finally:
                inside[_Timed.now] += self.clock() - begin

        Kernel.__call__ = timed  # type: ignore[method-assign]
        try:
            spent = self.profile(steps)
        finally:
            Kernel.__call__ = call  # type: ignore[method-assign]
        kernels = {name: seconds / steps for name, seconds in inside.items()} | {"step": sum(inside.values()) / steps}
        return {name: seconds - kernels[name] for name, seconds in spent.items()}

    def by_theme(self, spent: Mapping[str, float]) -> dict[str, float]:
        """The seconds of a profile by theme; between processes it is the interpreter alone."""
        out: dict[str, float] = {}
        for process in self.processes:
            theme = theme_of(process)
            out[theme] = out.get(theme, 0.0) + spent[process.name]
        out["between processes"] = spent["step"] - sum(out.values())
        return out


def theme_of(process: Process) -> str:
    """What a process belongs to in an itemised table."""
    if isinstance(process, FieldSolve):
        return "fields: solution"
    if isinstance(process, CellSignaling):
        return "networks inside cells"
    parts = type(process).__module__.split(".")
    return _THEMES.get(parts[2] if len(parts) > 2 else "", "cells: rates, risks, events")


class _Timed:
    """A process that notes how long its steps take."""

    now = ""  # name of the process whose step is taken

    def __init__(self, process: Process, spent: dict[str, float], clock: Callable[[], float]) -> None:
        self._process, self._spent, self._clock = process, spent, clock

    def step(self, tissue: Tissue, dt: float) -> None:
        _Timed.now, begin = self._process.name, self._clock()
        self._process.step(tissue, dt)
        self._spent[self._process.name] += self._clock() - begin


def seconds(action: Callable[[], object], rounds: int = 3) -> float:
    """Median processor time of some calls, in seconds."""
    return median(_once(action) for _ in range(rounds))


def _once(action: Callable[[], object]) -> float:
    begin = time.process_time()
    action()
    return time.process_time() - begin


def sites_full_of_tumor(*shape: int) -> list[str]:
    """Overrides for a lattice of this shape with nine sites in ten tumor, in the default bed of capillaries."""
    return [f"lattice.shape={list(shape)}", FULL_OF_TUMOR]
