"""Equality of recorded data, bit by bit."""

from __future__ import annotations

import numpy as np

from tumorabm.recording.records import Records


def same(a: Records, b: Records) -> None:
    """All data are equal, bit by bit."""
    assert (a.from_step, a.to_step) == (b.from_step, b.to_step)
    assert a.manifest == b.manifest
    np.testing.assert_array_equal(a.steps, b.steps)
    np.testing.assert_array_equal(a.hours, b.hours)
    for name in set(a.ledger) | set(b.ledger):  # an entry that is missing is zero: nothing was booked there yet
        nothing = np.zeros(a.steps.size)
        np.testing.assert_array_equal(a.ledger.get(name, nothing), b.ledger.get(name, nothing), err_msg=name)
    for name, left, right in zip(a.census._fields, a.census, b.census, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right, err_msg=f"census {name}")
    for part in ("series", "clones"):
        left, right = getattr(a, part), getattr(b, part)
        assert set(left) == set(right)
        for name in left:
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    assert [(f.step, f.hours) for f in a.frames] == [(f.step, f.hours) for f in b.frames]
    for f, g in zip(a.frames, b.frames, strict=True):
        assert sorted(f.substrates()) == sorted(g.substrates())
        for substrate in f.substrates():
            np.testing.assert_array_equal(f.field(substrate), g.field(substrate))
        left, right = f.cells(), g.cells()
        assert set(left) == set(right)
        for name in left:
            assert left[name].dtype == right[name].dtype
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)
        np.testing.assert_array_equal(f.vessels(), g.vessels())
