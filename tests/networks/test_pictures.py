"""The layout of networks, Graphviz' language, and what ``catalog networks`` prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tumorabm.catalog import Catalog
from tumorabm.cli import app
from tumorabm.networks.chosen import USUAL_SETS
from tumorabm.networks.dot import dot_of
from tumorabm.networks.layout import columns_of, layout_of
from tumorabm.processes.signaling.network import Network

NETWORKS = ("rcc_figure1", "endothelium_figure1")


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["catalog", *map(str, arguments)])


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest, catalog: Catalog) -> Network:
    return Network.from_catalog(catalog, request.param, USUAL_SETS)


def test_columns_follow_the_edges(network: Network) -> None:
    column = columns_of(network)
    last = max(column.values())
    assert {column[name] for name in network.inputs} == {0} and {column[name] for name in network.outputs} == {last}
    inner = [name for name in network.nodes if name not in network.outputs]
    assert {column[name] for name in inner} == set(range(1, last))
    # Only feedbacks go back; the chain of the review's figure goes forth.
    back = [edge for edge in network.edges if column[edge.source] >= column[edge.target]]
    assert 0 < len(back) < len(network.edges) / 8
    chain = [column[name] for name in ("pi3k", "akt", "mtorc1", "s6k", "bp1", "eif4e", "hif1a")]
    assert chain == sorted(set(chain))


def test_nodes_and_ways_keep_apart(network: Network) -> None:
    layout = layout_of(network)
    assert set(layout.places) == {*network.inputs, *network.nodes}
    for at in range(layout.columns):
        heights = sorted(y for x, y in layout.places.values() if x == at)
        assert (np.diff(heights) > 1.0 - 1e-9).all()
        passing = {y for way in layout.ways for x, y in way if x == at}
        assert all(abs(y - node) > 0.6 - 1e-9 for y in passing for node in heights)
    for edge, way in zip(network.edges, layout.ways, strict=True):
        ends = layout.places[edge.source][0], layout.places[edge.target][0]
        step = 1 if ends[1] >= ends[0] else -1
        assert [x for x, _ in way] == list(range(int(ends[0]) + step, int(ends[1]), step))


def test_dot_has_every_edge_in_its_style(network: Network) -> None:
    text = dot_of(network)
    assert text.startswith(f'digraph "{network.name}" {{') and text.endswith("}\n")
    assert text.count("{") == text.count("}") and text.count('"') % 2 == 0
    lines = dict(re.findall(r'^  "(\w+" -> "\w+)" \[(.*)\];$', text, flags=re.M))
    assert len(lines) == len(network.edges)
    for edge in network.edges:
        style = lines[f'{edge.source}" -> "{edge.target}']
        assert ("color=red, arrowhead=tee" in style) is (edge.effect == "inhibition")
        assert ("style=dashed" in style) is (edge.effect == "requirement")
        assert all(paper in style for paper in edge.papers)
    ranks = re.findall(r"\{ (?:rank=(\w+); )?node \[shape=(\w+)", text)
    assert ranks == [("source", "box"), ("", "ellipse"), ("sink", "box")]


def test_catalog_lists_networks(folder: Path) -> None:
    shown = invoked("networks", "--catalog", folder).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith("chain")]
    assert line.split()[:7] == ["chain", "tumor", "2", "3", "2", "3", str(2 + 6 + 9)]
    everything = invoked().stdout
    assert "rcc_figure1" in everything and "drugs.everolimus:" in everything


def test_catalog_prints_a_network(folder: Path) -> None:
    shown = invoked("networks", "chain", "--catalog", folder).stdout
    lines = {tuple(line.split()) for line in shown.splitlines()}
    assert ("factor", "->", "kinase", "activation", "1", "nM", "1", "1", "F-01", "review_2016") in lines
    assert ("quiet", "1", "h", "0.5", "output", "Beside", "it") in lines
    assert "the reference cell (no alteration) has one steady state" in shown
    shown = invoked("networks", "switch", "--catalog", folder).stdout
    assert "has two steady states under kinetics patient_metastasis: kinase 0.02 or 0.9" in shown
    content = json.loads(invoked("networks", "switch", "--catalog", folder, "--json").stdout)["networks.switch"]
    low, high = content["steady_states"]["in_vitro"]
    assert low["partner"] < 0.01 < 0.9 < high["partner"]
    assert len(content["edges"]) == 4 and content["values"]["kinase_basal"]["value"] == 0.02


def test_catalog_draws_a_network(tmp_path: Path) -> None:
    assert invoked("networks", "rcc_figure1", "--dot").stdout.startswith('digraph "rcc_figure1"')
    files = [tmp_path / name for name in ("one.svg", "two.svg")]
    for path in files:
        assert invoked("networks", "rcc_figure1", "--figure", path).stdout.strip() == str(path)
    one, two = (path.read_text(encoding="utf-8") for path in files)
    assert one == two and "beta catenin" in one


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["drugs", "--dot"], "--dot and --figure draw one network: tumorabm catalog networks NAME --dot"),
        (["networks", "--dot"], "--dot and --figure draw one network: tumorabm catalog networks NAME --dot"),
        (["networks", "rcc_figur1"], "the catalog has no networks.rcc_figur1; did you mean 'rcc_figure1'?"),
        (["networks", "rcc_figure1", "--figure", "x.bmp"], "x.bmp: a figure's name ends in .png, .svg, .pdf"),
    ],
)
def test_wrong_questions(arguments: list[str], message: str) -> None:
    result = invoked(*arguments)
    assert (result.exit_code, result.stdout, result.stderr.strip()) == (2, "", message)
