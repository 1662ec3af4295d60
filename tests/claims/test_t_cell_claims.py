"""Claims about T cells: what of a tumor cell and of a T cell decides on killing, in single pairs and in tumors."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, put, put_tumor
from immune_scenes import NODULE, effect, grown

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice
from tumorabm.processes.stroma.commit import CommitStroma
from tumorabm.processes.stroma.t_cells import TCellKilling, TumorRecognition
from tumorabm.step import advance
from tumorabm.tissue.cells import APOPTOTIC, T_CELL, TUMOR
from tumorabm.tissue.tissue import Tissue

STEP = 2.0
ANTIBODY = """
name: antibody
description: An antibody against PD-1
values:
  pd1_inhibition: {description: K, value: 3, unit: nM, source: [assumed], confidence: E, range: [1, 9]}
"""
HLA, PDL1 = ("hla_g_expression", "hla_e_expression"), ("pdl1_expression",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with an antibody."""
    root = tmp_path_factory.mktemp("catalog")
    (root / "drugs").mkdir()
    (root / "drugs" / "antibody.yaml").write_text(ANTIBODY)
    return root


# --- F-81: the rule, in pairs of a T cell and a tumor cell ------------------------------------------------------------


def killed(folder: Path, hla: float, pdl1: float, pd1: float, dose: float, pairs: int = 1500) -> tuple[float, float]:
    """Share of tumor cells that die within a day beside T cells of their own, and the rate that this should follow."""
    catalog = load_catalog([folder])
    shown = {"hla_g_expression": hla, "hla_e_expression": 0.0, "pdl1_expression": pdl1}
    choice = Choice(SETS, exposure={"antibody": dose}, mechanisms=frozenset({"t_cells"}))
    processes = [
        TumorRecognition(shown),
        TCellKilling.from_catalog(catalog, choice, {"pd1": pd1, "rate": 1.0 / 24.0}),
        registered()["competing_risks"].from_catalog(catalog, choice),
        CommitStroma.from_catalog(catalog, choice),
        registered()["compaction"].from_catalog(catalog, choice),
    ]
    tissue = bare_tissue((1, 3, 4 * pairs), processes=processes)
    tissue.patient.exposure["antibody"] = dose
    places = 4 * pairs + 4 * np.arange(pairs) + 1
    put_tumor(tissue, places)
    put(tissue, T_CELL, places + 1)
    for _ in range(12):
        advance(tissue, processes, STEP)
    occupancy = dose / (dose + 3.0)
    return np.count_nonzero(tissue.cells["state"] == APOPTOTIC) / pairs, (1 - hla) * (1 - pd1 * pdl1 * (1 - occupancy))


def test_f81_kills_follow_hla_pdl1_pd1_and_occupancy(folder: Path) -> None:
    """All combinations of two levels of each: 1 − exp(−k w t) of cells that each have a T cell beside them."""
    pairs = 1500
    for hla, pdl1, pd1, dose in itertools.product((0.0, 0.7), (0.0, 0.9), (0.0, 0.9), (0.0, 27.0)):
        share, weight = killed(folder, hla, pdl1, pd1, dose, pairs)
        expected = 1.0 - np.exp(-weight)
        assert abs(share - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / pairs), (hla, pdl1, pd1, dose)


# --- in tumors --------------------------------------------------------------------------------------------------------

ON = "mechanisms.t_cells=true"
MANY = "catalog.cell_types.t_cell.recruitment_rate=0.02 1/d"  # thirteen times the usual, so that there is much to count
ANTI_PD1 = "exposure={antibody: 27 nM}"  # nine tenths of PD-1 are occupied
DAY, DAYS, SEEDS = 12, 10, 3


