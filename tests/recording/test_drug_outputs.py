"""Outputs about drug inside tumor cells."""

from __future__ import annotations

import numpy as np
import pytest
from bare_tissue import bare_tissue, put, put_tumor
from drug_scenes import choice_of, drug_fields, processes_of
from short_run import short

from tumorabm.recording.measurement import Measurement
from tumorabm.recording.outputs import series_of
from tumorabm.sweep.summaries import series_of_experiment
from tumorabm.tissue.cells import APOPTOTIC, ENDOTHELIAL

NAMES = ("in_tumor_cells", "lysosomal_share", "free_inside_over_outside", "lysosomal_capacity")
TOTALS = ("metabolized", "taken_from_plasma")


def test_they_are_of_living_tumor_cells() -> None:
    processes = processes_of(["intracellular_drug"], choice_of(drugs=["sunitinib"], exposure={"everolimus": 0.5}))
    tissue = bare_tissue((1, 3, 3), processes=processes, substrates=drug_fields("sunitinib"))
    tissue.microenvironment["sunitinib"].concentration.reshape(-1)[:3] = 4.0, 6.0, 50.0
    tissue.patient.exposure["everolimus"] = 0.5
    held = {"drug_cytosol": [[1.0, 100.0], [3.0, 300.0], [9.0, 900.0]], "drug_lysosome": [[0, 100], [0, 700], [0, 900]]}
    free = {"drug_free": [[0.1, 2.0], [0.1, 3.0], [0.9, 9.0]]}
    rows = put_tumor(tissue, [0, 1, 2], lysosomal_capacity=[2.0, 4.0, 9.0], **held, **free)
    put(tissue, ENDOTHELIAL, [0])
    tissue.cells["state"][rows[2]] = APOPTOTIC
    found = {series.name: series.value(Measurement(tissue, {})) for series in series_of(NAMES, tissue)}
    assert found == pytest.approx(
        {
            "everolimus_in_tumor_cells": 2.0,
            "sunitinib_in_tumor_cells": 600.0,
            "everolimus_lysosomal_share": 0.0,
            "sunitinib_lysosomal_share": 800.0 / 1200.0,
            "everolimus_free_inside_over_outside": 0.2,
            "sunitinib_free_inside_over_outside": 0.5,
            "lysosomal_capacity": 3.0,
        }
    )
    tissue.cells["state"][:] = APOPTOTIC
    assert all(np.isnan(series.value(Measurement(tissue, {}))) for series in series_of(NAMES, tissue))


def test_totals_are_those_of_the_ledger() -> None:
    processes = processes_of(["intracellular_drug"], choice_of(drugs=["sunitinib"], exposure={"everolimus": 0.5}))
    tissue = bare_tissue((1, 3, 3), processes=processes, substrates=drug_fields("sunitinib"))
    series = series_of(TOTALS, tissue)
    assert len(series) == 4 and all(item.value(Measurement(tissue, {})) == 0.0 for item in series)
    tissue.ledger.book("sunitinib", "supply", 3.0)
    tissue.ledger.book("sunitinib_cells", "metabolized", -2.0)
    found = {item.name: item.value(Measurement(tissue, {})) for item in series}
    assert found["sunitinib_taken_from_plasma"] == 3.0 and found["sunitinib_metabolized"] == 2.0
    assert found["everolimus_taken_from_plasma"] == found["everolimus_metabolized"] == 0.0


def test_sweeps_know_their_names() -> None:
    known = series_of_experiment(short("mechanisms={all: false, intracellular: true}"))
    for drug in ("sunitinib", "everolimus"):
        assert known[f"{drug}_in_tumor_cells"].unit == "nM"
    assert "bevacizumab_in_tumor_cells" not in known and "sunitinib_in_host_lesion_mean" in known
    assert not any("in_tumor_cells" in name for name in series_of_experiment(short("mechanisms.all=false")))
