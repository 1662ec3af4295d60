"""Claims about interferon alpha and interleukin-2, as far as tissue shows them."""

from __future__ import annotations

import numpy as np
from immune_scenes import NODULE, STEP, effect, grown, tumor_measures

from tumorabm.tissue.cells import T_CELL

SEEDS = range(3)
ON = "mechanisms.t_cells=true"
SOME = "catalog.cell_types.t_cell.recruitment_rate=0.004 1/d"  # enough to count them in a small nodule
HIDDEN = "clones=[{name: clear_cell, vhl: mutated, alterations: [hla_g_expression, hla_e_expression]}]"
# What the usual schedules leave in plasma on average.
CYTOKINES = {"interferon alpha": "exposure={interferon_alpha: 0.007 nM}", "IL-2": "exposure={il2: 2.9 nM}"}
STEPS = round(35 * 24.0 / STEP)


def test_f05_cytokines_act_through_t_cells_and_not_on_a_tumor_that_hides_from_them() -> None:
    """Response rates of patients come with trials; here is what a tumor feels of it."""

    def arm(*overrides: str) -> tuple[list[float], list[float]]:
        tissues = [grown(NODULE, seed, STEPS, ON, SOME, "treatment=[]", *overrides)[0] for seed in SEEDS]
        cells = [tumor_measures(tissue)["growth"] for tissue in tissues]
        return cells, [float(tissue.cells.alive(T_CELL).size) for tissue in tissues]

    without = {seen: arm(*seen) for seen in ((), (HIDDEN,))}
    for name, given in CYTOKINES.items():
        changes = {}
        for seen, (cells, t_cells) in without.items():
            treated, attracted = arm(given, *seen)
            changes[seen] = np.mean(treated) / np.mean(cells)
            assert np.mean(attracted) > 1.3 * np.mean(t_cells)
            if not seen:
                size = effect(cells, treated)
        print(
            f"{name}: tumor cells {changes[()]:.2f} of those without (d = {size:.1f}), hidden {changes[(HIDDEN,)]:.2f}"
        )
        assert size < -1.0
        assert 1.0 - changes[(HIDDEN,)] < 0.5 * (1.0 - changes[()])
