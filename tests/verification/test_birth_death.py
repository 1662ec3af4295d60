"""Tumor cells that divide and die, against the exact law of birth-death processes.

The process with birth rate b and death rate d per cell dies out from one cell with probability q = d/b and has the mean
exp((b - d) t). A step of length h lets each cell have at most one event: with e = (1 - exp(-(b + d) h)) / (b + d) it
divides with probability p_b = b e and dies with p_d = d e. The chain of steps is a Galton-Watson process with
f(s) = p_d + (1 - p_b - p_d) s + p_b s². So, exactly and for any h: extinction has the probability p_d/p_b = d/b; the
mean after n steps is (1 + p_b - p_d)^n, which grows too slowly by the share b h to leading order (0.2 % at 0.02/d and
2 h); the probability to be extinct after n steps is f applied n times to 0.

Founders are independent replicates: each is a clone of its own and there is room for all.
"""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import advance_only, bare_tissue, process_of, put_tumor

from tumorabm.tissue.cells import ALIVE

BIRTH, DEATH, HOURS = 0.10, 0.06, 48.0
FOUNDERS = 2500
STEPS = (0.5, 2.0, 8.0)


def step_probabilities(dt: float) -> tuple[float, float]:
    """Probabilities to divide and to die in a step."""
    happens = -np.expm1(-(BIRTH + DEATH) * dt) / (BIRTH + DEATH)
    return BIRTH * happens, DEATH * happens


def lineages(dt: float, seed: int) -> np.ndarray:
    """Living descendants of each founder after some time."""
    processes = [
        process_of("birth", rate=BIRTH),
        process_of("apoptosis", rate=DEATH),
        process_of("clearance", apoptotic=2.0),
        process_of("competing_risks"),
        process_of("commit_parenchyma"),
        process_of("compaction"),
    ]
    tissue = bare_tissue((1, 200, 200), processes=processes, seed=seed)
    tissue.microenvironment["oxygen"].concentration[:] = processes[0].p.reference
    sites = np.random.default_rng(seed).choice(tissue.lattice.sites, FOUNDERS, replace=False)
    put_tumor(tissue, np.sort(sites), clone=np.arange(FOUNDERS))
    for _ in range(round(HOURS / dt)):
        advance_only(tissue, processes, dt)
    living = tissue.cells["state"] == ALIVE
    return np.bincount(tissue.cells["clone"][living], minlength=FOUNDERS)


@pytest.fixture(scope="module", params=STEPS)
def counted(request) -> tuple[float, np.ndarray]:
    return request.param, lineages(request.param, seed=round(10 * request.param))


def standard_scores(values: np.ndarray, expected: float) -> float:
    """By how many standard errors the mean of replicates misses its expectation."""
    return float((values.mean() - expected) / (values.std(ddof=1) / np.sqrt(values.size)))


def test_extinction_has_the_probability_death_over_birth(counted) -> None:
    """q^N is a martingale with q = d/b: what has died out by now plus what will, whatever the step."""
    _, count = counted
    q = DEATH / BIRTH
    assert abs(standard_scores(q**count, q)) < 3.5
    wrong = q * 1.2
    # The same statistic rejects a birth rate that is too low by a sixth.
    assert abs(standard_scores(wrong**count, wrong)) > 3.5


def test_extinction_by_now_follows_the_law_of_the_step(counted) -> None:
    dt, count = counted
    p_b, p_d = step_probabilities(dt)
    extinct = 0.0
    for _ in range(round(HOURS / dt)):
        extinct = p_d + (1.0 - p_b - p_d) * extinct + p_b * extinct**2
    error = np.sqrt(extinct * (1.0 - extinct) / FOUNDERS)
    assert abs((count == 0).mean() - extinct) < 3.5 * error


def test_the_mean_follows_the_law_of_the_step(counted) -> None:
    dt, count = counted
    p_b, p_d = step_probabilities(dt)
    assert abs(standard_scores(count, (1.0 + p_b - p_d) ** round(HOURS / dt))) < 3.5


def test_the_step_slows_growth_by_the_share_it_should() -> None:
    """The law of the step tends to exp((b - d) t), with an error of first order, b h of the growth rate."""
    errors = []
    for dt in (2.0, 1.0, 0.5, 0.25):
        p_b, p_d = step_probabilities(dt)
        errors.append(1.0 - np.log1p(p_b - p_d) / dt / (BIRTH - DEATH))
    np.testing.assert_allclose(np.array(errors[:-1]) / errors[1:], 2.0, rtol=0.1)
    assert errors[-1] == pytest.approx(BIRTH * 0.25, rel=0.02)


def test_short_steps_have_the_mean_of_the_process() -> None:
    """Against exp((b - d) t) itself, at a step whose own error is below the statistical one."""
    count = lineages(0.1, seed=5)
    assert abs(standard_scores(count, np.exp((BIRTH - DEATH) * HOURS))) < 3.5
