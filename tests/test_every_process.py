"""Every process keeps to what it declares: what it reads and writes, and how it behaves in time.

One small treated tissue with everything in it, a few days old, serves all of them. Each process is stepped where it
stands in the pipeline, on a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from bare_tissue import process_of
from short_run import short

from tumorabm.build import build
from tumorabm.processes import PIPELINE
from tumorabm.processes.process import Kind, Phase, Process, registered
from tumorabm.processes.signaling.cell_signaling import CellSignaling
from tumorabm.step import advance
from tumorabm.tissue.cells import TUMOR, Cells
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.microenvironment import TERMS, Field
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.requests import EVENTS
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import Vasculature

DT = 2.0
AGE = 34  # steps: burn-in is over, drug is in plasma and tissue, there are tips and empty sleeves
SPAN = 0.25  # hours over which step lengths are compared: VEGF-A relaxes within an hour
# Host tissue binds drug at 18/h and gives it back at 2/h. Backward Euler is of first order there too, but halves its
# error only where steps are well below 1/20 h: over 0.25 h the gaps fall to 0.65 and 0.56. It is not the solver's
# tolerance, with which nothing changes from 1e-4 to 1e-12, nor the uptake by cells, which is in the same equation.
SPANS = {"field_solve": 0.03}
A_DAY, LONG = 24.0, 2000.0  # hours in which many events happen, and even the loss of sleeves
MOST_ROWS = 100_000
EXACT = 1e-9
# Of a field that an iterative solver brought to its tolerance, in units of that; differences of two such solutions.
SOLVED = 5.0
# Of activities in cells: sub-steps are chosen for an error of 5e-4, so that a shorter step need not come nearer.
FOLLOWED = 5e-4
# Of drug in cells: efflux by pumps is linearized at the beginning of a step, which is of first order and small far from
# saturation. With pumps that nothing saturates (Km of 1e15 nM) it is exact to 1e-9.
LINEARIZED = {"intracellular_drug": 1e-6}
NETWORKS = {"tumor_signaling": "tumor_network", "endothelial_signaling": "endothelial_network"}
# The grown tissue at every process's turn, by the length of the step: one step serves all tests.
TURNS: dict[float, dict[str, Tissue]] = {}
# Their terms are means over the step, so that they differ for another one: loss T/dt and source G/dt, of which only
# what passes in the step, T e − G, has a meaning (tests/verification/test_drug_balance.py has it for several steps).
MEANS_OVER_THE_STEP = ("drug_uptake",)
# It follows plasma through the step that plasma takes next: the two are looked at together.
BESIDE = {"toxicity": "pharmacokinetics"}
STAND_INS = ("vessel_remodeling",)  # they do nothing while the mechanism that they stand in for is on


@pytest.fixture(scope="module")
def grown() -> tuple[Tissue, list[Process]]:
    """The tissue and its pipeline. Tests copy the tissue."""
    tissue, processes = build(short())
    for _ in range(AGE):
        advance(tissue, processes, DT)
    assert tissue.microenvironment["sunitinib"].concentration.max() > 0.0
    assert tissue.vasculature.sleeves.any() and (tissue.cells["phenotype"] == 2).any()
    assert (tissue.cells["state"] != 0).any()
    living = tissue.cells["clone"][tissue.cells.alive(TUMOR)]
    assert (np.bincount(living)[:2] > 10).all() and len(tissue.clones) > 10 and tissue.patient.exposure
    assert {process.name for process in processes} == set(NAMES)
    return tissue, processes


def at_turn_of(name: str, grown: tuple[Tissue, list[Process]], dt: float) -> tuple[Tissue, Process]:
    """A copy of the tissue in the middle of a step, when it is a process's turn."""
    if dt not in TURNS:
        TURNS[dt] = {}
        tissue = copy.deepcopy(grown[0])
        tissue.rates.clear()
        tissue.requests.clear()
        for process in grown[1]:
            TURNS[dt][process.name] = copy.deepcopy(tissue)
            process.step(tissue, dt)
    return copy.deepcopy(TURNS[dt][name]), next(process for process in grown[1] if process.name == name)


