"""Cytokines given as drugs: more T cells come, and those that are there kill faster.

A drug with ``<rate>_stimulation`` (K, nM of half its effect) and ``largest_<rate>_stimulation`` (F) multiplies a rate
by 1 + (F - 1) C/(C + K), with C its unbound concentration in blood as a mean over the step; several of them multiply.
The rates are ``t_cell_recruitment`` and ``t_cell_killing``. Interferon alpha shows tumor cells to T cells,
interleukin-2 multiplies T cells and what they do; both are summed up as what they do to these rates.

What an experiment's doses do to the tumor is then up to T cells: a tumor that hides from them (HLA-G, HLA-E) or that
has none nearby does not respond. That few tumors respond is not put in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.processes.signaling.inhibitors import in_blood
from tumorabm.tissue.tissue import Tissue

_SUFFIX: Final = "_stimulation"
EVENTS: Final = {"t_cell_recruitment": "admit_t_cell", "t_cell_killing": "kill"}


@dataclass(frozen=True)
class Stimulus:
    """A drug and a rate that it raises.

    Attributes
    ----------
    drug, rate : str
    constant : float
        K, nM.
    largest : float
        F.
    """

    drug: str
    rate: str
    constant: float
    largest: float


def stimuli_of(catalog: Values, drugs: Sequence[str], sets: Mapping[str, str]) -> tuple[Stimulus, ...]:
    """What the catalog says that some drugs raise, in the order of drug and rate."""
    paths, out = set(catalog.paths()), []
    for drug in sorted(set(drugs)):
        for rate in sorted(EVENTS):
            path = f"drugs.{drug}.{rate}{_SUFFIX}"
            if path in paths:
                largest = catalog.get(f"drugs.{drug}.largest_{rate}{_SUFFIX}", "1", sets)
                out.append(Stimulus(drug, rate, catalog.get(path, "nM", sets), largest))
    return tuple(out)


class CytokineStimulation(Process):
    """Factors of cytokines on the rates of T cells.

    Parameters
    ----------
    stimuli : sequence of Stimulus
        Of the experiment's drugs.
    """

    name = "cytokine_stimulation"
    phase = Phase.RATES
    kind = Kind.DIAGNOSTIC
    mechanism = "t_cells"
    reads = ("patient",)
    writes = tuple(f"rates/{event}" for event in EVENTS.values())
    targets = tuple(EVENTS)

    def __init__(self, stimuli: Sequence[Stimulus] = ()) -> None:
        super().__init__({})
        self.stimuli = tuple(stimuli)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with what the experiment's drugs stimulate."""
        return cls(stimuli_of(catalog, (*choice.drugs, *choice.exposure), choice.sets))

    def step(self, tissue: Tissue, dt: float) -> None:
        there = in_blood(tissue, [item.drug for item in self.stimuli])
        for rate, event in EVENTS.items():
            factor = 1.0
            for item in self.stimuli:
                if item.rate == rate:
                    share = there[item.drug] / (there[item.drug] + item.constant)
                    factor *= 1.0 + (item.largest - 1.0) * share
            if factor != 1.0:
                tissue.rates.multiply(event, self.name, np.full(tissue.cells.n, factor))
