"""The tissue and its parts: what is state comes back from a checkpoint to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, VEGF, bare_tissue, put_tumor, put_vessel, same_contents
from short_run import short

from tumorabm.build import build
from tumorabm.step import advance
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.ledger import Ledger
from tumorabm.tissue.microenvironment import TERMS, Substrate
from tumorabm.tissue.patient import Patient

SITES = (1, 6, 7)


def test_contributions_are_kept_apart_and_added() -> None:
    field = bare_tissue(SITES).microenvironment["oxygen"]
    field.contribute("source", "supply", np.full(42, 2.0))
    field.contribute("source", "leak", np.ones(SITES))
    assert (field.term("source") == 3.0).all() and field.term("source").shape == SITES
    assert not field.term("loss").any() and not field.term("uptake").any()
    field.contribute("source", "supply", np.zeros(42))
    assert (field.term("source") == 1.0).all()
    assert (field.contribution("source", "leak") == 1.0).all()


def test_terms_do_not_depend_on_who_came_first() -> None:
    values = np.random.default_rng(0).random((5, 42)) * 10.0 ** np.arange(-8, 2, 2)[:, None]
    totals = []
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 1, 3]):
        field = bare_tissue(SITES).microenvironment["oxygen"]
        for i in order:
            field.contribute("uptake", f"cells {i}", values[i])
        totals.append(field.term("uptake"))
    np.testing.assert_array_equal(*totals)


def test_a_field_is_read_at_sites() -> None:
    tissue = bare_tissue(SITES, substrates=[Substrate("glucose", "nM", "g", "immobile", 0.0, 0.0, initial=5.0)])
    field = tissue.microenvironment["glucose"]
    assert (field.concentration == 5.0).all() and field.concentration.shape == SITES
    field.concentration[0, 2, 3] = 8.0
    assert field.at(np.array([17, 18])).tolist() == [8.0, 5.0]
    assert "glucose" in tissue.microenvironment and "oxygen" not in tissue.microenvironment
    assert list(tissue.microenvironment) == ["glucose"]


def test_fields_come_back_with_what_they_were_solved_for() -> None:
    one, other = bare_tissue(SITES).microenvironment, bare_tissue(SITES).microenvironment
    rng = np.random.default_rng(1)
    for name in one:
        one[name].concentration[:] = rng.random(SITES)
        for term in TERMS:
            one[name].solved[term][:] = rng.random(SITES)
    state = one.state()
    assert set(state) == {"oxygen/concentration", "vegf_a/concentration", *(f"oxygen/solved_{t}" for t in TERMS)}
    other.load(state)
    for name, array in other.state().items():
        np.testing.assert_array_equal(array, state[name])
    state["oxygen/concentration"][:] = -1.0
    assert other["oxygen"].concentration.min() >= 0.0
    assert OXYGEN.solver == "steady" and VEGF.solver == "implicit"


def test_clones() -> None:
    clones = Clones()
    genotypes = [(), ("vhl_mutated", "pten_loss"), ("vhl_methylated",)]
    rows = [clones.add("wild"), clones.add("null", list(genotypes[1]), 0, 7), clones.add("silent", genotypes[2])]
    assert rows == [0, 1, 2]
    assert clones.alterations == genotypes
    again = Clones()
    again.add("forgotten", ("tsc_loss",))
    again.load(clones.state())
    assert again.names == ["wild", "null", "silent"] and again.parent.tolist() == [-1, 0, -1]
    assert again.birth_step.tolist() == [0, 7, 0] and again.alterations == genotypes
    many = tuple(f"alteration_{number:03d}_with_a_long_name" for number in range(100))
    clones.add("many", many)
    again.load(clones.state())
    assert again.alterations == [*genotypes, many]
    again.load(Clones().state())
    assert again.names == [] and again.alterations == []


def test_the_ledger_adds_up_and_comes_back() -> None:
    ledger = Ledger()
    for amount in (1.5, 2.0):
        ledger.book("oxygen", "source", amount)
    ledger.book("oxygen", "uptake", -3.0)
    again = Ledger()
    again.load(ledger.state())
    again.book("oxygen", "source", 1.0)
    assert again.accounts == {"oxygen": {"source": 4.5, "uptake": -3.0}}


def test_the_patient_comes_back() -> None:
    patient = Patient((), treatment_start=48.0)
    patient.amounts["sunitinib"] = np.array([1.0, 2.0])
    patient.total["sunitinib"], patient.unbound_mean["sunitinib"] = 3.0, 0.25
    patient.levels["mdsc"] = 0.5
    again = Patient((), treatment_start=24.0)
    again.load(patient.state())
    assert again.amounts["sunitinib"].tolist() == [1.0, 2.0]
    assert again.total == {"sunitinib": 3.0} and again.unbound_mean == {"sunitinib": 0.25} and again.unbound == {}
    assert again.levels == {"mdsc": 0.5}
    assert again.treatment_hours(30.0) == 6.0
    with pytest.raises(ValueError, match="unknown state"):
        again.load({"mood/good": np.float64(1.0)})


def test_a_tissue_comes_back_and_goes_on_as_if_nothing_had_been() -> None:
    """All of a tissue with everything in it, through its state, into one that has lived another life."""
    tissue, processes = build(short())
    other, others = build(short(), seed=9)
    for _ in range(60):
        advance(tissue, processes, 2.0)
    for _ in range(7):
        advance(other, others, 2.0)
    state = tissue.state()
    other.load(state)
    for process in others:
        process.prepare(other)
    same_contents(tissue, other)
    for _ in range(12):
        advance(tissue, processes, 2.0)
        advance(other, others, 2.0)
    same_contents(tissue, other)
    assert (tissue.step_number, tissue.hours, tissue.seed) == (72, 144.0, other.seed)


def test_digests_tell_states_apart_but_not_orders_of_rows() -> None:
    tissue = bare_tissue(SITES)
    put_tumor(tissue, [1, 2, 3])
    put_vessel(tissue, [8, 9, 10])
    before = tissue.digests()
    tissue.cells.permute(np.array([5, 3, 1, 0, 2, 4]))
    assert tissue.digests() == before
    tissue.cells["births"][0] += 1
    differing = {name for name, digest in tissue.digests().items() if digest != before[name]}
    assert differing == {"cells/births"}
    tissue.vasculature.cut(8, 9)
    differing = {name for name, digest in tissue.digests().items() if digest != before[name]}
    assert differing == {"cells/births", "vasculature/links"}
