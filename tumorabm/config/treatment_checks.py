"""What does not fit together in what an experiment says of the patient and the treatment."""

from __future__ import annotations

from collections.abc import Iterator

from tumorabm import units
from tumorabm.catalog.patients import without_effect
from tumorabm.config.checks import Finding, needs
from tumorabm.config.experiment import Experiment
from tumorabm.config.quantity import TIME_UNITS
from tumorabm.errors import nearest
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics, drug_entries
from tumorabm.processes.dosing.response import Response
from tumorabm.processes.dosing.toxicity import CLASS_FACT, Toxicity, toxicity_classes
from tumorabm.processes.dosing.visits import DoseVisits
from tumorabm.yaml import Steps


@needs("patient", "treatment", "exposure", "catalog")
def _patient_fits(experiment: Experiment) -> Iterator[Finding]:
    catalog, patient = experiment.base_catalog, experiment.patient
    known, drugs = catalog.names("variants"), catalog.names("drugs")
    for index, name in enumerate(patient.variants):
        path: Steps = ("patient", "variants", index)
        if name not in known:
            yield Finding(path, f"{name!r} is no variant of the catalog{nearest(name, known)}")
        elif name in patient.variants[:index]:
            yield Finding(path, f"{name!r} is named twice")
        elif lost := without_effect(catalog, name):
            yield Finding(path, f"{', '.join(lost)} of {name!r} multiplies nothing in the catalog")
    for drug in patient.clearance:
        path = ("patient", "clearance", drug)
        if drug not in drugs:
            yield Finding(path, f"{drug!r} is no drug of the catalog{nearest(drug, drugs)}", at_key=True)
        elif drug not in experiment.drugs:
            yield Finding(path, f"{drug} is not given, so its clearance has no effect", warning=True)


@needs("treatment", "processes", "catalog")
def _drugs_exist(experiment: Experiment) -> Iterator[Finding]:
    catalog = experiment.catalog
    known = catalog.names("drugs")
    for index, item in enumerate(experiment.treatment):
        path: Steps = ("treatment", index, "drug")
        if item.drug not in known:
            yield Finding(path, f"{item.drug!r} is no drug of the catalog{nearest(item.drug, known)}")
            continue
        lacking = [entry for entry in drug_entries(catalog, item.drug) if entry not in catalog]
        if lacking:
            yield Finding(path, f"the catalog lacks {', '.join(lacking)}")
    if experiment.treatment and not experiment.processes.get(Pharmacokinetics.name):
        path = ("processes", Pharmacokinetics.name)
        yield Finding(path, "a treatment needs this process; for an untreated run give 'treatment: []'")


@needs("treatment", "processes")
def _scans_made(experiment: Experiment) -> Iterator[Finding]:
    if experiment.processes.get(Response.name):
        return
    for index, item in enumerate(experiment.treatment):
        waiting = (item.from_progression, item.until_progression, item.adaptive)
        if any(condition is not None for condition in waiting):
            message = f"goes by scans of the tumor, which the process {Response.name!r} makes"
            yield Finding(("treatment", index), message)


@needs("treatment", "duration")
def _treated_in_time(experiment: Experiment) -> Iterator[Finding]:
    for index, item in enumerate(experiment.treatment):
        if item.from_progression is None and item.start >= experiment.duration:
            yield Finding(
                ("treatment", index, "start"),
                f"'{_time(item.start)}' is not before the end of the run at {_time(experiment.duration)}",
            )
        for kind, moments in (("changes", item.changes), ("delays", item.delays)):
            times = [moment.at for moment in moments]
            if len(set(times)) < len(times):
                yield Finding(("treatment", index, kind), "two of them are at the same time")


@needs("treatment", "processes", "catalog", "sets")
def _toxicity_judged(experiment: Experiment) -> Iterator[Finding]:
    known = set(experiment.catalog.names("drugs"))
    classes = toxicity_classes(experiment.catalog, [name for name in experiment.drugs if name in known])
    for index, item in enumerate(experiment.treatment):
        path: Steps = ("treatment", index, "toxicity")
        block = item.toxicity
        if block is None or item.drug not in known:
            continue
        off = [kind.name for kind in (Toxicity, DoseVisits) if not experiment.processes.get(kind.name)]
        if off:
            yield Finding(path, f"needs the process {' and '.join(repr(name) for name in off)}")
        if item.drug not in classes:
            yield Finding(path, f"the catalog says nothing of {item.drug}'s toxicity ({CLASS_FACT}, usual_exposure)")
            continue
        if f"toxicities.{classes[item.drug]}.reduce_above" not in experiment.catalog:
            message = f"the catalog has no toxicity class {classes[item.drug]!r}"
            yield Finding(path, f"{message}{nearest(classes[item.drug], experiment.catalog.names('toxicities'))}")
            continue
        values = block.limits(experiment.toxicity_limits(classes[item.drug]))
        limits = {
            name: f"{name} of {value:g}{'' if getattr(block, name) is not None else ' (the usual one)'}"
            for name, value in values.items()
        }
        if block.interrupt and values["resume_below"] >= values["interrupt_above"]:
            yield Finding(path, f"{limits['resume_below']} must lie below {limits['interrupt_above']}")
        if block.to and block.interrupt and values["reduce_above"] >= values["interrupt_above"]:
            yield Finding(path, f"{limits['reduce_above']} must lie below {limits['interrupt_above']}")
        if block.raise_below is not None and block.raise_below >= values["reduce_above"]:
            yield Finding(path, f"raise_below of {block.raise_below:g} must lie below {limits['reduce_above']}")


def _time(hours: float) -> str:
    return units.as_text(hours, "h", TIME_UNITS)
