"""The libraries built ahead of time, and when one of them may run.

A library is loaded only if it is, byte for byte, what was built from the sources that are here. A damaged
file could end the process while it is loaded; a stale one could compute something else. `build` writes the
libraries and the manifest beside them.
"""

import ctypes
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ..kernels.steps import ABI, ARGUMENTS, SYMBOL
from .self_check import DIGEST, digest
from .targets import TARGETS, Target, lacks, targets_of_this_machine

FOLDER = Path(__file__).with_name("lib")
MANIFEST = "manifest.json"

# Everything that decides what the machine code is: all kernels, and the two modules that compile them.
KERNELS = Path(__file__).parents[1] / "kernels"
COMPILERS = (Path(__file__).with_name("object_code.py"), Path(__file__).with_name("targets.py"))

BUILD = "python -m distilnp.native.build"


class Library(NamedTuple):
    """A library that runs on this machine.

    Attributes
    ----------
    target : str
        The kind of CPU that it is built for.
    run : callable
        `kernels.program.run`. Python calls it without holding the GIL.
    """

    target: str
    run: Callable[..., None]

    def __str__(self) -> str:
        return f"{self.target}, built ahead of time, tiles of {TARGETS[self.target].tiles}"


class NotRun(Exception):
    """The reason why a library is not run. `is_fault` is whether somebody should mend it."""

    def __init__(self, reason: str, *, is_fault: bool = True) -> None:
        super().__init__(reason)
        self.is_fault = is_fault


def sources() -> str:
    """Return a hash of every module that decides what the machine code is."""
    content = sha256()
    for path in (*sorted(KERNELS.rglob("*.py")), *COMPILERS):
        name = path.relative_to(KERNELS.parent).as_posix()
        content.update(name.encode() + sha256(path.read_bytes()).digest())
    return content.hexdigest()


def best_library() -> tuple[Library | None, list[NotRun]]:
    """Load the best library that this CPU can run. Return it, if there is one, and why no better one runs."""
    not_run: list[NotRun] = []
    try:
        digests = read_manifest()
    except NotRun as reason:
        return None, [reason]
    for target in reversed(targets_of_this_machine()):
        if target.name in digests:
            try:
                return Library(target.name, open_checked(target, digests[target.name])), not_run
            except NotRun as reason:
                not_run.append(reason)
    return None, not_run or [NotRun("none are built for this kind of machine", is_fault=False)]


def read_manifest() -> dict[str, str]:
    """Return the hash of each target's library.

    Raises
    ------
    NotRun
        There is no manifest, or the libraries were not built from the sources that are here.
    """
    try:
        manifest = json.loads((FOLDER / MANIFEST).read_bytes())
        abi, built_from, libraries = manifest["abi"], manifest["sources"], dict(manifest["libraries"])
    except FileNotFoundError:
        raise NotRun("none are built", is_fault=False) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotRun(f"{FOLDER / MANIFEST} cannot be read ({error!r}); `{BUILD}` writes it again") from None
    if abi != ABI:
        raise NotRun(
            f"they are stale: their ABI version is {abi}, expected {ABI}; `{BUILD}` builds them again"
        )
    if built_from != sources():
        raise NotRun(f"they are stale: they were built from other sources; `{BUILD}` builds them again")
    return libraries


def open_checked(target: Target, sha256_of_library: str) -> Callable[..., None]:
    """Return the entry point of a target's library, after every check.

    Raises
    ------
    NotRun
        The CPU lacks a feature, the file is not the one that was built, it cannot be loaded, or it computes
        something else than it should.
    """
    if reason := lacks(target):
        raise NotRun(f"{target.name}: {reason}", is_fault=False)
    path = path_of(target)
    try:
        if sha256(path.read_bytes()).hexdigest() != sha256_of_library:
            raise NotRun(f"{path} is damaged; `{BUILD}` builds it again")
        run = ctypes.CDLL(os.fspath(path))[SYMBOL]
    except (OSError, AttributeError) as error:
        raise NotRun(f"{path} cannot be loaded ({error})") from None
    run.argtypes, run.restype = ARGUMENTS, None
    if digest(run) != DIGEST:
        raise NotRun(f"{path} computes wrong results on this CPU")
    return run


def path_of(target: Target, folder: Path = FOLDER) -> Path:
    """Return the path of a target's library."""
    return folder / f"{target.name}.so"
