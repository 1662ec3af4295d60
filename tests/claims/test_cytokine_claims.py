"""Claims about interferon alpha and interleukin-2, as far as tissue and the patient's body show them."""

from __future__ import annotations

import numpy as np
from immune_scenes import NODULE, STEP, effect, grown, tumor_measures
from toxicity_scene import DAY, FIRST, after, course

from tumorabm.processes.dosing.schedule import Regimen
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


def test_f05_cytokines_are_more_toxic_than_kinase_inhibitors_over_a_line_of_treatment() -> None:
    found = {drug: after(drug)["total_toxicity"][:120] for drug in FIRST}
    print({drug: f"{toxicity.mean():.2f}" for drug, toxicity in found.items()})
    for drug in ("sunitinib", "everolimus"):
        assert found["interferon_alpha"].mean() > 1.5 * found[drug].mean()


def test_f05_interleukin_2_is_more_toxic_in_its_days_than_a_kinase_inhibitor_in_its_first_month() -> None:
    """It is given for five days and again after nine of rest: what it does has to be looked at there."""
    il2 = course(Regimen("il2", 2.59, 8.0, on=14 * 8.0, off=9 * DAY, cycles=2), days=30)["total_toxicity"]
    sunitinib = after("sunitinib")["total_toxicity"][:30]
    print(f"interleukin-2 at most {il2.max():.2f} on day {il2.argmax() + 1}, sunitinib {sunitinib.max():.2f}")
    assert il2[:14].max() > 2.0 * sunitinib[:14].max() and il2.max() > sunitinib.max()
