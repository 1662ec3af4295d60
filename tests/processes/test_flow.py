"""What follows from the flow of blood: who is perfused, what vessels supply, which of them last."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, VEGF, bare_tissue, contents, process_of, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, Process
from tumorabm.processes.transport.drug import DrugSupply
from tumorabm.processes.vessels.flow import Flow
from tumorabm.tissue.capillaries import capillary_mesh
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, VENULE

AMINO_ACIDS = Substrate("amino_acids", "nM", "amino acids", "steady", 5e5, 0.0, 1e5)
DRUG = Substrate("drug", "nM", "drug", "implicit", 5e5, 0.0)


def with_flow(name: str, *mechanisms: str, **values: float) -> Process:
    """A process as it is while flow and other mechanisms are on."""
    choice = Choice(SETS, mechanisms=frozenset(("flow", *mechanisms)))
    return registered()[name].from_catalog(load_catalog(), choice, values)


def bed(*processes: Process, seed: int = 9, side: int = 40) -> Tissue:
    """A host bed, all of it open, with the columns of some processes."""
    tissue = bare_tissue((1, side, side), processes=processes, substrates=(OXYGEN, VEGF, AMINO_ACIDS, DRUG), seed=seed)
    mesh = capillary_mesh(tissue.lattice, 240.0, 180.0, seed)
    root = np.where(np.isin(mesh.sites, mesh.arterioles), ARTERIOLE, 0)
    root[np.isin(mesh.sites, mesh.venules)] = VENULE
    for site, kind in zip(mesh.sites.tolist(), root.tolist(), strict=True):
        put_vessel(tissue, [site], lumen_age=1e9, root=kind)
    for a, b in mesh.edges.tolist():
        tissue.vasculature.link(a, b)
    return tissue


# --- the process ----------------------------------------------------------------------------------------------------


def test_an_ordinary_capillary_has_an_ordinary_flow() -> None:
    """Speeds of 0.1 to 1 mm/s and some Pa of wall shear stress in most of the host's bed."""
    perfusion, flow = process_of("perfusion"), with_flow("flow")
    tissue = bed(perfusion, flow, side=80)
    perfusion.step(tissue, 2.0)
    flow.step(tissue, 2.0)
    cells = tissue.cells
    inner = cells["root"] == 0
    speed = cells["flow"][inner] / 3600.0 / (np.pi * 6.0**2) / 1000.0  # mm/s
    assert 0.1 < np.median(speed) < 1.0
    assert 0.5 < np.median(cells["shear"][inner]) < 5.0
    low, high = flow.p.venule_pressure - flow.p.spread, flow.p.arteriole_pressure + flow.p.spread
    assert ((cells["pressure"] >= low) & (cells["pressure"] <= high)).all()
    assert np.ptp(cells["pressure"][cells["root"] == ARTERIOLE]) > 0.2
    assert cells["perfused"].mean() > 0.95


def test_too_little_flow_is_no_perfusion() -> None:
    perfusion = process_of("perfusion")
    tissue = bed(perfusion, with_flow("flow"))
    perfusion.step(tissue, 2.0)
    connected = tissue.cells["perfused"].copy()
    flows = {}
    for least in (0.0, 2e7, 1e12):
        with_flow("flow", least_flow=least).step(tissue, 2.0)
        perfused, root, flow = (tissue.cells[name] for name in ("perfused", "root", "flow"))
        np.testing.assert_array_equal(perfused != 0, (root != 0) | ((flow > 0.0) & (flow >= least)))
        assert (perfused <= connected).all()
        flows[least] = flow.copy()
    np.testing.assert_array_equal(flows[0.0], flows[1e12])  # who counts as perfused does not change where blood flows
    assert tissue.cells["perfused"].sum() == (tissue.cells["root"] != 0).sum()


