"""Clones against population genetics: drift, selection, mutants in growing populations, and labels without meaning.

**Drift** (Moran 1958). Lines of N sites, full of tumor cells, lie between stretches of other cells that are longer than
a division pushes. A cell that goes leaves a hole in its line, and the first cell of the line that divides fills it,
wherever both are, by pushing: going is uniform among the cells, giving birth too. That is the Moran process with deaths
first, in which (a) each of N cells founds the line that takes over with probability 1/N; (b) that takes (N - 1)² births
on average, as k ancestral lines coalesce at a birth with probability k(k - 1)/(N(N - 1)), and the inverse summed over
k = 2 ... N is (N - 1)²; (c) a mutant that goes r times as slowly takes over with (1 - 1/r)/(1 - 1/rᴺ). Cells go into
blood (``intravasate``), which leaves no debris that had to be cleared first. (a) is exact at any step. (b) and (c) are
for one hole at a time: where a birth finds another hole there is one cell less, and lines coalesce faster by 2/N.

**Mutants** (Luria and Delbrück 1943, Lea and Coulson 1949). Populations grow without deaths from one cell to N. Both
cells of each of N - 1 divisions may have mutated: none has with probability (1 - μ)^(2(N - 1)), whatever the tree; for
small μ that is exp(-m), m = 2μ(N - 1). The number of mutants then has the generating function (1 - z)^(m (1 - z)/z),
for steps that are short against the time between divisions.

**Selection.** Two clones that divide alike and die at d₀ and d₁ grow by (1 + p_b - p_d) in a step
(``test_birth_death``), so the logarithm of the ratio of their numbers rises on average at the difference of logarithms,
which is d₀ - d₁ less the share b h at steps of length h.

Tolerances are standard errors of the means over independent replicates: 3.5 of them, or a P value above 0.001.
"""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import advance_only, bare_tissue, process_of, put, put_tumor
from scipy import stats
from short_run import SHORT, short

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.processes.process import Gain, Kind, Phase, Process
from tumorabm.processes.resistance.mutation import Mutation
from tumorabm.step import advance
from tumorabm.tissue.cells import ALIVE, FIBROBLAST, TUMOR, Column
from tumorabm.tissue.genotypes import ByGenotype
from tumorabm.tissue.tissue import Tissue

SPACING = 20.0
# Lines of cells that are full but for a hole now and then: divisions wait for holes, so only losses keep time.
CELLS, LINES = 6, 300
READY, GOING, STEP = 0.5, 0.01, 2.0
FOUNDER = Column("founder", "1", "number of the first cell that it descends from", "i4", -1)


class ProtectedClone(Process):
    """A rate that is another one in cells that carry the mark."""

    name = "protected_clone"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC

    def __init__(self, event: str, factor: float) -> None:
        super().__init__({})
        self.event = event
        self.factors = ByGenotype(lambda genotype: factor if "neutral" in genotype else 1.0)

    def step(self, tissue: Tissue, dt: float) -> None:
        places = self.factors.places(tissue.clones)
        factors = np.array(self.factors.values)[places][tissue.cells["clone"]]
        tissue.rates.multiply(self.event, self.name, factors)


class Going(Process):
    """Tumor cells go at a constant rate."""

    name = "going"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    columns = (FOUNDER,)

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.rates.add("intravasate", self.name, (tissue.cells["cell_type"] == TUMOR) * GOING)


def prepared(shape: tuple[int, int, int], processes: list[Process], seed: int) -> Tissue:
    """A tissue at the oxygen at which the rate of division is the given one."""
    tissue = bare_tissue(shape, processes=processes, seed=seed)
    tissue.microenvironment["oxygen"].concentration[:] = processes[0].p.reference
    return tissue


