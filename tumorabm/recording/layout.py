"""The layout of recorded data in HDF5: segments, which are quick to write, and run.h5, which labels everything.

Both keep fields in ``/fields/<substrate>`` (time, z, y, x), cells in ``/cells/<step>`` and edges of the vessel graph in
``/vessels/<step>``. A segment packs its time series into one table; run.h5 has one dataset per series, with
dimension scales as netCDF-4 has them, so that xarray opens each group.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm.errors import InputError
from tumorabm.recording.atomic import write_hdf5
from tumorabm.recording.records import Census, Frame, Records

if TYPE_CHECKING:
    import h5py

FORMAT: Final = 5
SEGMENT: Final = "segment"
RUN: Final = "run"
CHECKPOINT: Final = "checkpoint"
RUN_FILE: Final = "run.h5"

_CENSUS: Final = {
    "step": "number of completed steps",
    "key": "key of a clone that is alive",
    "cells": "living cells of the clone",
}
_TIME = ("time", "h", "simulated time since the start, burn-in included")
_CHECKED: Final = {"chunks": True, "fletcher32": True}
_COMPRESSED: Final = {"chunks": True, "compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


@contextmanager
def opened(path: Path, kind: str) -> Iterator[h5py.File]:
    """Open a file of this package for reading.

    Raises
    ------
    InputError
        If it is missing, damaged, truncated, of another program, of another kind or of a later format. Also if
        reading its content fails later, within the block.
    """
    import h5py

    try:
        with h5py.File(path, "r", locking=False) as file:
            check_kind(path, file, kind)
            yield file
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it") from None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:  # a damaged tree gives any of them
        reason = str(error).split("\n")[0]
        raise InputError(f"{path}: cannot be read, it is damaged, truncated or no HDF5 file ({reason})") from error


def check_kind(path: Path, file: h5py.File, kind: str) -> None:
    """Refuse a file that is not of a kind, or of a format that this version does not know."""
    found = file.attrs.get("tumorabm_kind")
    if found is None:
        raise InputError(f"{path}: is an HDF5 file, but not one of tumorabm")
    if found != kind:
        raise InputError(f"{path}: is a {found} of tumorabm, expected a {kind}")
    number = int(file.attrs.get("tumorabm_format", -1))
    if number != FORMAT:
        raise InputError(f"{path}: has format {number}, this version of tumorabm reads format {FORMAT}")


def mark(file: h5py.File, kind: str, **attributes: object) -> None:
    """Write what ``check_kind`` reads, and other attributes of the file."""
    file.attrs["tumorabm_kind"] = kind
    file.attrs["tumorabm_format"] = FORMAT
    for name, value in attributes.items():
        file.attrs[name] = value


def write_records(path: Path, records: Records, kind: str) -> None:
    """Write records as a segment or as run.h5."""

    def fill(file: h5py.File) -> None:
        mark(file, kind, from_step=records.from_step, to_step=records.to_step)
        file["manifest"] = json.dumps({**records.manifest, "tables": _tables(records)})
        labeled = kind == RUN
        (_write_labeled if labeled else _write_packed)(file, records)
        _write_fields(file.create_group("fields"), records, labeled)
        _write_cells(file.create_group("cells"), records, labeled)
        _write_vessels(file.create_group("vessels"), records.frames, labeled)

    write_hdf5(path, fill)


def read_records(path: Path, kind: str) -> Records:
    """Read a segment or run.h5. Frames are read when they are asked for.

    Raises
    ------
    InputError
        If it cannot be read, see ``opened``.
    """
    with opened(path, kind) as file:
        manifest = json.loads(file["manifest"][()])
        tables = manifest.pop("tables")
        if kind == RUN:
            rows = file["timeseries"]
            steps, hours = rows["step"][()], rows["time"][()]
            series = {name: rows[name][()] for name, _ in tables["series"]}
            ledger = {name: file[f"ledger/{name}"][()] for name, _ in tables["ledger"]}
        else:
            steps, hours = file["steps"][()], file["hours"][()]
            series = _unpack(file["series"][()], tables["series"])
            ledger = _unpack(file["ledger"][()], tables["ledger"])
        moments = zip(file["fields/step"][()].tolist(), file["fields/time"][()].tolist(), strict=True)
        return Records(
            from_step=int(file.attrs["from_step"]),
            to_step=int(file.attrs["to_step"]),
            manifest=manifest,
            steps=steps,
            hours=hours,
            series=series,
            ledger=ledger,
            clones={name: values[()] for name, values in file["clones"].items() if name != "clone"},
            census=Census(*(file[f"census/{name}"][()] for name in Census._fields)),
            frames=[FrameOnDisk(path, kind, step, hours, i) for i, (step, hours) in enumerate(moments)],
        )


class FrameOnDisk:
    """A frame in a file, read part by part when asked."""

    def __init__(self, path: Path, kind: str, step: int, hours: float, index: int) -> None:
        self.step = step
        self.hours = hours
        self._path = path
        self._kind = kind
        self._index = index

    @contextmanager
    def _opened(self) -> Iterator[tuple[h5py.File, int]]:
        """The file and the frame's place in it. A segment may have gone into run.h5 since the folder was listed."""
        run = self._path.parent.parent / RUN_FILE
        moved = self._kind == SEGMENT and not self._path.exists() and run.exists()
        with opened(run if moved else self._path, RUN if moved else self._kind) as file:
            yield file, int(np.searchsorted(file["fields/step"][()], self.step)) if moved else self._index

    def substrates(self) -> tuple[str, ...]:
        """Names of the fields."""
        with self._opened() as (file, _):
            return tuple(name for name, values in file["fields"].items() if values.ndim == 4)

    def field(self, substrate: str) -> np.ndarray:
        """Concentration, float32, shape (nz, ny, nx)."""
        with self._opened() as (file, index):
            return file["fields"][substrate][index]

    def cells(self) -> dict[str, np.ndarray]:
        """Columns of all cells, sorted by uid."""
        with self._opened() as (file, _):
            group = file["cells"][group_name(self.step)]
            return {name: values[()] for name, values in group.items() if name[0] != "_"}

    def vessels(self) -> np.ndarray:
        """Edges as pairs of uids, uint64, shape (m, 2)."""
        with self._opened() as (file, _):
            group = file["vessels"][group_name(self.step)]
            return np.stack([group["uid_a"][()], group["uid_b"][()]], axis=1)


