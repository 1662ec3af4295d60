"""Results of a sweep: one table of its runs and one dataset of their series, from its folder as it is now.

Nothing keeps a list of what is done: both are made by reading the plan and the run folders, at any time, also while
runs are under way.
"""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm.errors import InputError
from tumorabm.recording.atomic import beside_of, rename
from tumorabm.recording.measurement import QUANTILES
from tumorabm.recording.run_folder import RunFolder
from tumorabm.sweep.plan import Plan, PlannedRun
from tumorabm.sweep.status import STATES, Status, damage, definition, told
from tumorabm.sweep.summaries import summarize, summary_unit

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

TABLE: Final = "runs.parquet"
SERIES: Final = "series.nc"
DAMAGED: Final = "damaged"  # said to be finished, but its data cannot be read; the sweep will run it again
_HOURS_PER_DAY: Final = 24.0


class PackagesMissing(InputError):
    """What a table or dataset is made with is not installed."""


@dataclass(frozen=True)
class _Found:
    """What a run's folder gives."""

    status: Status
    state: str
    message: str
    summaries: dict[str, float] = field(default_factory=dict)
    days: np.ndarray = field(default_factory=lambda: np.empty(0))
    series: dict[str, np.ndarray] = field(default_factory=dict)


def open_sweep(folder: str | Path) -> SweepResults:
    """Open a sweep's folder, finished or not.

    Parameters
    ----------
    folder : str or Path
        The folder that ``tumorabm sweep`` made.

    Raises
    ------
    InputError
        If it is no folder of a sweep.
    """
    return SweepResults(folder)


def status_of(folder: str | Path) -> dict[str, int]:
    """How many runs there are (``runs``) and how many are in each state."""
    plan = Plan.read(folder)
    counts = Counter(told(folder, planned).state for planned in plan.runs)
    return {"runs": len(plan.runs), **{state: counts[state] for state in STATES}}


def collect(folder: str | Path) -> Path:
    """Write the table, and the dataset if series are to be collected, into a sweep's folder, beside and renamed.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    InputError
        If it is no folder of a sweep.
    PackagesMissing
    OSError
        If they cannot be written; then the old ones are as they were.
    """
    found = SweepResults(folder)
    _need("pandas", "pyarrow", *(("xarray", "h5netcdf") if found.plan.series else ()))
    path, series = found.folder / TABLE, found.folder / SERIES
    table = found.table
    _written(path, lambda beside: table.to_parquet(beside, engine="pyarrow", index=False))
    if found.plan.series and found.finished:
        dataset = found.series
        _written(series, lambda beside: dataset.to_netcdf(beside, engine="h5netcdf"))
    else:
        series.unlink(missing_ok=True)
    return path


