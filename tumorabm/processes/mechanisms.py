"""Mechanisms: what an experiment switches on and off as a whole, under ``mechanisms``.

A mechanism is the processes that name it, and the substrates that it brings with it. The engine, which is processes
that name none, is always there. Where the engine has a stand-in for what a mechanism does (a constant coverage where
there are no pericytes), the stand-in steps aside while the mechanism is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Mechanism:
    """Something about the tumor and its surroundings that can be taken away.

    Attributes
    ----------
    description : str
        What it does, in a line.
    substrates : tuple of str
        What it brings besides the substrates that its processes need.
    """

    description: str
    substrates: tuple[str, ...] = ()


MECHANISMS: Final[Mapping[str, Mechanism]] = {
    "nutrients": Mechanism("amino acids come with blood and are used up", ("amino_acids",)),
    "alternative_signals": Mechanism(
        "angiogenic signals besides VEGF, from tumor cells and host tissue",
        ("fgf2", "il8", "ephrin_a", "s1p", "plgf", "pdgf_bb", "hgf"),
    ),
    "receptor_competition": Mechanism("VEGF and PlGF compete for VEGFR1", ("plgf",)),
    "matrix_vegf": Mechanism("matrix holds VEGF, and MMP-9 frees it", ("vegf_bound", "mmp9")),
    "flow": Mechanism("blood flows by Poiseuille's law; supply and survival follow it"),
    "permeability": Mechanism("VEGF makes vessels leaky, coverage tightens them"),
    "notch": Mechanism("DLL4 and NOTCH select tip cells"),
    "angiopoietins": Mechanism("Ang2 against Ang1: regression without VEGF, sprouting with it", ("ang1", "ang2")),
    "pericytes": Mechanism("pericytes cover vessels, protect them and secrete VEGF", ("pdgf_bb",)),
    "intravasation": Mechanism("tumor cells enter leaky vessels"),
    "mdsc": Mechanism("myeloid-derived suppressor cells come with blood", ("plgf", "mmp9", "bv8")),
    "fibroblasts": Mechanism("fibroblasts, changed by long exposure", ("pdgf_cc", "hgf", "fgf2")),
    "t_cells": Mechanism("T cells enter, recognize and kill tumor cells, and exhaust"),
    "matrix": Mechanism("matrix is degraded by MMP-9, held back by TIMP-2", ("matrix", "mmp9", "timp2")),
    "mutation": Mechanism("tumor cells gain alterations when they divide, as 'mutations' says"),
    "invasion": Mechanism("tumor cells move along matrix, vessels and HGF", ("hgf",)),
    "emt": Mechanism("long stimulus makes tumor cells mesenchymal, and they turn back without it"),
    "intracellular": Mechanism("tumor cells take up, trap and pump out drug"),
    "direct_effect": Mechanism("drugs hold back the division of tumor cells themselves"),
}
