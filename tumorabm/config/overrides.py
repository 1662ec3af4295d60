"""Overrides of the catalog that do less than they seem to: nobody reads them, or what follows from them does not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from tumorabm.catalog.entry import DERIVED, Entry
from tumorabm.config.contents import catalog_reads
from tumorabm.config.experiment import Experiment
from tumorabm.errors import InputError

_SHOWN: Final = 8
_NAMES: Final = re.compile(r"[a-z][a-z0-9_.]*[a-z0-9_]")


def unheeded(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Path of each override that is not what it seems, and why."""
    if not experiment.catalog_overrides:
        return
    try:
        reads = catalog_reads(experiment)
    except InputError:
        return  # an entry that is needed is missing, which other checks say
    for path in experiment.catalog_overrides:
        if path not in reads:
            yield path, f"nothing in this experiment reads it; {_read_nearby(path, reads)}"
        kept = [
            f"{entry.path} ({entry.value:g}{'' if entry.unit == '1' else f' {entry.unit}'})"
            for entry in derived_from(experiment, path)
            if entry.path in reads and not entry.overridden
        ]
        if kept:
            values = "values" if len(kept) > 1 else "value"
            yield path, f"derived from it, but not changed with it: {', '.join(kept)}; override the {values} as well"


def derived_from(experiment: Experiment, parent: str) -> list[Entry]:
    """Entries under the experiment's sets whose derivation names a path, or a name beside it in the same file."""
    catalog = experiment.catalog
    noun, _, name = parent.rpartition(".")
    found = []
    for path in catalog.paths():
        entry = catalog.entry(path, experiment.sets)
        words = set(_NAMES.findall(entry.derivation)) if DERIVED in entry.source else set()
        if path != parent and (parent in words or (path.startswith(f"{noun}.") and name in words)):
            found.append(entry)
    return found


def _read_nearby(path: str, reads: set[str]) -> str:
    noun, _, name = path.rpartition(".")
    names = sorted(read.rpartition(".")[2] for read in reads if read.startswith(f"{noun}."))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"it reads {', '.join(f'{noun}.{other}' for other in close)}"
    if not names:
        return f"it reads nothing of {noun}"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"of {noun} it reads {', '.join(names[:_SHOWN])}{more}"