class SweepResults:
    """Table and series of a sweep as they were when they were first asked for.

    Parameters
    ----------
    folder : str or Path

    Attributes
    ----------
    folder : Path
    plan : Plan
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.plan = Plan.read(self.folder)

    def __repr__(self) -> str:
        return f"<Sweep {self.plan.name}: {self.finished} of {len(self.plan.runs)} runs finished>"

    @property
    def finished(self) -> int:
        """Number of runs whose data are there."""
        return sum(found.state == "finished" for found in self._found)

    @cached_property
    def units(self) -> dict[str, str]:
        """Units of factors and summaries, by column; as far as a run has told those of outputs."""
        known = {factor.label: factor.unit for factor in self.plan.factors if factor.unit not in ("", "1")}
        outputs = self._outputs
        for name, summary in self.plan.summaries.items():
            unit = summary_unit(summary, outputs[summary["output"]]) if summary["output"] in outputs else ""
            if unit not in ("", "1"):
                known[name] = unit
        return {**known, "seconds": "s"}

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per planned run: number, id, point, replicate, seed, state, attempts, seconds, message, factors and
        summaries. Units are in ``attrs["units"]``.

        Raises
        ------
        PackagesMissing
        """
        _need("pandas")
        import pandas as pd

        rows = []
        for planned, found in zip(self.plan.runs, self._found, strict=True):
            rows.append(
                {
                    "index": planned.index,
                    "run_id": planned.run_id,
                    "point": planned.point,
                    "replicate": planned.replicate,
                    "seed": planned.seed,
                    "state": found.state,
                    "attempts": found.status.attempt,
                    "seconds": found.status.seconds,
                    "message": found.message,
                    **planned.factors,
                    **{name: found.summaries.get(name, math.nan) for name in self.plan.summaries},
                }
            )
        table = pd.DataFrame(rows)
        for factor in self.plan.factors:
            table[factor.label] = _of_one_type(table[factor.label].tolist())
        table["seed"] = table["seed"].astype("uint64")
        table.attrs = {"sweep": self.plan.name, "units": self.units}
        return table

    @cached_property
    def series(self) -> xr.Dataset:
        """Collected series of all finished runs along ``run`` and ``time`` (days since the start, burn-in included).

        Factors, point, replicate and seed are coordinates along ``run``. Times are those of all runs together, NaN
        where a run has no record.

        Raises
        ------
        PackagesMissing
        """
        _need("xarray")
        import xarray as xr

        pairs = [pair for pair in zip(self.plan.runs, self._found, strict=True) if pair[1].state == "finished"]
        days = np.unique(np.concatenate([found.days for _, found in pairs])) if pairs else np.empty(0)
        variables: dict[str, Any] = {}
        for name in self.plan.series:
            given = [found.series.get(name) for _, found in pairs]
            quantiles = any(values is not None and values.ndim == 2 for values in given)
            shape = (len(pairs), days.size, len(QUANTILES))[: 3 if quantiles else 2]
            whole = np.full(shape, np.nan)
            for row, ((_, found), values) in enumerate(zip(pairs, given, strict=True)):
                if values is not None:
                    whole[row, np.searchsorted(days, found.days)] = values
            variables[name] = (("run", "time", "quantile")[: whole.ndim], whole, self._described(name))
        planned = [run for run, _ in pairs]
        coordinates: dict[str, Any] = {
            "time": ("time", days, {"units": "d", "long_name": "time since the start"}),
            **({"quantile": list(QUANTILES)} if any(len(item[0]) == 3 for item in variables.values()) else {}),
            "run": ("run", [run.index for run in planned]),
            "run_id": ("run", np.array([run.run_id for run in planned], dtype=object)),
            "point": ("run", [run.point for run in planned]),
            "replicate": ("run", [run.replicate for run in planned]),
            "seed": ("run", np.array([run.seed for run in planned], dtype=np.uint64)),
        }
        for factor in self.plan.factors:
            column = _of_one_type([run.factors[factor.label] for run in planned])
            unit = {"units": factor.unit} if factor.unit else {}
            coordinates[factor.label] = ("run", np.array(column, dtype=_dtype_of(column)), unit)
        return xr.Dataset(variables, coordinates, {"sweep": self.plan.name})

    @cached_property
    def _found(self) -> Sequence[_Found]:
        known: dict[str, _Found] = {}  # a point that a design holds twice is one run
        for planned in self.plan.runs:
            if planned.run_id not in known:
                known[planned.run_id] = self._read(planned)
        return [known[planned.run_id] for planned in self.plan.runs]

    def _read(self, planned: PlannedRun) -> _Found:
        status = told(self.folder, planned)
        if status.state != "finished":
            return _Found(status, status.state, status.message)
        run = self.folder / planned.run_id
        wrong = damage(run, status)
        if wrong:
            return _Found(status, DAMAGED, wrong)
        folder = RunFolder(run)
        summaries = status.summaries
        if status.summarized != definition(self.plan.summaries):
            summaries = summarize(folder, self.plan.summaries)  # the sweep asks for others than when it was run
        if not self.plan.series:
            return _Found(status, status.state, status.message, summaries)
        records = folder.records()
        series = {name: np.asarray(records.series[name], float) for name in self.plan.series if name in records.series}
        days = np.asarray(records.hours, float) / _HOURS_PER_DAY
        return _Found(status, status.state, status.message, summaries, days, series)

    @cached_property
    def _manifest(self) -> dict[str, dict[str, Any]]:
        """Unit and description of each series that a finished run has."""
        for planned, found in zip(self.plan.runs, self._found, strict=True):
            if found.state == "finished":
                return dict(RunFolder(self.folder / planned.run_id).manifest["series"])
        return {}

    @property
    def _outputs(self) -> dict[str, str]:
        return {name: str(item["unit"]) for name, item in self._manifest.items()}

    def _described(self, name: str) -> dict[str, str]:
        item = self._manifest.get(name)
        return {"units": item["unit"], "long_name": item["description"]} if item else {}


def _of_one_type(values: list[Any]) -> list[Any]:
    """Numbers or truth values as they are; all else, mixtures too, as text."""
    for kinds in ((bool,), (int, float)):
        if all(isinstance(value, kinds) and (kinds == (bool,) or not isinstance(value, bool)) for value in values):
            return values
    return [str(value) for value in values]


def _dtype_of(values: list[Any]) -> Any:
    return object if values and isinstance(values[0], str) else None


def _written(path: Path, write: Callable[[Path], object]) -> None:
    # Two parents may collect at the same time: each has a file of its own beside.
    beside = beside_of(path)
    try:
        write(beside)
        rename(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _need(*names: str) -> None:
    """Say in one line what to install if a package is missing."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise PackagesMissing(f"tables of sweeps need {' and '.join(missing)}: pip install 'tumorabm[analysis]'")
