"""Dose-response of cells and tissue that are taken out of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.run import run_experiment
from tumorabm.run.assay import Assay, carry_out, doses_between, fitted, resistance, shift
from tumorabm.run.explant import Explant
from tumorabm.run.graft import Graft
from tumorabm.step import advance
from tumorabm.tissue.cells import ENDOTHELIAL, TUMOR

RUNNER = CliRunner()
MANY = 10**6  # cells at each concentration: counts are exact
SETTINGS = (
    "mechanisms={all: false, emt: true, intracellular: true, direct_effect: true, pericytes: true}",
    "sets.literature=review_2016",
    "clones=[{name: clear_cell, vhl: mutated, fraction: 0.5}, "
    "{name: pumping, vhl: mutated, fraction: 0.5, alterations: [abcb1_overexpression]}]",
    "duration=4 d",
    "record.keep=[4 d]",
)


@pytest.fixture(scope="module")
def run(small_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A treated nodule of two clones."""
    return run_experiment(load_experiment(small_config, SETTINGS), tmp_path_factory.mktemp("assay"), quiet=True)


@pytest.fixture(scope="module")
def explant(run: Path) -> Explant:
    return Explant.of(run, "8 d", 60)


# --- the curve -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ic50", "steepness"), [(2.0, 1.0), (40.0, 1.0), (15.0, 2.0)])
def test_a_curve_without_noise_is_found_again(ic50: float, steepness: float) -> None:
    doses = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8)))
    found = fitted(doses, -0.1 + 0.4 / (1.0 + (doses / ic50) ** steepness), MANY)
    assert found.ic50 == pytest.approx(ic50, rel=1e-3) and found.steepness == pytest.approx(steepness, rel=1e-3)
    assert found.none == pytest.approx(0.3, abs=1e-4) and found.all_of_it == pytest.approx(-0.1, abs=1e-4)


def test_what_a_drug_does_not_move_has_no_ic50() -> None:
    doses = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8)))
    nothing = fitted(doses, np.full(9, 0.2), MANY)
    assert nothing.ic50 is None
    assert np.isnan(resistance(nothing, fitted(doses, 0.3 / (1.0 + doses / 5.0), MANY)))


@pytest.mark.parametrize("ic50", [0.02, 3e4])
def test_an_ic50_outside_of_what_was_measured_is_not_told(ic50: float) -> None:
    doses = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8)))
    assert fitted(doses, 0.3 - 0.4 * doses / (doses + ic50), MANY).ic50 is None


def test_an_ic50_beyond_the_last_concentration_is_not_guessed_from_noise() -> None:
    doses = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8)))
    generator = np.random.default_rng(2)
    growth = 0.3 - 0.42 * doses / (doses + 2000.0)
    found = [fitted(doses, growth + 0.013 * generator.standard_normal(9), MANY) for _ in range(60)]
    assert sum(fit.ic50 is not None for fit in found) <= 3


def test_resistance_is_the_logarithm_of_the_ratio() -> None:
    doses = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8)))
    before, now = (fitted(doses, 0.3 / (1.0 + doses / ic50), MANY) for ic50 in (5.0, 15.0))
    assert resistance(now, before) == pytest.approx(np.log(3.0), abs=1e-3)


@pytest.mark.parametrize(("low", "high", "points"), [(0.0, 10.0, 8), (10.0, 1.0, 8), (1.0, 10.0, 3)])
def test_concentrations_that_make_no_curve_are_refused(low: float, high: float, points: int) -> None:
    with pytest.raises(InputError):
        doses_between(low, high, points)


# --- cells in a dish -------------------------------------------------------------------------------------------------


def test_cells_come_into_the_dish_as_they_were(explant: Explant) -> None:
    tissue, _ = explant.placed(explant.surroundings({"sunitinib": "0 nM"}), 1)
    rows = np.argsort(tissue.cells["uid"])
    assert tissue.cells.n == explant.start == 60 and tissue.cells.rows_of(ENDOTHELIAL).size == 0
    for name in ("uid", "clone", "emt", "emt_accumulated", "lysosomal_capacity", "drug_lysosome", "tumor_network"):
        np.testing.assert_array_equal(tissue.cells[name][rows], explant.state[f"cells/{name}"][explant.rows], name)
    assert tissue.cells["drug_lysosome"].max() > 0.0
    assert tissue.clones.alterations == [("vhl_mutated",), ("vhl_mutated", "abcb1_overexpression")]


def test_the_dish_keeps_its_medium_and_has_no_vessels(explant: Explant) -> None:
    dish = explant.surroundings({"sunitinib": "5 nM"}, ["medium.oxygen=60 mmHg"])
    tissue, processes = explant.placed(dish, 1)
    for _ in range(3):
        advance(tissue, processes, dish.time_step)
    oxygen = tissue.microenvironment["oxygen"].concentration
    assert 50.0 < oxygen.min() and oxygen.max() <= 60.0 * (1.0 + 1e-4)
    assert "pericyte_coverage" not in dish.active_processes() and dish.exposure == {"sunitinib": 5.0}


