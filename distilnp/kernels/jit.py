"""How kernels are compiled: the only place where Numba's options are chosen.

`inlined` is for what kernels are made of, `entry_point` for what Python calls. There is no array, no
allocation and no exception in a kernel, so the machine code needs nothing of Python or Numba.
"""

import ctypes
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numba
from numba import types


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile what is called from other kernels alone.

    `forceinline`, because a call would carry Numba's status of exceptions, and with it names of Python's C
    API. `error_model="numpy"`: a division by 0 is IEEE 754's, not an exception. No fastmath, on purpose: the
    order of operations is part of what a kernel promises.
    """
    return numba.njit(forceinline=True, error_model="numpy")(function)


class EntryPoint:
    """A kernel that is called from outside: a C function of integers and addresses that returns nothing.

    Importing one compiles nothing; its first use does.
    """

    def __init__(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.function = function
        self.arguments = arguments

    @cached_property
    def compiled(self) -> Any:
        """What Numba makes of it."""
        return numba.cfunc(types.void(*self.arguments), error_model="numpy")(self.function)

    @cached_property
    def call(self) -> Callable[..., None]:
        """The machine code, which Python calls without the GIL."""
        kinds = [ctypes.c_int64 if kind == types.int64 else ctypes.c_void_p for kind in self.arguments]
        return ctypes.CFUNCTYPE(None, *kinds)(self.compiled.address)

    @property
    def is_compiled(self) -> bool:
        """Whether `call` is there without waiting."""
        return "call" in vars(self)


def entry_point(*arguments: Any) -> Callable[[Callable[..., None]], EntryPoint]:
    """Make an `EntryPoint` of a function of these arguments."""
    return lambda function: EntryPoint(function, arguments)
