"""What distinguishes one patient from another, as factors of values of the catalog.

A germline variant of ``variants/`` says by how much it multiplies

- ``<drug>_bioavailability``: exposure to a drug given by mouth. Volumes and clearances of such a drug are apparent, per
  dose that arrives, so all of them and those of its metabolites are divided by it;
- ``<drug>_clearance``, and ``cyp3a4_clearance`` of all drugs that CYP3A4 metabolizes: the parent's clearance, and that
  of active metabolites which CYP3A4 eliminates as it does the parent;
- ``<target>_inhibition``: the constants of all inhibitors of a target, and so how much drug it takes.

Several variants multiply. A patient's own clearance of a drug multiplies it besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from tumorabm.catalog.catalog import Catalog
from tumorabm.catalog.entry import Entry

_BIOAVAILABILITY: Final = "_bioavailability"
_CLEARANCE: Final = "_clearance"
_INHIBITION: Final = "_inhibition"
_METABOLIZED: Final = {"cyp3a4": "cyp3a4_metabolized"}  # by what an entry's name begins with: the fact of a drug
_DISPOSITION: Final = ("pk_clearance", "pk_central_volume", "pk_intercompartmental_clearance", "pk_peripheral_volume")
_APART: Final = ("pk_clearance_variability",)


def factors_of(catalog: Catalog, variants: Iterable[str], clearance: Mapping[str, float]) -> dict[str, Entry]:
    """What a patient's variants and clearances multiply, by path of the value.

    Parameters
    ----------
    catalog : Catalog
        Where the variants are; names that it does not have are left out.
    variants : iterable of str
        Names of germline variants.
    clearance : mapping of str to float
        Clearance relative to the usual patient's, by drug.
    """
    found: dict[str, Entry] = {}
    paths = list(catalog.paths())

    def multiply(path: str, factor: float, entry: Entry | None) -> None:
        before = found.get(path)
        value = factor * (before.value if before else 1.0)
        source = (*(before.source if before else ()), *(entry.source if entry else ()))
        found[path] = replace(next(iter(catalog.variants(path).values())), value=value, unit="1", source=source)

    for name in variants:
        if name not in catalog.names("variants"):
            continue
        for key, by_set in catalog.noun("variants", name).values.items():
            entry = next(iter(by_set.values()))
            for path, inverse in _touched(catalog, paths, key):
                multiply(path, 1.0 / entry.value if inverse else entry.value, entry)
    for drug, factor in clearance.items():
        for path in _clearances(catalog, drug):
            multiply(path, factor, None)
    return found


def _touched(catalog: Catalog, paths: Iterable[str], key: str) -> list[tuple[str, bool]]:
    """Paths that an entry of a variant multiplies, and whether by its inverse."""
    if key.endswith(_BIOAVAILABILITY):
        stem = f"drugs.{key.removesuffix(_BIOAVAILABILITY)}."
        return [
            (path, True)
            for path in paths
            if path.startswith(tuple(stem + name for name in _DISPOSITION)) and not path.endswith(_APART)
        ]
    if key.endswith(_CLEARANCE):
        of = key.removesuffix(_CLEARANCE)
        drugs = [
            drug
            for drug in catalog.names("drugs")
            if drug == of or (of in _METABOLIZED and catalog.noun("drugs", drug).facts.get(_METABOLIZED[of]) is True)
        ]
        return [(path, False) for drug in drugs for path in _clearances(catalog, drug)]
    if key.endswith(_INHIBITION):
        return [
            (path, False)
            for path in paths
            if path.startswith("drugs.") and (path.split(".")[2] == key or path.split(".")[2].startswith(f"{key}_"))
        ]
    return []


def _clearances(catalog: Catalog, drug: str) -> list[str]:
    """Paths of a drug's clearance and of those of its metabolites that go with it: CYP3A4 eliminates both."""
    path = f"drugs.{drug}.pk_clearance"
    if path not in catalog:
        return []
    facts, shared = catalog.noun("drugs", drug).facts, _METABOLIZED["cyp3a4"]
    found = [path]
    if facts.get(shared) is True:
        found += [
            f"{path}_{fact.removeprefix(f'{shared}_')}"
            for fact in sorted(facts)
            if fact.startswith(f"{shared}_") and facts[fact] is True
        ]
    return [path for path in found if path in catalog]


def variants_read(catalog: Catalog, variants: Iterable[str], reads: Iterable[str]) -> set[str]:
    """Paths of the variants' entries that multiply one of the values that are read."""
    known, out = set(reads), set[str]()
    for name in set(variants) & set(catalog.names("variants")):
        for key in catalog.noun("variants", name).values:
            if any(path in known for path, _ in _touched(catalog, known, key)):
                out.add(f"variants.{name}.{key}")
    return out


def without_effect(catalog: Catalog, variant: str) -> list[str]:
    """Entries of a variant that multiply nothing in the catalog."""
    paths = list(catalog.paths())
    return [key for key in catalog.noun("variants", variant).values if not _touched(catalog, paths, key)]
