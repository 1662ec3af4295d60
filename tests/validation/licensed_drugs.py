"""The licensed drugs, each alone, on the same ten virtual tumors: ``licensed_drugs.md`` and its figure.

    python tests/validation/licensed_drugs.py [--drugs sunitinib,everolimus] [--tumors 10] [--runs DIR] [--workers 2]
                                              [--write]

Runs ``configs/sweeps/licensed_drugs.yaml``: 120 runs, about half an hour on two idle cores. What is finished is not run
again. ``--drugs`` and ``--tumors`` take a part of it (no treatment is always in); ``--write`` keeps the table and the
figure beside this file.

Of each run: exposure in the third week, vessels in weeks 3 and 33 (in both of which every schedule but that of
interleukin-2 is on), and what scans every six weeks find by RECIST. Nothing of it was tuned, and it is not compared
with trials here.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from regrowth import SIZE, median, spread

SWEEP: Final = Path(__file__).resolve().parents[2] / "configs" / "sweeps" / "licensed_drugs.yaml"
UNTREATED: Final = "untreated"
# d of treatment
SCAN, LAST_SCAN = 42.0, 252.0
EXPOSURE: Final = (14.0, 21.0)
BEFORE: Final = (-7.0, 0.0)
EARLY, LATE = (14.0, 21.0), (224.0, 231.0)
_TISSUE: Final = "_lesion_mean"
HEAD: Final = """# Licensed drugs, each alone, on the same tumors

Made by `python tests/validation/licensed_drugs.py --write` from `configs/sweeps/licensed_drugs.yaml`: {tumors} virtual
tumors (nodules of 220 um, 70 x 70 sites, steps of 2.4 h, 42 d before treatment), each run with every drug from the same
seed, mechanisms as in the preset (EMT, drug inside tumor cells and the direct effect are off). Measured, not tuned, and
not compared with trials here.

Exposure is that in the third week of treatment. Vessels: density in the lesion in weeks 3 and 33, relative to the week
before treatment. Scans every {scan:.0f} d up to day {last:.0f}: best change is the smallest sum of diameters (N^(1/3)
of the largest piece) at a scan under treatment against that at its start, a progression a rise by 20 % and 5 mm of
10 cm over the smallest. A lesion that falls into pieces shrinks by that alone, so the change of all pieces together
stands beside it. The last column compares each tumor with itself untreated, and says where a drug changes nothing in
any. Means with 95 % intervals over tumors (bootstrap widened for their number), medians of times with a plain
bootstrap; later than the last scan is censored. Exposure in plasma is the same in all tumors. All tumors share one
seed, so intervals hold the spread between tumors, not luck.
"""
FOOT: Final = """
Which drugs are licensed for renal-cell carcinoma the catalog says (`licensed`). Some are not licensed alone, or not
first: bevacizumab goes with interferon alpha, everolimus and nivolumab come second.
Nivolumab, interferon alpha and interleukin-2 act on T cells, the others on vessels, stroma or tumor cells.
Tissue is sampled every 14.4 h, which misses most of the hours in which a short infusion is high there (temsirolimus).
Untreated tumors fill the domain at about twice their diameter, so that growth against them is understated.

