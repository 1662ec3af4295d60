"""Cytokines that are given as drugs, and the rates of T cells."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import SETS, bare_tissue, put

from tumorabm.catalog import load_catalog
from tumorabm.processes.process import Choice
from tumorabm.processes.stroma.cytokines import CytokineStimulation, Stimulus, stimuli_of
from tumorabm.tissue.cells import T_CELL

CATALOG = load_catalog()


def factors(process: CytokineStimulation, **concentrations: float) -> dict[str, float]:
    """What is left of rates of 1 per hour."""
    tissue = bare_tissue((1, 3, 3), processes=[process])
    put(tissue, T_CELL, [4])
    tissue.patient.exposure.update(concentrations)
    for event in ("admit_t_cell", "kill"):
        tissue.rates.add(event, "base", np.ones(1))
    process.step(tissue, 2.0)
    return {event: float(tissue.rates.total(event, 1)[0]) for event in ("admit_t_cell", "kill")}


def test_rates_follow_occupancy_and_several_cytokines_multiply() -> None:
    stimuli = [
        Stimulus("one", "t_cell_recruitment", 2.0, 5.0),
        Stimulus("one", "t_cell_killing", 2.0, 3.0),
        Stimulus("two", "t_cell_recruitment", 1.0, 2.0),
    ]
    process = CytokineStimulation(stimuli)
    assert factors(process) == {"admit_t_cell": 1.0, "kill": 1.0}
    assert factors(process, one=2.0) == {"admit_t_cell": 3.0, "kill": 2.0}
    assert factors(process, one=2.0, two=3.0) == pytest.approx({"admit_t_cell": 3.0 * 1.75, "kill": 2.0})


@pytest.mark.parametrize("drug", ["interferon_alpha", "il2"])
def test_the_catalog_has_both(drug: str) -> None:
    found = stimuli_of(CATALOG, [drug, "sunitinib"], SETS)
    assert [item.rate for item in found] == ["t_cell_killing", "t_cell_recruitment"]
    assert all(item.largest > 1.0 for item in found)
    process = CytokineStimulation.from_catalog(CATALOG, Choice(SETS, exposure={drug: 1.0}))
    assert process.stimuli == found
