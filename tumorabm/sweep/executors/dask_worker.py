"""What a worker of dask loads before it begins (``--preload``): ends that lose as little as possible."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Ctrl-C reaches every process of a terminal; it is the parent that decides what ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def dask_teardown(worker: Any) -> None:
    """The worker is told to end, by its parent or by the batch system: its run writes a checkpoint."""
    from tumorabm.sweep.worker import stop

    stop()
