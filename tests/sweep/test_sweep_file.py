"""Sweep files: what they may say, the plan that comes of them, its folder, and the experiments of its runs."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tumorabm import yaml
from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.recording import provenance
from tumorabm.sweep.plan import Plan
from tumorabm.sweep.planning import draft, experiment_of, make_plan, prepare
from tumorabm.sweep.schema import sweep_schema, sweep_schema_text
from tumorabm.sweep.sweep_file import load_sweep
from tumorabm.units import quantity

ROOT = Path(__file__).parents[2]
SWEEPS = sorted((ROOT / "configs" / "sweeps").glob("*.yaml"))
OXYGEN = "catalog.substrates.oxygen.vessel_oxygen"
DOSE = "treatment[0].dose"

BASE = """
name: tiny
duration: 2 d
time_step: 2 h
seed: 7
lattice: {shape: [24, 24], spacing: 20 um, boundary: no_flux}
sets: {kinetics: xenograft, literature: review_2016, targets: cellular}
clones: [{name: clear_cell, vhl: mutated}]
cells: [{shape: disc, radius: 120 um}]
vessels: {network: capillary_mesh, arteriole_spacing: 240 um}
treatment: [{drug: sunitinib, dose: 50 mg, every: 1 d}]
catalog: {cell_types.endothelial.host_vessel_spacing: 120 um}
record: {every: 12 h, checkpoint: 1 d}
"""


def content(**more: Any) -> dict[str, Any]:
    """A sweep over oxygen and dose, with what a test adds or changes."""
    return {
        "base": yaml.parse(BASE, "base").data,
        "name": "tiny_sweep",
        "factors": {
            "oxygen": {"path": OXYGEN, "values": ["10.5 mmHg", "12 mmHg"]},
            "dose": {"path": DOSE, "range": ["25 mg", "50 mg"], "levels": 3},
        },
        **more,
    }


def factor(**given: Any) -> dict[str, Any]:
    """A sweep over one factor."""
    return content(factors={"x": given})


def planned(given: dict[str, Any]) -> Plan:
    return make_plan(load_sweep(given))


def values(given: dict[str, Any], label: str = "x") -> list[Any]:
    return [run.factors[label] for run in planned(given).runs]


# --- factors ---------------------------------------------------------------------------------------------------------


def test_a_grid_is_planned_point_by_point_and_replicate_by_replicate() -> None:
    plan = planned(content(replicates=2))
    assert [run.index for run in plan.runs] == list(range(12))
    assert [(run.point, run.replicate) for run in plan.runs[:4]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [run.factors for run in plan.runs[::2]] == [
        {"oxygen": oxygen, "dose": dose} for oxygen in (10.5, 12.0) for dose in (25.0, 37.5, 50.0)
    ]
    assert plan.runs[2].settings == {OXYGEN: "10.5 mmHg", DOSE: "37.5 mg"}
    assert [(found.label, found.paths, found.unit) for found in plan.factors] == [
        ("oxygen", (OXYGEN,), "mmHg"),
        ("dose", (DOSE,), "mg"),
    ]


def test_the_unit_of_a_factor_is_that_of_its_first_value() -> None:
    sweep = load_sweep(factor(path="duration", values=["1 d", "36 h"]))
    assert (sweep.factors[0].unit, values(factor(path="duration", values=["1 d", "36 h"]))) == ("d", [1.0, 1.5])
    lengths = load_sweep(factor(path="cells[0].radius", range=["0.1 mm", "0.12 mm"], levels=2))
    assert [experiment.cells[0].radius for experiment in experiments(lengths)] == [100.0, 120.0]


def experiments(sweep: Any) -> list[Any]:
    from tumorabm.sweep.points import experiments_of_points

    return [experiment for _, experiment in experiments_of_points(sweep)]


def test_a_logarithmic_range_has_equal_ratios() -> None:
    given = factor(path=OXYGEN, range=["5 mmHg", "80 mmHg"], levels=5, scale="log")
    assert values(given) == pytest.approx([5.0, 10.0, 20.0, 40.0, 80.0])


def test_several_paths_get_the_same_value() -> None:
    paths = ["cell_types.tumor.necrosis_onset_oxygen", "substrates.oxygen.hypoxic_threshold"]
    given = factor(paths=[f"catalog.{path}" for path in paths], values=["2 mmHg", "4 mmHg"])
    for run, experiment in zip(planned(given).runs, experiments(load_sweep(given)), strict=True):
        assert len(run.settings) == 2
        assert [experiment.value(path, "mmHg") for path in paths] == [run.factors["x"]] * 2


def test_words_truth_and_whole_numbers() -> None:
    assert values(factor(path="sets.kinetics", values=["xenograft", "in_vitro"])) == ["xenograft", "in_vitro"]
    assert values(factor(path="processes.migration", values=[True, False])) == [True, False]
    base = yaml.parse(BASE, "base").data
    base["treatment"][0] |= {"on": "1 d", "cycles": 1}
    found = values({**factor(path="treatment[0].cycles", range=[1, 3], levels=3), "base": base})
    assert found == [1, 2, 3]
    assert all(isinstance(value, int) for value in found)


def test_values_by_words_set_whole_blocks() -> None:
    arms = {"untreated": [], "daily": [{"drug": "sunitinib", "dose": "25 mg", "every": "1 d"}]}
    sweep = load_sweep(factor(path="treatment", values=arms))
    assert [len(experiment.treatment) for experiment in experiments(sweep)] == [0, 1]
    assert values(factor(path="treatment", values=arms)) == ["untreated", "daily"]


def test_a_value_by_a_word_may_remove_a_setting() -> None:
    given = factor(path="treatment[0].end", values={"never": None, "soon": "1 d"})
    assert [experiment.treatment[0].end for experiment in experiments(load_sweep(given))] == [None, 24.0]


def test_a_normal_distribution_ends_where_the_catalog_does() -> None:
    design = {"method": "latin_hypercube", "samples": 20}
    given = {
        **factor(path=OXYGEN, distribution={"normal": {"mean": "12 mmHg", "sd": "20 mmHg"}}),
        "design": design,
    }
    low, high = 10.0, 40.0  # of the catalog
    found = values(given)
    assert low <= min(found) < 12.0
    assert 37.0 < max(found) <= high


def test_a_sample_is_told_in_few_digits_and_run_as_told() -> None:
    design = {"method": "latin_hypercube", "samples": 4}
    sweep = load_sweep({**factor(path=OXYGEN, range=["10 mmHg", "13 mmHg"]), "design": design})
    for run, experiment in zip(make_plan(sweep).runs, experiments(sweep), strict=True):
        assert len(repr(run.factors["x"])) <= 12
        assert experiment.value(OXYGEN.removeprefix("catalog."), "mmHg") == run.factors["x"]


# --- base ------------------------------------------------------------------------------------------------------------


def test_a_base_file_is_beside_the_sweep_file(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "base.yaml").write_text(BASE)
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text("base: ../experiments/base.yaml\n")
    (tmp_path / "sweeps" / "inside.yaml").write_text("base: {extends: ../experiments/base.yaml, seed: 3}\n")
    mine, inside = (load_sweep(tmp_path / "sweeps" / f"{name}.yaml") for name in ("mine", "inside"))
    assert (mine.name, mine.experiment.seed, mine.count) == ("mine", 7, 1)
    assert (inside.name, inside.experiment.seed) == ("inside", 3)


@pytest.mark.parametrize("given", [{"duration": "1 d", DOSE: "10 mg"}, ["duration=1 d", f"{DOSE}=10 mg"]])
def test_set_changes_the_base(given: Any) -> None:
    experiment = load_sweep(content(set=given)).experiment
    assert (experiment.duration, experiment.treatment[0].dose) == (24.0, 10.0)


def test_overrides_are_of_the_sweep_or_of_its_base() -> None:
    sweep = load_sweep(content(), ["replicates=3", "duration=1 d", "set.burn_in=1 d", "factors.dose.levels=2"])
    assert (sweep.replicates, sweep.count) == (3, 12)
    assert (sweep.experiment.duration, sweep.experiment.burn_in) == (24.0, 24.0)
    assert load_sweep(content(), {"seed": 9}).experiment.seed == 9


def test_what_follows_from_a_factor_follows_it() -> None:
    """The mesh has the catalog's spacing, and outputs go with the processes: a complete base must not freeze them."""
    spacing = "catalog.cell_types.endothelial.host_vessel_spacing"
    sweep = load_sweep(factor(path=spacing, values=["100 um", "120 um"]))
    assert [experiment.vessels.spacing for experiment in experiments(sweep)] == [100.0, 120.0]
    off = load_sweep(factor(path="processes.commit_vessels", values=[True, False]))
    with_it, without = (set(experiment.record.outputs) for experiment in experiments(off))
    of_origin = {"sprout_supply_share", "host_supply_share", "recolonized_supply_share", "myeloid_endothelial_cells"}
    assert with_it - without == of_origin