@functools.cache
def kills(folder: Path, *overrides: str, alterations: tuple[str, ...] = ()) -> tuple[float, ...]:
    """Kills per hundred tumor cells in ten days, which begin without T cells, in untreated nodules."""
    clones = f"clones=[{{name: clear_cell, vhl: mutated, alterations: [{', '.join(alterations)}]}}]"
    found = []
    for seed in range(SEEDS):
        by: dict[int, int] = {}

        def look(tissue: Tissue, by: dict[int, int] = by) -> None:
            rows = tissue.cells.alive(T_CELL)
            by.update(zip(tissue.cells["uid"][rows].tolist(), tissue.cells["kills"][rows].tolist(), strict=True))

        tissue, _ = grown(NODULE, seed, DAY * DAYS, ON, MANY, clones, *overrides, look=look, folders=[folder])
        found.append(100.0 * sum(by.values()) / np.count_nonzero(tissue.cells["cell_type"] == TUMOR))
    print(overrides, alterations, np.round(found, 2))
    return tuple(found)


def test_f13_blocking_pd1_raises_kills_only_where_there_are_pd1_and_its_ligand(folder: Path) -> None:
    no_ligand = "catalog.cell_types.tumor.pdl1_expression=0"
    # PD-1 comes with exhaustion: without that, and without what T cells have before, there is none.
    no_receptor = ("catalog.cell_types.t_cell.pd1_expression=0", "catalog.cell_types.t_cell.exhaustion_rate=0 1/d")
    usual, blocked = kills(folder), kills(folder, ANTI_PD1)
    assert effect(usual, blocked) > 3.0 and min(blocked) > 1.5 * max(usual)
    for without in ((no_ligand,), no_receptor):
        assert kills(folder, *without) == kills(folder, *without, ANTI_PD1)
        assert min(kills(folder, *without)) > max(usual)


def test_f13_the_more_ligand_the_fewer_kills_and_the_more_there_is_to_gain(folder: Path) -> None:
    more = kills(folder, alterations=PDL1)
    assert np.mean(more) < 0.7 * np.mean(kills(folder))
    gain = np.mean(kills(folder, ANTI_PD1, alterations=PDL1)) / np.mean(more)
    assert gain > 1.3 * np.mean(kills(folder, ANTI_PD1)) / np.mean(kills(folder))


def test_f24_hla_g_and_hla_e_make_t_cells_tolerate_a_tumor(folder: Path) -> None:
    """With PD-1 blocked, so that more is left to be lost: each alone, and both."""
    none = kills(folder, ANTI_PD1)
    one, other = (kills(folder, ANTI_PD1, alterations=(name,)) for name in HLA)
    both = kills(folder, ANTI_PD1, alterations=HLA)
    assert max(*one, *other) < min(none) and np.mean(both) < 0.5 * min(np.mean(one), np.mean(other))
    assert effect(none, one) < -3.0 and effect(none, other) < -3.0
    hidden = "catalog.cell_types.tumor.hla_g_expression=1"
    assert kills(folder, ANTI_PD1, hidden) == (0.0,) * SEEDS


def test_mdscs_restrain_t_cells(folder: Path) -> None:
    """By suppression alone: as many of them are in the way of T cells when they suppress nothing."""
    scene = (ANTI_PD1, "mechanisms.mdsc=true", "catalog.cell_types.mdsc.recruitment_rate=2 1/d")
    free, held = (kills(folder, *scene, f"catalog.cell_types.t_cell.mdsc_suppression={s}") for s in (0.0, 1.0))
    assert np.mean(held) < 0.9 * np.mean(free)
    assert all(b < a for a, b in zip(free, held, strict=True))


def test_untreated_growth_hardly_feels_t_cells() -> None:
    """With the catalog's numbers kills are at most a twentieth of what apoptosis does. Of few T cells little can be
    seen, so there are more of them here than the catalog says, and each counts for less.
    """
    usual = load_catalog().get("cell_types.t_cell.recruitment_rate", "1/d", SETS)
    share = []

    def look(tissue: Tissue) -> None:
        if tissue.step_number > 18 * DAY:
            rate = tissue.rates.contributions("kill")["t_cell_killing"].sum() * usual / 0.02
            share.append(rate / tissue.rates.contributions("apoptosis")["apoptosis"].sum())

    for seed in range(2):
        grown(NODULE, seed, 30 * DAY, ON, MANY, look=look)
    print(f"kills are {np.mean(share):.1%} of apoptosis")
    assert 0.01 < np.mean(share) < 0.05
