"""Attempts at a run: who works on it, or has worked on it.

    <run id>/attempts/
      0001.json    made by whoever takes the run, so that only one can; its time of change is the heartbeat
      0001.txt     where the attempt was when it was ended from inside: a hang past its time, a crash

A file that must not exist yet is made by one process only, on NFS too. The next attempt may be made when this one is
over: its status says so, its process is gone, or, seen from another machine, its heart has not beaten for a while. A
holder that was silent for so long finds the newer attempt and writes no more.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Final

from tumorabm.recording.provenance import now
from tumorabm.recording.run_folder import ATTEMPTS

HEARTBEAT: Final = 20.0  # seconds between signs of life
SILENCE: Final = 300.0  # seconds without one after which another machine takes over
_BLANK: Final = 10.0  # seconds that a file may be without content: its maker was killed in between


class Attempt:
    """One attempt at a run, for reading.

    Parameters
    ----------
    run : Path
        The run folder.
    number : int
        Counted from 1.
    """

    def __init__(self, run: Path, number: int) -> None:
        self.number = number
        self.path = run / ATTEMPTS / f"{number:04d}.json"

    def content(self) -> dict[str, Any]:
        """Who made it and when; empty if it cannot be read."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def last_words_path(self) -> Path:
        """Where the interpreter says where it was when it had to end."""
        return self.path.with_suffix(".txt")

    def last_words(self) -> str:
        """Where the attempt was when it was ended from inside; empty if it was not."""
        try:
            return self.last_words_path.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def alive(self) -> bool:
        """Whether somebody is still at it, as far as can be told from here."""
        try:
            beaten = self.path.stat().st_mtime
        except OSError:
            return False
        if not beaten:
            return False  # its holder has let go
        content = self.content()
        if not content:
            return time.time() - beaten < _BLANK
        if self.last_words():
            return False
        if content.get("machine") == _machine():
            return content.get("born") == _born(int(content.get("process", 0)))
        return time.time() - beaten < SILENCE


def latest(run: Path) -> int:
    """Number of the newest attempt at a run; 0 if there was none."""
    try:
        names = os.listdir(run / ATTEMPTS)
    except OSError:
        return 0
    return max((int(name[:-5]) for name in names if name.endswith(".json") and name[:-5].isdigit()), default=0)


class Claim(Attempt):
    """An attempt of this process. Use as a context, in which its heart beats.

    Raises
    ------
    FileExistsError
        If somebody else was faster.
    OSError
        If it cannot be written.
    """

    def __init__(self, run: Path, number: int, **details: object) -> None:
        super().__init__(run, number)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        process = os.getpid()
        content = {
            "host": socket.gethostname(),
            "process": process,
            "machine": _machine(),
            "born": _born(process),
            "token": uuid.uuid4().hex,
            "began": now(),
            **details,
        }
        descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(content, indent=2) + "\n")
        except OSError:
            with contextlib.suppress(OSError):
                self.path.unlink()
            raise
        self._next = Attempt(run, number + 1).path
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Claim:
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._heart.join()

    def taken(self) -> bool:
        """Whether somebody has taken the run over."""
        return self._next.exists()

    def let_go(self) -> None:
        """Say that this attempt is over where its status could not be written; needs no room on the disk."""
        self.__exit__()
        with contextlib.suppress(OSError):
            os.utime(self.path, (0, 0))

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                os.utime(self.path)


def _machine() -> str:
    """What numbers of processes are valid in: this boot of this machine, and this container of it."""
    boot = namespace = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    with contextlib.suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
    return " ".join((socket.gethostname(), boot, namespace))


def _born(process: int) -> str:
    """When a process of this machine was started; empty if it is gone. Numbers of processes are used again."""
    try:
        # The name, in parentheses, may hold anything; behind it: state, then 18 others, then the start in ticks.
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        if os.path.isdir("/proc/self"):
            return ""
    try:
        os.kill(process, 0)  # no /proc: only whether there is one of that number
    except OSError:
        return ""
    return "unknown"
