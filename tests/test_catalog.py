"""The catalog: what its files must hold, what the loader refuses, and the traps in its numbers."""

# Messages stand whole, as users see them.
# ruff: noqa: E501

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

import tumorabm
from tumorabm import units
from tumorabm.catalog import SETS, Catalog, Entry, load_catalog
from tumorabm.catalog.entry import ASSUMED, DERIVED, UNCERTAINTY
from tumorabm.errors import InputError
from tumorabm.processes import registered
from tumorabm.processes.dosing.pharmacokinetics import drug_entries, drug_model
from tumorabm.processes.fate.birth import oxygen_response
from tumorabm.processes.signaling.vegfr2 import _fill_signal
from tumorabm.recording.constants import CONSTANTS, OF_MECHANISMS
from tumorabm.recording.outputs import registered_outputs
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

PACKAGE = Path(tumorabm.__file__).parent
SETS_CHOSEN = {"kinetics": "patient_metastasis", "literature": "primary", "targets": "cellular"}
CATALOG = load_catalog()
ENTRIES = [entry for path in CATALOG.paths() for entry in CATALOG.variants(path).values()]
# Entries by file: thousands of tests would take longer to list than to run.
BY_FILE: dict[str, list[Entry]] = {}
for _entry in ENTRIES:
    BY_FILE.setdefault(".".join(_entry.path.split(".")[:2]), []).append(_entry)


def value(path: str, unit: str, **sets: str) -> float:
    return CATALOG.get(path, unit, {**SETS_CHOSEN, **sets})


# --- every entry -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", BY_FILE.values(), ids=BY_FILE)
def test_entries(entries: list[Entry]) -> None:
    for entry in entries:
        where = f"{entry.path} {entry.variant}"
        assert math.isfinite(entry.value), where
        assert units.dimension(entry.unit), where
        assert entry.description, where
        assert set(entry.source) <= set(CATALOG.bibliography) | {DERIVED, ASSUMED}, where
        assert entry.confidence in "VKE", where
        assert bool(entry.derivation) == (DERIVED in entry.source), where
        if entry.assumed:
            assert entry.range is not None, where
        if entry.range is not None:
            assert entry.range[0] <= entry.value <= entry.range[1], where
            assert entry.range[0] < entry.range[1], where


def test_no_unit_in_a_name_and_rates_say_so() -> None:
    for entry in ENTRIES:
        name = entry.path.rpartition(".")[2]
        assert not re.search(r"_(um|nm|mmhg|per_h|per_d|hours?|days?|h|d)$", name), entry.path
        if units.dimension(entry.unit) == "1 / [time]":
            assert name.endswith("_rate"), entry.path


def test_every_reference_is_used_and_says_where_it_was_read() -> None:
    cited = {key for entry in ENTRIES for key in entry.source}
    cited |= {
        key for noun in (PACKAGE / "catalog").rglob("*.yaml") for key in re.findall(r"[a-z_]+_?\w*", noun.read_text())
    }
    for key, reference in CATALOG.bibliography.items():
        assert key in cited, key
        assert reference.fields.get("note"), key


def test_citations_are_bibtex() -> None:
    keys = CATALOG.sources(["substrates.oxygen.diffusivity", "cell_types.tumor.birth_rate"], SETS_CHOSEN)
    assert keys == ["dasu_2003", "pmid_12534920", "tannock_1972"]
    text = CATALOG.bibtex(keys)
    assert text.count("@") == 3
    assert text.count("{") == text.count("}")


# --- what reads it ---------------------------------------------------------------------------------------------------

READ = {
    (parameter.entry, parameter.unit): process.name
    for process in registered().values()
    for parameter in process.parameters.values()
}
READ |= {entry: "outputs" for group in (CONSTANTS, *OF_MECHANISMS.values()) for entry in group.values()}
READ |= {
    (path, unit): "pharmacokinetics"
    for drug in CATALOG.names("drugs")
    for path, unit in drug_entries(CATALOG, drug).items()
}


@pytest.mark.parametrize(("path", "unit"), READ, ids=[path for path, _ in READ])
def test_what_is_read_exists_in_a_convertible_unit(path: str, unit: str) -> None:
    for kinetics in SETS["kinetics"]:
        for targets in SETS["targets"]:
            for literature in SETS["literature"]:
                sets = {"kinetics": kinetics, "targets": targets, "literature": literature}
                assert math.isfinite(CATALOG.get(path, unit, sets))


