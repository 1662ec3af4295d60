"""The command that looks at signaling networks by themselves, ``dose-response``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorabm.cli_options import CatalogFolders, Json, exit_status, print_json
from tumorabm.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from tumorabm.catalog import Catalog
    from tumorabm.networks.dose_response import DoseResponse, Question, Response

Alterations = Annotated[
    list[str] | None,
    typer.Option("--alterations", metavar="NAMES", help="Of one make of cell, separated by commas; 'none' for none."),
]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", metavar="NAME=QUANTITY", help="What the cell receives: oxygen='2 mmHg'.")
]
Others = Annotated[
    list[str] | None, typer.Option("--with", metavar="DRUG=CONC", help="Another drug, constant: trametinib='10 nM'.")
]
Clamp = Annotated[list[str] | None, typer.Option("--clamp", metavar="NODE=VALUE", help="Hold a node at an activity.")]
Cut = Annotated[list[str] | None, typer.Option("--cut", metavar="EDGE", help="Take away an edge: 's6k -> pi3k'.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="dose-response")(dose_response)


def dose_response(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="Of the catalog, for example rcc_figure1.")],
    drug: Annotated[str, typer.Option("--drug", metavar="NAME", help="Drug of the catalog, or a metabolite of one.")],
    alterations: Alterations = None,
    inputs: Inputs = None,
    others: Others = None,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", metavar="NODE", help="Any node; by default what the drug moves.")
    ] = None,
    low: Annotated[str, typer.Option("--from", metavar="CONC", help="Lowest concentration.")] = "0.01 nM",
    high: Annotated[str, typer.Option("--to", metavar="CONC", help="Highest concentration.")] = "1000 nM",
    points: Annotated[int, typer.Option("--points", min=2, help="Concentrations, evenly on a logarithm.")] = 25,
    clamp: Clamp = None,
    cut: Cut = None,
    targets: Annotated[str, typer.Option("--targets", help="Set of inhibition constants.")] = "cellular",
    kinetics: Annotated[
        str, typer.Option("--kinetics", help="Set of kinetics; it has the oxygen of the reference cell.")
    ] = "patient_metastasis",
    combination: Annotated[
        str, typer.Option("--combination", help="Drugs of --with add up (loewe), or act independently (bliss).")
    ] = "loewe",
    figure: Annotated[Path | None, typer.Option("--figure", metavar="FILE", help="Draw it: .png, .svg, .pdf.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write all values as a table.")] = None,
    catalog: CatalogFolders = None,
    as_json: Json = False,
) -> None:
    """Steady states of a cell's signaling over the unbound concentration of a drug, a curve for each make of cell."""
    with exit_status(as_json):
        from tumorabm.catalog import load_catalog
        from tumorabm.networks import dose_response as asked
        from tumorabm.networks.chosen import NONE, Conditions, checked_sets
        from tumorabm.networks.figure import check_format, draw_dose_response
        from tumorabm.recording.atomic import check_writable

        if figure is not None:
            check_format(figure)
        if csv is not None:
            check_writable(csv)
        constant = {name: _concentration(text, "--with") for name, text in _pairs(others, "--with").items()}
        if drug in constant:
            raise InputError(f"--with {drug}: that is the drug whose concentration rises")
        question = asked.Question(
            network,
            drug,
            _doses(low, high, points),
            checked_sets({"targets": targets, "kinetics": kinetics, "combination": combination}),
            [() if text.strip() in ("", NONE) else _names(text) for text in alterations or ()],
            outputs or (),
            Conditions(_pairs(inputs, "--input"), _activities(_pairs(clamp, "--clamp")), cut or ()),
            constant,
        )
        found = asked.dose_response(load_catalog(catalog or ()), question)
        if csv is not None:
            _write_csv(csv, found)
        if figure is not None:
            draw_dose_response(figure, found)
        if as_json:
            print_json(_told(found, figure, csv))
        else:
            _print_responses(found)
            for path in (figure, csv):
                if path is not None:
                    print(path)


def with_structure(catalog: Catalog, name: str, told: dict[str, Any]) -> dict[str, Any]:
    """What the catalog has of a network, for JSON, with its edges and the steady states of its reference cell."""
    from tumorabm.networks.description import described

    return {key: {**content, **described(catalog, name)} for key, content in told.items()}


def show(catalog: Catalog, name: str | None, dot: bool, figure: Path | None) -> None:
    """Print the list of networks, or one of them: in words, for Graphviz, or into a picture."""
    from tumorabm.networks import printed

    if name is None:
        printed.print_list(catalog)
    elif dot or figure is not None:
        printed.draw(catalog, name, dot, figure)
    else:
        printed.print_network(catalog, name)


def _pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """What an option that may be repeated says, by name."""
    out: dict[str, str] = {}
    for text in given or ():
        name, separator, value = (part.strip() for part in text.partition("="))
        if not separator or not name or not value:
            raise InputError(f"{option} {text}: expected NAME=VALUE")
        if name in out:
            raise InputError(f"{option} {text}: {name} is named twice")
        out[name] = value
    return out


