"""EMT: its equation, what stimulates it, how it comes and goes, what it does, and that it does nothing when off."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, bare_tissue, process_of, put, put_tumor
from scipy.integrate import solve_ivp
from short_run import short

from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, NetworkChoice, Process
from tumorabm.processes.resistance.emt import Emt
from tumorabm.processes.resistance.mesenchymal import EMT, drug_sensitivity
from tumorabm.recording.constants import MARKERS, constants_of
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs, series_of
from tumorabm.step import advance
from tumorabm.tissue.cells import APOPTOTIC, FIBROBLAST
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.requests import DIVIDE
from tumorabm.tissue.tissue import Tissue

DAY = 24.0
CATALOG = load_catalog()
AIR = 1e6  # mmHg at which there is no stimulus by hypoxia
FIELDS = (
    OXYGEN,
    *(
        Substrate(name, "nM", name, "implicit", 1e5, 0.1, initial=initial)
        for name, initial in (("hgf", 0.03), ("vegf_a", 0.1), ("sunitinib", 0.0), ("mmp9", 0.0), ("il8", 0.0))
    ),
)
NAMES = ("oxygen", "vegf_a", "hgf", "mmp9", "il8")


def choice(on: bool = True, signaling: bool = False, **more: object) -> Choice:
    return Choice(
        SETS,
        substrates=NAMES,
        clones=(("vhl_mutated",), ()),
        signaling={"tumor": NetworkChoice("rcc_figure1")} if signaling else {},
        mechanisms=frozenset({"emt", "invasion"} if on else {"invasion"}),
        **more,  # type: ignore[arg-type]
    )


def made(name: str, chosen: Choice | None = None, **values: float) -> Process:
    return registered()[name].from_catalog(CATALOG, chosen or choice(), values)


def emt(**values: float) -> Emt:
    """The process of an experiment that gives sunitinib by schedule and in the medium."""
    process = made("emt", choice(drugs=("sunitinib",), exposure={"sunitinib": 0.0}), **values)
    assert isinstance(process, Emt)
    return process


def tissue_with(processes: list[Process], oxygen: float = AIR, drug: float = 0.0, shape=(1, 5, 5), **more) -> Tissue:
    tissue = bare_tissue(shape, processes=processes, substrates=FIELDS, **more)
    tissue.microenvironment["oxygen"].concentration[:] = oxygen
    tissue.microenvironment["sunitinib"].concentration[:] = drug
    tissue.clones.add("null", ("vhl_mutated",))
    tissue.clones.add("intact", ())
    return tissue


def lone(process: Process, state: float = 0.0, accumulated: float = 0.0, **more: float) -> Tissue:
    """A tumor cell by itself."""
    tissue = tissue_with([process], **more)
    put_tumor(tissue, [12], emt=state, emt_accumulated=accumulated, clone=0)
    return tissue


def after(process: Process, tissue: Tissue, days: float, parts: int = 1) -> float:
    """E of the first cell after some days."""
    for _ in range(parts):
        process.step(tissue, days * DAY / parts)
    return float(tissue.cells["emt"][0])


# --- the equation ----------------------------------------------------------------------------------------------------


def test_under_a_constant_stimulus_it_follows_its_closed_form_whatever_the_step() -> None:
    """10 nM of a drug with K = 1 nM and no hypoxia, accumulated: s = D = 10/11."""
    process = emt()
    drug = 10.0 / 11.0
    forth = 0.0005 + 0.015 * drug**6 / (0.6**6 + drug**6)
    back = 0.0317 - (0.0317 - 0.003) * drug
    rest = forth / (forth + back)
    for days, parts in ((1.0, 1), (100.0, 1), (100.0, 37), (1000.0, 3)):
        for start in (0.0, 1.0):
            expected = rest + (start - rest) * math.exp(-(forth + back) * days)
            found = after(process, lone(process, start, drug, drug=10.0), days, parts)
            assert found == pytest.approx(expected, rel=1e-9)


def test_while_the_stimulus_accumulates_it_follows_its_equation_whatever_the_step() -> None:
    process = emt()
    drug, around = 3.0 / 4.0, 1.0 / (1.0 + (4.0 / 3.0) ** 2)
    stimulus = 1.0 - (1.0 - drug) * (1.0 - around)

    def change(_, y):
        response = y[0] ** 6 / (0.6**6 + y[0] ** 6)
        forth = 0.0005 + 0.015 * response * (1.0 + around)
        return (stimulus - y[0]) / 7.0, forth * (1.0 - y[1]) - (0.0317 - 0.0287 * drug) * y[1]

    for days in (2.0, 15.0, 60.0):
        exact = solve_ivp(change, (0.0, days), (0.1, 0.2), rtol=1e-10, atol=1e-12).y[:, -1]
        for parts in (1, 3, 200):
            tissue = lone(process, 0.2, 0.1, oxygen=4.0, drug=3.0)
            assert after(process, tissue, days, parts) == pytest.approx(exact[1], rel=2e-4)
            assert tissue.cells["emt_accumulated"][0] == pytest.approx(exact[0], rel=1e-7)


def test_no_time_and_no_rates_change_nothing() -> None:
    process = emt()
    assert after(process, lone(process, 0.3, 0.2, drug=10.0), 0.0) == 0.3
    still = emt(rate=0.0, basal=0.0, reversal=0.0, held=0.0)
    assert after(still, lone(still, 0.3, 0.2, drug=10.0), 100.0) == 0.3


def test_it_stays_between_epithelial_and_mesenchymal() -> None:
    process = emt(rate=1.0, basal=0.1, held=0.0)
    assert after(process, lone(process, 1.0, 1.0, oxygen=0.0, drug=1e9), 100.0) <= 1.0
    assert after(process, lone(process, 0.0, 1.0), 1e-3) >= 0.0


def test_a_new_tissue_is_at_rest_without_the_drug() -> None:
    process = emt()
    for oxygen in (AIR, 5.0, 1.0):
        tissue = lone(process, oxygen=oxygen, drug=10.0)
        process.relax(tissue)
        expected = after(process, lone(process, oxygen=oxygen), 1e4)
        assert tissue.cells["emt"][0] == pytest.approx(expected, rel=1e-6)
    never = emt(basal=0.0, reversal=0.0, rate=0.0)
    tissue = lone(never, 0.5)
    never.relax(tissue)
    assert tissue.cells["emt"][0] == 0.0


# --- what stimulates -------------------------------------------------------------------------------------------------


def test_the_stimulus_by_a_drug_is_that_in_tissue_and_in_the_medium() -> None:
    process = emt()
    rows = np.array([0])
    assert process.fields == ("sunitinib",) and "sunitinib" in process.substrates
    for field, medium, expected in ((0.0, 0.0, 0.0), (1.0, 0.0, 0.5), (0.0, 1.0, 0.5), (2.0, 1.0, 0.75)):
        tissue = lone(process, drug=field)
        tissue.patient.exposure["sunitinib"] = medium
        assert process.exposure(tissue, rows)[0] == pytest.approx(expected)
    # A drug without an entry does nothing.
    other = made("emt", choice(exposure={"everolimus": 5.0}))
    assert isinstance(other, Emt) and other.inducers == {} and other.fields == ()


def test_hypoxia_stimulates_cells_with_and_without_vhl_alike() -> None:
    process = emt()
    tissue = tissue_with([process], oxygen=3.0)
    put_tumor(tissue, [0, 1], clone=np.array([0, 1]))
    np.testing.assert_allclose(process.surroundings(tissue, np.arange(2)), 0.5)
    for oxygen, low, high in ((0.0, 1.0, 1.0), (9.6, 0.08, 0.1), (40.0, 0.0, 0.02)):
        tissue.microenvironment["oxygen"].concentration[:] = oxygen
        assert low <= process.surroundings(tissue, np.arange(1))[0] <= high


def test_hgf_stimulates_through_met_and_only_where_there_is_signaling() -> None:
    chosen = choice(signaling=True)
    process, network = made("emt", chosen), made("tumor_signaling", chosen)
    assert isinstance(process, Emt)

    def stimulus(hgf: float, chosen: Emt) -> float:
        tissue = tissue_with([process, network])
        tissue.microenvironment["oxygen"].concentration[:] = network.network.inputs["oxygen"]
        tissue.microenvironment["hgf"].concentration[:] = hgf
        put_tumor(tissue, [12], clone=0)
        network.relax(tissue)
        tissue.microenvironment["oxygen"].concentration[:] = AIR
        return float(chosen.surroundings(tissue, np.array([0]))[0])

    found = [stimulus(hgf, process) for hgf in (0.0, 0.03, 0.1, 0.3, 1.0)]
    assert found[:2] == pytest.approx([0.0, 0.0], abs=1e-3)  # the second is the reference cell
    assert (np.diff(found[1:]) > 0.05).all() and 0.6 < found[-1] < 0.9
    assert stimulus(1.0, emt()) == pytest.approx(0.0, abs=1e-9)


# --- how it comes and goes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["drug", "hypoxia"])
def test_a_short_stimulus_does_nothing_and_a_long_one_does(source: str) -> None:
    process = emt()
    given = {"drug": 30.0} if source == "drug" else {"oxygen": 0.5}
    rest = after(process, lone(process), 1e4)

    def highest(days: float) -> float:
        tissue = lone(process, rest, **given)
        found = [after(process, tissue, days, 10)]
        tissue.microenvironment["oxygen"].concentration[:] = AIR
        tissue.microenvironment["sunitinib"].concentration[:] = 0.0
        return max([*found, *(after(process, tissue, 1.0) for _ in range(30))])

    pulse, long = highest(2.0), highest(120.0)
    print(f"{source}: at rest {rest:.4f}, after 2 d {pulse:.4f}, after 120 d {long:.3f}")
    assert pulse - rest < 0.01 and long > 0.4
    # As much in sum, given in pulses with breaks of three weeks: none either.
    tissue = lone(process, rest)
    for _ in range(60):
        for drug, oxygen, days in ((30.0 * (source == "drug"), given.get("oxygen", AIR), 2.0), (0.0, AIR, 21.0)):
            tissue.microenvironment["sunitinib"].concentration[:] = drug
            tissue.microenvironment["oxygen"].concentration[:] = oxygen
            in_pulses = after(process, tissue, days, 4)
    assert in_pulses < 0.05


def test_half_is_back_in_22_days_and_nine_tenths_and_more_in_84() -> None:
    process = emt(basal=0.0)
    assert after(process, lone(process, 0.8), 22.0) == pytest.approx(0.4, rel=0.01)
    assert 0.05 <= after(process, lone(process, 0.8), 84.0) / 0.8 <= 0.10
    # With what is there without stimulus, and what goes on while the accumulated stimulus is lost.
    process = emt()
    for accumulated in (0.0, 10.0 / 11.0):
        left = after(process, lone(process, 0.75, accumulated), 84.0) / 0.75
        print(f"left of 0.75 after 84 d: {left:.3f}, accumulated {accumulated:.2f}")
        assert 0.05 <= left <= 0.11


def test_the_drug_holds_it() -> None:
    process = emt(rate=0.0, basal=0.0)
    assert after(process, lone(process, 0.8, drug=1e9), 84.0) == pytest.approx(0.8 * math.exp(-0.003 * 84.0))


def test_daughters_keep_it_and_other_cells_have_none() -> None:
    processes = [emt(), process_of("commit_parenchyma")]
    tissue = tissue_with(processes, drug=10.0)
    row = put_tumor(tissue, [12], emt=0.6, emt_accumulated=0.7)
    put(tissue, FIBROBLAST, [0])
    put_tumor(tissue, [24])
    tissue.cells["state"][2] = APOPTOTIC
    tissue.requests.add(DIVIDE, row, np.ones(1))
    processes[1].step(tissue, 2.0)
    assert tissue.cells["emt"].tolist() == [0.6, 0.0, 0.0, 0.6]
    assert tissue.cells["emt_accumulated"].tolist() == [0.7, 0.0, 0.0, 0.7]
    processes[0].step(tissue, 24.0)
    assert tissue.cells["emt"][1:3].tolist() == [0.0, 0.0] and tissue.cells["emt"][0] != 0.6


# --- what it does, one by one ----------------------------------------------------------------------------------------

STATES = np.array([0.0, 0.5, 1.0])


def row_of_three(processes: list[Process], **more: float) -> Tissue:
    tissue = tissue_with(processes, **more)
    put_tumor(tissue, [2, 12, 22], emt=STATES, clone=0)
    return tissue


@pytest.mark.parametrize(
    ("event", "parameter", "expected"),
    [
        ("divide", "division", [1.0, 0.9, 0.8]),
        ("necrosis", "necrosis", [1.0, 0.75, 0.5]),
        ("migrate", "speed", [1.0, 3.5**2, 6.0**2]),
    ],
)
def test_rates_of_mesenchymal_cells(event: str, parameter: str, expected: list[float]) -> None:
    neutral = {"division": 1.0, "necrosis": 1.0, "speed": 2.0}
    own = made("mesenchymal_rates").p.__dict__[parameter]
    for values, factors in (({parameter: own}, expected), ({}, [1.0] * 3)):
        process = made("mesenchymal_rates", **{**neutral, **values})
        tissue = row_of_three([process])
        for name in ("divide", "necrosis", "migrate"):
            tissue.rates.add(name, "test", np.ones(3))
        process.step(tissue, 2.0)
        for name in ("divide", "necrosis", "migrate"):
            found = tissue.rates.total(name, 3)
            np.testing.assert_allclose(found, factors if name == event else np.ones(3))


def test_mesenchymal_cells_hold_on_less_and_are_not_faster_for_that() -> None:
    with_emt, without = made("invasion"), made("invasion", choice(on=False))
    assert EMT in with_emt.columns and EMT not in without.columns
    tissue = row_of_three([with_emt])
    with_emt.step(tissue, 2.0)
    np.testing.assert_allclose(tissue.cells["hold"], [1.0, 0.65, 0.3])
    (faster,) = tissue.rates.contributions("migrate").values()
    np.testing.assert_array_equal(faster, np.ones(3))
    loosened = with_emt.loosened
    assert loosened is not None
    loosened.value = 1.0
    with_emt.step(tissue, 2.0)
    np.testing.assert_array_equal(tissue.cells["hold"], np.ones(3))


@pytest.mark.parametrize("signaling", [False, True])
def test_mesenchymal_cells_secrete_more_of_what_has_a_fold(signaling: bool) -> None:
    chosen = choice(signaling=signaling)
    process, usual = made("mesenchymal_secretion", chosen), made("factor_secretion", chosen)
    network = [made("tumor_signaling", chosen)] if signaling else []
    assert process.folds == {"mmp9": 3.0, "il8": 2.0}
    tissue = row_of_three([process, usual, *network], oxygen=9.6)
    tissue.cells["state"][1] = APOPTOTIC
    for item in network:
        item.relax(tissue)
    process.step(tissue, 2.0)
    usual.step(tissue, 2.0)
    for substrate, fold in process.folds.items():
        field = tissue.microenvironment[substrate]
        more, own = (field.contribution("source", name).reshape(-1) for name in ("mesenchymal", "tumor_and_host"))
        assert np.flatnonzero(more).tolist() == [22]
        assert (own + more)[22] / own[2] == pytest.approx(fold)
    process.folds = dict.fromkeys(process.folds, 1.0)
    process.step(tissue, 2.0)
    assert not tissue.microenvironment["mmp9"].contribution("source", "mesenchymal").any()


def test_where_the_substrate_is_missing_there_is_nothing_to_secrete() -> None:
    process = registered()["mesenchymal_secretion"].from_catalog(CATALOG, Choice(SETS, substrates=("oxygen",)))
    process.step(row_of_three([process]), 2.0)
    assert process.rates == {}


def test_a_drug_acts_less_on_a_mesenchymal_cell_by_its_concentration() -> None:
    chosen = choice(signaling=True, exposure={"torin1": 5.0})
    process = made("tumor_signaling", chosen)
    tissue = row_of_three([process])
    tissue.patient.exposure["torin1"] = 5.0
    sites = tissue.cells["site"]
    np.testing.assert_allclose(process.concentrations(tissue, sites)["torin1"], 5.0 * np.array([1.0, 0.65, 0.3]))
    process.relax(tissue)
    place = process.network.index("division")
    divisions = tissue.cells["tumor_network"][:, place].copy()
    assert (np.diff(divisions) > 0.01).all()
    # An epithelial cell under as much less of the drug is the same.
    tissue.patient.exposure["torin1"] = 5.0 * 0.3
    tissue.cells["emt"][:] = 0.0
    process.relax(tissue)
    np.testing.assert_allclose(tissue.cells["tumor_network"][0, place], divisions[2], rtol=1e-6)
    # Without the mechanism all cells are alike, and without drugs they are so with it.
    off = made("tumor_signaling", choice(on=False, signaling=True, exposure={"torin1": 5.0}))
    assert off.sensitivity is None and off.concentrations(tissue, sites)["torin1"] == 1.5


def test_the_sensitivity_that_other_processes_take() -> None:
    found = drug_sensitivity(CATALOG, choice())
    assert found is not None and drug_sensitivity(CATALOG, choice(on=False)) is None
    tissue = row_of_three([made("mesenchymal_rates")])
    np.testing.assert_allclose(found.of(tissue), [1.0, 0.65, 0.3])
    np.testing.assert_allclose(found.of(tissue, np.array([2])), [0.3])


# --- read-outs -------------------------------------------------------------------------------------------------------


def test_markers_follow_the_state() -> None:
    outputs = registered_outputs()
    tissue = row_of_three([made("mesenchymal_rates")])
    put_tumor(tissue, [0], emt=1.0)
    tissue.cells["state"][3] = APOPTOTIC
    constants = constants_of(CATALOG, SETS, {"emt"})
    measurement = Measurement(tissue, constants)
    assert outputs["tumor_emt"].function(measurement) == pytest.approx(0.5)
    assert outputs["mesenchymal_fraction"].function(measurement) == pytest.approx(1 / 3)
    for marker in MARKERS:
        expected = 1.0 + (constants[f"{marker}_fold"] - 1.0) * 0.5
        assert outputs[f"{marker}_marker"].function(measurement) == pytest.approx(expected)
    assert not set(constants_of(CATALOG, SETS)) & {f"{marker}_fold" for marker in MARKERS}
    empty = Measurement(tissue_with([made("mesenchymal_rates")]), constants)
    assert math.isnan(outputs["tumor_emt"].function(empty))


# --- off -------------------------------------------------------------------------------------------------------------

NEUTRAL = {
    "emt_division": "1",
    "emt_necrosis": "1",
    "emt_migration_speed": "2 um/h",
    "emt_hold": "1",
    "emt_drug_sensitivity": "1",
    "emt_mmp9_fold": "1",
    "emt_il8_fold": "1",
    "emt_fgf2_fold": "1",
}


def test_without_effects_a_run_with_it_is_that_without_it_bit_by_bit() -> None:
    """A cell is only marked: neither the state nor any of its contributions touches anything else."""
    neutral = [f"catalog.cell_types.tumor.{name}={value}" for name, value in NEUTRAL.items()]
    settings = ("burn_in=0 h", "lattice.shape=[32, 32]")
    tissues = []
    for on, more in (("true", neutral), ("false", [])):
        experiment = short(*settings, f"mechanisms.emt={on}", *more)
        tissue, processes = build(experiment)
        for _ in range(30):
            advance(tissue, processes, experiment.time_step)
        tissues.append(tissue)
    marked, plain = tissues
    assert marked.cells["emt"].max() > 0.0 and "emt" not in plain.cells
    assert not [series.name for series in series_of(["tumor_emt", "mmp9_marker"], plain)]
    state = plain.state()
    for name, values in marked.state().items():
        if name not in ("cells/emt", "cells/emt_accumulated"):
            np.testing.assert_array_equal(values, state[name], err_msg=name)
