"""What a sweep shows while it goes: a line that moves on a terminal, one now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

_INTERVAL: Final = 0.2  # seconds between updates on a terminal
_LINE_EVERY: Final = 30.0  # seconds between lines elsewhere


class SweepProgress:
    """A context in which a sweep reports how far it is.

    Parameters
    ----------
    name : str
    total : int
        Number of runs.
    quiet : bool
        Show nothing but what must be said.
    """

    def __init__(self, name: str, total: int, quiet: bool = False) -> None:
        self._name = name
        self._total = total
        self._quiet = quiet
        self._moving = not quiet and sys.stderr.isatty()
        self._began = time.monotonic()
        self._due = self._began if self._moving else self._began + _LINE_EVERY
        self._bar: Any = None

    def __enter__(self) -> SweepProgress:
        if self._moving:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            console = Console(stderr=True)
            self._bar = Progress(BarColumn(bar_width=24), TextColumn("{task.fields[where]}"), console=console)
            self._task = self._bar.add_task(self._name, total=self._total, where=f"{self._name}, starting")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line on standard error, above the moving one."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def update(self, done: int, already: int, failed: int, running: int, elsewhere: int) -> None:
        """Show how far the sweep is, if it is time to.

        Parameters
        ----------
        done : int
            Runs that are over, with ``already``, those that were over at the start, and ``failed``.
        running, elsewhere : int
            Runs of workers of this sweep and of others.
        """
        if self._quiet or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + (_INTERVAL if self._moving else _LINE_EVERY)
        parts = [f"{done}/{self._total} done", f"{running} running"]
        parts += [f"{elsewhere} elsewhere"] if elsewhere else []
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{time_text(left)} left"] if (left := self._left(done, already)) else []
        text = f"{self._name}: {', '.join(parts)}"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, where=text)
        else:
            print(text, file=sys.stderr, flush=True)

    def _left(self, done: int, already: int) -> float:
        """Seconds, from what the runs of this session took; 0 if nothing is known."""
        here = done - already
        return (time.monotonic() - self._began) / here * (self._total - done) if here else 0.0


def time_text(seconds: float) -> str:
    """A time that is an estimate, in two units: ``2 h 10 min``.

    Examples
    --------
    >>> time_text(7825.0)
    '2 h 10 min'
    """
    whole = round(seconds)
    for large, small, length, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {large}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"
