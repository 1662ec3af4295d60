"""Every edge of the networks has the sign that an independent reader of the review gave it.

``edges/*.csv`` were read from the review by somebody who had not seen the networks (``edges/README.md`` has the
reader's notes). Where a network differs from that reading, it is said here, with the reason.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorabm.catalog import load_catalog
from tumorabm.processes.signaling.course import drive, steady, uninhibited
from tumorabm.processes.signaling.network import Edge, Network

SETS = {"kinetics": "patient_metastasis", "literature": "review_2016", "targets": "cellular"}
TABLES = {"rcc_figure1": "tumor", "endothelium_figure1": "endothelial"}
READING = Path(__file__).parent / "edges"

# Edges of the networks that the reader did not give: sign, and why they are there.
ADDED = {
    "rcc_figure1": {
        ("hif1a", "met"): (1, "carries 'hypoxia induces c-MET' and 'VHL inactivation'; Pennacchietti 2003"),
        ("hif2a", "met"): (1, "the same in cells with HIF-2alpha only"),
        ("hif1a", "axl"): (1, "carries 'as a consequence of VHL inactivation'; Rankin 2014"),
        ("hif2a", "axl"): (1, "the same in cells with HIF-2alpha only"),
        ("hif1a", "myc"): (-1, "the HIF classes differ in c-Myc (F-21); Gordan 2007"),
        ("myc", "pi3k"): (-1, "the classes with less c-Myc have more AKT and ERK (F-21); Kaur and Cole 2013"),
        ("myc", "p27"): (-1, "c-Myc drives division past the gate of p27 (F-21); Yang 2001"),
        ("s6k", "adaptation"): (-1, "the hypothesis of F-87, off by default"),
        ("adaptation", "eif4e"): (1, "the hypothesis of F-87, off by default: weight 0"),
        # Nodes that were not among the words that the reader was given; the review names all of them.
        ("met", "src"): (1, "'through several signalling pathways, such as PI3K/AKT, MAPK, Src, and STAT3' (F-49)"),
        ("met", "stat3"): (1, "the same"),
        ("src", "motility"): (1, "of the three effects named there, increased invasiveness"),
        ("stat3", "survival"): (1, "of the three effects named there, cell survival"),
        ("sfrp", "beta_catenin"): (-1, "'regulated by sFRPs, Dickkopfs, and pVHL', 'negative regulators' (F-36)"),
        ("dkk", "beta_catenin"): (-1, "the same"),
        ("met", "e_cadherin"): (-1, "'resulting in its dissociation from E-cadherin' (F-36)"),
        ("beta_catenin", "catenin_hif"): (1, "'where it can interact with HIF', which takes both (F-36); Kaidi 2007"),
        ("hif1a", "catenin_hif"): (1, "the same"),
        ("catenin_hif", "motility"): (1, "'genes that control cell motility, proliferation, and matrix remodelling'"),
        ("catenin_hif", "division"): (1, "the same"),
        ("catenin_hif", "secretion_mmp9"): (1, "the same"),
        ("oxygen", "secretion_ephrin_a"): (-1, "'ephrin A1 and A2 ... as a consequence of the hypoxia' (F-28)"),
        ("hif2a", "secretion_ephrin_a"): (1, "the part of it that loss of VHL has without hypoxia; Yamashita 2008"),
        ("vhl", "secretion_timp2"): (1, "'lack the VHL protein ... down-regulation of TIMP-2' (F-48)"),
        ("met", "secretion_timp2"): (-1, "'after treatment with HGF ... down-regulation of TIMP-2' (F-48)"),
    },
    "endothelium_figure1": {
        # Ligands and receptors that were not among the words that the reader was given ('other cells, not tabled').
        ("ephrin_a", "epha2"): (1, "ephrins among the 'pro-angiogenic factors' of F-28; the receptor by Pandey 1995"),
        ("bv8", "pkr1"): (1, "'Bv8, which stimulates VEGF-independent angiogenesis' (F-46); LeCouter 2003"),
        ("pdgf_cc", "pdgfra"): (1, "'PDGF-C that could overcome the inhibition of VEGF' (F-40); Li 2000"),
        ("ang1", "tie2"): (1, "'Ang1/Tie2 signalling' (F-31)"),
        ("ang2", "tie2"): (-1, "'a natural antagonist of Ang1 and the Tie2 receptor' (F-31)"),
        ("epha2", "pi3k"): (1, "how EphA2 acts on endothelium; Brantley-Sieders 2004"),
        ("pkr1", "pi3k"): (1, "how receptors of prokineticins act on endothelium; Lin 2002"),
        ("pkr1", "ras"): (1, "the same"),
        ("pdgfra", "pi3k"): (1, "as the other PDGF receptor; Heldin 1999"),
        ("pdgfra", "ras"): (1, "the same"),
        ("tie2", "akt"): (1, "Tie2 keeps endothelium alive through AKT; Kim 2000"),
    },
}
# Edges that the reader gave and that a network has not: sign, and what carries them.
CARRIED = {
    "rcc_figure1": {
        ("oxygen", "met"): (-1, "oxygen -> vhl -| hif -> met"),
        ("vhl", "met"): (-1, "vhl -| hif -> met"),
        ("vhl", "axl"): (-1, "vhl -| hif -> axl"),
    },
    "endothelium_figure1": {
        ("secretion_vegf_a", "vegfr2"): (1, "the field of VEGF-A around the cell, which the input vegf_a reads"),
    },
}
# Edges that do nothing until an experiment raises their weight.
DORMANT = {("adaptation", "eif4e")}


def reading(network: str) -> dict[tuple[str, str], int]:
    """The reader's signs, by source and target."""
    with (READING / f"{TABLES[network]}.csv").open(newline="") as file:
        return {(row["source"], row["target"]): 1 if row["sign"] == "+" else -1 for row in csv.DictReader(file)}


