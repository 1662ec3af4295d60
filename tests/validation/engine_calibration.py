"""What each calibrated number does to its target: the figures of ``engine_calibration.md``.

    python tests/validation/engine_calibration.py [--seeds 2] [--jobs 2] [--runs DIR] [--write]

One number at a time is moved through its first value, the shipped one and others; every setting runs for the burn-in
and one course of sunitinib (90 + 42 d). About fifteen minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from engine_course import BASELINE, BREAK, EXPERIMENTS

ENDOTHELIUM = "cell_types.endothelial"
OXYGEN = "substrates.oxygen"
SUNITINIB = "drugs.sunitinib"
# Path in the catalog and the values to try; the shipped one is marked in the table.
SCANS: dict[str, tuple[str, ...]] = {
    f"{OXYGEN}.vessel_oxygen": ("10 mmHg", "10.5 mmHg", "12 mmHg", "13.5 mmHg", "30 mmHg"),
    "cell_types.tumor.vegf_secretion_vhl_null": ("0.3 molecule/cell/s", "0.6 molecule/cell/s"),
    f"{SUNITINIB}.vegfr2_inhibition": ("1.5 nM", "4 nM", "10 nM"),
    f"{ENDOTHELIUM}.uncovered_regression_rate": ("0.2 1/d", "0.3 1/d"),
    f"{ENDOTHELIUM}.flow_multiplier": ("0.03", "0.06", "0.12", "1"),
    f"{ENDOTHELIUM}.covered_need": ("0.05", "0.3"),
    f"{ENDOTHELIUM}.survival_half": ("0.23", "0.5"),
    f"{ENDOTHELIUM}.proliferation_half": ("0.35", "0.5"),
    f"{ENDOTHELIUM}.proliferation_exponent": ("2", "4"),
    f"{ENDOTHELIUM}.recolonization_rate": ("1 1/d", "2 1/d"),
    f"{ENDOTHELIUM}.sleeve_half_life": ("14 d", "60 d", "120 d", "365 d"),
    f"{ENDOTHELIUM}.activation_threshold": ("0.333", "0.45"),
    f"{ENDOTHELIUM}.sprout_rate": ("0.048 1/d", "0.1 1/d", "0.2 1/d"),
    f"{ENDOTHELIUM}.crowding_density": ("250 1/mm^2", "450 1/mm^2", "600 1/mm^2"),
    f"{ENDOTHELIUM}.host_vessel_spacing": ("175 um", "240 um"),
    f"{ENDOTHELIUM}.arteriole_spacing": ("180 um", "480 um"),
}
COLUMNS = (
    ("mean_lesion_oxygen", "oxygen at day 90 (mmHg)"),
    ("doubling", "doubling time until day 90 (d)"),
    ("loss", "vessels lost at day 28 of treatment"),
    ("perfused", "perfused vessels left at day 28"),
    ("back", "vessels at day 42 / baseline"),
    ("host", "host vessel density at day 42 / start"),
)


def one_setting(path: str, value: str, seed: int, folder: str) -> dict[str, float]:
    """Targets of one setting with one seed."""
    from tumorabm.config import load_experiment
    from tumorabm.recording.run_folder import RunFolder
    from tumorabm.run import run_experiment

    overrides = {f"catalog.{path}": value}
    if path.endswith("vegfr2_inhibition"):
        overrides[f"catalog.{path}_su12662"] = value
    experiment = load_experiment(
        EXPERIMENTS / "sunitinib_first_line.yaml",
        [
            "mechanisms.all=false",
            *(f"{key}={text}" for key, text in overrides.items()),
            f"seed={seed}",
            "duration=42 d",
            "record.frames=132 d",
            "record.checkpoint=66 d",
            "record.keep=[]",
        ],
    )
    recorded = RunFolder(run_experiment(experiment, Path(folder), quiet=True)).timeseries()
    day = recorded["time"] / 24.0

    def at(name: str, when: float) -> float:
        return float(recorded[name][int(np.argmin(np.abs(day - when)))])

    vessels = "lesion_endothelial_cells"
    perfused = "perfused_lesion_endothelial_cells"
    last_dose, end = BASELINE + BREAK[0], BASELINE + BREAK[1]
    growth = np.log(max(at("tumor_cells", BASELINE), 1.0) / at("tumor_cells", 0.0)) / BASELINE
    return {
        "mean_lesion_oxygen": at("mean_lesion_oxygen", BASELINE),
        "doubling": float(np.log(2.0) / growth) if growth > 0 else float("inf"),
        "loss": 1.0 - at(vessels, last_dose) / at(vessels, BASELINE),
        "perfused": at(perfused, last_dose) / at(perfused, BASELINE),
        "back": at(vessels, end) / at(vessels, BASELINE),
        "host": at("host_vessel_length_density", end) / at("host_vessel_length_density", 0.0),
    }


def shipped(path: str, value: str) -> bool:
    """Whether a value is the catalog's."""
    from tumorabm.config import load_experiment
    from tumorabm.units import quantity

    experiment = load_experiment(EXPERIMENTS / "sunitinib_first_line.yaml", ["mechanisms.all=false"])
    unit = experiment.catalog.entry(path, experiment.sets).unit
    return bool(np.isclose(quantity(value, unit), experiment.value(path, unit)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Scan, print, and keep the table on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path(tempfile.gettempdir()) / "tumorabm_engine_calibration")
    parser.add_argument("--write", action="store_true", help="keep the table in engine_calibration.md")
    chosen = parser.parse_args(arguments)
    settings = [(path, value) for path, values in SCANS.items() for value in values]
    lines = [
        f"# What the calibrated numbers do, means over {chosen.seeds} seeds",
        "",
        "Made by `python tests/validation/engine_calibration.py --write`. Shipped values are bold; each row moves one.",
        "",
        "| number | value | " + " | ".join(title for _, title in COLUMNS) + " |",
        "|---" * (2 + len(COLUMNS)) + "|",
    ]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        waiting = {
            setting: [pool.submit(one_setting, *setting, seed, str(chosen.runs)) for seed in range(1, chosen.seeds + 1)]
            for setting in settings
        }
        for (path, value), futures in waiting.items():
            found = [future.result() for future in futures]
            means = [f"{np.mean([item[key] for item in found]):.3g}" for key, _ in COLUMNS]
            text = f"**{value}**" if shipped(path, value) else value
            lines.append(f"| {path} | {text} | " + " | ".join(means) + " |")
            print(lines[-1], flush=True)
    if chosen.write:
        Path(__file__).with_name("engine_calibration.md").write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
