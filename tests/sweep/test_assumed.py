"""Which values of the catalog a sensitivity analysis varies, and over what."""

from __future__ import annotations

from pathlib import Path

import pytest
from short_run import short as everything

from tumorabm.config import load_experiment
from tumorabm.config.contents import catalog_reads
from tumorabm.errors import InputError
from tumorabm.sweep.assumed import assumed_values

MAIN = Path(__file__).parents[2] / "configs" / "experiments" / "sunitinib_first_line.yaml"


ENGINE = ("mechanisms.all=false",)  # with all mechanisms there are several times as many values to try


def short(*overrides: str):
    """The short experiment of the engine alone."""
    return everything(*ENGINE, *overrides)


def test_all_that_is_assumed_and_read_is_varied() -> None:
    experiment = load_experiment(MAIN, ENGINE)
    values, left_out = assumed_values(experiment)
    reads = {path: experiment.catalog.entry(path, experiment.sets) for path in catalog_reads(experiment)}
    assumed = {path for path, entry in reads.items() if "assumed" in entry.source}
    of_networks = {path for path in assumed if path.startswith("networks.")}
    booked = {"drugs.sunitinib.pk_excreted_share"}  # tells entries of the ledger apart
    assert booked < assumed and left_out["sunitinib_pk_excreted_share"] == "nothing but the ledger depends on it"
    assert {value.entry.path for value in values} == assumed - of_networks - booked
    assert set(left_out) == {"networks", "sunitinib_pk_excreted_share"}
    assert str(len(of_networks)) in left_out["networks"]
    assert len(assumed - of_networks) > 50 and len(of_networks) > 200
    some = sorted(of_networks)[::25]  # all of them take minutes
    asked, left_out = assumed_values(experiment, some)
    assert [value.entry.path for value in asked] == some and left_out == {}
    values += asked
    for value in values:
        low, high = value.entry.range
        assert low <= value.low < value.high <= high
        assert value.logarithmic is (low > 0 and value.high / value.low > 10)
    untreated, _ = assumed_values(load_experiment(MAIN, ["treatment=[]"]))
    assert {value.label for value in values} - {value.label for value in untreated} >= {"sunitinib_vessel_permeability"}


def test_factors_say_path_range_and_scale() -> None:
    (radius, permeability), _ = assumed_values(short(), ["vessel_radius", "vessel_permeability"])
    assert radius.label == "endothelial_vessel_radius"
    assert radius.factor() == {
        "path": "catalog.cell_types.endothelial.vessel_radius",
        "range": ["4 um", "10 um"],
        "scale": "linear",
    }
    assert permeability.factor()["scale"] == "log"


@pytest.mark.parametrize(("targets", "expected"), [("cellular", (1.5, 10.0)), ("davis", (1.0, 10.0))])
def test_where_sources_disagree_the_chosen_range_holds(targets: str, expected: tuple[float, float]) -> None:
    (value,), _ = assumed_values(short(f"sets.targets={targets}"), ["sunitinib_vegfr2_inhibition"])
    assert (value.low, value.high) == expected


def test_an_end_that_the_experiment_cannot_have_is_not_reached() -> None:
    (value,), _ = assumed_values(load_experiment(MAIN, ENGINE), ["recolonization_rate"])
    assert (value.low, value.high) == (0.3, 2.0)
    assert value.notes == (
        "varied to 2 1/d only; at 3 1/d: '2 h' is too long for recolonization.rate of 0.125 1/h, which cannot "
        "sub-step; expected at most 1.6 h",
    )


def test_what_is_derived_and_stays_is_told() -> None:
    (value,), _ = assumed_values(short(), ["vegfr2_dissociation"])  # read in a text, but named
    (note,) = value.notes
    assert note.startswith("derived from it but not changed with it: cell_types.endothelial.migration_half, ")


def test_names_are_labels_paths_or_their_last_part() -> None:
    names = ["vegf_a_initial", "substrates.vegf_a.initial", "tumor_adhesion", "adhesion"]
    values, _ = assumed_values(short(), names)
    assert [value.label for value in values] == ["vegf_a_initial", "tumor_adhesion"]
    with pytest.raises(InputError) as error:
        assumed_values(short(), ["initial", "adhesoin", "spacing", "substrates.oxygen.hypoxic_threshold"])
    assert [str(problem) for problem in error.value.problems][:2] == [
        f"--factors: 'initial' is one of {', '.join(sorted(f'{name}_initial' for name in short().all_substrates))}",
        "--factors: 'adhesoin' is no value that the experiment reads; did you mean 'adhesion'?",
    ]
    with pytest.raises(InputError, match="hypoxic_threshold: the catalog gives no range"):
        assumed_values(short(), ["hypoxic_threshold"])
