"""Response, then regrowth on unchanged treatment, in virtual tumors: ``regrowth.md`` and its figure.

    python tests/validation/regrowth.py [--samples 48] [--runs DIR] [--workers 2] [--write]

Runs ``configs/sweeps/virtual_tumors.yaml`` twice, the same tumors with the same luck: with the slow, persistent
mechanisms and without them (``OFF``). A tumor has responded when its diameter is at least 10 % below that at the start
of treatment; it has regrown when it is at least 20 % above its smallest so far. What is finished is not run again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

SWEEP: Final = Path(__file__).resolve().parents[2] / "configs" / "sweeps" / "virtual_tumors.yaml"
# What makes a state that lasts: fibroblasts that treatment has changed.
OFF: Final = {"mechanisms.fibroblasts": False}
START, END = 90.0, 730.0  # d: burn-in; length of treatment
RESPONSE, REGROWTH = 0.9, 1.2
DRAWS: Final = 2000


@dataclass(frozen=True)
class Course:
    """The diameter of one tumor over treatment, relative to its start."""

    day: np.ndarray
    diameter: np.ndarray

    @property
    def responded(self) -> bool:
        """Whether it has become smaller by a tenth."""
        return bool(self.diameter.min() <= RESPONSE)

    @property
    def regrown(self) -> float:
        """Day at which it first is a fifth larger than its smallest so far, after its response; infinite if never."""
        least = np.minimum.accumulate(self.diameter)
        passed = (self.diameter >= REGROWTH * least) & (least <= RESPONSE)
        return float(self.day[np.argmax(passed)]) if passed.any() else float("inf")


def courses_of(runs: Path, workers: int, samples: int, changed: dict[str, Any], name: str) -> list[Course]:
    """Courses of all tumors, in the order of the design; NaN-free, since every run must be finished."""
    from tumorabm.sweep.loop import run_sweep
    from tumorabm.sweep.planning import prepare
    from tumorabm.sweep.results import open_sweep
    from tumorabm.sweep.sweep_file import load_sweep

    overrides = {"name": name, "design.samples": samples, **changed}
    folder = prepare(load_sweep(SWEEP, overrides), runs)
    counts = run_sweep(folder, workers=workers)
    results = open_sweep(folder)
    if not (results.table["state"] == "finished").all():
        raise SystemExit(f"not all runs are finished: {counts}")
    diameters = results.series["lesion_diameter"]
    day = np.asarray(diameters["time"]) - START
    on = day >= 0.0
    values = np.asarray(diameters).reshape(samples, -1)[:, on]
    return [Course(day[on], row / row[0]) for row in np.nan_to_num(values)]


def survival(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share not yet regrown over time (Kaplan and Meier 1958; nobody leaves before the end)."""
    order = np.sort(times[np.isfinite(times)])
    day = np.concatenate(([0.0], order, [END]))
    left = 1.0 - np.concatenate((np.arange(order.size + 1), [order.size])) / max(times.size, 1)
    return day, left


def median(times: np.ndarray) -> float:
    """Day at which half have regrown; infinite if fewer ever do."""
    return float(np.quantile(times, 0.5, method="higher")) if times.size else float("nan")


def spread(values: np.ndarray, statistic: Any) -> tuple[float, float]:
    """95 % interval of a statistic over tumors, by the bootstrap."""
    generator = np.random.default_rng(1)
    drawn = [statistic(generator.choice(values, values.size)) for _ in range(DRAWS)]
    return tuple(np.quantile(drawn, (0.025, 0.975), method="nearest"))  # type: ignore[return-value]


def share(times: np.ndarray) -> float:
    """Share that has regrown."""
    return float(np.isfinite(times).mean())


def days(value: float) -> str:
    """A time for a table."""
    return f"{value:.0f} d" if np.isfinite(value) else f"later than {END:.0f} d"


