"""F-47: hypoxia selects clones that tolerate it, which are the more motile ones here.

A dish half of whose cells have lost p53 and overexpress c-MET, at constant oxygen for a day. In a nodule under
sunitinib no shift beyond luck was found: anoxia there kills both clones, and more oxygen neither.
"""

from __future__ import annotations

import functools

import numpy as np
from bare_tissue import OXYGEN, SETS, VEGF, advance_only, bare_tissue, put_tumor

from tumorabm.catalog import load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, NetworkChoice
from tumorabm.tissue.cells import TUMOR
from tumorabm.tissue.lattice import PERIODIC
from tumorabm.tissue.tissue import Tissue

SEEDS, HOURS, DT = range(6), 24, 2.0
HYPOXIA, AIR = 0.75, 20.0  # mmHg; at the first half of the full rate of necrosis
CLONES = (("vhl_mutated",), ("tp53_loss", "met_overexpression", "vhl_mutated"))
NAMES = ("birth", "apoptosis", "necrosis", "tumor_signaling", "signaled_division", "signaled_survival")
LAST = ("hypoxia_tolerance", "competing_risks", "commit_parenchyma")


@functools.cache
def dish(seed: int, oxygen: float, share: float = 0.5) -> Tissue:
    """Cells after a day, of 800 of each clone."""
    catalog = load_catalog().with_overrides({"cell_types.tumor.necrosis_p53_share": str(share)})
    choice = Choice(
        SETS, substrates=("oxygen", "vegf_a"), clones=CLONES, signaling={"tumor": NetworkChoice("rcc_figure1")}
    )
    processes = [registered()[name].from_catalog(catalog, choice) for name in (*NAMES, *LAST)]
    tissue = bare_tissue((1, 60, 60), processes=processes, substrates=(OXYGEN, VEGF), seed=seed, faces=(PERIODIC,) * 6)
    processes.sort(key=lambda process: process.phase)
    tissue.microenvironment["oxygen"].concentration[:] = oxygen
    tissue.microenvironment["vegf_a"].concentration[:] = 0.1
    for number, alterations in enumerate(CLONES):
        tissue.clones.add(f"clone_{number}", alterations)
    places = np.random.default_rng(seed).permutation(3600)[:1600]
    put_tumor(tissue, places, clone=np.arange(1600) % 2)
    next(process for process in processes if process.name == "tumor_signaling").relax(tissue)
    for _ in range(round(HOURS / DT)):
        advance_only(tissue, processes, DT)
    return tissue


def log_odds(oxygen: float, share: float = 0.5) -> np.ndarray:
    """Of the second clone among living cells, by seed; 0 at the start."""
    clones = [dish(seed, oxygen, share).cells for seed in SEEDS]
    second = [np.count_nonzero(cells["clone"][cells.alive(TUMOR)] == 1) for cells in clones]
    return np.log([one / (cells.alive(TUMOR).size - one) for one, cells in zip(second, clones, strict=True)])


def test_f47_hypoxia_selects_the_clone_that_tolerates_it() -> None:
    """Over what it gains at more oxygen by c-MET; not where no necrosis needs p53."""
    shift, control = log_odds(HYPOXIA) - log_odds(AIR), log_odds(HYPOXIA, 0.0) - log_odds(AIR, 0.0)
    print(f"shift {shift.mean():.2f} +- {shift.std(ddof=1):.2f}, without tolerance {control.mean():.2f}")
    assert (shift > 0.2).all() and abs(control.mean()) < 0.3 * shift.mean()


def test_f47_the_cells_that_are_left_move_more() -> None:
    """The network's output of movement in the mean living cell, under hypoxia with and without selection."""

    def motility(share: float) -> np.ndarray:
        column = list(load_catalog().fact("networks.rcc_figure1.nodes")).index("motility")
        cells = [dish(seed, HYPOXIA, share).cells for seed in SEEDS]
        return np.array([of["tumor_network"][of.alive(TUMOR), column].mean() for of in cells])

    selected, control = motility(0.5), motility(0.0)
    print(f"movement {control.mean():.3f} -> {selected.mean():.3f}")
    assert (selected > control).all()
