"""F-31: Ang2 makes vessels regress without VEGF and sprout with it, in beds of vessels in simulated tissue."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from vessel_bed import Bed

from tumorabm.catalog import load_catalog

SEEDS = tuple(range(1, 9))
LOW, HIGH = 0.02, 0.2  # nM of VEGF-A: half of what host tissue has, and more than a lesion
ANG1 = 0.4  # nM, as host tissue has
ANG2 = 2.0  # nM, of a lesion in which endothelium remodels all over
# Vessels with half of their pericytes and room to grow: what Ang2 acts on.
BED = (
    "catalog.cell_types.endothelial.host_coverage=0.5",
    "catalog.cell_types.endothelial.crowding_density=1000 1/mm^2",
)


@functools.cache
def vessels(vegf: float, ang2: float, mechanisms: tuple[str, ...] = ("angiopoietins",)) -> np.ndarray:
    """Log of the number of vessels after two weeks relative to the start, by seed."""
    out = []
    for seed in SEEDS:
        bed = Bed.of(seed, mechanisms, "substrates=[oxygen, vegf_a, ang1, ang2]", *BED, "vessels.spacing=240 um")
        start = bed.vessels
        bed.hold({"vegf_a": vegf, "ang1": ANG1, "ang2": ang2, "oxygen": 40.0}).run(14.0)
        out.append(np.log(bed.vessels / start))
    return np.array(out)


def effect(vegf: float) -> np.ndarray:
    """What Ang2 does at a level of VEGF, by seed."""
    return vessels(vegf, ANG2) - vessels(vegf, 0.0)


def size(differences: np.ndarray) -> float:
    """Effect size of paired differences: their mean over their standard deviation."""
    return float(differences.mean() / differences.std(ddof=1))


def test_f31_the_effect_of_ang2_on_vessels_flips_its_sign_with_vegf() -> None:
    without, with_vegf = effect(LOW), effect(HIGH)
    for name, found in (("without VEGF", without), ("with VEGF", with_vegf)):
        print(f"Ang2 {name}: {100 * np.expm1(found.mean()):+.1f} % vessels, effect size {size(found):+.2f}")
    assert without.mean() < -0.1 and with_vegf.mean() > 0.02
    assert size(without) < -1.0 and size(with_vegf) > 1.0
    # The interaction of the 2x2, in every bed.
    assert (with_vegf > without).all()


def test_f31_vegf_alone_makes_the_difference_to_which_ang2_adds() -> None:
    assert (vessels(HIGH, 0.0) > vessels(LOW, 0.0)).all()


@pytest.mark.parametrize("vegf", [LOW, HIGH])
def test_f31_with_the_mechanism_off_ang2_does_nothing(vegf: float) -> None:
    np.testing.assert_array_equal(vessels(vegf, ANG2, ()), vessels(vegf, 0.0, ()))


def test_f31_ang1_takes_the_effect_away() -> None:
    """Ang2 is an antagonist: it needs to hold Tie2 in Ang1's place."""
    lost = []
    for ang1 in (0.0, ANG1, 40.0):
        bed = Bed.of(1, ("angiopoietins",), *BED)
        start = bed.vessels
        lost.append(start - bed.hold({"vegf_a": LOW, "ang1": ang1, "ang2": 0.5, "oxygen": 40.0}).run(14.0).vessels)
    assert lost[0] > lost[1] > lost[2]


def test_f31_a_quiet_host_makes_next_to_none() -> None:
    """With fields that are solved Ang2 holds a small share of host endothelium's Tie2."""
    bed = Bed.of(1, ("angiopoietins",), fields=True).run(1.0)
    catalog, sets = load_catalog(), {"literature": "review_2016"}
    bound = {
        name: bed.tissue.microenvironment[name].concentration
        / catalog.get(f"substrates.{name}.tie2_dissociation", "nM", sets)
        for name in ("ang1", "ang2")
    }
    assert (bound["ang2"] / (bound["ang1"] + bound["ang2"])).max() < 0.06
    assert bed.tissue.rates.total("regress", bed.rates_size).max() < 1e-3 / 24.0