# --- seeds and identity ----------------------------------------------------------------------------------------------


def test_shared_luck_has_the_same_seeds_at_every_point() -> None:
    runs = planned(content(replicates=3)).runs
    assert {run.point: [other.seed for other in runs if other.point == run.point] for run in runs} == {
        point: [7, 8, 9] for point in range(6)
    }
    assert len({run.run_id for run in runs}) == 18


def test_independent_luck_stays_when_the_sweep_grows() -> None:
    few = planned(content(luck="independent", replicates=2)).runs
    assert len({run.seed for run in few}) == len(few)
    more = content(luck="independent", replicates=3)
    more["factors"]["oxygen"]["values"].insert(0, "11 mmHg")
    assert {run.run_id for run in few} < {run.run_id for run in planned(more).runs}


def test_a_point_twice_is_one_run_with_shared_luck_and_two_without() -> None:
    design = {"method": "list", "points": [{"x": "10 mmHg"}, {"x": "10 mmHg"}]}
    given = {**factor(path=OXYGEN), "design": design}
    assert len({run.run_id for run in planned(given).runs}) == 1
    assert len({run.run_id for run in planned({**given, "luck": "independent"}).runs}) == 2


def test_a_run_is_the_one_that_its_experiment_alone_would_be() -> None:
    run = planned(content()).runs[4]
    alone = load_experiment(yaml.parse(BASE, "base").data, {**run.settings, "seed": run.seed})
    assert run.run_id == provenance.run_id(alone.config_hash, run.seed)


