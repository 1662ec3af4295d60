"""The plan of a sweep: every run it consists of, and the file that holds it.

A plan is made from a sweep file (``design.py``) and written into the sweep's folder; workers on any node read it there,
so that a task is no more than the folder and the number of a run.

    <out>/<name>/
      plan.json          this
      base.yaml          the base experiment, resolved
      catalog/           files of users' own catalog folders, if there were any
      <run id>/          the run folders, each with status.json and attempts/ beside what a run leaves
      runs.parquet       one row per planned run
      series.nc          the collected series along run and time
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tumorabm.errors import InputError
from tumorabm.recording.atomic import write_json

PLAN: Final = "plan.json"
BASE: Final = "base.yaml"
FORMAT: Final = 1


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes
    ----------
    index : int
        Its number in the plan.
    run_id : str
        Hash of resolved configuration, seed and source; names its folder.
    point, replicate : int
        Which point of the design, which replicate of it.
    seed : int
    settings : dict
        What differs from the base experiment, by path, as ``load_experiment`` takes overrides.
    factors : dict
        Value of each factor by its label: a number in the factor's unit, or a word.
    """

    index: int
    run_id: str
    point: int
    replicate: int
    seed: int
    settings: dict[str, Any]
    factors: dict[str, Any]


@dataclass(frozen=True)
class PlannedFactor:
    """What is varied.

    Attributes
    ----------
    label : str
        Short name, a column of the table.
    paths : tuple of str
        Paths in the experiment that it sets.
    unit : str
        Of its values; empty for words.
    """

    label: str
    paths: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True)
class Plan:
    """All runs of a sweep, in their order.

    Attributes
    ----------
    name : str
        Of the sweep and of its folder.
    design : dict
        The design as the sweep file has it (method and settings), for what evaluates it.
    factors : list of PlannedFactor
    series : list of str
        Time series that go into the dataset.
    summaries : dict of str to dict
        What is computed from each finished run, by name; see ``summaries.py``.
    resources : dict
        threads, retries, time_limit (s, 0 for none) and whatever executors need.
    runs : list of PlannedRun
    source_hash : str
        Of the code that the plan was made with: another code gives other run ids.
    """

    name: str
    design: dict[str, Any]
    factors: list[PlannedFactor]
    series: list[str]
    summaries: dict[str, dict[str, Any]]
    resources: dict[str, Any]
    runs: list[PlannedRun] = field(repr=False)
    source_hash: str = ""

    @cached_property
    def identity(self) -> str:
        """Hash of all that it says: a worker that finds another plan in the folder than its sweep's does nothing."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def write(self, folder: Path) -> None:
        """Write into a sweep's folder, beside and renamed; nothing if it is there already."""
        with contextlib.suppress(InputError):
            if Plan.read(folder).identity == self.identity:
                return
        write_json(folder / PLAN, {"format": FORMAT, **asdict(self)})

    def same_as(self, other: Plan) -> bool:
        """Whether another plan would be written the same way."""
        one, two = (json.dumps(asdict(plan), sort_keys=True) for plan in (self, other))
        return one == two

    @classmethod
    def read(cls, folder: str | Path) -> Plan:
        """The plan in a sweep's folder.

        Raises
        ------
        InputError
            If there is none, or it cannot be read.
        """
        path = Path(folder) / PLAN
        if not path.is_file():
            raise InputError(f"{folder}: is no folder of a sweep, it lacks {PLAN}")
        try:
            content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            known = {key: value for key, value in content.items() if key != "format"}
            if content.get("format") != FORMAT:
                raise InputError(f"{path}: has format {content.get('format')}, expected {FORMAT}")
            factors = [PlannedFactor(f["label"], tuple(f["paths"]), f["unit"]) for f in known.pop("factors")]
            runs = [PlannedRun(**run) for run in known.pop("runs")]
            return cls(factors=factors, runs=runs, **known)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
