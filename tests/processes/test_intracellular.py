"""Drug inside tumor cells: against an integrator and closed forms, with the field, conserved whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from bare_tissue import advance_only, bare_tissue, put, put_tumor
from drug_scenes import (
    NO_EXOCYTOSIS,
    NO_METABOLISM,
    NO_PUMPS,
    SHARED,
    STILL,
    UNSATURATED,
    Culture,
    amounts,
    catalog_with,
    choice_of,
    drug_fields,
    processes_of,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from tumorabm.catalog import Catalog, load_catalog
from tumorabm.processes.process import Choice, Kind, NetworkChoice, Phase, Process
from tumorabm.processes.resistance.held_drugs import HeldDrug, Passage, held_drugs, ion_trapping, passage_of
from tumorabm.processes.resistance.intracellular import _course
from tumorabm.processes.signaling.tumor import TumorSignaling
from tumorabm.tissue.cells import APOPTOTIC, FIBROBLAST, TUMOR
from tumorabm.tissue.requests import APOPTOSIS, CLEAR, DIVIDE, MIGRATE
from tumorabm.tissue.tissue import Tissue

EXACT = 1e-12


def catalog_numbers(catalog: Catalog, name: str = "sunitinib") -> tuple[HeldDrug, Passage]:
    choice = choice_of(exposure={name: 1.0})
    return held_drugs(catalog, choice)[0], passage_of(catalog, choice.sets)


def slope(drug: HeldDrug, passage: Passage, capacity: float, outside: float):
    """The equations as they are written."""

    def of(_: float, q: np.ndarray) -> list[float]:
        free, enter = q[0] / drug.cytosolic, passage.uptake * drug.cytosolic
        pumps = zip(drug.pumped, passage.basal, passage.efflux, passage.half, strict=True)
        efflux = enter * sum(pumped * basal * v / (1.0 + free / half) for pumped, basal, v, half in pumps)
        trapping = passage.exchange * (drug.lysosomal * capacity * free - q[1])
        return [
            enter * outside - (enter + efflux) * free - passage.metabolism * q[0] - trapping,
            trapping - passage.exocytosis * q[1],
        ]

    return of


@pytest.mark.parametrize("capacity", [1.0, 40.0])
def test_a_cell_in_a_medium_follows_the_equations(capacity: float) -> None:
    """Uptake for a day, then efflux into a medium without drug; steps of 4 h are exact while pumps are unsaturated."""
    catalog = catalog_with(UNSATURATED, STILL)
    drug, passage = catalog_numbers(catalog)
    culture = Culture({"sunitinib": 8.0}, catalog=catalog, lysosomal_capacity=[capacity])
    state = np.zeros(2)
    for outside, hours in ((8.0, 24.0), (0.0, 12.0)):
        options = {"method": "LSODA", "rtol": 1e-10, "atol": 1e-12}
        state = solve_ivp(slope(drug, passage, capacity, outside), (0.0, hours), state, **options).y[:, -1]
        culture.expose(sunitinib=outside).advance(hours, 4.0)
        np.testing.assert_allclose(np.ravel(culture.held("sunitinib")), state, rtol=1e-7)


def test_shorter_steps_converge_where_pumps_saturate() -> None:
    catalog = catalog_with({"cell_types.tumor.abcb1_efflux": "3"}, STILL)
    drug, passage = catalog_numbers(catalog)
    exact = solve_ivp(slope(drug, passage, 1.0, 2e3), (0, 4), [0, 0], method="LSODA", rtol=1e-10, atol=1e-9).y[:, -1]
    errors = []
    for dt in (0.5, 0.25, 0.125):
        culture = Culture({"sunitinib": 2e3}, catalog=catalog).advance(4.0, dt)
        errors.append(abs(np.ravel(culture.held("sunitinib")) / exact - 1.0).max())
    assert errors[0] < 0.05 and all(b < 0.65 * a for a, b in zip(errors[:-1], errors[1:], strict=True))


positive = st.floats(0.0, 50.0).map(lambda x: 0.0 if x < 1e-6 else x)


@settings(max_examples=300, deadline=None)
@given(positive, positive, positive, positive, st.floats(1e-4, 50.0))
@example(2.0, 0.0, 0.0, 1.0, 2.0)
@example(1.0, 0.0, 0.0, 0.0, 2.0)  # both rates equal and nothing between them
@example(2.0, 2.3, 1e-4, 0.06, 1e-4)
def test_the_course_is_positive_conserves_and_is_the_exponential(
    outward: float, filling: float, metabolism: float, exocytosis: float, dt: float
) -> None:
    p_c, p_l, q_c, q_l, r = (
        np.array(row) for row in _course.py_func(outward, filling, metabolism, 1.0, exocytosis, dt)
    )
    for row in (p_c, p_l, q_c, q_l, r):
        assert (row >= 0.0).all()
    # What was in a compartment at the beginning, and what came in at a constant rate: nothing is lost.
    kept = p_c + p_l + (outward + metabolism) * q_c + exocytosis * q_l
    np.testing.assert_allclose(kept, [1.0, 1.0], rtol=1e-9)
    came = q_c[0] + q_l[0] + (outward + metabolism) * r[0] + exocytosis * r[1]
    assert came == pytest.approx(dt, rel=1e-8)
    rates = np.array([[-(outward + metabolism + filling), 1.0], [filling, -(1.0 + exocytosis)]])
    np.testing.assert_allclose([p_c, p_l], expm(rates * dt), rtol=1e-8, atol=1e-11)


def test_steps_of_any_length_give_the_same_and_the_kernel_is_its_twin() -> None:
    catalog = catalog_with(UNSATURATED, STILL)
    runs = [Culture({"sunitinib": 5.0}, catalog=catalog).advance(8.0, dt) for dt in (8.0, 1.0)]
    np.testing.assert_allclose(*(np.ravel(run.held("sunitinib")) for run in runs), rtol=EXACT)
    numbers = (2.1, 2.3, 1e-4, 1.0, 0.06, 2.0)
    np.testing.assert_allclose(_course(*numbers), _course.py_func(*numbers), rtol=1e-13)


# --- at rest ---------------------------------------------------------------------------------------------------------


def test_at_rest_free_drug_is_what_the_module_says() -> None:
    catalog = catalog_with(UNSATURATED, STILL)
    drug, passage = catalog_numbers(catalog)
    capacity = np.array([1.0, 10.0, 40.0])
    culture = Culture({"sunitinib": 5.0}, clones=((),) * 3, catalog=catalog, lysosomal_capacity=capacity)
    culture.advance(200.0, 10.0)
    uptake, off = passage.uptake * drug.cytosolic, passage.exocytosis
    pumps = uptake * sum(np.array(passage.basal) * passage.efflux * drug.pumped)
    lysosomes = drug.lysosomal * capacity / (1.0 + off / passage.exchange)
    expected = 5.0 * uptake / (uptake + pumps + passage.metabolism * drug.cytosolic + off * lysosomes)
    np.testing.assert_allclose(culture.free("sunitinib"), expected, rtol=1e-6)
    np.testing.assert_allclose(culture.held("sunitinib")[1], expected * lysosomes, rtol=1e-6)


def test_the_trap_without_exocytosis_lysosomes_do_not_lower_free_drug() -> None:
    """However much they hold; only while they fill there is less."""
    catalog = catalog_with(NO_PUMPS, NO_METABOLISM, NO_EXOCYTOSIS, STILL)
    capacity = np.array([1.0, 40.0])
    culture = Culture({"sunitinib": 5.0}, clones=((), ()), catalog=catalog, lysosomal_capacity=capacity).advance(2.0)
    assert culture.free("sunitinib")[1] < 0.5 * culture.free("sunitinib")[0]
    culture.advance(400.0)
    np.testing.assert_allclose(culture.free("sunitinib"), 5.0, rtol=1e-6)
    assert culture.total("sunitinib")[1] > 15.0 * culture.total("sunitinib")[0]
    exocytosis = catalog_with(NO_PUMPS, NO_METABOLISM, STILL)
    with_it = Culture({"sunitinib": 5.0}, clones=((), ()), catalog=exocytosis, lysosomal_capacity=capacity)
    with_it.advance(400.0)
    assert with_it.free("sunitinib")[1] < 0.6 * with_it.free("sunitinib")[0] < 0.6 * 5.0


def test_a_parental_cell_holds_what_tissue_does_and_its_share_in_lysosomes() -> None:
    catalog = catalog_with(NO_PUMPS, NO_METABOLISM, STILL)
    culture = Culture({"sunitinib": 5.0, "everolimus": 0.2}, catalog=catalog).advance(200.0)
    in_cytosol, in_lysosomes = (part[0] for part in culture.held("sunitinib"))
    assert in_lysosomes / (in_cytosol + in_lysosomes) == pytest.approx(0.53, abs=1e-3)
    without = catalog_with(NO_PUMPS, NO_METABOLISM, NO_EXOCYTOSIS, STILL)
    culture = Culture({"sunitinib": 5.0, "everolimus": 0.2}, catalog=without).advance(100.0)
    assert culture.total("everolimus")[0] == pytest.approx(27.5 * 0.9 * 0.2, rel=1e-6)
    assert culture.held("everolimus")[1][0] == 0.0
    assert culture.total("sunitinib")[0] == pytest.approx(600 * 0.9 * 5.0, rel=1e-6)


def test_what_was_not_measured_follows_ion_trapping() -> None:
    assert ion_trapping(9.0, 4.8, 7.2) == pytest.approx(247.0, rel=2e-3)
    assert ion_trapping(9.0, 6.0, 7.2) == pytest.approx(16.0, rel=0.05)
    catalog = load_catalog()
    measured, _ = catalog_numbers(catalog)
    other, _ = catalog_numbers(catalog, "mk2206")
    ratio = ion_trapping(8.5, 4.8, 7.2) / ion_trapping(9.0, 4.8, 7.2)
    share = measured.lysosomal / measured.cytosolic
    assert other.lysosomal / other.cytosolic == pytest.approx(ratio * share, rel=0.01)
    assert catalog_numbers(catalog, "pazopanib")[0].lysosomal == 0.0


# --- with the field ---------------------------------------------------------------------------------------------------


class Ask(Process):
    """Draws what happens to tumor cells from a generator of its own."""

    name = "ask"
    phase = Phase.REQUESTS
    kind = Kind.EVENTS

    def __init__(self, seed: int) -> None:
        super().__init__({})
        self.generator = np.random.default_rng(seed)

    def step(self, tissue: Tissue, dt: float) -> None:
        cells = tissue.cells
        drawn = self.generator.random(cells.n)
        living = cells.alive(TUMOR)
        for event, low, high in ((DIVIDE, 0.0, 0.15), (APOPTOSIS, 0.15, 0.25), (MIGRATE, 0.25, 0.6)):
            rows = living[(drawn[living] >= low) & (drawn[living] < high)]
            tissue.requests.add(event, rows, self.generator.random(rows.size) * dt)
        debris = np.flatnonzero((cells["state"] != 0) & (drawn < 0.3))
        tissue.requests.add(CLEAR, debris, np.zeros(debris.size))


def block(seed: int, drug: str = "sunitinib", cells: int = 14, clones: tuple = ((), ("abcb1_overexpression",))):
    """A closed block with some drug in it, and cells to which things happen."""
    choice = choice_of(drugs=[drug], clones=clones)
    names = (*SHARED, "commit_parenchyma", "drug_loss", "compaction")
    processes = processes_of(names, choice)
    processes.insert(len(SHARED), Ask(seed))
    tissue = bare_tissue((1, 7, 7), processes=processes, substrates=drug_fields(drug), seed=seed)
    generator = np.random.default_rng(seed)
    sites = generator.permutation(49)[:cells]
    for number, alterations in enumerate(clones):
        tissue.clones.add(f"clone_{number}", alterations)
    put_tumor(
        tissue,
        sites,
        clone=generator.integers(0, len(clones), cells),
        lysosomal_capacity=1 + 40 * generator.random(cells),
    )
    put(tissue, FIBROBLAST, [site for site in range(49) if site not in sites][:2])
    tissue.microenvironment[drug].concentration[:] = 20.0 * generator.random((1, 7, 7))
    return tissue, processes


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.25, 2.0, 24.0]))
def test_drug_is_conserved_and_positive_whatever_happens_to_cells(seed: int, dt: float) -> None:
    tissue, processes = block(seed)
    begin = sum(amounts(tissue, "sunitinib").values())
    assert begin > 0.0
    for _ in range(6):
        advance_only(tissue, processes, dt)
        found = amounts(tissue, "sunitinib")
        assert sum(found.values()) == pytest.approx(begin, rel=1e-11)
        account = tissue.ledger.accounts["sunitinib_cells"]
        assert sum(account.values()) == pytest.approx(found["cells"], rel=1e-9, abs=1e-11 * begin)
        assert abs(found["residual"]) < 1e-9 * begin
        for name in ("drug_cytosol", "drug_lysosome"):
            assert (tissue.cells[name] >= 0.0).all()
            assert (tissue.cells[name][tissue.cells["cell_type"] != TUMOR] == 0.0).all()
        assert (tissue.microenvironment["sunitinib"].concentration >= 0.0).all()


def test_daughters_share_what_there_was() -> None:
    tissue, processes = block(3)
    for process in processes:
        if not isinstance(process, Ask):
            process.step(tissue, 2.0)
    tissue.requests.clear()
    before = tissue.cells["drug_lysosome"][:, 0].copy()
    tissue.requests.add(DIVIDE, np.array([0]), np.zeros(1))
    commit = next(process for process in processes if process.name == "commit_parenchyma")
    n, capacity = tissue.cells.n, tissue.cells["lysosomal_capacity"][0]
    commit.step(tissue, 2.0)
    after = tissue.cells["drug_lysosome"][:, 0]
    assert tissue.cells.n == n + 1 and after[0] == after[n] == 0.5 * before[0]
    assert tissue.cells["lysosomal_capacity"][n] == capacity


def test_what_dead_cells_held_goes_back_and_what_leaves_with_blood_is_lost() -> None:
    tissue, processes = block(5)
    quiet = [process for process in processes if not isinstance(process, Ask)]
    for _ in range(3):
        advance_only(tissue, quiet, 2.0)
    held = amounts(tissue, "sunitinib")["cells"]
    tissue.cells["state"][:14] = APOPTOTIC
    advance_only(tissue, quiet, 2.0)
    account = tissue.ledger.accounts["sunitinib_cells"]
    assert account["returned"] == pytest.approx(-held, rel=1e-9) and not tissue.cells["drug_cytosol"].any()
    tissue, processes = block(5)
    quiet = [process for process in processes if not isinstance(process, Ask)]
    advance_only(tissue, quiet, 2.0)
    tissue.cells["site"][0] = -1
    expected = sum(float(tissue.cells[f"drug_{place}"][0, 0]) for place in ("cytosol", "lysosome"))
    begin = sum(amounts(tissue, "sunitinib").values())
    next(process for process in quiet if process.name == "drug_loss").step(tissue, 2.0)
    found = amounts(tissue, "sunitinib")
    assert found["gone"] > 0.0 and sum(found.values()) == pytest.approx(begin, rel=EXACT) and expected > 0.0


def test_tissue_holds_at_rest_what_it_did_before_cells_held_drug_themselves() -> None:
    """Field, host tissue and parental cells together: total over unbound drug as the catalog has it."""
    catalog = catalog_with(NO_PUMPS, NO_METABOLISM, NO_EXOCYTOSIS, STILL)
    processes = processes_of(SHARED, choice_of(drugs=["sunitinib"]), catalog)
    tissue = bare_tissue((1, 5, 5), processes=processes, substrates=drug_fields("sunitinib"))
    put_tumor(tissue, np.arange(10))
    tissue.microenvironment["sunitinib"].concentration[:] = 60.0
    for _ in range(200):
        advance_only(tissue, processes, 4.0)
    found = amounts(tissue, "sunitinib")
    free = tissue.microenvironment["sunitinib"].concentration
    np.testing.assert_allclose(free, 6.0, rtol=1e-3)  # a tenth of the drug stays outside
    assert found["cells"] / found["sunitinib_in_host"] == pytest.approx(10 / 15, rel=1e-3)


def test_what_the_field_gives_does_not_hang_on_the_step() -> None:
    """Cells and field together converge at first order, that of the field."""
    results = []
    for parts in (4, 8, 16, 32):
        processes = processes_of(SHARED, choice_of(drugs=["sunitinib"]))
        tissue = bare_tissue((1, 4, 4), processes=processes, substrates=drug_fields("sunitinib"))
        put_tumor(tissue, np.arange(6))
        tissue.microenvironment["sunitinib"].concentration[:] = 10.0
        for _ in range(2 * parts):
            advance_only(tissue, processes, 1.0 / parts)
        results.append(tissue.cells["drug_lysosome"][:, 0].copy())
    gaps = [abs(a - b).sum() for a, b in zip(results[:-1], results[1:], strict=True)]
    assert all(b < 0.65 * a for a, b in zip(gaps[:-1], gaps[1:], strict=True))


def test_a_clone_that_comes_later_has_the_pumps_of_its_alterations() -> None:
    """Cells of a new row of the clone table hold less of a substrate than the others, from the next step on."""
    culture = Culture({"sunitinib": 5.0}, clones=((), ()))
    tissue = culture.tissue
    tissue.cells["clone"][0] = tissue.clones.add("pumping", ("abcb1_overexpression",), parent=0)
    culture.advance(48.0)
    free = tissue.cells["drug_free"][:, 0]
    assert free[0] < 0.8 * free[1]


def test_a_field_that_waits_is_refused() -> None:
    process = processes_of(["drug_uptake"], choice_of(drugs=["sunitinib"]))[0]
    field, host = drug_fields("sunitinib")
    with pytest.raises(ValueError, match="must be solved in every step"):
        bare_tissue((1, 3, 3), processes=[process], substrates=[replace(field, refresh=0.01), host])


# --- what sees it -----------------------------------------------------------------------------------------------------


def test_tumor_cells_networks_see_what_is_free_inside() -> None:
    of: Mapping[str, NetworkChoice] = {"tumor": NetworkChoice("rcc_figure1")}
    for on in (True, False):
        mechanisms = frozenset({"intracellular"} if on else ())
        choice = Choice(choice_of().sets, ("sunitinib",), (), {"everolimus": 0.5}, ((),), of, mechanisms)
        process = TumorSignaling.from_catalog(load_catalog(), choice)
        tissue = bare_tissue((1, 3, 3), processes=[process], substrates=drug_fields("sunitinib"))
        tissue.microenvironment["sunitinib"].concentration[:] = 6.0
        tissue.patient.exposure["everolimus"] = 0.5
        held = {"drug_cytosol": np.array([[0.1 * 24.75, 2.0 * 253.8]])} if on else {}
        put_tumor(tissue, [4], clone=[0], **held)
        seen = process.concentrations(tissue, np.array([4]))
        assert float(np.squeeze(seen["sunitinib"])) == pytest.approx(2.0 if on else 6.0)
        assert float(np.squeeze(seen["everolimus"])) == pytest.approx(0.1 if on else 0.5)
