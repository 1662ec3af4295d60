"""Modules of users, which register their own processes: imported wherever a run is checked or carried out."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tumorabm.errors import InputError, Problem


def load_modules(names: Sequence[str]) -> None:
    """Import modules, each once per process.

    Parameters
    ----------
    names : sequence of str
        Names that Python can import, or paths of files that end in ``.py``.

    Raises
    ------
    InputError
        With every module that cannot be imported.
    """
    problems = []
    for name in names:
        try:
            _load(name)
        except Exception as error:  # a user's module may raise anything
            problems.append(Problem(f"the module {name!r} cannot be imported ({type(error).__name__}: {error})"))
    if problems:
        raise InputError(problems)


def _load(name: str) -> ModuleType:
    if not name.endswith(".py"):
        return importlib.import_module(name)
    path = Path(name).resolve()
    known = sys.modules.get(path.stem)
    if known is not None:
        # Pickles and numba's cache know a module by its name: two files of one name would be taken for each other.
        if getattr(known, "__file__", None) != str(path):
            raise ImportError(
                f"another module is named {path.stem!r} already: {getattr(known, '__file__', 'built in')}"
            )
        return known
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError("is no file of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module
