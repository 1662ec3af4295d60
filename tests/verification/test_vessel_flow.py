"""Flow of blood: vessels, bifurcations, bridges and loops worked out by hand, networks against a dense solve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bare_tissue import bare_tissue, put_vessel

from tumorabm.processes.vessels.flow import Flow
from tumorabm.solvers.vessel_flow import Currents, _segments, currents
from tumorabm.tissue.capillaries import capillary_mesh
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, INLET, LENGTHS, OPEN, OUTLET, VENULE, Vasculature

VALUES = {
    "arteriole_pressure": 30.0,
    "venule_pressure": 10.0,
    "spread": 0.0,
    "radius": 5.0,
    "viscosity": 1e-8,  # mmHg h
    "viscosity_in_pascal": 1e-8 * 133.322387415,
    "least_flow": 0.0,
    "leak_resistance": 0.0,
    "delay": 1.0,
}
# Conductance of one spacing of 20 µm, µm³/h/mmHg.
TUBE = math.pi * 5.0**4 / (8.0 * 1e-8 * 20.0)


def drawn(picture: list[str], spacing: float = 20.0) -> tuple[Tissue, Flow]:
    """A tissue with the vessels of a picture, all open: `a` feeds, `v` drains, all link along rows and columns."""
    process = Flow(VALUES)
    tissue = bare_tissue((1, len(picture), len(picture[0])), processes=[process], spacing=spacing)
    grid = np.array([list(line) for line in picture])
    for site in np.flatnonzero(grid.ravel() != ".").tolist():
        y, x = divmod(site, grid.shape[1])
        put_vessel(tissue, [site], lumen_age=1e9, root={"a": ARTERIOLE, "v": VENULE}.get(grid[y, x], 0))
        for ny, nx in ((y - 1, x), (y, x - 1)):
            if ny >= 0 and nx >= 0 and grid[ny, nx] != ".":
                tissue.vasculature.link(site, ny * grid.shape[1] + nx)
    return tissue, process


def column(tissue: Tissue, name: str) -> np.ndarray:
    """A column on the sites of a tissue, shape (y, x)."""
    out = np.full(tissue.lattice.sites, np.nan)
    out[tissue.cells["site"]] = tissue.cells[name]
    return out.reshape(tissue.lattice.shape[1:])


# --- by hand --------------------------------------------------------------------------------------------------------


def test_a_straight_vessel() -> None:
    tissue, process = drawn(["aooov"])
    process.step(tissue, 2.0)
    flow = TUBE * 20.0 / 4.0
    np.testing.assert_allclose(column(tissue, "flow")[0], flow, rtol=1e-14)
    np.testing.assert_allclose(column(tissue, "pressure")[0], [30.0, 25.0, 20.0, 15.0, 10.0], rtol=1e-14)
    np.testing.assert_allclose(column(tissue, "shear")[0], 4.0 * 1e-8 * 133.322387415 * flow / (math.pi * 125.0))
    # The same as from the drop in pressure along the wall, τ = r Δp / (2 L): 5 mmHg along 20 µm.
    np.testing.assert_allclose(column(tissue, "shear")[0], 5.0 * 133.322387415 * 5.0 / (2.0 * 20.0))


def test_resistance_goes_by_length() -> None:
    """Two tubes in parallel, of four links and of two diagonal ones; and twice the spacing."""
    for spacing in (20.0, 40.0):
        process = Flow(VALUES)
        tissue = bare_tissue((1, 3, 3), processes=[process], spacing=spacing)
        put_vessel(tissue, [3, 7, 5, 2, 1, 0], lumen_age=1e9)
        tissue.vasculature.link(0, 3)
        tissue.cells["root"][[0, 2]] = [ARTERIOLE, VENULE]
        process.step(tissue, 2.0)
        flow = column(tissue, "flow")
        tube = TUBE * 20.0 / spacing * 20.0
        assert flow[2, 1] == pytest.approx(tube / (2.0 * math.sqrt(2.0)), rel=1e-14)
        assert flow[0, 1] == pytest.approx(tube / 4.0, rel=1e-14)
        assert flow[1, 0] == flow[1, 2] == pytest.approx(flow[2, 1] + flow[0, 1], rel=1e-14)  # blood in, blood out


def test_a_bifurcation() -> None:
    """One vessel of two links splits into one of two and one of four."""
    tissue, process = drawn(["aooov", "..o..", "..o..", "..o..", "..v.."])
    process.step(tissue, 2.0)
    flow, pressure = column(tissue, "flow"), column(tissue, "pressure")
    split = (30.0 / 2.0 + 10.0 / 2.0 + 10.0 / 4.0) / (1.0 / 2.0 + 1.0 / 2.0 + 1.0 / 4.0)
    assert pressure[0, 2] == pytest.approx(split, rel=1e-14)
    for place, expected in (((0, 1), (30.0 - split) / 2), ((0, 3), (split - 10.0) / 2), ((2, 2), (split - 10.0) / 4)):
        assert flow[place] == pytest.approx(TUBE * expected, rel=1e-13)
    assert flow[0, 2] == pytest.approx(flow[0, 1], rel=1e-13)  # what comes through the branching point
    assert pressure[2, 2] == pytest.approx(split + (10.0 - split) / 2, rel=1e-14)


def test_a_balanced_bridge_carries_nothing() -> None:
    """A Wheatstone bridge: both ways from a to v have the same two halves; what joins them carries nothing."""
    tissue, process = drawn(["oooo", "o..o", "oooo", "o..o", "oooo"])
    cells = tissue.cells
    at = {site: row for row, site in enumerate(cells["site"].tolist())}
    # In the middle of the upper and lower row: the ways around are alike left and right of the bridge's ends.
    cells["root"][at[0 * 4 + 1]] = ARTERIOLE
    cells["root"][at[4 * 4 + 2]] = VENULE
    process.step(tissue, 2.0)
    assert column(tissue, "flow")[2, 1] > 0.0  # unbalanced: 1 + 2 against 2 + 2 links
    tissue, process = drawn(["ooooo", "o...o", "ooooo", "o...o", "ooooo"])
    cells = tissue.cells
    at = {site: row for row, site in enumerate(cells["site"].tolist())}
    cells["root"][at[0 * 5 + 2]] = ARTERIOLE
    cells["root"][at[4 * 5 + 2]] = VENULE
    process.step(tissue, 2.0)
    flow, pressure = column(tissue, "flow"), column(tissue, "pressure")
    assert flow[2, 1:4].max() <= 1e-13 * flow[1, 0]
    assert flow[1, 0] == pytest.approx(TUBE * 20.0 / 8.0, rel=1e-13)
    np.testing.assert_allclose(pressure[2, [0, 4]], 20.0, rtol=1e-14)


def test_where_no_blood_flows_there_is_no_flow() -> None:
    tissue, process = drawn(["aooov", ".o...", ".o...", "....."])
    process.step(tissue, 2.0)
    assert (column(tissue, "flow")[1:3, 1] == 0.0).all() and (column(tissue, "pressure")[1:3, 1] == 0.0).all()
    np.testing.assert_allclose(column(tissue, "flow")[0], TUBE * 5.0)
    tissue, process = drawn(["aooa"])
    process.step(tissue, 2.0)
    assert not tissue.cells["flow"].any()


def test_several_inlets_share_what_an_outlet_takes() -> None:
    tissue, process = drawn(["aoooa", "..o..", "..v.."])
    process.step(tissue, 2.0)
    flow = column(tissue, "flow")
    into = 20.0 / (1.0 + 2.0)  # two tubes of two links side by side, then one of two
    np.testing.assert_allclose(flow[0, [0, 1, 3, 4]], TUBE * into / 2.0, rtol=1e-13)
    np.testing.assert_allclose(flow[1:, 2], TUBE * into, rtol=1e-13)


# --- networks -------------------------------------------------------------------------------------------------------


def dense(vasculature: Vasculature, flowing: np.ndarray, marks: np.ndarray, resistance: np.ndarray) -> np.ndarray:
    """Pressures by a dense solve of all cells' balances, NaN elsewhere."""
    sites = np.flatnonzero(flowing)
    number = {int(site): i for i, site in enumerate(sites)}
    matrix, right = np.zeros((sites.size, sites.size)), np.zeros(sites.size)
    for site, i in number.items():
        if marks[site] & (INLET | OUTLET):
            matrix[i, i] = 1.0
            right[i] = 1.0 if marks[site] & INLET else 0.0
            continue
        for k in range(26):
            there = int(vasculature.neighbors[site, k])
            if (int(vasculature.links[site]) >> k) & 1 and there in number:
                conductance = 1.0 / (LENGTHS[k] * 0.5 * (resistance[site] + resistance[there]))
                matrix[i, i] += conductance
                matrix[i, number[there]] -= conductance
    out = np.full(flowing.size, np.nan)
    out[sites] = np.linalg.solve(matrix, right)
    return out


