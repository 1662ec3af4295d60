"""Claims about toxicity, as far as one patient's body shows it: burdens of classes of drugs.

Adverse events of trials would be counted from these.
"""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS
from toxicity_scene import AXITINIB, CATALOG, DAY, FIRST, LINE, after, course

from tumorabm.processes.dosing.schedule import Regimen, ToxicityRule

# As everolimus has them: the same weight and times as inhibitors of VEGFR's kinase, so that only the memory differs.
ALIKE = {
    f"toxicities.mtor_inhibitor.{name}": CATALOG.get(f"toxicities.vegfr_inhibitor.{name}", unit, SETS)
    for name, unit in (("weight", "1"), ("onset_time", "d"), ("recovery_time", "d"))
}


def test_f65_a_second_kinase_inhibitor_is_more_toxic_after_the_first_than_after_a_cytokine() -> None:
    second = slice(120, 240)
    own = {drug: after(drug)["vegfr_inhibitor_toxicity"][second] for drug in ("sunitinib", "interferon_alpha", "")}
    total = {drug: after(drug)["total_toxicity"][second].mean() for drug in ("sunitinib", "interferon_alpha", "")}
    print({drug or "none": f"{own[drug].mean():.2f} of {total[drug]:.2f}" for drug in own})
    assert (own["sunitinib"] > own["interferon_alpha"]).all()
    np.testing.assert_allclose(own["interferon_alpha"], own[""], rtol=1e-12)  # another class leaves no trace in this
    assert total["sunitinib"] > 1.2 * total["interferon_alpha"]
    # It is memory: with a pause of a year in between, the first drug is forgotten.
    late = course(FIRST["sunitinib"], Regimen("axitinib", 5.0, 12.0, start=LINE + 365 * DAY), days=605)
    np.testing.assert_allclose(late["vegfr_inhibitor_toxicity"][-120:], own[""], rtol=0.01, atol=1e-3)


def test_f65_so_its_dose_is_reduced_in_patients_who_had_the_first_and_not_after_a_cytokine() -> None:
    # A physician who does not accept what months of the usual dose bring, which is 1.
    rule = ToxicityRule("vegfr_inhibitor_toxicity", 14 * DAY, 0.7, (3.0, 2.0), None, 2.0, 1.0)
    given = {
        drug: course(FIRST[drug], Regimen("axitinib", 5.0, 12.0, start=LINE, toxicity=rule), days=180)["dose"][120:]
        for drug in ("sunitinib", "interferon_alpha")
    }
    print({drug: f"{doses.mean():.1f} mg per day" for drug, doses in given.items()})
    assert given["sunitinib"].mean() < 0.8 * given["interferon_alpha"].mean()
    assert (given["sunitinib"] <= given["interferon_alpha"]).all()


@pytest.mark.parametrize("alike", [True, False])
def test_f72_a_switch_to_another_mechanism_is_less_toxic_at_equal_exposure(alike: bool) -> None:
    """With equal weights and times of both classes, and as the catalog has them."""
    overrides = {name: f"{value} {'1' if name.endswith('weight') else 'd'}" for name, value in ALIKE.items()}
    overrides = overrides if alike else {}
    other = Regimen("everolimus", 10.0, DAY, start=LINE)
    same = course(FIRST["sunitinib"], AXITINIB, **overrides)["total_toxicity"][120:]
    found = course(FIRST["sunitinib"], other, **overrides)["total_toxicity"][120:]
    ratio = found / same
    print(f"total toxicity after the switch relative to the same mechanism: {ratio.min():.2f} to {ratio.max():.2f}")
    assert ratio.mean() < 0.85 and ratio[7:].max() < 1.0
    # Without reserve of organs (steepness 1) what two classes share adds up to what one would have.
    linear = {f"toxicities.{name}.steepness": "1" for name in ("vegfr_inhibitor", "mtor_inhibitor")}
    if alike:
        pair = [
            course(FIRST["sunitinib"], second, **overrides, **linear)["total_toxicity"][120:]
            for second in (AXITINIB, other)
        ]
        np.testing.assert_allclose(pair[1], pair[0], rtol=0.03)


def test_f72_by_class_neither_reaches_what_one_mechanism_does() -> None:
    found = course(FIRST["sunitinib"], Regimen("everolimus", 10.0, DAY, start=LINE))
    worst = np.maximum(found["vegfr_inhibitor_toxicity"], found["mtor_inhibitor_toxicity"])[134:]
    assert (worst < after("sunitinib")["vegfr_inhibitor_toxicity"][134:]).all()
