"""Which assumed values of the catalog matter for an output: Morris' screening of all, Sobol's shares of the few.

Both are sweeps, so they can be interrupted and go on. Replicates share their seeds over all points, and what luck does
is taken out of effects and shares or told beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tumorabm.config import load_experiment
from tumorabm.errors import InputError, Problem
from tumorabm.sweep.assumed import AssumedValue, assumed_values
from tumorabm.sweep.elementary_effects import MATTERS, Screened, screen
from tumorabm.sweep.intervals import luck_of_runs
from tumorabm.sweep.measured import RECORDING, VALUE, Measured, carry_out, measured, values_of, write_rows
from tumorabm.sweep.variance_shares import Shares, shares

if TYPE_CHECKING:
    from tumorabm.sweep.counts import Counts
    from tumorabm.sweep.plan import Plan

LEVELS: Final = 4
MORRIS: Final = "sensitivity_morris"
SOBOL: Final = "sensitivity_sobol"


@dataclass(frozen=True)
class Question:
    """What is asked: an experiment, an output, and how thoroughly.

    Attributes
    ----------
    config : str
        File of the experiment.
    output, statistic : str
    settings : tuple of str
        What differs from the file, as ``path=value``.
    only : tuple of str
        Values to vary; all assumed ones if empty.
    trajectories, replicates : int
        Of the screening; replicates of Sobol's sample too.
    samples : int
        Base sample of Sobol's shares, a power of two; 0 for none.
    most : int
        How many values at most go on to Sobol's shares.
    logarithm : bool
        Ask about the logarithm of the output: effects are then factors, not differences.
    catalog_dirs : tuple of Path
    """

    config: str
    output: str
    statistic: str = "final"
    settings: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    trajectories: int = 8
    replicates: int = 5
    samples: int = 64
    most: int = 5
    logarithm: bool = False
    catalog_dirs: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Screening:
    """What Morris' screening says.

    Attributes
    ----------
    rows : list of Screened
    luck, luck_share : float
        Standard deviation of single runs by luck, and its share of their variance over all points.
    """

    rows: list[Screened]
    luck: float
    luck_share: float

    @property
    def that_matter(self) -> list[str]:
        """Labels of values whose effect is surely more than luck, largest first."""
        return [row.factor for row in self.rows if row.verdict == MATTERS]


class Sensitivity:
    """The sweeps behind a question, and their evaluation.

    Parameters
    ----------
    question : Question
    out : str or Path
        Folder of sweeps.

    Attributes
    ----------
    values : dict of str to AssumedValue
        What is varied, by label.
    left_out : dict of str to str
        What is not, although it is assumed: why.
    measured : Measured

    Raises
    ------
    InputError
        If the experiment cannot be used, has no such output, or there is nothing to vary.
    """

    def __init__(self, question: Question, out: str | Path = "runs") -> None:
        self.question = question
        self.out = Path(out)
        experiment = load_experiment(question.config, (*question.settings, *RECORDING), question.catalog_dirs)
        self.name = experiment.name
        self.measured: Measured = measured(experiment, question.output, question.statistic)
        found, self.left_out = assumed_values(experiment, question.only)
        if not found:
            raise InputError(f"{question.config}: the experiment reads no value that is assumed and has a range")
        if question.samples & (question.samples - 1):
            raise InputError(
                [Problem(f"{question.samples} is no power of two, which Sobol's sequence needs", "", "--sobol")]
            )
        self.values: dict[str, AssumedValue] = {value.label: value for value in found}

    @property
    def stem(self) -> str:
        """Of the names of tables and figures, one for each output and statistic that was asked for."""
        return f"{self.measured.stem}{'_log' if self.question.logarithm else ''}"

    @property
    def unit(self) -> str:
        """Of effects: that of the output, or none for its logarithm."""
        return "1" if self.question.logarithm else self.measured.unit

    def screening_sweep(self) -> dict[str, Any]:
        """Morris' design over all values."""
        design = {"method": "morris", "trajectories": self.question.trajectories, "levels": LEVELS, "seed": 1}
        return self._sweep(MORRIS, list(self.values), design)

    def shares_sweep(self, labels: Sequence[str]) -> dict[str, Any]:
        """Sobol's design over some of them."""
        return self._sweep(SOBOL, labels, {"method": "sobol", "samples": self.question.samples, "seed": 1})

    def run(
        self, sweep: dict[str, Any], executor: str, workers: int | None, progress: bool
    ) -> tuple[Path, Plan, Counts]:
        """Carry out one of the sweeps, or what is left of it."""
        return carry_out(sweep, self.out, self.question.catalog_dirs, executor, workers, progress)

    def screened(self, folder: Path, plan: Plan) -> Screening:
        """Evaluate the screening in its folder and write the table there, ``<stem>.csv``.

        Raises
        ------
        InputError
            If the folder has another plan than the given one, which was carried out.
        """
        values = values_of(folder, plan, self.question.logarithm)
        points: dict[int, list[Any]] = {run.point: list(run.factors.values()) for run in plan.runs}
        labels = [factor.label for factor in plan.factors]
        rows = screen(labels, [points[k] for k in sorted(points)], values, self.question.trajectories, LEVELS)
        write_rows(folder / f"{self.stem}.csv", [self._row(row) for row in rows])
        return Screening(rows, *luck_of_runs(values, shared=True))

    def shared(self, folder: Path, plan: Plan) -> Shares:
        """Evaluate the shares of variance in their folder and write the table there, ``<stem>.csv``. Raises alike."""
        values = values_of(folder, plan, self.question.logarithm)
        labels = [factor.label for factor in plan.factors]
        found = shares(labels, values, self.question.samples, shared=True)
        write_rows(
            folder / f"{self.stem}.csv", [{"path": self._path(row.factor), **asdict(row)} for row in found.factors]
        )
        return found

    def _sweep(self, kind: str, labels: Sequence[str], design: dict[str, Any]) -> dict[str, Any]:
        return {
            "base": str(Path(self.question.config).resolve()),
            "set": [*self.question.settings, *RECORDING],
            "name": f"{self.name}_{kind}",
            "factors": {label: self.values[label].factor() for label in labels},
            "design": design,
            "replicates": self.question.replicates,
            "luck": "shared",
            "collect": {"summaries": {VALUE: self.measured.definition}},
        }

    def _path(self, label: str) -> str:
        return self.values[label].entry.path

    def _row(self, row: Screened) -> dict[str, Any]:
        value = self.values[row.factor]
        return {
            "path": value.entry.path,
            "from": value.low,
            "to": value.high,
            "scale": "log" if value.logarithmic else "linear",
            "unit": value.entry.unit,
            **asdict(row),
            "verdict": row.verdict,
            "unit_of_effects": self.unit,
        }
