"""TumorModel as a Mesa user meets it. Runs on every Mesa from 3.3.1 to the newest 3.x."""

from __future__ import annotations

import gc
import inspect
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest
from mesa.agent import AgentSet
from mesa.datacollection import DataCollector

from tumorabm.agents import AGENT_TYPES, CellGone, EndothelialCell, TumorCell
from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.model import TumorModel
from tumorabm.tissue.cells import APOPTOTIC, CELL_TYPES, ENDOTHELIAL, PARENCHYMA, TUMOR

STEPS_PER_RECORD = 12


@pytest.fixture(scope="module")
def stepped(small_config: Path) -> TumorModel:
    """A model after two recorded days. Tests of this module only read it."""
    model = TumorModel(small_config)
    for _ in range(2 * STEPS_PER_RECORD):
        model.step()
    return model


@pytest.fixture
def model(small_config: Path) -> TumorModel:
    """A model at its start, to change at will."""
    return TumorModel(small_config, overrides={"treatment": []})


def first(agents: AgentSet) -> Any:
    return next(iter(agents))


def free_sites(model: TumorModel) -> np.ndarray:
    return np.flatnonzero(model.tissue.cells.occupancy[PARENCHYMA] < 0)


# --- the model -------------------------------------------------------------------------------------------------------


def test_it_is_a_mesa_model_that_counts_steps_and_hours(stepped: TumorModel) -> None:
    assert isinstance(stepped, mesa.Model)
    assert stepped.steps == 2 * STEPS_PER_RECORD
    assert stepped.hours == 2 * STEPS_PER_RECORD * stepped.experiment.time_step == 48.0
    assert stepped.tissue.step_number == stepped.steps
    assert stepped.running


def test_it_stops_running_when_the_experiment_is_over(small_config: Path) -> None:
    model = TumorModel(small_config, overrides={"burn_in": "0 d", "duration": "10 h", "treatment": []})
    model.run_model()
    assert model.steps == 5
    assert not model.running
    assert model.datacollector.get_model_vars_dataframe()["hours"].tolist() == [0.0, 10.0]


def test_the_same_seed_gives_the_same_tissue_and_another_one_does_not(small_config: Path) -> None:
    digests = []
    for rng in (None, 3, np.int64(3), 4):
        model = TumorModel(small_config, rng=rng)
        for _ in range(3):
            model.step()
        digests.append(model.tissue.digests())
    assert digests[0] == digests[1] == digests[2]
    assert digests[0]["cells/uid"] != digests[3]["cells/uid"]


def test_a_seed_is_not_negative(small_config: Path) -> None:
    with pytest.raises(InputError, match="rng: -1 must be 0 or more"):
        TumorModel(small_config, rng=-1)


def test_a_generator_gives_one_seed(small_config: Path) -> None:
    seeds = [TumorModel(small_config, rng=np.random.default_rng(8)).tissue.seed for _ in range(2)]
    assert seeds[0] == seeds[1] != TumorModel(small_config, rng=np.random.default_rng(9)).tissue.seed


def test_a_run_draws_nothing_from_mesas_generators_nor_from_global_ones(model: TumorModel) -> None:
    def states() -> list[Any]:
        return [
            model.random.getstate(),
            model.rng.bit_generator.state,
            random.getstate(),
            [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],
        ]

    before = states()
    cells = model.tissue.cells.n
    for _ in range(2 * STEPS_PER_RECORD):
        model.step()
    assert len(model.agents) and model.tissue.cells.n != cells
    assert states() == before


def test_drawing_from_mesas_generators_changes_no_run(small_config: Path) -> None:
    plain, disturbed = TumorModel(small_config), TumorModel(small_config)
    for _ in range(6):
        plain.step()
        disturbed.agents.shuffle_do("step")
        disturbed.rng.random(5)
        disturbed.step()
    assert plain.tissue.digests() == disturbed.tissue.digests()