# --- the folder ------------------------------------------------------------------------------------------------------


def test_a_prepared_folder_gives_the_experiments_of_its_runs(tmp_path: Path) -> None:
    given = content(
        replicates=2,
        collect={"series": ["tumor_cells"], "summaries": {"n": {"output": "tumor_cells", "statistic": "final"}}},
        resources={"time_limit": "2 h", "walltime": "1 d", "memory": "2 GB", "directives": ["--qos=short"]},
    )
    folder = prepare(load_sweep(given), tmp_path)
    assert folder == tmp_path / "tiny_sweep"
    plan = Plan.read(folder)
    assert plan == planned(given)
    expected = {"threads": 1, "retries": 1, "time_limit": 7200.0, "walltime": 86400.0, "memory": "2 GB"}
    assert plan.resources == {**expected, "directives": ["--qos=short"], "modules": []}
    for run in plan.runs:
        experiment = experiment_of(folder, run)
        assert (experiment.name, experiment.seed) == ("tiny_sweep", run.seed)
        assert provenance.run_id(experiment.config_hash, experiment.seed) == run.run_id


def test_preparing_again_replaces_the_plan_and_leaves_the_runs(tmp_path: Path) -> None:
    folder = prepare(load_sweep(content()), tmp_path)
    before = Plan.read(folder).runs
    (folder / before[0].run_id).mkdir()
    prepare(load_sweep(content(), ["replicates=2"]), tmp_path)
    after = Plan.read(folder).runs
    assert {run.run_id for run in before} < {run.run_id for run in after}
    assert (folder / before[0].run_id).is_dir()


def test_a_plan_of_another_base_is_refused(tmp_path: Path) -> None:
    folder = prepare(load_sweep(content()), tmp_path)
    run = Plan.read(folder).runs[0]
    (folder / "base.yaml").write_text((folder / "base.yaml").read_text().replace("duration: 2 d", "duration: 3 d"))
    with pytest.raises(InputError, match=f"run 0 was planned as {run.run_id} but is .* plan the sweep again"):
        experiment_of(folder, run)


def test_users_catalogs_and_modules_go_with_the_folder(tmp_path: Path) -> None:
    own = tmp_path / "own" / "substrates"
    own.mkdir(parents=True)
    import tumorabm.catalog

    text = (Path(tumorabm.catalog.__file__).parent / "substrates" / "oxygen.yaml").read_text()
    (own / "oxygen.yaml").write_text(text)
    (tmp_path / "sweep_of_a_module.py").write_text("LOADED = True\n")
    sweep = load_sweep(content(modules=[str(tmp_path / "sweep_of_a_module.py")]), catalog_dirs=[tmp_path / "own"])
    folder = prepare(sweep, tmp_path / "out")
    (tmp_path / "own").rename(tmp_path / "elsewhere")
    plan = Plan.read(folder)
    assert plan.resources["modules"] == [str(tmp_path / "sweep_of_a_module.py")]
    assert [experiment_of(folder, run).catalog.user_files["substrates/oxygen.yaml"] for run in plan.runs] == [text] * 6


