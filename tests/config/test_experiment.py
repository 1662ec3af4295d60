"""Experiments: reading, internal units, defaults, resolving."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any, get_args

import pytest

from tumorabm import yaml
from tumorabm.build import shape_sites
from tumorabm.catalog import load_catalog
from tumorabm.config import Experiment, ExperimentError, load_experiment
from tumorabm.config.clone_blocks import CloneBlock
from tumorabm.errors import InputError
from tumorabm.processes import registered
from tumorabm.processes.dosing.schedule import dose_events
from tumorabm.processes.mechanisms import MECHANISMS
from tumorabm.recording.outputs import registered_outputs
from tumorabm.tissue.lattice import FIXED, NO_FLUX, PERIODIC

ROOT = Path(__file__).parents[2]
FIRST_LINE = ROOT / "configs" / "experiments" / "sunitinib_first_line.yaml"
EXPERIMENTS = sorted((ROOT / "configs" / "experiments").rglob("*.yaml"))


def small(**changes: Any) -> dict[str, Any]:
    """An experiment as a mapping."""
    return {
        "name": "small",
        "duration": "20 d",
        "time_step": "2 h",
        "lattice": {"shape": [60, 60], "spacing": "20 um"},
        "sets": {"kinetics": "xenograft", "literature": "primary", "targets": "cellular"},
        "clones": [{"name": "founder", "vhl": "mutated"}],
        "cells": [{"shape": "disc", "radius": "100 um"}],
        **changes,
    }


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_valid(path: Path) -> None:
    experiment = load_experiment(path)
    assert experiment.name == path.stem
    assert experiment.duration > 0.0


def test_every_mechanism_has_an_experiment_that_shows_it() -> None:
    """What they show is measured in tests/validation/mechanism_effects.py."""
    folder = ROOT / "configs" / "experiments" / "mechanisms"
    assert {path.stem for path in folder.glob("*.yaml")} == set(MECHANISMS)
    for path in sorted(folder.glob("*.yaml")):
        assert load_experiment(path).mechanisms[path.stem], path.stem


def test_first_line_sunitinib_in_internal_units() -> None:
    experiment = load_experiment(FIRST_LINE)
    assert (experiment.burn_in, experiment.duration, experiment.time_step) == (90 * 24.0, 365 * 24.0, 2.0)
    assert experiment.drugs == ("sunitinib",)
    assert experiment.sentences() == ("sunitinib 50 mg every day, 28 days on, 14 days off, from day 0",)
    times, amounts = dose_events(experiment.regimens()[0], 0.0, 42 * 24.0)
    assert times.tolist() == [24.0 * day for day in range(28)]
    assert set(amounts.tolist()) == {50.0}
    assert experiment.value("cell_types.tumor.birth_rate", "1/d") == pytest.approx(0.020)
    assert experiment.vessels.spacing == experiment.value("cell_types.endothelial.host_vessel_spacing", "um")


def test_what_is_on_and_recorded_by_default() -> None:
    experiment = load_experiment(small())
    assert set(experiment.processes) == set(registered())
    # Without mutations their process has nothing to do.
    usual = {name for name, kind in registered().items() if kind.default and not kind.asked_for_by}
    assert set(experiment.active_processes()) == usual
    outputs = registered_outputs()
    there = set(experiment.all_substrates)
    assert set(experiment.record.outputs) <= set(outputs)
    possible = {
        name
        for name, output in outputs.items()
        if set(output.substrates) <= there and set(output.processes) <= set(experiment.processes)
    }
    assert set(experiment.record.outputs) == possible


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lattice": {"shape": [80, 60], "spacing": "20 um", "boundary": {"x": "periodic", "y_low": "fixed"}}},
        {"lattice": {"shape": [60, 50, 60], "spacing": "20 um"}, "cells": [{"shape": "sphere", "radius": "100 um"}]},
        {"cells": [{"shape": "box", "size": ["100 um", "0.2 mm"], "center": [0.3, "500 um"], "density": 0.5}]},
        {"vessels": {"network": "none"}},
        {"processes": {"migration": {"speed": "1 um/h"}, "necrosis": False}},
        {"catalog": {"substrates.oxygen.diffusivity": "1.8e-5 cm^2/s", "cell_types.tumor.adhesion": 1.5}},
        {
            "treatment": [
                {
                    "drug": "sunitinib",
                    "dose": "50 mg",
                    "every": "1 d",
                    "on": "14 d",
                    "off": "7 d",
                    "cycles": 3,
                    "delays": [{"at": "10 d", "by": "3 d"}],
                    "changes": [{"at": "12 d", "dose": "37.5 mg"}],
                }
            ]
        },
        {
            "duration": "0.1 months",
            "time_step": "0.002 months",
            "record": {"every": "0.01 month", "checkpoint": "0.1 month"},
        },
    ],
    ids=["plain", "faces", "3d", "box", "no vessels", "processes", "catalog", "treatment", "odd times"],
)
def test_resolving_is_a_fixed_point(changes: dict[str, Any], tmp_path: Path) -> None:
    experiment = load_experiment(small(**changes))
    path = tmp_path / "resolved.yaml"
    path.write_text(yaml.dump(experiment.resolved()))
    again = load_experiment(path)
    assert again.resolved() == experiment.resolved()
    assert again.config_hash == experiment.config_hash
    assert again.parameters() == experiment.parameters()
    assert again.model_dump(exclude={"processes"}) == experiment.model_dump(exclude={"processes"})
    assert json.loads(json.dumps(experiment.resolved())) == experiment.resolved()


def test_the_hash_knows_what_decides_on_the_data() -> None:
    reference = load_experiment(small()).config_hash
    same = [
        small(name="other"),
        small(description="text"),
        small(duration="480 h"),
        small(vessels={"spacing": "240 um"}),
    ]
    assert {load_experiment(content).config_hash for content in same} == {reference}
    other = [small(duration="21 d"), small(seed=2), small(processes={"necrosis": False}), small(treatment=[])]
    hashes = [load_experiment(content).config_hash for content in other]
    assert hashes[3] == reference
    assert reference not in hashes[:3] and len(set(hashes)) == 4


def test_extends_merges_and_null_removes(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(yaml.dump(small(treatment=[], burn_in="5 d", record={"frames": "5 d"})))
    (tmp_path / "child.yaml").write_text(
        "extends: base.yaml\nname: child\nlattice: {spacing: 30 um}\nburn_in: ~\nrecord: {frames: ~, every: 2 d}\n"
    )
    experiment = load_experiment(tmp_path / "child.yaml")
    assert experiment.name == "child"
    assert (experiment.lattice.spacing, experiment.lattice.shape) == (30.0, [60, 60])
    assert experiment.burn_in == 0.0
    assert (experiment.record.frames, experiment.record.every) == (None, 48.0)


def test_a_name_comes_from_the_file_unless_given(tmp_path: Path) -> None:
    content = small()
    del content["name"]
    (tmp_path / "my_run.yaml").write_text(yaml.dump(content))
    (tmp_path / "arm.yaml").write_text("extends: my_run.yaml\nseed: 4\n")
    assert load_experiment(tmp_path / "my_run.yaml").name == "my_run"
    assert load_experiment(tmp_path / "arm.yaml").name == "arm"


def test_settings_come_last() -> None:
    settings = [
        "treatment[0].dose=37.5 mg",
        "catalog.substrates.oxygen.diffusivity=2100 um^2/s",
        "processes.migration.speed=1 um/h",
        "duration=24 months",
        "cells[0].radius=200 um",
    ]
    experiment = load_experiment(FIRST_LINE, settings)
    assert experiment.treatment[0].dose == 37.5
    assert experiment.value("substrates.oxygen.diffusivity", "um^2/s") == 2100.0
    assert experiment.parameters()["migration"]["speed"] == 1.0
    assert experiment.duration == 17532.0
    assert experiment.cells[0].radius == 200.0
    untreated = load_experiment(FIRST_LINE, ["treatment=[]"])
    assert untreated.sentences() == ("untreated",)


def test_a_loaded_experiment_can_be_changed() -> None:
    experiment = load_experiment(FIRST_LINE)
    changed = load_experiment(experiment, {"treatment": [], "time_step": "1 h"})
    assert (changed.drugs, changed.time_step) == ((), 1.0)
    assert (experiment.drugs, experiment.time_step) == (("sunitinib",), 2.0)
    overridden = load_experiment(small(catalog={"substrates.oxygen.vessel_oxygen": "20 mmHg"}))
    restored = load_experiment(overridden, {"catalog": None})
    assert restored.value("substrates.oxygen.vessel_oxygen", "mmHg") == load_experiment(small()).value(
        "substrates.oxygen.vessel_oxygen", "mmHg"
    )


def test_an_experiment_does_not_change_and_can_be_sent_elsewhere() -> None:
    experiment = load_experiment(small())
    with pytest.raises(ValueError, match="frozen"):
        experiment.seed = 3
    again = pickle.loads(pickle.dumps(experiment))
    assert isinstance(again, Experiment)
    assert again.resolved() == experiment.resolved()
    assert again.parameters() == experiment.parameters()


def test_lattices() -> None:
    flat = load_experiment(small()).make_lattice()
    assert (flat.shape, flat.spacing, flat.faces) == ((1, 60, 60), 20.0, (NO_FLUX,) * 6)
    boundary = {"x": "periodic", "y_low": "fixed"}
    lattice = {"shape": [60, 80], "spacing": "20 um", "boundary": boundary}
    faces = load_experiment(small(lattice=lattice)).make_lattice().faces
    assert faces == (NO_FLUX, NO_FLUX, FIXED, NO_FLUX, PERIODIC, PERIODIC)
    around = load_experiment(small(lattice={**lattice, "boundary": "periodic"})).make_lattice()
    assert around.faces == (NO_FLUX, NO_FLUX, *(PERIODIC,) * 4)
    content = small(
        lattice={"shape": [50, 60, 70], "spacing": "20 um", "boundary": "periodic"},
        cells=[{"shape": "sphere", "radius": "100 um"}],
    )
    solid = load_experiment(content).make_lattice()
    assert (solid.shape, solid.faces) == ((50, 60, 70), (PERIODIC,) * 6)


def test_centers_and_sizes_are_in_micrometers_with_z_first() -> None:
    cells = [
        {"shape": "disc", "radius": "100 um"},
        {"shape": "disc", "radius": "100 um", "center": [0.25, "0.9 mm"]},
        {"shape": "box", "size": ["100 um", "200 um"]},
    ]
    items = load_experiment(small(cells=cells)).cells
    assert items[0].center is None
    assert items[1].center == (10.0, 300.0, 900.0)
    assert items[2].size == (20.0, 100.0, 200.0)


def test_a_shape_may_cross_a_periodic_face() -> None:
    cells = [{"shape": "disc", "radius": "100 um", "center": [0.5, 0.0]}]
    with pytest.raises(ExperimentError, match="outside the domain"):
        load_experiment(small(cells=cells))
    lattice = {"shape": [60, 60], "spacing": "20 um", "boundary": {"x": "periodic"}}
    assert load_experiment(small(cells=cells, lattice=lattice)).cells[0].center == (10.0, 600.0, 0.0)
    with pytest.raises(ExperimentError, match="outside the domain"):
        load_experiment(small(cells=[{**cells[0], "center": ["0.6 mm", "3 mm"]}], lattice=lattice))


@pytest.mark.parametrize(
    ("item", "sites"),
    [
        ({"shape": "disc", "radius": "14 um"}, 0),  # the middle is the corner of four sites, 14.1 um from their centers
        ({"shape": "disc", "radius": "15 um"}, 4),
        ({"shape": "box", "size": ["19 um", "100 um"]}, 0),
        ({"shape": "box", "size": ["21 um", "21 um"]}, 4),
        ({"shape": "disc", "radius": "1 um", "center": ["610 um", "0.63 mm"]}, 1),
    ],
)
def test_a_shape_holds_the_center_of_a_site(item: dict[str, Any], sites: int) -> None:
    """As many as ``shape_sites`` finds; none is an error."""
    content = small(cells=[item], lattice={"shape": [60, 60], "spacing": "20 um", "boundary": "no_flux"})
    if sites == 0:
        with pytest.raises(ExperimentError, match="holds the center of no site; sites are 20 um apart"):
            load_experiment(content)
        return
    experiment = load_experiment(content)
    found = experiment.cells[0]
    lattice = experiment.make_lattice()
    assert shape_sites(lattice, found.shape, found.center, found.radius, found.size).size == sites


def test_tables_are_found_beside_the_file_that_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "cells.csv").write_text("x,y,genotype\n100,120,founder\n")
    table = {"path": "cells.csv", "clone": "genotype"}
    (folder / "base.yaml").write_text(yaml.dump(small(cells=[{"table": table}])))
    (tmp_path / "mine.yaml").write_text("extends: there/base.yaml\n")
    experiment = load_experiment(tmp_path / "mine.yaml")
    found = experiment.cells[0].table
    assert found is not None
    assert found.path == (folder / "cells.csv").resolve()
    assert load_experiment(experiment.resolved()).config_hash == experiment.config_hash
    (folder / "cells.csv").write_text("x,y,genotype\n100,140,founder\n")
    with pytest.raises(ExperimentError, match="has changed since"):
        load_experiment(experiment.resolved())
    assert load_experiment(tmp_path / "mine.yaml").config_hash != experiment.config_hash


def test_a_narrow_domain_is_warned_of() -> None:
    experiment = load_experiment(small())
    assert len(experiment.warnings) == 1
    assert experiment.warnings[0].startswith("lattice.shape: 1200 um is only 5 times the vessels' spacing of 240 um")
    beyond = load_experiment(small(catalog={"substrates.oxygen.diffusivity": "9000 um^2/s"}))
    assert any("lies outside its range" in warning for warning in beyond.warnings)


def test_continuous_dosing() -> None:
    treatment = [{"drug": "sunitinib", "dose": "37.5 mg", "every": "1 d"}]
    experiment = load_experiment(small(treatment=treatment))
    regimen = experiment.regimens()[0]
    assert math.isinf(regimen.on) and math.isinf(regimen.end)
    assert experiment.sentences() == ("sunitinib 37.5 mg every day, continuously, from day 0",)


def test_every_state_of_vhl_is_an_alteration_or_none() -> None:
    states = get_args(CloneBlock.model_fields["vhl"].annotation)
    assert states == ("wild_type", "mutated", "methylated")
    genotypes = {vhl: CloneBlock(name="x", vhl=vhl, alterations=["pten_loss"]).genotype for vhl in states}
    assert genotypes == {
        "wild_type": ("pten_loss",),
        "mutated": ("vhl_mutated", "pten_loss"),
        "methylated": ("vhl_methylated", "pten_loss"),
    }
    assert {name for genotype in genotypes.values() for name in genotype} <= set(load_catalog().names("alterations"))


def test_no_value_that_the_model_reads_is_a_validation_target() -> None:
    experiment = load_experiment(small())
    with pytest.raises(InputError, match="validation target"):
        experiment.value("substrates.oxygen.measured_median", "mmHg")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (['signaling.tumor.inputs={oxygen: "1 mmHg"}'], "the field of oxygen says what cells receive"),
        (
            ["processes.tumor_signaling=false", "signaling.tumor.clamp={akt: 0.5}"],
            "tumor_signaling is off, so this has",
        ),
        (
            ["processes.nutrient_supply=false"],
            "without nutrient_supply tissue takes up what it holds",
        ),
        (
            ["processes.tumor_signaling=false", "processes.endothelial_signaling=false", 'exposure={torin1: "2 nM"}'],
            "torin1 acts on nothing that runs here, but on mtorc1, mtorc2",
        ),
        (
            ["mechanisms.t_cells=false", "treatment=[{drug: il2, dose: 2.6 mg, every: 8 h}]"],
            "il2 acts on nothing that runs here, but on t_cell_killing, t_cell_recruitment",
        ),
    ],
)
def test_settings_of_signaling_that_do_nothing_are_told(settings: list[str], told: str) -> None:
    experiment = load_experiment(ROOT / "configs" / "experiments" / "untreated.yaml", settings)
    assert any(told in warning for warning in experiment.warnings), experiment.warnings


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("catalog.networks.rcc_figure1.s6k_to_pi3k_weight=3", "3 must be at most 1"),
        ("catalog.networks.rcc_figure1.pi3k_time=0 h", "0 must be above 0"),
        ("catalog.networks.rcc_figure1.s6k_to_pi3k_exponent=0", "0 must be above 0"),
        ("catalog.alterations.tsc_loss.tsc_level=-1", "-1 must be 0 or more"),
    ],
)
def test_numbers_that_the_equation_does_not_allow_are_refused(setting: str, told: str) -> None:
    clones = "clones=[{name: a, fraction: 1.0, vhl: mutated, alterations: [tsc_loss]}]"
    with pytest.raises(InputError) as caught:
        load_experiment(ROOT / "configs" / "experiments" / "untreated.yaml", [setting, clones])
    assert [told in str(problem) for problem in caught.value.problems] == [True]
