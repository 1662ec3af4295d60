"""What an experiment puts into a tissue, with its numbers from the catalog, and which numbers those are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from tumorabm.catalog import SETS, Catalog
from tumorabm.catalog.patients import variants_read
from tumorabm.config.experiment import Experiment
from tumorabm.errors import Problem
from tumorabm.processes.fate.birth import Birth, break_even_oxygen
from tumorabm.processes.fate.death import Apoptosis
from tumorabm.processes.process import Process, in_step_order
from tumorabm.processes.transport.drug import EXTRACELLULAR, INTRACELLULAR, field_capacity, host_form
from tumorabm.recording.outputs import constants_of
from tumorabm.tissue.microenvironment import Substrate

_SPACING: Final = "cell_types.endothelial.host_vessel_spacing"
_ARTERIOLES: Final = "cell_types.endothelial.arteriole_spacing"
# Relative residual of solves of drugs and of factors that say nothing else: their amounts are known to within factors.
_TOLERANCE: Final = 1e-4
# Relative change of what makes them up below which they are left as they are.
_REFRESH: Final = 2e-2


def make_processes(experiment: Experiment) -> list[Process]:
    """The processes that the experiment switches on, with their parameters."""
    chosen, choice = [], experiment.choice()
    for name, kind in experiment.active_processes().items():
        setting = experiment.processes.get(name, True)
        given: Mapping[str, float] = setting if isinstance(setting, Mapping) else {}
        chosen.append(kind.from_catalog(experiment.catalog, choice, given))
    return in_step_order(iter(chosen))


def make_substrates(experiment: Experiment) -> list[Substrate]:
    """The experiment's substrates, one for each drug of its treatment, and what host tissue holds of those in cells."""
    out = [_substrate(experiment, "substrates", name) for name in experiment.all_substrates]
    drugs = [_substrate(experiment, "drugs", name) for name in experiment.drugs]
    held = [item for item in drugs if _in_cells(experiment, item.name)]
    return [*out, *drugs, *(_host_form(item) for item in held)]


def _in_cells(experiment: Experiment, drug: str) -> bool:
    """Whether cells hold a drug themselves."""
    return experiment.mechanisms[INTRACELLULAR] and f"drugs.{drug}.{EXTRACELLULAR}" in experiment.catalog


def _host_form(drug: Substrate) -> Substrate:
    """What host tissue and debris hold of a drug, as a bound form of its field and on the scale of that."""
    name, what = host_form(drug.name), f"{drug.name} in cells of host tissue and debris, over the field's capacity"
    return Substrate(name, drug.unit, what, "immobile", 0.0, 0.0, capacity=drug.capacity, bound_form_of=drug.name)


def substrate_problems(experiment: Experiment) -> list[Problem]:
    """What no field can be solved with, by path in the catalog."""
    catalog, out = experiment.catalog, []
    for name in experiment.all_substrates:
        if name not in catalog.names("substrates"):
            continue  # said elsewhere
        path = f"substrates.{name}"
        if f"{path}.half_life" in catalog and not catalog.get(f"{path}.half_life", "h", experiment.sets) > 0.0:
            out.append(Problem("must lie above 0", f"{path}.half_life"))
        facts = catalog.noun("substrates", name).facts
        for fact, lowest in (("tolerance", 1e-13), ("refresh", 0.0)):
            value = facts.get(fact, lowest)
            if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value < 1.0:
                message = f"expected a share of at least {lowest:g} and below 1, got {value!r}"
                out.append(Problem(message, f"{path}.{fact}"))
    return out


