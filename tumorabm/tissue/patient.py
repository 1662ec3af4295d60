"""The patient: what is outside the tissue block and acts on it.

Amounts of drug in the body are state. What was prescribed is not: a resumed run takes it from its configuration, a
branch prescribes something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np

PICOGRAMS_PER_NANOGRAM: Final = 1e3


class Prescription(Protocol):
    """What the patient needs to know of a regimen: the drug's name."""

    @property
    def drug(self) -> str:
        """Name in the catalog."""


class Patient:
    """Drug in the body of the patient, and what else outside the block the tissue feels.

    Parameters
    ----------
    regimens : sequence
        What was prescribed, in the form of ``tumorabm.processes.dosing.schedule.Regimen``.
    exposure : mapping of str to float
        Unbound concentration (nM) of compounds that is constant everywhere, in blood and tissue, as in a culture's
        medium. Comes from the configuration as the regimens do.
    assessment : object, optional
        When the tumor is looked at, in the form of ``tumorabm.processes.dosing.response.Assessment``.
    treatment_start : float
        Simulated hours at which the clock of treatment starts: the length of the burn-in.

    Attributes
    ----------
    amounts : dict of str to ndarray of float64, shape (compartments,)
        Amount in each compartment (nmol) by drug; ``pharmacokinetics`` knows the compartments.
    total, total_mean : dict of str to float
        Plasma concentration (nM) of each compound, bound drug included: at the end of the last step, and its mean
        over that step.
    unbound, unbound_mean : dict of str to float
        The same of the unbound drug (nM), which acts on receptors.
    levels : dict of str to float
        What else evolves outside the block, by the name that its process gives it: pools of cells in blood.
    molar_mass : dict of str to float
        Molar mass (g/mol) of each compound, to report mass concentrations. Not state.

    Notes
    -----
    A compound that was never given has no entry. ``get`` of the mappings with a default of 0 says what is meant:
    ``patient.unbound.get("sunitinib", 0.0)``.
    """

    _NUMBERS: Final = ("total", "total_mean", "unbound", "unbound_mean", "levels")

    def __init__(
        self,
        regimens: Sequence[Prescription] = (),
        treatment_start: float = 0.0,
        exposure: Mapping[str, float] | None = None,
        assessment: object = None,
    ) -> None:
        self.assessment = assessment
        self.exposure = dict(exposure or {})
        self.regimens: tuple[Prescription, ...] = tuple(regimens)
        self.treatment_start = float(treatment_start)
        self.amounts: dict[str, np.ndarray] = {}
        self.total: dict[str, float] = {}
        self.total_mean: dict[str, float] = {}
        self.unbound: dict[str, float] = {}
        self.unbound_mean: dict[str, float] = {}
        self.levels: dict[str, float] = {}
        self.molar_mass: dict[str, float] = {}

    def treatment_hours(self, hours: float) -> float:
        """Hours on the treatment clock at a simulated hour; negative during the burn-in."""
        return hours - self.treatment_start

    def mass_concentration(self, compound: str) -> float:
        """Plasma concentration of a compound in ng/mL, bound drug included, at the end of the last step."""
        # nmol/L × g/mol = ng/L = pg/mL
        return self.total[compound] * self.molar_mass[compound] / PICOGRAMS_PER_NANOGRAM

    def state(self) -> dict[str, np.ndarray]:
        """Copies of what evolves, by ``amounts/<drug>``, ``<concentration>/<compound>`` and ``levels/<name>``."""
        out = {f"amounts/{drug}": amounts.copy() for drug, amounts in sorted(self.amounts.items())}
        for name in self._NUMBERS:
            values = getattr(self, name)
            out.update({f"{name}/{of}": np.asarray(values[of], dtype=np.float64) for of in sorted(values)})
        return out

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state; the regimens and the clock of treatment stay as they are."""
        self.amounts = {}
        for name in self._NUMBERS:
            setattr(self, name, {})
        for key, value in state.items():
            name, of = key.split("/", 1)
            if name == "amounts":
                self.amounts[of] = np.array(value, dtype=np.float64)
            elif name in self._NUMBERS:
                getattr(self, name)[of] = float(value)
            else:
                raise ValueError(f"patient: unknown state {key!r}")
