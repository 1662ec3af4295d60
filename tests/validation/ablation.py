"""What each mechanism does in the main experiment: ``ablation.md``.

    python tests/validation/ablation.py [--replicates 4] [--runs DIR] [--workers 2] [--write]

Takes each mechanism away from all of them, and adds each alone to the engine (``tumorabm ablate``), in the main
experiment on a smaller domain, and reads lesion, vessels and hypoxia after 6 and 12 months of treatment. What is
finished is not run again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tumorabm.sweep.ablation import Removed

CONFIG: Final = Path(__file__).resolve().parents[2] / "configs" / "experiments" / "sunitinib_first_line.yaml"
# A smaller domain and nodule than usual, so that the sixteen arms of each background take an hour.
SETTINGS: Final = (
    "lattice.shape=[64, 64]",
    "cells[0].radius=180 um",
    "burn_in=63 d",
    "duration=350 d",
    "time_step=2.4 h",
    "record.every=7 d",
    "record.checkpoint=91 d",
    "record.keep=[]",
)
OUTPUTS: Final = ("lesion_diameter", "microvessel_density", "hypoxic_fraction")
# Days 182 and 350 of treatment, both in the middle of the four weeks on the drug.
TIMES: Final = {"6 months": "245d", "12 months": "413d"}
BACKGROUNDS: Final = {
    "mechanisms": "Each taken away from all of them",
    "mechanisms_alone": "Each added alone to the engine",
}


def told(row: Removed) -> str:
    """A difference with its interval, in bold where that leaves out no change."""
    text = f"{row.difference:+.3g} ({row.low:+.3g} to {row.high:+.3g})"
    return f"**{text}**" if row.certain else text


def table_of(background: str, replicates: int, runs: Path, workers: int) -> list[str]:
    """The table of one background, as lines of Markdown."""
    from tumorabm.sweep.ablation import Ablation

    heads, means, found = [], [], {}
    for output in OUTPUTS:
        for label, time in TIMES.items():
            asked = Ablation(
                str(CONFIG), output, f"at at={time}", replicates, SETTINGS, (), runs,
                of=background, cell_type="tumor", only=(),
            )  # fmt: skip
            folder, plan, counts = asked.run("local", workers, True)
            if not counts.finished or counts.stopped:
                raise SystemExit(f"not all runs are finished: {counts}")
            rows = asked.evaluated(folder, plan)
            unit = "" if asked.measured.unit == "1" else f" ({asked.measured.unit})"
            heads.append(f"{output}, {label}{unit}")
            means.append(f"{next(row.intact for row in rows if row.seeds):.3g}")
            for row in rows:
                found.setdefault(row.name, {})[heads[-1]] = told(row) if row.seeds > 1 else "-"
    reference = "all of them" if background == "mechanisms" else "the engine alone"
    lines = [f"## {BACKGROUNDS[background]}", "", f"| | {' | '.join(heads)} |", f"|---{'|---' * len(heads)}|"]
    lines.append(f"| {reference}, mean | {' | '.join(means)} |")
    lines += [f"| {name} | {' | '.join(found[name].get(head, '-') for head in heads)} |" for name in sorted(found)]
    return [*lines, ""]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_ablation")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep the table beside this file")
    chosen = parser.parse_args(arguments)
    lines = [
        "# What each mechanism does in the main experiment",
        "",
        f"Made by `python tests/validation/ablation.py --replicates {chosen.replicates} --write`: "
        "`configs/experiments/sunitinib_first_line.yaml` with",
        f"`{'`, `'.join(SETTINGS)}`, {chosen.replicates} shared seeds. Differences with 95 % intervals by Student's t",
        "of pairs; bold where the interval leaves out no change (of each column about one does by luck).",
        "",
    ]
    for background in BACKGROUNDS:
        lines += table_of(background, chosen.replicates, chosen.runs, chosen.workers)
    print("\n".join(lines))
    if chosen.write:
        (Path(__file__).parent / "ablation.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
