"""Claims about myeloid-derived suppressor cells: what they do to a tumor, when they come, what they release."""

from __future__ import annotations

import copy
import functools

import numpy as np
from immune_scenes import NODULE, STEP, SUNITINIB, XENOGRAFT, effect, grown, lesion_vessels, tumor_measures

from tumorabm.processes.process import Phase
from tumorabm.processes.stroma.mdsc import SENSITIZATION
from tumorabm.step import advance
from tumorabm.tissue.cells import ENDOTHELIAL, MDSC
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import MYELOID

ON = "mechanisms.mdsc=true"
MANY = "catalog.cell_types.mdsc.recruitment_rate=2 1/d"
NONE = "catalog.cell_types.mdsc.recruitment_rate=0 1/d"
MUCH_BV8 = "catalog.cell_types.mdsc.bv8_secretion=5 molecule/cell/s"
NO_BV8_RECEPTOR = "signaling={endothelial: {cut: [bv8_to_pkr1]}}"
DAY = round(24.0 / STEP)


def test_f23_mdscs_raise_vessels_and_growth_and_lower_necrosis() -> None:
    """Three signs, in untreated tumors with and without them; all else, the seeds too, is the same."""
    found: dict[str, list[dict[str, float]]] = {}
    for arm, rate in (("without", NONE), ("with", MANY)):
        found[arm] = []
        for seed in range(8):
            tissue, _ = grown(XENOGRAFT, seed, 13 * DAY, ON, MUCH_BV8, rate)
            found[arm].append(tumor_measures(tissue))
            assert (tissue.cells.alive(MDSC).size > 20) == (arm == "with")
    for name, sign in (("density", 1), ("necrosis", -1), ("growth", 1)):
        without, with_them = (np.array([of[name] for of in found[arm]]) for arm in ("without", "with"))
        change = sign * (with_them - without)  # of pairs: beds at the start differ between seeds
        size = change.mean() / change.std(ddof=1)
        print(
            f"{name}: {without.mean():.3f} -> {with_them.mean():.3f}, d = {effect(without, with_them):+.2f}, of pairs "
            f"{size:.2f}, right in {np.count_nonzero(change > 0.0)} of 8 seeds"
        )
        assert size > 0.7 and np.count_nonzero(change > 0.0) >= 6, name


@functools.cache
def treated(seed: int) -> dict[str, np.ndarray]:
    """Course of a nodule: two weeks without treatment, four weeks of sunitinib, one value per step."""
    series: dict[str, list[float]] = {"vessels": [], "influx": [], "mdscs": [], "myeloid": [], "oxygen": []}

    def look(tissue: Tissue) -> None:
        cells = tissue.cells
        series["vessels"].append(lesion_vessels(tissue, perfused=True))
        series["influx"].append(float(tissue.rates.contributions("admit_mdsc")["mdsc_recruitment"].sum()))
        series["mdscs"].append(cells.alive(MDSC).size)
        series["myeloid"].append(np.count_nonzero(cells["origin"] == MYELOID))
        series["oxygen"].append(float(tissue.microenvironment["oxygen"].concentration.mean()))

    incorporate = "catalog.cell_types.mdsc.incorporation_rate=0.05 1/d"
    grown(NODULE, seed, 42 * DAY, ON, SUNITINIB, "burn_in=14 d", incorporate, look=look)
    return {name: np.array(values) for name, values in series.items()}


SEEDS = range(4)


def course(name: str) -> np.ndarray:
    """Mean over seeds, by day."""
    return np.mean([treated(seed)[name] for seed in SEEDS], axis=0).reshape(-1, DAY).mean(axis=1)


def test_f43_hypoxia_recruits_and_the_influx_lags_the_loss_of_vessels() -> None:
    """The drug takes them out of blood, and still more of them come: a week and more after vessels began to go."""
    vessels, influx, mdscs = course("vessels"), course("influx"), course("mdscs")
    before = slice(10, 14)
    losing = int(np.argmax(vessels[14:] < 0.9 * vessels[before].mean())) + 14
    peak = int(np.argmax(influx[14:])) + 14
    rise = influx[peak] / influx[before].mean()
    print(f"vessels below 90 % on day {losing}, influx highest on day {peak}, {rise:.2f} times that before")
    assert influx[peak] > 1.15 * influx[before].mean()
    assert influx[losing] < 0.5 * (influx[before].mean() + influx[peak])
    assert peak >= losing + 5
    assert vessels[peak] < 0.8 * vessels[before].mean()
    # Per vessel it goes on rising: what falls in the end are the doors.
    per_vessel = influx / vessels
    assert per_vessel[-3:].mean() > 2.0 * per_vessel[before].mean()
    assert mdscs[peak : peak + 3].mean() > mdscs[before].mean()