def test_it_takes_a_path_an_experiment_and_a_mapping(small_config: Path) -> None:
    experiment = load_experiment(small_config)
    digests = [
        TumorModel(given).tissue.digests()
        for given in (small_config, str(small_config), experiment, experiment.resolved())
    ]
    assert all(digest == digests[0] for digest in digests)


def test_overrides_replace_values_by_their_path(small_config: Path) -> None:
    overrides = {"lattice.shape": [40, 44], "duration": "3 d", "processes.sprouting": False}
    for given in (small_config, load_experiment(small_config)):
        model = TumorModel(given, overrides=overrides)
        assert model.tissue.lattice.shape == (1, 40, 44)
        assert model.end == (4 + 3) * 24.0
        assert "sprouting" not in [process.name for process in model.processes]


def test_a_wrong_override_says_where_and_what(small_config: Path) -> None:
    with pytest.raises(InputError, match=r"lattice\.shpe.*'shape'"):
        TumorModel(small_config, overrides={"lattice.shpe": [40, 40]})


def test_overrides_that_batch_run_took_apart_are_explained(small_config: Path) -> None:
    with pytest.raises(TypeError, match=r"overrides=\[\{"):
        TumorModel(small_config, overrides="treatment")  # type: ignore[arg-type]


# --- the data collector ----------------------------------------------------------------------------------------------


def test_outputs_are_collected_at_the_start_and_every_record(stepped: TumorModel) -> None:
    frame = stepped.datacollector.get_model_vars_dataframe()
    assert isinstance(stepped.datacollector, DataCollector)
    assert frame.index.tolist() == [0, STEPS_PER_RECORD, 2 * STEPS_PER_RECORD]
    assert frame["hours"].tolist() == [0.0, 24.0, 48.0]
    living = np.count_nonzero(stepped.tissue.cells["state"][stepped.tissue.cells["cell_type"] == TUMOR] == 0)
    assert frame["tumor_cells"].iloc[-1] == living
    assert frame["tumor_cells"].nunique() > 1


def test_between_records_the_last_measurement_is_repeated(stepped: TumorModel) -> None:
    rows = stepped.datacollector.model_vars
    assert len(rows["hours"]) == stepped.steps + 1
    assert rows["hours"][STEPS_PER_RECORD - 1] == 0.0
    assert rows["hours"][STEPS_PER_RECORD + 3] == 24.0
    assert rows["tumor_cells"][STEPS_PER_RECORD + 3] == rows["tumor_cells"][STEPS_PER_RECORD]


def test_outputs_are_those_of_a_recorded_run(small_config: Path, small_run: Path) -> None:
    from tumorabm.recording.run_folder import RunFolder

    recorded = RunFolder(small_run).timeseries()
    model = TumorModel(small_config)
    model.run_model()
    frame = model.datacollector.get_model_vars_dataframe()
    np.testing.assert_array_equal(frame["hours"], recorded["time"])
    assert set(frame.columns) - {"hours"} == set(recorded) - {"time", "step"}
    for name in set(frame.columns) - {"hours"}:
        np.testing.assert_array_equal(np.stack(frame[name].to_list()), recorded[name], err_msg=name)


def test_a_users_own_collector_takes_the_place(model: TumorModel) -> None:
    model.datacollector = DataCollector(
        model_reporters={"cells": lambda m: len(m.agents), "hours": "hours"},
        agent_reporters={"site": "site", "type": lambda agent: type(agent).__name__},
        agenttype_reporters={TumorCell: {"clone": "clone"}},
    )
    for _ in range(3):
        model.step()
    assert model.datacollector.get_model_vars_dataframe()["hours"].tolist() == [2.0, 4.0, 6.0]
    agents = model.datacollector.get_agent_vars_dataframe()
    last = agents.xs(agents.index.get_level_values("Step").max(), level="Step")
    cells = model.tissue.cells
    expected = dict(zip(cells["uid"].tolist(), cells["site"].tolist(), strict=True))
    assert last["site"].to_dict() == {uid: expected[uid] for uid in last.index}
    assert set(last["type"]) == {"TumorCell", "EndothelialCell"}
    assert not model.datacollector.get_agenttype_vars_dataframe(TumorCell).empty


