"""One step of a tissue: every process in its order."""

from __future__ import annotations

from collections.abc import Sequence

from tumorabm.processes.process import Phase, Process
from tumorabm.tissue.tissue import Tissue


def advance(tissue: Tissue, processes: Sequence[Process], dt: float) -> None:
    """Advance a tissue by one step of ``dt`` hours.

    Parameters
    ----------
    tissue : Tissue
        Changed in place.
    processes : sequence of Process
        In the order of a step.
    """
    tissue.rates.clear()
    tissue.requests.clear()
    for field in tissue.microenvironment.fields.values():
        field.clear_contributions()
    for process in processes:
        process.step(tissue, dt)
    tissue.requests.clear()
    tissue.step_number += 1
    tissue.hours = tissue.step_number * dt


def settle(tissue: Tissue, processes: Sequence[Process]) -> None:
    """Bring perfusion and the fields of a new tissue to what its cells and vessels imply, without letting time pass.

    Implicit fields are brought to their steady state: the block is cut out of tissue that had them before.
    """
    for process in processes:
        if process.phase == Phase.VESSELS:
            process.step(tissue, 0.0)
    for process in processes:
        if process.phase in (Phase.FIELDS, Phase.SIGNALS):
            process.step(tissue, 0.0)
