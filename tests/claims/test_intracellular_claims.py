"""Claims about drug inside tumor cells: lysosomes that trap it, and give it up again, and pumps."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from drug_scenes import HOURS, NO_EXOCYTOSIS, STILL, Culture, catalog_with

from tumorabm.catalog import Catalog, load_catalog

CALIBRATED, OTHERS = 100.0, (5.0, 2000.0)  # nM
CLINICAL = 6.4  # nM unbound in tissue under 50 mg daily, as in drugs.sunitinib.direct_ic50
DAY, WEEK = HOURS, 7.0 * HOURS
LONG = 730.0 * DAY
DT = 24.0
PUMPS = ("abcb1", "abcc1", "abcg2")
CLONES = ((), *((f"{pump}_overexpression",) for pump in PUMPS))


def cells(exposure: float, literature: str, catalog: Catalog | None = None, **columns: object) -> Culture:
    """A tumor cell in medium with sunitinib, with what divides."""
    culture = Culture({"sunitinib": exposure}, literature, catalog=catalog, names=("birth", "direct_effect"), **columns)
    culture.tissue.microenvironment["oxygen"].concentration[:] = 9.6
    return culture


@functools.cache
def resistant_capacity(literature: str, exposure: float = CALIBRATED) -> float:
    """Capacity of lysosomes after two years of exposure."""
    return float(cells(exposure, literature).advance(LONG, DT).capacity[0])


def resistant(exposure: float, literature: str, catalog: Catalog | None = None, at: float = CALIBRATED) -> Culture:
    """A cell that was made resistant in one medium, now in another one."""
    return cells(exposure, literature, catalog, lysosomal_capacity=[resistant_capacity(literature, at)])


def division(culture: Culture) -> float:
    """Rate of division relative to that of a cell without drug."""
    free = cells(0.0, "review_2016").advance(2.0)
    return float(culture.tissue.rates.total("divide", 1)[0] / free.tissue.rates.total("divide", 1)[0])


# --- F-52: total drug and target inhibition --------------------------------------------------------------------------


@pytest.mark.parametrize(("literature", "low", "high"), [("review_2016", 9.0, 11.0), ("primary", 1.7, 2.5)])
def test_f52_resistant_cells_hold_more_drug_in_all_and_less_of_it_free(
    literature: str, low: float, high: float
) -> None:
    """Calibrated at one exposure, held at it and at two others, 20 times below and above."""
    for exposure in (CALIBRATED, *OTHERS):
        parent = cells(exposure, literature, catalog_with(STILL)).advance(10 * DAY)
        cell = resistant(exposure, literature, catalog_with(STILL)).advance(10 * DAY)
        fold = float(cell.total("sunitinib")[0] / parent.total("sunitinib")[0])
        free = float(cell.free("sunitinib")[0] / parent.free("sunitinib")[0])
        print(f"{literature}, {exposure:g} nM: total x {fold:.2f}, free x {free:.3f}")
        assert low <= fold <= high
        assert free < (0.6 if literature == "review_2016" else 0.97)


def test_f52_target_inhibition_is_lost_although_cells_hold_ten_times_as_much() -> None:
    """What is left of PDGFR and of division at the exposure of patients."""
    parent = cells(CLINICAL, "review_2016", catalog_with(STILL)).advance(10 * DAY)
    cell = resistant(CLINICAL, "review_2016", catalog_with(STILL)).advance(10 * DAY)
    constant = load_catalog().get("drugs.sunitinib.pdgfr_inhibition", "nM", {"targets": "cellular"})
    blocked = [float(x.free("sunitinib")[0] / (constant + x.free("sunitinib")[0])) for x in (parent, cell)]
    divides = [division(parent), division(cell)]
    print(f"PDGFR blocked {blocked[0]:.3f} -> {blocked[1]:.3f}; division {divides[0]:.3f} -> {divides[1]:.3f}")
    assert blocked[1] < 0.65 * blocked[0]
    assert divides[0] == pytest.approx(0.5, abs=0.07) and divides[1] > 1.25 * divides[0]


def test_f52_it_is_exocytosis_that_protects_not_trapping() -> None:
    """The same capacity without exocytosis: still more drug in all, and as much of it free as in a parental cell."""
    catalog = catalog_with(STILL, NO_EXOCYTOSIS)
    parent = cells(CLINICAL, "review_2016", catalog).advance(60 * DAY, DT)
    cell = resistant(CLINICAL, "review_2016", catalog).advance(60 * DAY, DT)
    assert cell.total("sunitinib")[0] > 15.0 * parent.total("sunitinib")[0]
    assert cell.free("sunitinib")[0] == pytest.approx(parent.free("sunitinib")[0], rel=1e-6)


@pytest.mark.parametrize("literature", ["review_2016", "primary"])
def test_f52_patients_exposure_induces_within_months(literature: str) -> None:
    course = []
    cell, parent = cells(CLINICAL, literature), cells(CLINICAL, literature, catalog_with(STILL)).advance(10 * DAY)
    for days in (28, 84, 168, 365):
        cell.advance(days * DAY - cell.tissue.hours, 4.0)
        pair = (cell.total("sunitinib")[0], parent.total("sunitinib")[0], cell.free("sunitinib")[0])
        course.append((days, float(pair[0] / pair[1]), float(pair[2] / parent.free("sunitinib")[0])))
    print(literature, [(day, round(fold, 2), round(free, 3)) for day, fold, free in course])
    folds, free = np.array(course)[:, 1:].T
    assert (np.diff(folds) > 0.0).all() and (np.diff(free) < 0.0).all()
    assert folds[-1] > (6.0 if literature == "review_2016" else 1.6)


# --- F-53: reversible, and rechallenge -------------------------------------------------------------------------------


@pytest.mark.parametrize("literature", ["review_2016", "primary"])
def test_f53_capacity_halves_in_22_days_without_drug(literature: str) -> None:
    cell = resistant(0.0, literature)
    start = cell.capacity[0] - 1.0
    left = [float((cell.advance(22 * DAY, 4.0).capacity[0] - 1.0) / start) for _ in range(4)]
    print(literature, np.round(left, 3))
    np.testing.assert_allclose(left, [0.5, 0.25, 0.125, 0.0625], rtol=0.02)


def test_f53_without_the_drug_lysosomes_are_emptied_first_and_cells_are_sensitive_again_after_weeks() -> None:
    """Drug is gone in days; what the next dose does comes back with capacity's half-life, whole at 12 weeks."""
    cell = resistant(CLINICAL, "review_2016").advance(10 * DAY)
    held = cell.total("sunitinib")[0]
    assert cell.expose(sunitinib=0.0).advance(4 * DAY).total("sunitinib")[0] < 0.05 * held
    effects = {}
    parent = 1.0 - division(cells(CLINICAL, "review_2016", catalog_with(STILL)).advance(4 * DAY))
    for weeks in (0, 3, 6, 12, 24):
        again = resistant(0.0, "review_2016").advance(weeks * WEEK, 4.0).expose(sunitinib=CLINICAL).advance(4 * DAY)
        effects[weeks] = (1.0 - division(again)) / parent
    print({weeks: round(effect, 3) for weeks, effect in effects.items()})
    assert (np.diff(list(effects.values())) > 0.0).all()
    lost = {weeks: 1.0 - effect for weeks, effect in effects.items()}
    assert lost[3] < 0.75 * lost[0] and lost[12] < 0.25 * lost[0] and lost[24] < 0.1 * lost[0]


