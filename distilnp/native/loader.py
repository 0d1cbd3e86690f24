"""Which machine code computes: a library, else what Numba compiles in this process, else none.

Where there is none, the engine computes with the reference pass. The choice is made once for each classifier,
when it is loaded; changing DISTILNP_KERNELS afterwards changes nothing.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

from ..errors import ArgumentError
from .library import Library, NotRun, best_library

# "aot" takes a library built ahead of time, "jit" compiles with Numba, "numpy" takes the reference pass. By
# default, the first of them that can run.
VARIABLE = "DISTILNP_KERNELS"
KERNELS = ("aot", "jit", "numpy")

_loading = threading.RLock()

if hasattr(os, "register_at_fork"):
    # A fork waits until no thread loads or compiles. Otherwise the child would inherit locked locks, those of
    # Numba and of imports, without the thread that would open them. logging has a lock that forks wait for,
    # too, and a compiling thread may need it. So it is imported above: a fork takes locks in the reverse
    # order of their registration, and must not hold the lock of logging while it waits for this one.
    os.register_at_fork(
        before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release
    )


class Program(Protocol):
    """The kernels as machine code."""

    @property
    def run(self) -> Callable[..., None]:
        """`kernels.program.run`; the first use may compile it."""


class JitProgram:
    """The kernels, compiled by Numba in this process when they are first used."""

    def __str__(self) -> str:
        from ..kernels.words.lanes_f32 import host_tiles

        return f"compiled by Numba in this process, tiles of {host_tiles()}"

    @property
    def run(self) -> Callable[..., None]:
        """See `Program`."""
        with _loading:
            from ..kernels.program import program
            from ..kernels.words.lanes_f32 import host_tiles

            run = program(host_tiles())
            if not run.is_compiled:
                say("compiling kernels, once in a process, some seconds")
            return run.call


class Choice(NamedTuple):
    """What computes.

    Attributes
    ----------
    kernels : {"aot", "jit", "numpy"}
    program : Program or None
        None for "numpy".
    reason : str
        Why nothing better computes; empty if nothing better was wanted or tried.
    """

    kernels: str
    program: Program | None
    reason: str


def choose() -> Choice:
    """Choose what computes: what DISTILNP_KERNELS asks for, or the first that can run.

    Raises
    ------
    ArgumentError
        DISTILNP_KERNELS has an unknown value, or asks for kernels that cannot run here.
    """
    wanted = os.environ.get(VARIABLE) or None
    if wanted not in (None, *KERNELS):
        raise ArgumentError(f"{VARIABLE} is {wanted!r}, expected one of {', '.join(KERNELS)}, or nothing")
    reasons: list[str] = []
    for kernels, obstacle in (("aot", no_library), ("jit", no_numba)):
        if wanted in (None, kernels):
            reason = obstacle()
            if reason is None:
                program = _library()[0] if kernels == "aot" else JitProgram()
                return Choice(kernels, program, ", and ".join(reasons))
            reasons.append(reason)
    if wanted and reasons:
        raise ArgumentError(
            f"{VARIABLE} is {wanted!r}, but {reasons[0]}. Unset the variable to let something else compute"
        )
    return Choice("numpy", None, ", and ".join(reasons))


def description() -> str:
    """Return one line that says which code computes, and why no better one does."""
    choice = choose()
    if choice.kernels == "aot":
        return str(choice.program) + "".join(f" (not {reason})" for reason in _library()[1])
    name = "NumPy" if choice.program is None else str(choice.program)
    return f"{name}, because {choice.reason or f'{VARIABLE} is {choice.kernels!r}'}"


def no_library() -> str | None:
    """Return why no library can run here, or None if one can."""
    library, not_run = _library()
    return None if library else f"no kernels built ahead of time can run ({'; '.join(map(str, not_run))})"


@cache
def no_numba() -> str | None:
    """Return why Numba can compile no kernels here, or None if it can."""
    if os.name != "posix":
        return f"compiled kernels are for POSIX systems, and this is {sys.platform}"
    try:
        # Numba refuses, for example, a NumPy that is newer than itself.
        import numba

        from ..kernels.words.lanes_f32 import has_fma
    except Exception as error:
        return f"numba cannot be imported ({error}; pip install 'distilnp[jit]' installs it)"
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return "NUMBA_DISABLE_JIT is set"
    if not has_fma():
        return "the CPU has no fused multiply-add (FMA)"
    return None


def _library() -> tuple[Library | None, list[NotRun]]:
    """Return the result of `best_library`, computed once in a process."""
    with _loading:
        return _load_and_report()


@cache
def _load_and_report() -> tuple[Library | None, list[NotRun]]:
    library, not_run = best_library()
    for reason in not_run:
        if reason.is_fault:
            say(f"kernels built ahead of time are not run: {reason}")
    return library, not_run


def say(message: str) -> None:
    """Log a message as a warning of the logger "distilnp".

    Where logging is not configured, Python prints the bare text of a warning to standard error. So the text
    itself says who is speaking.
    """
    logging.getLogger("distilnp").warning("distilnp: %s", message)