def sweep(parameters: dict[str, Any], rng: list[int]) -> list[dict[str, Any]]:
    """mesa.batch_run over seeds, which are a parameter up to Mesa 3.4 and an argument since."""
    settings: dict[str, Any] = {"data_collection_period": STEPS_PER_RECORD, "max_steps": 100, "display_progress": False}
    if "rng" in inspect.signature(mesa.batch_run).parameters:
        return mesa.batch_run(TumorModel, parameters, rng=rng, **settings)
    return mesa.batch_run(TumorModel, {**parameters, "rng": rng}, **settings)


def test_batch_run_sweeps_overrides_and_seeds(small_config: Path) -> None:
    short = {"burn_in": "0 d", "duration": "2 d", "treatment": [], "lattice.shape": [40, 40]}
    smaller = {**short, "cells": [{"shape": "disc", "radius": "100 um"}]}
    rows = sweep({"experiment": [small_config], "overrides": [short, smaller]}, rng=[1, 2])
    assert {row["RunId"] for row in rows} == {0, 1, 2, 3}
    starts = [row for row in rows if row["Step"] == 0]
    assert [row["hours"] for row in starts] == [0.0] * 4
    assert len({row["tumor_cells"] for row in starts}) == 2, "two radii, whatever the seed"
    vessels = {seed: {row["endothelial_cells"] for row in rows if row["rng"] == seed} for seed in (1, 2)}
    assert not vessels[1] & vessels[2], "seeds lay other vessels"
    assert {row["hours"] for row in rows} >= {0.0, 24.0}


SWEEP_OF_A_USER = """
import inspect, json, sys
import mesa
from tumorabm.model import TumorModel

def rows(processes):
    changes = {"burn_in": "0 d", "duration": "12 h", "treatment": [], "lattice.shape": [40, 40], "record.every": "4 h"}
    parameters = {"experiment": [sys.argv[1]], "overrides": [changes, {**changes, "processes.birth": False}]}
    settings = {"number_processes": processes, "data_collection_period": 2, "max_steps": 6, "display_progress": False}
    if "rng" in inspect.signature(mesa.batch_run).parameters:
        return mesa.batch_run(TumorModel, parameters, rng=[1, 2], **settings)
    return mesa.batch_run(TumorModel, {**parameters, "rng": [1, 2]}, **settings)

if __name__ == "__main__":
    print(json.dumps([rows(1), rows(2)], default=str))
"""


def test_batch_run_in_two_processes_gives_the_rows_of_one(small_config: Path, tmp_path: Path) -> None:
    script = tmp_path / "sweep_of_a_user.py"
    script.write_text(SWEEP_OF_A_USER, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, small_config], capture_output=True, text=True, check=True, timeout=200
    )
    one, two = (sorted(rows, key=lambda row: (row["RunId"], row["Step"])) for rows in json.loads(done.stdout))
    assert {row["RunId"] for row in one} == {0, 1, 2, 3} and len(one) == 16
    assert len({row["endothelial_cells"] for row in one}) > 1
    assert json.dumps(one) == json.dumps(two)  # as text, since an output may be NaN


# --- agents ----------------------------------------------------------------------------------------------------------


def test_agents_are_the_living_cells_by_type(stepped: TumorModel) -> None:
    cells = stepped.tissue.cells
    assert {agent.unique_id for agent in stepped.agents} == set(cells["uid"][cells["state"] == 0].tolist())
    assert set(stepped.agent_types) == {TumorCell, EndothelialCell} == set(stepped.agents_by_type)
    assert len(stepped.agents_by_type[TumorCell]) == cells.alive(TUMOR).size
    assert len(stepped.agents_by_type[EndothelialCell]) == cells.alive(ENDOTHELIAL).size
    assert len(stepped.debris) == np.count_nonzero(cells["state"])
    assert all(isinstance(agent, mesa.Agent) for agent in stepped.agents)


def test_every_cell_type_has_its_class() -> None:
    assert [kind.__name__.lower().replace("cell", "") for kind in AGENT_TYPES] == [
        name.replace("_cell", "") for name in CELL_TYPES
    ]


