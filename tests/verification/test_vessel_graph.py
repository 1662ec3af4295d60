"""Where blood flows: against a search for all simple paths, and against disjoint paths by maximum flow."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, process_of, put_vessel
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from tumorabm.processes.process import Process
from tumorabm.tissue.capillaries import capillary_mesh
from tumorabm.tissue.cells import ENDOTHELIAL
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, VENULE, Vasculature


def links_of(vasculature: Vasculature, open_sites: np.ndarray) -> dict[int, list[int]]:
    """Open sites and the open sites that each is linked to."""
    return {
        site: [
            int(there)
            for k, there in enumerate(vasculature.neighbors[site])
            if (int(vasculature.links[site]) >> k) & 1 and open_sites[there]
        ]
        for site in np.flatnonzero(open_sites).tolist()
    }


def on_simple_paths(graph: dict[int, list[int]], inlets: list[int], outlets: list[int]) -> set[int]:
    """Sites of all simple paths from an inlet to an outlet, found by walking every one of them."""
    found: set[int] = set()

    def walk(path: list[int]) -> None:
        if path[-1] in outlets:
            found.update(path)
        for there in graph[path[-1]]:
            if there not in path:
                walk([*path, there])

    for inlet in inlets:
        if inlet in graph:
            walk([inlet])
    return found


def random_graph(shape: tuple[int, int, int], faces: tuple[int, ...], seed: int) -> tuple[Vasculature, np.ndarray]:
    rng = np.random.default_rng(seed)
    lattice = Lattice(shape, 20.0, faces)
    vasculature = Vasculature(lattice)
    present = rng.random(lattice.sites) < rng.uniform(0.4, 0.9)
    for site in np.flatnonzero(present).tolist():
        for there in vasculature.neighbors[site].tolist():
            if there > site and present[there] and rng.random() < 0.28:
                vasculature.link(site, there)
    return vasculature, present & (rng.random(lattice.sites) < 0.93)


@pytest.mark.parametrize(
    ("shape", "faces"),
    [
        ((1, 4, 4), (NO_FLUX,) * 6),
        ((1, 4, 4), (NO_FLUX, NO_FLUX, PERIODIC, PERIODIC, PERIODIC, PERIODIC)),
        ((1, 1, 12), (NO_FLUX,) * 6),
        ((2, 2, 4), (NO_FLUX,) * 6),
    ],
    ids=["plane", "periodic", "line", "space"],
)
def test_perfused_sites_are_those_of_simple_paths(shape, faces) -> None:
    some = 0
    for seed in range(60):
        vasculature, is_open = random_graph(shape, faces, seed)
        rng = np.random.default_rng(1000 + seed)
        sites = np.flatnonzero(is_open)
        if sites.size < 4:
            continue
        roots = rng.permutation(sites)[: rng.integers(2, 5)]
        inlets, outlets = roots[0::2], roots[1::2]
        expected = on_simple_paths(links_of(vasculature, is_open), inlets.tolist(), outlets.tolist())
        found = vasculature.on_path(is_open, inlets, outlets)
        assert set(np.flatnonzero(found).tolist()) == expected, f"graph {seed}"
        some += 0 < len(expected) < sites.size
    assert some > 10


def test_what_is_closed_or_without_roots_carries_no_blood() -> None:
    vasculature, is_open = random_graph((1, 4, 4), (NO_FLUX,) * 6, 1)
    nobody = np.empty(0, dtype=np.int64)
    roots = np.flatnonzero(is_open)[:2]
    assert not vasculature.on_path(is_open, nobody, roots).any()
    assert not vasculature.on_path(is_open, roots, nobody).any()
    assert not vasculature.on_path(np.zeros_like(is_open), roots[:1], roots[1:]).any()


# --- by hand: `a` feeds, `v` drains, `o` links to its neighbors in the row and column ------------------------------


def drawn(picture: list[str]) -> tuple[Tissue, Process]:
    """A tissue with the vessels of a picture, all of them open."""
    process = process_of("perfusion")
    tissue = bare_tissue((1, len(picture), len(picture[0])), processes=[process, process_of("lumen")])
    grid = np.array([list(line) for line in picture])
    sites = np.flatnonzero(grid.ravel() != ".")
    letters = grid.ravel()[sites]
    for site in sites.tolist():
        y, x = divmod(site, grid.shape[1])
        put_vessel(tissue, [site], lumen_age=1e9)
        for ny, nx in ((y - 1, x), (y, x - 1)):
            if ny >= 0 and nx >= 0 and grid[ny, nx] != ".":
                tissue.vasculature.link(site, ny * grid.shape[1] + nx)
    tissue.cells["root"][:] = np.select([letters == "a", letters == "v"], [ARTERIOLE, VENULE], 0)
    return tissue, process


def picture_of(tissue: Tissue) -> list[str]:
    """Where blood flows: # there, o where an endothelial cell has none."""
    grid = np.full(tissue.lattice.sites, ".")
    grid[tissue.cells["site"]] = np.where(tissue.cells["perfused"] != 0, "#", "o")
    return ["".join(line) for line in grid.reshape(tissue.lattice.shape[1:])]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (["aooov"], ["#####"]),
        (["aoo.ov"], ["#oo.o#"]),  # a gap
        (["aooov", ".o...", ".o..."], ["#####", ".o...", ".o..."]),  # a dead end
        (["aooov", "..o..", ".ooo.", ".o.o.", ".ooo."], ["#####", "..o..", ".ooo.", ".o.o.", ".ooo."]),  # by one cell
        (["aoooov", ".o..o.", ".oooo."], ["######", ".#..#.", ".####."]),  # a loop with two ends
        (["oooav"], ["ooo##"]),  # behind the inlet
        (["aoa"], ["#o#"]),  # two inlets drive nothing
        (["aov", "...", "aoo"], ["###", "...", "#oo"]),  # another network without a drain
    ],
    ids=["chain", "gap", "dead end", "hanging loop", "loop", "behind", "inlets only", "separate"],
)
def test_by_hand(picture: list[str], expected: list[str]) -> None:
    tissue, process = drawn(picture)
    process.step(tissue, 2.0)
    assert picture_of(tissue) == expected


