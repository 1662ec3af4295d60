"""Drug inside tumor cells: uptake, efflux, metabolism, and what lysosomes trap and give off.

A living tumor cell holds q_c of a drug in cytosol and q_l in lysosomes (nM per volume of a site); c = q_c/B is free:

    q_c' = k_u e − (k_u + E) c − k_m q_c − k_ex (S φ c − q_l)
    q_l' =                               k_ex (S φ c − q_l) − k_x q_l

e is the unbound drug outside, E = k_u Σ x_i v_i/(1 + c/Km_i) efflux by the pumps that carry the drug, x_i their
expression (a clone's alterations multiply it) and v_i their efflux relative to passive passage at little drug. S φ is
the capacity of lysosomes (``lysosome``), less where their pH has risen, by the ratio of ion trapping (``held_drugs``).
Exocytosis k_x empties lysosomes to the outside. At rest

    c/e = k_u / (k_u + E + k_m B + k_x S φ/(1 + k_x/k_ex)).

**The trap**: without pumps, metabolism and exocytosis c = e, however much lysosomes hold. They protect only while they
fill, or by what leaves with them: c falls with φ through k_x alone.

**Exact in dt.** With E and φ of the step's beginning the equations are linear, and over a step with constant e a cell
takes up T e − G: T and G are known before the field is solved (``drug_uptake``) and stand in its equation as a loss
T/dt and a source G/dt. With the e that comes out, the cell takes the same step (``intracellular_drug``). So what a
field gives is what cells receive, to round-off. Host tissue and debris hold drug in the proportion of parental cells
and exchange it with the field at the rate k_u/B (a bound form of the field); what a cell held that died goes back to
its site, so that nothing is lost with debris. A cell that leaves with blood takes its drug along (``drug_loss``).

The ledger has an account ``<drug>_cells``, whose sum is what is in living tumor cells.

Gotink et al. (2011) for lysosomal sequestration of sunitinib.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Self

import numpy as np

from tumorabm.kernel import kernel
from tumorabm.processes.process import Choice, Kind, Phase, Process, Values
from tumorabm.processes.resistance.held_drugs import (
    CAPACITY,
    CYTOSOL,
    FREE,
    LYSOSOME,
    PH_RISE,
    HeldDrug,
    Passage,
    drug_columns,
    expression_of,
    held_drugs,
    held_names,
    outside,
    passage_of,
)
from tumorabm.processes.transport.drug import INTRACELLULAR, host_form
from tumorabm.tissue.cells import ALIVE, TUMOR, Column
from tumorabm.tissue.genotypes import ByGenotype
from tumorabm.tissue.tissue import Tissue
from tumorabm.units import NANOMOLAR_VOLUME_TO_FEMTOMOLE

CELLS: Final = "cells"  # who takes from the field and gives back, and its entry of the ledger
_FLOWS: Final = ("uptake", "efflux", "exocytosis", "metabolized")
# Half the difference of the rates, which divides, is at least so much of their mean; wrong is then the square of that.
_LEAST: Final = 1e-5
_SHORT: Final = 1e-4  # rate times dt below which a series is more exact
_TOGETHER: Final = "cells and tissue share the drug; its mechanism can be switched off"


class HoldingCells(Process):
    """What the processes of drugs in cells have in common.

    Parameters
    ----------
    drugs : sequence of HeldDrug
    passage : Passage
    expression : callable, optional
        Expression of each pump in a cell with some alterations; basal if not given.
    genotypes : iterable of sequence of str
        Alterations of the cells that there are at the start or may be soon.
    fields : sequence of str
        Drugs that have a field; the concentration of others is constant.
    """

    mechanism = INTRACELLULAR
    indispensable = _TOGETHER
    columns: tuple[Column, ...] = (CYTOSOL, LYSOSOME, FREE, CAPACITY, PH_RISE)
    substrates: tuple[str, ...] = ()

    def __init__(
        self,
        drugs: Sequence[HeldDrug] = (),
        passage: Passage | None = None,
        expression: Callable[[tuple[str, ...]], tuple[float, ...]] | None = None,
        genotypes: Iterable[Sequence[str]] = (),
        fields: Sequence[str] = (),
    ) -> None:
        super().__init__({})
        self.drugs = tuple(drugs)
        names = tuple(drug.name for drug in self.drugs)
        self.columns = (*drug_columns(names), CAPACITY, PH_RISE) if names else ()
        self.substrates = tuple(name for name in names if name in fields)
        if passage is None:
            return
        basal = passage.basal
        pumped = np.array([drug.pumped for drug in self.drugs], dtype=float).reshape(len(self.drugs), len(basal))
        pumped *= np.array(passage.efflux)
        # By drug and pump.
        self._pumps = ByGenotype(
            lambda genotype: pumped * np.array(expression(genotype) if expression else basal), genotypes
        )
        self._half = np.array(passage.half)
        self._constants = np.array([[drug.cytosolic, drug.lysosomal, drug.pka] for drug in self.drugs]).reshape(-1, 3)
        self._rates = np.array(
            [passage.uptake, passage.exchange, passage.exocytosis, passage.metabolism, passage.ph, passage.cytosolic_ph]
        )

    @classmethod
    def from_catalog(cls, catalog: Values, choice: Choice, given: Mapping[str, float] | None = None) -> Self:
        """The process with those of the experiment's drugs that cells hold, and the pumps of its clones."""
        if not held_names(catalog, choice):
            return cls()
        passage = passage_of(catalog, choice.sets)
        return cls(
            held_drugs(catalog, choice),
            passage,
            lambda genotype: expression_of(catalog, genotype, choice.sets, passage),
            choice.genotypes,
            choice.drugs,
        )

    def living(self, tissue: Tissue) -> np.ndarray:
        """Rows of the living tumor cells in the order of their sites, in which sums are made."""
        return _by_site(tissue, tissue.cells.alive(TUMOR))

    def dead(self, tissue: Tissue) -> np.ndarray:
        """Rows of the debris of tumor cells that still holds drug, in the order of their sites."""
        cells = tissue.cells
        rows = cells.rows_of(TUMOR)
        rows = rows[(cells["state"][rows] != ALIVE) & (cells["site"][rows] >= 0)]
        rows = rows[((cells[CYTOSOL.name][rows] > 0.0) | (cells[LYSOSOME.name][rows] > 0.0)).any(axis=1)]
        return _by_site(tissue, rows)

    def state_of(self, tissue: Tissue, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Rows, their genotypes, and the columns and numbers that decide on a step of cells."""
        genotype = self._pumps.places(tissue.clones)[tissue.cells["clone"][rows]]
        columns = (tissue.cells[name] for name in (CAPACITY.name, PH_RISE.name, CYTOSOL.name, LYSOSOME.name))
        return (rows, genotype, *columns, np.array(self._pumps.values), self._half, self._constants, self._rates)


class DrugUptake(HoldingCells):
    """What tumor cells take from the fields of drugs, and give back, as means over the step."""

    name = "drug_uptake"
    phase = Phase.FIELDS
    kind = Kind.DIAGNOSTIC
    reads = (
        "cells/site",
        "cells/cell_type",
        "cells/state",
        "cells/clone",
        "clones",
        "cells/drug_cytosol",
        "cells/drug_lysosome",
        "cells/lysosomal_capacity",
        "cells/lysosomal_ph_rise",
    )
    writes = ("terms",)

    def prepare(self, tissue: Tissue) -> None:
        for name in self.substrates:
            if tissue.microenvironment[name].may_wait:
                raise ValueError(f"the field of {name} is shared with cells and must be solved in every step")

    def step(self, tissue: Tissue, dt: float) -> None:
        if not self.substrates:
            return
        rows = self.living(tissue)
        sites = tissue.cells["site"][rows]
        given, taken = np.zeros((2, rows.size, len(self.drugs)))
        if dt > 0.0:
            _fill_exchange(*self.state_of(tissue, rows), dt, given, taken)
        dead = self.dead(tissue)
        for index, drug in enumerate(self.drugs):
            if drug.name not in self.substrates:
                continue
            field = tissue.microenvironment[drug.name]
            source, loss = np.zeros((2, tissue.lattice.sites))
            if dt > 0.0:
                per = dt * field.substrate.capacity
                left = tissue.cells[CYTOSOL.name][dead, index] + tissue.cells[LYSOSOME.name][dead, index]
                source[tissue.cells["site"][dead]] = left / per
                source[sites], loss[sites] = given[:, index] / per, taken[:, index] / per
            field.contribute("source", CELLS, source)
            field.contribute("loss", CELLS, loss)
            self._share_with_host(tissue, drug, sites)

    def _share_with_host(self, tissue: Tissue, drug: HeldDrug, sites: np.ndarray) -> None:
        """Exchange of the field with host tissue and debris, as fast as with tumor cells."""
        rate = float(self._rates[0])
        binding = np.full(tissue.lattice.sites, rate * drug.beside)
        binding[sites] = 0.0
        host = tissue.microenvironment[host_form(drug.name)]
        host.contribute("binding", self.name, binding)
        host.contribute("release", self.name, np.full(tissue.lattice.sites, rate))


class IntracellularDrug(HoldingCells):
    """Drug in cytosol and lysosomes of tumor cells over the step."""

    name = "intracellular_drug"
    phase = Phase.STATE
    kind = Kind.EVOLVING
    reads = (*DrugUptake.reads, "microenvironment", "patient")
    writes = ("cells/drug_cytosol", "cells/drug_lysosome", "cells/drug_free", "ledger")

    def step(self, tissue: Tissue, dt: float) -> None:
        if dt <= 0.0 or not self.drugs:
            return
        rows, dead = self.living(tissue), self.dead(tissue)
        sites = tissue.cells["site"][rows]
        around = np.stack([outside(tissue, drug.name, sites) for drug in self.drugs], axis=1)
        flows = np.zeros((rows.size, len(self.drugs), len(_FLOWS)))
        _advance(*self.state_of(tissue, rows), dt, around, flows)
        tissue.cells[FREE.name][rows] = tissue.cells[CYTOSOL.name][rows] / self._constants[:, 0]
        for index, drug in enumerate(self.drugs):
            totals = flows[:, index].sum(axis=0)
            for entry, amount in zip(_FLOWS, totals.tolist(), strict=True):
                _book(tissue, drug, entry, amount if entry == "uptake" else -amount)
        _give_up(tissue, self.drugs, dead, "returned")


class DrugLoss(HoldingCells):
    """What cells that have left with blood held of drugs is booked as lost."""

    name = "drug_loss"
    phase = Phase.COMMIT
    kind = Kind.DIAGNOSTIC
    reads = ("cells/site", "cells/cell_type", "cells/uid", "cells/drug_cytosol", "cells/drug_lysosome")
    writes = ("cells/drug_cytosol", "cells/drug_lysosome", "cells/drug_free", "ledger")

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        gone = np.flatnonzero((cells["site"] < 0) & (cells["cell_type"] == TUMOR))
        if gone.size and self.drugs:
            _give_up(tissue, self.drugs, gone[np.argsort(cells["uid"][gone])], "lost")


def _by_site(tissue: Tissue, rows: np.ndarray) -> np.ndarray:
    return rows[np.argsort(tissue.cells["site"][rows])]


def _book(tissue: Tissue, drug: HeldDrug, entry: str, amount: float) -> None:
    volume = tissue.lattice.site_volume * NANOMOLAR_VOLUME_TO_FEMTOMOLE
    tissue.ledger.book(f"{drug.name}_cells", entry, amount * volume)


def _give_up(tissue: Tissue, drugs: Sequence[HeldDrug], rows: np.ndarray, entry: str) -> None:
    """Empty some cells."""
    if rows.size == 0:
        return
    for index, drug in enumerate(drugs):
        amount = 0.0
        for column in (CYTOSOL, LYSOSOME):
            amount += float(tissue.cells[column.name][rows, index].sum())
            tissue.cells[column.name][rows, index] = 0.0
        if amount != 0.0:
            _book(tissue, drug, entry, -amount)
    tissue.cells[FREE.name][rows] = 0.0


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def _trapped(pka, rise, ph, cytosolic_ph):
    """Capacity of lysosomes whose pH has risen, relative to what it was: the ratio of ion trapping at both."""
    if rise <= 0.0:
        return 1.0
    return (1.0 + 10.0 ** (pka - ph - rise)) / (1.0 + 10.0 ** (pka - ph))


@kernel(error_model="numpy")
def _course(outward, filling, metabolism, exchange, exocytosis, dt):
    """Propagator P of (q_c, q_l) over dt, its integral Q, and of the integral of that the column R of q_c.

    The matrix is ((-a, k_ex), (b, -g)) with a = outward + metabolism + filling, b = filling and g = k_ex + k_x. Its
    eigenvalues are real and negative; every entry is a sum of terms that are not negative.
    """
    a, g = outward + metabolism + filling, exchange + exocytosis
    half, mean = 0.5 * (a - g), 0.5 * (a + g)
    apart = np.sqrt(half * half + exchange * filling)
    if apart < _LEAST * mean:
        apart = _LEAST * mean
        fast, slow = mean + apart, mean - apart
        in_slow = 0.5 * (1.0 - half / apart)  # share of the slow mode in what stays in cytosol
    else:
        fast = mean + apart
        slow = ((outward + metabolism) * g + filling * exocytosis) / fast
        small = 0.5 * exchange * filling / (apart * (apart + abs(half)))
        in_slow = small if half >= 0.0 else 1.0 - small
    e_slow, e_fast = np.exp(-slow * dt), np.exp(-fast * dt)
    g_slow = -np.expm1(-slow * dt) / slow if slow > 0.0 else dt
    g_fast = -np.expm1(-fast * dt) / fast
    h_slow, h_fast = _twice(slow, g_slow, dt), _twice(fast, g_fast, dt)
    across = -e_slow * np.expm1(-2.0 * apart * dt) / (2.0 * apart)
    across_g = max(g_slow - g_fast, 0.0) / (2.0 * apart)
    across_h = max(h_slow - h_fast, 0.0) / (2.0 * apart)
    return (
        (in_slow * e_slow + (1.0 - in_slow) * e_fast, exchange * across),
        (filling * across, (1.0 - in_slow) * e_slow + in_slow * e_fast),
        (in_slow * g_slow + (1.0 - in_slow) * g_fast, exchange * across_g),
        (filling * across_g, (1.0 - in_slow) * g_slow + in_slow * g_fast),
        (in_slow * h_slow + (1.0 - in_slow) * h_fast, filling * across_h),
    )


@kernel(error_model="numpy")
def _twice(rate, once, dt):
    """Integral over dt of the integral of exp(-rate t), which is ``once`` at dt."""
    x = rate * dt
    return (dt - once) / rate if x > _SHORT else dt * dt * (0.5 - x / 6.0 + x * x / 24.0)


@kernel(error_model="numpy")
def _outward(pumps, half, uptake, free):
    """(k_u + E)/B with the pumps of a genotype and the free drug of a cell."""
    efflux = 1.0
    for k in range(half.size):
        efflux += pumps[k] / (1.0 + free / half[k])
    return uptake * efflux


@kernel(error_model="numpy")
def _of_cell(row, j, genotype, capacity, rise, cytosol, pumps, half, constants, rates, dt):
    """The course of one drug in one cell, and what it loses to the outside per drug in cytosol."""
    held, lysosomal, pka = constants[j, 0], constants[j, 1], constants[j, 2]
    outward = _outward(pumps[genotype, j], half, rates[0], cytosol[row, j] / held)
    filling = 0.0
    if lysosomal > 0.0:
        filling = rates[1] * lysosomal / held * capacity[row] * _trapped(pka, rise[row], rates[4], rates[5])
    return outward, _course(outward, filling, rates[3], rates[1], rates[2], dt)


@kernel(error_model="numpy")
def _fill_exchange(
    rows, genotype, capacity, rise, cytosol, lysosome, pumps, half, constants, rates, dt, given, taken
):  # fmt: skip
    """What each cell gives back of what it holds over dt, and takes up and keeps per drug outside."""
    for i in range(rows.size):
        row = rows[i]
        for j in range(cytosol.shape[1]):
            outward, (_, _, q_c, q_l, r) = _of_cell(
                row, j, genotype[i], capacity, rise, cytosol, pumps, half, constants, rates, dt
            )
            in_cytosol = q_c[0] * cytosol[row, j] + q_c[1] * lysosome[row, j]
            in_lysosomes = q_l[0] * cytosol[row, j] + q_l[1] * lysosome[row, j]
            given[i, j] = outward * in_cytosol + rates[2] * in_lysosomes
            taken[i, j] = rates[0] * constants[j, 0] * (q_c[0] + q_l[0] + rates[3] * r[0])


@kernel(error_model="numpy")
def _advance(
    rows, genotype, capacity, rise, cytosol, lysosome, pumps, half, constants, rates, dt, around, flows
):  # fmt: skip
    """The step of each cell with what is outside, in place; what it took up, pumped, gave off and metabolized."""
    for i in range(rows.size):
        row = rows[i]
        for j in range(cytosol.shape[1]):
            outward, (p_c, p_l, q_c, q_l, r) = _of_cell(
                row, j, genotype[i], capacity, rise, cytosol, pumps, half, constants, rates, dt
            )
            entering = rates[0] * constants[j, 0] * around[i, j]
            c, v = cytosol[row, j], lysosome[row, j]
            cytosol[row, j] = p_c[0] * c + p_c[1] * v + q_c[0] * entering
            lysosome[row, j] = p_l[0] * c + p_l[1] * v + q_l[0] * entering
            in_cytosol = q_c[0] * c + q_c[1] * v + r[0] * entering
            in_lysosomes = q_l[0] * c + q_l[1] * v + r[1] * entering
            flows[i, j, 0] = entering * dt
            flows[i, j, 1] = outward * in_cytosol
            flows[i, j, 2] = rates[2] * in_lysosomes
            flows[i, j, 3] = rates[3] * in_cytosol
