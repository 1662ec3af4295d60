"""Outputs: what can be recorded as a time series, by name. To add one, write one function here.

A plain output is a function of a ``Measurement``. One that exists per substrate, compound or class of a drug, clone
that the tumor began with or node of a signaling network gets that name too, and its time series are
``<substrate>_<output>``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from tumorabm.processes.dosing.toxicity import known_classes
from tumorabm.recording.constants import CONSTANTS as CONSTANTS
from tumorabm.recording.constants import constants_of as constants_of
from tumorabm.recording.measurement import Measurement, quantiles_of, ratio
from tumorabm.tissue.cells import ALIVE, APOPTOTIC, ENDOTHELIAL, NECROTIC
from tumorabm.tissue.tissue import Tissue
from tumorabm.tissue.vasculature import HOST, NOT_ROOT, RECOLONIZED, SPROUTED, TIP

Per = Literal["", "substrate", "compound", "clone", "held_drug", "toxicity_class", "tumor_node", "endothelial_node"]
Function: TypeAlias = Callable[..., Any]
# Nodes of networks that have time series, where the network has them; frames have all nodes of all cells.
REPORTED: Final = "vegfr2 akt mtorc1 s6k eif4e erk hif1a hif2a myc division survival motility secretion_vegf_a".split()


@dataclass(frozen=True)
class Output:
    """Something to record as a time series.

    Parameters
    ----------
    name, unit, description : str
        Unit "1" for counts and fractions, "" for the unit of the substrate.
    function : callable
        Of a Measurement, and of a name if there is one per substrate, compound, clone or node.
    substrates, processes, columns : tuple of str
        What must be in the experiment for it to exist; of the columns of cells those that are not core columns.
    per : {"", "substrate", "compound", "clone", "held_drug", "toxicity_class", "tumor_node", "endothelial_node"}
        Whether there is one, or one per each of these: compounds in plasma, drugs held by cells, classes of the
        treatment's drugs, nodes of networks.
    quantiles : bool
        Whether each entry holds the values at ``QUANTILES`` rather than one number.
    """

    name: str
    unit: str
    description: str
    function: Function
    substrates: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    per: Per = ""
    quantiles: bool = False


@dataclass(frozen=True)
class Series:
    """One time series of a run: an output, for a substrate, compound, clone or node where it exists per each."""

    name: str
    unit: str
    description: str
    quantiles: bool
    output: Output
    of: str = ""

    def value(self, measurement: Measurement) -> Any:
        """Its present value: a number, or shape (5,) for quantiles."""
        return self.output.function(measurement, self.of) if self.of else self.output.function(measurement)


_REGISTRY: dict[str, Output] = {}


def output(
    name: str,
    unit: str,
    description: str,
    *,
    substrates: tuple[str, ...] = (),
    processes: tuple[str, ...] = (),
    columns: tuple[str, ...] = (),
    per: Per = "",
    quantiles: bool = False,
) -> Callable[[Function], Function]:
    """Make a function of a Measurement known as an output. See ``Output`` for the parameters.

    Raises
    ------
    ValueError
        If the name is taken.
    """

    def add(function: Function) -> Function:
        if name in _REGISTRY and _REGISTRY[name].function.__qualname__ != function.__qualname__:
            raise ValueError(f"an output named {name!r} exists already")
        _REGISTRY[name] = Output(name, unit, description, function, substrates, processes, columns, per, quantiles)
        return function

    return add


def registered_outputs() -> Mapping[str, Output]:
    """All outputs by name."""
    return dict(_REGISTRY)


def series_of(names: Iterable[str], tissue: Tissue) -> list[Series]:
    """The time series that outputs give in a tissue, those per substrate or compound spelled out.

    An output whose columns or substrates the tissue does not have gives none.
    """
    out = []
    for name in names:
        item = _REGISTRY[name]
        if not all(column in tissue.cells for column in item.columns):
            continue
        if item.per == "substrate":
            for substrate, field in tissue.microenvironment.fields.items():
                unit = item.unit or field.substrate.unit
                out.append(Series(f"{substrate}_{name}", unit, item.description, item.quantiles, item, substrate))
        elif item.per == "compound":
            for compound in sorted(tissue.patient.molar_mass):
                out.append(Series(f"{compound}_{name}", item.unit, item.description, item.quantiles, item, compound))
        elif item.per in ("clone", "held_drug"):
            held = tissue.cells.specs[item.columns[0]].labels if item.per == "held_drug" else ()
            for of in tissue.clones.founders() if item.per == "clone" else held:
                out.append(Series(f"{of}_{name}", item.unit, item.description, item.quantiles, item, of))
        elif item.per == "toxicity_class":
            for of in known_classes(tissue.patient):
                out.append(Series(f"{of}_{name}", item.unit, item.description, item.quantiles, item, of))
        elif item.per in ("tumor_node", "endothelial_node"):
            for node in (n for n in tissue.cells.specs[item.columns[0]].labels if n in REPORTED):
                out.append(Series(f"{node}_{name}", item.unit, item.description, item.quantiles, item, node))
        elif all(substrate in tissue.microenvironment for substrate in item.substrates):
            out.append(Series(name, item.unit, item.description, item.quantiles, item))
    return out


# --- cells -----------------------------------------------------------------------------------------------------------


@output("tumor_cells", "1", "living tumor cells")
def _tumor_cells(m: Measurement) -> int:
    return int(np.count_nonzero(m.tumor_states == ALIVE))


@output("apoptotic_cells", "1", "tumor cells that died by apoptosis and are not cleared")
def _apoptotic_cells(m: Measurement) -> int:
    return int(np.count_nonzero(m.tumor_states == APOPTOTIC))


@output("necrotic_cells", "1", "tumor cells that died by necrosis and are not cleared")
def _necrotic_cells(m: Measurement) -> int:
    return int(np.count_nonzero(m.tumor_states == NECROTIC))


# --- signaling -------------------------------------------------------------------------------------------------------


@output("in_tumor", "1", "mean activity in its living cells", columns=("tumor_network",), per="tumor_node")
def _in_tumor(m: Measurement, node: str) -> float:
    return m.tumor_activity[node]


@output("in_endothelium", "1", "mean activity there", columns=("endothelial_network",), per="endothelial_node")
def _in_endothelium(m: Measurement, node: str) -> float:
    return m.endothelial_activity[node]


# --- lesion ----------------------------------------------------------------------------------------------------------


@output("lesion_cells", "1", "tumor cells and their debris in the largest connected component")
def _lesion_cells(m: Measurement) -> int:
    return int(m.lesion_sites.size)


@output("lesion_volume", "um^3", "volume of the lesion's cells and debris")
def _lesion_volume(m: Measurement) -> float:
    return m.lesion_volume


@output("lesion_diameter", "um", "diameter of the sphere of the lesion's volume, so that it follows N^(1/3) in 2D too")
def _lesion_diameter(m: Measurement) -> float:
    return float(np.cbrt(6 * m.lesion_volume / np.pi))


@output("hull_diameter", "um", "diameter of the sphere (2D: circle) of the volume (area) of the lesion's convex hull")
def _hull_diameter(m: Measurement) -> float:
    return m.hull.diameter


@output("hull_border_distance", "um", "distance from the lesion's convex hull to the nearest wall of the domain")
def _hull_border_distance(m: Measurement) -> float:
    return m.hull.border_distance


@output("viable_fraction", "1", "living share of the lesion's cells and debris")
def _viable_fraction(m: Measurement) -> float:
    return ratio(m.lesion_count(ALIVE), m.lesion_sites.size)


@output("necrotic_fraction", "1", "necrotic share of the lesion's cells and debris")
def _necrotic_fraction(m: Measurement) -> float:
    return ratio(m.lesion_count(NECROTIC), m.lesion_sites.size)


@output("hypoxic_fraction", "1", "share of the lesion's living tumor cells below 5 mmHg oxygen", substrates=("oxygen",))
def _hypoxic_fraction(m: Measurement) -> float:
    oxygen = m.tissue.microenvironment["oxygen"].at(m.living_lesion_sites)
    return ratio(int(np.count_nonzero(oxygen < m.constants["hypoxic_threshold"])), oxygen.size)


@output("mean_lesion_oxygen", "mmHg", "mean oxygen at the sites of the lesion", substrates=("oxygen",))
def _mean_lesion_oxygen(m: Measurement) -> float:
    return _lesion_mean(m, "oxygen")


# --- vessels ---------------------------------------------------------------------------------------------------------


@output("endothelial_cells", "1", "living endothelial cells")
def _endothelial_cells(m: Measurement) -> int:
    return int(m.tissue.cells.alive(ENDOTHELIAL).size)


@output("tip_cells", "1", "endothelial tip cells", columns=("phenotype",))
def _tip_cells(m: Measurement) -> int:
    return int(np.count_nonzero(m.endothelial("phenotype") == TIP))


@output("lesion_endothelial_cells", "1", "living endothelial cells inside the lesion's hull")
def _lesion_endothelial_cells(m: Measurement) -> int:
    return int(np.count_nonzero(m.endothelium.in_hull))


@output(
    "perfused_lesion_endothelial_cells",
    "1",
    "perfused endothelial cells inside the lesion's hull",
    columns=("perfused",),
)
def _perfused_lesion_endothelial_cells(m: Measurement) -> int:
    return int(np.count_nonzero(m.endothelium.in_hull & (m.endothelial("perfused") > 0)))


@output(
    "perfused_fraction", "1", "perfused share of the endothelial cells inside the lesion's hull", columns=("perfused",)
)
def _perfused_fraction(m: Measurement) -> float:
    return ratio(_perfused_lesion_endothelial_cells(m), _lesion_endothelial_cells(m))


@output("vessel_length_density", "1/mm^2", "vessel length per volume of the lesion's hull", columns=("root",))
def _vessel_length_density(m: Measurement) -> float:
    return m.vessel_length_density(inside=True)


@output(
    "microvessel_density",
    "1/mm^2",
    "vessels per area of a section through the lesion's hull, half of L_V",
    columns=("root",),
)
def _microvessel_density(m: Measurement) -> float:
    return m.vessel_length_density(inside=True) / 2


@output("host_endothelial_cells", "1", "living endothelial cells outside the lesion's hull")
def _host_endothelial_cells(m: Measurement) -> int:
    return int(np.count_nonzero(~m.endothelium.in_hull))


@output(
    "host_perfused_fraction",
    "1",
    "perfused share of the endothelial cells outside the lesion's hull",
    columns=("perfused",),
)
def _host_perfused_fraction(m: Measurement) -> float:
    outside = ~m.endothelium.in_hull
    return ratio(int(np.count_nonzero(outside & (m.endothelial("perfused") > 0))), int(np.count_nonzero(outside)))


@output("host_vessel_length_density", "1/mm^2", "vessel length per volume outside the lesion's hull", columns=("root",))
def _host_vessel_length_density(m: Measurement) -> float:
    return m.vessel_length_density(inside=False)


@output(
    "host_microvessel_density",
    "1/mm^2",
    "vessels per area of a section outside the lesion's hull, half of L_V",
    columns=("root",),
)
def _host_microvessel_density(m: Measurement) -> float:
    return m.vessel_length_density(inside=False) / 2


@output("lesion_oxygen_supply", "mmHg um^3/h", "oxygen delivered inside the lesion's hull", substrates=("oxygen",))
def _lesion_oxygen_supply(m: Measurement) -> float:
    supply = m.oxygen_supply
    return float("nan") if supply is None else float(supply[m.endothelium.in_hull].sum())


@output(
    "root_supply_share",
    "1",
    "share of the lesion's oxygen supply from arteriole and venule sites",
    substrates=("oxygen",),
    columns=("root",),
)
def _root_supply_share(m: Measurement) -> float:
    return _supply_share(m, m.endothelial("root") != NOT_ROOT)


@output(
    "host_supply_share",
    "1",
    "share of the lesion's oxygen supply from host capillaries",
    substrates=("oxygen",),
    columns=("root", "origin"),
)
def _host_supply_share(m: Measurement) -> float:
    return _supply_share(m, (m.endothelial("root") == NOT_ROOT) & (m.endothelial("origin") == HOST))


@output(
    "sprout_supply_share",
    "1",
    "share of the lesion's oxygen supply from sprouts",
    substrates=("oxygen",),
    columns=("root", "origin"),
)
def _sprout_supply_share(m: Measurement) -> float:
    return _supply_share(m, (m.endothelial("root") == NOT_ROOT) & (m.endothelial("origin") == SPROUTED))


@output(
    "recolonized_supply_share",
    "1",
    "share of the lesion's oxygen from recolonized sleeves",
    substrates=("oxygen",),
    columns=("root", "origin"),
)
def _recolonized_supply_share(m: Measurement) -> float:
    return _supply_share(m, (m.endothelial("root") == NOT_ROOT) & (m.endothelial("origin") == RECOLONIZED))


def _supply_share(m: Measurement, chosen: np.ndarray) -> float:
    supply = m.oxygen_supply
    if supply is None:
        return float("nan")
    inside = m.endothelium.in_hull
    return ratio(float(supply[inside & chosen].sum()), float(supply[inside].sum()))


# --- substrates and drugs --------------------------------------------------------------------------------------------


@output("lesion_mean", "", "mean concentration at the sites of the lesion", per="substrate")
def _lesion_mean(m: Measurement, substrate: str) -> float:
    values = m.tissue.microenvironment[substrate].at(m.lesion_sites)
    return ratio(float(values.sum()), values.size)


@output(
    "lesion_quantiles", "", "quantiles of the concentration at the sites of the lesion", per="substrate", quantiles=True
)
def _lesion_quantiles(m: Measurement, substrate: str) -> np.ndarray:
    values = m.tissue.microenvironment[substrate].at(m.lesion_sites)
    return quantiles_of(values)


@output("domain_quantiles", "", "quantiles of the concentration over the domain", per="substrate", quantiles=True)
def _domain_quantiles(m: Measurement, substrate: str) -> np.ndarray:
    return quantiles_of(m.tissue.microenvironment[substrate].concentration)


@output("plasma_total", "nM", "total plasma concentration of the compound", per="compound")
def _plasma_total(m: Measurement, compound: str) -> float:
    return float(m.tissue.patient.total.get(compound, 0.0))


@output("plasma_unbound", "nM", "unbound plasma concentration of the compound", per="compound")
def _plasma_unbound(m: Measurement, compound: str) -> float:
    return float(m.tissue.patient.unbound.get(compound, 0.0))
