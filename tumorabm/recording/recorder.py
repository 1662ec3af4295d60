"""The recorder: takes rows and frames when they are due and holds them until a segment is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tumorabm.recording.measurement import QUANTILES, Measurement
from tumorabm.recording.outputs import series_of
from tumorabm.recording.records import Census, FrameInMemory, Records
from tumorabm.tissue.cells import CELL_TYPES, LAYERS, STATES
from tumorabm.tissue.tissue import Tissue


class Recorder:
    """Records a tissue at multiples of an interval.

    Parameters
    ----------
    tissue : Tissue
        Of the run; its substrates, columns and compounds say what there is to record.
    outputs : sequence of str
        Names of outputs.
    constants : mapping of str to float
        See ``constants``.
    every, frames : int
        Steps between rows, and between frames; 0 records no frames.
    from_step : int
        Last step that is recorded already, -1 at the start of a run.

    Attributes
    ----------
    latest : dict
        Values of the last row, for a display.
    """

    def __init__(
        self,
        tissue: Tissue,
        outputs: Sequence[str],
        constants: Mapping[str, float],
        *,
        every: int,
        frames: int,
        from_step: int = -1,
    ) -> None:
        self.series = series_of(outputs, tissue)
        self.manifest = manifest_of(tissue, self.series)
        self.latest: dict[str, Any] = {}
        self._constants = constants
        self._every = every
        self._frames_every = frames
        self._from_step = from_step
        self._start()

    def _start(self) -> None:
        self._steps: list[int] = []
        self._hours: list[float] = []
        self._rows: list[dict[str, Any]] = []
        self._ledgers: list[dict[str, np.ndarray]] = []
        self._census: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._frames: list[FrameInMemory] = []

    def observe(self, tissue: Tissue) -> None:
        """Record what is due at the tissue's step."""
        step = tissue.step_number
        if step % self._every == 0:
            measurement = Measurement(tissue, self._constants)
            self.latest = {series.name: series.value(measurement) for series in self.series}
            self._steps.append(step)
            self._hours.append(tissue.hours)
            self._rows.append(self.latest)
            self._ledgers.append(tissue.ledger.state())
            self._census.append((step, *measurement.census))
        if self._frames_every and step % self._frames_every == 0:
            self._frames.append(frame_of(tissue))

    @property
    def nbytes(self) -> int:
        """Memory that frames take until they are written."""
        return sum(frame.nbytes for frame in self._frames)

    def take(self, tissue: Tissue) -> Records:
        """What was recorded since the last call (or the start), and begin anew."""
        n = len(self._steps)
        series = {}
        for item in self.series:
            shape = (n, len(QUANTILES)) if item.quantiles else (n,)
            series[item.name] = np.array([row[item.name] for row in self._rows], dtype=float).reshape(shape)
        entries = sorted({name for ledger in self._ledgers for name in ledger})
        records = Records(
            from_step=self._from_step,
            to_step=tissue.step_number,
            manifest=self.manifest,
            steps=np.array(self._steps, dtype=np.int64),
            hours=np.array(self._hours, dtype=float),
            series=series,
            ledger={
                name: np.array([float(ledger.get(name, 0.0)) for ledger in self._ledgers], dtype=float)
                for name in entries
            },
            clones=tissue.clones.state(),
            census=Census.of(self._census),
            frames=self._frames,
        )
        self._from_step = tissue.step_number
        self._start()
        return records


def frame_of(tissue: Tissue) -> FrameInMemory:
    """Fields, cells (sorted by uid) and vessels as they are now."""
    order = np.argsort(tissue.cells["uid"])
    return FrameInMemory(
        step=tissue.step_number,
        hours=tissue.hours,
        fields={name: field.concentration.astype(np.float32) for name, field in tissue.microenvironment.fields.items()},
        columns={name: tissue.cells[name][order] for name in tissue.cells.names},
        edges=np.unique(tissue.vasculature.edges(tissue.cells), axis=0),
    )


def manifest_of(tissue: Tissue, series: Sequence[Any]) -> dict[str, Any]:
    """What a run records: names, units, descriptions, codes, and the lattice."""
    lattice = tissue.lattice
    return {
        "lattice": {"shape": list(lattice.shape), "spacing": lattice.spacing, "faces": list(lattice.faces)},
        "series": {
            item.name: {
                "unit": item.unit,
                "description": item.description,
                "output": item.output.name,
                "of": item.of,
                "quantiles": item.quantiles,
            }
            for item in series
        },
        "quantiles": list(QUANTILES),
        "substrates": {
            name: {"unit": field.substrate.unit, "description": field.substrate.description}
            for name, field in tissue.microenvironment.fields.items()
        },
        "columns": {
            name: {
                "unit": column.unit,
                "description": column.description,
                "dtype": column.dtype,
                "at_division": column.at_division,
                "default": column.default,
                "shape": list(column.shape),
                "labels": list(column.labels),
            }
            for name, column in tissue.cells.specs.items()
        },
        "codes": {
            "cell_type": list(CELL_TYPES),
            "state": list(STATES),
            "layer": list(LAYERS),
        },
    }
