"""What the signaling networks do in tissue: outputs become rates, drugs act where they reach, clones differ."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS, advance_only, bare_tissue, put_tumor, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.errors import InputError
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, NetworkChoice, Process
from tumorabm.processes.signaling.cell_signaling import effects_of
from tumorabm.processes.signaling.course import steady
from tumorabm.processes.signaling.endothelium import SIGNALS, EndothelialSignaling, EquivalentSignals
from tumorabm.processes.signaling.inhibitors import Inhibitor, left_by
from tumorabm.processes.signaling.network import Network
from tumorabm.processes.signaling.tumor import TumorSignaling
from tumorabm.tissue.cells import APOPTOTIC
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue

FACTORS = ("pdgf_bb", "fgf2", "plgf", "il8", "ephrin_a", "ang2", "mmp9", "timp2", "s1p")
PROCESSES = (
    "vegf_secretion", "factor_secretion", "nutrient_uptake", "vegfr2_signal", "tumor_signaling",
    "endothelial_signaling", "equivalent_signals", "birth", "apoptosis", "signaled_division", "signaled_survival",
    "endothelial_survival", "sprouting", "recolonization", "migration", "tip_migration",
)  # fmt: skip
FIELDS = [
    Substrate("oxygen", "mmHg", "oxygen", "steady", 7.2e6, 0.0, 1.0),
    Substrate("amino_acids", "nM", "amino acids", "steady", 5e5, 0.0, 1e5),
    *(Substrate(name, "nM", name, "implicit", 2e5, 0.0, 0.1) for name in ("vegf_a", *FACTORS)),
]


def signaling(
    *clones: tuple[str, ...],
    tumor: dict | None = None,
    endothelial: dict | None = None,
    exposure: dict[str, float] | None = None,
    drugs: tuple[str, ...] = (),
) -> Choice:
    """A choice with both networks on."""
    return Choice(
        SETS,
        drugs=drugs,
        substrates=("oxygen", "amino_acids", "vegf_a", *FACTORS),
        exposure=exposure or {},
        clones=clones or (("vhl_mutated",),),
        signaling={
            "tumor": NetworkChoice("rcc_figure1", **(tumor or {})),
            "endothelial": NetworkChoice("endothelium_figure1", **(endothelial or {})),
        },
    )


def processes_of(choice: Choice) -> dict[str, Process]:
    """The processes that signaling acts through, in the order of a step."""
    catalog = load_catalog()
    kinds = registered()
    return {name: kinds[name].from_catalog(catalog, choice, None) for name in kinds if name in PROCESSES}


def settled(
    choice: Choice, *, oxygen: float = 9.6, vegf: float = 0.05, clones: int = 1
) -> tuple[Tissue, dict[str, Process]]:
    """A row of tumor cells and a vessel beside it, with networks at rest and the rates of one step."""
    processes = processes_of(choice)
    tissue = bare_tissue((1, 3, 8), processes=processes.values(), substrates=FIELDS)
    tissue.patient.exposure = dict(choice.exposure)
    for number, alterations in enumerate(choice.clones):
        tissue.clones.add(f"clone {number}", alterations)
    put_tumor(tissue, [0, 1, 2, 3], clone=np.arange(4) % clones)
    put_vessel(tissue, [16, 17, 18, 19], phenotype=np.array([0, 0, 0, 2]), coverage=0.6)
    tissue.vasculature.sleeves[16:18] = 1
    for name, value in {"oxygen": oxygen, "vegf_a": vegf, "amino_acids": 5e5}.items():
        tissue.microenvironment[name].concentration[:] = value
    for process in processes.values():
        process.relax(tissue)
    advance_only(tissue, list(processes.values()), 1e-9)
    for process in processes.values():  # once more, without the clearing that begins a step
        process.step(tissue, 1e-9)
    return tissue, processes


def rates_of(tissue: Tissue, processes: dict[str, Process]) -> dict[str, float]:
    """All rates that outputs of networks act on, of the first tumor cell and the first endothelial cells."""
    n = tissue.cells.n
    out = {event: float(tissue.rates.total(event, n)[row]) for event, row in
           (("divide", 0), ("apoptosis", 0), ("regress", 4), ("recolonize", 4))}  # fmt: skip
    for name, part in (("vegf_a", "tumor"), *((name, "tumor_and_host") for name in FACTORS)):
        out[f"secretion_{name}"] = float(tissue.microenvironment[name].contribution("source", part).ravel()[0])
    out["endothelial_secretion"] = float(
        tissue.microenvironment["vegf_a"].contribution("source", "endothelium").ravel()[16]
    )
    out["uptake"] = float(tissue.microenvironment["amino_acids"].contribution("uptake", "consumption").ravel()[0])
    out["hops"] = float(processes["migration"].drive.relative(tissue)[0])  # type: ignore[attr-defined]
    cells = tissue.cells
    tip = processes["tip_migration"]
    out["tip_speed"] = float(tip.tip_speed(cells["motility_signal"][4:5], np.ones(1))[0])  # type: ignore[attr-defined]
    return out


# Which rate follows an output, and whether it rises with it.
TUMOR_RATES = {
    "division": ("divide", 1), "survival": ("apoptosis", -1), "motility": ("hops", 1),
    "nutrient_transport": ("uptake", 1),
    **{f"secretion_{name}": (f"secretion_{name}", 1) for name in ("vegf_a", *FACTORS)},
}  # fmt: skip
ENDOTHELIAL_RATES = {
    "division": ("recolonize", 1), "survival": ("regress", -1), "motility": ("tip_speed", 1),
    "secretion_vegf_a": ("endothelial_secretion", 1),
}  # fmt: skip
# Stands for itself until the process that integrates it (EMT) is there.
WITHOUT_A_RATE = {"emt_stimulus"}


def test_every_output_of_a_network_has_a_rate() -> None:
    catalog = load_catalog()
    assert set(catalog.fact("networks.rcc_figure1.outputs")) == {*TUMOR_RATES, *WITHOUT_A_RATE}
    assert set(catalog.fact("networks.endothelium_figure1.outputs")) == set(ENDOTHELIAL_RATES)


@pytest.mark.parametrize(
    ("cell_type", "output"),
    [("tumor", name) for name in TUMOR_RATES] + [("endothelial", name) for name in ENDOTHELIAL_RATES],
)
def test_clamping_an_output_moves_its_rate_and_no_other(cell_type: str, output: str) -> None:
    rate, sign = (TUMOR_RATES if cell_type == "tumor" else ENDOTHELIAL_RATES)[output]
    found = {}
    for value in (0.02, 0.9):
        found[value] = rates_of(*settled(signaling(**{cell_type: {"clamp": {output: value}}})))
    low, high = found[0.02], found[0.9]
    assert sign * (high[rate] - low[rate]) > 0.05 * max(abs(high[rate]), abs(low[rate]))
    others = [name for name in low if name != rate]
    assert [low[name] for name in others] == pytest.approx([high[name] for name in others], rel=1e-6)


def test_the_reference_cell_has_the_rates_of_the_catalog() -> None:
    """A cell without VHL under the reference inputs divides, dies and secretes as without signaling."""
    choice = signaling()
    on = settled(choice, vegf=0.1)[0]
    inputs = Network.from_catalog(load_catalog(), "rcc_figure1", SETS)
    for name, value in inputs.inputs.items():
        substrate = inputs.substrates[name]
        if substrate in on.microenvironment and name not in ("amino_acids", "oxygen"):
            on.microenvironment[substrate].concentration[:] = value
    processes = processes_of(choice)
    for process in processes.values():
        process.relax(on)
    on.rates.clear()
    for process in processes.values():
        process.step(on, 1e-9)
    for event in ("divide", "apoptosis"):
        alone = on.rates.contributions(event)[{"divide": "birth"}.get(event, event)]
        np.testing.assert_allclose(on.rates.total(event, on.cells.n)[:4], alone[:4], rtol=1e-6)


def test_endothelium_in_the_reference_state_acts_on_its_vegfr2_signal() -> None:
    """Whatever VEGF is there: the calibrated responses to the signal stand as they are."""
    network = Network.from_catalog(load_catalog(), "endothelium_figure1", SETS)
    for vegf in (0.0, 0.005, 0.03, 0.1, 0.4):
        choice = signaling()
        processes = processes_of(choice)
        tissue = bare_tissue((1, 3, 8), processes=processes.values(), substrates=[
            field for field in FIELDS if field.name in ("oxygen", "vegf_a")
        ])  # fmt: skip
        put_vessel(tissue, [16, 17, 18])
        tissue.microenvironment["vegf_a"].concentration[:] = vegf
        for name in ("vegfr2_signal", "endothelial_signaling", "equivalent_signals"):
            processes[name].relax(tissue)
            processes[name].step(tissue, 1e-9)
        signal = vegf / (0.1 + vegf)
        assert tissue.cells["endothelial_network"][0, network.index("vegfr2")] == pytest.approx(signal, abs=1e-8)
        for column in SIGNALS.values():
            np.testing.assert_allclose(tissue.cells[column.name], signal, atol=2e-4)


def test_signals_are_the_vegfr2_signal_itself_without_signaling() -> None:
    processes = [
        registered()[name].from_catalog(load_catalog(), Choice(SETS))
        for name in ("vegfr2_signal", "equivalent_signals")
    ]
    tissue = bare_tissue((1, 3, 8), processes=processes)
    put_vessel(tissue, [16, 17])
    tissue.microenvironment["vegf_a"].concentration[:] = 0.2
    advance_only(tissue, processes, 2.0)
    for column in SIGNALS.values():
        np.testing.assert_array_equal(tissue.cells[column.name], tissue.cells["vegfr2_signal"])
    assert tissue.cells["vegfr2_signal"][0] > 0.6


def test_sunitinib_acts_on_endothelium_and_everolimus_on_both() -> None:
    usual = rates_of(*settled(signaling(), vegf=0.1))
    sunitinib = rates_of(*settled(signaling(exposure={"sunitinib": 10.0}), vegf=0.1))
    everolimus = rates_of(*settled(signaling(exposure={"everolimus": 5.0}), vegf=0.1))
    for name in ("recolonize", "tip_speed"):
        assert sunitinib[name] < 0.7 * usual[name]
        assert everolimus[name] < 0.95 * usual[name]
    assert sunitinib["divide"] > 0.9 * usual["divide"]
    assert everolimus["divide"] < 0.85 * usual["divide"]
    assert everolimus["secretion_vegf_a"] < 0.9 * usual["secretion_vegf_a"]


def test_clones_differ_by_their_alterations() -> None:
    makes = (("vhl_mutated",), ("vhl_mutated", "hif2a_only"))
    tissue, processes = settled(signaling(*makes), clones=2)
    tumor = processes["tumor_signaling"]
    assert isinstance(tumor, TumorSignaling)
    hif1a = tissue.cells["tumor_network"][:4, tumor.network.index("hif1a")]
    assert hif1a[[1, 3]] == pytest.approx(0.0, abs=1e-9) and (hif1a[[0, 2]] > 0.3).all()
    divide = tissue.rates.total("divide", tissue.cells.n)
    assert (divide[[1, 3]] > 1.1 * divide[[0, 2]]).all()


def test_a_clone_that_comes_up_gets_its_make_and_shares_it() -> None:
    """Alterations that no clone began with, in another order: followed as the clone that has the same."""
    makes = (("vhl_mutated",), ("vhl_mutated", "hif2a_only", "tsc_loss"))
    tissue, processes = settled(signaling(*makes), clones=2)
    tumor = processes["tumor_signaling"]
    assert isinstance(tumor, TumorSignaling)
    new = tissue.clones.add("", ("vhl_mutated", "tsc_loss"), 0, 1, key=1)
    twin = tissue.clones.add("", ("vhl_mutated", "tsc_loss", "hif2a_only"), new, 2, key=2)
    tissue.cells["clone"][:4] = [0, 1, new, twin]
    parts = tumor.parts(tissue)
    assert sorted(rows.tolist() for rows, _ in parts) == [[0], [1, 3], [2]]
    make = next(make for rows, make in parts if rows.tolist() == [2])
    tsc = tumor.network.index("tsc")
    assert make.level[tsc] < 0.1 and make.level[tumor.network.index("hif1a")] == 1.0
    tumor.relax(tissue)
    network = tissue.cells["tumor_network"][:4]
    np.testing.assert_array_equal(network[1], network[3])
    assert network[2, tsc] < 0.5 * network[0, tsc]


def test_inputs_come_from_fields_where_there_are_any_and_else_from_the_experiment() -> None:
    tissue, processes = settled(signaling(tumor={"inputs": {"hgf": 2.0}}), oxygen=3.0)
    tumor = processes["tumor_signaling"]
    assert isinstance(tumor, TumorSignaling)
    inputs = dict(zip(tumor.network.inputs, tumor._inputs(tissue, np.array([0]))[0].tolist(), strict=True))
    assert inputs["oxygen"] == 3.0 and inputs["hgf"] == 2.0 and inputs["vegf_a"] == 0.05
    assert inputs["amino_acids"] == pytest.approx(1.0)  # 500 uM as in blood
    assert inputs["pdgf"] == 0.0  # of the field of PDGF-BB, which is empty


def test_debris_does_not_signal() -> None:
    choice = signaling()
    processes = processes_of(choice)
    tissue = bare_tissue((1, 3, 8), processes=processes.values(), substrates=FIELDS)
    tissue.clones.add("clone", ("vhl_mutated",))
    put_tumor(tissue, [0, 1], clone=0, state=np.array([0, APOPTOTIC]))
    tissue.microenvironment["oxygen"].concentration[:] = 9.6
    processes["tumor_signaling"].step(tissue, 2.0)
    network = tissue.cells["tumor_network"]
    assert network[0].max() > 0.0 and network[1].max() == 0.0


def test_a_network_whose_outputs_fall_with_the_signal_is_refused() -> None:
    from tumorabm.processes.signaling.endothelium import tabulated

    network = Network.from_catalog(load_catalog(), "endothelium_figure1", SETS)
    with pytest.raises(InputError, match="motility does not rise with the signal of vegfr2"):
        tabulated(network, {"vegfr2_to_motility_weight": 0.0, "mtorc1_to_motility_weight": 0.0})


def test_the_table_of_signals_is_that_of_single_cells() -> None:
    processes = processes_of(signaling())
    table = processes["equivalent_signals"]
    assert isinstance(table, EquivalentSignals) and isinstance(processes["endothelial_signaling"], EndothelialSignaling)
    network = processes["endothelial_signaling"].network
    signal = 0.3
    state = steady(network, network.reference_inputs(), network.make({}, {"vegfr2": signal}))[0]
    places = np.linspace(0.0, 1.0, 801) ** 2
    for output in SIGNALS:
        assert np.interp(signal, places, table.outputs[output]) == pytest.approx(state[network.index(output)], abs=1e-6)


# --- what reaches which cell -----------------------------------------------------------------------------------------


def medicated() -> tuple[Tissue, dict[str, Process]]:
    """Tumor and endothelium with a drug in tissue, plasma and medium, each at its own concentration."""
    choice = signaling(drugs=("sunitinib",), exposure={"sunitinib": 1.0, "everolimus": 0.5})
    processes = processes_of(choice)
    field = Substrate("sunitinib", "nM", "unbound sunitinib", "implicit", 1e5, 0.0)
    tissue = bare_tissue((1, 3, 8), processes=processes.values(), substrates=[*FIELDS, field])
    tissue.patient.exposure = dict(choice.exposure)
    tissue.patient.unbound_mean.update(sunitinib=7.0, su12662=3.0)
    tissue.patient.total_mean.update(sunitinib=100.0, su12662=60.0)
    tissue.patient.unbound.update(sunitinib=70.0, su12662=30.0)
    tissue.microenvironment["sunitinib"].concentration[:] = 2.0
    tissue.clones.add("clone", ("vhl_mutated",))
    put_tumor(tissue, [0, 1], clone=0)
    put_vessel(tissue, [16, 17])
    return tissue, processes


def test_tumor_cells_see_the_unbound_drug_in_tissue_and_endothelium_that_in_plasma() -> None:
    """And both the medium, once. Metabolites have no field, so they reach endothelium only."""
    tissue, processes = medicated()
    tumor, endothelial = processes["tumor_signaling"], processes["endothelial_signaling"]
    assert isinstance(tumor, TumorSignaling) and isinstance(endothelial, EndothelialSignaling)
    seen = tumor.concentrations(tissue, np.array([0, 1]))
    np.testing.assert_allclose(seen["sunitinib"], [3.0, 3.0])
    assert seen["everolimus"] == 0.5 and "su12662" not in seen
    seen = endothelial.concentrations(tissue, np.array([16, 17]))
    assert seen == {"sunitinib": 8.0, "su12662": 3.0, "everolimus": 0.5}
    for process, compounds in ((tumor, {"sunitinib": 3.0}), (endothelial, {"sunitinib": 8.0, "su12662": 3.0})):
        ((rows, make),) = process.parts(tissue)
        _, left = process.received(tissue, rows, make)
        place = left.nodes.tolist().index(process.network.index("pdgfr"))
        constants = {item.compound: item.constant for item in process.inhibitors if item.node == "pdgfr"}
        expected = 1.0 / (1.0 + sum(value / constants[name] for name, value in compounds.items()))
        np.testing.assert_allclose(left.share[:, place], expected)


def test_inhibitors_of_one_node_share_its_pocket_and_rapalogs_share_fkbp12() -> None:
    network = Network.from_catalog(load_catalog(), "rcc_figure1", SETS)
    make = network.make()

    def left(*given: tuple[Inhibitor, float]) -> float:
        found = left_by(network, [item for item, _ in given], {item.compound: c for item, c in given}, make, 1)
        return float(found.share[0, 0])

    a, b = Inhibitor("a", "akt", 2.0), Inhibitor("b", "akt", 5.0)
    assert left((a, 4.0), (b, 10.0)) == pytest.approx(1.0 / (1.0 + 2.0 + 2.0))
    needs = ("fkbp12", "mtor_fkb")
    one, two = Inhibitor("one", "mtorc1", 1.0, 0.8, needs), Inhibitor("two", "mtorc1", 1.0, 0.8, needs)
    assert left((one, 1.0), (two, 1.0)) == pytest.approx(left((one, 2.0)))
    assert left((one, 1e9), (two, 1e9)) == pytest.approx(0.2)
    kinase = Inhibitor("kinase", "mtorc1", 3.0)
    assert left((one, 1.0), (kinase, 3.0)) == pytest.approx(0.6 * 0.5)


def test_alterations_of_one_node_are_combined() -> None:
    catalog = load_catalog()
    both = effects_of(catalog, ("vhl_mutated", "pi3k_activation", "pten_loss"), SETS)
    assert both == {"vhl_level": 0.0, "pi3k_activity": 0.4, "s6k_to_pi3k_weight": 0.7, "akt_activity": 0.4}
    twice = effects_of(catalog, ("tsc_loss", "tsc_loss", "pten_loss", "pten_loss"), SETS)
    assert twice["tsc_level"] == pytest.approx(0.05**2) and twice["akt_activity"] == pytest.approx(1.0 - 0.6**2)


def test_rates_are_relative_to_the_reference_and_not_to_what_an_experiment_gives() -> None:
    """Starved of growth factors everywhere, cells divide less: the reference does not starve with them."""
    usual, starved = (
        rates_of(*settled(signaling(tumor={"inputs": {"growth_factors": level}}))) for level in (0.5, 0.02)
    )
    assert starved["divide"] < 0.9 * usual["divide"]


def test_hops_follow_the_square_of_motility() -> None:
    """A persistent walk of speed v hops at a rate that goes with v squared."""
    counts = []
    for motility in (0.2, 0.4):
        tissue, processes = settled(signaling(tumor={"clamp": {"motility": motility}}))
        process = processes["migration"]
        process.p.speed *= 30.0
        total = 0
        for step in range(400):
            tissue.step_number = step
            tissue.requests.clear()
            process.step(tissue, 2.0)
            total += len(tissue.requests)
        counts.append(total)
    assert counts[0] > 200
    assert counts[1] / counts[0] == pytest.approx(4.0, rel=0.2)


def test_parts_and_threads_change_no_bit(monkeypatch) -> None:
    """Cells in many small parts, shared out among threads, come to what they come to in one part on one thread."""
    import copy
    import threading

    import numba
    from short_run import short

    from tumorabm.build import build
    from tumorabm.processes.signaling import cell_signaling

    tissue, pipeline = build(short())
    process = next(item for item in pipeline if item.name == "endothelial_signaling")
    tissue.patient.unbound_mean["sunitinib"] = 6.0  # away from rest, so that cells take sub-steps
    whole, parted = copy.deepcopy(tissue), copy.deepcopy(tissue)
    assert len(process.parts(whole)) == 1
    process.step(whole, 2.0)
    monkeypatch.setattr(cell_signaling, "_TOGETHER", 7)
    assert len(process.parts(parted)) > 10
    monkeypatch.setattr(numba, "get_num_threads", lambda: 4)
    seen, follow = set(), cell_signaling.advance
    monkeypatch.setattr(cell_signaling, "advance", lambda *given: seen.add(threading.get_ident()) or follow(*given))
    process.step(parted, 2.0)
    assert threading.get_ident() not in seen
    name = process.columns[0].name
    assert (whole.cells[name] != tissue.cells[name]).any()
    assert whole.cells[name].tobytes() == parted.cells[name].tobytes()


def test_what_fails_in_a_thread_is_raised(monkeypatch) -> None:
    import numba

    from tumorabm.kernel import share_out

    def work(part: int) -> None:
        if part == 3:
            raise ArithmeticError("part 3")

    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    with pytest.raises(ArithmeticError, match="part 3"):
        share_out(work, range(6))
