"""What the review says about vessels (claims by their numbers in the project's notes)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, process_of, put_vessel

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.config import load_experiment
from tumorabm.processes.vessels.growth import TipMigration
from tumorabm.step import advance
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import TIP

SMALL = """
name: vessels
duration: 40 d
time_step: 2 h
lattice: {shape: [40, 40], spacing: 20 um, boundary: no_flux}
sets: {kinetics: patient_metastasis, literature: review_2016, targets: cellular}
substrates: [oxygen, vegf_a]
clones: [{name: clear_cell, vhl: mutated}]
cells: [{shape: disc, radius: 200 um}]
vessels: {network: capillary_mesh, spacing: 160 um, arteriole_spacing: 320 um}
"""
DT = 2.0


@dataclass(frozen=True)
class Course:
    """What became of the vessels of a small tumor.

    Attributes
    ----------
    tips : int
        Sprouts that were led by a tip at the end of a step.
    perfused : float
        Share of the vessel length that blood flowed through, mean over days.
    flow : float
        Mean flow by length of vessel, um^3/h, mean over days.
    length : float
        Vessel length at the end, um.
    mmp9 : float
        Mean concentration at the end, nM; NaN without the field.
    """

    tips: int
    perfused: float
    flow: float
    length: float
    mmp9: float


def course(days: int, seed: int, *overrides: str) -> Course:
    """Follow a small tumor."""
    tissue, processes = build(load_experiment(yaml.parse(SMALL, "small").data, [f"seed={seed}", *overrides]))
    led: set[int] = set()
    perfused, flow = [], []
    for step in range(round(days * 24 / DT)):
        advance(tissue, processes, DT)
        cells = tissue.cells
        led |= set(cells["uid"][cells["phenotype"] == TIP].tolist())
        if step % 12 == 11:
            rows, length = lengths(tissue)
            perfused.append(float(length[cells["perfused"][rows] != 0].sum() / length.sum()))
            if "flow" in cells:
                flow.append(float(np.average(cells["flow"][rows], weights=length)))
    field = tissue.microenvironment
    mmp9 = float(field["mmp9"].concentration.mean()) if "mmp9" in field else np.nan
    return Course(len(led), float(np.mean(perfused)), float(np.mean(flow or [np.nan])), lengths(tissue)[1].sum(), mmp9)


def lengths(tissue: Tissue) -> tuple[np.ndarray, np.ndarray]:
    """Endothelial rows and the vessel length at each."""
    rows = tissue.cells.rows_of(ENDOTHELIAL)
    return rows, tissue.vasculature.length(tissue.cells["site"][rows])


def effect(differences: np.ndarray) -> float:
    """Mean of paired differences over their standard deviation."""
    return float(differences.mean() / differences.std(ddof=1))


# --- F-08: VEGF is dominant; VEGFR on endothelium drives proliferation, migration and survival ----------------------

ARMS = ("division_signal", "motility_signal", "survival_signal")


def arms(**signals: float) -> dict[str, float]:
    """Rates of a dead-ended vessel with a tip beside an empty sleeve, at the three signals."""
    names = ("sprouting", "recolonization", "endothelial_survival", "tip_migration", "lumen", "perfusion")
    processes = {name: process_of(name) for name in names}
    tissue = bare_tissue((1, 9, 9), processes=processes.values())
    put_vessel(tissue, [20, 21, 22], **{name: signals.get(name, 0.8) for name in ARMS})
    tissue.vasculature.sleeves[20] = 1
    for name in names[:3]:
        processes[name].step(tissue, DT)
    tips = processes["tip_migration"]
    assert isinstance(tips, TipMigration)
    out = {event: float(tissue.rates.total(event, 3)[0]) for event in ("sprout", "recolonize", "regress")}
    at = [np.array([signals.get(name, 0.8)]) for name in ("motility_signal", "division_signal")]
    return {**out, "tip speed": float(tips.tip_speed(*at)[0])}


def test_f08_receptor_drives_three_rates_that_can_be_knocked_out_apart() -> None:
    """Without its signal an arm stops, and the rates of the two others stay to the last digit."""
    whole = arms()
    assert min(whole.values()) > 0.0
    no_division, no_motility, no_survival = (arms(**{name: 0.0}) for name in ARMS)
    assert no_division["recolonize"] == 0.0 and no_division["tip speed"] == 0.0  # a sprout needs both
    assert no_motility["sprout"] == 0.0 and no_motility["tip speed"] == 0.0
    assert no_survival["regress"] > 5.0 * whole["regress"]
    for changed, same in (
        (no_division, ("sprout", "regress")),
        (no_motility, ("recolonize", "regress")),
        (no_survival, ("sprout", "recolonize", "tip speed")),
    ):
        assert {name: changed[name] for name in same} == {name: whole[name] for name in same}


def test_f08_each_rate_rises_with_its_signal_or_falls_as_regression_does() -> None:
    over = [arms(**dict.fromkeys(ARMS, signal)) for signal in (0.1, 0.4, 0.6, 0.9)]
    for name in ("sprout", "recolonize", "tip speed"):
        assert (np.diff([rates[name] for rates in over]) >= 0.0).all() and over[-1][name] > over[0][name], name
    assert (np.diff([rates["regress"] for rates in over]) < 0.0).all()


@functools.cache
def length_at(share: float) -> float:
    """Mean vessel length after twenty days with a share of the tumor's secretion of VEGF, over three seeds."""
    path = "cell_types.tumor.vegf_secretion_vhl_null"
    entry = load_catalog().entry(path, SETS)
    chosen = (
        f"catalog.{path}={share * entry.value:g} {entry.unit}",
        "catalog.cell_types.endothelial.sprout_rate=0.5 1/d",
        "mechanisms={all: false}",
    )
    return float(np.mean([course(20, seed, *chosen).length for seed in range(1, 4)]))


