"""Where the compiled program comes from: from Numba, in this process. Or why there is none."""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from ..errors import ArgumentError

# "jit" compiles with Numba, "numpy" leaves it at the reference pass; by default the first if it can be.
VARIABLE = "DISTILNP_KERNELS"
CHOICES = ("jit", "numpy")

_compiling = threading.RLock()

if hasattr(os, "register_at_fork"):
    # A fork waits until nobody compiles: the child would have the locks of Numba and of imports as they were,
    # but not the thread that would open them.
    os.register_at_fork(
        before=_compiling.acquire, after_in_parent=_compiling.release, after_in_child=_compiling.release
    )


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
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return "NUMBA_DISABLE_JIT is set"
    if not simd.has_fma():
        return "the CPU has no fused multiply-add (FMA)"
    return None


def compiled_program() -> Callable[..., None]:
    """Return `program.run`, compiled when this is first called; where `obstacle` says that it can be."""
    with _compiling:
        from .program import run

        if not run.is_compiled:
            say("compiling kernels, once in a process, some seconds")
        return run.call


def say(message: str) -> None:
    """Tell the user something on standard error, if there is one; no answer is lost because there is none."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(f"distilnp: {message}", file=sys.stderr, flush=True)
