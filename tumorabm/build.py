"""From an experiment and a seed to a tissue and the processes that change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tumorabm.config.contents import host_coverage, make_processes, make_substrates, vessel_spacings
from tumorabm.errors import InputError
from tumorabm.processes.process import Process
from tumorabm.step import settle
from tumorabm.tissue.capillaries import CapillaryBed, bed_from_sites, capillary_mesh
from tumorabm.tissue.cells import CELL_TYPES, ENDOTHELIAL, TUMOR, VESSEL, Cells
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.lattice import Lattice
from tumorabm.tissue.microenvironment import Microenvironment
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.random import derived_uid, purpose, uniforms
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, VENULE, Vasculature

if TYPE_CHECKING:
    from tumorabm.config import Experiment
    from tumorabm.config.blocks import TableBlock


def build(experiment: Experiment, seed: int | None = None) -> tuple[Tissue, list[Process]]:
    """A tissue at time zero and its processes in the order of a step.

    Parameters
    ----------
    experiment : Experiment
        As loaded.
    seed : int, optional
        Instead of the experiment's own.

    Raises
    ------
    InputError
        If what the experiment asks for does not fit together in ways that only building shows.
    """
    seed = experiment.seed if seed is None else seed
    lattice = experiment.make_lattice()
    processes = make_processes(experiment)
    columns = list(dict.fromkeys(column for process in processes for column in process.columns))
    tissue = Tissue(
        lattice=lattice,
        cells=Cells(lattice.sites, columns),
        microenvironment=Microenvironment(lattice, make_substrates(experiment)),
        vasculature=Vasculature(lattice),
        clones=Clones(),
        patient=Patient(
            experiment.regimens(), experiment.burn_in, experiment.exposure, experiment.assessment.assessment()
        ),
        seed=seed,
    )
    for clone in experiment.clones:
        tissue.clones.add(clone.name, clone.genotype)
    place_cells(tissue, experiment)
    if experiment.vessels.network != "none":
        bed = vessel_bed(tissue, experiment)
        place_vessels(tissue, bed, host_coverage(experiment))
    for process in processes:
        process.populate(tissue)
    for process in processes:
        process.prepare(tissue)
    # Cells signal by what fields hold, and fields hold what cells secrete: the second round settles both.
    for _ in range(2):
        settle(tissue, processes)
        for process in processes:
            process.relax(tissue)
    settle(tissue, processes)
    return tissue, processes


def place_cells(tissue: Tissue, experiment: Experiment) -> None:
    """Put the tumor cells of the experiment's shapes and tables on their sites."""
    taken = np.zeros(tissue.lattice.sites, dtype=bool)
    for item in experiment.cells:
        if item.table is not None:
            sites, clones = sites_from_table(tissue, item.table, experiment)
        else:
            sites = shape_sites(tissue.lattice, item.shape, item.center, item.radius, item.size)
            uid = derived_uid("founder", [sites])
            sites = sites[uniforms(tissue.seed, uid, 0, purpose("founder density")) < item.density]
            clones = choose_clones(tissue, sites, item.clone, experiment)
        free = ~taken[sites]
        sites, clones = sites[free], clones[free]
        taken[sites] = True
        tissue.cells.append(
            {
                "uid": derived_uid("founder", [sites]),
                "site": sites,
                "cell_type": np.full(sites.size, TUMOR, dtype=np.int8),
                "clone": clones,
            }
        )


def choose_clones(tissue: Tissue, sites: np.ndarray, clone: str | None, experiment: Experiment) -> np.ndarray:
    """Clone of each founder: the named one, or drawn by the clones' fractions.

    The draw knows genotypes: neither the order of the clones nor, where their genotypes differ, their names matter.
    """
    given = experiment.clones
    if clone is not None:
        return np.full(sites.size, [item.name for item in given].index(clone), dtype=np.int32)
    order = sorted(range(len(given)), key=lambda row: (sorted(given[row].genotype), given[row].name))
    cumulative = np.cumsum([given[row].fraction for row in order])
    drawn = uniforms(tissue.seed, derived_uid("founder", [sites]), 0, purpose("founder clone")) * cumulative[-1]
    place = np.searchsorted(cumulative, drawn, side="right").clip(0, len(order) - 1)
    return np.array(order, dtype=np.int32)[place]


def shape_sites(
    lattice: Lattice,
    shape: str | None,
    center: Sequence[float] | None,
    radius: float | None,
    size: Sequence[float] | None,
) -> np.ndarray:
    """Sites whose centers lie within a shape.

    Parameters
    ----------
    shape : {"disc", "sphere", "box", "all"}
    center : sequence of float, optional
        µm, (z, y, x); the domain's center if not given.
    radius : float, optional
        µm, of a disc or sphere.
    size : sequence of float, optional
        µm, (z, y, x), of a box.
    """
    sites = np.arange(lattice.sites)
    if shape == "all":
        return sites
    extent = np.array(lattice.shape) * lattice.spacing
    middle = 0.5 * extent if center is None else np.asarray(center, dtype=float)
    gaps = np.abs(lattice.centers(sites) - middle)
    gaps = np.where(lattice.periodic, np.minimum(gaps, extent - gaps), gaps)
    gaps[:, np.array(lattice.shape) == 1] = 0.0
    if shape == "box":
        return sites[(gaps <= 0.5 * np.asarray(size, dtype=float)).all(axis=1)]
    if shape == "disc":
        gaps[:, 0] = 0.0
    return sites[(gaps**2).sum(axis=1) <= float(radius or 0.0) ** 2]


