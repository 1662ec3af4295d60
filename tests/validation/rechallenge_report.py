"""The tables and the figure of ``rechallenge.py``, from what it has measured of each tumor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from rechallenge import AGAIN, CASES, CELLS, CONFIGS, DOSES, LAST, PLATED, START, SWITCH, TIGHT, WEEKS

Tumor = dict[str, Any]
Found = dict[tuple[str, str], list[Tumor]]

HEAD: Final = """# Rechallenge: which resistance goes, and which stays

Made by `{command}` from `configs/experiments/rechallenge_plastic.yaml` and `rechallenge_clonal.yaml`. The two differ in
what their cells can do and in the schedule before progression (below); from there on both are treated alike.

Resistance is ln(IC50 / IC50 before treatment) of cells in dishes ({points} concentrations of {low:g} to {high:g} nM
unbound, 14 days, {plated} cells or more in dishes of up to {cells} each). Benefit is ln(tumor
cells without / with) after four weeks of {again} from then on, on the branched tumor. At first both arms
still hold the drug of before, which hides part of it, so its rise from 0 weeks on is not recovery alone. Means over
the tumors that progressed (of the second case: in which the clone is then most of the cells, so that it can carry the
resistance; a rule made when a tumor had lost its clone), with 95 % intervals by Student's t over tumors; of fewer than
four, the values. The figure's courses are of all tumors.
"""


def told(values: Sequence[float], form: str = ".2f") -> str:
    """A mean with its interval, or a few values; how many there are where some are missing."""
    from tumorabm.sweep.intervals import paired_t

    given = np.asarray(values, dtype=float)
    there = given[np.isfinite(given)]
    if there.size < 4:
        return ", ".join(format(value, form) for value in there) or "none"
    missing = "" if there.size == given.size else f", {there.size} of {given.size}"
    mean, low, high = (format(value, form) for value in paired_t(there))
    return f"{mean} ({low} to {high}{missing})"


def span(values: Sequence[float], form: str = ".2g") -> str:
    """The smallest and the largest."""
    low, high = (format(value, form) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def shift(tumor: Tumor, sample: Tumor) -> float:
    """ln(IC50 / IC50 before treatment); NaN where a curve has no IC50 within the concentrations."""
    return float(np.log((sample["ic50"] or np.nan) / (tumor["before"]["ic50"] or np.nan)))


def over_weeks(tumors: Sequence[Tumor], name: str) -> np.ndarray:
    """What was measured after each break, (tumors, weeks)."""
    return np.array([[tumor[str(week)][name] for week in WEEKS] for tumor in tumors], dtype=float)


def resistances(tumors: Sequence[Tumor]) -> np.ndarray:
    """Resistance after each break, (tumors, weeks)."""
    return np.array([[shift(tumor, tumor[str(week)]) for week in WEEKS] for tumor in tumors])


def rows_of(tumors: Sequence[Tumor]) -> dict[str, list[str]]:
    """A row of the table for each thing that was measured, a cell for each break."""

    def row(values: np.ndarray) -> list[str]:
        return [told(column) for column in values.T]

    def ends(values: np.ndarray) -> list[str]:
        return [span(column.tolist()) for column in values.T]

    rows: dict[str, list[str]] = {}
    if "lost" in tumors[0]["before"]:
        rows["vessels of grafts that 10 nM take"] = row(over_weeks(tumors, "lost"))
    else:
        resistance = resistances(tumors)
        rows["resistance"] = row(resistance)
        rows["left of that at 0 weeks"] = ["1", *row(resistance[:, 1:] / resistance[:, :1])]
    rows["benefit"] = row(over_weeks(tumors, "benefit"))
    if "share" in tumors[0][str(WEEKS[0])]:
        rows["the clone's share of cells"] = row(over_weeks(tumors, "share"))
    rows["unbound drug in the lesion (nM), smallest to largest"] = ends(over_weeks(tumors, "tissue"))
    rows["taken out, smallest number"] = [str(int(column.min())) for column in over_weeks(tumors, "start").T]
    if "tight" in tumors[0][str(WEEKS[1])]:
        tight = [[tumor[str(week)]["tight"] for week in WEEKS[1:]] for tumor in tumors]
        left = np.array([[shift(t, s) / shift(t, t["0"]) for s in of] for t, of in zip(tumors, tight, strict=True)])
        setting = TIGHT.partition(".")[2].replace("=", ": ")
        rows[f"left, `{setting}` from 0 weeks on"] = ["1", *row(left)]
        rows["unbound drug, the same (nM)"] = ["", *ends(np.array([[s["tissue"] for s in of] for of in tight]))]
    return rows


def report_of(found: Found, command: str) -> str:
    """The tables, as Markdown."""
    numbers = {"points": DOSES["points"], "low": DOSES["low"], "high": DOSES["high"], "plated": PLATED, "cells": CELLS}
    lines = [HEAD.format(command=command, again=AGAIN, **numbers)]
    for (case, literature), tumors in found.items():
        progressed = [tumor for tumor in tumors if tumor["progression"] is not None]
        days = [tumor["progression"] - START for tumor in progressed]
        lines += [f"## {CASES[case]}, `{literature}`", "", f"Before: {schedule_of(case)}."]
        lines += [
            f"{len(progressed)} of {len(tumors)} tumors progressed within {LAST:g} d, on day {told(days, '.0f')}; then "
            f"the last dose lay {span([tumor['since_dose'] for tumor in progressed])} d back.",
            "",
        ]
        carried = [tumor for tumor in progressed if _carried(tumor)]
        if len(carried) < len(progressed):
            days = [tumor["progression"] - START for tumor in progressed if not _carried(tumor)]
            shares = span([tumor["0"]["share"] for tumor in progressed if not _carried(tumor)])
            others = f"In {len(days)} of them (day {told(days, '.0f')})"
            lines[-1:] = [
                f"{others} the clone was less than half of the cells ({shares}): what follows is of the others.",
                "",
            ]
        progressed = carried
        if not progressed:
            continue
        lines += [f"| | {' | '.join(f'{week} weeks' for week in WEEKS)} |", "|---" * (1 + len(WEEKS)) + "|"]
        lines += [f"| {label} | {' | '.join(cells)} |" for label, cells in rows_of(progressed).items()]
        gain = over_weeks(progressed, "benefit")
        lines += ["", f"Benefit of four weeks of {AGAIN} before anything was given: {told(_first(progressed))}."]
        lines += [f"Benefit after 12 weeks less that after 3, paired: {told(gain[:, -1] - gain[:, 1])}."]
        if "lost" in progressed[0]["before"]:
            lost = told([tumor["before"]["lost"] for tumor in progressed])
            lines += [f"Of vessels of grafts from before treatment 10 nM take: {lost}."]
        if "switch" in progressed[0]:
            lines += ["", *switch_lines(progressed)]
        lines += [""]
    return "\n".join([*lines, "![courses, resistance and benefit](rechallenge.png)"])


def _carried(tumor: Tumor) -> bool:
    """Whether a clone, where there is one, is most of the tumor when it progresses, so that it can carry resistance."""
    return tumor["progression"] is not None and bool(tumor["0"].get("share", 1.0) > 0.5)


def switch_lines(tumors: Sequence[Tumor]) -> list[str]:
    """What becomes of each clone under everolimus, and under more of the drug that selected one of them."""
    out = [
        f"A switch at progression, and {SWITCH / 7:g} weeks: ln(living cells then / at progression), of each clone.",
        "",
    ]
    out += ["| | cells that pump | cells that do not |", "|---|---|---|"]
    change = {
        name: np.log([np.maximum(t["switch"][name], 0.5) for t in tumors])
        - np.log([np.maximum(t["switch"]["at"], 0.5) for t in tumors])
        for name in ("sunitinib", "everolimus")
    }
    change["everolimus less sunitinib, paired"] = change["everolimus"] - change["sunitinib"]
    return [*out, *(f"| {name} | {' | '.join(told(column) for column in rows.T)} |" for name, rows in change.items())]


def _first(tumors: Sequence[Tumor]) -> list[float]:
    return [tumor["first"] for tumor in tumors]


def schedule_of(case: str) -> str:
    """The experiment's treatment, as a sentence."""
    from tumorabm.config import load_experiment

    return "; ".join(load_experiment(CONFIGS / f"rechallenge_{case}.yaml").sentences())


