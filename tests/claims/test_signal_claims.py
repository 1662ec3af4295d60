"""Claims about signals between cells, as far as single cells show them: which factors hypoxia and the loss of VHL bring
out, what they do to endothelium whose VEGFR2 is blocked, and what HGF does to tumor cells.

Each claim has to hold with the catalog's numbers and in networks with drawn half-maxima and exponents (``scenarios``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scenarios import DRAWS, ROUND_OFF, SHARE, drawn, endothelial, network, shown, tumor

from tumorabm.processes.signaling.course import steady
from tumorabm.processes.signaling.network import Network

AIR, HYPOXIA = {"oxygen": 40.0}, {"oxygen": 3.0}
NO_HIF = {"hif1a": 0.0, "hif2a": 0.0}
BLOCKED = {"vegfr2": 0.0}
GROWTH = ("division", "survival", "motility")
# Concentrations (nM) at which alternatives of VEGF occupy about half of their receptors.
ALTERNATIVES = {"fgf2": 0.1, "pdgf_cc": 0.5, "bv8": 2.0, "ephrin_a": 5.0, "s1p": 100.0}
# Edges by which they act, without those from ligand to receptor.
ALTERNATIVE_EDGES = (
    "fgfr_to_pi3k", "fgfr_to_ras", "fgfr_to_division", "pdgfra_to_pi3k", "pdgfra_to_ras", "pkr1_to_pi3k",
    "pkr1_to_ras", "epha2_to_pi3k", "s1p_to_division", "s1p_to_survival",
)  # fmt: skip
NONE = dict.fromkeys(ALTERNATIVES, 0.0)
HYPOXIC_FACTORS = ("secretion_fgf2", "secretion_il8", "secretion_ephrin_a", "secretion_ang2")


def shown_of(holds: Callable[[Network], bool], name: str) -> None:
    """The same of a network as a whole."""
    assert holds(network(name))
    held = sum(bool(holds(drawn(name, draw))) for draw in range(DRAWS))
    print(f"holds in {held / DRAWS:.1%} of {DRAWS} draws")
    assert held / DRAWS >= SHARE


def higher(a, b, *nodes: str) -> bool:
    """Whether nodes are higher in one state than in another, by more than round-off."""
    return all(a[node] > b[node] + ROUND_OFF for node in nodes)


def same(a, b, *nodes: str) -> bool:
    """Whether nodes are the same in two states, but for what the solution leaves."""
    return all(abs(a[node] - b[node]) < 1e-6 for node in nodes)


# --- what VHL and hypoxia bring out ----------------------------------------------------------------------------------


def test_f07_without_vhl_hif_vegf_and_pdgf_are_up_in_air_and_with_it_only_under_hypoxia() -> None:
    nodes = ("hif1a", "secretion_vegf_a", "secretion_pdgf_bb")

    def holds(lost, lost_hypoxia, air, more, hypoxia) -> bool:
        up = higher(lost, air, *nodes, "hif2a") and higher(hypoxia, air, *nodes, "hif2a")
        flat = all(abs(lost_hypoxia[x] - lost[x]) < 0.25 * (hypoxia[x] - air[x]) for x in nodes)
        only = all(abs(air[x] - more[x]) < 0.1 * (hypoxia[x] - air[x]) for x in nodes)
        return up and flat and only

    shown(
        holds, tumor(**AIR), tumor(**HYPOXIA), tumor(vhl=True, **AIR), tumor(vhl=True, oxygen=100.0),
        tumor(vhl=True, **HYPOXIA),
    )  # fmt: skip


@pytest.mark.parametrize("factor", HYPOXIC_FACTORS)
@pytest.mark.parametrize("vhl", [True, False], ids=["intact", "lost"])
def test_f28_hypoxia_raises_secretion_of_each_factor(factor: str, vhl: bool) -> None:
    def holds(air, hypoxia) -> bool:
        return hypoxia[factor] > 1.1 * air[factor]

    shown(holds, tumor(vhl=vhl, **AIR), tumor(vhl=vhl, **HYPOXIA))


# By which edges hypoxia reaches a factor in cells without VHL, where HIF does not follow oxygen.
ROUTES = {
    "secretion_fgf2": ("oxygen -| secretion_fgf2",),
    "secretion_il8": ("nfkb -> secretion_il8",),
    "secretion_ephrin_a": ("oxygen -| secretion_ephrin_a",),
    "secretion_ang2": ("oxygen -| secretion_ang2",),
}


@pytest.mark.parametrize("factor", HYPOXIC_FACTORS)
def test_f28_without_hif_each_factor_rises_by_its_own_route(factor: str) -> None:
    cut = ROUTES[factor]

    def holds(air, hypoxia, cut_air, cut_hypoxia) -> bool:
        return hypoxia[factor] > 1.1 * air[factor] and same(cut_air, cut_hypoxia, factor)

    shown(
        holds,
        tumor(clamp=NO_HIF, **AIR), tumor(clamp=NO_HIF, **HYPOXIA),
        tumor(clamp=NO_HIF, cut=cut, **AIR), tumor(clamp=NO_HIF, cut=cut, **HYPOXIA),
    )  # fmt: skip


@pytest.mark.parametrize("factor", ["secretion_ephrin_a", "secretion_ang2"])
def test_f28_with_vhl_ephrin_and_ang2_also_rise_by_what_vhl_holds_back(factor: str) -> None:
    cut = ROUTES[factor]

    def holds(air, hypoxia) -> bool:
        return hypoxia[factor] > 1.05 * air[factor]

    shown(holds, tumor(vhl=True, cut=cut, **AIR), tumor(vhl=True, cut=cut, **HYPOXIA))


def test_f30_il8_comes_by_nfkb_and_not_by_hif() -> None:
    def holds(usual, no_hif, no_nfkb) -> bool:
        return same(usual, no_hif, "secretion_il8") and no_nfkb["secretion_il8"] < 0.5 * usual["secretion_il8"]

    for vhl in (True, False):
        cells = (tumor(vhl=vhl, clamp=clamp, **HYPOXIA) for clamp in ({}, NO_HIF, {"nfkb": 0.0}))
        shown(holds, *cells)


def test_f30_il8_raises_vegf_of_endothelium_through_cxcr2() -> None:
    def holds(without, with_il8, without_cxcr2) -> bool:
        node = "secretion_vegf_a"
        return with_il8[node] > 2.0 * without[node] and without_cxcr2[node] <= without[node] + ROUND_OFF

    shown(holds, endothelial(il8=0.0), endothelial(il8=2.0), endothelial(il8=2.0, clamp={"cxcr2": 0.0}))


# --- redundancy ------------------------------------------------------------------------------------------------------


def benefit(net: Network, output: str, inputs: dict[str, float], effects: dict[str, float] | None = None) -> float:
    """Share of an output of endothelium that the full block of VEGFR2 takes."""
    given = net.reference_inputs(vegf_a=0.1, **inputs)
    free, blocked = (steady(net, given, net.make(effects, clamp))[0, net.index(output)] for clamp in ({}, BLOCKED))
    return float(1.0 - blocked / free)


@pytest.mark.parametrize("output", GROWTH)
def test_f20_f22_the_benefit_of_the_block_falls_with_the_levels_of_alternatives(output: str) -> None:
    def holds(net: Network) -> bool:
        found = [
            benefit(net, output, {name: share * level for name, level in ALTERNATIVES.items()})
            for share in (0.0, 0.3, 1.0, 3.0)
        ]
        return bool((np.diff(found) < ROUND_OFF).all()) and found[-1] < 0.9 * found[0]

    shown_of(holds, "endothelium_figure1")


@pytest.mark.parametrize("output", GROWTH)
def test_f20_the_benefit_of_the_block_falls_with_the_weights_of_alternatives(output: str) -> None:
    def holds(net: Network) -> bool:
        found = [
            benefit(net, output, ALTERNATIVES, {f"{edge}_weight": factor for edge in ALTERNATIVE_EDGES})
            for factor in (0.0, 0.3, 0.6, 1.0, 1.5)
        ]
        return bool((np.diff(found) < 0.0).all())

    shown_of(holds, "endothelium_figure1")


@pytest.mark.parametrize("output", ["division", "survival"])
def test_f22_removing_one_alternative_leaves_the_others(output: str) -> None:
    def holds(none, every, *without_one) -> bool:
        gained = every[output] - none[output]
        left = [(cell[output] - none[output]) / gained for cell in without_one]
        return gained > 0.1 and all(0.3 < share < 1.0 for share in left)

    shown(
        holds,
        endothelial(clamp=BLOCKED, **NONE),
        endothelial(clamp=BLOCKED, **ALTERNATIVES),
        *(endothelial(clamp=BLOCKED, **{**ALTERNATIVES, name: 0.0}) for name in ALTERNATIVES),
    )


def test_f29_fgf_drives_division_of_endothelium_whose_vegfr2_is_blocked() -> None:
    def holds(usual, none, clamped, inhibited) -> bool:
        driven = all(cell["division"] > 0.7 * usual["division"] for cell in (clamped, inhibited))
        return driven and none["division"] < 0.5 * usual["division"]

    fgf = {**NONE, "fgf2": 0.5}
    shown(
        holds,
        endothelial(vegf_a=0.1, **NONE), endothelial(vegf_a=0.1, clamp=BLOCKED, **NONE),
        endothelial(vegf_a=0.1, clamp=BLOCKED, **fgf), endothelial(vegf_a=0.1, drugs={"sunitinib": 1000.0}, **fgf),
    )  # fmt: skip


@pytest.mark.parametrize(("ligand", "level", "receptor"), [("pdgf_cc", 0.5, "pdgfra"), ("bv8", 2.0, "pkr1")])
def test_f40_f46_pdgf_cc_and_bv8_replace_vegf_and_their_own_block_takes_that_back(
    ligand: str, level: float, receptor: str
) -> None:
    """As with an antibody against VEGF: what changed fibroblasts and myeloid cells bring is not VEGF."""

    def holds(usual, without, rescued, blocked) -> bool:
        back = [(rescued[x] - without[x]) / (usual[x] - without[x]) for x in GROWTH]
        return all(share > 0.1 for share in back) and all(blocked[x] <= without[x] + ROUND_OFF for x in GROWTH)

    shown(
        holds,
        endothelial(vegf_a=0.1), endothelial(vegf_a=0.0), endothelial(vegf_a=0.0, **{ligand: level}),
        endothelial(vegf_a=0.0, clamp={receptor: 0.0}, **{ligand: level}),
    )  # fmt: skip


def test_f40_f46_sunitinib_takes_what_pdgf_cc_brings_and_not_what_bv8_brings() -> None:
    """It inhibits PDGFR-alpha and not the receptor of Bv8."""
    drug = {"sunitinib": 300.0}

    def holds(free, pdgf, bv8, treated, treated_pdgf, treated_bv8) -> bool:
        gained = [(a["ras"] - b["ras"]) for a, b in ((pdgf, free), (bv8, free))]
        kept = [(a["ras"] - treated["ras"]) for a in (treated_pdgf, treated_bv8)]
        return min(gained) > 0.02 and kept[0] < 0.3 * gained[0] and kept[1] > 0.7 * gained[1]

    shown(
        holds,
        *(
            endothelial(vegf_a=0.0, drugs=d, **more)
            for d in ({}, drug)
            for more in ({}, {"pdgf_cc": 0.5}, {"bv8": 2.0})
        ),
    )


def test_f63_a_second_inhibitor_acts_where_it_inhibits_what_keeps_endothelium_under_the_first() -> None:
    """At patients' unbound concentrations: FGF2 and Bv8 are ways around sunitinib. Dovitinib inhibits FGFR, which
    cabozantinib does not, and neither inhibits the receptor of Bv8."""
    drugs = {"sunitinib": 10.0}, {"cabozantinib": 7.0}, {"dovitinib": 24.0}
    signals = NONE, {**NONE, "fgf2": 0.2}, {**NONE, "bv8": 2.0}

    def holds(*found) -> bool:
        (usual, _, _), with_fgf, with_bv8 = ([cell["survival"] for cell in found[at : at + 3]] for at in (0, 3, 6))
        around = min(with_fgf[0], with_bv8[0]) > usual + ROUND_OFF
        (other, dovitinib), shared = ([seen[0] - after for after in seen[1:]] for seen in (with_fgf, with_bv8))
        return around and dovitinib > 2.0 * other and dovitinib > 2.0 * max(shared)

    shown(holds, *(endothelial(drugs=drug, **signal) for signal in signals for drug in drugs))


def test_f31_ang2_takes_from_ang1_what_endothelium_needs_without_vegf() -> None:
    def holds(quiet, contested, vegf, vegf_contested) -> bool:
        falls = higher(quiet, contested, "tie2", "akt", "survival")
        lost, lost_with_vegf = quiet["survival"] - contested["survival"], vegf["survival"] - vegf_contested["survival"]
        return falls and lost_with_vegf / vegf["survival"] < lost / quiet["survival"]

    ang1, ang2 = {"ang1": 8.0, "ang2": 0.0}, {"ang1": 8.0, "ang2": 10.0}
    shown(holds, *(endothelial(vegf_a=vegf, **more) for vegf in (0.005, 0.3) for more in (ang1, ang2)))


# --- HGF, c-MET, beta-catenin ----------------------------------------------------------------------------------------


def test_f36_nuclear_beta_catenin_needs_hgf_or_the_loss_of_a_restraint() -> None:
    quiet = {"vhl": True, "hgf": 0.0, **AIR}

    def holds(restrained, *released) -> bool:
        return restrained["beta_catenin"] < 0.15 and all(
            cell["beta_catenin"] > 1.05 * restrained["beta_catenin"] for cell in released
        )

    shown(
        holds,
        tumor(**quiet),
        tumor(**{**quiet, "hgf": 1.0}),
        tumor(**{**quiet, "vhl": False}),
        tumor("sfrp_loss", **quiet),
        tumor("dkk_loss", **quiet),
        tumor(**{**quiet, **HYPOXIA}),
    )


def test_f36_hgf_takes_beta_catenin_from_e_cadherin() -> None:
    def holds(without, with_hgf, blocked) -> bool:
        return with_hgf["e_cadherin"] < 0.8 * without["e_cadherin"] and same(without, blocked, "e_cadherin")

    shown(holds, tumor(hgf=0.0), tumor(hgf=1.0), tumor(hgf=1.0, clamp={"met": 0.0}))


def test_f36_beta_catenin_and_hif_act_together() -> None:
    """Motility, division and matrix remodeling get something of the two together that neither brings alone."""
    outputs = ("motility", "division", "secretion_mmp9")
    cut = tuple(f"catenin_hif -> {output}" for output in outputs)
    pairs = [{"beta_catenin": a, "hif1a": b} for a in (0.02, 0.6) for b in (0.02, 0.6)]

    def holds(*found) -> bool:
        whole, without = found[:4], found[4:]
        gained = [[a[x] - b[x] for x in outputs] for a, b in zip(whole, without, strict=True)]
        return all(
            together > 1e-3 and max(neither[k], catenin[k], hif[k]) < 0.2 * together
            for neither, hif, catenin, both in [gained]
            for k, together in enumerate(both)
        )

    shown(holds, *(tumor(clamp=pair) for pair in pairs), *(tumor(clamp=pair, cut=cut) for pair in pairs))


def test_f48_timp2_falls_with_hgf_and_without_vhl_and_is_lowest_with_both() -> None:
    def holds(intact, intact_hgf, lost, lost_hgf) -> bool:
        timp2 = [cell["secretion_timp2"] for cell in (intact, intact_hgf, lost, lost_hgf)]
        mmp9 = [cell["secretion_mmp9"] for cell in (intact, intact_hgf, lost, lost_hgf)]
        fall = [timp2[1] / timp2[0], timp2[3] / timp2[2]]
        return max(mmp9[:3]) < mmp9[3] and timp2[3] < 0.7 * min(timp2[:3]) and fall[1] < fall[0]

    shown(
        holds,
        *(tumor(vhl=vhl, hgf=hgf, **AIR) for vhl in (True, False) for hgf in (0.0, 1.0)),
    )  # fmt: skip


def test_f49_src_and_stat3_carry_their_part_of_c_met() -> None:
    def holds(usual, without, no_src, no_stat3) -> bool:
        return (
            higher(usual, without, "src", "stat3", "motility", "survival")
            and higher(usual, no_src, "motility")
            and higher(usual, no_stat3, "survival")
        )

    shown(
        holds, tumor(hgf=1.0), tumor(hgf=0.0), tumor(hgf=1.0, cut=("src -> motility",)),
        tumor(hgf=1.0, cut=("stat3 -> survival",)),
    )  # fmt: skip
