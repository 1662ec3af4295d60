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
from typing import Any, Final

_DIGEST: Final = hashlib.sha256().digest_size  # bytes before what is kept: a damaged file is as none


def cache_folder(name: str = "") -> Path:
    """The folder of this name in the cache, made if there is none.

    Raises
    ------
    OSError
        If there is no place that can be written.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tumorabm"
    candidates = [Path(given)] if given else [home, Path(tempfile.gettempdir()) / f"tumorabm-{_user()}"]
    for candidate in candidates:
        folder = candidate / name
        try:
            candidate.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
            # In the folder for temporary files somebody else may have made one of this name.
            foreign = candidate != candidates[0] and hasattr(os, "getuid") and candidate.stat().st_uid != os.getuid()
        except OSError:
            continue
        if not foreign and os.access(folder, os.W_OK):
            return folder
    raise OSError(f"no folder to keep compiled kernels in: {', '.join(str(c) for c in candidates)} cannot be written")


def _user() -> str:
    """Who runs this: the number where there is one, since in a container it may have no name."""
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


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
            digest.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
        self._file = f"{name}-{digest.hexdigest()[:16]}.pickle"

    def load(self) -> Any:
        """What is kept, None if nothing is."""
        try:
            content = (cache_folder() / self._file).read_bytes()
        except OSError:
            return None
        digest, payload = content[:_DIGEST], content[_DIGEST:]
        return pickle.loads(payload) if hashlib.sha256(payload).digest() == digest else None

    def save(self, content: Any) -> None:
        """Keep something from now on."""
        payload = pickle.dumps(content)
        with contextlib.suppress(OSError):
            path = cache_folder() / self._file
            beside = path.with_suffix(f".{os.getpid()}")
            beside.write_bytes(hashlib.sha256(payload).digest() + payload)
            os.replace(beside, path)