![courses](licensed_drugs.png)
"""


@dataclass(frozen=True)
class Course:
    """One tumor under one drug. Days count from the start of treatment, diameters are relative to that."""

    run: Path
    day: np.ndarray
    series: dict[str, np.ndarray]

    def mean(self, name: str, window: tuple[float, float]) -> float:
        """Mean of an output over some days; NaN where there is none."""
        inside = (self.day >= window[0]) & (self.day <= window[1])
        return float(np.mean(self.series[name][inside]))

    def vessels(self, window: tuple[float, float]) -> float:
        """Density of vessels in the lesion relative to that before treatment."""
        return self.mean("microvessel_density", window) / self.mean("microvessel_density", BEFORE)

    @property
    def diameter(self) -> np.ndarray:
        """Of all tumor cells and debris, whether in one piece or not."""
        diameter = np.cbrt(sum(self.series[name] for name in SIZE))
        return np.asarray(diameter / diameter[np.searchsorted(self.day, 0.0)])

    def _at_scans(self, values: np.ndarray, first: float = SCAN) -> np.ndarray:
        """At the records behind the scans, by default those under treatment."""
        return values[np.searchsorted(self.day, np.arange(first, LAST_SCAN + 1.0, SCAN), side="right")]

    @property
    def best_change(self) -> float:
        """Smallest sum of diameters that a scan under treatment finds, relative to that at its start, less 1."""
        found = self.series["sum_of_diameters"]
        return float(self._at_scans(found).min() / self._at_scans(found, first=0.0)[0] - 1.0)

    @property
    def best_change_of_all(self) -> float:
        """The same of all tumor cells and debris."""
        return float(self._at_scans(self.diameter).min() - 1.0)

    @property
    def last_diameter(self) -> float:
        """Diameter of all tumor cells and debris at the last scan."""
        return float(self._at_scans(self.diameter)[-1])

    @property
    def progressed(self) -> float:
        """Day of the scan that finds the first progression; infinite if none does."""
        seen = self.series["progressions"] > 0.0
        return float(self.day[np.argmax(seen)] // SCAN * SCAN) if seen.any() else float("inf")


def schedule(treatment: Sequence[dict[str, Any]]) -> str:
    """A treatment in words."""
    told = []
    for item in treatment:
        told.append(f"{item['dose']} every {item['every']}")
        told += [f"{item[key]} {key}" for key in ("on", "off") if key in item]
        told += [f"{item['cycles']} times"] if "cycles" in item else []
    return ", ".join(told)


def courses_of(
    runs: Path, workers: int, drugs: Sequence[str] | None, tumors: int | None
) -> tuple[dict[str, list[Course]], dict[str, str]]:
    """Courses by drug, in the order of the tumors, and schedules; all of the runs must be finished."""
    from tumorabm.errors import nearest
    from tumorabm.recording.run_folder import RunFolder
    from tumorabm.sweep.loop import run_sweep
    from tumorabm.sweep.planning import prepare
    from tumorabm.sweep.results import open_sweep
    from tumorabm.sweep.sweep_file import load_sweep

    sweep = load_sweep(SWEEP)
    folder = prepare(sweep, runs)
    schedules = {str(level.value): schedule(level.setting) for level in sweep.factors[0].levels}
    for drug in drugs or ():
        if drug not in schedules:
            raise SystemExit(f"{SWEEP.name} has no {drug!r}{nearest(drug, schedules)}")
    table = open_sweep(folder).table
    wanted = [name for name in schedules if drugs is None or name in (UNTREATED, *drugs)]
    which = {name: np.flatnonzero(table["drug"] == name)[:tumors].tolist() for name in wanted}
    counts = run_sweep(folder, workers=workers, indices=sorted(index for found in which.values() for index in found))
    table = open_sweep(folder).table
    if not all((table["state"].to_numpy()[found] == "finished").all() for found in which.values()):
        raise SystemExit(f"not all runs are finished: {counts}")
    begin = sweep.experiment.burn_in

    def course(run_id: str) -> Course:
        series = RunFolder(folder / run_id).timeseries()
        return Course(folder / run_id, (series["time"] - begin) / 24.0, series)

    identities = table["run_id"].to_numpy()
    return {name: [course(identities[index]) for index in found] for name, found in which.items()}, schedules


def interval(values: Sequence[float], form: str = ".2f", factor: float = 1.0) -> str:
    """A mean over tumors with its 95 % interval; those without a value are left out."""
    from tumorabm.sweep.intervals import bootstrap_mean

    known = np.array([value * factor for value in values if np.isfinite(value)])
    if not known.size:
        return "-"
    low, high = bootstrap_mean(known)
    return f"{known.mean():{form}} ({low:{form}} to {high:{form}})"


def plasma(run: Path) -> str:
    """Mean unbound concentrations in plasma of the drug and its active metabolites, the same in all tumors.

    From the doses alone, exactly: what is recorded now and then misses the peaks of what is infused.
    """
    from tumorabm.build import build
    from tumorabm.run import parts

    experiment = parts.load(run)
    tissue, processes = build(experiment)
    kinetics = next(process for process in processes if process.name == "pharmacokinetics")
    for begin, end in ((0.0, EXPOSURE[0]), EXPOSURE):
        tissue.hours = experiment.burn_in + begin * 24.0
        kinetics.step(tissue, (end - begin) * 24.0)
    return ", ".join(f"{name} {mean:.3g}" for name, mean in tissue.patient.unbound_mean.items()) or "-"


def progression(courses: Sequence[Course]) -> tuple[str, str]:
    """How many have progressed, and the median time with its interval. Nobody leaves before the end."""

    def day(value: float) -> str:
        return f"{value:.0f}" if np.isfinite(value) else f"later than {LAST_SCAN:.0f}"

    times = np.array([course.progressed for course in courses])
    low, high = spread(times, median)
    return f"{np.isfinite(times).sum()} of {times.size}", f"{day(median(times))} ({day(low)} to {day(high)})"


def against_untreated(courses: Sequence[Course], others: Sequence[Course]) -> str:
    """Diameter of all pieces at the last scan over that of the same tumor without the drug."""
    pairs = list(zip(courses, others, strict=True))
    if all(np.array_equal(one.series["tumor_cells"], other.series["tumor_cells"]) for one, other in pairs):
        return "the same: it acts on nothing here"
    return interval([one.last_diameter / other.last_diameter for one, other in pairs])


def report_of(arms: dict[str, list[Course]], schedules: dict[str, str]) -> str:
    """The table, as Markdown."""
    columns: list[tuple[str, Callable[[str, list[Course]], str]]] = [
        ("schedule", lambda name, courses: schedules[name] or "-"),
        ("plasma, unbound (nM)", lambda name, courses: "-" if name == UNTREATED else plasma(courses[0].run)),
        (
            "tissue, unbound (nM)",
            lambda name, courses: (
                "-" if name == UNTREATED else interval([one.mean(name + _TISSUE, EXPOSURE) for one in courses], ".3g")
            ),
        ),
        ("vessels, week 3 / start", lambda name, courses: interval([one.vessels(EARLY) for one in courses])),
        ("vessels, week 33 / start", lambda name, courses: interval([one.vessels(LATE) for one in courses])),
        ("best change (%)", lambda name, courses: interval([one.best_change for one in courses], "+.0f", 100.0)),
        (
            "best change, all pieces (%)",
            lambda name, courses: interval([one.best_change_of_all for one in courses], "+.0f", 100.0),
        ),
        ("progressed", lambda name, courses: progression(courses)[0]),
        ("time to progression, median (d)", lambda name, courses: progression(courses)[1]),
        (
            "diameter, all pieces, day 252 / untreated",
            lambda name, courses: "-" if name == UNTREATED else against_untreated(courses, arms[UNTREATED]),
        ),
    ]
    lines = [
        HEAD.format(tumors=len(arms[UNTREATED]), scan=SCAN, last=LAST_SCAN),
        f"| | {' | '.join(head for head, _ in columns)} |",
        f"|---{'|---' * len(columns)}|",
        *(
            f"| {name} | {' | '.join(column(name, courses) for _, column in columns)} |"
            for name, courses in arms.items()
        ),
    ]
    return "\n".join([*lines, FOOT])


def draw(arms: dict[str, list[Course]], path: Path) -> None:
    """Courses of all tumors, a panel for each drug, with the median without treatment."""
    from matplotlib.figure import Figure

    columns = min(len(arms), 5)
    rows = -(-len(arms) // columns)
    figure = Figure(figsize=(2.9 * columns, 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    usual = np.median([course.diameter for course in arms[UNTREATED]], axis=0)
    for axes, (name, courses) in zip(panels, arms.items(), strict=False):
        for course in courses:
            axes.plot(course.day, course.diameter, color="#0072B2", lw=0.6, alpha=0.5)
        axes.plot(courses[0].day, usual, color="0.4", lw=1.2, ls="--")
        axes.plot(courses[0].day, np.median([course.diameter for course in courses], axis=0), color="k", lw=1.8)
        axes.axvline(0.0, color="k", lw=0.5, ls=":")
        axes.set_title(name.replace("_", " "), fontsize=9)
    for axes in panels[len(arms) :]:
        axes.axis("off")
    figure.supxlabel("time on treatment (d)", fontsize=10)
    figure.supylabel("diameter / at start (ratio)", fontsize=10)
    figure.savefig(path, dpi=130)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drugs", type=lambda text: text.split(","), help="these only, by their names, with commas")
    parser.add_argument("--tumors", type=int, help="the first so many of the ten")
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_licensed_drugs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep the table and the figure beside this file")
    chosen = parser.parse_args(arguments)
    arms, schedules = courses_of(chosen.runs, chosen.workers, chosen.drugs, chosen.tumors)
    report = report_of(arms, schedules)
    print(report)
    here = Path(__file__).parent if chosen.write else chosen.runs
    (here / "licensed_drugs.md").write_text(report, encoding="utf-8")
    draw(arms, here / "licensed_drugs.png")


if __name__ == "__main__":
    main()
