"""Records: what was recorded over a stretch of steps, in memory or in a file, behind one set of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np


class Frame(Protocol):
    """Fields, cells and vessels at one moment."""

    @property
    def step(self) -> int:
        """Number of completed steps."""

    @property
    def hours(self) -> float:
        """Simulated time since the start."""

    def substrates(self) -> tuple[str, ...]:
        """Names of the fields."""

    def field(self, substrate: str) -> np.ndarray:
        """Concentration, float32, shape (nz, ny, nx)."""

    def cells(self) -> Mapping[str, np.ndarray]:
        """Columns of all cells, sorted by uid."""

    def vessels(self) -> np.ndarray:
        """Edges as pairs of uids, uint64, shape (m, 2)."""


@dataclass(frozen=True)
class FrameInMemory:
    """A frame that is not on disk yet."""

    step: int
    hours: float
    fields: Mapping[str, np.ndarray]
    columns: Mapping[str, np.ndarray]
    edges: np.ndarray

    def substrates(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self.fields)

    def field(self, substrate: str) -> np.ndarray:
        """Concentration, float32, shape (nz, ny, nx)."""
        return self.fields[substrate]

    def cells(self) -> Mapping[str, np.ndarray]:
        """Columns of all cells, sorted by uid."""
        return self.columns

    def vessels(self) -> np.ndarray:
        """Edges as pairs of uids, uint64, shape (m, 2)."""
        return self.edges

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        arrays = [*self.fields.values(), *self.columns.values(), self.edges]
        return sum(array.nbytes for array in arrays)


class Census(NamedTuple):
    """How many living cells each clone has, one entry for each clone that is alive at a record's step.

    Entries are in the order of their steps, those of a step in the order of their keys.
    """

    step: np.ndarray
    key: np.ndarray
    cells: np.ndarray

    @classmethod
    def of(cls, parts: Sequence[tuple[int, np.ndarray, np.ndarray]]) -> Census:
        """From step, keys (ascending) and numbers of cells of each record."""
        sizes = [keys.size for _, keys, _ in parts]
        return cls(
            np.repeat(np.array([step for step, _, _ in parts], dtype=np.int64), sizes),
            np.concatenate([keys for _, keys, _ in parts] or [np.empty(0)]).astype(np.uint64),
            np.concatenate([cells for _, _, cells in parts] or [np.empty(0)]).astype(np.int64),
        )

    def until(self, step: int) -> Census:
        """The entries up to and including a step."""
        n = int(np.searchsorted(self.step, step, side="right"))
        return Census(self.step[:n], self.key[:n], self.cells[:n])


@dataclass
class Records:
    """What was recorded in steps ``from_step`` (exclusive, except for the start of a run) to ``to_step``.

    Attributes
    ----------
    manifest : dict
        Names, units and descriptions of everything recorded, the lattice, and the meaning of codes.
    steps, hours : ndarray, shape (n,)
        When rows were recorded.
    series : mapping of str to ndarray, shape (n,) or (n, 5)
        Time series by name.
    ledger : mapping of str to ndarray, shape (n,)
        Totals since the start by ``<account>/<entry>``.
    clones : mapping of str to ndarray
        The clone table at ``to_step`` (it only grows).
    census : Census
        Living cells by clone, at the steps of the rows.
    frames : sequence of Frame
    """

    from_step: int
    to_step: int
    manifest: dict[str, Any]
    steps: np.ndarray
    hours: np.ndarray
    series: Mapping[str, np.ndarray]
    ledger: Mapping[str, np.ndarray]
    clones: Mapping[str, np.ndarray]
    census: Census
    frames: Sequence[Frame] = field(default_factory=list)

    def until(self, step: int) -> Records:
        """The same up to and including a step."""
        n = int(np.count_nonzero(self.steps <= step))
        return Records(
            from_step=self.from_step,
            to_step=min(self.to_step, step),
            manifest=self.manifest,
            steps=self.steps[:n],
            hours=self.hours[:n],
            series={name: values[:n] for name, values in self.series.items()},
            ledger={name: values[:n] for name, values in self.ledger.items()},
            clones=_clones_until(self.clones, step),
            census=self.census.until(step),
            frames=[frame for frame in self.frames if frame.step <= step],
        )


def join(parts: Sequence[Records]) -> Records:
    """Consecutive records as one.

    Series that a part lacks (a branch may record more than its parent) are NaN there; entries of the ledger that a
    part lacks are zero, as nothing was booked yet.
    """
    lengths = [part.steps.size for part in parts]
    return Records(
        from_step=parts[0].from_step,
        to_step=parts[-1].to_step,
        manifest=_join_manifests([part.manifest for part in parts]),
        steps=np.concatenate([part.steps for part in parts]),
        hours=np.concatenate([part.hours for part in parts]),
        series=_join_columns([part.series for part in parts], lengths, np.nan),
        ledger=_join_columns([part.ledger for part in parts], lengths, 0.0),
        clones=parts[-1].clones,
        census=Census(*(np.concatenate(columns) for columns in zip(*(part.census for part in parts), strict=True))),
        frames=[frame for part in parts for frame in part.frames],
    )


def _join_columns(
    parts: Sequence[Mapping[str, np.ndarray]], lengths: Sequence[int], missing: float
) -> dict[str, np.ndarray]:
    shapes = {name: values.shape[1:] for part in parts for name, values in part.items()}
    return {
        name: np.concatenate(
            [
                part[name] if name in part else np.full((length, *shape), missing)
                for part, length in zip(parts, lengths, strict=True)
            ]
        )
        for name, shape in shapes.items()
    }


def _join_manifests(manifests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    joined = dict(manifests[-1])
    for key in ("series", "substrates", "columns"):
        joined[key] = {name: entry for manifest in manifests for name, entry in manifest[key].items()}
    return joined


def _clones_until(clones: Mapping[str, np.ndarray], step: int) -> dict[str, np.ndarray]:
    if "birth_step" not in clones:
        return dict(clones)
    known = clones["birth_step"] <= step
    return {name: values[known] for name, values in clones.items()}