@pytest.mark.parametrize(
    "path", [path for path in CATALOG.paths() if next(iter(CATALOG.variants(path).values())).validation]
)
def test_no_validation_target_is_read(path: str) -> None:
    with pytest.raises(InputError, match="validation target"):
        CATALOG.get(path, next(iter(CATALOG.variants(path).values())).unit, SETS_CHOSEN)
    assert path not in {read for read, _ in READ}
    for module in PACKAGE.rglob("*.py"):
        assert path not in module.read_text(encoding="utf-8"), f"{module.name} names {path}"


def test_paths_in_the_code_exist() -> None:
    pattern = re.compile(r"[\"'](?:substrates|cell_types|drugs)\.[a-z0-9_]+\.[a-z0-9_]+[\"']")
    for module in PACKAGE.rglob("*.py"):
        for found in pattern.findall(module.read_text(encoding="utf-8")):
            path = found[1:-1]
            kind, name, fact = path.split(".")
            assert path in CATALOG or fact in CATALOG.noun(kind, name).facts, f"{module.name} names {path}"


@pytest.mark.parametrize("name", CATALOG.names("substrates"))
def test_a_substrate_says_how_it_is_solved(name: str) -> None:
    assert CATALOG.fact(f"substrates.{name}.solver") in ("steady", "implicit", "immobile")
    assert CATALOG.fact(f"substrates.{name}.unit") in ("mmHg", "nM", "1")
    for entry in ("diffusivity", "half_saturation", "initial", "boundary_value"):
        assert f"substrates.{name}.{entry}" in CATALOG


# --- arithmetic of derived values ------------------------------------------------------------------------------------

LN2 = math.log(2.0)
_TERM = re.compile(r"(\d+\.?\d*(?:e-?\d+)?)(?: ((?:1/)?[A-Za-z][\w^]*(?:/[A-Za-z][\w^]*)*))?")


def arithmetic(derivation: str) -> str:
    """The arithmetic that a derivation begins with, up to its first comma; empty if it begins with words."""
    clause = derivation.split(",")[0].split(" = ")[0]
    bare = _TERM.sub("", re.sub(r"\b(ln2|ln|pi)\b", "", clause))
    return clause if re.search(r"\d", clause) and not re.search(r"[A-Za-z]", bare) else ""


def result(clause: str, unit: str) -> float:
    """What the arithmetic gives, in a unit."""
    registry = units._registry()
    names = {"ln": lambda number: math.log(number.to("dimensionless").magnitude)}
    names |= {"ln2": LN2, "pi": math.pi, "Q": lambda number, of: registry.Quantity(number, of)}
    quantities = _TERM.sub(lambda term: f"Q({term[1]}, '{term[2] or 'dimensionless'}')", re.sub("ln2", "LOG", clause))
    found = eval(quantities.replace("LOG", "ln2"), {"__builtins__": {}}, names)
    return float(found.to("dimensionless" if unit == "1" else unit).magnitude)


DERIVED_BY_ID = {f"{entry.path}[{entry.variant}]": entry for entry in ENTRIES if arithmetic(entry.derivation)}


def test_derivations_begin_with_their_arithmetic() -> None:
    assert len(DERIVED_BY_ID) >= 12
    assert result("ln2 / 22.4 h + 5.317e-5 1/min", "1/d") == pytest.approx(LN2 / 22.4 * 24 + 5.317e-5 * 1440)


@pytest.mark.parametrize("entry", DERIVED_BY_ID.values(), ids=DERIVED_BY_ID)
def test_derived_values_are_what_their_arithmetic_gives(entry: Entry) -> None:
    # Values are written with the digits that their sources deserve.
    assert result(arithmetic(entry.derivation), entry.unit) == pytest.approx(entry.value, rel=0.06)


def test_values_that_repeat_others_agree() -> None:
    assert value("substrates.vegf_a.half_saturation", "pM") == value("substrates.vegf_a.vegfr2_dissociation", "pM")
    free, partition = (
        value("drugs.sunitinib.diffusivity_free", "um^2/s"),
        value("drugs.sunitinib.tissue_total_over_unbound", "1"),
    )
    assert value("drugs.sunitinib.diffusivity", "um^2/s") == pytest.approx(free / partition)
    for targets in SETS["targets"]:
        pair = [value(f"drugs.sunitinib.vegfr2_inhibition{of}", "nM", targets=targets) for of in ("", "_su12662")]
        assert pair[0] == pair[1]


