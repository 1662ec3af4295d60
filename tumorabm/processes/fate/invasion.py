"""Invasion: tumor cells that hold on to each other less, and what guides them.

**Hold.** The adhesion of a tumor cell is that of the reference cell times

    h = E R(β) / (E_ref R(β_ref)) · (1 − w (1 − m)),    R(β) = 1/(1 + (β/β_half)^n)

with E the membrane's E-cadherin and β the nuclear beta-catenin of its signaling network: HGF takes beta-catenin from
E-cadherin, and what gets into the nucleus, where pVHL does not hold it back, replaces cell contacts. m is the density
of matrix at the cell, which it holds on to as well. The reference cell's lesion stays as compact as it is without
invasion.

Where EMT is on, h is that times what a mesenchymal cell holds on, relative to an epithelial one.

**Speed.** A cell that holds on less is faster, 1 + (f − 1)(1 − h) times where h < 1: HGF scatters cells. What EMT takes
of h is left out here, as mesenchymal cells have a speed of their own.

**Guides.** A hop gains what the guide of its sites rises, g = w_H c/(K + c) + w_V v + w_M m: along HGF, by the
occupancy of MET; along vessels, v = 1 on a vessel's site and beside it (co-option); towards denser matrix (haptotaxis).
The hop is carried out in ``commit``. Without signaling, HGF or matrix, what needs them is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np

from tumorabm.kernel import as_exponent, kernel
from tumorabm.processes.fate.commit import HOLD
from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.resistance.mesenchymal import MesenchymalFactor
from tumorabm.processes.signaling.cell_signaling import Drive
from tumorabm.processes.signaling.tumor import CELL_TYPE, TUMOR_NETWORK
from tumorabm.tissue.cells import TUMOR, VESSEL, Column
from tumorabm.tissue.geometry import beside_free
from tumorabm.tissue.tissue import Tissue

_CATENIN, _CADHERIN = "beta_catenin", "e_cadherin"
_HGF, _MATRIX = "hgf", "matrix"
_MESENCHYMAL = "cell_types.tumor.emt_hold"


class Invasion(Process):
    """What tumor cells hold on to, and what guides their hops.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    catenin, cadherin : Drive, optional
        Nuclear beta-catenin and E-cadherin of the network, where tumor signaling is on and has them.
    on_matrix : bool
        Whether there is matrix.
    loosened : MesenchymalFactor, optional
        Of the hold, where EMT is on.
    """

    name = "invasion"
    phase = Phase.REQUESTS
    kind = Kind.DIAGNOSTIC
    mechanism = "invasion"
    parameters = {
        "half": Parameter("cell_types.tumor.hold_catenin_half", "1", "nuclear beta-catenin that halves hold", above=0),
        "exponent": Parameter("cell_types.tumor.hold_catenin_exponent", "1", "steepness of that"),
        "by_matrix": Parameter("cell_types.tumor.hold_by_matrix", "1", "share of hold that matrix gives"),
        "loose_speed": Parameter("cell_types.tumor.loose_speed", "1", "of a cell without hold, relative", above=0),
        "along_hgf": Parameter("cell_types.tumor.hgf_attraction", "1", "weight of MET's occupancy in the guide"),
        "met_half": Parameter("substrates.hgf.met_dissociation", "nM", "of HGF and MET", above=0),
        "along_vessels": Parameter("cell_types.tumor.vessel_attraction", "1", "what a vessel adds to the guide"),
        "along_matrix": Parameter("cell_types.tumor.matrix_attraction", "1", "weight of matrix in the guide"),
    }
    columns: tuple[Column, ...] = (HOLD, TUMOR_NETWORK)
    substrates: tuple[str, ...] = (_HGF,)
    reads = (
        "cells/site",
        "cells/cell_type",
        "cells/state",
        "cells/tumor_network",
        "cells/emt",
        "microenvironment/hgf",
        "microenvironment/matrix",
    )
    writes = ("cells/hold", "rates/migrate", "requests/guides")

    def __init__(
        self,
        values: Mapping[str, float],
        catenin: Drive | None = None,
        cadherin: Drive | None = None,
        on_matrix: bool = False,
        loosened: MesenchymalFactor | None = None,
    ) -> None:
        super().__init__(values)
        self.catenin, self.cadherin, self.on_matrix, self.loosened = catenin, cadherin, on_matrix, loosened
        self.substrates = (_HGF, _MATRIX) if on_matrix else (_HGF,)
        needed = (catenin, cadherin, loosened)
        self.columns = (HOLD, *dict.fromkeys(item.column for item in needed if item is not None))

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with the two nodes of the cells' network, where it has them."""
        catenin, cadherin = (Drive.of_node(catalog, choice, CELL_TYPE, node) for node in (_CATENIN, _CADHERIN))
        loosened = MesenchymalFactor.from_catalog(catalog, choice, _MESENCHYMAL)
        values = cls.values_from(catalog, choice.sets, given)
        return cls(values, catenin, cadherin, _MATRIX in choice.substrates, loosened)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        rows = cells.alive(TUMOR)
        hold = self.hold(tissue, rows)
        cells["hold"][rows] = hold if self.loosened is None else hold * self.loosened.of(tissue, rows)
        faster = np.ones(cells.n)
        faster[rows] = (1.0 + (self.p.loose_speed - 1.0) * np.maximum(0.0, 1.0 - hold)) ** 2
        tissue.rates.multiply("migrate", self.name, faster)
        tissue.requests.guide(TUMOR, self.guide(tissue))

    def hold(self, tissue: Tissue, rows: np.ndarray) -> np.ndarray:
        """Adhesion of some tumor cells relative to the reference cell but for EMT, shape (m,)."""
        hold = np.ones(rows.size)
        if self.cadherin is not None:
            hold *= self.cadherin.relative(tissue, rows)
        if self.catenin is not None:
            hold *= self._kept(self.catenin.activity(tissue, rows)) / self._kept(self.catenin.reference)
        if self.on_matrix:
            matrix = tissue.microenvironment[_MATRIX].at(tissue.cells["site"][rows])
            hold *= 1.0 - self.p.by_matrix * (1.0 - matrix)
        return hold

    def guide(self, tissue: Tissue) -> np.ndarray:
        """What attracts tumor cells, shape (sites,): where it falls by 1, one of e hops is made."""
        fields, p = tissue.microenvironment, self.p
        hgf = fields[_HGF].concentration.reshape(-1)
        guide = np.empty(tissue.lattice.sites)
        vessel = tissue.cells.occupancy[VESSEL]
        _fill_guide(vessel, tissue.lattice.geometry, hgf, p.along_vessels, p.along_hgf, p.met_half, guide)
        if self.on_matrix:
            guide += p.along_matrix * fields[_MATRIX].concentration.reshape(-1)
        return guide

    def _kept(self, catenin: np.ndarray | float) -> np.ndarray | float:
        return 1.0 / (1.0 + (catenin / self.p.half) ** as_exponent(self.p.exponent))


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_guide(vessel, geometry, hgf, along_vessels, along_hgf, half, out):
    """What vessels and HGF add to the guide of every site."""
    free = np.empty_like(vessel)  # a vessel's site as one that is free
    for site in range(vessel.size):
        free[site] = -1 if vessel[site] >= 0 else 0
    near = beside_free(free, geometry)
    for site in range(out.size):
        out[site] = along_vessels * near[site] + along_hgf * (hgf[site] / (half + hgf[site]))
