"""What does not fit together in what an experiment says of signaling: networks, alterations, constant drugs."""

from __future__ import annotations

from collections.abc import Iterator

from tumorabm.config import declared
from tumorabm.config.checks import Finding, needs
from tumorabm.config.experiment import Experiment
from tumorabm.config.signaling_blocks import SignalingBlock
from tumorabm.errors import InputError, nearest
from tumorabm.processes.dosing.pharmacokinetics import drug_entries
from tumorabm.processes.signaling.cell_signaling import effects_of
from tumorabm.processes.signaling.network import Network


@needs("exposure", "catalog")
def _exposure_known(experiment: Experiment) -> Iterator[Finding]:
    known = experiment.catalog.names("drugs")
    for name in experiment.exposure:
        if name not in known:
            yield Finding(("exposure", name), f"{name!r} is no drug of the catalog{nearest(name, known)}", at_key=True)


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
        network = Network.from_catalog(catalog, block.network, experiment.sets)
        if network.cell_type != cell_type:
            yield Finding((*path, "network"), f"{block.network!r} is a network of {network.cell_type} cells")
        for node in block.clamp:
            try:
                network.index(node)
            except InputError as error:
                yield Finding((*path, "clamp", node), str(error), at_key=True)
        for index, edge in enumerate(block.cut):
            try:
                network.edge(edge)
            except InputError as error:
                yield Finding((*path, "cut", index), str(error))


@needs("clones", "signaling", "catalog", "sets")
def _alterations_fit(experiment: Experiment) -> Iterator[Finding]:
    catalog = experiment.catalog
    known = catalog.names("alterations")
    name = experiment.signaling.tumor.network
    network = Network.from_catalog(catalog, name, experiment.sets) if name in catalog.names("networks") else None
    for row, clone in enumerate(experiment.clones):
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