def group_name(step: int) -> str:
    """Name of a frame's group: its step, so that names sort in time."""
    return f"{step:08d}"


# --- segments --------------------------------------------------------------------------------------------------------


def _tables(records: Records) -> dict[str, list[tuple[str, int]]]:
    """Names and widths of the series and of the ledger's entries, in the order of a segment's tables."""
    return {
        part: [(name, values.shape[1] if values.ndim > 1 else 0) for name, values in columns.items()]
        for part, columns in (("series", records.series), ("ledger", records.ledger))
    }


def _write_packed(file: h5py.File, records: Records) -> None:
    n = records.steps.size
    file["steps"] = records.steps
    file["hours"] = records.hours
    for part, columns in (("series", records.series), ("ledger", records.ledger)):
        table = np.concatenate(
            [values.reshape(n, math.prod(values.shape[1:])) for values in columns.values()] or [np.empty((n, 0))],
            axis=1,
        )
        file.create_dataset(part, data=table, **(_CHECKED if table.size else {}))
    clones = file.create_group("clones")
    for name, values in records.clones.items():
        clones[name] = values
    census = file.create_group("census")
    for name, values in records.census._asdict().items():
        census.create_dataset(name, data=values, **(_CHECKED if values.size else {}))


def _unpack(table: np.ndarray, layout: Sequence[tuple[str, int]]) -> dict[str, np.ndarray]:
    out = {}
    position = 0
    for name, width in layout:
        out[name] = table[:, position : position + width] if width else table[:, position]
        position += max(width, 1)
    return out


# --- run.h5 ----------------------------------------------------------------------------------------------------------


def _scale(group: h5py.Group, name: str, values: np.ndarray, units: str, long_name: str) -> h5py.Dataset:
    dataset = group.create_dataset(name, data=values)
    dataset.make_scale(name)
    _describe(dataset, units, long_name)
    return dataset


def _describe(dataset: h5py.Dataset, units: str, long_name: str) -> None:
    dataset.attrs["units"] = units
    dataset.attrs["long_name"] = long_name


def _put(group: h5py.Group, name: str, values: np.ndarray, scales: Sequence[h5py.Dataset], **how: Any) -> h5py.Dataset:
    dataset = group.create_dataset(name, data=values, **(how or _COMPRESSED if values.size else {}))
    for dimension, scale in zip(dataset.dims, scales, strict=True):
        dimension.attach_scale(scale)
    return dataset


