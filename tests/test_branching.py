"""What a branch takes over from its parent where their experiments differ."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from short_run import SHORT, short

import tumorabm
from tumorabm import yaml
from tumorabm.config import load_experiment
from tumorabm.errors import InputError
from tumorabm.processes.resistance.held_drugs import drug_columns
from tumorabm.run import branch
from tumorabm.run.branching import _check_clones, _check_inherited
from tumorabm.run.parts import carried, relabeled
from tumorabm.tissue.cells import Column
from tumorabm.tissue.clones import Clones

NETWORKS = Path(tumorabm.__file__).parent / "catalog" / "networks"


def test_drug_in_cells_stays_under_its_name_when_drugs_come_and_go() -> None:
    old, new = (drug_columns(names)[0] for names in (("everolimus", "sunitinib"), ("axitinib", "sunitinib")))
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(relabeled(values, old, new), [[0.0, 2.0], [0.0, 4.0]])


def test_columns_that_changed_are_not_carried_but_for_labels_that_remain() -> None:
    old, new = (drug_columns(names)[0] for names in (("everolimus", "sunitinib"), ("sunitinib",)))
    same, gone, other = (Column(name, "1", "a test", "f8") for name in ("same", "gone", "other"))
    changed = replace(other, default=2.0)
    values = {"cells/drug_cytosol": np.array([[1.0, 2.0]]), "cells/same": np.ones(1), "cells/other": np.ones(1)}
    state = {**values, "cells/gone": np.ones(1), "rates/x": np.ones(2)}
    kept = carried(state, {old, same, gone, other}, {new, same, changed, replace(same, name="added")})
    assert set(kept) == {
        "cells/drug_cytosol",
        "cells/same",
        "cells/gone",
        "rates/x",
    }  # what is gone is left to the reader
    np.testing.assert_array_equal(kept["cells/drug_cytosol"], [[2.0]])


def test_a_branch_cannot_switch_what_cells_hold() -> None:
    with pytest.raises(InputError, match="cannot switch intracellular"):
        _check_inherited(short(), short("mechanisms.intracellular=false"))
    _check_inherited(short(), short("mechanisms.t_cells=false"))


def test_a_clone_that_does_not_fit_the_branchs_network_is_refused_at_the_start(tmp_path: Path) -> None:
    clones = Clones()
    clones.add("founder", ("vhl_mutated",))
    clones.add("", ("vhl_mutated", "tsc_loss"), 0, 3, key=7)
    _check_clones(clones.state(), short())
    _check_clones({}, short())
    (tmp_path / "networks").mkdir()
    text = re.sub(r"\btsc\b", "other", (NETWORKS / "rcc_figure1.yaml").read_text())
    (tmp_path / "networks" / "mine.yaml").write_text(text.replace("name: rcc_figure1", "name: mine"))
    settings = ["signaling.tumor.network=mine", "mutations=[]"]
    changed = load_experiment(yaml.parse(SHORT, "short").data, settings, [tmp_path])
    message = "cells of the parent have 'tsc_loss' at that time, which does not fit network 'mine': .*'tsc'"
    with pytest.raises(InputError, match=message) as raised:
        _check_clones(clones.state(), changed)
    assert "\n" not in str(raised.value)
    off = load_experiment(yaml.parse(SHORT, "short").data, [*settings, "processes.tumor_signaling=false"], [tmp_path])
    _check_clones(clones.state(), off)


def test_a_branch_of_another_name_lies_in_the_folder_of_that_name(small_run: Path, tmp_path: Path) -> None:
    parent = shutil.copytree(small_run, tmp_path / "small" / small_run.name)
    changed = ["duration=6.5 d", "record.frames=null"]
    assert branch(parent, "10 d", [*changed, "name=other"], quiet=True).parent == tmp_path / "other"
    assert branch(parent, "10 d", changed, quiet=True).parent == parent.parent
    loose = shutil.copytree(small_run, tmp_path / "anywhere" / "loose")
    assert branch(loose, "10 d", [*changed, "name=other"], quiet=True).parent == tmp_path / "anywhere"
