"""Random numbers as a function of who draws, when and for what: Philox4x32-10, never a state.

The key is the seed, the counter is (uid low, uid high, step, stream) where the stream joins a hash of the purpose's
name (24 bits) with the number of the draw (8 bits). The same cell draws the same number for the same purpose in the
same step whatever else happens in the tissue, in any order and on any number of threads.

Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3" (SC11).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from tumorabm.kernel import kernel

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_UNIT = 2.0**-53
_BELOW_ONE = 1.0 - 2.0**-53
DRAWS = 256  # of one purpose, by one uid in one step
CHUNK = 256  # cells that a kernel draws for at a time, with fill_uniforms


def purpose(name: str) -> np.uint64:
    """The stream of a named purpose, with room for ``DRAWS`` draws: add the number of the draw."""
    return np.uint64((zlib.crc32(name.encode()) & 0xFFFFFF) << 8)


def uniforms(seed: int, uids: np.ndarray, step: int, stream: np.uint64) -> np.ndarray:
    """One number in (0, 1) for each uid.

    Parameters
    ----------
    seed : int
        Seed of the run.
    uids : ndarray of uint64, shape (n,)
        Who draws.
    step : int
        Number of the step.
    stream : uint64
        ``purpose(name)`` plus the number of the draw.
    """
    out = np.empty(uids.size)
    fill_uniforms(np.uint64(seed), uids, np.uint64(step), np.uint64(stream), out)
    return out


def derived_uid(origin: str, numbers: Sequence[np.ndarray]) -> np.ndarray:
    """64-bit uids of cells without a parent, from where they come from and whole numbers such as site and step."""
    shape = np.broadcast_shapes(*(np.shape(number) for number in numbers))
    uid = np.full(shape, purpose(origin), dtype=np.uint64).ravel()
    for number in numbers:
        uid = _mix_arrays(uid, np.broadcast_to(number, shape).astype(np.uint64).ravel())
    return uid.reshape(shape)


# --- kernels ---------------------------------------------------------------------------------------------------------
# What a draw consists of is inlined: otherwise the compiler does not see that many can be made side by side.


@kernel(forceinline=True)
def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox4x32. All arguments and results are uint64 that hold 32-bit words."""
    for _ in range(10):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> _SHIFT) ^ c1 ^ k0,
            product_1 & _MASK,
            (product_0 >> _SHIFT) ^ c3 ^ k1,
            product_0 & _MASK,
        )
        k0 = (k0 + _WEYL_0) & _MASK
        k1 = (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@kernel(forceinline=True)
def _unit(high, low):
    """The upper 53 bits of two words as a number in (0, 1): all ones would be rounded up to 1."""
    return min((np.float64(((high << _SHIFT) | low) >> np.uint64(11)) + 0.5) * _UNIT, _BELOW_ONE)


@kernel(forceinline=True)
def draw_two(seed, uid, step, stream):
    """Two independent numbers in (0, 1), never 0 or 1, for uid, step and stream (all uint64)."""
    a, b, c, d = philox(uid & _MASK, uid >> _SHIFT, step & _MASK, stream & _MASK, seed & _MASK, seed >> _SHIFT)
    first = _unit(a, b)
    second = _unit(c, d)
    return first, second


@kernel(forceinline=True)
def draw(seed, uid, step, stream):
    """One number in (0, 1) for uid, step and stream (all uint64)."""
    return draw_two(seed, uid, step, stream)[0]


@kernel
def waits_longer(drawn, hazard):
    """Whether -log(drawn) exceeds a cumulated hazard beyond doubt, told without the logarithm; most cells wait.

    -log(u) >= 1 - u, and the margin is far wider than the rounding of both sides.
    """
    return 1.0 - drawn > 1.000001 * hazard + 1e-12


@kernel
def mix(a, b):
    """A 64-bit uid from two: the SplitMix64 finalizer over both (Steele, Lea and Flood 2014)."""
    z = (a ^ (b * _GOLDEN)) + _GOLDEN
    for _ in range(2):
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        z = (z ^ (z >> np.uint64(31))) + b
    return z


@kernel
def _mix_arrays(a, b):
    out = np.empty(a.size, dtype=np.uint64)
    for i in range(a.size):
        out[i] = mix(a[i], b[i])
    return out


@kernel
def fill_uniforms(seed, uids, step, stream, out):
    """The numbers of many uids side by side (all uint64): four times as fast as one by one."""
    for i in range(uids.size):
        out[i] = draw(seed, uids[i], step, stream)