# --- drugs -----------------------------------------------------------------------------------------------------------

DRUGS = (
    "sunitinib sorafenib pazopanib axitinib cabozantinib regorafenib cediranib tivozanib dovitinib lenvatinib "
    "bevacizumab temsirolimus everolimus nivolumab interferon_alpha il2 ridaforolimus vistusertib mk2206 trametinib "
    "hydroxychloroquine pp242 torin1 wye132 wye354 pp30"
).split()
FACTS = ["class", "licensed", "unit", "competes_with", "lysosomotropic", "cyp3a4_metabolized"]
FACTS += [f"{pump}_substrate" for pump in ("abcb1", "abcg2", "abcc1")]
# Of a drug that patients take.
GIVEN_FACTS = ["solver", "route", "schedule"]
GIVEN = ["dose", "molar_mass", "fraction_unbound", "pk_clearance", "pk_central_volume", "pk_clearance_variability"]
GIVEN += ["terminal_half_life", "vessel_permeability", "diffusivity_free", "tissue_total_over_unbound"]
TAKEN = [drug for drug in DRUGS if drug_entries(CATALOG, drug)]
# Hours between doses while they are given: daily unless another is named.
INTERVAL = {drug: 12.0 for drug in ("sorafenib", "axitinib", "vistusertib", "hydroxychloroquine")}
INTERVAL |= {drug: 336.0 for drug in ("bevacizumab", "nivolumab")}
INTERVAL |= {"temsirolimus": 168.0, "mk2206": 168.0, "interferon_alpha": 56.0, "il2": 8.0}
# Areas that are those of another dose (mg), or of all that a day brings.
AREA_DOSE = {"pazopanib": 727.0, "axitinib": 10.0}
# What is not known well enough for an exposure to compare with: clearance is assumed altogether.
UNKNOWN_EXPOSURE = ["dovitinib", "mk2206", "vistusertib"]
ATOMS = {
    "H": 1.008,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "F": 18.998,
    "P": 30.974,
    "S": 32.06,
    "Cl": 35.45,
    "I": 126.9,
}
FORMULA = re.compile(r"(?:[A-Z][a-z]?\d*){3,}")
FORMULAS = {entry.path: entry for entry in ENTRIES if FORMULA.fullmatch(entry.derivation)}


@pytest.mark.parametrize("name", DRUGS)
def test_a_drug_says_what_it_is(name: str) -> None:
    facts, values = (getattr(CATALOG.noun("drugs", name), of) for of in ("facts", "values"))
    assert set(FACTS) <= set(facts)
    assert facts["unit"] == "nM"
    assert all(
        isinstance(facts[fact], bool)
        for fact in FACTS
        if fact.endswith(("_substrate", "tropic", "metabolized", "licensed"))
    )
    assert any(re.search(r"_(inhibition|binding)$", value) for value in values)
    assert "pka" in values or not facts["lysosomotropic"]
    if facts.get("in_vitro_only"):
        assert name not in TAKEN
        return
    assert set(GIVEN_FACTS) <= set(facts)
    assert facts["solver"] == "implicit"
    assert set(GIVEN) <= set(values)
    assert units.dimension(values["dose"][""].unit) == "[mass]"
    for measured in ("terminal_half_life", "time_of_peak", "average_in_plasma", "area_in_plasma", "peak_in_plasma"):
        assert measured not in values or values[measured][""].validation, measured


@pytest.mark.parametrize("entry", FORMULAS.values(), ids=FORMULAS)
def test_molar_masses_are_those_of_their_formulas(entry: Entry) -> None:
    atoms = re.findall(r"([A-Z][a-z]?)(\d*)", entry.derivation)
    assert sum(ATOMS[atom] * int(count or 1) for atom, count in atoms) == pytest.approx(entry.value, abs=0.06, rel=1e-5)


def agrees(entry: Entry, found: float) -> bool:
    """Whether a computed number, in the entry's unit, lies in its range, or within a quarter where none is given."""
    low, high = entry.range or (entry.value / 1.25, entry.value * 1.25)
    return 0.99 * low <= found <= 1.01 * high  # ranges are written with few digits


