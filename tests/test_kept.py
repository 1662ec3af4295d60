"""What is kept between processes saves time and changes nothing."""

from __future__ import annotations

import pickle
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
    whole = file.read_bytes()
    for content in (b"", whole[:-3], b"no pickle", whole[:-1] + bytes([whole[-1] ^ 1]), pickle.dumps([1])):
        file.write_bytes(content)
        assert Kept("thing", []).load() is None


def test_a_user_without_a_name_keeps_things_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("pwd.getpwuid", nobody)
    Kept("thing", []).save(1)
    assert Kept("thing", []).load() == 1
    assert cache_folder() == tmp_path / ".cache" / "tumorabm"


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert cache_folder().parent == tmp_path
    monkeypatch.setattr("os.getuid", lambda: 12345)
    (tmp_path / "tumorabm-12345").mkdir()
    with pytest.raises(OSError, match="cannot be written"):
        cache_folder()


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
