"""The command line. Heavy packages are imported inside the commands, so that ``validate`` answers at once.

What commands share, and their exit status, is in ``cli_options.py``; commands for many runs have modules of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tumorabm import cli_assay, cli_networks, cli_sensitivity, cli_sweep
from tumorabm.cli_options import (
    FAILED,
    INTERRUPTED,
    CatalogFolders,
    Config,
    Force,
    Json,
    Out,
    RunPath,
    Set,
    Threads,
    exit_status,
    print_json,
)
from tumorabm.errors import InputError

if TYPE_CHECKING:
    from tumorabm.catalog import Catalog, Entry
    from tumorabm.config import Experiment


def _version(wanted: bool) -> None:
    if wanted:
        from tumorabm import __version__

        print(f"tumorabm {__version__}")
        raise typer.Exit


# The noun of the catalog for which the break-even oxygen is told.
_DIVIDING: Final = ("cell_types", "tumor")
# The nouns that are nodes and edges.
_NETWORKS: Final = "networks"

app = typer.Typer(
    name="tumorabm",
    help="Agent-based simulation of clear-cell renal carcinoma and its vessels under treatment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def tumorabm(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Agent-based simulation of clear-cell renal carcinoma and its vessels under treatment."""


@app.command()
def validate(
    config: Config,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the experiment with every default.")] = False,
    pipeline: Annotated[bool, typer.Option("--pipeline", help="Print the processes in the order of a step.")] = False,
    settings: Set = None,
    catalog: CatalogFolders = None,
    as_json: Json = False,
) -> None:
    """Check an experiment without running it."""
    with exit_status(as_json):
        from tumorabm import yaml
        from tumorabm.config import load_experiment
        from tumorabm.config.contents import break_even, break_even_line

        experiment = load_experiment(config, settings or (), catalog or ())
        for warning in experiment.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        if as_json:
            print_json(_summary(experiment, resolved, pipeline))
            return
        if resolved:
            print(yaml.dump(experiment.resolved()), end="")
        if pipeline:
            _print_pipeline(experiment)
        if not (resolved or pipeline):
            days = (experiment.burn_in + experiment.duration) / 24.0
            print(f"{config}: valid; {experiment.name}, {days:g} days, {'; '.join(experiment.sentences())}")
            pressure = break_even(experiment)
            if pressure is not None:
                print(break_even_line({experiment.sets["kinetics"]: pressure}))


@app.command()
def schema(
    of_sweeps: Annotated[bool, typer.Option("--sweep", help="Of sweep files instead of experiment files.")] = False,
) -> None:
    """Print the JSON Schema of experiment files."""
    with exit_status():
        if of_sweeps:
            from tumorabm.sweep.schema import sweep_schema_text as schema_text
        else:
            from tumorabm.config.schema import schema_text

        print(schema_text(), end="")


@app.command(name="catalog")
def show_catalog(
    kind: Annotated[
        str | None, typer.Argument(help="substrates, cell_types, drugs, alterations, networks, variants or toxicities.")
    ] = None,
    name: Annotated[str | None, typer.Argument(help="One of them, for example oxygen.")] = None,
    dot: Annotated[bool, typer.Option("--dot", help="Print a network for Graphviz.")] = False,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE", help="Draw a network: .svg, .png, .pdf.")
    ] = None,
    folders: CatalogFolders = None,
    as_json: Json = False,
) -> None:
    """Print the numbers of the catalog with unit, source, confidence and range; of networks, nodes and edges."""
    with exit_status(as_json):
        from tumorabm.catalog import KINDS, load_catalog
        from tumorabm.errors import nearest

        catalog = load_catalog(folders or ())
        if kind is not None and kind not in KINDS:
            raise InputError(f"the catalog has no {kind!r}{nearest(kind, KINDS)}")
        if (dot or figure is not None) and (kind != _NETWORKS or name is None):
            raise InputError("--dot and --figure draw one network: tumorabm catalog networks NAME --dot")
        nouns = [noun for noun in catalog.nouns.values() if kind in (None, noun.kind)]
        if kind is not None and name is not None:
            nouns = [catalog.noun(kind, name)]
        networks = kind == _NETWORKS
        if as_json:
            told = {f"{noun.kind}.{noun.name}": _noun(catalog, noun) for noun in nouns}
            print_json(told if name is None or not networks else cli_networks.with_structure(catalog, name, told))
            return
        if not networks:
            _print_catalog(catalog, [noun for noun in nouns if noun.kind != _NETWORKS])
        if networks or kind is None:
            cli_networks.show(catalog, name, dot, figure)


@app.command()
def run(
    config: Config,
    seed: Annotated[int | None, typer.Option("--seed", help="Instead of the experiment's own.")] = None,
    threads: Threads = 1,
    out: Out = Path("runs"),
    settings: Set = None,
    catalog: CatalogFolders = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Run an experiment. Ctrl-C writes a checkpoint and stops; resume goes on from there."""

    def action() -> Path:
        from tumorabm.config import load_experiment
        from tumorabm.run import run_experiment

        seeded = [] if seed is None else [f"seed={seed}"]
        experiment = load_experiment(config, [*(settings or ()), *seeded], catalog or ())
        for warning in experiment.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        return run_experiment(experiment, out, threads=threads, force=force)

    _carry_out(action, as_json)


@app.command()
def resume(
    run: RunPath,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="A new duration, after the burn-in: '24 months'.")
    ] = None,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Continue a run that was interrupted, failed or killed, or make it longer."""

    def action() -> Path:
        from tumorabm.run import resume as resume_run

        return resume_run(run, until=until, threads=threads)

    _carry_out(action, as_json)


@app.command()
def branch(
    run: RunPath,
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="Time since the start, with the burn-in: 90d.")],
    settings: Set = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder of runs; that of the parent by default.")
    ] = None,
    threads: Threads = 1,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Begin a run that shares another's history up to a time, and differs from then on by --set."""

    def action() -> Path:
        from tumorabm.run import branch as branch_run

        return branch_run(run, at, settings or (), out=out, threads=threads, force=force)

    _carry_out(action, as_json)


