"""Response, then regrowth on unchanged treatment, in virtual tumors: ``regrowth.md`` and its figure.

    python tests/validation/regrowth.py [--samples 40] [--pairs 20] [--runs DIR] [--workers 2] [--write]

Runs ``configs/sweeps/virtual_tumors.yaml`` with the slow, persistent state, then the first ``--pairs`` of the tumors
that responded (the order of the design is random) again with the same luck without it (``OFF``). A tumor has responded
when its diameter is at least 10 % below that at the start of treatment; it has regrown when it is at least 20 % above
its smallest so far. What is finished is not run again.
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
# Fibroblasts stay as they are: what treatment and hypoxia make of them is the state that comes and goes slowly.
OFF: Final = {"catalog.cell_types.fibroblast.sensitization_rate": "0 1/d"}
START, END = 63.0, 728.0  # d: burn-in; length of treatment
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
        """Day at which it first is a fifth larger than its smallest so far, after its response; infinite if never.

        What is gone does not grow again.
        """
        least = np.minimum.accumulate(self.diameter)
        passed = (self.diameter >= REGROWTH * least) & (least <= RESPONSE) & (least > 0.0)
        return float(self.day[np.argmax(passed)]) if passed.any() else float("inf")


def courses_of(
    runs: Path, workers: int, samples: int, changed: dict[str, Any], name: str, which: Sequence[int] | None = None
) -> list[Course]:
    """Courses of all tumors or of some, in the order of the design; all of their runs must be finished."""
    from tumorabm.sweep.loop import run_sweep
    from tumorabm.sweep.planning import prepare
    from tumorabm.sweep.results import open_sweep
    from tumorabm.sweep.sweep_file import load_sweep

    overrides = {"name": name, "design.samples": samples, **changed}
    folder = prepare(load_sweep(SWEEP, overrides), runs)
    which = range(samples) if which is None else which
    counts = run_sweep(folder, workers=workers, indices=which)
    results = open_sweep(folder)
    if not (results.table["state"].to_numpy()[list(which)] == "finished").all():
        raise SystemExit(f"not all runs are finished: {counts}")
    diameters = results.series["lesion_diameter"]
    day = np.asarray(diameters["time"]) - START
    on = day >= 0.0
    values = np.asarray(diameters).reshape(samples, -1)[list(which)][:, on]
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


def report_of(arms: dict[str, list[Course]], samples: int) -> str:
    """The table, as Markdown."""
    everyone, again = (len(arms[name]) for name in ("all that responded", "without the slow state"))
    lines = [
        "# Response, then regrowth on treatment",
        "",
        f"Made by `python tests/validation/regrowth.py --samples {samples} --pairs {again} --write` from",
        "`configs/sweeps/virtual_tumors.yaml`: sunitinib 50 mg, four weeks on and two off, unchanged for 24 months.",
        f"Of {samples} tumors {everyone} responded (diameter at least 10 % below the start). The first {again}",
        f"were run again, same luck, without the slow state: {', '.join(f'`{k}: {v}`' for k, v in OFF.items())}.",
        "95 % intervals by the bootstrap over tumors; times from the start of treatment; regrown is 20 % above the",
        "smallest diameter so far.",
        "",
        f"| | {' | '.join(arms)} |",
        f"|---{'|---' * len(arms)}|",
    ]
    told: dict[str, list[str]] = {}
    for courses in arms.values():
        times = np.array([course.regrown for course in courses])
        told.setdefault("tumors", []).append(str(times.size))
        low, high = spread(times, share)
        told.setdefault("regrown within 24 months (share)", []).append(f"{share(times):.2f} ({low:.2f} to {high:.2f})")
        low, high = spread(times, median)
        told.setdefault("median time to regrowth", []).append(f"{days(median(times))} ({days(low)} to {days(high)})")
        gone = np.array([course.diameter.min() == 0.0 for course in courses])
        told.setdefault("gone (share)", []).append(f"{gone.mean():.2f}")
        least = np.array([course.diameter.min() for course in courses])
        last = np.array([course.diameter[-1] for course in courses])
        for label, values in (("smallest diameter / at start", least), ("diameter at 24 months / at start", last)):
            quartiles = np.quantile(values, (0.5, 0.25, 0.75))
            told.setdefault(f"{label}, median (quartiles)", []).append("{:.2f} ({:.2f} to {:.2f})".format(*quartiles))
    lines += [f"| {label} | {' | '.join(values)} |" for label, values in told.items()]
    return "\n".join([*lines, "", "![courses and times to regrowth](regrowth.png)", ""])


def draw(arms: dict[str, list[Course]], path: Path) -> None:
    """Courses of the tumors that responded, with and without the slow state, and the share that has not regrown."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    colors = dict(zip(arms, ("#D55E00", "#D55E00", "#0072B2"), strict=True))
    styles = dict(zip(arms, (":", "-", "-"), strict=True))
    for axes, name in zip(panels, list(arms)[::2], strict=False):
        courses = arms[name]
        diameters = np.stack([course.diameter for course in courses])
        for row in diameters:
            axes.plot(courses[0].day, row, color=colors[name], lw=0.5, alpha=0.35)
        axes.plot(courses[0].day, np.median(diameters, axis=0), color="k", lw=2.0, label="median")
        axes.axhline(RESPONSE, color="k", lw=0.7, ls=":")
        axes.set(xlabel="time on sunitinib (d)", ylabel="lesion diameter / at start (ratio)", ylim=(0, None))
        axes.set_title(f"{name} ({len(courses)} tumors)", fontsize=10)
        axes.legend(frameon=False)
    for name, courses in arms.items():
        day, left = survival(np.array([course.regrown for course in courses]))
        label = f"{name} ({len(courses)})"
        panels[2].step(day, left, where="post", color=colors[name], ls=styles[name], lw=2.0, label=label)
    panels[2].set(xlabel="time on sunitinib (d)", ylabel="share not regrown (1)", ylim=(0.0, 1.02), xlim=(0.0, END))
    panels[2].set_title("times to regrowth (20 % above the smallest)", fontsize=10)
    panels[2].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_regrowth")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep the table and the figure beside this file")
    chosen = parser.parse_args(arguments)
    everyone = courses_of(chosen.runs, chosen.workers, chosen.samples, {}, "virtual_tumors")
    responders = [index for index, course in enumerate(everyone) if course.responded]
    if not responders:
        raise SystemExit(f"none of {chosen.samples} tumors became smaller by a tenth")
    again = responders[: chosen.pairs]
    without = courses_of(chosen.runs, chosen.workers, chosen.samples, OFF, "virtual_tumors_without", again)
    arms = {
        "all that responded": [everyone[index] for index in responders],
        "the same tumors": [everyone[index] for index in again],
        "without the slow state": without,
    }
    report = report_of(arms, chosen.samples)
    print(report)
    here = Path(__file__).parent if chosen.write else chosen.runs
    (here / "regrowth.md").write_text(report, encoding="utf-8")
    draw(arms, here / "regrowth.png")


if __name__ == "__main__":
    main()
