"""Matrix: renewed towards its normal density, degraded by MMP-9 that TIMP-2 leaves active; exact over a step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bare_tissue import advance_only, bare_tissue, process_of, put, put_tumor

from tumorabm.processes.process import Process
from tumorabm.tissue.cells import APOPTOTIC, FIBROBLAST
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue

DAY = 24.0
FIELDS = (
    Substrate("matrix", "1", "matrix", "immobile", 0.0, 0.0, initial=1.0),
    Substrate("mmp9", "nM", "MMP-9", "immobile", 0.0, 0.0),
    Substrate("timp2", "nM", "TIMP-2", "immobile", 0.0, 0.0),
)


def matrix_in(mmp9: float, timp2: float, start: float = 1.0, shape=(1, 4, 4)) -> tuple[Tissue, list[Process]]:
    processes = [process_of("matrix_turnover"), process_of("field_solve")]
    tissue = bare_tissue(shape, processes=processes, substrates=FIELDS)
    for name, value in (("mmp9", mmp9), ("timp2", timp2), ("matrix", start)):
        tissue.microenvironment[name].concentration[:] = value
    return tissue, processes


def density(tissue: Tissue) -> np.ndarray:
    return tissue.microenvironment["matrix"].concentration.reshape(-1)


@pytest.mark.parametrize(("mmp9", "timp2"), [(0.5, 0.0), (0.5, 1.0), (0.0, 1.0)])
@pytest.mark.parametrize("parts", [1, 30])
def test_density_follows_its_equation_whatever_the_step(mmp9: float, timp2: float, parts: int) -> None:
    """dm/dt = 0.02 (1 - m) - 0.2 M / (1 + T) m, per day."""
    tissue, processes = matrix_in(mmp9, timp2, start=0.7)
    for _ in range(parts):
        advance_only(tissue, processes, 30.0 * DAY / parts)
    rate = 0.02 + 0.2 * mmp9 / (1.0 + timp2)
    expected = 0.02 / rate + (0.7 - 0.02 / rate) * math.exp(-30.0 * rate)
    np.testing.assert_allclose(density(tissue), expected, rtol=1e-12)


def test_intact_matrix_stays_without_protease() -> None:
    tissue, processes = matrix_in(0.0, 0.5)
    advance_only(tissue, processes, 1000.0)
    np.testing.assert_allclose(density(tissue), 1.0, rtol=1e-12)


def test_it_stays_between_none_and_normal() -> None:
    tissue, processes = matrix_in(1e4, 0.0)
    advance_only(tissue, processes, 2.0)
    assert (density(tissue) >= 0.0).all() and (density(tissue) < 1e-3).all()
    tissue.microenvironment["mmp9"].concentration[:] = 0.0
    for _ in range(5):
        advance_only(tissue, processes, 1e4)
        assert (density(tissue) <= 1.0 + 1e-12).all()
    np.testing.assert_allclose(density(tissue), 1.0, rtol=1e-9)


def test_fibroblasts_lay_down_more_and_debris_does_not() -> None:
    tissue, processes = matrix_in(0.0, 0.0, start=0.0)
    put(tissue, FIBROBLAST, [3, 4])
    put_tumor(tissue, [5])
    tissue.cells["state"][1] = APOPTOTIC
    advance_only(tissue, processes, DAY)
    laid = density(tissue)
    assert laid[3] == pytest.approx(1.0 - math.exp(-0.07))
    np.testing.assert_allclose(np.delete(laid, 3), 1.0 - math.exp(-0.02), rtol=1e-12)


def test_the_ledger_holds() -> None:
    tissue, processes = matrix_in(0.3, 0.2)
    for _ in range(3):
        advance_only(tissue, processes, DAY)
    books = {entry: tissue.ledger.accounts["matrix"][entry] for entry in ("source", "loss", "stored", "residual")}
    assert books["source"] > 0.0 > books["loss"]
    assert abs(books["residual"]) < 1e-9 * books["source"]
    assert books["stored"] == pytest.approx(books["source"] + books["loss"])
