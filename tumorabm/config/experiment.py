"""The experiment: everything that a run is made from, read from a file and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from tumorabm import units
from tumorabm.catalog import SETS, USUAL_MEMBERS, Catalog, load_catalog
from tumorabm.catalog.patients import factors_of
from tumorabm.config import declared
from tumorabm.config.blocks import (
    Block,
    CellsBlock,
    LatticeBlock,
    RecordBlock,
    VesselsBlock,
)
from tumorabm.config.clone_blocks import CloneBlock, MutationBlock
from tumorabm.config.quantity import Concentration, Span, Time
from tumorabm.config.signaling_blocks import SignalingBlock
from tumorabm.config.treatment_blocks import AssessmentBlock, PatientBlock, TreatmentBlock
from tumorabm.processes import Process
from tumorabm.processes.dosing.schedule import Regimen
from tumorabm.processes.dosing.sentences import sentence
from tumorabm.processes.dosing.toxicity import toxicity_classes, toxicity_limits
from tumorabm.processes.mechanisms import MECHANISMS
from tumorabm.processes.process import Choice
from tumorabm.tissue.lattice import Lattice


def _catalog_of(info: ValidationInfo) -> Catalog:
    """The catalog that the experiment is read with, without its overrides."""
    return info.context["catalog"] if info.context else load_catalog()


def _read_processes(given: Any, info: ValidationInfo) -> declared.Settings:
    """Settings of all processes; the context keeps which ones the file names."""
    settings = declared.read_processes(given)
    if info.context:
        info.context["named_processes"] = frozenset(given)
    return settings


class Experiment(Block):
    """An experiment. Times are in h, lengths in µm, doses in mg; made by ``load_experiment``.

    Attributes
    ----------
    name, description : str
    burn_in, duration, time_step : float
        h; ``duration`` counts from the end of the burn-in.
    seed : int
    substrates : list of str
        Fields that are there besides those of the treatment's drugs and those that mechanisms bring.
    lattice : LatticeBlock
    sets : dict of str to str
        Chosen member by kind of set (kinetics, literature, targets, combination).
    clones : list of CloneBlock
    mutations : list of MutationBlock
    cells : list of CellsBlock
    vessels : VesselsBlock
    treatment : list of TreatmentBlock
    assessment : AssessmentBlock
    patient : PatientBlock
    exposure : dict of str to float
        Constant unbound concentrations of drugs, nM.
    medium : dict of str to str
        Concentrations of substrates in a stirred medium, with their units.
    signaling : SignalingBlock
    mechanisms : dict of str to bool
        Every mechanism: on or off.
    processes : dict of str to bool or dict of str to float
        Every known process: on, off, or on with values of parameters in their declared units.
    catalog_overrides : dict of str to str
        ``catalog`` in the file.
    record : RecordBlock
    """

    name: str = Field(
        description="Names the folder of its runs; the file's name by default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$",
    )
    description: str = Field("", description="One line on what it asks")
    burn_in: Time = Field(0.0, description="Time before the treatment clock starts")
    duration: Time = Field(description="Time after the burn-in")
    time_step: Span = Field(description="Length of a step; 2 h for patients, 1 h for xenografts and cultures")
    seed: int = Field(1, description="Seed of all random numbers", ge=0, lt=2**64)
    substrates: Annotated[
        list[str],
        PlainValidator(lambda given, info: declared.read_substrates(given, _catalog_of(info))),
        WithJsonSchema({"type": "array", "items": {"type": "string"}}),
    ] = Field(
        default_factory=lambda: ["oxygen", "vegf_a"], description="Fields besides those that drugs and mechanisms bring"
    )
    lattice: LatticeBlock = Field(description="The domain")
    sets: Annotated[
        dict[str, str],
        PlainValidator(declared.read_sets),
        WithJsonSchema(
            {
                "type": "object",
                "additionalProperties": False,
                "required": [kind for kind in SETS if kind not in USUAL_MEMBERS],
                "properties": {kind: {"enum": list(members)} for kind, members in SETS.items()},
            }
        ),
    ] = Field(description="Which numbers are used where sources disagree, and how effects of drugs combine")
    clones: list[CloneBlock] = Field(default_factory=list, description="Genotypes of the tumor cells")
    mutations: list[MutationBlock] = Field(
        default_factory=list, description="Alterations that tumor cells may gain when they divide; none by default"
    )
    cells: list[CellsBlock] = Field(description="Tumor cells at the start; an empty list is host tissue alone")
    vessels: VesselsBlock = Field(
        default_factory=lambda: VesselsBlock.model_validate({}), description="Vessels at the start"
    )
    treatment: list[TreatmentBlock] = Field(default_factory=list, description="Drugs and their schedules")
    assessment: AssessmentBlock = Field(
        default_factory=lambda: AssessmentBlock.model_validate({}),
        description="Scans of the tumor, which sequences and adaptive treatments go by",
    )
    patient: PatientBlock = Field(
        default_factory=lambda: PatientBlock.model_validate({}), description="Who is treated: variants, clearance"
    )
    exposure: dict[str, Concentration] = Field(
        default_factory=dict,
        description="Drugs at a constant unbound concentration in blood and tissue, as in a medium, by name",
    )
    medium: Annotated[
        dict[str, str],
        PlainValidator(lambda given, info: declared.read_medium(given, _catalog_of(info))),
        WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "number"]}}),
    ] = Field(
        default_factory=dict,
        description="Substrates that a stirred medium over all sites keeps near a concentration, as in a dish, by name",
    )
    signaling: SignalingBlock = Field(
        default_factory=lambda: SignalingBlock.model_validate({}), description="Signaling networks inside cells"
    )
    mechanisms: Annotated[
        dict[str, bool],
        PlainValidator(declared.read_mechanisms),
        WithJsonSchema(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    declared.ALL: {"type": "boolean", "description": "those that are not named"},
                    **{name: {"type": "boolean", "description": item.description} for name, item in MECHANISMS.items()},
                },
            }
        ),
    ] = Field(
        default_factory=lambda: declared.read_mechanisms({}),
        description="Mechanisms besides the engine: true or false by name, 'all' for the others; all are on by default",
    )
    processes: Annotated[
        declared.Settings,
        PlainValidator(lambda given, info: _read_processes(given, info)),
        PlainSerializer(declared.write_processes),
        WithJsonSchema({"type": "object"}),
    ] = Field(
        default_factory=lambda: declared.read_processes({}),
        description="Processes: false, true, or values of parameters by name; default ones are on",
    )
    catalog_overrides: Annotated[
        dict[str, str],
        PlainValidator(lambda given, info: declared.read_overrides(given, _catalog_of(info))),
        WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "number"]}}),
    ] = Field(default_factory=dict, alias="catalog", description="Values of the catalog to replace, by path")
    record: RecordBlock = Field(
        default_factory=lambda: RecordBlock.model_validate({}), description="What is written down and when"
    )

    _base: Catalog = PrivateAttr()
    _catalog: Catalog = PrivateAttr()
    _warnings: tuple[str, ...] = PrivateAttr(())
    _named: frozenset[str] = PrivateAttr(frozenset())

    @model_validator(mode="after")
    def _attached(self, info: ValidationInfo) -> Experiment:
        self._base = _catalog_of(info)
        named = info.context.get("named_processes", frozenset()) if info.context else frozenset()
        # A resolved experiment names them all.
        self._named = frozenset() if len(named) == len(self.processes) else named
        catalog = self._base.with_overrides(self.catalog_overrides)
        self._catalog = catalog.scaled(factors_of(catalog, self.patient.variants, self.patient.clearance))
        lattice = self.lattice.lattice()
        for item in self.cells:
            item.place_in(lattice)
        return self

    @property
    def catalog(self) -> Catalog:
        """The catalog with this experiment's overrides, as it holds for its patient."""
        return self._catalog

    @property
    def base_catalog(self) -> Catalog:
        """The catalog without this experiment's overrides."""
        return self._base

    def with_fresh_catalog(self) -> Experiment:
        """The same experiment with a catalog of its own that remembers from now on what is read."""
        fresh = self.model_copy()
        fresh._catalog = self._catalog.with_overrides({})
        return fresh

    @property
    def named_processes(self) -> frozenset[str]:
        """Processes that the file has settings for; none where it is a resolved one, which has all."""
        return self._named

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but deserves a thought."""
        return (*self._catalog.warnings, *self._warnings)

    @property
    def drugs(self) -> tuple[str, ...]:
        """Names of the treatment's drugs, each once."""
        return tuple(dict.fromkeys(item.drug for item in self.treatment))

    def value(self, path: str, unit: str) -> float:
        """A value of the catalog under this experiment's sets and overrides."""
        return self._catalog.get(path, unit, self.sets)

    def choice(self) -> Choice:
        """What processes need to know of the experiment beside the catalog.

        Raises
        ------
        InputError
            If a network or one of its inputs is unknown.
        """
        active = self.active_processes()
        networks = {
            cell_type: declared.network_choice(self._catalog, getattr(self.signaling, cell_type))
            for cell_type in SignalingBlock.model_fields
            if f"{cell_type}_signaling" in active
        }
        return Choice(
            self.sets,
            self.drugs,
            self.all_substrates,
            self.exposure,
            tuple(clone.genotype for clone in self.clones),
            networks,
            frozenset(name for name, on in self.mechanisms.items() if on),
            tuple(item.gain() for item in self.mutations),
            {
                name: units.quantity(text, self._catalog.fact(f"substrates.{name}.unit"))
                for name, text in self.medium.items()
            },
        )

    def make_lattice(self) -> Lattice:
        """The geometry of the domain."""
        return self.lattice.lattice()

    def regimens(self) -> tuple[Regimen, ...]:
        """The treatment as dosing takes it."""
        classes = toxicity_classes(self._catalog, self.drugs)
        return tuple(
            item.regimen()
            if item.toxicity is None
            else item.regimen(item.toxicity.rule(classes[item.drug], self.toxicity_limits(classes[item.drug])))
            for item in self.treatment
        )

    def toxicity_limits(self, toxicity_class: str) -> dict[str, float]:
        """Toxicity at which drugs of a class are usually reduced, interrupted and given again."""
        return toxicity_limits(self._catalog, toxicity_class, self.sets)

    def sentences(self) -> tuple[str, ...]:
        """The treatment in words, one sentence per drug."""
        given = [sentence(regimen) for regimen in self.regimens()]
        given += [f"{drug} at a constant {value:g} nM unbound" for drug, value in self.exposure.items()]
        return (*(given or ["untreated"]), *self._of_patient())

    def _of_patient(self) -> list[str]:
        """What is unusual about the patient, in words."""
        variants, clearance = self.patient.variants, self.patient.clearance
        found = [f"in a carrier of {', '.join(variants)}"] if variants else []
        return found + [f"clearance of {drug} {factor:g} times the usual" for drug, factor in clearance.items()]

    def active_processes(self) -> dict[str, type[Process]]:
        """The processes that are on, in the order of a step."""
        return {
            name: kind
            for name, kind in declared.processes().items()
            if self.processes.get(name, kind.default)
            and (not kind.mechanism or self.mechanisms[kind.mechanism])
            and self._asks_for(kind)
        }

    def _asks_for(self, kind: type[Process]) -> bool:
        """Whether the block that a process belongs to, if there is one, has something in it."""
        return not kind.asked_for_by or bool(getattr(self, kind.asked_for_by))

    @property
    def idle_mechanisms(self) -> tuple[str, ...]:
        """Mechanisms that are on although nothing in the experiment asks for them, so that they do nothing."""
        kinds: dict[str, list[type[Process]]] = {}
        for kind in declared.processes().values():
            kinds.setdefault(kind.mechanism, []).append(kind)
        return tuple(
            name
            for name, on in self.mechanisms.items()
            if on and name in kinds and not any(self._asks_for(kind) for kind in kinds[name])
        )

    @property
    def all_substrates(self) -> tuple[str, ...]:
        """The named substrates, then those that the active mechanisms bring or need, each once."""
        brought = [name for mechanism, on in self.mechanisms.items() if on for name in MECHANISMS[mechanism].substrates]
        needed = [name for kind in self.active_processes().values() if kind.mechanism for name in kind.substrates]
        return tuple(dict.fromkeys((*self.substrates, *brought, *needed)))

    def parameters(self) -> dict[str, dict[str, float]]:
        """Values of the declared parameters of all active processes, in their declared units.

        Raises
        ------
        InputError
            If the catalog lacks one.
        """
        out = {}
        for name, kind in self.active_processes().items():
            setting = self.processes.get(name, True)
            given = setting if isinstance(setting, dict) else {}
            out[name] = kind.values_from(self._catalog, self.sets, given)
        return out

    def resolved(self) -> dict[str, Any]:
        """The experiment as a file would hold it: self-contained, every default spelled out, quantities with units.

        Reading it again gives the same experiment, and its ``resolved`` the same mapping.
        """
        return self.model_dump(by_alias=True, exclude_none=True)

    @property
    def config_hash(self) -> str:
        """SHA-256 of what decides on the data: the resolved experiment without name and description, and user files."""
        content: Mapping[str, Any] = {
            key: value for key, value in self.resolved().items() if key not in ("name", "description")
        }
        text = json.dumps([content, self._catalog.user_digest], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
