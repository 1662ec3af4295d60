"""Branch a run: a new one that shares another's history up to a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tumorabm import units
from tumorabm.errors import InputError
from tumorabm.processes.signaling.cell_signaling import effects_of
from tumorabm.processes.signaling.network import Network
from tumorabm.processes.transport.drug import INTRACELLULAR
from tumorabm.recording.run_folder import PROVENANCE, RunFolder
from tumorabm.recording.segments import write_segment
from tumorabm.recording.writer import RunWriter, adapted
from tumorabm.run import parts
from tumorabm.run.course import Course, Plan, steps_in, writing
from tumorabm.tissue.clones import Clones

if TYPE_CHECKING:
    from tumorabm.config import Experiment

# A branch inherits a history in which these were as they are; anything else may differ from there on.
_INHERITED: Final = ("lattice", "time_step", "burn_in", "clones", "cells", "vessels")


def branch(
    run: str | Path,
    at: str,
    overrides: Sequence[str] = (),
    *,
    out: str | Path | None = None,
    threads: int = 1,
    force: bool = False,
    quiet: bool = False,
) -> Path:
    """Begin a new run that shares another's history up to a time.

    Parameters
    ----------
    run : str or Path
        The parent's folder.
    at : str
        Simulated time since the start, burn-in included, for example ``"90 d"``.
    overrides : sequence of str
        What differs from then on, as ``path=value``.
    out : str or Path, optional
        Folder of runs, of which the new one lies in that of its name; where the parent is, if not given.
    threads, force, quiet
        As in ``run_experiment``.

    Raises
    ------
    InputError
        If the parent has not come that far or cannot be read, or an override changes what the history rests on.
    RunInterrupted, RunFailed
    """
    parts.use_threads(threads)
    folder = RunFolder(run)
    parent, child = parts.load(folder.path), parts.load(folder.path, overrides)
    _check_inherited(parent, child)
    plan = Plan.of(child)
    try:
        step = steps_in(units.quantity(at, "h"), child.time_step, "--at")
    except units.UnitError as error:
        raise InputError(f"--at: {error}") from None
    history = folder.records()
    if not 0 <= step <= min(history.to_step, plan.end):
        reached = min(history.to_step, plan.end) * plan.dt / 24
        raise InputError(f"--at {at}: {folder.path} can be branched between day 0 and day {reached:g}")

    _check_clones(history.until(step).clones, child)
    origin = {"run": str(folder.path), "run_id": folder.run_id, "at": step * plan.dt, "set": list(overrides)}
    origin["parent"] = folder.provenance.get("parent")
    identity = parts.identity(child, origin)
    beside = folder.path.absolute().parent
    runs = Path(out) if out else beside.parent if beside.name == parent.name else None
    path = (runs / child.name if runs else beside) / identity["run_id"]
    if (path / PROVENANCE).exists() and not force:
        if RunFolder(path).status == "finished":
            return path
        if parts.has_checkpoint(path):
            raise InputError(f"{path}: holds an unfinished branch of this kind; resume it, or use --force")

    state = parts.state_at(folder, parent, step)
    tissue, processes = parts.build(child)
    _check_drugs(state, tissue.state())
    before, now = parts.columns_of(parent), parts.columns_of(child)
    kept, new = parts.carried(state, before, now), now - before
    parts.load_state(tissue, processes, adapted(kept, tissue.state(), list(tissue.cells.specs.values())))
    tissue.seed = child.seed
    begun = {f"cells/{column.name}" for column in new}
    for process in processes:
        # A network that cells did not have before begins at rest; what others made of it, as EMT, goes on.
        if begun.intersection(process.writes):
            process.relax(tissue)
    with RunWriter(path) as writer:
        with writing(path):
            parts.clear(path)
            parts.describe(child, writer, parent)
            writer.begin(identity, parts.history_hash(path), threads, step)
            write_segment(path, history.until(step))
            recorder = parts.make_recorder(child, tissue, plan, step)
            # Kept: a branch of this branch cannot compute the history from this experiment.
            writer.checkpoint(tissue, recorder.manifest["columns"], keep=True)
        return Course(child, writer, tissue, processes, recorder, plan, quiet, step).go()


def _check_inherited(parent: Experiment, child: Experiment) -> None:
    before, after = parent.resolved(), child.resolved()
    if parent.mechanisms[INTRACELLULAR] != child.mechanisms[INTRACELLULAR]:
        raise InputError(f"a branch cannot switch {INTRACELLULAR}: what cells hold of drugs would come from nowhere")
    changed = [name for name in _INHERITED if before.get(name) != after.get(name)]
    if changed:
        raise InputError(f"a branch inherits its parent's {', '.join(_INHERITED)}; --set changes {', '.join(changed)}")


def _check_clones(clones: Mapping[str, np.ndarray], child: Experiment) -> None:
    """What tumor cells have gained until then must fit the child's network, which would notice when it meets them."""
    chosen = child.choice().signaling.get("tumor")
    if chosen is None or "alterations" not in clones:
        return
    network = Network.from_catalog(child.catalog, chosen.network, child.sets)
    table = Clones()
    table.load(clones)
    for name in sorted({name for names in table.alterations for name in names}):
        try:
            network.make(effects_of(child.catalog, [name], child.sets))
        except InputError as error:
            message = f"cells of the parent have {name!r} at that time, which does not fit network {chosen.network!r}"
            raise InputError(f"{message}: {error}") from None


def _check_drugs(state: dict[str, Any], fresh: dict[str, Any]) -> None:
    """Drug that is in the patient's body must be able to leave it."""
    present = {name for name, amount in state.items() if name.startswith("patient/amounts/") and amount.any()}
    left = sorted(name.rsplit("/", 1)[1] for name in present - set(fresh))
    if left:
        raise InputError(
            f"the parent's {', '.join(left)} is still in the patient's body at that time; "
            "keep its item in treatment and give it an end, which counts from the end of the burn-in"
        )
