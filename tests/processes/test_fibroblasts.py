"""Fibroblasts: where they are at the start, how they change, secrete, divide and move, how the engine treats them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, advance_only, bare_tissue, process_of, put, put_tumor, same_contents
from short_run import short

from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, Process
from tumorabm.processes.signaling.inhibitors import inhibitors_of
from tumorabm.tissue.cells import ALIVE, APOPTOTIC, FIBROBLAST, PARENCHYMA, TUMOR
from tumorabm.tissue.lattice import PERIODIC
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.requests import CLEAR, DIVIDE, MIGRATE
from tumorabm.tissue.tissue import Tissue

DAY = 24.0
CATALOG = load_catalog()
FACTORS = tuple(Substrate(name, "nM", name, "implicit", 1e5, 0.1) for name in ("pdgf_bb", "fgf2", "pdgf_cc"))
SUNITINIB = Substrate("sunitinib", "nM", "unbound", "implicit", 1e5, 0.0)


def treated(name: str, **values: float) -> Process:
    """A process in an experiment with sunitinib."""
    return registered()[name].from_catalog(CATALOG, Choice(SETS, drugs=("sunitinib",)), values)


def tissue_with(processes: list[Process], oxygen: float = 40.0, drug: float = 0.0, shape=(1, 9, 9), **more) -> Tissue:
    tissue = bare_tissue(shape, processes=processes, substrates=(OXYGEN, *FACTORS, SUNITINIB), **more)
    tissue.microenvironment["oxygen"].concentration[:] = oxygen
    tissue.microenvironment["sunitinib"].concentration[:] = drug
    return tissue


# --- at the start ----------------------------------------------------------------------------------------------------


def test_residents_are_a_share_of_all_sites_and_take_the_place_of_founders() -> None:
    on, _ = build(short("mechanisms.all=false", "mechanisms.fibroblasts=true", "lattice.shape=[90,90]"))
    off, _ = build(short("mechanisms.all=false", "lattice.shape=[90,90]"))
    sites = on.cells["site"][on.cells.alive(FIBROBLAST)]
    expected = 0.05 * on.lattice.sites
    assert abs(sites.size - expected) < 4.0 * math.sqrt(0.95 * expected)
    founders = set(off.cells["site"][off.cells.alive(TUMOR)].tolist())
    inside = len(founders & set(sites.tolist()))
    assert abs(inside - 0.05 * len(founders)) < 4.0 * math.sqrt(0.05 * len(founders))
    assert set(on.cells["site"][on.cells.alive(TUMOR)].tolist()) == founders - set(sites.tolist())
    assert (on.cells["clone"][on.cells.alive(FIBROBLAST)] == -1).all()
    assert not on.cells["activation"].any()
    again, _ = build(short("mechanisms.all=false", "mechanisms.fibroblasts=true", "lattice.shape=[90,90]"))
    same_contents(on, again)
    other, _ = build(short("mechanisms.all=false", "mechanisms.fibroblasts=true", "lattice.shape=[90,90]"), seed=6)
    assert set(other.cells["site"][other.cells.alive(FIBROBLAST)].tolist()) != set(sites.tolist())


# --- change ----------------------------------------------------------------------------------------------------------


def test_change_under_a_constant_stimulus_follows_its_equation_whatever_the_step() -> None:
    """With S = 0.75 (half of the oxygen's response, half of VEGFR2 blocked), 1/250 d there and 1/2000 d back."""
    process = registered()["fibroblasts"](
        {"fraction": 0.05, "rate": 1 / 250 / DAY, "reversal": 1 / 2000 / DAY, "half": 3.0, "exponent": 2.0},
        [item for item in inhibitors_of(CATALOG, ("sunitinib",), SETS) if item.node == "vegfr2"],
        ("sunitinib",),
    )
    rate = 0.75 / 250 + 1 / 2000
    rest = 0.75 / 250 / rate
    for days, parts in ((7.0, 1), (100.0, 1), (100.0, 50), (400.0, 3)):
        tissue = tissue_with([process], oxygen=3.0, drug=4.0)
        put(tissue, FIBROBLAST, [3, 40], activation=np.array([0.0, 1.0]))
        put_tumor(tissue, [20])
        for _ in range(parts):
            process.step(tissue, days * DAY / parts)
        expected = rest + (np.array([0.0, 1.0]) - rest) * math.exp(-rate * days)
        np.testing.assert_allclose(tissue.cells["activation"][:2], expected, rtol=1e-12)
        assert tissue.cells["activation"][2] == 0.0  # a tumor cell's


def test_without_stimulus_change_goes_back_slowly() -> None:
    process = process_of("fibroblasts")
    tissue = tissue_with([process], oxygen=1e9)
    put(tissue, FIBROBLAST, [3], activation=np.array([0.8]))
    process.step(tissue, 84.0 * DAY)
    assert tissue.cells["activation"][0] == pytest.approx(0.8 * math.exp(-84.0 / 2000.0))


def test_what_changes_nothing_at_all_is_left_as_it_is() -> None:
    process = process_of("fibroblasts", rate=0.0, reversal=0.0)
    tissue = tissue_with([process], oxygen=1.0)
    put(tissue, FIBROBLAST, [3], activation=np.array([0.8]))
    process.step(tissue, 84.0 * DAY)
    assert tissue.cells["activation"][0] == 0.8


def test_the_stimulus_is_lack_of_oxygen_or_blockade_of_either_receptor() -> None:
    process = treated("fibroblasts")
    rows = np.array([0])

    def stimulus(oxygen: float, drug: float, exposure: float = 0.0) -> float:
        tissue = tissue_with([process], oxygen=oxygen, drug=drug)
        put(tissue, FIBROBLAST, [3])
        if exposure:
            tissue.patient.exposure["su12662"] = exposure
        return float(process.stimulus(tissue, rows)[0])

    assert stimulus(1e9, 0.0) == pytest.approx(0.0, abs=1e-12)
    assert stimulus(3.0, 0.0) == pytest.approx(0.5)
    assert stimulus(0.0, 0.0) == 1.0
    assert stimulus(10.0, 0.0) < 0.1  # untreated lesions
    blocked = 1.0 - 1.0 / (1.0 + 8.0 / 4.0) / (1.0 + 8.0 / 10.0)  # VEGFR2 4 nM, PDGFR 10 nM
    assert stimulus(1e9, 8.0) == pytest.approx(blocked)
    assert stimulus(3.0, 8.0) == pytest.approx(1.0 - 0.5 * (1.0 - blocked))
    assert stimulus(1e9, 0.0, 8.0) == pytest.approx(blocked)  # the metabolite is as potent


def test_daughters_keep_what_their_mother_became() -> None:
    processes = [process_of("fibroblasts"), process_of("commit_parenchyma")]
    tissue = tissue_with(processes)
    row = put(tissue, FIBROBLAST, [40], activation=np.array([0.6]))
    tissue.requests.add(DIVIDE, row, np.ones(1))
    processes[1].step(tissue, 2.0)
    assert tissue.cells["cell_type"].tolist() == [FIBROBLAST] * 2
    assert tissue.cells["activation"].tolist() == [0.6, 0.6]


# --- secretion -------------------------------------------------------------------------------------------------------


def test_changed_fibroblasts_secrete_more_and_debris_nothing() -> None:
    choice = Choice(SETS, substrates=("oxygen", "pdgf_cc", "fgf2", "pdgf_bb"))
    process = registered()["fibroblast_secretion"].from_catalog(CATALOG, choice)
    assert set(process.rates) == {"pdgf_cc", "fgf2"}
    tissue = tissue_with([process])
    put(tissue, FIBROBLAST, [1, 2, 3, 4], activation=np.array([0.0, 0.5, 1.0, 1.0]))
    tissue.cells["state"][3] = APOPTOTIC
    process.step(tissue, 2.0)
    source = tissue.microenvironment["pdgf_cc"].contribution("source", "fibroblast").reshape(-1)
    assert np.flatnonzero(source).tolist() == [1, 2, 3]
    np.testing.assert_allclose(source[1:4] / source[1], [1.0, 3.5, 6.0])
    # 0.3 molecules/s into 8000 um^3 are 0.3 * 3600 / (0.6022 * 8000) nM/h
    assert source[1] == pytest.approx(0.3 * 3600.0 / (0.602214 * 8000.0), rel=1e-4)
    fgf = tissue.microenvironment["fgf2"].contribution("source", "fibroblast").reshape(-1)
    np.testing.assert_allclose(fgf[1:4] / fgf[1], [1.0, 1.5, 2.0])


# --- number ----------------------------------------------------------------------------------------------------------


def turnover_of(tissue: Tissue, process: Process, pdgf: float, fgf: float, drug: float = 0.0) -> dict[str, np.ndarray]:
    for name, value in (("pdgf_bb", pdgf), ("fgf2", fgf), ("sunitinib", drug)):
        tissue.microenvironment[name].concentration[:] = value
    process.step(tissue, 2.0)
    return {risk: tissue.rates.total(risk, tissue.cells.n) for risk in ("divide", "apoptosis")}


def test_division_follows_pdgf_or_fgf_and_ends_where_there_are_many() -> None:
    process = treated("fibroblast_turnover")
    tissue = tissue_with([process], shape=(1, 30, 30))
    row = put(tissue, FIBROBLAST, [15 * 30 + 15])
    put_tumor(tissue, [0])
    full = math.log(2.0) / (7.0 * DAY)
    assert turnover_of(tissue, process, 1e9, 0.0)["divide"] == pytest.approx([full, 0.0])
    assert turnover_of(tissue, process, 0.0, 1e9)["divide"] == pytest.approx([full, 0.0])
    assert turnover_of(tissue, process, 0.0, 0.0)["divide"] == pytest.approx([0.0, 0.0])
    both = 1.0 - 0.5 * 0.5
    assert turnover_of(tissue, process, 0.3, 0.1)["divide"][row] == pytest.approx(full * both)
    # The drug takes PDGFR away (10 nM leave half), FGF's receptor stays.
    assert turnover_of(tissue, process, 0.3, 0.1, 10.0)["divide"][row] == pytest.approx(full * (1.0 - 0.75 * 0.5))
    assert (turnover_of(tissue, process, 0.3, 0.1)["apoptosis"] > 0.0).tolist() == [True, False]
    crowd = 15 * 30 + 15 + np.array([1, 2, 3, 4, 31, 32, 33, 61, 62, 63, 64])
    put(tissue, FIBROBLAST, crowd)
    room = 1.0 - (11 / 121) / 0.1
    assert turnover_of(tissue, process, 0.3, 0.1)["divide"][row] == pytest.approx(full * both * room)
    put(tissue, FIBROBLAST, 15 * 30 + 15 - np.array([1, 2]))
    assert turnover_of(tissue, process, 0.3, 0.1)["divide"][row] == 0.0
    tissue.cells["state"][-8:] = APOPTOTIC  # debris takes no part
    assert turnover_of(tissue, process, 0.3, 0.1)["divide"][row] == pytest.approx(full * both * (1 - 5 / 12.1))


def share_after(days: int, pdgf: float, fgf: float, seed: int, start: float) -> float:
    processes = [
        process_of("fibroblast_turnover"), process_of("clearance"), process_of("competing_risks"),
        process_of("fibroblast_migration"), process_of("commit_parenchyma"), process_of("compaction"),
    ]  # fmt: skip
    tissue = tissue_with(processes, shape=(1, 60, 60), seed=seed, faces=(PERIODIC,) * 6)
    tissue.microenvironment["pdgf_bb"].concentration[:] = pdgf
    tissue.microenvironment["fgf2"].concentration[:] = fgf
    put(tissue, FIBROBLAST, np.random.default_rng(seed).permutation(3600)[: int(3600 * start)])
    shares = []
    for day in range(days):
        advance_only(tissue, processes, DAY)
        if day >= days // 2:
            shares.append(tissue.cells.alive(FIBROBLAST).size / 3600)
    return float(np.mean(shares))


def test_in_host_tissue_their_share_stays_and_under_more_drive_it_rises_to_a_limit() -> None:
    """0.05 at what host tissue holds, whatever it starts from; under any drive about a tenth of all sites."""
    host = {"pdgf": 0.004, "fgf": 0.02}
    assert share_after(600, seed=1, start=0.05, **host) == pytest.approx(0.05, abs=0.01)
    assert share_after(900, seed=2, start=0.02, **host) == pytest.approx(0.05, abs=0.01)
    assert 0.06 < share_after(400, 0.05, 0.05, seed=3, start=0.05) < 0.09
    assert 0.08 < share_after(300, 1e3, 1e3, seed=4, start=0.05) < 0.11


# --- the engine treats them as what they are --------------------------------------------------------------------------


def test_tumor_rates_are_the_tumors_and_oxygen_is_used_as_by_host_tissue() -> None:
    names = ("birth", "apoptosis", "necrosis", "oxygen_consumption")
    processes = [process_of(name) for name in names]
    tissue = bare_tissue((1, 5, 5), processes=processes)
    tissue.microenvironment["oxygen"].concentration[:] = 0.6
    put_tumor(tissue, [0, 1])
    put(tissue, FIBROBLAST, [2, 3])
    tissue.cells["state"][[1, 3]] = APOPTOTIC
    for process in processes:
        process.step(tissue, 2.0)
    for risk in ("apoptosis", "necrosis"):
        assert (tissue.rates.total(risk, 4) > 0.0).tolist() == [True, False, False, False]
    assert not tissue.rates.total("divide", 4)[1:].any()
    uptake = tissue.microenvironment["oxygen"].contribution("uptake", "consumption").reshape(-1)
    host = processes[3].p.host
    assert uptake[:5].tolist() == [processes[3].p.tumor, 0.0, host, 0.0, host]


def test_a_tumor_cell_holds_on_to_tumor_cells_only() -> None:
    """Surrounded by fibroblasts a tumor cell hops into the one free site; beside tumor cells it hardly does."""
    free, there = 12, 7

    def hops(kind: int) -> int:
        made = 0
        for seed in range(200):
            process = process_of("commit_parenchyma")
            tissue = bare_tissue((1, 5, 5), processes=[process], seed=seed)
            put(tissue, kind, [site for site in range(10) if site != there])
            row = put_tumor(tissue, [there])
            tissue.requests.add(MIGRATE, row, np.ones(1))
            process.step(tissue, 2.0)
            made += int(tissue.cells["site"][row[0]]) == free
        return made

    # One of four directions leads there: 5 of 8 neighbors would be lost.
    assert abs(hops(FIBROBLAST) - 50) < 4.0 * math.sqrt(200 * 0.25 * 0.75)
    assert hops(TUMOR) == 0


def test_fibroblasts_are_pushed_along_and_make_no_lesion() -> None:
    process = process_of("commit_parenchyma")
    tissue = bare_tissue((1, 1, 8), processes=[process])
    put_tumor(tissue, [0, 1, 2, 3])
    put(tissue, FIBROBLAST, [4])
    tissue.requests.add(DIVIDE, np.array([1]), np.ones(1))
    process.step(tissue, 2.0)
    row_on = tissue.cells.occupancy[PARENCHYMA]
    kinds = [tissue.cells["cell_type"][row] if row >= 0 else -1 for row in row_on]
    assert kinds == [TUMOR] * 5 + [FIBROBLAST, -1, -1]
    # Where debris of a fibroblast is cleared outside the lesion host tissue is left, and nobody moves.
    lone = bare_tissue((1, 60, 60), processes=[process])
    put_tumor(lone, [0, 1, 60, 61])
    rows = put(lone, FIBROBLAST, [30 * 60 + 30, 30 * 60 + 31])
    lone.cells["state"][rows[0]] = APOPTOTIC
    lone.requests.add(CLEAR, rows[:1], np.ones(1))
    before = lone.cells["site"].copy()
    process.step(lone, 2.0)
    assert lone.cells["site"][rows[0]] == -1
    others = np.arange(6) != rows[0]
    np.testing.assert_array_equal(lone.cells["site"][others], before[others])


def test_ranks_close_over_a_fibroblast_as_over_a_tumor_cell() -> None:
    process = process_of("commit_parenchyma")
    tissue = bare_tissue((1, 61, 61), processes=[process])
    y, x = np.divmod(np.arange(61 * 61), 61)
    disc = np.flatnonzero((y - 30) ** 2 + (x - 30) ** 2 <= 64)
    put_tumor(tissue, disc[disc != 30 * 61 + 30])
    row = put(tissue, FIBROBLAST, [30 * 61 + 30])
    tissue.cells["state"][row] = APOPTOTIC
    tissue.requests.add(CLEAR, row, np.ones(1))
    process.step(tissue, 2.0)
    occupied = tissue.cells.occupancy[PARENCHYMA] >= 0
    assert occupied[30 * 61 + 30] and np.count_nonzero(occupied) == disc.size - 1


def test_fibroblasts_walk_and_those_without_room_stay() -> None:
    processes = [process_of("fibroblast_migration"), process_of("commit_parenchyma")]
    tissue = bare_tissue((1, 120, 120), processes=processes, faces=(PERIODIC,) * 6)
    index = np.arange(0, 120, 6)
    rows = put(tissue, FIBROBLAST, (index[:, None] * 120 + index[None, :]).ravel())
    start = tissue.lattice.centers(tissue.cells["site"][rows])
    for _ in range(24):
        advance_only(tissue, processes, 2.0)
    moved = tissue.lattice.centers(tissue.cells["site"][rows]) - start
    squares = ((moved + 1200.0) % 2400.0 - 1200.0) ** 2
    expected = 2.0 * 5.0**2 * 1.0 * 48.0  # 4 D t with D = v² τ / 2
    assert abs(squares.sum(axis=1).mean() - expected) < 4.0 * squares.sum(axis=1).std() / math.sqrt(rows.size)
    packed = bare_tissue((1, 5, 5), processes=processes)
    put(packed, FIBROBLAST, [12])
    put_tumor(packed, [site for site in range(25) if site != 12])
    advance_only(packed, processes, 100.0)
    assert packed.cells["site"][0] == 12 and (packed.cells["state"] == ALIVE).all()
