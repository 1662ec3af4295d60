"""A small catalog folder with networks that can be solved by hand, and drugs for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tumorabm.catalog import Catalog, load_catalog

DEFAULTS = """
cell_type: tumor
defaults:
  level: {source: [assumed], confidence: E, range_factor: 3}
  basal: {source: [assumed], confidence: E, range_factor: 2, most: 1}
  time: {source: [assumed], confidence: E, range_factor: 3}
  half: {source: [assumed], confidence: E, range_factor: 1.5}
  exponent: {source: [assumed], confidence: E, range: [1, 5]}
  weight: {source: [assumed], confidence: E, range_factor: 1.5, most: 1}
"""

# A chain whose end is x/(1 + x) of its kinase, and a node beside it that no drug reaches.
CHAIN = f"""
name: chain
description: A chain
{DEFAULTS}
inputs:
  factor: {{description: A factor, unit: nM, level: 1}}
  food: {{description: Food, unit: "1", level: 1}}
outputs: [division, quiet]
nodes:
  kinase: {{description: Its kinase, time: 1 h}}
  division: {{description: Division, time: 1 h}}
  quiet: {{description: Beside it, time: 1 h, basal: 0.5}}
edges:
  - {{from: factor, to: kinase, effect: activation, half: 1 nM, exponent: 1, claim: [F-01], source: [review_2016]}}
  - {{from: kinase, to: division, effect: activation, half: 1, exponent: 1, source: [review_2016]}}
  - {{from: food, to: quiet, effect: requirement, half: 1, exponent: 1, weight: 0.5, source: [review_2016]}}
"""

# Two nodes that drive each other, one of which a drug inhibits: two steady states unless it is inhibited.
SWITCH = f"""
name: switch
description: A switch
{DEFAULTS}
inputs:
  factor: {{description: A factor, unit: nM, level: 1}}
outputs: [division]
nodes:
  kinase: {{description: Its kinase, time: 1 h, basal: 0.02}}
  partner: {{description: What it drives and what drives it, time: 1 h}}
  division: {{description: Division, time: 1 h}}
edges:
  - {{from: kinase, to: partner, effect: activation, half: 0.4, exponent: 4, source: [review_2016]}}
  - {{from: partner, to: kinase, effect: activation, half: 0.4, exponent: 4, source: [review_2016]}}
  - {{from: factor, to: division, effect: requirement, half: 1 nM, exponent: 1, source: [review_2016]}}
  - {{from: kinase, to: division, effect: inhibition, half: 0.5, exponent: 2, weight: 0.8, source: [review_2016]}}
"""

DRUG = """
name: {name}
description: A drug
values:
  {node}_inhibition: {{description: K, value: 10, unit: nM, source: [assumed], confidence: E, range: [1, 99]}}
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, for ``--catalog``."""
    root = tmp_path_factory.mktemp("networks")
    files = {"networks/chain": CHAIN, "networks/switch": SWITCH}
    files |= {
        f"drugs/{name}": DRUG.format(name=name, node=node) for name, node in (("kinin", "kinase"), ("elsib", "else"))
    }
    for name, text in files.items():
        path = root / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def catalog(folder: Path) -> Catalog:
    return load_catalog([folder])
