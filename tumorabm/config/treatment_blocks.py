"""The blocks of an experiment file that say who is treated, with what, and when the tumor is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from tumorabm import units
from tumorabm.config.blocks import Block
from tumorabm.config.quantity import TIME_UNITS, Dose, Fault, Length, ReducedDose, Span, Time, Wrong
from tumorabm.processes.dosing.response import Assessment
from tumorabm.processes.dosing.schedule import Regimen, ToxicityRule
from tumorabm.processes.dosing.toxicity import OF_CLASS, TOTAL

UM_PER_MM: Final = 1e3
_USUAL: Final = Assessment()
_BETWEEN_VISITS: Final = 14 * 24.0


class DelayBlock(Block):
    """A postponement of all that was still to be given."""

    at: Time = Field(description="From this time of the plan on, counted from the end of the burn-in")
    by: Span = Field(description="By how much doses come later")


class ChangeBlock(Block):
    """A change of dose."""

    at: Time = Field(description="From then on, counted from the end of the burn-in")
    dose: ReducedDose = Field(description="New dose, 0 mg for none")


def _days(hours: float) -> str:
    return repr(units.as_text(hours, "h", TIME_UNITS))


class AdaptiveBlock(Block):
    """When a drug is paused and when it is given again, by the volume of the lesion relative to its first."""

    pause_below: float = Field(description="No dose once a scan has found it smaller", gt=0.0)
    resume_above: float = Field(description="Given again once a scan has found it larger", gt=0.0)

    @model_validator(mode="after")
    def _checked(self) -> AdaptiveBlock:
        if self.resume_above < self.pause_below:
            raise Wrong([Fault(("resume_above",), f"{self.resume_above:g} must not lie below {self.pause_below:g}")])
        return self


class LoadingBlock(Block):
    """First doses that differ from the later ones."""

    dose: Dose = Field(description="Each of them")
    number: int = Field(1, description="How many", ge=1)


class ToxicityBlock(Block):
    """What is done about toxicity at visits. Thresholds that are not given are those of the drug's toxicity class."""

    to: list[Dose] = Field(
        default_factory=list, description="Doses after one reduction, two, ...; never reduced without any"
    )
    reduce_above: float | None = Field(None, description="Reduced by a step by each visit that finds more", gt=0.0)
    raise_below: float | None = Field(
        None, description="A step is taken back by each visit that finds less; never without it", gt=0.0
    )
    interrupt: bool = Field(True, description="Whether the drug is interrupted at all")
    interrupt_above: float | None = Field(None, description="No dose once a visit has found more", gt=0.0)
    resume_below: float | None = Field(None, description="Given again once a visit has found less", gt=0.0)
    every: Span = Field(_BETWEEN_VISITS, description="Interval between visits; the first is at the end of the burn-in")
    judged_by: Literal["class", "total"] = Field(
        "class", description="Toxicity of the drug's class, or the sum over all classes"
    )

    @model_validator(mode="after")
    def _checked(self) -> ToxicityBlock:
        faults = []
        for place, (high, low) in enumerate(pairwise(self.to), 1):
            if low >= high:
                faults.append(Fault(("to", place), f"{low:g} mg must be less than the {high:g} mg before it"))
        for name in ("reduce_above", "raise_below"):
            if not self.to and getattr(self, name) is not None:
                faults.append(Fault((name,), "needs the doses to reduce to ('to')"))
        for name in ("interrupt_above", "resume_below"):
            if not self.interrupt and getattr(self, name) is not None:
                faults.append(Fault((name,), "belongs to interrupt: true"))
        if faults:
            raise Wrong(faults)
        return self

    def limits(self, usual: Mapping[str, float]) -> dict[str, float]:
        """Thresholds as given, else the usual ones."""
        given = {name: getattr(self, name) for name in usual}
        return {name: usual[name] if value is None else value for name, value in given.items()}

    def rule(self, toxicity_class: str, usual: Mapping[str, float]) -> ToxicityRule:
        """The rule as dosing takes it.

        Parameters
        ----------
        toxicity_class : str
            Of the drug.
        usual : mapping of str to float
            Thresholds of the class by name.
        """
        limits = self.limits(usual)
        return ToxicityRule(
            TOTAL if self.judged_by == "total" else OF_CLASS.format(toxicity_class),
            self.every,
            limits["reduce_above"] if self.to else math.inf,
            tuple(self.to),
            self.raise_below,
            limits["interrupt_above"] if self.interrupt else math.inf,
            limits["resume_below"] if self.interrupt else 0.0,
        )


