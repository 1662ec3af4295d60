"""F-61: what can be done with drugs in sequence and together is data, said in words, and the same again when reread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tumorabm.config import load_experiment
from tumorabm.config.experiment import Experiment
from tumorabm.processes.dosing.decisions import in_force, numbered
from tumorabm.processes.dosing.schedule import Regimen, dose_events

UNTREATED = Path(__file__).parents[2] / "configs" / "experiments" / "untreated.yaml"
SUNITINIB = "drug: sunitinib, dose: 50 mg, every: 1 d"
EVEROLIMUS = "drug: everolimus, dose: 10 mg, every: 1 d"
DAY = 24.0
# What scans and visits have found and decided: progressions on days 84 and 168, the drug paused or reduced in between.
SEEN = {"progression_1": 84 * DAY, "progression_2": 168 * DAY}
DECIDED = {
    "adaptive": {"paused_0_sunitinib_1": 42 * DAY, "paused_0_sunitinib_2": 84 * DAY},
    "reduction for toxicity": {
        "reduced_0_sunitinib_1": 28 * DAY,
        "reduction_step_0_sunitinib_1": 1.0,
        "interrupted_0_sunitinib_1": 56 * DAY,
        "interrupted_0_sunitinib_2": 70 * DAY,
    },
}
# Items of a treatment, what their sentences say, and mg of all drugs by spans of 28 days.
VERBS: dict[str, tuple[list[str], list[str], list[float]]] = {
    "sequence": (
        [f"{SUNITINIB}, until_progression: 1", f"{EVEROLIMUS}, from_progression: 1, until_progression: 2"],
        ["until the first progression", "from the first progression, until the second progression"],
        [1400, 1400, 1400, 280, 280, 280, 0],
    ),
    "combine": (
        [SUNITINIB, EVEROLIMUS],
        ["sunitinib 50 mg every day, continuously, from day 0", "everolimus 10 mg every day"],
        [1680] * 7,
    ),
    "add-on": (
        [SUNITINIB, "drug: bevacizumab, dose: 700 mg, every: 14 d, from_progression: 1"],
        ["sunitinib", "bevacizumab 700 mg every 14 days, continuously, from the first progression"],
        [1400, 1400, 1400, 2800, 2800, 2800, 2800],
    ),
    "rechallenge": (
        [f"{SUNITINIB}, until_progression: 1", f"{SUNITINIB}, from_progression: 1, start: 56 d"],
        ["until the first progression", "from 56 days after the first progression"],
        [1400, 1400, 1400, 0, 0, 1400, 1400],
    ),
    "holiday": (
        [f"{SUNITINIB}, on: 28 d, off: 28 d, cycles: 3"],
        ["28 days on, 28 days off, 3 cycles"],
        [1400, 0, 1400, 0, 1400, 0, 0],
    ),
    "adaptive": (
        [f"{SUNITINIB}, adaptive: {{pause_below: 0.5, resume_above: 1.0}}"],
        ["paused while the lesion is below 50 % of its first volume, until it is above 100 %"],
        [1400, 700, 0, 1400, 1400, 1400, 1400],
    ),
    "delay": (
        [f"{SUNITINIB}, delays: [{{at: 28 d, by: 14 d}}], end: 84 d"],
        ["until day 84, delayed by 14 days on day 28"],
        [1400, 700, 1400, 0, 0, 0, 0],
    ),
    "loading": (
        ["drug: bevacizumab, dose: 350 mg, every: 14 d, loading: {dose: 700 mg, number: 3}"],
        ["bevacizumab 350 mg every 14 days, continuously, from day 0, first 3 doses 700 mg"],
        [1400, 1050, 700, 700, 700, 700, 700],
    ),
    "reduction": (
        [f"{SUNITINIB}, changes: [{{at: 28 d, dose: 37.5 mg}}, {{at: 84 d, dose: 25 mg}}]"],
        ["37.5 mg from day 28, 25 mg from day 84"],
        [1400, 1050, 1050, 700, 700, 700, 700],
    ),
    "reduction for toxicity": (
        [
            f"{SUNITINIB}, toxicity: {{reduce_above: 1.5, to: [37.5 mg, 25 mg], "
            "interrupt_above: 2.0, resume_below: 1.0}"
        ],
        [
            "reduced to 37.5 mg, then 25 mg above a vegfr inhibitor toxicity of 1.5, "
            "interrupted above a vegfr inhibitor toxicity of 2 until below 1, judged every 14 days"
        ],
        [1400, 1050, 525, 1050, 1050, 1050, 1050],
    ),
}


def given(experiment: Experiment, levels: dict[str, float]) -> list[list[tuple[float, float]]]:
    """Doses of each item over 196 days, as (hour, mg), once all this has been found."""
    out = []
    for number, regimen in numbered(experiment.regimens()):
        now: Regimen | None = in_force(regimen, number, levels)
        times, doses = dose_events(now, 0.0, 196 * DAY) if now is not None else (np.array([]), np.array([]))
        out.append(list(zip(times.tolist(), doses.tolist(), strict=True)))
    return out


@pytest.mark.parametrize("verb", VERBS)
def test_f61_every_verb_is_data_a_sentence_and_the_same_schedule_when_reread(verb: str) -> None:
    items, told, milligrams = VERBS[verb]
    experiment = load_experiment(UNTREATED, [f"treatment=[{', '.join(f'{{{item}}}' for item in items)}]"])
    sentences = experiment.sentences()
    assert len(sentences) == len(told) and all(part in one for part, one in zip(told, sentences, strict=True)), (
        sentences
    )
    levels = {**SEEN, **DECIDED.get(verb, {})}
    doses = given(experiment, levels)
    spans = np.zeros(7)
    for at, mg in (dose for one in doses for dose in one):
        spans[int(at // (28 * DAY))] += mg
    np.testing.assert_allclose(spans, milligrams)
    again = load_experiment(experiment.resolved())
    assert again.sentences() == sentences and again.regimens() == experiment.regimens()
    assert given(again, levels) == doses and again.config_hash == experiment.config_hash
