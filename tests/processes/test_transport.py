"""Sources and sinks of the fields: who secretes, consumes, supplies, and how much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, VEGF, bare_tissue, process_of, put_tumor, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, NetworkChoice, Process
from tumorabm.processes.signaling.cell_signaling import Drive
from tumorabm.processes.signaling.inhibitors import Inhibitor
from tumorabm.processes.signaling.network import Network
from tumorabm.processes.signaling.vegfr2 import Vegfr2Signal
from tumorabm.processes.transport.drug import DrugSupply
from tumorabm.processes.transport.nutrient import NutrientSupply, NutrientUptake
from tumorabm.processes.transport.secretion import FactorSecretion
from tumorabm.processes.transport.vegf_a import VegfSecretion
from tumorabm.solvers.failure import SolverError
from tumorabm.tissue.cells import APOPTOTIC, Column
from tumorabm.tissue.lattice import FIXED, NO_FLUX
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE
from tumorabm.units import AVOGADRO

SITE_LITERS = (20e-5) ** 3  # a site of 20 µm in dm³


# --- VEGF-A ---------------------------------------------------------------------------------------------------------


CATALOG = load_catalog()
REFERENCE = Network.from_catalog(CATALOG, "rcc_figure1", SETS)
RATES = {"tumor": 2000.0, "endothelium": 20.0, "host": 7.0}


def molecules(number: float) -> float:
    """Molecules per hour in a site as nM/h."""
    return number / AVOGADRO * 1e9 / SITE_LITERS


def drive_of(column: Column, index: int, reference: float) -> Drive:
    """A drive relative to a given output of the reference cell."""
    drive = Drive(column, index, REFERENCE, {})
    drive.reference = reference
    return drive


def signaling_of(*clones: tuple[str, ...]) -> Choice:
    """Clones whose tumor cells run the network, as in an experiment with oxygen and VEGF."""
    return Choice(SETS, (), ("oxygen", "vegf_a"), {}, clones, {"tumor": NetworkChoice("rcc_figure1")})


def secretion(oxygen: float, genotype: tuple[str, ...] | None, **columns: object) -> float:
    """VEGF secretion of a tumor cell in nM/h on its site; its signaling is settled, or off without a genotype."""
    choice = Choice(SETS) if genotype is None else signaling_of(genotype)
    names = ["vegf_secretion"] if genotype is None else ["vegf_secretion", "tumor_signaling"]
    processes = [registered()[name].from_catalog(CATALOG, choice, RATES if "vegf" in name else None) for name in names]
    tissue = bare_tissue((1, 3, 3), processes=processes)
    tissue.clones.add("clone", genotype or ())
    tissue.microenvironment["oxygen"].concentration[:] = oxygen
    tissue.microenvironment["vegf_a"].concentration[:] = REFERENCE.inputs["vegf_a"]
    put_tumor(tissue, [4], clone=0, **columns)
    for process in processes:
        process.relax(tissue)
    processes[0].step(tissue, 2.0)
    vegf = tissue.microenvironment["vegf_a"]
    host = vegf.contribution("source", "host").ravel()
    assert host[4] == 0.0 and (np.delete(host, 4) == host[0]).all()
    assert host[0] == pytest.approx(molecules(7.0))
    assert not vegf.contribution("source", "endothelium").any()
    tumor = vegf.contribution("source", "tumor").ravel()
    assert not np.delete(tumor, 4).any()
    return float(tumor[4])


@pytest.mark.parametrize("vhl", ["vhl_mutated", "vhl_methylated"])
def test_f07_cells_without_vhl_secrete_whatever_the_oxygen(vhl: str) -> None:
    """Their HIF is not degraded. What the network knows of oxygen besides (REDD1) hardly reaches secretion."""
    for oxygen in (0.0, 5.0, 12.5, 40.0, 150.0):
        assert secretion(oxygen, (vhl,)) == pytest.approx(molecules(2000.0), rel=0.03)
    assert secretion(REFERENCE.inputs["oxygen"], (vhl,)) == pytest.approx(molecules(2000.0), rel=1e-6)


def test_cells_with_vhl_answer_to_hypoxia() -> None:
    """Without oxygen as cells without VHL, with oxygen several times less, as in Stefanini et al. (2008)."""
    highest, lowest = secretion(0.0, ()), secretion(1e5, ())
    assert highest == pytest.approx(secretion(0.0, ("vhl_mutated",)), rel=0.03)
    assert 4.0 < highest / lowest < 12.0
    several = [secretion(oxygen, ()) for oxygen in (1.0, 5.0, 10.0, 20.0, 60.0)]
    assert (np.diff(several) < 0.0).all() and lowest < several[-1] < several[0] < highest


def test_without_signaling_every_tumor_cell_secretes_as_the_reference_cell() -> None:
    for oxygen in (0.0, 12.5, 150.0):
        assert secretion(oxygen, None) == pytest.approx(molecules(2000.0))


@pytest.mark.parametrize("genotype", [None, ("vhl_mutated",)])
def test_debris_secretes_nothing(genotype: tuple[str, ...] | None) -> None:
    assert secretion(5.0, genotype, state=APOPTOTIC) == 0.0


def test_secretion_is_relative_to_the_reference_cell() -> None:
    """Each type of cell by its own drive: the activity of one node over that of the reference cell."""
    columns = [Column(f"{cell_type}_network", "1", "", shape=(2,)) for cell_type in ("tumor", "endothelial")]
    drives = {"tumor": drive_of(columns[0], 1, 0.4), "endothelial": drive_of(columns[1], 0, 0.1)}
    process = VegfSecretion(RATES, drives)
    assert set(process.columns) == set(columns)
    tissue = bare_tissue((1, 3, 3), processes=[process])
    put_tumor(tissue, [0, 4], tumor_network=np.array([[9.0, 0.2], [9.0, 0.6]]))
    put_vessel(tissue, [4, 5], endothelial_network=np.array([[0.1, 9.0], [0.3, 9.0]]))
    process.step(tissue, 2.0)
    vegf = tissue.microenvironment["vegf_a"]
    expected = np.zeros((3, 9))
    expected[0, [0, 4]] = molecules(2000.0) * np.array([0.5, 1.5])
    expected[1, [4, 5]] = molecules(20.0) * np.array([1.0, 3.0])
    expected[2, [1, 2, 3, 5, 6, 7, 8]] = molecules(7.0)
    for name, values in zip(("tumor", "endothelium", "host"), expected, strict=True):
        np.testing.assert_allclose(vegf.contribution("source", name).ravel(), values)


def test_other_factors_are_secreted_where_there_is_their_field() -> None:
    factors = [Substrate(name, "nM", name, "implicit", 1e5, 0.1) for name in ("fgf2", "il8", "s1p")]
    column = Column("tumor_network", "1", "", shape=(2,))
    process = FactorSecretion({"fgf2": 30.0, "il8": 8.0}, {"fgf2": drive_of(column, 0, 0.5)})
    tissue = bare_tissue((1, 3, 3), processes=[process], substrates=(OXYGEN, VEGF, *factors))
    put_tumor(tissue, [0, 4, 8], tumor_network=np.array([[0.25, 9.0], [1.0, 9.0], [1.0, 9.0]]), state=[0, 0, APOPTOTIC])
    process.step(tissue, 2.0)
    for name, rate, relative in (("fgf2", 30.0, [0.5, 2.0]), ("il8", 8.0, [1.0, 1.0]), ("s1p", 0.0, [0.0, 0.0])):
        expected = np.zeros(9)
        expected[[0, 4]] = molecules(rate) * np.array(relative)
        np.testing.assert_allclose(tissue.microenvironment[name].term("source").ravel(), expected, err_msg=name)


def test_factors_and_their_drives_come_from_the_catalog() -> None:
    """Of the experiment's substrates those with a rate; oxygen has none, and VEGF-A has a process of its own."""
    choice = replace(signaling_of(("vhl_mutated",)), substrates=("oxygen", "vegf_a", "fgf2", "il8", "amino_acids"))
    process = FactorSecretion.from_catalog(CATALOG, choice)
    assert set(process.rates) == set(process.drives) == {"fgf2", "il8"}
    assert process.rates["fgf2"] == CATALOG.get("substrates.fgf2.tumor_secretion", "molecule/h", SETS)
    alone = FactorSecretion.from_catalog(CATALOG, replace(choice, signaling={}))
    assert alone.rates == process.rates and alone.drives == {} and alone.columns == ()


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
    drugs = [Inhibitor("drug", "vegfr2", 4.0), Inhibitor("metabolite", "vegfr2", 2.0)]
    process = Vegfr2Signal({"dissociation": 0.1}, drugs)
    tissue = bare_tissue((1, 1, 3), processes=[process])
    tissue.microenvironment["vegf_a"].concentration[0, 0] = [0.0, 0.1, 0.3]
    put_vessel(tissue, [0, 1, 2])
    process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["vegfr2_signal"], [0.0, 0.5, 0.75])
    tissue.patient.unbound_mean.update({"drug": 8.0, "metabolite": 2.0, "another": 100.0})
    tissue.patient.unbound["drug"] = 1e9  # at the end of the step: the mean over it counts
    process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["vegfr2_signal"], np.array([0.0, 0.5, 0.75]) / (1.0 + 2.0 + 1.0))
    tissue.patient.exposure.update({"metabolite": 6.0, "another": 100.0})  # a constant medium adds to the plasma
    process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["vegfr2_signal"], np.array([0.0, 0.5, 0.75]) / (1.0 + 2.0 + 4.0))


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


