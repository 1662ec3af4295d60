"""All drug is accounted for: in the body between gut and excreta, in a block of tissue between plasma and lysosomes."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS
from short_run import short
from test_pharmacokinetics import advance as advance_body
from test_pharmacokinetics import treated

from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.processes.dosing.pharmacokinetics import FEMTOMOLES_PER_NANOMOLE, drug_model
from tumorabm.processes.dosing.schedule import Regimen
from tumorabm.processes.transport.drug import host_form
from tumorabm.step import advance
from tumorabm.tissue.cells import ALIVE, TUMOR
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import NANOMOLAR_VOLUME_TO_FEMTOMOLE

ROUNDING = 1e-12  # of what has been dosed, or has passed through the block
DOSES = {"sunitinib": 50.0, "axitinib": 5.0, "bevacizumab": 700.0, "nivolumab": 240.0, "cabozantinib": 60.0}
# Everything that can happen to a cell with drug, in ten days: births, deaths, clearance, pumps gained, loss with blood.
TREATED = (
    "mechanisms={all: false, intracellular: true, direct_effect: true, intravasation: true, mutation: true}",
    "mutations=[{alteration: abcb1_overexpression, rate: 0.3}]",
    "treatment=[{drug: sunitinib, dose: 50 mg, every: 1 d, on: 3 d, off: 2 d}, "
    "{drug: bevacizumab, dose: 700 mg, every: 14 d}, {drug: everolimus, dose: 10 mg, every: 1 d, start: 1 d}]",
    "exposure={axitinib: 0.5 nM}",
    "catalog.cell_types.tumor.intravasation_rate=0.5 1/d",
    "catalog.cell_types.endothelial.host_coverage=0.95",
    "record.keep=[]",
)
DRUGS = ("sunitinib", "everolimus", "bevacizumab", "axitinib")


# --- the body --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drug", DOSES)
@pytest.mark.parametrize("dt", [0.7, 2.0, 24.0])
def test_what_was_dosed_is_in_the_body_or_has_left_it(drug: str, dt: float) -> None:
    """By mouth with a lag and a metabolite, infused, as an antibody; while doses go on and long after them."""
    model = drug_model(load_catalog(), drug, SETS)
    tissue, process = treated(model, Regimen(drug, DOSES[drug], 24.0, end=240.0), treatment_start=11.0)
    for until in (5.0, 12.3, 100.0, 300.0, 1000.0):
        advance_body(tissue, process, until, dt)
        amounts = tissue.patient.amounts[drug] * FEMTOMOLES_PER_NANOMOLE
        accounts = tissue.ledger.accounts
        dosed = accounts.get(model.entry[0], {}).get("dosed", 0.0)
        for account, of in _places(model).items():
            booked = sum(accounts.get(account, {}).values())
            assert booked == pytest.approx(sum(amounts[index] for index in of), abs=ROUNDING * dosed), account
        assert dosed == pytest.approx(amounts.sum() + _left(accounts), abs=ROUNDING * dosed)
        assert (dosed > 0.0) == (until > 11.0 + model.lag * (model.absorption_rate is None))
    assert _left(accounts) > 0.2 * dosed


def _places(model) -> dict[str, list[int]]:
    """Compartments by account."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(model.compartments):
        account = f"{model.name}_depot" if name == "depot" else f"{name.rsplit('_', 1)[0]}_body"
        found.setdefault(account, []).append(index)
    return found


def _left(accounts: dict[str, dict[str, float]]) -> float:
    """What has left the body, by whatever way."""
    ways = ("eliminated", "excreted", "metabolized")
    return -sum(entries.get(way, 0.0) for entries in accounts.values() for way in ways)


def test_what_is_excreted_is_told_from_what_is_metabolized() -> None:
    catalog = load_catalog().with_overrides({"drugs.sunitinib.pk_excreted_share": "0.3"})
    model = drug_model(catalog, "sunitinib", SETS)
    tissue, process = treated(model, Regimen("sunitinib", 50.0, 24.0))
    advance_body(tissue, process, 500.0, 2.0)
    body = tissue.ledger.accounts["sunitinib_body"]
    formed = catalog.get("drugs.sunitinib.pk_formation_fraction_su12662", "1", SETS)
    out = body["excreted"] + body["metabolized"] + body["metabolized_su12662"]
    assert body["excreted"] == pytest.approx(0.3 * out, rel=1e-12)
    assert body["metabolized_su12662"] == pytest.approx(formed * out, rel=1e-12)
    with pytest.raises(ValueError, match="excreted"):
        drug_model(catalog.with_overrides({"drugs.sunitinib.pk_excreted_share": "0.9"}), "sunitinib", SETS)


