"""The course of a network equals that of an independent integrator, its rest that of an independent solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import root

from tumorabm.catalog import load_catalog
from tumorabm.processes.signaling import course
from tumorabm.processes.signaling.course import Left, advance, drive, steady, steady_states, uninhibited
from tumorabm.processes.signaling.network import Edge, Make, Network

SETS = {"kinetics": "patient_metastasis", "literature": "review_2016", "targets": "cellular"}
STEP = 2.0  # h, of an experiment
NO_VHL = {"vhl_level": 0.0}
NETWORKS = {name: Network.from_catalog(load_catalog(), name, SETS) for name in ("rcc_figure1", "endothelium_figure1")}


def written_out(
    network: Network, state: np.ndarray, inputs: np.ndarray, make: Make, share: dict[str, float]
) -> np.ndarray:
    """Drives of one cell, written as the equation stands, node by node."""
    values = {**dict(zip(network.inputs, inputs, strict=True)), **dict(zip(network.nodes, state, strict=True))}
    out = np.empty(len(network.nodes))
    for index, node in enumerate(network.nodes):
        silent, factor = 1.0 - make.basal[index], 1.0
        for place, edge in enumerate(network.edges):
            if edge.target != node:
                continue
            power = max(values[edge.source], 0.0) ** network.exponent[place]
            h = power / (network.half[place] ** network.exponent[place] + power)
            w = make.weight[place]
            if edge.effect == "activation":
                silent *= 1.0 - w * h
            else:
                factor *= 1.0 - w + w * h if edge.effect == "requirement" else 1.0 - w * h
        out[index] = make.level[index] * (1.0 - silent) * factor * share.get(node, 1.0)
    return out


def jump(name: str, before: dict, after: dict, effects: dict, share: dict[str, float]):
    """Everything about a cell at rest whose inputs and inhibitors change at once."""
    network = NETWORKS[name]
    make = network.make(effects)
    start = steady(network, network.reference_inputs(**before), make)
    left = Left(np.array([network.index(node) for node in share], dtype=np.int64), np.array([list(share.values())]))
    return network, make, start, network.reference_inputs(**after), left


JUMPS = {
    "hypoxia and starvation": ("rcc_figure1", {}, {"oxygen": 1.0, "amino_acids": 0.3}, NO_VHL, {}),
    "a rapalog": ("rcc_figure1", {}, {}, NO_VHL, {"mtorc1": 0.2}),
    "growth factors and a TOR kinase inhibitor": (
        "rcc_figure1", {}, {"hgf": 1.0, "growth_factors": 2.0}, NO_VHL, {"mtorc1": 0.05, "mtorc2": 0.05},
    ),
    "hypoxia with VHL": ("rcc_figure1", {"oxygen": 40.0}, {"oxygen": 1.0}, {}, {}),
    "air with VHL and a MEK inhibitor": ("rcc_figure1", {"oxygen": 1.0}, {"oxygen": 40.0}, {}, {"mek": 0.1}),
    "VEGF blockade": ("endothelium_figure1", {"vegf_a": 0.1}, {}, {}, {"vegfr2": 0.1}),
}  # fmt: skip


def reference_course(case: str, steps: int) -> np.ndarray:
    """Activities after each step by scipy's integrator, shape (steps, nodes)."""
    network, make, start, inputs, _ = jump(*JUMPS[case])
    share = JUMPS[case][4]
    solution = solve_ivp(
        lambda t, y: (written_out(network, y, inputs[0], make, share) - y) / network.time,
        (0.0, steps * STEP), start[0], method="LSODA", rtol=1e-8, atol=1e-10, t_eval=STEP * np.arange(1, steps + 1),
    )  # fmt: skip
    return solution.y.T


def own_course(case: str, steps: int, step: float = STEP) -> np.ndarray:
    network, make, start, inputs, left = jump(*JUMPS[case])
    state, out = start.copy(), []
    for _ in range(steps):
        for _ in range(round(STEP / step)):
            advance(network, state, np.arange(1), inputs, make, left, step)
        out.append(state[0].copy())
    return np.array(out)


@pytest.mark.parametrize("case", JUMPS)
def test_a_course_is_that_of_an_independent_integrator(case: str) -> None:
    assert np.abs(own_course(case, 6) - reference_course(case, 6)).max() < 1e-3