@pytest.mark.parametrize("name", TAKEN)
def test_dispositions_give_what_was_measured_or_say_that_they_do_not(name: str) -> None:
    """Terminal half-life and mean at steady state, from the compartments that runs use."""
    drug, values = drug_model(CATALOG, name, SETS_CHOSEN), CATALOG.noun("drugs", name).values
    own = [row for row, at in enumerate(drug.compartments) if at in (f"{name}_central", f"{name}_peripheral")]
    half_life = LN2 / -np.linalg.eigvals(drug.rates[np.ix_(own, own)]).real.max()
    # What all doses until steady state leave in sum, one dose leaves in the end: the integral over amounts.
    area = (drug.concentrations @ np.linalg.solve(-drug.rates, np.eye(len(drug.rates))[0]))[0]  # h per L
    dose, found = value(f"drugs.{name}.dose", "mg"), {"terminal_half_life": units.convert(half_life, "h", "min")}
    mean = drug.amount(dose) * area / INTERVAL.get(name, 24.0)
    for where in ("plasma", "blood"):
        found[f"average_in_{where}"] = mean
        found[f"area_in_{where}"] = drug.amount(AREA_DOSE.get(name, dose)) * area
    compared = set()
    for key in found.keys() & values.keys():
        entry, number = values[key][""], found[key]
        if key == "terminal_half_life":
            number = units.convert(number, "min", entry.unit)
        else:
            per_hour = "*h" if key.startswith("area") else ""
            if "[mass]" in units.dimension(entry.unit):
                number *= drug.parent.molar_mass * units.factor(f"ng/L{per_hour}", entry.unit)
            else:
                number *= units.factor(f"nM{per_hour}", entry.unit)
        assert agrees(entry, number) or "sources do not agree" in entry.note, f"{key}: {number:g} {entry.unit}"
        compared.add(key.split("_in_")[0])
    assert "terminal_half_life" in compared
    assert compared & {"average", "area"} or name in UNKNOWN_EXPOSURE


@pytest.mark.parametrize("name", TAKEN)
def test_toxicity_is_relative_to_the_usual_exposure_and_has_a_class(name: str) -> None:
    """The number is kept, not computed: in a patient with another clearance it must stay what is usual."""
    drug = drug_model(CATALOG, name, SETS_CHOSEN)
    unbound = np.array([compound.fraction_unbound for compound in drug.compounds]) @ drug.concentrations
    area = unbound @ np.linalg.solve(-drug.rates, np.eye(len(drug.rates))[0])
    mean = drug.amount(value(f"drugs.{name}.dose", "mg")) * area / INTERVAL.get(name, 24.0)
    assert mean == pytest.approx(value(f"drugs.{name}.usual_exposure", "nM"), rel=1e-3)
    toxicity = CATALOG.noun("toxicities", CATALOG.fact(f"drugs.{name}.toxicity_class")).values
    assert {"weight", "onset_time", "recovery_time", "steepness", "reduce_above"} <= set(toxicity)


def test_the_mean_leaves_bioavailability_out() -> None:
    """Clearance is per dose, so that no process may multiply doses with pk_bioavailability besides."""
    for name in TAKEN:
        entries = CATALOG.noun("drugs", name).values.get("pk_bioavailability", {})
        assert all("must not be multiplied in again" in entry.note for entry in entries.values()), name
        assert f"drugs.{name}.pk_bioavailability" not in drug_entries(CATALOG, name)


def test_a_drug_against_pd1_acts_on_t_cells() -> None:
    assert value("drugs.nivolumab.pd1_inhibition", "nM") == value("drugs.nivolumab.pd1_binding", "nM")


# --- the traps in these numbers (section H of the project's parameter notes) -----------------------------------------


def _inhibitors_compete_with_atp() -> None:
    assert CATALOG.fact("drugs.sunitinib.competes_with") == "ATP"
    # At 10 nM the signal falls by a share that does not depend on VEGF; competing with VEGF it would hardly fall.
    inhibition = value("drugs.sunitinib.vegfr2_inhibition", "nM")
    vegf = np.array([0.01, 0.1, 1.0])
    signal = np.zeros((2, 3))
    for drug, row in zip((0.0, 10.0), signal, strict=True):
        _fill_signal.py_func(np.full(3, ENDOTHELIAL), np.arange(3), row, vegf, 0.1, 1.0 + drug / inhibition)
    assert signal[1] / signal[0] == pytest.approx(np.full(3, 1.0 / (1.0 + 10.0 / inhibition)))
    assert (signal[1] / signal[0] < 0.5).all()


