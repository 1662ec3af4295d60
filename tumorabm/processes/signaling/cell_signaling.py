"""The network of one type of cell: what its cells receive, its course over a step, and what rates take from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Final, Self

import numpy as np

from tumorabm.kernel import share_out
from tumorabm.processes.process import Choice, Kind, NetworkChoice, Phase, Process, Values
from tumorabm.processes.signaling.course import Left, advance, steady
from tumorabm.processes.signaling.inhibitors import Inhibitor, inhibitors_of, left_by
from tumorabm.processes.signaling.network import Make, Network
from tumorabm.tissue.cells import Column
from tumorabm.tissue.genotypes import ByGenotype
from tumorabm.tissue.tissue import Tissue

# Of a substrate whose concentration a network takes relative to blood.
_IN_BLOOD: Final = "vessel_concentration"
# Cells that are followed together: their activities stay in the processor's cache, and threads share the parts.
_TOGETHER: Final = 8192
# Of an alteration, what the cell shows to other cells or has in its membrane: no effect on the network.
_SHOWN: Final = "_expression"
# How often it is gained: no effect at all.
_GAIN: Final = "gain_rate"
# Molecules whose expression is relative to the reference cell; of others it is a share of the full effect.
_RELATIVE: Final = ("abcb1", "abcc1", "abcg2")


def network_column(cell_type: str, network: Network | None = None) -> Column:
    """The column with the activities of a network's nodes; its declaration only, without a network."""
    labels = network.nodes if network is not None else ()
    return Column(
        f"{cell_type}_network", "1", "activity of each node of the signaling network", "f8", 0.0, "copy",
        (len(labels),) if labels else (), labels,
    )  # fmt: skip


def read_network(catalog: Values, choice: NetworkChoice, sets: Mapping[str, str]) -> Network:
    """The chosen network, with the inputs that the experiment gives."""
    return Network.from_catalog(catalog, choice.network, sets).with_inputs(choice.inputs)


def effects_of(catalog: Values, alterations: Sequence[str], sets: Mapping[str, str]) -> dict[str, float]:
    """What alterations do to nodes and edges, several to the same one multiplied (levels, weights) or joined."""
    found = _joined(catalog, alterations, sets)
    return {name: value for name, value in found.items() if not name.endswith(_SHOWN)}


def expressions_of(catalog: Values, alterations: Sequence[str], sets: Mapping[str, str]) -> dict[str, float]:
    """What alterations make a cell express, by ``<molecule>_expression``, several to the same one joined."""
    found = _joined(catalog, alterations, sets)
    return {name: value for name, value in found.items() if name.endswith(_SHOWN)}


