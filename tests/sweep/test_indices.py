"""Morris and Sobol evaluation against exact values, against SALib, and with luck of known size."""

from __future__ import annotations

import numpy as np
import pytest
from ishigami import FIRST, NAMES, TOTAL, VARIANCE, ishigami

from tumorabm.errors import InputError
from tumorabm.sweep.elementary_effects import LUCK, MATTERS, screen
from tumorabm.sweep.intervals import bootstrap_mean, luck_variance, paired_t
from tumorabm.sweep.variance_shares import shares

SALIB = {"num_vars": 3, "names": list(NAMES), "bounds": [[-np.pi, np.pi]] * 3}


def sobol_points(samples: int, second_order: bool = False, seed: int = 1) -> np.ndarray:
    from SALib.sample import sobol

    return sobol.sample(SALIB, samples, calc_second_order=second_order, seed=seed)


def morris_points(trajectories: int, levels: int = 4, seed: int = 1) -> np.ndarray:
    from SALib.sample import morris

    return morris.sample(SALIB, trajectories, num_levels=levels, seed=seed)


def with_luck(values: np.ndarray, sd: float, replicates: int, seed: int = 1, of_seeds: float = 0.0) -> np.ndarray:
    """Values with normal noise; ``of_seeds`` is the spread of what a seed does to all points alike."""
    rng = np.random.default_rng(seed)
    common = of_seeds * rng.standard_normal(replicates)
    return values[:, np.newaxis] + sd * rng.standard_normal((values.size, replicates)) + common


# --- Sobol -----------------------------------------------------------------------------------------------------------


def test_exact_shares_of_ishigami() -> None:
    found = shares(NAMES, ishigami(*sobol_points(2048).T)[:, np.newaxis], 2048)
    assert found.variance == pytest.approx(VARIANCE, rel=0.02)
    assert [share.factor for share in found.factors] == ["x1", "x2", "x3"]  # by total share
    for share in found.factors:
        assert share.first_low < FIRST[share.factor] < share.first_high
        assert share.total_low < TOTAL[share.factor] < share.total_high
        assert share.first == pytest.approx(FIRST[share.factor], abs=0.02)
        assert share.total == pytest.approx(TOTAL[share.factor], abs=0.02)
        assert share.total_high - share.total_low < 0.15
    assert np.isnan(found.luck) and np.isnan(found.luck_share)


@pytest.mark.parametrize("second_order", [False, True])
def test_without_luck_it_is_what_salib_says(second_order: bool) -> None:
    from SALib.analyze import sobol

    values = ishigami(*sobol_points(128, second_order).T)
    theirs = sobol.analyze(SALIB, values, calc_second_order=second_order, seed=1)
    ours = {
        share.factor: share for share in shares(NAMES, values[:, np.newaxis], 128, second_order=second_order).factors
    }
    for k, name in enumerate(NAMES):
        assert ours[name].first == pytest.approx(theirs["S1"][k], abs=1e-12)
        assert ours[name].total == pytest.approx(theirs["ST"][k], abs=1e-12)
        half = (ours[name].total_high - ours[name].total_low) / 2
        assert half == pytest.approx(theirs["ST_conf"][k], rel=0.3)


@pytest.mark.parametrize("of_seeds", [0.0, 10.0])
def test_luck_is_taken_out_of_the_shares(of_seeds: float) -> None:
    """Noise of the size of the signal: plain indices of means are wrong, corrected ones are not."""
    exact = ishigami(*sobol_points(2048).T)
    sd = float(np.sqrt(VARIANCE))
    noisy = with_luck(exact, sd, replicates=3, of_seeds=of_seeds)
    found = shares(NAMES, noisy, 2048)
    plain = {share.factor: share for share in shares(NAMES, noisy.mean(axis=1, keepdims=True), 2048).factors}
    assert plain["x3"].total_low > TOTAL["x3"] + 0.1
    assert plain["x2"].first_high < FIRST["x2"] - 0.03
    for share in found.factors:
        assert share.first_low < FIRST[share.factor] < share.first_high
        assert share.total_low < TOTAL[share.factor] < share.total_high
    assert found.luck == pytest.approx(VARIANCE, rel=0.05)
    assert found.variance == pytest.approx(VARIANCE, rel=0.05)
    assert found.luck_share == pytest.approx(0.5, abs=0.02)
    assert found.luck_share_of_means == pytest.approx(0.25, abs=0.02)