def unbalanced(found: Currents, marks: np.ndarray) -> int:
    """Branching points where more or less flows out than in, by more than 1e-10 of what flows through them."""
    net = np.zeros(found.flow.size)
    np.add.at(net, found.ends[:, 0], -found.through)
    np.add.at(net, found.ends[:, 1], found.through)
    inner = np.unique(found.ends)
    inner = inner[(marks[inner] & (INLET | OUTLET)) == 0]
    assert inner.size > 3 and found.flow[inner].max() > 0.01
    # Between inlets alone nothing flows, which is balanced exactly.
    return int(np.count_nonzero(np.abs(net[inner]) > 1e-10 * found.flow[inner]))


def network(shape: tuple[int, int, int], faces: tuple[int, ...], seed: int) -> tuple[Vasculature, np.ndarray]:
    """Cells on a random half of the sites, linked to a part of their neighbors, and their marks."""
    rng = np.random.default_rng(seed)
    lattice = Lattice(shape, 20.0, faces)
    vasculature = Vasculature(lattice)
    present = rng.random(lattice.sites) < 0.7
    for site in np.flatnonzero(present).tolist():
        for there in vasculature.neighbors[site].tolist():
            if there > site and present[there] and rng.random() < 0.45:
                vasculature.link(site, there)
    marks = present.astype(np.uint8) * np.uint8(OPEN)
    roots = rng.permutation(np.flatnonzero(present))[:6]
    marks[roots[:3]] |= INLET
    marks[roots[3:]] |= OUTLET
    return vasculature, marks


