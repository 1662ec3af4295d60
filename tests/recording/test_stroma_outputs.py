"""Outputs about the stroma count what is there, inside the lesion's hull and outside."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put, put_tumor, put_vessel

from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs, series_of
from tumorabm.tissue.cells import ENDOTHELIAL, FIBROBLAST, MDSC, PERICYTE, T_CELL, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import MYELOID

COUNTS = ("pericytes", "mdscs", "fibroblasts", "t_cells")


class WithColumns:
    """What stands for processes that bring the columns of immune cells and fibroblasts."""

    columns = tuple(Column(name, "1", name) for name in ("activation", "exhaustion", "kills"))

    def prepare(self, tissue: Tissue) -> None:
        """Nothing to prepare."""


@pytest.fixture
def tissue() -> Tissue:
    """A square of tumor with a vessel through it, and one cell of every type inside and two or three outside."""
    processes = [process_of(name) for name in ("pericyte_maturing", "endothelial_survival", "commit_vessels")]
    tissue = bare_tissue((1, 12, 12), processes=[*processes, WithColumns()], substrates=())
    tissue.clones.add("one")
    tissue.clones.add("two")
    inside = [y * 12 + x for y in range(4, 9) for x in range(4, 9) if (y, x) != (6, 5)]
    put_tumor(tissue, inside, clone=0)
    put_vessel(tissue, np.arange(6 * 12, 7 * 12), coverage=np.where(np.arange(12) // 4 == 1, 0.5, 1.0))
    put(tissue, PERICYTE, [76, 72, 73], contact_maturity=np.array([0.25, 1.0, 1.0]))
    put(tissue, MDSC, [77, 0, 1])
    put(tissue, FIBROBLAST, [77, 2], activation=np.array([0.75, 0.0]))
    put(tissue, T_CELL, [78, 79, 3], exhaustion=np.array([0.2, 0.4, 1.0]), kills=np.array([2, 3, 4]))
    tissue.clones.intravasated[:] = [5, 2]
    return tissue


def values(tissue: Tissue) -> dict[str, float]:
    measurement = Measurement(tissue, {})
    names = [name for name, item in registered_outputs().items() if item.function.__module__.endswith("stroma_outputs")]
    return {series.name: series.value(measurement) for series in series_of(names, tissue)}


def test_counts_and_means(tissue: Tissue) -> None:
    got = values(tissue)
    assert [got[f"lesion_{name}"] for name in COUNTS] == [1, 1, 1, 2]
    assert [got[f"host_{name}"] for name in COUNTS] == [2, 2, 1, 1]
    assert got["pericyte_maturity"] == 0.25 and got["fibroblast_activation"] == 0.75
    assert got["t_cell_exhaustion"] == pytest.approx(0.3) and got["t_cell_kills"] == 9
    assert got["lesion_coverage"] == pytest.approx((4 * 0.5 + 1.0) / 5) and got["host_coverage"] == 1.0
    assert got["intravasated_cells"] == 7


def test_what_mdscs_have_become_and_how_many_are_in_blood(tissue: Tissue) -> None:
    assert values(tissue)["myeloid_endothelial_cells"] == 0 and np.isnan(values(tissue)["mdsc_pool"])
    tissue.cells["origin"][tissue.cells.alive(ENDOTHELIAL)[:2]] = MYELOID
    tissue.patient.levels.update(mdsc_pool=0.5, mdsc_sensitization=0.25)
    got = values(tissue)
    assert got["myeloid_endothelial_cells"] == 2 and got["mdsc_pool"] == 0.5 and got["mdsc_sensitization"] == 0.25


def test_without_stroma_counts_are_zero_and_means_are_not_defined() -> None:
    tissue = bare_tissue((1, 5, 5), processes=[process_of("pericyte_maturing")], substrates=())
    put_tumor(tissue, [12])
    got = values(tissue)
    assert [got[f"lesion_{name}"] for name in COUNTS] == [0, 0, 0, 0]
    assert np.isnan(got["pericyte_maturity"]) and "t_cell_exhaustion" not in got


def test_the_order_of_rows_changes_nothing(tissue: Tissue) -> None:
    before = values(tissue)
    tissue.cells.permute(np.random.default_rng(1).permutation(tissue.cells.n))
    np.testing.assert_equal(values(tissue), before)
