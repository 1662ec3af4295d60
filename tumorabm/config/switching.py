"""Experiments with one process or mechanism switched off, and which of them an experiment can do without."""

from __future__ import annotations

from collections.abc import Mapping

from tumorabm.config.checks import available_outputs
from tumorabm.config.experiment import Experiment
from tumorabm.config.loading import load_experiment
from tumorabm.errors import InputError


def without_process(experiment: Experiment, name: str) -> Experiment:
    """The experiment with one process switched off, and without the outputs that then do not exist.

    Parameters
    ----------
    experiment : Experiment
    name : str
        One of the experiment's active processes.

    Raises
    ------
    InputError
        If there is no such process, or the rest of the experiment needs it.
    """
    trial = experiment.model_copy(update={"processes": {**experiment.processes, name: False}})
    return load_experiment(experiment, {f"processes.{name}": False, **_outputs_left(experiment, trial)})


def with_mechanisms(experiment: Experiment, on: Mapping[str, bool]) -> Experiment:
    """The experiment with other mechanisms, and without the outputs that then do not exist.

    Parameters
    ----------
    experiment : Experiment
    on : mapping of str to bool
        Every mechanism.

    Raises
    ------
    InputError
        If the rest of the experiment needs one that is off.
    """
    trial = experiment.model_copy(update={"mechanisms": dict(on)})
    return load_experiment(experiment, {"mechanisms": dict(on), **_outputs_left(experiment, trial)})


def _outputs_left(experiment: Experiment, trial: Experiment) -> dict[str, object]:
    left = set(available_outputs(trial))
    outputs = [output for output in experiment.record.outputs if output in left]
    return {"record.outputs": outputs} if outputs else {}


def switchable_processes(experiment: Experiment) -> dict[str, str]:
    """Whether each active process can be switched off alone.

    Returns
    -------
    dict of str to str
        By the process's name in the order of a step: empty if the experiment runs without it, else why it does not.
    """
    reasons = {}
    for name in experiment.active_processes():
        try:
            without_process(experiment, name)
            reasons[name] = ""
        except InputError as error:
            reasons[name] = "; ".join(problem.message for problem in error.problems)
    return reasons