@pytest.mark.parametrize(
    ("shape", "faces"),
    [
        ((1, 12, 12), (NO_FLUX,) * 6),
        ((1, 12, 12), (NO_FLUX, NO_FLUX, PERIODIC, PERIODIC, PERIODIC, PERIODIC)),
        ((5, 5, 5), (NO_FLUX,) * 6),
    ],
    ids=["plane", "periodic", "space"],
)
def test_random_networks_against_a_dense_solve(shape, faces) -> None:
    solved = 0
    for seed in range(20):
        vasculature, marks = network(shape, faces, seed)
        flowing = vasculature.flowing(marks)
        resistance = np.random.default_rng(100 + seed).uniform(1.0, 3.0, flowing.size)
        found = currents(vasculature, flowing, marks, resistance)
        expected = dense(vasculature, flowing, marks, resistance)
        np.testing.assert_allclose(found.pressure[flowing], expected[flowing], atol=1e-12)
        assert ((found.pressure >= 0.0) & (found.pressure <= 1.0)).all()
        assert not found.flow[~flowing].any()
        if flowing.sum() > 30:
            assert unbalanced(found, marks) == 0
        solved += flowing.sum() > 30
    assert solved > 10


def bed(side: int, seed: int = 4) -> tuple[Vasculature, np.ndarray]:
    """A host's capillary bed, all of it open, with its marks."""
    lattice = Lattice((1, side, side), 20.0, (NO_FLUX,) * 6)
    vasculature = Vasculature(lattice)
    mesh = capillary_mesh(lattice, 240.0, 180.0, seed)
    for a, b in mesh.edges.tolist():
        vasculature.link(a, b)
    marks = np.zeros(lattice.sites, dtype=np.uint8)
    marks[mesh.sites] = OPEN
    marks[mesh.arterioles] |= INLET
    marks[mesh.venules] |= OUTLET
    return vasculature, marks


def test_a_capillary_bed_against_a_dense_solve() -> None:
    vasculature, marks = bed(70)
    flowing = vasculature.flowing(marks)
    found = currents(vasculature, flowing, marks)
    expected = dense(vasculature, flowing, marks, np.ones(flowing.size))
    np.testing.assert_allclose(found.pressure[flowing], expected[flowing], atol=1e-12)
    assert unbalanced(found, marks) == 0
    # Every cell's flow, from the dense pressures and its links; and what comes in goes out.
    for site in np.flatnonzero(flowing).tolist():
        parts = [
            abs(expected[site] - expected[there]) / LENGTHS[k]
            for k, there in enumerate(vasculature.neighbors[site].tolist())
            if (int(vasculature.links[site]) >> k) & 1 and flowing[there]
        ]
        share = 1.0 if marks[site] & (INLET | OUTLET) else 0.5
        assert found.flow[site] == pytest.approx(share * sum(parts), abs=1e-11)
    inlets, outlets = (marks & INLET) > 0, (marks & OUTLET) > 0
    assert found.flow[inlets].sum() == pytest.approx(found.flow[outlets].sum(), rel=1e-12)
    assert found.flow[inlets].sum() > 1.0


def test_a_large_bed_is_balanced_too() -> None:
    vasculature, marks = bed(250)
    found = currents(vasculature, vasculature.flowing(marks), marks)
    assert found.through.size > 500
    assert unbalanced(found, marks) == 0


