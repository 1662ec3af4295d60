"""What drugs leave of the activity of nodes.

ATP-competitive inhibitors of one node share its ATP pocket: what is left is 1/(1 + Σ C/K). A rapalog forms a complex
with FKBP-12 that binds mTOR beside the active site and inhibits it in part: what is left is
1 − Σ (E n C/K) / (1 + Σ C/K), over all that share FKBP-12, with the largest inhibition E and n the product of what it
needs in the cell (FKBP-12, the FKB domain), 1 in a cell without alteration. C is the unbound concentration at the cell.

So it is under Loewe additivity (``sets.combination: loewe``): a drug given as two halves does what the whole does.
Under Bliss independence (``bliss``) each drug with its active metabolites leaves what it would alone; these multiply.

In the catalog a drug has ``<node>_inhibition`` (K; of a metabolite with its name behind), for partial inhibition
``largest_<node>_inhibition``, and the fact ``<node>_inhibition_needs``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tumorabm.processes.process import Values
from tumorabm.processes.signaling.course import Left
from tumorabm.processes.signaling.network import Make, Network
from tumorabm.tissue.tissue import Tissue

_SUFFIX: Final = "_inhibition"


@dataclass(frozen=True)
class Inhibitor:
    """A compound and a node that it inhibits.

    Attributes
    ----------
    compound, node : str
    constant : float
        K, nM of the unbound compound.
    largest : float
        E; 1 for competition with ATP.
    needs : tuple of str
        Nodes that it acts through.
    group : str
        Inhibitors of a node in one group add up, what groups leave multiplies: a drug's name under Bliss independence.
    """

    compound: str
    node: str
    constant: float
    largest: float = 1.0
    needs: tuple[str, ...] = ()
    group: str = ""

    @property
    def competes(self) -> bool:
        """Whether it competes with ATP."""
        return self.largest == 1.0 and not self.needs


def inhibitors_of(catalog: Values, drugs: Iterable[str], sets: Mapping[str, str]) -> tuple[Inhibitor, ...]:
    """What the catalog says of some drugs and their active metabolites, in the order of drug, node, compound."""
    out = []
    for drug in sorted(set(drugs)):
        stem = f"drugs.{drug}."
        names = sorted(path.removeprefix(stem) for path in catalog.paths() if path.startswith(stem))
        for name in names:
            node, found, compound = name.partition(_SUFFIX)
            if not found or node.startswith("largest_") or not (compound == "" or compound.startswith("_")):
                continue
            entry = catalog.entry(f"{stem}{name}", sets)
            if entry.validation:
                continue
            largest = f"largest_{node}{_SUFFIX}"
            facts = catalog.noun("drugs", drug).facts
            out.append(
                Inhibitor(
                    compound.removeprefix("_") or drug,
                    node,
                    catalog.get(f"{stem}{name}", "nM", sets),
                    catalog.get(f"{stem}{largest}", "1", sets) if largest in names else 1.0,
                    tuple(facts.get(f"{node}{_SUFFIX}_needs", ())),
                    drug if independent(sets) else "",
                )
            )
    return tuple(out)


def independent(sets: Mapping[str, str]) -> bool:
    """Whether drugs act independently (Bliss) instead of as doses of one drug (Loewe)."""
    return sets.get("combination") == "bliss"


def groups_of(inhibitors: Iterable[Inhibitor]) -> list[list[Inhibitor]]:
    """Inhibitors by group, in the order of the groups' names."""
    groups: dict[str, list[Inhibitor]] = {}
    for item in inhibitors:
        groups.setdefault(item.group, []).append(item)
    return [groups[name] for name in sorted(groups)]


def left_by(
    network: Network,
    inhibitors: Sequence[Inhibitor],
    concentrations: Mapping[str, np.ndarray | float],
    make: Make,
    cells: int,
) -> Left:
    """What inhibitors leave in cells of one make.

    Parameters
    ----------
    concentrations : mapping of str to ndarray of shape (cells,), or float
        Unbound, nM, by compound; compounds without an entry are not there.
    """
    by_node: dict[int, list[Inhibitor]] = {}
    for item in inhibitors:
        if item.compound in concentrations and item.node in network:
            by_node.setdefault(network.index(item.node), []).append(item)
    nodes = [index for index in sorted(by_node) if not make.held[index]]
    share = np.ones((cells, len(nodes)))
    for column, index in enumerate(nodes):
        for group in groups_of(by_node[index]):
            competing: np.ndarray | float = 0.0
            beside: np.ndarray | float = 0.0
            effect: np.ndarray | float = 0.0
            for item in group:
                ratio = concentrations[item.compound] / item.constant
                if item.competes:
                    competing = competing + ratio
                else:
                    needs = min(float(np.prod([_present(network, make, name) for name in item.needs])), 1.0)
                    beside, effect = beside + ratio, effect + item.largest * needs * ratio
            share[:, column] *= (1.0 - effect / (1.0 + beside)) / (1.0 + competing)
    return Left(np.array(nodes, dtype=np.int64), share)


def share_left(inhibitors: Iterable[Inhibitor], concentrations: Mapping[str, float]) -> float:
    """What inhibitors of one target leave of it, in cells that have all that partial inhibitors act through.

    Parameters
    ----------
    concentrations : mapping of str to float
        Unbound, nM, by compound; compounds without an entry are not there.
    """
    left = 1.0
    for group in groups_of(inhibitors):
        competing = beside = effect = 0.0
        for item in group:
            ratio = concentrations.get(item.compound, 0.0) / item.constant
            if item.competes:
                competing += ratio
            else:
                beside, effect = beside + ratio, effect + item.largest * ratio
        left *= (1.0 - effect / (1.0 + beside)) / (1.0 + competing)
    return left


def lowering(inhibitors: Iterable[Inhibitor], tissue: Tissue) -> float:
    """Factor 1 + Σ C/K by which inhibitors in blood that compete with ATP lower one target, of groups the product."""
    factor = 1.0
    for group in groups_of(inhibitors):
        constants = {item.compound: item.constant for item in group}
        there = in_blood(tissue, constants)
        factor *= 1.0 + sum(there[name] / constants[name] for name in there)
    return factor


def in_blood(tissue: Tissue, compounds: Iterable[str]) -> dict[str, float]:
    """Unbound concentrations of compounds in blood as a mean over the step, nM."""
    patient = tissue.patient
    return {
        name: patient.unbound_mean.get(name, 0.0) + patient.exposure.get(name, 0.0) for name in sorted(set(compounds))
    }


def _present(network: Network, make: Make, node: str) -> float:
    """What a make has of a node that nothing drives, relative to a cell without alteration; all of one not modeled."""
    if node not in network:
        return 1.0
    index = network.index(node)
    return float(make.level[index] * make.basal[index] / network.basal[index])
