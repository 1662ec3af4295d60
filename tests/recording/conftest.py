"""A small tissue made by hand: a disc of tumor cells with a necrotic middle and one line of vessel."""

from __future__ import annotations

import numpy as np
import pytest

from tumorabm.tissue.cells import ALIVE, APOPTOTIC, ENDOTHELIAL, NECROTIC, TUMOR, Cells, Column
from tumorabm.tissue.clones import Clones
from tumorabm.tissue.lattice import NO_FLUX, PERIODIC, Lattice
from tumorabm.tissue.microenvironment import Microenvironment, Substrate
from tumorabm.tissue.patient import Patient
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, TIP, VENULE, Vasculature

COLUMNS = (
    Column("perfused", "1", "blood flows", "i1"),
    Column("root", "1", "none, arteriole, venule", "i1"),
    Column("phenotype", "1", "quiescent, stalk, tip", "i1"),
    Column("origin", "1", "host, sprout, recolonized", "i1"),
    Column("direction", "1", "of migration", "f8", shape=(3,)),
    Column("network", "1", "activity of each node", "f8", shape=(3,), labels=("akt", "mtorc1", "hif2a")),
    Column("other_network", "1", "activity of each node", "f8", shape=(2,), labels=("erk", "s6k")),
)
SUBSTRATES = (
    Substrate("oxygen", "mmHg", "oxygen", "steady", 7.2e6, 0.0, initial=4.0),
    Substrate("vegf_a", "nM", "VEGF", "implicit", 3.6e4, 0.65, initial=0.04),
)


def make_tissue(shape=(1, 20, 24), radius=5.0, periodic=False, center=None) -> Tissue:
    faces = (NO_FLUX, NO_FLUX, *(PERIODIC if periodic else NO_FLUX,) * 4)
    lattice = Lattice(shape, 20.0, faces)
    cells = Cells(lattice.sites, COLUMNS)
    z, y, x = (axis.ravel() for axis in np.indices(shape))
    center = center or tuple(n // 2 for n in shape)
    offsets = [np.abs(axis - c) for axis, c in zip((z, y, x), center, strict=True)]
    if periodic:
        offsets = [np.minimum(offset, n - offset) for offset, n in zip(offsets, shape, strict=True)]
    distance = np.sqrt(sum(offset**2 for offset in offsets))
    tumor = np.flatnonzero(distance <= radius)
    state = np.where(distance[tumor] <= 1.0, NECROTIC, ALIVE)
    state[-1] = APOPTOTIC
    direction = np.arange(3 * tumor.size, dtype=float).reshape(-1, 3)
    cells.append(
        {
            "uid": np.arange(tumor.size, dtype=np.uint64)[::-1] + np.uint64(1000),
            "site": tumor,
            "cell_type": np.full(tumor.size, TUMOR),
            "state": state,
            "clone": np.zeros(tumor.size, dtype=int),
            "direction": direction,
            "network": 1.0 / (1.0 + direction),
            "other_network": np.sin(direction[:, :2]),
        }
    )
    vasculature = Vasculature(lattice)
    vessel = np.flatnonzero((z == shape[0] // 2) & (y == shape[1] // 2))
    root = np.zeros(vessel.size)
    root[0], root[-1] = ARTERIOLE, VENULE
    phenotype = np.zeros(vessel.size)
    phenotype[3] = TIP
    cells.append(
        {
            "uid": np.arange(vessel.size, dtype=np.uint64) + np.uint64(1),
            "site": vessel,
            "cell_type": np.full(vessel.size, ENDOTHELIAL),
            "perfused": np.arange(vessel.size) < vessel.size // 2,
            "root": root,
            "phenotype": phenotype,
            "origin": np.arange(vessel.size) % 3,
        }
    )
    for a, b in zip(vessel[:-1], vessel[1:], strict=True):
        vasculature.link(int(a), int(b))
    clones = Clones()
    clones.add("founder", ("vhl_mutated",))
    environment = Microenvironment(lattice, SUBSTRATES)
    environment["oxygen"].concentration[:] = np.linspace(0.0, 20.0, lattice.sites).reshape(shape)
    patient = Patient()
    patient.molar_mass["drug"] = 400.0
    patient.total["drug"] = 100.0
    patient.unbound["drug"] = 5.0
    tissue = Tissue(lattice, cells, environment, vasculature, clones, patient, seed=7)
    tissue.ledger.book("oxygen", "source", 1.5)
    return tissue


@pytest.fixture
def tissue() -> Tissue:
    return make_tissue()


@pytest.fixture
def make():
    """The function that makes such a tissue, for other shapes and radii."""
    return make_tissue