def report_of(arms: dict[str, list[Course]]) -> str:
    """The table, as Markdown."""
    with_all = arms["with"]
    responders = [index for index, course in enumerate(with_all) if course.responded]
    lines = [
        "# Response, then regrowth on treatment",
        "",
        f"Made by `python tests/validation/regrowth.py --samples {len(with_all)} --write` from",
        f"`configs/sweeps/virtual_tumors.yaml`; without: {', '.join(OFF)}. Same tumors, same luck. 95 % intervals by",
        "the bootstrap over tumors; times from the start of treatment.",
        "",
        "| | with the slow mechanisms | without |",
        "|---|---|---|",
    ]
    rows: list[tuple[str, list[str]]] = [
        ("tumors", [str(len(courses)) for courses in arms.values()]),
        ("responded (-10 %)", [str(sum(course.responded for course in courses)) for courses in arms.values()]),
    ]
    for label, chosen in (
        ("of those that responded with them", {name: responders for name in arms}),
        (
            "of those that responded in the arm",
            {name: [i for i, course in enumerate(courses) if course.responded] for name, courses in arms.items()},
        ),
    ):
        told_share, told_median = [], []
        for name, courses in arms.items():
            times = np.array([courses[index].regrown for index in chosen[name]])
            if times.size == 0:
                told_share.append("-")
                told_median.append("-")
                continue
            low, high = spread(times, share)
            told_share.append(f"{share(times):.2f} ({low:.2f} to {high:.2f}) of {times.size}")
            low, high = spread(times, median)
            told_median.append(f"{days(median(times))} ({days(low)} to {days(high)})")
        rows += [(f"regrown within 24 months, {label}", told_share), (f"median time to regrowth, {label}", told_median)]
    lines += [f"| {label} | {' | '.join(told)} |" for label, told in rows]
    return "\n".join([*lines, "", "![courses and times to regrowth](regrowth.png)", ""])


def draw(arms: dict[str, list[Course]], path: Path) -> None:
    """Courses of all tumors in both arms, and the share of responders that has not regrown."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    colors = {"with": "#D55E00", "without": "#0072B2"}
    for axes, (name, courses) in zip(panels, arms.items(), strict=False):
        diameters = np.stack([course.diameter for course in courses])
        for row in diameters:
            axes.plot(courses[0].day, row, color=colors[name], lw=0.5, alpha=0.35)
        axes.plot(courses[0].day, np.median(diameters, axis=0), color="k", lw=2.0, label="median")
        axes.axhline(RESPONSE, color="k", lw=0.7, ls=":")
        axes.set(xlabel="time on sunitinib (d)", ylabel="lesion diameter / at start (ratio)", ylim=(0, None))
        axes.set_title(f"{len(courses)} tumors {name} the slow mechanisms", fontsize=10)
        axes.legend(frameon=False)
    responders = [index for index, course in enumerate(arms["with"]) if course.responded]
    for name, courses in arms.items():
        day, left = survival(np.array([courses[index].regrown for index in responders]))
        panels[2].step(day, left, where="post", color=colors[name], lw=2.0, label=name)
    panels[2].set(xlabel="time on sunitinib (d)", ylabel="share not regrown (1)", ylim=(0.0, 1.02), xlim=(0.0, END))
    panels[2].set_title(f"the {len(responders)} that responded with them", fontsize=10)
    panels[2].legend(title="slow mechanisms", frameon=False)
    figure.savefig(path, dpi=130)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=48)
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_regrowth")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep the table and the figure beside this file")
    chosen = parser.parse_args(arguments)
    arms = {
        "with": courses_of(chosen.runs, chosen.workers, chosen.samples, {}, "virtual_tumors"),
        "without": courses_of(chosen.runs, chosen.workers, chosen.samples, OFF, "virtual_tumors_without"),
    }
    report = report_of(arms)
    print(report)
    here = Path(__file__).parent if chosen.write else chosen.runs
    (here / "regrowth.md").write_text(report, encoding="utf-8")
    draw(arms, here / "regrowth.png")


if __name__ == "__main__":
    main()
