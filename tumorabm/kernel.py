"""Numba kernels that compile at first use.

``@kernel`` marks a module-level function as a numba kernel without importing numba, so that declarations
(parameters, columns, outputs) load in a fraction of a second and ``tumorabm validate`` answers at once. The
first call compiles, or loads from numba's cache. A kernel may call other kernels of any module.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tumorabm.kept import cache_folder

# With the default spinning, a thread that waits burns its core: a solve on a busy node was 100 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class Kernel:
    """A function that numba compiles at its first call.

    Attributes
    ----------
    py_func : callable
        The plain Python function: the readable twin that tests compare with the compiled one.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.py_func = function
        self._options = options
        functools.update_wrapper(self, function)

    @functools.cached_property
    def dispatcher(self) -> Any:
        """The numba dispatcher behind this kernel (imports numba)."""
        numba = _numba()
        return numba.njit(cache=True, **self._options)(self.py_func)

    def __call__(self, *args: Any) -> Any:
        return self.dispatcher(*args)


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Mark a module-level function as a numba kernel.

    Parameters
    ----------
    function : callable
        Arrays and numbers in, arrays and numbers out.
    **options
        Passed to ``numba.njit`` (for example ``parallel=True``, ``inline="always"``).
    """
    if function is None:
        return lambda inner: Kernel(inner, options)
    return Kernel(function, options)


@functools.cache
def _numba() -> Any:
    import numba
    from numba.extending import typeof_impl

    numba.config.CACHE_DIR = str(kernel_folder())  # type: ignore[attr-defined]
    numba.get_num_threads()  # starts its threads: kernels for several, loaded from the cache before that, crashed

    @typeof_impl.register(Kernel)
    def _typeof_kernel(value: Kernel, context: Any) -> Any:
        """Numba sees a kernel that another kernel calls as the dispatcher behind it."""
        return typeof_impl(value.dispatcher, context)

    return numba


def kernel_folder() -> Path:
    """Where compiled kernels are kept: a folder named by the source of the kernels that others call.

    Numba notices when a kernel's own file changes, but not when a kernel that it calls does: that one would go on
    running as it was. Kernels and constants that kernels of other files use are in ``tissue`` and ``solvers`` only
    (``tests/test_architecture.py`` holds it), so ``processes`` need not be read.
    """
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for part in ("tissue", "solvers"):
        for file in sorted((package / part).glob("*.py")):
            digest.update(file.read_bytes())
    return cache_folder(f"kernels-{digest.hexdigest()[:12]}")


def as_exponent(value: float) -> float:
    """An exponent for a kernel: a whole number as an integer, since powers by multiplication are much faster."""
    return int(value) if float(value).is_integer() else value


def share_out(work: Callable[[Any], None], parts: Sequence[Any]) -> None:
    """Do work on every part, in as many threads as numba uses. No part may depend on what is done to another.

    For kernels that release the interpreter's lock (``nogil=True``).
    """
    threads = min(_numba().get_num_threads(), len(parts)) if len(parts) > 1 else 1
    if threads == 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, parts):  # raises what a part has raised
            pass


def numba_is_loaded() -> bool:
    """Whether numba has been imported in this process."""
    return "numba" in sys.modules
