"""Culture medium: substrates that a stirred medium over the slab keeps near a concentration.

Through the unstirred layer of medium, of thickness δ, a site of height h exchanges with what is stirred: the source is
D (c_m − c)/(δ h), with D the substrate's diffusivity and c_m its concentration in the medium. So cells in a dish feel
what they and their neighbors take up, but no more than the layer allows. There is no medium without ``medium`` in the
experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.tissue.tissue import Tissue


class Medium(Process):
    """Exchange of substrates with a stirred medium.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    held : mapping of str to (float, float)
        Concentration in the medium, in the substrate's unit, and diffusivity (um^2/h), by substrate.
    """

    name = "medium"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    asked_for_by = "medium"
    parameters = {
        "layer": Parameter("cell_types.tumor.medium_layer", "um", "unstirred medium over cells in a dish", above=0),
    }
    reads = ()
    writes = ("terms",)

    def __init__(self, values: Mapping[str, float], held: Mapping[str, tuple[float, float]] | None = None) -> None:
        super().__init__(values)
        self.held = dict(sorted((held or {}).items()))
        self.substrates = tuple(self.held)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with what the experiment's medium holds."""
        held = {
            name: (value, catalog.get(f"substrates.{name}.diffusivity", "um^2/h", choice.sets))
            for name, value in choice.medium.items()
        }
        return cls(cls.values_from(catalog, choice.sets, given), held)

    def step(self, tissue: Tissue, dt: float) -> None:
        for name, (value, diffusivity) in self.held.items():
            rate = diffusivity / (self.p.layer * tissue.lattice.spacing)
            field = tissue.microenvironment[name]
            field.contribute("loss", self.name, np.full(tissue.lattice.sites, rate))
            field.contribute("source", self.name, np.full(tissue.lattice.sites, rate * value))