def test_every_declared_column_is_an_attribute(stepped: TumorModel) -> None:
    cells = stepped.tissue.cells
    agent = first(stepped.agents_by_type[TumorCell])
    row = int(np.flatnonzero(cells["uid"] == np.uint64(agent.unique_id))[0])
    for name in cells.names:
        np.testing.assert_array_equal(getattr(agent, name), cells[name][row], err_msg=name)
    assert isinstance(agent.unique_id, int)
    z, y, x = stepped.tissue.lattice.centers(cells["site"][row])
    assert agent.pos == (x, y)


def test_agents_come_in_the_order_of_their_uids_whatever_the_rows(model: TumorModel) -> None:
    before = [agent.unique_id for agent in model.agents]
    model.tissue.cells.permute(np.random.default_rng(0).permutation(model.tissue.cells.n))
    assert [agent.unique_id for agent in model.agents] == before == sorted(before)


def test_a_view_follows_its_cell_when_rows_move(model: TumorModel) -> None:
    agent = first(model.agents_by_type[TumorCell])
    site = agent.site
    model.tissue.cells.permute(np.random.default_rng(1).permutation(model.tissue.cells.n))
    assert agent.site == site
    assert first(model.agents_by_type[TumorCell]) is agent


def test_writing_an_attribute_writes_the_array(model: TumorModel) -> None:
    agents = model.agents_by_type[EndothelialCell]
    agents.set("coverage", 0.25)
    cells = model.tissue.cells
    assert set(cells["coverage"][cells.rows_of(ENDOTHELIAL)]) == {0.25}
    agent = first(agents)
    agent.tip_position = (1.0, 2.0, 3.0)
    agent.tip_position[0] += 1.0
    assert cells["tip_position"][agent.row].tolist() == [2.0, 2.0, 3.0]


def test_a_clone_that_is_not_there_is_refused(model: TumorModel) -> None:
    cell = next(iter(model.agents_by_type[TumorCell]))
    for clone in (-1, 5):
        with pytest.raises(ValueError, match="but there are 1 clones"):
            cell.clone = clone


def test_an_unknown_attribute_names_the_nearest_one(model: TumorModel) -> None:
    agent = first(model.agents)
    with pytest.raises(AttributeError, match="'coverage'"):
        agent.coverag = 0.5
    with pytest.raises(AttributeError, match="'clone'"):
        _ = agent.clon


@pytest.mark.parametrize("name", ["uid", "unique_id", "cell_type", "state", "births", "pos", "model", "row"])
def test_identity_and_fate_are_read_only(model: TumorModel, name: str) -> None:
    with pytest.raises(AttributeError, match="read only"):
        setattr(first(model.agents), name, 1)


def test_a_tumor_cell_moves_to_a_free_site_only(model: TumorModel) -> None:
    agent, other = list(model.agents_by_type[TumorCell])[:2]
    free = int(free_sites(model)[0])
    left = agent.site
    agent.site = free
    occupancy = model.tissue.cells.occupancy[PARENCHYMA]
    assert occupancy[free] == agent.row and occupancy[left] == -1
    with pytest.raises(ValueError, match="taken"):
        agent.site = other.site
    with pytest.raises(ValueError, match="outside"):
        agent.site = model.tissue.lattice.sites
    with pytest.raises(ValueError, match="vessel graph"):
        first(model.agents_by_type[EndothelialCell]).site = free
    model.tissue.cells.rebuild_occupancy()


def test_after_death_every_access_raises(model: TumorModel) -> None:
    agent = first(model.agents_by_type[TumorCell])
    cells = model.tissue.cells
    cells["state"][agent.row] = APOPTOTIC
    assert not agent.exists
    with pytest.raises(CellGone, match="apoptotic"):
        _ = agent.clone
    with pytest.raises(CellGone, match="apoptotic"):
        agent.clone = 0
    assert agent not in model.agents and len(model.debris) == 1
    debris = first(model.debris)
    assert debris.unique_id == agent.unique_id and debris.state == APOPTOTIC
    cells.keep(cells["state"] == 0)
    with pytest.raises(CellGone, match="no longer there"):
        _ = debris.site
    assert len(model.debris) == 0


