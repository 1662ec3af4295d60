"""The catalog: every number with its unit, source, confidence and range, in the file of the noun it describes."""

from tumorabm.catalog.catalog import Catalog, load_catalog
from tumorabm.catalog.entry import KINDS, SETS, USUAL_MEMBERS, Entry

__all__ = ["KINDS", "SETS", "USUAL_MEMBERS", "Catalog", "Entry", "load_catalog"]
