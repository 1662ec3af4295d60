"""Sources and sinks of the fields: who secretes, consumes, supplies, and how much."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, VEGF, bare_tissue, process_of, put_tumor, put_vessel

from tumorabm.processes.process import Process
from tumorabm.processes.signaling.vegfr2 import Vegfr2Signal
from tumorabm.processes.transport.drug import DrugSupply
from tumorabm.processes.transport.vegf_a import hif_response
from tumorabm.solvers.failure import SolverError
from tumorabm.tissue.cells import APOPTOTIC
from tumorabm.tissue.lattice import FIXED, NO_FLUX
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE
from tumorabm.units import AVOGADRO

SITE_LITERS = (20e-5) ** 3  # a site of 20 µm in dm³


# --- VEGF-A ---------------------------------------------------------------------------------------------------------


def secretion(oxygen: float, vhl: str, **columns: object) -> float:
    """VEGF secretion of a tumor cell in nM/h on its site."""
    process = process_of(
        "vegf_secretion", vhl_null=2000.0, vhl_intact=180.0, hypoxia_fold=5.0, hif_half=12.5, hif_exponent=4.0, host=7.0
    )
    tissue = bare_tissue((1, 3, 3), processes=[process])
    tissue.clones.add("clone", vhl)
    tissue.microenvironment["oxygen"].concentration[:] = oxygen
    put_tumor(tissue, [4], clone=0, **columns)
    process.step(tissue, 2.0)
    vegf = tissue.microenvironment["vegf_a"]
    host = vegf.contribution("source", "host").ravel()
    assert host[4] == 0.0 and (np.delete(host, 4) == host[0]).all()
    assert host[0] == pytest.approx(7.0 / AVOGADRO * 1e9 / SITE_LITERS)
    return float(vegf.contribution("source", "tumor").ravel()[4])


def molecules(number: float) -> float:
    """Molecules per hour in a site as nM/h."""
    return number / AVOGADRO * 1e9 / SITE_LITERS


@pytest.mark.parametrize("vhl", ["mutated", "methylated"])
def test_cells_without_vhl_secrete_whatever_the_oxygen(vhl: str) -> None:
    """F-07: their HIF is not degraded."""
    for oxygen in (0.0, 5.0, 12.5, 40.0, 150.0):
        assert secretion(oxygen, vhl) == pytest.approx(molecules(2000.0))


def test_cells_with_vhl_answer_to_hypoxia() -> None:
    assert secretion(0.0, "wild_type") == pytest.approx(molecules(900.0))
    assert secretion(12.5, "wild_type") == pytest.approx(molecules(180.0 * 3.0))
    assert secretion(1e5, "wild_type") == pytest.approx(molecules(180.0))
    several = [secretion(oxygen, "wild_type") for oxygen in (1.0, 5.0, 10.0, 20.0, 60.0)]
    assert (np.diff(several) < 0.0).all()


def test_debris_secretes_nothing() -> None:
    assert secretion(5.0, "mutated", state=APOPTOTIC) == 0.0


def test_hif() -> None:
    np.testing.assert_allclose(hif_response(np.array([0.0, 12.5, 25.0]), 12.5, 4.0), [1.0, 0.5, 1.0 / 17.0])


def test_endothelium_takes_vegf_up() -> None:
    process = process_of("vegf_internalization", rate=0.5, receptors=10_000.0)
    tissue = bare_tissue((1, 3, 3), processes=[process])
    put_tumor(tissue, [0, 4])
    put_vessel(tissue, [4, 5])
    process.step(tissue, 2.0)
    uptake = tissue.microenvironment["vegf_a"].term("uptake").ravel()
    expected = np.zeros(9)
    expected[[4, 5]] = molecules(0.5 * 10_000.0)
    np.testing.assert_allclose(uptake, expected)


# --- the signal -----------------------------------------------------------------------------------------------------


def test_the_signal_is_occupancy_lowered_by_all_inhibitors() -> None:
    process = Vegfr2Signal({"dissociation": 0.1}, {"drug": 4.0, "metabolite": 2.0})
    tissue = bare_tissue((1, 1, 3), processes=[process])
    tissue.microenvironment["vegf_a"].concentration[0, 0] = [0.0, 0.1, 0.3]
    put_vessel(tissue, [0, 1, 2])
    process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["vegfr2_signal"], [0.0, 0.5, 0.75])
    tissue.patient.unbound_mean.update({"drug": 8.0, "metabolite": 2.0, "another": 100.0})
    tissue.patient.unbound["drug"] = 1e9  # at the end of the step: the mean over it counts
    process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["vegfr2_signal"], np.array([0.0, 0.5, 0.75]) / (1.0 + 2.0 + 1.0))


# --- supply and consumption -----------------------------------------------------------------------------------------


def perfused_chain(process: Process, substrates=(OXYGEN, VEGF)) -> Tissue:
    """Five cells, the first an arteriole, with blood in the first four; a diagonal link in the middle."""
    tissue = bare_tissue((1, 4, 9), processes=[process, process_of("perfusion")], substrates=substrates)
    put_vessel(tissue, [9, 10, 20, 21, 22], perfused=np.array([1, 1, 1, 1, 0]), root=np.array([ARTERIOLE, 0, 0, 0, 0]))
    return tissue


LENGTHS = np.array([10.0 + 20.0, 10.0 + 10.0 * 2**0.5, 10.0 + 10.0 * 2**0.5, 20.0])  # µm; an arteriole crosses its site


def test_oxygen_comes_by_perfused_length() -> None:
    process = process_of("oxygen_supply", vessel_oxygen=15.0, wall_transfer=3e5)
    tissue = perfused_chain(process)
    process.step(tissue, 2.0)
    oxygen = tissue.microenvironment["oxygen"]
    expected = np.zeros(36)
    expected[[9, 10, 20, 21]] = 3e5 * LENGTHS / 20.0**3
    np.testing.assert_allclose(oxygen.term("loss").ravel(), expected)
    np.testing.assert_allclose(oxygen.term("source").ravel(), 15.0 * expected)


def test_oxygen_is_consumed_by_the_living_and_by_host_tissue() -> None:
    process = process_of("oxygen_consumption", tumor=500.0, host=100.0)
    tissue = bare_tissue((1, 2, 3), processes=[process])
    put_tumor(tissue, [0, 1], state=np.array([0, APOPTOTIC]))
    put_vessel(tissue, [2, 5])
    process.step(tissue, 2.0)
    assert tissue.microenvironment["oxygen"].term("uptake").ravel().tolist() == [500.0, 0.0, 100.0, 100.0, 100.0, 100.0]


def test_drug_comes_through_the_walls_and_binds() -> None:
    """P 2πr ℓ (c_p - c) into a site where the share 1/R of the drug is free."""
    process = DrugSupply({"radius": 5.0}, {"drug": (100.0, 20.0)})
    tissue = perfused_chain(process, (OXYGEN, VEGF, Substrate("drug", "nM", "drug", "implicit", 10.0, 0.0)))
    tissue.patient.unbound_mean["drug"] = 7.0
    process.step(tissue, 2.0)
    field = tissue.microenvironment["drug"]
    expected = np.zeros(36)
    expected[[9, 10, 20, 21]] = 100.0 * 2.0 * np.pi * 5.0 * LENGTHS / (20.0**3 * 20.0)
    np.testing.assert_allclose(field.term("loss").ravel(), expected)
    np.testing.assert_allclose(field.term("source").ravel(), 7.0 * expected)


# --- the solution ---------------------------------------------------------------------------------------------------


def solved(substrate: Substrate, faces=(NO_FLUX,) * 6) -> tuple[Tissue, Process]:
    process = process_of("field_solve")
    return bare_tissue((1, 8, 9), faces=faces, processes=[process], substrates=[substrate]), process


def test_an_immobile_substance_decays_exactly() -> None:
    for parts in (1, 5):
        tissue, process = solved(Substrate("matrix", "nM", "m", "immobile", 0.0, 0.1, initial=4.0))
        field = tissue.microenvironment["matrix"]
        field.contribute("source", "cells", np.full(72, 3.0))
        field.contribute("loss", "enzyme", np.full(72, 0.2))
        for _ in range(parts):
            process.step(tissue, 10.0 / parts)
        np.testing.assert_allclose(field.concentration, 10.0 + (4.0 - 10.0) * np.exp(-3.0), rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 1e-7, 0.1])
def test_the_ledger_of_an_immobile_substance_is_exact(decay: float) -> None:
    """Whatever the step: what flowed over it is booked, not the rates at its end."""
    rng = np.random.default_rng(1)
    loss, source = rng.random(72) * (decay > 0.05), rng.random(72)
    booked = []
    for parts in (1, 16):
        tissue, process = solved(Substrate("matrix", "nM", "m", "immobile", 0.0, decay, initial=4.0))
        field = tissue.microenvironment["matrix"]
        field.contribute("source", "cells", source)
        field.contribute("loss", "enzyme", loss)
        for _ in range(parts):
            process.step(tissue, 10.0 / parts)
        entries = tissue.ledger.accounts["matrix"]
        assert abs(entries["residual"]) < 1e-12 * entries["source"]
        assert entries["stored"] == pytest.approx((field.concentration - 4.0).sum() * 20.0**3 * 1e-9, rel=1e-12)
        booked.append([entries[name] for name in ("source", "decay", "loss", "stored")])
    np.testing.assert_allclose(booked[0], booked[1], rtol=1e-9)


def test_the_uptake_of_an_immobile_substance_is_booked() -> None:
    tissue, process = solved(Substrate("matrix", "nM", "m", "immobile", 0.0, 0.0, half_saturation=2.0, initial=4.0))
    field = tissue.microenvironment["matrix"]
    field.contribute("uptake", "cells", np.full(72, 3.0))
    process.step(tissue, 2.0)
    entries = tissue.ledger.accounts["matrix"]
    assert entries["uptake"] == pytest.approx(-72 * 4.0 * (1.0 - np.exp(-1.0)) * 20.0**3 * 1e-9, rel=1e-12)
    assert abs(entries["residual"]) < 1e-12 * entries["stored"] * -1.0


@pytest.mark.parametrize(("term", "value"), [("source", np.nan), ("loss", -1.0), ("uptake", np.inf)])
def test_an_immobile_substance_catches_what_is_no_number(term: str, value: float) -> None:
    tissue, process = solved(Substrate("matrix", "nM", "m", "immobile", 0.0, 0.1, half_saturation=2.0, initial=4.0))
    tissue.microenvironment["matrix"].contribute(term, "cells", np.full(72, value))
    with pytest.raises(SolverError, match=r"step 0 \(0 h\): matrix: negative or not finite"):
        process.step(tissue, 2.0)


def test_the_ledger_closes() -> None:
    tissue, process = solved(Substrate("drug", "nM", "d", "implicit", 100.0, 0.05, half_saturation=2.0, initial=1.0))
    field = tissue.microenvironment["drug"]
    rng = np.random.default_rng(0)
    for term in ("source", "loss", "uptake"):
        field.contribute(term, "cells", rng.random(72))
    first = field.concentration.sum()
    for _ in range(5):
        process.step(tissue, 2.0)
    entries = tissue.ledger.accounts["drug"]
    stored = (field.concentration.sum() - first) * 20.0**3 * 1e-9
    assert entries["stored"] == pytest.approx(stored, rel=1e-9)
    flows = sum(entries[name] for name in ("source", "decay", "loss", "uptake", "boundary"))
    assert flows + entries["residual"] == pytest.approx(stored, rel=1e-9)
    assert abs(entries["residual"]) < 1e-6 * entries["source"]
    assert entries["source"] > 0.0 > max(entries["decay"], entries["loss"], entries["uptake"])


def test_what_comes_through_a_face_comes_also_into_an_empty_domain() -> None:
    """Nothing inside and no source, but a face of fixed concentration."""
    substrate = Substrate("drug", "nM", "d", "implicit", 1e4, 0.0, boundary_value=2.0)
    tissue, process = solved(substrate, (NO_FLUX, NO_FLUX, FIXED, NO_FLUX, NO_FLUX, NO_FLUX))
    process.step(tissue, 2.0)
    assert tissue.microenvironment["drug"].concentration.min() > 0.1
    assert tissue.ledger.accounts["drug"]["boundary"] > 0.0


def test_a_steady_field_is_solved_again_when_its_terms_change() -> None:
    tissue, process = solved(Substrate("oxygen", "mmHg", "o", "steady", 1e4, 0.0))
    field = tissue.microenvironment["oxygen"]
    field.contribute("loss", "supply", np.full(72, 2.0))
    for source, expected in ((10.0, 5.0), (10.0 * (1.0 + 1e-7), 5.0), (20.0, 10.0)):
        field.contribute("source", "supply", np.full(72, source))
        before = field.concentration.copy()
        process.step(tissue, 2.0)
        np.testing.assert_allclose(field.concentration, expected, rtol=1e-4)
        if 10.0 < source < 11.0:
            np.testing.assert_array_equal(field.concentration, before)
