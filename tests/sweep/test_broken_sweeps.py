"""Broken sweep files, each with the messages that a user must see: file, line, column, path, what was expected."""

# Messages stand whole, as users see them.
# ruff: noqa: E501

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tumorabm import yaml
from tumorabm.errors import InputError
from tumorabm.sweep.planning import make_plan
from tumorabm.sweep.sweep_file import load_sweep

BASE = """\
duration: 2 d
time_step: 2 h
seed: 1
lattice: {shape: [24, 24], spacing: 20 um, boundary: no_flux}
sets: {kinetics: xenograft, literature: review_2016, targets: cellular}
clones: [{name: clear_cell, vhl: mutated}]
cells: [{shape: disc, radius: 120 um}]
vessels: {network: capillary_mesh, spacing: 120 um, arteriole_spacing: 240 um}
treatment: [{drug: sunitinib, dose: 50 mg, every: 1 d}]
record: {every: 12 h, checkpoint: 1 d}
"""

GOOD = """\
base: base.yaml
set: {duration: 4 d, burn_in: 1 d}
name: good
factors:
  oxygen: {path: catalog.substrates.oxygen.vessel_oxygen, values: [10.5 mmHg, 12 mmHg]}
  dose: {path: "treatment[0].dose", range: [25 mg, 50 mg], levels: 3}
  speed: {path: processes.migration.speed, values: [2 um/h]}
design: {method: grid}
replicates: 2
luck: shared
collect:
  series: [tumor_cells]
  summaries:
    cells: {output: tumor_cells, statistic: final}
resources: {workers: 2, time_limit: 1 h, memory: 2 GB}
"""

