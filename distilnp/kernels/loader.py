"""Where the compiled program comes from: from Numba, in this process. Or why there is none."""

import os
import sys
import threading
from collections.abc import Callable
from functools import cache

from ..errors import ArgumentError

# "jit" compiles with Numba, "numpy" leaves it at the reference pass; by default the first if it can be.
VARIABLE = "DISTILNP_KERNELS"
CHOICES = ("jit", "numpy")

_compiling = threading.Lock()


def _new_lock() -> None:
    global _compiling
    _compiling = threading.Lock()


if hasattr(os, "register_at_fork"):
    # Another thread of the parent may have held it.
    os.register_at_fork(after_in_child=_new_lock)


def wanted() -> str | None:
    """Return the user's choice, or None.

    Raises
    ------
    ArgumentError
        The variable has another value.
    """
    choice = os.environ.get(VARIABLE) or None
    if choice not in (None, *CHOICES):
        raise ArgumentError(f"{VARIABLE} is {choice!r}, expected one of {', '.join(CHOICES)}, or nothing")
    return choice


@cache
def obstacle() -> str | None:
    """Say why no compiled kernels can run here, or None where they can."""
    if os.name != "posix":
        return f"compiled kernels are for POSIX systems, this is {sys.platform}"
    try:
        # Numba refuses, for example, a NumPy that is newer than itself.
        import numba

        from . import simd
    except Exception as error:
        return f"numba cannot be imported ({error})"
    if numba.config.DISABLE_JIT:
        return "NUMBA_DISABLE_JIT is set"
    if not simd.has_fma():
        return "the CPU has no fused multiply-add (FMA)"
    return None


def compiled_program() -> Callable[..., None]:
    """Return `program.run`, compiled when this is first called; where `obstacle` says that it can be."""
    from .program import run

    if not run.is_compiled:
        with _compiling:
            if not run.is_compiled:
                print(
                    "distilnp: compiling kernels, once in a process, some seconds",
                    file=sys.stderr,
                    flush=True,
                )
            return run.call
    return run.call
