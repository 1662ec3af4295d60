"""What is kept between processes saves time and changes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tumorabm.kept import Kept, cache_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_found_again_until_a_source_changes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("one")
    assert Kept("thing", [source]).load() is None
    Kept("thing", [source]).save({"a": 1.5})
    assert Kept("thing", [source]).load() == {"a": 1.5}
    assert Kept("thing", [source], "2").load() is None and Kept("other", [source]).load() is None
    source.write_text("two")
    assert Kept("thing", [source]).load() is None


def test_a_damaged_file_is_as_none(tmp_path: Path, cache: Path) -> None:
    Kept("thing", []).save([1, 2])
    (file,) = cache.iterdir()
    for content in (b"", file.read_bytes()[:-3], b"no pickle"):
        file.write_bytes(content)
        assert Kept("thing", []).load() is None


def test_where_nothing_can_be_written_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/none")
    Kept("thing", []).save(1)
    assert Kept("thing", []).load() is None
    with pytest.raises(OSError, match="cannot be written"):
        cache_folder()


def test_a_second_process_gets_the_same_catalog_and_units_without_pint() -> None:
    code = (
        "import sys; from tumorabm import units; from tumorabm.catalog import load_catalog; catalog = load_catalog();"
        "print(sorted((path, repr(catalog.variants(path))) for path in catalog.paths()),"
        "repr(units.quantity('3 cm^2/s', 'um^2/h')), units.dimension('nM'));"
        "print('pint' in sys.modules, file=sys.stderr)"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)
    )
    assert first.stdout == second.stdout and "1080000000000" in first.stdout
    assert (first.stderr.strip(), second.stderr.strip()) == ("True", "False")
