"""The plain Python twin of a kernel: all kernels below it replaced by their Python functions."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from tumorabm.kernel import Kernel


def twin(function: Any, known: dict[int, Callable[..., Any]] | None = None) -> Callable[..., Any]:
    """A copy of a kernel, or of a function that calls kernels, that runs without numba."""
    known = {} if known is None else known
    plain = function.py_func if isinstance(function, Kernel) else function
    if id(plain) in known:
        return known[id(plain)]
    scope = dict(plain.__globals__)
    copy = types.FunctionType(plain.__code__, scope, plain.__name__, plain.__defaults__, plain.__closure__)
    known[id(plain)] = copy
    for name in plain.__code__.co_names:
        if isinstance(scope.get(name), Kernel):
            scope[name] = twin(scope[name], known)
    return copy
