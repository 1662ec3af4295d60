"""What does not fit together in an experiment although each setting is fine by itself."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tumorabm import units
from tumorabm.config import declared
from tumorabm.config.blocks import TableBlock
from tumorabm.config.contents import substrate_problems
from tumorabm.config.experiment import Experiment
from tumorabm.config.overrides import unheeded
from tumorabm.config.quantity import TIME_UNITS
from tumorabm.errors import InputError, nearest
from tumorabm.yaml import Steps

# A domain narrower than this many meshes of capillaries has no bed; below the second it is a poor sample of one.
LEAST_MESHES: Final = 4
ENOUGH_MESHES: Final = 10
# Beyond this probability per step, an event that happens at most once in a step is noticeably too rare.
LARGEST_PROBABILITY: Final = 0.2
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Finding:
    """Something that does not fit: an error, or a warning."""

    path: Steps
    message: str
    warning: bool = False
    at_key: bool = False


Check = Callable[[Experiment], Iterator[Finding]]
_CHECKS: list[tuple[frozenset[str], Check]] = []


def needs(*blocks: str) -> Callable[[Check], Check]:
    """Register a check that is skipped if one of the blocks is broken by itself."""

    def add(check: Check) -> Check:
        _CHECKS.append((frozenset(blocks), check))
        return check

    return add


def findings(experiment: Experiment, broken: set[str]) -> Iterator[Finding]:
    """What does not fit together, without the checks that need a block that is broken by itself."""
    for blocks, check in _CHECKS:
        if not blocks & broken:
            yield from check(experiment)


def available_outputs(experiment: Experiment) -> list[str]:
    """Names of all outputs that the experiment's substrates and processes allow."""
    return [name for name, lacking in _lacking(experiment, declared.outputs()).items() if not lacking]


def table_problems(table: TableBlock, path: Path, flat: bool) -> tuple[list[str], str | None]:
    """What is wrong with a table's file, and the file's hash."""
    if not path.is_file():
        return [f"no such file {str(table.path)!r}"], None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    problems = []
    if table.sha256 is not None and table.sha256 != digest:
        problems.append(f"{str(table.path)!r} has changed since this experiment was resolved (another sha256)")
    if not flat and table.z is None:
        problems.append("a table for three dimensions needs its column of z, for example 'z: z'")
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            header = next(csv.reader(file), [])
        for name in table.columns():
            if name not in header:
                problems.append(f"{str(table.path)!r} has no column {name!r}{nearest(name, header)}")
    return problems, digest


@needs("burn_in", "duration")
def _some_time(experiment: Experiment) -> Iterator[Finding]:
    if experiment.burn_in + experiment.duration <= 0.0:
        yield Finding(("duration",), "burn-in and duration are both 0, there is nothing to run")


@needs("burn_in", "duration", "time_step", "record")
def _whole_steps(experiment: Experiment) -> Iterator[Finding]:
    record, step = experiment.record, experiment.time_step
    times: list[tuple[Steps, float | None]] = [
        (("burn_in",), experiment.burn_in),
        (("duration",), experiment.duration),
        (("record", "every"), record.every),
        (("record", "frames"), record.frames),
        (("record", "checkpoint"), record.checkpoint),
    ]
    times += [(("record", "keep", index), time) for index, time in enumerate(record.keep)]
    end = experiment.burn_in + experiment.duration
    for path, time in times:
        if time is not None and abs(round(time / step) * step - time) > _ROUNDING * max(time, step):
            yield Finding(path, f"'{_time(time)}' is no multiple of the time step of {_time(step)}")
        if time is not None and path[-2:-1] == ("keep",) and time > end:
            yield Finding(path, f"'{_time(time)}' lies after the end of the run at {_time(end)}, burn-in included")


@needs("lattice", "vessels", "catalog")
def _room_for_vessels(experiment: Experiment) -> Iterator[Finding]:
    vessels = experiment.vessels
    if vessels.network != "capillary_mesh":
        return
    spacing = vessels.spacing or experiment.value("cell_types.endothelial.host_vessel_spacing", "um")
    lattice = experiment.lattice
    width = min(lattice.shape) * lattice.spacing
    if spacing < 2.0 * lattice.spacing:
        yield Finding(("vessels", "spacing"), f"{spacing:g} um is less than two sites of {lattice.spacing:g} um")
    if width < LEAST_MESHES * spacing:
        yield Finding(
            ("lattice", "shape"),
            f"the lattice is too small for the vessels: {width:g} um is {width / spacing:.2g} times their spacing of "
            f"{spacing:g} um, expected at least {LEAST_MESHES} and better {ENOUGH_MESHES}",
        )
    elif width < ENOUGH_MESHES * spacing:
        yield Finding(
            ("lattice", "shape"),
            f"{width:g} um is only {width / spacing:.2g} times the vessels' spacing of {spacing:g} um; "
            f"{ENOUGH_MESHES} make a fair sample of the vessel bed",
            warning=True,
        )


