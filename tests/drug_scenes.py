"""Tumor cells and drug: in a medium of constant concentration, or sharing what a closed block of tissue holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from bare_tissue import SETS, advance_only, bare_tissue, put_tumor

from tumorabm.catalog import Catalog, load_catalog
from tumorabm.processes import registered
from tumorabm.processes.process import Choice, Process
from tumorabm.processes.resistance.held_drugs import held_drugs
from tumorabm.processes.transport.drug import field_capacity, host_form
from tumorabm.tissue.microenvironment import Substrate
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import NANOMOLAR_VOLUME_TO_FEMTOMOLE

HOURS = 24.0
INSIDE = ("intracellular_drug", "lysosomal_capacity", "lysosomal_ph")
SHARED = ("drug_uptake", "field_solve", *INSIDE)
# Overrides with which nothing but lysosomes acts on drug in cells.
TUMOR = "cell_types.tumor."
NO_PUMPS = {f"{TUMOR}{pump}_expression": "0" for pump in ("abcb1", "abcc1", "abcg2")}
NO_METABOLISM = {f"{TUMOR}drug_metabolism_rate": "0 1/h"}
NO_EXOCYTOSIS = {f"{TUMOR}lysosomal_exocytosis_rate": "0 1/h"}
STILL = {f"{TUMOR}lysosomal_induction_rate": "0 1/h", f"{TUMOR}lysosomal_recovery_half_life": "1e9 d"}
UNSATURATED = {f"{TUMOR}{pump}_half_saturation": "1e15 nM" for pump in ("abcb1", "abcc1", "abcg2")}


def catalog_with(*overrides: Mapping[str, str]) -> Catalog:
    """The catalog with other values."""
    return load_catalog().with_overrides({path: value for part in overrides for path, value in part.items()})


def choice_of(
    literature: str = "review_2016",
    drugs: Iterable[str] = (),
    exposure: Mapping[str, float] | None = None,
    clones: Iterable[tuple[str, ...]] = (),
) -> Choice:
    """What an experiment with both mechanisms would choose."""
    on = frozenset({"intracellular", "direct_effect"})
    sets = SETS | {"literature": literature}
    return Choice(sets, tuple(drugs), (), dict(exposure or {}), tuple(clones), mechanisms=on)


def processes_of(names: Iterable[str], choice: Choice, catalog: Catalog | None = None) -> list[Process]:
    """Some processes by name."""
    catalog = catalog or load_catalog()
    return [registered()[name].from_catalog(catalog, choice) for name in names]


class Culture:
    """Tumor cells, one of each clone, in a medium with drugs at constant concentrations.

    Parameters
    ----------
    exposure : mapping of str to float
        Unbound, nM.
    clones : iterable of tuple of str
        Alterations of each.
    names : iterable of str
        Processes beside those of drug inside cells.
    """

    def __init__(
        self,
        exposure: Mapping[str, float],
        literature: str = "review_2016",
        clones: Iterable[tuple[str, ...]] = ((),),
        catalog: Catalog | None = None,
        names: Iterable[str] = (),
        **columns: object,
    ) -> None:
        choice = choice_of(literature, exposure=exposure, clones=clones)
        catalog = catalog or load_catalog()
        self.processes = processes_of((*INSIDE, *names), choice, catalog)
        self.drugs = {drug.name: drug for drug in held_drugs(catalog, choice)}
        self.tissue = bare_tissue((1, 4, 8), processes=self.processes)
        self.tissue.patient.exposure.update(exposure)
        for number, alterations in enumerate(choice.clones):
            self.tissue.clones.add(f"clone_{number}", alterations)
        size = len(choice.clones)
        put_tumor(self.tissue, np.arange(size), clone=np.arange(size), **columns)

    def advance(self, hours: float, dt: float = 2.0) -> Culture:
        """Let time pass."""
        for _ in range(round(hours / dt)):
            advance_only(self.tissue, self.processes, dt)
        return self

    def expose(self, **exposure: float) -> Culture:
        """Change the medium."""
        self.tissue.patient.exposure.update(exposure)
        return self

    def held(self, drug: str) -> tuple[np.ndarray, np.ndarray]:
        """What the cells hold in cytosol and in lysosomes."""
        index = list(self.drugs).index(drug)
        return tuple(self.tissue.cells[f"drug_{place}"][:, index].copy() for place in ("cytosol", "lysosome"))

    def free(self, drug: str) -> np.ndarray:
        """Free cytosolic drug."""
        return self.held(drug)[0] / self.drugs[drug].cytosolic

    def total(self, drug: str) -> np.ndarray:
        """All drug in the cells."""
        return np.add(*self.held(drug))

    @property
    def capacity(self) -> np.ndarray:
        """Of the cells' lysosomes, relative to parental ones."""
        return self.tissue.cells["lysosomal_capacity"]


def drug_fields(drug: str, tolerance: float = 1e-12, diffusivity: float = 300.0 * 3600.0) -> list[Substrate]:
    """The field of a drug that cells hold too, and what host tissue holds of it."""
    capacity = field_capacity(load_catalog(), drug, SETS, True)
    mobile = Substrate(
        drug, "nM", "free", "implicit", diffusivity / capacity, 0.0, tolerance=tolerance, capacity=capacity
    )
    held = Substrate(
        host_form(drug), "nM", "held", "immobile", 0.0, 0.0, capacity=capacity, bound_form_of=drug
    )  # fmt: skip
    return [mobile, held]


def amounts(tissue: Tissue, drug: str) -> dict[str, float]:
    """Drug in the field, in host tissue and in cells (fmol), and what the ledger says has gone."""
    volume = tissue.lattice.site_volume * NANOMOLAR_VOLUME_TO_FEMTOMOLE
    fields = {name: tissue.microenvironment[name] for name in (drug, host_form(drug))}
    out = {name: float(field.concentration.sum()) * field.substrate.capacity * volume for name, field in fields.items()}
    index = tissue.cells.specs["drug_cytosol"].labels.index(drug)
    inside = [tissue.cells[f"drug_{place}"][:, index].sum() for place in ("cytosol", "lysosome")]
    account = tissue.ledger.accounts.get(f"{drug}_cells", {})
    out["cells"] = float(sum(inside)) * volume
    out["gone"] = -account.get("metabolized", 0.0) - account.get("lost", 0.0)
    out["residual"] = -sum(tissue.ledger.accounts.get(name, {}).get("residual", 0.0) for name in fields)
    return out
