"""Tissue taken out of a run, with tumor, vessels and stroma, and grafted into a host that has seen neither.

What lies within a ball around the tumor at a time, all its cells with their states, links and sleeves of vessels, and
what is bound there, replaces the same ball of a new host: the block as it was before there was a tumor, with a patient
who has had no drug. Vessels are joined across the cut wherever a cut end lies beside a vessel of the host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from tumorabm import units
from tumorabm.errors import InputError
from tumorabm.processes.vessels.commit import SPROUT_OF
from tumorabm.run import parts
from tumorabm.run.explant import tumor_at, with_drugs
from tumorabm.step import settle
from tumorabm.tissue.cells import ALIVE, ENDOTHELIAL
from tumorabm.tissue.random import derived_uid
from tumorabm.tissue.vasculature import DIRECTIONS

if TYPE_CHECKING:
    from tumorabm.config import Experiment
    from tumorabm.processes.process import Process
    from tumorabm.tissue.tissue import Tissue

# Tissue that is taken around the outermost tumor cell, µm.
_MARGIN: Final = 60.0


@dataclass(frozen=True)
class Graft:
    """Tissue of a run at a time.

    Attributes
    ----------
    experiment : Experiment
        Of the run.
    state : mapping of str to ndarray
        Of the run's tissue at that time.
    sites : ndarray of bool, shape (sites,)
        What is taken of it.
    """

    experiment: Experiment
    state: Mapping[str, Any]
    sites: np.ndarray

    counted: ClassVar[str] = "endothelial cells"

    @classmethod
    def of(cls, run: str | Path, at: str) -> Graft:
        """Take tissue; parameters and errors as of ``Explant.of``."""
        from tumorabm.build import shape_sites

        experiment, state, living, _ = tumor_at(run, at)
        lattice = experiment.make_lattice()
        places = lattice.centers(state["cells/site"][living])
        center = 0.5 * (places.min(axis=0) + places.max(axis=0))
        gaps = places - center
        if lattice.shape[0] == 1:
            gaps[:, 0] = 0.0
        radius = float(np.sqrt((gaps**2).sum(axis=1).max())) + _MARGIN
        taken = np.zeros(lattice.sites, dtype=bool)
        taken[shape_sites(lattice, "disc" if lattice.shape[0] == 1 else "sphere", center.tolist(), radius, None)] = True
        graft = cls(experiment, state, taken)
        if graft.start == 0:
            raise InputError(f"--at {at}: no vessel is in the tissue around the tumor")
        return graft

    def surroundings(self, exposure: Mapping[str, str], settings: Sequence[str] = ()) -> Experiment:
        """The experiment of a new host for it, with constant unbound concentrations of drugs."""
        from tumorabm.config import load_experiment

        given = self.experiment
        changed = {
            "name": f"{given.name}_graft",
            "burn_in": "0 h",
            "cells": [],
            "treatment": [],
            "mutations": [],
            "exposure": {},
            "record": {"every": units.as_text(given.time_step, "h")},
        }
        return with_drugs(load_experiment(given, changed), exposure, settings)

    def placed(self, host: Experiment, seed: int) -> tuple[Tissue, list[Process]]:
        """The host's tissue with the graft in it, and its processes. The luck after that is of ``seed``."""
        from tumorabm.build import build

        tissue, processes = build(host, self.experiment.seed)
        cells, state = tissue.cells, self.state
        inside = np.flatnonzero((state["cells/site"] >= 0) & self.sites[state["cells/site"]])
        cells.keep(~self.sites[cells["site"]])
        tissue.clones.load({name.removeprefix("clones/"): a for name, a in state.items() if name.startswith("clones/")})
        columns = parts.rows_of(state, inside, parts.columns_of(self.experiment), cells.specs)
        # The host has cells, or will have daughters of cells, that bear the names of some in the graft.
        for name in {"uid", SPROUT_OF.name} & set(columns):
            columns[name] = np.where(columns[name] > 0, derived_uid("graft", [columns[name]]), 0)
        cells.append(columns)
        self._join_vessels(tissue)
        for name, field in tissue.microenvironment.fields.items():
            if field.substrate.solver == "immobile" and f"microenvironment/{name}/concentration" in state:
                taken = self.sites.reshape(field.concentration.shape)
                field.concentration[taken] = state[f"microenvironment/{name}/concentration"][taken]
        tissue.seed = seed
        for process in processes:
            process.prepare(tissue)
        settle(tissue, processes)
        return tissue, processes

    def _join_vessels(self, tissue: Tissue) -> None:
        """Links and sleeves of both, none across the cut but between vessels that face each other there."""
        vessels, inside = tissue.vasculature, self.sites
        neighbors = vessels.neighbors
        endothelial = np.zeros(inside.size, dtype=bool)
        endothelial[tissue.cells["site"][tissue.cells.rows_of(ENDOTHELIAL)]] = True
        for name in ("links", "sleeves"):
            words = np.where(inside, self.state[f"vasculature/{name}"], getattr(vessels, name))
            for k in range(DIRECTIONS):
                there = neighbors[:, k]
                gone = (there < 0) | (inside != inside[there])
                words = np.where(gone, words & ~np.uint32(1 << k), words)
            getattr(vessels, name)[:] = words
        for k in range(DIRECTIONS // 2):
            there = neighbors[:, k]
            facing = (there >= 0) & (inside != inside[there]) & endothelial & endothelial[there]
            for site in np.flatnonzero(facing).tolist():
                vessels.link(site, int(there[site]))

    @property
    def start(self) -> int:
        """Endothelial cells that are taken."""
        there = (self.state["cells/cell_type"] == ENDOTHELIAL) & (self.state["cells/state"] == ALIVE)
        return int(np.count_nonzero(self.sites[self.state["cells/site"][there]]))

    def count(self, tissue: Tissue) -> int:
        """Endothelial cells within the place of the graft."""
        return int(np.count_nonzero(self.sites[tissue.cells["site"][tissue.cells.alive(ENDOTHELIAL)]]))