@needs("lattice", "cells")
def _cells_inside(experiment: Experiment) -> Iterator[Finding]:
    lattice, flat = experiment.make_lattice(), experiment.lattice.flat
    axes = (1, 2) if flat else (0, 1, 2)
    lengths = [n * lattice.spacing for n in lattice.shape]
    for index, item in enumerate(experiment.cells):
        path: Steps = ("cells", index)
        wrong_shape = {"sphere": flat, "disc": not flat}.get(item.shape or "", False)
        if wrong_shape:
            other = "disc" if flat else "sphere"
            yield Finding((*path, "shape"), f"{item.shape!r} in {len(axes)} dimensions; did you mean {other!r}?")
        counts = {"center": item.center_given, "size": item.size_given}
        uneven = [name for name, given in counts.items() if given is not None and len(given) != len(axes)]
        for name in uneven:
            yield Finding(
                (*path, name), f"has {len(counts[name] or [])} numbers, expected {len(axes)} as in lattice.shape"
            )
        if uneven or wrong_shape or item.shape in (None, "all"):
            continue
        center = item.center or [0.5 * length for length in lengths]
        half = [0.5 * edge for edge in item.size] if item.size is not None else [item.radius or 0.0] * 3
        for axis in axes:
            low, high = center[axis] - half[axis], center[axis] + half[axis]
            # Across a periodic face a shape goes on, but it must not meet itself.
            outside = low < 0.0 or high > lengths[axis]
            if lattice.periodic[axis]:
                outside = not 0.0 <= center[axis] <= lengths[axis] or 2.0 * half[axis] > lengths[axis]
            if outside:
                yield Finding(
                    path,
                    f"the {item.shape} reaches from {low:g} to {high:g} um along {'zyx'[axis]}, "
                    f"outside the domain of {lengths[axis]:g} um",
                )
        gaps = [abs(center[axis] - _nearest_center(center[axis], lattice.spacing)) for axis in axes]
        box = item.shape == "box"
        if any(gap > half[axis] for gap, axis in zip(gaps, axes, strict=True)) or (
            not box and sum(gap**2 for gap in gaps) > half[0] ** 2
        ):
            yield Finding(path, f"the {item.shape} holds the center of no site; sites are {lattice.spacing:g} um apart")


