"""The one number of a run that sensitivity and ablation ask about, and the sweep that measures it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm import yaml
from tumorabm.config import Experiment
from tumorabm.errors import InputError, Problem
from tumorabm.sweep.summaries import check_series, series_of_experiment, summary_faults, summary_unit

if TYPE_CHECKING:
    from tumorabm.sweep.counts import Counts
    from tumorabm.sweep.plan import Plan

VALUE: Final = "value"  # the summary's column
# All outputs and nothing else: the same runs answer for every output.
RECORDING: Final = ("record.outputs=[]", "record.frames=null", "record.keep=[]")


@dataclass(frozen=True)
class Measured:
    """A statistic of an output.

    Attributes
    ----------
    output : str
        Name of a time series.
    definition : dict
        As a sweep file has it under ``summaries``.
    unit : str
        Of the number.
    """

    output: str
    definition: dict[str, Any]
    unit: str

    def __str__(self) -> str:
        options = {key: value for key, value in self.definition.items() if key not in ("output", "statistic")}
        said = ", ".join(f"{key} {value}" for key, value in options.items())
        statistic = str(self.definition["statistic"]).replace("_", " ")
        text = f"{self.output} {said}" if statistic == "at" else f"{statistic} {self.output}"
        return text if statistic == "at" or not said else f"{text} ({said})"

    @property
    def stem(self) -> str:
        """For names of files."""
        said = [self.output, *(str(value) for key, value in self.definition.items() if key != "output")]
        return "_".join(re.sub(r"[^A-Za-z0-9.]+", "", text) if text != self.output else text for text in said)


def measured(experiment: Experiment, output: str, statistic: str) -> Measured:
    """What to measure, as the command line has it.

    Parameters
    ----------
    experiment : Experiment
        With ``RECORDING``.
    output : str
        Name of a time series.
    statistic : str
        Its name, then options: ``"growth_rate from=0d to=90d"``.

    Raises
    ------
    InputError
        With all that is wrong.
    """
    name, *options = statistic.split() or [""]
    definition: dict[str, Any] = {"output": output, "statistic": name}
    problems = []
    for text in options:
        key, separator, value = text.partition("=")
        if not separator:
            problems.append(Problem(f"{text!r} is no option such as from=90d", file=f"--statistic {statistic}"))
        definition[key] = yaml.parse_value(value, f"--statistic {statistic}")
    if not problems:
        for key, message in summary_faults(definition, experiment):
            option = f"--output {output}" if key == "output" else f"--statistic {statistic}"
            problems.append(Problem(message, "" if key in ("output", "statistic") else key, option))
    if problems:
        raise InputError(problems)
    return Measured(output, definition, summary_unit(definition, series_of_experiment(experiment)[output].unit))


def has_output(experiment: Experiment, what: Measured) -> bool:
    """Whether a run of the experiment has the output."""
    return not check_series(what.output, experiment)


def carry_out(
    sweep: Mapping[str, Any],
    out: str | Path,
    catalog_dirs: Sequence[str | Path] = (),
    executor: str = "local",
    workers: int | None = None,
    progress: bool = True,
) -> tuple[Path, Plan, Counts]:
    """Prepare and run a sweep, or what is left of it.

    Returns
    -------
    Path
        Its folder.
    Plan
        What was carried out, for its evaluation: the folder's may be another one by then.
    Counts
    """
    from tumorabm.sweep.loop import run_sweep
    from tumorabm.sweep.planning import make_plan, prepared
    from tumorabm.sweep.sweep_file import load_sweep

    loaded = load_sweep(sweep, catalog_dirs=catalog_dirs)
    plan = make_plan(loaded)
    folder = prepared(loaded, plan, out)
    return folder, plan, run_sweep(folder, executor=executor, workers=workers, progress=progress)


def values_of(folder: Path, plan: Plan, logarithm: bool = False) -> np.ndarray:
    """What was measured, shape (points, replicates); NaN where a run failed or the statistic has no value.

    Parameters
    ----------
    folder : Path
        Of a sweep with the summary ``VALUE``.
    plan : Plan
        What was carried out there.
    logarithm : bool
        Its natural logarithm, NaN where it is not above 0.

    Raises
    ------
    InputError
        If the folder has another plan by now: its values would be those of another question.
    """
    from tumorabm.sweep.results import open_sweep

    results = open_sweep(folder)
    if not results.plan.same_as(plan):
        raise InputError(
            f"{folder}: the plan was replaced by another call meanwhile, which may ask about another output or other "
            "values; the runs stay, give this command again when that call is over"
        )
    table = results.table
    values = np.full((int(table["point"].max()) + 1, int(table["replicate"].max()) + 1), np.nan)
    values[table["point"], table["replicate"]] = table[VALUE]
    if logarithm:
        values = np.log(values, out=np.full_like(values, np.nan), where=values > 0.0)
    return values


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table as CSV, beside and renamed; numbers with all their digits."""
    import csv
    import io

    from tumorabm.recording.atomic import write_text

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
