"""What does not fit together in what an experiment says of signaling: networks, alterations, constant drugs."""

from __future__ import annotations

from collections.abc import Iterator

from tumorabm import units
from tumorabm.config import declared
from tumorabm.config.checks import Finding, needs
from tumorabm.config.experiment import Experiment
from tumorabm.config.signaling_blocks import SignalingBlock
from tumorabm.errors import InputError, nearest
from tumorabm.processes.dosing.pharmacokinetics import drug_entries
from tumorabm.processes.resistance.direct_effect import direct_constants
from tumorabm.processes.resistance.emt import INDUCTION, Emt
from tumorabm.processes.resistance.lysosome import ph_rises
from tumorabm.processes.signaling.cell_signaling import effects_of
from tumorabm.processes.signaling.inhibitors import inhibitors_of
from tumorabm.processes.signaling.network import Network
from tumorabm.processes.stroma.cytokines import stimuli_of
from tumorabm.processes.transport.capture import captures_of
from tumorabm.processes.transport.nutrient import NutrientSupply, NutrientUptake


@needs("exposure", "catalog")
def _exposure_known(experiment: Experiment) -> Iterator[Finding]:
    known = experiment.catalog.names("drugs")
    for name in experiment.exposure:
        if name not in known:
            yield Finding(("exposure", name), f"{name!r} is no drug of the catalog{nearest(name, known)}", at_key=True)


@needs("medium", "lattice", "substrates", "mechanisms", "catalog")
def _medium_has_fields(experiment: Experiment) -> Iterator[Finding]:
    there = experiment.all_substrates
    if experiment.medium and not experiment.lattice.flat:
        yield Finding(("medium",), "a medium lies over a slab, and this lattice has three dimensions")
    for name in experiment.medium:
        if name not in there:
            message = f"{name!r} is none of the experiment's substrates{nearest(name, there)}"
            yield Finding(("medium", name), message, at_key=True)


@needs("treatment", "catalog")
def _given_to_patients(experiment: Experiment) -> Iterator[Finding]:
    for index, item in enumerate(experiment.treatment):
        if item.drug in experiment.catalog.names("drugs") and not drug_entries(experiment.catalog, item.drug):
            message = f"{item.drug} has no human pharmacokinetics; give it a constant concentration under 'exposure'"
            yield Finding(("treatment", index, "drug"), message)


@needs("signaling", "catalog", "sets")
def _networks_fit(experiment: Experiment) -> Iterator[Finding]:
    catalog = experiment.catalog
    for cell_type in SignalingBlock.model_fields:
        block = getattr(experiment.signaling, cell_type)
        path = ("signaling", cell_type)
        known = catalog.names("networks")
        if block.network not in known:
            message = f"{block.network!r} is no network of the catalog{nearest(block.network, known)}"
            yield Finding((*path, "network"), message)
            continue
        try:
            declared.network_choice(catalog, block)
        except InputError as error:
            for problem in error.problems:
                yield Finding((*path, *problem.path.split(".")), problem.message)
        try:
            network = Network.from_catalog(catalog, block.network, experiment.sets)
        except InputError as error:
            for problem in error.problems:
                yield Finding(("catalog", problem.path), problem.message)
            continue
        yield from _heeded(experiment, cell_type, network)
        if network.cell_type != cell_type:
            yield Finding((*path, "network"), f"{block.network!r} is a network of {network.cell_type} cells")
        for node in block.clamp:
            try:
                network.index(node)
            except InputError as error:
                yield Finding((*path, "clamp", node), str(error), at_key=True)
        for index, edge in enumerate(block.cut):
            try:
                if network.edge(edge) in [network.edge(other) for other in block.cut[:index]]:
                    yield Finding((*path, "cut", index), f"{edge!r} is named twice")
            except InputError as error:
                yield Finding((*path, "cut", index), str(error))