def _joined(catalog: Values, alterations: Sequence[str], sets: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for alteration in alterations:
        for name in catalog.noun("alterations", alteration).values:
            if name == _GAIN:
                continue
            value = catalog.get(f"alterations.{alteration}.{name}", "1", sets)
            known = found.get(name)
            if known is None:
                found[name] = value
            elif name.endswith(("_activity", _SHOWN)) and not name.startswith(_RELATIVE):
                found[name] = 1.0 - (1.0 - known) * (1.0 - value)
            else:
                found[name] = known * value
    return found


class CellSignaling(Process):
    """Course of the signaling network in the living cells of one type.

    Parameters
    ----------
    network : Network
    makes : ByGenotype of Make
        By the alterations of a cell's clone.
    inhibitors : sequence of Inhibitor
    blood : mapping of str to float
        Concentration in blood, by input, of what the network takes relative to it.
    """

    cell_type: ClassVar[str]
    row_type: ClassVar[int]
    phase = Phase.SIGNALS
    kind = Kind.EVOLVING

    def __init__(
        self,
        network: Network,
        makes: ByGenotype[Make],
        inhibitors: Sequence[Inhibitor] = (),
        blood: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__({})
        self.network, self.makes, self.inhibitors = network, makes, tuple(inhibitors)
        self.blood = dict(blood or {})
        self.columns = (network_column(self.cell_type, network),)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process for the chosen network, the makes of the clones and the inhibitors among the drugs."""
        chosen = choice.signaling[cls.cell_type]
        network = read_network(catalog, chosen, choice.sets)
        makes = ByGenotype(
            lambda genotype: network.make(effects_of(catalog, genotype, choice.sets), chosen.clamp, chosen.cut),
            cls.genotypes(choice),
        )
        relative = {
            name: substrate
            for name, substrate in network.substrates.items()
            if network.units[name] == "1" and substrate in choice.substrates
        }
        blood = {
            name: catalog.get(
                f"substrates.{substrate}.{_IN_BLOOD}", catalog.fact(f"substrates.{substrate}.unit"), choice.sets
            )
            for name, substrate in relative.items()
        }
        return cls(network, makes, inhibitors_of(catalog, (*choice.drugs, *choice.exposure), choice.sets), blood)

    @classmethod
    def genotypes(cls, choice: Choice) -> Sequence[Sequence[str]]:
        """Alterations of the makes of cell that there are at the start or may be soon."""
        return ((),)

    def concentrations(self, tissue: Tissue, sites: np.ndarray) -> dict[str, np.ndarray | float]:
        """Unbound concentrations (nM) of compounds at some sites."""
        raise TypeError(f"process {self.name} does not say what reaches its cells")

    def make_of(self, tissue: Tissue, rows: np.ndarray) -> np.ndarray:
        """Which make each cell is of, by its place among ``makes.values``."""
        return np.zeros(rows.size, dtype=np.int64)

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt <= 0.0:
            return
        state = tissue.cells[self.columns[0].name]

        def follow(part: tuple[np.ndarray, Make]) -> None:
            rows, make = part
            inputs, left = self.received(tissue, rows, make)
            advance(self.network, state, rows, inputs, make, left, dt)

        share_out(follow, self.parts(tissue))

    def relax(self, tissue: Tissue) -> None:
        """Bring all cells to the steady state of what they receive now."""
        state = tissue.cells[self.columns[0].name]

        def settle(part: tuple[np.ndarray, Make]) -> None:
            rows, make = part
            start = steady(self.network, self.network.reference_inputs(), make)
            inputs, left = self.received(tissue, rows, make)
            state[rows] = steady(self.network, inputs, make, left, start)

        share_out(settle, self.parts(tissue))

    def parts(self, tissue: Tissue) -> list[tuple[np.ndarray, Make]]:
        """Rows of living cells with their make, not too many of them at once."""
        living = tissue.cells.alive(self.row_type)
        kinds = self.make_of(tissue, living)
        return [
            (rows[begin : begin + _TOGETHER], self.makes.values[kind])
            for kind in np.flatnonzero(np.bincount(kinds)).tolist()
            for rows in (living[kinds == kind],)
            for begin in range(0, rows.size, _TOGETHER)
        ]

    def received(self, tissue: Tissue, rows: np.ndarray, make: Make) -> tuple[np.ndarray, Left]:
        """Inputs of some cells of one make, and what inhibitors leave in them."""
        sites = tissue.cells["site"][rows]
        left = left_by(self.network, self.inhibitors, self.concentrations(tissue, sites), make, rows.size)
        return self._inputs(tissue, sites), left

    def _inputs(self, tissue: Tissue, sites: np.ndarray) -> np.ndarray:
        """What the cells at some sites receive, shape (m, inputs): from fields where there are any."""
        inputs = np.empty((sites.size, len(self.network.inputs)))
        for column, (name, usual) in enumerate(self.network.inputs.items()):
            substrate = self.network.substrates[name]
            if substrate in tissue.microenvironment:
                inputs[:, column] = tissue.microenvironment[substrate].at(sites)
                if name in self.blood:
                    inputs[:, column] /= self.blood[name]
            else:
                inputs[:, column] = usual
        return inputs


def drives_of(catalog: Values, choice: Choice, output: str) -> dict[str, Drive]:
    """An output's drive in every type of cell whose signaling is on and has it, by type."""
    found = {cell_type: Drive.from_catalog(catalog, choice, cell_type, output) for cell_type in choice.signaling}
    return {cell_type: drive for cell_type, drive in found.items() if drive is not None}


class Drive:
    """One output of a cell relative to that of the reference cell: what a rate is multiplied by.

    Parameters
    ----------
    column : Column
        Of the network's state.
    index : int
        Place of the output among the nodes.
    usual : Network
        As the catalog has it, without the inputs that an experiment gives.
    effects : mapping of str to float
        Of the reference cell's alterations.
    """

    def __init__(self, column: Column, index: int, usual: Network, effects: Mapping[str, float]) -> None:
        self.column, self.index, self._usual, self._effects = column, index, usual, effects

    @cached_property
    def reference(self) -> float:
        """Output of the cell on which the rates were measured, in the reference state and without any clamp."""
        return float(
            steady(self._usual, self._usual.reference_inputs(), self._usual.make(self._effects))[0, self.index]
        )

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, cell_type: str, output: str) -> Drive | None:
        """The drive, or None where the cells' signaling is off or their network has no such output."""
        drive = cls.of_node(catalog, choice, cell_type, output)
        return drive if drive is not None and output in drive._usual.outputs else None

    @classmethod
    def of_node(cls, catalog: Values, choice: Choice, cell_type: str, node: str) -> Drive | None:
        """The same of any node of the network."""
        chosen = choice.signaling.get(cell_type)
        if chosen is None:
            return None
        network = read_network(catalog, chosen, choice.sets)
        if node not in network:
            return None
        usual = Network.from_catalog(catalog, chosen.network, choice.sets)
        effects = effects_of(catalog, usual.reference, choice.sets)
        return cls(network_column(cell_type, network), network.index(node), usual, effects)

    def activity(self, tissue: Tissue, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The output of every cell, or of some, shape (n,); 0 in cells of other types."""
        return tissue.cells[self.column.name][rows, self.index]

    def relative(self, tissue: Tissue, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The output relative to that of the reference cell, shape (n,)."""
        return self.activity(tissue, rows) / self.reference
