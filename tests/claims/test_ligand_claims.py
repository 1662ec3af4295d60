"""Claims about drugs against VEGF-A itself and against its receptor, and about VEGF-A in plasma."""

from __future__ import annotations

import numpy as np
from immune_scenes import NODULE, STEP, effect, grown, lesion_vessels, tumor_measures

from tumorabm import yaml
from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.tissue.tissue import Tissue

SEEDS = range(3)
DAY = round(24.0 / STEP)
UNTREATED = "treatment=[]"
# What 10 mg/kg every two weeks and 50 mg a day leave in plasma on average, unbound.
ANTIBODY, INHIBITOR = "exposure={bevacizumab: 1860 nM}", "exposure={sunitinib: 9 nM}"


def test_f09_both_classes_take_vessels_and_slow_growth() -> None:
    found: dict[str, list[Tissue]] = {
        name: [grown(NODULE, seed, 28 * DAY, UNTREATED, *given)[0] for seed in SEEDS]
        for name, given in (("none", ()), ("antibody", (ANTIBODY,)), ("inhibitor", (INHIBITOR,)))
    }
    vessels = {arm: [lesion_vessels(tissue) for tissue in tissues] for arm, tissues in found.items()}
    growth = {arm: [tumor_measures(tissue)["growth"] for tissue in tissues] for arm, tissues in found.items()}
    for arm in ("antibody", "inhibitor"):
        print(
            f"{arm}: vessels {np.mean(vessels[arm]):.0f} of {np.mean(vessels['none']):.0f} "
            f"(d = {effect(vessels['none'], vessels[arm]):.1f}), cells {np.mean(growth[arm]):.2f} of "
            f"{np.mean(growth['none']):.2f} (d = {effect(growth['none'], growth[arm]):.1f})"
        )
        assert effect(vessels["none"], vessels[arm]) < -2.0
        assert effect(growth["none"], growth[arm]) < -1.0


def test_f75_plasma_vegf_rises_under_an_inhibitor_and_an_antibody_takes_it_away() -> None:
    """Sunitinib for twelve weeks, with bevacizumab from the seventh; the sentence of the review is about patients."""
    experiment = load_experiment(
        yaml.parse(NODULE, "nodule").data,
        [
            "burn_in=0 d",
            "duration=126 d",
            "vessels={network: none}",
            "treatment=[{drug: sunitinib, dose: 50 mg, every: 1 d, end: 84 d}, "
            "{drug: bevacizumab, dose: 700 mg, every: 14 d, start: 42 d, end: 84 d}]",
        ],
    )
    tissue, processes = build(experiment)
    patient = [process for process in processes if process.name in ("pharmacokinetics", "systemic_vegf")]
    free, total = [], []
    for _ in range(126 * DAY):
        for process in patient:
            process.step(tissue, STEP)
        tissue.step_number += 1
        tissue.hours += STEP
        free.append(tissue.patient.levels["plasma_vegf_free"])
        total.append(tissue.patient.levels["plasma_vegf"])
    by_day = np.array(free).reshape(-1, DAY).mean(axis=1) / 0.0053
    print(f"free VEGF-A in plasma: {by_day[41]:.2f} of baseline, {by_day[83]:.2f} with bevacizumab, {by_day[-1]:.2f}")
    assert by_day[41] > 1.5
    assert by_day[83] < 0.6 * by_day[41] and total[84 * DAY - 1] > total[42 * DAY - 1]
