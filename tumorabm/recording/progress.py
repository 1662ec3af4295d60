"""What a run shows while it goes: a line that moves on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from tumorabm.processes.dosing.schedule import Regimen, dose_events

_INTERVAL: Final = 0.1  # seconds between updates
_WIDE: Final = 110  # columns of a terminal that also has room for a bar
_HOURS_PER_DAY: Final = 24.0


class Progress:
    """A context in which a run reports its steps.

    Parameters
    ----------
    name : str
        Of the experiment.
    end : float
        Simulated hours at the end of the run.
    burn_in : float
        Hours before the treatment starts.
    regimens : sequence of Regimen
        The treatment.
    quiet : bool
        Show nothing. So it is anyway when standard error is not a terminal.
    """

    def __init__(self, name: str, end: float, burn_in: float, regimens: Sequence[Regimen], quiet: bool = False) -> None:
        self._name = name
        self._end = end
        self._burn_in = burn_in
        self._regimens = tuple(regimens)
        self._shown = not quiet and sys.stderr.isatty()
        self._due = 0.0
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self._shown:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console(stderr=True)
            bar = [BarColumn(bar_width=24)] if console.width >= _WIDE else []
            self._bar = Progress(*bar, TextColumn("{task.fields[where]}"), TimeRemainingColumn(), console=console)
            self._task = self._bar.add_task(self._name, total=self._end, where=f"{self._name}, starting")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line on standard error, above the moving one."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def update(self, hours: float, latest: Mapping[str, Any]) -> None:
        """Show where the run is: simulated time, phase of the treatment, cells and lesion."""
        if self._bar is None or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _INTERVAL
        parts = [f"day {hours / _HOURS_PER_DAY:.0f} of {self._end / _HOURS_PER_DAY:.0f}", self.phase(hours)]
        if "tumor_cells" in latest:
            parts.append(f"{latest['tumor_cells']:,} cells")
        if "lesion_diameter" in latest:
            parts.append(f"lesion {latest['lesion_diameter']:.0f} um")
        self._bar.update(self._task, completed=hours, where=", ".join(parts))

    def phase(self, hours: float) -> str:
        """Where in the treatment a time is."""
        if hours < self._burn_in:
            return "burn-in"
        clock = hours - self._burn_in
        if not self._regimens:
            return f"untreated {clock / _HOURS_PER_DAY:.0f} d"
        drugs = []
        for regimen in self._regimens:
            if regimen.after is not None or regimen.until is not None or regimen.pause_below is not None:
                drugs.append(f"{regimen.drug} by response")  # what has been seen of the tumor is not known here
                continue
            given = dose_events(regimen, clock, clock + regimen.every)[1]
            drugs.append(f"{regimen.drug} {given[0]:g} mg" if given.size else f"{regimen.drug} off")
        return f"treated {clock / _HOURS_PER_DAY:.0f} d: {', '.join(drugs)}"


class Compilation(Protocol):
    """Whether kernels had to be compiled."""

    said: bool


@contextmanager
def compilation_announced(progress: Progress) -> Iterator[Compilation]:
    """Say once that kernels are being compiled, when numba begins to compile one that its cache lacks."""
    from numba.core import event

    class Once(event.Listener):
        said = False

        def on_start(self, compilation: Any) -> None:
            if not self.said:
                self.said = True
                progress.say("Compiling kernels: the first run on a machine takes about a minute longer.")

        def on_end(self, compilation: Any) -> None:
            """Nothing is said at the end."""

    once = Once()
    with event.install_listener("numba:compile", once):
        yield once
