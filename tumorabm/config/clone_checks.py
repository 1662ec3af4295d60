"""What does not fit together in what an experiment says of mutations, and of what alterations are for."""

from __future__ import annotations

from collections.abc import Iterator

from tumorabm.config.checks import Finding, needs
from tumorabm.config.clone_blocks import CATALOG
from tumorabm.config.experiment import Experiment
from tumorabm.config.quantity import TIME_UNITS
from tumorabm.errors import InputError, nearest
from tumorabm.processes.resistance.held_drugs import EXPRESSION, PUMPS
from tumorabm.processes.resistance.mutation import Mutation
from tumorabm.processes.signaling.cell_signaling import effects_of
from tumorabm.processes.signaling.network import Network
from tumorabm.processes.signaling.tumor import TumorSignaling
from tumorabm.processes.stroma.t_cells import TCellRecruitment
from tumorabm.processes.transport.drug import INTRACELLULAR
from tumorabm.units import as_text
from tumorabm.yaml import Steps


@needs("mutations", "clones", "signaling", "catalog", "sets")
def _mutations_fit(experiment: Experiment) -> Iterator[Finding]:
    catalog = experiment.catalog
    known, founders = catalog.names("alterations"), [clone.name for clone in experiment.clones]
    name = experiment.signaling.tumor.network
    try:
        network = Network.from_catalog(catalog, name, experiment.sets) if name in catalog.names("networks") else None
    except InputError:
        network = None  # said elsewhere
    for index, item in enumerate(experiment.mutations):
        path: Steps = ("mutations", index, "alteration")
        if item.alteration not in known:
            yield Finding(path, f"{item.alteration!r} is no alteration of the catalog{nearest(item.alteration, known)}")
            continue
        if item.alteration in [other.alteration for other in experiment.mutations[:index]]:
            yield Finding(path, f"{item.alteration!r} is named twice")
        rate = f"alterations.{item.alteration}.gain_rate"
        if item.rate == CATALOG and rate not in catalog:
            yield Finding(path, f"the catalog lacks {rate}; give a rate")
        elif item.rate == CATALOG and not 0.0 <= catalog.get(rate, "1", experiment.sets) <= 1.0:
            yield Finding(path, f"{rate} must lie from 0 to 1")
        if network is not None:
            try:
                network.make(effects_of(catalog, [item.alteration], experiment.sets))
            except InputError as error:
                yield Finding(path, f"{item.alteration!r} does not fit: {error}")
        for place, clone in enumerate(item.clones):
            where: Steps = ("mutations", index, "clones", place)
            if clone not in founders:
                yield Finding(where, f"{clone!r} is none of the clones{nearest(clone, founders)}")
            elif clone in item.clones[:place]:
                yield Finding(where, f"{clone!r} is named twice")


@needs("mutations", "signaling", "processes", "mechanisms", "catalog", "sets")
def _mutations_heeded(experiment: Experiment) -> Iterator[Finding]:
    catalog = experiment.catalog
    if TumorSignaling.name in experiment.active_processes():
        return
    for index, item in enumerate(experiment.mutations):
        if item.alteration in catalog.names("alterations") and effects_of(catalog, [item.alteration], experiment.sets):
            message = f"{TumorSignaling.name} is off, so the alteration has no effect"
            yield Finding(("mutations", index, "alteration"), message, warning=True)


@needs("clones", "mutations", "mechanisms", "catalog")
def _expressions_heeded(experiment: Experiment) -> Iterator[Finding]:
    """Pumps and what cells show T cells, where nobody reads them."""
    catalog = experiment.catalog
    named: list[tuple[Steps, str]] = [
        (("clones", row, "alterations", index), name)
        for row, clone in enumerate(experiment.clones)
        for index, name in enumerate(clone.alterations)
    ]
    named += [(("mutations", row, "alteration"), item.alteration) for row, item in enumerate(experiment.mutations)]
    pumps = {f"{pump}{EXPRESSION}" for pump in PUMPS}
    for path, alteration in named:
        entries = catalog.noun("alterations", alteration).values if alteration in catalog.names("alterations") else ()
        for entry in sorted(name for name in entries if name.endswith(EXPRESSION)):
            mechanism = INTRACELLULAR if entry in pumps else TCellRecruitment.mechanism
            if not experiment.mechanisms[mechanism]:
                yield Finding(path, f"the mechanism {mechanism} is off, so {entry} has no effect", warning=True)


@needs("mutations", "duration")
def _mutations_in_time(experiment: Experiment) -> Iterator[Finding]:
    for index, item in enumerate(experiment.mutations):
        if item.start is not None and item.start >= experiment.duration:
            start, end = (as_text(hours, "h", TIME_UNITS) for hours in (item.start, experiment.duration))
            yield Finding(("mutations", index, "start"), f"'{start}' is not before the end of the run at {end}")


@needs("mutations", "processes", "mechanisms")
def _mutations_happen(experiment: Experiment) -> Iterator[Finding]:
    if experiment.mutations and Mutation.name not in experiment.active_processes():
        message = f"the mechanism {Mutation.mechanism} or its process is off, so this has no effect"
        yield Finding(("mutations",), message, warning=True)
