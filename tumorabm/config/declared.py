"""What processes, outputs and the catalog declare, as far as an experiment names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tumorabm import units
from tumorabm.catalog import SETS, USUAL_MEMBERS, Catalog
from tumorabm.config.quantity import Fault, Wrong, read_number, read_quantity
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.processes import Process, registered
from tumorabm.processes.mechanisms import MECHANISMS
from tumorabm.processes.process import NetworkChoice
from tumorabm.recording.outputs import Output, registered_outputs

Settings = dict[str, bool | dict[str, float]]
ALL: Final = "all"  # in ``mechanisms``: those that are not named


def processes() -> Mapping[str, type[Process]]:
    """All known processes in the order of a step."""
    return registered()


def outputs() -> Mapping[str, Output]:
    """All known outputs."""
    return registered_outputs()


def read_sets(given: Any) -> dict[str, str]:
    """The chosen member of every kind of set; sources that disagree are never chosen silently."""
    if not isinstance(given, dict):
        raise Wrong(f"expected a mapping with {', '.join(SETS)}, got {given!r}")
    faults = [Fault((kind,), f"unknown kind of set{nearest(kind, SETS)}", True) for kind in given if kind not in SETS]
    faults += [
        Fault((kind,), f"{member!r} is no {kind} set; expected one of {', '.join(SETS[kind])}")
        for kind, member in given.items()
        if kind in SETS and member not in SETS[kind]
    ]
    faults += [
        Fault((kind,), f"is missing; choose one of {', '.join(members)}")
        for kind, members in SETS.items()
        if kind not in given and kind not in USUAL_MEMBERS
    ]
    if faults:
        raise Wrong(faults)
    return {kind: given.get(kind) or USUAL_MEMBERS[kind] for kind in SETS}


def read_mechanisms(given: Any) -> dict[str, bool]:
    """Whether each mechanism is on; ``all`` speaks for those that are not named."""
    if not isinstance(given, dict):
        raise Wrong(f"expected a mapping from mechanisms to true or false, got {given!r}")
    known = (ALL, *MECHANISMS)
    faults = [Fault((name,), f"unknown mechanism{nearest(name, known)}", True) for name in given if name not in known]
    faults += [
        Fault((name,), f"expected true or false, got {setting!r}")
        for name, setting in given.items()
        if name in known and not isinstance(setting, bool)
    ]
    if faults:
        raise Wrong(faults)
    others = bool(given.get(ALL, True))
    return {name: bool(given.get(name, others)) for name in MECHANISMS}


def read_processes(given: Any) -> Settings:
    """Settings of all known processes: on, off, or values of parameters in the units that they declare."""
    if not isinstance(given, dict):
        raise Wrong(f"expected a mapping from processes to true, false or parameters, got {given!r}")
    known = processes()
    settings: Settings = {name: process.default for name, process in known.items()}
    faults: list[Fault] = []
    for name, setting in given.items():
        if name not in known:
            faults.append(Fault((name,), f"unknown process{nearest(name, known)}", True))
        elif isinstance(setting, bool):
            settings[name] = setting
        elif isinstance(setting, dict):
            values, wrong = _read_parameters(known[name], setting)
            faults += [fault._replace(path=(name, *fault.path)) for fault in wrong]
            settings[name] = values or True
        else:
            faults.append(Fault((name,), f"expected true, false or parameters by name, got {setting!r}"))
    if faults:
        raise Wrong(faults)
    return settings


def _read_parameters(process: type[Process], given: Mapping[str, Any]) -> tuple[dict[str, float], list[Fault]]:
    values: dict[str, float] = {}
    faults: list[Fault] = []
    for name, quantity in given.items():
        if name not in process.parameters:
            hint = nearest(name, process.parameters) or "; it has none"
            faults.append(Fault((name,), f"unknown parameter of {process.name}{hint}", True))
            continue
        try:
            values[name] = read_number(quantity, process.parameters[name].unit)
        except Wrong as error:
            faults.append(Fault((name,), str(error)))
    return values, faults


def write_processes(settings: Settings) -> dict[str, Any]:
    """Settings as they are read: parameters as quantities."""
    written: dict[str, Any] = {}
    for name, setting in settings.items():
        if isinstance(setting, dict):
            parameters = processes()[name].parameters
            written[name] = {key: units.as_text(value, parameters[key].unit) for key, value in setting.items()}
        else:
            written[name] = setting
    return written


def network_choice(catalog: Catalog, block: Any) -> NetworkChoice:
    """The network that a block of the experiment chooses, its inputs in the network's units.

    Raises
    ------
    InputError
        If there is no such network or input, or a quantity does not fit.
    """
    known = catalog.noun("networks", block.network).facts["inputs"]
    values, problems = {}, []
    for name, given in block.inputs.items():
        if name not in known:
            problems.append(
                Problem(f"network {block.network} has no input {name!r}{nearest(name, known)}", f"inputs.{name}")
            )
            continue
        try:
            values[name] = read_number(given, known[name]["unit"])
        except Wrong as error:
            problems.append(Problem(str(error), f"inputs.{name}"))
            continue
        if values[name] < 0.0:
            problems.append(Problem(f"{given!r} must be 0 or more", f"inputs.{name}"))
    if problems:
        raise InputError(problems)
    return NetworkChoice(block.network, values, dict(block.clamp), tuple(block.cut))


def read_overrides(given: Any, catalog: Catalog) -> dict[str, str]:
    """Overrides of the catalog as text in the entries' own units."""
    if not isinstance(given, dict):
        raise Wrong(f"expected a mapping from paths such as substrates.oxygen.diffusivity to quantities, got {given!r}")
    try:
        return dict(catalog.with_overrides(given).overrides)
    except InputError as error:
        # An unknown path is a fault of the key, all else one of the value.
        faults = [Fault((problem.path,), problem.message, problem.path not in catalog) for problem in error.problems]
        raise Wrong(faults) from None


def read_medium(given: Any, catalog: Catalog) -> dict[str, str]:
    """Concentrations of substrates in a medium, as text in the substrates' own units."""
    if not isinstance(given, dict):
        raise Wrong(f"expected a mapping from substrates to concentrations, got {given!r}")
    known, faults, out = catalog.names("substrates"), [], {}
    for name, text in given.items():
        if name not in known:
            faults.append(Fault((name,), f"{name!r} is no substrate of the catalog{nearest(name, known)}", True))
            continue
        unit = catalog.fact(f"substrates.{name}.unit")
        try:
            out[name] = units.as_text(read_quantity(text, unit, "not_negative", example=f"40 {unit}"), unit)
        except Wrong as error:
            faults.append(Fault((name,), str(error)))
        if catalog.fact(f"substrates.{name}.solver") == "immobile":
            faults.append(Fault((name,), f"{name} does not spread: no medium exchanges it", True))
    if faults:
        raise Wrong(faults)
    return out


def read_substrates(given: Any, catalog: Catalog) -> list[str]:
    """Names of substrates, each once."""
    if not isinstance(given, list):
        raise Wrong(f"expected a list of substrates, got {given!r}")
    known, drugs = catalog.names("substrates"), catalog.names("drugs")
    faults: list[Fault] = []
    for index, name in enumerate(given):
        if name in drugs:
            message = f"{name!r} is a drug without a schedule here; its field comes with its item under 'treatment'"
            faults.append(Fault((index,), message))
        elif name not in known:
            faults.append(Fault((index,), f"{name!r} is no substrate of the catalog{nearest(name, known)}"))
        elif name in given[:index]:
            faults.append(Fault((index,), f"{name!r} is named twice"))
    if faults:
        raise Wrong(faults)
    return list(given)
