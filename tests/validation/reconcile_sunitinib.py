"""Reconcile what is published on sunitinib's disposition (trap H.4), repeatably.

The published population clearance of 51.8 L/h, the central volume of 2030 L and the label's ranges for half-life,
accumulation and day-14 trough do not fit together. This script

1. shows that a clearance of 51.8 L/h cannot give the day-14 trough, whatever the volumes are,
2. shows whether SU12662 can form from circulating drug alone, without the first pass,
3. finds the largest clearance with which every range holds,
4. with clearance, volume and first pass as published, finds the remaining parameters that lie closest to the middle of
   all ranges and to the published estimates, and rounds them,
5. prints every quantity of the catalog's values against its range.

Run it with ``python tests/validation/reconcile_sunitinib.py [--fit]``; without ``--fit`` it does only 5. Nothing is
written: the catalog is edited by hand, and ``tests/processes/test_dosing.py`` holds it to the ranges.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import numpy as np

from tumorabm.catalog import load_catalog
from tumorabm.processes.dosing.disposition import Compound, DrugModel, Metabolite, propagator
from tumorabm.processes.dosing.pharmacokinetics import drug_model

DOSE = 50.0  # mg once a day
DAY = 24.0
SAMPLE = 0.25  # h between the samples of a profile

# Which entry of drugs/sunitinib.yaml holds the range of each quantity.
ENTRIES: Mapping[str, str] = {
    "clearance CL/F (L/h)": "pk_clearance",
    "central volume V/F (L)": "pk_central_volume",
    "terminal half-life, sunitinib (h)": "terminal_half_life",
    "terminal half-life, SU12662 (h)": "terminal_half_life_su12662",
    "accumulation of AUC(0-24 h), sunitinib": "accumulation",
    "accumulation of the peak, sunitinib": "accumulation",
    "accumulation of the trough, sunitinib": "accumulation",
    "accumulation of AUC(0-24 h), SU12662": "accumulation_su12662",
    "accumulation of the peak, SU12662": "accumulation_su12662",
    "accumulation of the trough, SU12662": "accumulation_su12662",
    "share of SU12662 in the exposure": "exposure_share_su12662",
    "time of the peak after one dose, sunitinib (h)": "time_of_peak",
    "trough of both on day 14 (ng/mL)": "trough_day_14",
}
STEADY = "day-14 trough relative to steady state"  # the label: steady state within 10 to 14 days
SETS = {"literature": "review_2016", "kinetics": "patient_metastasis", "targets": "cellular"}
CATALOG = load_catalog()
RANGES: Mapping[str, tuple[float, float]] = {
    **{key: CATALOG.entry(f"drugs.sunitinib.{entry}", SETS).range for key, entry in ENTRIES.items()},
    STEADY: (0.9, 1.0),
}

# Bounds only: the label's range of clearances says how patients differ, its volume is one of several.
NOT_CENTERED = ("clearance CL/F (L/h)", "central volume V/F (L)", STEADY)

# Published estimates that the free parameters are drawn to, and how far they may go. Units: L/h, L, 1/h. Clearance: Yu
# 2015, as Houk's cannot hold. Volumes and exchange of sunitinib: Houk 2009 (exchange and peripheral volume as
# transcribed from Ait-Oudhia 2016). Absorption: between Houk's 0.195 and Yu's 0.34. SU12662: Yu 2015, multiplied by
# 1.23 to the scale of the amount formed here. First pass: Yu's extraction by the liver, 35.7/(80 + 35.7) = 0.31, of
# which the same 0.21 becomes SU12662 as systemically: 0.21×0.31/(0.21×0.31 + 0.69) = 0.086.
PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    "clearance": (35.7, 34.0, 62.0),
    "central_volume": (2030.0, 1720.0, 2230.0),
    "intercompartmental_clearance": (6.37, 1.0, 60.0),
    "peripheral_volume": (588.0, 50.0, 2500.0),
    "absorption_rate": (0.26, 0.126, 0.5),
    "presystemic_fraction": (0.086, 0.02, 0.17),
    "su12662_clearance": (21.0, 5.0, 60.0),
    "su12662_central_volume": (780.0, 200.0, 5000.0),
    "su12662_intercompartmental_clearance": (24.7, 1.0, 60.0),
    "su12662_peripheral_volume": (477.0, 50.0, 3000.0),
}
KEPT = ("clearance", "central_volume", "presystemic_fraction")  # taken as published, not fitted
FORMATION_FRACTION = 0.21  # fixed by Houk 2009 and Yu 2015: only its ratio to SU12662's clearance can be known


def model(values: Sequence[float], sunitinib_molar_mass: float = 398.5, su12662_molar_mass: float = 370.4) -> DrugModel:
    """A drug model from parameters in the order of ``PUBLISHED``; unbound fractions play no part here."""
    v = dict(zip(PUBLISHED, (float(value) for value in values), strict=True))
    parent = Compound(
        "sunitinib",
        sunitinib_molar_mass,
        0.05,
        v["clearance"],
        v["central_volume"],
        v["intercompartmental_clearance"],
        v["peripheral_volume"],
    )
    metabolite = Compound("su12662", su12662_molar_mass, 0.1, *(v[f"su12662_{key}"] for key in list(PUBLISHED)[:4]))
    formation = Metabolite(metabolite, FORMATION_FRACTION, v["presystemic_fraction"])
    return DrugModel("sunitinib", parent, (formation,), v["absorption_rate"])


def quantities(drug: DrugModel) -> dict[str, float]:
    """What a drug model predicts for each entry of ``RANGES``, by exact propagation of 50 mg once a day."""
    rates = drug.rates
    masses = np.array([compound.molar_mass for compound in drug.compounds])[:, None] / 1e3
    observe = masses * drug.concentrations  # ng/mL per nmol
    dose = np.zeros(rates.shape[0])
    dose[0] = drug.amount(DOSE)
    day, area, _ = propagator(rates, DAY)
    short, *_ = propagator(rates, SAMPLE)

    steady = np.linalg.solve(np.eye(len(dose)) - day, dose)  # right after a dose, after infinitely many
    first, last = _profile(short, observe, dose), _profile(short, observe, steady)
    exposure_first, exposure_last = observe @ area @ dose, observe @ area @ steady
    amounts = np.zeros_like(dose)
    for _ in range(14):
        amounts = day @ (amounts + dose)
    trough14, trough = (observe @ amounts).sum(), (observe @ day @ steady).sum()
    accumulation = {
        "AUC(0-24 h)": exposure_last / exposure_first,
        "the peak": last.max(axis=1) / first.max(axis=1),
        "the trough": (observe @ day @ steady) / (observe @ day @ dose),
    }
    out = {
        "clearance CL/F (L/h)": drug.parent.clearance,
        "central volume V/F (L)": drug.parent.central_volume,
        "share of SU12662 in the exposure": exposure_last[1] / exposure_last.sum(),
        "time of the peak after one dose, sunitinib (h)": SAMPLE * float(np.argmax(first[0])),
        "trough of both on day 14 (ng/mL)": trough14,
        STEADY: trough14 / trough,
    }
    for row, name in enumerate(("sunitinib", "SU12662")):
        own = [i for i, key in enumerate(drug.compartments) if key.startswith(name.lower())]
        out[f"terminal half-life, {name} (h)"] = _terminal_half_life(rates[np.ix_(own, own)])
        out |= {f"accumulation of {kind}, {name}": ratio[row] for kind, ratio in accumulation.items()}
    return {key: float(out[key]) for key in RANGES}


def outside(found: Mapping[str, float]) -> dict[str, float]:
    """How far each quantity lies outside its range, in half widths of the range; only those that do."""
    far = {key: abs(_position(key, value)) - 1.0 for key, value in found.items()}
    return {key: value for key, value in far.items() if value > 0.0}


def fit(fixed: Mapping[str, float] | None = None, center: bool = True, seed: int = 1) -> tuple[np.ndarray, float]:
    """Parameters, within their bounds, that minimize the distance to the ranges; deterministic.

    Parameters
    ----------
    fixed : mapping of str to float, optional
        Parameters to hold at a value (above 0, as the search is over logarithms).
    center : bool
        Also draw every quantity to the middle of its range and every parameter to its published value.
    seed : int
        Seed of the search.

    Returns
    -------
    values : ndarray, shape (parameters,)
        In the order of ``PUBLISHED``.
    violation : float
        Sum of squares of ``outside``.
    """
    from scipy.optimize import differential_evolution, minimize

    published = np.log([entry[0] for entry in PUBLISHED.values()])
    bounds = [(np.log(low), np.log(high)) for _, low, high in PUBLISHED.values()]
    for key, value in (fixed or {}).items():
        bounds[list(PUBLISHED).index(key)] = (np.log(value), np.log(value))

    def violation(logs: np.ndarray) -> float:
        return sum(excess**2 for excess in outside(quantities(model(np.exp(logs)))).values())

    def distance(logs: np.ndarray) -> float:
        found = quantities(model(np.exp(logs)))
        excess = sum(value**2 for value in outside(found).values())
        middle = np.mean([_position(key, value) ** 2 for key, value in found.items() if key not in NOT_CENTERED])
        return 1e3 * excess + middle + np.mean(((logs - published) / np.log(2.0)) ** 2)

    goal = distance if center else violation
    stop = None if center else (lambda logs, convergence: violation(logs) == 0.0)
    search = differential_evolution(
        goal, bounds, seed=seed, maxiter=150 if center else 80, popsize=6, polish=False, callback=stop, tol=1e-8
    )
    logs = search.x
    if center:
        polished = minimize(goal, logs, method="Nelder-Mead", bounds=bounds, options={"maxiter": 3000, "fatol": 1e-9})
        logs = polished.x
    return np.exp(logs), violation(logs)


def report(found: Mapping[str, float]) -> str:
    """A table: quantity, value, range, and whether it holds."""
    lines = [f"{'quantity':48s} {'value':>8s}   range"]
    wrong = outside(found)
    for key, (low, high) in RANGES.items():
        lines.append(f"{key:48s} {found[key]:8.3g}   {low:g} to {high:g}{'   OUTSIDE' if key in wrong else ''}")
    return "\n".join(lines)


def catalog_model() -> DrugModel:
    """Sunitinib as the catalog has it."""
    return drug_model(CATALOG, "sunitinib", SETS)


def _profile(short: np.ndarray, observe: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Concentrations (ng/mL) over a day after a dose, shape (compounds, samples)."""
    rows = [start]
    for _ in range(round(DAY / SAMPLE)):
        rows.append(short @ rows[-1])
    return observe @ np.array(rows).T


