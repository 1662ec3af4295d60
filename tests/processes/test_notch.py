"""Lateral inhibition: cells take turns, NOTCH holds back sprouts, what drives DLL4, and MMP-9."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, VEGF, bare_tissue, process_of, put_tumor, put_vessel, same_contents

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice
from tumorabm.processes.vessels.commit import CommitVessels
from tumorabm.processes.vessels.notch import Notch
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import TIP
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

FGF = Substrate("fgf2", "nM", "FGF2", "implicit", 1e5, 0.0)
MMP9 = Substrate("mmp9", "nM", "MMP-9", "implicit", 1e5, 0.0)


def notch(substrates: tuple[str, ...] = (), **values: float) -> Notch:
    """The process in an experiment with some fields."""
    made = Notch.from_catalog(load_catalog(), Choice(SETS, substrates=substrates), values)
    assert isinstance(made, Notch)
    return made


def chain(cells: int, signal: float = 0.6, seed: int = 1, **columns: object) -> Tissue:
    """A vessel of so many cells in a row."""
    everything = [notch(), *(process_of(name) for name in ("notch_sprouting", "notch_protease", "sprouting"))]
    tissue = bare_tissue((1, 3, cells), processes=everything, substrates=(OXYGEN, VEGF, FGF, MMP9), seed=seed)
    put_vessel(tissue, cells + np.arange(cells), vegfr2_signal=signal, motility_signal=signal, **columns)
    return tissue


def competent(tissue: Tissue) -> np.ndarray:
    """Whether each cell of a chain sprouts at more than half of the rate without NOTCH."""
    free = process_of("notch_sprouting", reference=0.0)
    tissue.rates.clear()
    tissue.rates.add("sprout", "test", np.ones(tissue.cells.n))
    free.step(tissue, 2.0)
    return tissue.rates.total("sprout", tissue.cells.n) > 0.5


# --- the pattern ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [0.4, 0.6, 0.9])
def test_neighbors_along_a_vessel_are_not_both_tips(signal: float) -> None:
    tissue = chain(60, signal)
    notch().step(tissue, 240.0)
    free = competent(tissue)
    assert not (free[:-1] & free[1:]).any()
    # But somewhere near there is one: never three in a row that are all held back.
    held = ~free
    assert not (held[:-2] & held[1:-1] & held[2:]).any()
    assert 0.3 < free.mean() < 0.6
    assert tissue.cells["dll4"][free].min() > 5.0 * tissue.cells["dll4"][held].max()
    assert tissue.cells["notch"][held].min() > 5.0 * tissue.cells["notch"][free].max()


def test_without_notch_all_may_sprout() -> None:
    tissue = chain(60)
    notch(inhibition=1.0).step(tissue, 240.0)
    assert competent(tissue).all() and not tissue.cells["notch"].any()
    np.testing.assert_allclose(tissue.cells["dll4"], notch().drive(tissue, np.arange(60)), rtol=1e-6)


def test_half_a_block_leaves_a_pattern_and_a_whole_one_none() -> None:
    shares = []
    for inhibition in (0.0, 0.5, 0.8, 1.0):
        tissue = chain(60)
        notch(inhibition=inhibition).step(tissue, 240.0)
        shares.append(competent(tissue).mean())
    assert shares == sorted(shares) and shares[0] < 0.6 < shares[-1]


def test_a_tip_leads_and_the_cell_behind_it_is_held_back() -> None:
    """Whatever both were before: a sprout and the cell that it came from have the same state at first."""
    for seed in range(8):
        tissue = chain(2, 0.6, seed, phenotype=np.array([TIP, 0]), dll4=0.6)
        notch().step(tissue, 48.0)
        assert competent(tissue).tolist() == [True, False]


def test_the_pattern_follows_identity_and_not_rows() -> None:
    tissues = [chain(40) for _ in range(2)]
    tissues[1].cells.permute(np.random.default_rng(2).permutation(40))
    for tissue in tissues:
        notch().step(tissue, 100.0)
    same_contents(*tissues)
    other = chain(40, seed=2)
    notch().step(other, 100.0)
    assert (other.cells["dll4"] != tissues[0].cells["dll4"]).any()


# --- the equations --------------------------------------------------------------------------------------------------


def test_it_relaxes_at_its_half_life() -> None:
    """A cell without neighbors: DLL4 goes half of the way to its drive in each half-life, NOTCH is lost."""
    process = notch(half_life=4.0, spread=0.0)
    tissue = chain(1, 0.333, notch=0.0)
    goal = float(process.drive(tissue, np.array([0]))[0])
    assert goal == pytest.approx(0.5)
    for hours, left in ((4.0, 0.5), (8.0, 0.125), (0.0, 0.125)):
        process.step(tissue, hours)
        assert tissue.cells["dll4"][0] == pytest.approx(goal * (1.0 - left), rel=1e-12)
    tissue = chain(1, 0.0, notch=0.8)
    process.step(tissue, 4.0)
    assert tissue.cells["notch"][0] == pytest.approx(0.4, rel=1e-12)


def test_it_comes_to_rest_where_both_equations_hold() -> None:
    process = notch()
    tissue = chain(30)
    process.step(tissue, 1000.0)
    dll4, active = tissue.cells["dll4"], tissue.cells["notch"]
    links = np.zeros((30, 30))
    links[np.arange(29), np.arange(1, 30)] = links[np.arange(1, 30), np.arange(29)] = 1.0
    beside = links @ dll4 / links.sum(axis=1)
    np.testing.assert_allclose(active, beside**2 / (0.1**2 + beside**2), rtol=1e-6)
    np.testing.assert_allclose(dll4, process.drive(tissue, np.arange(30)) / (1.0 + (active / 0.1) ** 2), rtol=1e-6)


def test_shorter_steps_converge() -> None:
    results = []
    for parts in (1, 2, 4, 8, 16):
        tissue = chain(30)
        process = notch()
        for _ in range(parts):
            process.step(tissue, 0.5 / parts)
        results.append(np.concatenate([tissue.cells["dll4"], tissue.cells["notch"]]))
    gaps = [np.abs(a - b).sum() for a, b in zip(results[:-1], results[1:], strict=True)]
    assert all(gap < 0.6 * wider for wider, gap in zip(gaps[:-1], gaps[1:], strict=True))


def test_vegf_fgf_and_hypoxia_raise_dll4() -> None:
    """Each by itself, and each less where another one is at work; only where its field exists."""
    rows = np.arange(4)
    tissue = chain(4, np.array([0.0, 0.2, 0.5, 1.0]))  # type: ignore[arg-type]
    fields = tissue.microenvironment
    fields["fgf2"].concentration[:], fields["oxygen"].concentration[:] = 0.0, 1e12
    both = notch(("fgf2", "oxygen"), spread=0.0)
    plain = both.drive(tissue, rows)
    assert plain[0] == pytest.approx(0.0, abs=1e-9) and (np.diff(plain) > 0.0).all()
    fields["fgf2"].concentration[:] = 0.1
    with_fgf = both.drive(tissue, rows)
    fields["fgf2"].concentration[:], fields["oxygen"].concentration[:] = 0.0, 1.0
    hypoxic = both.drive(tissue, rows)
    for raised in (with_fgf, hypoxic):
        assert (raised > plain).all() and (np.diff(raised - plain) < 0.0).all()
    assert with_fgf[0] == pytest.approx(0.15) and hypoxic[0] == pytest.approx(0.3 * 5.0 / 6.0)
    np.testing.assert_allclose(notch(spread=0.0).drive(tissue, rows), plain, atol=1e-9)


# --- what follows ---------------------------------------------------------------------------------------------------


def test_notch_scales_the_rate_of_sprouts() -> None:
    process = process_of("notch_sprouting", half=0.3, exponent=4.0, reference=0.5)
    tissue = chain(5, 0.6, notch=np.array([0.0, 0.15, 0.3, 0.6, 1.0]))
    put_tumor(tissue, [0])
    tissue.rates.add("sprout", "test", np.full(6, 0.01))
    process.step(tissue, 2.0)
    held = np.array([0.0, 0.15, 0.3, 0.6, 1.0]) ** 4
    free = 0.3**4 / (0.3**4 + held)
    np.testing.assert_allclose(tissue.rates.total("sprout", 6), 0.01 * np.append(free / 0.5, 1.0))


def test_the_reference_keeps_the_mean_rate_of_sprouts() -> None:
    """Over vessels at several signals, branching ones too: within a fifth of what it is without NOTCH."""
    tissue = bare_tissue((1, 30, 30), processes=[notch(), process_of("notch_sprouting"), process_of("sprouting")])
    rng = np.random.default_rng(3)
    for y in range(0, 30, 6):
        put_vessel(tissue, y * 30 + np.arange(30), vegfr2_signal=rng.uniform(0.35, 0.8), motility_signal=0.6)
    for y in range(5):
        for x in range(0, 30, 6):
            if y % 6:
                put_vessel(tissue, [y * 30 + x], vegfr2_signal=0.5, motility_signal=0.6)
                tissue.vasculature.link((y - 1) * 30 + x, y * 30 + x)
    notch().step(tissue, 240.0)
    process_of("sprouting").step(tissue, 2.0)
    without = tissue.rates.total("sprout", tissue.cells.n).mean()
    process_of("notch_sprouting").step(tissue, 2.0)
    assert tissue.rates.total("sprout", tissue.cells.n).mean() == pytest.approx(without, rel=0.2)


def test_dll4_raises_mmp9_where_there_is_such_a_field() -> None:
    process = process_of("notch_protease", rate=100.0)
    tissue = chain(3, 0.6, notch=np.array([0.0, 0.5, 1.0]))
    process.step(tissue, 2.0)
    source = tissue.microenvironment["mmp9"].term("source").ravel()
    expected = np.zeros(9)
    expected[3:6] = 100.0 * np.array([0.0, 0.5, 1.0]) * MOLECULES_TO_NANOMOLAR_VOLUME / 8000.0
    np.testing.assert_allclose(source, expected)
    totals = []
    for raised in (0.05, 0.2, 0.8):  # DLL4 all along a vessel
        tissue = chain(20, 0.6, dll4=raised)
        notch().step(tissue, 0.5)
        process.step(tissue, 2.0)
        totals.append(tissue.microenvironment["mmp9"].term("source").sum())
    assert totals[0] < totals[1] < totals[2]
    del tissue.microenvironment.fields["mmp9"]
    process.step(tissue, 2.0)


def test_the_distance_between_tips_steps_aside() -> None:
    made = [
        registered()["commit_vessels"].from_catalog(load_catalog(), Choice(SETS, mechanisms=mechanisms))
        for mechanisms in (frozenset[str](), frozenset({"notch"}))
    ]
    assert all(isinstance(process, CommitVessels) for process in made)
    apart = [process.tips_apart for process in made if isinstance(process, CommitVessels)]
    assert apart == [made[0].p.tip_spacing, made[0].p.tip_exclusion] and apart[1] < apart[0]