def test_f53_rechallenge_does_more_after_a_longer_interval() -> None:
    """Divisions that four weeks of the drug prevent, after breaks of 0 to 12 weeks from half a year of it."""
    start = float(cells(CLINICAL, "review_2016").advance(182 * DAY, 4.0).capacity[0])
    prevented = {}
    for weeks in (0, 3, 6, 12):
        cell = cells(0.0, "review_2016", lysosomal_capacity=[start]).advance(weeks * WEEK, 4.0)
        cell.expose(sunitinib=CLINICAL).advance(2 * DAY)
        prevented[weeks] = float(np.mean([1.0 - division(cell.advance(DAY, 4.0)) for _ in range(28)]))
    print({weeks: round(share, 3) for weeks, share in prevented.items()})
    assert (np.diff(list(prevented.values())) > 0.0).all()
    assert prevented[12] > 1.2 * prevented[0]


# --- F-26: pumps -----------------------------------------------------------------------------------------------------

ABCC1_SUBSTRATE = """
name: substrate
description: A drug that ABCC1 carries
facts: {unit: nM, lysosomotropic: false, abcb1_substrate: false, abcc1_substrate: true, abcg2_substrate: false}
values:
  tissue_total_over_unbound: {description: R, value: 50, unit: "1", source: [assumed], confidence: E}
  extracellular_share: {description: x, value: 0.1, unit: "1", source: [assumed], confidence: E}
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The catalog with a substrate of ABCC1, of which it has none."""
    root = tmp_path_factory.mktemp("catalog")
    (root / "drugs").mkdir()
    (root / "drugs" / "substrate.yaml").write_text(ABCC1_SUBSTRATE, encoding="utf-8")
    return load_catalog([Path(root)]).with_overrides(STILL)


