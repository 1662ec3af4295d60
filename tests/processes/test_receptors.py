"""VEGF receptors of endothelium: what they hold, take inside and let go, and what PlGF makes of the signal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, process_of, put, put_tumor, put_vessel

from tumorabm.catalog import load_catalog
from tumorabm.processes.process import Choice, NetworkChoice
from tumorabm.processes.signaling.endothelium import EndothelialSignaling
from tumorabm.processes.signaling.inhibitors import Inhibitor
from tumorabm.step import advance
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

K1, K2, KP = 0.033, 0.1, 0.2
SITE = 20.0**3
RECEPTORS = 10_000.0 * MOLECULES_TO_NANOMOLAR_VOLUME / SITE  # nM in a site


def substrates(diffusivity: float = 0.0, decay: float = 0.0, vegf: float = 0.5, plgf: float = 0.0) -> list[Substrate]:
    """VEGF-A and PlGF, by default in voxels of their own that nothing leaves."""
    return [
        Substrate("vegf_a", "nM", "VEGF-A", "implicit", diffusivity, decay, K2, vegf, tolerance=1e-10),
        Substrate("plgf", "nM", "PlGF", "implicit", diffusivity, decay, KP, plgf, tolerance=1e-10),
    ]


def binding(**values: float):
    """Receptors that are not taken inside."""
    return process_of("receptor_binding", **{"rate": 0.0, **values})


def test_what_receptors_hold_is_their_equilibrium_with_what_is_free() -> None:
    processes = [binding(), process_of("field_solve")]
    tissue = bare_tissue((1, 2, 3), processes=processes, substrates=substrates(plgf=0.8))
    put_vessel(tissue, [0, 1])
    for _ in range(30):
        advance(tissue, processes, 2.0)
    vegf, plgf = tissue.microenvironment["vegf_a"], tissue.microenvironment["plgf"]
    c, p = vegf.concentration[0, 0, 0], plgf.concentration[0, 0, 0]
    vegfr1 = RECEPTORS * c / (c + K1 * (1.0 + p / KP))
    assert vegf.held is not None and plgf.held is not None
    assert vegf.held[0, 0, 0] == pytest.approx(vegfr1 + RECEPTORS * c / (c + K2), rel=1e-6)
    assert plgf.held[0, 0, 0] == pytest.approx(RECEPTORS * p / (p + KP * (1.0 + c / K1)), rel=1e-6)
    np.testing.assert_allclose((vegf.concentration + vegf.held).ravel(), 0.5, rtol=1e-12)
    np.testing.assert_allclose((plgf.concentration + plgf.held).ravel(), 0.8, rtol=1e-12)
    assert not vegf.held.ravel()[2:].any()


def test_vegfr1_takes_inside_what_it_holds() -> None:
    """At rest the uptake of the field is the rate times what VEGFR1 holds, of VEGF-A and of PlGF."""
    tissue = bare_tissue((1, 1, 2), processes=[binding()], substrates=substrates(vegf=0.05, plgf=0.3))
    put_vessel(tissue, [0])
    process = binding(rate=0.2)
    process.step(tissue, 2.0)
    vegf, plgf = tissue.microenvironment["vegf_a"], tissue.microenvironment["plgf"]
    taken = vegf.term("uptake").ravel() * 0.05 / (0.05 + K2)
    np.testing.assert_allclose(taken, [0.2 * RECEPTORS * 0.05 / (0.05 + K1 * (1.0 + 0.3 / KP)), 0.0])
    taken = plgf.term("uptake").ravel() * 0.3 / (0.3 + KP)
    np.testing.assert_allclose(taken, [0.2 * RECEPTORS * 0.3 / (0.3 + KP * (1.0 + 0.05 / K1)), 0.0])


def test_what_a_cell_held_is_lost_with_it() -> None:
    processes = [binding(), process_of("field_solve")]
    tissue = bare_tissue((1, 1, 2), processes=processes, substrates=substrates())
    put_vessel(tissue, [0, 1])
    advance(tissue, processes, 2.0)
    vegf = tissue.microenvironment["vegf_a"]
    assert vegf.held is not None
    held, free = vegf.held[0, 0, 0], vegf.concentration[0, 0, 0]
    assert held > 0.2
    tissue.cells.keep(np.array([False, True]))
    advance(tissue, processes, 2.0)
    assert vegf.held[0, 0, 0] == 0.0 and vegf.held[0, 0, 1] > 0.2
    assert vegf.concentration[0, 0, 0] == pytest.approx(free, rel=1e-12)
    assert tissue.ledger.accounts["vegf_a"]["lost"] == pytest.approx(-held * SITE * 1e-9, rel=1e-12)


def test_the_account_of_vegf_closes_with_what_is_held() -> None:
    """Source, decay, both ways inside, faces and what is stored, free and held, with cells that come and go."""
    rng = np.random.default_rng(3)
    processes = [process_of("vegf_internalization"), binding(rate=0.2), process_of("field_solve")]
    tissue = bare_tissue((1, 8, 9), processes=processes, substrates=substrates(4e4, 0.6, 0.02, 0.02))
    put(tissue, ENDOTHELIAL, np.arange(20))
    fields = tissue.microenvironment
    before = {name: fields[name].concentration.sum() for name in fields}
    for step in range(12):
        tissue.requests.clear()
        for field in fields.fields.values():
            field.clear_contributions()
            field.contribute("source", "cells", rng.random(72) * 0.1)
        for process in processes:
            process.step(tissue, 2.0)
        tissue.step_number += 1
        if step % 4 == 3:
            tissue.cells.keep(~np.isin(tissue.cells["site"], [step, step + 5]))
            put(tissue, ENDOTHELIAL, [30 + 2 * step, 31 + 2 * step])
    for name in fields:
        held = fields[name].held
        assert held is not None and held.sum() > fields[name].concentration.sum()
        entries = tissue.ledger.accounts[name]
        total = (fields[name].concentration.sum() + held.sum() - before[name]) * SITE * 1e-9
        assert entries["stored"] == pytest.approx(total, rel=1e-12)
        assert sum(value for key, value in entries.items() if key != "stored") == pytest.approx(total, rel=1e-10)
        assert abs(entries["residual"]) < 1e-9 * entries["source"] and entries["lost"] < 0.0 > entries["uptake"]


def test_shorter_steps_converge() -> None:
    """Receptors are put into the form of the field at the beginning of a step: an error of first order."""
    results = []
    for parts in (1, 2, 4, 8, 16, 64):
        processes = [binding(rate=0.2), process_of("field_solve")]
        tissue = bare_tissue((1, 5, 6), processes=processes, substrates=substrates(4e4, 0.6, 0.3, 0.5))
        put(tissue, ENDOTHELIAL, np.arange(8))
        for _ in range(parts):
            advance(tissue, processes, 2.0 / parts)
        field = tissue.microenvironment["vegf_a"]
        assert field.held is not None
        results.append(np.stack([field.concentration, field.held]))
    errors = [float(np.abs(result - results[-1]).sum()) for result in results[:-1]]
    assert all(finer < 0.65 * coarser for coarser, finer in zip(errors[:-1], errors[1:], strict=True)), errors


def test_a_waiting_field_makes_up_for_what_receptors_did() -> None:
    """At rest nothing is solved for a day, and the account closes at the next solve as if it had been."""
    booked = []
    for refresh in (0.0, 1e-3):
        processes = [process_of("vegf_internalization"), binding(rate=0.2), process_of("field_solve")]
        fields = [replace(item, tolerance=1e-8, refresh=refresh) for item in substrates(4e4, 0.6, 0.02, 0.02)]
        tissue = bare_tissue((1, 8, 9), processes=processes, substrates=fields)
        put(tissue, ENDOTHELIAL, np.arange(20))
        solves = 0
        for _ in range(72):
            for field in tissue.microenvironment.fields.values():
                field.clear_contributions()
                field.contribute("source", "cells", np.full(72, 0.07))
            waited = tissue.microenvironment["vegf_a"].waited
            for process in processes:
                process.step(tissue, 2.0)
            solves += tissue.microenvironment["vegf_a"].waited <= waited
        booked.append((solves, dict(tissue.ledger.accounts["vegf_a"]), tissue.microenvironment["vegf_a"].waited))
    (every, exact, _), (few, waiting, waited) = booked
    assert every == 72 and few < 30
    for entry in ("source", "decay", "uptake"):
        assert waiting[entry] == pytest.approx(exact[entry] * (1.0 - waited / 144.0), rel=5e-3)
    assert abs(waiting["residual"]) < 1e-7 * waiting["source"]


def signal(vegf: float, plgf: float, amplification: float, inhibition: float = 0.0) -> tuple[float, float]:
    """Signal of an endothelial cell, and the VEGF-A that alone would act as much."""
    process = process_of("amplified_signal", amplification=amplification)
    process.inhibitors = (Inhibitor("drug", "vegfr2", 1.0),)
    tissue = bare_tissue((1, 1, 2), processes=[process], substrates=substrates(vegf=vegf, plgf=plgf))
    put_vessel(tissue, [0])
    put_tumor(tissue, [1])
    tissue.patient.unbound_mean["drug"] = inhibition
    process.step(tissue, 2.0)
    assert tissue.cells["vegfr2_signal"][1] == tissue.cells["vegf_acting"][1] == 0.0
    return float(tissue.cells["vegfr2_signal"][0]), float(tissue.cells["vegf_acting"][0])


def test_plgf_amplifies_the_signal_of_vegf() -> None:
    occupied, by_plgf = 0.05 / 0.15, 2.0 / (1.0 + 0.05 / K1 + 2.0)
    expected = occupied * (1.0 + 0.5 * by_plgf * (1.0 - occupied))
    assert signal(0.05, 0.4, 0.5)[0] == pytest.approx(expected)
    assert signal(0.05, 0.4, 0.5, inhibition=3.0)[0] == pytest.approx(expected / 4.0)  # competes with ATP, not PlGF
    assert signal(0.05, 0.4, 0.0) == pytest.approx((occupied, 0.05))
    assert signal(0.0, 0.4, 0.5) == (0.0, 0.0)
    acting = signal(0.05, 0.4, 0.5)[1]
    assert acting > 0.05 and signal(acting, 0.0, 0.5)[0] == pytest.approx(expected)
    assert signal(1e3, 1e3, 0.95)[0] < 1.0


def test_the_network_of_endothelium_receives_the_amplified_signal() -> None:
    catalog = load_catalog()
    results = {}
    for mechanisms in (frozenset(), frozenset({"receptor_competition"})):
        choice = Choice(
            SETS, substrates=("vegf_a", "plgf"), mechanisms=mechanisms,
            signaling={"endothelial": NetworkChoice("endothelium_figure1")},
        )  # fmt: skip
        processes = [process_of("amplified_signal"), EndothelialSignaling.from_catalog(catalog, choice)]
        tissue = bare_tissue((1, 1, 1), processes=processes, substrates=substrates(vegf=0.05, plgf=0.4))
        put_vessel(tissue, [0])
        processes[0].step(tissue, 2.0)
        processes[1].relax(tissue)
        index = processes[1].network.index("vegfr2")
        results[bool(mechanisms)] = float(tissue.cells["endothelial_network"][0, index]), signal(0.05, 0.4, 0.5)[0]
    assert results[True][0] == pytest.approx(results[True][1], abs=1e-7)
    assert results[False][0] == pytest.approx(1.0 / 3.0, abs=1e-7)
