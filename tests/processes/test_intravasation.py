"""Tumor cells enter perfused vessels where these leak and matrix lets them through."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, process_of, put_tumor, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice
from tumorabm.tissue.cells import APOPTOTIC
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.requests import INTRAVASATE
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import TIP

MATRIX = Substrate("matrix", "1", "matrix", "immobile", 0.0, 0.0)
VALUES = {"rate": 0.01, "matrix_half": 1.0}
# A vessel along a row of the slab; tumor cells on it, beside it, and away from it.
PATH, ON, BESIDE, AWAY = [30, 31, 32, 33], 31, 40, 60


def scene(**columns: object) -> tuple[Tissue, np.ndarray]:
    """The vessel with three tumor cells; rows of these."""
    process = made("permeability", "matrix")
    tissue = bare_tissue((1, 9, 9), processes=[process, process_of("commit_stroma")], substrates=(MATRIX,))
    put_vessel(tissue, PATH, **{"perfused": 1, **columns})
    return tissue, put_tumor(tissue, [ON, BESIDE, AWAY], clone=0)


def made(*mechanisms: str):
    choice = Choice(SETS, mechanisms=frozenset({"intravasation", *mechanisms}))
    return registered()["intravasation"].from_catalog(load_catalog(), choice, VALUES)


def rates(tissue: Tissue, *mechanisms: str) -> np.ndarray:
    tissue.rates.clear()
    made(*mechanisms).step(tissue, 2.0)
    return tissue.rates.total("intravasate", tissue.cells.n)


def test_each_naked_cell_that_it_touches_adds_to_the_rate() -> None:
    tissue, tumor = scene(coverage=0.0)
    found = rates(tissue)
    np.testing.assert_allclose(found[tumor], [0.03, 0.03, 0.0])  # three of the vessel's cells are touched
    assert np.count_nonzero(found) == 2


def test_coverage_closes_the_wall_and_a_tip_has_none() -> None:
    tissue, tumor = scene(coverage=np.array([0.5, 1.0, 0.75, 0.0]))
    np.testing.assert_allclose(rates(tissue)[tumor], [0.0075, 0.0075, 0.0])
    tissue, tumor = scene(coverage=1.0, phenotype=np.array([TIP, 0, 0, 0]))
    np.testing.assert_allclose(rates(tissue)[tumor], [0.01, 0.01, 0.0])


def test_only_blood_that_flows_takes_cells_along_and_debris_stays() -> None:
    tissue, tumor = scene(coverage=0.0, perfused=np.array([1, 0, 0, 0]))
    np.testing.assert_allclose(rates(tissue)[tumor], [0.01, 0.01, 0.0])
    tissue.cells["state"][tumor[0]] = APOPTOTIC
    np.testing.assert_allclose(rates(tissue)[tumor], [0.0, 0.01, 0.0])


def test_leakiness_and_matrix_count_where_these_mechanisms_are_on() -> None:
    tissue, tumor = scene(coverage=0.5, leakiness=0.4)
    tissue.microenvironment["matrix"].concentration[:] = 1.0
    tissue.microenvironment["matrix"].concentration.reshape(-1)[BESIDE] = 0.0
    np.testing.assert_allclose(rates(tissue)[tumor], [0.015, 0.015, 0.0])
    np.testing.assert_allclose(rates(tissue, "permeability")[tumor], [0.006, 0.006, 0.0])
    np.testing.assert_allclose(rates(tissue, "matrix")[tumor], [0.0075, 0.015, 0.0])


def test_who_leaves_is_counted_by_clone() -> None:
    tissue, tumor = scene(coverage=0.0)
    tissue.clones.add("first")
    tissue.clones.add("second")
    tissue.cells["clone"][tumor] = [1, 0, 1]
    tissue.requests.add(INTRAVASATE, tumor[:2], np.array([0.1, 0.2]))
    process_of("commit_stroma").step(tissue, 2.0)
    assert tissue.clones.intravasated.tolist() == [1, 1]
    assert (tissue.cells["site"][tumor] >= 0).tolist() == [False, False, True]


@pytest.mark.parametrize("mechanisms", [(), ("permeability", "matrix")])
def test_it_asks_for_leakiness_only_where_there_is_any(mechanisms: tuple[str, ...]) -> None:
    names = {column.name for column in made(*mechanisms).columns}
    assert ("leakiness" in names) == bool(mechanisms)