def test_f44_mmp9_of_mdscs_frees_vegf_from_matrix_and_none_is_lost_on_the_way() -> None:
    much = "catalog.cell_types.mdsc.mmp9_secretion=0.5 molecule/cell/s"
    release = "catalog.substrates.mmp9.vegf_release=0.5 1/h/nM"
    overrides = (ON, "mechanisms.matrix_vegf=true", MANY, much, release)
    tissue, processes = grown(XENOGRAFT, 1, 5 * DAY, *overrides)
    fields = [process for process in processes if process.phase == Phase.FIELDS]
    secretion = next(process for process in fields if process.name == "mdsc_secretion")
    rates = dict(secretion.rates)
    free, bound, released = [], [], []
    for factor in (0.0, 1.0):
        secretion.rates = {**rates, "mmp9": factor * rates["mmp9"]}
        arm = copy.deepcopy(tissue)
        arm.ledger.accounts.clear()
        for _ in range(4 * DAY):  # cells stay as they are
            advance(arm, fields, STEP)
        free.append(arm.microenvironment["vegf_a"].concentration.sum())
        bound.append(arm.microenvironment["vegf_bound"].concentration.sum())
        accounts = arm.ledger.accounts
        released.append(accounts["vegf_a"]["release"])
        for entry in ("bind", "release"):
            assert accounts["vegf_a"][entry] == -accounts["vegf_bound"][entry] != 0.0
    more = [pair[1] / pair[0] for pair in (free, bound, released)]
    print(f"free VEGF x {more[0]:.4f}, bound x {more[1]:.3f}, released x {more[2]:.1f}")
    assert more[0] > 1.002 and more[1] < 0.9 and more[2] > 1.5


def test_f45_some_mdscs_become_endothelium() -> None:
    assert sum(treated(seed)["myeloid"].max() for seed in SEEDS) > 0.0
    never, seen = "catalog.cell_types.mdsc.incorporation_rate=0 1/d", []
    grown(
        NODULE, 0, 36 * DAY, ON, SUNITINIB, MANY, never,
        look=lambda tissue: seen.append((tissue.cells["origin"] == MYELOID).any()),
    )  # fmt: skip
    assert not any(seen)


def test_f46_bv8_of_resistant_tumors_mdscs_rescues_vessels_and_anti_bv8_takes_the_rescue_away() -> None:
    """Resistant: sensitized by hypoxia. Under sunitinib; anti-Bv8 is a receptor that does not feel it."""

    def sensitized(tissue: Tissue) -> None:
        tissue.patient.levels[SENSITIZATION] = 1.0

    slow = "catalog.cell_types.mdsc.sensitization_time=120 d"
    arms = {
        "none": ((NONE,), None),
        "resistant": ((MANY,), sensitized),
        "anti-Bv8": ((MANY, NO_BV8_RECEPTOR), sensitized),
    }
    density: dict[str, list[float]] = {}
    for arm, (overrides, start) in arms.items():
        density[arm] = []
        for seed in range(3):
            tissue, _ = grown(NODULE, seed, 32 * DAY, ON, SUNITINIB, slow, *overrides, start=start)
            density[arm].append(lesion_vessels(tissue) / tumor_measures(tissue)["growth"])
            if arm != "none":
                vessels = tissue.cells["site"][tissue.cells["cell_type"] == ENDOTHELIAL]
                assert tissue.microenvironment["bv8"].at(vessels).mean() > 0.05
    means = {arm: float(np.mean(values)) for arm, values in density.items()}
    print({arm: round(value, 3) for arm, value in means.items()})
    assert effect(density["none"], density["resistant"]) > 2.0
    assert effect(density["anti-Bv8"], density["resistant"]) > 2.0
    # What is left of the rescue without Bv8 is small.
    assert means["anti-Bv8"] - means["none"] < 0.25 * (means["resistant"] - means["none"])


def test_f46_hypoxia_sensitizes_mdscs_within_weeks_of_treatment() -> None:
    levels: list[float] = []
    grown(NODULE, 0, 40 * DAY, ON, SUNITINIB, look=lambda tissue: levels.append(tissue.patient.levels[SENSITIZATION]))
    course = np.array(levels).reshape(-1, DAY).mean(axis=1)
    assert course[-1] > 1.5 * course[9]  # the last day before treatment
    assert course[15] < 0.5 * (course[9] + course[-1])  # not within days
