"""Implicit fields that are left as they are while next to nothing changes, and what they make up for afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of

from tumorabm.processes.process import Process
from tumorabm.processes.transport.solve import LONGEST_WAIT
from tumorabm.tissue.lattice import FIXED, NO_FLUX
from tumorabm.tissue.microenvironment import Field, Substrate
from tumorabm.tissue.tissue import Tissue

N = 72
RNG = np.random.default_rng(2)
SOURCE = 0.1 + RNG.random(N)


def waiting(refresh: float = 1e-2, **values: object) -> tuple[Tissue, Process, Field]:
    """A tissue with one factor at rest with its source."""
    given = {"diffusivity": 5e4, "decay": 0.1, "half_saturation": 0.5, "tolerance": 1e-8, "refresh": refresh} | values
    process = process_of("field_solve")
    substrate = Substrate("il8", "nM", "f", "implicit", **given)  # type: ignore[arg-type]
    tissue = bare_tissue((1, 8, 9), processes=[process], substrates=[substrate])
    field = tissue.microenvironment["il8"]
    field.contribute("source", "cells", SOURCE)
    field.contribute("uptake", "cells", np.full(N, 0.2))
    process.relax(tissue)
    return tissue, process, field


def step(tissue: Tissue, process: Process, factor: float = 1.0, dt: float = 2.0) -> bool:
    """One step with the source times a factor; whether the field was solved."""
    field = tissue.microenvironment["il8"]
    before = field.waited
    field.contribute("source", "cells", SOURCE * factor)
    process.step(tissue, dt)
    return field.waited <= before


def test_a_field_at_rest_is_left_as_it_is_for_a_day() -> None:
    tissue, process, field = waiting()
    before = field.concentration.copy()
    for _ in range(int(LONGEST_WAIT / 2.0)):
        assert not step(tissue, process)
        np.testing.assert_array_equal(field.concentration, before)
    assert "il8" not in tissue.ledger.accounts and field.waited == LONGEST_WAIT
    assert step(tissue, process) and field.waited == 0.0
    entries = tissue.ledger.accounts["il8"]
    assert entries["source"] == pytest.approx(26.0 * SOURCE.sum() * 20.0**3 * 1e-9, rel=1e-12)
    assert not step(tissue, process)


@pytest.mark.parametrize("refresh", [1e-3, 1e-2])
def test_it_is_solved_when_its_terms_have_changed(refresh: float) -> None:
    tissue, process, _ = waiting(refresh)
    assert not step(tissue, process) and not step(tissue, process, 1.0 + 0.5 * refresh)
    assert step(tissue, process, 1.0 + 1.5 * refresh)
    tissue, process, field = waiting(refresh)
    assert not step(tissue, process)
    # Of a loss what counts is its share of all that removes.
    for loss, waits in ((0.05 * refresh, True), (0.2 * refresh, False)):
        field.contribute("loss", "drug", np.full(N, loss))
        process.step(tissue, 2.0)
        assert (field.waited > 0.0) == waits


def test_what_moves_within_a_block_is_no_change() -> None:
    """A source that hops to the next site moves a field that spreads over hundreds of µm by next to nothing."""
    tissue, process, field = waiting(1e-2)
    assert field.block == 8  # a quarter of sqrt(5e4 / 0.1) = 707 µm on sites of 20 µm
    for hop, waits in ((1, True), (64, False)):
        source = SOURCE.copy()
        source[2], source[2 + hop] = source[2] - 0.1, source[2 + hop] + 0.1 + 0.5 * (hop > 1)
        field.contribute("source", "cells", source)
        process.step(tissue, 2.0)
        assert (field.waited > 0.0) == waits


def test_it_does_not_wait_before_it_is_at_rest() -> None:
    """After a jump it is solved in every step until it has come to rest, whatever the step."""
    settled = []
    for dt in (2.0, 0.5, 0.05):
        tissue, process, field = waiting(1e-2)
        count = 0
        while step(tissue, process, 2.0, dt):
            count += 1
        settled.append(count * dt)
        exact, other, _ = waiting(0.0)
        step(exact, other, 2.0, 1e6)
        np.testing.assert_allclose(field.concentration, exact.microenvironment["il8"].concentration, rtol=0.03)
    assert settled[1] == pytest.approx(settled[2], rel=0.1) and settled[0] == pytest.approx(settled[2], rel=0.3)


def test_what_was_secreted_meanwhile_is_what_arrives() -> None:
    """The account over a drift and jumps is that of a field that is solved in every step, within the tolerance."""
    factors = np.concatenate([np.linspace(1.0, 1.2, 120), np.full(40, 3.0), np.linspace(3.0, 2.9, 60)])
    booked, solves = [], []
    for refresh in (0.0, 1e-2):
        tissue, process, field = waiting(refresh)
        start = field.concentration.sum()
        solves.append(sum(step(tissue, process, factor) for factor in factors))
        entries = tissue.ledger.accounts["il8"]
        stored = (field.concentration.sum() - start) * 20.0**3 * 1e-9
        assert entries["stored"] == pytest.approx(stored, rel=1e-9)
        assert abs(entries["residual"]) < 1e-7 * entries["source"]
        # The rest of a wait is not booked yet.
        late = field.waited * SOURCE.sum() * factors[-1] * 20.0**3 * 1e-9
        booked.append([entries["source"] + late, field.concentration.mean()])
    assert solves[0] == factors.size and solves[1] < 0.4 * factors.size
    np.testing.assert_allclose(booked[1][0], booked[0][0], rtol=5e-3)
    np.testing.assert_allclose(booked[1][1], booked[0][1], rtol=2e-2)


def test_a_jump_acts_in_its_own_step() -> None:
    """Not over the time waited: nothing was secreted then."""
    tissue, process, field = waiting(1e-2)
    for _ in range(10):
        assert not step(tissue, process)
    assert step(tissue, process, 3.0)
    received = (20.0 + 3.0 * 2.0) * SOURCE.sum() * 20.0**3 * 1e-9
    assert tissue.ledger.accounts["il8"]["source"] == pytest.approx(received, rel=1e-9)
    assert field.imbalance > 0.5 and step(tissue, process, 3.0)


def test_without_time_it_neither_waits_nor_changes() -> None:
    tissue, process, field = waiting()
    step(tissue, process)
    before = tissue.state()
    step(tissue, process, 5.0, 0.0)
    assert field.waited == 2.0
    for name, array in tissue.state().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_nothing_stays_nothing_until_there_is_a_source() -> None:
    tissue, process, field = waiting()
    field.clear_contributions()
    field.concentration[:] = 0.0
    for _ in range(30):
        process.step(tissue, 2.0)
    assert not field.concentration.any()
    # What comes after a day of nothing comes in its own step.
    while field.waited < 20.0:
        process.step(tissue, 2.0)
    before = tissue.ledger.accounts["il8"]["source"]
    assert before == 0.0 or before < 0.1 * SOURCE.sum() * 20.0**3 * 1e-9 * 30.0
    assert step(tissue, process)
    gained = tissue.ledger.accounts["il8"]["source"] - before
    assert gained == pytest.approx(2.0 * SOURCE.sum() * 20.0**3 * 1e-9, rel=1e-9)


def test_what_enters_through_a_face_is_not_nothing() -> None:
    process = process_of("field_solve")
    substrate = Substrate("il8", "nM", "f", "implicit", 5e4, 0.1, boundary_value=1.0, refresh=1e-2)
    faces = (NO_FLUX, NO_FLUX, FIXED, NO_FLUX, NO_FLUX, NO_FLUX)
    tissue = bare_tissue((1, 8, 9), faces=faces, processes=[process], substrates=[substrate])
    for _ in range(40):
        process.step(tissue, 2.0)
    assert tissue.microenvironment["il8"].concentration.min() > 0.1


def test_a_resumed_field_waits_on() -> None:
    """Terms, time waited and imbalance are state: the copy is solved in the same steps, to the last bit."""
    tissue, process, _ = waiting(1e-2)
    factors = 1.0 + 0.003 * np.arange(60)
    for factor in factors[:17]:
        step(tissue, process, factor)
    other, again, _ = waiting(1e-2)
    other.load(tissue.state())
    for factor in factors[17:]:
        assert step(tissue, process, factor) == step(other, again, factor)
    for name, array in tissue.state().items():
        np.testing.assert_array_equal(array, other.state()[name], err_msg=name)
