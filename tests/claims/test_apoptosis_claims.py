"""F-25: more Bcl-2, or less CD95, and more of a drug is needed for the same apoptosis."""

from __future__ import annotations

import numpy as np
import pytest
from scenarios import network, states, tumor

from tumorabm.processes.signaling.course import steady

DOSES = np.geomspace(0.1, 1e4, 41)  # nM of torin1


def dose_for(apoptosis: float, *alterations: str, cut: tuple[str, ...] = ()) -> float:
    """Least dose at which that share of cells is unprotected; infinite if none does it."""
    cells = [tumor(*alterations, cut=cut, drugs={"torin1": float(dose)}) for dose in DOSES]
    found = states(cells)
    unprotected = np.array([1.0 - found[cell]["survival"] for cell in cells])
    assert (np.diff(unprotected) > -1e-3).all()
    if unprotected[-1] < apoptosis:
        return np.inf
    return float(np.exp(np.interp(apoptosis, np.maximum.accumulate(unprotected), np.log(DOSES))))


def half_way() -> float:
    """Apoptosis half-way between none of the drug and all of it, in usual cells."""
    ends = [tumor(), tumor(drugs={"torin1": 1e4})]
    found = states(ends)
    return 1.0 - 0.5 * sum(found[cell]["survival"] for cell in ends)


@pytest.mark.parametrize(
    ("alteration", "edge"), [("bcl2_overexpression", "bcl2 -> survival"), ("cd95_loss", "cd95 -| survival")]
)
def test_f25_the_dose_for_apoptosis_shifts_to_the_right(alteration: str, edge: str) -> None:
    """The dose that brings usual cells half-way to the most that the drug does; none of it where the edge is cut."""
    level = half_way()
    usual, altered = dose_for(level), dose_for(level, alteration)
    print(f"{alteration}: {usual:.3g} -> {altered:.3g} nM of torin1")
    assert altered > 1.5 * usual
    level = 1.0 - states([cell := tumor(cut=(edge,), drugs={"torin1": usual})])[cell]["survival"]
    assert dose_for(level, alteration, cut=(edge,)) == pytest.approx(dose_for(level, cut=(edge,)), rel=1e-6)


@pytest.mark.parametrize(("node", "levels"), [("bcl2", (1.0, 1.2, 1.5, 2.0)), ("cd95", (1.0, 0.6, 0.3, 0.0))])
def test_f25_the_more_the_more_is_survived(node: str, levels: tuple[float, ...]) -> None:
    net = network("rcc_figure1")
    found = [
        steady(net, net.reference_inputs(), net.make({"vhl_level": 0.0, f"{node}_level": level}))[0] for level in levels
    ]
    assert (np.diff([state[net.index("survival")] for state in found]) > 1e-3).all()
