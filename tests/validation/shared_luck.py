"""What shared luck saves: spread of the difference of two arms, with the same seeds and with others.

    python tests/validation/shared_luck.py [--seeds 24] [--runs DIR] [--write]

A small nodule in three comparisons, each a sweep of two arms with shared seeds. The difference is taken seed by seed,
and, from the same runs, between all pairs of different seeds, which is what independent seeds would give. Prints how
many times fewer runs the shared seeds need for the same interval; with ``--write`` keeps table and figure in
``shared_luck.md`` and ``shared_luck.png`` beside this file. About five minutes on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
START = 10.0  # d: end of the burn-in, when doses begin
OUTPUT = "tumor_cells"
DAYS = (12, 15, 20, 30, 40)  # of the table
BASE = {
    "extends": str(ROOT / "configs" / "presets" / "clear_cell.yaml"),
    "name": "nodule",
    "burn_in": "10 d",
    "duration": "30 d",
    "time_step": "2 h",
    "sets": {"kinetics": "patient_metastasis"},
    "lattice": {"shape": [60, 60], "spacing": "20 um", "boundary": "no_flux"},
    "cells": [{"shape": "disc", "radius": "150 um"}],
    "vessels": {"network": "capillary_mesh", "spacing": "200 um", "arteriole_spacing": "300 um"},
    "record": {"every": "12 h", "checkpoint": "10 d"},
}
DRUG = {"drug": "sunitinib", "dose": "50 mg", "every": "1 d"}
HALF = {**DRUG, "dose": "25 mg"}
# Name of the comparison: what is varied and its two values.
COMPARISONS = {
    "dose of 50 mg or 25 mg": ("treatment", {"one": [DRUG], "other": [HALF]}),
    "sunitinib or nothing": ("treatment", {"one": [DRUG], "other": []}),
    "apoptosis 0.024 or 0.012 per day": (
        "catalog",
        {
            "one": {"cell_types.tumor.apoptosis_rate": "0.024 1/d"},
            "other": {"cell_types.tumor.apoptosis_rate": "0.012 1/d"},
        },
    ),
}
COLORS = ("#0072B2", "#D55E00", "#009E73")


def measured(path: str, values: dict[str, object], seeds: int, out: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Days, and the output of both arms, shape (2, seeds, days)."""
    from tumorabm.sweep.loop import run_sweep
    from tumorabm.sweep.planning import prepare
    from tumorabm.sweep.results import open_sweep
    from tumorabm.sweep.sweep_file import load_sweep

    sweep = {
        "base": BASE,
        "set": {"mechanisms.all": False},
        "name": name,
        "factors": {"arm": {"path": path, "values": values}},
        "replicates": seeds,
        "luck": "shared",
        "collect": {"series": [OUTPUT]},
    }
    folder = prepare(load_sweep(sweep), out)
    print(run_sweep(folder))
    series = open_sweep(folder).series
    grid = series.set_index(run=["arm", "replicate"]).unstack("run")[OUTPUT].transpose("arm", "replicate", "time")
    return series["time"].values, grid.sel(arm=["one", "other"]).values


def spreads(arms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation of the difference along time: with shared seeds, and with independent ones.

    Of independent seeds the variance of a difference is the sum of both arms' variances.
    """
    one, other = arms
    return (one - other).std(axis=0, ddof=1), np.sqrt(one.var(axis=0, ddof=1) + other.var(axis=0, ddof=1))


def saving(arms: np.ndarray, resamples: int = 1000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratio of the variances along time, with its interval over seeds: so many times fewer runs are needed."""

    def ratio(chosen: np.ndarray) -> np.ndarray:
        shared, independent = spreads(chosen)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(shared > 0.0, independent**2 / shared**2, np.inf)

    rng = np.random.default_rng(1)
    count = arms.shape[1]
    samples = np.array([ratio(arms[:, rng.integers(0, count, count)]) for _ in range(resamples)])
    low, high = np.quantile(samples, [0.025, 0.975], axis=0, method="closest_observation")
    return ratio(arms), low, high


def table(days: np.ndarray, results: dict[str, np.ndarray], seeds: int) -> str:
    """The report."""
    lines = [
        f"# What shared luck saves, {seeds} seeds",
        "",
        "Made by `python tests/validation/shared_luck.py --write`; definitions are in that file. Living tumor cells of",
        f"a small nodule. Doses begin at day {START:g}; the arms of the third comparison differ from the start.",
        "",
        "| comparison | day | mean difference | its standard deviation, shared seeds | independent seeds "
        "| variance saved: times fewer runs (95 %) |",
        "|---|---|---|---|---|---|",
    ]
    for name, arms in results.items():
        shared, independent = spreads(arms)
        factor, low, high = saving(arms)
        for day in DAYS:
            k = int(np.argmin(np.abs(days - day)))
            difference = float((arms[0, :, k] - arms[1, :, k]).mean())
            lines.append(
                f"| {name} | {day} | {difference:.3g} | {shared[k]:.3g} | {independent[k]:.3g} "
                f"| {_times(factor[k], low[k], high[k])} |"
            )
    lines += ["", "![spread of the difference over time](shared_luck.png)", ""]
    return "\n".join(lines)


def _times(factor: float, low: float, high: float) -> str:
    return f"{factor:.3g} ({low:.3g} to {high:.3g})" if np.isfinite(factor) else "all: histories are the same"


def draw(path: Path, days: np.ndarray, results: dict[str, np.ndarray], seeds: int) -> None:
    """Spread of the difference over time, both ways, and how many times fewer runs that is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for color, (name, arms) in zip(COLORS, results.items(), strict=True):
        shared, independent = spreads(arms)
        left.plot(days, shared, color=color, lw=1.8, label=name)
        left.plot(days, independent, color=color, lw=1.2, ls="--")
        factor, low, high = saving(arms)
        there = np.isfinite(factor)
        right.plot(days[there], factor[there], color=color, lw=1.8)
        bounded = there & np.isfinite(high)
        right.fill_between(days[bounded], low[bounded], high[bounded], color=color, alpha=0.15, lw=0)
    left.plot([], [], color="k", lw=1.8, label="shared seeds")
    left.plot([], [], color="k", lw=1.2, ls="--", label="independent seeds")
    left.set_ylabel("standard deviation of the difference\nin living tumor cells (number)")
    left.legend(frameon=False, fontsize=8)
    right.set_yscale("log")
    right.axhline(1.0, color="k", lw=0.8)
    right.set_ylabel("variance with independent seeds\nover that with shared ones (dimensionless)")
    for axes in (left, right):
        axes.axvline(START, color="#8C8C8C", lw=0.8, ls=":")
        axes.set_xlabel("time since the start (d); dotted: doses begin")
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Difference of two arms, {seeds} seeds; band: 95 % over seeds", fontsize=10)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_shared_luck")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    results = {}
    days = np.empty(0)
    for number, (name, (path, values)) in enumerate(COMPARISONS.items()):
        days, results[name] = measured(path, values, arguments.seeds, arguments.runs, f"comparison_{number}")
    report = table(days, results, arguments.seeds)
    print(report)
    here = Path(__file__).parent if arguments.write else arguments.runs
    (here / "shared_luck.md").write_text(report, encoding="utf-8")
    draw(here / "shared_luck.png", days, results, arguments.seeds)


if __name__ == "__main__":
    main()
