"""F-59: of four microRNAs that are higher in resistant cells miR-942 alone acts: on what tumor cells secrete, and so on
endothelium."""

from __future__ import annotations

import functools

import numpy as np
from immune_scenes import NODULE, grown

from tumorabm.catalog import load_catalog
from tumorabm.recording.constants import constants_of
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs
from tumorabm.tissue.tissue import Tissue

SEEDS, DAY = range(3), 12
FACTORS = "substrates=[oxygen, vegf_a, mmp9]"
OVER = "clones=[{name: clear_cell, vhl: mutated, alterations: [mir942_overexpression]}]"
MICRORNAS = ("mir942", "mir133a", "mir628_5p", "mir484")
EMT = ("mechanisms={all: false, emt: true}", "treatment=[]", "exposure={sunitinib: 10 nM}", "burn_in=0 d")
SETS = {"kinetics": "patient_metastasis", "literature": "review_2016", "targets": "cellular"}


@functools.cache
def nodule(seed: int, days: int, *overrides: str) -> Tissue:
    return grown(NODULE, seed, days * DAY, FACTORS, "burn_in=0 d", *overrides)[0]


def test_f59_cells_with_mir942_bring_vegf_and_mmp9_and_move_endothelium() -> None:
    """Within three days, before vessels have changed much."""
    for seed in SEEDS:
        usual, over = (Measurement(nodule(seed, 3, "treatment=[]", *more), {}) for more in ((), (OVER,)))
        mean = registered_outputs()["lesion_mean"].function
        folds = {factor: float(mean(over, factor)) / float(mean(usual, factor)) for factor in ("vegf_a", "mmp9")}
        moved = over.endothelial_activity["motility"] / usual.endothelial_activity["motility"]
        print(f"{folds}, motility of endothelium x {moved:.3f}")
        assert min(folds.values()) > 1.1 and moved > 1.02


def test_f59_the_other_three_are_markers_of_resistant_cells_and_act_on_nothing() -> None:
    """A tumor under a stimulus of EMT for a month, and the same with other folds of the microRNAs."""
    outputs, found = registered_outputs(), []
    folds = [f"catalog.cell_types.tumor.emt_{name}_fold=8" for name in MICRORNAS]
    for more in ((), tuple(folds)):
        tissue = nodule(1, 30, *EMT, *more)
        catalog = load_catalog().with_overrides(
            {f"cell_types.tumor.emt_{name}_fold": "8" for name in MICRORNAS if more}
        )
        found.append((tissue, Measurement(tissue, constants_of(catalog, SETS, {"emt"}))))
    (usual, seen), (other, more) = found
    assert float(outputs["tumor_emt"].function(seen)) > 0.01
    for name in MICRORNAS:
        marker = outputs[f"{name}_marker"].function
        assert 1.0 < float(marker(seen)) < float(marker(more))
    for name, values in usual.state().items():
        np.testing.assert_array_equal(values, other.state()[name], err_msg=name)
