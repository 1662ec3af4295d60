"""The command for sweeps."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tumorabm.cli_options import CatalogFolders, Json, Out, Set, exit_status, print_json
from tumorabm.errors import InputError

if TYPE_CHECKING:
    from tumorabm.sweep.plan import Plan
    from tumorabm.sweep.planning import Draft
    from tumorabm.sweep.sweep_file import Sweep

# Rows of the table of runs that are shown of a long one: its beginning and its end.
_SHOWN: Final = (40, 5)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(sweep)


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Sweep file, or the folder of a sweep.")],
    out: Out = Path("runs"),
    settings: Set = None,
    catalog: CatalogFolders = None,
    executor: Annotated[str, typer.Option("--executor", help="local, dask or slurm.")] = "local",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Runs at the same time; the file's, or as many as cores.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the runs and what they will take, and run nothing.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Print how far the sweep is.")] = False,
    array: Annotated[
        bool, typer.Option("--emit-array", help="Write a script for an array job of Slurm instead of running.")
    ] = False,
    task: Annotated[int | None, typer.Option("--task", min=0, help="Carry out one share of the runs only.")] = None,
    of: Annotated[int | None, typer.Option("--of", min=1, help="Number of shares.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what failed as often as allowed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run many experiments. Interrupted at any moment, the same command goes on; what is finished stays."""
    with exit_status(as_json):
        _check_combination(dry_run, status, array, task, of)
        if dry_run:
            _print_draft(_loaded(file, settings, catalog), workers, as_json)
            return
        if status:
            _print_status(_folder_of(file, out, settings, catalog), as_json)
            return
        from tumorabm.sweep.executors import workers_of

        workers_of(executor)
        folder = _prepared(file, out, settings, catalog)
        if array:
            from tumorabm.sweep.array import emit_array

            script = emit_array(folder, at_once=workers)
            if as_json:
                print_json({"sweep": str(folder), "script": str(script)})
            else:
                print(script)
            return
        _carry_out(folder, executor, workers, task, of, retry_failed, as_json)


def _carry_out(
    folder: Path,
    executor: str,
    workers: int | None,
    task: int | None,
    of: int | None,
    retry_failed: bool,
    as_json: bool,
) -> None:
    if task is not None and of is not None:
        from tumorabm.sweep.array import run_task

        counts = run_task(folder, task, of, retry_failed=retry_failed)
    else:
        from tumorabm.sweep.loop import run_sweep

        counts = run_sweep(folder, executor=executor, workers=workers, retry_failed=retry_failed, progress=not as_json)
    if not as_json:
        print(counts)
    table = _collected(folder) if task is None or (not counts.exit_status and _is_over(folder)) else None
    if as_json:
        print_json({"sweep": str(folder), "table": None if table is None else str(table), **asdict(counts)})
    else:
        print(table or folder)
    if counts.exit_status:
        raise typer.Exit(counts.exit_status)


def _is_over(folder: Path) -> bool:
    """Whether no run of a sweep is left to be carried out; then the last task of an array writes the table."""
    from tumorabm.sweep.results import status_of

    counts = status_of(folder)
    return counts["finished"] + counts["failed"] == counts["runs"]


def _collected(folder: Path) -> Path | None:
    """The table of a sweep, written anew; a note if what it takes is not installed."""
    from tumorabm.sweep.results import PackagesMissing, collect

    try:
        return collect(folder)
    except PackagesMissing as missing:
        print(f"Note: {missing}", file=sys.stderr)
    except OSError as error:
        print(f"Note: the table could not be written ({error}); the same command writes it", file=sys.stderr)
    return None


def _check_combination(dry_run: bool, status: bool, array: bool, task: int | None, of: int | None) -> None:
    modes = {"--dry-run": dry_run, "--status": status, "--emit-array": array, "--task": task is not None}
    given = [name for name, on in modes.items() if on]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)}: one of them at a time")
    if (task is None) != (of is None):
        raise InputError("--task and --of go together: --task 3 --of 10")
    if task is not None and of is not None and task >= of:
        raise InputError(f"--task {task} --of {of}: shares are counted from 0 to {of - 1}")


