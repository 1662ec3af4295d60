"""tumorabm: agent-based simulation of the tumor microenvironment and of drug resistance.

>>> from tumorabm import TumorModel
>>> model = TumorModel("configs/experiments/sunitinib_first_line.yaml")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tumorabm.analysis import open_run
    from tumorabm.catalog import load_catalog
    from tumorabm.config import load_experiment
    from tumorabm.model import TumorModel
    from tumorabm.processes import Process, register
    from tumorabm.run import run_experiment
    from tumorabm.sweep.results import open_sweep

__all__ = [
    "Process",
    "TumorModel",
    "load_catalog",
    "load_experiment",
    "open_run",
    "open_sweep",
    "register",
    "run_experiment",
]

# Where each public name lives: importing the package loads none of them, so the command line starts at once.
_HOME = {
    "Process": "tumorabm.processes",
    "TumorModel": "tumorabm.model",
    "load_catalog": "tumorabm.catalog",
    "load_experiment": "tumorabm.config",
    "open_run": "tumorabm.analysis",
    "open_sweep": "tumorabm.sweep.results",
    "register": "tumorabm.processes",
    "run_experiment": "tumorabm.run",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        import importlib

        try:
            return getattr(importlib.import_module(_HOME[name]), name)
        except ModuleNotFoundError as error:
            hint = f"{error}; reading runs needs pip install 'tumorabm[analysis]'"
            raise ModuleNotFoundError(hint, name=error.name) from error
    raise AttributeError(f"module 'tumorabm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
