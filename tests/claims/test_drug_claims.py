"""Claims about drugs by themselves: that they are there, what they are licensed for, what they hit."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from immune_scenes import NODULE, STEP, grown, tumor_measures
from scenarios import ROUND_OFF, SETS, endothelial, states, tumor

from tumorabm.catalog import load_catalog
from tumorabm.config import load_experiment
from tumorabm.processes.signaling.inhibitors import inhibitors_of
from tumorabm.recording.measurement import Measurement
from tumorabm.sweep.intervals import paired_t

UNTREATED = Path(__file__).parents[2] / "configs" / "experiments" / "untreated.yaml"
CATALOG = load_catalog()
SEEDS, DAY = range(3), round(24.0 / STEP)
# The drugs of the review's Table 1, by group and by license.
GROUPS = {
    "antibody": ("bevacizumab", "nivolumab"),
    "kinase inhibitor": ("sorafenib", "sunitinib", "pazopanib", "axitinib", "cabozantinib"),
    "rapalog": ("temsirolimus", "everolimus"),
}
INVESTIGATIONAL = ("regorafenib", "cediranib", "tivozanib", "dovitinib", "lenvatinib")
AGENTS = ("ridaforolimus", "vistusertib", "mk2206", "hydroxychloroquine", "trametinib")
LICENSED = tuple(drug for drugs in GROUPS.values() for drug in drugs)


def warnings(*treatment: str, **patient: str) -> tuple[str, ...]:
    """What is told of treatments, each ``drug`` or ``drug@day``, or ``drug@>n`` for the n-th progression."""

    def blocks() -> Iterator[dict[str, object]]:
        for text in treatment:
            drug, _, at = text.partition("@")
            when = {"from_progression": int(at[1:])} if at.startswith(">") else {"start": f"{at or 0} d"}
            yield {"drug": drug, "dose": "10 mg", "every": "1 d", **when}

    overrides = {"treatment": list(blocks()), "mechanisms": {"all": True}, **({"patient": patient} if patient else {})}
    return load_experiment(UNTREATED, overrides).warnings


def license_told(*treatment: str, **patient: str) -> list[str]:
    return [told for told in warnings(*treatment, **patient) if "outside its license" in told]


# --- F-15 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drug", (*LICENSED, *INVESTIGATIONAL, *AGENTS))
def test_f15_every_drug_can_be_given_and_has_a_target_that_runs(drug: str) -> None:
    told = warnings(drug)
    assert not any("acts on nothing" in warning for warning in told), told


def test_f15_groups_and_licenses_are_those_of_the_review() -> None:
    facts = {drug: CATALOG.noun("drugs", drug).facts for drug in (*LICENSED, *INVESTIGATIONAL, *AGENTS)}
    for group, drugs in GROUPS.items():
        assert all(group in facts[drug]["class"] for drug in drugs)
    assert all("inhibitor" in facts[drug]["class"] for drug in INVESTIGATIONAL)
    assert {drug for drug, known in facts.items() if known["licensed"]} == set(LICENSED)
    assert all("indication" in facts[drug] for drug in LICENSED)


# --- F-17 ------------------------------------------------------------------------------------------------------------


def test_f17_only_two_inhibitors_of_mtor_are_licensed() -> None:
    inhibitors = [drug for drug in CATALOG.names("drugs") if f"drugs.{drug}.mtorc1_inhibition" in CATALOG]
    licensed = [drug for drug in inhibitors if CATALOG.noun("drugs", drug).facts["licensed"]]
    assert licensed == ["everolimus", "temsirolimus"] and len(inhibitors) > 4


@pytest.mark.parametrize(
    ("treatment", "prognosis", "told"),
    [
        (["everolimus"], None, "everolimus is licensed after VEGF-targeted therapy, and none begins before it"),
        (["everolimus", "sunitinib"], None, "everolimus is licensed after VEGF-targeted"),  # both from the beginning
        (["interferon_alpha", "everolimus@60"], None, "everolimus is licensed after VEGF-targeted"),
        (["sunitinib", "everolimus@60"], None, ""),
        (["bevacizumab", "everolimus@>1"], None, ""),
        (["temsirolimus"], None, ""),  # nothing is known of the patient
        (["temsirolimus"], "poor", ""),
        (["temsirolimus"], "favorable", "licensed for patients with poor prognosis, and this one's is favorable"),
        (["sunitinib", "temsirolimus@>1"], "poor", "temsirolimus is licensed first-line, and sunitinib begins before"),
        (["axitinib"], None, "axitinib is licensed after another therapy"),
        (["sunitinib@20", "sunitinib"], "intermediate", ""),
        (["sunitinib", "trametinib@>1", "trametinib@>2"], None, "trametinib is not licensed"),
    ],
)
def test_f17_use_outside_the_license_is_told_once(treatment: list[str], prognosis: str | None, told: str) -> None:
    found = license_told(*treatment, **({"prognosis": prognosis} if prognosis else {}))
    assert len(found) == bool(told) and all(told in warning for warning in found), found


# --- F-67 ------------------------------------------------------------------------------------------------------------


def test_f67_everolimus_at_its_usual_exposure_takes_most_of_what_it_can_of_s6k_and_half_of_mtorc1() -> None:
    """S6K is what its constant was set by, roughly; mTORC1 is held to blood cells of patients.

    Those lose 0.56 (of what readout is not known). Endothelium, where AKT drives mTORC1 more, loses more.
    """
    exposure = CATALOG.get("drugs.everolimus.usual_exposure", "nM", SETS)
    seen = CATALOG.entry("drugs.everolimus.blood_cells_mtor_inhibited", SETS).value
    for cell, apart in ((tumor, 0.05), (endothelial, 0.1)):
        usual, treated, full = cell(), cell(drugs={"everolimus": exposure}), cell(drugs={"everolimus": 1e5})
        found = states([usual, treated, full])
        lost, most = (
            {node: 1.0 - found[one][node] / found[usual][node] for node in ("mtorc1", "s6k")} for one in (treated, full)
        )
        print(cell.__name__, {node: (round(lost[node], 3), round(most[node], 3)) for node in lost})
        assert 0.8 * most["s6k"] < lost["s6k"] < 0.95 * most["s6k"]
        assert lost["mtorc1"] == pytest.approx(seen, abs=apart)


# --- F-62, F-91, F-92 ------------------------------------------------------------------------------------------------


def test_f62_trametinib_lowers_erk_in_both_networks() -> None:
    for cell in (tumor, endothelial):
        usual, treated = cell(), cell(drugs={"trametinib": 2.0})
        found = states([usual, treated])
        assert found[treated]["erk"] < 0.7 * found[usual]["erk"]
        assert found[treated]["division"] < found[usual]["division"] - ROUND_OFF


@functools.cache
def nodule(seed: int, drug: str = "", dose: str = "", every: str = "") -> dict[str, float]:
    """Activities of a nodule's tumor cells after three weeks of a drug, and how many there are."""
    given = f"treatment=[{{drug: {drug}, dose: {dose}, every: {every}}}]" if drug else "treatment=[]"
    tissue, _ = grown(NODULE, seed, 21 * DAY, "burn_in=0 d", given)
    activity = Measurement(tissue, {}).tumor_activity
    return {"cells": tumor_measures(tissue)["growth"]} | {node: float(activity[node]) for node in ("erk", "akt", "s6k")}


