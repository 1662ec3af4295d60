"""Overrides of the catalog that nobody reads, or that what follows from them does not follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare_tissue import SETS

from tumorabm.build import build
from tumorabm.config import Experiment, load_experiment
from tumorabm.config.contents import catalog_reads
from tumorabm.config.overrides import derived_from
from tumorabm.recording.outputs import constants_of

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted((ROOT / "configs" / "experiments").rglob("*.yaml"))


def overridden(small_config: Path, **catalog: str) -> Experiment:
    return load_experiment(
        small_config, {f"catalog.{path.replace('__', '.')}": value for path, value in catalog.items()}
    )


def about(experiment: Experiment, path: str) -> list[str]:
    return [warning for warning in experiment.warnings if warning.startswith(f"catalog.{path}: ")]


@pytest.mark.parametrize("network", ["capillary_mesh", "none"])
def test_what_is_said_to_be_read_is_what_building_reads(small_config: Path, network: str) -> None:
    experiment = load_experiment(small_config, {"vessels": {"network": network}})
    fresh = experiment.with_fresh_catalog()
    build(fresh)
    constants_of(fresh.catalog, fresh.sets, fresh.choice().mechanisms)
    spacings = {f"cell_types.endothelial.{name}" for name in ("host_vessel_spacing", "arteriole_spacing")}
    # Loading writes the spacings of the catalog into the experiment, so building need not ask for them.
    assert catalog_reads(experiment) - spacings == fresh.catalog.paths_read
    assert catalog_reads(experiment) & spacings == (spacings if network == "capillary_mesh" else set())


def test_an_override_that_nothing_reads_is_told_with_what_is_read(small_config: Path) -> None:
    path = "drugs.sunitinib.diffusivity"
    (warning,) = about(overridden(small_config, drugs__sunitinib__diffusivity="1 um^2/s"), path)
    assert warning == (
        f"catalog.{path}: nothing in this experiment reads it; it reads drugs.sunitinib.diffusivity_free"
    )
    untreated = load_experiment(small_config, {"treatment": [], "catalog.drugs.sunitinib.diffusivity_free": "1 um^2/s"})
    (warning,) = about(untreated, "drugs.sunitinib.diffusivity_free")
    assert warning.endswith("nothing in this experiment reads it; it reads nothing of drugs.sunitinib")
    off = load_experiment(
        small_config, {"processes": {"birth": False}, "catalog.cell_types.tumor.birth_oxygen_half": "9 mmHg"}
    )
    (warning,) = about(off, "cell_types.tumor.birth_oxygen_half")
    assert (
        "of cell_types.tumor it reads adhesion, apoptosis_rate, " in warning or "it reads cell_types.tumor." in warning
    )


def test_an_override_that_is_read_is_not_told(small_config: Path) -> None:
    experiment = overridden(
        small_config, drugs__sunitinib__vessel_permeability="1 um/s", cell_types__tumor__necrosis_rate="0.1 1/h"
    )
    assert not [warning for warning in experiment.warnings if warning.startswith("catalog.")]


def test_a_spacing_of_the_catalog_is_read_unless_the_experiment_gives_another(small_config: Path) -> None:
    path = "cell_types.endothelial.host_vessel_spacing"
    changes = {"vessels": {"network": "capillary_mesh"}, f"catalog.{path}": "150 um"}
    experiment = load_experiment(small_config, changes)
    assert experiment.vessels.spacing == 150.0
    assert about(experiment, path) == []
    assert about(load_experiment(experiment), path) == []
    assert len(about(overridden(small_config, cell_types__endothelial__host_vessel_spacing="150 um"), path)) == 1


def test_derived_values_that_do_not_follow_are_named(small_config: Path) -> None:
    path = "cell_types.tumor.apoptosis_rate"
    changes = {"sets.kinetics": "xenograft", f"catalog.{path}": "0.1 1/d"}
    (warning,) = about(load_experiment(small_config, changes), path)
    assert warning == (
        f"catalog.{path}: derived from it, but not changed with it: cell_types.tumor.birth_rate (0.243 1/d); "
        "override the value as well"
    )
    both = load_experiment(small_config, {**changes, "catalog.cell_types.tumor.birth_rate": "0.3 1/d"})
    assert about(both, path) == []
    # In patients the birth rate was measured by itself, and the apoptosis rate follows from it.
    patient = load_experiment(small_config, {"sets.kinetics": "patient_metastasis", f"catalog.{path}": "0.013 1/d"})
    assert about(patient, path) == []


def test_parents_are_found_beside_and_by_their_full_path() -> None:
    experiment = load_experiment(EXPERIMENTS[0], {"sets": SETS})
    partition = [entry.path for entry in derived_from(experiment, "drugs.sunitinib.tissue_partition")]
    assert partition == ["drugs.sunitinib.tissue_total_over_unbound"]
    assert "cell_types.tumor.apoptosis_rate" in [
        entry.path for entry in derived_from(experiment, "cell_types.tumor.birth_rate")
    ]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_experiments_here_override_nothing_in_vain(path: Path) -> None:
    assert not [warning for warning in load_experiment(path).warnings if warning.startswith("catalog.")]
