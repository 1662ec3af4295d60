"""Where ``drugs.sunitinib.direct_ic50`` comes from, printed; about a minute, most of it burn-in.

    python tests/validation/direct_ic50.py [--seeds 1] [--burn-in 90]

It is calibrated: the free cytosolic concentration that parental cells have on average over four weeks of 50 mg daily,
so that they lose half of their divisions then. That is the mean unbound drug outside of tumor cells in a nodule of
250 um, with no mechanism on but ``intracellular``, times what is free in a parental cell at rest. (Free inside is less
over these weeks: lysosomes fill, and their capacity is induced.)
Nothing reads the entry in these runs: the direct effect is off.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "experiments" / "sunitinib_first_line.yaml"
ENTRY, DAYS = "drugs.sunitinib.direct_ic50", 28


def outside_and_inside(seed: int, burn_in: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean unbound drug at tumor cells and free in their cytosol (nM), at the end of each step of four weeks."""
    from tumorabm.build import build
    from tumorabm.config import load_experiment
    from tumorabm.processes.resistance.held_drugs import outside
    from tumorabm.step import advance
    from tumorabm.tissue.cells import TUMOR

    settings = [
        "mechanisms={all: false, intracellular: true}", f"burn_in={burn_in:g} d", f"duration={DAYS} d",
        "record.keep=[]",
    ]  # fmt: skip
    experiment = load_experiment(CONFIG, settings)
    tissue, processes = build(experiment, seed)
    found = []
    for step in range(round((24.0 * (burn_in + DAYS)) / experiment.time_step)):
        advance(tissue, processes, experiment.time_step)
        if step * experiment.time_step >= 24.0 * burn_in:
            rows = tissue.cells.alive(TUMOR)
            there = outside(tissue, "sunitinib", tissue.cells["site"][rows])
            found.append((there.mean(), tissue.cells["drug_free"][rows, 0].mean()))
    return tuple(np.array(found).T)


def free_at_rest() -> float:
    """Free drug in the cytosol of a parental cell over that outside, at rest and little of it."""
    from tumorabm.catalog import load_catalog
    from tumorabm.config import load_experiment
    from tumorabm.processes.resistance.held_drugs import held_drugs, passage_of

    experiment = load_experiment(CONFIG, ["mechanisms={all: false, intracellular: true}"])
    (drug,) = held_drugs(load_catalog(), experiment.choice())
    passage = passage_of(load_catalog(), experiment.sets)
    pumped = sum(on * x * v for on, x, v in zip(drug.pumped, passage.basal, passage.efflux, strict=True))
    emptied = passage.exocytosis / passage.uptake * drug.lysosomal / drug.cytosolic
    emptied /= 1.0 + passage.exocytosis / passage.exchange
    return 1.0 / (1.0 + pumped + passage.metabolism / passage.uptake + emptied)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--burn-in", type=float, default=90.0, help="d")
    arguments = parser.parse_args()
    from tumorabm.catalog import load_catalog

    factor, found = free_at_rest(), []
    for seed in range(1, arguments.seeds + 1):
        there, inside = outside_and_inside(seed, arguments.burn_in)
        found.append(there.mean())
        print(
            f"seed {seed}: outside {there.mean():.3g} nM over {DAYS} d ({there[-1]:.3g} nM at the end), "
            f"free inside {inside.mean():.3g} nM, {inside.mean() / there.mean():.3g} of it while cells fill"
        )
    entry = load_catalog().entry(ENTRY, {})
    print(f"free in a parental cell at rest, over outside: {factor:.3g}")
    print(f"{np.mean(found):.3g} nM * {factor:.3g} = {np.mean(found) * factor:.3g} nM; the catalog has {entry.value:g}")


if __name__ == "__main__":
    main()