def sites_from_table(tissue: Tissue, table: TableBlock, experiment: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """Sites and clones of the tumor cells in a table (CSV, or h5ad) with coordinates in µm."""
    columns = read_table(table.path)
    sites, kept = located(tissue.lattice, table, columns)
    if table.cell_type:
        kinds = np.asarray(columns[table.cell_type]).astype(str)[kept]
        unknown = sorted(set(kinds) - set(CELL_TYPES))
        if unknown:
            raise InputError(f"{table.path}: unknown cell type {unknown[0]!r}, expected one of {', '.join(CELL_TYPES)}")
        tumor = kinds == CELL_TYPES[TUMOR]
        sites, kept = sites[tumor], kept[tumor]
    if not table.clone:
        return sites, choose_clones(tissue, sites, None, experiment)
    names = {item.name: row for row, item in enumerate(experiment.clones)}
    given = np.asarray(columns[table.clone]).astype(str)[kept]
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"{table.path}: unknown clone {unknown[0]!r}, expected one of {', '.join(names)}")
    return sites, np.array([names[name] for name in given], dtype=np.int32)


def located(lattice: Lattice, table: TableBlock, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sites of a table's positions in ascending order, and the row of the table that each comes from.

    Several positions on one site count once, the first row of the table standing for them.

    Raises
    ------
    InputError
        If a column is missing, a position is no number, or it lies outside the lattice.
    """
    names = {"z": table.z, "y": table.y, "x": table.x}
    index = []
    for axis, (label, name) in enumerate(names.items()):
        if name is None:
            index.append(np.zeros(len(next(iter(columns.values()))), dtype=np.int64))
            continue
        if name not in columns:
            raise InputError(f"{table.path}: no column {name!r}; it has {', '.join(columns)}")
        try:
            values = np.asarray(columns[name], dtype=float)
        except ValueError as error:
            raise InputError(f"{table.path}: column {name!r}: {error}") from error
        inside = np.isfinite(values) & (values >= 0.0) & (values < lattice.shape[axis] * lattice.spacing)
        if not inside.all():
            row = int(np.flatnonzero(~inside)[0])
            raise InputError(
                f"{table.path}: row {row + 1}: {label} = {columns[name][row]} um lies outside the lattice of "
                f"{lattice.shape[axis] * lattice.spacing:g} um"
            )
        index.append(np.floor(values / lattice.spacing).astype(np.int64))
    return np.unique(lattice.site(*index), return_index=True)


def read_table(path: Path) -> dict[str, np.ndarray]:
    """Columns of a CSV file, or of the ``obs`` table of an h5ad file with ``obsm['spatial']`` as x and y."""
    if path.suffix == ".h5ad":
        import anndata

        try:
            data = anndata.read_h5ad(path)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        columns = {name: data.obs[name].to_numpy() for name in data.obs}
        if "spatial" in data.obsm:
            for axis, values in zip("xyz", np.asarray(data.obsm["spatial"]).T, strict=False):
                columns.setdefault(axis, values)
        return columns
    import csv

    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise InputError(f"{path}: the table is empty")
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def vessel_bed(tissue: Tissue, experiment: Experiment) -> CapillaryBed:
    """The host's vessels as the experiment describes them: a random mesh, or those of a table."""
    vessels = experiment.vessels
    if vessels.table is not None:
        sites, kinds = vessel_sites(tissue.lattice, vessels.table)
        try:
            return bed_from_sites(tissue.lattice, tissue.vasculature.neighbors, sites, kinds, tissue.seed)
        except ValueError as error:
            raise InputError(f"{vessels.table.path}: {error}") from error
    try:
        return capillary_mesh(tissue.lattice, *vessel_spacings(experiment), tissue.seed)
    except ValueError as error:
        raise InputError(f"vessels: {error}") from error


def vessel_sites(lattice: Lattice, table: TableBlock) -> tuple[np.ndarray, np.ndarray]:
    """Sites of a table of vessel positions in µm, and what each is: endothelial, arteriole or venule."""
    columns = read_table(table.path)
    sites, kept = located(lattice, table, columns)
    if not table.cell_type:
        return sites, np.full(sites.size, "endothelial")
    kinds = np.asarray(columns[table.cell_type]).astype(str)[kept]
    known = ("endothelial", "arteriole", "venule")
    unknown = sorted(set(kinds) - set(known))
    if unknown:
        raise InputError(f"{table.path}: unknown kind of vessel {unknown[0]!r}, expected one of {', '.join(known)}")
    return sites, kinds


def place_vessels(tissue: Tissue, bed: CapillaryBed, coverage: float) -> None:
    """Put endothelial cells on the sites of a capillary bed and link them."""
    count = bed.sites.size
    root = np.zeros(count, dtype=np.int8)
    root[np.isin(bed.sites, bed.arterioles)] = ARTERIOLE
    root[np.isin(bed.sites, bed.venules)] = VENULE
    tissue.cells.append(
        {
            "uid": derived_uid("host vessel", [bed.sites]),
            "site": bed.sites,
            "cell_type": np.full(count, ENDOTHELIAL, dtype=np.int8),
            "root": root,
            "coverage": np.full(count, coverage),
            "lumen_age": np.full(count, np.inf),
        }
    )
    for a, b in bed.edges.tolist():
        tissue.vasculature.link(a, b)
    if np.count_nonzero(tissue.cells.occupancy[VESSEL] >= 0) != count:
        raise InputError("vessels: two vessels were placed on one site")