def _diffusion_of_vegf_is_read_once() -> None:
    assert "substrates.vegf_a.diffusivity_free" not in {path for path, _ in READ}
    assert value("substrates.vegf_a.diffusivity", "um^2/s") < value("substrates.vegf_a.diffusivity_free", "um^2/s") / 5


def host_vegf(endothelial_share: float) -> float:
    """Balance of host tissue in pM: secretion against decay and receptor internalization, everything well mixed."""
    per_cell = units.factor("molecule/um^3", "pM") / 20.0**3
    secretion = value("substrates.vegf_a.host_secretion", "molecule/s") * per_cell
    decay = LN2 / value("substrates.vegf_a.half_life", "s")
    rate = value("substrates.vegf_a.internalization_rate", "1/s")
    uptake = endothelial_share * rate * value("substrates.vegf_a.receptors_per_cell", "molecule") * per_cell
    half = value("substrates.vegf_a.vegfr2_dissociation", "pM")
    # secretion = decay c + uptake c / (half + c), a quadratic in c
    b = decay * half + uptake - secretion
    return (-b + math.sqrt(b * b + 4.0 * decay * secretion * half)) / (2.0 * decay)


def _host_tissue_is_quiet() -> None:
    half = value("substrates.vegf_a.vegfr2_dissociation", "pM")
    threshold = value("cell_types.endothelial.sprout_threshold", "1")
    assert host_vegf(0.0) / (half + host_vegf(0.0)) > threshold  # without the sink it would sprout
    for share in (0.08, 0.16):
        assert host_vegf(share) / (half + host_vegf(share)) < threshold
    note = CATALOG.entry("substrates.vegf_a.host_secretion", SETS_CHOSEN).note
    low, high = (int(number) for number in re.search(r"(\d+) to (\d+) pM remain", note).groups())  # type: ignore[union-attr]
    assert (round(host_vegf(0.16)), round(host_vegf(0.08))) == (low, high)


def _disposition_has_two_compartments() -> None:
    names = (("clearance", "L/h"), ("intercompartmental_clearance", "L/h"), ("central_volume", "L"))
    clearance, between, central = (value(f"drugs.sunitinib.pk_{name}", unit) for name, unit in names)
    peripheral = value("drugs.sunitinib.pk_peripheral_volume", "L")
    rates = np.array(
        [[-(clearance + between) / central, between / peripheral], [between / central, -between / peripheral]]
    )
    assert 40.0 < LN2 / -np.linalg.eigvals(rates).real.max() < 60.0  # h, the label's terminal half-life


def _bound_and_unbound_drug_are_apart() -> None:
    partition = value("drugs.sunitinib.tissue_total_over_unbound", "1")
    unbound = value("drugs.sunitinib.fraction_unbound", "1")
    assert partition == pytest.approx(value("drugs.sunitinib.tissue_partition", "1") / unbound, rel=0.3)
    assert partition > 100.0


def _direct_effect_depends_on_the_literature_set() -> None:
    assert value("drugs.sunitinib.direct_effect", "1", literature="review_2016") == 1.0
    assert value("drugs.sunitinib.direct_effect", "1", literature="primary") == 0.0
    assert "drugs.sunitinib.tumor_cell_ic50" not in {path for path, _ in READ}


def _birth_is_a_mean_over_a_perfused_lesion() -> None:
    reference = value("cell_types.tumor.birth_reference_oxygen", "mmHg")
    assert reference == pytest.approx(9.6)
    names = ("half", "threshold", "exponent")
    half, threshold, exponent = (
        value(f"cell_types.tumor.birth_oxygen_{name}", "1" if name == "exponent" else "mmHg") for name in names
    )
    at_reference = float(oxygen_response(reference, half, threshold, exponent))
    saturated = float(oxygen_response(1000.0, half, threshold, exponent))
    # Read as a maximum, birth at the reference would not even reach three quarters of it.
    assert at_reference < 0.75 * saturated


def _endothelial_death_is_for_the_uncovered() -> None:
    rate = value("cell_types.endothelial.uncovered_regression_rate", "1/d")
    assert 1.0 - math.exp(-rate * 28.0) > 0.9
    assert (
        value("cell_types.endothelial.host_coverage", "1") > value("cell_types.endothelial.tumor_coverage", "1") > 0.0
    )
    assert value("cell_types.endothelial.covered_multiplier", "1") < 1.0


