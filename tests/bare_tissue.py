"""A tissue without an experiment: lattice, columns and substrates as a test asks for, cells put where it wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, Process
from tumorabm.tissue.cells import ENDOTHELIAL, TUMOR, Cells
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.lattice import NO_FLUX, Lattice
from tumorabm.tissue.microenvironment import Microenvironment, Substrate
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.random import derived_uid
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import Vasculature

SETS = {"kinetics": "patient_metastasis", "literature": "review_2016", "targets": "cellular"}
OXYGEN = Substrate("oxygen", "mmHg", "oxygen", "steady", 7.2e6, 0.0, 1.0)
VEGF = Substrate("vegf_a", "nM", "VEGF-A", "implicit", 2e5, 0.0, 0.1)


def bare_tissue(
    shape: tuple[int, int, int],
    *,
    faces: tuple[int, ...] = (NO_FLUX,) * 6,
    processes: Iterable[Process] = (),
    substrates: Iterable[Substrate] = (OXYGEN, VEGF),
    spacing: float = 20.0,
    seed: int = 1,
) -> Tissue:
    """An empty tissue with the columns of some processes, prepared for them."""
    lattice = Lattice(shape, spacing, faces)
    processes = list(processes)
    columns = dict.fromkeys(column for process in processes for column in process.columns)
    tissue = Tissue(
        lattice=lattice,
        cells=Cells(lattice.sites, columns),
        microenvironment=Microenvironment(lattice, substrates),
        vasculature=Vasculature(lattice),
        clones=Clones(),
        patient=Patient(),
        seed=seed,
    )
    for process in processes:
        process.prepare(tissue)
    return tissue


def process_of(name: str, **values: float) -> Process:
    """A registered process with values of the catalog, some of them replaced, and without signaling."""
    return registered()[name].from_catalog(load_catalog(), Choice(SETS), values)


def put(tissue: Tissue, cell_type: int, sites: Sequence[int] | np.ndarray, **columns: object) -> np.ndarray:
    """Put cells on sites, with values of other columns. Returns their rows."""
    sites = np.asarray(sites, dtype=np.int64)
    values: dict[str, object] = {
        "uid": derived_uid("test", [np.full(sites.size, cell_type), sites]),
        "site": sites,
        "cell_type": np.full(sites.size, cell_type, dtype=np.int8),
        **{
            name: np.broadcast_to(np.asarray(value), (sites.size, *np.shape(value)[1:]))
            for name, value in columns.items()
        },
    }
    return tissue.cells.append(values)  # type: ignore[arg-type]


def put_tumor(tissue: Tissue, sites: Sequence[int] | np.ndarray, **columns: object) -> np.ndarray:
    """Put tumor cells on sites."""
    return put(tissue, TUMOR, sites, **columns)


def put_vessel(tissue: Tissue, path: Sequence[int] | np.ndarray, **columns: object) -> np.ndarray:
    """Put endothelial cells on a path of neighboring sites and link each to the next."""
    rows = put(tissue, ENDOTHELIAL, path, **columns)
    for a, b in zip(path[:-1], path[1:], strict=True):
        tissue.vasculature.link(int(a), int(b))
    return rows


def advance_only(tissue: Tissue, processes: Sequence[Process], dt: float) -> None:
    """One step of a few processes, as ``tumorabm.step.advance`` would do it."""
    from tumorabm.step import advance

    advance(tissue, processes, dt)


def contents(tissue: Tissue) -> Mapping[str, np.ndarray]:
    """The state, with cells in the order of their uids, to compare two tissues by."""
    state = tissue.state()
    order = np.argsort(state["cells/uid"])
    return {name: array[order] if name.startswith("cells/") else array for name, array in state.items()}


def same_contents(a: Tissue, b: Tissue) -> None:
    """Two tissues are in the same state, bit by bit, whatever the order of their rows."""
    left, right = contents(a), contents(b)
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