# name, what is replaced in GOOD, by what, all messages
CASES: list[tuple[str, str, str, list[str]]] = [
    (
        "duplicate_key",
        "luck: shared",
        "luck: shared\nluck: shared",
        [
            "broken.yaml:11:1: luck: duplicate key 'luck'",
        ],
    ),
    (
        "not_yaml",
        "{method: grid}",
        "{method: grid",
        [
            "broken.yaml:9:11: not valid YAML: expected ',' or '}', but got ':'",
        ],
    ),
    (
        "unknown_key",
        "replicates: 2",
        "replicate: 2",
        [
            "broken.yaml:9:1: replicate: unknown key; did you mean 'replicates'?",
        ],
    ),
    (
        "unknown_factor_key",
        "levels: 3",
        "level: 3",
        [
            "broken.yaml:6:60: factors.dose.level: unknown key; did you mean 'levels'?",
        ],
    ),
    (
        "unknown_resource",
        "workers: 2",
        "worker: 2",
        [
            "broken.yaml:15:13: resources.worker: unknown key; did you mean 'workers'?",
        ],
    ),
    (
        "base_missing",
        "base: base.yaml\n",
        "",
        [
            "broken.yaml:1:1: base: is missing (experiment that is varied: a file, relative to this one, or its content)",
        ],
    ),
    (
        "no_such_base",
        "base: base.yaml",
        "base: bas.yaml",
        [
            "broken.yaml:1:7: base: no such file 'bas.yaml'",
        ],
    ),
    (
        "base_is_a_number",
        "base: base.yaml",
        "base: 3",
        [
            "broken.yaml:1:7: base: expected the path of an experiment or its content, got 3",
        ],
    ),
    (
        "base_is_broken",
        "base: base.yaml",
        "base: broken_base.yaml",
        [
            "broken_base.yaml:2:12: time_step: '2 mg' is a mass, expected a time",
        ],
    ),
    (
        "set_wrong_unit",
        "duration: 4 d",
        "duration: 4 mg",
        [
            "broken.yaml:2:17: duration: '4 mg' is a mass, expected a time",
        ],
    ),
    (
        "set_unknown",
        "duration: 4 d",
        "duratoin: 4 d",
        [
            "broken.yaml:2:7: duratoin: unknown key; did you mean 'duration'?",
        ],
    ),
    (
        "set_no_path",
        "{duration: 4 d, burn_in: 1 d}",
        "[duration]",
        [
            "broken.yaml:2:7: set[0]: expected path=value",
        ],
    ),
    (
        "unknown_catalog_path",
        "vessel_oxygen",
        "vesel_oxygen",
        [
            "broken.yaml:5:18: factors.oxygen.path: the catalog has no 'substrates.oxygen.vesel_oxygen'; did you mean 'substrates.oxygen.vessel_oxygen'?",
        ],
    ),
    (
        "unknown_path",
        "treatment[0].dose",
        "treatment[0].does",
        [
            "broken.yaml:6:16: factors.dose.path: the experiment has no 'does' in 'treatment[0]'; did you mean 'dose'?",
        ],
    ),
    (
        "no_such_item",
        "treatment[0].dose",
        "treatment[1].dose",
        [
            "broken.yaml:6:16: factors.dose.path: the list has 1 items, no item 1",
        ],
    ),
    (
        "unknown_process",
        "processes.migration.speed",
        "processes.migraton.speed",
        [
            "broken.yaml:7:17: factors.speed.path: the experiment has no process 'migraton'; did you mean 'migration'?",
        ],
    ),
    (
        "unknown_parameter",
        "processes.migration.speed",
        "processes.migration.sped",
        [
            "broken.yaml:7:17: factors.speed.path: the process migration has no parameter 'sped'; did you mean 'speed'?",
        ],
    ),
    (
        "seed_as_factor",
        "path: processes.migration.speed, values: [2 um/h]",
        "path: seed, values: [1, 2]",
        [
            "broken.yaml:7:17: factors.speed.path: 'seed' cannot be a factor: 'replicates' and 'luck' decide on seeds",
        ],
    ),
    (
        "no_path",
        "path: processes.migration.speed, ",
        "",
        [
            "broken.yaml:7:10: factors.speed: needs one of path or paths",
        ],
    ),
    (
        "two_paths",
        "speed: {path: processes.migration.speed,",
        "speed: {path: processes.migration.speed, paths: [processes.birth],",
        [
            "broken.yaml:7:44: factors.speed.paths: 'path' is given already; expected one of path or paths",
        ],
    ),
    (
        "values_and_range",
        "levels: 3",
        "levels: 3, values: [25 mg]",
        [
            "broken.yaml:6:37: factors.dose.range: 'values' is given already; expected one of values, range or distribution",
        ],
    ),
    (
        "levels_without_range",
        "values: [2 um/h]",
        "values: [2 um/h], levels: 3",
        [
            "broken.yaml:7:62: factors.speed.levels: belongs to a range",
        ],
    ),
    (
        "wrong_dimension",
        "[10.5 mmHg, 12 mmHg]",
        "[10.5 mmHg, 12 mg]",
        [
            "broken.yaml:5:79: factors.oxygen.values[1]: '12 mg' is a mass, expected a pressure",
        ],
    ),
    (
        "unit_missing",
        "[10.5 mmHg, 12 mmHg]",
        "[10.5 mmHg, 12]",
        [
            "broken.yaml:5:79: factors.oxygen.values[1]: '12' has no unit, expected a pressure, for example '12 mmHg'",
        ],
    ),
    (
        "below_bound",
        "range: [25 mg, 50 mg]",
        "range: [-25 mg, 50 mg]",
        [
            "broken.yaml:6:45: factors.dose.range[0]: '-25 mg' must be above 0",
        ],
    ),
    (
        "range_upside_down",
        "range: [25 mg, 50 mg]",
        "range: [50 mg, 25 mg]",
        [
            "broken.yaml:6:44: factors.dose.range: '50 mg' is not below '25 mg'",
        ],
    ),
    (
        "log_from_zero",
        "[2 um/h]}",
        '[2 um/h]}\n  start: {path: "treatment[0].start", range: [0 d, 2 d], levels: 2, scale: log}',
        [
            "broken.yaml:8:47: factors.start.range[0]: '0 d' must be above 0 on a logarithmic scale",
        ],
    ),
    (
        "range_of_words",
        "path: processes.migration.speed, values: [2 um/h]",
        "path: sets.kinetics, range: [1, 2], levels: 2",
        [
            "broken.yaml:7:40: factors.speed.range[0]: 1 is no kinetics set; expected one of in_vitro, xenograft, patient_metastasis, patient_primary",
            "broken.yaml:7:43: factors.speed.range[1]: 2 is no kinetics set; expected one of in_vitro, xenograft, patient_metastasis, patient_primary",
        ],
    ),
    (
        "unknown_word",
        "path: processes.migration.speed, values: [2 um/h]",
        "path: sets.kinetics, values: [patient]",
        [
            "broken.yaml:7:41: factors.speed.values[0]: 'patient' is no kinetics set; expected one of in_vitro, xenograft, patient_metastasis, patient_primary",
        ],
    ),
    (
        "twice_the_same",
        "[10.5 mmHg, 12 mmHg]",
        "[10.5 mmHg, 10.5 mmHg]",
        [
            "broken.yaml:5:79: factors.oxygen.values[1]: '10.5 mmHg' is named twice",
        ],
    ),
    (
        "list_as_a_value",
        "path: processes.migration.speed, values: [2 um/h]",
        "path: treatment, values: [[]]",
        [
            "broken.yaml:7:37: factors.speed.values[0]: [] is no number or word, which the table needs; give values by words, for example 'values: {without: ...}'",
        ],
    ),
    (
        "same_path_twice",
        "path: processes.migration.speed, values: [2 um/h]",
        "path: catalog.substrates.oxygen.vessel_oxygen, values: [11 mmHg]",
        [
            "broken.yaml:7:3: factors.speed: catalog.substrates.oxygen.vessel_oxygen is set by the factor oxygen already",
        ],
    ),
    (
        "path_within_path",
        "path: processes.migration.speed, values: [2 um/h]",
        "path: treatment, values: {untreated: []}",
        [
            "broken.yaml:7:3: factors.speed: treatment is set by the factor dose already (treatment[0].dose)",
        ],
    ),
    (
        "taken_label",
        "  speed: {",
        "  seed: {",
        [
            "broken.yaml:7:3: factors.seed: 'seed' is a column of every table; choose another name",
        ],
    ),
    (
        "label_is_no_word",
        "  speed: {",
        "  the-speed: {",
        [
            "broken.yaml:7:3: factors.the-speed: 'the-speed' must be a word of letters, digits and '_'",
        ],
    ),
    (
        "label_of_a_summary",
        "    cells: {",
        "    dose: {",
        [
            "broken.yaml:14:5: collect.summaries.dose: 'dose' is a factor already; choose another name",
        ],
    ),
    (
        "grid_of_a_distribution",
        "range: [25 mg, 50 mg], levels: 3",
        "distribution: {uniform: [25 mg, 50 mg]}",
        [
            "broken.yaml:6:3: factors.dose: a grid needs 'values', or a 'range' with 'levels'",
        ],
    ),
    (
        "grid_without_values",
        ", values: [2 um/h]",
        "",
        [
            "broken.yaml:7:3: factors.speed: needs 'values', or a 'range' with 'levels'",
        ],
    ),
    (
        "unknown_design",
        "method: grid",
        "method: gird",
        [
            "broken.yaml:8:18: design.method: 'gird' is no design; did you mean 'grid'?",
        ],
    ),
    (
        "design_without_method",
        "{method: grid}",
        "{samples: 3}",
        [
            "broken.yaml:8:9: design.method: is missing; expected one of grid, list, zip, latin_hypercube, sobol, morris",
        ],
    ),
    (
        "design_option_of_another",
        "{method: grid}",
        "{method: latin_hypercube, sample: 3}",
        [
            "broken.yaml:8:9: design.samples: is missing (number of points)",
            "broken.yaml:8:35: design.sample: unknown key; did you mean 'samples'?",
        ],
    ),
    (
        "zip_of_unequal",
        "method: grid",
        "method: zip",
        [
            "broken.yaml:8:9: design: zip needs as many values of every factor: oxygen has 2, dose has 3, speed has 1",
        ],
    ),
    (
        "sobol_no_power_of_two",
        "{method: grid}",
        "{method: sobol, samples: 100}",
        [
            "broken.yaml:8:34: design.samples: 100 is no power of two, which Sobol's sequence needs; take 64 or 128",
        ],
    ),
    (
        "morris_without_ends",
        '\n  oxygen: {path: catalog.substrates.oxygen.vessel_oxygen, values: [10.5 mmHg, 12 mmHg]}\n  dose: {path: "treatment[0].dose", range: [25 mg, 50 mg], levels: 3}\n  speed: {path: processes.migration.speed, values: [2 um/h]}\ndesign: {method: grid}',
        '\n  dose: {path: "treatment[0].dose", distribution: {normal: {mean: 40 mg, sd: 5 mg}}}\ndesign: {method: morris, levels: 5}',
        [
            "broken.yaml:5:60: factors.dose.distribution.normal: morris goes to the ends of every factor; give 'low' and 'high'",
            "broken.yaml:6:34: design.levels: 5 levels are an odd number, with which Morris' steps do not visit all alike; take 4 or 6",
        ],
    ),
    (
        "unknown_distribution",
        "range: [25 mg, 50 mg], levels: 3",
        "distribution: {gamma: [1, 2]}",
        [
            "broken.yaml:6:52: factors.dose.distribution.gamma: unknown key; expected one of uniform, log_uniform, normal, choice",
        ],
    ),
    (
        "no_spread",
        "range: [25 mg, 50 mg], levels: 3",
        "distribution: {normal: {mean: -5 mg, sd: 0 mg}}",
        [
            "broken.yaml:6:78: factors.dose.distribution.normal.sd: '0 mg' must be above 0",
        ],
    ),
    (
        "mean_outside",
        "range: [25 mg, 50 mg], levels: 3",
        "distribution: {normal: {mean: -5 mg, sd: 1 mg}}",
        [
            "broken.yaml:6:67: factors.dose.distribution.normal.mean: '-5 mg' lies outside its ends, 0 and inf mg",
        ],
    ),
    (
        "points_of_a_list",
        '\n  oxygen: {path: catalog.substrates.oxygen.vessel_oxygen, values: [10.5 mmHg, 12 mmHg]}\n  dose: {path: "treatment[0].dose", range: [25 mg, 50 mg], levels: 3}\n  speed: {path: processes.migration.speed, values: [2 um/h]}\ndesign: {method: grid}',
        '\n  dose: {path: "treatment[0].dose"}\ndesign: {method: list, points: [{dose: 25 mg}, {does: 25 mg}, {dose: 25 m}]}',
        [
            "broken.yaml:6:48: design.points[1]: lacks a value of dose",
            "broken.yaml:6:49: design.points[1].does: no such factor; did you mean 'dose'?",
            "broken.yaml:6:70: design.points[2].dose: '25 m' is a length, expected a mass",
        ],
    ),
    (
        "no_replicates",
        "replicates: 2",
        "replicates: 0",
        [
            "broken.yaml:9:13: replicates: 0 must be at least 1",
        ],
    ),
    (
        "unknown_luck",
        "luck: shared",
        "luck: share",
        [
            "broken.yaml:10:7: luck: 'share' is not known; did you mean 'shared'?",
        ],
    ),
    (
        "unknown_series",
        "series: [tumor_cells]",
        "series: [tumour_cells]",
        [
            "broken.yaml:12:12: collect.series[0]: 'tumour_cells' is no time series of the base experiment; did you mean 'tumor_cells'?",
        ],
    ),
    (
        "unknown_statistic",
        "statistic: final",
        "statistic: finale",
        [
            "broken.yaml:14:45: collect.summaries.cells.statistic: 'finale' is no statistic; did you mean 'final'?",
        ],
    ),
    (
        "time_after_the_end",
        "statistic: final",
        "statistic: at, at: 9 d",
        [
            "broken.yaml:14:53: collect.summaries.cells.at: '9 d' lies after the last record at 5 d, burn-in included",
        ],
    ),
    (
        "memory_without_unit",
        "memory: 2 GB",
        "memory: 2",
        [
            "broken.yaml:15:50: resources.memory: expected an amount of memory such as '2 GB', got 2",
        ],
    ),
    (
        "too_many_runs",
        "replicates: 2",
        "replicates: 20000",
        [
            "broken.yaml:8:9: design: gives 120,000 runs, expected at most 100,000",
        ],
    ),
    (
        "module_missing",
        "name: good",
        "name: good\nmodules: [no_such_module]",
        [
            "broken.yaml:4:11: modules[0]: the module 'no_such_module' cannot be imported (ModuleNotFoundError: No module named 'no_such_module')",
        ],
    ),
    (
        "point_does_not_fit",
        "path: processes.migration.speed, values: [2 um/h]",
        "path: duration, values: [2 d, 3 h]",
        [
            "broken.yaml:7:41: factors.speed.values[1]: '3 h' is no multiple of the time step of 2 h (at 6 of 12 points, first oxygen=10.5 mmHg, dose=25 mg, speed=0.125 d)",
        ],
    ),
    (
        "points_out_of_domain",
        "path: processes.migration.speed, values: [2 um/h]",
        'path: "cells[0].radius", values: [100 um, 900 um]',
        [
            "broken.yaml:7:53: factors.speed.values[1]: cells[0]: the disc reaches from -660 to 1140 um along y, outside the domain of 480 um (at 6 of 12 points, first oxygen=10.5 mmHg, dose=25 mg, speed=900 um)",
            "broken.yaml:7:53: factors.speed.values[1]: cells[0]: the disc reaches from -660 to 1140 um along x, outside the domain of 480 um (at 6 of 12 points, first oxygen=10.5 mmHg, dose=25 mg, speed=900 um)",
        ],
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, so that messages name files without it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "broken_base.yaml").write_text(BASE.replace("time_step: 2 h", "time_step: 2 mg"))
    return tmp_path


def test_the_good_one_is_good(folder: Path) -> None:
    (folder / "good.yaml").write_text(GOOD)
    assert len(make_plan(load_sweep("good.yaml")).runs) == 2 * 3 * 2


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 50
    assert len({name for name, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_message(folder: Path, old: str, new: str, expected: list[str]) -> None:
    assert GOOD.count(old) == 1
    (folder / "broken.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(InputError) as caught:
        make_plan(load_sweep("broken.yaml"))
    assert [str(problem) for problem in caught.value.problems] == expected


def test_everything_wrong_is_said_at_once(folder: Path) -> None:
    """Blocks, base, factors, series and design, in the order of the file."""
    text = GOOD.replace("vessel_oxygen", "vesel_oxygen").replace("[25 mg, 50 mg]", "[25 m, 50 mg]")
    text = text.replace("replicates: 2", "replicates: two").replace("[tumor_cells]", "[tumour_cells]")
    (folder / "broken.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_sweep("broken.yaml")
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["factors.oxygen.path", "factors.dose.range[0]", "replicates", "collect.series[0]"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("replicates=0", "--set replicates=0: replicates: 0 must be at least 1"),
        ("duration=3 mg", "--set duration=3 mg: duration: '3 mg' is a mass, expected a time"),
        ("set.duration=3 mg", "--set set.duration=3 mg: duration: '3 mg' is a mass, expected a time"),
        (
            "replicate=2",
            "--set replicate=2: replicate: neither a sweep nor an experiment has it; did you mean 'replicates'?",
        ),
        (
            "factors.dose.levels=1",
            "--set factors.dose.levels=1: factors.dose.levels: 1 must be at least 2",
        ),
        ("replicates", "--set replicates: expected path=value"),
    ],
)
def test_message_of_a_setting(folder: Path, setting: str, expected: str) -> None:
    (folder / "good.yaml").write_text(GOOD)
    with pytest.raises(InputError) as caught:
        load_sweep("good.yaml", [setting])
    assert [str(problem) for problem in caught.value.problems] == [expected]


def test_of_many_broken_points_the_first_are_told(folder: Path) -> None:
    values = ", ".join(f"{hours} h" for hours in range(1, 61, 2))
    old = "path: processes.migration.speed, values: [2 um/h]"
    (folder / "broken.yaml").write_text(GOOD.replace(old, f"path: duration, values: [{values}]"))
    with pytest.raises(InputError) as caught:
        make_plan(load_sweep("broken.yaml"))
    messages = [str(problem) for problem in caught.value.problems]
    assert len(messages) == 21
    assert messages[-1] == "broken.yaml: and 10 more"


ODD: list[Any] = [5, ["5 um"], {"a": 1}, None]


def test_nothing_in_the_place_of_anything_gives_a_traceback(folder: Path) -> None:
    """Every value in turn is replaced with odd ones, two of the four by turns; it is fine or refused with messages."""
    sampled = yaml.parse(GOOD, "good.yaml").data
    sampled["factors"]["dose"].pop("levels")
    diffusivity = {"mean": "1.7e-5 cm^2/s", "sd": "1e-6 cm^2/s"}
    sampled["factors"]["diffusivity"] = {
        "path": "catalog.substrates.oxygen.diffusivity",
        "distribution": {"normal": diffusivity},
    }
    sampled["design"] = {"method": "latin_hypercube", "samples": 1}
    listed = {
        **{"base": "base.yaml", "name": "listed", "factors": {"dose": {"paths": ["treatment[0].dose"]}}},
        **{"design": {"method": "list", "points": [{"dose": "25 mg"}]}},
    }
    refused = 0
    for content in (sampled, listed):
        assert len(make_plan(load_sweep(content)).runs) in (1, 2)
        for number, path in enumerate(_paths(content)):
            for odd in ODD[number % 2 :: 2]:
                changed = copy.deepcopy(content)
                node: Any = changed
                for step in path[:-1]:
                    node = node[step]
                node[path[-1]] = odd
                try:
                    make_plan(load_sweep(changed))
                except InputError as error:
                    assert all(problem.message for problem in error.problems)
                    refused += 1
    assert refused > 75


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, child in items for found in [(*path, key), *_paths(child, (*path, key))]]
