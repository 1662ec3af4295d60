"""Two drugs on one effect: as doses of one drug (Loewe), or independently (Bliss)."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, put_tumor

from tumorabm.catalog import load_catalog
from tumorabm.config import ExperimentError, load_experiment
from tumorabm.processes.process import Choice
from tumorabm.processes.resistance.direct_effect import DirectEffect
from tumorabm.processes.signaling.inhibitors import Inhibitor, inhibitors_of, left_by, lowering, share_left
from tumorabm.processes.signaling.network import Network
from tumorabm.processes.signaling.vegfr2 import Vegfr2Signal

CATALOG = load_catalog()
BLISS = {**SETS, "combination": "bliss"}
LOEWE = {**SETS, "combination": "loewe"}
R = 1.7  # concentration of the whole dose over the constant


def halves(independent: bool, node: str = "vegfr2", **more: float) -> list[Inhibitor]:
    """One drug under two names, as in a sham combination."""
    return [Inhibitor(name, node, 2.0, group=name if independent else "", **more) for name in ("one", "other")]  # type: ignore[arg-type]


@pytest.mark.parametrize("independent", [False, True])
def test_a_drug_in_two_halves_does_what_the_whole_does_under_loewe_only(independent: bool) -> None:
    whole, pair = {"one": 2.0 * R}, {"one": R, "other": R}
    items = halves(independent)
    alone = 1.0 / (1.0 + R)
    both = (1.0 / (1.0 + R / 2.0)) ** 2 if independent else alone
    assert share_left(items, whole) == alone
    assert share_left(items, pair) == pytest.approx(both, rel=1e-15)
    tissue = bare_tissue((1, 2, 2))
    tissue.patient.exposure.update(pair)
    assert lowering(items, tissue) == pytest.approx(1.0 / both, rel=1e-15)
    network = Network.from_catalog(CATALOG, "rcc_figure1", SETS)
    make = network.make()
    nodes = halves(independent, "mtorc1")
    left = left_by(network, nodes, {name: np.array([c, 0.0]) for name, c in pair.items()}, make, 2)
    np.testing.assert_allclose(left.share[:, 0], [both, 1.0], rtol=1e-15)


def test_partial_inhibition_of_two_drugs() -> None:
    """Rapalogs share FKBP-12 under Loewe; under Bliss each leaves its part."""
    pair = {"one": R, "other": R}
    part = 1.0 - 0.6 * R / (2.0 + R)
    assert share_left(halves(True, largest=0.6), pair) == pytest.approx(part**2, rel=1e-15)
    assert share_left(halves(False, largest=0.6), pair) == pytest.approx(1.0 - 0.6 * R / (1.0 + R), rel=1e-15)


@pytest.mark.parametrize("independent", [False, True])
def test_the_direct_effect_on_division(independent: bool) -> None:
    tissue = bare_tissue((1, 2, 2))
    put_tumor(tissue, [0])
    tissue.patient.exposure.update({"one": R, "other": R})
    process = DirectEffect({"one": 2.0, "other": 2.0}, independent=independent)
    process.step(tissue, 2.0)
    factor = float(tissue.rates.contributions("divide")["direct_effect"][0])
    assert factor == pytest.approx((1.0 / (1.0 + R / 2.0)) ** 2 if independent else 1.0 / (1.0 + R), rel=1e-15)


def test_a_metabolite_goes_with_its_drug() -> None:
    """Only drugs act independently: what a drug becomes acts as more of it."""
    found = [item for item in inhibitors_of(CATALOG, ["sunitinib", "axitinib"], BLISS) if item.node == "vegfr2"]
    assert {item.compound: item.group for item in found} == {
        "sunitinib": "sunitinib",
        "su12662": "sunitinib",
        "axitinib": "axitinib",
    }
    there = {"sunitinib": 3.0, "su12662": 5.0, "axitinib": 0.2}
    k = {item.compound: item.constant for item in found}
    expected = (1.0 + 3.0 / k["sunitinib"] + 5.0 / k["su12662"]) * (1.0 + 0.2 / k["axitinib"])
    assert share_left(found, there) == pytest.approx(1.0 / expected, rel=1e-15)
    assert all(item.group == "" for sets in (SETS, LOEWE) for item in inhibitors_of(CATALOG, ["sunitinib"], sets))


def test_the_choice_reaches_the_processes_and_one_drug_alone_does_not_feel_it() -> None:
    for drugs, differ in ((("sunitinib",), False), (("sunitinib", "axitinib"), True)):
        tissue = bare_tissue((1, 2, 2))
        tissue.patient.exposure.update({"sunitinib": 4.0, "axitinib": 0.2})
        found = [
            lowering(Vegfr2Signal.from_catalog(CATALOG, Choice(sets, drugs)).inhibitors, tissue)
            for sets in (SETS, LOEWE, BLISS)
        ]
        assert found[0] == found[1] and (found[2] > found[1]) is differ


def test_an_experiment_chooses_and_loewe_is_the_default(small_config) -> None:
    usual = load_experiment(small_config)
    assert usual.sets["combination"] == "loewe" and usual.resolved()["sets"]["combination"] == "loewe"
    chosen = load_experiment(small_config, ["sets.combination=bliss"])
    assert load_experiment(chosen.resolved()).choice().sets["combination"] == "bliss"
    with pytest.raises(ExperimentError, match="expected one of loewe, bliss"):
        load_experiment(small_config, ["sets.combination=both"])
