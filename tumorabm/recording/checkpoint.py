"""Checkpoints: the whole state of a tissue, as it is between two steps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorabm.errors import InputError
from tumorabm.recording.atomic import rename, write_hdf5
from tumorabm.recording.layout import CHECKPOINT, mark, opened

if TYPE_CHECKING:
    import h5py

LATEST = "checkpoint.h5"
PREVIOUS = "checkpoint-previous.h5"


@dataclass(frozen=True)
class Checkpoint:
    """A state that was read.

    Attributes
    ----------
    path : Path
    step : int
    hours : float
    state : dict of ndarray
        What ``Tissue.load`` takes.
    attributes : dict
        ``version``, ``source_hash``, ``history_hash``.
    columns : dict
        The manifest of cell columns.
    """

    path: Path
    step: int
    hours: float
    state: dict[str, np.ndarray]
    attributes: dict[str, str]
    columns: dict[str, Any]


def kept_name(hours: float) -> str:
    """File name of a checkpoint that ``record.keep`` asked for; days, and hours where they are not whole days."""
    days, rest = divmod(round(hours), 24)
    return f"checkpoint-{days:04d}d.h5" if rest == 0 else f"checkpoint-{days:04d}d{rest:02d}h.h5"


def write_checkpoint(
    path: Path, state: Mapping[str, np.ndarray], columns: Mapping[str, Any], attributes: Mapping[str, str]
) -> None:
    """Write a checkpoint beside and rename it; a latest one that is there becomes the previous one.

    Parameters
    ----------
    path : Path
    state : mapping of str to ndarray
        Of ``Tissue.state``.
    columns : mapping
        The manifest of cell columns.
    attributes : mapping of str to str
        Version, source hash, and hash of the experiment as far as it decides on the history.
    """

    def fill(file: h5py.File) -> None:
        mark(file, CHECKPOINT, step=int(state["step_number"]), hours=float(state["hours"]), digest=_digest(state))
        file["columns"] = json.dumps(columns)
        for name, attribute in attributes.items():
            file.attrs[name] = attribute
        arrays = file.create_group("state")
        # Numbers are many (each entry of the ledger is one): one dataset per type instead of one each.
        numbers: dict[str, list[str]] = {}
        for name, value in state.items():
            if np.ndim(value) == 0:
                numbers.setdefault(np.asarray(value).dtype.str, []).append(name)
            else:
                arrays[name] = value
        for position, (dtype, names) in enumerate(sorted(numbers.items())):
            group = file.create_group(f"numbers/{position}")
            group["values"] = np.array([state[name] for name in names], dtype=dtype)
            group["names"] = np.array([name.encode() for name in names])

    def keep_previous() -> None:
        if path.name == LATEST and path.exists():
            rename(path, path.with_name(PREVIOUS))

    write_hdf5(path, fill, keep_previous)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    InputError
        If it cannot be read, was not written by this program, or its content is not what was written.
    """
    state: dict[str, np.ndarray] = {}
    with opened(path, CHECKPOINT) as file:

        def collect(name: str, item: Any) -> None:
            if hasattr(item, "shape"):
                state[name] = item[()]

        file["state"].visititems(collect)
        for group in file["numbers"].values():
            state.update(zip((name.decode() for name in group["names"][()]), group["values"][()], strict=True))
        attributes = {
            name: str(value) for name, value in file.attrs.items() if name in ("version", "source_hash", "history_hash")
        }
        if _digest(state) != file.attrs["digest"]:
            raise InputError(f"{path}: the checkpoint is damaged, its content is not what was written")
        return Checkpoint(
            path=path,
            step=int(file.attrs["step"]),
            hours=float(file.attrs["hours"]),
            state=state,
            attributes=attributes,
            columns=json.loads(file["columns"][()]),
        )


def _digest(state: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        value = np.asarray(state[name])
        digest.update(f"{name} {value.dtype.str} {value.shape};".encode())
        digest.update(np.ascontiguousarray(value).data.cast("B") if value.size else b"")
    return digest.hexdigest()
