"""Toxicity of classes of drugs, visits at which it is judged, loading doses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue

from tumorabm.catalog import load_catalog
from tumorabm.catalog.patients import factors_of
from tumorabm.config import ExperimentError, load_experiment
from tumorabm.processes.dosing.decisions import in_force, numbered
from tumorabm.processes.dosing.disposition import Compound, DrugModel
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics
from tumorabm.processes.dosing.schedule import Regimen, ToxicityRule, dose_events
from tumorabm.processes.dosing.sentences import sentence
from tumorabm.processes.dosing.toxicity import Toxicity, ToxicityClass
from tumorabm.processes.dosing.visits import DoseVisits
from tumorabm.processes.process import Choice, Process
from tumorabm.tissue.tissue import Tissue

DAY = 24.0
CATALOG = load_catalog()
KIND = ToxicityClass("kind", weight=2.0, onset_time=100.0, recovery_time=300.0, steepness=2.0)


def pipeline(*drugs: str) -> list[Process]:
    """Visits, toxicity and plasma, in the order of a step."""
    choice = Choice(SETS, drugs)
    return [DoseVisits({}), *(kind.from_catalog(CATALOG, choice) for kind in (Toxicity, Pharmacokinetics))]


def followed(processes: list[Process], hours: float, *regimens: Regimen, dt: float = 2.0) -> tuple[Tissue, np.ndarray]:
    """A patient at the end, and the total toxicity and that of each class at all days, shape (days, 1 + classes)."""
    tissue = bare_tissue((1, 2, 2))
    tissue.patient.regimens = regimens
    for process in processes:
        process.prepare(tissue)
    days = []
    for number in range(round(hours / dt)):
        tissue.hours = number * dt
        if tissue.hours % DAY == 0.0:
            days.append([level for name, level in sorted(tissue.patient.levels.items()) if name.endswith("_toxicity")])
        for process in processes:
            process.step(tissue, dt)
    tissue.hours = hours
    return tissue, np.array(days)


def test_it_is_exact_whatever_the_step_with_doses_a_lag_and_infusions() -> None:
    compound = Compound("one", 400.0, 0.1, 10.0, 100.0)
    for drug in (
        DrugModel("one", compound, (), absorption_rate=1.0, lag=1.3),
        DrugModel("one", compound, (), infusion_time=5.5),
    ):
        ends = []
        for dt in (0.5, 2.0, 7.0, 84.0):
            processes: list[Process] = [Toxicity([KIND], [(drug, "kind", 3.0)]), Pharmacokinetics([drug])]
            tissue, _ = followed(processes, 336.0, Regimen("one", 50.0, 11.0, end=200.0), dt=dt)
            ends.append([tissue.patient.levels[f"toxicity_{part}_kind"] for part in ("injury", "burden")])
        np.testing.assert_allclose(ends[1:], [ends[0]] * 3, rtol=1e-10)
        assert ends[0][0] > 0.1


def test_constant_exposure_gives_the_cascade_and_the_weight() -> None:
    """Against the closed solution of injury and burden; the dose makes the concentration constant."""
    drug = DrugModel("one", Compound("one", 400.0, 0.5, 10.0, 100.0), (), infusion_time=3000.0)
    dose = 3000.0 * 10.0 * 4.0 * 400.0 / 1e6  # mg that keep 4 nM in 10 L/h, once at rest
    processes: list[Process] = [Toxicity([KIND], [(drug, "kind", 2.0)]), Pharmacokinetics([drug])]
    tissue, _ = followed(processes, 2900.0, Regimen("one", dose, 6000.0, on=6000.0, off=1.0), dt=4.0)
    # Exposure rises to 1 with the rate k, a third stage in front of the cascade.
    rates = np.array([0.1, 1 / 100.0, 1 / 300.0])
    shares = [np.prod([other / (other - rate) for other in rates if other != rate]) for rate in rates]
    burden = 1.0 - float(shares @ np.exp(-rates * 2900.0))
    assert tissue.patient.levels["toxicity_burden_kind"] == pytest.approx(burden, rel=1e-9)
    assert tissue.patient.levels["kind_toxicity"] == pytest.approx(2.0 * burden**2, rel=1e-9)
    assert tissue.patient.levels["total_toxicity"] == tissue.patient.levels["kind_toxicity"]


def test_the_usual_dose_for_ever_is_the_unit_and_half_of_it_is_a_quarter() -> None:
    processes = pipeline("sunitinib")
    usual, days = followed(processes, 400 * DAY, Regimen("sunitinib", 50.0, DAY))
    assert usual.patient.levels["total_toxicity"] == pytest.approx(1.0, rel=1e-3)
    assert (np.diff(days[:, 0]) >= 0.0).all() and days[14, 0] < 0.1  # slow to come
    half, _ = followed(processes, 400 * DAY, Regimen("sunitinib", 25.0, DAY))
    assert half.patient.levels["total_toxicity"] == pytest.approx(0.25, rel=1e-3)
    stopped, days = followed(processes, 500 * DAY, Regimen("sunitinib", 50.0, DAY, end=400 * DAY))
    assert days[414, 0] > 0.5 and stopped.patient.levels["total_toxicity"] < 0.01  # slow to go


# --- rules -----------------------------------------------------------------------------------------------------------

RULE = ToxicityRule("total_toxicity", 14 * DAY, 1.5, (37.5, 25.0), None, 2.0, 1.0)


def visited(found: list[float], rule: ToxicityRule = RULE) -> tuple[Tissue, Regimen]:
    """After visits that find these toxicities."""
    tissue = bare_tissue((1, 2, 2))
    regimen = Regimen("one", 50.0, DAY, toxicity=rule)
    tissue.patient.regimens = (regimen,)
    for number, toxicity in enumerate(found):
        tissue.hours = number * rule.every
        tissue.patient.levels["total_toxicity"] = toxicity
        for _ in range(2):  # a second look at the same visit decides nothing
            DoseVisits({}).step(tissue, 2.0)
        tissue.hours += 2.0
        tissue.patient.levels["total_toxicity"] = 9.0
        DoseVisits({}).step(tissue, 2.0)  # nor does one between visits
    now = in_force(regimen, 0, tissue.patient.levels)
    assert now is not None
    return tissue, now


def doses(regimen: Regimen, visits: int) -> list[float]:
    """Means of what is given between visits, mg per day."""
    edges = [number * 14 * DAY for number in range(visits + 1)]
    return [float(dose_events(regimen, *pair)[1].sum()) / 14 for pair in pairwise(edges)]


def test_doses_go_down_step_by_step_and_never_up_unless_stated() -> None:
    found = [0.0, 1.6, 1.4, 1.6, 1.7, 0.1]
    assert doses(visited(found)[1], 6) == [50.0, 37.5, 37.5, 25.0, 25.0, 25.0]
    again = ToxicityRule("total_toxicity", 14 * DAY, 1.5, (37.5, 25.0), 0.5)
    assert doses(visited([0.0, 1.6, 1.6, 0.4, 0.4, 0.4], again)[1], 6) == [50.0, 37.5, 25.0, 37.5, 50.0, 50.0]


def test_a_drug_is_interrupted_and_given_again_at_the_lower_dose() -> None:
    found = [0.0, 2.5, 1.2, 0.9, 2.1, 0.9]
    assert doses(visited(found)[1], 6) == [50.0, 0.0, 0.0, 37.5, 0.0, 25.0]
    alone = ToxicityRule("total_toxicity", 14 * DAY, interrupt_above=2.0, resume_below=1.0)
    assert doses(visited(found, alone)[1], 6) == [50.0, 0.0, 0.0, 50.0, 0.0, 50.0]


def test_what_a_rule_does_not_touch() -> None:
    """Nothing is decided before a regimen begins, and what changes of the plan ask for may be less."""
    tissue = bare_tissue((1, 2, 2))
    late = Regimen("one", 50.0, DAY, after=1, toxicity=RULE)
    less = Regimen("one", 50.0, DAY, toxicity=RULE, changes=((15 * DAY, 12.5),), loading=(100.0, 2))
    tissue.patient.regimens = (late, less)
    tissue.patient.levels["total_toxicity"] = 1.6
    DoseVisits({}).step(tissue, 2.0)
    assert not [name for name in tissue.patient.levels if "_0_" in name]
    now = in_force(less, 1, tissue.patient.levels)
    assert now is not None
    assert dose_events(now, 0.0, 3 * DAY)[1].tolist() == [37.5, 37.5, 37.5]  # loading doses are reduced too
    assert dose_events(now, 15 * DAY, 17 * DAY)[1].tolist() == [12.5, 12.5]


def test_a_patient_who_clears_slowly_is_reduced_and_stays_below() -> None:
    """The rule acts through plasma: less drug, less toxicity; without it toxicity goes on to rise."""
    slow = CATALOG.scaled(factors_of(CATALOG, [], {"axitinib": 0.7}))
    choice = Choice(SETS, ("axitinib",))
    rule = ToxicityRule("vegfr_inhibitor_toxicity", 14 * DAY, 1.5, (4.0, 3.0), None, 2.5, 1.0)
    ends = {}
    for name, toxicity in (("ruled", rule), ("unruled", None)):
        processes: list[Process] = [DoseVisits({}), Toxicity.from_catalog(slow, choice)]
        processes.append(Pharmacokinetics.from_catalog(slow, choice))
        tissue, days = followed(processes, 300 * DAY, Regimen("axitinib", 5.0, 12.0, toxicity=toxicity))
        ends[name] = days[-1, 0]
        if toxicity is not None:
            assert 1.5 < days[:, 0].max() < 2.0
            assert tissue.patient.levels["reduction_step_0_axitinib_1"] == 1.0
    assert ends["unruled"] == pytest.approx(1 / 0.7**2, rel=0.01) and ends["ruled"] < 1.5


def gone_on(half: Tissue, processes: list[Process], *treatment: Regimen) -> Tissue:
    """A patient of day 61, under a treatment from a checkpoint on, on day 120."""
    other = bare_tissue((1, 2, 2))
    other.patient.regimens = treatment
    for process in processes:
        process.prepare(other)
    other.patient.load(half.patient.state())
    for number in range(round(61 * DAY / 2.0), round(120 * DAY / 2.0)):
        other.hours = number * 2.0
        for process in processes:
            process.step(other, 2.0)
    return other


def bits(tissue: Tissue) -> dict[str, bytes]:
    """A patient's state, to be compared."""
    return {name: value.tobytes() for name, value in tissue.patient.state().items()}


