"""Reversible and heritable resistance told apart by experiment: ``rechallenge.md`` and its figure.

    python tests/validation/rechallenge.py [--seeds 8] [--primary 2] [--runs DIR] [--workers 2] [--write]

Runs ``configs/experiments/rechallenge_plastic.yaml`` and ``rechallenge_clonal.yaml``, which give sunitinib until the
first progression and then no drug. Cells are taken out before treatment and 0, 3, 6 and 12 weeks after progression, and
their dose-response is measured in dishes from cell counts (``tumorabm assay``): resistance is ln(IC50 / IC50 before
treatment). From the same times the tumor is branched and given four weeks of sunitinib; the benefit is ln(tumor cells
without / with) at their end. What tissue still holds of the drug keeps states going, so the break of the first case is
also run with capillaries a tenth as permeable to it, from which tissue clears it over weeks. Where a clone was
selected, the drug is also followed by everolimus instead of nothing, and by more of itself. Under the literature set
``primary`` sunitinib does not act on tumor cells: there tissue is grafted into naive hosts and its vessels are counted.

What is finished is not run again. No state variable of cells is read for any of these figures.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from tumorabm.config import Experiment

CONFIGS: Final = Path(__file__).resolve().parents[2] / "configs" / "experiments"
CASES: Final = {"plastic": "EMT and lysosomes", "clonal": "a clone with pumps"}
WEEKS: Final = (0, 3, 6, 12)
START: Final = 63.0  # d: burn-in
COURSE: Final = 28.0  # d: of the rechallenge
LAST: Final = 728.0  # d after the burn-in: the longest that is waited for a progression
STRIDE: Final = 56.0  # d: a run is lengthened by so much until it has progressed
DOSES: Final = {"low": 0.3, "high": 1000.0, "points": 8}
HOURS: Final = 14 * 24.0
CELLS: Final = 1000  # in a dish at most
PLATED: Final = 4000  # in all dishes of a concentration, about: so many make ln(IC50) sure to some hundredths
AGAIN: Final = "sunitinib 37.5 mg daily"
SCAN: Final = 14.0  # d between scans
SWITCH: Final = 84.0  # d: of everolimus, or more of sunitinib, from progression on
CLONES: Final = ("pumping", "clear_cell")
TIGHT: Final = "catalog.drugs.sunitinib.vessel_permeability=1e-5 cm/s"  # below its range: as assumed at first


def experiment_of(case: str, seed: int, literature: str) -> Experiment:
    """The experiment of a tumor, short: it is lengthened until its tumor has progressed."""
    from tumorabm.config import load_experiment

    settings = [f"seed={seed}", f"sets.literature={literature}", f"duration={STRIDE:g} d", f"name={case}_{literature}"]
    return load_experiment(CONFIGS / f"rechallenge_{case}.yaml", settings)


def followed(experiment: Experiment, runs: Path) -> tuple[Path, float | None]:
    """The run of a tumor until its first progression is seen, and that day (from the run's start)."""
    from tumorabm.analysis import open_run
    from tumorabm.recording.provenance import run_id
    from tumorabm.recording.run_folder import RunFolder
    from tumorabm.run import resume, run_experiment

    path = runs / experiment.name / run_id(experiment.config_hash, experiment.seed, None)
    begun = path / f"seed_{experiment.seed}"
    if not begun.exists():
        path = run_experiment(experiment, runs, quiet=True, force=True)
        begun.touch()
    elif RunFolder(path).status != "finished":
        resume(path)
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
    times = ", ".join(f"{progression + 7 * week:g} d" for week in WEEKS)
    until = progression - START + 7 * WEEKS[-1] + COURSE
    settings = [f"duration={until:g} d", f"record.keep=[{times}]", *changed]
    return branched(path, progression, settings, runs)


def branched(path: Path, at: float, settings: Sequence[str], runs: Path) -> Path:
    """A finished branch of a run; one that was interrupted begins anew."""
    from tumorabm.errors import InputError
    from tumorabm.run import branch

    try:
        return branch(path, f"{at:g} d", settings, out=runs, quiet=True)
    except InputError:
        return branch(path, f"{at:g} d", settings, out=runs, quiet=True, force=True)


def value_at(path: Path, name: str, day: float) -> float:
    """An output of a run at a day."""
    from tumorabm.analysis import open_run

    return float(open_run(path).timeseries[name].sel(time=day, method="nearest", tolerance=0.5))


def benefit(path: Path, at: float, before: list[dict[str, Any]], runs: Path, sham: bool = False) -> float:
    """ln(tumor cells without / with) four weeks of the drug from a day on, after what has been given before.

    Without is the run itself, or with ``sham`` another branch of it that gets nothing.
    """

    def arm(treatment: list[dict[str, Any]]) -> Path:
        shared = [f"duration={at - START + COURSE:g} d", "record.every=7 d", "record.keep=[]"]
        return branched(path, at, [f"treatment={json.dumps(treatment)}", *shared], runs)

    again = {"drug": "sunitinib", "dose": "37.5 mg", "every": "1 d", "start": f"{at - START:g} d"}
    without, treated = arm(before) if sham else path, arm([*before, again])
    cells = [max(value_at(run, "tumor_cells", at + COURSE), 0.5) for run in (without, treated)]
    return float(np.log(cells[0] / cells[1]))


def in_dishes(path: Path, at: float) -> dict[str, Any]:
    """Dose-response of cells of a run at a day, and what explains it."""
    from tumorabm.run.assay import carry_out
    from tumorabm.run.explant import Explant

    sample = Explant.of(path, f"{at:g} d", CELLS)
    dishes = math.ceil(PLATED / sample.start)
    assay = carry_out(sample, "sunitinib", doses(), hours=HOURS, replicates=dishes)
    return {"ic50": assay.fit().ic50, "start": assay.start, "tissue": value_at(path, "sunitinib_lesion_mean", at)}


def in_host(path: Path, at: float) -> dict[str, Any]:
    """Share of a graft's vessels that the concentration closest to 10 nM takes."""
    from tumorabm.run.assay import carry_out
    from tumorabm.run.graft import Graft

    given = doses()
    assay = carry_out(Graft.of(path, f"{at:g} d"), "sunitinib", given, hours=HOURS, replicates=1)
    place = 1 + int(np.argmin(np.abs(np.log(given / 10.0))))
    lost = 1.0 - float(assay.counts[0, place] / assay.counts[0, 0])
    return {"lost": lost, "start": assay.start, "tissue": value_at(path, "sunitinib_lesion_mean", at)}


def switched(path: Path, progression: float, before: list[dict[str, Any]], runs: Path) -> dict[str, list[float]]:
    """Cells of each clone at progression, and after twelve weeks of more of the drug, or of everolimus instead."""
    at = progression - START
    goes_on = [{key: value for key, value in item.items() if key != "until_progression"} for item in before]
    other = {"drug": "everolimus", "dose": "10 mg", "every": "1 d", "start": f"{at:g} d"}
    shared = [f"duration={at + SWITCH:g} d", "record.every=7 d", "record.keep=[]"]

    def cells(run: Path, day: float) -> list[float]:
        return [value_at(run, f"{clone}_clone_cells", day) for clone in CLONES]

    out = {"at": cells(path, progression)}
    for name, treatment in (("sunitinib", goes_on), ("everolimus", [*before, other])):
        arm = branched(path, progression, [f"treatment={json.dumps(treatment)}", *shared], runs)
        out[name] = cells(arm, progression + SWITCH)
    return out


def doses() -> np.ndarray:
    """Unbound concentrations, nM."""
    from tumorabm.run.assay import doses_between

    return doses_between(DOSES["low"], DOSES["high"], int(DOSES["points"]))


def since_dose(experiment: Experiment, hours: float) -> float:
    """Days from the last dose to an hour of treatment at which it ends."""
    from tumorabm.processes.dosing.schedule import dose_events

    times, _ = dose_events(experiment.regimens()[0], 0.0, hours)
    return (hours - float(times[-1])) / 24.0


def measured(case: str, seed: int, literature: str, runs: Path) -> dict[str, Any]:
    """Everything of one tumor; kept in a file beside the runs, under its run id."""
    from tumorabm.analysis import open_run
    from tumorabm.recording.provenance import run_id

    experiment = experiment_of(case, seed, literature)
    kept = runs / f"{case}_{literature}_{seed}_{run_id(experiment.config_hash, seed, None)}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    path, progression = followed(experiment, runs)
    off = path if progression is None else followed_off(path, progression, runs)
    series = open_run(off).timeseries
    size = np.cbrt(sum(np.asarray(series[name]) for name in ("tumor_cells", "apoptotic_cells", "necrotic_cells")))
    day = np.asarray(series["time"])
    diameter = size / size[np.argmin(np.abs(day - START))]
    out: dict[str, Any] = {"day": day.tolist(), "diameter": diameter.tolist(), "progression": progression}
    if progression is not None:
        before = experiment.resolved()["treatment"]
        look = in_host if literature == "primary" else in_dishes
        out["before"] = look(path, START)
        out["first"] = benefit(path, START, [], runs, sham=True)
        out["since_dose"] = since_dose(experiment, 24.0 * (progression - START))
        for week in WEEKS:
            at = progression + 7.0 * week
            found = {**look(off, at), "benefit": benefit(off, at, before, runs)}
            if case == "clonal":
                found["share"] = value_at(off, "pumping_clone_cells", at) / value_at(off, "tumor_cells", at)
            out[str(week)] = found
        if case == "clonal":
            out["switch"] = switched(path, progression, before, runs)
        if case == "plastic" and literature == "review_2016":
            tight = followed_off(path, progression, runs, [TIGHT])
            for week in WEEKS[1:]:
                out[str(week)]["tight"] = in_dishes(tight, progression + 7.0 * week)
    beside = kept.with_suffix(".part")
    beside.write_text(json.dumps(out))
    beside.rename(kept)
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    runs = Path(tempfile.gettempdir()) / "tumorabm_rechallenge"
    parser.add_argument("--seeds", type=int, default=8, help="tumors of each case under review_2016 (%(default)s)")
    parser.add_argument("--primary", type=int, default=2, help="tumors of the first case under primary (%(default)s)")
    parser.add_argument("--runs", type=Path, default=runs, help="folder of the runs (%(default)s)")
    parser.add_argument(
        "--workers", type=int, default=2, help="processes (%(default)s); a tumor takes about ten minutes"
    )
    parser.add_argument("--write", action="store_true", help="keep the table and the figure beside this file")
    chosen = parser.parse_args(arguments)
    if chosen.seeds < 1 or chosen.primary < 0 or chosen.workers < 1:
        parser.error("--seeds and --workers are 1 or more, --primary is 0 or more")
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
    from rechallenge_report import draw, report_of  # which reads this module's constants

    report = report_of(found, command)
    print(report)
    here = Path(__file__).parent if chosen.write else chosen.runs
    (here / "rechallenge.md").write_text(report + "\n", encoding="utf-8")
    draw(found, here / "rechallenge.png")


if __name__ == "__main__":
    main()