def _outcomes_are_validation_targets() -> None:
    for path in (
        "substrates.oxygen.physicell_proliferation_saturation",
        "substrates.vegf_a.fold_on_sunitinib",
        "drugs.sunitinib.resistant_uptake_fold",
        "cell_types.endothelial.loss_in_a_week_of_blockade",
    ):
        assert CATALOG.variants(path)[""].validation
    for entry in ENTRIES:
        outcome = re.search(r"fold_on_|_resistant$|ic50_shift|pfs|survival_months|physicell", entry.path)
        assert not outcome or entry.validation, entry.path


def _what_is_missing_is_assumed_widely() -> None:
    for path in ("substrates.oxygen.wall_transfer", "substrates.vegf_a.internalization_rate"):
        entry = CATALOG.entry(path, SETS_CHOSEN)
        assert ASSUMED in entry.source
        assert entry.range is not None and entry.range[1] / entry.range[0] >= 9.0


def _recist_is_not_applied_to_the_block() -> None:
    assert not any("recist" in path for path in CATALOG.paths())
    assert not any("recist" in name or "response" in name for name in registered_outputs())


def _debris_is_said_to_count() -> None:
    assert "Debris counts as lesion" in CATALOG.entry("cell_types.tumor.necrotic_clearance_time", SETS_CHOSEN).note
    assert {"lesion_cells", "lesion_diameter", "viable_fraction"} <= set(registered_outputs())


TRAPS = {
    "1 competition with ATP: drugs/sunitinib.yaml competes_with": _inhibitors_compete_with_atp,
    "2 diffusion of VEGF twice: substrates/vegf_a.yaml diffusivity": _diffusion_of_vegf_is_read_once,
    "3 host VEGF: substrates/vegf_a.yaml host_secretion, internalization_rate": _host_tissue_is_quiet,
    "4 disposition: drugs/sunitinib.yaml pk_*, tests/validation/reconcile_sunitinib.py": _disposition_has_two_compartments,
    "5 tissue partition: drugs/sunitinib.yaml tissue_total_over_unbound": _bound_and_unbound_drug_are_apart,
    "6 direct effect: drugs/sunitinib.yaml direct_effect": _direct_effect_depends_on_the_literature_set,
    "7 kinetics: cell_types/tumor.yaml birth_rate, birth_reference_oxygen": _birth_is_a_mean_over_a_perfused_lesion,
    "8 endothelial death: cell_types/endothelial.yaml uncovered_regression_rate": _endothelial_death_is_for_the_uncovered,
    "9 outcomes: validation: true": _outcomes_are_validation_targets,
    "10 missing numbers: wall_transfer, internalization_rate": _what_is_missing_is_assumed_widely,
    "11 RECIST: left to the patient layer": _recist_is_not_applied_to_the_block,
    "12 debris: cell_types/tumor.yaml necrotic_clearance_time": _debris_is_said_to_count,
}


@pytest.mark.parametrize("trap", TRAPS)
def test_trap(trap: str) -> None:
    TRAPS[trap]()


# --- asking ----------------------------------------------------------------------------------------------------------


def test_sets_choose() -> None:
    assert value("cell_types.tumor.birth_rate", "1/d", kinetics="in_vitro") > 0.3
    davis = value("drugs.sunitinib.vegfr2_inhibition", "nM", targets="davis")
    assert 1.5 == davis < value("drugs.sunitinib.vegfr2_inhibition", "nM", targets="cellular") <= 10.0
    with pytest.raises(InputError, match="needs the set 'targets': one of cellular, davis"):
        CATALOG.entry("drugs.sunitinib.vegfr2_inhibition", {"kinetics": "in_vitro"})


def test_a_wrong_path_or_unit_is_answered() -> None:
    with pytest.raises(InputError, match="did you mean 'substrates.oxygen.diffusivity'"):
        CATALOG.get("substrates.oxygen.diffusivty", "um^2/s", SETS_CHOSEN)
    with pytest.raises(InputError, match=re.escape("'um^2/s' is a diffusivity (area/time), expected a time")):
        CATALOG.get("substrates.oxygen.diffusivity", "h", SETS_CHOSEN)
    with pytest.raises(InputError, match="the catalog has no drugs.sunitinb; did you mean 'sunitinib'"):
        CATALOG.noun("drugs", "sunitinb")
    with pytest.raises(InputError, match="no fact 'substrates.oxygen.solvr'; did you mean 'solver'"):
        CATALOG.fact("substrates.oxygen.solvr")


