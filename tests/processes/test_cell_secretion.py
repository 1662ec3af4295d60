"""What cells of the stroma, and host tissue, secrete of what the experiment has."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, put, put_tumor

from tumorabm.catalog import load_catalog
from tumorabm.processes.process import Choice
from tumorabm.processes.signaling.cell_signaling import effects_of, expressions_of
from tumorabm.processes.transport.cell_secretion import CellSecretion
from tumorabm.processes.transport.secretion import FactorSecretion
from tumorabm.tissue.cells import APOPTOTIC, FIBROBLAST, MDSC
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

CATALOG = load_catalog()
SITES = 8000.0  # um^3


def fields(*names: str) -> list[Substrate]:
    return [Substrate(name, "nM", name, "implicit", 1e5, 0.1) for name in names]


def rate(path: str) -> float:
    """A rate of the catalog as nM/h on one site."""
    return CATALOG.get(path, "molecule/h", SETS) * MOLECULES_TO_NANOMOLAR_VOLUME / SITES


class OfMdsc(CellSecretion):
    """As the owner of a type of cell writes it."""

    name = "secretion_of_mdsc"
    cell_type = "mdsc"
    row_type = MDSC

    def activity(self, tissue: Tissue, rows: np.ndarray, substrate: str) -> np.ndarray | float:
        return 1.0 + tissue.cells["uid"][rows] % 7 if substrate == "bv8" else 1.0


def source(tissue: Tissue, substrate: str, name: str) -> np.ndarray:
    return tissue.microenvironment[substrate].contribution("source", name).ravel()


def test_every_secretion_of_the_catalog_that_the_experiment_has_and_no_other() -> None:
    assert OfMdsc.rates_from(CATALOG, Choice(SETS)) == {}
    found = OfMdsc.rates_from(CATALOG, Choice(SETS, substrates=("oxygen", "vegf_a", "bv8", "mmp9")))
    assert found == {name: CATALOG.get(f"cell_types.mdsc.{name}_secretion", "molecule/h", SETS) for name in found}
    assert set(found) == {"bv8", "mmp9"}


def test_each_living_cell_of_the_type_secretes_into_its_site() -> None:
    process = OfMdsc.from_catalog(CATALOG, Choice(SETS, substrates=("bv8", "mmp9")))
    tissue = bare_tissue((1, 3, 4), processes=[process], substrates=fields("bv8", "mmp9"))
    put_tumor(tissue, [0, 1])
    put(tissue, FIBROBLAST, [2])
    put(tissue, MDSC, [1, 5, 7], state=np.array([0, 0, APOPTOTIC]))
    process.step(tissue, 2.0)
    expected = np.zeros(12)
    expected[[1, 5]] = rate("cell_types.mdsc.mmp9_secretion")
    np.testing.assert_allclose(source(tissue, "mmp9", "mdsc"), expected)
    rows = tissue.cells.alive(MDSC)
    expected[:] = 0.0
    expected[tissue.cells["site"][rows]] = rate("cell_types.mdsc.bv8_secretion") * (1 + tissue.cells["uid"][rows] % 7)
    np.testing.assert_allclose(source(tissue, "bv8", "mdsc"), expected)
    before = source(tissue, "bv8", "mdsc").copy()
    tissue.cells.permute(np.arange(tissue.cells.n)[::-1])
    process.step(tissue, 2.0)
    np.testing.assert_array_equal(source(tissue, "bv8", "mdsc"), before)


def test_a_tissue_without_cells_of_the_type_gets_nothing() -> None:
    process = OfMdsc.from_catalog(CATALOG, Choice(SETS, substrates=("bv8",)))
    tissue = bare_tissue((1, 3, 4), processes=[process], substrates=fields("bv8"))
    process.step(tissue, 2.0)
    assert not source(tissue, "bv8", "mdsc").any()


def test_host_tissue_secretes_also_what_tumor_cells_do_not() -> None:
    """Where no parenchyma cell is; a fibroblast takes a site's place."""
    process = FactorSecretion.from_catalog(CATALOG, Choice(SETS, substrates=("vegf_a", "ang1", "ephrin_a")))
    assert set(process.rates) == {"ephrin_a"} and set(process.host) == {"ang1", "ephrin_a"}
    tissue = bare_tissue((1, 3, 4), processes=[process], substrates=fields("vegf_a", "ang1", "ephrin_a"))
    put_tumor(tissue, [0])
    put(tissue, FIBROBLAST, [3])
    process.step(tissue, 2.0)
    host = np.ones(12)
    host[[0, 3]] = 0.0
    expected = {name: host * rate(f"substrates.{name}.host_secretion") for name in ("ang1", "ephrin_a")}
    expected["ephrin_a"][0] = rate("substrates.ephrin_a.tumor_secretion")
    for name, values in expected.items():
        np.testing.assert_allclose(source(tissue, name, "tumor_and_host"), values)


def test_what_cells_show_to_others_is_no_effect_on_their_network() -> None:
    made = ("vhl_mutated", "pdl1_expression", "hla_g_expression", "pdl1_expression")
    assert effects_of(CATALOG, made, SETS) == {"vhl_level": 0.0}
    shown = expressions_of(CATALOG, made, SETS)
    level = CATALOG.get("alterations.pdl1_expression.pdl1_expression", "1", SETS)
    assert shown == {
        "pdl1_expression": pytest.approx(1.0 - (1.0 - level) ** 2),
        "hla_g_expression": CATALOG.get("alterations.hla_g_expression.hla_g_expression", "1", SETS),
    }
    assert expressions_of(CATALOG, ("vhl_mutated",), SETS) == {}