def test_cells_that_die_in_a_run_leave_views_that_raise(model: TumorModel) -> None:
    held = list(model.agents)
    for _ in range(3 * STEPS_PER_RECORD):
        model.step()
    living = {agent.unique_id for agent in model.agents}
    gone = [agent for agent in held if agent.unique_id not in living]
    assert gone, "nobody died in three days"
    assert not any(agent.exists for agent in gone)
    assert all(agent.exists for agent in held if agent.unique_id in living)


def test_select_agg_groupby_and_shuffle_do_work_unchanged(model: TumorModel) -> None:
    nodule = model.agents.select(agent_type=TumorCell)
    half = model.agents.select(lambda agent: agent.pos[0] < 520.0, agent_type=TumorCell)
    assert 0 < len(half) < len(nodule) == model.tissue.cells.alive(TUMOR).size
    assert len(model.agents.select(at_most=7)) == 7
    cells = model.tissue.cells
    assert nodule.agg("site", max) == cells["site"][cells.rows_of(TUMOR)].max()
    assert nodule.agg("births", [min, sum]) == [0, 0]
    assert model.agents.groupby(lambda agent: type(agent).__name__).count() == {
        "TumorCell": len(nodule),
        "EndothelialCell": len(model.agents) - len(nodule),
    }
    assert model.agents.groupby("cell_type").agg("cell_type", len)[TUMOR] == len(nodule)

    visited: list[int] = []
    model.agents.shuffle_do(lambda agent: visited.append(agent.unique_id))
    ordered = [agent.unique_id for agent in model.agents]
    assert visited != ordered and sorted(visited) == ordered
    assert nodule.sort("site", ascending=True).get("site") == sorted(nodule.get("site"))


def test_a_removed_cell_is_gone_from_arrays_and_sets(model: TumorModel) -> None:
    agents = model.agents
    nodule = agents.select(agent_type=TumorCell)
    count = len(nodule)
    victims = list(nodule)[:5]
    sites = [agent.site for agent in victims]
    for agent in victims:
        agent.remove()
    assert not any(agent in agents for agent in victims)
    assert len(model.agents_by_type[TumorCell]) == count - 5
    assert (model.tissue.cells.occupancy[PARENCHYMA][sites] == -1).all()
    with pytest.raises(TypeError, match="vessel graph"):
        first(model.agents_by_type[EndothelialCell]).remove()
    model.step()
    assert all(not agent.exists for agent in victims)


def test_cells_are_not_made_by_hand(model: TumorModel) -> None:
    with pytest.raises(TypeError, match="born in the tissue"):
        TumorCell(model)


def test_a_users_own_agents_live_beside_the_cells(model: TumorModel) -> None:
    class Clinician(mesa.Agent):
        """Looks at the nodule."""

    doctor = Clinician(model)
    assert doctor in model.agents and Clinician in model.agents_by_type
    assert len(model.agents) == model.tissue.cells.n + 1
    doctor.remove()
    assert doctor not in model.agents and len(model.agents) == model.tissue.cells.n


def test_views_are_made_once_and_dropped_with_their_cells(model: TumorModel) -> None:
    agents = model.agents
    assert model.agents is agents
    gc.collect()
    assert len(agents) == model.tissue.cells.n, "the sets hold weak references, the model the views"


def test_views_come_in_three_dimensions_too(small_config: Path) -> None:
    overrides = {
        "lattice.shape": [12, 20, 20],
        "cells": [{"shape": "sphere", "radius": "80 um"}],
        "vessels": {"spacing": "60 um", "arteriole_spacing": "120 um"},
        "treatment": [],
    }
    model = TumorModel(small_config, overrides=overrides)
    agent = first(model.agents_by_type[TumorCell])
    z, y, x = model.tissue.lattice.centers(np.asarray(agent.site))
    assert agent.pos == (x, y, z)
