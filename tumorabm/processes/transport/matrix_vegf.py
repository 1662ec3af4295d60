"""VEGF-A bound to matrix, which MMP-9 sets free.

With c mobile and b bound VEGF-A and M the concentration of MMP-9

    ḃ = k_b c − (k_u + k_M M) b − k_d b

where what leaves by unbinding (k_u) and by MMP-9 (k_M) is mobile again, and k_d is the turnover of matrix with what
it holds. ``FieldSolve`` advances both together, so that what one loses the other gains, whatever the step.

**Two ways to say how VEGF-A spreads**, of which only one may be used (trap 2 of the project's notes). The range of
VEGF-A is what matters to vessels, L = √(D/k) with k all that removes it for good: √(10 µm²/s · 64 min/ln 2) = 235 µm.

- *The default* keeps the effective diffusivity of 10 µm²/s. It has in it the fast binding to matrix of low affinity,
  as 104/10 − 1 = 9.4 parts bound on one free, all of which count as mobile here. b is the other, tightly bound pool
  that only proteases release: 0.7 of the total without MMP-9 and a half-life of 24 h, so k_b = (0.7/0.3) ln 2/24 h =
  0.067/h. It takes a tenth of what decays (0.65/h), the range becomes √(10 µm²/s/(0.65 + 0.067)/h) = 224 µm, and the
  time to fill it is a day: it hardly slows diffusion, so D does not count it, and nothing is counted twice.
- *All binding explicit* (``configs/experiments/vegf_free_diffusion.yaml``): D = 104 µm²/s of free VEGF-A, and b is the
  fast pool: unbinding k_u = 36/h, decay as that of free VEGF-A, k_d = 0.65/h, and k_b = 9.4 (k_u + k_d) = 344/h, so
  b = 9.4 c. Bound VEGF-A decays too, so k = 0.65 + 9.4 · 0.65 = 6.76/h and L = √(104 µm²/s/6.76/h) = 235 µm again. A
  tenth as much is free then, and constants that were measured against the total (K of receptors) are divided by 10.4.

At rest the two are the same model: VEGFR2 signals of a vascularized tumor agree to four digits. The first is the
default: it has room for the pool that MMP-9 releases, while the second has its only bound pool in use, with no number
for what proteases would do to one that turns over in minutes.
"""

from __future__ import annotations

import numpy as np

from tumorabm.processes.process import Kind, Parameter, Phase, Process
from tumorabm.tissue.tissue import Tissue


class MatrixBinding(Process):
    """Binding of VEGF-A to matrix, and its release."""

    name = "matrix_binding"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    mechanism = "matrix_vegf"
    parameters = {
        "binding": Parameter("substrates.vegf_bound.binding_rate", "1/h", "of mobile VEGF-A to matrix"),
        "unbinding": Parameter("substrates.vegf_bound.unbinding_rate", "1/h", "of bound VEGF-A by itself"),
        "release": Parameter("substrates.mmp9.vegf_release", "1/h/nM", "of bound VEGF-A by MMP-9"),
    }
    substrates = ("vegf_a", "vegf_bound", "mmp9")
    reads = ("microenvironment/mmp9",)
    writes = ("terms/vegf_bound",)

    def step(self, tissue: Tissue, dt: float) -> None:
        bound, mmp9 = tissue.microenvironment["vegf_bound"], tissue.microenvironment["mmp9"]
        bound.contribute("binding", "matrix", np.full(tissue.lattice.sites, self.p.binding))
        bound.contribute("release", "matrix", self.p.unbinding + self.p.release * mmp9.concentration)
