"""Clones in what a run leaves: their census, diversity, and that clones which come up change no list of series."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, put_tumor
from hypothesis import given, settings
from hypothesis import strategies as st
from same_data import same

from tumorabm.recording.layout import RUN, SEGMENT, read_records, write_records
from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import registered_outputs, series_of
from tumorabm.recording.recorder import Recorder
from tumorabm.recording.records import Census, join
from tumorabm.tissue.cells import NECROTIC
from tumorabm.tissue.tissue import Tissue

NAMES = [name for name, item in registered_outputs().items() if item.function.__module__.endswith("clone_outputs")]


def tissue_of(sizes: list[int], dead: int = 0) -> Tissue:
    """Clones of given numbers of living cells; the first two began the tumor, the third came later."""
    tissue = bare_tissue((1, 1, max(sum(sizes) + dead, 1)), substrates=())
    for row in range(len(sizes)):
        tissue.clones.add(f"c{row}", (), -1 if row < 2 else 0)
    clone = np.repeat(np.arange(len(sizes)), sizes)
    put_tumor(tissue, np.arange(clone.size), clone=clone)
    if dead:
        put_tumor(tissue, np.arange(clone.size, clone.size + dead), clone=0, state=NECROTIC)
    return tissue


def values(tissue: Tissue) -> dict[str, float]:
    measurement = Measurement(tissue, {})
    return {series.name: series.value(measurement) for series in series_of(NAMES, tissue)}


def test_diversity_of_living_cells() -> None:
    tissue = tissue_of([6, 0, 3, 1], dead=5)
    tissue.clones.intravasated[:] = [5, 2, 1, 0]
    got = values(tissue)
    p = np.array([0.6, 0.3, 0.1])
    assert got["clones"] == 3 and got["largest_clone_share"] == 0.6
    assert got["shannon_diversity"] == pytest.approx(-(p * np.log(p)).sum(), rel=1e-14)
    assert got["simpson_diversity"] == pytest.approx(1.0 - (p**2).sum(), rel=1e-14)
    assert [got[f"c{row}_clone_cells"] for row in range(2)] == [6, 0]
    assert [got[f"c{row}_clone_intravasated_cells"] for row in range(2)] == [5, 2]
    assert "c2_clone_cells" not in got, "else a resumed run would have more series"


def test_one_clone_and_none() -> None:
    one = values(tissue_of([4]))
    assert (one["clones"], one["shannon_diversity"], one["simpson_diversity"]) == (1, 0.0, 0.0)
    assert not np.signbit(one["shannon_diversity"])
    none = values(tissue_of([0]))
    assert none["clones"] == 0
    assert all(np.isnan(none[name]) for name in ("shannon_diversity", "simpson_diversity", "largest_clone_share"))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=8))
def test_bounds_of_diversity(sizes: list[int]) -> None:
    got = values(tissue_of(sizes))
    if sum(sizes):
        assert -1e-12 <= got["shannon_diversity"] <= np.log(got["clones"]) + 1e-12
        assert -1e-12 <= got["simpson_diversity"] <= 1.0 - 1.0 / got["clones"] + 1e-12
        assert 1.0 / got["clones"] <= got["largest_clone_share"] <= 1.0


def recorded(tissue: Tissue, steps: range, from_step: int = -1):
    recorder = Recorder(tissue, NAMES, {}, every=2, frames=0, from_step=from_step)
    for step in steps:
        tissue.step_number, tissue.hours = step, 2.0 * step
        if step == 3:
            row = tissue.clones.add("", ("neutral",), 0, step, key=5, site=1)
            tissue.cells["clone"][:2] = row
        recorder.observe(tissue)
    return recorder.take(tissue)


@pytest.mark.parametrize("kind", [SEGMENT, RUN])
def test_the_census_is_written_and_read(tmp_path, kind: str) -> None:
    records = recorded(tissue_of([3, 1]), range(6))
    write_records(tmp_path / "x.h5", records, kind)
    same(read_records(tmp_path / "x.h5", kind), records)
    census = records.census
    assert census.step.tolist() == [0, 0, 2, 2, 4, 4, 4]
    assert [key.dtype.str for key in census] == ["<i8", "<u8", "<i8"]
    at_end = dict(zip(census.key[4:].tolist(), census.cells[4:].tolist(), strict=True))
    keys = records.clones["key"].tolist()
    assert at_end == {keys[0]: 1, keys[1]: 1, 5: 2}
    assert (np.diff(census.key[4:].astype(float)) > 0).all()


def test_a_census_is_cut_and_joined() -> None:
    tissue = tissue_of([3, 1])
    first, second = recorded(tissue, range(3)), recorded(tissue, range(3, 6), 2)
    whole = recorded(tissue_of([3, 1]), range(6))
    same(join([first, second]), whole)
    until = whole.until(2)
    assert until.census.step.tolist() == [0, 0, 2, 2] and until.clones["key"].size == 2
    assert Census.of([]).key.dtype == np.uint64


def test_nobody_alive_makes_an_empty_census(tmp_path) -> None:
    records = recorded(tissue_of([0, 0]), range(2))
    write_records(tmp_path / "x.h5", records, RUN)
    assert read_records(tmp_path / "x.h5", RUN).census.step.size == 0
