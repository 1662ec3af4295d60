"""What each mechanism does, seen in a small experiment of its own, and what treatment does to other signals than VEGF.

    python tests/validation/mechanism_effects.py [--seeds 5] [--runs DIR] [--write] [--only a,b]

For each of ``configs/experiments/mechanisms/`` the ablation of that mechanism: one recorded output with it and without,
with the same seeds. What was expected of the sign stands here and, with reasons, in the experiment's file. Then F-28:
factors of a lesion with VHL under sunitinib against its untreated twin. With ``--write`` the tables are kept in
``mechanism_effects.md`` beside this file. About ten minutes on one core; runs that are there are reused.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = Path("configs") / "experiments" / "mechanisms"
sys.path.insert(0, str(ROOT / "tests" / "claims"))


@dataclass(frozen=True)
class Effect:
    """What shows a mechanism.

    Attributes
    ----------
    output, statistic : str
        What is measured.
    sign : int
        Expected of the difference, without less with.
    """

    output: str
    sign: int
    statistic: str = "final"


EFFECTS = {
    "nutrients": Effect("mtorc1_in_tumor", +1),
    "alternative_signals": Effect("survival_in_endothelium", -1),
    "receptor_competition": Effect("microvessel_density", -1),
    "matrix_vegf": Effect("vegf_a_lesion_mean", +1),
    "flow": Effect("mean_lesion_oxygen", +1),
    "permeability": Effect("intravasated_cells", +1),
    "notch": Effect("tip_cells", +1, "mean"),
    "angiopoietins": Effect("perfused_lesion_endothelial_cells", +1),
    "pericytes": Effect("lesion_endothelial_cells", -1),
    "intravasation": Effect("intravasated_cells", -1),
    "mdsc": Effect("lesion_endothelial_cells", -1),
    "fibroblasts": Effect("lesion_endothelial_cells", -1),
    "t_cells": Effect("tumor_cells", +1),
    "matrix": Effect("intravasated_cells", +1),
    "mutation": Effect("clones", -1),
    "invasion": Effect("branching_index", -1),
    "emt": Effect("branching_index", -1),
    "intracellular": Effect("tumor_cells", -1),
    "direct_effect": Effect("tumor_cells", +1),
}
SETS = ("review_2016", "primary")


def command(name: str, effect: Effect, seeds: int) -> str:
    """The same on the command line."""
    statistic = "" if effect.statistic == "final" else f' --statistic "{effect.statistic}"'
    file = (EXPERIMENTS / f"{name}.yaml").as_posix()
    return f"tumorabm ablate {file} --output {effect.output}{statistic} --only {name} --replicates {seeds}"


def mechanism_row(name: str, effect: Effect, seeds: int, folder: Path) -> str:
    """A row of the table, from the runs."""
    from tumorabm.sweep.ablation import Ablation

    file = str(ROOT / EXPERIMENTS / f"{name}.yaml")
    ablation = Ablation(file, effect.output, effect.statistic, seeds, out=folder, only=(name,))
    sweep, plan, _ = ablation.run("local", 1, False)
    (found,) = ablation.evaluated(sweep, plan)
    held = found.certain and np.sign(found.difference) == effect.sign
    size = "-" if np.isnan(found.effect) else f"{found.effect:+.1f}"
    unit = "" if ablation.measured.unit == "1" else f" ({ablation.measured.unit})"
    return (
        f"| {name} | {effect.output}{unit} | {found.intact:.4g} | {found.without:.4g} | {found.difference:+.3g} "
        f"({found.low:+.3g} to {found.high:+.3g}) | {size} | {found.seeds} | {'+-'[effect.sign < 0]} | "
        f"{'yes' if held else '**no**'} |"
    )


def mechanisms_table(chosen: list[str], seeds: int, folder: Path) -> str:
    """What each mechanism does in its experiment."""
    lines = [
        "## Each mechanism in its experiment",
        "",
        "With the mechanism and without it, mean over seeds; the difference, without less with, with its 95 % interval",
        "(Student's t over paired seeds); the effect is the difference in standard deviations over seeds of runs with",
        "the mechanism (`-` where these do not differ). Held: the interval leaves out 0 on the expected side.",
        "",
        "| mechanism | output | with | without | difference | effect | seeds | expected sign | held |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in chosen:
        lines.append(mechanism_row(name, EFFECTS[name], seeds, folder))
        print(lines[-1], flush=True)
    commands = [command(name, EFFECTS[name], seeds) for name in chosen]
    return "\n".join([*lines, "", "The same by hand:", "", *(f"    {line}" for line in commands)])


def therapy_table(seeds: int) -> str:
    """F-28: what treatment does to factors of a lesion."""
    from therapy_scene import DAYS, FACTORS, LIVING, OXYGEN, ratios, secretion, therapy

    from tumorabm.sweep.intervals import paired_t

    def shown(values: np.ndarray) -> str:
        mean, low, high = np.exp(paired_t(np.log(values)))
        return f"{mean:.3g} ({low:.3g} to {high:.3g})"

    lines = [
        "## F-28: what rises under treatment",
        "",
        f"`vhl_intact.yaml`: geometric mean of ratios and 95 % interval over {seeds} seeds. Under sunitinib over",
        "the twin without it, which has the same past; and before treatment the end of the burn-in over its middle,",
        "where nothing is to rise. Factors and oxygen are means over the lesion, debris included; `secretion` is the",
        "output of living cells, `living cells` their number.",
        "",
        f"| literature | | before: end / middle | {' | '.join(f'day {day}' for day in DAYS)} |",
        "|---|---|---|" + "---|" * len(DAYS),
    ]
    for literature in SETS:
        found = [therapy(literature, seed) for seed in range(1, seeds + 1)]
        for name in (*FACTORS, *map(secretion, FACTORS), OXYGEN, LIVING):
            past = shown(ratios(found, name, "before", "early"))
            days = (shown(ratios(found, name, f"treated {day}", f"untreated {day}")) for day in DAYS)
            lines.append(f"| {literature} | {name} | {past} | {' | '.join(days)} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--runs", default=None)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", default=",".join([*EFFECTS, "f28"]))
    given = parser.parse_args()
    chosen = given.only.split(",")
    if unknown := set(chosen) - {*EFFECTS, "f28"}:
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    parts = [
        f"# What mechanisms do, over {given.seeds} seeds",
        "Made by `python tests/validation/mechanism_effects.py --write`.",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        if names := [name for name in EFFECTS if name in chosen]:
            parts.append(mechanisms_table(names, given.seeds, Path(given.runs or temporary)))
    if "f28" in chosen:
        parts.append(therapy_table(given.seeds))
    text = "\n\n".join(parts) + "\n"
    print(text)
    if given.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
