"""VEGF drives survival, proliferation and migration of endothelium apart; coverage and flow protect it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put, put_vessel

from tumorabm.processes.process import Process
from tumorabm.processes.signaling.endothelium import DIVISION_SIGNAL, MOTILITY_SIGNAL, SURVIVAL_SIGNAL
from tumorabm.processes.vessels.growth import TipMigration, first_of_segment
from tumorabm.tissue.cells import ENDOTHELIAL, VESSEL
from tumorabm.tissue.requests import ADVANCE
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, QUIESCENT, TIP, VENULE

SIGNALS = tuple(column.name for column in (DIVISION_SIGNAL, SURVIVAL_SIGNAL, MOTILITY_SIGNAL))
COLUMNS = ("endothelial_survival", "pruning", "sprouting", "recolonization", "tip_migration", "vessel_remodeling")


def endothelium(**columns: object) -> Tissue:
    """A chain of five cells with the columns of all vessel processes."""
    tissue = bare_tissue((1, 9, 9), processes=[process_of(name) for name in (*COLUMNS, "lumen", "perfusion")])
    put_vessel(tissue, [20, 21, 22, 23, 24], **columns)
    return tissue


def rates(event: str, tissue: Tissue, process: Process) -> np.ndarray:
    tissue.rates.clear()
    process.step(tissue, 2.0)
    return tissue.rates.total(event, tissue.cells.n)


# --- survival -------------------------------------------------------------------------------------------------------

SURVIVAL = {
    "uncovered_rate": 0.01,
    "covered_multiplier": 0.1,
    "flow_multiplier": 0.05,
    "half": 0.5,
    "covered_need": 0.1,
    "exponent": 4.0,
}


def survival(**columns: object) -> np.ndarray:
    return rates("regress", endothelium(**columns), process_of("endothelial_survival", **SURVIVAL))


def test_without_signal_uncovered_endothelium_dies_at_the_full_rate() -> None:
    np.testing.assert_allclose(survival(), 0.01)
    np.testing.assert_allclose(survival(survival_signal=0.5), 0.005)  # half survival at the half signal
    assert survival(survival_signal=1.0).max() < 0.0006


def test_coverage_leaves_a_share_of_the_rate_and_lowers_the_need() -> None:
    np.testing.assert_allclose(survival(coverage=1.0), 0.001)
    np.testing.assert_allclose(survival(coverage=0.5), 0.01 * (1.0 - 0.5 * 0.9))
    np.testing.assert_allclose(survival(coverage=1.0, survival_signal=0.05), 0.0005)  # half of its own, lower, need
    assert survival(coverage=1.0, survival_signal=0.2).max() < 0.01 * survival(survival_signal=0.2).min()


def test_flow_protects() -> None:
    np.testing.assert_allclose(survival(perfused=1), 0.0005)
    np.testing.assert_allclose(survival(perfused=np.array([1, 0, 1, 0, 0])) / 0.01, [0.05, 1.0, 0.05, 1.0, 1.0])


def test_a_tip_has_no_coverage_and_a_root_does_not_regress() -> None:
    phenotype = np.array([QUIESCENT, TIP, QUIESCENT, QUIESCENT, QUIESCENT])
    np.testing.assert_allclose(survival(coverage=1.0, phenotype=phenotype)[:2], [0.001, 0.01])
    root = np.array([ARTERIOLE, 0, 0, 0, VENULE])
    np.testing.assert_allclose(survival(root=root), [0.0, 0.01, 0.01, 0.01, 0.0])


def test_dead_ends_are_pruned_but_tips_and_roots_are_not() -> None:
    process = process_of("pruning", rate=0.004)
    assert rates("regress", endothelium(), process).tolist() == [0.004, 0.0, 0.0, 0.0, 0.004]
    tissue = endothelium(phenotype=np.array([TIP, 0, 0, 0, 0]), root=np.array([0, 0, 0, 0, VENULE]))
    assert not rates("regress", tissue, process).any()


def test_both_ways_to_regress_add_up() -> None:
    tissue = endothelium()
    for process in (process_of("endothelial_survival", **SURVIVAL), process_of("pruning", rate=0.004)):
        process.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.rates.total("regress", 5), [0.014, 0.01, 0.01, 0.01, 0.014])


# --- growth ---------------------------------------------------------------------------------------------------------


def test_sprouts_start_above_the_threshold_only() -> None:
    process = process_of("sprouting", rate=0.01, threshold=0.4)
    tissue = endothelium(motility_signal=np.array([0.0, 0.39, 0.4, 0.7, 1.0]))
    np.testing.assert_allclose(rates("sprout", tissue, process), [0.0, 0.0, 0.0, 0.005, 0.01])
    tissue = endothelium(
        motility_signal=1.0, phenotype=np.array([TIP, 0, 0, 0, 0]), root=np.array([0, 0, 0, 0, ARTERIOLE])
    )
    np.testing.assert_allclose(rates("sprout", tissue, process), [0.0, 0.01, 0.01, 0.01, 0.0])


def test_regrowth_needs_a_sleeve_and_signal() -> None:
    process = process_of("recolonization", rate=0.08, half=0.4, exponent=4.0)
    tissue = endothelium(division_signal=np.array([0.4, 0.4, 0.0, 1e9, 0.4]))
    assert not rates("recolonize", tissue, process).any()
    tissue.vasculature.sleeves[tissue.cells["site"][:4]] = 1
    np.testing.assert_allclose(rates("recolonize", tissue, process), [0.04, 0.04, 0.0, 0.08, 0.0])


TIPS = {
    "speed": 8.0,
    "migration_half": 0.5,
    "migration_exponent": 2.0,
    "division_time": 24.0,
    "stalk_cells": 6.0,
    "cell_length": 20.0,
    "proliferation_half": 0.3,
    "proliferation_exponent": 4.0,
}


def test_a_tip_is_as_fast_as_migration_and_supply_allow() -> None:
    process = process_of("tip_migration", **TIPS)
    assert isinstance(process, TipMigration)
    # At full signal 8 µm/h of migration, 6 × 20 µm / 24 h = 5 µm/h of supply: 8 × 5 / 13.
    full, none, some = np.array([1e6]), np.array([0.0]), np.linspace(0.0, 1.0, 50)
    assert process.tip_speed(full, full)[0] == pytest.approx(8.0 * 5.0 / 13.0)
    # Half of the migration at its half signal, half of the supply at another: 4 × 5 / 9 and 8 × 2.5 / 10.5.
    assert process.tip_speed(np.array([0.5]), full)[0] == pytest.approx(4.0 * 5.0 / 9.0)
    assert process.tip_speed(full, np.array([0.3]))[0] == pytest.approx(8.0 * 2.5 / 10.5)
    for pair in ((none, none), (none, full), (full, none)):
        assert process.tip_speed(*pair).tolist() == [0.0]
    for pair in ((some, some), (some, np.full(50, 0.5)), (np.full(50, 0.5), some)):
        assert (np.diff(process.tip_speed(*pair)) > 0.0).all()


@pytest.mark.parametrize("stopped", ["migration", "proliferation"])
def test_a_sprout_stops_when_either_arm_is_knocked_out(stopped: str) -> None:
    """A half-saturation far above any signal switches an arm off."""
    process = process_of("tip_migration", **{**TIPS, f"{stopped}_half": 1e6})
    assert isinstance(process, TipMigration)
    assert process.tip_speed(np.array([1.0]), np.array([1.0]))[0] < 1e-6


def test_f08_the_three_arms_of_vegf_are_switched_off_apart() -> None:
    """Without survival endothelium dies and goes on growing; without proliferation nothing regrows; without
    migration tips stand still; each of the others is as before."""
    off = 1e6

    def responses(survive: float, proliferate: float, migrate: float) -> np.ndarray:
        signals = dict.fromkeys(SIGNALS, 0.8)
        tissue = endothelium(phenotype=np.array([TIP, 0, 0, 0, 0]), **signals)
        tissue.vasculature.sleeves[:] = 1
        death = process_of("endothelial_survival", **{**SURVIVAL, "half": survive})
        regrowth = process_of("recolonization", rate=0.08, half=proliferate, exponent=4.0)
        tip = process_of("tip_migration", **{**TIPS, "migration_half": migrate, "stalk_cells": 1e12})
        assert isinstance(tip, TipMigration)
        return np.array(
            [
                rates("regress", tissue, death)[1],
                rates("recolonize", tissue, regrowth)[1],
                tip.tip_speed(tissue.cells["motility_signal"][:1], tissue.cells["division_signal"][:1])[0],
            ]
        )

    normal = responses(0.5, 0.3, 0.5)
    assert normal[0] < 0.002 and normal[1] > 0.07 and normal[2] > 5.0
    np.testing.assert_allclose(responses(off, 0.3, 0.5), [0.01, normal[1], normal[2]])
    np.testing.assert_allclose(responses(0.5, off, 0.5), [normal[0], 0.0, normal[2]], atol=1e-9)
    np.testing.assert_allclose(responses(0.5, 0.3, off), [normal[0], normal[1], 0.0], atol=1e-9)


def test_each_response_follows_its_own_signal() -> None:
    """What inhibits one output of endothelial signaling leaves the other responses as they are."""

    def responses(**signals: float) -> np.ndarray:
        tissue = endothelium(phenotype=np.array([TIP, 0, 0, 0, 0]), **{**dict.fromkeys(SIGNALS, 0.8), **signals})
        tissue.vasculature.sleeves[:] = 1
        events = {
            "regress": process_of("endothelial_survival", **SURVIVAL),
            "recolonize": process_of("recolonization", rate=0.08, half=0.3, exponent=4.0),
            "sprout": process_of("sprouting", rate=0.01, threshold=0.4),
        }
        found = [rates(event, tissue, process)[1] for event, process in events.items()]
        tissue.requests.clear()
        process_of("tip_migration", **{**TIPS, "stalk_cells": 1e12}).step(tissue, 1.0)
        moves = tissue.requests.ordered((ADVANCE,), tissue.cells["uid"])[0].size
        return np.array([*found, tissue.cells["tip_path"][0] + 10.0 * moves])

    normal = responses()
    assert normal[0] < 0.002 and normal[1] > 0.07 and normal[2] > 0.006 and normal[3] > 5.0
    np.testing.assert_allclose(responses(survival_signal=0.0), [0.01, *normal[1:]])
    np.testing.assert_allclose(responses(division_signal=0.0), [normal[0], 0.0, normal[2], 0.0], atol=1e-9)
    np.testing.assert_allclose(responses(motility_signal=0.0), [normal[0], normal[1], 0.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("dt", [0.5, 2.0, 8.0])
def test_moves_add_up_to_the_way_whatever_the_step(dt: float) -> None:
    process = process_of("tip_migration", **TIPS)
    assert isinstance(process, TipMigration)
    tissue = endothelium(motility_signal=0.8, division_signal=0.6, phenotype=np.array([TIP, 0, 0, 0, TIP]))
    moves = 0
    for _ in range(round(240.0 / dt)):
        tissue.requests.clear()
        process.step(tissue, dt)
        _, rows, times, numbers = tissue.requests.ordered((ADVANCE,), tissue.cells["uid"])
        assert set(rows.tolist()) <= {0, 4} and ((times > 0.0) & (times <= dt)).all()
        for row in (0, 4):
            assert numbers[rows == row].tolist() == list(range((rows == row).sum()))
        moves += (rows == 0).sum()
    way = 240.0 * process.tip_speed(np.array([0.8]), np.array([0.6]))[0]
    assert moves == int(way / 10.0) and tissue.cells["tip_path"][0] == pytest.approx(way - 10.0 * moves, abs=1e-6)


@pytest.mark.parametrize("length", [1, 2, 7])
def test_sleeves_are_lost_at_their_half_life(length: int) -> None:
    """A segment as a whole, whatever its length and the time step, with both ends of its sleeves."""
    for dt in (24.0, 240.0):
        process = process_of("sleeve_loss", half_life=240.0)
        tissue = bare_tissue((1, 3, 18000), processes=[process_of("lumen")])
        neighbors, sleeves = tissue.vasculature.neighbors, tissue.vasculature.sleeves
        # Segments along x, from a living cell at one end to the last empty site at the other.
        ends = 18000 + np.arange(0, 18000 - length - 1, length + 2)
        for i in range(length):
            assert (neighbors[ends + i, 13] == ends + i + 1).all()
            sleeves[ends + i] |= np.uint32(1 << 13)
            sleeves[ends + i + 1] |= np.uint32(1 << 12)
        put(tissue, ENDOTHELIAL, ends)
        for _ in range(round(240.0 / dt)):
            process.step(tissue, dt)
            tissue.step_number += 1
        for i in range(1, length + 1):
            np.testing.assert_array_equal(sleeves[ends] != 0, sleeves[ends + i] != 0)
        assert (sleeves[ends] != 0).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(ends.size))


def test_a_segment_ends_at_branching_points_and_living_cells() -> None:
    """A cross of sleeves with a living cell at the end of one arm: four arms and the branching point."""
    tissue = bare_tissue((1, 9, 9), processes=[process_of("lumen")])
    vasculature = tissue.vasculature
    arms = [[4 * 9 + x for x in range(4, 9)], [4 * 9 + x for x in range(4, -1, -1)]]
    arms += [[y * 9 + 4 for y in range(4, 9)], [y * 9 + 4 for y in range(4, -1, -1)]]
    for arm in arms:
        for a, b in itertools.pairwise(arm):
            vasculature.link(a, b)
    vasculature.sleeves[:], vasculature.links[:] = vasculature.links, 0
    put(tissue, ENDOTHELIAL, np.array([arms[0][-1]]))
    empty = np.flatnonzero((vasculature.sleeves != 0) & (tissue.cells.occupancy[VESSEL] < 0))
    first = dict(zip(empty.tolist(), first_of_segment(empty, vasculature.sleeves, vasculature.neighbors), strict=True))
    assert first[40] == 40 and arms[0][-1] not in first
    for arm in arms:
        inner = [site for site in arm[1:] if site in first]
        assert {int(first[site]) for site in inner} == {min(inner)}


# --- coverage -------------------------------------------------------------------------------------------------------


def test_vessels_lose_coverage_above_the_threshold_only() -> None:
    process = process_of("vessel_remodeling", rate=0.05, threshold=0.4, tumor_coverage=0.6)
    tissue = endothelium(
        coverage=np.array([1.0, 1.0, 1.0, 0.6, 0.2]), vegfr2_signal=np.array([0.39, 0.41, 1.0, 1.0, 1.0])
    )
    process.step(tissue, 10.0)
    relaxed = 0.6 + 0.4 * np.exp(-0.5)
    np.testing.assert_allclose(tissue.cells["coverage"], [1.0, relaxed, relaxed, 0.6, 0.2])
