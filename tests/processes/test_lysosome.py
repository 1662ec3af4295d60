"""Lysosomes' capacity and pH, and the direct effect on division."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bare_tissue import OXYGEN, bare_tissue, process_of, put, put_tumor
from drug_scenes import HOURS, STILL, Culture, catalog_with, choice_of, drug_fields, processes_of
from scipy.integrate import solve_ivp

from tumorabm.catalog import load_catalog
from tumorabm.processes.resistance.direct_effect import DirectEffect, direct_constants
from tumorabm.tissue.cells import ENDOTHELIAL

DAYS = HOURS


def capacity_after(days: float, dt: float, cytosol: float, start: float = 1.0, drug: str = "sunitinib") -> float:
    """Capacity of a cell whose cytosol holds so much all the time."""
    process = processes_of(["lysosomal_capacity"], choice_of(exposure={drug: 1.0}))[0]
    tissue = bare_tissue((1, 2, 2), processes=[process])
    put_tumor(tissue, [0], drug_cytosol=[[cytosol]], lysosomal_capacity=[start])
    for _ in range(round(days * DAYS / dt)):
        process.step(tissue, dt)
    return float(tissue.cells["lysosomal_capacity"][0])


def test_capacity_follows_its_equation_exactly_while_exposure_stays() -> None:
    free = 253.8 * 2.0  # 2 nM, s = 0.8
    largest = load_catalog().get("cell_types.tumor.lysosomal_capacity_induced", "1", choice_of().sets)

    def slope(_: float, phi: np.ndarray) -> np.ndarray:
        return 0.015 * (largest - phi) * 0.8 - np.log(2.0) / 22.0 * 0.2 * (phi - 1.0)

    exact = solve_ivp(slope, (0, 60), [1.0], method="LSODA", rtol=1e-10).y[0, -1]
    for dt in (2.0, 60 * DAYS):
        assert capacity_after(60, dt, free) == pytest.approx(exact, rel=1e-7)


def test_capacity_halves_in_22_days_without_drug_and_needs_a_base() -> None:
    assert capacity_after(22, 2.0, 0.0, 21.0) == pytest.approx(11.0, rel=1e-9)
    assert capacity_after(22, 2.0, 1e4, 1.0, "everolimus") == 1.0
    assert capacity_after(2000, 100.0, 1e6) == pytest.approx(38.6, rel=1e-3)


def test_only_bases_outside_raise_the_ph_and_only_of_tumor_cells() -> None:
    process = processes_of(["lysosomal_ph"], choice_of(drugs=["hydroxychloroquine", "sunitinib"]))[0]
    tissue = bare_tissue((1, 2, 2), processes=[process], substrates=drug_fields("hydroxychloroquine"))
    tissue.microenvironment["hydroxychloroquine"].concentration.reshape(-1)[:2] = 500.0, 1500.0
    put_tumor(tissue, [0, 1, 2])
    put(tissue, ENDOTHELIAL, [0])
    process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["lysosomal_ph_rise"], [0.5, 0.75, 0.0, 0.0])


def test_a_higher_ph_frees_what_lysosomes_hold() -> None:
    culture = Culture({"sunitinib": 5.0, "hydroxychloroquine": 0.0}, catalog=catalog_with(STILL)).advance(72.0)
    before = culture.held("sunitinib")[1][0]
    culture.expose(hydroxychloroquine=1200.0).advance(72.0)
    # By 0.71 in pH five times less is trapped.
    assert 0.15 < culture.held("sunitinib")[1][0] / before < 0.3


# --- direct effect ---------------------------------------------------------------------------------------------------


def test_division_is_halved_at_the_constant_by_what_is_free_inside() -> None:
    catalog = load_catalog()
    constant = catalog.get("drugs.sunitinib.direct_ic50", "nM", choice_of().sets)
    choice = choice_of(drugs=["sunitinib"])
    birth, effect = process_of("birth"), DirectEffect.from_catalog(catalog, choice)
    tissue = bare_tissue((1, 2, 2), processes=[birth, effect])
    put_tumor(tissue, [0, 1], drug_cytosol=[[0.0], [constant * 253.8]])
    tissue.microenvironment["oxygen"].concentration[:] = 9.6
    for process in (birth, effect):
        process.step(tissue, 2.0)
    rates = tissue.rates.total("divide", 2)
    assert rates[1] == pytest.approx(0.5 * rates[0])


def test_without_drug_in_cells_it_follows_the_field_and_under_primary_there_is_none() -> None:
    catalog = load_catalog()
    constant = catalog.get("drugs.sunitinib.direct_ic50", "nM", choice_of().sets)
    choice = replace(choice_of(drugs=["sunitinib"]), mechanisms=frozenset({"direct_effect"}))
    effect, birth = DirectEffect.from_catalog(catalog, choice), process_of("birth")
    assert effect.columns == () and effect.substrates == ("sunitinib",)
    tissue = bare_tissue((1, 2, 2), processes=[birth], substrates=drug_fields("sunitinib") + [OXYGEN])
    put_tumor(tissue, [0, 1])
    tissue.microenvironment["oxygen"].concentration[:] = 9.6
    tissue.microenvironment["sunitinib"].concentration.reshape(-1)[:2] = 0.0, 3.0 * constant
    for process in (birth, effect):
        process.step(tissue, 2.0)
    rates = tissue.rates.total("divide", 2)
    assert rates[1] == pytest.approx(0.25 * rates[0])
    assert direct_constants(catalog, ["sunitinib"], choice_of("primary").sets) == {}
    assert direct_constants(catalog, catalog.names("drugs"), choice.sets) == {"sunitinib": constant}


def test_mesenchymal_cells_are_spared_by_their_sensitivity() -> None:
    catalog = load_catalog()
    both = frozenset({"direct_effect", "emt"})
    effect = DirectEffect.from_catalog(catalog, replace(choice_of(exposure={"sunitinib": 1.0}), mechanisms=both))
    constant = catalog.get("drugs.sunitinib.direct_ic50", "nM", choice_of().sets)
    share = catalog.get("cell_types.tumor.emt_drug_sensitivity", "1", choice_of().sets)
    tissue = bare_tissue((1, 2, 2), processes=[effect])
    tissue.patient.exposure["sunitinib"] = 3.0 * constant
    put_tumor(tissue, [0, 1], emt=np.array([0.0, 1.0]))
    tissue.rates.add("divide", "base", np.ones(2))
    effect.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.rates.total("divide", 2), [1.0 / 4.0, 1.0 / (1.0 + 3.0 * share)])


def test_each_base_induces_at_its_own_concentrations() -> None:
    """Patients' hydroxychloroquine, which is micromolar, does not induce as fully as nanomolar sunitinib."""
    induced = {}
    for drug, free in (("sunitinib", 5.0), ("hydroxychloroquine", 1200.0)):
        (held,) = Culture({drug: 1.0}).drugs.values()
        share = free / (free + held.inducing)
        onset, recovery = 0.015 * share, np.log(2.0) / 22.0 * (1.0 - share)
        end = (onset * 38.6 + recovery) / (onset + recovery)
        induced[drug] = capacity_after(20.0, 24.0, free * held.cytosolic, drug=drug)
        expected = 1.0 + (end - 1.0) * -np.expm1(-(onset + recovery) * 20.0)
        assert induced[drug] == pytest.approx(expected, rel=1e-9)
    assert induced["sunitinib"] > 4.0 * induced["hydroxychloroquine"] > 4.0
