"""Files that exist whole or not at all: written beside, synced, and renamed over the old one.

HDF5 has no journal and its library does not survive a failing write (a full disk ends the process in its clean-up).
So the library writes through ``Sink``, which never reports a failure to it, and remembers the first one for us.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tumorabm.errors import InputError

if TYPE_CHECKING:
    import h5py

BESIDE = ".tmp"  # suffix of a file that is being written; readers ignore it, a resume removes it


class Sink(io.FileIO):
    """A file for the HDF5 library that swallows failures of writing and keeps the first.

    Attributes
    ----------
    error : OSError or None
        What went wrong first. Nothing is written after it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of the data, or keep the error."""
        view = memoryview(data).cast("B")
        written = 0
        while self.error is None and written < len(view):
            try:
                written += super().write(view[written:])
            except OSError as error:
                self.error = error
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size, or keep the error."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return self.tell() if size is None else size


def write_hdf5(path: Path, fill: Callable[[h5py.File], None], before_rename: Callable[[], None] | None = None) -> None:
    """Write an HDF5 file beside ``path`` and rename it.

    Parameters
    ----------
    path : Path
        Where the file appears when it is complete.
    fill : callable
        Gets the open file and puts the content in.
    before_rename : callable, optional
        Called when the file is complete, to move an old one out of the way.

    Raises
    ------
    OSError
        If it could not be written; then ``path`` is as it was before.
    """
    import h5py

    def write(beside: Path) -> None:
        with Sink(beside) as sink:
            try:
                with h5py.File(sink, "w") as file:
                    fill(file)
            except (OSError, RuntimeError, ValueError, KeyError):
                # The library reads back what a failed write left out, and stumbles: the failed write is the cause.
                if sink.error is not None:
                    raise sink.error from None
                raise
            if sink.error is not None:
                raise sink.error
            os.fsync(sink.fileno())

    _replace(path, write, before_rename)


def check_writable(path: Path) -> None:
    """Say before anything is computed that a file could not be written there.

    Raises
    ------
    InputError
        If it is a folder, or its folder does not exist or cannot be written to.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise InputError(f"{path}: is a folder")
    if not folder.is_dir():
        raise InputError(f"{path}: there is no such folder")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: its folder cannot be written to")


@contextlib.contextmanager
def output(path: Path) -> Iterator[None]:
    """A context in which a file is written that somebody asked for; raises ``InputError`` where that fails."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file beside ``path`` and rename it."""

    def write(beside: Path) -> None:
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())

    _replace(path, write)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file beside ``path`` and rename it."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def beside_of(path: Path) -> Path:
    """Where a file is written before it is renamed: a name of its own for every writer, on every machine."""
    return path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{BESIDE}")


def rename(old: Path, new: Path) -> None:
    """Rename within a folder, so that it lasts."""
    os.replace(old, new)
    sync_folder(new.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: Path, write: Callable[[Path], None], before_rename: Callable[[], None] | None = None) -> None:
    beside = beside_of(path)
    try:
        write(beside)
        if before_rename is not None:
            before_rename()
        rename(beside, path)
    except OSError:
        # Give the space back. If even that fails, the file is ignored by readers and removed by the next resume.
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
