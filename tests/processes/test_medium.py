"""Culture medium: what it does to a field, and what it is refused for."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import OXYGEN, SETS, VEGF, advance_only, bare_tissue, put_tumor
from short_run import short

from tumorabm.catalog import load_catalog
from tumorabm.errors import InputError
from tumorabm.processes import registered
from tumorabm.processes.process import Choice

CATALOG = load_catalog()


def under_medium(oxygen: float, layer: float) -> float:
    """Oxygen at a full layer of tumor cells under a medium, mmHg."""
    choice = Choice(SETS, substrates=("oxygen", "vegf_a"), medium={"oxygen": oxygen})
    names = ("oxygen_consumption", "medium", "field_solve")
    given = {"medium": {"layer": layer}}
    processes = [registered()[name].from_catalog(CATALOG, choice, given.get(name)) for name in names]
    tissue = bare_tissue((1, 8, 8), processes=processes, substrates=(OXYGEN, VEGF))
    put_tumor(tissue, np.arange(64))
    advance_only(tissue, processes, 2.0)
    return float(tissue.microenvironment["oxygen"].concentration.mean())


@pytest.mark.parametrize("layer", [10.0, 100.0])
def test_cells_take_what_the_layer_lets_through(layer: float) -> None:
    """What crosses the layer is what is consumed: D (c_m - c)/(δ h) = M c/(c + K)."""
    consumption = CATALOG.get("cell_types.tumor.oxygen_consumption", "mmHg/h", SETS)
    diffusivity = CATALOG.get("substrates.oxygen.diffusivity", "um^2/h", SETS)
    found = under_medium(30.0, layer)
    crossing = diffusivity * (30.0 - found) / (layer * 20.0)
    assert crossing == pytest.approx(consumption * found / (found + OXYGEN.half_saturation), rel=1e-3)
    assert found < 30.0


def test_a_thinner_layer_holds_oxygen_closer_to_the_medium() -> None:
    assert under_medium(30.0, 100.0) < under_medium(30.0, 10.0) < 30.0


def test_without_a_medium_there_is_no_such_process() -> None:
    assert "medium" not in short("medium={}").active_processes()
    with_one = short("medium={oxygen: 40 mmHg}")
    assert "medium" in with_one.active_processes() and with_one.choice().medium == {"oxygen": 40.0}
    assert with_one.resolved()["medium"] == {"oxygen": "40 mmHg"}


@pytest.mark.parametrize(
    ("medium", "said"),
    [
        ("{oxigen: 40 mmHg}", "no substrate of the catalog; did you mean 'oxygen'"),
        ("{oxygen: 40 nM}", "oxygen"),
        ("{oxygen: -1 mmHg}", "must be 0 or more"),
        ("{plgf: 1 nM}", "none of the experiment's substrates"),
        ("{matrix: '1'}", "does not spread"),
        ("[oxygen]", "expected a mapping"),
    ],
)
def test_what_a_medium_cannot_hold_is_said(medium: str, said: str) -> None:
    settings = (f"medium={medium}", "mechanisms={all: false}")
    with pytest.raises(InputError, match=said):
        short(*settings)
