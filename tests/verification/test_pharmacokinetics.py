"""Pharmacokinetics against exact answers: closed forms, an ODE solver, superposition, mass balance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from tumorabm.processes.dosing.disposition import Compound, DrugModel, Metabolite, propagator
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics
from tumorabm.processes.dosing.schedule import Regimen, dose_events
from tumorabm.tissue.cells import Cells
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.microenvironment import Microenvironment
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import Vasculature

SUNITINIB_LIKE = DrugModel(
    "drug",
    Compound("drug", 400.0, 0.05, 36.0, 2000.0, 10.0, 390.0),
    (Metabolite(Compound("product", 370.0, 0.1, 18.0, 1000.0, 23.0, 890.0), 0.21, 0.09),),
    0.3,
)


def treated(drug: DrugModel, *regimens: Regimen, treatment_start: float = 0.0) -> tuple[Tissue, Pharmacokinetics]:
    lattice = Lattice((1, 2, 2), 20.0)
    tissue = Tissue(
        lattice,
        Cells(lattice.sites),
        Microenvironment(lattice, ()),
        Vasculature(lattice),
        Clones(),
        Patient(regimens, treatment_start),
        seed=1,
    )
    process = Pharmacokinetics([drug])
    process.prepare(tissue)
    return tissue, process


def advance(tissue: Tissue, process: Pharmacokinetics, until: float, dt: float) -> None:
    """Steps of dt, the last one shorter if need be."""
    while tissue.hours < until:
        step = min(dt, until - tissue.hours)
        process.step(tissue, step)
        tissue.hours += step


def single(dose: float, start: float = 0.0) -> Regimen:
    return Regimen("drug", dose, 24.0, start=start, end=start + 1.0)


@pytest.mark.parametrize("hours", [0.5, 3.0, 24.0, 200.0])
def test_one_compartment_oral_is_the_bateman_function(hours):
    ka, cl, v, dose, mass = 0.4, 30.0, 900.0, 50.0, 400.0
    drug = DrugModel("drug", Compound("drug", mass, 0.1, cl, v), (), ka)
    tissue, process = treated(drug, single(dose))
    advance(tissue, process, hours, 0.7)
    k = cl / v
    expected = dose / mass * 1e6 / v * ka / (ka - k) * (np.exp(-k * hours) - np.exp(-ka * hours))
    assert tissue.patient.total["drug"] == pytest.approx(expected, rel=1e-12)
    assert tissue.patient.unbound["drug"] == pytest.approx(0.1 * expected, rel=1e-12)


@pytest.mark.parametrize("hours", [0.5, 3.0, 24.0, 200.0])
def test_two_compartments_intravenous_are_the_biexponential(hours):
    cl, v, q, vp, dose, mass = 5.0, 12.0, 8.0, 40.0, 100.0, 500.0
    drug = DrugModel("drug", Compound("drug", mass, 1.0, cl, v, q, vp))
    tissue, process = treated(drug, single(dose))
    advance(tissue, process, hours, 1.3)
    k10, k12, k21 = cl / v, q / v, q / vp
    total = k10 + k12 + k21
    root = np.sqrt(total**2 - 4.0 * k10 * k21)
    alpha, beta = (total + root) / 2.0, (total - root) / 2.0
    share = (alpha - k21) / (alpha - beta)
    expected = dose / mass * 1e6 / v * (share * np.exp(-alpha * hours) + (1.0 - share) * np.exp(-beta * hours))
    assert tissue.patient.total["drug"] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("dt", [0.4, 2.0, 7.3])
def test_an_infusion_is_its_closed_form(dt):
    """R/CL (1 - exp(-k t)) while it runs, and the exponential from its end; also where two of them overlap."""
    cl, v, dose, mass, time = 5.0, 40.0, 100.0, 500.0, 6.5
    drug = DrugModel("drug", Compound("drug", mass, 1.0, cl, v), infusion_time=time)
    starts = (1.7, 5.7)
    regimen = Regimen("drug", dose, 4.0, start=starts[0], end=starts[1] + 1.0)
    k, level = cl / v, dose / mass * 1e6 / time / cl
    for hours in (1.0, 3.1, 7.0, 9.0, 11.9, 30.0):
        tissue, process = treated(drug, regimen)
        advance(tissue, process, hours, dt)
        ran = [min(max(hours - start, 0.0), time) for start in starts]
        since = [max(hours - start - time, 0.0) for start in starts]
        expected = sum(level * -np.expm1(-k * t) * np.exp(-k * s) for t, s in zip(ran, since, strict=True))
        assert tissue.patient.total["drug"] == pytest.approx(expected, rel=1e-11, abs=1e-12)
        dosed = tissue.ledger.accounts.get("drug_body", {}).get("dosed", 0.0)
        assert dosed == pytest.approx(sum(ran) / time * dose / mass * 1e12, rel=1e-11)


def test_the_mean_over_an_infusion_is_the_integral_of_its_course():
    drug = DrugModel("drug", Compound("drug", 500.0, 1.0, 5.0, 40.0, 3.0, 60.0), infusion_time=3.0)
    whole, process = treated(drug, single(100.0, 0.5))
    process.step(whole, 2.0)
    parts, process = treated(drug, single(100.0, 0.5))
    means = []
    for _ in range(50):
        advance(parts, process, parts.hours + 0.04, 0.04)
        means.append(parts.patient.total_mean["drug"])
    assert whole.patient.total["drug"] == pytest.approx(parts.patient.total["drug"], rel=1e-12)
    assert whole.patient.total_mean["drug"] == pytest.approx(np.mean(means), rel=1e-12)


def test_a_lag_shifts_the_course():
    """Also across the end of the regimen: what was swallowed is absorbed."""
    late = DrugModel("drug", SUNITINIB_LIKE.parent, SUNITINIB_LIKE.metabolites, 0.3, lag=3.3)
    regimen = Regimen("drug", 50.0, 24.0, end=25.0)
    for hours in (2.0, 20.0, 26.0, 60.0):
        tissue, process = treated(late, regimen)
        advance(tissue, process, hours + 3.3, 2.0)
        at_once, process = treated(SUNITINIB_LIKE, regimen)
        advance(at_once, process, hours, 2.0)
        for compound in ("drug", "product"):
            assert tissue.patient.total[compound] == pytest.approx(at_once.patient.total[compound], rel=1e-10)
    tissue, process = treated(late, regimen)
    advance(tissue, process, 3.3, 1.1)
    assert tissue.patient.total["drug"] == 0.0


def test_a_drug_is_infused_or_absorbed():
    compound = Compound("drug", 500.0, 1.0, 5.0, 40.0)
    with pytest.raises(ValueError, match="one of the two"):
        DrugModel("drug", compound, (), 0.3, infusion_time=1.0)
    with pytest.raises(ValueError, match="lag and infusion time"):
        DrugModel("drug", compound, (), 0.3, lag=-1.0)


def test_accumulation_ratio_of_repeated_doses():
    k, tau = 0.02, 24.0
    drug = DrugModel("drug", Compound("drug", 400.0, 1.0, k * 500.0, 500.0))
    once, process = treated(drug, single(50.0))
    advance(once, process, tau, 2.0)
    often, process = treated(drug, Regimen("drug", 50.0, tau))
    advance(often, process, 60 * tau, 2.0)
    expected = (1.0 - np.exp(-60 * k * tau)) / (1.0 - np.exp(-k * tau))
    assert often.patient.total["drug"] / once.patient.total["drug"] == pytest.approx(expected, rel=1e-12)


def test_doses_superpose():
    regimen = Regimen("drug", 50.0, 7.0, on=70.0, off=35.0, changes=((100.0, 25.0),))
    at = 261.0
    tissue, process = treated(SUNITINIB_LIKE, regimen)
    advance(tissue, process, at, 2.0)
    total = {"drug": 0.0, "product": 0.0}
    for time, dose in zip(*dose_events(regimen, 0.0, at), strict=True):
        alone, process = treated(SUNITINIB_LIKE, single(float(dose), float(time)))
        advance(alone, process, at, at)
        for compound in total:
            total[compound] += alone.patient.total[compound]
    for compound, expected in total.items():
        assert tissue.patient.total[compound] == pytest.approx(expected, rel=1e-12)


def test_exposure_is_dose_over_clearance():
    """AUC to infinity: of the parent dose/(CL/F) whatever the first pass, of the product amount formed/clearance."""
    tissue, process = treated(SUNITINIB_LIKE, single(50.0))
    process.step(tissue, 5000.0)
    dose = 50.0 / 400.0 * 1e6
    assert tissue.patient.total_mean["drug"] * 5000.0 == pytest.approx(dose / 36.0, rel=1e-9)
    formed = dose * (0.09 + 0.91 * 0.21)
    assert tissue.patient.total_mean["product"] * 5000.0 == pytest.approx(formed / 18.0, rel=1e-9)


def test_matches_an_ode_solver_at_random_times():
    rng = np.random.default_rng(7)
    regimen = Regimen("drug", 50.0, 24.0, on=96.0, off=48.0, start=3.3)
    at = np.sort(rng.uniform(0.0, 500.0, 25))
    tissue, process = treated(SUNITINIB_LIKE, regimen)
    found = []
    for time in at:
        advance(tissue, process, time, 2.0)
        found.append(tissue.patient.amounts["drug"])
    times, doses = dose_events(regimen, 0.0, 500.0)
    state, now, expected = np.zeros(5), 0.0, []
    for event, dose in sorted([*zip(times, doses, strict=True), *((time, 0.0) for time in at)]):
        if event > now:
            solution = solve_ivp(
                lambda _, y: SUNITINIB_LIKE.rates @ y, (now, event), state, method="DOP853", rtol=1e-12, atol=1e-9
            )
            state, now = solution.y[:, -1].copy(), event
        state[0] += dose / 400.0 * 1e6
        if dose == 0.0:
            expected.append(state.copy())
    scale = np.max(expected)
    np.testing.assert_allclose(np.array(found) / scale, np.array(expected) / scale, rtol=1e-8, atol=1e-12)


def test_mean_over_a_step_is_the_integral_of_the_course():
    """Doses within the step included: a fine Simpson sum over each piece between doses."""
    tissue, process = treated(SUNITINIB_LIKE, Regimen("drug", 50.0, 9.0, start=2.5))
    advance(tissue, process, 48.0, 2.0)
    before = tissue.patient.amounts["drug"].copy()
    process.step(tissue, 24.0)
    doses = dose_events(Regimen("drug", 50.0, 9.0, start=2.5), 48.0, 72.0)
    state, now, area = before, 48.0, np.zeros(2)
    for event, dose in [*zip(*doses, strict=True), (72.0, 0.0)]:
        pieces = 200
        width = (event - now) / pieces
        short = expm(SUNITINIB_LIKE.rates * width / 2.0)
        course = [state]
        for _ in range(2 * pieces):
            course.append(short @ course[-1])
        values = SUNITINIB_LIKE.concentrations @ np.array(course).T
        area += width / 6.0 * (values[:, :-1:2] + 4.0 * values[:, 1::2] + values[:, 2::2]).sum(axis=1)
        state, now = course[-1].copy(), event
        state[0] += dose / 400.0 * 1e6
    means = [tissue.patient.total_mean[name] for name in ("drug", "product")]
    np.testing.assert_allclose(means, area / 24.0, rtol=1e-9)


@pytest.mark.parametrize("dt", [0.37, 1.0, 8.0, 24.0, 240.0])
def test_independent_of_the_time_step(dt):
    """To rounding, with doses inside steps, at their boundaries, and in breaks; treatment starts in the run."""
    regimen = Regimen("drug", 50.0, 24.0, on=168.0, off=72.0, start=0.0)
    runs = []
    for step in (2.0, dt):
        tissue, process = treated(SUNITINIB_LIKE, regimen, treatment_start=30.0)
        advance(tissue, process, 960.0, step)
        runs.append(tissue)
    reference, other = (run.patient.amounts["drug"] for run in runs)
    assert reference.min() > 0.0
    np.testing.assert_allclose(other, reference, rtol=1e-11)
    for account, entries in runs[0].ledger.accounts.items():
        for entry, amount in entries.items():
            assert runs[1].ledger.accounts[account][entry] == pytest.approx(amount, rel=1e-11), (account, entry)


def test_the_ledger_closes_to_rounding():
    """Each account holds what is there, and what was dosed is in the body or has left it."""
    regimen = Regimen("drug", 50.0, 24.0, on=672.0, off=336.0)
    tissue, process = treated(SUNITINIB_LIKE, regimen)
    advance(tissue, process, 2000.0, 2.0)
    accounts = tissue.ledger.accounts
    amounts = dict(zip(SUNITINIB_LIKE.compartments, tissue.patient.amounts["drug"] * 1e6, strict=True))
    dosed = accounts["drug_depot"]["dosed"]
    assert dosed == pytest.approx(len(dose_events(regimen, 0.0, 2000.0)[0]) * 50.0 / 400.0 * 1e12, rel=1e-14)
    there = {
        "drug_depot": amounts["depot"],
        "drug_body": amounts["drug_central"] + amounts["drug_peripheral"],
        "product_body": amounts["product_central"] + amounts["product_peripheral"],
    }
    for account, amount in there.items():
        assert abs(sum(accounts[account].values()) - amount) < 1e-12 * dosed, account
    left = -accounts["drug_body"]["eliminated"] - accounts["product_body"]["eliminated"]
    assert abs(dosed - left - sum(amounts.values())) < 1e-12 * dosed
    assert accounts["product_body"]["formed"] == -accounts["drug_body"]["metabolized_product"]


def test_washes_out_after_the_last_dose():
    """The end of the course falls with the slowest half-life of the system, and the product outlives the drug."""
    tissue, process = treated(SUNITINIB_LIKE, Regimen("drug", 50.0, 24.0, end=672.0))
    advance(tissue, process, 2000.0, 2.0)
    first = dict(tissue.patient.total)
    advance(tissue, process, 2100.0, 2.0)
    slowest = np.min(-np.linalg.eigvals(SUNITINIB_LIKE.rates).real)
    assert tissue.patient.total["product"] / first["product"] == pytest.approx(np.exp(-slowest * 100.0), rel=1e-3)
    assert 0.0 < tissue.patient.total["drug"] < 1e-3 * tissue.patient.total["product"]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(1e-3, 1e2), min_size=8, max_size=8),
    st.floats(0.0, 0.9),
    st.floats(0.0, 1.0),
    st.floats(1e-4, 1e3),
)
def test_never_negative_and_never_more_than_dosed(parameters, presystemic, eliminated, hours):
    cl, v, q, vp, cl2, v2, q2, vp2 = parameters
    product = Metabolite(Compound("product", 370.0, 0.1, cl2, v2, q2, vp2), eliminated, presystemic)
    drug = DrugModel("drug", Compound("drug", 400.0, 0.05, cl, v, q, vp), (product,), 0.5)
    over, integral, _ = propagator(drug.rates, hours)
    assert over.min() >= 0.0 and integral.min() >= 0.0
    assert over.sum(axis=0).max() <= 1.0 + 1e-9
    # Rounding grows with the number of squarings, that is with the fastest rate times the interval.
    tolerance = 1e-13 * (1.0 + hours * np.abs(np.diag(drug.rates)).max())
    # Where it is not small itself, the integral satisfies rates @ integral = exp(rates hours) - 1.
    np.testing.assert_allclose(
        drug.rates @ integral, over - np.eye(5), atol=tolerance * (1.0 + np.abs(drug.rates).max() * integral.max())
    )


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-3, 300.0))
def test_propagator_matches_scipy(hours):
    over, *_ = propagator(SUNITINIB_LIKE.rates, hours)
    np.testing.assert_allclose(over, expm(SUNITINIB_LIKE.rates * hours), rtol=1e-9, atol=1e-14)
