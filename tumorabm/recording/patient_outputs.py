"""Outputs of the patient: what scans have found, VEGF-A in plasma, toxicity."""

from __future__ import annotations

from tumorabm.processes.dosing.toxicity import OF_CLASS, TOTAL
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import output


def _level(m: Measurement, name: str) -> float:
    """A level of the patient, NaN before there is one."""
    return m.tissue.patient.levels.get(name, float("nan"))


@output("sum_of_diameters", "mm", "sum of longest diameters at the last scan", processes=("response",))
def _sum_of_diameters(m: Measurement) -> float:
    return _level(m, "sum_of_diameters")


@output("progressions", "1", "progressions that scans have found", processes=("response",))
def _progressions(m: Measurement) -> float:
    return m.tissue.patient.levels.get("progressions", 0.0)


@output("plasma_vegf", "nM", "VEGF-A in plasma, bound to an antibody or not", processes=("systemic_vegf",))
def _plasma_vegf(m: Measurement) -> float:
    return _level(m, "plasma_vegf")


@output("plasma_vegf_free", "nM", "VEGF-A in plasma that no antibody holds", processes=("systemic_vegf",))
def _plasma_vegf_free(m: Measurement) -> float:
    return _level(m, "plasma_vegf_free")


@output(
    "toxicity",
    "1",
    "toxicity of a class of drugs, relative to inhibitors of VEGFR's kinase at the usual dose for ever",
    processes=("toxicity",),
    per="toxicity_class",
)
def _toxicity(m: Measurement, of: str) -> float:
    return _level(m, OF_CLASS.format(of))


@output("total_toxicity", "1", "sum of the toxicities of all classes of drugs", processes=("toxicity",))
def _total_toxicity(m: Measurement) -> float:
    return m.tissue.patient.levels.get(TOTAL, 0.0)
