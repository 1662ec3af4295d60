"""What tests of sweeps share."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_sweep import ended, parent, prepared


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small sweep, carried out with nothing in its way. Read only."""
    folder = prepared(tmp_path_factory.mktemp("undisturbed"))
    told = ended(parent(folder), timeout=300.0)
    assert told["status"] == 0, told["errors"]
    return folder