def test_overrides_are_remembered_and_leave_the_original_alone() -> None:
    changed = CATALOG.with_overrides(
        {"substrates.oxygen.diffusivity": "1.8e-5 cm^2/s", "drugs.sunitinib.vegfr2_inhibition": "4 nM"}
    )
    assert changed.get("substrates.oxygen.diffusivity", "um^2/s", SETS_CHOSEN) == 1800.0
    for targets in SETS["targets"]:
        assert changed.get("drugs.sunitinib.vegfr2_inhibition", "nM", {"targets": targets}) == 4.0
    assert changed.overrides == {
        "substrates.oxygen.diffusivity": "1800 um^2/s",
        "drugs.sunitinib.vegfr2_inhibition": "4 nM",
    }
    assert changed.entry("substrates.oxygen.diffusivity", SETS_CHOSEN).overridden
    assert changed.warnings == ()
    assert value("substrates.oxygen.diffusivity", "um^2/s") == 2000.0
    assert not CATALOG.overrides


def test_what_was_read_is_known() -> None:
    catalog = load_catalog()
    catalog.get("substrates.oxygen.diffusivity", "um^2/s", SETS_CHOSEN)
    assert catalog.paths_read == {"substrates.oxygen.diffusivity"}


# --- users' folders and what the loader refuses ----------------------------------------------------------------------

PLAIN = """\
name: vegf_c
description: Another factor
facts: {solver: implicit, unit: nM}
values:
  diffusivity:
    description: Diffusivity
    value: 10
    unit: um^2/s
    source: [assumed]
    confidence: E
"""


def user_catalog(folder: Path, text: str = PLAIN, name: str = "vegf_c", references: str = "") -> Catalog:
    (folder / "substrates").mkdir(exist_ok=True)
    (folder / "substrates" / f"{name}.yaml").write_text(text)
    if references:
        (folder / "references.bib").write_text(references)
    return load_catalog([folder])


def test_a_folder_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    catalog = user_catalog(tmp_path)
    assert catalog.get("substrates.vegf_c.diffusivity", "um^2/s", SETS_CHOSEN) == 10.0
    assert "substrates.oxygen.diffusivity" in catalog
    assert list(catalog.user_files) == ["substrates/vegf_c.yaml"]
    digest = catalog.user_digest
    assert digest and not CATALOG.user_digest
    replaced = user_catalog(tmp_path, PLAIN.replace("vegf_c", "vegf_a").replace("value: 10", "value: 20"), "vegf_a")
    assert replaced.get("substrates.vegf_a.diffusivity", "um^2/s", SETS_CHOSEN) == 20.0
    assert "substrates.vegf_a.half_life" not in replaced
    assert replaced.user_digest != digest


def test_an_assumed_value_without_a_range_gets_one_and_says_so(tmp_path: Path) -> None:
    entry = user_catalog(tmp_path).entry("substrates.vegf_c.diffusivity", SETS_CHOSEN)
    assert entry.range == (10.0 / UNCERTAINTY, 10.0 * UNCERTAINTY)
    assert entry.range_filled


def test_references_of_ones_own(tmp_path: Path) -> None:
    text = PLAIN.replace("[assumed]", "[mine_2024]").replace("confidence: E", "confidence: V")
    catalog = user_catalog(tmp_path, text, references="@article{mine_2024, title = {A {Title}}, year = {2024}}\n")
    assert catalog.bibliography["mine_2024"].fields == {"title": "A {Title}", "year": "2024"}
    assert catalog.entry("substrates.vegf_c.diffusivity", SETS_CHOSEN).range is None


