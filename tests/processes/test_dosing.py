"""Dosing: schedules, the patient's state, and the process that connects them with the catalog."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tumorabm.catalog import load_catalog
from tumorabm.processes.dosing.disposition import Compound, DrugModel, Metabolite
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics, drug_entries, drug_model
from tumorabm.processes.dosing.schedule import Regimen, dose_at, dose_events
from tumorabm.processes.dosing.sentences import sentence
from tumorabm.processes.process import Choice
from tumorabm.tissue.cells import Cells
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.microenvironment import Microenvironment
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import Vasculature

SETS = {"literature": "review_2016", "kinetics": "patient_metastasis", "targets": "cellular"}
DAY = 24.0
FOUR_TWO = Regimen("sunitinib", 50.0, DAY, on=28 * DAY, off=14 * DAY)
RECONCILE = Path(__file__).parents[1] / "validation" / "reconcile_sunitinib.py"


def tissue_of(*regimens: Regimen, treatment_start: float = 0.0) -> Tissue:
    lattice = Lattice((1, 2, 2), 20.0)
    patient = Patient(regimens, treatment_start)
    empty = Cells(lattice.sites), Microenvironment(lattice, ()), Vasculature(lattice), Clones()
    return Tissue(lattice, *empty, patient, seed=1)


def started(tissue: Tissue, *drugs: str) -> Pharmacokinetics:
    process = Pharmacokinetics.from_catalog(load_catalog(), Choice(SETS, drugs or ("sunitinib",)))
    process.prepare(tissue)
    return process


def run(tissue: Tissue, process: Pharmacokinetics, steps: int, dt: float = 2.0) -> None:
    for _ in range(steps):
        process.step(tissue, dt)
        tissue.step_number += 1
        tissue.hours = tissue.step_number * dt  # as a model may keep it: not the sum of the steps


def reconcile():
    spec = importlib.util.spec_from_file_location("reconcile_sunitinib", RECONCILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Schedules


def test_four_weeks_on_two_weeks_off():
    times, amounts = dose_events(FOUR_TWO, 0.0, 84 * DAY)
    expected = [day * DAY for day in range(84) if day % 42 < 28]
    assert times.tolist() == expected
    assert amounts.tolist() == [50.0] * 56


def test_windows_are_half_open():
    regimen = Regimen("drug", 1.0, 12.0, start=6.0)
    assert dose_events(regimen, -100.0, 6.0)[0].tolist() == []
    assert dose_events(regimen, 6.0, 18.0)[0].tolist() == [6.0]
    assert dose_events(regimen, 6.5, 18.0)[0].tolist() == []
    assert dose_events(regimen, 18.0, 18.0)[0].tolist() == []


@pytest.mark.parametrize(
    ("regimen", "days"),
    [
        (Regimen("d", 1.0, DAY, on=2 * DAY, off=DAY, cycles=2), [0, 1, 3, 4]),
        (Regimen("d", 1.0, DAY, on=2 * DAY, off=DAY, start=5 * DAY, end=9 * DAY), [5, 6, 8]),
        (Regimen("d", 1.0, 2 * DAY, on=3 * DAY, off=0.0, cycles=2), [0, 2, 3, 5]),
        (Regimen("d", 1.0, 14 * DAY, end=50 * DAY), [0, 14, 28, 42]),
        (Regimen("d", 1.0, DAY, on=2 * DAY, off=DAY, cycles=2, delays=((3 * DAY, 2 * DAY),)), [0, 1, 5, 6]),
        (Regimen("d", 1.0, DAY, end=6 * DAY, delays=((2 * DAY, DAY), (4 * DAY, DAY))), [0, 1, 3, 5]),
        (Regimen("d", 1.0, DAY, end=5 * DAY, changes=((2 * DAY, 0.0), (4 * DAY, 1.0))), [0, 1, 4]),
    ],
)
def test_schedules(regimen, days):
    assert dose_events(regimen, 0.0, 200 * DAY)[0].tolist() == [day * DAY for day in days]


def test_the_last_change_made_is_in_force():
    regimen = Regimen("d", 50.0, DAY, changes=((10 * DAY, 25.0), (4 * DAY, 37.5)))
    assert [dose_at(regimen, day * DAY) for day in (0, 3.9, 4, 9, 10, 30)] == [50.0, 50.0, 37.5, 37.5, 25.0, 25.0]
    assert dose_events(regimen, 9 * DAY, 11 * DAY)[1].tolist() == [37.5, 25.0]


def test_rounded_days_give_no_extra_dose():
    on = math.nextafter(28 * DAY, math.inf)
    assert len(dose_events(Regimen("d", 1.0, DAY, on=on, off=14 * DAY, cycles=1), 0.0, 1e4)[0]) == 28


@settings(deadline=None)
@given(
    st.lists(st.floats(0.0, 2000.0), max_size=12),
    st.floats(0.5, 60.0),
    st.floats(1.0, 400.0),
    st.floats(0.0, 300.0),
    st.floats(0.0, 50.0),
    st.lists(st.tuples(st.floats(0.0, 1500.0), st.floats(0.0, 200.0)), max_size=3),
)
def test_any_cut_into_windows_gives_every_dose_once(cuts, every, on, off, start, delays):
    regimen = Regimen("d", 1.0, every, on, off, start, delays=tuple(delays), changes=((700.0, 2.0),))
    edges = [0.0, *sorted(cuts), 2000.0]
    pieces = [dose_events(regimen, low, high) for low, high in zip(edges, edges[1:], strict=False)]
    times, amounts = dose_events(regimen, 0.0, 2000.0)
    np.testing.assert_array_equal(np.concatenate([piece[0] for piece in pieces]), times)
    np.testing.assert_array_equal(np.concatenate([piece[1] for piece in pieces]), amounts)
    assert np.all(np.diff(times) >= 0.0)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.5, 60.0), st.floats(1.0, 400.0), st.floats(0.0, 300.0), st.floats(0.0, 2000.0))
def test_a_delay_shifts_what_follows_and_nothing_else(every, on, off, at):
    plain = Regimen("d", 1.0, every, on, off)
    delayed = Regimen("d", 1.0, every, on, off, delays=((at, 50.0),))
    times, _ = dose_events(plain, 0.0, 2000.0)
    expected = np.where(times >= at, times + 50.0, times)
    found, _ = dose_events(delayed, 0.0, 2050.0)
    # A sum may be rounded up to the end of the window, which does not belong to it.
    expected = expected[expected < 2050.0]
    np.testing.assert_array_equal(found[: len(expected)], expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"every": 0.0},
        {"every": math.nan},
        {"dose": -1.0},
        {"dose": math.inf},
        {"on": 0.0},
        {"off": -1.0},
        {"off": 5.0},
        {"cycles": 2},
        {"on": 48.0, "cycles": 0},
        {"start": -1.0},
        {"delays": ((1.0, -2.0),)},
        {"changes": ((1.0, -2.0),)},
    ],
)
def test_what_is_no_schedule_is_refused(wrong):
    with pytest.raises(ValueError, match="drug"):
        Regimen(**{"drug": "drug", "dose": 1.0, "every": 24.0, **wrong})


@pytest.mark.parametrize(
    ("regimen", "words"),
    [
        (FOUR_TWO, "sunitinib 50 mg every day, 28 days on, 14 days off, from day 0"),
        (Regimen("axitinib", 5.0, 12.0, start=48.0), "axitinib 5 mg every 12 h, continuously, from day 2"),
        (
            Regimen("d", 1.5, 336.0, end=2160.0),
            "d 1.5 mg every 14 days, continuously, from day 0, until day 90",
        ),
        (
            Regimen("d", 50.0, 24.0, 336.0, 168.0, cycles=4, delays=((504.0, 168.0),), changes=((1008.0, 37.5),)),
            "d 50 mg every day, 14 days on, 7 days off, 4 cycles, from day 0, delayed by 7 days on day 21, "
            "37.5 mg from day 42",
        ),
    ],
)
def test_a_regimen_reads_as_a_sentence(regimen, words):
    assert sentence(regimen) == words


# The process


def test_no_time_changes_nothing():
    tissue = tissue_of(FOUR_TWO)
    process = started(tissue)
    run(tissue, process, 20)
    tissue.hours = 48.0
    before = tissue.digests()
    process.step(tissue, 0.0)
    assert tissue.digests() == before


def test_nothing_before_treatment_and_at_once_after():
    tissue = tissue_of(FOUR_TWO, treatment_start=101.0)
    process = started(tissue)
    run(tissue, process, 50)
    assert tissue.patient.total == {"sunitinib": 0.0, "su12662": 0.0}
    assert tissue.ledger.accounts == {}
    run(tissue, process, 1)
    assert tissue.patient.total["sunitinib"] > 0.0  # the dose came in the middle of the step


@pytest.mark.parametrize("dt", [0.1, 0.37, 0.7, 2.0])
def test_a_clock_that_is_not_the_sum_of_steps_loses_no_dose(dt):
    """hours = steps × dt differs from hours + dt by rounding, also where doses meet the boundaries of steps."""
    regimen = Regimen("sunitinib", 50.0, 10 * dt, start=0.0)
    tissue = tissue_of(regimen, treatment_start=7 * dt)
    process = started(tissue)
    run(tissue, process, 1207, dt)
    dosed = tissue.ledger.accounts["sunitinib_depot"]["dosed"]
    assert dosed / (process.drugs[0].amount(50.0) * 1e6) == pytest.approx(120.0, rel=1e-12)


def test_a_resumed_run_is_bitwise_the_uninterrupted_one():
    whole = tissue_of(FOUR_TWO)
    process = started(whole)
    run(whole, process, 301)
    saved = whole.state()
    run(whole, process, 200)
    resumed = tissue_of(FOUR_TWO)
    resumed.load(saved)
    process = started(resumed)
    run(resumed, process, 200)
    assert resumed.digests() == whole.digests()


def test_a_state_survives_loading_whatever_was_there():
    tissue = tissue_of(FOUR_TWO)
    run(tissue, started(tissue), 100)
    state = tissue.patient.state()
    other = Patient()
    other.amounts["old"] = np.ones(3)
    other.total["old"] = 1.0
    other.load(state)
    assert list(other.state()) == list(state)
    assert all(np.array_equal(other.state()[key], state[key]) for key in state)
    other.amounts["sunitinib"][:] = -1.0
    assert state["amounts/sunitinib"].min() >= 0.0  # a copy
    with pytest.raises(ValueError, match="unknown state"):
        other.load({"surprise/sunitinib": np.float64(1.0)})


def test_unbound_and_mass_concentrations():
    tissue = tissue_of(FOUR_TWO)
    run(tissue, started(tissue), 100)
    patient = tissue.patient
    assert patient.unbound["sunitinib"] == pytest.approx(0.05 * patient.total["sunitinib"])
    assert patient.unbound_mean["su12662"] == pytest.approx(0.1 * patient.total_mean["su12662"])
    assert patient.mass_concentration("su12662") == pytest.approx(patient.total["su12662"] * 370.4 / 1000.0)


def test_a_drug_without_a_model_is_refused():
    tissue = tissue_of(Regimen("unknown", 1.0, DAY))
    with pytest.raises(ValueError, match="unknown is prescribed"):
        started(tissue)
    # After a change of treatment, what is still in the body must go on being eliminated.
    tissue = tissue_of(FOUR_TWO)
    run(tissue, started(tissue), 10)
    tissue.patient.regimens = ()
    with pytest.raises(ValueError, match="sunitinib is in the body"):
        Pharmacokinetics([]).prepare(tissue)
    started(tissue).step(tissue, 2.0)


def test_other_compartments_in_a_checkpoint_are_refused():
    tissue = tissue_of(FOUR_TWO)
    tissue.patient.amounts["sunitinib"] = np.zeros(3)
    with pytest.raises(ValueError, match="5 compartments"):
        started(tissue)


def test_two_drugs_are_independent():
    """Each is advanced as if it were alone; an intravenous one has no depot."""
    other = DrugModel("other", Compound("other", 300.0, 0.5, 3.0, 40.0, 2.0, 30.0))
    sunitinib = drug_model(load_catalog(), "sunitinib", SETS)
    both = tissue_of(FOUR_TWO, Regimen("other", 10.0, 168.0, start=30.0))
    process = Pharmacokinetics([sunitinib, other])
    process.prepare(both)
    run(both, process, 200)
    alone = tissue_of(FOUR_TWO)
    run(alone, started(alone), 200)
    np.testing.assert_array_equal(both.patient.amounts["sunitinib"], alone.patient.amounts["sunitinib"])
    assert both.patient.total["other"] > 0.0
    assert "other_depot" not in both.ledger.accounts
    with pytest.raises(ValueError, match="share a compound"):
        Pharmacokinetics([sunitinib, sunitinib])


@pytest.mark.parametrize(
    "wrong",
    [
        {"formation": 1.2},
        {"formation": -0.1},
        {"presystemic": 1.0},
        {"absorption": 0.0},
        {"absorption": None, "presystemic": 0.1},
        {"clearance": 0.0},
        {"unbound": 1.5},
        {"exchange": 0.0},
        {"peripheral": -1.0},
    ],
)
def test_what_is_no_drug_is_refused(wrong):
    v = {"formation": 0.2, "presystemic": 0.1, "absorption": 0.3, "clearance": 1.0, "unbound": 0.1} | wrong
    with pytest.raises(ValueError, match="drug"):
        parent = Compound(
            "drug", 400.0, v["unbound"], v["clearance"], 10.0, v.get("exchange", 2.0), v.get("peripheral", 5.0)
        )
        product = Compound("product", 390.0, 0.1, 1.0, 10.0)
        DrugModel("drug", parent, (Metabolite(product, v["formation"], v["presystemic"]),), v["absorption"])


def test_rates_conserve_mass():
    """A column sums to minus what leaves the body from there: only by what is eliminated."""
    drug = drug_model(load_catalog(), "sunitinib", SETS)
    lost = dict(zip(drug.compartments, -drug.rates.sum(axis=0), strict=True))
    leaving: dict[str, float] = {}
    for flow in drug.transfers:
        if flow.destination is None:
            compartment = drug.compartments[flow.compartment]
            leaving[compartment] = leaving.get(compartment, 0.0) + flow.rate
    assert set(leaving) == {"sunitinib_central", "su12662_central"}
    for name in drug.compartments:
        assert lost[name] == pytest.approx(leaving.get(name, 0.0), abs=1e-15), name


# Sunitinib in the catalog


def test_the_catalog_describes_sunitinib_and_its_metabolite():
    catalog = load_catalog()
    drug = drug_model(catalog, "sunitinib", SETS)
    assert [compound.name for compound in drug.compounds] == ["sunitinib", "su12662"]
    assert drug.compartments == (
        "depot",
        "sunitinib_central",
        "sunitinib_peripheral",
        "su12662_central",
        "su12662_peripheral",
    )
    described = {path for path in catalog.paths() if path.startswith("drugs.sunitinib.pk_")}
    # None is written down and never read but for what is in CL/F already, and what differs between patients.
    apart = {f"drugs.sunitinib.pk_{name}" for name in ("bioavailability", "clearance_variability")}
    assert described - apart <= set(drug_entries(catalog, "sunitinib"))
    ethyl = 2 * 12.011 + 4 * 1.008  # C2H4, lost from sunitinib
    assert drug.compounds[0].molar_mass - drug.compounds[1].molar_mass == pytest.approx(ethyl, abs=0.06)


def test_a_drug_with_less_in_the_catalog_has_fewer_compartments():
    class Values:
        given = {"molar_mass": 400.0, "fraction_unbound": 0.1, "pk_clearance": 5.0, "pk_central_volume": 50.0}

        def paths(self):
            return [f"drugs.plain.{key}" for key in self.given]

        def get(self, path, unit, sets):
            return self.given[path.removeprefix("drugs.plain.")]

    drug = drug_model(Values(), "plain", SETS)
    assert drug.compartments == ("plain_central",)
    assert drug.rates.tolist() == [[-0.1]]
    assert drug.entry == ("plain_body", "dosed")


def test_the_reconciled_disposition_meets_every_range():
    """Trap H.4: half-lives, accumulation (each way to define it), share of the metabolite, peak and day-14 trough."""
    script = reconcile()
    found = script.quantities(script.catalog_model())
    assert set(found) == set(script.RANGES)
    assert script.outside(found) == {}
    # The table must be able to fail: Houk's clearance, everything else as it is, is refused for its trough.
    values = [load_catalog().get(f"drugs.sunitinib.{path}", unit, SETS) for path, unit in PK.items()]
    houk = script.quantities(script.model([51.8, *values[1:]]))
    assert "trough of both on day 14 (ng/mL)" in script.outside(houk)
    assert script.quantities(script.model(values)) == pytest.approx(found)


PK = {
    "pk_clearance": "L/h",
    "pk_central_volume": "L",
    "pk_intercompartmental_clearance": "L/h",
    "pk_peripheral_volume": "L",
    "pk_absorption_rate": "1/h",
    "pk_presystemic_fraction_su12662": "1",
    "pk_clearance_su12662": "L/h",
    "pk_central_volume_su12662": "L",
    "pk_intercompartmental_clearance_su12662": "L/h",
    "pk_peripheral_volume_su12662": "L",
}


def test_the_process_gives_the_trough_that_the_reconciliation_computed():
    """Two ways to day 14: steps of the process in ng/mL, and powers of the daily propagator."""
    tissue = tissue_of(FOUR_TWO)
    run(tissue, started(tissue), 14 * 12)
    together = sum(tissue.patient.mass_concentration(name) for name in ("sunitinib", "su12662"))
    script = reconcile()
    assert together == pytest.approx(script.quantities(script.catalog_model())["trough of both on day 14 (ng/mL)"])
