"""Which code computes: a library built ahead of time, else what Numba compiles in this process, else NumPy.

The last is not here: it is the reference pass, which callers take in the place of a compiled program.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from ..errors import ArgumentError
from .library import Library, Refused, best_library

# "aot" takes a library, "jit" compiles with Numba, "numpy" leaves it at the reference pass. By default the
# first of them that can be.
VARIABLE = "DISTILNP_KERNELS"
CHOICES = ("aot", "jit", "numpy")

_loading = threading.RLock()

if hasattr(os, "register_at_fork"):
    # A fork waits until nobody loads or compiles: the child would have the locks of Numba and of imports as
    # they were, but not the thread that would open them.
    os.register_at_fork(
        before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release
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


class Chosen(NamedTuple):
    """What computes, one of CHOICES, and why nothing before it there does; empty if nothing is in the way."""

    kernels: str
    reason: str


def chosen() -> Chosen:
    """Choose what computes: what the user wants, or the first that can be.

    Raises
    ------
    ArgumentError
        What the user wants cannot be.
    """
    choice = wanted()
    reasons: list[str] = []
    for kernels, obstacle in (("aot", no_library), ("jit", no_numba)):
        if choice in (None, kernels):
            reason = obstacle()
            if reason is None:
                return Chosen(kernels, ", and ".join(reasons))
            reasons.append(reason)
    if choice and reasons:
        raise ArgumentError(
            f"{VARIABLE} is {choice!r}, but {reasons[0]}. Without the variable, something else computes"
        )
    return Chosen("numpy", ", and ".join(reasons))


def description() -> str:
    """Say in one line which code computes, and why no better one does."""
    kernels, reason = chosen()
    library, refused = _built() if kernels == "aot" else (None, [])
    if library:
        return f"{library.target}, built ahead of time" + "".join(f" (not {reason})" for reason in refused)
    because = reason or f"{VARIABLE} is {kernels!r}"
    return f"{'compiled by Numba in this process' if kernels == 'jit' else 'NumPy'}, because {because}"


def no_library() -> str | None:
    """Say why no library can run here, or None where one can."""
    library, refused = _built()
    return None if library else f"no kernels built ahead of time can run ({'; '.join(map(str, refused))})"


@cache
def no_numba() -> str | None:
    """Say why Numba can compile no kernels here, or None where it can."""
    if os.name != "posix":
        return f"compiled kernels are for POSIX systems, this is {sys.platform}"
    try:
        # Numba refuses, for example, a NumPy that is newer than itself.
        import numba

        from ..kernels import simd
    except Exception as error:
        return f"numba cannot be imported ({error})"
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return "NUMBA_DISABLE_JIT is set"
    if not simd.has_fma():
        return "the CPU has no fused multiply-add (FMA)"
    return None


def compiled_program() -> Callable[..., None]:
    """Return `program.run`, of the library or, compiled when this is first called, of Numba.

    Where neither can be, `chosen` has said so.
    """
    with _loading:
        library, _ = _built() if wanted() != "jit" else (None, [])
        if library:
            return library.run
        from ..kernels.program import run

        if not run.is_compiled:
            say("compiling kernels, once in a process, some seconds")
        return run.call


def _built() -> tuple[Library | None, list[Refused]]:
    """Return what `best_library` does, which is asked once in a process."""
    with _loading:
        return _load_and_tell()


@cache
def _load_and_tell() -> tuple[Library | None, list[Refused]]:
    library, refused = best_library()
    for error in refused:
        if error.is_fault:
            say(f"kernels built ahead of time are not run: {error}")
    return library, refused


def say(message: str) -> None:
    """Tell the user something on standard error, if there is one; no answer is lost because there is none."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(f"distilnp: {message}", file=sys.stderr, flush=True)