def test_more_drug_leaves_fewer_cells_and_the_same_assay_gives_the_same(explant: Explant) -> None:
    doses, told = doses_between(1.0, 500.0, 4), []
    settings = ["catalog.cell_types.tumor.birth_rate=0.1 1/d", "medium.oxygen=100 mmHg"]
    found, again = (
        carry_out(
            explant, "sunitinib", doses, hours=96.0, replicates=2, settings=settings, told=lambda *n: told.append(n)
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(found.counts, again.counts)
    assert told[-1] == (10, 10)
    total = found.counts.sum(axis=0)
    assert total[0] > total[-1] and (np.diff(total) <= 0).all()
    rows = list(found.rows())
    assert len(rows) == 10 and rows[0]["at_start"] == 60 and rows[0]["at_end"] == found.counts[0, 0]


def test_a_time_that_the_run_has_not_is_refused(run: Path) -> None:
    for at in ("9 d", "-1 d", "1.5 h", "soon"):
        with pytest.raises(InputError, match="--at|time step"):
            Explant.of(run, at, 10)


# --- tissue in a host ------------------------------------------------------------------------------------------------


def test_a_graft_brings_its_cells_and_vessels_and_nothing_else_changes(run: Path) -> None:
    graft = Graft.of(run, "8 d")
    host = graft.surroundings({"sunitinib": "0 nM"})
    tissue, processes = graft.placed(host, 1)
    cells, state = tissue.cells, graft.state
    inside = graft.sites[cells["site"]]
    taken = graft.sites[state["cells/site"]]
    assert inside.sum() == taken.sum() and (cells["cell_type"][~inside] != TUMOR).all()
    order = np.argsort(cells["site"][inside] * 10 + cells["cell_type"][inside])
    before = np.argsort(state["cells/site"][taken] * 10 + state["cells/cell_type"][taken])
    for name in ("site", "cell_type", "clone", "coverage", "emt", "lysosomal_capacity"):
        np.testing.assert_array_equal(cells[name][inside][order], state[f"cells/{name}"][taken][before], name)
    # Links only join cells that are there, both ways, and vessels are joined across the cut.
    edges = tissue.vasculature.edges(cells)
    site_of = dict(zip(cells["uid"].tolist(), cells["site"].tolist(), strict=True))
    sides = np.array([[graft.sites[site_of[uid]] for uid in pair] for pair in edges.tolist()])
    assert (sides[:, 0] != sides[:, 1]).any()
    linked = tissue.vasculature.links > 0
    assert (cells.occupancy[1][linked] >= 0).all()
    assert not tissue.patient.levels.get("first_lesion_size")
    for _ in range(3):
        advance(tissue, processes, host.time_step)
    assert graft.count(tissue) > 0 and graft.start > 0


def test_vessels_of_a_graft_are_lost_with_the_drug(run: Path) -> None:
    graft = Graft.of(run, "8 d")
    found = carry_out(graft, "sunitinib", doses_between(10.0, 1000.0, 4), hours=120.0, replicates=1)
    assert found.counted == "endothelial cells" and found.counts[0, 0] > found.counts[0, -1]


# --- the command -----------------------------------------------------------------------------------------------------


def assay(*arguments: str) -> tuple[int, str, str]:
    from tumorabm.cli import app

    result = RUNNER.invoke(app, ["assay", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_and_writes(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "counts.csv"
    options = ("--drug", "sunitinib", "--points", "4", "--days", "1", "--cells", "40", "--replicates", "1")
    status, out, _ = assay(str(run), "--at", "4 d", "--at", "8 d", *options, "--csv", str(table), "--json")
    told = json.loads(out)
    assert status == 0 and [row["at"] for row in told["assays"]] == ["4 d", "8 d"] and not told["interrupted"]
    assert told["assays"][0]["counted"] == "tumor cells"
    lines = table.read_text().splitlines()
    first, last = (np.log(int(lines[k].rsplit(",", 1)[1]) / 40) for k in (1, 5))
    assert (told["assays"][0]["growth"], told["assays"][0]["growth_at_highest"]) == pytest.approx((first, last))
    assert lines[0].startswith("at,drug,replicate,concentration_nM") and len(lines) == 1 + 2 * 5
    status, out, _ = assay(str(run), "--at", "4 d", *options)
    assert status == 0 and "IC50" in out


def test_counts_of_a_drug_that_does_nothing_seldom_have_an_ic50() -> None:
    doses, generator = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8))), np.random.default_rng(5)
    found = [fitted(doses, np.log(generator.poisson(1000, 9) / 1000), 1000).ic50 for _ in range(200)]
    assert sum(ic50 is not None for ic50 in found) <= 10


def test_what_was_counted_outlives_an_interrupt(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [1]

    def once(*given: Any, **keywords: Any) -> Assay:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return carry_out(*given, **keywords)

    monkeypatch.setattr("tumorabm.run.assay.carry_out", once)
    table = tmp_path / "counts.csv"
    options = ("--drug", "sunitinib", "--points", "4", "--days", "1", "--cells", "40", "--replicates", "1")
    status, _, err = assay(str(run), "--at", "4 d", "--at", "8 d", *options, "--csv", str(table))
    assert status == 130 and "interrupted: counted of 4 d only" in err
    assert {line.split(",")[0] for line in table.read_text().splitlines()} == {"at", "4 d"}
    assert assay(str(run), "--at", "4 d", *options)[0] == 130  # nothing was counted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "8 d", "--drug", "sunitinb"), "sunitinib"),
        (("--at", "8 h d", "--drug", "sunitinib"), "--at"),
        (("--at", "8 d", "--drug", "sunitinib", "--from", "3"), "--from"),
        (("--at", "8 d", "--drug", "sunitinib", "--from", "3 nM", "--to", "1 nM"), "rise from above 0"),
        (("--at", "8 d", "--drug", "sunitinib", "--csv", "nowhere/at/all.csv"), "no such folder"),
        (("--at", "8 d", "--drug", "sunitinib", "--days", "0.01"), "--days"),
        (("--at", "8 d", "--drug", "sunitinib", "--days", "inf"), "--days"),
        (("--at", "8 d", "--drug", "sunitinib", "--csv", "."), "is a folder"),
    ],
)
def test_wrong_input_is_said_in_a_line(run: Path, arguments: tuple[str, ...], said: str) -> None:
    status, _, err = assay(str(run), *arguments)
    assert status == 2 and said in err and len(err.strip().splitlines()) == 1


def test_growth_of_none_is_finite() -> None:
    found = Assay("x", np.array([0.0, 1.0]), "cells", 10, np.array([[20, 0]]))
    assert np.isfinite(found.growth).all()


@pytest.mark.parametrize("setting", ["duration=30 d", "cells=[]", "seed=3", "treatment=[]", "clones[0].fraction=1"])
def test_what_an_assay_decides_itself_is_no_setting(explant: Explant, setting: str) -> None:
    with pytest.raises(InputError, match="an assay has its own"):
        explant.surroundings({"sunitinib": "1 nM"}, [setting])


def test_a_drug_in_the_background_leaves_the_one_that_is_assayed(explant: Explant) -> None:
    dish = explant.surroundings({"sunitinib": "7 nM"}, ["exposure={everolimus: 5 nM}"])
    assert dish.exposure == {"everolimus": 5.0, "sunitinib": 7.0}
    with pytest.raises(InputError, match="exposure.sunitinib: that is the drug whose concentration rises"):
        explant.surroundings({"sunitinib": "7 nM"}, ["exposure.sunitinib=1 nM"])
    with pytest.raises(InputError, match="an assay has its own mechanisms"):
        explant.surroundings({"sunitinib": "7 nM"}, ["mechanisms.emt=false"])


def test_the_lattice_follows_from_the_cells(explant: Explant) -> None:
    with pytest.raises(InputError, match="an assay has its own lattice"):
        explant.surroundings({"sunitinib": "1 nM"}, ["lattice.shape=[5, 5]"])


def _assay(*ic50: float, effect: float = 0.4) -> Assay:
    """What would be counted of 10^6 cells whose replicates have these IC50, nM."""
    doses = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8)))
    growth = np.array([0.3 - effect * doses / (doses + one) for one in ic50])
    return Assay("sunitinib", doses, "tumor cells", 10**6, np.rint(10**6 * np.exp(growth)).astype(np.int64))


