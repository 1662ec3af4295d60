"""The command that measures the dose-response of cells taken out of a run's tumor, ``assay``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorabm.cli_options import INTERRUPTED, Json, RunPath, Set, exit_status, print_json
from tumorabm.errors import InputError

if TYPE_CHECKING:
    from tumorabm.catalog import Catalog
    from tumorabm.run.assay import Assay, Fit, Sample


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(assay)


def assay(
    run: RunPath,
    at: Annotated[
        list[str],
        typer.Option("--at", metavar="TIME", help="Since the start, with the burn-in: 90d. Compared with the first."),
    ],
    drug: Annotated[str, typer.Option("--drug", metavar="NAME", help="Drug of the catalog.")],
    low: Annotated[str, typer.Option("--from", metavar="CONC", help="Lowest unbound concentration.")] = "0.3 nM",
    high: Annotated[str, typer.Option("--to", metavar="CONC", help="Highest.")] = "1000 nM",
    points: Annotated[int, typer.Option("--points", min=4, help="Concentrations, evenly on a logarithm.")] = 8,
    days: Annotated[float, typer.Option("--days", min=0.0, help="How long they are left.")] = 14.0,
    cells: Annotated[int, typer.Option("--cells", min=1, help="Cells in each dish; all that live if fewer.")] = 1000,
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="How often at each concentration.")] = 3,
    graft: Annotated[
        bool, typer.Option("--graft", help="Tissue in a naive host instead of cells in dishes: count its vessels.")
    ] = False,
    settings: Set = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write all counts as a table.")] = None,
    as_json: Json = False,
) -> None:
    """Dose-response of tumor cells taken out of a run, from cell counts: IC50, and how it has changed."""
    with exit_status(as_json):
        from tumorabm.recording.atomic import check_writable, output
        from tumorabm.recording.run_folder import RunFolder
        from tumorabm.run import parts
        from tumorabm.run.assay import carry_out, doses_between
        from tumorabm.run.explant import Explant
        from tumorabm.run.graft import Graft

        if csv is not None:
            check_writable(csv)
        if not 0.0 < days < float("inf"):
            raise InputError(f"--days {days:g}: expected a time above 0")
        doses = doses_between(_concentration(low, "--from"), _concentration(high, "--to"), points)
        _check_drug(drug, parts.load(RunFolder(run).path).catalog)
        samples: list[Sample] = [Graft.of(run, time) if graft else Explant.of(run, time, cells) for time in at]
        for warning in samples[0].surroundings({drug: high}, settings or ()).warnings:
            if warning.startswith("exposure"):
                print(f"warning: {warning}", file=sys.stderr)
        shared: dict[str, Any] = {"hours": 24.0 * days, "replicates": replicates, "settings": settings or ()}
        found: list[Assay] = []
        try:
            for sample, time in zip(samples, at, strict=True):
                found.append(carry_out(sample, drug, doses, told=_told(time), **shared))
        except KeyboardInterrupt:
            if not found:
                raise
            print(f"\ninterrupted: counted of {', '.join(at[: len(found)])} only", file=sys.stderr)
        counted = at[: len(found)]
        rows = _rows(counted, found)
        if as_json:
            told = {"run": str(run), "drug": drug, "days": days, "interrupted": len(found) < len(at)}
            print_json({**told, "assays": rows, "csv": csv and str(csv)})
        else:
            _print(run, drug, days, rows, found[0].concentrations[-1])
        if csv is not None:
            with output(csv):
                _write_csv(csv, counted, found)
            if not as_json:
                print(csv)
        if len(found) < len(at):
            raise typer.Exit(INTERRUPTED)


def _concentration(text: str, option: str) -> float:
    from tumorabm import units

    try:
        return units.quantity(text, "nM")
    except units.UnitError as error:
        raise InputError(f"{option}: {error}") from None


def _check_drug(drug: str, catalog: Catalog) -> None:
    from tumorabm.errors import nearest

    known = catalog.names("drugs")
    if drug not in known:
        raise InputError(f"--drug: {drug!r} is no drug of the catalog{nearest(drug, known)} (a metabolite is none)")


def _told(time: str) -> Any:
    """Progress on standard error, in place, where somebody looks."""

    def told(done: int, of: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{time}: {done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)

    return told


def _rows(at: Sequence[str], found: Sequence[Assay]) -> list[dict[str, Any]]:
    from tumorabm.run.assay import resistance, shift

    first, rows = found[0], []
    for time, item in zip(at, found, strict=True):
        fit = item.fit()
        # Dishes of one number share their luck at all times.
        changes = [resistance(now, before) for now, before in zip(item.fits(), first.fits(), strict=True)]
        mean, low, high = shift(item, first)
        rows.append(
            {
                "at": time,
                "counted": item.counted,
                "at_start": item.start,
                **_told_of(fit, item),
                "resistance": _finite(mean),
                "resistance_interval": None if low != low else [low, high],
                "of_replicates": [_finite(value) for value in changes],
            }
        )
    return rows


def _told_of(fit: Fit, item: Assay) -> dict[str, float | str | None]:
    none, *_, highest = item.growth.mean(axis=0).tolist()
    return {
        "ic50_nM": fit.ic50,
        "no_ic50_because": fit.why or None,
        "growth": none,
        "growth_at_highest": highest,
        "steepness": _finite(fit.steepness) if fit.ic50 is not None else None,
    }


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _print(run: str | Path, drug: str, days: float, rows: Sequence[dict[str, Any]], highest: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "at", "at start", "growth", f"at {highest:g} nM", "IC50 (nM)", "ln(IC50/first)", "95 %", "replicates", box=None
    )
    table.title = f"{run}, {drug}; growth: ln({rows[0]['counted']} after {days:g} d / at the start)"
    table.title_justify = "left"

    def shown(value: float | None, form: str = ".3f") -> str:
        return "-" if value is None else format(value, form)

    for row in rows:
        table.add_row(
            row["at"],
            str(row["at_start"]),
            shown(row["growth"]),
            shown(row["growth_at_highest"]),
            row["no_ic50_because"] or shown(row["ic50_nM"], ".3g"),
            shown(row["resistance"], "+.3f"),
            " to ".join(shown(bound, "+.2f") for bound in row["resistance_interval"] or (None,)),
            ", ".join(shown(value, "+.2f") for value in row["of_replicates"]),
        )
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)


def _write_csv(path: Path, at: Sequence[str], found: Sequence[Assay]) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = None
        for time, item in zip(at, found, strict=True):
            for row in item.rows():
                writer = writer or csv.DictWriter(file, ["at", *row])
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerow({"at": time, **row})
