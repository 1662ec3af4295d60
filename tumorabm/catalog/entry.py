"""One number of the catalog, and how a file of numbers is read and checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tumorabm import units
from tumorabm.errors import Problem, nearest
from tumorabm.yaml import Document, Steps

KINDS: Final = ("substrates", "cell_types", "drugs", "alterations", "networks", "variants", "toxicities")
SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "kinetics": ("in_vitro", "xenograft", "patient_metastasis", "patient_primary"),
    "literature": ("review_2016", "primary"),
    "targets": ("cellular", "davis"),
    "combination": ("loewe", "bliss"),
}
# Members that are taken where an experiment names none. Sources that disagree have none: nobody chooses them silently.
USUAL_MEMBERS: Final[Mapping[str, str]] = {"combination": "loewe"}
CONFIDENCE: Final[Mapping[str, str]] = {
    "V": "value read in the cited text",
    "K": "recalled from memory, digits to be rechecked",
    "E": "estimate, derivation or assumption",
}
DERIVED: Final = "derived"
ASSUMED: Final = "assumed"
# A value without a range that nobody has read in a text may be wrong by this factor either way.
UNCERTAINTY: Final = 3.0

NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_FILE_KEYS = ("name", "description", "values", "facts")
_NUMBER_KEYS = ("value", "unit", "source", "confidence", "range", "derivation", "note")
_VALUE_KEYS = ("description", "validation", "by", "variants", *_NUMBER_KEYS)


@dataclass(frozen=True)
class Entry:
    """A number with where it comes from.

    Attributes
    ----------
    path : str
        For example ``cell_types.tumor.birth_rate``.
    description : str
    value : float
        In ``unit``, the source's own.
    unit : str
    source : tuple of str
        Keys of the bibliography, ``derived`` (see ``derivation``) or ``assumed``.
    confidence : str
        V, K or E, see ``CONFIDENCE``.
    range : tuple of float or None
        Lowest and highest plausible value in ``unit``; None where the source gives none.
    range_filled : bool
        Whether the range is the value times and divided by ``UNCERTAINTY``, because nothing better is known.
    derivation, note : str
    by, variant : str
        The kind of set that chooses the number and the member chosen; empty if there is one number for all.
    validation : bool
        An outcome reported in the literature: to compare with, never an input.
    overridden : bool
        Whether an experiment replaced the value.
    """

    path: str
    description: str
    value: float
    unit: str
    source: tuple[str, ...]
    confidence: str
    range: tuple[float, float] | None = None
    range_filled: bool = False
    derivation: str = ""
    note: str = ""
    by: str = ""
    variant: str = ""
    validation: bool = False
    overridden: bool = False

    @property
    def assumed(self) -> bool:
        """Whether nobody has read the number in a text: assumed, or recalled from memory."""
        return ASSUMED in self.source or self.confidence != "V"


@dataclass(frozen=True)
class Noun:
    """A substrate, cell type, drug, alteration, network and so on: one file of the catalog.

    Attributes
    ----------
    kind, name, description, file : str
    values : mapping of str to mapping of str to Entry
        By the value's name, then by variant (the empty string where there is one for all).
    facts : mapping of str to object
        What is no number: text, words, truth values.
    """

    kind: str
    name: str
    description: str
    file: str
    values: Mapping[str, Mapping[str, Entry]]
    facts: Mapping[str, Any] = field(default_factory=dict)


class NounReader:
    """Reads one file and collects what is wrong with it.

    Parameters
    ----------
    document : Document
        The file.
    kind, name : str
        From its place: ``<kind>/<name>.yaml``.
    file : str
        How messages name it.
    known_sources : collection of str
        Keys of the bibliography.

    Attributes
    ----------
    problems : list of Problem
    """

    def __init__(self, document: Document, kind: str, name: str, file: str, known_sources: Mapping[str, Any]) -> None:
        self.document = document
        self.kind = kind
        self.name = name
        self.file = file
        self.known_sources = known_sources
        self.problems: list[Problem] = []

    def read(self) -> Noun:
        """The noun, as far as it can be read."""
        data = self.document.data
        self._keys(data, (), _FILE_KEYS, needed=("name", "description", "values"))
        self._named_as_the_file()
        values = {}
        for name, value in self._mapping(data, ("values",)).items():
            path = ("values", name)
            if not NAME.fullmatch(name):
                self._refuse(path, f"{name!r} is no name; use small letters, digits and _", at_key=True)
            if isinstance(value, dict):
                values[name] = self._value(value, path, name)
            else:
                self._refuse(path, f"expected a mapping with value, unit, source, ..., got {value!r}")
        description = str(data.get("description", ""))
        return Noun(self.kind, self.name, description, self.file, values, self._facts(data))

    def _named_as_the_file(self) -> None:
        given = self.document.data.get("name", self.name)
        if given != self.name:
            self._refuse(("name",), f"{given!r} stands in {self.name}.yaml; the name and the file must agree")

    def _refuse(self, path: Steps, message: str, at_key: bool = False) -> None:
        self.problems.append(self.document.problem(path, message, at_key))

    def _keys(self, data: dict[str, Any], path: Steps, known: tuple[str, ...], needed: tuple[str, ...]) -> None:
        for key in data:
            if key not in known:
                self._refuse((*path, key), f"unknown key{nearest(key, known)}", at_key=True)
        for key in needed:
            if key not in data:
                self._refuse(path, f"{key!r} is missing", at_key=True)

    def _mapping(self, data: dict[str, Any], path: Steps) -> dict[str, Any]:
        found = data.get(str(path[-1]))
        if found is not None and not isinstance(found, dict):
            self._refuse(path, f"expected a mapping, got {found!r}")
        return found if isinstance(found, dict) else {}

    def _facts(self, data: dict[str, Any]) -> dict[str, Any]:
        facts = self._mapping(data, ("facts",))
        for name, fact in facts.items():
            if isinstance(fact, dict):
                self._keys(fact, ("facts", name), ("value", "source", "note"), needed=("value", "source"))
                self._sources(fact, ("facts", name))
        return {name: fact.get("value") if isinstance(fact, dict) else fact for name, fact in facts.items()}

    def _value(self, data: dict[str, Any], path: Steps, name: str) -> dict[str, Entry]:
        self._keys(data, path, _VALUE_KEYS, needed=("description",))
        shared = {
            "path": f"{self.kind}.{self.name}.{name}",
            "description": str(data.get("description", "")),
            "validation": data.get("validation", False) is True,
        }
        if "by" not in data and "variants" not in data:
            number = self._number(data, path, shared)
            return {"": number} if number else {}
        by = str(data.get("by"))
        if by not in SETS:
            self._refuse((*path, "by"), f"{by!r} is no kind of set{nearest(by, SETS)}")
            return {}
        for key in _NUMBER_KEYS:
            if key in data and key != "note":
                self._refuse((*path, key), f"{key!r} belongs to the variants here", at_key=True)
        variants = self._mapping(data, (*path, "variants"))
        self._keys(variants, (*path, "variants"), SETS[by], needed=SETS[by])
        numbers: dict[str, Entry] = {}
        for variant, given in variants.items():
            here = (*path, "variants", variant)
            if not isinstance(given, dict):
                self._refuse(here, f"expected a mapping with value, unit, source, ..., got {given!r}")
            elif variant in SETS[by]:
                self._keys(given, here, _NUMBER_KEYS, needed=())
                number = self._number({"note": data.get("note", ""), **given}, here, {**shared, "by": by}, variant)
                numbers |= {variant: number} if number else {}
        dimensions = {units.dimension(number.unit) for number in numbers.values()}
        if len(dimensions) > 1:
            self._refuse((*path, "variants"), f"the variants differ in dimension: {', '.join(sorted(dimensions))}")
        return numbers

    def _number(self, data: dict[str, Any], path: Steps, shared: dict[str, Any], variant: str = "") -> Entry | None:
        """A number, or None if it has a problem that leaves nothing to work with."""
        before = len(self.problems)
        for key in ("value", "unit", "source", "confidence"):
            if key not in data:
                self._refuse(path, f"{key!r} is missing", at_key=True)
        value, unit = data.get("value"), str(data.get("unit", units.DIMENSIONLESS))
        if "value" in data and not is_number(value):
            self._refuse((*path, "value"), f"expected a finite number, got {value!r}")
        try:
            units.dimension(unit)
        except units.UnitError as error:
            self._refuse((*path, "unit"), str(error))
        confidence = str(data.get("confidence", "E"))
        if confidence not in CONFIDENCE:
            self._refuse((*path, "confidence"), f"{confidence!r} is none of {', '.join(CONFIDENCE)}")
        source = self._sources(data, path)
        if DERIVED in source and not data.get("derivation"):
            self._refuse((*path, "source"), "a derived value needs 'derivation', the arithmetic")
        if source == (DERIVED,):
            self._refuse((*path, "source"), "a derived value names what it derives from: keys, or 'assumed'")
        if len(self.problems) > before:
            return None
        number = float(value)  # type: ignore[arg-type]
        bounds, filled = self._range(data, path, number, ASSUMED in source or confidence != "V")
        return Entry(
            value=number,
            unit=unit,
            source=source,
            confidence=confidence,
            range=bounds,
            range_filled=filled,
            derivation=str(data.get("derivation", "")),
            note=str(data.get("note", "")),
            variant=variant,
            **shared,
        )

    def _sources(self, data: dict[str, Any], path: Steps) -> tuple[str, ...]:
        given = data.get("source", [])
        if not isinstance(given, list) or ("source" in data and not given):
            self._refuse((*path, "source"), f"expected a list of keys of the bibliography, got {given!r}")
            return ()
        for index, key in enumerate(given):
            if key not in self.known_sources and key not in (DERIVED, ASSUMED):
                hint = nearest(key, [*self.known_sources, DERIVED, ASSUMED])
                self._refuse((*path, "source", index), f"{key!r} is not in the bibliography{hint}")
        return tuple(str(key) for key in given)

    def _range(
        self, data: dict[str, Any], path: Steps, value: float, assumed: bool
    ) -> tuple[tuple[float, float] | None, bool]:
        given = data.get("range")
        if given is None:
            if not assumed:
                return None, False
            if value == 0.0:
                self._refuse(path, "an assumed zero needs a range", at_key=True)
                return None, False
            low, high = sorted((value / UNCERTAINTY, value * UNCERTAINTY))
            return (low, high), True
        if not isinstance(given, list) or len(given) != 2 or not all(is_number(bound) for bound in given):
            self._refuse((*path, "range"), f"expected [lowest, highest], got {given!r}")
            return None, False
        low, high = float(given[0]), float(given[1])
        if not low <= value <= high or low == high:
            self._refuse((*path, "range"), f"{given} must hold the value {value:g} and more than it")
        return (low, high), False


def is_number(value: Any) -> bool:
    """Whether something read from a file is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