def test_a_shift_is_that_of_replicates_of_one_number() -> None:
    """Luck that they share cancels."""
    before, now = _assay(10.0, 20.0, 40.0), _assay(20.0, 40.0, 80.0)
    assert shift(now, before) == pytest.approx([np.log(2.0)] * 3, abs=0.01)
    assert shift(before, before) == (0.0, 0.0, 0.0)
    mean, low, high = shift(_assay(10.0, 20.0, 160.0), before)
    half = 4.3027 * np.log(4.0) / 3.0  # Student's t of two degrees of freedom, times the standard error of 0, 0, ln 4
    assert [mean, low, high] == pytest.approx(np.log(4.0) / 3.0 + np.array([0.0, -half, half]), abs=0.02)
    mean, low, high = shift(_assay(10.0, 20.0, 40.0, effect=0.0), before)
    assert np.isnan([mean, low, high]).all()
    assert shift(_assay(20.0), _assay(10.0))[0] == pytest.approx(np.log(2.0), abs=0.01)


def test_why_there_is_no_ic50_is_said() -> None:
    doses = np.concatenate(([0.0], doses_between(0.3, 1000.0, 8)))
    assert fitted(doses, np.full(9, 0.2), MANY).why == "no effect beyond the noise of 1000000 at each"
    assert fitted(doses, 0.3 - 0.4 * doses / (doses + 3e3), MANY).why == "above 314 nM, the last but one"
    assert fitted(doses, 0.3 - 0.4 * doses / (doses + 0.05), MANY).why == "below 0.3 nM, the lowest"
    assert fitted(doses, 0.3 - 0.4 * doses / (doses + 30.0), MANY).why == ""
    # Sixty cells, of which seven more die at the highest concentrations, tell nothing.
    few = np.log(np.array([65, 65, 65, 65, 65, 65, 65, 58, 58]) / 60)
    assert fitted(doses, few, 60).why == "no effect beyond the noise of 60 at each"
