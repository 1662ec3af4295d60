"""F-63: kinase inhibitors differ in their targets, so that a second one works where resistance is to the first one's.

A drug's profile is the share of each target that it blocks at the mean unbound concentration of its dose. The review's
own explanation is looked at in endothelium that another signal than VEGF drives.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scenarios import SETS, endothelial, shown, states
from scipy.stats import spearmanr

from tumorabm.catalog import load_catalog
from tumorabm.processes.dosing.pharmacokinetics import drug_model

CATALOG = load_catalog()
# mg, and h between doses, breaks of the schedule spread over all days.
DOSES = {
    "sunitinib": (50.0, 24.0 * 42 / 28), "sorafenib": (400.0, 12.0), "pazopanib": (800.0, 24.0),
    "axitinib": (5.0, 12.0), "cabozantinib": (60.0, 24.0), "lenvatinib": (24.0, 24.0),
    "dovitinib": (500.0, 24.0 * 7 / 5), "tivozanib": (1.34, 24.0 * 28 / 21), "cediranib": (45.0, 24.0),
    "regorafenib": (160.0, 24.0 * 28 / 21),
}  # fmt: skip
TARGETS = (
    *("vegfr1", "vegfr2", "vegfr3", "pdgfra", "pdgfrb", "fgfr", "met", "axl", "raf", "kit", "flt3", "csf1r", "ret"),
)
VEGF, FGF, BV8 = {"fgf2": 0.0, "bv8": 0.0}, {"fgf2": 0.5, "bv8": 0.0}, {"fgf2": 0.0, "bv8": 4.0}
USUAL, TRAPPED = 1.0, 0.1  # of a drug's concentration that acts


@functools.cache
def unbound(drug: str) -> float:
    """Mean unbound concentration of the parent in plasma, nM."""
    model = drug_model(CATALOG, drug, SETS)
    dose, interval = DOSES[drug]
    per_amount = (model.concentrations @ np.linalg.solve(-model.rates, np.eye(len(model.rates))[0]))[0]
    share = CATALOG.get(f"drugs.{drug}.fraction_unbound", "1", SETS)
    return float(model.amount(dose) * per_amount / interval * share)


@functools.cache
def profile(drug: str) -> np.ndarray:
    """Share of each target that a drug blocks, 0 where the catalog has no constant."""

    def blocked(target: str) -> float:
        path = f"drugs.{drug}.{target}_inhibition"
        return unbound(drug) / (unbound(drug) + CATALOG.get(path, "nM", SETS)) if path in CATALOG else 0.0

    return np.array([blocked(target) for target in TARGETS])


def shared(first: str, second: str) -> float:
    """Share of what the second drug blocks that the first one blocks already: cross-resistance by targets."""
    return float(np.minimum(profile(first), profile(second)).sum() / profile(second).sum())


def arms(drug: str, inputs: dict[str, float], acting: float = USUAL):
    """Endothelium without and with a drug."""
    concentration = {drug: acting * unbound(drug)}
    return endothelial(vegf_a=0.1, **inputs), endothelial(vegf_a=0.1, drugs=concentration, **inputs)


def benefit(drug: str, inputs: dict[str, float], acting: float = USUAL) -> float:
    """Share of the division of endothelium that a drug takes."""
    cells = arms(drug, inputs, acting)
    free, treated = (states(list(cells))[cell]["division"] for cell in cells)
    return 1.0 - treated / free


def test_f63_profiles_have_the_targets_that_the_review_names() -> None:
    sunitinib = ("vegfr1", "vegfr2", "vegfr3", "pdgfra", "pdgfrb", "kit", "flt3", "csf1r", "ret")
    sorafenib = ("raf1", "braf", "braf_v600e", "kit", "flt3", "vegfr2", "vegfr3", "pdgfrb")
    for drug, targets in (("sunitinib", sunitinib), ("sorafenib", sorafenib)):
        assert all(f"drugs.{drug}.{target}_inhibition" in CATALOG for target in targets)
    assert "drugs.sunitinib.raf_inhibition" not in CATALOG
    assert profile("sorafenib")[TARGETS.index("raf")] > 0.5


def test_f63_no_two_profiles_are_the_same_and_overlap_has_a_direction() -> None:
    for first in DOSES:
        print(f"{first:13s}", *(f"{second} {shared(first, second):.2f}" for second in DOSES if second != first))
        assert shared(first, first) == pytest.approx(1.0)
        assert any(shared(first, second) < 0.95 for second in DOSES if second != first)
    # What axitinib blocks sunitinib does nearly all, and not the other way round; sorafenib adds RAF.
    assert shared("sunitinib", "axitinib") > 0.8 > 2.0 * shared("axitinib", "sunitinib")
    assert shared("sunitinib", "sorafenib") < 0.7


def test_f63_resistance_to_one_drug_leaves_the_others() -> None:
    """As where cells trap sunitinib: a tenth of it acts."""
    assert benefit("sunitinib", VEGF, TRAPPED) < 0.3 * benefit("sunitinib", VEGF)
    assert all(benefit(drug, VEGF) > benefit("sunitinib", VEGF, TRAPPED) for drug in DOSES if drug != "sunitinib")


@pytest.mark.parametrize(("second", "works"), [("dovitinib", True), ("sorafenib", True), ("axitinib", False)])
def test_f63_under_fgf_a_second_inhibitor_works_if_it_hits_what_the_first_does_not(second: str, works: bool) -> None:
    """FGF's receptor (dovitinib) or RAF behind it (sorafenib); axitinib hits no more than sunitinib."""

    def holds(free, treated, fgf_free, fgf_treated, fgf_second) -> bool:
        lost = 1.0 - fgf_treated["division"] / fgf_free["division"]
        resists = lost < 0.5 * (1.0 - treated["division"] / free["division"])
        gained = 1.0 - fgf_second["division"] / fgf_free["division"]
        return resists and (gained > lost + 0.1) is works

    shown(holds, *arms("sunitinib", VEGF), *arms("sunitinib", FGF), arms(second, FGF)[1])


def test_f63_what_is_left_of_second_inhibitors_follows_what_they_block_beyond_the_first() -> None:
    seconds = [drug for drug in DOSES if drug != "sunitinib"]
    beyond = [
        max(profile(drug)[place] - profile("sunitinib")[place] for place in map(TARGETS.index, ("fgfr", "raf")))
        for drug in seconds
    ]
    left = [benefit(drug, FGF) / benefit(drug, VEGF) for drug in seconds]
    for drug, more, rest in zip(seconds, beyond, left, strict=True):
        print(f"{drug}: blocks {more:.2f} beyond sunitinib, {rest:.2f} of its benefit is left under FGF")
    assert spearmanr(beyond, left).statistic > 0.7


@pytest.mark.parametrize("second", ["axitinib", "dovitinib", "tivozanib", "cabozantinib"])
def test_f63_resistance_that_is_common_to_all_leaves_no_second_inhibitor(second: str) -> None:
    """Bv8: no drug blocks its receptor, and these not what is behind it."""

    def holds(free, treated, bv8_free, bv8_treated) -> bool:
        benefits = [1.0 - b["division"] / a["division"] for a, b in ((free, treated), (bv8_free, bv8_treated))]
        return benefits[1] < 0.5 * benefits[0]

    shown(holds, *arms(second, VEGF), *arms(second, BV8))
