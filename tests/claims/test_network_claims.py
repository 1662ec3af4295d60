"""Claims of the register (IDs F-...) that the signaling network has to show, each with its cell, genotype and
inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from scenarios import DRAWS, ROUND_OFF, SHARE, Cell, States, drawn, endothelial, states, tumor

# Unbound concentrations at which drugs act fully on their target, nM.
RAPALOG, TOR_KI = {"everolimus": 10.0}, {"torin1": 50.0}
MEK = {"trametinib": 20.0}
AIR, HYPOXIA = {"oxygen": 40.0}, {"oxygen": 1.0}
MET = {"hgf": 1.0}
LIGANDS, CABOZANTINIB = {"hgf": 1.0, "gas6": 2.0}, {"cabozantinib": 5.0}
PROTECTION = ("bcl2 -> survival", "cd95 -| survival")
MIR942 = ("mir942 -> secretion_vegf_a", "mir942 -> secretion_mmp9")


@dataclass(frozen=True)
class Claim:
    """Cells to look at, and what has to hold of them."""

    cells: tuple[Cell, ...]
    holds: Callable[..., bool]


CLAIMS: dict[str, Claim] = {}


def claim(name: str, *cells: Cell):
    """Register what has to hold of the steady states of some cells, given in their order."""

    def add(function: Callable[..., bool]) -> Callable[..., bool]:
        assert name not in CLAIMS
        CLAIMS[name] = Claim(cells, function)
        return function

    return add


def higher(a, b, *nodes: str) -> bool:
    """Whether nodes are higher in one state than in another, by more than round-off."""
    return all(a[node] > b[node] + ROUND_OFF for node in nodes)


def lost(state, untreated, node: str) -> float:
    """Share of an activity that a drug takes."""
    return 1.0 - state[node] / untreated[node]


# --- VEGF, mTOR ------------------------------------------------------------------------------------------------------


@claim(
    "F-10 VEGF raises mTORC1, S6K and what follows in endothelium", endothelial(vegf_a=0.01), endothelial(vegf_a=0.3)
)
def _(without, with_vegf) -> bool:
    return higher(with_vegf, without, "mtorc1", "s6k", "eif4e", "division", "motility", "survival")


@claim("F-10 not without VEGFR2", endothelial(vegf_a=0.01), endothelial(vegf_a=0.3, drugs={"sunitinib": 1000.0}))
def _(without, blocked) -> bool:
    return blocked["mtorc1"] < without["mtorc1"] + ROUND_OFF


@claim("F-11 altered PI3K or PTEN raises AKT and mTORC1", tumor(), tumor("pi3k_activation"), tumor("pten_loss"))
def _(usual, pi3k, pten) -> bool:
    return higher(pi3k, usual, "akt", "mtorc1") and higher(pten, usual, "akt", "mtorc1")


@claim(
    "F-12 mTOR inhibition lowers translation, angiogenesis and division of tumor cells", tumor(), tumor(drugs=RAPALOG)
)
def _(usual, treated) -> bool:
    return higher(usual, treated, "eif4e", "secretion_vegf_a", "division")


@claim("F-12 and division of endothelium", endothelial(), endothelial(drugs=RAPALOG))
def _(usual, treated) -> bool:
    return higher(usual, treated, "eif4e", "division")


@claim(
    "F-12 each of the two can be switched off",
    tumor(clamp={"eif4e": 0.4, "s6": 0.5, "p27": 0.4, "hif1a": 0.5}),
    tumor(clamp={"eif4e": 0.4, "s6": 0.5, "p27": 0.4, "hif1a": 0.5}, drugs=RAPALOG),
    tumor(clamp={"hif1a": 0.5}),
    tumor(clamp={"hif1a": 0.5}, drugs=RAPALOG),
)
def _(held, held_treated, angiogenic, angiogenic_treated) -> bool:
    # Without its effectors the drug takes no division; with HIF-1alpha held it takes division but no VEGF.
    return (
        lost(held_treated, held, "division") < 0.02
        and abs(lost(angiogenic_treated, angiogenic, "secretion_vegf_a")) < 0.02
        and higher(angiogenic, angiogenic_treated, "division")
    )


@claim(
    "F-67 rapalogs lower S6K, eIF4E; cell cycle, angiogenesis, glycolysis; not TORC2, AKT",
    tumor(),
    tumor(drugs=RAPALOG),
)
def _(usual, treated) -> bool:
    falls = higher(usual, treated, "mtorc1", "s6k", "eif4e", "division", "secretion_vegf_a", "glycolysis")
    return falls and not higher(usual, treated, "mtorc2") and not higher(usual, treated, "akt")


# --- HIF classes -----------------------------------------------------------------------------------------------------


@claim(
    "F-21 AKT, ERK are higher with HIF of neither or both classes than with HIF-2alpha only, c-Myc, division lower",
    tumor(vhl=True, **AIR),  # where none is detected, VHL and oxygen are there
    tumor(),
    tumor("hif2a_only"),
)
def _(neither, both, second) -> bool:
    active = all(higher(cell, second, "akt", "erk") for cell in (neither, both))
    return active and all(higher(second, cell, "myc", "division") for cell in (neither, both))


@claim(
    # VEGF does not act on division itself: what its blockade takes from tumor cells is what vessels bring.
    "F-21 HIF-2alpha-only cells depend less on VEGF: starved of growth factors and nutrients they divide on",
    tumor(),
    tumor(vegf_a=0.0, growth_factors=0.1, amino_acids=0.2),
    tumor("hif2a_only"),
    tumor("hif2a_only", vegf_a=0.0, growth_factors=0.1, amino_acids=0.2),
)
def _(both, both_starved, second, second_starved) -> bool:
    return lost(second_starved, second, "division") < lost(both_starved, both, "division")


# --- sphingolipids, TSC, stress, MET ---------------------------------------------------------------------------------


@claim(
    "F-34 SK1 under hypoxia: without it HIF-1alpha and survival fall, ceramide rises (VHL intact)",
    tumor(vhl=True, **HYPOXIA),
    tumor(vhl=True, clamp={"sk1": 0.0}, **HYPOXIA),
)
def _(usual, without) -> bool:
    return higher(usual, without, "hif1a", "survival", "secretion_s1p") and higher(without, usual, "ceramide")


@claim("F-34 hypoxia raises SK1", tumor(**AIR), tumor(**HYPOXIA))
def _(air, hypoxia) -> bool:
    return higher(hypoxia, air, "sk1", "secretion_s1p") and higher(air, hypoxia, "ceramide")


@claim(
    "F-35 TSC loss raises HIF-1alpha at normoxia through mTOR, and a rapalog takes that away",
    tumor(vhl=True, **AIR),
    tumor("tsc_loss", vhl=True, **AIR),
    tumor("tsc_loss", vhl=True, drugs=RAPALOG, **AIR),
)
def _(usual, lost_tsc, treated) -> bool:
    gained = lost_tsc["hif1a"] - usual["hif1a"]
    return gained > ROUND_OFF and treated["hif1a"] - usual["hif1a"] < 0.5 * gained


@claim(
    "F-37 lack of oxygen, amino acids held, raises AKT, mTORC1, nutrient transport (VHL lost: REDD1 does not change)",
    tumor(),
    tumor(**HYPOXIA),
)
def _(usual, stressed) -> bool:
    return higher(stressed, usual, "stress", "akt", "mtorc1", "nutrient_transport")


@claim("F-37 lack of amino acids raises AKT", tumor(), tumor(amino_acids=0.2))
def _(usual, starved) -> bool:
    return higher(starved, usual, "stress", "akt")


@claim("F-49 hypoxia induces c-MET (VHL intact)", tumor(vhl=True, **AIR, **MET), tumor(vhl=True, **HYPOXIA, **MET))
def _(air, hypoxia) -> bool:
    return higher(hypoxia, air, "met")


@claim(
    "F-49 HGF: AKT and ERK, division, survival, movement, EMT",
    tumor(hgf=0.0),
    tumor(**MET),
    tumor(clamp={"met": 0.0}, **MET),
)
def _(without, with_hgf, blocked) -> bool:
    outputs = ("akt", "erk", "division", "survival", "motility", "emt_stimulus")
    return higher(with_hgf, without, *outputs) and higher(with_hgf, blocked, *outputs)


@claim(
    "F-49 each edge of c-MET carries its part",
    tumor(**MET),
    tumor(cut=("met -> pi3k",), **MET),
    tumor(cut=("met -> ras",), **MET),
    tumor(cut=("met -> motility",), **MET),
    tumor(cut=("met -> emt_stimulus",), **MET),
)
def _(usual, no_pi3k, no_ras, no_motility, no_emt) -> bool:
    return (
        higher(usual, no_pi3k, "akt", "survival")
        and higher(usual, no_ras, "erk")
        and higher(usual, no_motility, "motility")
        and higher(usual, no_emt, "emt_stimulus")
    )


@claim(
    "F-60 sunitinib lowers VEGFR2 and what follows in endothelium",
    endothelial(),
    endothelial(drugs={"sunitinib": 20.0}),
)
def _(usual, treated) -> bool:
    return higher(usual, treated, "vegfr2", "pi3k", "akt", "mtorc1", "erk", "division")


@claim(
    "F-60 everolimus needs FKBP-12",
    tumor(),
    tumor(drugs=RAPALOG),
    tumor(clamp={"fkbp12": 0.0}, drugs=RAPALOG),
    tumor("fkbp12_loss", drugs=RAPALOG),
)
def _(usual, treated, without, low) -> bool:
    full = lost(treated, usual, "mtorc1")
    return full > 0.1 and abs(lost(without, usual, "mtorc1")) < 1e-6 and lost(low, usual, "mtorc1") < 0.3 * full


# --- resistance to mTOR inhibitors -----------------------------------------------------------------------------------


@claim(
    "F-79 cells with altered FKBP-12 or FKB domain resist the rapalog and not the TOR kinase inhibitor",
    tumor(),
    tumor(drugs=RAPALOG),
    tumor("fkbp12_loss", drugs=RAPALOG),
    tumor("mtor_fkb_mutated", drugs=RAPALOG),
    tumor(drugs=TOR_KI),
    tumor("fkbp12_loss", drugs=TOR_KI),
    tumor("mtor_fkb_mutated", drugs=TOR_KI),
)
def _(usual, rapalog, fkbp, fkb, tor, fkbp_tor, fkb_tor) -> bool:
    full = lost(rapalog, usual, "s6k")
    resist = all(lost(cell, usual, "s6k") < 0.5 * full for cell in (fkbp, fkb))
    return resist and all(abs(cell["s6k"] - tor["s6k"]) < 1e-6 for cell in (fkbp_tor, fkb_tor))


@claim(
    "F-80 hypoxia lowers mTORC1 in wild type, also against the stress that it is",
    tumor(vhl=True, **AIR),
    tumor(vhl=True, **HYPOXIA),
)
def _(air, hypoxia) -> bool:
    return higher(hypoxia, air, "stress", "redd1", "tsc") and higher(air, hypoxia, "mtorc1", "s6k")


@claim(
    "F-80 hypoxia lowers mTORC1 with VHL, TSC and REDD1, not where TSC or REDD1 is lost (stress held out: edge cut)",
    *(
        tumor(*made, vhl=True, cut=("stress -> pi3k",), **oxygen)
        for made in ((), ("tsc_loss",), ("redd1_loss",))
        for oxygen in (AIR, HYPOXIA)
    ),
)
def _(air, hypoxia, tsc_air, tsc_hypoxia, redd1_air, redd1_hypoxia) -> bool:
    fall = lost(hypoxia, air, "mtorc1")
    altered = max(lost(tsc_hypoxia, tsc_air, "mtorc1"), lost(redd1_hypoxia, redd1_air, "mtorc1"))
    return fall > ROUND_OFF and altered < 0.5 * fall


@claim("F-82 under a rapalog S6K falls while AKT and ERK rise", tumor(), tumor(drugs=RAPALOG))
def _(usual, treated) -> bool:
    return higher(usual, treated, "s6k") and higher(treated, usual, "akt", "erk")


@claim(
    "F-82 ERK rises through the feedback on PI3K: without it it does not",
    *(tumor(cut=("s6k -| pi3k",), drugs=d) for d in ({}, RAPALOG)),
)
def _(usual, treated) -> bool:
    return not higher(treated, usual, "erk") or treated["erk"] - usual["erk"] < 1e-3


@claim("F-82 a MEK inhibitor cancels the rise of ERK", tumor(), tumor(drugs=RAPALOG), tumor(drugs={**RAPALOG, **MEK}))
def _(usual, treated, both) -> bool:
    return higher(treated, usual, "erk") and higher(usual, both, "erk")


@claim("F-82 a TOR kinase inhibitor also lowers AKT", tumor(), tumor(drugs=TOR_KI))
def _(usual, treated) -> bool:
    return higher(usual, treated, "akt", "s6k")


@claim(
    "F-83 PLD2 raises mTORC1 and mTORC2, and the rapalog leaves more",
    tumor(),
    tumor("pld2_overexpression"),
    tumor(drugs=RAPALOG),
    tumor("pld2_overexpression", drugs=RAPALOG),
)
def _(usual, over, treated, over_treated) -> bool:
    return higher(over, usual, "mtorc1", "mtorc2") and higher(over_treated, treated, "mtorc1", "mtorc2", "s6k")


@claim("F-83 S6K holds PLD2 back", tumor(), tumor(clamp={"s6k": 0.0}), tumor(clamp={"s6k": 1.0}))
def _(usual, without, full) -> bool:
    return without["pld2"] > usual["pld2"] > full["pld2"]


@claim(
    "F-84 PIM rises under a rapalog and brings back part of translation",
    tumor(),
    tumor(drugs=RAPALOG),
    tumor(drugs=RAPALOG, held=("pim",)),
)
def _(usual, treated, held) -> bool:
    return higher(treated, usual, "pim") and higher(treated, held, "eif4e", "mtorc1")


@claim(
    "F-85 low 4E-BP1 or high eIF4E: the rapalog takes less of translation and division",
    tumor(),
    tumor(drugs=RAPALOG),
    tumor("bp1_loss"),
    tumor("bp1_loss", drugs=RAPALOG),
    tumor("eif4e_overexpression"),
    tumor("eif4e_overexpression", drugs=RAPALOG),
)
def _(usual, treated, low, low_treated, high, high_treated) -> bool:
    return (
        lost(low_treated, low, "eif4e") < lost(treated, usual, "eif4e")
        and lost(low_treated, low, "division") < lost(treated, usual, "division")
        and lost(high_treated, high, "division") < lost(treated, usual, "division")
    )


@claim(
    "F-86 low p27: division answers less to the rapalog",
    tumor(),
    tumor(drugs=RAPALOG),
    tumor("p27_loss"),
    tumor("p27_loss", drugs=RAPALOG),
)
def _(usual, treated, low, low_treated) -> bool:
    return higher(treated, usual, "p27") and lost(low_treated, low, "division") < lost(treated, usual, "division")


@claim(
    "F-88 a TOR kinase inhibitor blocks mTORC1 more, with less translation and division, and more apoptosis",
    tumor(),
    tumor(drugs=RAPALOG),
    tumor(drugs=TOR_KI),
)
def _(usual, rapalog, tor) -> bool:
    return higher(rapalog, tor, "mtorc1", "s6k", "eif4e", "division", "survival") and higher(usual, tor, "survival")


# --- apoptosis, miR-942, MET and AXL ---------------------------------------------------------------------------------


@claim(
    "F-25 more Bcl-2 or less CD95 protects from apoptosis, also under a drug, and not where their edges are cut",
    *(tumor(*make, drugs=d) for make in ((), ("bcl2_overexpression",), ("cd95_loss",)) for d in ({}, TOR_KI)),
    *(tumor(*make, cut=PROTECTION) for make in ((), ("bcl2_overexpression",), ("cd95_loss",))),
)
def _(usual, treated, bcl2, bcl2_treated, cd95, cd95_treated, cut, bcl2_cut, cd95_cut) -> bool:
    protected = all(higher(cell, usual, "survival") for cell in (bcl2, cd95))
    still = all(higher(cell, treated, "survival") for cell in (bcl2_treated, cd95_treated))
    return protected and still and all(abs(x["survival"] - cut["survival"]) < 1e-6 for x in (bcl2_cut, cd95_cut))


@claim(
    "F-59 miR-942 raises secretion of VEGF-A and MMP-9, and nothing where its edges are cut",
    tumor(),
    tumor("mir942_overexpression"),
    tumor(cut=MIR942),
    tumor("mir942_overexpression", cut=MIR942),
)
def _(usual, over, cut, over_cut) -> bool:
    factors = ("secretion_vegf_a", "secretion_mmp9")
    same = all(abs(over_cut[x] - cut[x]) < 1e-6 for x in factors)
    return higher(over, usual, *factors) and same and abs(over["division"] - usual["division"]) < 1e-6


@claim("F-70 c-MET and AXL are up without VHL", tumor(vhl=True, **AIR, **LIGANDS), tumor(**AIR, **LIGANDS))
def _(intact, lost_vhl) -> bool:
    return higher(lost_vhl, intact, "met", "axl")


@claim(
    "F-70 F-49 cabozantinib takes c-MET and AXL, and through them movement and the stimulus of EMT",
    *(tumor(drugs=d, **AIR, **LIGANDS) for d in ({}, CABOZANTINIB)),
    *(tumor(clamp={"met": 0.3, "axl": 0.3}, drugs=d, **AIR, **LIGANDS) for d in ({}, CABOZANTINIB)),
)
def _(usual, treated, held, held_treated) -> bool:
    through = abs(held["motility"] - held_treated["motility"]) < 1e-6
    return through and higher(usual, treated, "met", "axl", "motility", "emt_stimulus")


# --- tests -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def usual() -> States:
    return states([cell for item in CLAIMS.values() for cell in item.cells])


@pytest.fixture(scope="session")
def shares() -> dict[str, float]:
    """In how many of the drawn networks each claim holds."""
    cells = [cell for item in CLAIMS.values() for cell in item.cells]
    held = dict.fromkeys(CLAIMS, 0)
    for draw in range(DRAWS):
        found = states(cells, lambda name, draw=draw: drawn(name, draw))
        for name, item in CLAIMS.items():
            held[name] += bool(item.holds(*(found[cell] for cell in item.cells)))
    return {name: count / DRAWS for name, count in held.items()}


@pytest.mark.parametrize("name", CLAIMS)
def test_it_holds_with_the_catalogs_numbers(name: str, usual: States) -> None:
    item = CLAIMS[name]
    assert item.holds(*(usual[cell] for cell in item.cells))


@pytest.mark.parametrize("name", CLAIMS)
def test_it_does_not_hang_on_assumed_numbers(name: str, shares: dict[str, float]) -> None:
    print(f"{name}: holds in {shares[name]:.1%} of {DRAWS} draws")
    assert shares[name] >= SHARE
