"""F-47: hypoxia under treatment selects clones that tolerate it, which are also the more motile ones here.

A nodule half of whose cells have lost p53 and overexpress c-MET, under sunitinib for twelve weeks and untreated. Six
seeds; the shift is the change of the logarithm of the odds of the clone, treated less untreated.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from immune_scenes import NODULE, STEP, SUNITINIB, grown

from tumorabm.recording.measurement import Measurement
from tumorabm.tissue.cells import TUMOR
from tumorabm.tissue.tissue import Tissue

SEEDS, DAYS = range(6), 84
CLONES = (
    "clones=[{name: usual, fraction: 0.5, vhl: mutated}, "
    "{name: malignant, fraction: 0.5, vhl: mutated, alterations: [tp53_loss, met_overexpression]}]"
)
OFF = "catalog.cell_types.tumor.necrosis_p53_share=0"


@functools.cache
def nodule(seed: int, *overrides: str) -> Tissue:
    return grown(NODULE, seed, round(DAYS * 24.0 / STEP), "burn_in=0 d", CLONES, *overrides)[0]


def log_odds(tissue: Tissue) -> float:
    """Of the malignant clone among living tumor cells."""
    clone = tissue.cells["clone"][tissue.cells.alive(TUMOR)]
    return float(np.log(np.count_nonzero(clone == 1) / np.count_nonzero(clone == 0)))


def shift(*overrides: str) -> np.ndarray:
    """Of every seed."""
    found = [
        log_odds(nodule(s, SUNITINIB, *overrides)) - log_odds(nodule(s, "treatment=[]", *overrides)) for s in SEEDS
    ]
    return np.array(found)


@pytest.mark.slow
def test_f47_treatment_selects_the_clone_that_tolerates_hypoxia_and_not_without_tolerance() -> None:
    selected, control = shift(), shift(OFF)
    print(f"shift {selected.mean():.2f} +- {selected.std(ddof=1):.2f}, without {control.mean():.2f}")
    assert selected.mean() > 2.0 * selected.std(ddof=1) / np.sqrt(len(SEEDS))
    assert selected.mean() > control.mean() + 0.1


@pytest.mark.slow
def test_f47_cells_that_are_left_move_more() -> None:
    """The network's output of movement, in the mean tumor cell of each arm."""
    motility = {
        arm: np.array([Measurement(nodule(seed, arm), {}).tumor_activity["motility"] for seed in SEEDS])
        for arm in ("treatment=[]", SUNITINIB)
    }
    rise = motility[SUNITINIB] - motility["treatment=[]"]
    print(f"motility {motility['treatment=[]'].mean():.3f} -> {motility[SUNITINIB].mean():.3f}")
    assert rise.mean() > 2.0 * rise.std(ddof=1) / np.sqrt(len(SEEDS))