def expected(network: str) -> dict[tuple[str, str], int]:
    """Signs of all edges that the network should have."""
    signs = {pair: sign for pair, sign in reading(network).items() if pair not in CARRIED[network]}
    return signs | {pair: sign for pair, (sign, _) in ADDED[network].items()}


def load(name: str) -> Network:
    return Network.from_catalog(load_catalog(), name, SETS)


def with_edges(network: Network, edges: list[Edge]) -> Network:
    """The same network with other edges; new ones get some numbers."""
    numbers = {
        kind: dict.fromkeys((edge.name for edge in edges), 0.5)
        | dict(zip((edge.name for edge in network.edges), getattr(network, kind), strict=True))
        for kind in ("half", "exponent", "weight")
    }
    return Network(
        network.name, network.inputs, network.nodes, network.outputs, edges,
        time=dict(zip(network.nodes, network.time, strict=True)),
        basal=dict(zip(network.nodes, network.basal, strict=True)),
        **numbers, cell_type=network.cell_type, substrates=network.substrates, units=network.units,
    )  # fmt: skip


def responses(network: Network, source: str, target: str) -> tuple[float, float]:
    """Least and greatest change of a target's drive when its source is raised, all else held, in many states."""
    generator = np.random.default_rng(7)
    many = 200
    state = generator.uniform(0.02, 1.0, (many, len(network.nodes)))
    inputs = np.array(list(network.inputs.values())) * generator.uniform(0.2, 3.0, (many, len(network.inputs)))
    make = network.make()
    if (source, target) in DORMANT:
        make.weight[network.edge(f"{source}_to_{target}")] = 0.5
    low, high = (state.copy(), inputs.copy()), (state.copy(), inputs.copy())
    if source in network.inputs:
        column = list(network.inputs).index(source)
        low[1][:, column], high[1][:, column] = 0.3 * inputs[:, column], 1.5 * inputs[:, column]
    else:
        low[0][:, network.index(source)], high[0][:, network.index(source)] = 0.1, 0.9
    left = uninhibited(many)
    driven = [drive(network, *given, make, left)[:, network.index(target)] for given in (low, high)]
    change = driven[1] - driven[0]
    return float(change.min()), float(change.max())


