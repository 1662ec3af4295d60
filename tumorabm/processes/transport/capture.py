"""Capture of a factor by an antibody in tissue.

Antibody and factor are in fast equilibrium with their complex, b = C c/K, which leaves the tissue at the rate k as
the antibody does. So the factor is lost with what leaves, k C/K per hour, and the antibody k c/K: each molecule takes
one of the other with it (to first order in the step), and where a factor is made faster than antibody arrives the
antibody is used up. Complexes are taken to be at rest: until they are, more of the factor is held than this says.

Binding alone would not lower what is free for long: it is made until as much is free as before. What counts is that
complexes are carried away and that no receptor takes them up. (Compare Panoilia et al. 2015 for plasma,
``dosing.systemic_vegf``.)

In the catalog an antibody has ``<factor>_binding`` (K) and ``<factor>_complex_loss_rate`` (k).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.tissue.tissue import Tissue

_BINDING: Final = "_binding"
_LOSS: Final = "_complex_loss_rate"


@dataclass(frozen=True)
class Capture:
    """An antibody and a factor that it binds.

    Attributes
    ----------
    drug, factor : str
    constant : float
        K, nM.
    loss : float
        k, 1/h.
    capacity : float
        Total over unbound antibody in tissue.
    """

    drug: str
    factor: str
    constant: float
    loss: float
    capacity: float = 1.0


def captures_of(catalog: Values, drugs: Iterable[str], sets: Mapping[str, str]) -> tuple[Capture, ...]:
    """What the catalog says that some drugs capture, in the order of drug and factor."""
    paths, out = set(catalog.paths()), []
    for drug in sorted(set(drugs)):
        stem = f"drugs.{drug}."
        for path in sorted(path for path in paths if path.startswith(stem) and path.endswith(_LOSS)):
            factor = path.removeprefix(stem).removesuffix(_LOSS)
            out.append(
                Capture(
                    drug,
                    factor,
                    catalog.get(f"{stem}{factor}{_BINDING}", "nM", sets),
                    catalog.get(path, "1/h", sets),
                    catalog.get(f"{stem}tissue_total_over_unbound", "1", sets),
                )
            )
    return tuple(out)


class LigandCapture(Process):
    """Loss of factors to antibodies, and of antibodies to factors.

    Parameters
    ----------
    captures : sequence of Capture
        Of factors that have a field.
    given : iterable of str
        Drugs that have a field; the concentration of others is constant.
    """

    name = "ligand_capture"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    reads = ("microenvironment", "patient")
    writes = ("terms",)

    def __init__(self, captures: Sequence[Capture] = (), given: Iterable[str] = ()) -> None:
        super().__init__({})
        self.captures, self.given = tuple(captures), frozenset(given)

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with what the experiment's drugs capture."""
        found = captures_of(catalog, (*choice.drugs, *choice.exposure), choice.sets)
        return cls([item for item in found if item.factor in choice.substrates], choice.drugs)

    def step(self, tissue: Tissue, dt: float) -> None:
        fields = tissue.microenvironment
        for item in self.captures:
            name, factor = f"captured_by_{item.drug}", fields[item.factor]
            antibody: np.ndarray | float = tissue.patient.exposure.get(item.drug, 0.0)
            if item.drug in self.given:
                antibody = antibody + fields[item.drug].concentration
                lost = factor.concentration * (item.loss / item.constant / item.capacity)
                fields[item.drug].contribute("loss", f"captures_{item.factor}", lost)
            rate = antibody * (item.loss / item.constant)
            factor.contribute("loss", name, np.full(tissue.lattice.shape, rate / factor.substrate.capacity))