def everything(tissue: Tissue) -> dict[str, np.ndarray]:
    """All there is in a tissue by name: its state, and what lasts one step only."""
    out = {**tissue.state(), "cells/occupancy": tissue.cells.occupancy.copy()}
    out["vasculature/neighbors"] = tissue.vasculature.neighbors.copy()
    patient = tissue.patient
    # What is no state, since a resumed run takes it from its experiment, and nobody's to change during a run.
    prescribed = {name: getattr(patient, name) for name in ("regimens", "treatment_start", "exposure")}
    out.update({f"patient/{name}": np.array(repr(value)) for name, value in prescribed.items()})
    out.update({f"patient/molar_mass/{name}": np.array(value) for name, value in patient.molar_mass.items()})
    out["lattice"] = np.array(repr(tissue.lattice))
    for name, field in tissue.microenvironment.fields.items():
        out[f"microenvironment/{name}/solved"] = np.stack([field.solved[term] for term in TERMS])
        for term in TERMS:
            out[f"terms/{name}/{term}"] = field.term(term).copy()
    for event in EVENTS:
        for contributor, values in tissue.rates.contributions(event).items():
            out[f"rates/{event}/{contributor}"] = values.copy()
    for number, event in enumerate(EVENTS):
        # By row, not by uid: after compaction old rows stand for nobody.
        asked = tissue.requests.ordered((number,), np.arange(MOST_ROWS))
        if asked[0].size:
            out[f"requests/{event}"] = np.stack([part.astype(float) for part in asked])
    out |= {f"requests/guides/{cell_type}": guide.copy() for cell_type, guide in tissue.requests.guides.items()}
    out["requests/divided"] = np.stack(tissue.requests.divided)
    return out


