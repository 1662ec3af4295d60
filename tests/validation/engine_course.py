"""The course of the engine's experiment over seeds, with its controls: the figures of ``engine_course.md``.

    python tests/validation/engine_course.py [--seeds 10] [--jobs 2] [--runs DIR] [--write] [--everything]

Runs every arm with every seed (finished runs are reused), prints each property with its median, range and target, and
with ``--write`` keeps them in ``engine_course.md`` beside this file. About half an hour on two cores for ten seeds.
With ``--everything`` all mechanisms are on, and the table is ``whole_course.md``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = ROOT / "configs" / "experiments"
BASELINE = 90.0  # d: end of the burn-in, where treatment starts
BREAK = (28.0, 42.0)  # d of treatment: last dose of the first course, start of the second
BORDER = 200.0  # um: growth is judged until the hull is as near as this to the border
OUTPUTS = (
    "tumor_cells",
    "lesion_cells",
    "lesion_diameter",
    "hull_diameter",
    "hull_border_distance",
    "viable_fraction",
    "hypoxic_fraction",
    "necrotic_fraction",
    "mean_lesion_oxygen",
    "lesion_endothelial_cells",
    "perfused_lesion_endothelial_cells",
    "vessel_length_density",
    "host_vessel_length_density",
    "root_supply_share",
    "host_supply_share",
    "sprout_supply_share",
    "recolonized_supply_share",
)
ARMS = {
    "untreated": ("untreated.yaml", ("duration=300 d",)),
    "sunitinib": ("sunitinib_first_line.yaml", ()),
    "no VEGF": ("no_vegf.yaml", ("duration=180 d",)),
    "no vessels": ("no_vessels.yaml", ("duration=90 d",)),
    "host only": ("host_only.yaml", ("duration=275 d",)),
    "host only, sunitinib": ("sunitinib_first_line.yaml", ("cells=[]",)),
    "low oxygen, sunitinib": ("low_oxygen_sunitinib.yaml", ("duration=180 d",)),
    "untreated, dt 1 h": ("untreated.yaml", ("time_step=1 h", "duration=84 d")),
    "sunitinib, dt 1 h": ("sunitinib_first_line.yaml", ("time_step=1 h", "duration=84 d")),
}


@dataclass(frozen=True)
class Course:
    """The series of one run, by output; ``day`` counts from the start of the burn-in."""

    arm: str
    seed: int
    series: dict[str, np.ndarray]

    def at(self, name: str, day: float) -> float:
        """Value at a day."""
        return float(self.series[name][int(np.argmin(np.abs(self.series["day"] - day)))])

    def least(self, name: str, first: float, last: float) -> float:
        """Smallest value between two days, both included."""
        day = self.series["day"]
        return float(self.series[name][(day >= first - 1e-6) & (day <= last + 1e-6)].min())


def one_run(arm: str, seed: int, folder: str, everything: bool) -> Course:
    """Run an arm with a seed, or read the run if it is there."""
    from tumorabm.config import load_experiment
    from tumorabm.recording.run_folder import RunFolder
    from tumorabm.run import run_experiment

    file, overrides = ARMS[arm]
    outputs = [name for name in OUTPUTS if arm != "no vessels" or "supply" not in name]
    settings = [
        *overrides,
        f"mechanisms.all={str(everything).lower()}",
        f"seed={seed}",
        "record.frames=455 d",
        "record.checkpoint=90 d",
        "record.keep=[]",
        f"record.outputs=[{', '.join(outputs)}]",
    ]
    experiment = load_experiment(EXPERIMENTS / file, settings)
    run = RunFolder(run_experiment(experiment, Path(folder), quiet=True))
    recorded = run.timeseries()
    series = {name: recorded[name] for name in outputs}
    series["day"] = recorded["time"] / 24.0
    return Course(arm, seed, series)


@dataclass(frozen=True)
class Property:
    """One figure of the course: what, over which arm, its values by seed, and what was asked for."""

    name: str
    unit: str
    values: Sequence[float]
    target: str
    holds: Callable[[np.ndarray], bool]

    def row(self) -> str:
        """The figure as a row of the table."""
        v = np.asarray(self.values, dtype=float)
        spread = f"{np.median(v):.3g} | {v.min():.3g} to {v.max():.3g}"
        held = "yes" if self.holds(v) else "**no**"
        return (
            f"| {self.name} | {spread} | {self.unit} | {self.target} | {'-' if self.target == 'reported' else held} |"
        )


def rate_of(course: Course, first: float, last: float) -> float:
    """Growth rate of the number of tumor cells between two days, 1/d."""
    return float(np.log(course.at("tumor_cells", last) / course.at("tumor_cells", first)) / (last - first))


def free_until(course: Course) -> float:
    """Last day before the hull comes near the border."""
    near = np.flatnonzero(course.series["hull_border_distance"] < BORDER)
    day = course.series["day"]
    return float(day[near[0] - 1] if near.size else day[-1])


def properties(runs: dict[str, list[Course]]) -> list[Property]:
    """All figures, from the courses of all arms."""
    out = [*growth(runs["untreated"]), *controls(runs), *treatment(runs["sunitinib"], runs["untreated"])]
    low = [c.at("tumor_cells", BASELINE + 180.0) / c.at("tumor_cells", BASELINE) for c in runs["low oxygen, sunitinib"]]
    out.append(
        Property("low oxygen: cells after 180 d of treatment / baseline", "1", low, "< 1", lambda v: v.max() < 1)
    )
    for name in ("untreated", "sunitinib"):
        fine = runs[f"{name}, dt 1 h"]
        pairs = zip(runs[name], fine, strict=True)
        day = BASELINE + 84.0
        ratio = [a.at("lesion_diameter", day) / b.at("lesion_diameter", day) for a, b in pairs]
        out.append(
            Property(
                f"{name}: lesion diameter at day 84, dt 2 h / 1 h (geometric mean over seeds is judged)",
                "1",
                ratio,
                "within 3 %",
                lambda v: abs(np.exp(np.log(v).mean()) - 1.0) <= 0.03,
            )
        )
    return out


def growth(untreated: list[Course]) -> list[Property]:
    """Untreated growth."""
    ends = [free_until(c) for c in untreated]
    doubling = [np.log(2.0) / rate_of(c, 0.0, end) for c, end in zip(untreated, ends, strict=True)]
    edge = [rate_of(c, end * 2 / 3, end) / rate_of(c, 0.0, end / 3) for c, end in zip(untreated, ends, strict=True)]
    oxygen = [c.series["mean_lesion_oxygen"][c.series["day"] <= e].mean() for c, e in zip(untreated, ends, strict=True)]
    shares = {
        part: [c.at(f"{part}_supply_share", BASELINE) for c in untreated]
        for part in ("root", "host", "sprout", "recolonized")
    }

    def any_value(v: np.ndarray) -> bool:
        return bool(np.isfinite(v).all())

    return [
        Property("untreated: mean lesion oxygen", "mmHg", oxygen, "8 to 12", lambda v: 8 <= np.median(v) <= 12),
        Property(
            "untreated: doubling time of tumor cells",
            "d",
            doubling,
            "60 to 150, median near 90",
            lambda v: 60 <= v.min() and v.max() <= 150 and 75 <= np.median(v) <= 105,
        ),
        Property(
            "untreated: growth rate, last third / first third", "1", edge, ">= 0.6", lambda v: bool(np.median(v) >= 0.6)
        ),
        Property("untreated: day on which the hull is 200 um from the border", "d", ends, "reported", any_value),
        *(
            Property(f"untreated: share of oxygen from {part} vessels at day 90", "1", values, "reported", any_value)
            for part, values in shares.items()
        ),
    ]


def controls(runs: dict[str, list[Course]]) -> list[Property]:
    """What happens without VEGF, without vessels, and without a tumor."""
    out = []
    for arm in ("no VEGF", "no vessels"):
        rates = [
            float(np.log(max(c.series["tumor_cells"][-1], 0.5) / c.at("tumor_cells", 0.0)) / c.series["day"][-1])
            for c in runs[arm]
        ]
        out.append(Property(f"{arm}: net growth", "1/d", rates, "<= 0", lambda v: v.max() <= 0))
    kept = []
    for c in runs["host only"]:
        density = c.series["host_vessel_length_density"]
        kept += [float(density.min() / density[0]), float(density.max() / density[0])]
    out.append(
        Property(
            "host only: least and largest vessel density within a year / start",
            "1",
            kept,
            "0.9 to 1.1",
            lambda v: 0.9 <= v.min() and v.max() <= 1.1,
        )
    )
    left = [
        c.series["host_vessel_length_density"][-1] / c.at("host_vessel_length_density", 0.0)
        for c in runs["host only, sunitinib"]
    ]
    out.append(
        Property(
            "host only, sunitinib: vessel density after a year of treatment / start",
            "1",
            left,
            "reported",
            lambda v: bool(np.isfinite(v).all()),
        )
    )
    return out


def treatment(treated: list[Course], untreated: list[Course]) -> list[Property]:
    """The first course of sunitinib and the year."""
    start, end = BASELINE, BASELINE + BREAK[1]
    out = []
    for name, label in (
        ("lesion_endothelial_cells", "vessels"),
        ("vessel_length_density", "vessel length density"),
        ("perfused_lesion_endothelial_cells", "perfused vessels"),
    ):
        asked = name == "lesion_endothelial_cells"
        fall = [1.0 - c.least(name, start + 14.0, start + 28.0) / c.at(name, start) for c in treated]
        back = [c.at(name, end) / c.at(name, start) for c in treated]
        out.append(
            Property(
                f"sunitinib: loss of {label} within two to four weeks",
                "1",
                fall,
                "0.4 to 0.7" if asked else "reported",
                (lambda v: 0.4 <= np.median(v) <= 0.7) if asked else (lambda v: bool(np.isfinite(v).all())),
            )
        )
        out.append(
            Property(
                f"sunitinib: {label} at the end of the two weeks off / baseline",
                "1",
                back,
                ">= 0.8" if asked else "reported",
                (lambda v: np.median(v) >= 0.8) if asked else (lambda v: bool(np.isfinite(v).all())),
            )
        )
    hypoxia = [c.at("hypoxic_fraction", start + 28.0) - c.at("hypoxic_fraction", start) for c in treated]
    out.append(
        Property("sunitinib: rise of the hypoxic fraction at day 28", "1", hypoxia, "> 0", lambda v: v.min() > 0)
    )
    ratios = []
    for c, control in zip(treated, untreated, strict=True):
        last = min(BASELINE + 365.0, free_until(control))
        ratios.append(rate_of(c, start, last) / rate_of(control, start, last))
    out.append(
        Property(
            "sunitinib: net growth, treated / untreated (same seed, until the control nears the border)",
            "1",
            ratios,
            "<= 0.6",
            lambda v: np.median(v) <= 0.6,
        )
    )
    volume = [c.at("lesion_cells", start + 365.0) / c.at("lesion_cells", start) for c in treated]
    out.append(
        Property(
            "sunitinib: lesion volume after a year / baseline",
            "1",
            volume,
            "reported",
            lambda v: bool(np.isfinite(v).all()),
        )
    )
    return out


def table(found: list[Property], seeds: int, everything: bool) -> str:
    """The figures as Markdown."""
    lines = [
        f"# The course {'with all mechanisms' if everything else 'of the engine alone'} over {seeds} seeds",
        "",
        f"Made by `python tests/validation/engine_course.py --seeds {seeds} --write{' --everything' * everything}`;",
        "definitions are in that file.",
        "",
        "| property | median | range over seeds | unit | target | holds |",
        "|---|---|---|---|---|---|",
        *(item.row() for item in found),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return 0 if every property holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_engine_course")
    parser.add_argument("--write", action="store_true", help="keep the table beside this file")
    parser.add_argument("--everything", action="store_true", help="all mechanisms on, not the engine alone")
    chosen = parser.parse_args(arguments)
    jobs = [(arm, seed) for seed in range(1, chosen.seeds + 1) for arm in ARMS]
    runs: dict[str, list[Course]] = {arm: [] for arm in ARMS}
    with ProcessPoolExecutor(chosen.jobs) as pool:
        waiting = [pool.submit(one_run, arm, seed, str(chosen.runs), chosen.everything) for arm, seed in jobs]
        for done, (job, future) in enumerate(zip(jobs, waiting, strict=True), start=1):
            runs[job[0]].append(future.result())
            print(f"{done}/{len(jobs)} {job[0]} seed {job[1]}", file=sys.stderr, flush=True)
    found = properties(runs)
    text = table(found, chosen.seeds, chosen.everything)
    print(text)
    if chosen.write:
        name = "whole_course.md" if chosen.everything else "engine_course.md"
        Path(__file__).with_name(name).write_text(text)
    return 0 if all(item.holds(np.asarray(item.values, dtype=float)) for item in found) else 1


if __name__ == "__main__":
    sys.exit(main())