def test_f62_the_clinical_dose_of_trametinib_lowers_erk_of_a_nodule() -> None:
    """Through blood and tissue, 2 mg a day."""
    for seed in SEEDS:
        usual, treated = nodule(seed), nodule(seed, "trametinib", "2 mg", "1 d")
        print(f"ERK {usual['erk']:.3f} -> {treated['erk']:.3f}, cells x {treated['cells'] / usual['cells']:.3f}")
        assert treated["erk"] < 0.8 * usual["erk"]


def test_f91_ridaforolimus_takes_mtorc1_and_not_mtorc2() -> None:
    usual, treated, altered = (
        tumor(),
        tumor(drugs={"ridaforolimus": 5.0}),
        tumor("fkbp12_loss", drugs={"ridaforolimus": 5.0}),
    )
    found = states([usual, treated, altered])
    assert found[treated]["mtorc1"] < 0.7 * found[usual]["mtorc1"]
    assert found[treated]["s6k"] < 0.7 * found[usual]["s6k"]
    assert found[treated]["mtorc2"] >= found[usual]["mtorc2"] - ROUND_OFF
    assert found[altered]["mtorc1"] > 0.8 * found[usual]["mtorc1"]  # as a rapalog it needs FKBP-12
    assert [item.node for item in inhibitors_of(CATALOG, ["ridaforolimus"], SETS)] == ["mtorc1"]


def test_f92_vistusertib_takes_both_complexes_and_so_akt() -> None:
    """At the mean unbound concentrations of patients, where everolimus lets AKT rise."""
    usual, both, one = tumor(), tumor(drugs={"vistusertib": 150.0}), tumor(drugs={"everolimus": 1.1})
    found = states([usual, both, one])
    for node in ("mtorc1", "mtorc2", "akt"):
        assert found[both][node] < 0.95 * found[usual][node]
    assert found[one]["mtorc1"] < 0.95 * found[usual]["mtorc1"]
    assert found[one]["mtorc2"] > found[usual]["mtorc2"] and found[one]["akt"] > found[usual]["akt"]


def test_f92_in_tissue_no_difference_of_vistusertib_and_everolimus_shows_against_the_trial() -> None:
    """At clinical doses; their constants are on different bases, and everolimus's range holds both signs."""
    usual = [nodule(seed) for seed in SEEDS]
    dual = [nodule(seed, "vistusertib", "50 mg", "12 h") for seed in SEEDS]
    rapalog = [nodule(seed, "everolimus", "10 mg", "1 d") for seed in SEEDS]
    for name, arm in (("untreated", usual), ("vistusertib", dual), ("everolimus", rapalog)):
        print(name, {what: round(float(np.mean([one[what] for one in arm])), 3) for what in usual[0]})
    for none, both, one in zip(usual, dual, rapalog, strict=True):
        assert both["akt"] < none["akt"] < one["akt"]
        assert max(both["s6k"], one["s6k"]) < none["s6k"]
    left = np.log([[one["cells"] for one in arm] for arm in (usual, dual, rapalog)])
    (_, low, high), gained = paired_t(left[1] - left[2]), [paired_t(arm - left[0]) for arm in left[1:]]
    print("ln(cells), vistusertib - everolimus:", round(low, 3), "to", round(high, 3))
    assert low < 0.0 < high
    assert all(mean < 0.0 for mean, _, _ in gained)
