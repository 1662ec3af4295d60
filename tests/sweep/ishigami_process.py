"""A process and an output for sweeps over Ishigami's function: a run whose result is known exactly, but for its luck.

Imported by sweep files under ``modules``; never in the process of the tests, whose registry it would change.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tumorabm.processes import Kind, Parameter, Phase, Process, register
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import output

A, B = 7.0, 0.1


@register
class Ishigami(Process):
    """Books the function's value, with normal noise that depends on the seed and on where it is."""

    name: ClassVar[str] = "ishigami"
    phase: ClassVar[Phase] = Phase.PATIENT
    kind: ClassVar[Kind] = Kind.EVENTS
    default: ClassVar[bool] = False
    parameters: ClassVar = {
        name: Parameter(f"test.ishigami.{name}", "1", text)
        for name, text in (("x1", "first"), ("x2", "second"), ("x3", "third"), ("noise", "spread of the noise"))
    }
    writes: ClassVar[tuple[str, ...]] = ("ledger",)

    def step(self, tissue, dt):
        x1, x2, x3 = self.p.x1, self.p.x2, self.p.x3
        value = np.sin(x1) + A * np.sin(x2) ** 2 + B * x3**4 * np.sin(x1)
        key = np.array([x1, x2, x3]).view(np.uint32)
        luck = np.random.default_rng([tissue.seed, *key.tolist()]).standard_normal()
        tissue.ledger.book("ishigami", "value", value + self.p.noise * luck)


@output("ishigami_value", "1", "Ishigami's function", processes=("ishigami",))
def _value(m: Measurement) -> float:
    return float(m.tissue.ledger.accounts.get("ishigami", {}).get("value", 0.0))
