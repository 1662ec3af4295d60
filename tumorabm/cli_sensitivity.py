"""The commands that ask what matters: ``sensitivity`` for assumed values, ``ablate`` for mechanisms and their parts."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorabm.cli_options import FAILED, CatalogFolders, Config, Json, Out, Set, exit_status, print_json
from tumorabm.errors import InputError

if TYPE_CHECKING:
    from tumorabm.sweep.ablation import Ablation, Removed
    from tumorabm.sweep.counts import Counts
    from tumorabm.sweep.sensitivity import Screening, Sensitivity
    from tumorabm.sweep.variance_shares import Shares

Output = Annotated[str, typer.Option("--output", metavar="NAME", help="Time series, for example lesion_cells.")]
Statistic = Annotated[
    str,
    typer.Option("--statistic", metavar="NAME", help="What is made of it: final, or 'growth_rate from=0d to=90d'."),
]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="Its value at a time, with the burn-in: 90d.")]
Executor = Annotated[str, typer.Option("--executor", help="local, dask or slurm.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "--workers", min=1, help="Runs at the same time; as many as cores by default.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sensitivity)
    app.command()(ablate)


def sensitivity(
    config: Config,
    output: Output,
    statistic: Statistic = "final",
    at: At = None,
    factors: Annotated[
        str | None, typer.Option("--factors", metavar="NAMES", help="Only these values, separated by commas.")
    ] = None,
    networks: Annotated[
        bool, typer.Option("--networks", help="Also the hundreds of assumed values of signaling networks.")
    ] = False,
    trajectories: Annotated[int, typer.Option("--trajectories", min=2, help="Of Morris' screening.")] = 8,
    replicates: Annotated[int, typer.Option("--replicates", min=2, help="Seeds at each point.")] = 5,
    sobol: Annotated[int, typer.Option("--sobol", min=0, help="Base sample of Sobol's shares; 0 for none.")] = 64,
    most: Annotated[int, typer.Option("--most", min=1, help="How many values go on to Sobol's shares.")] = 5,
    logarithm: Annotated[bool, typer.Option("--log", help="Ask about the logarithm of the output.")] = False,
    out: Out = Path("runs"),
    settings: Set = None,
    catalog: CatalogFolders = None,
    executor: Executor = "local",
    jobs: Jobs = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be varied, and run nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Say which assumed values of the catalog matter for an output. Interrupted, the same command goes on."""
    with exit_status(as_json):
        from tumorabm.sweep.assumed import EVERYTHING
        from tumorabm.sweep.sensitivity import Question, Sensitivity

        question = Question(
            config=str(config),
            output=output,
            statistic=_statistic(statistic, at),
            settings=tuple(settings or ()),
            only=(*_names(factors), *((EVERYTHING,) if networks else ())),
            trajectories=trajectories,
            replicates=replicates,
            samples=sobol,
            most=most,
            logarithm=logarithm,
            catalog_dirs=tuple(catalog or ()),
        )
        asked = Sensitivity(question, out)
        if dry_run:
            _print_values(asked, as_json)
            return
        _need_figures()
        _tell(asked, as_json)
        folder, plan, counts = asked.run(asked.screening_sweep(), executor, jobs, not as_json)
        _go_on(folder, counts, as_json)
        screening = asked.screened(folder, plan)
        from tumorabm.sweep.figures import draw_screening, draw_shares

        draw_screening(folder / f"{asked.stem}.png", screening.rows, str(asked.measured), asked.unit, logarithm)
        content = _screening_told(asked, screening, folder, counts, as_json)
        chosen = screening.that_matter[:most]
        if sobol and chosen:
            folder, plan, counts = asked.run(asked.shares_sweep(chosen), executor, jobs, not as_json)
            _go_on(folder, counts, as_json)
            found = asked.shared(folder, plan)
            draw_shares(folder / f"{asked.stem}.png", found, str(asked.measured), logarithm)
            content |= _shares_told(asked, found, folder, counts, as_json)
        elif sobol and not as_json:
            print("Nothing is surely above luck, so there are no shares to tell; more replicates or trajectories may.")
        if as_json:
            print_json(_plain(content))