def test_f08_vessel_density_is_monotone_in_vegf() -> None:
    over = [length_at(share) for share in (0.0, 0.5, 1.0, 4.0)]
    assert over == sorted(over), over
    assert over[-1] > 1.15 * over[0]


# --- F-33: DLL4 and NOTCH -------------------------------------------------------------------------------------------

SPROUTING = (
    "catalog.cell_types.endothelial.sprout_rate=0.5 1/d",
    "catalog.cell_types.endothelial.crowding_density=1000 1/mm^2",
    "mechanisms={all: false, notch: true, flow: true}",
    "substrates=[oxygen, vegf_a, mmp9]",
)
SEEDS = range(1, 11)


@functools.cache
def under(block: float) -> tuple[Course, ...]:
    """Five days of vigorous sprouting with a share of NOTCH blocked, over all seeds."""
    blocked = f"catalog.cell_types.endothelial.notch_inhibition={block}"
    return tuple(course(5, seed, *SPROUTING, blocked) for seed in SEEDS)


def difference(name: str) -> np.ndarray:
    """Blocked less unblocked, by seed."""
    return np.array([getattr(b, name) - getattr(a, name) for a, b in zip(under(0.0), under(1.0), strict=True)])


def test_f33_block_of_notch_gives_more_tips_that_carry_less_blood() -> None:
    """Of ten tumors, paired by seed: effect sizes beyond 0.8 with the signs of the claim."""
    tips, perfused, flow = (difference(name) for name in ("tips", "perfused", "flow"))
    print(*(f"{name} {effect(difference(name)):.2f}" for name in ("tips", "perfused", "flow")))
    assert effect(tips) > 0.8 and np.mean(tips > 0) >= 0.8
    assert effect(perfused) < -0.8 and np.mean(perfused < 0.0) >= 0.8
    assert effect(flow) < -0.8 and np.mean(flow < 0.0) >= 0.8
    assert tips.mean() > 0.2 * np.mean([item.tips for item in under(0.0)])


def test_f33_dll4_and_notch_raise_mmp9() -> None:
    """A block of NOTCH takes away what endothelium secretes of it, the tumor's share stays."""
    assert (difference("mmp9") < 0.0).all()
    without = course(5, 1, *SPROUTING, "catalog.cell_types.endothelial.mmp9_secretion=1e-12 molecule/cell/s")
    assert under(1.0)[0].mmp9 == pytest.approx(without.mmp9, rel=0.05)
    more = course(5, 1, *SPROUTING, "catalog.cell_types.endothelial.dll4_on_notch_half=0.05")
    assert more.mmp9 > under(0.0)[0].mmp9
