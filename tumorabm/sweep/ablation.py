"""What each part does: runs without it, against runs of the same seeds with all of them.

Parts are mechanisms, processes, or nodes or edges of a signaling network (``KINDS``). Mechanisms can also be added one
at a time to the engine alone: several of them may cancel, and then removals show less than they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm.config import Experiment, declared, load_experiment
from tumorabm.config.switching import switchable_processes, with_mechanisms, without_process
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.networks.parts import Arms, chosen_parts, edge_arms, node_arms
from tumorabm.sweep.intervals import paired_t
from tumorabm.sweep.measured import (
    RECORDING,
    VALUE,
    Measured,
    carry_out,
    has_output,
    measured,
    values_of,
    write_rows,
)

if TYPE_CHECKING:
    from tumorabm.sweep.counts import Counts
    from tumorabm.sweep.plan import Plan

ABLATION: Final = "ablation"
WITHOUT: Final = "without"  # the factor
NOTHING: Final = "nothing"  # its value for the intact experiment


@dataclass(frozen=True)
class Removed:
    """What the removal of a part does to the output.

    Attributes
    ----------
    name : str
        Of the part.
    without, intact : float
        Means over the seeds that both have.
    difference, low, high : float
        Mean of paired differences, without less intact, with its interval by Student's t over seeds.
    ratio, ratio_low, ratio_high : float
        The same on the logarithm, as a ratio of geometric means; NaN where a value is not above 0.
    effect : float
        The difference in standard deviations of intact runs over seeds: how far it stands out of luck.
    seeds, missing : int
        Pairs that were there, and those left out because a run failed or its statistic has no value.
    """

    name: str
    without: float
    intact: float
    difference: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    effect: float
    seeds: int
    missing: int

    @property
    def certain(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.low > 0.0 or self.high < 0.0

    @property
    def ratio_certain(self) -> bool:
        """Whether the interval of the ratio leaves out 1."""
        return self.ratio_low > 1.0 or self.ratio_high < 1.0


@dataclass(frozen=True)
class Kind:
    """A kind of parts.

    Attributes
    ----------
    noun, act : str
        One of them, and what is done to it, in words.
    head, reference, compared : str
        Heading of the names, what the arms are compared with, and the comparison, in words.
    arms : callable
        Of an experiment, what is measured and the type of cell.
    """

    noun: str
    act: str
    arms: Callable[[Experiment, Measured, str], Arms]
    head: str = "without"
    reference: str = "intact"
    compared: str = "without the {noun}{over}with it"


def _process_arms(experiment: Experiment, what: Measured, cell_type: str) -> Arms:
    """Each process switched off that the output does not need."""
    kept = {name: reason for name, reason in switchable_processes(experiment).items() if reason}
    removable = []
    for name in experiment.active_processes():
        if name in kept:
            continue
        if has_output(without_process(experiment, name), what):
            removable.append(name)
        else:
            kept[name] = f"without it there is no {what.output}"
    on = declared.write_processes(experiment.processes)
    return Arms("processes", on, {name: {**on, name: False} for name in removable}, kept)


def _mechanism_arms(experiment: Experiment, what: Measured, cell_type: str) -> Arms:
    """Each mechanism switched off that is on and that the output does not need."""
    on = experiment.mechanisms
    idle = experiment.idle_mechanisms
    arms = {name: {**on, name: False} for name, is_on in on.items() if is_on and name not in idle}
    found = _with_output(experiment, what, on, arms, "mechanisms", "without it")
    found.kept.update({name: "nothing in the experiment asks for it" for name in idle})
    found.kept.update({name: "it is off in the experiment" for name, is_on in on.items() if not is_on})
    return found


def _alone_arms(experiment: Experiment, what: Measured, cell_type: str) -> Arms:
    """The engine with each mechanism that the experiment has, one at a time, against the engine alone."""
    none = dict.fromkeys(experiment.mechanisms, False)
    idle = experiment.idle_mechanisms
    arms = {name: {**none, name: True} for name, on in experiment.mechanisms.items() if on and name not in idle}
    if not has_output(with_mechanisms(experiment, none), what):
        raise InputError([Problem(f"without mechanisms there is no {what.output}", file="--output")])
    return _with_output(experiment, what, none, arms, "mechanisms_alone", "with it alone")


def _with_output(
    experiment: Experiment,
    what: Measured,
    intact: dict[str, bool],
    arms: dict[str, dict[str, bool]],
    stem: str,
    done: str,
) -> Arms:
    """The arms in which there is what is measured; of the others is said what was done and what lacks."""
    removable, kept = {}, {}
    for name, on in arms.items():
        try:
            trial = with_mechanisms(experiment, on)
        except InputError as error:
            kept[name] = "; ".join(problem.message for problem in error.problems)
            continue
        if has_output(trial, what):
            removable[name] = on
        else:
            kept[name] = f"{done} there is no {what.output}"
    return Arms("mechanisms", intact, removable, kept, stem)


KINDS: Final[Mapping[str, Kind]] = {
    "mechanisms": Kind("mechanism", "switched off", _mechanism_arms),
    "mechanisms_alone": Kind(
        "mechanism",
        "switched on alone",
        _alone_arms,
        "with it alone",
        "with none",
        "with the {noun} alone{over}without any",
    ),
    "processes": Kind("process", "switched off", _process_arms),
    "nodes": Kind("node", "held at 0", lambda experiment, _, cell_type: node_arms(experiment, cell_type)),
    "edges": Kind("edge", "cut", lambda experiment, _, cell_type: edge_arms(experiment, cell_type)),
}


class Ablation:
    """The sweep that takes away one part at a time, and its evaluation.

    Parameters
    ----------
    config : str
        File of the experiment.
    output, statistic : str
        What is measured.
    replicates : int
        Seeds, the same with and without each part.
    settings : tuple of str
        What differs from the file, as ``path=value``.
    catalog_dirs : tuple of Path
    out : str or Path
        Folder of sweeps.
    of : str
        Which parts, one of ``KINDS``.
    cell_type : str
        Whose network, for nodes and edges.
    only : sequence of str
        These parts only.

    Attributes
    ----------
    measured : Measured
    kind : Kind
    removable : list of str
        Parts that are taken away in turn, in the order of a step or of the network.
    kept : dict of str to str
        Those that cannot be: why.

    Raises
    ------
    InputError
        If the experiment cannot be used, or has no such output or part.
    """

    def __init__(
        self,
        config: str,
        output: str,
        statistic: str = "final",
        replicates: int = 5,
        settings: tuple[str, ...] = (),
        catalog_dirs: tuple[Path, ...] = (),
        out: str | Path = "runs",
        *,
        of: str = "mechanisms",
        cell_type: str = "tumor",
        only: Sequence[str] = (),
    ) -> None:
        if of not in KINDS:
            raise InputError([Problem(f"{of!r} cannot be taken away{nearest(of, KINDS)}", file="--of")])
        self.config = config
        self.replicates = replicates
        self.settings = settings
        self.catalog_dirs = catalog_dirs
        self.out = Path(out)
        self.kind = KINDS[of]
        experiment = load_experiment(config, (*settings, *RECORDING), catalog_dirs)
        self.name = experiment.name
        self.measured: Measured = measured(experiment, output, statistic)
        self._arms = self.kind.arms(experiment, self.measured, cell_type)
        self.removable = chosen_parts(only, self._arms, self.kind.noun) if only else list(self._arms.without)
        self.kept = {} if only else self._arms.kept

    @property
    def stem(self) -> str:
        """Of the names of tables and figures, one for each kind of parts, output and statistic."""
        return "_".join(filter(None, (self._arms.stem, self.measured.stem)))

    def sweep(self) -> dict[str, Any]:
        """The intact experiment, and one for each part that is taken away."""
        arms = {NOTHING: self._arms.intact} | {name: self._arms.without[name] for name in self.removable}
        return {
            "base": str(Path(self.config).resolve()),
            "set": [*self.settings, *RECORDING],
            "name": "_".join(filter(None, (self.name, ABLATION, self._arms.stem))),
            "factors": {WITHOUT: {"path": self._arms.path, "values": arms}},
            "design": {"method": "grid"},
            "replicates": self.replicates,
            "luck": "shared",
            "collect": {"summaries": {VALUE: self.measured.definition}},
        }

    def run(self, executor: str, workers: int | None, progress: bool) -> tuple[Path, Plan, Counts]:
        """Carry out the sweep, or what is left of it."""
        return carry_out(self.sweep(), self.out, self.catalog_dirs, executor, workers, progress)

    def evaluated(self, folder: Path, plan: Plan) -> list[Removed]:
        """What each removal does, the largest effect first; written into the sweep's folder as ``<stem>.csv``.

        Raises
        ------
        InputError
            If the folder has another plan than the given one, which was carried out.
        """
        values = values_of(folder, plan)
        arms = {run.factors[WITHOUT]: run.point for run in plan.runs}
        rows = compared(values[arms[NOTHING]], {name: values[point] for name, point in arms.items() if name != NOTHING})
        write_rows(folder / f"{self.stem}.csv", [self.row(row) for row in rows])
        return rows

    def row(self, row: Removed) -> dict[str, Any]:
        """For tables: the part under the name of its kind."""
        told = asdict(row)
        return {self.kind.noun: told.pop("name"), **told, "unit": self.measured.unit}


def compared(intact: np.ndarray, removed: dict[str, np.ndarray]) -> list[Removed]:
    """Compare arms with the intact one, seed by seed.

    Parameters
    ----------
    intact : ndarray, shape (seeds,)
    removed : dict of str to ndarray, shape (seeds,)
        By part.
    """
    seen = intact[np.isfinite(intact)]
    spread = float(np.std(seen, ddof=1)) if seen.size > 1 else float("nan")
    rows = [_compared(name, intact, values, spread) for name, values in removed.items()]
    return sorted(rows, key=lambda row: -np.nan_to_num(abs(row.difference), nan=-1.0))


def _compared(name: str, intact: np.ndarray, values: np.ndarray, spread: float) -> Removed:
    there = np.isfinite(intact) & np.isfinite(values)
    before, after = intact[there], values[there]
    missing = int(intact.size - there.sum())
    if not before.size:
        return Removed(name, *(float("nan"),) * 9, seeds=0, missing=missing)
    difference, low, high = paired_t(after - before)
    ratio, ratio_low, ratio_high = (float("nan"),) * 3
    if (before > 0.0).all() and (after > 0.0).all():
        ratio, ratio_low, ratio_high = (float(np.exp(x)) for x in paired_t(np.log(after) - np.log(before)))
    return Removed(
        name=name,
        without=float(after.mean()),
        intact=float(before.mean()),
        difference=difference,
        low=low,
        high=high,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        effect=difference / spread if spread > 0.0 else float("nan"),
        seeds=int(before.size),
        missing=missing,
    )