def _write_labeled(file: h5py.File, records: Records) -> None:
    manifest = records.manifest
    rows = file.create_group("timeseries")
    time = _scale(rows, _TIME[0], records.hours, *_TIME[1:])
    quantile = _scale(rows, "quantile", np.array(manifest["quantiles"], dtype=float), "1", "quantile")
    _describe(_put(rows, "step", records.steps, [time]), "1", "number of completed steps")
    for name, values in records.series.items():
        entry = manifest["series"][name]
        dataset = _put(rows, name, values, [time, quantile][: values.ndim], **_CHECKED)
        _describe(dataset, entry["unit"], entry["description"])

    ledger = file.create_group("ledger")
    for name, values in records.ledger.items():
        account, entry = name.split("/", 1)
        group = ledger.require_group(account)
        if "time" not in group:
            _scale(group, _TIME[0], records.hours, *_TIME[1:])
        _put(group, entry, values, [group["time"]], **_CHECKED)

    clones = file.create_group("clones")
    count = next((len(values) for values in records.clones.values()), 0)
    clone = _scale(clones, "clone", np.arange(count), "1", "row of the clone table")
    for name, values in records.clones.items():
        _put(clones, name, values, [clone], **_CHECKED)

    census = file.create_group("census")
    entry = _scale(census, "entry", np.arange(records.census.step.size), "1", "a clone that is alive at a step")
    for name, values in records.census._asdict().items():
        _describe(_put(census, name, values, [entry]), "1", _CENSUS[name])


# --- both ------------------------------------------------------------------------------------------------------------


def _write_fields(group: h5py.Group, records: Records, labeled: bool) -> None:
    hours = np.array([frame.hours for frame in records.frames], dtype=float)
    steps = np.array([frame.step for frame in records.frames], dtype=np.int64)
    if not labeled:
        group["time"], group["step"] = hours, steps
        scales = []
    else:
        time = _scale(group, _TIME[0], hours, *_TIME[1:])
        _describe(_put(group, "step", steps, [time]), "1", "number of completed steps")
        lattice = records.manifest["lattice"]
        scales = [time] + [
            _scale(group, axis, (np.arange(n) + 0.5) * lattice["spacing"], "um", f"{axis} of the site's center")
            for axis, n in zip("zyx", lattice["shape"], strict=True)
        ]
    if not records.frames:
        return
    shape = (steps.size, *records.manifest["lattice"]["shape"])
    how = dict(_COMPRESSED if labeled else _CHECKED, chunks=(1, *shape[1:]))
    present = [frame.substrates() for frame in records.frames]  # a frame on disk opens its file each time
    for substrate in sorted(set().union(*present)):
        # Before a branch gave the run another substrate there is nothing of it: not a number.
        dataset = group.create_dataset(substrate, shape, "f4", fillvalue=np.nan, **how)
        for i, frame in enumerate(records.frames):
            if substrate in present[i]:
                dataset[i] = frame.field(substrate)
        if labeled:
            for dimension, scale in zip(dataset.dims, scales, strict=True):
                dimension.attach_scale(scale)
            entry = records.manifest["substrates"][substrate]
            _describe(dataset, entry["unit"], entry["description"])


def _write_cells(group: h5py.Group, records: Records, labeled: bool) -> None:
    for frame in records.frames:
        cells = group.create_group(group_name(frame.step))
        cells.attrs["hours"] = frame.hours
        columns = frame.cells()
        if not labeled:
            for name, values in columns.items():
                cells.create_dataset(name, data=values, **(_CHECKED if values.size else {}))
            continue
        entries: Mapping[str, Any] = records.manifest["columns"]
        uid = _scale(cells, "uid", columns["uid"], "1", entries["uid"]["description"])
        for name, values in columns.items():
            if name == "uid":
                continue
            scales = [uid] + [_component(cells, n) for n in values.shape[1:]]
            dataset = _put(cells, name, values, scales)
            _describe(dataset, entries[name]["unit"], entries[name]["description"])
            # What was recorded before columns had labels, or with another network before a branch, has none.
            labels = entries[name].get("labels", ())
            if labels and values.shape[1:] == (len(labels),):
                dataset.attrs["components"] = labels


def _component(group: h5py.Group, n: int) -> h5py.Dataset:
    name = f"_component_{n}"
    return group[name] if name in group else _scale(group, name, np.arange(n), "1", "component")


def _write_vessels(group: h5py.Group, frames: Sequence[Frame], labeled: bool) -> None:
    for frame in frames:
        vessels = group.create_group(group_name(frame.step))
        vessels.attrs["hours"] = frame.hours
        edges = frame.vessels()
        if labeled:
            edge = _scale(vessels, "edge", np.arange(edges.shape[0]), "1", "edge of the vessel graph")
        for end, name in enumerate(("uid_a", "uid_b")):
            values = np.ascontiguousarray(edges[:, end])
            if labeled:
                _describe(_put(vessels, name, values, [edge]), "1", "uid of the endothelial cell at one end")
            else:
                vessels.create_dataset(name, data=values, **(_CHECKED if values.size else {}))
