"""What a user would pick instead, measured in the same run on one thread: Mesa objects, py-pde, pyphysicell.

Run with ``pytest tests/benchmarks/test_references.py -m benchmark --benchmark-enable -s``. py-pde and pyphysicell come
with the extra ``bench``; without them their comparisons are skipped. Each prints both times and their ratio.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import mesa
import numba
import numpy as np
import pytest
from mesa.discrete_space import CellAgent, OrthogonalVonNeumannGrid
from scenes import Scene, seconds, sites_full_of_tumor

from tumorabm.processes.fate.birth import oxygen_response
from tumorabm.solvers.implicit import FieldSolver
from tumorabm.solvers.lod import LodSolver
from tumorabm.tissue.lattice import Lattice

pytestmark = pytest.mark.benchmark

OXYGEN, BIRTH_RATE, HALF, THRESHOLD, EXPONENT, DT = 10.0, 1.0e-3, 8.0, 2.0, 2.0, 2.0


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def note(benchmark: Any, ours: float, theirs: float, unit: str, scale: float) -> float:
    """Print and keep two times and their ratio."""
    figures = {f"tumorabm {unit}": scale * ours, f"reference {unit}": scale * theirs, "ratio": theirs / ours}
    benchmark.extra_info.update(figures)
    print("; ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return theirs / ours


class DividingCell(CellAgent):
    """A Mesa object with the rule of ``birth`` and a daughter on a free site beside it."""

    def __init__(self, model: mesa.Model, cell: Any) -> None:
        super().__init__(model)
        self.cell = cell

    def step(self) -> None:
        """Divide with the probability of the rate at the site's oxygen."""
        above = max(0.0, self.cell.oxygen - THRESHOLD) ** EXPONENT
        rate = BIRTH_RATE * above / (above + (HALF - THRESHOLD) ** EXPONENT)
        if random.random() < rate * DT:
            free = [cell for cell in self.cell.neighborhood if cell.is_empty]
            if free:
                DividingCell(self.model, random.choice(free))


class MesaTumor(mesa.Model):
    """Cells on nine sites in ten of a square."""

    def __init__(self, side: int) -> None:
        super().__init__(rng=1)
        grid = OrthogonalVonNeumannGrid((side, side), torus=False, capacity=1, random=self.random)
        chance = random.Random(1)
        for cell in grid.all_cells:
            cell.oxygen = OXYGEN
            if chance.random() < 0.9:
                DividingCell(self, cell)

    def step(self) -> None:
        """All cells in the order in which they were made: shuffling them costs as much again."""
        self.agents.do("step")


def test_mesa_objects(benchmark: Any) -> None:
    """1e5 cells: division at a rate that follows oxygen, daughters on free sites; nothing else."""
    side = 333
    model = MesaTumor(side)
    theirs = seconds(model.step, rounds=3) / len(model.agents)
    rule = {"birth", "competing_risks", "commit_parenchyma", "compaction"}
    scene = Scene([*sites_full_of_tumor(side, side), "vessels={network: none}", "treatment=[]"])
    scene.processes = [process for process in scene.processes if process.name in rule]
    scene.tissue.microenvironment["oxygen"].concentration[:] = OXYGEN
    scene.advance(3)
    ours = seconds(scene.advance, rounds=15) / scene.tissue.cells.n
    benchmark.pedantic(scene.advance, rounds=3)
    assert len(scene.processes) == 4 and scene.tissue.cells.n > 9e4 and len(model.agents) > 9e4
    assert float(oxygen_response(OXYGEN, HALF, THRESHOLD, EXPONENT)) == pytest.approx(0.64)
    ratio = note(benchmark, ours, theirs, "ns per cell and step", 1e9)
    if benchmark.enabled:
        assert ratio > 5.0


def test_diffusion_of_py_pde(benchmark: Any) -> None:
    """Twelve hours of a growth factor on 150 x 150 sites, from nothing, with decay and 2 % sources.

    Backward Euler at 2 h here. py-pde's implicit solver does not converge at such a step; its explicit one is taken at
    its limit of stability, without the 5 s that it compiles in every call; its adaptive and scipy solvers are slower.
    """
    pde = pytest.importorskip("pde", reason="py-pde is not installed: pip install 'tumorabm[bench]'")
    side, spacing, hours, diffusivity, decay = 150, 20.0, 12.0, 3.6e4, 0.65
    shape = (1, side, side)
    sources = 100.0 * (np.random.default_rng(0).random(shape) < 0.02)

    solver = FieldSolver(Lattice(shape, spacing), diffusivity=diffusivity, decay=decay)
    concentration, nothing = np.zeros(shape), np.zeros(shape)

    def course() -> None:
        concentration[:] = 0.0
        for _ in range(round(hours / DT)):
            solver.backward_euler(concentration, sources, nothing, nothing, DT)

    course()
    ours = seconds(course, rounds=5)
    benchmark.pedantic(course, rounds=3)

    grid = pde.CartesianGrid([[0.0, side * spacing]] * 2, [side, side])
    constants = {"D": diffusivity, "k": decay, "s": pde.ScalarField(grid, sources[0])}
    equation = pde.PDE({"c": "D * laplace(c) - k * c + s"}, consts=constants, bc={"derivative": 0})
    times = []
    for _ in range(3):
        limit = spacing**2 / (4.4 * diffusivity)
        start = pde.ScalarField(grid, 0.0)
        end = equation.solve(start, t_range=hours, dt=limit, solver="euler", backend="numba", tracker=None)
        times.append(equation.diagnostics["controller"]["profiler"]["solver"])
    difference = np.abs(concentration[0] - end.data).max() / end.data.max()
    print(f"largest difference of the two fields after {hours:g} h: {100 * difference:.2f} % of the maximum")
    assert difference < 0.01
    ratio = note(benchmark, ours, sorted(times)[1], "ms", 1e3)
    if benchmark.enabled:
        assert ratio > 5.0


