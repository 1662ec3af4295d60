"""Reading a signaling network: nodes and edges of one file, its numbers as entries of the catalog.

The numbers get paths as all others have: ``networks.<network>.<node>_basal``, ``<node>_time``, ``<input>_level``, and
for an edge ``<source>_to_<target>_half``, ``_exponent``, ``_weight``. So experiments override them, sweeps vary them
and runs cite their papers. What is no number, the structure, is in the noun's facts.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

from tumorabm import units
from tumorabm.catalog.entry import ASSUMED, NAME, Entry, Noun, NounReader, is_number
from tumorabm.errors import nearest
from tumorabm.yaml import Steps

CELL_TYPES: Final = ("tumor", "endothelial")
EFFECTS: Final = ("activation", "requirement", "inhibition")
SAME_AS: Final = "same_as"
_FILE_KEYS: Final = ("name", "description", "cell_type", "defaults", "inputs", "nodes", "outputs", "reference", "edges")
_NEEDED: Final = ("name", "description", "cell_type", "defaults", "nodes", "outputs", "edges")
_INPUT_KEYS: Final = ("description", "unit", "level", "substrate")
_NODE_KEYS: Final = ("description", "time", "basal")
_EDGE_KEYS: Final = ("from", "to", "effect", "half", "exponent", "weight", "claim", "source", "note")
_DEFAULT_KEYS: Final = ("value", "unit", "source", "confidence", "range", "range_factor", "most")
# What every kind of number is, where it stands without a unit, and the value that it has if the file gives none.
_NUMBERS: Final = {
    "level": ("value that a cell receives where no field says otherwise", units.DIMENSIONLESS, None),
    "basal": ("activity without any activation", units.DIMENSIONLESS, 0.0),
    "time": ("time constant", "h", None),
    "half": ("activity of the source at which the effect is half of its largest", units.DIMENSIONLESS, None),
    "exponent": ("Hill exponent", units.DIMENSIONLESS, None),
    "weight": ("largest effect", units.DIMENSIONLESS, 1.0),
}
# What the equation allows: least and greatest, and whether the least itself is out.
_BOUNDS: Final = {
    "level": (0.0, math.inf, False),
    "basal": (0.0, 1.0, False),
    "time": (0.0, math.inf, True),
    "half": (0.0, math.inf, True),
    "exponent": (0.0, math.inf, True),
    "weight": (0.0, 1.0, False),
}
_LEAST_BASAL_RANGE: Final = 0.1  # a node whose basal activity is assumed to be nothing may have this much


def edge_name(source: str, target: str) -> str:
    """How an edge is named in paths of the catalog."""
    return f"{source}_to_{target}"


def out_of_bounds(number: str, value: float) -> str:
    """Why a number of some kind cannot have a value; empty if it can."""
    low, high, open_ = _BOUNDS[number]
    if value < low or (open_ and value == low):
        return f"{value:g} must be {'above' if open_ else 'at least'} {low:g}"
    return f"{value:g} must be at most {high:g}" if value > high else ""


class NetworkReader(NounReader):
    """Reads one file of ``networks/`` and collects what is wrong with it."""

    def read(self) -> Noun:
        """The network, as far as it can be read."""
        data = self.document.data
        self._keys(data, (), _FILE_KEYS, needed=_NEEDED)
        self._named_as_the_file()
        if "cell_type" in data and data["cell_type"] not in CELL_TYPES:
            hint = nearest(str(data["cell_type"]), CELL_TYPES)
            self._refuse(("cell_type",), f"no network runs in {data['cell_type']!r} cells{hint}")
        self.defaults = self._read_defaults()
        self.values: dict[str, dict[str, Entry]] = {}
        self.same_as: dict[str, str] = {}
        inputs = {name: self._input(name, given) for name, given in self._items("inputs")}
        nodes = {name: self._node(name, given) for name, given in self._items("nodes")}
        for name in set(inputs) & set(nodes):
            self._refuse(("nodes", name), "is an input already", at_key=True)
        edges = self._edges([*inputs, *nodes], list(nodes), inputs)
        facts = {
            "cell_type": str(data.get("cell_type", "")),
            "inputs": inputs,
            "nodes": nodes,
            "outputs": self._names("outputs", list(nodes)),
            "reference": self._names("reference", None),
            "edges": edges,
            SAME_AS: self.same_as,
        }
        return Noun(self.kind, self.name, str(data.get("description", "")), self.file, self.values, facts)

    def _items(self, block: str) -> list[tuple[str, dict[str, Any]]]:
        out = []
        for name, given in self._mapping(self.document.data, (block,)).items():
            if not NAME.fullmatch(name) or "_to_" in name:
                self._refuse((block, name), f"{name!r} is no name; use small letters, digits and _", at_key=True)
            elif not isinstance(given, dict):
                self._refuse((block, name), f"expected a mapping, got {given!r}")
            else:
                out.append((name, given))
        return out

    def _read_defaults(self) -> dict[str, dict[str, Any]]:
        given = self._mapping(self.document.data, ("defaults",))
        self._keys(given, ("defaults",), tuple(_NUMBERS), needed=tuple(_NUMBERS))
        for name, default in given.items():
            if isinstance(default, dict):
                self._keys(default, ("defaults", name), _DEFAULT_KEYS, needed=("source", "confidence"))
            else:
                self._refuse(("defaults", name), f"expected a mapping with source and confidence, got {default!r}")
        return {name: default for name, default in given.items() if isinstance(default, dict)}

    def _input(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        self._keys(given, ("inputs", name), _INPUT_KEYS, needed=("description", "unit", "level"))
        unit = str(given.get("unit", units.DIMENSIONLESS))
        self._entry(given, "level", ("inputs", name), f"{name}_level", f"Input {name}", unit)
        return {
            "description": str(given.get("description", "")),
            "unit": unit,
            "substrate": given.get("substrate", name),
        }

    def _node(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        self._keys(given, ("nodes", name), _NODE_KEYS, needed=("description", "time"))
        for number in ("time", "basal"):
            unit = _NUMBERS[number][1]
            self._entry(given, number, ("nodes", name), f"{name}_{number}", f"Node {name}", unit)
        return {"description": str(given.get("description", ""))}

    def _names(self, block: str, known: list[str] | None) -> list[str]:
        given = self.document.data.get(block, [])
        if not isinstance(given, list):
            self._refuse((block,), f"expected a list of names, got {given!r}")
            return []
        for index, name in enumerate(given):
            if known is not None and name not in known:
                self._refuse((block, index), f"{name!r} is no node{nearest(str(name), known)}")
        return [str(name) for name in given]

    def _edges(self, sources: list[str], targets: list[str], inputs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        given = self.document.data.get("edges", [])
        if not isinstance(given, list):
            self._refuse(("edges",), f"expected a list of edges, got {given!r}")
            return []
        out: list[dict[str, Any]] = []
        for index, edge in enumerate(given):
            path: Steps = ("edges", index)
            if not isinstance(edge, dict):
                self._refuse(path, f"expected a mapping with from, to, effect, ..., got {edge!r}")
                continue
            self._keys(edge, path, _EDGE_KEYS, needed=("from", "to", "effect", "half", "exponent", "source"))
            before = len(self.problems)
            for key, known in (("from", sources), ("to", targets), ("effect", list(EFFECTS))):
                if key in edge and edge[key] not in known:
                    noun = {"from": "input or node", "to": "node", "effect": "effect"}[key]
                    self._refuse((*path, key), f"{edge[key]!r} is no {noun}{nearest(str(edge[key]), known)}")
            pair = (edge.get("from"), edge.get("to"))
            if pair in [(known["from"], known["to"]) for known in out]:
                self._refuse(path, f"there is an edge from {pair[0]} to {pair[1]} already")
            papers = self._sources(edge, path)
            if len(self.problems) > before:
                continue
            name = edge_name(*map(str, pair))
            of = f"Edge {pair[0]} to {pair[1]} ({edge['effect']})"
            unit = inputs[str(pair[0])]["unit"] if pair[0] in inputs else units.DIMENSIONLESS
            self._entry(edge, "half", path, f"{name}_half", of, unit)
            self._entry(edge, "exponent", path, f"{name}_exponent", of, units.DIMENSIONLESS)
            self._entry(edge, "weight", path, f"{name}_weight", of, units.DIMENSIONLESS, papers)
            out.append(
                {
                    "from": pair[0],
                    "to": pair[1],
                    "effect": edge["effect"],
                    "claim": [str(claim) for claim in edge.get("claim", [])],
                    "source": list(papers),
                    "note": str(edge.get("note", "")),
                }
            )
        return out

    def _entry(
        self,
        given: dict[str, Any],
        number: str,
        path: Steps,
        name: str,
        of: str,
        unit: str,
        papers: tuple[str, ...] = (),
    ) -> None:
        """Read a number of a node or edge: alone, with its unit, as a full mapping, or as that of another path."""
        text, _, usual = _NUMBERS[number]
        value = given.get(number, usual)
        here = (*path, number)
        if value is None:
            return  # said to be missing by ``_keys``
        if isinstance(value, dict) and set(value) == {SAME_AS}:
            self.same_as[name] = str(value[SAME_AS])
            return
        if not isinstance(value, dict):
            value = self._with_defaults(value, number, here, unit)
        if value is None:
            return
        wrong = out_of_bounds(number, value["value"]) if is_number(value.get("value")) else ""
        if wrong:
            self._refuse(here, wrong)
            return
        shared = {"path": f"{self.kind}.{self.name}.{name}", "description": f"{of}: {text}", "validation": False}
        entry = self._number(value, here, shared)
        if entry is None:
            return
        if units.dimension(entry.unit) != units.dimension(unit):
            self._refuse(here, f"expected a quantity in {unit}, got {entry.value:g} {entry.unit}")
        # An edge's papers say that it is there; how strong it is remains as its number says.
        self.values[name] = {"": replace(entry, source=tuple(dict.fromkeys((*papers, *entry.source))))}

    def _with_defaults(self, value: Any, number: str, path: Steps, unit: str) -> dict[str, Any] | None:
        """A number that stands alone as the mapping that the defaults of its kind make of it."""
        given_unit, with_unit = unit, isinstance(value, str)
        if isinstance(value, str):
            try:
                value, unit = units.split_quantity(value)
            except units.UnitError as error:
                self._refuse(path, str(error))
                return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(path, f"expected a number, got {value!r}")
            return None
        if number != "level" and unit == given_unit and unit != units.DIMENSIONLESS and not with_unit:
            self._refuse(path, f"{value!r} has no unit, expected {units.kind(unit)}, for example '{value} {unit}'")
            return None
        default = {key: item for key, item in self.defaults.get(number, {}).items() if key in _DEFAULT_KEYS}
        factor, most = default.pop("range_factor", None), default.pop("most", None)
        full = {"value": value, "unit": unit, "source": [ASSUMED], "confidence": "E", **default}
        if "range" not in full and isinstance(factor, int | float) and not isinstance(factor, bool):
            high = value * factor if most is None else min(value * factor, most)
            low = value / factor
            full["range"] = [low, high] if value else [0.0, _LEAST_BASAL_RANGE]
        elif isinstance(full.get("range"), list) and len(full["range"]) == 2:
            full["range"] = [min(full["range"][0], value), max(full["range"][1], value)]
        return full
