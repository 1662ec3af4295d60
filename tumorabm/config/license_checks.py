"""Drugs that an experiment gives outside their license: allowed, but told, once for each drug."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tumorabm.catalog import Catalog
from tumorabm.config.checks import Finding, needs
from tumorabm.config.experiment import Experiment
from tumorabm.config.treatment_blocks import TreatmentBlock

# What makes a drug VEGF-targeted: one of these in the catalog.
_VEGF_TARGETED: Final = ("vegfr2_inhibition", "vegf_a_binding")


@needs("treatment", "patient", "catalog")
def _licensed(experiment: Experiment) -> Iterator[Finding]:
    catalog, seen = experiment.catalog, set()
    for index, item in enumerate(experiment.treatment):
        if item.drug not in catalog.names("drugs") or item.drug in seen:
            continue
        seen.add(item.drug)
        outside = _outside_license(experiment, item)
        if outside:
            yield Finding(("treatment", index, "drug"), f"outside its license: {outside}", warning=True)


def _outside_license(experiment: Experiment, item: TreatmentBlock) -> str:
    """Why a drug is given outside its license; empty where it is not, and where its file does not say.

    The fact ``indication`` may hold ``after`` (``systemic`` therapy, or ``vegf_targeted``), ``line`` (1: nothing
    before) and ``prognosis`` (heeded where the patient's is given).
    """
    catalog, drug = experiment.catalog, item.drug
    facts = catalog.noun("drugs", drug).facts
    if not facts.get("licensed", True):
        return f"{drug} is not licensed for renal cell carcinoma"
    indication = facts.get("indication", {})
    before = [other.drug for other in experiment.treatment if other.drug != drug and _begin(other) < _begin(item)]
    after, prognosis = indication.get("after"), experiment.patient.prognosis
    if after == "vegf_targeted" and not any(_vegf_targeted(catalog, other) for other in before):
        return f"{drug} is licensed after VEGF-targeted therapy, and none begins before it"
    if after == "systemic" and not before:
        return f"{drug} is licensed after another therapy, and none begins before it"
    if indication.get("line") == 1 and before:
        return f"{drug} is licensed first-line, and {before[0]} begins before it"
    needed = indication.get("prognosis", prognosis)
    if prognosis is not None and prognosis != needed:
        return f"{drug} is licensed for patients with {needed} prognosis, and this one's is {prognosis}"
    return ""


def _begin(item: TreatmentBlock) -> tuple[int, float]:
    """When a drug begins: by progressions, then by time."""
    return item.from_progression or 0, item.start


def _vegf_targeted(catalog: Catalog, drug: str) -> bool:
    return any(f"drugs.{drug}.{target}" in catalog for target in _VEGF_TARGETED)