def faults(network: Network, signs: dict[tuple[str, str], int]) -> list[str]:
    """What is wrong with the edges of a network: missing, extra, or of another sign than expected."""
    there = {(edge.source, edge.target) for edge in network.edges}
    found = [f"missing {source} {target}" for source, target in signs if (source, target) not in there]
    found += [f"extra {source} {target}" for source, target in sorted(there - set(signs))]
    for source, target in sorted(there & set(signs)):
        least, most = responses(network, source, target)
        sign = signs[source, target]
        if not (least >= 0.0 and most > 1e-4 if sign > 0 else most <= 0.0 and least < -1e-4):
            found.append(f"sign {source} {target}")
    return found


@pytest.mark.parametrize("name", TABLES)
def test_f60_every_edge_has_the_sign_that_the_review_gives_it(name: str) -> None:
    assert faults(load(name), expected(name)) == []


@pytest.mark.parametrize("name", TABLES)
def test_differences_from_the_reading_are_real(name: str) -> None:
    """What is listed as added is not in the reading, what is listed as carried is."""
    signs = reading(name)
    assert not set(ADDED[name]) & set(signs)
    assert all(signs[pair] == sign for pair, (sign, _) in CARRIED[name].items())


@pytest.mark.parametrize("name", TABLES)
def test_a_flipped_edge_is_found(name: str) -> None:
    network, signs = load(name), expected(name)
    for place in range(0, len(network.edges), 9):
        edge = network.edges[place]
        other = "activation" if edge.sign < 0 else "inhibition"
        changed = [replace(known, effect=other) if known == edge else known for known in network.edges]
        assert faults(with_edges(network, changed), signs) == [f"sign {edge.source} {edge.target}"]


@pytest.mark.parametrize("name", TABLES)
def test_a_missing_edge_is_found(name: str) -> None:
    network, signs = load(name), expected(name)
    edge = network.edges[3]
    assert faults(with_edges(network, [e for e in network.edges if e != edge]), signs) == [
        f"missing {edge.source} {edge.target}"
    ]


@pytest.mark.parametrize("name", TABLES)
def test_an_extra_edge_is_found(name: str) -> None:
    network, signs = load(name), expected(name)
    extra = Edge("mnk", "raf", "activation")
    assert faults(with_edges(network, [*network.edges, extra]), signs) == ["extra mnk raf"]


@pytest.mark.parametrize(("source", "target"), CARRIED["rcc_figure1"])
def test_what_is_carried_by_a_path_has_the_sign_of_the_reading(source: str, target: str) -> None:
    network = load("rcc_figure1")
    inputs = {"hgf": 0.5, "gas6": 2.0}
    if source in network.inputs:
        pair = [
            steady(network, network.reference_inputs(**inputs, **{source: value}), network.make())[0]
            for value in (1.0, 60.0)
        ]
    else:
        pair = [
            steady(network, network.reference_inputs(**inputs), network.make({}, {source: value}))[0]
            for value in (0.0, 1.0)
        ]
    change = pair[1][network.index(target)] - pair[0][network.index(target)]
    assert change * CARRIED["rcc_figure1"][source, target][0] > 1e-3


@pytest.mark.parametrize("name", TABLES)
def test_every_edge_names_its_claim_and_its_paper(name: str) -> None:
    bibliography = load_catalog().bibliography
    for edge in load(name).edges:
        assert edge.claims and all(claim.startswith("F-") for claim in edge.claims), edge
        assert edge.papers and all(paper in bibliography for paper in edge.papers), edge
