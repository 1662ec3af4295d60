"""VEGF-A in blood: it rises where VEGFR2 does not take it up, and an antibody holds what it binds.

With T all of it, f = 1/(1 + sum of C/K) the share that is free of antibody, and v the share of its elimination that
goes through VEGFR2, of which kinase inhibitors leave l (``signaling.inhibitors``):

    dT/dt = k V0 - (k f (1 - v + v l) + k_c (1 - f)) T

V0 and k are baseline and turnover without treatment; complexes are eliminated as the antibody is, k_c, far more slowly:
under bevacizumab there is more VEGF-A in all and less of it free. Exact over a step for its mean concentrations. The
tissue's own VEGF-A does not depend on it: in blood there is a tenth of what a tumor holds.

Panoilia et al. (2015) for baseline, turnover and the antibody's constant in plasma; the review for the rise under
kinase inhibitors, of which v is the assumed cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Parameter, Phase, Process, Values
from tumorabm.processes.signaling.inhibitors import Inhibitor, in_blood, inhibitors_of, share_left
from tumorabm.processes.signaling.vegfr2 import RECEPTOR
from tumorabm.tissue.tissue import Tissue

POOL: Final = "plasma_vegf"  # nM, bound to antibody or not
FREE: Final = "plasma_vegf_free"
_IN_PLASMA: Final = "vegf_a_binding_in_plasma"


class SystemicVegf(Process):
    """The pool of VEGF-A in blood.

    Parameters
    ----------
    values : mapping
        The declared parameters.
    inhibitors : sequence of Inhibitor
        Of VEGFR2.
    antibodies : mapping of str to (float, float)
        By drug its constant in plasma (nM) and the rate at which it and its complexes are eliminated (1/h).
    """

    name = "systemic_vegf"
    phase = Phase.PATIENT
    kind = Kind.EVOLVING
    parameters = {
        "baseline": Parameter("substrates.vegf_a.plasma_baseline", "nM", "free in plasma without treatment"),
        "turnover": Parameter("substrates.vegf_a.plasma_turnover_rate", "1/h", "of free VEGF-A in plasma", above=0),
        "by_vegfr2": Parameter("substrates.vegf_a.plasma_share_by_vegfr2", "1", "of its elimination", below=1),
    }
    reads = ("patient",)
    writes = ("patient/levels",)

    def __init__(
        self,
        values: Mapping[str, float],
        inhibitors: Sequence[Inhibitor] = (),
        antibodies: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        super().__init__(values)
        self.inhibitors, self.antibodies = tuple(inhibitors), dict(antibodies or {})

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with the inhibitors of VEGFR2 and the antibodies among the experiment's drugs."""
        drugs = (*choice.drugs, *choice.exposure)
        inhibitors = [item for item in inhibitors_of(catalog, drugs, choice.sets) if item.node == RECEPTOR]
        paths, antibodies = set(catalog.paths()), {}
        for drug in sorted(set(drugs)):
            stem = f"drugs.{drug}."
            if stem + _IN_PLASMA in paths:
                volume = sum(
                    catalog.get(stem + name, "L", choice.sets)
                    for name in ("pk_central_volume", "pk_peripheral_volume")
                    if stem + name in paths
                )
                rate = catalog.get(f"{stem}pk_clearance", "L/h", choice.sets) / volume
                antibodies[drug] = catalog.get(stem + _IN_PLASMA, "nM", choice.sets), rate
        return cls(cls.values_from(catalog, choice.sets, given), inhibitors, antibodies)

    def prepare(self, tissue: Tissue) -> None:
        for name in (POOL, FREE):
            tissue.patient.levels.setdefault(name, self.p.baseline)

    def relax(self, tissue: Tissue) -> None:
        self._advance(tissue, np.inf)

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt > 0.0:
            self._advance(tissue, dt)

    def _advance(self, tissue: Tissue, dt: float) -> None:
        p, levels = self.p, tissue.patient.levels
        there = in_blood(tissue, [item.compound for item in self.inhibitors])
        left = share_left(self.inhibitors, there)
        antibodies = in_blood(tissue, self.antibodies)
        ratios = {drug: antibodies[drug] / constant for drug, (constant, _) in sorted(self.antibodies.items())}
        free = 1.0 / (1.0 + sum(ratios.values()))
        with_antibody = free * sum(ratio * self.antibodies[drug][1] for drug, ratio in ratios.items())
        rate = p.turnover * free * (1.0 - p.by_vegfr2 + p.by_vegfr2 * left) + with_antibody
        rest = p.turnover * p.baseline / rate
        levels[POOL] += (rest - levels[POOL]) * -float(np.expm1(-rate * dt))
        levels[FREE] = levels[POOL] * free
