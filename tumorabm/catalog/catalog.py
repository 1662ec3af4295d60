"""Loading the catalog, and asking it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from tumorabm import units, yaml
from tumorabm.catalog.bibliography import Reference, read_bibliography
from tumorabm.catalog.entry import KINDS, Entry, Noun, NounReader
from tumorabm.catalog.network_reader import NetworkReader
from tumorabm.errors import InputError, Problem, nearest
from tumorabm.kept import Kept
from tumorabm.yaml import read

BUILT_IN: Final = Path(__file__).parent
_BIBLIOGRAPHY: Final = "references.bib"


class Catalog:
    """All numbers, by paths such as ``substrates.oxygen.diffusivity``.

    Parameters
    ----------
    nouns : mapping of str to Noun
        By ``<kind>.<name>``.
    bibliography : mapping of str to Reference
        By key.
    user_files : mapping of str to str
        Text of the files that came from a user's folder, by ``<kind>/<name>.yaml``.
    overrides : mapping of str to str
        Values that an experiment replaced, as text in the entry's unit, by path.
    warnings : sequence of str
        Overrides outside their range.

    Attributes
    ----------
    paths_read : set of str
        Paths that ``get`` has been asked for, which is what a run cites.
    """

    def __init__(
        self,
        nouns: Mapping[str, Noun],
        bibliography: Mapping[str, Reference],
        user_files: Mapping[str, str] | None = None,
        overrides: Mapping[str, str] | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        self.nouns = dict(nouns)
        self.bibliography = dict(bibliography)
        self.user_files = dict(user_files or {})
        self.overrides = dict(overrides or {})
        self.warnings = tuple(warnings)
        self.paths_read: set[str] = set()
        self._values = {
            f"{key}.{name}": variants for key, noun in self.nouns.items() for name, variants in noun.values.items()
        }

    def paths(self) -> list[str]:
        """All paths, sorted."""
        return list(self._paths)

    @functools.cached_property
    def _paths(self) -> list[str]:
        return sorted(self._values)

    def __contains__(self, path: str) -> bool:
        return path in self._values

    def names(self, kind: str) -> list[str]:
        """Names of one kind, for example all drugs."""
        return sorted(noun.name for noun in self.nouns.values() if noun.kind == kind)

    def noun(self, kind: str, name: str) -> Noun:
        """One file of the catalog.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        if f"{kind}.{name}" not in self.nouns:
            raise InputError(f"the catalog has no {kind}.{name}{nearest(name, self.names(kind))}")
        return self.nouns[f"{kind}.{name}"]

    def variants(self, path: str) -> Mapping[str, Entry]:
        """All variants of a value; under the empty string where there is one for all sets.

        Raises
        ------
        InputError
            If there is no such path.
        """
        if path not in self._values:
            raise InputError(f"the catalog has no {path!r}{nearest(path, self.paths())}")
        return self._values[path]

    def entry(self, path: str, sets: Mapping[str, str]) -> Entry:
        """The entry that the chosen sets select.

        Parameters
        ----------
        path : str
            For example ``cell_types.tumor.birth_rate``.
        sets : mapping of str to str
            Member by kind of set, for example ``{"kinetics": "patient_metastasis", ...}``.

        Raises
        ------
        InputError
            If there is no such path, or it needs a set that was not chosen.
        """
        variants = self.variants(path)
        if "" in variants:
            return variants[""]
        by = next(iter(variants.values())).by
        try:
            return variants[sets[by]]
        except KeyError:
            raise InputError(f"{path} needs the set {by!r}: one of {', '.join(variants)}") from None

    def get(self, path: str, unit: str, sets: Mapping[str, str]) -> float:
        """A value in the unit asked for.

        Raises
        ------
        InputError
            As ``entry``; also for a validation target, which no model may read, and for a unit of another dimension.
        """
        entry = self.entry(path, sets)
        if entry.validation:
            raise InputError(f"{path} is a validation target, never an input of the model")
        self.paths_read.add(path)
        try:
            return entry.value * units.factor(entry.unit, unit)
        except units.UnitError as error:
            raise InputError(f"{path}: {error}") from None

    def fact(self, path: str) -> Any:
        """What the catalog says that is no number, for example ``substrates.oxygen.solver``.

        Raises
        ------
        InputError
            If there is no such fact.
        """
        kind, name, fact = path.split(".")
        facts = self.noun(kind, name).facts
        if fact not in facts:
            raise InputError(f"the catalog has no fact {path!r}{nearest(fact, facts)}")
        return facts[fact]

    def sources(self, paths: Iterable[str], sets: Mapping[str, str]) -> list[str]:
        """Keys of the bibliography behind some values, sorted."""
        keys = {key for path in paths for key in self.entry(path, sets).source}
        return sorted(keys & set(self.bibliography))

    def bibtex(self, keys: Iterable[str]) -> str:
        """BibTeX of some references, in the order of their keys."""
        return "\n\n".join(self.bibliography[key].text for key in sorted(set(keys))) + "\n"

    def with_overrides(self, overrides: Mapping[str, Any]) -> Catalog:
        """A catalog in which some values are replaced, whatever the sets.

        Parameters
        ----------
        overrides : mapping of str to str or float
            Quantity as text by path; a bare number only where the value is dimensionless.

        Returns
        -------
        Catalog
            A copy that remembers the overrides and warns of values outside their range.

        Raises
        ------
        InputError
            With a problem for every override of an unknown path, another dimension, or a validation target.
        """
        nouns = {key: replace(noun, values=dict(noun.values)) for key, noun in self.nouns.items()}
        kept, warnings, problems = dict(self.overrides), list(self.warnings), []
        for path, given in overrides.items():
            try:
                entry = self._overridden(path, given)
            except (InputError, units.UnitError) as error:
                problems.append(Problem(str(error), path))
                continue
            key, _, name = path.rpartition(".")
            nouns[key].values[name] = {"": entry}  # type: ignore[index]
            kept[path] = units.as_text(entry.value, entry.unit)
            if entry.range is not None and not entry.range[0] <= entry.value <= entry.range[1]:
                low, high = entry.range
                warnings.append(
                    f"{path}: {kept[path]} lies outside its range {low:g} to {high:g} {entry.unit}".removesuffix(" 1")
                )
        if problems:
            raise InputError(problems)
        return Catalog(nouns, self.bibliography, self.user_files, kept, warnings)

    def scaled(self, factors: Mapping[str, Entry]) -> Catalog:
        """A catalog in which some values are multiplied, in all sets; their sources then are those of both.

        Parameters
        ----------
        factors : mapping of str to Entry
            Factors (dimensionless) by path.
        """
        nouns = dict(self.nouns)
        for path, factor in factors.items():
            key, _, name = path.rpartition(".")
            known = nouns[key]
            variants = {
                variant: replace(
                    entry,
                    value=entry.value * factor.value,
                    source=tuple(dict.fromkeys((*entry.source, *factor.source))),
                    range=entry.range and (entry.range[0] * factor.value, entry.range[1] * factor.value),
                )
                for variant, entry in known.values[name].items()
            }
            nouns[key] = replace(known, values={**known.values, name: variants})
        return Catalog(nouns, self.bibliography, self.user_files, dict(self.overrides), list(self.warnings))

    def _overridden(self, path: str, given: Any) -> Entry:
        variants = self.variants(path)
        entry = next(iter(variants.values()))
        if entry.validation:
            raise InputError("is a validation target, never an input of the model")
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise InputError(f"expected a quantity such as '{entry.value:g} {entry.unit}', got {given!r}")
        value = units.quantity(str(given), entry.unit)
        ranges = [variant.range for variant in variants.values() if variant.range is not None]
        # With variants the widest range holds: which set is chosen is the experiment's business.
        bounds = (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None
        if value < 0.0 and entry.value >= 0.0 and (bounds is None or bounds[0] >= 0.0):
            raise InputError(f"{units.as_text(value, entry.unit)} must be 0 or more")
        return replace(entry, value=value, range=bounds, by="", variant="", overridden=True)

    @property
    def user_digest(self) -> str:
        """Hash of the files from users' folders; empty without any. A run's identity includes it."""
        if not self.user_files:
            return ""
        digest = hashlib.sha256()
        for name in sorted(self.user_files):
            digest.update(f"{name}\0{self.user_files[name]}\0".encode())
        return digest.hexdigest()


def load_catalog(extra: Sequence[Path | str] = ()) -> Catalog:
    """The built-in catalog with users' folders on top.

    Parameters
    ----------
    extra : sequence of Path
        Folders laid out as the built-in one, ``<kind>/<name>.yaml`` and optionally ``references.bib``. A file there
        adds a noun or replaces the whole file of that name; later folders win.

    Raises
    ------
    InputError
        With everything that is wrong in any file.
    """
    stamps = tuple((str(Path(folder).resolve()), str(folder), _newest(Path(folder))) for folder in extra)
    return _load(stamps).with_overrides({})


@functools.lru_cache(maxsize=8)
def _load(extra: tuple[tuple[str, str, float], ...]) -> Catalog:
    """The catalog of the folders; the newest change of each is part of the key, so that an edited file is read."""
    if not extra:
        code = [Path(module.__file__ or "") for module in (units, yaml)] + sorted(BUILT_IN.glob("*.py"))
        files = [*code, *sorted(BUILT_IN.glob("*/*.yaml")), BUILT_IN / _BIBLIOGRAPHY]
        kept = Kept("catalog", files, metadata.version("pint"))
        content = kept.load()
        if content is None:
            content = _read_folders(())
            kept.save(content)
        return Catalog(*content)
    return Catalog(*_read_folders(extra))


def _read_folders(
    extra: tuple[tuple[str, str, float], ...],
) -> tuple[dict[str, Noun], dict[str, Reference], dict[str, str]]:
    """Nouns, bibliography and the texts of users' files."""
    folders = [(BUILT_IN, "catalog")] + [(Path(resolved), shown) for resolved, shown, _ in extra]
    problems: list[Problem] = []
    bibliography: dict[str, Reference] = {}
    for folder, shown in folders:
        if not folder.is_dir():
            problems.append(Problem("no such folder of catalog files", file=shown))
        elif (folder / _BIBLIOGRAPHY).is_file():
            try:
                bibliography |= read_bibliography(folder / _BIBLIOGRAPHY, f"{shown}/{_BIBLIOGRAPHY}")
            except InputError as error:
                problems += error.problems
    nouns: dict[str, Noun] = {}
    user_files: dict[str, str] = {}
    for folder, shown in folders:
        for path, kind in _files(folder, shown, problems):
            name = f"{kind}/{path.name}"
            try:
                kind_reader = NetworkReader if kind == "networks" else NounReader
                reader = kind_reader(read(path, f"{shown}/{name}"), kind, path.stem, f"{shown}/{name}", bibliography)
            except InputError as error:
                problems += error.problems
                continue
            nouns[f"{kind}.{path.stem}"] = reader.read()
            problems += reader.problems
            if folder != BUILT_IN:
                user_files[name] = path.read_text(encoding="utf-8")
        if folder != BUILT_IN and (folder / _BIBLIOGRAPHY).is_file():
            user_files[_BIBLIOGRAPHY] = (folder / _BIBLIOGRAPHY).read_text(encoding="utf-8")
    if problems:
        raise InputError(problems)
    return nouns, bibliography, user_files


def _files(folder: Path, shown: str, problems: list[Problem]) -> list[tuple[Path, str]]:
    """Files of a folder with their kind; folders that are no kind are a problem."""
    found = []
    for below in sorted(folder.iterdir()) if folder.is_dir() else ():
        if below.is_dir() and below.name in KINDS:
            found += [(path, below.name) for path in sorted(below.glob("*.yaml"))]
        elif below.is_dir() and not below.name.startswith(("_", ".")):
            problems.append(
                Problem(f"no kind of the catalog{nearest(below.name, KINDS)}", file=f"{shown}/{below.name}")
            )
    return found


def _newest(folder: Path) -> float:
    return max((path.stat().st_mtime for path in folder.rglob("*")), default=0.0) if folder.is_dir() else 0.0
