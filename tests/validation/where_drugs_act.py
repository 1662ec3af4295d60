"""Where sunitinib and everolimus act in tissue: the table of ``where_drugs_act.md``.

    python tests/validation/where_drugs_act.py [--seeds 5] [--jobs 2] [--runs DIR] [--write]

The same nodule untreated, under sunitinib and under everolimus, and under everolimus with one of its two targets held
out: mTORC1 of endothelium or of the tumor clamped at what it is without the drug. Each property at day 28 of treatment
over that of the untreated twin (same seed, same clamp), with its interval over seeds (Student's t on logarithms).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy.stats import t as student

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = ROOT / "configs" / "experiments"
START, DAYS = 90.0, 28.0
EVEROLIMUS = ("everolimus.yaml", f"duration={DAYS:g} d")
ARMS = {
    "untreated": ("untreated.yaml", f"duration={DAYS:g} d"),
    "sunitinib": ("sunitinib_first_line.yaml", f"duration={DAYS:g} d"),
    "everolimus": EVEROLIMUS,
}
# Of the running mean of both networks' mTORC1 without drug; held there, the drug finds nothing to inhibit.
HELD = {"everolimus, tumor's mTORC1 held": "tumor", "everolimus, endothelium's mTORC1 held": "endothelial"}
OUTPUTS = (
    "tumor_cells", "lesion_endothelial_cells", "perfused_lesion_endothelial_cells", "mean_lesion_oxygen", "in_tumor",
    "in_endothelium",
)  # fmt: skip
SHOWN = {
    "mtorc1_in_tumor": "mTORC1 in tumor cells",
    "s6k_in_tumor": "S6K in tumor cells",
    "akt_in_tumor": "AKT in tumor cells",
    "erk_in_tumor": "ERK in tumor cells",
    "hif1a_in_tumor": "HIF-1alpha in tumor cells",
    "secretion_vegf_a_in_tumor": "VEGF-A secretion of tumor cells",
    "division_in_tumor": "division output of tumor cells",
    "survival_in_tumor": "survival output of tumor cells",
    "vegfr2_in_endothelium": "VEGFR2 in endothelium",
    "mtorc1_in_endothelium": "mTORC1 in endothelium",
    "division_in_endothelium": "division output of endothelium",
    "survival_in_endothelium": "survival output of endothelium",
    "lesion_endothelial_cells": "endothelial cells of the lesion",
    "perfused_lesion_endothelial_cells": "perfused endothelial cells of the lesion",
    "mean_lesion_oxygen": "mean oxygen of the lesion",
    "tumor_cells": "tumor cells",
}


def one_run(arm: str, config: str, settings: tuple[str, ...], seed: int, folder: str) -> dict[str, float]:
    """The properties of an arm at day 28 of treatment, and mTORC1 of both cells before it."""
    from tumorabm.config import load_experiment
    from tumorabm.recording.run_folder import RunFolder
    from tumorabm.run import run_experiment

    record = [f"record.outputs=[{', '.join(OUTPUTS)}]", "record.frames=null", "record.keep=[]", "record.every=1 d"]
    experiment = load_experiment(EXPERIMENTS / config, [*settings, *record, "mechanisms.all=false", f"seed={seed}"])
    run = run_experiment(experiment, Path(folder) / arm.replace(" ", "_").replace(",", ""), quiet=True, force=True)
    series = RunFolder(run).timeseries()
    return {name: float(np.asarray(series[name])[-1]) for name in SHOWN}


def ratios(values: np.ndarray) -> tuple[float, float, float]:
    """Geometric mean of ratios with its 95 % interval over seeds."""
    logs = np.log(values)
    half = student.ppf(0.975, logs.size - 1) * logs.std(ddof=1) / np.sqrt(logs.size)
    mean, low, high = np.exp([logs.mean(), logs.mean() - half, logs.mean() + half]).tolist()
    return mean, low, high


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--runs", default=None)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    seeds = list(range(1, given.seeds + 1))
    with tempfile.TemporaryDirectory() as temporary, ProcessPoolExecutor(given.jobs) as pool:
        folder = given.runs or temporary

        def runs(arms: dict[str, tuple[str, tuple[str, ...]]]) -> dict[str, list[dict[str, float]]]:
            jobs = {
                (arm, seed): pool.submit(one_run, arm, *what, seed, folder)
                for arm, what in arms.items()
                for seed in seeds
            }
            return {arm: [jobs[arm, seed].result() for seed in seeds] for arm in arms}

        found = runs({arm: (config, (length,)) for arm, (config, length) in ARMS.items()})
        held = {}
        for arm, cell_type in HELD.items():
            where = {"tumor": "tumor", "endothelial": "endothelium"}[cell_type]
            level = float(np.mean([seen[f"mtorc1_in_{where}"] for seen in found["untreated"]]))
            settings = (EVEROLIMUS[1], f"signaling.{cell_type}.clamp={{mtorc1: {level:.4f}}}")
            held |= {arm: (EVEROLIMUS[0], settings), twin(arm): ("untreated.yaml", settings)}
        found |= runs(held)
    text = table(found, len(seeds))
    print(text)
    if given.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    return 0


def twin(arm: str) -> str:
    """The untreated arm that an arm is compared with: one with the same clamp."""
    return ", ".join(["untreated", *arm.split(", ")[1:]])


def table(found: dict[str, list[dict[str, float]]], seeds: int) -> str:
    arms = [arm for arm in found if not arm.startswith("untreated")]
    lines = [
        f"# Where drugs act, over {seeds} seeds",
        "",
        "Made by `python tests/validation/where_drugs_act.py --write`: each property at day 28 of treatment over that",
        "of the untreated twin, geometric mean and 95 % interval over seeds. Held: clamped at its untreated mean from",
        "the beginning of the burn-in, in the twin too, so that the drug finds nothing to inhibit there.",
        "",
        "| property, treated over untreated | " + " | ".join(arms) + " |",
        "|---|" + "---|" * len(arms),
    ]
    for name, words in SHOWN.items():
        cells = []
        for arm in arms:
            pairs = [(a[name], b[name]) for a, b in zip(found[arm], found[twin(arm)], strict=True)]
            values = np.array([a / b for a, b in pairs if a > 0.0 and b > 0.0])
            if values.size < 2:
                cells.append("-")
                continue
            mean, low, high = ratios(values)
            cells.append(f"{mean:.3g} ({low:.3g} to {high:.3g})")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