def test_a_patient_taken_from_a_checkpoint_goes_on_bitwise_and_keeps_decisions() -> None:
    rule = ToxicityRule("total_toxicity", 14 * DAY, 0.2, (37.5, 25.0), None, 0.4, 0.3)
    regimen = Regimen("sunitinib", 50.0, DAY, toxicity=rule)
    whole, _ = followed(pipeline("sunitinib"), 120 * DAY, regimen)
    half, _ = followed(pipeline("sunitinib"), 61 * DAY, regimen)
    assert {name for name in half.patient.levels if name.startswith(("reduced", "interrupted"))}
    assert bits(whole) == bits(gone_on(half, pipeline("sunitinib"), regimen))
    # A branch with another rule goes on from the same decisions; without one the planned dose is given.
    fewer = in_force(replace(regimen, toxicity=replace(rule, doses=(37.5,))), 0, whole.patient.levels)
    assert fewer is not None and fewer.ceilings[-1][1] == 37.5
    assert in_force(replace(regimen, toxicity=None), 0, whole.patient.levels) == replace(regimen, toxicity=None)


def test_a_branch_that_puts_another_drug_first_keeps_what_was_decided() -> None:
    """The reduced drug goes on to the last bit of its plasma: visits and doses find their decisions."""
    rule = ToxicityRule("total_toxicity", 14 * DAY, 0.2, (37.5, 25.0), None, 0.4, 0.3)
    regimen = Regimen("sunitinib", 50.0, DAY, toxicity=rule)
    half, _ = followed(pipeline("sunitinib", "axitinib"), 61 * DAY, regimen)
    assert "reduced_0_sunitinib_1" in half.patient.levels
    late = Regimen("sunitinib", 12.5, DAY, start=400 * DAY)
    ends = []
    for treatment in ((regimen, late), (Regimen("axitinib", 5.0, 12.0, start=400 * DAY), regimen, late)):
        ends.append(bits(gone_on(half, pipeline("sunitinib", "axitinib"), *treatment)))
    assert ends[0] == ends[1]
    assert [number for number, _ in numbered(treatment)] == [0, 0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"doses": (25.0, 37.5)},
        {"doses": (0.0,)},
        {"every": 0.0},
        {"interrupt_above": 1.0, "resume_below": 1.0},
        {"reduce_above": 1.0, "raise_below": 1.0},
    ],
)
def test_what_makes_no_rule(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"visits|toxicity|doses"):
        ToxicityRule(**{"judged": "total_toxicity", "every": 24.0, **wrong})  # type: ignore[arg-type]


