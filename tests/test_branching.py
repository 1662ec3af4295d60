"""What a branch takes over from its parent where their experiments differ."""

from __future__ import annotations

import numpy as np
import pytest
from short_run import short

from tumorabm.errors import InputError
from tumorabm.processes.resistance.held_drugs import drug_columns
from tumorabm.run.branching import _check_inherited
from tumorabm.run.parts import relabeled


def test_drug_in_cells_stays_under_its_name_when_drugs_come_and_go() -> None:
    old, new = (drug_columns(names)[0] for names in (("everolimus", "sunitinib"), ("axitinib", "sunitinib")))
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(relabeled(values, old, new), [[0.0, 2.0], [0.0, 4.0]])


def test_a_branch_cannot_switch_what_cells_hold() -> None:
    with pytest.raises(InputError, match="cannot switch intracellular"):
        _check_inherited(short(), short("mechanisms.intracellular=false"))
    _check_inherited(short(), short("mechanisms.t_cells=false"))
