"""VEGF-A against exact answers: the balance of a closed voxel, the range in one dimension, a whole run's account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_vessel
from scipy.optimize import brentq
from short_run import short

from tumorabm.build import build
from tumorabm.config import load_experiment
from tumorabm.config.contents import make_processes, make_substrates
from tumorabm.step import advance
from tumorabm.tissue.lattice import FIXED, NO_FLUX
from tumorabm.tissue.microenvironment import Microenvironment, Substrate
from tumorabm.tissue.patient import Patient
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

FREE_DIFFUSION = Path(__file__).parents[2] / "configs" / "experiments" / "vegf_free_diffusion.yaml"
K1, K2, KP, SITE = 0.033, 0.1, 0.2, 20.0**3
RECEPTORS = 10_000.0 * MOLECULES_TO_NANOMOLAR_VOLUME / SITE


def closed_voxel(vegf: float, plgf: float, amplification: float) -> tuple[float, float]:
    """Free VEGF-A and the signal of an endothelial cell in a voxel that holds given totals, left alone."""
    processes = [
        process_of("receptor_binding", rate=0.0), process_of("field_solve"),
        process_of("amplified_signal", amplification=amplification),
    ]  # fmt: skip
    substrates = [
        Substrate("vegf_a", "nM", "v", "implicit", 0.0, 0.0, K2, vegf, tolerance=1e-12),
        Substrate("plgf", "nM", "p", "implicit", 0.0, 0.0, KP, plgf, tolerance=1e-12),
    ]
    tissue = bare_tissue((1, 1, 1), processes=processes, substrates=substrates)
    put_vessel(tissue, [0])
    for _ in range(60):
        advance(tissue, processes, 2.0)
    field = tissue.microenvironment["vegf_a"]
    assert field.held is not None
    assert float((field.concentration + field.held)[0, 0, 0]) == pytest.approx(vegf, rel=1e-10)
    return float(field.concentration[0, 0, 0]), float(tissue.cells["vegfr2_signal"][0])


def balance(vegf: float, plgf: float) -> tuple[float, float]:
    """The same free VEGF-A by root finding in the two equations of mass balance, and the share of VEGFR1 with PlGF."""

    def free_plgf(c: float) -> float:
        return brentq(lambda p: p + RECEPTORS * p / (p + KP * (1.0 + c / K1)) - plgf, 0.0, plgf + 1.0, xtol=1e-15)

    def excess(c: float) -> float:
        p = free_plgf(c)
        return c + RECEPTORS * c / (c + K1 * (1.0 + p / KP)) + RECEPTORS * c / (c + K2) - vegf

    c = brentq(excess, 0.0, vegf, xtol=1e-15)
    ratio = free_plgf(c) / KP
    return c, ratio / (1.0 + c / K1 + ratio)


@pytest.mark.parametrize("vegf", [0.3, 1.0, 3.0])
def test_f32_at_fixed_total_plgf_raises_free_vegf_and_the_signal(vegf: float) -> None:
    """Against the exact balance; with the amplification the signal rises more, and not without PlGF."""
    seen = []
    for plgf in (0.0, 0.3, 3.0):
        c, by_plgf = balance(vegf, plgf)
        occupied = c / (c + K2)
        for alpha in (0.0, 0.5):
            free, signal = closed_voxel(vegf, plgf, alpha)
            assert free == pytest.approx(c, rel=1e-6)
            assert signal == pytest.approx(occupied * (1.0 + alpha * by_plgf * (1.0 - occupied)), rel=1e-6)
            seen.append((free, signal))
    free, signals = (np.array(values).reshape(3, 2) for values in zip(*seen, strict=True))
    assert (np.diff(free[:, 0]) > 0.05 * free[:-1, 0]).all()  # as plgf rises
    assert (np.diff(signals, axis=0) > 0.0).all()
    assert signals[0, 0] == signals[0, 1] and (signals[1:, 1] > 1.01 * signals[1:, 0]).all()


def profile(name: str, *settings: str) -> tuple[np.ndarray, float]:
    """Steady concentration of mobile VEGF-A away from a face of fixed value, relative to it, in an empty block.

    Returns it with the range that the experiment's numbers give.
    """
    experiment = load_experiment(name, list(settings))
    wanted = ("vegf_a", "vegf_bound", "mmp9")
    processes = [item for item in make_processes(experiment) if item.name in ("matrix_binding", "field_solve")]
    faces = (NO_FLUX, NO_FLUX, NO_FLUX, NO_FLUX, FIXED, NO_FLUX)
    tissue = bare_tissue((1, 1, 200), faces=faces, spacing=10.0)
    substrates = [item for item in make_substrates(experiment) if item.name in wanted]
    tissue.microenvironment = Microenvironment(tissue.lattice, substrates)
    tissue.patient = Patient()
    tissue.microenvironment["mmp9"].concentration[:] = 0.0
    for process in processes:
        process.prepare(tissue)
    processes[0].step(tissue, 0.0)
    processes[1].relax(tissue)
    vegf, bound = (item for item in substrates if item.name in ("vegf_a", "vegf_bound"))
    on = experiment.value("substrates.vegf_bound.binding_rate", "1/h")
    off = experiment.value("substrates.vegf_bound.unbinding_rate", "1/h")
    removed = vegf.decay + on * bound.decay / (off + bound.decay)
    return tissue.microenvironment["vegf_a"].concentration.ravel() / vegf.boundary_value, float(
        np.sqrt(vegf.diffusivity / removed)
    )


def measured_range(shape: np.ndarray) -> float:
    """Of an exponential profile on sites of 10 µm, between 50 and 500 µm from the face."""
    x = 10.0 * (np.arange(shape.size) + 0.5)
    there = (x > 50.0) & (x < 500.0)
    return float(-1.0 / np.polyfit(x[there], np.log(shape[there]), 1)[0])


def test_the_range_of_vegf_is_the_same_in_both_descriptions() -> None:
    """Trap 2: effective diffusion without its fast binding, or free diffusion with it; never both."""
    explicit, expected = profile(str(FREE_DIFFUSION))
    assert expected == pytest.approx(235.4, rel=2e-3)
    assert measured_range(explicit) == pytest.approx(expected, rel=5e-3)
    lumped, shorter = profile(str(FREE_DIFFUSION.with_name("untreated.yaml")))
    assert shorter == pytest.approx(224.0, rel=2e-3)  # with the slow pool, which the 235 µm leave out
    assert measured_range(lumped) == pytest.approx(shorter, rel=5e-3)
    # Free diffusion without the binding that belongs to it would reach three times as far.
    assert (
        measured_range(profile(str(FREE_DIFFUSION), "catalog={substrates.vegf_a.diffusivity: 104 um^2/s}")[0]) > 600.0
    )


ALL_OF_IT = ("mechanisms={all: false, receptor_competition: true, matrix_vegf: true}", "duration=4 d", "record.keep=[]")


def test_the_account_of_all_vegf_closes_in_a_run() -> None:
    """Free, held and bound, with cells that divide, die and move, fields that wait, and what was lost with cells."""
    tissue, processes = build(short(*ALL_OF_IT))
    vegf, bound = tissue.microenvironment["vegf_a"], tissue.microenvironment["vegf_bound"]
    vegf.substrate = replace(vegf.substrate, refresh=0.05)  # so much happens that it would never wait

    def total() -> float:
        assert vegf.held is not None
        return float(vegf.concentration.sum() + vegf.held.sum() + bound.concentration.sum()) * SITE * 1e-9

    start, waits = total(), 0
    for _ in range(72):
        advance(tissue, processes, 2.0)
        waits += vegf.waited > 0.0
    one, other = tissue.ledger.accounts["vegf_a"], tissue.ledger.accounts["vegf_bound"]
    entries = [value for account in (one, other) for name, value in account.items() if name != "stored"]
    assert total() - start == pytest.approx(sum(entries), abs=1e-10 * one["source"])
    assert one["bind"] + other["bind"] == 0.0 == one["release"] + other["release"]
    assert abs(one["residual"]) < 1e-6 * one["source"]
    assert one["lost"] < 0.0 and other["release"] < 0.0 and 10 < waits < 65
