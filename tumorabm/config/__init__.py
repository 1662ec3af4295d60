"""Experiments: what a user writes in a file, checked strictly, in internal units once it is read."""

from tumorabm.config.experiment import Experiment
from tumorabm.config.loading import ExperimentError, load_experiment

__all__ = ["Experiment", "ExperimentError", "load_experiment"]
