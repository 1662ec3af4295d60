"""Claims about pericytes: coverage protects vessels from treatment (F-41) and keeps tumor cells in (F-42).

Beds of vessels first live under a tumor's VEGF and PDGF-BB, which gives them the coverage of tumor vessels, then a drug
that blocks VEGFR2 is given, with or without effect on PDGFR-beta. New vessels do not grow, so what is counted is loss.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from vessel_bed import Bed

from tumorabm.tissue.cells import ENDOTHELIAL, PERICYTE

SEEDS = (1, 2, 3)
TUMOR = {"vegf_a": 0.12, "pdgf_bb": 0.024}  # nM, as in lesions of a few hundred um
DRUG = 15.0  # nM, unbound
# How easily fresh contacts loosen, from firm to loose; the second is about the catalog's.
FIRM, USUAL, LOOSE = "0.02 1/d", "0.07 1/d", "0.4 1/d"
ONLY_VEGFR2 = "catalog.drugs.sunitinib.pdgfrb_inhibition=1e6 nM"
BOTH = "catalog.drugs.sunitinib.pdgfrb_inhibition=1 nM"
NO_GROWTH = ("recolonization", "sprouting")
LOOSENING = "catalog.cell_types.pericyte.loosening_rate"


@functools.cache
def course(seed: int, loosening: str, drug: str, literature: str = "review_2016") -> dict[str, float]:
    """Coverage before and after four weeks of the drug, and the share of vessels that is lost."""
    bed = Bed.of(
        seed, ("pericytes",), f"{LOOSENING}={loosening}", drug, f"sets.literature={literature}", without=NO_GROWTH
    )
    bed.hold(TUMOR).run(25.0)
    before, coverage = bed.vessels, bed.coverage
    bed.hold(TUMOR, DRUG).run(28.0)
    return {"coverage": coverage, "after": bed.coverage, "loss": 1.0 - bed.vessels / before}


def mean(key: str, *arguments: str) -> float:
    return float(np.mean([course(seed, *arguments)[key] for seed in SEEDS]))


def test_f41_loss_under_a_block_of_vegf_falls_with_coverage() -> None:
    levels = [(mean("coverage", rate, ONLY_VEGFR2), mean("loss", rate, ONLY_VEGFR2)) for rate in (LOOSE, USUAL, FIRM)]
    coverage, loss = zip(*levels, strict=True)
    assert coverage[0] + 0.2 < coverage[1] < coverage[2] - 0.15
    assert loss[0] > loss[1] + 0.1 and loss[1] > loss[2] + 0.1
    # In every bed, not in the mean alone.
    for seed in SEEDS:
        found = [course(seed, rate, ONLY_VEGFR2)["loss"] for rate in (LOOSE, USUAL, FIRM)]
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("loosening", [FIRM, USUAL])
def test_f41_an_inhibitor_of_pdgfrb_restores_the_loss(loosening: str) -> None:
    """In covered beds, which do not answer to a block of VEGF alone."""
    for seed in SEEDS:
        alone, both = course(seed, loosening, ONLY_VEGFR2), course(seed, loosening, BOTH)
        assert both["coverage"] == alone["coverage"]  # the same bed until the drug
        assert both["after"] < alone["after"] - 0.1
        assert both["loss"] > alone["loss"] + 0.1


def test_f41_without_pericytes_the_inhibitor_of_pdgfrb_does_nothing() -> None:
    lost = []
    for drug in (ONLY_VEGFR2, BOTH):
        bed = Bed.of(1, (), drug, "substrates=[oxygen, vegf_a, pdgf_bb]", without=NO_GROWTH)
        bed.hold(TUMOR).run(25.0)
        lost.append(bed.vessels - bed.hold(TUMOR, DRUG).run(28.0).vessels)
    assert lost[0] == lost[1] > 0


def test_the_literature_decides_whether_coverage_rises_under_the_drug_while_vessels_are_lost() -> None:
    """As biopsies show it (primary), and as the review would have it, with one drug on both receptors."""
    usual = "catalog.drugs.sunitinib.pdgfrb_inhibition=10 nM"
    rises = [mean(key, USUAL, usual, "primary") for key in ("coverage", "after", "loss")]
    falls = [mean(key, USUAL, usual, "review_2016") for key in ("coverage", "after", "loss")]
    assert rises[1] > rises[0] + 0.05 and falls[1] < falls[0] - 0.05
    assert rises[2] > 0.2 and falls[2] > rises[2]


def test_f41_pdgf_from_endothelium_brings_pericytes_and_these_bring_vegf() -> None:
    """Each link of PDGF-BB -> PDGFR-beta -> VEGF switched off stops what follows."""

    def state(*overrides: str, pdgf: float = 0.024, drug: float = 0.0, without: tuple[str, ...] = ()) -> np.ndarray:
        bed = Bed.of(1, ("pericytes",), *overrides, BOTH, without=(*NO_GROWTH, *without))
        cells = bed.tissue.cells
        pericytes = cells.rows_of(PERICYTE)
        cells["site"][pericytes[::2]] = -1  # every other one is taken away
        cells.keep(cells["site"] >= 0)
        bed.hold({"vegf_a": 0.02, "pdgf_bb": pdgf}, drug).run(6.0)
        source = bed.tissue.microenvironment["vegf_a"]
        try:
            vegf = float(source.contribution("source", "pericyte").sum())
        except KeyError:
            vegf = 0.0
        return np.array([cells.alive(PERICYTE).size / cells.alive(ENDOTHELIAL).size, vegf])

    usual = state()
    no_ligand, blocked = state(pdgf=0.0), state(drug=30.0)
    mute = state(without=("pericyte_secretion",))
    assert usual[0] > 0.75 and usual[1] > 0.0
    for off in (no_ligand, blocked):
        assert off[0] < usual[0] - 0.1
        assert off[1] < 0.1 * usual[1]
    assert mute[0] == usual[0] and mute[1] == 0.0


def test_f41_the_vegf_of_pericytes_reaches_endothelium() -> None:
    """With fields that are solved: VEGFR2 of endothelium signals more with pericytes' VEGF than without it."""
    signals = {}
    for rate in ("0 molecule/cell/s", "0.05 molecule/cell/s"):
        bed = Bed.of(1, ("pericytes",), f"catalog.cell_types.pericyte.vegf_a_secretion={rate}", fields=True).run(0.5)
        rows = bed.tissue.cells.alive(ENDOTHELIAL)
        signals[rate] = bed.tissue.cells["vegfr2_signal"][rows]
    assert (signals["0.05 molecule/cell/s"] > signals["0 molecule/cell/s"]).all()


