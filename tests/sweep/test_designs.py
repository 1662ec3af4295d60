"""Designs: numbers and places of points, and distributions of factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tumorabm.sweep.designs import DESIGNS, read_design
from tumorabm.sweep.distributions import Distribution
from tumorabm.sweep.factors import Factor, Level
from tumorabm.sweep.targets import Target

SAMPLING: list[dict[str, Any]] = [
    {"method": "latin_hypercube", "samples": 20},
    {"method": "sobol", "samples": 8},
    {"method": "sobol", "samples": 8, "second_order": True},
    {"method": "morris", "trajectories": 5, "levels": 6},
]


def factor(label: str, levels: Sequence[Any] = (), distribution: Distribution | None = None, unit: str = "1") -> Factor:
    target = Target(label, unit or None, lambda given: [])
    return Factor(label, (label,), unit, (target,), tuple(Level(value, value) for value in levels), distribution)


def uniform(label: str, low: float = 0.0, high: float = 1.0) -> Factor:
    return factor(label, distribution=Distribution("uniform", low, high))


def values(design: Any, factors: Sequence[Factor]) -> list[tuple[Any, ...]]:
    return [tuple(level.value for level in point) for point in design.points(factors)]


def test_a_grid_has_every_combination_in_order() -> None:
    factors = [factor("a", [1.0, 2.0]), factor("b", ["x", "y", "z"], unit="")]
    grid = read_design({"method": "grid"})
    assert values(grid, factors) == [(1.0, "x"), (1.0, "y"), (1.0, "z"), (2.0, "x"), (2.0, "y"), (2.0, "z")]
    assert grid.count(factors) == 6


def test_a_grid_of_nothing_is_the_base_alone() -> None:
    assert values(read_design({"method": "grid"}), []) == [()]


def test_zip_takes_values_side_by_side() -> None:
    factors = [factor("a", [1.0, 2.0]), factor("b", [3.0, 4.0])]
    design = read_design({"method": "zip"})
    assert values(design, factors) == [(1.0, 3.0), (2.0, 4.0)]
    assert design.count(factors) == 2


def test_a_list_has_the_points_it_names() -> None:
    design = read_design({"method": "list", "points": [{"a": 1.0, "b": "x"}, {"b": "y", "a": 2.0}]})
    factors = [factor("a"), factor("b", unit="")]
    assert values(design, factors) == [(1.0, "x"), (2.0, "y")]
    assert [level.place for level in next(iter(design.points(factors)))] == [
        ("design", "points", 0, "a"),
        ("design", "points", 0, "b"),
    ]


@pytest.mark.parametrize("given", SAMPLING, ids=lambda given: "-".join(map(str, given.values())))
@pytest.mark.parametrize("factors", [1, 2, 5])
def test_samples_are_as_many_as_said_inside_the_cube_and_the_same_again(given: dict[str, Any], factors: int) -> None:
    sample = read_design(given).sample(factors)
    assert sample.shape == (read_design(given).count([uniform(str(i)) for i in range(factors)]), factors)
    assert sample.min() >= 0.0
    assert sample.max() <= 1.0
    assert np.array_equal(sample, read_design(given).sample(factors))
    assert not np.array_equal(sample, read_design({**given, "seed": 2}).sample(factors))
    # What a plan holds is enough to make the sample again.
    assert np.array_equal(sample, read_design(read_design(given).settings()).sample(factors))


def test_a_latin_hypercube_runs_each_sample_with_every_value_of_what_is_crossed() -> None:
    given = {"method": "latin_hypercube", "samples": 4, "crossed": ["drug"]}
    drug, others = factor("drug", ["a", "b", "c"], unit=""), [uniform("x"), uniform("y")]
    design = read_design(given)
    found = values(design, [others[0], drug, others[1]])
    assert design.count([drug, *others]) == len(found) == 12
    assert [point[1] for point in found] == ["a", "b", "c"] * 4
    plain = values(read_design({"method": "latin_hypercube", "samples": 4}), others)
    assert [(x, y) for x, _, y in found] == [point for point in plain for _ in range(3)]
    assert values(read_design(design.settings()), [others[0], drug, others[1]]) == found


def test_what_is_crossed_must_be_factors_with_values() -> None:
    design = read_design({"method": "latin_hypercube", "samples": 4, "crossed": ["x", "drgu"]})
    faults = [(fault.path, fault.message) for fault in design.faults([uniform("x"), uniform("y"), uniform("drug")])]
    assert faults == [
        (("factors", "x"), "needs 'values', or a 'range' with 'levels', to be crossed"),
        (("design", "crossed", 1), "no such factor; did you mean 'drug'?"),
    ]


def test_samples_leave_numpys_own_generator_alone() -> None:
    np.random.seed(1)
    expected = np.random.random(3)
    np.random.seed(1)
    for given in SAMPLING:
        read_design(given).sample(3)
    assert np.array_equal(np.random.random(3), expected)


def test_a_latin_hypercube_has_one_point_in_each_slice() -> None:
    sample = read_design({"method": "latin_hypercube", "samples": 50}).sample(3)
    for column in sample.T:
        assert sorted(np.floor(column * 50)) == list(range(50))


def test_saltellis_sample_is_two_matrices_and_exchanged_columns() -> None:
    sample = read_design({"method": "sobol", "samples": 16}).sample(3).reshape(16, 5, 3)
    first, second = sample[:, 0], sample[:, -1]
    for column in range(3):
        exchanged = first.copy()
        exchanged[:, column] = second[:, column]
        assert np.array_equal(sample[:, 1 + column], exchanged)


def test_morris_takes_one_step_of_one_factor_at_a_time() -> None:
    sample = read_design({"method": "morris", "trajectories": 7, "levels": 4}).sample(3).reshape(7, 4, 3)
    steps = np.diff(sample, axis=1)
    assert np.array_equal((steps != 0.0).sum(axis=2), np.ones((7, 3)))
    assert np.allclose(np.abs(steps[steps != 0.0]), 2.0 / 3.0)
    assert all(sorted(np.argmax(steps[i] != 0.0, axis=1)) == [0, 1, 2] for i in range(7))


def test_every_design_is_registered_under_its_name() -> None:
    for name, kind in DESIGNS.items():
        assert kind.model_fields["method"].default == name


TRUNCATED = stats.truncnorm((1.0 - 2.0) / 0.8, (4.0 - 2.0) / 0.8, loc=2.0, scale=0.8)
DISTRIBUTIONS = [
    (Distribution("uniform", 2.0, 5.0), stats.uniform(2.0, 3.0)),
    (Distribution("log_uniform", 0.1, 10.0), stats.loguniform(0.1, 10.0)),
    (Distribution("normal", 1.0, 4.0, 2.0, 0.8), TRUNCATED),
    (Distribution("normal", -np.inf, np.inf, 2.0, 0.8), stats.norm(2.0, 0.8)),
]


@pytest.mark.parametrize(("mine", "theirs"), DISTRIBUTIONS, ids=["uniform", "log_uniform", "truncated", "normal"])
def test_distributions_are_what_they_are_called(mine: Distribution, theirs: Any) -> None:
    for share in (0.001, 0.2, 0.5, 0.77, 0.999):
        assert mine.quantile(share) == pytest.approx(theirs.ppf(share), rel=1e-9)


def test_ends_are_reached_and_not_passed() -> None:
    for distribution, _ in DISTRIBUTIONS:
        low, high = distribution.quantile(0.0), distribution.quantile(1.0)
        assert low >= distribution.low
        assert high <= distribution.high
        assert np.isfinite([low, high]).all()
        if distribution.bounded:
            assert (low, high) == pytest.approx((distribution.low, distribution.high), rel=1e-6)


def test_whole_numbers_are_equally_likely() -> None:
    distribution = Distribution("uniform", 3, 6, whole=True)
    found = [distribution.quantile((i + 0.5) / 400) for i in range(400)]
    assert {value: found.count(value) for value in set(found)} == {3: 100, 4: 100, 5: 100, 6: 100}
    assert distribution.quantile(1.0) == 6


def test_levels_are_equally_likely_when_sampled() -> None:
    words = factor("arm", ["a", "b", "c"], unit="")
    found = [words.at((i + 0.5) / 300).value for i in range(300)]
    assert [found.count(word) for word in "abc"] == [100, 100, 100]
    assert words.at(1.0).value == "c"