# --- the block -------------------------------------------------------------------------------------------------------


def places(tissue: Tissue, drug: str) -> dict[str, float]:
    """Drug by account of the ledger, fmol: in the field, in host tissue and debris, in tumor cells."""
    volume = tissue.lattice.site_volume * NANOMOLAR_VOLUME_TO_FEMTOMOLE
    found = {}
    for name in (drug, host_form(drug)):
        if name in tissue.microenvironment:
            field = tissue.microenvironment[name]
            found[name] = float(field.concentration.sum()) * field.substrate.capacity * volume
    labels = tissue.cells.specs["drug_cytosol"].labels
    if drug in labels:
        index = labels.index(drug)
        inside = [tissue.cells[f"drug_{place}"][:, index].sum() for place in ("cytosol", "lysosome")]
        found[f"{drug}_cells"] = float(sum(inside)) * volume
    return found


def booked(entries: dict[str, float]) -> tuple[float, float]:
    """What an account says is there, and all that has passed through it."""
    flows = np.array([amount for entry, amount in sorted(entries.items()) if entry != "stored"])
    return float(flows.sum()), float(np.abs(flows).sum())


@pytest.mark.parametrize("dt", [0.5, 1.0, 2.0])
def test_each_step_of_a_treated_block_closes(dt: float) -> None:
    """With cells that divide, die, are cleared, gain pumps and leave with blood; the solver as loose as in any run."""
    tissue, processes = build(short(*TREATED, f"time_step={dt:g} h"))
    assert tissue.microenvironment["sunitinib"].substrate.tolerance == 1e-4
    accounts, died, seen = tissue.ledger.accounts, set(), set()
    founders = tissue.cells.alive(TUMOR).size
    for _ in range(round(144.0 / dt)):
        advance(tissue, processes, dt)
        seen |= set(tissue.cells["uid"][tissue.cells["cell_type"] == TUMOR].tolist())
        died |= set(tissue.cells["uid"][tissue.cells["state"] != ALIVE].tolist())
        for drug in DRUGS:
            for name, amount in places(tissue, drug).items():
                there, passed = booked(accounts.get(name, {}))
                assert there == pytest.approx(amount, abs=ROUNDING * passed), (name, tissue.step_number)
    cleared = died - set(tissue.cells["uid"].tolist())
    assert len(seen) > founders + 20 and min(len(died), len(cleared)) > 5
    assert len(tissue.clones) > 5, "nobody gained pumps"
    for drug in ("sunitinib", "everolimus"):
        one, host, inside = (accounts[name] for name in (drug, host_form(drug), f"{drug}_cells"))
        assert one["bind"] + host["bind"] == 0.0 == one["release"] + host["release"]
        exchanged = sum(inside[entry] for entry in ("uptake", "efflux", "exocytosis", "returned"))
        assert exchanged == pytest.approx(-one["cells"], rel=1e-12 * inside["uptake"] / -one["cells"])
        gone = -inside["metabolized"] - inside["lost"]
        there = sum(places(tissue, drug).values())
        assert there == pytest.approx(one["supply"] - gone, abs=ROUNDING * booked(one)[1])
        assert min(one["supply"], -inside["metabolized"], -inside["lost"], -inside["returned"]) > 0.0
        # Why plasma is not lowered by it: what the block takes is nothing beside a dose.
        assert one["supply"] < 1e-9 * accounts[f"{drug}_depot"]["dosed"]
    for name in ("sunitinib", "everolimus", "bevacizumab"):  # what an iteration leaves open is made up for
        assert abs(accounts[name]["residual"]) < ROUNDING * booked(accounts[name])[1]
    assert accounts["bevacizumab"]["captures_vegf_a"] < 0.0 < accounts["bevacizumab"]["supply"]
    # A constant concentration is no field: cells take from it and give back to it.
    assert accounts["axitinib_cells"]["uptake"] > 0.0 and "axitinib" not in accounts