def draw(found: Found, path: Path) -> None:
    """Courses, resistance and benefit over the break, by case."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    colors = {"plastic": "#0072B2", "clonal": "#D55E00"}
    for (case, literature), tumors in found.items():
        if literature != "review_2016":
            continue
        for number, tumor in enumerate(tumors):
            label = CASES[case] if number == 0 else None
            day = np.array(tumor["day"]) - START
            panels[0].plot(day, tumor["diameter"], color=colors[case], lw=1.0, alpha=0.7, label=label)
        progressed = [tumor for tumor in tumors if _carried(tumor)]
        if progressed:
            for axes, values in ((panels[1], resistances(progressed)), (panels[2], over_weeks(progressed, "benefit"))):
                _with_spread(axes, values, colors[case])
    panels[0].set(xlabel="time from the start of treatment (d)", ylabel="lesion diameter / at start (1)")
    panels[0].set_title("sunitinib until progression, then none", fontsize=10)
    panels[1].set(xlabel="break (weeks)", ylabel="resistance, ln(IC50 / IC50 before treatment) (1)")
    panels[1].set_title("cells in dishes", fontsize=10)
    panels[2].set(xlabel="break (weeks)", ylabel="benefit, ln(cells without / with) (1)")
    panels[2].set_title("four weeks of the drug again", fontsize=10)
    for axes in panels[1:]:
        axes.axhline(0.0, color="k", lw=0.5)
    panels[0].axhline(1.0, color="k", lw=0.7, ls=":")
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)


def _with_spread(axes: Any, values: np.ndarray, color: str) -> None:
    """Each tumor thinly, and the mean with its interval."""
    from tumorabm.sweep.intervals import paired_t

    axes.plot(WEEKS, values.T, color=color, lw=0.6, alpha=0.5)
    spread = np.array([paired_t(column) for column in values.T])
    error = np.abs(spread[:, 1:].T - spread[:, 0])
    axes.errorbar(WEEKS, spread[:, 0], error, color=color, lw=2.0, capsize=3)
