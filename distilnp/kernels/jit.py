"""How kernels are compiled: the only place where Numba's options are chosen.

`inlined` is for functions that kernels call, `entry_point` for those that Python calls. A kernel has no
array, no allocation and no exception, so its machine code needs nothing from Python or Numba.
"""

import ctypes
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numba
from numba import types


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only other kernels call.

    `forceinline`: a real call would carry Numba's exception status, and with it names of Python's C API.
    `error_model="numpy"`: division by 0 follows IEEE 754 and raises no exception. No fastmath: the order of
    operations is part of what a kernel promises.

    Numba would compile a function again for each integer that a caller writes as a literal, and the tiles of
    a product with it. LLVM knows these integers anyway once it has inlined the function.
    """
    dispatcher = numba.njit(forceinline=True, error_model="numpy")(function)
    get_call_template = dispatcher.get_call_template

    def without_literals(args: Any, kws: Any) -> Any:
        return get_call_template(tuple(map(types.unliteral, args)), kws)

    dispatcher.get_call_template = without_literals  # type: ignore[method-assign]
    return dispatcher


class EntryPoint:
    """A kernel that Python calls: a C function of integers and addresses that returns nothing.

    Importing it compiles nothing. Its first use does.
    """

    def __init__(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.function = function
        self.arguments = arguments

    @cached_property
    def compiled(self) -> Any:
        """Numba's compiled function."""
        return numba.cfunc(types.void(*self.arguments), error_model="numpy")(self.function)

    @cached_property
    def call(self) -> Callable[..., None]:
        """The machine code as a function. Python calls it without holding the GIL."""
        c_types = [ctypes.c_int64 if type_ == types.int64 else ctypes.c_void_p for type_ in self.arguments]
        return ctypes.CFUNCTYPE(None, *c_types)(self.compiled.address)

    @property
    def is_compiled(self) -> bool:
        """Whether `call` is ready, without compiling first."""
        return "call" in vars(self)


def entry_point(*arguments: Any) -> Callable[[Callable[..., None]], EntryPoint]:
    """Return a decorator that makes an `EntryPoint` of a function with these argument types."""
    return lambda function: EntryPoint(function, arguments)