@app.command()
def consolidate(run: RunPath, as_json: Json = False) -> None:
    """Put what a run has recorded so far into its run.h5."""

    def action() -> Path:
        from tumorabm.run import consolidate as consolidate_run

        return consolidate_run(run)

    _carry_out(action, as_json)


def _carry_out(action: Callable[[], Path], as_json: bool) -> None:
    """Do what makes or changes a run folder, and say where it is and how it ended."""
    with exit_status(as_json):
        from tumorabm.recording.run_folder import RunFolder
        from tumorabm.run import RunInterrupted, RunStopped

        message, status = "", 0
        try:
            path = action()
        except RunStopped as stop:
            path, message = stop.folder, str(stop)
            status = INTERRUPTED if isinstance(stop, RunInterrupted) else FAILED
        if message:
            print(message, file=sys.stderr)
        if as_json:
            print_json({"run": str(path), **RunFolder.told(path), "message": message})
        else:
            print(path)
        if status:
            raise typer.Exit(status)


def _summary(experiment: Experiment, resolved: bool, pipeline: bool) -> dict[str, Any]:
    from tumorabm.config.contents import break_even, finite

    content: dict[str, Any] = {
        "valid": True,
        "name": experiment.name,
        "config_hash": experiment.config_hash,
        "treatment": list(experiment.sentences()),
        "break_even_oxygen": finite(break_even(experiment)),  # mmHg
        "warnings": list(experiment.warnings),
    }
    if resolved:
        content["resolved"] = experiment.resolved()
    if pipeline:
        content["pipeline"] = _pipeline(experiment)
    return content


def _pipeline(experiment: Experiment) -> list[dict[str, Any]]:
    from tumorabm.processes import registered

    active = experiment.active_processes()
    return [
        {
            "process": name,
            "phase": process.phase.name,
            "on": name in active,
            "reads": list(process.reads),
            "writes": list(process.writes),
        }
        for name, process in registered().items()
    ]


def _print_pipeline(experiment: Experiment) -> None:
    from rich.table import Table

    table = Table("phase", "process", "reads", "writes", box=None, pad_edge=False, show_lines=False)
    phase = ""
    for row in _pipeline(experiment):
        style = None if row["on"] else "dim strike"
        shown = row["process"] if row["on"] else f"{row['process']} (off)"
        table.add_row(
            row["phase"] if row["phase"] != phase else "",
            shown,
            ", ".join(row["reads"]),
            ", ".join(row["writes"]),
            style=style,
        )
        phase = row["phase"]
    _print(table)


def _noun(catalog: Catalog, noun: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from tumorabm.config.contents import break_even_by_kinetics, finite

    values: dict[str, Any] = {}
    for name, variants in noun.values.items():
        entries = {variant: asdict(entry) for variant, entry in variants.items()}
        values[name] = entries[""] if "" in entries else {"by": next(iter(variants.values())).by, "variants": entries}
    content = {"description": noun.description, "facts": dict(noun.facts), "values": values}
    if (noun.kind, noun.name) == _DIVIDING:
        content["break_even_oxygen"] = {  # mmHg
            name: finite(pressure) for name, pressure in break_even_by_kinetics(catalog).items()
        }
    return content


def _print_catalog(catalog: Catalog, nouns: list[Any]) -> None:
    from rich.table import Table

    from tumorabm.config.contents import break_even_by_kinetics, break_even_line

    for noun in nouns:
        table = Table("name", "value", "unit", "range", "conf.", "source", "description", box=None, pad_edge=False)
        table.title = f"{noun.kind}.{noun.name}: {noun.description}"
        table.title_justify = "left"
        for name, variants in noun.values.items():
            for variant, entry in variants.items():
                shown = f"{name} [{variant}]" if variant else name
                description = f"{entry.description} (validation only)" if entry.validation else entry.description
                table.add_row(
                    shown.replace("[", r"\["),
                    f"{entry.value:g}",
                    "" if entry.unit == "1" else entry.unit,
                    _range(entry),
                    entry.confidence,
                    ", ".join(entry.source),
                    description,
                )
        _print(table)
        if (noun.kind, noun.name) == _DIVIDING and (pressures := break_even_by_kinetics(catalog)):
            print(break_even_line(pressures))
    from tumorabm.catalog.entry import CONFIDENCE, UNCERTAINTY

    print("\n" + "; ".join(f"{letter}: {meaning}" for letter, meaning in CONFIDENCE.items()))
    print(f"(x) behind a range: nothing better is known than the value times and divided by {UNCERTAINTY:g}")


def _range(entry: Entry) -> str:
    if entry.range is None:
        return ""
    low, high = entry.range
    return f"{low:g} - {high:g}{' (x)' if entry.range_filled else ''}"


def _print(table: Any) -> None:
    """A table, as wide as it needs to be where nobody looks at a terminal."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(table)


cli_sweep.register(app)
cli_sensitivity.register(app)
cli_networks.register(app)
cli_assay.register(app)


def main() -> None:
    """Entry of the console script."""
    app()


if __name__ == "__main__":
    main()
