"""The shipped grid of the main experiment, oxygen by dose, five tumors at each point: ``oxygen_by_dose.md`` and figure.

    python tests/validation/oxygen_by_dose.py [--runs DIR] [--workers 2] [--write]

A sweep underneath: what is finished is not run again. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SWEEP: Final = Path(__file__).resolve().parents[2] / "configs" / "sweeps" / "oxygen_by_dose.yaml"
SUMMARIES: Final = {
    "response": "lesion diameter after 84 d of treatment\nover that before it (ratio)",
    "vessels_left": "vessels in the lesion at day 28 of treatment\nover those before it (ratio)",
}
COLORS: Final = ("#E69F00", "#0072B2", "#009E73")


def table_of(runs: Path, workers: int) -> pd.DataFrame:
    """One row per run, all finished."""
    from tumorabm.sweep.loop import run_sweep
    from tumorabm.sweep.planning import prepare
    from tumorabm.sweep.results import open_sweep
    from tumorabm.sweep.sweep_file import load_sweep

    folder = prepare(load_sweep(SWEEP), runs)
    counts = run_sweep(folder, workers=workers)
    table = open_sweep(folder).table
    if not (table["state"] == "finished").all():
        raise SystemExit(f"not all runs are finished: {counts}")
    return table


def report_of(table: pd.DataFrame) -> str:
    """Means and standard deviations over the tumors of each point, as Markdown."""
    lines = [
        "# Oxygen by dose, five tumors each",
        "",
        "Made by `python tests/validation/oxygen_by_dose.py --write` from `configs/sweeps/oxygen_by_dose.yaml`. Mean",
        "and standard deviation over the tumors; a diameter ratio of 0.7 is a partial response.",
        "",
        "| oxygen in blood (mmHg) | dose (mg) | diameter at week 12 / before | vessels at week 4 / before |",
        "|---|---|---|---|",
    ]
    for (oxygen, dose), rows in table.groupby(["oxygen", "dose"]):
        figures = [f"{rows[name].mean():.2f} ± {rows[name].std():.2f}" for name in SUMMARIES]
        lines.append(f"| {oxygen:g} | {dose:g} | {' | '.join(figures)} |")
    return "\n".join([*lines, "", "![response and vessels by oxygen and dose](oxygen_by_dose.png)", ""])


def draw(table: pd.DataFrame, path: Path) -> None:
    """Each summary against the dose, a line per oxygen, a point per tumor."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    for axes, (name, label) in zip(figure.subplots(1, 2), SUMMARIES.items(), strict=True):
        for shift, (color, (oxygen, rows)) in enumerate(zip(COLORS, table.groupby("oxygen"), strict=True)):
            _line(axes, rows, name, color, f"{oxygen:g} mmHg", 0.5 * (shift - 1))
        axes.axhline(1.0, color="k", lw=0.8)
        axes.set(xlabel="dose of sunitinib (mg a day, 4 weeks on, 2 off)", ylabel=label, ylim=(0.0, None))
        axes.set_xticks(sorted(table["dose"].unique()))
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(title="oxygen in capillary blood", frameon=False, fontsize=8)
    figure.suptitle("Five tumors at each point (dots), the same ones at every point; lines: means", fontsize=10)
    figure.savefig(path, dpi=130)


def _line(axes: Any, rows: pd.DataFrame, name: str, color: str, label: str, shift: float) -> None:
    means = rows.groupby("dose")[name].mean()
    axes.plot(rows["dose"] + shift, rows[name], "o", color=color, ms=3.0, alpha=0.5)
    axes.plot(np.asarray(means.index) + shift, means, color=color, lw=1.8, label=label)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_oxygen_by_dose")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep the table and the figure beside this file")
    chosen = parser.parse_args(arguments)
    table = table_of(chosen.runs, chosen.workers)
    report = report_of(table)
    print(report)
    here = Path(__file__).parent if chosen.write else chosen.runs
    (here / "oxygen_by_dose.md").write_text(report, encoding="utf-8")
    draw(table, here / "oxygen_by_dose.png")


if __name__ == "__main__":
    main()
