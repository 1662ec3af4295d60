"""Ctrl-C and SIGTERM during a run: finish the step, write what there is, and stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """A context in which the first signal only sets a flag; a second one stops at once.

    Parameters
    ----------
    patient : bool
        Later signals change nothing, here and in contexts within.

    Attributes
    ----------
    requested : bool
        Whether a signal came.

    Notes
    -----
    An outer context sees it too. A signal that the process ignores stays ignored: Ctrl-C reaches the workers of a sweep
    as well, whose parent decides.
    """

    def __init__(self, patient: bool = False) -> None:
        self.requested = False
        self.patient = patient
        self._before: dict[int, Any] = {}
        self._around: list[Interrupt] = []

    def __enter__(self) -> Interrupt:
        # Python delivers signals to the main thread only, and only there can they be caught.
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._catch) for number in heeded}
            actions = [getattr(action, "__self__", None) for action in self._before.values()]
            self._around = [action for action in actions if isinstance(action, Interrupt)]
            self.patient = self.patient or any(interrupt.patient for interrupt in self._around)
        return self

    def __exit__(self, *_: object) -> None:
        for number, action in self._before.items():
            signal.signal(number, action)

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self.patient:
            raise KeyboardInterrupt
        self.requested = True
        for interrupt in self._around:
            interrupt.requested = True
