"""The model as Mesa sees it: a face over the tissue and the processes that advance it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
from mesa.agent import AgentSet
from mesa.datacollection import DataCollector

from tumorabm.agents import CellAgent, CellViews
from tumorabm.build import build
from tumorabm.config import Experiment, load_experiment
from tumorabm.errors import InputError
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import constants_of, series_of
from tumorabm.step import advance

if TYPE_CHECKING:
    from numpy.random import BitGenerator, Generator, SeedSequence

    from tumorabm.tissue.tissue import Tissue


class TumorModel(mesa.Model):
    """A tumor nodule in its host tissue as a ``mesa.Model``; agents are views of the cells.

    Parameters
    ----------
    experiment : str, Path, mapping or Experiment
        An experiment file, its content, or a loaded experiment.
    overrides : mapping of str to object, optional
        Values by their path in the experiment, for example ``{"treatment": [], "time_step": "1 h"}``. In
        ``mesa.batch_run`` give a list of such mappings.
    rng : int, numpy Generator or None
        Seed of the run; a generator gives one number for it, None takes the experiment's seed. The run itself draws
        nothing from ``model.rng`` and ``model.random``: they are free for the user's own code.

    Attributes
    ----------
    tissue : Tissue
        Everything that evolves.
    processes : list of Process
        The pipeline of a step, in order.
    steps, running
        As in any Mesa model; ``running`` turns False when the experiment's duration is over.
    datacollector : DataCollector
        The experiment's outputs, measured every ``record.every``; see ``OutputCollector``.

    Raises
    ------
    InputError
        If the experiment or an override is wrong.
    """

    def __init__(
        self,
        experiment: str | Path | Mapping[str, Any] | Experiment,
        overrides: Mapping[str, Any] | None = None,
        rng: int | Generator | BitGenerator | SeedSequence | None = None,
    ) -> None:
        self.experiment = _experiment(experiment, overrides)
        seed = _seed(rng, self.experiment.seed)
        super().__init__(rng=seed)
        self.tissue, self.processes = build(self.experiment, seed)
        self._views = CellViews(self)
        self.datacollector: DataCollector = OutputCollector(self.experiment, self.tissue)
        self.datacollector.collect(self)

    def step(self) -> None:
        """Advance the tissue by one time step and collect."""
        advance(self.tissue, self.processes, self.experiment.time_step)
        self.running = self.hours < self.end
        self.datacollector.collect(self)

    @property
    def hours(self) -> float:
        """Simulated hours since the start, burn-in included."""
        return self.tissue.hours

    @property
    def end(self) -> float:
        """Hours at which the experiment is over."""
        return self.experiment.burn_in + self.experiment.duration

    @property
    def agents(self) -> AgentSet:
        """The living cells, ordered by uid, then the user's own agents. Ask again after a step: cells come and go."""
        own = super().agents
        return AgentSet([*self._views.living(), *own], random=self.random) if len(own) else self._views.living()

    @property
    def agents_by_type(self) -> dict[type, AgentSet]:
        """The living cells and the user's own agents by their class."""
        return {**self._views.living_by_type(), **super().agents_by_type}

    @property
    def agent_types(self) -> list[type]:
        """The classes of all agents present."""
        return list(self.agents_by_type)

    def deregister_agent(self, agent: mesa.Agent) -> None:
        """Forget an agent; ``agent.remove()`` calls it."""
        if isinstance(agent, CellAgent):
            self._views.discard(agent)
        else:
            super().deregister_agent(agent)

    @property
    def debris(self) -> AgentSet:
        """Dead cells that are not yet cleared; they are no agents."""
        return self._views.debris()


class OutputCollector(DataCollector):
    """A DataCollector of an experiment's outputs, which costs no more than ``record.every`` asks for.

    It has a row per step, as ``mesa.batch_run`` expects, but measures only what is due: between two records a row
    repeats the last one, and ``hours`` says when that was measured. ``get_model_vars_dataframe`` gives the measured
    rows only.

    Parameters
    ----------
    experiment : Experiment
    tissue : Tissue
        Says which substrates and compounds there are series for.
    """

    def __init__(self, experiment: Experiment, tissue: Tissue) -> None:
        self._series = series_of(experiment.record.outputs, tissue)
        self._constants = constants_of(experiment.catalog, experiment.sets, experiment.choice().mechanisms)
        self._every = max(1, round(experiment.record.every / experiment.time_step))
        self._values: dict[str, Any] = {}
        self._measured: list[int] = []
        names = ("hours", *(series.name for series in self._series))
        super().__init__(model_reporters={name: partial(self._last, name) for name in names})

    def collect(self, model: TumorModel) -> None:
        """Measure if a record is due, or the run is over, and add a row."""
        if model.steps % self._every == 0 or not model.running:
            measurement = Measurement(model.tissue, self._constants)
            self._values = {series.name: series.value(measurement) for series in self._series}
            self._values["hours"] = model.hours
            self._measured.append(len(self.model_vars["hours"]))
        super().collect(model)

    def get_model_vars_dataframe(self) -> Any:
        """Outputs at the measured times as a DataFrame, indexed by step."""
        return super().get_model_vars_dataframe().iloc[self._measured].rename_axis("step")

    def _last(self, name: str, model: TumorModel) -> Any:
        return self._values[name]


def _experiment(
    experiment: str | Path | Mapping[str, Any] | Experiment, overrides: Mapping[str, Any] | None
) -> Experiment:
    if overrides is not None and not isinstance(overrides, Mapping):
        raise TypeError(
            f"overrides must map paths of the experiment to values, got {overrides!r}; "
            "mesa.batch_run takes them as a list: overrides=[{...}, {...}]"
        )
    if isinstance(experiment, Experiment) and not overrides:
        return experiment
    return load_experiment(experiment, overrides)


def _seed(rng: Any, default: int) -> int:
    if rng is None:
        return int(default)
    if isinstance(rng, int | np.integer):
        if rng < 0:
            raise InputError(f"rng: {rng} must be 0 or more")
        return int(rng)
    return int(np.random.default_rng(rng).integers(2**63))