def test_f42_flux_into_vessels_rises_as_coverage_falls_while_protection_from_treatment_falls() -> None:
    """Both sides of coverage in one table: (coverage, cells per day into vessels, vessels lost under the drug)."""
    table = []
    for rate in (LOOSE, USUAL, FIRM):
        fluxes = []
        for seed in SEEDS:
            bed = Bed.of(
                seed, ("pericytes", "intravasation"), f"{LOOSENING}={rate}",
                "cells=[{shape: disc, radius: 400 um}]", without=NO_GROWTH,
            )  # fmt: skip
            bed.hold({**TUMOR, "oxygen": 40.0}).run(25.0)
            fluxes.append(float(bed.tissue.rates.total("intravasate", bed.rates_size).sum()) * 24.0)
        table.append((mean("coverage", rate, ONLY_VEGFR2), np.mean(fluxes), mean("loss", rate, ONLY_VEGFR2)))
    print("coverage, tumor cells per day into vessels, share of vessels lost under the drug")
    for row in table:
        print("{:.2f}  {:.3f}  {:.2f}".format(*row))
    coverage, flux, loss = np.array(table).T
    assert (np.diff(coverage) > 0.15).all()
    assert (np.diff(flux) < -0.15 * flux[:-1]).all() and flux[0] > 3.0 * flux[2]
    assert (np.diff(loss) < -0.1).all()


def test_f42_only_coverage_is_between_cells_and_blood() -> None:
    """Full coverage keeps all of them in; without the mechanism none leaves."""
    covered = Bed.of(1, ("intravasation",), "cells=[{shape: disc, radius: 300 um}]", without=NO_GROWTH)
    covered.hold({"vegf_a": 0.02, "oxygen": 40.0}).run(0.25)
    assert covered.tissue.rates.total("intravasate", covered.rates_size).sum() == 0.0
    off = Bed.of(1, ("pericytes",), f"{LOOSENING}={LOOSE}", "cells=[{shape: disc, radius: 300 um}]")
    off.hold({**TUMOR, "oxygen": 40.0}).run(25.0)
    assert off.tissue.rates.total("intravasate", off.rates_size).sum() == 0.0
    assert off.tissue.clones.intravasated.sum() == 0