class TreatmentBlock(Block):
    """One drug on its schedule. Times count from the end of the burn-in, or from the progression that begins it."""

    drug: str = Field(description="Name in the catalog")
    dose: Dose = Field(description="Each dose")
    every: Span = Field(description="Interval between doses")
    on: Span | None = Field(None, description="Length of a dosing period; without it the drug is given continuously")
    off: Time | None = Field(None, description="Length of the break after it")
    start: Time = Field(0.0, description="First dose")
    end: Time | None = Field(None, description="No dose from then on")
    cycles: int | None = Field(None, description="Number of dosing periods", ge=1)
    delays: list[DelayBlock] = Field(default_factory=list, description="Postponements: the rest of the plan shifts")
    changes: list[ChangeBlock] = Field(default_factory=list, description="Changes of dose")
    from_progression: int | None = Field(
        None, description="Progression that begins it, 1 for the first; all its times then count from there", ge=1
    )
    until_progression: int | None = Field(None, description="Progression that ends it, 1 for the first", ge=1)
    adaptive: AdaptiveBlock | None = Field(None, description="Pause it while the lesion is small")
    loading: LoadingBlock | None = Field(None, description="First doses that differ")
    toxicity: ToxicityBlock | None = Field(None, description="Reduce and interrupt it for toxicity; never without it")

    @model_validator(mode="after")
    def _checked(self) -> TreatmentBlock:
        if self.off is not None and self.on is None:
            raise Wrong([Fault(("off",), "a break needs the length of the dosing period before it ('on')")])
        if self.on is not None and self.off is None and self.cycles is None:
            raise Wrong([Fault(("on",), "a dosing period needs the break after it ('off'), or 'cycles'")])
        if self.cycles is not None and self.on is None:
            raise Wrong([Fault(("cycles",), "cycles need 'on' and 'off'")])
        if self.end is not None and self.end <= self.start:
            raise Wrong([Fault(("end",), f"{_days(self.end)} must come after start at {_days(self.start)}")])
        begins, ends = self.from_progression, self.until_progression
        if begins is not None and ends is not None and ends <= begins:
            raise Wrong([Fault(("until_progression",), f"{ends} must come after from_progression, {begins}")])
        if self.on is not None and self.every > self.on:
            longer = f"{_days(self.every)} must not be longer than the dosing period ('on') of {_days(self.on)}"
            raise Wrong([Fault(("every",), longer)])
        if self.toxicity is not None and self.toxicity.to and self.toxicity.to[0] >= self.dose:
            less = f"{self.toxicity.to[0]:g} mg must be less than the dose of {self.dose:g} mg"
            raise Wrong([Fault(("toxicity", "to", 0), less)])
        return self

    def regimen(self, toxicity: ToxicityRule | None = None) -> Regimen:
        """The schedule as dosing takes it, with the rule that its block on toxicity comes to."""
        return Regimen(
            self.drug,
            self.dose,
            self.every,
            on=math.inf if self.on is None else self.on,
            off=self.off or 0.0,
            start=self.start,
            end=math.inf if self.end is None else self.end,
            cycles=self.cycles,
            delays=tuple((delay.at, delay.by) for delay in self.delays),
            changes=tuple((change.at, change.dose) for change in self.changes),
            after=self.from_progression,
            until=self.until_progression,
            pause_below=None if self.adaptive is None else self.adaptive.pause_below,
            resume_above=None if self.adaptive is None else self.adaptive.resume_above,
            loading=None if self.loading is None else (self.loading.dose, self.loading.number),
            toxicity=toxicity,
        )


class PatientBlock(Block):
    """Who is treated: what distinguishes one patient from another."""

    variants: list[str] = Field(default_factory=list, description="Germline variants, by their names in the catalog")
    clearance: dict[str, Annotated[float, Field(gt=0.0, le=100.0)]] = Field(
        default_factory=dict, description="Clearance of drugs relative to the usual patient's, by the drug's name"
    )
    prognosis: Literal["favorable", "intermediate", "poor"] | None = Field(
        None, description="Risk group; drugs that are licensed for another one are told, nothing else follows from it"
    )


class AssessmentBlock(Block):
    """When the tumor is looked at during treatment, and what counts as a progression (RECIST 1.1)."""

    every: Span = Field(_USUAL.every, description="Interval between scans; the first is at the end of the burn-in")
    sum_of_diameters: Length = Field(
        _USUAL.baseline * UM_PER_MM, description="The patient's sum of longest diameters at the first scan"
    )
    rise: float = Field(_USUAL.rise, description="Rise over the smallest sum that is a progression, relative", gt=0.0)
    least_rise: Length = Field(_USUAL.least * UM_PER_MM, description="Least rise that counts")

    def assessment(self) -> Assessment:
        """As ``response`` takes it, in mm."""
        return Assessment(self.every, self.sum_of_diameters / UM_PER_MM, self.rise, self.least_rise / UM_PER_MM)
