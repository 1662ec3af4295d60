"""Segments: what was recorded since the last consolidation, one file per checkpoint interval."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tumorabm.errors import InputError
from tumorabm.recording.atomic import BESIDE, sync_folder
from tumorabm.recording.layout import RUN, RUN_FILE, SEGMENT, read_records, write_records
from tumorabm.recording.records import Records, join

FOLDER: Final = "segments"


def write_segment(folder: Path, records: Records) -> Path:
    """Write a segment of a run; its name is its last step.

    Raises
    ------
    OSError
        If it could not be written; then nothing has changed.
    """
    path = folder / FOLDER / f"{records.to_step:010d}.h5"
    write_records(path, records, SEGMENT)
    return path


def segment_paths(folder: Path) -> list[tuple[int, Path]]:
    """Segments of a run as (last step, path), in the order of time."""
    paths = (folder / FOLDER).glob("*.h5")
    return sorted((int(path.stem), path) for path in paths if path.stem.isdigit())


def read_all(folder: Path) -> Records:
    """Everything a run has recorded, from run.h5 and the segments after it.

    Raises
    ------
    InputError
        If there is nothing, a file cannot be read, or a segment is missing.
    """
    listed = segment_paths(folder)
    try:
        return join(_parts(folder))
    except InputError:
        if all(path.exists() for _, path in listed):
            raise
        return join(_parts(folder))  # the run's own process has put segments into run.h5 meanwhile


def _parts(folder: Path) -> list[Records]:
    parts = []
    if (folder / RUN_FILE).exists():
        parts.append(read_records(folder / RUN_FILE, RUN))
    for last, path in segment_paths(folder):
        if parts and last <= parts[-1].to_step:
            continue  # consolidated already, and about to be removed
        part = read_records(path, SEGMENT)
        if part.from_step != (parts[-1].to_step if parts else -1):
            raise InputError(f"{path}: begins after step {part.from_step}, but what comes before it is missing")
        parts.append(part)
    if not parts:
        raise InputError(f"{folder}: nothing is recorded there")
    return parts


def consolidate(folder: Path, until: int) -> Path:
    """Put everything recorded up to a step into run.h5, then remove the segments it came from.

    Parameters
    ----------
    folder : Path
        A run folder that no other process writes to.
    until : int
        Step of the latest checkpoint: run.h5 never is ahead of it.

    Raises
    ------
    InputError
        If what is there cannot be read.
    OSError
        If run.h5 could not be written; then everything is as before.
    """
    path = folder / RUN_FILE
    write_records(path, read_all(folder).until(until), RUN)
    remove(path for last, path in segment_paths(folder) if last <= until)
    return path


def discard_after(folder: Path, step: int) -> None:
    """Remove what was recorded after a step: a resume from there records it again."""
    segments = segment_paths(folder)
    remove(path for last, path in segments if last > step)
    run = folder / RUN_FILE
    if run.exists():
        records = read_records(run, RUN)
        if records.to_step > step:
            write_records(run, records.until(step), RUN)


def remove_unfinished(folder: Path) -> None:
    """Remove files that were being written when a process ended."""
    for place in (folder, folder / FOLDER):
        remove(place.glob(f"*{BESIDE}"))


def remove(paths: Iterable[Path]) -> None:
    """Remove files and make it last."""
    folders = set()
    for path in paths:
        path.unlink(missing_ok=True)
        folders.add(path.parent)
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            sync_folder(folder)