def test_a_network_that_ends_as_a_full_matrix(monkeypatch) -> None:
    """In three dimensions what is left after a while is joined nearly each to each, and solved as such."""
    from tumorabm.solvers import elimination

    vasculature, marks = network((10, 10, 10), (NO_FLUX,) * 6, 1)
    flowing = vasculature.flowing(marks)
    resistance = np.random.default_rng(7).uniform(1.0, 3.0, flowing.size)
    found = currents(vasculature, flowing, marks, resistance)
    expected = dense(vasculature, flowing, marks, resistance)
    np.testing.assert_allclose(found.pressure[flowing], expected[flowing], atol=1e-12)
    assert unbalanced(found, marks) == 0
    # It was the matrix that many nodes were left to.
    sites, is_node, ends, whole, *_ = _segments(vasculature.links, vasculature.neighbors, flowing, marks, resistance)
    node = np.cumsum(is_node) - 1
    lists = elimination._join(int(is_node.sum()), np.zeros(sites.size), np.where(is_node, node, -1), ends, whole)
    order = elimination._reduce(*lists)[0]
    assert is_node.sum() - order.size > 100


def test_what_a_large_block_leaves_is_iterated() -> None:
    """Conjugate gradients on all nodes of a network against the full matrix; compiled as written."""
    from tumorabm.solvers import elimination

    vasculature, marks = network((8, 8, 8), (NO_FLUX,) * 6, 1)
    flowing = vasculature.flowing(marks)
    resistance = np.random.default_rng(7).uniform(1.0, 30.0, flowing.size)
    sites, is_node, ends, whole, *_ = _segments(vasculature.links, vasculature.neighbors, flowing, marks, resistance)
    pinned = (marks[sites] & (INLET | OUTLET)) > 0
    level = np.where(pinned, (marks[sites] & INLET) > 0, 0).astype(float)
    inner = is_node & ~pinned
    node = np.where(inner, np.cumsum(inner) - 1, -1)
    fixed, driven, head, _, _, *lists = elimination._join(int(inner.sum()), level, node, ends, whole)
    rest = np.arange(head.size)
    found = elimination._iterate(rest, head, *lists, fixed, driven)
    joint = elimination._joint(rest, head, *lists)
    expected = np.linalg.solve(np.diag(joint.sum(axis=1) + fixed) - joint, driven)
    assert head.size > 50
    np.testing.assert_allclose(found, expected, atol=1e-13)
    np.testing.assert_allclose(elimination._iterate.py_func(rest, head, *lists, fixed, driven), found, atol=1e-13)
    left = driven - (joint.sum(axis=1) + fixed) * found + joint @ found
    assert np.abs(left).max() < 1e-12 * driven.max()


def test_a_full_matrix_is_solved() -> None:
    """For sizes that are whole strips and that are not; one node without any way out has no pressure."""
    from tumorabm.solvers.elimination import _solve_dense

    for size in (1, 3, 4, 8, 11, 40):
        rng = np.random.default_rng(size)
        joint = np.triu(rng.uniform(0.0, 2.0, (size, size)), 1)
        fixed, driven = rng.uniform(0.0, 1.0, size), rng.uniform(0.0, 1.0, size)
        both = joint + joint.T
        expected = np.linalg.solve(np.diag(both.sum(axis=1) + fixed) - both, driven)
        given = joint.copy(), fixed.copy(), driven.copy()
        found = _solve_dense(joint, fixed, driven)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        np.testing.assert_array_equal(_solve_dense.py_func(*given), found)


def test_the_compiled_solver_is_its_python_twin() -> None:
    """Bit by bit: what is compiled does nothing else than what stands there."""
    from tumorabm.solvers import elimination, vessel_flow

    vasculature, marks = network((1, 8, 8), (NO_FLUX,) * 6, 3)
    flowing = vasculature.flowing(marks)
    found = currents(vasculature, flowing, marks)
    kernels = {"_segments": vessel_flow._segments, "pressures": elimination.pressures, "_spread": vessel_flow._spread}
    ones = np.ones(flowing.size)
    sites, is_node, ends, whole, first, inside, along = kernels["_segments"].py_func(
        vasculature.links, vasculature.neighbors, flowing, marks, ones
    )
    given = ((marks & INLET) > 0).astype(float)
    pinned = (marks[sites] & (INLET | OUTLET)) > 0
    level = kernels["pressures"].py_func(pinned, given[sites], is_node, ends, whole)
    pressure, flow, through = kernels["_spread"].py_func(
        flowing.size, sites, marks, is_node, ends, whole, first, inside, along, level
    )
    np.testing.assert_array_equal(pressure, found.pressure)
    np.testing.assert_array_equal(flow, found.flow)
    np.testing.assert_array_equal(through, found.through)
