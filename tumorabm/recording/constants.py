"""Values of the catalog that definitions of outputs need: entry, and the unit in which they arrive."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

CONSTANTS: Final = {
    "hypoxic_threshold": ("substrates.oxygen.hypoxic_threshold", "mmHg"),
}
# Markers of EMT: what a mesenchymal cell has of each, relative to an epithelial one.
MARKERS: Final = (
    *("pecam1", "hoxa9", "esm1", "gli1", "e_cadherin", "mmp2", "mmp9", "vimentin"),
    *("mir942", "mir133a", "mir628_5p", "mir484"),
)
# Of outputs of a mechanism, by its name; read where it is on.
OF_MECHANISMS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "emt": {
        "mesenchymal_threshold": ("cell_types.tumor.emt_mesenchymal_threshold", "1"),
        **{f"{marker}_fold": (f"cell_types.tumor.emt_{marker}_fold", "1") for marker in MARKERS},
    },
}


def constants_of(catalog: Any, sets: Mapping[str, str], mechanisms: Collection[str] = ()) -> dict[str, float]:
    """What a Measurement needs of the catalog.

    Parameters
    ----------
    catalog : Catalog
    sets : mapping of str to str
        The chosen literature, kinetics and target sets.
    mechanisms : collection of str
        Names of those that are on.
    """
    groups = (CONSTANTS, *(OF_MECHANISMS[name] for name in OF_MECHANISMS if name in mechanisms))
    return {name: catalog.get(path, unit, sets) for group in groups for name, (path, unit) in group.items()}
