"""Values of the catalog that are marked as assumed and that an experiment reads, as factors of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tumorabm import units
from tumorabm.catalog import Entry
from tumorabm.catalog.entry import ASSUMED
from tumorabm.config import Experiment, load_experiment
from tumorabm.config.contents import catalog_reads
from tumorabm.config.overrides import derived_from
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.processes.dosing.pharmacokinetics import EXCRETED

# A range that spans more than this factor is divided evenly on a logarithmic scale.
_DECADE: Final = 10.0
# Among names: all assumed values, those of networks as well.
EVERYTHING: Final = "*"
# What networks have is left out unless asked for: so many values make a screening of all hardly feasible.
NETWORKS: Final = "networks"


@dataclass(frozen=True)
class AssumedValue:
    """A value that is varied over its range.

    Attributes
    ----------
    label : str
        Noun and name, for example ``oxygen_vessel_oxygen``.
    entry : Entry
        Under the experiment's sets: where sources disagree, the range is that of the chosen one.
    low, high : float
        Ends over which it is varied, in the entry's unit.
    notes : tuple of str
        What deserves a thought: values that are derived from it and stay as they are, an end that is not reached.
    """

    label: str
    entry: Entry
    low: float
    high: float
    notes: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[str, str]:
        """Least and greatest value with their unit."""
        return units.as_text(self.low, self.entry.unit), units.as_text(self.high, self.entry.unit)

    @property
    def logarithmic(self) -> bool:
        """Whether the range spans more than a decade."""
        return self.low > 0.0 and self.high / self.low > _DECADE

    def __str__(self) -> str:
        unit = "" if self.entry.unit == units.DIMENSIONLESS else f" {self.entry.unit}"
        return f"{self.low:g} to {self.high:g}{unit}"

    def factor(self) -> dict[str, Any]:
        """As a sweep file has it."""
        return {
            "path": f"catalog.{self.entry.path}",
            "range": list(self.ends),
            "scale": "log" if self.logarithmic else "linear",
        }


def assumed_values(experiment: Experiment, only: Sequence[str] = ()) -> tuple[list[AssumedValue], dict[str, str]]:
    """All assumed values that the experiment reads.

    Parameters
    ----------
    experiment : Experiment
    only : sequence of str
        Only these, by label, by path in the catalog, or by the last part of the path where only one has it. A value
        that is named may be one that somebody has read in a text. ``EVERYTHING`` among them stands for all assumed
        values; without any name those of signaling networks are left out.

    Returns
    -------
    list of AssumedValue
    dict of str to str
        Values that are left out although they are assumed, by label: why; those of networks together under
        ``NETWORKS``.

    Raises
    ------
    InputError
        If a name is no value that the experiment reads, or a named one cannot be varied.
    """
    reads = catalog_reads(experiment)
    known = {_label(path): path for path in sorted(reads)}
    entries = {label: experiment.catalog.entry(path, experiment.sets) for label, path in known.items()}
    assumed = [label for label, entry in entries.items() if ASSUMED in entry.source]
    named = _named([name for name in only if name != EVERYTHING], known)
    in_networks = [] if only else [label for label in assumed if known[label].startswith(f"{NETWORKS}.")]
    chosen = dict.fromkeys([*named, *(assumed if not only or EVERYTHING in only else ())])
    found, left_out = [], {}
    for label in chosen:
        if label in in_networks:
            continue
        if known[label].endswith(f".{EXCRETED}"):
            left_out[label] = "nothing but the ledger depends on it"
            continue
        value, reason = _varied(experiment, label, entries[label])
        if value is None:
            left_out[label] = reason
            continue
        kept = [other.path for other in derived_from(experiment, entries[label].path) if other.path in reads]
        if kept:
            value = replace(value, notes=(*value.notes, f"derived from it but not changed with it: {', '.join(kept)}"))
        found.append(value)
    refused = [Problem(f"{label}: {left_out[label]}", file="--factors") for label in named if label in left_out]
    if refused:
        raise InputError(refused)
    if in_networks:
        left_out[NETWORKS] = f"{len(in_networks)} assumed values of signaling networks; --networks includes them"
    return found, left_out


def _label(path: str) -> str:
    _, noun, name = path.split(".")
    return f"{noun}_{name}"


def _named(names: Sequence[str], known: dict[str, str]) -> list[str]:
    """Labels of names."""
    labels, problems = [], []
    for name in names:
        matches = [label for label, path in known.items() if name in (label, path)]
        matches = matches or [label for label, path in known.items() if path.endswith(f".{name}")]
        if len(matches) == 1:
            labels += [match for match in matches if match not in labels]
        elif matches:
            problems.append(Problem(f"{name!r} is one of {', '.join(matches)}", file="--factors"))
        else:
            everything = [*known, *known.values(), *(path.rpartition(".")[2] for path in known.values())]
            hint = nearest(name, everything)
            problems.append(Problem(f"{name!r} is no value that the experiment reads{hint}", file="--factors"))
    if problems:
        raise InputError(problems)
    return labels


def _varied(experiment: Experiment, label: str, entry: Entry) -> tuple[AssumedValue | None, str]:
    """A value over its range, as far as the experiment can have it; or None and why not."""
    if entry.range is None:
        return None, "the catalog gives no range"
    ends, notes = list(entry.range), []
    for side, end in enumerate(entry.range):
        reason = _refused(experiment, entry, end)
        if reason:
            # Up to the experiment's own value it can be varied.
            ends[side] = entry.value
            unit = "" if entry.unit == units.DIMENSIONLESS else f" {entry.unit}"
            notes.append(f"varied to {entry.value:g}{unit} only; at {end:g}{unit}: {reason}")
    if not ends[0] < ends[1]:
        return None, "; ".join(notes)
    return AssumedValue(label, entry, ends[0], ends[1], tuple(notes)), ""


def _refused(experiment: Experiment, entry: Entry, end: float) -> str:
    """Why the experiment cannot have the value at an end; empty if it can."""
    try:
        load_experiment(experiment, {f"catalog.{entry.path}": units.as_text(end, entry.unit)})
    except InputError as error:
        return "; ".join(problem.message for problem in error.problems)
    return ""