# --- warnings, size, files -------------------------------------------------------------------------------------------


def test_values_outside_their_range_are_warned_of_once() -> None:
    made = draft(load_sweep(factor(path=OXYGEN, values=["1 mmHg", "2 mmHg", "12 mmHg"])))
    found = [warning for warning in made.warnings if warning.startswith("substrates.oxygen.vessel_oxygen")]
    assert found == [
        "substrates.oxygen.vessel_oxygen: 1 mmHg lies outside its range 10 to 40 mmHg (and 1 more such at other points)"
    ]


def test_lengths_of_runs_are_known() -> None:
    assert draft(load_sweep(factor(path="duration", values=["1 d", "2 d"]))).steps == [12, 24]


def test_memory_of_planning_does_not_grow_with_experiments() -> None:
    """A point leaves a planned run behind, not its experiment and catalog."""
    sweep = load_sweep({**factor(path=OXYGEN, range=["10 mmHg", "13 mmHg"]), "design": _latin(20)})
    draft(sweep)
    tracemalloc.start()
    try:
        made = draft(sweep)
        peak = tracemalloc.get_traced_memory()[1]
        gc.collect()  # what only refers to itself is not left behind
        left = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(made.plan.runs) == 20
    assert left < 20 * 5_000
    # What only refers to itself waits for the collector: some 6 MB, for 20 points as for 40.
    assert peak < left + 8_000_000


@pytest.mark.slow
def test_a_thousand_points_are_planned_in_seconds() -> None:
    import time

    began = time.perf_counter()
    plan = planned({**factor(path=OXYGEN, range=["10 mmHg", "13 mmHg"]), "design": _latin(1000)})
    assert len(plan.runs) == 1000
    assert time.perf_counter() - began < 30.0


def _latin(samples: int) -> dict[str, Any]:
    return {"method": "latin_hypercube", "samples": samples}


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_our_sweeps_can_be_planned(path: Path) -> None:
    fewer = {"vessel_hypercube": ["design.samples=4"], "licensed_drugs": ["design.samples=1"]}
    sweep = load_sweep(path, fewer.get(path.stem, []))
    assert len(make_plan(sweep).runs) == sweep.count
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../schema/sweep.json\n")


def test_the_grid_of_the_main_experiment_is_three_by_three_by_five() -> None:
    sweep = load_sweep(ROOT / "configs" / "sweeps" / "oxygen_by_dose.yaml")
    assert ([len(found.levels) for found in sweep.factors], sweep.replicates) == ([3, 3], 5)
    assert sweep.experiment.name == "sunitinib_first_line"


def test_the_sweep_over_licensed_drugs_has_all_of_them_at_their_usual_doses() -> None:
    sweep = load_sweep(ROOT / "configs" / "sweeps" / "licensed_drugs.yaml")
    catalog = sweep.experiment.catalog
    arms = {level.value: level.setting for level in sweep.factors[0].levels}
    assert arms.pop("untreated") == []
    assert set(arms) == {name for name in catalog.names("drugs") if catalog.fact(f"drugs.{name}.licensed")}
    for name, (item,) in arms.items():
        assert item["drug"] == name
        assert quantity(item["dose"], "mg") == catalog.get(f"drugs.{name}.dose", "mg", {}), name


# --- the schema ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = sweep_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "configs" / "schema" / "sweep.json").read_text(encoding="utf-8")
    assert committed == sweep_schema_text(), "run: tumorabm schema --sweep > configs/schema/sweep.json"


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_our_sweeps_fit_the_schema(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.read(path).data)


@pytest.mark.parametrize(
    "more",
    [
        {"replicate": 2},
        {"replicates": 0},
        {"luck": "share"},
        {"design": {"method": "gird"}},
        {"design": {"method": "sobol"}},
        {"design": {"method": "grid", "samples": 3}},
        {"factors": {"x": {"values": [1]}}},
        {"factors": {"x": {"path": "seed", "distribution": {"gamma": [1, 2]}}}},
        {"factors": {"x": {"path": "seed", "range": [1]}}},
        {"collect": {"summaries": {"n": {"output": "tumor_cells", "statistic": "finale"}}}},
        {"resources": {"workers": 0}},
        {"base": 3},
    ],
    ids=json.dumps,
)
def test_the_schema_refuses(more: dict[str, Any], validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(content())
    assert not validator.is_valid({**content(), **more})
