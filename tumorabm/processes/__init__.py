"""Everything that happens in a step. ``PIPELINE`` is the registry: within a phase, processes run in its order."""

from tumorabm.processes.compaction import Compaction
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics
from tumorabm.processes.dosing.response import Response
from tumorabm.processes.dosing.systemic_vegf import SystemicVegf
from tumorabm.processes.dosing.toxicity import Toxicity
from tumorabm.processes.dosing.visits import DoseVisits
from tumorabm.processes.fate.birth import Birth
from tumorabm.processes.fate.commit import CommitParenchyma
from tumorabm.processes.fate.competing_risks import CompetingRisks
from tumorabm.processes.fate.death import Apoptosis, Clearance, Necrosis
from tumorabm.processes.fate.invasion import Invasion
from tumorabm.processes.fate.migration import Migration
from tumorabm.processes.process import Kind, Parameter, Phase, Process, register, registered
from tumorabm.processes.resistance.direct_effect import DirectEffect
from tumorabm.processes.resistance.emt import Emt, MesenchymalRates, MesenchymalSecretion
from tumorabm.processes.resistance.intracellular import DrugLoss, DrugUptake, IntracellularDrug
from tumorabm.processes.resistance.lysosome import LysosomalCapacity, LysosomalPh
from tumorabm.processes.resistance.mutation import Mutation
from tumorabm.processes.resistance.tolerance import HypoxiaTolerance
from tumorabm.processes.signaling.endothelium import EndothelialSignaling, EquivalentSignals
from tumorabm.processes.signaling.tumor import SignaledDivision, SignaledSurvival, TumorSignaling
from tumorabm.processes.signaling.vegfr2 import AmplifiedSignal, Vegfr2Signal
from tumorabm.processes.stroma.commit import CommitStroma
from tumorabm.processes.stroma.cytokines import CytokineStimulation
from tumorabm.processes.stroma.fibroblasts import (
    FibroblastMigration,
    Fibroblasts,
    FibroblastSecretion,
    FibroblastTurnover,
)
from tumorabm.processes.stroma.intravasation import Intravasation
from tumorabm.processes.stroma.mdsc import MdscPool, MdscRecruitment, MdscSecretion, MdscTurnover, MdscWandering
from tumorabm.processes.stroma.pericytes import (
    EndothelialPdgf,
    PdgfrbSignal,
    PericyteCoverage,
    PericyteMaturing,
    PericyteSecretion,
    PericyteTurnover,
)
from tumorabm.processes.stroma.t_cells import (
    Exhaustion,
    TCellKilling,
    TCellRecruitment,
    TCellTurnover,
    TCellWandering,
    TumorRecognition,
)
from tumorabm.processes.transport.capture import LigandCapture
from tumorabm.processes.transport.drug import DrugSupply
from tumorabm.processes.transport.matrix import MatrixTurnover
from tumorabm.processes.transport.matrix_vegf import MatrixBinding
from tumorabm.processes.transport.medium import Medium
from tumorabm.processes.transport.nutrient import NutrientSupply, NutrientUptake
from tumorabm.processes.transport.oxygen import OxygenConsumption, OxygenSupply
from tumorabm.processes.transport.receptors import ReceptorBinding
from tumorabm.processes.transport.secretion import FactorSecretion
from tumorabm.processes.transport.solve import FieldSolve
from tumorabm.processes.transport.vegf_a import VegfInternalization, VegfSecretion
from tumorabm.processes.vessels.angiopoietins import EndothelialAng2, Tie2Switch
from tumorabm.processes.vessels.commit import CommitVessels
from tumorabm.processes.vessels.flow import Flow
from tumorabm.processes.vessels.growth import Recolonization, SleeveLoss, Sprouting, TipMigration
from tumorabm.processes.vessels.notch import Notch, NotchProtease, NotchSprouting
from tumorabm.processes.vessels.perfusion import Lumen, Perfusion
from tumorabm.processes.vessels.permeability import Permeability
from tumorabm.processes.vessels.remodeling import VesselRemodeling
from tumorabm.processes.vessels.survival import EndothelialSurvival, Pruning

__all__ = ["PIPELINE", "Kind", "Parameter", "Phase", "Process", "register", "registered"]

PIPELINE: tuple[type[Process], ...] = (
    # PATIENT: what has been seen, then the step; toxicity begins from the same plasma as plasma itself
    Response,
    DoseVisits,
    Toxicity,
    Pharmacokinetics,
    SystemicVegf,
    MdscPool,
    # FIELDS: contributions, then the solution
    OxygenSupply,
    OxygenConsumption,
    Medium,
    VegfSecretion,
    VegfInternalization,
    ReceptorBinding,
    MatrixBinding,
    FactorSecretion,
    MesenchymalSecretion,
    EndothelialPdgf,
    EndothelialAng2,
    PericyteSecretion,
    NutrientSupply,
    NutrientUptake,
    DrugSupply,
    DrugUptake,
    LigandCapture,
    NotchProtease,
    MdscSecretion,
    FibroblastSecretion,
    MatrixTurnover,
    FieldSolve,
    # SIGNALS
    Vegfr2Signal,
    AmplifiedSignal,
    TumorSignaling,
    EndothelialSignaling,
    EquivalentSignals,
    PdgfrbSignal,
    # STATE
    VesselRemodeling,
    PericyteMaturing,
    PericyteCoverage,
    Notch,
    TumorRecognition,
    Exhaustion,
    Fibroblasts,
    Emt,
    IntracellularDrug,
    LysosomalCapacity,
    LysosomalPh,
    # RATES
    Birth,
    Apoptosis,
    Necrosis,
    Clearance,
    SignaledDivision,
    SignaledSurvival,
    MesenchymalRates,
    HypoxiaTolerance,
    DirectEffect,
    EndothelialSurvival,
    Pruning,
    Sprouting,
    NotchSprouting,
    Recolonization,
    PericyteTurnover,
    Tie2Switch,
    Intravasation,
    MdscRecruitment,
    MdscTurnover,
    TCellRecruitment,
    TCellTurnover,
    TCellKilling,
    CytokineStimulation,
    FibroblastTurnover,
    # REQUESTS
    CompetingRisks,
    Invasion,
    Migration,
    TipMigration,
    MdscWandering,
    TCellWandering,
    FibroblastMigration,
    # COMMIT: compaction last, so that rows keep their numbers until all requests are carried out
    CommitParenchyma,
    Mutation,
    CommitVessels,
    CommitStroma,
    DrugLoss,
    Compaction,
    # VESSELS
    SleeveLoss,
    Lumen,
    Perfusion,
    Permeability,
    Flow,
)

for _process in PIPELINE:
    register(_process)