def ablate(
    config: Config,
    outputs: Annotated[
        list[str], typer.Option("--output", metavar="NAME", help="Time series, for example lesion_cells. Repeatable.")
    ],
    statistic: Statistic = "final",
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="TIME", help="Its value at a time, with the burn-in: 90d. Repeatable."),
    ] = None,
    of: Annotated[
        str,
        typer.Option("--of", metavar="PARTS", help="mechanisms, mechanisms_alone, processes, nodes or edges."),
    ] = "mechanisms",
    network: Annotated[
        str, typer.Option("--network", metavar="CELLS", help="Whose nodes or edges: tumor or endothelial.")
    ] = "tumor",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAMES", help="Only these parts, separated by commas. Repeatable."),
    ] = None,
    replicates: Annotated[int, typer.Option("--replicates", min=2, help="Seeds, shared by all.")] = 5,
    out: Out = Path("runs"),
    settings: Set = None,
    catalog: CatalogFolders = None,
    executor: Executor = "local",
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Take away each mechanism, process, node or edge in turn and say what that does.

    Interrupted, the same command goes on. Several outputs or times take the same runs.
    """
    with exit_status(as_json):
        from tumorabm.sweep.ablation import Ablation
        from tumorabm.sweep.figures import draw_ablation

        questions = [
            Ablation(
                str(config),
                output,
                _statistic(statistic, time),
                replicates,
                tuple(settings or ()),
                tuple(catalog or ()),
                out,
                of=of,
                cell_type=network,
                only=tuple(name for text in only or () for name in _names(text)),
            )
            for output in outputs
            for time in at or (None,)
        ]
        _need_figures()
        content: dict[str, Any] = {"removed": []}
        for asked in questions:
            folder, plan, counts = asked.run(executor, jobs, not as_json)
            _go_on(folder, counts, as_json)
            rows = asked.evaluated(folder, plan)
            draw_ablation(folder / f"{asked.stem}.png", rows, asked)
            content["removed"] += [{"measured": str(asked.measured), **asked.row(row)} for row in rows]
            content |= {"sweep": str(folder), "kept": asked.kept, "counts": counts.as_dict()}
            if not as_json:
                _print_ablation(asked, rows, folder, counts)
        if as_json:
            print_json(_plain(content))


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _statistic(statistic: str, at: str | None) -> str:
    if at is None:
        return statistic
    if statistic != "final":
        raise InputError(f"--at {at} and --statistic {statistic}: one of them")
    return f"at at={at.replace(' ', '')}"


def _need_figures() -> None:
    """Say before anything runs what would be missing at its end."""
    import importlib.util

    missing = [name for name in ("pandas", "matplotlib", "SALib") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"this needs {' and '.join(missing)}: pip install 'tumorabm[analysis]'")


def _go_on(folder: Path, counts: Counts, as_json: bool) -> None:
    """End here if not all runs are over; what failed for good is told as missing."""
    if not as_json:
        print(counts)
    if counts.stopped:
        if as_json:
            print_json({"counts": counts.as_dict()})
        raise typer.Exit(counts.exit_status)
    if not counts.finished:
        print(f"{folder}: no run is finished, there is nothing to evaluate; {_first_message(folder)}", file=sys.stderr)
        raise typer.Exit(FAILED)


def _first_message(folder: Path) -> str:
    """What the first run that failed says."""
    from tumorabm.sweep.plan import Plan
    from tumorabm.sweep.status import told

    messages = (told(folder, planned).message for planned in Plan.read(folder).runs)
    return next((message for message in messages if message), "")


def _tell(asked: Sensitivity, as_json: bool) -> None:
    """What is varied, and what is not."""
    from tumorabm.sweep.assumed import NETWORKS

    for label, reason in asked.left_out.items():
        if as_json or label != NETWORKS:
            print(f"not varied: {label}: {reason}", file=sys.stderr)
    for label, value in asked.values.items():
        for note in value.notes:
            print(f"note: {label}: {note}", file=sys.stderr)
    if not as_json:
        question, count = asked.question, len(asked.values)
        runs = question.trajectories * (count + 1) * question.replicates
        print(f"{asked.measured}: {count} values, {question.trajectories} trajectories, {runs} runs")
        if NETWORKS in asked.left_out:
            print(f"left out: {asked.left_out[NETWORKS]}")


def _print_values(asked: Sensitivity, as_json: bool) -> None:
    if as_json:
        varied = {
            label: {"path": value.entry.path, "from": value.low, "to": value.high, "unit": value.entry.unit}
            for label, value in asked.values.items()
        }
        print_json({"varied": varied, "left_out": asked.left_out})
        return
    _tell(asked, as_json)
    rows = [
        (label, str(value), "log" if value.logarithmic else "linear", f"{value.entry.value:g}", value.entry.description)
        for label, value in asked.values.items()
    ]
    _print_table(("value", "range", "scale", "now", "description"), rows)


def _screening_told(
    asked: Sensitivity, screening: Screening, folder: Path, counts: Counts, as_json: bool
) -> dict[str, Any]:
    if not as_json:
        missing = any(row.missing for row in screening.rows)
        heads = ("value", "range", "µ*", "95 % interval", "floor", "µ", "sigma", "verdict", *(("missing",) * missing))
        rows = [
            (
                row.factor,
                str(asked.values[row.factor]),
                _number(row.mu_star),
                f"{_number(row.low)} to {_number(row.high)}",
                _number(row.floor),
                _number(row.mu),
                _number(row.sigma),
                row.verdict,
                *((str(row.missing),) * missing),
            )
            for row in screening.rows
        ]
        unit = "" if asked.unit == "1" else f" in {asked.unit}"
        said = f"ln {asked.measured}" if asked.question.logarithm else str(asked.measured)
        print(f"\nMorris: change of {said} over the whole range of a value{unit}")
        _print_table(heads, rows)
        print(
            "floor: what µ* of a value without any effect stays below in 95 of 100 screenings, by luck alone; a value "
            "matters\nif its whole interval lies above. Luck of one run: standard deviation "
            f"{_number(screening.luck)}{unit[3:]}, {_percent(screening.luck_share)} of the variance of runs over all "
            f"points.\n{folder / asked.stem}.png and .csv"
        )
    return {
        "screening": {
            "sweep": str(folder),
            "rows": [{**asdict(row), "verdict": row.verdict} for row in screening.rows],
            "luck": screening.luck,
            "luck_share": screening.luck_share,
            "counts": counts.as_dict(),
        }
    }


def _shares_told(asked: Sensitivity, found: Shares, folder: Path, counts: Counts, as_json: bool) -> dict[str, Any]:
    if not as_json:
        rows = [
            (
                row.factor,
                f"{row.first:.2f}",
                f"{row.first_low:.2f} to {row.first_high:.2f}",
                f"{row.total:.2f}",
                f"{row.total_low:.2f} to {row.total_high:.2f}",
            )
            for row in found.factors
        ]
        print(f"\nSobol: shares of the variance of {asked.measured} over the ranges of these values, luck taken out")
        _print_table(("value", "by itself", "95 % interval", "total", "95 % interval"), rows)
        print(
            f"Luck: {_percent(found.luck_share)} of the variance of single runs, "
            f"{_percent(found.luck_share_of_means)} of that of means over replicates, which is corrected for. "
            f"{found.samples} samples{f', {found.missing} left out' if found.missing else ''}."
            f"\n{folder / asked.stem}.png and .csv"
        )
    return {"shares": {"sweep": str(folder), **asdict(found), "counts": counts.as_dict()}}


def _print_ablation(asked: Ablation, rows: list[Removed], folder: Path, counts: Counts) -> None:
    unit, noun = "" if asked.measured.unit == "1" else f" ({asked.measured.unit})", asked.kind.noun
    cells = [
        (
            row.name,
            _number(row.without),
            _number(row.difference),
            f"{_number(row.low)} to {_number(row.high)}",
            _number(row.ratio),
            f"{_number(row.ratio_low)} to {_number(row.ratio_high)}" if row.ratio > 0.0 else "-",
            "-" if math.isnan(row.effect) else f"{row.effect:+.2g}",
            str(row.seeds),
        )
        for row in rows
    ]
    intact = _number(next((row.intact for row in rows if row.seeds), float("nan")))
    kind = asked.kind
    print(f"\n{asked.measured}{unit}: {intact} {kind.reference}, mean over seeds; one {noun} {kind.act} at a time")
    heads = (kind.head, "mean", "difference", "95 % interval", "ratio", "95 % interval", "effect", "seeds")
    _print_table(heads, cells)
    print(
        "Intervals are Student's of paired differences (ratios: of their logarithms) over shared seeds; of "
        f"{len(rows)} such\nabout {0.05 * len(rows):.2g} leave out no change by luck. effect: the "
        f"difference in standard deviations of runs {kind.reference} over seeds."
    )
    if asked.kept:
        print(f"\nNot {asked.kind.act}:")
        _print_table((noun, "why"), list(asked.kept.items()))
    print(f"{folder / asked.stem}.png and .csv")


def _plain(content: Any) -> Any:
    """The same with None for NaN, which JSON does not know."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _percent(share: float) -> str:
    return "an unknown part" if math.isnan(share) else f"{100 * share:.1f} %"


def _print_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)
