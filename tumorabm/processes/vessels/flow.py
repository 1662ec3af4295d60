"""Blood flow: Poiseuille's law on the graph of open endothelial cells.

Two linked cells a distance L apart are joined by a tube of conductance π r⁴ / (8 μ L). Where blood enters and leaves
the pressure is given, a little different at each such place, and what flows into any other cell flows out of it; that
is a linear system for the pressures. Blood flows only through cells on a path from an inlet to an outlet
(``perfusion``). ``solvers/vessel_flow`` solves it exactly, and the result follows from the vessels as they are, not
from what was before.

Wall shear stress is 4 μ Q / (π r³). A cell through which less than a least flow passes does not count as perfused.
A leaky vessel (``permeability``) loses plasma and its resistance rises by the factor 1 + ρ leakiness. One radius and
one viscosity for all: how hematocrit divides at branching points is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.transport.oxygen import FLOW, PERFUSED, ROOT, SHEAR
from tumorabm.processes.vessels.perfusion import LUMEN_AGE, open_marks
from tumorabm.processes.vessels.permeability import LEAKINESS
from tumorabm.solvers.vessel_flow import Currents, currents
from tumorabm.tissue.cells import ENDOTHELIAL, Column
from tumorabm.tissue.random import purpose, uniforms
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import ARTERIOLE, NOT_ROOT

PRESSURE = Column("pressure", "mmHg", "of the blood in an endothelial cell's lumen, 0 without flow", "f8", 0.0, "reset")
_DEVIATION = purpose("pressure of an inlet or outlet")


class Flow(Process):
    """Flow, pressure and wall shear stress of blood; who has too little of it is not perfused."""

    name = "flow"
    mechanism = "flow"
    phase = Phase.VESSELS
    kind = Kind.DIAGNOSTIC
    indispensable = "supply and survival follow it; its mechanism can be switched off"
    parameters = {
        "arteriole_pressure": Parameter("cell_types.endothelial.arteriole_pressure", "mmHg", "where blood enters"),
        "venule_pressure": Parameter("cell_types.endothelial.venule_pressure", "mmHg", "where blood leaves"),
        "spread": Parameter("cell_types.endothelial.root_pressure_spread", "mmHg", "largest deviation from these"),
        "radius": Parameter("cell_types.endothelial.vessel_radius", "um", "of a capillary", above=0),
        "viscosity": Parameter("cell_types.endothelial.blood_viscosity", "mmHg*h", "of blood in capillaries", above=0),
        # The same in the units of wall shear stress.
        "viscosity_in_pascal": Parameter("cell_types.endothelial.blood_viscosity", "Pa*h", "the same", above=0),
        "least_flow": Parameter("cell_types.endothelial.least_flow", "um^3/h", "with less a vessel is not perfused"),
        "leak_resistance": Parameter(
            "cell_types.endothelial.leak_resistance", "1", "rise of the resistance of a fully leaky vessel"
        ),
        "delay": Parameter("cell_types.endothelial.perfusion_delay", "h", "from link to open lumen"),
    }
    descending = (("arteriole_pressure", "venule_pressure"),)
    columns: tuple[Column, ...] = (FLOW, PRESSURE, SHEAR, PERFUSED, ROOT, LUMEN_AGE, LEAKINESS)
    reads = (
        "cells/uid",
        "cells/site",
        "cells/cell_type",
        "cells/lumen_age",
        "cells/root",
        "cells/leakiness",
        "vasculature/links",
    )
    writes = ("cells/flow", "cells/pressure", "cells/shear", "cells/perfused")

    def __init__(self, values: Mapping[str, float], leaky: bool = False) -> None:
        super().__init__(values)
        self.leaky = leaky
        self.columns = type(self).columns if leaky else type(self).columns[:-1]
        self._known: tuple[tuple[np.ndarray, ...], Currents] | None = None

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Flow:
        """The process, with leaky vessels where permeability is on."""
        return cls(cls.values_from(catalog, choice.sets, given), "permeability" in choice.mechanisms)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells, p = tissue.cells, self.p
        found = self.currents(tissue)
        conductance = math.pi * p.radius**4 / (8.0 * p.viscosity * tissue.lattice.spacing)
        lowest, difference = self.pressures
        names = ("cell_type", "site", "root", "flow", "pressure", "shear", "perfused")
        _fill(
            *(cells[name] for name in names), found.flow, found.pressure, conductance * difference,
            lowest, difference, 4.0 * p.viscosity_in_pascal / (math.pi * p.radius**3), p.least_flow,
        )  # fmt: skip

    @property
    def pressures(self) -> tuple[float, float]:
        """The lowest pressure that an outlet may have, and by how much the highest of an inlet exceeds it, mmHg."""
        p = self.p
        return p.venule_pressure - p.spread, p.arteriole_pressure - p.venule_pressure + 2.0 * p.spread

    def given(self, tissue: Tissue) -> np.ndarray:
        """Pressure at inlets and outlets on a scale from the lowest, 0, to the highest, 1, at every site."""
        cells = tissue.cells
        rows = np.flatnonzero((cells["root"] != NOT_ROOT) & (cells["cell_type"] == ENDOTHELIAL))
        # A property of where a vessel comes from: it does not change.
        deviation = 2.0 * uniforms(tissue.seed, cells["uid"][rows], 0, _DEVIATION) - 1.0
        lowest, difference = self.pressures
        mean = np.where(cells["root"][rows] == ARTERIOLE, self.p.arteriole_pressure, self.p.venule_pressure)
        out = np.zeros(tissue.lattice.sites)
        out[cells["site"][rows]] = ((mean - lowest) + self.p.spread * deviation) / difference
        return out

    def currents(self, tissue: Tissue) -> Currents:
        """The flow in the tissue's vessels, solved anew if anything that it depends on is not as it was."""
        cells, vasculature = tissue.cells, tissue.vasculature
        marks = open_marks(tissue, self.p.delay)
        flowing = vasculature.flowing(marks)
        resistance = np.ones(flowing.size)
        if self.leaky:
            _raise_resistance(cells["cell_type"], cells["site"], cells["leakiness"], self.p.leak_resistance, resistance)
            resistance[~flowing] = 1.0
        given = self.given(tissue)
        inputs = (vasculature.links, marks, resistance, given)
        if self._known is None or not all(map(np.array_equal, inputs, self._known[0])):
            found = currents(vasculature, flowing, marks, resistance, given)
            self._known = ((vasculature.links.copy(), marks, resistance, given), found)
        return self._known[1]


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _raise_resistance(cell_type, site, leakiness, rise, out):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            out[site[row]] = 1.0 + rise * leakiness[row]


@kernel
def _fill(
    cell_type, site, root, flow, pressure, shear, perfused, current, level, scale, base, difference, stress, least
):
    for row in range(site.size):
        if cell_type[row] == ENDOTHELIAL:
            here = site[row]
            flow[row] = scale * current[here]
            pressure[row] = base + difference * level[here] if current[here] > 0.0 else 0.0
            shear[row] = stress * flow[row]
            perfused[row] = root[row] != NOT_ROOT or (current[here] > 0.0 and flow[row] >= least)
