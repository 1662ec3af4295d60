"""Competing risks against their exact law, for steps of any length.

With rates k_i and K = Σ k_i the first event is at a time with density K exp(-K t), is event i with probability k_i/K
whatever the time, and is in a step of length h with probability 1 - exp(-K h).
"""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_tumor
from scipy import stats

from tumorabm.processes.fate.competing_risks import RISKS, first_events
from tumorabm.tissue.random import derived_uid
from tumorabm.tissue.requests import EVENTS

N = 200_000
RATES = np.array([0.02, 0.0, 0.3, 0.08])
LEAST_P = 1e-4  # seeds are fixed: a test passes or fails for good


@pytest.fixture(scope="module")
def uids() -> np.ndarray:
    return derived_uid("test", [np.arange(N)])


def every_cell(rates: np.ndarray, n: int) -> np.ndarray:
    return np.repeat(np.asarray(rates)[:, None], n, axis=1)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_rate_that_is_no_number_is_an_error(uids: np.ndarray, wrong: float) -> None:
    rates = every_cell(RATES, 100)
    rates[2, 17] = wrong
    with pytest.raises(ArithmeticError, match=rf"rates of 1 cells are not finite \({RISKS[2]}\)"):
        first_events(11, uids[:100], 4, rates, 2.0)


@pytest.mark.parametrize("dt", [0.01, 1.0, 3.0, 50.0])
def test_probabilities(uids: np.ndarray, dt: float) -> None:
    event, _ = first_events(11, uids, 4, every_cell(RATES, N), dt)
    total = RATES.sum()
    expected = np.array([np.exp(-total * dt), *(RATES / total * -np.expm1(-total * dt))])
    counts = np.bincount(event + 1, minlength=expected.size)
    assert counts[1 + 1] == 0, "an event of rate zero happened"
    likely = expected * N > 5
    assert counts[~likely].sum() < 40
    assert (
        stats.chisquare(counts[likely], expected[likely] / expected[likely].sum() * counts[likely].sum())[1] > LEAST_P
    )


@pytest.mark.parametrize("dt", [0.5, 3.0, 50.0])
def test_times(uids: np.ndarray, dt: float) -> None:
    """Truncated exponential times, the same for every kind of event."""
    event, time = first_events(12, uids, 4, every_cell(RATES, N), dt)
    total = RATES.sum()
    assert (time[event < 0] == dt).all() and time.min() > 0.0
    for kind in (0, 2, 3):
        own = time[event == kind]
        assert own.size > 500 and own.max() < dt
        law = lambda t: np.expm1(-total * t) / np.expm1(-total * dt)  # noqa: E731
        assert stats.kstest(own, law)[1] > LEAST_P


@pytest.mark.parametrize("dt", [0.25, 1.0, 5.0])
def test_what_survives_does_not_depend_on_the_step(uids: np.ndarray, dt: float) -> None:
    """Over several steps: exp(-K t) of all cells are left at each of their ends."""
    total, hours = RATES.sum(), 5.0
    left = uids
    for step in range(round(hours / dt)):
        event, _ = first_events(13, left, step, every_cell(RATES, left.size), dt)
        left = left[event < 0]
    assert stats.binomtest(left.size, N, float(np.exp(-total * hours))).pvalue > LEAST_P


def test_steps_and_cells_draw_independently(uids: np.ndarray) -> None:
    rates = every_cell([np.log(2.0)], N)
    happened = np.stack([first_events(14, uids, step, rates, 1.0)[0] >= 0 for step in range(4)])
    correlation = np.corrcoef(happened)
    assert np.abs(correlation[np.triu_indices(4, 1)]).max() < 4.5 / np.sqrt(N)
    between = np.corrcoef(happened[0, :-1], happened[0, 1:])[0, 1]
    assert abs(between) < 4.5 / np.sqrt(N)


def test_a_cell_draws_the_same_in_any_company(uids: np.ndarray) -> None:
    rates = every_cell(RATES, N) * np.linspace(0.5, 2.0, N)
    event, time = first_events(15, uids, 7, rates, 2.0)
    order = np.random.default_rng(0).permutation(N)[: N // 3]
    again = first_events(15, uids[order], 7, np.ascontiguousarray(rates[:, order]), 2.0)
    np.testing.assert_array_equal(again[0], event[order])
    np.testing.assert_array_equal(again[1], time[order])


def test_nothing_happens_without_rates_or_time(uids: np.ndarray) -> None:
    for rates, dt in ((np.zeros(4), 100.0), (RATES, 0.0)):
        event, time = first_events(16, uids, 0, every_cell(rates, N), dt)
        assert (event == -1).all() and (time == dt).all()


def test_the_process_asks_for_what_the_combined_rates_say() -> None:
    """(Σ additions) × Π factors of each risk, here twice 0.1 × 0.5 against 0.3, for all risks that there are."""
    process = process_of("competing_risks")
    tissue = bare_tissue((1, 150, 150), processes=[process])
    rows = put_tumor(tissue, np.arange(tissue.lattice.sites))
    ones = np.ones(rows.size)
    tissue.rates.add("divide", "a", 0.1 * ones)
    tissue.rates.add("divide", "b", 0.1 * ones)
    tissue.rates.multiply("divide", "drug", 0.5 * ones)
    tissue.rates.add("apoptosis", "a", 0.3 * ones)
    process.step(tissue, 2.0)
    counts = [tissue.requests.ordered((EVENTS.index(risk),), tissue.cells["uid"])[0].size for risk in RISKS]
    assert sum(counts) == counts[0] + counts[1] == len(tissue.requests)
    happens = -np.expm1(-0.4 * 2.0)
    for count, share in ((counts[0], 0.25), (counts[1], 0.75)):
        assert stats.binomtest(count, rows.size, share * happens).pvalue > LEAST_P
