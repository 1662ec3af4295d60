"""List: points that the file names one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from pydantic import Field

from tumorabm.config.quantity import Fault, Wrong
from tumorabm.errors import nearest
from tumorabm.sweep.designs.design import Design
from tumorabm.sweep.factors import Factor, Point


class List(Design):
    """Points one by one, each with a value for every factor."""

    method: Literal["list"] = "list"
    points_given: list[dict[str, Any]] = Field(alias="points", description="Values by factor", min_length=1)

    def count(self, factors: Sequence[Factor]) -> int:
        return len(self.points_given)

    def points(self, factors: Sequence[Factor]) -> Iterator[Point]:
        for index, given in enumerate(self.points_given):
            yield tuple(
                factor.read(given[factor.label], ("design", "points", index, factor.label)) for factor in factors
            )

    def faults(self, factors: Sequence[Factor]) -> Iterable[Fault]:
        labels = [factor.label for factor in factors]
        for factor in factors:
            if factor.levels or factor.distribution is not None:
                message = "the points of a list have its values; give nothing but its path here"
                yield Fault(("factors", factor.label), message, True)
        for index, given in enumerate(self.points_given):
            place = ("design", "points", index)
            for label in given:
                if label not in labels:
                    yield Fault((*place, label), f"no such factor{nearest(label, labels)}", True)
            for factor in factors:
                if factor.label not in given:
                    yield Fault(place, f"lacks a value of {factor.label}")
                    continue
                try:
                    factor.read(given[factor.label], ())
                except Wrong as error:
                    for fault in error.faults:
                        yield fault._replace(path=(*place, factor.label))

    def settings(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)
