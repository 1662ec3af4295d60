"""How a sweep ended, in numbers and in one line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tumorabm.run.bounds import OVERDUE


@dataclass
class Counts:
    """How a sweep ended.

    Attributes
    ----------
    total : int
        Runs of the plan, or of the part that was asked for.
    finished, already, elsewhere : int
        Finished; of those, finished before this began, and by other processes meanwhile.
    failed, overdue : int
        Left after their retries; because of an error, and because of the time limit.
    interrupted, running, waiting : int
        Stopped in the middle, under way in another process, and not begun.
    stopped : str
        Why the sweep ended before its end.
    by_signal : bool
        Whether that was a signal.
    """

    total: int = 0
    finished: int = 0
    already: int = 0
    elsewhere: int = 0
    failed: int = 0
    overdue: int = 0
    interrupted: int = 0
    running: int = 0
    waiting: int = 0
    stopped: str = ""
    by_signal: bool = False

    def __str__(self) -> str:
        where = [f"{self.already} {'was' if self.already == 1 else 'were'} there already"] if self.already else []
        where += [f"{self.elsewhere} by another process"] if self.elsewhere else []
        parts = [f"{self.finished} finished" + (f" ({', '.join(where)})" if where else "")]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.overdue} {OVERDUE if self.overdue == 1 else 'over their time limit'}"] if self.overdue else []
        parts += [f"{self.interrupted} interrupted"] if self.interrupted else []
        parts += [f"{self.running} under way elsewhere"] if self.running else []
        parts += [f"{self.waiting} waiting"] if self.waiting else []
        text = f"{self.total} run{'' if self.total == 1 else 's'}: {', '.join(parts)}"
        return f"{text}; {self.stopped}" if self.stopped else text

    @property
    def exit_status(self) -> int:
        """Of the command: 0 if every run is finished, 130 after a signal, else 1."""
        if self.by_signal:
            return 130
        return 0 if self.finished == self.total else 1

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