def _nearest_center(position: float, spacing: float) -> float:
    """Of sites along an axis, to a position within the domain, µm."""
    return (position // spacing + 0.5) * spacing


@needs("clones", "cells")
def _clones_exist(experiment: Experiment) -> Iterator[Finding]:
    names = [clone.name for clone in experiment.clones]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Finding(("clones", index, "name"), f"{name!r} is named twice")
    for index, item in enumerate(experiment.cells):
        if item.clone is not None and item.clone not in names:
            yield Finding(
                ("cells", index, "clone"), f"{item.clone!r} is none of the clones{nearest(item.clone, names)}"
            )
    if experiment.cells and not names:
        yield Finding(("clones",), "tumor cells need at least one clone")
    total = sum(clone.fraction for clone in experiment.clones)
    if names and abs(total - 1.0) > 1e-6:
        yield Finding(("clones",), f"the fractions add up to {total:g}, expected 1")


@needs("processes", "substrates")
def _substrates_there(experiment: Experiment) -> Iterator[Finding]:
    lacking: dict[str, list[str]] = {}
    for name, process in experiment.active_processes().items():
        for substrate in process.substrates:
            if substrate not in (*experiment.all_substrates, *experiment.drugs):
                lacking.setdefault(substrate, []).append(name)
    for substrate, names in lacking.items():
        message = f"{substrate!r} is needed by {', '.join(names)}; add it, or switch these processes off"
        yield Finding(("substrates",), message)


@needs("catalog", "sets", "substrates", "processes", "mechanisms")
def _substrates_sound(experiment: Experiment) -> Iterator[Finding]:
    for problem in substrate_problems(experiment):
        yield Finding(("catalog", problem.path), f"{problem.path}: {problem.message}")


@needs("processes", "mechanisms")
def _indispensable_on(experiment: Experiment) -> Iterator[Finding]:
    active = experiment.active_processes()
    for name, process in declared.processes().items():
        off_with_mechanism = process.mechanism and not experiment.mechanisms[process.mechanism]
        if process.indispensable and name not in active and not off_with_mechanism:
            yield Finding(("processes", name), f"cannot be switched off: {process.indispensable}")


@needs("processes", "sets", "catalog")
def _values_in_order(experiment: Experiment) -> Iterator[Finding]:
    for name, process in experiment.active_processes().items():
        try:
            values = _values(experiment, name)
        except InputError:
            continue  # said by _short_steps
        shown = {
            key: f"{key} of {values[key]:g}{'' if item.unit == '1' else f' {item.unit}'}"
            for key, item in process.parameters.items()
        }
        for key, item in process.parameters.items():
            if not values[key] > item.above:
                yield Finding(("processes", name), f"{shown[key]} must lie above {item.above:g}")
            if not values[key] < item.below:
                yield Finding(("processes", name), f"{shown[key]} must lie below {item.below:g}")
        for high, low in process.descending:
            if not values[high] > values[low]:
                yield Finding(("processes", name), f"{shown[high]} must lie above {shown[low]}")


@needs("processes", "time_step", "sets", "catalog")
def _short_steps(experiment: Experiment) -> Iterator[Finding]:
    step = experiment.time_step
    for name, process in experiment.active_processes().items():
        try:
            values = _values(experiment, name)
        except InputError as error:
            yield Finding(("processes", name), str(error))
            continue
        for parameter in process.limits_step:
            rate = units.convert(values[parameter], process.parameters[parameter].unit, "1/h")
            if rate * step > LARGEST_PROBABILITY:
                longest = LARGEST_PROBABILITY / rate
                yield Finding(
                    ("time_step",),
                    f"'{_time(step)}' is too long for {name}.{parameter} of {rate:.3g} 1/h, which cannot sub-step; "
                    f"expected at most {longest:.2g} h",
                )


@needs("catalog", "processes", "substrates", "treatment", "sets", "vessels")
def _overrides_heeded(experiment: Experiment) -> Iterator[Finding]:
    for path, message in unheeded(experiment):
        yield Finding(("catalog", path), message, warning=True)


@needs("record", "substrates", "processes", "treatment")
def _outputs_produced(experiment: Experiment) -> Iterator[Finding]:
    known = declared.outputs()
    names = experiment.record.outputs
    lacking = _lacking(experiment, (name for name in names if name in known))
    for index, name in enumerate(names):
        path: Steps = ("record", "outputs", index)
        if name not in known:
            yield Finding(path, f"{name!r} is an output that nothing produces{nearest(name, known)}")
        elif name in names[:index]:
            yield Finding(path, f"{name!r} is named twice")
        elif lacking[name]:
            yield Finding(path, f"{name!r} needs {' and '.join(lacking[name])}")


def _values(experiment: Experiment, name: str) -> dict[str, float]:
    """Values of a process's parameters; an InputError if the catalog lacks one."""
    setting = experiment.processes.get(name, True)
    given = setting if isinstance(setting, dict) else None
    return declared.processes()[name].values_from(experiment.catalog, experiment.sets, given)


def _lacking(experiment: Experiment, outputs: Iterable[str]) -> dict[str, list[str]]:
    """What each of some outputs needs and the experiment does not have."""
    active = experiment.active_processes()
    present = {*experiment.all_substrates, *experiment.drugs}
    columns = {column.name for process in active.values() for column in process.columns}
    found = {}
    for output in outputs:
        item = declared.outputs()[output]
        lacking = [f"the substrate {name!r}" for name in item.substrates if name not in present]
        lacking += [f"the process {name!r}{_off(experiment, [name])}" for name in item.processes if name not in active]
        for name in item.columns:
            if name not in columns:
                kinds = declared.processes().values()
                sources = [kind.name for kind in kinds if name in {column.name for column in kind.columns}]
                told = f"the column {name!r} of cells, which comes with {' or '.join(sources)}"
                lacking.append(told + _off(experiment, sources))
        found[output] = lacking
    return found


def _off(experiment: Experiment, processes: Iterable[str]) -> str:
    """Which mechanisms of some processes are off, in words."""
    known = declared.processes()
    names = dict.fromkeys(known[name].mechanism for name in processes if name in known)
    off = [name for name in names if name and not experiment.mechanisms[name]]
    return f" (the mechanism {' or '.join(off)}, which is off)" if off else ""


@needs("processes")
def _processes_of_mechanisms(experiment: Experiment) -> Iterator[Finding]:
    known = declared.processes()
    for name, setting in experiment.processes.items():
        mechanism = known[name].mechanism if name in known else ""
        named = name in experiment.named_processes
        if setting and named and mechanism and not experiment.mechanisms[mechanism]:
            yield Finding(("processes", name), f"does nothing: the mechanism {mechanism} is off", warning=True)


def _time(hours: float) -> str:
    return units.as_text(hours, "h", TIME_UNITS)