def test_neighbors_that_are_not_linked_do_not_perfuse_each_other() -> None:
    tissue, process = drawn(["aooov", ".ooo."])
    for x in range(1, 4):
        tissue.vasculature.cut(x, 5 + x)
    process.step(tissue, 2.0)
    assert picture_of(tissue) == ["#####", ".ooo."]


def test_a_lumen_opens_a_day_after_it_is_linked_on_both_sides() -> None:
    tissue, perfusion = drawn(["aooov"])
    lumen = process_of("lumen")
    tissue.cells["lumen_age"][:] = 0.0
    for hours, expected in ((0.0, "#ooo#"), (20.0, "#ooo#"), (4.0, "#####")):
        lumen.step(tissue, hours)
        perfusion.step(tissue, hours)
        assert picture_of(tissue) == [expected]


# --- a capillary bed ------------------------------------------------------------------------------------------------


@pytest.fixture
def bed() -> tuple[Tissue, Process]:
    """A host bed of half a millimeter, all of it open."""
    process = process_of("perfusion")
    tissue = bare_tissue((1, 40, 40), processes=[process], seed=9)
    mesh = capillary_mesh(tissue.lattice, 160.0, 240.0, tissue.seed)
    root = np.zeros(mesh.sites.size, dtype=np.int8)
    root[np.isin(mesh.sites, mesh.arterioles)] = ARTERIOLE
    root[np.isin(mesh.sites, mesh.venules)] = VENULE
    for site, kind in zip(mesh.sites.tolist(), root.tolist(), strict=True):
        put_vessel(tissue, [site], lumen_age=1e9, root=kind)
    for a, b in mesh.edges.tolist():
        tissue.vasculature.link(a, b)
    return tissue, process


