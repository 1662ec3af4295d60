"""A run as labelled data: xarray for time series and fields, pandas for cells and vessels, AnnData for both worlds.

``get_cell_df``, ``get_conc_df`` and ``get_anndata`` are named as in pcdl, PhysiCell's loader.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm.errors import InputError
from tumorabm.recording.run_folder import RunFolder
from tumorabm.units import quantity

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import xarray as xr

    from tumorabm.recording.records import Frame

HOURS_PER_DAY: Final = 24.0
AXES: Final = ("z", "y", "x")


def open_run(path: str | Path) -> Run:
    """Open a run folder, finished or not.

    Parameters
    ----------
    path : str or Path
        The folder that ``tumorabm run`` made.

    Raises
    ------
    InputError
        If it is no run folder, or cannot be read.
    """
    return Run(path)


def latest_run(runs: str | Path = "runs") -> Run:
    """Open the run that was started last among all below a folder.

    Parameters
    ----------
    runs : str or Path
        Where runs are kept, as ``<name>/<run id>``.

    Raises
    ------
    InputError
        If there is none.
    """
    folders = [RunFolder(path.parent) for path in Path(runs).glob("**/provenance.json")]
    if not folders:
        raise InputError(f"there is no run below {runs}; make one with `tumorabm run`")
    return Run(max(folders, key=lambda folder: str(folder.provenance["start"])).path)


class Run:
    """What a run recorded. Times are in days since the start, burn-in included; lengths in µm.

    Parameters
    ----------
    path : str or Path
        The run folder.

    Attributes
    ----------
    folder : RunFolder
    """

    def __init__(self, path: str | Path) -> None:
        self.folder = RunFolder(path)
        self._records = self.folder.records()

    def __repr__(self) -> str:
        return f"<Run {self.name}: {self.timeseries.sizes['time']} records, {self.frame_times.size} frames>"

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return str(self.experiment.get("name") or self.folder.path.name)

    @cached_property
    def experiment(self) -> dict[str, Any]:
        """The resolved experiment."""
        return self.folder.experiment()

    @cached_property
    def sentences(self) -> list[str]:
        """The treatment in words."""
        return self.folder.sentences()

    @cached_property
    def burn_in(self) -> float:
        """Days before the clock of treatment starts."""
        return quantity(self.experiment["burn_in"], "d")

    @property
    def manifest(self) -> dict[str, Any]:
        """Names, units and descriptions of everything recorded, and the meaning of codes."""
        return self._records.manifest

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of sites along (z, y, x)."""
        nz, ny, nx = self.manifest["lattice"]["shape"]
        return nz, ny, nx

    @property
    def spacing(self) -> float:
        """Edge of a site in µm."""
        return float(self.manifest["lattice"]["spacing"])

    @cached_property
    def timeseries(self) -> xr.Dataset:
        """All recorded outputs over ``time`` in days; quantiles have a dimension ``quantile``."""
        import xarray as xr

        variables = {}
        for name, values in self._records.series.items():
            item = self.manifest["series"][name]
            attributes = {"units": item["unit"], "long_name": item["description"]}
            variables[name] = (("time", "quantile")[: values.ndim], values, attributes)
        coordinates: dict[str, Any] = {"time": self._time(self._records.hours)}
        if any(values.ndim == 2 for values in self._records.series.values()):
            coordinates["quantile"] = self.manifest["quantiles"]
        return xr.Dataset(variables, coordinates, {"name": self.name, "sentences": self.sentences})

    @cached_property
    def ledger(self) -> xr.Dataset:
        """Totals since the start by ``<account>/<entry>``, over ``time`` in days."""
        import xarray as xr

        variables = {name: ("time", values) for name, values in self._records.ledger.items()}
        return xr.Dataset(variables, {"time": self._time(self._records.hours)})

    @cached_property
    def clones(self) -> pd.DataFrame:
        """The clone table, in the order of its rows (``clone`` of ``cells``).

        Columns: ``key``, ``name`` and ``parent`` (its name, empty for those that the tumor began with), ``alterations``
        (a tuple), ``birth`` in days, where it began as ``z``, ``y``, ``x`` in µm (NaN for those), and ``intravasated``.
        """
        import pandas as pd

        table = self._records.clones
        names = [name.decode() for name in table["names"].tolist()]
        listed = [tuple(text.decode().split()) for text in table["alterations"].tolist()]
        columns: dict[str, Any] = {
            "key": table["key"],
            "name": names,
            "parent": [names[row] if row >= 0 else "" for row in table["parent"].tolist()],
            "alterations": pd.Series(listed, dtype=object),
            "birth": table["birth_step"] * self.time_step,
        }
        begun = table["site"] >= 0
        for axis, index in zip(AXES, np.unravel_index(np.where(begun, table["site"], 0), self.shape), strict=True):
            columns[axis] = np.where(begun, (index + 0.5) * self.spacing, np.nan)
        return pd.DataFrame({**columns, "intravasated": table["intravasated"]})

    @cached_property
    def census(self) -> pd.DataFrame:
        """Living cells of each clone that is alive at a record: ``time`` in days, ``key``, ``cells``."""
        import pandas as pd

        census = self._records.census
        return pd.DataFrame({"time": census.step * self.time_step, "key": census.key, "cells": census.cells})

    @property
    def time_step(self) -> float:
        """Length of a step in days."""
        return quantity(self.experiment["time_step"], "d")

    @cached_property
    def frame_times(self) -> np.ndarray:
        """Days at which frames were taken, shape (frames,)."""
        return np.array([frame.hours for frame in self._records.frames]) / HOURS_PER_DAY

    def frame_at(self, day: float) -> int:
        """Number of the frame nearest to a day."""
        self._frame(0)
        return int(np.argmin(np.abs(self.frame_times - day)))

    def fields(self, substrate: str) -> xr.DataArray:
        """Concentration of a substrate in all frames, dimensions (time, z, y, x).

        Raises
        ------
        KeyError
            If the substrate was not recorded.
        """
        import xarray as xr

        described = self._substrate(substrate)
        frames = self._records.frames
        values = np.stack([frame.field(substrate) for frame in frames]) if frames else np.empty((0, *self.shape), "f4")
        coordinates = {"time": self._time(self.frame_times * HOURS_PER_DAY), **self._axes()}
        attributes = {"units": described["unit"], "long_name": described["description"]}
        return xr.DataArray(values, coordinates, ("time", *AXES), substrate, attributes)

    def field(self, substrate: str, frame: int = -1) -> np.ndarray:
        """Concentration of a substrate in one frame, shape (nz, ny, nx)."""
        self._substrate(substrate)
        return self._frame(frame).field(substrate)

    @property
    def substrates(self) -> tuple[str, ...]:
        """Names of the recorded substrates."""
        return tuple(self.manifest["substrates"])

    def cells(self, frame: int = -1) -> pd.DataFrame:
        """All cells and debris of a frame, indexed by uid.

        Columns are those that the run's processes declare, with cell type and state as categories, and the center of
        the site as ``z``, ``y``, ``x`` in µm. A column with several entries per cell becomes one column for each, such
        as ``tumor_network_akt``.
        """
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, values in self._frame(frame).cells().items():
            if name in ("cell_type", "state"):
                columns[name] = pd.Categorical.from_codes(values.astype(int), self.manifest["codes"][name])
            elif values.ndim == 1:
                columns[name] = values
            else:
                flat = values.reshape(len(values), -1)
                labels = self.manifest["columns"][name].get("labels") or range(flat.shape[1])
                columns.update({f"{name}_{label}": flat[:, k] for k, label in enumerate(labels)})
        table = pd.DataFrame(columns).set_index("uid")
        for axis, index in zip(AXES, np.unravel_index(table["site"].to_numpy(), self.shape), strict=True):
            table[axis] = (index + 0.5) * self.spacing
        return table

    def vessels(self, frame: int = -1) -> pd.DataFrame:
        """All links between endothelial cells of a frame, one per row.

        Columns: ``uid_0``, ``uid_1``; where the link begins and ends, ``z_0`` ... ``x_1`` in µm (through a periodic
        face it ends outside the domain); and, if recorded, whether both ends are ``perfused``.
        """
        import pandas as pd

        cells = self.cells(frame)
        edges = self._frame(frame).vessels()
        table = pd.DataFrame({"uid_0": edges[:, 0], "uid_1": edges[:, 1]})
        begin, end = cells.loc[table["uid_0"]], cells.loc[table["uid_1"]]
        for axis, count in zip(AXES, self.shape, strict=True):
            length = count * self.spacing
            step = end[axis].to_numpy() - begin[axis].to_numpy()
            # Ends are neighbors: whatever is longer than a site goes through a periodic face.
            step -= np.where(np.abs(step) > 1.5 * self.spacing, np.sign(step) * length, 0.0)
            table[f"{axis}_0"] = begin[axis].to_numpy()
            table[f"{axis}_1"] = begin[axis].to_numpy() + step
        if "perfused" in cells:
            table["perfused"] = (begin["perfused"].to_numpy() > 0) & (end["perfused"].to_numpy() > 0)
        return table

    def doses(self) -> dict[str, list[tuple[float, float]]]:
        """Periods in days in which each drug was given, resolved to the interval of the records.

        Read off the ledger of doses, so delays, changed doses and branches need no second telling. None is before the
        end of the burn-in.
        """
        out = {}
        for entry, total in self._records.ledger.items():
            account, name = entry.split("/", 1)
            if name != "dosed":
                continue
            edges = np.flatnonzero(np.diff((np.diff(total) > 0).astype(int), prepend=0, append=0))
            time = self._records.hours / HOURS_PER_DAY
            drug = account.removesuffix("_depot").removesuffix("_body")
            out[drug] = [(max(float(time[a]), self.burn_in), float(time[b])) for a, b in edges.reshape(-1, 2)]
        return out

    def get_cell_df(self, frame: int = -1) -> pd.DataFrame:
        """``cells`` under the name that pcdl uses."""
        return self.cells(frame)

    def get_conc_df(self, frame: int = -1) -> pd.DataFrame:
        """Concentrations of all substrates in a frame, one site per row, with its center in µm."""
        import pandas as pd

        coordinates = np.meshgrid(*(self._axes()[axis][1] for axis in AXES), indexing="ij")
        columns = {axis: values.reshape(-1) for axis, values in zip(AXES, coordinates, strict=True)}
        columns.update({name: self.field(name, frame).reshape(-1) for name in self.substrates})
        return pd.DataFrame(columns)

    def get_anndata(self, frame: int = -1) -> anndata.AnnData:
        """Cells of a frame as AnnData: numbers in ``X``, types and states in ``obs``, positions in ``obsm``.

        ``obsm["spatial"]`` holds x, y (and z in 3D) in µm, as squidpy expects. Concentrations at each cell's site are
        among the variables, named by the substrate.
        """
        import anndata

        cells = self.cells(frame)
        # What names something is no measurement; a uid would lose digits as a float.
        described = ["cell_type", "state", "clone", "site", *(c for c in cells if cells[c].dtype == np.uint64)]
        numbers = cells.drop(columns=[*described, *AXES]).astype(float)
        for name in self.substrates:
            numbers[name] = self.field(name, frame).reshape(-1)[cells["site"]]
        axes = ["x", "y"] if self.shape[0] == 1 else ["x", "y", "z"]
        observations = cells[described].set_axis(cells.index.astype(str), axis="index")
        data = anndata.AnnData(numbers.to_numpy(), observations)
        data.var_names = list(numbers.columns)
        data.obsm["spatial"] = cells[axes].to_numpy()
        data.uns["time"] = {"value": float(self.frame_times[frame]), "units": "d"}
        return data

    def _frame(self, frame: int) -> Frame:
        frames = self._records.frames
        if not frames:
            raise IndexError(f"{self.name} recorded no frames; record.frames sets their interval")
        if not -len(frames) <= frame < len(frames):
            raise IndexError(f"{self.name} has frames 0 to {len(frames) - 1}, not {frame}")
        return frames[frame]

    def _substrate(self, name: str) -> dict[str, str]:
        if name not in self.manifest["substrates"]:
            raise KeyError(f"{name!r} was not recorded; there are {', '.join(self.substrates)}")
        return self.manifest["substrates"][name]

    def _time(self, hours: np.ndarray) -> tuple[str, np.ndarray, dict[str, str]]:
        return "time", np.asarray(hours) / HOURS_PER_DAY, {"units": "d", "long_name": "time since the start"}

    def _axes(self) -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
        return {
            axis: (axis, (np.arange(count) + 0.5) * self.spacing, {"units": "um"})
            for axis, count in zip(AXES, self.shape, strict=True)
        }
