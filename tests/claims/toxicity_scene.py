"""A patient's plasma and toxicity under the catalog's usual schedules, without a tissue."""

from __future__ import annotations

import functools

import numpy as np
from bare_tissue import SETS, bare_tissue

from tumorabm.catalog import load_catalog
from tumorabm.processes.dosing.decisions import in_force, numbered
from tumorabm.processes.dosing.pharmacokinetics import Pharmacokinetics
from tumorabm.processes.dosing.schedule import Regimen, dose_events
from tumorabm.processes.dosing.toxicity import Toxicity
from tumorabm.processes.dosing.visits import DoseVisits
from tumorabm.processes.process import Choice

DAY = 24.0
LINE = 120 * DAY  # length of a line of treatment
CATALOG = load_catalog()
AXITINIB = Regimen("axitinib", 5.0, 12.0, start=LINE)
FIRST = {
    "sunitinib": Regimen("sunitinib", 50.0, DAY, end=LINE),
    "everolimus": Regimen("everolimus", 10.0, DAY, end=LINE),
    "interferon_alpha": Regimen("interferon_alpha", 0.0333, 56.0, end=LINE),
}


def course(*regimens: Regimen, days: int = 240, **overrides: str) -> dict[str, np.ndarray]:
    """Toxicities at the end of each day, by the name of their level."""
    catalog = CATALOG.with_overrides(overrides)
    choice = Choice(SETS, tuple(dict.fromkeys(regimen.drug for regimen in regimens)))
    processes = [DoseVisits({}), *(kind.from_catalog(catalog, choice) for kind in (Toxicity, Pharmacokinetics))]
    tissue = bare_tissue((1, 2, 2))
    tissue.patient.regimens = regimens
    for process in processes:
        process.prepare(tissue)
    found: list[dict[str, float]] = []
    for step in range(days * 2):
        tissue.hours = step * 12.0
        for process in processes:
            process.step(tissue, 12.0)
        if step % 2:
            found.append({name: level for name, level in tissue.patient.levels.items() if name.endswith("_toxicity")})
    number, last = list(numbered(regimens))[-1]
    decided = in_force(last, number, tissue.patient.levels)
    assert decided is not None
    out = {name: np.array([one[name] for one in found]) for name in found[-1]}
    return {**out, "dose": np.array([dose_events(decided, day * DAY, (day + 1) * DAY)[1].sum() for day in range(days)])}


@functools.cache
def after(drug: str) -> dict[str, np.ndarray]:
    """Axitinib after another drug, or after nothing."""
    return course(*([FIRST[drug]] if drug else []), AXITINIB)
