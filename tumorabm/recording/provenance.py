"""Where a run comes from: the identity of configuration and source, and the machine."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

_PACKAGES: Final = ("numpy", "numba", "llvmlite", "scipy", "h5py", "mesa", "pydantic", "pint", "ruamel.yaml")
_ID_LENGTH: Final = 12
# What does not change the data of a run up to a given time, so that a resume may change it.
_NOT_HISTORY: Final = ("name", "description", "duration")


@functools.cache
def source_hash() -> str:
    """Hash of the package's own files: code and catalog, in the order of their names."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".yaml", ".bib"):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def version() -> str:
    """Version of the installed package; of a source tree that is not installed, where it comes from."""
    try:
        return metadata.version("tumorabm")
    except metadata.PackageNotFoundError:
        return "not installed"


def history_hash(resolved: Mapping[str, Any]) -> str:
    """Hash of a resolved experiment without what leaves its history as it is (name, description, duration)."""
    return _hash({key: value for key, value in resolved.items() if key not in _NOT_HISTORY})


def run_id(config_hash: str, seed: int, parent: Mapping[str, Any] | None = None) -> str:
    """Identity of a run: resolved configuration, seed and source, and the parent and time of a branch."""
    origin = [parent["run_id"], parent["at"]] if parent else None
    return _hash([config_hash, seed, source_hash(), origin])[:_ID_LENGTH]


def machine(threads: int) -> dict[str, Any]:
    """What a session runs on and with."""
    return {
        "version": version(),
        "source_hash": source_hash(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "threads": threads,
        "packages": {name: found for name in _PACKAGES if (found := _version_of(name))},
        "command": sys.argv,
    }


def now() -> str:
    """The time of day, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _hash(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        return platform.processor()  # only Linux has the file
    return platform.processor()


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