AMINO_ACIDS = Substrate("amino_acids", "nM", "amino acids", "steady", 5e5, 0.0, 1e5)


def test_amino_acids_come_through_the_walls() -> None:
    process = NutrientSupply({"in_blood": 5e5, "permeability": 3600.0, "radius": 5.0})
    tissue = perfused_chain(process, (OXYGEN, VEGF, AMINO_ACIDS))
    process.step(tissue, 2.0)
    field = tissue.microenvironment["amino_acids"]
    expected = np.zeros(36)
    expected[[9, 10, 20, 21]] = 3600.0 * 2.0 * np.pi * 5.0 * LENGTHS / 20.0**3
    np.testing.assert_allclose(field.term("loss").ravel(), expected)
    np.testing.assert_allclose(field.term("source").ravel(), 5e5 * expected)


@pytest.mark.parametrize("signaling", [False, True])
def test_amino_acids_are_taken_up_by_the_living_and_by_host_tissue(signaling: bool) -> None:
    column = Column("tumor_network", "1", "", shape=(2,))
    process = NutrientUptake({"tumor": 500.0, "host": 100.0}, drive_of(column, 1, 0.4) if signaling else None)
    assert process.columns == ((column,) if signaling else ())
    tissue = bare_tissue((1, 2, 3), processes=[process], substrates=(OXYGEN, VEGF, AMINO_ACIDS))
    network = {"tumor_network": np.array([[9.0, 0.2], [9.0, 0.8], [9.0, 0.8]])} if signaling else {}
    put_tumor(tissue, [0, 3, 1], state=np.array([0, 0, APOPTOTIC]), **network)
    put_vessel(tissue, [2, 5])
    process.step(tissue, 2.0)
    uptake = tissue.microenvironment["amino_acids"].term("uptake").ravel()
    living = [250.0, 1000.0] if signaling else [500.0, 500.0]
    np.testing.assert_allclose(uptake, [living[0], 0.0, 100.0, living[1], 100.0, 100.0])


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