def _terminal_half_life(rates: np.ndarray) -> float:
    return float(np.log(2.0) / np.min(-np.linalg.eigvals(rates).real))


def _position(key: str, value: float) -> float:
    """Where a value lies in its range: -1 at the lower end, 0 in the middle, 1 at the upper end."""
    low, high = RANGES[key]
    return (2.0 * value - low - high) / (high - low)


def _round(value: float) -> float:
    """Two significant digits: more would pretend knowledge."""
    return float(f"{value:.2g}")


def _print_fit() -> None:
    share = RANGES["share of SU12662 in the exposure"][1]
    mean = DOSE * 1e3 / (51.8 * DAY)
    print(f"CL/F 51.8 L/h: mean of sunitinib {mean:.1f} ng/mL; with at most {share:.0%} SU12662, mean of both")
    print(
        f"{mean / (1 - share):.1f} ng/mL at steady state, which leaves a trough of 62.9 ng/mL no room below the mean.\n"
    )
    values, left = fit({"clearance": 51.8}, center=False)
    print(f"Best found at CL/F 51.8 L/h (violation {left:.3g}):\n{report(quantities(model(values)))}\n")
    values, left = fit({"presystemic_fraction": 1e-9}, center=False)
    print(f"Best found without first pass (violation {left:.3g}):\n{report(quantities(model(values)))}\n")
    for clearance in (36.0, 40.0, 44.0, 45.0, 46.0, 47.0, 48.0, 50.0):
        _, left = fit({"clearance": clearance}, center=False)
        print(f"CL/F {clearance:g} L/h: {'every range holds' if left == 0 else f'violation {left:.3g}'}")
    values, left = fit({key: PUBLISHED[key][0] for key in KEPT})
    print(
        f"\nClosest to all ranges and published values (violation {left:.3g}):\n{report(quantities(model(values)))}\n"
    )
    rounded = [
        PUBLISHED[key][0] if key in KEPT else _round(value) for key, value in zip(PUBLISHED, values, strict=True)
    ]
    for key, exact, short in zip(PUBLISHED, values, rounded, strict=True):
        print(f"{key:40s} {exact:10.4g} -> {short:g}   (published {PUBLISHED[key][0]:g})")
    print(f"\nRounded:\n{report(quantities(model(rounded)))}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Reconcile the disposition of sunitinib.")
    parser.add_argument("--fit", action="store_true", help="repeat the search behind the catalog's values")
    if parser.parse_args().fit:
        _print_fit()
    else:
        print(report(quantities(catalog_model())))
