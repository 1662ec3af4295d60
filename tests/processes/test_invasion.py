"""Invasion: what tumor cells hold on to, what guides them, and how often a hop is made."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bare_tissue import SETS, advance_only, bare_tissue, process_of, put_tumor, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.processes.fate.commit import CommitParenchyma
from tumorabm.processes.fate.invasion import Invasion
from tumorabm.processes.process import Choice, NetworkChoice, Process
from tumorabm.processes.signaling.tumor import TumorSignaling
from tumorabm.tissue.cells import APOPTOTIC, TUMOR
from tumorabm.tissue.lattice import PERIODIC
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.requests import MIGRATE
from tumorabm.tissue.tissue import Tissue

CATALOG = load_catalog()
FIELDS = tuple(
    Substrate(name, unit, name, "immobile", 0.0, 0.0, initial=initial)
    for name, unit, initial in (
        ("hgf", "nM", 0.03),
        ("matrix", "1", 1.0),
        ("oxygen", "mmHg", 9.6),
        ("vegf_a", "nM", 0.1),
    )
)
CLONES = (("vhl_mutated",), ())


def choice(matrix: bool = True, signaling: bool = True) -> Choice:
    return Choice(
        SETS,
        substrates=("oxygen", "vegf_a", "hgf", *(("matrix",) if matrix else ())),
        clones=CLONES,
        signaling={"tumor": NetworkChoice("rcc_figure1")} if signaling else {},
        mechanisms=frozenset({"invasion"}),
    )


def invasion(chosen: Choice, **values: float) -> Invasion:
    return Invasion.from_catalog(CATALOG, chosen, values)


def committing(**values: float) -> CommitParenchyma:
    return CommitParenchyma.from_catalog(CATALOG, choice(), values)


# --- hold ------------------------------------------------------------------------------------------------------------


def hold_of(clone: int, hgf: float = 0.03, oxygen: float | None = None, matrix: float = 1.0) -> float:
    """Hold of a cell at rest in given surroundings."""
    processes = [TumorSignaling.from_catalog(CATALOG, choice()), invasion(choice())]
    tissue = bare_tissue((1, 3, 3), processes=processes, substrates=FIELDS)
    usual = processes[0].network.inputs["oxygen"]
    for name, value in (("hgf", hgf), ("oxygen", usual if oxygen is None else oxygen), ("matrix", matrix)):
        tissue.microenvironment[name].concentration[:] = value
    for number, alterations in enumerate(CLONES):
        tissue.clones.add(f"clone_{number}", alterations)
    put_tumor(tissue, [4], clone=clone)
    processes[0].relax(tissue)
    processes[1].step(tissue, 2.0)
    return float(tissue.cells["hold"][0])


def test_the_reference_cell_holds_on_as_without_invasion() -> None:
    assert hold_of(0) == pytest.approx(1.0, rel=1e-4)


def test_hgf_loosens_a_cell_without_vhl_and_hardly_one_with_it_in_air() -> None:
    loose = [hold_of(0, hgf, 40.0) for hgf in (0.0, 0.03, 0.1, 0.3, 1.0)]
    assert (np.diff(loose) < 0.0).all() and loose[-1] < 0.35
    assert hold_of(1, 1.0, 40.0) > 1.0
    # Hypoxia takes the restraint away too.
    assert hold_of(1, 1.0, 3.0) < 0.35


def test_a_cell_holds_on_to_matrix_too() -> None:
    assert hold_of(0, matrix=0.5) / hold_of(0, matrix=1.0) == pytest.approx(1.0 - 0.3 * 0.5)


def test_without_signaling_and_matrix_nothing_differs() -> None:
    chosen = choice(matrix=False, signaling=False)
    process = invasion(chosen)
    assert process.catenin is None and process.substrates == ("hgf",)
    tissue = bare_tissue((1, 3, 3), processes=[process], substrates=FIELDS[:1])
    put_tumor(tissue, [4])
    process.step(tissue, 2.0)
    assert tissue.cells["hold"][0] == 1.0
    assert not tissue.requests.guides[TUMOR].std()


def test_debris_is_left_out() -> None:
    process = invasion(choice())
    tissue = bare_tissue((1, 3, 3), processes=[process], substrates=FIELDS)
    put_tumor(tissue, [4, 5])
    tissue.cells["state"][1] = APOPTOTIC
    process.step(tissue, 2.0)
    assert tissue.cells["hold"][1] == 1.0 != tissue.cells["hold"][0]


# --- guides ----------------------------------------------------------------------------------------------------------


def test_the_guide_is_hgf_by_occupancy_vessels_and_matrix() -> None:
    process = invasion(choice(), along_hgf=20.0, along_vessels=1.0, along_matrix=5.0)
    tissue = bare_tissue((1, 7, 7), processes=[process], substrates=FIELDS)
    hgf, matrix = (tissue.microenvironment[name].concentration.reshape(-1) for name in ("hgf", "matrix"))
    hgf[:], matrix[:] = np.linspace(0.0, 1.0, 49), np.linspace(1.0, 0.0, 49)
    put_vessel(tissue, [0, 1])
    guide = process.guide(tissue)
    near = np.zeros((7, 7))
    near[:2, :3] = 1.0
    np.testing.assert_allclose(guide, 20.0 * hgf / (0.25 + hgf) + near.reshape(-1) + 5.0 * matrix)


# --- hops ------------------------------------------------------------------------------------------------------------


def share_made(hold: float, guide: np.ndarray | None, company: int, adhesion: float = 0.5) -> float:
    """Share of hops that are made along a line, of many cells with as many neighbors behind them."""
    process = committing(adhesion=adhesion)
    tissue = bare_tissue((1, 1, 12000), processes=[process], seed=company)
    start = np.arange(5, 12000, 10)
    rows = put_tumor(tissue, start, hold=np.full(start.size, hold))
    for neighbor in range(company):
        put_tumor(tissue, start - 1 - neighbor, hold=np.full(start.size, hold))
    if guide is not None:
        tissue.requests.guide(TUMOR, np.tile(guide, 1200))
    tissue.requests.add(MIGRATE, rows, np.ones(rows.size))
    process.step(tissue, 2.0)
    return float((tissue.cells["site"][rows] == start + 1).mean())


UP, DOWN = (np.where(np.arange(10) == 6, value, 0.0) for value in (1.0, -1.0))


@pytest.mark.parametrize(
    ("hold", "guide", "company", "cost"),
    [
        (1.0, None, 0, 0.0),
        (1.0, None, 1, 0.5),  # one neighbor is lost
        (0.4, None, 1, 0.2),
        (2.0, None, 1, 1.0),
        (1.0, DOWN, 0, 1.0),
        (1.0, UP, 0, 0.0),
        (1.0, DOWN, 1, 1.5),
        (3.0, UP, 1, 0.5),
        (1.0, UP, 1, 0.0),
    ],
)
def test_a_hop_costs_hold_and_gains_what_the_guide_rises(hold: float, guide, company: int, cost: float) -> None:
    made = share_made(hold, guide, company)
    expected = 0.5 * math.exp(-cost)  # half of the hops go this way
    assert abs(made - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / 1200)


def drifted(fields: dict[str, np.ndarray], **values: float) -> np.ndarray:
    """Mean displacement (y, x) in µm of lone cells after 100 h in given fields on 100 by 100 sites."""
    chosen = choice(signaling=False)
    processes: list[Process] = [
        process_of("migration", speed=10.0),
        invasion(chosen, **values),
        committing(adhesion=0.0),
    ]
    tissue = bare_tissue((1, 100, 100), processes=processes, substrates=FIELDS, seed=3)
    for name, field in fields.items():
        tissue.microenvironment[name].concentration[0] = field
    index = np.arange(25, 75, 3)
    rows = put_tumor(tissue, (index[:, None] * 100 + index[None, :]).ravel())
    start = tissue.lattice.centers(tissue.cells["site"][rows])
    for _ in range(20):
        advance_only(tissue, processes, 5.0)
    return (tissue.lattice.centers(tissue.cells["site"][rows]) - start).mean(axis=0)[1:]


def test_lone_cells_go_up_hgf_and_matrix_and_nowhere_without_a_slope() -> None:
    slope = np.tile(np.linspace(0.0, 0.5, 100), (100, 1))
    up = drifted({"hgf": slope}, along_hgf=50.0)
    along = drifted({"matrix": slope.T}, along_matrix=50.0)
    flat = drifted({})
    off = drifted({"hgf": slope, "matrix": slope}, along_hgf=0.0, along_matrix=0.0)
    # 12.5 hops either way, those down with the probability exp(-0.25) or so: nearly 3 sites; 6 µm is a standard error.
    assert up[1] == pytest.approx(50.0, abs=24.0) and abs(up[0]) < 24.0
    assert along[0] == pytest.approx(50.0, abs=24.0) and abs(along[1]) < 24.0
    assert np.abs(flat).max() < 24.0 and np.abs(off).max() < 24.0


def test_lone_cells_stay_with_vessels() -> None:
    """Beside and on a vessel cells are e times as often as elsewhere, when vessels add 1 to the guide."""

    def beside(weight: float) -> float:
        process = invasion(choice(signaling=False), along_vessels=weight)
        processes: list[Process] = [process_of("migration", speed=20.0), process, committing(adhesion=0.0)]
        tissue = bare_tissue((1, 12, 60), processes=processes, substrates=FIELDS, seed=4, faces=(PERIODIC,) * 6)
        put_vessel(tissue, np.arange(60) + 60 * 5)
        put_tumor(tissue, np.arange(0, 60, 10))
        counts = np.zeros(12)
        for step in range(600):
            advance_only(tissue, processes, 8.0)
            if step >= 20:
                counts += np.bincount(tissue.cells["site"][tissue.cells.alive(TUMOR)] // 60, minlength=12)
        return counts[4:7].mean() / np.delete(counts, [4, 5, 6]).mean()

    assert beside(1.0) == pytest.approx(math.e, rel=0.15)
    assert beside(0.0) == pytest.approx(1.0, rel=0.1)


def test_loose_cells_are_faster_and_those_that_hold_on_more_are_not_slower() -> None:
    processes: list[Process] = [invasion(choice(), loose_speed=3.0, by_matrix=1.0), process_of("migration")]
    processes[0].catenin = processes[0].cadherin = None
    tissue = bare_tissue((1, 1, 9), processes=processes, substrates=FIELDS)
    tissue.microenvironment["matrix"].concentration[0, 0, :3] = (1.0, 0.5, 0.0)
    tissue.microenvironment["matrix"].concentration[0, 0, 3] = 1.5
    put_tumor(tissue, [0, 1, 2, 3])
    processes[0].step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["hold"], [1.0, 0.5, 0.0, 1.5])
    processes[1].step(tissue, 2.0)
    rate = tissue.rates.total("migrate", 4)
    np.testing.assert_allclose(rate / rate[0], [1.0, 2.0**2, 3.0**2, 1.0])


def test_without_the_mechanism_cells_have_no_hold_of_their_own() -> None:
    process = process_of("commit_parenchyma")
    assert process.columns == () and committing().columns[0].name == "hold"


def nodule_after(hold: float) -> Tissue:
    processes: list[Process] = [process_of("migration", speed=4.0), committing()]
    tissue = bare_tissue((1, 61, 61), processes=processes, seed=4)
    y, x = np.divmod(np.arange(61 * 61), 61)
    sites = np.flatnonzero((y - 30) ** 2 + (x - 30) ** 2 <= 100)
    put_tumor(tissue, sites, hold=np.full(sites.size, hold))
    for _ in range(360):
        advance_only(tissue, processes, 2.0)
    return tissue


def test_a_nodule_of_loose_cells_comes_apart() -> None:
    from tumorabm.recording.border import branching_index

    held, loose = (
        branching_index(
            (tissue.cells.occupancy[0] >= 0).reshape(tissue.lattice.shape),
            tissue.lattice,
        )
        for tissue in map(nodule_after, (1.0, 0.2))
    )
    assert held < 1.15 and loose > 1.5