@pytest.mark.parametrize("case", ["a rapalog", "hypoxia and starvation", "VEGF blockade"])
def test_it_converges_to_it_with_the_square_of_the_sub_step(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = reference_course(case, 2)
    monkeypatch.setattr(course, "_RESTING", 0.0)
    errors = []
    for count in (16, 32, 64, 128):
        monkeypatch.setattr(course, "substeps", lambda gap, dt, count=count: np.full(gap.shape, count))
        errors.append(np.abs(own_course(case, 2) - exact).max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert (orders > 1.5).all() and errors[-1] < 1e-4, errors


def test_nodes_that_feed_back_are_extrapolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the same sub-steps are less exact."""
    network, exact = NETWORKS["rcc_figure1"], reference_course("a rapalog", 2)
    assert {"s6k", "pim", "hif1a"} <= {network.nodes[place] for place in np.flatnonzero(network.feeds_back)}
    monkeypatch.setattr(course, "_RESTING", 0.0)
    monkeypatch.setattr(course, "substeps", lambda gap, dt: np.full(gap.shape, 16))
    usual = np.abs(own_course("a rapalog", 2) - exact).max()
    monkeypatch.setitem(network.__dict__, "feeds_back", np.zeros_like(network.feeds_back))
    assert usual < 0.8 * np.abs(own_course("a rapalog", 2) - exact).max()


@pytest.mark.parametrize("case", ["a rapalog", "air with VHL and a MEK inhibitor"])
def test_shorter_steps_give_the_same_course(case: str) -> None:
    assert np.abs(own_course(case, 3, 0.25) - reference_course(case, 3)).max() < 8e-4


@pytest.mark.parametrize("case", JUMPS)
def test_it_rests_where_an_independent_solver_says(case: str) -> None:
    network, make, _, inputs, left = jump(*JUMPS[case])
    found = steady(network, inputs, make, left)[0]
    share = JUMPS[case][4]
    solved = root(lambda y: written_out(network, y, inputs[0], make, share) - y, found + 0.01, tol=1e-12)
    assert solved.success
    assert np.abs(solved.x - found).max() < 1e-6


@pytest.mark.parametrize("name", NETWORKS)
def test_the_kernel_is_the_equation(name: str) -> None:
    network = NETWORKS[name]
    generator = np.random.default_rng(3)
    state = generator.uniform(0.0, 1.0, (70, len(network.nodes)))
    inputs = network.reference_inputs() * generator.uniform(0.0, 3.0, (70, len(network.inputs)))
    make = network.make()
    driven = drive(network, state, inputs, make, uninhibited(70))
    for cell in (0, 31, 63, 64, 69):
        np.testing.assert_allclose(driven[cell], written_out(network, state[cell], inputs[cell], make, {}), rtol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_cell_goes_its_way_whoever_is_beside_it(name: str) -> None:
    """Bit by bit the same alone, in another order, and among many."""
    network = NETWORKS[name]
    generator = np.random.default_rng(4)
    start = generator.uniform(0.0, 1.0, (150, len(network.nodes)))
    start[100:] = steady(network, network.reference_inputs(), network.make())
    inputs = np.repeat(network.reference_inputs(), 150, axis=0) * generator.uniform(0.9, 1.1, (150, 1))
    left = Left(np.array([network.index("mtorc1")]), generator.uniform(0.3, 1.0, (150, 1)))
    make = network.make()
    together = start.copy()
    advance(network, together, np.arange(150), inputs, make, left, STEP)
    order = generator.permutation(150)
    shuffled = start.copy()
    advance(network, shuffled, order, inputs[order], make, Left(left.nodes, left.share[order]), STEP)
    np.testing.assert_array_equal(shuffled, together)
    for cell in (0, 77, 149):
        alone = start[cell : cell + 1].copy()
        one = Left(left.nodes, left.share[cell : cell + 1])
        advance(network, alone, np.arange(1), inputs[cell : cell + 1], make, one, STEP)
        np.testing.assert_array_equal(alone[0], together[cell])


def switch(weight: float) -> Network:
    """Two nodes that activate each other steeply: a switch if they do so strongly."""
    edges = [Edge("a", "b", "activation"), Edge("b", "a", "activation")]
    return Network(
        "switch", {"nothing": 0.0}, ("a", "b"), ("a",), edges, time={"a": 1.0, "b": 1.0}, basal={"a": 0.05, "b": 0.05},
        half={edge.name: 0.5 for edge in edges}, exponent={edge.name: 4.0 for edge in edges},
        weight={edge.name: weight for edge in edges},
    )  # fmt: skip


def test_two_steady_states_are_reported_as_two() -> None:
    bistable, not_bistable = switch(1.0), switch(0.4)
    found = steady_states(bistable, np.zeros((1, 1)), bistable.make())
    assert len(found) == 2 and found[0].max() < 0.2 < 0.8 < found[1].min()
    for state in found:
        assert np.abs(written_out(bistable, state, np.zeros(1), bistable.make(), {}) - state).max() < 1e-9
    assert len(steady_states(not_bistable, np.zeros((1, 1)), not_bistable.make())) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_the_catalog_have_one_steady_state(name: str) -> None:
    network = NETWORKS[name]
    for effects in ({}, NO_VHL) if name == "rcc_figure1" else ({},):
        assert len(steady_states(network, network.reference_inputs(), network.make(effects))) == 1


def test_a_network_that_swings_for_ever_does_so_and_has_its_rest() -> None:
    edges = [Edge("a", "b", "activation"), Edge("b", "c", "activation"), Edge("c", "a", "inhibition")]
    network = Network(
        "ring", {"nothing": 0.0}, ("a", "b", "c"), ("a",), edges, time=dict.fromkeys("abc", 1.0),
        basal={"a": 1.0, "b": 0.0, "c": 0.0}, half={edge.name: 0.5 for edge in edges},
        exponent={edge.name: 12.0 for edge in edges}, weight={edge.name: 1.0 for edge in edges},
    )  # fmt: skip
    state = np.array([[0.9, 0.1, 0.1]])
    swing = []
    for _ in range(40):
        advance(network, state, np.arange(1), np.zeros((1, 1)), network.make(), uninhibited(1), 1.0)
        swing.append(state[0, 0])
    assert np.ptp(swing[-12:]) > 0.1
    # The rest that it swings about is one all the same, and Newton's method finds it.
    rest = steady(network, np.zeros((1, 1)), network.make())
    assert np.abs(drive(network, rest, np.zeros((1, 1)), network.make(), uninhibited(1)) - rest).max() < 1e-9
