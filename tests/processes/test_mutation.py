"""Gain of alterations at division: who can gain what, when, and what the new clone's row says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bare_tissue import SETS, advance_only, bare_tissue, process_of, put_tumor, same_contents
from short_run import short

from tumorabm.build import build
from tumorabm.catalog import load_catalog
from tumorabm.errors import InputError
from tumorabm.processes import PIPELINE
from tumorabm.processes.fate.commit import CommitParenchyma
from tumorabm.processes.process import Choice, Gain, Process
from tumorabm.processes.resistance.mutation import Mutation
from tumorabm.processes.signaling.cell_signaling import effects_of, expressions_of
from tumorabm.step import advance
from tumorabm.tissue.clones import keys_of_gains, prune
from tumorabm.tissue.requests import DIVIDE
from tumorabm.tissue.tissue import Tissue


def divided(*gains: Gain, clones: np.ndarray | None = None, seed: int = 1, hours: float = 0.0) -> Tissue:
    """A row of four cells of two clones that have all divided, and may have gained something."""
    commit = process_of("commit_parenchyma")
    tissue = bare_tissue((1, 20, 20), processes=[commit], seed=seed)
    tissue.clones.add("first", ("vhl_mutated",))
    tissue.clones.add("second", ("vhl_mutated", "pten_loss"))
    tissue.patient.treatment_start = 48.0
    put_tumor(tissue, [105, 110, 205, 210], clone=np.array([0, 0, 1, 1]) if clones is None else clones)
    tissue.step_number, tissue.hours = 3, hours
    tissue.requests.add(DIVIDE, np.arange(4), np.linspace(0.1, 1.0, 4))
    commit.step(tissue, 2.0)
    Mutation({}, gains).step(tissue, 2.0)
    return tissue


def test_both_cells_of_a_division_gain_it_and_found_clones_of_their_own() -> None:
    tissue = divided(Gain("tsc_loss", 1.0))
    cells, clones = tissue.cells, tissue.clones
    assert cells.n == 8 and len(clones) == 10
    assert np.unique(cells["clone"]).tolist() == list(range(2, 10)), "same alterations, another clone"
    for row in range(8):
        clone = int(cells["clone"][row])
        parent = int(clones.parent[clone])
        assert clones.alterations[clone] == (*clones.alterations[parent], "tsc_loss")
        assert parent == (row % 4) // 2
        assert clones.key[clone] == keys_of_gains(cells["uid"][row : row + 1], 3)[0]
        assert clones.site[clone] == cells["site"][row] and clones.birth_step[clone] == 4
    keys = clones.key[2:]
    assert (keys[1:] > keys[:-1]).all(), "the clones of a step are in the order of their keys"


def test_nothing_is_gained_without_a_division_or_a_rate() -> None:
    tissue = divided(Gain("tsc_loss", 0.0))
    assert len(tissue.clones) == 2
    tissue.requests.clear()
    Mutation({}, [Gain("tsc_loss", 1.0)]).step(tissue, 2.0)
    assert len(tissue.clones) == 2
    assert len(divided().clones) == 2


def test_what_a_clone_has_is_not_gained_again() -> None:
    tissue = divided(Gain("pten_loss", 1.0))
    assert (tissue.cells["clone"][[2, 3, 6, 7]] == 1).all() and len(tissue.clones) == 2 + 4


def test_several_gains_of_one_cell_are_one_clone() -> None:
    tissue = divided(Gain("tsc_loss", 1.0), Gain("neutral", 1.0), Gain("pten_loss", 1.0))
    assert len(tissue.clones) == 10
    assert {tissue.clones.alterations[clone] for clone in tissue.cells["clone"].tolist()} == {
        ("vhl_mutated", "neutral", "pten_loss", "tsc_loss"),
        ("vhl_mutated", "pten_loss", "neutral", "tsc_loss"),
    }


def test_founders_and_the_start_are_heeded() -> None:
    gain = Gain("neutral", 1.0, start=24.0, founders=("second",))
    assert len(divided(gain, hours=71.0).clones) == 2, "a day after the end of a burn-in of two"
    tissue = divided(gain, hours=72.0)
    assert (tissue.cells["clone"][[0, 1, 4, 5]] == 0).all() and len(tissue.clones) == 2 + 4
    # Descendants of the founder count as it does.
    tissue.requests.divided = np.array([2]), np.array([6])
    tissue.step_number += 1
    Mutation({}, [Gain("tsc_loss", 1.0, founders=("second",))]).step(tissue, 2.0)
    assert tissue.clones.founder_of(int(tissue.cells["clone"][6])) == "second"
    assert len(tissue.clones) == 2 + 4 + 2


def test_cells_of_no_clone_gain_nothing() -> None:
    tissue = divided(Gain("neutral", 1.0), clones=np.array([-1, -1, 0, 0]))
    assert (tissue.cells["clone"][[0, 1, 4, 5]] == -1).all() and len(tissue.clones) == 2 + 4


def test_draws_are_a_cells_own_whatever_else_can_be_gained() -> None:
    """Of the order of the mutations nothing depends, and of one nothing on another one."""
    both = [Gain("tsc_loss", 0.5), Gain("neutral", 0.5)]
    same_contents(divided(*both, seed=3), divided(*both[::-1], seed=3))

    def with_loss(tissue: Tissue) -> list[bool]:
        return ["tsc_loss" in tissue.clones.alterations[clone] for clone in tissue.cells["clone"].tolist()]

    alone, joint = with_loss(divided(both[0], seed=3)), with_loss(divided(*both, seed=3))
    assert alone == joint and 0 < sum(alone) < 8
    assert with_loss(divided(both[0], seed=4)) != alone


@pytest.mark.parametrize("rate", [None, -0.1, 1.5, math.nan])
def test_a_rate_is_a_probability(rate: float | None) -> None:
    with pytest.raises(ValueError, match="expected a probability"):
        Mutation({}, [Gain("neutral", rate)])


def test_the_catalog_says_how_often_an_alteration_is_gained() -> None:
    catalog = load_catalog()
    choice = Choice(SETS, mutations=(Gain("tsc_loss"), Gain("neutral", 0.25)))
    process = Mutation.from_catalog(catalog, choice)
    assert [rate for _, rate in process.gains] == [catalog.get("alterations.tsc_loss.gain_rate", "1", SETS), 0.25]
    for name in catalog.names("alterations"):
        entry = catalog.entry(f"alterations.{name}.gain_rate", SETS)
        assert 0.0 < entry.range[0] < entry.value < entry.range[1] < 0.01
        assert "gain_rate" not in {**effects_of(catalog, [name], SETS), **expressions_of(catalog, [name], SETS)}
    with pytest.raises(InputError):
        Mutation.from_catalog(catalog, Choice(SETS, mutations=(Gain("unknown"),)))


def test_pumps_multiply_and_what_is_shown_is_joined() -> None:
    catalog = load_catalog()
    pump = expressions_of(catalog, ["abcb1_overexpression"], SETS)
    assert pump == {"abcb1_expression": catalog.get("alterations.abcb1_overexpression.abcb1_expression", "1", SETS)}
    assert pump["abcb1_expression"] > 1.0
    twice = expressions_of(catalog, ["abcb1_overexpression", "abcb1_overexpression"], SETS)
    assert twice["abcb1_expression"] == pytest.approx(pump["abcb1_expression"] ** 2)
    hidden = expressions_of(catalog, ["hla_g_expression", "hla_g_expression"], SETS)
    assert hidden["hla_g_expression"] < 1.0


def test_choices_know_what_may_come_up() -> None:
    choice = Choice(SETS, clones=(("a",), ()), mutations=(Gain("b"), Gain("c")))
    assert choice.genotypes == (("a",), (), ("a", "b"), ("a", "c"), ("b",), ("c",))


def test_it_comes_directly_behind_the_divisions() -> None:
    assert PIPELINE[PIPELINE.index(CommitParenchyma) + 1] is Mutation


def test_pruning_at_every_checkpoint_changes_no_cell() -> None:
    """A run whose clone table is pruned has the same cells, of the same clones by key, and the same fields."""
    experiment = short("mutations[0].rate=0.5", "mutations[1].rate=0.5", "mutations[1].clones=[]")
    whole, pruned = build(experiment), build(experiment)
    dropped = 0
    for step in range(60):
        for tissue, processes in (whole, pruned):
            advance(tissue, processes, experiment.time_step)
        if step % 5 == 4:
            dropped += prune(pruned[0])
    assert dropped > 5 and len(pruned[0].clones) < len(whole[0].clones)
    left, right = (tissue.state() for tissue, _ in (whole, pruned))
    order = [np.argsort(state["cells/uid"]) for state in (left, right)]
    for name in left:
        if name == "cells/clone":
            keys = [keys_of_cells(tissue)[by_uid] for (tissue, _), by_uid in zip((whole, pruned), order, strict=True)]
            np.testing.assert_array_equal(*keys)
        elif name.startswith("cells/"):
            np.testing.assert_array_equal(left[name][order[0]], right[name][order[1]], err_msg=name)
        elif not name.startswith("clones/"):
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def keys_of_cells(tissue: Tissue) -> np.ndarray:
    """Key of the clone of each cell, 0 without one."""
    clone = tissue.cells["clone"]
    return np.where(clone >= 0, tissue.clones.key[clone], np.uint64(0))


def test_the_order_of_rows_and_the_number_of_steps_before_mean_nothing() -> None:
    processes: list[Process] = [
        process_of("birth", rate=0.1),
        process_of("competing_risks"),
        process_of("commit_parenchyma"),
        Mutation({}, [Gain("neutral", 0.3), Gain("tsc_loss", 0.3)]),
        process_of("compaction"),
    ]
    tissues = []
    for shuffled in (False, True):
        tissue = bare_tissue((1, 40, 40), processes=processes)
        tissue.microenvironment["oxygen"].concentration[:] = processes[0].p.reference
        tissue.clones.add("first")
        put_tumor(tissue, np.arange(0, 1600, 90), clone=0)
        for step in range(12):
            if shuffled:
                tissue.cells.permute(np.random.default_rng(step).permutation(tissue.cells.n))
            advance_only(tissue, processes, 2.0)
        tissues.append(tissue)
    same_contents(*tissues)
    assert len(tissues[0].clones) > 20