def _activities(pairs: dict[str, str]) -> dict[str, float]:
    out = {}
    for name, text in pairs.items():
        try:
            out[name] = float(text)
        except ValueError:
            raise InputError(f"--clamp {name}={text}: expected a number from 0 to 1") from None
    return out


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _concentration(text: str, option: str, bound: str = "not_negative") -> float:
    from tumorabm.config.quantity import Wrong, read_quantity

    try:
        return read_quantity(text, "nM", bound, "10 nM")
    except Wrong as error:
        raise InputError(f"{option}: {error}") from None


def _doses(low: str, high: str, points: int) -> np.ndarray:
    from tumorabm.networks.dose_response import concentrations_between

    ends = _concentration(low, "--from", "above_zero"), _concentration(high, "--to", "above_zero")
    if not ends[0] < ends[1]:
        raise InputError(f"--from {low} does not lie below --to {high}")
    return concentrations_between(*ends, points)


def _print_responses(found: DoseResponse) -> None:
    from tumorabm.networks.printed import print_table

    heads = ("make", "node", "without", "at the highest", "half-maximal", "largest effect", "at")
    rows = [
        (
            item.make,
            f"{item.node} (inhibited)" if item.node in found.inhibited else item.node,
            f"{item.untreated:.3g}",
            _share(item.relative[-1]),
            _half(item, found.question),
            "-" if math.isnan(item.relative[-1]) else f"{100 * item.largest:+.1f} %",
            _dose(item.largest_at),
        )
        for item in found.responses()
    ]
    question = found.question
    first, last = question.concentrations[[0, -1]]
    print(f"{question.drug} in {found.network.name}, {first:g} to {last:g} nM unbound in the cell{_around(question)}")
    print_table(heads, rows)
    print(
        "without: steady activity without the drug; at the highest: over that; half-maximal: where half of the effect "
        "at the\nhighest concentration is reached, '-' where that is below 1 %."
    )
    for curve in found.curves:
        if curve.two.any():
            doses = (0.0, *question.concentrations.tolist())
            where = [dose for dose, two in zip(doses, curve.two.tolist(), strict=True) if two]
            print(f"{curve.make}: two steady states at {len(where)} of {len(doses)} concentrations, {_span(where)}")


def _around(question: Question) -> str:
    """What else is said about the cell."""
    said = [f"{name} {value:g} nM" for name, value in question.others.items()]
    said += [f"{name} {value}" for name, value in question.conditions.inputs.items()]
    said += [f"{node} held at {value:g}" for node, value in question.conditions.clamp.items()]
    said += [f"without {edge}" for edge in question.conditions.cut]
    told = question.others or question.sets["combination"] != "loewe"
    kinds = ("targets", "kinetics", *(["combination"] if told else ()))
    said += [f"{kind}: {question.sets[kind]}" for kind in kinds]
    return f"; {', '.join(said)}"


def _span(doses: Sequence[float]) -> str:
    return _dose(doses[0]) if len(doses) == 1 else f"from {_dose(doses[0])} to {_dose(doses[-1])}"


def _dose(value: float) -> str:
    return f"{value:.3g} nM" if value < 1000.0 else f"{value:.0f} nM"


def _half(item: Response, question: Question) -> str:
    if item.below_range:
        return f"< {_dose(question.concentrations[0])}"
    return "-" if item.half_maximal is None else _dose(item.half_maximal)


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _told(found: DoseResponse, figure: Path | None, csv: Path | None) -> dict[str, Any]:
    """For JSON, which knows no NaN."""
    question = found.question

    def plain(values: Any) -> list[float | None]:
        return [None if math.isnan(value) else value for value in values.tolist()]

    curves = []
    for curve in found.curves:
        responses = {
            item.node: {
                "without": item.untreated,
                "activity": plain(item.activity),
                "relative": plain(item.relative),
                "half_maximal": item.half_maximal,
                "half_below_range": item.below_range,
                "largest_effect": None if math.isnan(item.relative[-1]) else item.largest,
                "largest_at": item.largest_at,
            }
            for item in (found.response(curve, node) for node in found.outputs)
        }
        two = curve.two.tolist()
        curves.append({"make": curve.make, "two_without": two[0], "two_states": two[1:], "nodes": responses})
    return {
        "network": found.network.name,
        "drug": question.drug,
        "unit": "nM",
        "concentrations": question.concentrations.tolist(),
        "sets": dict(question.sets),
        "inputs": dict(question.conditions.inputs),
        "clamp": dict(question.conditions.clamp),
        "cut": list(question.conditions.cut),
        "with": dict(question.others),
        "inhibited": list(found.inhibited),
        "curves": curves,
        "figure": None if figure is None else str(figure),
        "csv": None if csv is None else str(csv),
    }


def _write_csv(path: Path, found: DoseResponse) -> None:
    import csv
    import io

    from tumorabm.recording.atomic import output, write_text

    rows = list(found.rows())
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with output(path):
        write_text(path, text.getvalue())
