"""Calls through a pointer from one compiled function to another.

numba links, and optimizes once more, all the code below a kernel into every kernel above it. A pointer in between
halves the time to compile. Passing numba's own function object would cost 50 us per call, since its type is worked out
anew each time; an address costs nothing.
"""

from __future__ import annotations

from typing import Any

import numba
from numba.core import cgutils
from numba.extending import intrinsic


def function_at(signature: Any) -> Any:
    """An intrinsic that makes of an address (int64) the function there, of the given signature."""

    @intrinsic
    def at(context: Any, address: Any) -> Any:
        def generate(target: Any, builder: Any, call: Any, arguments: Any) -> Any:
            function = cgutils.create_struct_proxy(call.return_type)(target, builder)
            null = target.get_constant_null(numba.types.voidptr)
            function.c_addr = builder.inttoptr(arguments[0], null.type)
            function.py_addr = null
            function.jit_addr = null
            return function._getvalue()

        return numba.types.FunctionType(signature)(numba.int64), generate

    return at
