"""The blocks of an experiment file that say who is treated, with what, and when the tumor is looked at."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from tumorabm import units
from tumorabm.config.blocks import Block
from tumorabm.config.quantity import TIME_UNITS, Dose, Fault, Length, ReducedDose, Span, Time, Wrong
from tumorabm.processes.dosing.response import Assessment
from tumorabm.processes.dosing.schedule import Regimen

UM_PER_MM: Final = 1e3
_USUAL: Final = Assessment()


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
        return self

    def regimen(self) -> Regimen:
        """The schedule as dosing takes it."""
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