def changed(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> set[str]:
    """Names of what differs, has come or has gone."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before
        or name not in after
        or before[name].shape != after[name].shape
        or before[name].tobytes() != after[name].tobytes()
    }


def covered(name: str, declared: Iterable[str]) -> bool:
    """Whether a declaration stands for a name: the name itself, or a part that it belongs to."""
    return any(name == entry or name.startswith(f"{entry}/") for entry in declared)


def undeclared_changes(tissue: Tissue, process: Process, dt: float) -> set[str]:
    """What a process changes although it does not say so."""
    before = everything(tissue)
    process.step(tissue, dt)
    declared = [*process.writes, *(("cells/occupancy",) if "cells" in process.writes else ())]
    return {name for name in changed(before, everything(tissue)) if not covered(name, declared)}


@contextmanager
def watched(tissue: Tissue) -> Iterator[set[str]]:
    """Names of the columns, fields and links that are looked at, and whether the occupancy, patient or clones are."""
    seen: set[str] = set()

    class WatchedCells(Cells):
        def __getitem__(self, name: str) -> np.ndarray:
            seen.add(f"cells/{name}")
            return super().__getitem__(name)

        def storage(self, name: str) -> np.ndarray:
            seen.add(f"cells/{name}")
            return super().storage(name)

        def __getattribute__(self, name: str) -> object:
            if name == "occupancy":
                seen.add("cells/occupancy")
            return super().__getattribute__(name)

    class WatchedPatient(Patient):
        def __getattribute__(self, name: str) -> object:
            if name in super().__getattribute__("__dict__"):
                seen.add("patient")
            return super().__getattribute__(name)

    class WatchedClones(Clones):
        def __getattribute__(self, name: str) -> object:
            if name in super().__getattribute__("__dict__"):
                seen.add("clones")
            return super().__getattribute__(name)

    class WatchedField(Field):
        def __getattribute__(self, name: str) -> object:
            if name in ("concentration", "at"):
                seen.add(f"microenvironment/{super().__getattribute__('substrate').name}")
            return super().__getattribute__(name)

    class WatchedVasculature(Vasculature):
        def __getattribute__(self, name: str) -> object:
            if name in ("links", "sleeves"):
                seen.add(f"vasculature/{name}")
            return super().__getattribute__(name)

    parts = [(tissue.cells, WatchedCells), (tissue.vasculature, WatchedVasculature)]
    parts += [(tissue.patient, WatchedPatient), (tissue.clones, WatchedClones)]
    parts += [(field, WatchedField) for field in tissue.microenvironment.fields.values()]
    kinds = [type(part) for part, _ in parts]
    for part, kind in parts:
        part.__class__ = kind
    try:
        yield seen
    finally:
        for (part, _), kind in zip(parts, kinds, strict=True):
            part.__class__ = kind


def undeclared_reads(tissue: Tissue, process: Process, dt: float) -> set[str]:
    """What a process looks at although it does not say so."""
    with watched(tissue) as seen:
        process.step(tissue, dt)
    declared = {*process.reads, *process.writes}
    if "cells/site" in declared:
        declared.add("cells/occupancy")  # the same, seen from the sites
    return {name for name in seen if not covered(name, declared)}


def changes_without_time(tissue: Tissue, process: Process) -> set[str]:
    """What a process changes when no time passes."""
    before = everything(tissue)
    process.step(tissue, 0.0)
    return changed(before, everything(tissue))


def changes_of_a_second_call(tissue: Tissue, process: Process) -> set[str]:
    """What a second call changes, or a call for another time step where that must make no difference."""
    process.step(tissue, DT)
    before = everything(tissue)
    process.step(tissue, DT)
    again = everything(tissue)
    if process.name not in MEANS_OVER_THE_STEP:
        process.step(tissue, 3.0 * DT)
    return changed(before, again) | changed(before, everything(tissue))


def not_converging(tissue: Tissue, process: Process, beside: Iterable[Process] = ()) -> dict[str, list[float]]:
    """Arrays in which halving the step does not bring the result nearer to a limit, with the differences seen."""
    results, span = [], SPANS.get(process.name, SPAN)
    for parts in (1, 2, 4, 8):
        trial = copy.deepcopy(tissue)
        begin = trial.hours
        for part in range(parts):
            trial.hours = begin + part * span / parts
            for one in (process, *beside):
                one.step(trial, span / parts)
        results.append(trial.state())
    bad = {}
    for name, finest in results[-1].items():
        # A mean over the last step is another quantity for every step length, and a residual is what a solver left.
        if "_mean/" in name or name.endswith("/residual") or finest.dtype.kind != "f":
            continue
        with np.errstate(invalid="ignore"):
            pairs = zip(results[:-1], results[1:], strict=True)
            gaps = [float(np.nansum(np.abs(a[name] - b[name]))) for a, b in pairs]
        size = float(np.nansum(np.abs(np.where(np.isfinite(finest), finest, 0.0))))
        parts = name.split("/")
        solved = process.name == "field_solve" and parts[0] in ("microenvironment", "ledger")
        field = tissue.microenvironment.fields.get(parts[1]) if solved else None
        exact = LINEARIZED.get(process.name, EXACT)
        small = (exact if field is None else SOLVED * field.substrate.tolerance) * size
        if name == f"cells/{NETWORKS.get(process.name)}":
            small = FOLLOWED * np.count_nonzero(finest)
        # First order or better: every halving takes away nearly half of the difference at least.
        if any(gap > small and gap > 0.65 * wider for wider, gap in zip(gaps[:-1], gaps[1:], strict=True)):
            bad[name] = gaps
    return bad


NAMES = [kind.name for kind in PIPELINE]


def test_the_pipeline_is_the_registry() -> None:
    assert [name for name in registered() if name in NAMES] == NAMES
    assert sorted(kind.phase for kind in PIPELINE) == [kind.phase for kind in PIPELINE]


@pytest.mark.parametrize("name", NAMES)
def test_it_changes_what_it_says(grown, name: str) -> None:
    tissue, process = at_turn_of(name, grown, DT)
    assert undeclared_changes(tissue, process, DT) == set()


@pytest.mark.parametrize("name", NAMES)
def test_what_it_reads_is_declared_and_exists(grown, name: str) -> None:
    tissue, process = at_turn_of(name, grown, DT)
    there = everything(tissue)
    parts = {"terms", "rates", "requests", "ledger"}
    for entry in process.reads:
        assert any(covered(known, [entry]) for known in there) or entry in parts, f"{entry} is nowhere in a tissue"
    for entry in process.writes:
        part, _, event = entry.partition("/")
        known = (
            event in (*EVENTS, "guides", "divided")
            if part in ("rates", "requests") and event
            else any(covered(k, [entry]) for k in there)
        )
        assert known or entry in parts, f"{entry} is nowhere in a tissue"
    assert undeclared_reads(tissue, process, DT) == set()


@pytest.mark.parametrize("name", NAMES)
def test_its_columns_and_substrates_are_declared(grown, name: str) -> None:
    """A process that is switched on alone must find the columns and fields that it works with."""
    tissue, process = at_turn_of(name, grown, DT)
    core = {column.name for column in Cells(1).specs.values()}
    with watched(tissue) as seen:
        process.step(tissue, DT)
    columns = {entry.split("/")[1] for entry in seen if entry.startswith("cells/")} - core - {"occupancy"}
    fields = {entry.split("/")[1] for entry in seen if entry.startswith("microenvironment/")}
    if process.phase != Phase.COMMIT:  # where rows come and go all columns are touched
        assert columns <= {column.name for column in process.columns}
    if name not in ("field_solve", "drug_supply"):  # these serve every field, or every drug
        assert fields - welcome_fields(process) <= set(process.substrates)


def welcome_fields(process: Process) -> set[str]:
    """Fields that a process works with where an experiment has them, and without which it works as well."""
    if not isinstance(process, CellSignaling):
        return set()
    return {*process.network.substrates.values(), *(item.compound for item in process.inhibitors)}


@pytest.mark.parametrize("name", NETWORKS)
def test_signaling_goes_on_without_the_fields_that_it_does_not_need(grown, name: str) -> None:
    tissue, process = at_turn_of(name, grown, DT)
    spared = welcome_fields(process) & set(tissue.microenvironment.fields) - set(process.substrates)
    assert spared
    for field in spared:
        del tissue.microenvironment.fields[field]
    before = tissue.state()
    process.step(tissue, DT)
    assert changed(before, tissue.state()) == {f"cells/{NETWORKS[name]}"}


@pytest.mark.parametrize("name", NAMES)
def test_without_time_nothing_happens(grown, name: str) -> None:
    tissue, process = at_turn_of(name, grown, 0.0)
    # Cells have moved since the fields were solved: what steady fields follow is settled first.
    if process.kind is Kind.EVOLVING and process.phase == Phase.FIELDS:
        process.step(tissue, 0.0)
    if process.kind is not Kind.DIAGNOSTIC:
        assert changes_without_time(tissue, process) == set()


@pytest.mark.parametrize("name", [kind.name for kind in PIPELINE if kind.kind is Kind.DIAGNOSTIC])
def test_a_diagnostic_process_may_be_called_again(grown, name: str) -> None:
    tissue, process = at_turn_of(name, grown, DT)
    assert changes_of_a_second_call(tissue, process) == set()


@pytest.mark.parametrize("name", [kind.name for kind in PIPELINE if kind.kind is Kind.EVOLVING])
def test_shorter_steps_of_an_evolving_process_converge(grown, name: str) -> None:
    tissue, process = at_turn_of(name, grown, DT)
    if name in STAND_INS:
        process = process_of(name)
    disturb(tissue)
    before = tissue.state()
    beside = [other for other in grown[1] if other.name == BESIDE.get(name)]
    assert not_converging(tissue, process, beside) == {}
    process.step(tissue, SPAN)
    after = tissue.state()
    assert changed(before, after), "nothing evolved, so nothing was tested"
    if name in NETWORKS:
        column = f"cells/{NETWORKS[name]}"
        moved = np.abs(after[column] - before[column]).sum() / np.count_nonzero(after[column])
        assert moved > 50.0 * FOLLOWED, "less evolved than is tolerated"


def disturb(tissue: Tissue) -> None:
    """Take fields and networks that evolve far from their steady state."""
    for field in tissue.microenvironment.fields.values():
        if field.substrate.solver != "steady":
            field.concentration *= 0.5
            field.imbalance = np.inf  # else it would wait as if at rest
    for column in NETWORKS.values():
        tissue.cells[column][:] *= 0.5


@pytest.mark.parametrize("name", [kind.name for kind in PIPELINE if kind.kind is Kind.EVENTS])
def test_events_are_a_function_of_seed_step_and_uid(grown, name: str) -> None:
    """Asked twice in the same step, the same happens; in another step, or under another seed, something else."""
    results = {}
    for change in ("none", "again", "seed", "step"):
        tissue, process = at_turn_of(name, grown, A_DAY)
        tissue.seed += change == "seed"
        tissue.step_number += change == "step"
        process.step(tissue, LONG if name == "sleeve_loss" else A_DAY)
        after = everything(tissue)
        results[change] = {key: value for key, value in after.items() if key not in ("seed", "step_number")}
    assert changed(results["none"], results["again"]) == set()
    if name not in ("compaction", "tip_migration"):  # these draw nothing
        assert changed(results["none"], results["seed"])
        assert changed(results["none"], results["step"])


# --- the test is worth something: processes that do not keep to their word are found --------------------------------


class Honest(Process):
    name = "honest"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    reads = ("cells/coverage",)
    writes = ("cells/coverage",)

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.cells["coverage"][:] *= np.exp(-0.1 * dt)


class WritesElsewhere(Honest):
    writes = ("cells/lumen_age",)


class MovesCells(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.cells.occupancy[0, :1] = 7


class ContributesToAnotherField(Honest):
    writes = ("terms/oxygen",)

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.microenvironment["vegf_a"].contribute("source", "cheat", np.ones(tissue.lattice.sites))


class AsksForMore(Honest):
    writes = ("requests/migrate",)

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.requests.add(EVENTS.index("divide"), np.zeros(1, dtype=int), np.zeros(1))


class RaisesARate(Honest):
    writes = ("rates/divide",)

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.rates.add("apoptosis", "cheat", np.ones(tissue.cells.n))


class ChangesTheBlood(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.patient.unbound_mean["sunitinib"] = 0.0


class PrescribesMore(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.patient.regimens *= 2


class PutsIntoTheMedium(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.patient.exposure["everolimus"] = 1.0


class Mutates(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.clones.alterations[1] += ("tsc_loss",)


class ReadsElsewhere(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        oxygen = tissue.microenvironment["oxygen"].at(tissue.cells["site"])
        tissue.cells["coverage"][:] *= np.exp(-0.1 * dt * oxygen)


class LooksAround(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        if tissue.patient.unbound and any(tissue.clones.alterations) and (tissue.cells.occupancy[0] < 0).any():
            super().step(tissue, dt)


class ForgetsTime(Honest):
    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.cells["coverage"][:] *= 0.9


class CountsCalls(Honest):
    kind = Kind.DIAGNOSTIC

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.cells["coverage"][:] += 0.01


class DependsOnTheStep(Honest):
    kind = Kind.DIAGNOSTIC

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.cells["coverage"][:] = dt


class RelaxesPerStep(Honest):
    """A rate per step instead of per hour beyond the first."""

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.cells["coverage"][:] *= 0.5 if dt > 0.0 else 1.0


class SignalsPerStep(Honest):
    """Loses a little of every activity per step: not to be excused by what sub-steps may differ by."""

    name = "tumor_signaling"
    writes = ("cells/tumor_network",)

    def step(self, tissue: Tissue, dt: float) -> None:
        tissue.cells["tumor_network"][:] *= 0.99 if dt > 0.0 else 1.0


def test_an_honest_process_passes(grown) -> None:
    for check in (undeclared_changes, undeclared_reads):
        assert check(copy.deepcopy(grown[0]), Honest({}), DT) == set()
    assert changes_without_time(copy.deepcopy(grown[0]), Honest({})) == set()
    assert not_converging(copy.deepcopy(grown[0]), Honest({})) == {}


@pytest.mark.parametrize(
    ("cheat", "found"),
    [
        (WritesElsewhere, "cells/coverage"),
        (MovesCells, "cells/occupancy"),
        (ContributesToAnotherField, "terms/vegf_a/source"),
        (AsksForMore, "requests/divide"),
        (RaisesARate, "rates/apoptosis/cheat"),
        (ChangesTheBlood, "patient/unbound_mean/sunitinib"),
        (PrescribesMore, "patient/regimens"),
        (PutsIntoTheMedium, "patient/exposure"),
        (Mutates, "clones/alterations"),
    ],
)
def test_a_process_that_changes_what_it_does_not_say_is_caught(grown, cheat: type[Process], found: str) -> None:
    assert undeclared_changes(copy.deepcopy(grown[0]), cheat({}), DT) == {found}


def test_a_process_that_reads_what_it_does_not_say_is_caught(grown) -> None:
    seen = undeclared_reads(copy.deepcopy(grown[0]), ReadsElsewhere({}), DT)
    assert seen == {"cells/site", "microenvironment/oxygen"}
    seen = undeclared_reads(copy.deepcopy(grown[0]), LooksAround({}), DT)
    assert seen == {"cells/occupancy", "patient", "clones"}


def test_a_process_that_forgets_time_is_caught(grown) -> None:
    assert changes_without_time(copy.deepcopy(grown[0]), ForgetsTime({})) == {"cells/coverage"}
    assert set(not_converging(copy.deepcopy(grown[0]), ForgetsTime({}))) == {"cells/coverage"}
    assert set(not_converging(copy.deepcopy(grown[0]), RelaxesPerStep({}))) == {"cells/coverage"}
    assert set(not_converging(copy.deepcopy(grown[0]), SignalsPerStep({}))) == {"cells/tumor_network"}


@pytest.mark.parametrize("cheat", [CountsCalls, DependsOnTheStep])
def test_a_diagnostic_process_that_is_none_is_caught(grown, cheat: type[Process]) -> None:
    assert changes_of_a_second_call(copy.deepcopy(grown[0]), cheat({})) == {"cells/coverage"}
