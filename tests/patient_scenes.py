"""A patient of the untreated nodule who is given everolimus and sunitinib, and what the body makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tumorabm.config import load_experiment
from tumorabm.config.experiment import Experiment
from tumorabm.processes.dosing.disposition import DrugModel
from tumorabm.processes.dosing.pharmacokinetics import drug_model

EXPERIMENTS = Path(__file__).parents[1] / "configs" / "experiments"
TREATED = "treatment=[{drug: everolimus, dose: 10 mg, every: 1 d}, {drug: sunitinib, dose: 50 mg, every: 1 d}]"


def patient_with(*settings: str) -> Experiment:
    """The patient with settings of their own."""
    return load_experiment(EXPERIMENTS / "untreated.yaml", [TREATED, *settings])


def model(experiment: Experiment, drug: str) -> DrugModel:
    """A drug in that patient's body."""
    return drug_model(experiment.catalog, drug, experiment.sets)


def exposure(drug: DrugModel) -> np.ndarray:
    """Area under the curve of every compound per mg, nM h."""
    start = np.eye(len(drug.rates))[0] * drug.amount(1.0)
    return drug.concentrations @ np.linalg.solve(-drug.rates, start)