def test_with_independent_seeds_what_a_seed_does_counts_as_luck() -> None:
    noisy = with_luck(ishigami(*sobol_points(512).T), 1.0, replicates=3) + np.array([-2.0, 0.0, 2.0])
    assert shares(NAMES, noisy, 512, shared=True).luck == pytest.approx(1.0, rel=0.1)
    assert shares(NAMES, noisy, 512, shared=False).luck == pytest.approx(1.0 + 4.0, rel=0.1)
    assert luck_variance(noisy, shared=False).mean() == pytest.approx(5.0, rel=0.1)


def test_intervals_hold_what_they_promise() -> None:
    """Of many small noisy designs, about 95 % of the intervals hold the exact value."""
    hits = []
    for seed in range(25):
        noisy = with_luck(ishigami(*sobol_points(64, seed=seed).T), 2.0, replicates=3, seed=seed)
        for share in shares(NAMES, noisy, 64).factors:
            hits.append(share.first_low < FIRST[share.factor] < share.first_high)
            hits.append(share.total_low < TOTAL[share.factor] < share.total_high)
    assert 0.90 < np.mean(hits) <= 1.0


def test_nothing_but_luck_gives_no_shares() -> None:
    noise = with_luck(np.zeros(64 * 5), 1.0, replicates=4)
    found = shares(NAMES, noise, 64)
    assert found.luck_share > 0.9
    assert all(not share.total_low > 0.5 for share in found.factors)


def test_rows_with_a_missing_value_are_left_out_and_counted() -> None:
    values = with_luck(ishigami(*sobol_points(128).T), 0.1, replicates=2)
    whole = shares(NAMES, values, 128)
    values[5 * 7 + 2, 1] = np.nan
    values[5 * 90, 0] = np.nan
    found = shares(NAMES, values, 128)
    assert (found.samples, found.missing, whole.missing) == (126, 2, 0)
    assert found.factors[0].total == pytest.approx(whole.factors[0].total, abs=0.05)
    with pytest.raises(InputError, match="of 128 rows of the Sobol design only 0 have all values"):
        shares(NAMES, np.full_like(values, np.nan), 128)
    with pytest.raises(InputError, match="639 points are no Sobol design of 128 samples and 3 factors, expected 640"):
        shares(NAMES, values[:-1], 128)


# --- Morris ----------------------------------------------------------------------------------------------------------


def test_without_luck_screening_is_what_salib_says() -> None:
    from SALib.analyze import morris

    points = morris_points(20)
    values = ishigami(*points.T)
    theirs = morris.analyze(SALIB, points, values, num_levels=4)
    rows = {row.factor: row for row in screen(NAMES, points.tolist(), values[:, np.newaxis], 20, 4)}
    for k, name in enumerate(NAMES):
        assert rows[name].mu_star == pytest.approx(theirs["mu_star"][k], abs=1e-12)
        assert rows[name].mu == pytest.approx(theirs["mu"][k], abs=1e-12)
        assert rows[name].sigma == pytest.approx(theirs["sigma"][k], abs=1e-12)


def test_a_line_is_found_exactly_and_luck_is_told_from_it() -> None:
    points = morris_points(10)
    line = points @ np.array([3.0, -1.0, 0.0]) / (2 * np.pi)
    rows = screen(NAMES, points.tolist(), with_luck(line, 0.02, replicates=3, of_seeds=5.0), 10, 4)
    assert [row.factor for row in rows] == ["x1", "x2", "x3"]
    assert [row.verdict == MATTERS for row in rows] == [True, True, False]
    assert rows[0].mu == pytest.approx(3.0, abs=0.05) and rows[1].mu == pytest.approx(-1.0, abs=0.05)
    for row in rows:
        # Luck of one effect: two points, three replicates, a step of two thirds of the range.
        assert row.luck == pytest.approx(0.02 * np.sqrt(2 / 3) / (2 / 3), rel=0.4)
        assert row.sigma < 0.02 and row.effects == 10 and row.missing == 0
    assert rows[2].mu_star > 0.0


def test_a_factor_without_effect_is_seldom_called_one() -> None:
    """The floor holds in about 95 of 100; with the whole interval above it as well, hardly ever is one wrong."""
    above, called, rows = 0, 0, 0
    points = morris_points(8)
    for seed in range(150):
        for row in screen(NAMES, points.tolist(), with_luck(np.zeros(32), 1.0, replicates=3, seed=seed), 8, 4):
            rows += 1
            above += row.mu_star > row.floor
            called += row.verdict == MATTERS
    assert 0.025 < above / rows < 0.09
    assert called / rows < 0.01