def _loaded(file: Path, settings: list[str] | None, catalog: list[Path] | None) -> Sweep:
    from tumorabm.sweep.sweep_file import load_sweep

    if _is_folder(file):
        raise InputError(f"{file}: expected a sweep file, not the folder of a sweep")
    return load_sweep(file, settings or (), catalog or ())


def _is_folder(file: Path) -> bool:
    from tumorabm.sweep.plan import PLAN

    return (file / PLAN).is_file()


def _folder_of(file: Path, out: Path, settings: list[str] | None, catalog: list[Path] | None) -> Path:
    """The folder of a sweep that was begun."""
    if _is_folder(file):
        return file
    folder = out / _loaded(file, settings, catalog).name
    if not _is_folder(folder):
        raise InputError(f"{folder}: the sweep has not begun")
    return folder


def _prepared(file: Path, out: Path, settings: list[str] | None, catalog: list[Path] | None) -> Path:
    """The folder of a sweep, with its plan as the sweep file has it now."""
    if _is_folder(file):
        if settings or catalog:
            raise InputError(f"{file}: the plan of a sweep's folder is made; give --set and --catalog with its file")
        return file
    from tumorabm.sweep.planning import draft, prepared

    sweep = _loaded(file, settings, catalog)
    made = draft(sweep)
    _print_warnings(made)
    _print_left_out(out / sweep.name, made.plan)
    return prepared(sweep, made.plan, out)


def _print_left_out(folder: Path, plan: Plan) -> None:
    """Say that an earlier plan in the folder had runs that this one does not have."""
    from tumorabm.sweep.plan import Plan

    if _is_folder(folder):
        left = len({run.run_id for run in Plan.read(folder).runs} - {run.run_id for run in plan.runs})
        if left:
            print(f"Note: {left} runs of the earlier plan are not in this one; their folders stay", file=sys.stderr)


def _print_warnings(made: Draft) -> None:
    for warning in made.warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _print_status(folder: Path, as_json: bool) -> None:
    from tumorabm.sweep.results import status_of

    counts = status_of(folder)
    if as_json:
        print_json({"sweep": str(folder), **counts})
    else:
        print(f"{folder}: " + ", ".join(f"{count} {state}" for state, count in counts.items()))


def _print_draft(sweep: Sweep, workers: int | None, as_json: bool) -> None:
    from tumorabm.sweep.estimate import estimate
    from tumorabm.sweep.executors import default_workers
    from tumorabm.sweep.planning import draft

    made = draft(sweep)
    _print_warnings(made)
    threads = sweep.resources.threads
    at_once = workers or default_workers(made.plan.resources)
    if not as_json:
        _print_runs(made.plan)
        print(f"{len(made.plan.runs)} runs: {_points(made.plan)}")
    found = estimate(sweep.experiment, made.steps, min(at_once, max(len(made.steps), 1)), threads)
    if as_json:
        runs = [run.__dict__ for run in made.plan.runs]
        print_json({"valid": True, "name": sweep.name, "runs": runs, "estimate": found.as_dict()})
        return
    print("\n".join(found.sentences()))


def _points(plan: Plan) -> str:
    points = plan.runs[-1].point + 1 if plan.runs else 0
    replicates = len(plan.runs) // max(points, 1)
    same = len(plan.runs) - len({run.run_id for run in plan.runs})
    text = f"{points} points ({plan.design['method']}) with {replicates} replicate{'s' if replicates > 1 else ''} each"
    return f"{text}; {same} of them are the same as others and run once" if same else text


def _print_runs(plan: Plan) -> None:
    from rich.console import Console
    from rich.table import Table

    heads = [f"{f.label} ({f.unit})" if f.unit not in ("", "1") else f.label for f in plan.factors]
    table = Table("run", "id", "point", "replicate", "seed", *heads, box=None, pad_edge=False)
    first, last = _SHOWN
    left_out = len(plan.runs) - first - last
    for run in plan.runs:
        if left_out > 0 and first <= run.index < first + left_out:
            if run.index == first:
                table.add_row("...", *[""] * (4 + len(heads)))
            continue
        values = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in run.factors.values()]
        table.add_row(str(run.index), run.run_id, str(run.point), str(run.replicate), str(run.seed), *values)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)
