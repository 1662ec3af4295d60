"""The writing side of a run folder: one process at a time, segment before checkpoint, provenance and log."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from tumorabm.errors import InputError
from tumorabm.recording import provenance
from tumorabm.recording.atomic import write_json
from tumorabm.recording.checkpoint import LATEST, PREVIOUS, Checkpoint, kept_name, read_checkpoint, write_checkpoint
from tumorabm.recording.records import Records
from tumorabm.recording.run_folder import LOG, PROVENANCE
from tumorabm.recording.segments import FOLDER, RUN_FILE, consolidate, discard_after, remove_unfinished, write_segment
from tumorabm.tissue.tissue import Tissue

try:
    import fcntl
except ImportError:  # Windows has none: there nobody checks for a second writer
    fcntl = None  # type: ignore[assignment]


class RunBusy(InputError):
    """Another process is writing to the run."""


class RunWriter:
    """A run folder open for writing. Use as a context; another process that writes to the folder is refused.

    Parameters
    ----------
    path : Path
        The folder; it is made if there is none.

    Raises
    ------
    InputError
        If it cannot be written, or another process is writing to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            (path / FOLDER).mkdir(parents=True, exist_ok=True)
            self._log = (path / LOG).open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error})") from error
        if fcntl is not None:
            try:
                fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._log.close()
                raise RunBusy(f"{path}: another process is writing to this run") from None
        self._attributes: dict[str, str] = {}
        self._provenance: dict[str, Any] = {}

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._log)

    def log(self, event: str, **details: object) -> None:
        """Add a line to the log. A full disk stops the run where data are written, not here."""
        with contextlib.suppress(OSError):
            self._log.write(json.dumps({"time": provenance.now(), "event": event, **details}) + "\n")
            self._log.flush()

    def begin(self, known: Mapping[str, Any], history_hash: str, threads: int, from_step: int) -> None:
        """Begin a session: the run's first, or one that resumes it.

        Parameters
        ----------
        known : mapping
            The provenance so far; of a new run what identifies it.
        history_hash : str
            Goes into checkpoints, which belong to it.
        threads, from_step : int
        """
        machine = provenance.machine(threads)
        self._attributes = {
            "version": machine["version"],
            "source_hash": machine["source_hash"],
            "history_hash": history_hash,
        }
        start = provenance.now()
        self._provenance = {
            **known,
            **machine,
            "start": known.get("start", start),
            "end": None,
            "status": "running",
            "message": "",
            "sessions": [
                *known.get("sessions", []),
                {"start": start, "from_step": from_step, **_brief(machine), "status": "running"},
            ],
        }
        write_json(self.path / PROVENANCE, self._provenance)
        self.log("start", step=from_step, threads=threads, version=machine["version"])

    def end(self, status: str, tissue: Tissue, message: str = "") -> None:
        """Say how the session ended. On a full disk the folder keeps saying that the run is under way."""
        ended = provenance.now()
        place = {"step": tissue.step_number, "hours": tissue.hours}
        self._provenance.update(end=ended, status=status, message=message, **place)
        self._provenance["sessions"][-1].update(end=ended, status=status, **place)
        self.log(status, message=message, **place)
        with contextlib.suppress(OSError):
            write_json(self.path / PROVENANCE, self._provenance)

    def commit(self, tissue: Tissue, records: Records, keep: bool = False) -> None:
        """Write what was recorded as a segment, then the checkpoint.

        Raises
        ------
        OSError
            If something could not be written. What was there before is untouched.
        """
        write_segment(self.path, records)
        self.checkpoint(tissue, records.manifest["columns"], keep)

    def checkpoint(self, tissue: Tissue, columns: Mapping[str, Any], keep: bool = False) -> None:
        """Write a checkpoint, and one to keep beside it if asked for. Its segment is written before."""
        state = tissue.state()
        if keep:
            write_checkpoint(self.path / kept_name(tissue.hours), state, columns, self._attributes)
        write_checkpoint(self.path / LATEST, state, columns, self._attributes)
        self.log("checkpoint", step=tissue.step_number, hours=tissue.hours)

    def rescue(self, records: Records) -> None:
        """Keep for readers what was recorded after the last checkpoint of a run that failed."""
        if records.steps.size or records.frames:
            write_segment(self.path, records)

    def consolidate(self, until: int) -> None:
        """Make run.h5, see ``segments.consolidate``."""
        consolidate(self.path, until)
        self.log("consolidate", step=until)

    def restore(self) -> Checkpoint | None:
        """Bring the folder back to its last good checkpoint: what is newer, or unfinished, is removed.

        Returns
        -------
        Checkpoint or None
            None if the run ended before its first checkpoint.

        Raises
        ------
        InputError
            If there are checkpoints but none can be read.
        """
        remove_unfinished(self.path)
        failures = []
        for name in (LATEST, PREVIOUS):
            path = self.path / name
            if not path.exists():
                continue
            try:
                checkpoint = read_checkpoint(path)
            except InputError as error:
                failures.append(error)
                self.log("unreadable", file=name, message=str(error))
                continue
            discard_after(self.path, checkpoint.step)
            return checkpoint
        if failures:
            raise failures[0]
        if (self.path / RUN_FILE).exists():
            raise InputError(f"{self.path}: has results but no checkpoint, it cannot be resumed")
        discard_after(self.path, -1)
        return None


def find_checkpoint(folder: Path, step: int) -> tuple[Checkpoint | None, list[str]]:
    """The latest checkpoint of a run at or before a step, kept ones included, and what is wrong with bad ones."""
    found: Checkpoint | None = None
    problems = []
    for path in sorted(folder.glob("checkpoint*.h5")):
        try:
            checkpoint = read_checkpoint(path)
        except InputError as error:
            problems.append(str(error))
            continue
        if checkpoint.step <= step and (found is None or checkpoint.step > found.step):
            found = checkpoint
    return found, problems


def adapted(state: Mapping[str, np.ndarray], fresh: Mapping[str, np.ndarray], cells: Sequence[Any]) -> dict[str, Any]:
    """A state of another experiment as one of this: what only this has is as in a new tissue.

    Parameters
    ----------
    state : mapping of str to ndarray
        From a checkpoint of the parent.
    fresh : mapping of str to ndarray
        State of a tissue that was just built for this experiment.
    cells : sequence of Column
        Columns of this experiment's cells. New ones start at their default.
    """
    n = len(state["cells/uid"])
    out: dict[str, Any] = {name: value for name, value in fresh.items() if not name.startswith(("cells/", "ledger/"))}
    for column in cells:
        out[f"cells/{column.name}"] = np.full((n, *column.shape), column.default, dtype=column.dtype)
    shared = set(out)
    for name, value in state.items():
        if name in shared or name.startswith(("ledger/", "patient/", "clones/")):
            out[name] = value
    return out


def _brief(machine: Mapping[str, Any]) -> dict[str, Any]:
    return {name: machine[name] for name in ("version", "source_hash", "host", "threads")}


def _close(stream: IO[str]) -> None:
    with contextlib.suppress(OSError):  # on a full disk the last line of the log may be lost
        stream.close()