@pytest.mark.parametrize("replicates", [3, 5])
def test_seeds_that_respond_each_in_its_own_way_are_no_effect(replicates: int) -> None:
    """Each seed has a slope of its own, of expected value 0: the same on all trajectories, which tell nothing new."""
    above, called, rows = 0, 0, 0
    points = morris_points(8)
    slopes = np.random.default_rng(1).standard_normal((150, 3, replicates)) / (2 * np.pi)
    for seed, slope in enumerate(slopes):
        values = points @ slope + with_luck(np.zeros(32), 0.5, replicates, seed=seed)
        for row in screen(NAMES, points.tolist(), values, 8, 4):
            rows += 1
            above += row.mu_star > row.floor
            called += row.verdict == MATTERS
    assert above / rows < 0.09
    assert called / rows < 0.03
    apart = screen(NAMES, points.tolist(), values, 8, 4, shared=False)
    together = {row.factor: row.floor for row in screen(NAMES, points.tolist(), values, 8, 4)}
    assert all(row.floor <= together[row.factor] for row in apart)


def test_the_floor_of_seeds_is_that_of_student() -> None:
    """Effects 1, 2 and 6 of three seeds, the same on all trajectories: mean 3, standard deviation the root of 7."""
    points = [[0.0], [2.0 / 3.0], [1.0 / 3.0], [1.0]]
    (row,) = screen(["x"], points, np.array(points) * [1.0, 2.0, 6.0], 2, 4)
    assert row.mu_star == pytest.approx(3.0)
    assert row.floor == pytest.approx(4.30265 * np.sqrt(7.0 / 3.0), rel=1e-5)
    assert row.verdict == LUCK


def test_a_factor_that_changes_nothing_at_all_has_no_effect() -> None:
    """With shared luck the runs are the same then, and the floor is 0: that is below nothing."""
    points = morris_points(8)
    values = np.repeat((points[:, 0] > 0)[:, np.newaxis] * 1.0, 3, axis=1)
    rows = {row.factor: row for row in screen(NAMES, points.tolist(), values, 8, 4)}
    assert (rows["x2"].mu_star, rows["x2"].floor, rows["x2"].verdict) == (0.0, 0.0, LUCK)


def test_missing_values_leave_out_their_effects_only() -> None:
    points = morris_points(6)
    values = with_luck(points[:, 0], 0.01, replicates=2)
    values[0, 0] = np.nan
    rows = screen(NAMES, points.tolist(), values, 6, 4)
    assert sum(row.missing for row in rows) == 1 and all(row.effects + row.missing == 6 for row in rows)
    nothing = screen(NAMES, points.tolist(), np.full_like(values, np.nan), 6, 4)
    assert {row.verdict for row in nothing} == {"unknown"}


def test_words_and_values_that_stay_make_a_step_too() -> None:
    points = [["a", 1.0], ["b", 1.0], ["b", 1.0], ["b", 2.0], ["b", 1.0], ["c", 1.0]]
    rows = screen(["word", "number"], points, np.array([[0], [3], [3], [8], [4], [5]]) * 1.0, 2, 4)
    by_name = {row.factor: row for row in rows}
    assert by_name["word"].mu == pytest.approx(1.5 * (3 + 1) / 2)
    assert by_name["number"].mu == pytest.approx(1.5 * (0 + 4) / 2)


def test_what_is_no_morris_design_is_refused() -> None:
    with pytest.raises(InputError, match="5 points are no Morris design of 2 trajectories and 2 factors, expected 6"):
        screen(["a", "b"], [[0, 0]] * 5, np.zeros((5, 1)), 2, 4)
    with pytest.raises(InputError, match="trajectory 0: 2 factors change at once"):
        screen(["a", "b"], [[0, 0], [1, 1], [1, 0]], np.zeros((3, 1)), 1, 4)
    with pytest.raises(InputError, match="trajectory 0: a factor changes twice"):
        screen(["a", "b"], [[0, 0], [1, 0], [0, 0]], np.zeros((3, 1)), 1, 4)


# --- intervals -------------------------------------------------------------------------------------------------------


def test_intervals_of_few_values_are_not_too_short() -> None:
    rng = np.random.default_rng(3)
    samples = rng.standard_normal((300, 8)) + 1.0
    for interval in (bootstrap_mean, lambda values: paired_t(values)[1:]):
        hits = [low < 1.0 < high for low, high in map(interval, samples)]
        assert 0.92 < np.mean(hits) < 0.98
    assert all(np.isnan(bootstrap_mean(np.array([1.0]))))
