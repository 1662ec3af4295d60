"""Everything that happens in a step. ``PIPELINE`` is the registry: within a phase, processes run in its order."""

from tumorabm.processes.compaction import Compaction
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics
from tumorabm.processes.fate.birth import Birth
from tumorabm.processes.fate.commit import CommitParenchyma
from tumorabm.processes.fate.competing_risks import CompetingRisks
from tumorabm.processes.fate.death import Apoptosis, Clearance, Necrosis
from tumorabm.processes.fate.migration import Migration
from tumorabm.processes.process import Kind, Parameter, Phase, Process, register, registered
from tumorabm.processes.signaling.endothelium import EndothelialSignaling, EquivalentSignals
from tumorabm.processes.signaling.tumor import SignaledDivision, SignaledSurvival, TumorSignaling
from tumorabm.processes.signaling.vegfr2 import Vegfr2Signal
from tumorabm.processes.transport.drug import DrugSupply
from tumorabm.processes.transport.nutrient import NutrientSupply, NutrientUptake
from tumorabm.processes.transport.oxygen import OxygenConsumption, OxygenSupply
from tumorabm.processes.transport.secretion import FactorSecretion
from tumorabm.processes.transport.solve import FieldSolve
from tumorabm.processes.transport.vegf_a import VegfInternalization, VegfSecretion
from tumorabm.processes.vessels.commit import CommitVessels
from tumorabm.processes.vessels.growth import Recolonization, SleeveLoss, Sprouting, TipMigration
from tumorabm.processes.vessels.perfusion import Lumen, Perfusion
from tumorabm.processes.vessels.remodeling import VesselRemodeling
from tumorabm.processes.vessels.survival import EndothelialSurvival, Pruning

__all__ = ["PIPELINE", "Kind", "Parameter", "Phase", "Process", "register", "registered"]

PIPELINE: tuple[type[Process], ...] = (
    # PATIENT
    Pharmacokinetics,
    # FIELDS: contributions, then the solution
    OxygenSupply,
    OxygenConsumption,
    VegfSecretion,
    VegfInternalization,
    FactorSecretion,
    NutrientSupply,
    NutrientUptake,
    DrugSupply,
    FieldSolve,
    # SIGNALS
    Vegfr2Signal,
    TumorSignaling,
    EndothelialSignaling,
    EquivalentSignals,
    # STATE
    VesselRemodeling,
    # RATES
    Birth,
    Apoptosis,
    Necrosis,
    Clearance,
    SignaledDivision,
    SignaledSurvival,
    EndothelialSurvival,
    Pruning,
    Sprouting,
    Recolonization,
    # REQUESTS
    CompetingRisks,
    Migration,
    TipMigration,
    # COMMIT: compaction last, so that rows keep their numbers until all requests are carried out
    CommitParenchyma,
    CommitVessels,
    Compaction,
    # VESSELS
    SleeveLoss,
    Lumen,
    Perfusion,
)

for _process in PIPELINE:
    register(_process)
