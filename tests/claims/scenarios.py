"""Cells of given makes under given inputs and drugs, in the catalog's network and in networks with drawn parameters.

A claim of the review about the network is a statement about the order of such cells. It has to hold with the catalog's
numbers, and in at least SHARE of DRAWS networks whose assumed half-maxima and exponents are drawn from their ranges:
what the review says is about signs, and must not hang on numbers that nobody has measured.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tumorabm.catalog import load_catalog
from tumorabm.processes.signaling.cell_signaling import effects_of
from tumorabm.processes.signaling.course import Left, steady
from tumorabm.processes.signaling.inhibitors import inhibitors_of, left_by
from tumorabm.processes.signaling.network import Network

SETS = {"kinetics": "patient_metastasis", "literature": "review_2016", "targets": "cellular"}
DRAWS, SHARE = 200, 0.9
DRUGS = ("everolimus", "torin1", "trametinib", "mk2206", "sunitinib", "axitinib", "cabozantinib", "dovitinib")
# Of two activities that are the same but for what the solution leaves.
ROUND_OFF = 1e-8

State = Mapping[str, float]
States = Mapping["Cell", State]


@dataclass(frozen=True)
class Cell:
    """A cell of some make, what it receives, and what is done to it.

    Attributes
    ----------
    network : str
    alterations : tuple of str
    inputs : tuple of (str, float)
        Those that differ from the reference state's.
    drugs : tuple of (str, float)
        Unbound, nM.
    clamp : tuple of (str, float)
    cut : tuple of str
    held : tuple of str
        Nodes that stay as they are without the drugs.
    """

    network: str = "rcc_figure1"
    alterations: tuple[str, ...] = ("vhl_mutated",)
    inputs: tuple[tuple[str, float], ...] = ()
    drugs: tuple[tuple[str, float], ...] = ()
    clamp: tuple[tuple[str, float], ...] = ()
    cut: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


def tumor(
    *alterations: str,
    vhl: bool = False,
    drugs: dict | None = None,
    clamp: dict | None = None,
    cut: tuple[str, ...] = (),
    held: tuple[str, ...] = (),
    **inputs: float,
) -> Cell:
    """A tumor cell without VHL, or with it."""
    makes = (*(() if vhl else ("vhl_mutated",)), *alterations)
    return Cell("rcc_figure1", makes, _items(inputs), _items(drugs), _items(clamp), cut, held)


def endothelial(drugs: dict | None = None, clamp: dict | None = None, **inputs: float) -> Cell:
    """An endothelial cell."""
    return Cell("endothelium_figure1", (), _items(inputs), _items(drugs), _items(clamp))


def _items(given: Mapping[str, float] | None) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((given or {}).items()))


@functools.cache
def network(name: str) -> Network:
    """A network of the catalog."""
    return Network.from_catalog(load_catalog(), name, SETS)


@functools.cache
def drawn(name: str, draw: int) -> Network:
    """The network with its assumed half-maxima and exponents drawn from their ranges (half-maxima on a log scale)."""
    catalog = load_catalog()
    generator = np.random.default_rng([draw, len(name)])
    overrides = {}
    for path in catalog.paths():
        if not path.startswith(f"networks.{name}.") or not path.endswith(("_half", "_exponent")):
            continue
        entry = catalog.entry(path, SETS)
        if "assumed" not in entry.source or entry.range is None:
            continue
        low, high = entry.range
        log = path.endswith("_half")
        value = np.exp(generator.uniform(np.log(low), np.log(high))) if log else generator.uniform(low, high)
        overrides[path] = f"{value:.6g} {entry.unit}" if entry.unit != "1" else f"{value:.6g}"
    return Network.from_catalog(catalog.with_overrides(overrides), name, SETS)


@functools.cache
def _effects(alterations: tuple[str, ...]) -> dict[str, float]:
    return effects_of(load_catalog(), alterations, SETS)


@functools.cache
def _inhibitors():
    return inhibitors_of(load_catalog(), DRUGS, SETS)


def states(cells: list[Cell], of: Callable[[str], Network] = network) -> dict[Cell, dict[str, float]]:
    """Steady states of cells, by cell and node."""
    held = [cell for cell in dict.fromkeys(cells) if cell.held]
    untreated = {cell: replace(cell, drugs=(), held=()) for cell in held}
    out = _free([cell for cell in cells if not cell.held] + list(untreated.values()), of)
    clamped = {
        cell: replace(cell, held=(), clamp=_items({node: out[untreated[cell]][node] for node in cell.held}))
        for cell in held
    }
    found = _free(list(clamped.values()), of)
    return out | {cell: found[clamped[cell]] for cell in held}


def _free(cells: list[Cell], of: Callable[[str], Network]) -> dict[Cell, dict[str, float]]:
    """Steady states of cells in which nothing is held."""
    out: dict[Cell, dict[str, float]] = {}
    kinds: dict[tuple, list[Cell]] = {}
    for cell in dict.fromkeys(cells):
        kinds.setdefault((cell.network, cell.alterations, cell.clamp, cell.cut), []).append(cell)
    for (name, alterations, clamp, cut), members in kinds.items():
        net = of(name)
        make = net.make(_effects(alterations), dict(clamp), cut)
        inputs = np.concatenate([net.reference_inputs(**dict(cell.inputs)) for cell in members])
        drugs = {drug for cell in members for drug, _ in cell.drugs}
        given = {drug: np.array([dict(cell.drugs).get(drug, 0.0) for cell in members]) for drug in drugs}
        left: Left = left_by(net, _inhibitors(), given, make, len(members))
        found = steady(net, inputs, make, left)
        out |= {cell: dict(zip(net.nodes, row.tolist(), strict=True)) for cell, row in zip(members, found, strict=True)}
    return out