def flows(tissue: Tissue, site: int) -> bool:
    """Whether there are disjoint ways from a site to an inlet and to an outlet: a maximum flow of two."""
    cells = tissue.cells
    sites, root = cells["site"], cells["root"]
    number = {int(s): i for i, s in enumerate(sites)}
    n = sites.size
    entry, way_out, inlet, outlet, target = (lambda i: 2 * i), (lambda i: 2 * i + 1), 2 * n, 2 * n + 1, 2 * n + 2
    arcs = [(entry(i), way_out(i), 1) for i in range(n)] + [(inlet, target, 1), (outlet, target, 1)]
    graph = links_of(tissue.vasculature, np.isin(np.arange(tissue.lattice.sites), sites))
    for here, linked in graph.items():
        arcs += [(way_out(number[here]), entry(number[there]), 1) for there in linked]
    arcs += [(way_out(i), inlet if root[i] == ARTERIOLE else outlet, 1) for i in np.flatnonzero(root).tolist()]
    begin, end, capacity = np.array(arcs, dtype=np.int32).T
    network = csr_array((capacity, (begin, end)), shape=(2 * n + 3, 2 * n + 3))
    return maximum_flow(network, way_out(number[site]), target).flow_value == 2


def test_a_bed_is_perfused_where_two_disjoint_ways_lead_out(bed) -> None:
    tissue, process = bed
    rng = np.random.default_rng(3)
    sites = tissue.cells["site"].copy()
    for site in rng.choice(sites[tissue.cells["root"] == 0], 12, replace=False).tolist():
        for there in tissue.vasculature.neighbors[site].tolist():
            if there >= 0:
                tissue.vasculature.cut(site, there)
    process.step(tissue, 2.0)
    rows = np.flatnonzero(tissue.cells["root"] == 0)
    perfused = tissue.cells["perfused"][rows] != 0
    assert 0.2 < perfused.mean() < 0.98
    checked = np.concatenate([rng.choice(rows[perfused], 30, replace=False), rng.permutation(rows[~perfused])[:30]])
    for row in checked.tolist():
        assert flows(tissue, int(tissue.cells["site"][row])) == bool(tissue.cells["perfused"][row])


def test_cutting_an_arteriole_takes_the_blood_from_what_lies_downstream(bed) -> None:
    tissue, process = bed
    cells, vasculature = tissue.cells, tissue.vasculature
    root = cells["root"]
    arteriole = cells["site"][root == ARTERIOLE][0]
    # With one feeding site left, everything hangs on it.
    root[(root == ARTERIOLE) & (cells["site"] != arteriole)] = 0
    process.step(tissue, 2.0)
    before = cells["perfused"].copy()
    assert before[root == 0].mean() > 0.5
    for there in vasculature.neighbors[arteriole].tolist():
        if there >= 0:
            vasculature.cut(int(arteriole), there)
    process.step(tissue, 2.0)
    assert not cells["perfused"][root == 0].any()
    assert cells["perfused"][root != 0].all()


def test_cutting_one_of_several_arterioles_takes_blood_only(bed) -> None:
    tissue, process = bed
    process.step(tissue, 2.0)
    before = tissue.cells["perfused"].copy()
    for arteriole in tissue.cells["site"][tissue.cells["root"] == ARTERIOLE].tolist():
        linked = [t for t in tissue.vasculature.neighbors[arteriole].tolist() if t >= 0]
        for there in linked:
            tissue.vasculature.cut(arteriole, there)
        process.step(tissue, 2.0)
        after = tissue.cells["perfused"].copy()
        assert (after <= before).all()
        before = after
    assert not before[tissue.cells["root"] == 0].any()


def test_the_order_of_rows_means_nothing(bed) -> None:
    tissue, process = bed
    process.step(tissue, 2.0)
    before = dict(zip(tissue.cells["uid"].tolist(), tissue.cells["perfused"].tolist(), strict=True))
    for seed in range(3):
        tissue.cells["perfused"][:] = 0
        tissue.cells.permute(np.random.default_rng(seed).permutation(tissue.cells.n))
        process.step(tissue, 2.0)
        assert dict(zip(tissue.cells["uid"].tolist(), tissue.cells["perfused"].tolist(), strict=True)) == before
    assert (tissue.cells["cell_type"] == ENDOTHELIAL).all()