def test_the_result_is_a_function_of_the_tissue() -> None:
    """Bit by bit the same whatever the process has seen before, and in any order of rows."""
    perfusion = process_of("perfusion")
    old = with_flow("flow", "permeability")
    tissue = bed(perfusion, old)
    rng = np.random.default_rng(5)
    tissue.cells["leakiness"][:] = rng.random(tissue.cells.n)
    for _ in range(5):
        site = int(rng.choice(tissue.cells["site"][tissue.cells["root"] == 0]))
        for there in tissue.vasculature.neighbors[site].tolist():
            if there >= 0:
                tissue.vasculature.cut(site, there)
        for process in (perfusion, old):
            process.step(tissue, 2.0)
        before = contents(tissue)
        tissue.cells.permute(rng.permutation(tissue.cells.n))
        tissue.cells["flow"][:] = tissue.cells["perfused"][:] = 0
        for process in (perfusion, with_flow("flow", "permeability")):
            process.step(tissue, 2.0)
        after = contents(tissue)
        for name in before:
            np.testing.assert_array_equal(before[name], after[name], err_msg=name)
        old.step(tissue, 2.0)
        assert contents(tissue)["cells/flow"].tobytes() == before["cells/flow"].tobytes()


def test_a_lost_cell_takes_the_flow_of_its_segment_and_others_take_it_over() -> None:
    """Never does the network as a whole carry more without a cell (Rayleigh's law), but some vessels do."""
    perfusion, flow = process_of("perfusion"), with_flow("flow", spread=0.0)
    taken_over = 0
    for number in range(10):
        tissue = bed(perfusion, flow)
        for process in (perfusion, flow):
            process.step(tissue, 2.0)
        before, inlets = tissue.cells["flow"].copy(), tissue.cells["root"] == ARTERIOLE
        inner = np.flatnonzero((tissue.cells["root"] == 0) & (before > 0.0))
        row = int(inner[number * inner.size // 10])
        site = int(tissue.cells["site"][row])
        for there in tissue.vasculature.neighbors[site].tolist():
            if there >= 0:
                tissue.vasculature.cut(site, there)
        for process in (perfusion, flow):
            process.step(tissue, 2.0)
        after = tissue.cells["flow"]
        assert after[row] == 0.0 and after[inlets].sum() < before[inlets].sum()
        taken_over += bool((after > 1.01 * before).any())
    assert taken_over > 3


def test_leaky_vessels_resist_only_with_permeability() -> None:
    perfusion = process_of("perfusion")
    alone, both = with_flow("flow"), with_flow("flow", "permeability", leak_resistance=2.0)
    assert "leakiness" not in {column.name for column in alone.columns}
    tissue = bed(perfusion, both)
    perfusion.step(tissue, 2.0)
    tissue.cells["leakiness"][:] = 0.5
    both.step(tissue, 2.0)
    leaky = tissue.cells["flow"].copy()
    alone.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["flow"], 2.0 * leaky, rtol=1e-9, atol=1e-6)  # 1 + 2 * 0.5, everywhere


# --- supply ---------------------------------------------------------------------------------------------------------


def supplied(name: str, process: Process, field: str, **columns: object) -> tuple[np.ndarray, np.ndarray]:
    """Loss to blood at the sites of a chain, and its length at each."""
    tissue = bare_tissue(
        (1, 4, 9), processes=[process, process_of("perfusion"), with_flow("flow")],
        substrates=(OXYGEN, VEGF, AMINO_ACIDS, DRUG),
    )  # fmt: skip
    rows = put_vessel(tissue, [9, 10, 11, 12, 13], perfused=1, **columns)
    process.step(tissue, 2.0)
    sites = tissue.cells["site"][rows]
    return tissue.microenvironment[field].term("loss").ravel()[sites], tissue.vasculature.length(sites)


FLOWS = np.array([0.0, 1e5, 1e6, 1e7, 1e30])


def test_blood_gives_no_more_oxygen_than_it_brings() -> None:
    """Half of it at the flow that brings as much as passes the wall: wall_transfer * length / capacity."""
    process = with_flow("oxygen_supply", wall_transfer=3e5, capacity=10.0)
    got, length = supplied("oxygen_supply", process, "oxygen", flow=FLOWS)
    passes = 3e5 * length
    np.testing.assert_allclose(got, passes / 8000.0 * 10.0 * FLOWS / (10.0 * FLOWS + passes))
    assert got[0] == 0.0 and got[-1] == pytest.approx(passes[-1] / 8000.0)
    half, _ = supplied("oxygen_supply", process, "oxygen", flow=3e5 * length / 10.0)
    np.testing.assert_allclose(half, 0.5 * passes / 8000.0)


def test_amino_acids_and_drugs_come_with_the_flow() -> None:
    for name, field in (("nutrient_supply", "amino_acids"), ("drug_supply", "drug")):
        if name == "nutrient_supply":
            process = with_flow(name, permeability=3600.0, radius=5.0)
            per_length, partition = 2.0 * np.pi * 5.0 * 3600.0, 1.0
        else:
            process = DrugSupply({"radius": 5.0}, {"drug": (100.0, 20.0)}, by_flow=True)
            per_length, partition = 2.0 * np.pi * 5.0 * 100.0, 20.0
        got, length = supplied(name, process, field, flow=FLOWS)
        passes = per_length * length
        np.testing.assert_allclose(got, passes / 8000.0 / partition * FLOWS / (FLOWS + passes))


def test_ordinary_capillaries_supply_as_without_flow() -> None:
    """The host's bed keeps nine tenths of what it gives where every perfused vessel is as good as another."""
    perfusion, flow, supply = process_of("perfusion"), with_flow("flow"), with_flow("oxygen_supply")
    tissue = bed(perfusion, flow, supply, side=80)
    for process in (perfusion, flow, supply):
        process.step(tissue, 2.0)
    limited = tissue.microenvironment["oxygen"].term("loss").copy()
    process_of("oxygen_supply").step(tissue, 2.0)
    free = tissue.microenvironment["oxygen"].term("loss")
    assert 0.85 < limited.sum() / free.sum() < 1.0
    vessels = free > 0.0
    assert np.median(limited[vessels] / free[vessels]) > 0.93


@pytest.mark.parametrize("name", ["oxygen_supply", "nutrient_supply", "drug_supply", "endothelial_survival"])
def test_without_the_mechanism_nothing_asks_for_flow(name: str) -> None:
    """The column is not there, and where it is, it is not looked at."""
    process = process_of(name)
    assert {"flow", "shear"} & {column.name for column in process.columns} == set()
    assert {"flow", "shear"} & {column.name for column in with_flow(name).columns}
    tissue = bed(process, process_of("perfusion"), process_of("lumen"))
    process.step(tissue, 2.0)


# --- survival -------------------------------------------------------------------------------------------------------


def test_protection_follows_shear_stress() -> None:
    values = {"uncovered_rate": 0.01, "flow_multiplier": 0.06, "shear_half": 0.1, "shear_exponent": 2.0}
    process = with_flow("endothelial_survival", **values)
    shear = np.array([0.0, 0.1, 0.2, 1.0, 100.0])
    tissue = bare_tissue((1, 3, 9), processes=[process])
    put_vessel(tissue, [9, 10, 11, 12, 13], shear=shear)
    process.step(tissue, 2.0)
    left = tissue.rates.total("regress", 5) / 0.01
    np.testing.assert_allclose(left, 0.06 + 0.94 / (1.0 + (shear / 0.1) ** 2))
    assert (
        left[0] == pytest.approx(1.0) and left[1] == pytest.approx(0.53) and left[-1] == pytest.approx(0.06, rel=1e-4)
    )


def test_ordinary_capillaries_keep_their_protection() -> None:
    perfusion, flow, survival = process_of("perfusion"), with_flow("flow"), with_flow("endothelial_survival")
    tissue = bed(perfusion, flow, survival, side=80)
    for process in (perfusion, flow, survival):
        process.step(tissue, 2.0)
    rate = tissue.rates.total("regress", tissue.cells.n)
    inner = tissue.cells["root"] == 0
    protected = rate[inner] / survival.p.uncovered_rate
    assert np.median(protected) == pytest.approx(survival.p.flow_multiplier, rel=0.1)
    # Vessels with feeble flow are the ones that go.
    feeble = tissue.cells["shear"][inner] < 0.1
    assert protected[feeble].min(initial=1.0) > 2.0 * np.median(protected)


def test_flow_is_a_process_of_its_mechanism() -> None:
    assert Flow.mechanism == "flow" and registered()["flow"] is Flow