# --- loading doses ---------------------------------------------------------------------------------------------------


def test_loading_doses_are_the_first_whichever_window_asks() -> None:
    plan = Regimen("one", 200.0, DAY, on=2 * DAY, off=DAY, loading=(400.0, 3))
    assert dose_events(plan, 0.0, 7 * DAY)[1].tolist() == [400.0, 400.0, 400.0, 200.0, 200.0]
    assert dose_events(plan, 3 * DAY, 5 * DAY)[1].tolist() == [400.0, 200.0]
    delayed = Regimen("one", 200.0, 14 * DAY, loading=(400.0, 1), delays=((0.0, 7 * DAY),))
    assert [part.tolist() for part in dose_events(delayed, 0.0, 22 * DAY)] == [[7 * DAY, 21 * DAY], [400.0, 200.0]]
    assert sentence(delayed).endswith("from day 0, first dose 400 mg, delayed by 7 days on day 0")
    with pytest.raises(ValueError, match="loading"):
        Regimen("one", 200.0, DAY, loading=(400.0, 0))


# --- experiments -----------------------------------------------------------------------------------------------------


def treated(item: str) -> list[str]:
    return [f"treatment=[{{drug: sunitinib, dose: 50 mg, every: 1 d, {item}}}]"]


def test_an_experiment_says_so_and_takes_what_is_usual_from_the_class(small_config) -> None:
    given = "toxicity: {reduce_above: 1.4, to: [37.5 mg, 25 mg], judged_by: total, every: 7 d}"
    experiment = load_experiment(small_config, treated(given))
    rule = ToxicityRule("total_toxicity", 7 * DAY, 1.4, (37.5, 25.0), None, 2.0, 1.0)
    assert experiment.regimens()[0].toxicity == rule
    assert load_experiment(experiment.resolved()).regimens() == experiment.regimens()
    assert experiment.sentences()[0].endswith(
        "reduced to 37.5 mg, then 25 mg above a total toxicity of 1.4, "
        "interrupted above a total toxicity of 2 until below 1, judged every 7 days"
    )
    changed = "catalog.toxicities.vegfr_inhibitor.interrupt_above=3"
    experiment = load_experiment(small_config, [*treated("toxicity: {}"), changed])
    assert experiment.regimens()[0].toxicity == ToxicityRule(
        "vegfr_inhibitor_toxicity", 14 * DAY, interrupt_above=3.0, resume_below=1.0
    )


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("toxicity: {to: [25 mg, 37.5 mg]}", "37.5 mg must be less than the 25 mg before it"),
        ("toxicity: {to: [50 mg]}", "50 mg must be less than the dose of 50 mg"),
        ("toxicity: {reduce_above: 1}", "needs the doses to reduce to ('to')"),
        ("toxicity: {interrupt: false, resume_below: 1}", "belongs to interrupt: true"),
        ("toxicity: {resume_below: 3}", "resume_below of 3 must lie below interrupt_above of 2 (the usual one)"),
        (
            "toxicity: {reduce_above: 2.5, to: [37.5 mg], interrupt_above: 2.0}",
            "reduce_above of 2.5 must lie below interrupt_above of 2",
        ),
        ("toxicity: {to: [25 mg], raise_below: 1.5}", "raise_below of 1.5 must lie below reduce_above of 1.5"),
        ("toxicity: {reduce_abov: 1}", "reduce_above"),
        ("toxicity: {judged_by: clas}", "class"),
        ("toxicity: {to: [25]}", "mg"),
        ("loading: {number: 2}", "dose"),
        ("loading: {dose: 100 mg, number: 0}", "at least 1"),
    ],
)
def test_what_is_wrong_is_told(small_config, item: str, told: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(small_config, treated(item))
    assert told in str(caught.value)


def test_a_rule_needs_the_processes_that_judge(small_config) -> None:
    for name in ("toxicity", "dose_visits"):
        with pytest.raises(ExperimentError, match=f"needs the process '{name}'"):
            load_experiment(small_config, [*treated("toxicity: {}"), f"processes.{name}=false"])
