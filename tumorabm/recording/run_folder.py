"""A run folder, for reading: of a finished run or of one that is under way, from run.h5 and segments alike."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from tumorabm.errors import InputError
from tumorabm.recording.records import Frame, Records
from tumorabm.recording.segments import read_all

EXPERIMENT: Final = "experiment.yaml"
PROVENANCE: Final = "provenance.json"
CITATIONS: Final = "citations.bib"
LOG: Final = "log.jsonl"
CATALOG: Final = "catalog"  # files of users' own catalog folders, if there were any
PARENT: Final = "parent.yaml"  # the parent's resolved experiment, in a branch
STATUS: Final = "status.json"  # of a run in a sweep: how far it is
ATTEMPTS: Final = "attempts"  # of a run in a sweep: who has worked on it
STATUSES: Final = ("running", "finished", "interrupted", "failed")


class RunFolder:
    """What a run left.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        If it is no run folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise InputError(f"{path}: there is no such run folder")
        if not (self.path / PROVENANCE).is_file() or not (self.path / EXPERIMENT).is_file():
            raise InputError(f"{path}: is no run folder, it lacks {PROVENANCE} or {EXPERIMENT}")

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @property
    def provenance(self) -> dict[str, Any]:
        """Version, source, machine, times and status, as they are now.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        path = self.path / PROVENANCE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        if not isinstance(content, dict) or "run_id" not in content:
            raise InputError(f"{path}: is not the provenance of a tumorabm run")
        return content

    @property
    def run_id(self) -> str:
        """Hash of resolved configuration, seed and source."""
        return str(self.provenance["run_id"])

    @property
    def status(self) -> str:
        """One of running, finished, interrupted, failed. A run that was killed says running."""
        return str(self.provenance["status"])

    @classmethod
    def told(cls, path: Path) -> dict[str, Any]:
        """What a command says about a run it has worked on: identity, status and how far it is.

        A disk can be too full even for the provenance: then it failed, and nothing is known.
        """
        try:
            content = cls(path).provenance
        except InputError:
            return {"run_id": path.name, "status": "failed", "step": 0, "hours": 0.0}
        place = {"step": content.get("step", 0), "hours": content.get("hours", 0.0)}
        return {"run_id": content["run_id"], "status": content["status"], "seed": content["seed"], **place}

    def sentences(self) -> list[str]:
        """The treatment in words."""
        return list(self.provenance["sentences"])

    def experiment(self) -> dict[str, Any]:
        """The resolved experiment."""
        from tumorabm.yaml import read

        return read(self.path / EXPERIMENT).data

    def records(self) -> Records:
        """Everything recorded so far, read anew. Frames are read from disk when asked for.

        Raises
        ------
        InputError
            If nothing is recorded yet, or a file cannot be read.
        """
        return read_all(self.path)

    @cached_property
    def _records(self) -> Records:
        return self.records()

    @property
    def manifest(self) -> dict[str, Any]:
        """Names, units and descriptions of series, substrates and columns, the lattice, and the meaning of codes."""
        return self._records.manifest

    def timeseries(self) -> dict[str, np.ndarray]:
        """All series by name, with ``time`` in hours since the start (burn-in included) and ``step``.

        Shapes are (rows,), and (rows, quantiles) for quantiles.
        """
        return {"time": self._records.hours, "step": self._records.steps, **self._records.series}

    def units(self) -> dict[str, str]:
        """Unit of each series."""
        series = {name: str(entry["unit"]) for name, entry in self.manifest["series"].items()}
        return {"time": "h", "step": "1", **series}

    def frames(self) -> list[Frame]:
        """All frames, with ``step``, ``hours``, ``field(substrate)``, ``cells()`` and ``vessels()``."""
        return list(self._records.frames)

    def ledger(self) -> dict[str, np.ndarray]:
        """Totals since the start by ``<account>/<entry>``, shape (rows,)."""
        return dict(self._records.ledger)

    def clones(self) -> dict[str, np.ndarray]:
        """The clone table."""
        return dict(self._records.clones)

    def census(self) -> dict[str, np.ndarray]:
        """Living cells by clone: ``step``, ``key`` and ``cells`` of each clone that is alive at a record's step."""
        return self._records.census._asdict()
