"""Patients: germline variants and clearances, and what they change in the body."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorabm.catalog import load_catalog
from tumorabm.catalog.catalog import Catalog
from tumorabm.catalog.patients import factors_of, without_effect
from tumorabm.config import ExperimentError, load_experiment
from tumorabm.config.experiment import Experiment
from tumorabm.processes.dosing.disposition import DrugModel
from tumorabm.processes.dosing.pharmacokinetics import drug_model

EXPERIMENTS = Path(__file__).parents[2] / "configs" / "experiments"
CATALOG = load_catalog()
TREATED = "treatment=[{drug: everolimus, dose: 10 mg, every: 1 d}, {drug: sunitinib, dose: 50 mg, every: 1 d}]"


def of(*settings: str) -> Experiment:
    return load_experiment(EXPERIMENTS / "untreated.yaml", [TREATED, *settings])


def model(experiment: Experiment, drug: str) -> DrugModel:
    return drug_model(experiment.catalog, drug, experiment.sets)


def exposure(drug: DrugModel) -> np.ndarray:
    """Area under the curve of every compound per mg, nM h."""
    start = np.eye(len(drug.rates))[0] * drug.amount(1.0)
    return drug.concentrations @ np.linalg.solve(-drug.rates, start)


@pytest.mark.parametrize("name", CATALOG.names("variants"))
def test_a_variant_changes_something(name: str) -> None:
    assert without_effect(CATALOG, name) == []
    assert factors_of(CATALOG, [name], {})
    assert CATALOG.noun("variants", name).facts["gene"]


@pytest.mark.parametrize(("drug", "infused"), [("sunitinib", False), ("temsirolimus", True)])
def test_what_cyp3a4_eliminates_goes_with_its_metabolite(drug: str, infused: bool) -> None:
    """Of the parent as much is formed as before, and both leave twice as fast."""
    treated = "treatment=[{drug: temsirolimus, dose: 25 mg, every: 7 d}]" if infused else TREATED
    usual, carrier = of(treated), of(treated, f"patient.clearance={{{drug}: 2}}")
    found = exposure(model(carrier, drug)) / exposure(model(usual, drug))
    assert found == pytest.approx(0.5)
    variant = exposure(model(of(treated, "patient.variants=[nr1i2_carrier]"), drug)) / exposure(model(usual, drug))
    assert variant == pytest.approx(1.0 / 1.2)


def test_a_metabolite_that_cyp3a4_does_not_eliminate_stays() -> None:
    """What is eliminated forms it: as much, and sooner."""
    nouns = dict(CATALOG.nouns)
    known = nouns["drugs.sunitinib"]
    nouns["drugs.sunitinib"] = replace(known, facts={**known.facts, "cyp3a4_metabolized_su12662": False})
    catalog = Catalog(nouns, CATALOG.bibliography)
    changed = catalog.scaled(factors_of(catalog, [], {"sunitinib": 2.0}))
    sets = of().sets
    parent, metabolite = exposure(drug_model(changed, "sunitinib", sets)) / exposure(
        drug_model(catalog, "sunitinib", sets)
    )
    assert parent == pytest.approx(0.5) and metabolite == pytest.approx(1.0)


def test_variants_and_overrides_multiply_and_the_resolved_experiment_is_the_same() -> None:
    settings = ["patient={variants: [nr1i2_carrier], clearance: {sunitinib: 0.5}}"]
    changed = of(*settings, "catalog.drugs.sunitinib.pk_clearance=40 L/h")
    assert changed.value("drugs.sunitinib.pk_clearance", "L/h") == pytest.approx(40 * 1.2 * 0.5)
    again = load_experiment(changed.resolved())
    assert again.value("drugs.sunitinib.pk_clearance", "L/h") == changed.value("drugs.sunitinib.pk_clearance", "L/h")
    assert again.config_hash == changed.config_hash != of().config_hash


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("patient.variants=[abcb1]", "'abcb1' is no variant of the catalog; did you mean 'abcb1_ttt'?"),
        ("patient.variants=[abcb1_ttt, abcb1_ttt]", "'abcb1_ttt' is named twice"),
        ("patient.clearance={sunitinb: 2}", "'sunitinb' is no drug of the catalog; did you mean 'sunitinib'?"),
        ("patient.clearance={sunitinib: 0}", "0 must be more than 0"),
        ("patient.prognosis=bad", "expected one of favorable, intermediate, poor"),
        ("treatment=[{drug: pp242, dose: 5 mg, every: 1 d}]", "pp242 has no human pharmacokinetics; give it a"),
    ],
)
def test_what_is_wrong_is_said(setting: str, expected: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        of(setting)
    assert any(expected in str(problem) for problem in caught.value.problems), str(caught.value)


def test_clearance_of_a_drug_that_is_not_given_is_told() -> None:
    changed = of("patient.clearance={axitinib: 2}")
    assert any("axitinib is not given" in warning for warning in changed.warnings)
