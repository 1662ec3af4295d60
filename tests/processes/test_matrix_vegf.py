"""VEGF-A in matrix: bound, turned over, released by MMP-9, and nothing lost on the way."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of

from tumorabm.processes.process import Process
from tumorabm.solvers.implicit import SolverError
from tumorabm.step import advance
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue

SITE = 20.0**3


def matrix_tissue(
    mmp9: float = 0.0, decay: float = 0.65, turnover: float = 0.0289, diffusivity: float = 4e4, refresh: float = 0.0,
    shape: tuple[int, int, int] = (1, 6, 7), **values: float,
) -> tuple[Tissue, list[Process]]:  # fmt: skip
    """A tissue with mobile and bound VEGF-A and a constant concentration of MMP-9."""
    processes = [process_of("matrix_binding", **values), process_of("field_solve")]
    substrates = [
        Substrate("vegf_a", "nM", "v", "implicit", diffusivity, decay, 0.1, 0.3, tolerance=1e-10, refresh=refresh),
        Substrate("vegf_bound", "nM", "b", "immobile", 0.0, turnover, 1.0, 0.0, bound_form_of="vegf_a"),
        Substrate("mmp9", "nM", "m", "immobile", 0.0, 0.0, 1.0, mmp9),
    ]
    return bare_tissue(shape, processes=processes, substrates=substrates), processes


def test_without_mmp9_matrix_holds_its_share() -> None:
    """0.7 of the total at rest, as the catalog's numbers say."""
    tissue, processes = matrix_tissue(turnover=np.log(2.0) / 24.0)
    vegf, bound = tissue.microenvironment["vegf_a"], tissue.microenvironment["vegf_bound"]
    for part in range(400):
        vegf.clear_contributions()
        bound.clear_contributions()
        vegf.contribute("source", "cells", np.full(42, 0.1))
        for process in processes:
            process.step(tissue, 2.0)
        assert part or bound.concentration.max() < 0.1  # slowly
    share = bound.concentration / (vegf.concentration + bound.concentration)
    np.testing.assert_allclose(share, 0.7, rtol=1e-3)


@pytest.mark.parametrize("dt", [0.01, 2.0, 1e3])
def test_f44_release_conserves_the_total(dt: float) -> None:
    """MMP-9 frees what is bound; the total stays to the last digits, whatever the step."""
    tissue, processes = matrix_tissue(0.0, decay=0.0, turnover=0.0)
    vegf, bound, mmp9 = (tissue.microenvironment[name] for name in ("vegf_a", "vegf_bound", "mmp9"))
    rng = np.random.default_rng(0)
    bound.concentration[:] = rng.random(bound.concentration.shape)
    total = (vegf.concentration + bound.concentration).sum()
    mmp9.concentration[:] = 5.0 * rng.random(bound.concentration.shape)
    free = vegf.concentration.sum()
    for _ in range(5):
        advance(tissue, processes, dt)
        assert (vegf.concentration + bound.concentration).sum() == pytest.approx(total, rel=1e-11)
    assert vegf.concentration.sum() > free + 1e-4
    one, other = tissue.ledger.accounts["vegf_a"], tissue.ledger.accounts["vegf_bound"]
    assert one["bind"] == -other["bind"] < 0.0 < one["release"] == -other["release"]
    assert other["stored"] == pytest.approx(other["bind"] + other["release"], rel=1e-9)
    assert abs(one["residual"]) < 1e-10 * total * SITE * 1e-9 > abs(other["residual"])


def test_mmp9_raises_what_is_free_and_lowers_what_is_bound() -> None:
    totals = []
    for mmp9 in (0.0, 2.0):
        tissue, processes = matrix_tissue(mmp9)
        for _ in range(200):
            for field in tissue.microenvironment.fields.values():
                field.clear_contributions()
            tissue.microenvironment["vegf_a"].contribute("source", "cells", np.full(42, 0.1))
            for process in processes:
                process.step(tissue, 2.0)
        totals.append([tissue.microenvironment[name].concentration.mean() for name in ("vegf_a", "vegf_bound")])
    (free, bound), (freed, left) = totals
    assert free == pytest.approx(0.1 / (0.65 + 0.0674), rel=1e-3)
    # Of what is bound the share k_M M/(k_M M + k_d) comes back.
    assert freed == pytest.approx(0.1 / (0.65 + 0.0674 * 0.0289 / (0.0289 + 0.1)), rel=1e-3)
    assert left / bound == pytest.approx(freed / free * 0.0289 / (0.0289 + 0.1), rel=1e-3)


def test_a_new_tissue_starts_at_rest() -> None:
    tissue, processes = matrix_tissue(1.0)
    for _ in range(2):
        for field in tissue.microenvironment.fields.values():
            field.clear_contributions()
        tissue.microenvironment["vegf_a"].contribute("source", "cells", np.linspace(0.05, 0.2, 42))
        processes[0].step(tissue, 0.0)
        processes[1].relax(tissue)
    before = tissue.state()
    processes[1].step(tissue, 2.0)
    for name in ("vegf_a", "vegf_bound"):
        key = f"microenvironment/{name}/concentration"
        np.testing.assert_allclose(tissue.state()[key], before[key], rtol=1e-7)
    assert tissue.microenvironment["vegf_bound"].concentration.min() > 0.05


def test_shorter_steps_converge() -> None:
    results = []
    for parts in (1, 2, 4, 8, 64):
        tissue, processes = matrix_tissue(3.0)
        tissue.microenvironment["vegf_bound"].concentration[:] = 0.5
        for _ in range(parts):
            advance(tissue, processes, 4.0 / parts)
        results.append(np.stack([tissue.microenvironment[n].concentration for n in ("vegf_a", "vegf_bound")]))
    errors = [float(np.abs(result - results[-1]).sum()) for result in results[:-1]]
    assert all(finer < 0.65 * coarser for coarser, finer in zip(errors[:-1], errors[1:], strict=True)), errors


def test_waiting_keeps_the_total() -> None:
    """A field at rest waits with its bound form; nothing is lost when its time is made up for."""
    tissue, processes = matrix_tissue(0.5, decay=0.3, refresh=1e-2)
    vegf, bound = tissue.microenvironment["vegf_a"], tissue.microenvironment["vegf_bound"]
    waits = 0
    start = vegf.concentration.sum() + bound.concentration.sum()
    for step in range(120):
        for field in tissue.microenvironment.fields.values():
            field.clear_contributions()
        vegf.contribute("source", "cells", np.full(42, 0.1 if step < 100 else 0.15))
        for process in processes:
            process.step(tissue, 2.0)
        waits += vegf.waited > 0.0
        amount = (vegf.concentration.sum() + bound.concentration.sum() - start) * SITE * 1e-9
        booked = sum(tissue.ledger.accounts[name]["stored"] for name in ("vegf_a", "vegf_bound"))
        assert amount == pytest.approx(booked, rel=1e-9, abs=1e-16)
    assert waits > 20
    one, other = tissue.ledger.accounts["vegf_a"], tissue.ledger.accounts["vegf_bound"]
    assert one["bind"] + other["bind"] == 0.0 == one["release"] + other["release"]
    assert abs(one["residual"]) < 1e-9 * one["source"] > abs(other["residual"])


def test_a_bound_form_is_not_taken_up() -> None:
    tissue, processes = matrix_tissue()
    tissue.microenvironment["vegf_bound"].contribute("uptake", "cells", np.ones(42))
    with pytest.raises(SolverError, match="the bound form of vegf_a is neither taken up nor held"):
        processes[1].step(tissue, 2.0)
