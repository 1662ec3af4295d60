"""What ends a run before its time besides a signal: a limit of time, or whoever started it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Bounds:
    """Asked by a run after every step, and before it writes.

    Attributes
    ----------
    time_limit : float
        Seconds from ``began``; past it the run ends after its step, with a checkpoint, as failed.
    stopping : callable
        Whether the run is to end after its step with a checkpoint, as interrupted.
    taken : callable
        Whether another process has taken the run over, so that this one must not write to it any more.
    began : float
        Of the monotonic clock.
    """

    time_limit: float = math.inf
    stopping: Callable[[], bool] = _never
    taken: Callable[[], bool] = _never
    began: float = field(default_factory=time.monotonic)

    @property
    def reached(self) -> bool:
        """Whether the run is to end."""
        return time.monotonic() - self.began > self.time_limit or self.stopping()

    @property
    def overdue_message(self) -> str:
        """What is said of a run that took too long."""
        return f"{OVERDUE} of {duration_text(self.time_limit)}"


UNBOUND: Final = Bounds()
OVERDUE: Final = "over its time limit"


def duration_text(seconds: float) -> str:
    """Seconds in the largest unit that leaves no long fraction: ``90 min``, ``2 h``, ``45 s``."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length and (seconds / length * 100) % 1 < 1e-9:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
