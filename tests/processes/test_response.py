"""Scans, progressions, and treatments that go by them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from bare_tissue import bare_tissue, put_tumor

from tumorabm.config import ExperimentError, load_experiment
from tumorabm.processes.dosing.decisions import in_force
from tumorabm.processes.dosing.disposition import Compound, DrugModel
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics
from tumorabm.processes.dosing.response import Assessment, Response
from tumorabm.processes.dosing.schedule import Regimen, dose_events
from tumorabm.processes.dosing.sentences import sentence
from tumorabm.tissue.tissue import Tissue

WEEK = 168.0
SCANS = Assessment(every=6 * WEEK)


def patient(*regimens: Regimen, start: float = 0.0, side: int = 40) -> Tissue:
    tissue = bare_tissue((1, side, side))
    tissue.patient.regimens = tuple(regimens)
    tissue.patient.assessment = SCANS
    tissue.patient.treatment_start = start
    return tissue


def grow_to(tissue: Tissue, cells: int) -> None:
    """As many tumor cells in one piece as asked for."""
    tissue.cells.keep(np.zeros(tissue.cells.n, dtype=bool))
    put_tumor(tissue, np.arange(cells))


def scanned(tissue: Tissue, sizes: Sequence[int]) -> list[dict[str, float]]:
    """Levels after each scan, the lesion having these sizes."""
    out = []
    for number, size in enumerate(sizes):
        tissue.hours = tissue.patient.treatment_start + number * SCANS.every
        grow_to(tissue, size)
        Response({}).step(tissue, 2.0)
        out.append(dict(tissue.patient.levels))
    return out


def test_diameters_go_with_the_cube_root_and_progress_by_recist() -> None:
    """A fifth over the smallest; a second one a fifth over the size at the first."""
    found = scanned(patient(), [800, 400, 500, 691, 692, 1190, 1200])
    np.testing.assert_allclose([one["sum_of_diameters"] for one in found[:2]], [100.0, 100.0 * 0.5 ** (1 / 3)])
    # 1.2^3 = 1.728: the first progression at 692 = 1.73 * 400, the second at 1200 = 1.734 * 692.
    assert [one.get("progressions", 0.0) for one in found] == [0, 0, 0, 0, 1, 1, 2]
    assert found[-1]["progression_1"] == 4 * SCANS.every and found[-1]["progression_2"] == 6 * SCANS.every
    assert found[4]["smallest_sum_of_diameters"] == found[4]["sum_of_diameters"]


def test_five_millimeters_are_the_least() -> None:
    found = scanned(patient(), [1000, 8, 27])  # from 100 to 20 and 30 mm
    assert found[-1]["progressions"] == 1.0
    found = scanned(patient(), [1000, 8, 13])  # 20 to 23.5 mm is more than a fifth in volume, not in diameter
    assert "progressions" not in found[-1]
    for size, progressed in ((700, False), (800, True)):  # from 20 mm to 24.1 and 25.2 mm
        small = patient()
        small.patient.assessment = Assessment(every=SCANS.every, baseline=20.0)
        assert ("progressions" in scanned(small, [400, size])[-1]) is progressed


def test_nothing_is_seen_between_scans_and_before_treatment() -> None:
    tissue = patient(start=10 * WEEK)
    grow_to(tissue, 100)
    for hours in (0.0, 9 * WEEK):
        tissue.hours = hours
        Response({}).step(tissue, 2.0)
        assert tissue.patient.levels == {}
    tissue.hours = 10 * WEEK
    Response({}).step(tissue, 2.0)
    before = dict(tissue.patient.levels)
    grow_to(tissue, 900)
    tissue.hours = 15 * WEEK
    Response({}).step(tissue, 2.0)
    assert tissue.patient.levels == before


def test_a_branch_that_scans_less_often_goes_on_scanning() -> None:
    tissue = patient()
    scanned(tissue, [400, 400, 400])
    tissue.patient.assessment = Assessment(every=2 * SCANS.every)
    grow_to(tissue, 500)
    seen = []
    for number in (3, 4, 5, 6):
        tissue.hours = number * SCANS.every
        Response({}).step(tissue, 2.0)
        seen.append(tissue.patient.levels["last_scan"] / SCANS.every)
    assert seen == [2.0, 4.0, 4.0, 6.0]


def test_the_lesion_is_the_largest_piece() -> None:
    tissue = patient()
    put_tumor(tissue, [0, 1, 2, 200, 201])
    Response({}).step(tissue, 2.0)
    assert tissue.patient.levels["first_lesion_size"] == 3.0


def test_a_lesion_that_was_never_there_does_not_progress() -> None:
    assert "progressions" not in scanned(patient(), [0, 0])[-1]


# --- regimens --------------------------------------------------------------------------------------------------------

FIRST = Regimen("one", 50.0, 24.0, on=672.0, off=336.0, until=1)
SECOND = Regimen("two", 10.0, 24.0, start=48.0, end=240.0, after=1, changes=((96.0, 5.0),), delays=((120.0, 24.0),))


def test_a_regimen_waits_for_its_progression_and_counts_from_it() -> None:
    assert in_force(FIRST, 0, {}) is FIRST and in_force(SECOND, 1, {}) is None
    seen = {"progression_1": 1000.0}
    first, second = in_force(FIRST, 0, seen), in_force(SECOND, 1, seen)
    assert first is not None and second is not None
    assert dose_events(first, 0.0, 5000.0)[0].max() < 1000.0
    times, doses = dose_events(second, 0.0, 5000.0)
    plain = Regimen("two", 10.0, 24.0, start=48.0, end=240.0, changes=((96.0, 5.0),), delays=((120.0, 24.0),))
    expected = dose_events(plain, 0.0, 5000.0)
    np.testing.assert_allclose(times, expected[0] + 1000.0)
    np.testing.assert_array_equal(doses, expected[1])


def test_a_switch_in_plasma() -> None:
    """Doses of the first end with the scan that sees the progression; the second begins there."""
    drugs = [DrugModel(name, Compound(name, 400.0, 0.1, 10.0, 100.0)) for name in ("one", "two")]
    tissue = patient(Regimen("one", 50.0, 24.0, until=1), Regimen("two", 50.0, 24.0, after=1))
    response, process = Response({}), Pharmacokinetics(drugs)
    process.prepare(tissue)
    grow_to(tissue, 400)
    dosed: dict[str, list[float]] = {"one": [], "two": []}
    while tissue.hours < 9 * WEEK:
        if tissue.hours == 5 * WEEK:
            grow_to(tissue, 900)
        response.step(tissue, 2.0)
        before = {name: tissue.ledger.accounts.get(f"{name}_body", {}).get("dosed", 0.0) for name in dosed}
        process.step(tissue, 2.0)
        for name in dosed:
            if tissue.ledger.accounts.get(f"{name}_body", {}).get("dosed", 0.0) > before[name]:
                dosed[name].append(tissue.hours)
        tissue.hours += 2.0
    assert dosed["one"] == [24.0 * day for day in range(42)]
    assert dosed["two"] == [24.0 * day for day in range(42, 63)]


def test_an_adaptive_regimen_pauses_and_resumes() -> None:
    adaptive = Regimen("one", 50.0, 24.0, pause_below=0.5, resume_above=1.0)
    found = scanned(patient(FIRST, adaptive), [800, 500, 399, 700, 800, 801])
    given = []
    for number, one in enumerate(found):
        now = in_force(adaptive, 1, one)
        assert now is not None and in_force(FIRST, 0, one) is not None
        begin = number * SCANS.every
        given.append(dose_events(now, begin, begin + SCANS.every)[0].size > 0)
        # What was given before the pause stays given.
        assert dose_events(now, 0.0, 2 * SCANS.every)[0].size == 84
    assert given == [True, True, False, False, False, True]
    # In a branch another regimen may stand where one was paused.
    assert in_force(FIRST, 1, found[2]) is FIRST


def test_a_dose_before_a_pause_still_enters_and_one_in_it_does_not() -> None:
    """Absorption begins an hour and a half after a tablet, an infusion runs for as long: both outlast the scan."""
    compound = Compound("one", 400.0, 0.1, 10.0, 100.0)
    for late in ({"absorption_rate": 1.0, "lag": 1.5}, {"infusion_time": 1.5}):
        drug = DrugModel("one", compound, **late)  # type: ignore[arg-type]
        tissue = patient(Regimen("one", 50.0, 24.0, start=23.0, pause_below=0.5, resume_above=1.0))
        tissue.patient.assessment = Assessment(every=24.0)
        response, process = Response({}), Pharmacokinetics([drug])
        process.prepare(tissue)
        dosed = []
        for hour in range(120):
            grow_to(tissue, 100 if 24 <= hour < 72 else 801 + hour)  # small at the scans of hours 24 and 48
            tissue.hours = float(hour)
            response.step(tissue, 1.0)
            process.step(tissue, 1.0)
            dosed.append(sum(book.get("dosed", 0.0) for book in tissue.ledger.accounts.values()))
        in_all = np.array(dosed) / (drug.amount(50.0) * 1e6)
        np.testing.assert_allclose(in_all[[22, 26, 70, 94, 98, 118]], [0.0, 1.0, 1.0, 1.0, 2.0, 2.0], rtol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"after": 0},
        {"until": 0},
        {"after": 2, "until": 2},
        {"pause_below": 0.5},
        {"resume_above": 1.0},
        {"pause_below": 0.5, "resume_above": 0.4},
        {"pause_below": 0.0, "resume_above": 0.4},
    ],
)
def test_what_makes_no_schedule(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"progression|pause"):
        Regimen("one", 50.0, 24.0, **wrong)  # type: ignore[arg-type]


def test_sentences() -> None:
    assert sentence(FIRST) == "one 50 mg every day, 28 days on, 14 days off, from day 0, until the first progression"
    assert sentence(SECOND) == (
        "two 10 mg every day, continuously, from 2 days after the first progression, until day 10 of that, "
        "delayed by 1 day on day 5 of that, 5 mg from day 4 of that"
    )
    rechallenge = Regimen("one", 50.0, 24.0, after=2, until=3)
    assert sentence(rechallenge).endswith("continuously, from the second progression, until the third progression")
    adaptive = Regimen("one", 50.0, 24.0, pause_below=0.5, resume_above=1.0)
    assert sentence(adaptive).endswith(
        "paused while the lesion is below 50 % of its first volume, until it is above 100 %"
    )


# --- experiments -----------------------------------------------------------------------------------------------------

BASE = "name: x\nduration: 1 d\n"
ITEM = "{drug: sunitinib, dose: 50 mg, every: 1 d"


def treated(*items: str) -> str:
    return f"treatment=[{', '.join(items)}]"


def test_an_experiment_says_so(small_config) -> None:
    settings = [
        treated(
            f"{ITEM}, until_progression: 1}}",
            f"{ITEM}, from_progression: 1, start: 84 d, adaptive: {{pause_below: 0.5, resume_above: 1}}}}",
        ),
        "assessment={every: 28 d, sum_of_diameters: 50 mm}",
    ]
    experiment = load_experiment(small_config, settings)
    first, second = experiment.regimens()
    assert (first.until, second.after, second.start, second.pause_below) == (1, 1, 84 * 24.0, 0.5)
    assert experiment.assessment.assessment() == Assessment(4 * WEEK, 50.0, 0.2, 5.0)
    assert load_experiment(experiment.resolved()).regimens() == experiment.regimens()
    assert math.isinf(second.end)


def test_a_sequence_needs_the_scans(small_config) -> None:
    with pytest.raises(ExperimentError, match="goes by scans of the tumor"):
        load_experiment(small_config, [treated(f"{ITEM}, until_progression: 1}}"), "processes.response=false"])


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("from_progression: 0}", "0 must be at least 1"),
        ("from_progression: 2, until_progression: 1}", "1 must come after from_progression, 2"),
        ("adaptive: {pause_below: 0.5, resume_above: 0.2}}", "0.2 must not lie below 0.5"),
        ("adaptive: {pause_below: 0.5}}", "resume_above"),
    ],
)
def test_what_is_wrong_is_told(small_config, item: str, told: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(small_config, [treated(f"{ITEM}, {item}")])
    assert told in str(caught.value)
