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

SEEDS = (1, 2, 3, 4, 5)
EARLY, LATE = (("treated 14", "untreated 14"), ("treated 28", "untreated 28"))


@functools.cache
def found(literature: str) -> tuple[dict[str, dict[str, float]], ...]:
    """The nodule of every seed."""
    return tuple(therapy(literature, seed) for seed in SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("literature", ["review_2016", "primary"])
@pytest.mark.parametrize("factor", FACTORS)
def test_f28_tumor_cells_secrete_more_of_each_factor_under_treatment_and_not_before(
    literature: str, factor: str
) -> None:
    rise = np.log(ratios(found(literature), secretion(factor), *LATE))
    before = np.log(ratios(found(literature), secretion(factor), "before", "early"))
    print(f"{factor}: x {np.exp(rise.mean()):.2f} of the twin, x {np.exp(before.mean()):.2f} before treatment")
    assert (rise > 0.0).all() and rise.mean() > 2.0 * rise.std(ddof=1)
    assert abs(before.mean()) < 0.2 * rise.mean()


@pytest.mark.slow
def test_f28_the_lesion_holds_more_of_each_factor_after_two_weeks_and_not_before() -> None:
    for factor in FACTORS:
        rise, before = (np.log(ratios(found("review_2016"), factor, *pair)) for pair in (EARLY, ("before", "early")))
        print(f"{factor}: x {np.exp(rise.mean()):.2f} of the twin, x {np.exp(before.mean()):.2f} before treatment")
        assert (rise > 0.0).all() and rise.mean() > rise.std(ddof=1) and before.mean() < 0.2 * rise.mean()


@pytest.mark.slow
def test_f28_with_the_primary_sources_ang2_falls_and_the_others_rise() -> None:
    """Endothelium under VEGF then makes most of it, as plasma of patients on sunitinib has it."""
    assert (ratios(found("primary"), "ang2", *EARLY) < 0.5).all()
    for factor in ("fgf2", "il8", "ephrin_a"):
        assert (ratios(found("primary"), factor, *EARLY) > 1.0).all()


@pytest.mark.slow
def test_f28_the_rise_comes_with_the_loss_of_oxygen() -> None:
    assert (ratios(found("review_2016"), OXYGEN, *LATE) < 0.8).all()
