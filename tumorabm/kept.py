"""What is slow to make and follows from known texts alone, kept between processes: parsed units and catalog files.

It lies beside the compiled kernels, in ``NUMBA_CACHE_DIR`` if that is set, else in the user's cache, else (no writable
home) in the system's folder for temporary files. A file that is missing, damaged or cannot be written costs time only.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import pickle
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def cache_folder(name: str = "") -> Path:
    """The folder of this name in the cache, made if there is none.

    Raises
    ------
    OSError
        If there is no place that can be written.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tumorabm"
    candidates = [Path(given)] if given else [home, Path(tempfile.gettempdir()) / f"tumorabm-{getpass.getuser()}"]
    for candidate in candidates:
        folder = candidate / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(f"no folder to keep compiled kernels in: {', '.join(str(c) for c in candidates)} cannot be written")


class Kept:
    """Something that is kept under a name and a digest of all that it follows from.

    Parameters
    ----------
    name : str
        What it is.
    sources : iterable of Path
        Files that it follows from, those of the code that makes it among them.
    versions : str
        Versions of packages that it follows from.
    """

    def __init__(self, name: str, sources: Iterable[Path], versions: str = "") -> None:
        digest = hashlib.sha256(versions.encode())
        for path in sources:
            digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
        self._file = f"{name}-{digest.hexdigest()[:16]}.pickle"

    def load(self) -> Any:
        """What is kept, None if nothing is."""
        try:
            with (cache_folder() / self._file).open("rb") as stream:
                return pickle.load(stream)
        except Exception:  # a damaged pickle fails in any way
            return None

    def save(self, content: Any) -> None:
        """Keep something from now on."""
        with contextlib.suppress(OSError):
            path = cache_folder() / self._file
            beside = path.with_suffix(f".{os.getpid()}")
            beside.write_bytes(pickle.dumps(content))
            os.replace(beside, path)
