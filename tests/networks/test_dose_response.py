"""Dose-response curves against steady states by hand, and the command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tumorabm.catalog import Catalog, load_catalog
from tumorabm.cli import app
from tumorabm.networks.chosen import USUAL_SETS, Conditions
from tumorabm.networks.dose_response import Question, concentrations_between, dose_response, half_maximal

DOSES = concentrations_between(0.1, 1000.0, 41)


def asked(catalog: Catalog, network: str = "chain", drug: str = "kinin", **more: object):
    return dose_response(catalog, Question(network, drug, DOSES, USUAL_SETS, **more))


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["dose-response", *map(str, arguments)])


def test_a_chain_by_hand(catalog: Catalog) -> None:
    found = asked(catalog)
    assert (found.inhibited, found.outputs) == (("kinase",), ("kinase", "division"))  # quiet is not moved
    (curve,) = found.curves
    assert (curve.make, curve.two.any()) == ("none", False)
    kinase, division = found.responses()
    # Without the drug the kinase is at 1/2, with it at 1/2 / (1 + C/K).
    assert kinase.untreated == pytest.approx(0.5)
    assert kinase.relative == pytest.approx(1.0 / (1.0 + DOSES / 10.0))
    active = 0.5 / (1.0 + DOSES / 10.0)
    assert division.relative == pytest.approx(active / (1.0 + active) / (0.5 / 1.5), rel=1e-6)
    # Half of the effect at 1000 nM, which leaves 1/101 of the kinase: 1/(1 + C/K) = 1 - 50/101.
    assert kinase.half_maximal == pytest.approx(10.0 / (1.0 - 50.0 / 101.0) - 10.0, rel=1e-2)
    assert (kinase.largest, kinase.largest_at) == (pytest.approx(1.0 / 101.0 - 1.0), 1000.0)


def test_what_else_is_said_of_the_cell(catalog: Catalog) -> None:
    held = asked(catalog, outputs=["division"], conditions=Conditions({}, {"kinase": 0.3}, ()))
    (row,) = held.responses()
    assert row.untreated == pytest.approx(0.3 / 1.3) and (row.half_maximal, row.largest) == (None, 0.0)
    (cut,) = asked(catalog, outputs=["division"], conditions=Conditions({}, {}, ["kinase -> division"])).responses()
    assert cut.untreated < 1e-9 and np.isnan(cut.relative).all() and cut.half_maximal is None
    (rich,) = asked(catalog, outputs=["kinase"], conditions=Conditions({"factor": "3 nM"}, {}, ())).responses()
    assert rich.untreated == pytest.approx(0.75)


def test_makes_and_other_drugs_of_the_catalog(catalog: Catalog) -> None:
    makes = [("vhl_mutated",), ("vhl_mutated", "tsc_loss"), ()]
    found = asked(catalog, "rcc_figure1", "everolimus", makes=makes)
    assert [curve.make for curve in found.curves] == ["vhl_mutated", "vhl_mutated + tsc_loss", "none"]
    assert found.outputs[0] == "mtorc1" and "nutrient_transport" in found.outputs
    both = asked(catalog, "rcc_figure1", "everolimus", outputs=["erk"], others={"trametinib": 10.0})
    alone = asked(catalog, "rcc_figure1", "everolimus", outputs=["erk"])
    assert both.responses()[0].untreated < 0.3 * alone.responses()[0].untreated
    nothing = asked(catalog, "rcc_figure1", "everolimus", outputs=["erk"], others={"trametinib": 0.0})
    assert nothing.responses()[0].activity == pytest.approx(alone.responses()[0].activity, abs=1e-8)


def test_a_second_steady_state_is_told(catalog: Catalog) -> None:
    (curve,) = asked(catalog, "switch").curves
    changes = np.diff(curve.two.astype(int))
    assert curve.two[0] and not curve.two[-1] and (changes != 0).sum() == 1
    # Coming from the reference it stays on the upper branch until that ends, then falls.
    kinase = curve.state[:, 0]
    assert kinase[0] > 0.9 and kinase[-1] < 0.02 and (np.diff(kinase) <= 1e-9).all()


@pytest.mark.parametrize(
    ("relative", "expected"),
    [
        ([1.0, 0.75, 0.25, 0.0], (10.0**0.5 * 1.0, False)),
        ([1.0, 1.25, 1.75, 2.0], (10.0**0.5 * 1.0, False)),
        ([0.4, 0.2, 0.1, 0.0], (None, True)),
        ([1.0, 1.0, 0.995, 0.991], (None, False)),
        ([1.0, 0.3, 0.3, 0.991], (None, False)),
        ([np.nan] * 4, (None, False)),
    ],
)
def test_half_maximal(relative: list[float], expected: tuple[float | None, bool]) -> None:
    half, below = half_maximal(np.array([0.1, 1.0, 10.0, 100.0]), np.array(relative))
    assert (pytest.approx(half) if half else half, below) == expected


def test_concentrations_have_their_ends_exactly() -> None:
    doses = concentrations_between(0.3, 700.0, 7)
    assert (doses[0], doses[-1], doses.size) == (0.3, 700.0, 7)
    assert np.diff(np.log(doses)) == pytest.approx(np.log(700.0 / 0.3) / 6)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    figure, table = tmp_path / "curve.png", tmp_path / "curve.csv"
    said = ["chain", "--drug", "kinin", "--catalog", folder, "--from", "0.1nM", "--to", "1 uM", "--points", 5]
    result = invoked(*said, "--input", "food=0.5", "--figure", figure, "--csv", table)
    assert result.exit_code == 0, result.output
    assert "kinin in chain, 0.1 to 1000 nM unbound in the cell; food 0.5, targets: cellular" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if "kinase (inhibited)" in line]
    assert line.split()[:1] + line.split()[3:5] == ["none", "0.5", "0.010"] and "-99.0 %" in line
    assert figure.read_bytes().startswith(b"\x89PNG")
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 6 and rows[0]["concentration_nM"] == "0.0" and rows[0]["relative"] == "1.0"
    content = json.loads(invoked(*said, "--output", "quiet", "--json").stdout)
    assert content["concentrations"] == pytest.approx([0.1, 1.0, 10.0, 100.0, 1000.0])
    (curve,) = content["curves"]
    assert curve["nodes"]["quiet"]["half_maximal"] is None and curve["two_states"] == [False] * 5


def test_the_command_combines_drugs_as_is_asked() -> None:
    """Two rapalogs: 0.8 * 18/19 of mTORC1 goes as doses of one drug, 1 - (1 - 0.72)^2 otherwise."""
    half = load_catalog().get("drugs.everolimus.mtorc1_inhibition", "nM", {"targets": "cellular"})
    dose = f"{9 * half:.6g} nM"
    for combination, left in (("loewe", 1.0 - 0.8 * 18 / 19), ("bliss", (1.0 - 0.72) ** 2)):
        said = ["rcc_figure1", "--drug", "everolimus", "--with", f"temsirolimus={dose}", "--combination", combination]
        said += ["--from", "1e-9 nM", "--to", dose, "--points", 2, "--output", "mtorc1", "--json"]
        # PLD2 follows mTORC1 and drives it, so what drives it is held.
        held = [f"{node}=0.5" for node in ("akt", "tsc", "pim", "pld2")]
        content = json.loads(invoked(*said, *(word for text in held for word in ("--clamp", text))).stdout)
        assert content["curves"][0]["nodes"]["mtorc1"]["relative"][-1] == pytest.approx(left / 0.28, rel=1e-6)
        assert content["sets"]["combination"] == combination


def test_the_command_tells_two_states(folder: Path) -> None:
    result = invoked("switch", "--drug", "kinin", "--catalog", folder, "--points", 5)
    assert "none: two steady states at" in result.stdout and "from 0 nM to" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chian", "--drug", "kinin"], "the catalog has no networks.chian; did you mean 'chain'?"),
        (["chain", "--drug", "kinine"], "'kinine' is no drug of the catalog; did you mean 'kinin'?"),
        (["chain", "--drug", "elsib"], "elsib inhibits no node of chain; it inhibits else"),
        (["chain", "--drug", "everolimus"], "everolimus inhibits no node of chain; it inhibits mtorc1"),
        (["chain", "--drug", "kinin", "--output", "divison"], "network chain has no node 'divison'; did you mean"),
        (["chain", "--drug", "kinin", "--input", "fod=1"], "network chain has no input 'fod'; did you mean 'food'?"),
        (["chain", "--drug", "kinin", "--input", "factor=1"], "factor: '1' has no unit, expected"),
        (["chain", "--drug", "kinin", "--input", "factor=-1 nM"], "factor: '-1 nM' must be 0 or more"),
        (["chain", "--drug", "kinin", "--input", "factor"], "--input factor: expected NAME=VALUE"),
        (["chain", "--drug", "kinin", "--clamp", "kinase=2"], "kinase cannot be held at 2; activities go from 0 to 1"),
        (["chain", "--drug", "kinin", "--cut", "kinase -> quiet"], "network chain has no edge 'kinase -> quiet'"),
        (["chain", "--drug", "kinin", "--alterations", "tsc_los"], "'tsc_los' is no alteration of the catalog; did"),
        (["chain", "--drug", "kinin", "--alterations", "tsc_loss"], "'tsc_loss' does not fit: network chain has no"),
        (["chain", "--drug", "kinin", "--with", "kinin=1 nM"], "--with kinin: that is the drug whose concentration"),
        (["chain", "--drug", "kinin", "--from", "0 nM"], "--from: '0 nM' must be above 0"),
        (["chain", "--drug", "kinin", "--from", "9 uM"], "--from 9 uM does not lie below --to 1000 nM"),
        (["chain", "--drug", "kinin", "--targets", "cell"], "--targets: 'cell' is no targets set; did you mean"),
        (["chain", "--drug", "kinin", "--combination", "blis"], "--combination: 'blis' is no combination set; did"),
        (["chain", "--drug", "kinin", "--figure", "x.gif"], "x.gif: a figure's name ends in .png, .svg, .pdf"),
    ],
)
def test_wrong_questions(folder: Path, arguments: list[str], message: str) -> None:
    result = invoked(*arguments, "--catalog", folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message) and result.stderr.count("\n") == 1