BY_SET = """\
    by: targets
    variants:
      cellular: {value: 1, unit: nM, source: [assumed], confidence: E}
      davis: {value: 2, unit: nM, source: [assumed], confidence: E}
"""
NUMBER = PLAIN[PLAIN.index("    value") :]
BROKEN = [
    ("unknown unit", "um^2/s", "ums", "8:11: values.diffusivity.unit: 'ums' is not a unit"),
    ("unknown source", "[assumed]", "[asumed]", "9:14: values.diffusivity.source[0]: 'asumed' is not in the bibliography*"),
    ("no list of sources", "[assumed]", "assumed", "9:13: values.diffusivity.source: expected a list of keys*"),
    ("no value", "    value: 10\n", "", "5:3: values.diffusivity: 'value' is missing"),
    ("text", "value: 10", "value: ten", "7:12: values.diffusivity.value: expected a finite number, got 'ten'"),
    ("infinite", "value: 10", "value: .inf", "7:12: values.diffusivity.value: expected a finite number, got inf"),
    ("confidence", "confidence: E", "confidence: X", "10:17: values.diffusivity.confidence: 'X' is none of V, K, E"),
    ("range", "confidence: E", "confidence: E\n    range: [20, 30]", "*must hold the value 10 and more than it"),
    ("range of three", "confidence: E", "confidence: E\n    range: [1, 2, 30]", "*expected [lowest, highest], got [1, 2, 30]"),
    ("zero", "value: 10", "value: 0", "5:3: values.diffusivity: an assumed zero needs a range"),
    ("derived", "[assumed]", "[derived, assumed]", "9:13: values.diffusivity.source: a derived value needs 'derivation'*"),
    ("derived of nothing", "[assumed]", "[derived]\n    derivation: 1 + 1", "*names what it derives from*"),
    ("key", "unit: um", "units: um", "8:5: values.diffusivity.units: unknown key; did you mean 'unit'?"),
    ("file key", "facts:", "fcats:", "3:1: fcats: unknown key; did you mean 'facts'?"),
    ("name", "name: vegf_c", "name: vegf_d", "1:7: name: 'vegf_d' stands in vegf_c.yaml; the name and the file must agree"),
    ("capital", "  diffusivity:", "  Diffusivity:", "5:3: values.Diffusivity: 'Diffusivity' is no name; *"),
    ("set", NUMBER, BY_SET.replace("targets", "target"), "7:9: values.diffusivity.by: 'target' is no kind of set; did you mean*"),
    ("variant", NUMBER, BY_SET.replace("davis", "davies"), "8:5: values.diffusivity.variants: 'davis' is missing"),
    ("dimensions", NUMBER, BY_SET.replace("2, unit: nM", "2, unit: h"), "9:7: *the variants differ in dimension: [substance]*"),
    ("both", NUMBER, BY_SET + "    value: 3\n", "*values.diffusivity.value: 'value' belongs to the variants here"),
    ("duplicate", "    value: 10", "    value: 10\n    value: 11", "8:5: values.diffusivity.value: duplicate key 'value'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_the_loader_refuses(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert PLAIN.count(old) >= 1
    with pytest.raises(InputError) as caught:
        user_catalog(tmp_path, PLAIN.replace(old, new, 1))
    messages = [str(problem).replace(f"{tmp_path}/substrates/vegf_c.yaml:", "") for problem in caught.value.problems]
    pattern = re.escape(expected).replace(r"\*", ".*")
    assert any(re.fullmatch(pattern, message) for message in messages), messages


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "drgs").mkdir()
    text = PLAIN.replace("um^2/s", "ums").replace("confidence: E", "confidence: X")
    with pytest.raises(InputError) as caught:
        user_catalog(tmp_path, text, references="@misc{a, note = {x}}\n@misc{a, note = {x}}\n@misc{b, note = {y}\n")
    text = str(caught.value)
    for part in (
        "'ums' is not a unit",
        "'X' is none of",
        "duplicate key 'a'",
        "entry 'b' is not closed",
        "did you mean 'drugs'",
    ):
        assert part in text
    assert len(caught.value.problems) == 5


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load_catalog([tmp_path / "nope"])


HELD_BY_HOST = ["fgf2", "il8", "pdgf_bb", "s1p", "plgf", "ephrin_a", "ang1", "ang2", "pdgf_cc", "hgf", "bv8"]


@pytest.mark.parametrize("factor", HELD_BY_HOST)
def test_host_tissue_holds_what_the_networks_take_it_to_hold(factor: str) -> None:
    """With the field of a factor, tissue without tumor is as with the constant that stands for it."""
    catalog, sets = CATALOG, SETS_CHOSEN
    decay = np.log(2.0) / catalog.get(f"substrates.{factor}.half_life", "h", sets)
    secreted = catalog.get(f"substrates.{factor}.host_secretion", "molecule/h", sets)
    held = secreted * MOLECULES_TO_NANOMOLAR_VOLUME / 8000.0 / decay
    for network in ("rcc_figure1", "endothelium_figure1"):
        for name, item in catalog.fact(f"networks.{network}.inputs").items():
            if item["substrate"] == factor:
                assert held == pytest.approx(catalog.get(f"networks.{network}.{name}_level", "nM", sets), rel=0.02)
