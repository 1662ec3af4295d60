"""Reversible and heritable resistance told apart by experiment: ``rechallenge.md`` and its figure.

    python tests/validation/rechallenge.py [--seeds 5] [--primary 3] [--runs DIR] [--workers 2] [--write]

Runs ``configs/experiments/rechallenge_plastic.yaml`` and ``rechallenge_clonal.yaml``, which give sunitinib until the
first progression and then no drug. Cells are taken out before treatment and 0, 3, 6 and 12 weeks after progression, and
their dose-response is measured in dishes from cell counts (``tumorabm assay``): resistance is ln(IC50 / IC50 before
treatment). From the same times the tumor is branched and given sunitinib again for four weeks; the benefit is
ln(tumor cells without / with) at their end. Under the literature set ``primary`` sunitinib does not act on tumor cells:
there tissue is grafted into naive hosts and its vessels are counted.

What is finished is not run again. No state variable of cells is read for any of these figures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

CONFIGS: Final = Path(__file__).resolve().parents[2] / "configs" / "experiments"
CASES: Final = {"plastic": "EMT and lysosomes", "clonal": "a clone with pumps"}
WEEKS: Final = (0, 3, 6, 12)
START: Final = 63.0  # d: burn-in
COURSE: Final = 28.0  # d: of the rechallenge
LAST: Final = 728.0  # d after the burn-in: the longest that is waited for a progression
STRIDE: Final = 56.0  # d: a run is lengthened by so much until it has progressed
DOSES: Final = {"low": 0.3, "high": 1000.0, "points": 8}
HOURS: Final = 14 * 24.0
CELLS, DISHES = 1000, 2
AGAIN: Final = "{drug: sunitinib, dose: 37.5 mg, every: 1 d, start: %g d}"
FIRST: Final = {  # as the experiments have it
    "plastic": "{drug: sunitinib, dose: 37.5 mg, every: 1 d, until_progression: 1}",
    "clonal": "{drug: sunitinib, dose: 50 mg, every: 1 d, on: 28 d, off: 14 d, until_progression: 1}",
}
SCAN: Final = 14.0  # d between scans
PERMEABLE: Final = "catalog.drugs.sunitinib.vessel_permeability=1e-4 cm/s"  # the upper end of its range


def followed(case: str, seed: int, literature: str, runs: Path) -> tuple[Path, float | None]:
    """The run of a tumor until its first progression is seen, and that day (from the run's start)."""
    from tumorabm.analysis import open_run
    from tumorabm.config import load_experiment
    from tumorabm.recording.run_folder import RunFolder
    from tumorabm.run import resume, run_experiment

    settings = [f"seed={seed}", f"sets.literature={literature}", f"duration={STRIDE:g} d"]
    name = f"{case}_{literature}"
    found = sorted((runs / name).glob(f"*/seed_{seed}"))
    if found:
        path = found[0].parent
        if RunFolder(path).status != "finished":
            resume(path)
    else:
        experiment = load_experiment(CONFIGS / f"rechallenge_{case}.yaml", [*settings, f"name={name}"])
        path = run_experiment(experiment, runs, quiet=True, force=True)
        (path / f"seed_{seed}").touch()
    while True:
        series = open_run(path).timeseries
        day, seen = np.asarray(series["time"]), np.asarray(series["progressions"]) >= 1
        if seen.any():
            # A record at the hour of a scan comes before it: the scan was the last one before the record that knows.
            since = float(day[np.argmax(seen)]) - START - 1e-6
            return path, START + since // SCAN * SCAN
        reached = float(day[-1]) - START
        if reached >= LAST - 1e-6 or float(series["tumor_cells"][-1]) == 0.0:
            return path, None
        resume(path, until=f"{min(reached + STRIDE, LAST):g} d")


def followed_off(path: Path, progression: float, runs: Path, changed: Sequence[str] = ()) -> Path:
    """The same tumor without the drug from its progression on, with a checkpoint at each time that is looked at."""
    from tumorabm.run import branch

    times = ", ".join(f"{progression + 7 * week:g} d" for week in WEEKS)
    until = progression - START + 7 * WEEKS[-1] + COURSE
    settings = [f"duration={until:g} d", f"record.keep=[{times}]", *changed]
    return branch(path, f"{progression:g} d", settings, out=runs, quiet=True)


def cells_at(path: Path, day: float) -> float:
    """Living tumor cells of a run at a day."""
    from tumorabm.analysis import open_run

    return float(open_run(path).timeseries["tumor_cells"].sel(time=day, method="nearest", tolerance=0.5))


def in_tissue(path: Path, day: float) -> float:
    """Unbound sunitinib in the lesion of a run at a day, nM."""
    from tumorabm.analysis import open_run

    series = open_run(path).timeseries["sunitinib_lesion_mean"]
    return float(series.sel(time=day, method="nearest", tolerance=0.5))


def benefit(path: Path, at: float, treatment: str, other: str | None, runs: Path) -> float:
    """ln(tumor cells without / with) a course from a day on; without is the run itself, or another branch of it."""
    from tumorabm.run import branch

    until = at - START + COURSE
    shared = [f"duration={until:g} d", "record.every=7 d", "record.keep=[]"]
    treated = branch(path, f"{at:g} d", [f"treatment={treatment}", *shared], out=runs, quiet=True)
    without = (
        path if other is None else branch(path, f"{at:g} d", [f"treatment={other}", *shared], out=runs, quiet=True)
    )
    return float(np.log(max(cells_at(without, at + COURSE), 0.5) / max(cells_at(treated, at + COURSE), 0.5)))


def measured(case: str, seed: int, literature: str, runs: Path) -> dict[str, Any]:
    """Everything of one tumor; kept in a file beside the runs."""
    kept = runs / f"{case}_{literature}_{seed}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    from tumorabm.analysis import open_run
    from tumorabm.run.assay import carry_out, doses_between
    from tumorabm.run.explant import Explant
    from tumorabm.run.graft import Graft

    path, progression = followed(case, seed, literature, runs)
    off = path if progression is None else followed_off(path, progression, runs)
    series = open_run(off).timeseries
    size = np.cbrt(sum(np.asarray(series[name]) for name in ("tumor_cells", "apoptotic_cells", "necrotic_cells")))
    out: dict[str, Any] = {
        "day": np.asarray(series["time"]).tolist(),
        "diameter": (size / size[np.argmin(np.abs(np.asarray(series["time"]) - START))]).tolist(),
        "progression": progression,
    }
    if progression is not None:
        times = {"before": START, **{str(week): progression + 7.0 * week for week in WEEKS}}
        doses = doses_between(DOSES["low"], DOSES["high"], int(DOSES["points"]))
        for name, at in times.items():
            source = path if name == "before" else off
            primary = literature == "primary"
            sample = Graft.of(source, f"{at:g} d") if primary else Explant.of(source, f"{at:g} d", CELLS)
            assay = carry_out(sample, "sunitinib", doses, hours=HOURS, replicates=1 if primary else DISHES)
            counts = {"concentrations": assay.concentrations.tolist(), "counts": assay.counts.tolist()}
            out[name] = {"ic50": assay.fit().ic50, "start": assay.start, "tissue": in_tissue(source, at), **counts}
        out["first"] = benefit(path, START, f"[{AGAIN % 0.0}]", "[]", runs)
        for week in WEEKS:
            at = times[str(week)]
            again = f"[{FIRST[case]}, {AGAIN % (at - START)}]"
            out[str(week)]["benefit"] = benefit(off, at, again, None, runs)
        if case == "plastic" and literature == "review_2016":
            rinsed = followed_off(path, progression, runs, [PERMEABLE])
            for week in WEEKS[1:]:
                at = times[str(week)]
                assay = carry_out(
                    Explant.of(rinsed, f"{at:g} d", CELLS), "sunitinib", doses, hours=HOURS, replicates=DISHES
                )
                out[str(week)]["rinsed"] = {"ic50": assay.fit().ic50, "tissue": in_tissue(rinsed, at)}
    beside = kept.with_suffix(".part")
    beside.write_text(json.dumps(out))
    beside.rename(kept)
    return out


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, and its 95 % interval by the bootstrap over seeds."""
    from tumorabm.sweep.intervals import bootstrap_mean

    given = np.asarray(values, dtype=float)
    if given.size == 0:
        return (float("nan"),) * 3
    return (float(given.mean()), *bootstrap_mean(given))


def ratio(above: np.ndarray, below: np.ndarray) -> str:
    """Ratio of means, and its interval by the bootstrap over tumors."""
    from tumorabm.sweep.intervals import bounds, resampled

    if above.size < 2:
        return f"{above.mean() / below.mean():.2f}" if above.size else "none"
    weights = resampled(above.size)
    low, high = bounds((weights @ above) / (weights @ below), above.size)
    return f"{above.mean() / below.mean():.2f} ({float(low):.2f} to {float(high):.2f})"


def told(values: Sequence[float]) -> str:
    """A mean with its interval; how many there are where some are missing."""
    given = np.asarray(values, dtype=float)
    there = given[np.isfinite(given)]
    mean, low, high = spread(list(there))
    missing = "" if there.size == given.size else f", {there.size} of {given.size}"
    return f"none of {given.size}" if there.size == 0 else f"{mean:.2f} ({low:.2f} to {high:.2f}{missing})"


def resistances(tumors: Sequence[dict[str, Any]]) -> np.ndarray:
    """ln(IC50 / IC50 before), (tumors, weeks); NaN where a curve has no IC50 within the concentrations."""
    log = [[shift(tumor, tumor[str(week)]) for week in WEEKS] for tumor in tumors]
    return np.array(log, dtype=float).reshape(-1, len(WEEKS))


def shift(tumor: dict[str, Any], measured: dict[str, Any]) -> float:
    """ln(IC50 / IC50 before treatment)."""
    return float(np.log((measured["ic50"] or np.nan) / (tumor["before"]["ic50"] or np.nan)))


def benefits(tumors: Sequence[dict[str, Any]]) -> np.ndarray:
    """Benefit of four weeks of the drug again, (tumors, weeks)."""
    return np.array([[tumor[str(week)]["benefit"] for week in WEEKS] for tumor in tumors]).reshape(-1, len(WEEKS))


def loss(tumors: Sequence[dict[str, Any]], name: str, dose: float = 10.0) -> list[float]:
    """Share of vessels of a graft that the drug takes at the concentration closest to 10 nM."""
    out = []
    for tumor in tumors:
        doses, counts = np.array(tumor[name]["concentrations"]), np.mean(tumor[name]["counts"], axis=0)
        place = int(np.argmin(np.abs(np.log(np.maximum(doses, 1e-9) / dose))))
        out.append(1.0 - float(counts[place] / counts[0]))
    return out


def report_of(found: dict[tuple[str, str], list[dict[str, Any]]], command: str) -> str:
    """The tables, as Markdown."""
    lines = [
        "# Rechallenge: which resistance goes, and which stays",
        "",
        f"Made by `{command}` from `configs/experiments/rechallenge_plastic.yaml` and `rechallenge_clonal.yaml`.",
        f"Resistance is ln(IC50 / IC50 before treatment) of cells in dishes ({DOSES['points']} concentrations of",
        f"{DOSES['low']:g} to {DOSES['high']:g} nM unbound, 14 days, {DISHES} dishes of up to {CELLS} cells).",
        "Benefit is ln(tumor cells without / with) after four weeks of the drug from then on, on the branched tumor.",
        "Means over the tumors that progressed, with 95 % intervals by the bootstrap over seeds.",
        "",
    ]
    header = ["", *(f"{week} weeks" for week in WEEKS)]
    for (case, literature), tumors in found.items():
        progressed = [tumor for tumor in tumors if tumor["progression"] is not None]
        days = [tumor["progression"] - START for tumor in progressed]
        lines += [f"## {CASES[case]}, `{literature}`", ""]
        lines += [
            f"{len(progressed)} of {len(tumors)} progressed within {LAST:g} d; day of progression {told(days)}.",
            "",
        ]
        if not progressed:
            continue
        lines += [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
        resistance, gain = resistances(progressed), benefits(progressed)
        if literature == "primary":
            rows = {"vessels of grafts that 10 nM take": [loss(progressed, str(week)) for week in WEEKS]}
        else:
            rows = {"resistance": list(resistance.T)}
        rows["unbound drug in the lesion then (nM)"] = [
            [one[str(week)]["tissue"] for one in progressed] for week in WEEKS
        ]
        rows["benefit"] = list(gain.T)
        lines += [f"| {label} | {' | '.join(told(list(values)) for values in row)} |" for label, row in rows.items()]
        if literature != "primary" and np.isfinite(resistance).all():
            left = ["1", *(ratio(resistance[:, place], resistance[:, 0]) for place in range(1, len(WEEKS)))]
            lines.append(f"| left of the resistance at progression, ratio of means | {' | '.join(left)} |")
            lines += rinsed_rows(progressed, resistance[:, 0])
        lines += [
            "",
            f"Benefit of the first four weeks of treatment: {told([tumor['first'] for tumor in progressed])}.",
        ]
        if literature == "primary":
            lines[-1] += (
                f" Vessels of grafts taken before treatment that 10 nM take: {told(loss(progressed, 'before'))}."
            )
        change = gain[:, -1] - gain[:, 1]
        lines += [f"Benefit after 12 weeks less that after 3, paired: {told(list(change))}.", ""]
    return "\n".join(lines)


def rinsed_rows(tumors: Sequence[dict[str, Any]], first: np.ndarray) -> list[str]:
    """Rows of what is left where capillaries let the drug out ten times as easily, if that was measured."""
    if "rinsed" not in tumors[0][str(WEEKS[1])]:
        return []
    of = {week: [tumor[str(week)]["rinsed"] for tumor in tumors] for week in WEEKS[1:]}
    left = [
        ratio(np.array([shift(tumor, one) for tumor, one in zip(tumors, of[week], strict=True)]), first) for week in of
    ]
    tissue = [told([one["tissue"] for one in of[week]]) for week in of]
    label = f"with `{PERMEABLE.partition('.')[2].replace('=', ': ')}` from progression on"
    return [f"| left, {label} | 1 | {' | '.join(left)} |", f"| unbound drug, the same (nM) |  | {' | '.join(tissue)} |"]


def draw(found: dict[tuple[str, str], list[dict[str, Any]]], path: Path) -> None:
    """Courses, resistance and benefit over the break, by case."""
    from matplotlib.figure import Figure

    shown = {case: found[case, "review_2016"] for case in CASES if (case, "review_2016") in found}
    figure = Figure(figsize=(12.0, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    colors = {"plastic": "#0072B2", "clonal": "#D55E00"}
    for case, tumors in shown.items():
        for number, tumor in enumerate(tumors):
            label = CASES[case] if number == 0 else None
            day = np.array(tumor["day"]) - START
            panels[0].plot(day, tumor["diameter"], color=colors[case], lw=1.0, alpha=0.7, label=label)
        progressed = [tumor for tumor in tumors if tumor["progression"] is not None]
        if not progressed:
            continue
        for axes, values in ((panels[1], resistances(progressed)), (panels[2], benefits(progressed))):
            axes.plot(WEEKS, values.T, color=colors[case], lw=0.6, alpha=0.5)
            mean = np.array([spread(list(row)) for row in values.T])
            error = np.abs(mean[:, 1:].T - mean[:, 0])
            axes.errorbar(WEEKS, mean[:, 0], error, color=colors[case], lw=2.0, capsize=3, label=CASES[case])
    panels[0].set(xlabel="time from the start of treatment (d)", ylabel="lesion diameter / at start (1)")
    panels[0].set_title("sunitinib until progression, then none", fontsize=10)
    panels[1].set(xlabel="break (weeks)", ylabel="resistance, ln(IC50 / IC50 before treatment) (1)")
    panels[1].set_title("cells in dishes", fontsize=10)
    panels[2].set(xlabel="break (weeks)", ylabel="benefit, ln(cells without / with) (1)")
    panels[2].set_title("four weeks of the drug again", fontsize=10)
    for axes in panels:
        axes.axhline(0.0, color="k", lw=0.5)
        axes.legend(frameon=False, fontsize=8)
    panels[0].axhline(1.0, color="k", lw=0.7, ls=":")
    figure.savefig(path, dpi=130)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="tumors of each case under review_2016")
    parser.add_argument("--primary", type=int, default=3, help="tumors of the first case under primary")
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_rechallenge")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="keep the table and the figure beside this file")
    chosen = parser.parse_args(arguments)
    chosen.runs.mkdir(parents=True, exist_ok=True)
    wanted = [(case, seed, "review_2016") for seed in range(1, chosen.seeds + 1) for case in CASES]
    wanted += [("plastic", seed, "primary") for seed in range(1, chosen.primary + 1)]
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(measured, case, seed, literature, chosen.runs) for case, seed, literature in wanted]
        results = [job.result() for job in jobs]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (case, _, literature), result in zip(wanted, results, strict=True):
        found.setdefault((case, literature), []).append(result)
    command = f"python tests/validation/rechallenge.py --seeds {chosen.seeds} --primary {chosen.primary} --write"
    report = report_of(found, command)
    print(report)
    here = Path(__file__).parent if chosen.write else chosen.runs
    (here / "rechallenge.md").write_text(report + "\n", encoding="utf-8")
    draw(found, here / "rechallenge.png")


if __name__ == "__main__":
    main()