def test_f26_each_pump_lowers_what_it_carries_and_nothing_else(catalog: Catalog) -> None:
    """Drug in cells that overexpress a pump over that in others, for every drug that cells hold, in all four clones."""
    held = [name for name in catalog.names("drugs") if f"drugs.{name}.extracellular_share" in catalog]
    assert len(held) > 15
    culture = Culture(dict.fromkeys(held, 10.0), clones=CLONES, catalog=catalog).advance(20 * DAY)
    for name in held:
        facts = catalog.noun("drugs", name).facts
        total = culture.total(name)
        ratio = total[1:] / total[0]
        print(name, np.round(ratio, 3))
        for pump, change in zip(PUMPS, ratio.tolist(), strict=True):
            if facts[f"{pump}_substrate"]:
                assert 0.6 < change < 0.75, (name, pump)
            else:
                assert change == 1.0, (name, pump)
    carried = {pump: {n for n in held if catalog.fact(f"drugs.{n}.{pump}_substrate")} for pump in PUMPS}
    assert "everolimus" in carried["abcb1"] - carried["abcg2"] and "sunitinib" in carried["abcb1"] & carried["abcg2"]
    assert carried["abcc1"] == {"substrate"}
    assert set(held) - carried["abcb1"] - carried["abcg2"] - carried["abcc1"]  # some that no pump carries


def test_f26_pumps_saturate(catalog: Catalog) -> None:
    ratios = []
    for exposure in (10.0, 1e3, 1e5):
        culture = Culture({"everolimus": exposure}, clones=CLONES[:2], catalog=catalog).advance(5 * DAY)
        ratios.append(float(culture.total("everolimus")[1] / culture.total("everolimus")[0]))
    print(np.round(ratios, 3))
    assert ratios[0] < ratios[1] < ratios[2] and ratios[2] > 0.98


# --- F-93: hydroxychloroquine ----------------------------------------------------------------------------------------


def test_f93_hydroxychloroquine_lowers_trapping_and_frees_drug() -> None:
    """In resistant and in parental cells, the more the higher its concentration."""
    for make in (resistant, cells):
        found = []
        for dose in (0.0, 300.0, 1200.0):
            cell = make(CLINICAL, "review_2016", catalog_with(STILL))
            both = Culture(
                {"sunitinib": CLINICAL, "hydroxychloroquine": dose},
                catalog=catalog_with(STILL),
                lysosomal_capacity=cell.capacity.copy(),
            ).advance(20 * DAY)
            found.append((float(both.held("sunitinib")[1][0]), float(both.free("sunitinib")[0])))
        trapped, free = np.array(found).T
        print(make.__name__, np.round(trapped), np.round(free, 2))
        assert (np.diff(trapped) < 0.0).all() and (np.diff(free) > 0.0).all()
        assert trapped[2] < 0.45 * trapped[0]