@needs("clones", "signaling", "catalog", "sets")
def _alterations_fit(experiment: Experiment) -> Iterator[Finding]:
    catalog = experiment.catalog
    known = catalog.names("alterations")
    name = experiment.signaling.tumor.network
    try:
        network = Network.from_catalog(catalog, name, experiment.sets) if name in catalog.names("networks") else None
    except InputError:
        network = None  # said by _networks_fit
    signals = f"{network.cell_type}_signaling" in experiment.active_processes() if network is not None else True
    for row, clone in enumerate(experiment.clones):
        if clone.vhl != "wild_type" and network is not None and network.cell_type == "tumor" and "vhl" not in network:
            yield Finding(("clones", row, "vhl"), f"network {name} has no node 'vhl'; a clone of it is 'wild_type'")
        for status in ("vhl_mutated", "vhl_methylated"):
            if status in clone.alterations and status != f"vhl_{clone.vhl}":
                path = ("clones", row, "alterations", clone.alterations.index(status))
                yield Finding(path, f"{status!r} is said by 'vhl: {status.removeprefix('vhl_')}'")
        inside = [name for name in clone.alterations if name in known and effects_of(catalog, [name], experiment.sets)]
        if inside and not signals:
            message = "tumor_signaling is off, so alterations have no effect"
            yield Finding(("clones", row, "alterations"), message, warning=True)
        for index, alteration in enumerate(clone.alterations):
            path = ("clones", row, "alterations", index)
            if alteration not in known:
                yield Finding(path, f"{alteration!r} is no alteration of the catalog{nearest(alteration, known)}")
            elif clone.genotype.count(alteration) > 1:
                yield Finding(path, f"{alteration!r} is named twice")
            elif network is not None:
                try:
                    network.make(effects_of(catalog, [alteration], experiment.sets))
                except InputError as error:
                    yield Finding(path, f"{alteration!r} does not fit: {error}")


@needs("exposure", "treatment", "signaling", "mechanisms", "catalog", "sets")
def _drugs_act(experiment: Experiment) -> Iterator[Finding]:
    catalog, active = experiment.catalog, experiment.active_processes()
    nodes = {target for kind in active.values() for target in kind.targets}
    for cell_type in SignalingBlock.model_fields:
        name = getattr(experiment.signaling, cell_type).network
        if f"{cell_type}_signaling" in active and name in catalog.names("networks"):
            nodes |= set(catalog.fact(f"networks.{name}.nodes"))
    given: dict[str, tuple[str | int, ...]] = {drug: ("exposure", drug) for drug in experiment.exposure}
    for row, regimen in reversed(list(enumerate(experiment.treatment))):
        given[regimen.drug] = ("treatment", row, "drug")
    for drug, path in given.items():
        if drug in catalog.names("drugs"):
            targets = {item.node for item in inhibitors_of(catalog, [drug], experiment.sets)}
            targets |= {item.rate for item in stimuli_of(catalog, [drug], experiment.sets)}
            captured = {item.factor for item in captures_of(catalog, [drug], experiment.sets)}
            induces = Emt.name in active and f"drugs.{drug}.{INDUCTION}" in catalog
            elsewhere = captured & set(experiment.all_substrates) or induces or _acts_inside(experiment, drug)
            if not (targets & nodes or elsewhere):
                told = f", but on {', '.join(sorted(targets | captured))}" if targets | captured else ""
                yield Finding(path, f"{drug} acts on nothing that runs here{told}", warning=True)


def _acts_inside(experiment: Experiment, drug: str) -> bool:
    """Whether a drug acts on tumor cells themselves, or on their lysosomes."""
    catalog, sets, on = experiment.catalog, experiment.sets, experiment.mechanisms
    directly = on["direct_effect"] and direct_constants(catalog, [drug], sets)
    rises = on["intracellular"] and ph_rises(catalog, [drug], sets)
    return bool(directly or rises)


@needs("processes")
def _nutrients_supplied(experiment: Experiment) -> Iterator[Finding]:
    active = experiment.active_processes()
    if NutrientUptake.name in active and NutrientSupply.name not in active:
        message = f"without {NutrientSupply.name} tissue takes up what it holds and gets none"
        yield Finding(("processes", NutrientUptake.name), message, warning=True)


def _heeded(experiment: Experiment, cell_type: str, network: Network) -> Iterator[Finding]:
    """Settings of a network that do nothing, and inputs that cannot read their field."""
    block, path = getattr(experiment.signaling, cell_type), ("signaling", cell_type)
    for name, substrate in network.substrates.items():
        if substrate in experiment.all_substrates and network.units[name] != units.DIMENSIONLESS:
            unit = experiment.catalog.fact(f"substrates.{substrate}.unit")
            if unit != network.units[name]:
                message = (
                    f"input {name} of {block.network} is in {network.units[name]}, its field {substrate} in {unit}"
                )
                yield Finding((*path, "network"), message)
    if f"{cell_type}_signaling" not in experiment.active_processes():
        for key in ("inputs", "clamp", "cut"):
            if getattr(block, key):
                yield Finding((*path, key), f"{cell_type}_signaling is off, so this has no effect", warning=True)
    for name in block.inputs:
        field = network.substrates.get(name)
        if field in experiment.all_substrates:
            message = f"the field of {field} says what cells receive, so this has no effect"
            yield Finding((*path, "inputs", name), message, warning=True)