def takeover(marked: tuple[int, ...], factor: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lines of cells until one founder's descendants are left in each.

    Parameters
    ----------
    marked : tuple of int
        Places of the marked cells in a line.
    factor : float
        On the rate at which these go.

    Returns
    -------
    winner, births : ndarray, shape (LINES,)
        Place of the founder that took over in its line, and number of births until then.
    """
    processes = [
        process_of("birth", rate=READY),
        Going({}),
        ProtectedClone("intravasate", factor),
        process_of("competing_risks"),
        process_of("commit_parenchyma", pushing_reach=(CELLS - 1) * SPACING),
        process_of("commit_stroma"),
        process_of("compaction"),
    ]
    tissue = prepared((1, 1, 2 * CELLS * LINES), processes, seed)
    for name, alterations in (("plain", ()), ("marked", ("neutral",))):
        tissue.clones.add(name, alterations)
    # Sites of a line follow each other, then comes a stretch of other cells as long.
    site = np.arange(2 * CELLS * LINES).reshape(LINES, 2, CELLS)
    put(tissue, FIBROBLAST, site[:, 1].ravel())
    clone = np.tile(np.isin(np.arange(CELLS), marked), LINES).astype(int)
    put_tumor(tissue, site[:, 0].ravel(), clone=clone, founder=np.arange(CELLS * LINES))
    winner, births = np.full(LINES, -1), np.zeros(LINES, dtype=int)
    counted = processes[:-1], processes[-1:]
    while (winner < 0).any():
        advance_only(tissue, [*counted[0], Births(births, winner), *counted[1]], STEP)
        founder = tissue.cells["founder"][tissue.cells["cell_type"] == TUMOR]
        line = tissue.cells["site"][tissue.cells["cell_type"] == TUMOR] // (2 * CELLS)
        assert (founder // CELLS == line).all(), "lines do not mix"
        first, last = np.full(LINES, CELLS * LINES), np.full(LINES, -1)
        np.minimum.at(first, line, founder)
        np.maximum.at(last, line, founder)
        done = (first == last) & (winner < 0)
        winner[done] = first[done] % CELLS
    # What ends it is the loss of the last other cell: the birth that belongs to it is still to come.
    return winner, births + 1


class Births(Process):
    """Counts births in lines that nobody has taken over yet."""

    name = "births"
    phase = Phase.COMMIT
    kind = Kind.EVENTS

    def __init__(self, births: np.ndarray, winner: np.ndarray) -> None:
        super().__init__({})
        self.births, self.winner = births, winner

    def step(self, tissue: Tissue, dt: float) -> None:
        line = tissue.cells["site"][tissue.requests.divided[1]] // (2 * CELLS)
        np.add.at(self.births, line[self.winner[line] < 0], 1)


@pytest.fixture(scope="module")
def neutral() -> tuple[np.ndarray, np.ndarray]:
    return takeover((), 1.0, seed=1)


def test_every_neutral_cell_takes_over_with_probability_1_over_n(neutral) -> None:
    """Also at the end of a line: it makes no difference where a cell is."""
    winner, _ = neutral
    count = np.bincount(winner, minlength=CELLS)
    found = stats.chisquare(count)
    ends = (count[0] + count[-1]) / (2 * LINES)
    print(f"takes over: {np.round(count / LINES, 3)}, 1/N = {1 / CELLS}; chi-square P = {found.pvalue:.3f}")
    assert found.pvalue > 1e-3
    assert abs(ends - 1.0 / CELLS) < 3.5 * np.sqrt(0.25 * 0.75 / LINES) / 2.0


def test_a_neutral_takeover_takes_as_many_births_as_in_the_moran_process(neutral) -> None:
    _, births = neutral
    expected, error = (CELLS - 1.0) ** 2, births.std(ddof=1) / np.sqrt(LINES)
    print(f"births until takeover: {births.mean():.2f} ± {error:.2f}, Moran {expected:.0f}")
    # A birth finds another hole with about this probability: another cell went in the step before or is not replaced.
    second_hole = CELLS * GOING / (READY + GOING) * -np.expm1(-(READY + GOING) * STEP)
    assert abs(births.mean() - expected) < 3.5 * error + second_hole * 2.0 / CELLS * expected
    assert error < 0.05 * expected


def test_a_favored_cell_takes_over_with_morans_probability() -> None:
    r = 2.0
    winner, _ = takeover((3,), 1.0 / r, seed=2)
    share, expected = (winner == 3).mean(), (1.0 - 1.0 / r) / (1.0 - r**-CELLS)
    error = np.sqrt(expected * (1.0 - expected) / LINES)
    print(f"a cell that goes {r:g} times as slowly takes over: {share:.3f} ± {error:.3f}, Moran {expected:.3f}")
    assert abs(share - expected) < 3.5 * error
    assert abs(share - 1.0 / CELLS) > 3.5 * error, "told apart from a neutral one"


# --- mutants in growing populations ---------------------------------------------------------------------------------

CULTURES, GROWN, RATE = 500, 200, 0.004


def cultures(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Size and number of mutants of each culture when it has grown, and the number of gains in it."""
    processes = [
        process_of("birth", rate=0.05),
        process_of("competing_risks"),
        process_of("commit_parenchyma"),
        Mutation({}, [Gain("neutral", RATE)]),
        process_of("compaction"),
    ]
    tissue = prepared((1, 400, 400), processes, seed)
    sites = np.random.default_rng(seed).choice(tissue.lattice.sites, CULTURES, replace=False)
    for number in range(CULTURES):
        tissue.clones.add(f"culture {number}")
    put_tumor(tissue, np.sort(sites), clone=np.arange(CULTURES))
    size, mutants, gains = (np.zeros(CULTURES, dtype=int) for _ in range(3))
    while (size == 0).any():
        advance_only(tissue, processes, 1.0)
        parent = tissue.clones.parent
        culture = np.where(parent < 0, np.arange(parent.size), parent)  # nobody gains the same mark twice
        of_cell = culture[tissue.cells["clone"]]
        count = np.bincount(of_cell, minlength=CULTURES)
        done = (count >= GROWN) & (size == 0)
        altered = np.bincount(of_cell, parent[tissue.cells["clone"]] >= 0, minlength=CULTURES)
        size[done], mutants[done] = count[done], altered[done]
        gains[done] = np.bincount(culture[CULTURES:], minlength=CULTURES)[done]
        tissue.cells.keep(size[of_cell] == 0)
    return size, mutants, gains


def lea_coulson(m: float, most: int) -> np.ndarray:
    """Probabilities of 0 ... most mutants (Ma, Sandri and Sarkar 1992)."""
    p = np.zeros(most + 1)
    p[0] = np.exp(-m)
    for n in range(1, most + 1):
        p[n] = m / n * np.sum(p[:n] / (n - np.arange(n) + 1.0))
    return p


@pytest.fixture(scope="module")
def grown() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return cultures(seed=7)


def test_gains_are_as_many_as_the_rate_says(grown) -> None:
    """Divisions of cells that have the mark already do not count, so there are a little fewer than m."""
    size, mutants, gains = grown
    divisions = size - 1 - np.maximum(mutants - gains, 0)
    expected = 2.0 * RATE * divisions.sum()
    print(f"gains: {gains.sum()}, expected {expected:.0f} ± {np.sqrt(expected):.0f}")
    assert abs(gains.sum() - expected) < 3.5 * np.sqrt(expected)


def test_cultures_without_mutants_tell_the_rate(grown) -> None:
    """The p0 method: P(0) = (1 - μ)^(2(N - 1)), exact for every tree."""
    size, mutants, _ = grown
    none = (1.0 - RATE) ** (2 * (size - 1))
    share, error = (mutants == 0).mean(), np.sqrt((none * (1.0 - none)).sum()) / CULTURES
    found = -np.log(share) / (2.0 * (size.mean() - 1.0))
    print(f"P(0) = {share:.3f} ± {error:.3f}, expected {none.mean():.3f}; μ from it {found:.5f}, set {RATE}")
    assert abs(share - none.mean()) < 3.5 * error
    assert np.exp(-2.0 * RATE * (size - 1)).mean() == pytest.approx(none.mean(), rel=0.005)


def test_the_number_of_mutants_follows_lea_and_coulson(grown) -> None:
    size, mutants, _ = grown
    law = sum(share * lea_coulson(2.0 * RATE * (n - 1), GROWN) for n, share in shares_of(size))
    edges = [0, 1, 2, 3, 5, 8, 14, 30]
    expected = np.array([law[a:b].sum() for a, b in zip(edges[:-1], edges[1:], strict=True)])
    expected = np.append(expected, 1.0 - expected.sum()) * CULTURES
    count = np.histogram(mutants, [*edges, np.inf])[0]
    found = stats.chisquare(count, expected)
    print(f"mutants from {edges}: {count}, Lea and Coulson {np.round(expected, 1)}; P = {found.pvalue:.3f}")
    assert expected.min() > 5.0
    assert found.pvalue > 1e-3
    poisson = np.diff(stats.poisson.cdf([-1, 0, 1, 2, 4, 7], mutants.mean()), append=1.0) * CULTURES
    coarse = np.histogram(mutants, [0, 1, 2, 3, 5, 8, np.inf])[0]
    assert ((coarse - poisson[: coarse.size]) ** 2 / poisson[: coarse.size]).sum() > 100.0, "no Poisson law"


def shares_of(size: np.ndarray) -> list[tuple[int, float]]:
    """Each size with the share of the cultures that have it."""
    values, counts = np.unique(size, return_counts=True)
    return [(int(n), float(count / size.size)) for n, count in zip(values, counts, strict=True)]


# --- selection ------------------------------------------------------------------------------------------------------

BATCHES, FOUNDERS, HOURS = 24, 100, 60.0


@pytest.mark.parametrize(("factor", "dt"), [(0.5, 1.0), (0.5, 4.0), (1.0, 2.0)])
def test_selection_is_read_off_the_frequencies(factor: float, dt: float) -> None:
    birth, death = 0.05, 0.03
    seed = round(10 * dt)
    processes = [
        process_of("birth", rate=birth),
        process_of("apoptosis", rate=death),
        process_of("clearance", apoptotic=2.0),
        ProtectedClone("apoptosis", factor),
        process_of("competing_risks"),
        process_of("commit_parenchyma", collapse_reach=0.0),
        process_of("compaction"),
    ]
    tissue = prepared((1, 400, 400), processes, seed)
    sites = np.random.default_rng(seed).permutation(tissue.lattice.sites)[: 2 * BATCHES * FOUNDERS]
    for number in range(BATCHES):
        tissue.clones.add(f"plain {number}")
        tissue.clones.add(f"marked {number}", ("neutral",))
    put_tumor(tissue, np.sort(sites), clone=np.arange(sites.size) % (2 * BATCHES))
    times, ratios = [], []
    while tissue.hours < HOURS:
        advance_only(tissue, processes, dt)
        living = tissue.cells["state"] == ALIVE
        count = np.bincount(tissue.cells["clone"][living], minlength=2 * BATCHES).reshape(BATCHES, 2)
        times.append(tissue.hours)
        ratios.append(np.log(count[:, 1] / count[:, 0]))
    slopes = np.polyfit(times, np.array(ratios), 1)[0]

    def growth(rate: float) -> float:
        happens = -np.expm1(-(birth + rate) * dt) / (birth + rate)
        return float(np.log1p((birth - rate) * happens) / dt)

    expected = growth(factor * death) - growth(death)
    error = slopes.std(ddof=1) / np.sqrt(BATCHES)
    low, high = stats.t.interval(0.999, BATCHES - 1, slopes.mean(), error)
    print(f"s at steps of {dt:g} h: {slopes.mean():.5f} ({low:.5f} to {high:.5f}), expected {expected:.5f} 1/h")
    assert low < expected < high
    assert expected == pytest.approx((1.0 - factor) * death, rel=birth * dt)  # too slow by b h
    assert (low > 0.0) == (factor < 1.0)


# --- labels mean nothing --------------------------------------------------------------------------------------------

GAINS = "mutations=[{alteration: tsc_loss, rate: 0.05, clones: [%s]}, {alteration: neutral, rate: 0.1}]"


def test_names_and_order_of_clones_change_no_cell() -> None:
    """Renamed and in another order, the clones of an experiment give the same cells and fields, bit by bit."""
    content = yaml.parse(SHORT, "short").data
    first, second = content["clones"]
    others = {**content, "clones": [{**second, "name": "a"}, {**first, "name": "b"}]}
    runs = []
    for experiment in (short(GAINS % "clear_cell"), load_experiment(others, [GAINS % "b"])):
        tissue, processes = build(experiment)
        for _ in range(24):
            advance(tissue, processes, 2.0)
        runs.append(tissue)
    left, right = (tissue.state() for tissue in runs)
    order = [np.argsort(state["cells/uid"]) for state in (left, right)]
    for name in left:
        if name.startswith("cells/") and name != "cells/clone":
            np.testing.assert_array_equal(left[name][order[0]], right[name][order[1]], err_msg=name)
        elif not name.startswith(("clones/", "cells/")):
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    named = [genotypes_by_uid(tissue) for tissue in runs]
    assert named[0] == named[1]
    gained = [set(tissue.clones.key[tissue.clones.parent >= 0].tolist()) for tissue in runs]
    assert gained[0] == gained[1] and len(gained[0]) > 5


def genotypes_by_uid(tissue: Tissue) -> dict[int, set[str]]:
    """What each tumor cell carries."""
    rows = tissue.cells.rows_of(TUMOR)
    pairs = zip(tissue.cells["uid"][rows].tolist(), tissue.cells["clone"][rows].tolist(), strict=True)
    return {uid: set(tissue.clones.alterations[clone]) for uid, clone in pairs}
