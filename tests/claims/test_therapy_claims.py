"""F-28 in tissue: under treatment tumors with VHL make more FGF2, IL-8, ephrin-A and Ang2, with no rule that says so.

A small nodule under sunitinib against its untreated twin, in which factors follow from hypoxia by signaling in cells
alone. Later in the course so many cells are dead that the lesion holds no more of them, though each secretes more. Ang2
falls where the literature has endothelium under VEGF make most of it. The table: tests/validation/mechanism_effects.md.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from therapy_scene import FACTORS, OXYGEN, ratios, secretion, therapy

from tumorabm.sweep.intervals import paired_t

SEEDS = range(1, 11)
EARLY, LATE = (("treated 14", "untreated 14"), ("treated 28", "untreated 28"))


@functools.cache
def found(literature: str) -> tuple[dict[str, dict[str, float]], ...]:
    """The nodule of every seed."""
    return tuple(therapy(literature, seed) for seed in SEEDS)


def rises(literature: str, name: str, days: tuple[str, str]) -> bool:
    """Whether something is higher than in the twin (95 % by Student's t over seeds), and was not before treatment."""
    mean, low, high = paired_t(np.log(ratios(found(literature), name, *days)))
    before = float(np.mean(np.log(ratios(found(literature), name, "before", "early"))))
    shown = f"x {np.exp(mean):.2f} ({np.exp(low):.2f} to {np.exp(high):.2f}) of the twin"
    print(f"{name}, {literature}, {days[0]} d: {shown}, x {np.exp(before):.2f} before treatment")
    return low > 0.0 and before < 0.2 * mean


@pytest.mark.slow
@pytest.mark.parametrize("literature", ["review_2016", "primary"])
@pytest.mark.parametrize("factor", FACTORS)
def test_f28_tumor_cells_secrete_more_of_each_factor_under_treatment_and_not_before(
    literature: str, factor: str
) -> None:
    assert rises(literature, secretion(factor), LATE)


@pytest.mark.slow
def test_f28_the_lesion_holds_more_of_each_factor_after_two_weeks_and_not_before() -> None:
    assert all([rises("review_2016", factor, EARLY) for factor in FACTORS])


@pytest.mark.slow
def test_f28_with_the_primary_sources_ang2_falls_and_the_others_rise() -> None:
    """Endothelium under VEGF then makes most of it, as plasma of patients on sunitinib has it."""
    assert (ratios(found("primary"), "ang2", *EARLY) < 0.5).all()
    assert all([rises("primary", factor, EARLY) for factor in ("fgf2", "il8", "ephrin_a")])


@pytest.mark.slow
def test_f28_the_rise_comes_with_the_loss_of_oxygen() -> None:
    assert (ratios(found("review_2016"), OXYGEN, *LATE) < 0.8).all()