def _substrate(experiment: Experiment, kind: str, name: str) -> Substrate:
    catalog, sets = experiment.catalog, experiment.sets
    path = f"{kind}.{name}"
    paths = set(catalog.paths())
    unit = "nM" if kind == "drugs" else catalog.fact(f"{path}.unit")

    def optional(entry: str, in_unit: str, default: float) -> float:
        return catalog.get(f"{path}.{entry}", in_unit, sets) if f"{path}.{entry}" in paths else default

    if kind == "drugs":
        # The field is the unbound concentration: binding slows its diffusion by the ratio of total to unbound.
        partition = field_capacity(catalog, name, sets, _in_cells(experiment, name))
        diffusivity = catalog.get(f"{path}.diffusivity_free", "um^2/h", sets) / partition
        substrate = Substrate(name, unit, f"unbound {name} in tissue", "implicit", diffusivity, 0.0, capacity=partition)
        return replace(substrate, tolerance=_TOLERANCE, itemized=True)
    half_life = optional("half_life", "h", np.inf)
    facts = catalog.noun(kind, name).facts
    factor = facts["solver"] == "implicit"
    return Substrate(
        name=name,
        unit=unit,
        description=catalog.noun(kind, name).description,
        solver=catalog.fact(f"{path}.solver"),
        diffusivity=catalog.get(f"{path}.diffusivity", "um^2/h", sets),
        decay=np.log(2.0) / half_life if half_life > 0.0 else np.inf,  # which is refused
        half_saturation=optional("half_saturation", unit, 0.0),
        initial=optional("initial", unit, 0.0),
        boundary_value=optional("boundary_value", unit, 0.0),
        tolerance=facts.get("tolerance", _TOLERANCE if factor else Substrate.tolerance),
        refresh=facts.get("refresh", _REFRESH if factor else 0.0),
        bound_form_of=facts.get("bound_form_of", ""),
    )


def vessel_spacings(experiment: Experiment) -> tuple[float, float]:
    """Spacing of the capillary mesh and of its arterioles in µm, the catalog's where the experiment gives none."""
    vessels = experiment.vessels
    return (
        vessels.spacing or experiment.value(_SPACING, "um"),
        vessels.arteriole_spacing or experiment.value(_ARTERIOLES, "um"),
    )


def host_coverage(experiment: Experiment) -> float:
    """Pericyte coverage of the host's vessels at the start."""
    return experiment.value("cell_types.endothelial.host_coverage", "1")


def finite(pressure: float | None) -> float | None:
    """A pressure for JSON, which knows no infinity."""
    return pressure if pressure is not None and math.isfinite(pressure) else None


def break_even(experiment: Experiment) -> float | None:
    """Oxygen (mmHg) at which birth balances apoptosis; infinite where it never does, None where one of them is off."""
    parameters = experiment.parameters()
    if Birth.name not in parameters or Apoptosis.name not in parameters:
        return None
    return break_even_oxygen(parameters[Birth.name], parameters[Apoptosis.name]["rate"])


def break_even_by_kinetics(catalog: Catalog) -> dict[str, float]:
    """The same for each kinetics set of a catalog; nothing where the catalog lacks what division and death need."""
    if any(parameter.entry not in catalog for kind in (Birth, Apoptosis) for parameter in kind.parameters.values()):
        return {}
    out = {}
    for member in SETS["kinetics"]:
        sets = {kind: members[0] for kind, members in SETS.items()} | {"kinetics": member}
        birth, apoptosis = Birth.values_from(catalog, sets), Apoptosis.values_from(catalog, sets)
        out[member] = break_even_oxygen(birth, apoptosis["rate"])
    return out


def break_even_line(by_kinetics: Mapping[str, float]) -> str:
    """Break-even pressures by kinetics set in words."""
    words = [
        f"{f'{value:.2g} mmHg' if math.isfinite(value) else 'at none'} ({name})" for name, value in by_kinetics.items()
    ]
    return f"break-even oxygen, where birth balances apoptosis: {', '.join(words)}"


def catalog_reads(experiment: Experiment) -> set[str]:
    """Paths of the catalog that a run of the experiment reads, found by reading them.

    Raises
    ------
    InputError
        If the catalog lacks one.
    """
    reader = experiment.with_fresh_catalog()
    make_processes(reader)
    make_substrates(reader)
    constants_of(reader.catalog, reader.sets, reader.choice().mechanisms)
    if reader.vessels.network == "capillary_mesh":
        _read_spacings(reader)
    if reader.vessels.network != "none":
        host_coverage(reader)
    reads = reader.catalog.paths_read
    return reads | variants_read(reader.catalog, reader.patient.variants, reads)


def _read_spacings(reader: Experiment) -> None:
    """Read the spacings that come from the catalog; a resolved experiment has written them out."""
    for given, path in ((reader.vessels.spacing, _SPACING), (reader.vessels.arteriole_spacing, _ARTERIOLES)):
        if given not in (None, reader.value(path, "um")):
            reader.catalog.paths_read.discard(path)
