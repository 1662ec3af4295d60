"""Growth factors and other factors besides VEGF-A that tumor cells and host tissue secrete.

A factor is secreted where an experiment has its substrate, at the rate of the reference cell times what the signaling
network's output ``secretion_<substrate>`` says relative to it; without signaling at the reference cell's rate. Host
tissue secretes at a constant rate, also of what tumor cells do not secrete. The substrate's file says how fast it
spreads and decays. What cells of the stroma secrete is in ``cell_secretion``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.processes.signaling.cell_signaling import Drive
from tumorabm.processes.signaling.tumor import CELL_TYPE, TUMOR_NETWORK
from tumorabm.tissue.cells import ALIVE, PARENCHYMA, TUMOR, Column
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import MOLECULES_TO_NANOMOLAR_VOLUME

_RATE: Final = "tumor_secretion"
_HOST: Final = "host_secretion"
VEGF: Final = "vegf_a"  # has a process of its own


class FactorSecretion(Process):
    """Secretion by tumor cells and host tissue of every factor of the experiment that has a rate.

    Parameters
    ----------
    rates : mapping of str to float
        Of the reference cell, molecule/h, by substrate.
    drives : mapping of str to Drive
        By substrate, where tumor signaling is on and has the output.
    host : mapping of str to float
        Of a site of host tissue, molecule/h, by substrate.
    """

    name = "factor_secretion"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    columns: tuple[Column, ...] = (TUMOR_NETWORK,)
    reads = ("cells/site", "cells/cell_type", "cells/state", "cells/tumor_network")
    writes = ("terms",)

    def __init__(
        self,
        rates: Mapping[str, float] | None = None,
        drives: Mapping[str, Drive] | None = None,
        host: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__({})
        self.rates, self.drives, self.host = dict(rates or {}), dict(drives or {}), dict(host or {})
        self.columns = tuple({drive.column for drive in self.drives.values()})

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> FactorSecretion:
        """The process for the experiment's substrates."""
        paths = set(catalog.paths())
        rates, drives, host = {}, {}, {}
        for substrate in choice.substrates:
            if substrate == VEGF:
                continue
            if f"substrates.{substrate}.{_HOST}" in paths:
                host[substrate] = catalog.get(f"substrates.{substrate}.{_HOST}", "molecule/h", choice.sets)
            path = f"substrates.{substrate}.{_RATE}"
            if path not in paths:
                continue
            rates[substrate] = catalog.get(path, "molecule/h", choice.sets)
            drive = Drive.from_catalog(catalog, choice, CELL_TYPE, f"secretion_{substrate}")
            if drive is not None:
                drives[substrate] = drive
        return cls(rates, drives, host)

    def step(self, tissue: Tissue, dt: float) -> None:
        if not (self.rates or self.host):
            return
        cells, sites = tissue.cells, tissue.lattice.sites
        scale = MOLECULES_TO_NANOMOLAR_VOLUME / tissue.lattice.site_volume
        substrates = [*self.rates, *(name for name in self.host if name not in self.rates)]
        sources = np.empty((len(substrates), sites))
        host = {name: self.host.get(name, 0.0) for name in substrates}
        _fill_host(cells.occupancy[PARENCHYMA], _scaled(host, scale), sources)
        names = ("cell_type", "state", "site")
        # A drive's output is a column of the network's state; without one the column is -1.
        network = cells[self.columns[0].name] if self.columns else np.empty((cells.n, 0))
        _fill_tumor(*(cells[name] for name in names), network, *self._places, _scaled(self.rates, scale), sources)
        for substrate, source in zip(substrates, sources, strict=True):
            # Both in one: no site is host tissue and tumor at once.
            tissue.microenvironment[substrate].contribute("source", "tumor_and_host", source)

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Column and reference of each rate's drive."""
        drives = [self.drives.get(substrate) for substrate in self.rates]
        index = np.array([-1 if drive is None else drive.index for drive in drives], dtype=np.int64)
        return index, np.array([1.0 if drive is None else drive.reference for drive in drives])


def _scaled(rates: Mapping[str, float], scale: float) -> np.ndarray:
    return np.array([rate * scale for rate in rates.values()])


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _fill_tumor(cell_type, state, site, network, index, reference, amount, out):
    """What each living tumor cell secretes of each of the first factors, at its site."""
    for row in range(site.size):
        if cell_type[row] == TUMOR and state[row] == ALIVE:
            for k in range(amount.size):
                relative = network[row, index[k]] / reference[k] if index[k] >= 0 else 1.0
                out[k, site[row]] = amount[k] * relative


@kernel
def _fill_host(occupied, amount, out):
    """Fixed amounts on all sites without a cell of the parenchyma, none elsewhere."""
    for k in range(amount.size):
        here, to = amount[k], out[k]
        for place in range(occupied.size):
            to[place] = here if occupied[place] < 0 else 0.0
