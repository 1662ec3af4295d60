"""Cells taken out of a run's tumor and put into a dish.

A dish is an experiment made of the run's own: its sets, clones, catalog and networks, without vessels, host and
treatment. Living tumor cells are drawn from the tumor at a time, each with everything that the dish's processes keep of
it: EMT, lysosomes and what is in them, the state of its network, its clone with all alterations. They lie apart on a
lattice under a stirred medium.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from tumorabm import units
from tumorabm.errors import InputError
from tumorabm.processes.mechanisms import MECHANISMS
from tumorabm.recording.run_folder import RunFolder
from tumorabm.run import parts
from tumorabm.run.course import steps_in
from tumorabm.step import settle
from tumorabm.tissue.cells import ALIVE, TUMOR
from tumorabm.tissue.random import derived_uid, purpose, uniforms

if TYPE_CHECKING:
    from tumorabm.config import Experiment
    from tumorabm.processes.process import Process
    from tumorabm.tissue.tissue import Tissue

# Mechanisms of tumor cells themselves; those of their surroundings have nothing to act on in a dish.
_OF_CELLS: Final = ("emt", "intracellular", "direct_effect", "invasion")
# What no setting of a dish or host changes: it would do nothing, or something else than it says.
_DECIDED: Final = frozenset(
    (
        "name",
        "duration",
        "burn_in",
        "seed",
        "clones",
        "mutations",
        "cells",
        "vessels",
        "lattice",
        "treatment",
        "assessment",
        "record",
        "mechanisms",
    )
)
# Share of the sites that cells take at the start.
_DENSITY: Final = 0.25
_REFERENCE_OXYGEN: Final = "cell_types.tumor.birth_reference_oxygen"


@dataclass(frozen=True)
class Explant:
    """Tumor cells of a run at a time.

    Attributes
    ----------
    experiment : Experiment
        Of the run.
    state : mapping of str to ndarray
        Of the run's tissue at that time.
    rows : ndarray of int
        Of the cells that were drawn, in the order of their uids.
    """

    experiment: Experiment
    state: Mapping[str, Any]
    rows: np.ndarray

    counted: ClassVar[str] = "tumor cells"

    @classmethod
    def of(cls, run: str | Path, at: str, number: int) -> Explant:
        """Draw cells.

        Parameters
        ----------
        run : str or Path
            Run folder.
        at : str
            Simulated time since the start, burn-in included, for example ``"90 d"``.
        number : int
            How many; all that there are if fewer.

        Raises
        ------
        InputError
            If the run has not come that far or cannot be read, or no tumor cell lives at that time.
        """
        experiment, state, living, step = tumor_at(run, at)
        uid = state["cells/uid"]
        drawn = living[np.argsort(uniforms(experiment.seed, uid[living], step, purpose("explant")))[:number]]
        return cls(experiment, state, drawn[np.argsort(uid[drawn])])

    @property
    def start(self) -> int:
        """Cells that are plated in each dish."""
        return self.rows.size

    def surroundings(self, exposure: Mapping[str, str], settings: Sequence[str] = ()) -> Experiment:
        """The experiment of a dish for these cells.

        Parameters
        ----------
        exposure : mapping of str to str
            Constant unbound concentrations of drugs.
        settings : sequence of str
            What else differs, as ``path=value``. The medium's oxygen is that at which division was measured.
        """
        from tumorabm.config import load_experiment

        edge = math.ceil(math.sqrt(self.rows.size / _DENSITY))
        given = self.experiment
        spacing = units.as_text(given.lattice.spacing, "um")
        changed = {
            "name": f"{given.name}_dish",
            "burn_in": "0 h",
            "lattice": {"shape": [edge, edge], "spacing": spacing, "boundary": "periodic"},
            "substrates": ["oxygen", "vegf_a"],
            "cells": [],
            "vessels": {"network": "none"},
            "treatment": [],
            "mutations": [],
            "mechanisms": {name: name in _OF_CELLS and given.mechanisms[name] for name in MECHANISMS},
            "exposure": {},
            "medium": {"oxygen": units.as_text(given.value(_REFERENCE_OXYGEN, "mmHg"), "mmHg")},
            "record": {"every": units.as_text(given.time_step, "h")},
        }
        return with_drugs(load_experiment(given, changed), exposure, settings)

    def placed(self, dish: Experiment, seed: int) -> tuple[Tissue, list[Process]]:
        """The tissue of a dish with these cells in it, and its processes; its luck is that of ``seed``."""
        from tumorabm.build import build

        tissue, processes = build(dish, seed)
        state = self.state
        tissue.clones.load({name.removeprefix("clones/"): a for name, a in state.items() if name.startswith("clones/")})
        columns = parts.rows_of(state, self.rows, parts.columns_of(self.experiment), tissue.cells.specs)
        sites = np.arange(tissue.lattice.sites)
        order = np.argsort(uniforms(seed, derived_uid("dish", [sites]), 0, purpose("plating")), kind="stable")
        tissue.cells.append({**columns, "site": order[: self.rows.size]})
        for process in processes:
            process.prepare(tissue)
        settle(tissue, processes)
        return tissue, processes

    def count(self, tissue: Tissue) -> int:
        """Living tumor cells of a dish."""
        return int(tissue.cells.alive(TUMOR).size)


def tumor_at(run: str | Path, at: str) -> tuple[Experiment, Mapping[str, Any], np.ndarray, int]:
    """Experiment and state of a run at a time, the rows of its living tumor cells, and the step.

    Raises
    ------
    InputError
        If the run has not come that far or cannot be read, or no tumor cell lives at that time.
    """
    folder = RunFolder(run)
    experiment = parts.load(folder.path)
    try:
        step = steps_in(units.quantity(at, "h"), experiment.time_step, "--at")
    except units.UnitError as error:
        raise InputError(f"--at: {error}") from None
    reached = folder.records().to_step
    if not 0 <= step <= reached:
        last = reached * experiment.time_step / 24
        raise InputError(f"--at {at}: {folder.path} can be looked at between day 0 and day {last:g}")
    state = parts.state_at(folder, experiment, step)
    living = np.flatnonzero((state["cells/cell_type"] == TUMOR) & (state["cells/state"] == ALIVE))
    if living.size == 0:
        raise InputError(f"--at {at}: no tumor cell lives in {folder.path} at that time")
    return experiment, state, living, step


def with_drugs(experiment: Experiment, exposure: Mapping[str, str], settings: Sequence[str]) -> Experiment:
    """An experiment with settings, and then with constant concentrations of drugs beside those that settings name.

    Raises
    ------
    InputError
        If a setting is of what an assay decides itself.
    """
    from tumorabm.config import load_experiment

    for text in settings:
        first = text.partition("=")[0].strip().partition(".")[0].partition("[")[0]
        if first in _DECIDED:
            raise InputError(f"--set {text}: an assay has its own {first}")
    changed = load_experiment(experiment, settings)
    for drug in exposure:
        if changed.exposure.get(drug):
            raise InputError(f"--set: exposure.{drug}: that is the drug whose concentration rises")
    return load_experiment(changed, {f"exposure.{drug}": dose for drug, dose in exposure.items()})
