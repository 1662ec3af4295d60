"""Random numbers: Philox against its published vectors, and numbers that know nothing of each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tumorabm.tissue.random import _unit, derived_uid, draw, draw_two, mix, philox, purpose, uniforms

N = 400_000
PI_COUNTER = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
PI_KEY = (0xA4093822, 0x299F31D0)


@pytest.fixture(scope="module")
def uids() -> np.ndarray:
    return derived_uid("test", [np.arange(N)])


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (PI_COUNTER, PI_KEY, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_known_answers(counter, key, expected) -> None:
    """kat_vectors of Random123 (Salmon, Moraes, Dror and Shaw 2011), philox4x32-10."""
    assert tuple(int(word) for word in philox(*map(np.uint64, (*counter, *key)))) == expected


def test_a_draw_is_philox_of_uid_step_stream_and_seed() -> None:
    """The counter is (uid low, uid high, step, stream), the key the seed: here the vector of pi's digits again."""
    uid = np.uint64(PI_COUNTER[1] << 32 | PI_COUNTER[0])
    seed = np.uint64(PI_KEY[1] << 32 | PI_KEY[0])
    first, second = draw_two(seed, uid, np.uint64(PI_COUNTER[2]), np.uint64(PI_COUNTER[3]))
    assert first == ((0xD16CFE09 << 32 | 0x94FDCCEB) >> 11) / 2**53 + 2.0**-54
    assert second == ((0x5001E420 << 32 | 0x24126EA1) >> 11) / 2**53 + 2.0**-54
    assert draw(seed, uid, np.uint64(PI_COUNTER[2]), np.uint64(PI_COUNTER[3])) == first


def test_neither_end_of_the_interval_is_drawn() -> None:
    """Not with all bits zero nor with all bits one, which would round to 1."""
    ones = np.uint64(0xFFFFFFFF)
    zero = np.uint64(0)
    for function in (_unit, _unit.py_func):
        assert 0.0 < function(zero, zero) < 2.0**-53 and 1.0 - 2.0**-52 < function(ones, ones) < 1.0
        assert int(function(ones, ones) * 6) == 5


def test_uniforms_are_uniform(uids: np.ndarray) -> None:
    drawn = uniforms(5, uids, 12, purpose("test"))
    assert 0.0 < drawn.min() and drawn.max() < 1.0
    assert abs(drawn.mean() - 0.5) < 4.5 * np.sqrt(1.0 / 12.0 / N)
    assert abs(drawn.var() - 1.0 / 12.0) < 4.5 * np.sqrt(1.0 / 180.0 / N)
    assert stats.kstest(drawn, "uniform")[1] > 1e-4
    assert stats.chisquare(np.bincount((drawn * 1000).astype(int), minlength=1000))[1] > 1e-4


@pytest.mark.parametrize("what", ["seed", "step", "purpose", "draw", "uid", "high uid"])
def test_streams_are_independent(uids: np.ndarray, what: str) -> None:
    """Whatever one part of the counter or the key changes by one gives numbers that do not correlate."""
    one = uniforms(5, uids, 12, purpose("test"))
    other = uniforms(
        5 + (what == "seed"),
        uids + np.uint64({"uid": 1, "high uid": 1 << 32}.get(what, 0)),
        12 + (what == "step"),
        (purpose("another") if what == "purpose" else purpose("test")) + np.uint64(what == "draw"),
    )
    assert abs(np.corrcoef(one, other)[0, 1]) < 4.5 / np.sqrt(N)
    assert stats.kstest((one + other) % 1.0, "uniform")[1] > 1e-4
    assert stats.chisquare(np.bincount((one > 0.5) * 2 + (other > 0.5), minlength=4))[1] > 1e-4


def test_both_numbers_of_a_draw_are_independent() -> None:
    pairs = np.array([draw_two(np.uint64(3), np.uint64(i), np.uint64(0), np.uint64(0)) for i in range(20_000)])
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 4.5 / np.sqrt(pairs.shape[0])
    assert stats.kstest(pairs[:, 1], "uniform")[1] > 1e-4


def test_high_bits_of_seed_and_uid_matter(uids: np.ndarray) -> None:
    few = uids[:100]
    base = uniforms(1, few, 0, purpose("test"))
    assert not np.isin(uniforms(1 + (1 << 63), few, 0, purpose("test")), base).any()
    assert not np.isin(uniforms(1, few ^ np.uint64(1 << 63), 0, purpose("test")), base).any()


def test_purposes_of_the_package_are_all_different() -> None:
    """Two purposes with one hash would draw the same numbers."""
    import re
    from pathlib import Path

    import tumorabm

    names = set()
    for path in Path(tumorabm.__file__).parent.rglob("*.py"):
        names |= set(re.findall(r'(?:purpose|derived_uid)\(\s*"([^"]+)"', path.read_text(encoding="utf-8")))
    assert len(names) > 10
    assert len({int(purpose(name)) for name in names}) == len(names)
    assert all(int(purpose(name)) % 256 == 0 and int(purpose(name)) < 2**32 for name in names)


def test_derived_uids_are_distinct(uids: np.ndarray) -> None:
    assert uids.dtype == np.uint64 and np.unique(uids).size == N
    sites, steps = np.meshgrid(np.arange(1000), np.arange(500))
    both = derived_uid("test", [sites, steps])
    assert both.shape == sites.shape and np.unique(both).size == both.size
    assert (both != derived_uid("test", [steps, sites])).any()
    assert not np.isin(derived_uid("else", [np.arange(1000)]), uids).any()


def test_daughters_are_distinct(uids: np.ndarray) -> None:
    """Thirty daughters of each of many cells, and their first daughters."""
    parents = uids[:3000]
    daughters = np.array(
        [[mix(parent, np.uint64(birth)) for birth in range(1, 31)] for parent in parents], dtype=np.uint64
    )
    grand = np.array([mix(uid, np.uint64(1)) for uid in daughters[:, 0]], dtype=np.uint64)
    everyone = np.concatenate([parents, daughters.ravel(), grand])
    assert np.unique(everyone).size == everyone.size


def test_the_plain_functions_agree_with_the_compiled_ones() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        words = [np.uint64(w) for w in rng.integers(0, 2**32, 6)]
        assert tuple(philox(*words)) == tuple(philox.py_func(*words))
        a, b = (np.uint64(w) for w in rng.integers(0, 2**64, 2, dtype=np.uint64))
        with np.errstate(over="ignore"):
            assert mix(a, b) == mix.py_func(a, b)