def test_diffusion_of_physicell(benchmark: Any) -> None:
    """One substrate on 100³ voxels of 20 µm: a step by lines here, PhysiCell's own (BioFVM's) there, per voxel.

    Here with loss, source and uptake in every voxel, fused into the sweeps; there decay only, without cells, since
    cells are what takes up and secretes in PhysiCell. What else it does in ten steps of 0.01 min costs next to nothing
    without cells.
    """
    physicell = pytest.importorskip("pyphysicell", reason="pyphysicell is not installed: pip install 'tumorabm[bench]'")
    side, spacing = 100, 20.0
    shape = (side, side, side)
    rng = np.random.default_rng(0)
    fields = [rng.random(shape) for _ in range(4)]
    solver = LodSolver(Lattice(shape, spacing), diffusivity=6e6, decay=6.0, half_saturation=2.0)

    def one_step() -> None:
        solver.step(*fields, 0.01 / 60.0)

    one_step()
    benchmark.pedantic(one_step, rounds=7)
    ours = seconds(one_step, rounds=7) / side**3

    model = physicell.Model(omp_num_threads=1, calculate_gradients=False)
    half = 0.5 * side * spacing
    ends = {f"{axis}_{end}": sign * half for axis in "xyz" for end, sign in (("min", -1), ("max", 1))}
    model.domain = physicell.Domain(**ends, use_2D=False)
    model.substrates = [physicell.Substrate("oxygen", 1e5, 0.1, 38.0)]
    model.cell_types = [physicell.CellType("tumor")]
    simulation = physicell.Simulation(model, seed=1)
    simulation.run(until=0.1)
    times = iter(range(2, 7))
    theirs = seconds(lambda: simulation.run(until=0.1 * next(times)), rounds=5) / 10 / side**3
    ratio = note(benchmark, ours, theirs, "ns per voxel and step", 1e9)
    if benchmark.enabled:
        assert ratio > 2.0


def test_physicell_in_python(benchmark: Any) -> None:
    """The experiment's domain, 3 x 3 mm in voxels of 20 µm, with a nodule of the same size: time per simulated hour.

    The models differ. pyphysicell: one substrate (oxygen from the border), off-lattice mechanics at 0.1 min, diffusion
    at 0.01 min, oxygen-dependent cycle and necrosis at 6 min; no vessels. Here: oxygen, VEGF and drug, a step of 2 h on
    the lattice, and some 3000 endothelial cells beside the nodule. What a simulated hour costs is compared, not what
    is in it.
    """
    physicell = pytest.importorskip("pyphysicell", reason="pyphysicell is not installed: pip install 'tumorabm[bench]'")
    scene = Scene()
    scene.advance(24)
    ours = seconds(lambda: scene.advance(24), rounds=3) / (24 * scene.dt)
    benchmark.pedantic(scene.advance, rounds=3)

    simulation = physicell_nodule(physicell, side=scene.tissue.lattice.shape[1] * scene.tissue.lattice.spacing)
    minutes = 6.0
    simulation.run(until=minutes)
    course = iter(range(2, 5))
    theirs = seconds(lambda: simulation.run(until=next(course) * minutes), rounds=3) * 60.0 / minutes
    print(f"{simulation.cells.n} cells there, {scene.tissue.cells.n} here, of which the vessels are most")
    assert 300 < simulation.cells.n < 2000
    ratio = note(benchmark, ours, theirs, "ms per simulated hour", 1e3)
    if benchmark.enabled:
        assert ratio > 100.0


def physicell_nodule(physicell: Any, side: float) -> Any:
    """A disc of 250 µm of cells that consume oxygen, divide and die by it, in a square domain."""
    model = physicell.Model(omp_num_threads=1, calculate_gradients=False)
    half = 0.5 * side
    model.domain = physicell.Domain(x_min=-half, x_max=half, y_min=-half, y_max=half)
    faces = {face: (True, 38.0) for face in ("xmin", "xmax", "ymin", "ymax")}
    model.substrates = [physicell.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces=faces)]
    cycle = physicell.Cycle(transition_rates={(0, 0): BIRTH_RATE / 60.0})
    deaths = {"apoptosis": physicell.DeathModel(100, "apoptosis"), "necrosis": physicell.DeathModel(101, "necrosis")}
    uptake = {"oxygen": physicell.SecretionEntry(uptake_rate=10.0)}
    model.cell_types = [physicell.CellType("tumor", cycle=cycle, deaths=deaths, secretion=uptake)]
    simulation = physicell.Simulation(model, seed=1)
    disc = physicell.initial.hex_disc(model, 250.0, "tumor")
    simulation.add_cells([list(place[:3]) for place in disc], "tumor")
    simulation.hook("phenotype", cell_type="tumor")(physicell.standard.o2_based_phenotype)
    return simulation
