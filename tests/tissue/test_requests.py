"""Rates and requests: combined and ordered the same whoever comes first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tumorabm.tissue.requests import APOPTOSIS, DIVIDE, EVENTS, MIGRATE, Rates, Requests


def test_a_rate_is_the_sum_of_additions_times_the_product_of_factors() -> None:
    rates = Rates()
    rates.add("divide", "b", np.array([1.0, 2.0]))
    rates.multiply("divide", "drug", np.array([0.5, 1.0]))
    rates.add("divide", "a", np.array([3.0, 0.0]))
    rates.multiply("divide", "hypoxia", np.array([2.0, 0.25]))
    assert rates.total("divide", 2).tolist() == [4.0, 0.5]
    assert rates.total("apoptosis", 2).tolist() == [0.0, 0.0]
    assert set(rates.contributions("divide")) == {"a", "b", "drug", "hypoxia"}


def test_contributions_of_any_kind_give_one_kind_of_array() -> None:
    kinds = (np.array([1, 0, 1]), np.array([1, 0, 1], dtype=np.float32), np.arange(6.0)[::2], np.array(2.0))
    for values in kinds:
        rates = Rates()
        rates.add("divide", "mine", values)
        total = rates.total("divide", 3)
        assert total.dtype == np.float64 and total.flags.c_contiguous and total.shape == (3,)
        assert total.tolist() == np.broadcast_to(values, 3).tolist()


def test_factors_alone_make_no_rate() -> None:
    rates = Rates()
    rates.multiply("divide", "drug", np.array([5.0]))
    assert rates.total("divide", 1).tolist() == [0.0]


def test_a_contributor_that_speaks_twice_is_heard_once() -> None:
    rates = Rates()
    for value in (1.0, 2.0):
        rates.add("divide", "birth", np.array([value]))
    assert rates.total("divide", 1).tolist() == [2.0]
    rates.clear()
    assert rates.total("divide", 1).tolist() == [0.0] and rates.contributions("divide") == {}


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_the_order_of_contributors_means_nothing_to_the_last_bit(one: list[int], other: list[int]) -> None:
    values = np.random.default_rng(0).random((6, 40)) * 10.0 ** np.arange(-8, 4, 2)[:, None]

    def total(order: list[int]) -> np.ndarray:
        rates = Rates()
        for i in order:
            rates.add("divide", f"name {i}", values[i])
            rates.multiply("divide", f"factor {i}", 1.0 + values[i])
        return rates.total("divide", 40)

    np.testing.assert_array_equal(total(one), total(other))


def test_events_come_in_the_order_of_time_then_uid_then_number() -> None:
    requests = Requests()
    uids = np.array([30, 10, 20], dtype=np.uint64)
    requests.add(MIGRATE, np.array([0, 0, 1]), np.array([0.5, 0.1, 0.5]), np.array([1, 0, 0]))
    requests.add(APOPTOSIS, np.array([2]), np.array([0.5]))
    requests.add(DIVIDE, np.array([1]), np.array([0.5]))
    kind, row, time, number = requests.ordered((MIGRATE, DIVIDE, APOPTOSIS), uids)
    assert row.tolist() == [0, 1, 1, 2, 0]
    assert kind.tolist() == [MIGRATE, DIVIDE, MIGRATE, APOPTOSIS, MIGRATE]
    assert time.tolist() == [0.1, 0.5, 0.5, 0.5, 0.5] and number.tolist() == [0, 0, 0, 0, 1]
    assert len(requests) == 5
    assert requests.ordered((DIVIDE,), uids)[1].tolist() == [1]
    requests.clear()
    assert len(requests) == 0 and all(part.size == 0 for part in requests.ordered((DIVIDE,), uids))


@given(st.integers(0, 2**32 - 1))
def test_the_order_does_not_depend_on_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = 12, 30
    uids = rng.permutation(n).astype(np.uint64)
    kinds, rows = rng.integers(0, len(EVENTS), m), rng.integers(0, n, m)
    times, numbers = rng.choice([0.0, 0.5, 1.0], m), rng.integers(0, 3, m)

    def events(order: np.ndarray, rows: np.ndarray, uids: np.ndarray) -> list[tuple[float, ...]]:
        requests = Requests()
        for i in order:
            requests.add(int(kinds[i]), rows[i : i + 1], times[i : i + 1], numbers[i : i + 1])
        kind, row, time, number = requests.ordered(tuple(range(len(EVENTS))), uids)
        return list(zip(kind.tolist(), uids[row].tolist(), time.tolist(), number.tolist(), strict=True))

    order = rng.permutation(n)
    place = np.argsort(order)
    assert events(np.arange(m), rows, uids) == events(rng.permutation(m), place[rows], uids[order])
