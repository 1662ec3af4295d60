"""Segments, run.h5 and checkpoints: what is written is read, and what cannot be read says so."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import xarray as xr
from same_data import same

from tumorabm.errors import InputError
from tumorabm.recording.checkpoint import LATEST, PREVIOUS, kept_name, read_checkpoint, write_checkpoint
from tumorabm.recording.layout import FORMAT, RUN, SEGMENT, read_records, write_records
from tumorabm.recording.outputs import registered_outputs
from tumorabm.recording.recorder import Recorder
from tumorabm.recording.records import Records, join
from tumorabm.recording.segments import consolidate, discard_after, read_all, write_segment

CONSTANTS = {"hypoxic_threshold": 5.0}
ATTRIBUTES = {"version": "1", "source_hash": "s", "history_hash": "c"}


def record(tissue, steps, *, outputs=None, from_step=-1, take_at=()) -> list[Records]:
    """Records of a tissue in which something changes every step, taken at some steps and at the end."""
    recorder = Recorder(
        tissue, outputs or list(registered_outputs()), CONSTANTS, every=2, frames=3, from_step=from_step
    )
    parts = []
    for step in steps:
        tissue.step_number, tissue.hours = step, 2.0 * step
        tissue.microenvironment["vegf_a"].concentration[:] = 0.01 * step
        tissue.ledger.book("oxygen", "source", 1.0)
        if step == 4:
            tissue.ledger.book("vegf_a", "decay", -3.0)
            tissue.clones.add("second", ("pten_loss", "vhl_methylated"), 0, step)
        recorder.observe(tissue)
        if step in take_at:
            parts.append(recorder.take(tissue))
    return [*parts, recorder.take(tissue)]


@pytest.mark.parametrize("kind", [SEGMENT, RUN])
def test_what_is_written_is_read(tissue, tmp_path, kind) -> None:
    (records,) = record(tissue, range(8))
    write_records(tmp_path / "x.h5", records, kind)
    same(read_records(tmp_path / "x.h5", kind), records)
    assert records.steps.tolist() == [0, 2, 4, 6]
    assert [frame.step for frame in records.frames] == [0, 3, 6]
    frame = records.frames[0]
    assert np.all(np.diff(frame.cells()["uid"].astype(float)) > 0)
    assert frame.vessels().shape == (23, 2)
    assert list(tmp_path.iterdir()) == [tmp_path / "x.h5"]


def test_the_names_of_components_survive_every_way_into_the_run_file(make, tmp_path) -> None:
    """From memory, from segments, and from segments joined to an earlier run.h5."""
    (tmp_path / "segments").mkdir()
    for part in record(make(), range(12), take_at=(4, 7)):
        write_segment(tmp_path, part)
    for until, frames in ((7, 3), (11, 4)):
        consolidate(tmp_path, until)
        with h5py.File(tmp_path / "run.h5") as file:
            assert len(file["cells"]) == frames
            for cells in file["cells"].values():
                assert cells["network"].attrs["components"].tolist() == ["akt", "mtorc1", "hif2a"]
                assert cells["other_network"].attrs["components"].tolist() == ["erk", "s6k"]


def test_frames_from_before_a_branch_with_another_network_get_no_wrong_names(tissue, tmp_path) -> None:
    (records,) = record(tissue, range(4))
    records.frames[0].columns["network"] = records.frames[0].columns["network"][:, :2]
    write_records(tmp_path / "run.h5", records, RUN)
    same(read_records(tmp_path / "run.h5", RUN), records)
    with h5py.File(tmp_path / "run.h5") as file:
        assert "components" not in file["cells/00000000/network"].attrs
        assert file["cells/00000003/network"].attrs["components"].tolist() == ["akt", "mtorc1", "hif2a"]


def test_columns_recorded_without_names_of_components_are_written(tissue, tmp_path) -> None:
    (records,) = record(tissue, range(4))
    for entry in records.manifest["columns"].values():
        del entry["labels"]
    write_records(tmp_path / "run.h5", records, RUN)
    same(read_records(tmp_path / "run.h5", RUN), records)


@pytest.mark.parametrize("kind", [SEGMENT, RUN])
def test_nothing_recorded_is_written_and_read(tissue, tmp_path, kind) -> None:
    tissue.cells.keep(np.zeros(tissue.cells.n, dtype=bool))
    tissue.vasculature.links[:] = 0
    for steps in ([], [0]):
        (records,) = record(tissue, steps)
        write_records(tmp_path / "x.h5", records, kind)
        same(read_records(tmp_path / "x.h5", kind), records)


def test_segments_and_run_file_give_the_same_as_one_piece(make, tmp_path) -> None:
    whole = record(make(), range(12))[0]
    (tmp_path / "segments").mkdir()
    for part in record(make(), range(12), take_at=(0, 4, 7)):
        write_segment(tmp_path, part)
    same(read_all(tmp_path), whole)
    consolidate(tmp_path, 7)
    assert [path.name for path in sorted((tmp_path / "segments").iterdir())] == ["0000000011.h5"]
    assert read_records(tmp_path / "run.h5", RUN).to_step == 7
    same(read_all(tmp_path), whole)
    consolidate(tmp_path, 11)
    assert not list((tmp_path / "segments").iterdir())
    same(read_all(tmp_path), whole)
    discard_after(tmp_path, 5)
    same(read_all(tmp_path), whole.until(5))


def test_a_crash_between_consolidation_and_removal_doubles_nothing(make, tmp_path) -> None:
    (tmp_path / "segments").mkdir()
    parts = record(make(), range(12), take_at=(4, 7))
    for part in parts:
        write_segment(tmp_path, part)
    whole = read_all(tmp_path)
    consolidate(tmp_path, 11)
    for part in parts:
        write_segment(tmp_path, part)
    same(read_all(tmp_path), whole)


def test_a_missing_segment_is_said(make, tmp_path) -> None:
    (tmp_path / "segments").mkdir()
    paths = [write_segment(tmp_path, part) for part in record(make(), range(12), take_at=(4, 7))]
    paths[1].unlink()
    with pytest.raises(InputError, match="begins after step 7, but what comes before it is missing"):
        read_all(tmp_path)


def test_a_branch_may_record_more_than_its_parent(make, tmp_path) -> None:
    tissue = make()
    (first,) = record(tissue, range(4), outputs=["tumor_cells"])
    (second,) = record(tissue, range(4, 8), outputs=["tumor_cells", "lesion_cells"], from_step=3)
    joined = join([first, second])
    assert np.isnan(joined.series["lesion_cells"][:2]).all() and (joined.series["lesion_cells"][2:] > 0).all()
    assert joined.ledger["vegf_a/decay"].tolist() == [0.0, 0.0, -3.0, -3.0]
    write_records(tmp_path / "run.h5", joined, RUN)
    same(read_records(tmp_path / "run.h5", RUN), joined)


def test_a_field_that_came_with_a_branch_is_no_number_before(tissue, tmp_path) -> None:
    (records,) = record(tissue, range(8))
    del records.frames[0].fields["vegf_a"]
    write_records(tmp_path / "run.h5", records, RUN)
    frames = read_records(tmp_path / "run.h5", RUN).frames
    assert np.isnan(frames[0].field("vegf_a")).all()
    assert np.isfinite(frames[1].field("vegf_a")).all()


def test_xarray_opens_every_group_with_labels(tissue, tmp_path) -> None:
    (records,) = record(tissue, range(8))
    path = tmp_path / "run.h5"
    write_records(path, records, RUN)
    with xr.open_dataset(path, group="timeseries", engine="h5netcdf") as rows:
        assert rows.time.values.tolist() == [0.0, 4.0, 8.0, 12.0]
        assert rows.time.attrs["units"] == "h"
        assert rows.lesion_diameter.dims == ("time",)
        assert rows.lesion_diameter.attrs["units"] == "um" and rows.lesion_diameter.attrs["long_name"]
        assert rows.oxygen_lesion_quantiles.dims == ("time", "quantile")
        assert rows["quantile"].values.tolist() == [0.05, 0.25, 0.5, 0.75, 0.95]
        np.testing.assert_array_equal(rows.tumor_cells, records.series["tumor_cells"])
    with xr.open_dataset(path, group="fields", engine="h5netcdf") as fields:
        assert fields.oxygen.dims == ("time", "z", "y", "x")
        assert fields.oxygen.shape == (3, 1, 20, 24)
        assert fields.x.values[:2].tolist() == [10.0, 30.0] and fields.x.attrs["units"] == "um"
        assert fields.oxygen.attrs["units"] == "mmHg"
        np.testing.assert_array_equal(fields.oxygen[1], records.frames[1].field("oxygen"))
    with xr.open_dataset(path, group="cells/00000003", engine="h5netcdf") as cells:
        assert cells.state.dims == ("uid",)
        np.testing.assert_array_equal(cells.uid, records.frames[1].cells()["uid"])
        assert cells.direction.shape == (tissue.cells.n, 3)
        assert "components" not in cells.direction.attrs and "components" not in cells.state.attrs
        for name in ("network", "other_network"):
            components = tissue.cells.specs[name].labels
            assert tuple(cells[name].attrs["components"]) == components
            assert cells[name].shape == (tissue.cells.n, len(components))
            for place in range(len(components)):
                np.testing.assert_array_equal(cells[name][:, place], records.frames[1].cells()[name][:, place])
    for group in ("vessels/00000003", "ledger/oxygen", "clones"):
        with xr.open_dataset(path, group=group, engine="h5netcdf") as dataset:
            assert dataset.sizes
    with xr.open_dataset(path, group="ledger/oxygen", engine="h5netcdf") as ledger:
        assert ledger.source.dims == ("time",) and ledger.time.size == 4


# --- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_checkpoint_brings_the_tissue_back(make, tmp_path) -> None:
    tissue, other = make(), make(radius=2.0)
    record(tissue, range(6))
    write_checkpoint(tmp_path / LATEST, tissue.state(), {}, ATTRIBUTES)
    checkpoint = read_checkpoint(tmp_path / LATEST)
    assert (checkpoint.step, checkpoint.hours, checkpoint.attributes) == (5, 10.0, ATTRIBUTES)
    assert other.digests() != tissue.digests()
    other.load(checkpoint.state)
    assert other.digests() == tissue.digests()
    for name, value in tissue.state().items():
        assert np.asarray(checkpoint.state[name]).dtype == np.asarray(value).dtype, name


def test_the_latest_checkpoint_becomes_the_previous_one(tissue, tmp_path) -> None:
    for step in (1, 2, 3):
        tissue.step_number = step
        write_checkpoint(tmp_path / LATEST, tissue.state(), {}, ATTRIBUTES)
    assert read_checkpoint(tmp_path / LATEST).step == 3
    assert read_checkpoint(tmp_path / PREVIOUS).step == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_names_of_kept_checkpoints() -> None:
    assert kept_name(90 * 24.0) == "checkpoint-0090d.h5"
    assert kept_name(90 * 24.0 + 6) == "checkpoint-0090d06h.h5"


def _truncate(path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path) -> None:
    """Change one number of the state, as a bad disk would."""
    with h5py.File(path, "r+") as file:
        file["state/microenvironment/oxygen/concentration"][0, 3, 4] += 1e-9


def _foreign(path) -> None:
    with h5py.File(path, "w") as file:
        file["temperature"] = np.arange(3)


def _later(path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["tumorabm_format"] = FORMAT + 1


def _other_kind(path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["tumorabm_kind"] = RUN


def _incomplete(path) -> None:
    with h5py.File(path, "r+") as file:
        del file["numbers"]


def _folder(path) -> None:
    path.unlink()
    path.mkdir()


BROKEN = [
    (_truncate, "damaged, truncated or no HDF5 file"),
    (lambda path: path.write_bytes(b""), "damaged, truncated or no HDF5 file"),
    (lambda path: path.write_text("name: not hdf5\n"), "damaged, truncated or no HDF5 file"),
    (_flip, "content is not what was written"),
    (_foreign, "is an HDF5 file, but not one of tumorabm"),
    (_later, f"has format {FORMAT + 1}, this version of tumorabm reads format {FORMAT}"),
    (_other_kind, "is a run of tumorabm, expected a checkpoint"),
    (_incomplete, "damaged, truncated"),
    (_folder, "cannot be read"),
    (lambda path: path.unlink(), "there is no such file"),
]


@pytest.mark.parametrize(("damage", "message"), BROKEN)
def test_a_checkpoint_that_cannot_be_used_says_why(tissue, tmp_path, damage, message) -> None:
    path = tmp_path / "checkpoint.h5"
    write_checkpoint(path, tissue.state(), {}, ATTRIBUTES)
    assert read_checkpoint(path).step == 0
    damage(path)
    with pytest.raises(InputError, match=message) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", [SEGMENT, RUN])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "damaged, truncated or no HDF5 file"),
        (_foreign, "not one of tumorabm"),
        (_later, "has format"),
        (lambda path: path.write_bytes(b"\0" * 4096), "damaged, truncated or no HDF5 file"),
    ],
)
def test_records_that_cannot_be_used_say_why(tissue, tmp_path, kind, damage, message) -> None:
    path = tmp_path / "x.h5"
    write_records(path, record(tissue, range(4))[0], kind)
    damage(path)
    with pytest.raises(InputError, match=message):
        read_records(path, kind)


@pytest.mark.parametrize("kind", [SEGMENT, RUN])
def test_a_flipped_byte_of_a_field_is_noticed(tissue, tmp_path, kind) -> None:
    path = tmp_path / "x.h5"
    write_records(path, record(tissue, range(4))[0], kind)
    with h5py.File(path) as file:
        chunk = file["fields/oxygen"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(content)
    records = read_records(path, kind)
    with pytest.raises(InputError, match="damaged"):
        records.frames[0].field("oxygen")


def test_a_damaged_file_is_refused_whatever_byte_is_hit(tissue, tmp_path) -> None:
    """Every byte flipped in turn (a sample): the state comes back as it was, or an InputError; nothing else."""
    path = tmp_path / "checkpoint.h5"
    state = tissue.state()
    write_checkpoint(path, state, {}, ATTRIBUTES)
    whole = path.read_bytes()
    refused = 0
    for position in np.random.default_rng(2).integers(0, len(whole), 150):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            got = read_checkpoint(path).state
        except InputError:
            refused += 1
            continue
        for name, value in state.items():
            np.testing.assert_array_equal(got[name], value)
    assert refused > 50
