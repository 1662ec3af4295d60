"""Cells that walk freely have the mean squared displacement 2 d D t, D = v² τ / d, whatever the step and dimension."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import advance_only, bare_tissue, process_of, put_tumor
from scipy import ndimage, stats

from tumorabm.processes.fate.migration import hop_rate
from tumorabm.tissue.cells import PARENCHYMA
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC
from tumorabm.tissue.tissue import Tissue

SPEED, PERSISTENCE, HOURS = 20.0, 1.0, 96.0
PERIODIC_FACES = (PERIODIC,) * 6
# Far apart, so that cells do not get into each other's way: a collision would slow both.
DOMAINS = {1: ((1, 1, 18000), 100), 2: ((1, 480, 480), 40), 3: ((72, 72, 72), 18)}


def positions(tissue: Tissue) -> np.ndarray:
    """Coordinates of the cells in µm, in the order of their uids."""
    order = np.argsort(tissue.cells["uid"])
    return tissue.lattice.centers(tissue.cells["site"][order])


def walk(dimension: int, dt: float, seed: int, axis_of_line: int = 2) -> np.ndarray:
    """Displacements of lone cells, shape (steps, cells, 3), in µm."""
    shape, apart = DOMAINS[dimension]
    if dimension == 1:
        line = [1, 1, 1]
        line[axis_of_line] = shape[2]
        shape = tuple(line)
    processes = [
        process_of("migration", speed=SPEED, persistence=PERSISTENCE),
        process_of("commit_parenchyma", adhesion=2.0),
        process_of("compaction"),
    ]
    tissue = bare_tissue(shape, faces=PERIODIC_FACES, processes=processes, seed=seed)
    index = np.meshgrid(*(np.arange(0, n, apart) for n in shape), indexing="ij")
    put_tumor(tissue, tissue.lattice.site(*(i.ravel() for i in index)))
    extent = np.array(shape) * tissue.lattice.spacing
    moves, before = [], positions(tissue)
    for _ in range(round(HOURS / dt)):
        advance_only(tissue, processes, dt)
        after = positions(tissue)
        moves.append((after - before + 0.5 * extent) % extent - 0.5 * extent)
        before = after
    return np.array(moves)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("dt", [1.0, 2.0, 8.0])
def test_mean_squared_displacement(dimension: int, dt: float) -> None:
    moves = walk(dimension, dt, seed=round(10 * dimension + dt))
    diffusivity = SPEED**2 * PERSISTENCE / dimension
    axes = [axis for axis in range(3) if DOMAINS[dimension][0][axis] > 1]
    # Of single steps, of a day, and of the whole time: hops that are not independent would show in the longer ones.
    for span in (1, round(24.0 / dt), moves.shape[0]):
        joined = moves.reshape(-1, span, *moves.shape[1:]).sum(axis=1)
        for axis in range(3):
            squares = joined[..., axis].ravel() ** 2
            if axis not in axes:
                assert not squares.any()
                continue
            expected = 2.0 * diffusivity * span * dt
            error = squares.std(ddof=1) / np.sqrt(squares.size)
            assert abs(squares.mean() - expected) < 4.0 * error
            if span == 1:
                assert error < 0.06 * expected, "too few cells to tell anything"
        assert abs(joined[..., axes].mean()) < 4.0 * joined[..., axes].std() / np.sqrt(joined[..., axes].size)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_line_may_lie_along_any_axis(axis: int) -> None:
    moves = walk(1, 4.0, seed=3, axis_of_line=axis)[..., axis]
    error = (moves**2).std() / np.sqrt(moves.size)
    assert abs((moves**2).mean() - 2.0 * SPEED**2 * PERSISTENCE * 4.0) < 4.0 * error


def test_a_single_hop_rate_in_all_dimensions() -> None:
    """2 d D / h² with D = v² τ / d."""
    for dimension in (1, 2, 3):
        diffusivity = 2.0**2 * 1.0 / dimension
        assert hop_rate(2.0, 1.0, 20.0) == pytest.approx(2.0 * dimension * diffusivity / 20.0**2)


@pytest.mark.parametrize("faces", [(NO_FLUX,) * 6, PERIODIC_FACES])
def test_walls_do_not_attract_or_repel(faces: tuple[int, ...]) -> None:
    """A cell is on each site of a box equally often: a no-flux wall turns hops back, it does not redirect them."""
    processes = [process_of("migration", speed=SPEED, persistence=PERSISTENCE), process_of("commit_parenchyma")]
    tissue = bare_tissue((1, 1, 5), faces=faces, processes=processes, seed=2)
    put_tumor(tissue, [2])
    visits = np.zeros(5, dtype=int)
    for step in range(2500):
        advance_only(tissue, processes, 10.0)
        visits[tissue.cells["site"][0]] += step >= 10
    assert stats.chisquare(visits)[1] > 1e-4


def test_cells_that_do_not_move() -> None:
    processes = [process_of("migration", speed=0.0), process_of("commit_parenchyma")]
    tissue = bare_tissue((1, 9, 9), processes=processes)
    put_tumor(tissue, [40])
    advance_only(tissue, processes, 1000.0)
    assert tissue.cells["site"].tolist() == [40]


def test_a_step_with_too_many_hops_is_refused() -> None:
    """Their number has 8 bits; beyond it hops would be lost."""
    process = process_of("migration", speed=100.0)
    tissue = bare_tissue((1, 9, 9), processes=[process])
    put_tumor(tissue, [40])
    with pytest.raises(ValueError, match="step is too long"):
        process.step(tissue, 8.0)


def nodule_after(days: int, adhesion: float) -> np.ndarray:
    processes = [process_of("migration"), process_of("commit_parenchyma", adhesion=adhesion)]
    tissue = bare_tissue((1, 61, 61), processes=processes, seed=4)
    z, y, x = tissue.lattice.coordinates(np.arange(tissue.lattice.sites))
    put_tumor(tissue, np.flatnonzero((y - 30) ** 2 + (x - 30) ** 2 <= 100))
    for _ in range(12 * days):
        advance_only(tissue, processes, 2.0)
    return (tissue.cells.occupancy[PARENCHYMA] >= 0).reshape(61, 61)


def test_adhesion_keeps_a_nodule_together() -> None:
    def together(occupied: np.ndarray) -> float:
        labels, _ = ndimage.label(occupied, structure=np.ones((3, 3)))
        return np.bincount(labels[occupied]).max() / occupied.sum()

    def spread(occupied: np.ndarray) -> float:
        return float(np.var(np.argwhere(occupied), axis=0).sum())

    held, loose = nodule_after(60, 2.0), nodule_after(60, 0.0)
    assert held.sum() == loose.sum()
    assert together(held) > 0.97 and together(loose) < 0.9
    assert spread(held) < 1.1 * 50.0  # a disc of radius 10 has 100 / 2
    assert spread(loose) > 1.3 * 50.0
