"""The kernels built ahead of time: shared libraries beside a manifest, and when one of them may run.

Nothing is loaded that is not, byte for byte, what was built from these sources: a damaged library could end
the process while it is loaded, a stale one compute something else. `build.py` writes all this.
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
from .targets import Target, lacks, targets_of_this_machine

FOLDER = Path(__file__).with_name("lib")
MANIFEST = "manifest.json"

# Everything that decides what the machine code is: all kernels, and the two modules that compile them.
KERNELS = Path(__file__).parents[1] / "kernels"
COMPILERS = (Path(__file__).with_name("object_code.py"), Path(__file__).with_name("targets.py"))

BUILD = "python -m distilnp.native.build"


class Library(NamedTuple):
    """A library that runs here.

    Attributes
    ----------
    target : str
        The kind of CPU that it is built for.
    run : callable
        `program.run`, which Python calls without the GIL.
    """

    target: str
    run: Callable[..., None]


class Refused(Exception):
    """Why kernels that may have been built ahead of time are not run."""

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


def best_library() -> tuple[Library | None, list[Refused]]:
    """Load the best library that this CPU can run; return it, if there is one, and why no better one."""
    refused: list[Refused] = []
    try:
        digests = read_manifest()
    except Refused as error:
        return None, [error]
    for target in reversed(targets_of_this_machine()):
        if target.name in digests:
            try:
                return Library(target.name, load(target, digests[target.name])), refused
            except Refused as error:
                refused.append(error)
    return None, refused or [Refused("none are built for this kind of machine", is_fault=False)]


def read_manifest() -> dict[str, str]:
    """Return the hash of each target's library, if the libraries are of these sources."""
    try:
        manifest = json.loads((FOLDER / MANIFEST).read_bytes())
        abi, built_from, libraries = manifest["abi"], manifest["sources"], dict(manifest["libraries"])
    except FileNotFoundError:
        raise Refused("none are built", is_fault=False) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{FOLDER / MANIFEST} cannot be read ({error!r}); `{BUILD}` writes it anew") from None
    if abi != ABI:
        raise Refused(f"they are stale, of ABI version {abi} instead of {ABI}; `{BUILD}` builds them anew")
    if built_from != sources():
        raise Refused(f"they are stale, built from other sources; `{BUILD}` builds them anew")
    return libraries


def load(target: Target, sha256_of_library: str) -> Callable[..., None]:
    """Return the entry point of a library that is what its hash says, and computes what it should."""
    if why := lacks(target):
        raise Refused(f"{target.name}: {why}", is_fault=False)
    path = path_of(target)
    try:
        if sha256(path.read_bytes()).hexdigest() != sha256_of_library:
            raise Refused(f"{path} is damaged; `{BUILD}` builds it anew")
        run = ctypes.CDLL(os.fspath(path))[SYMBOL]
    except (OSError, AttributeError) as error:
        raise Refused(f"{path} cannot be loaded ({error})") from None
    run.argtypes, run.restype = ARGUMENTS, None
    if digest(run) != DIGEST:
        raise Refused(f"{path} does not compute on this CPU what it should")
    return run


def path_of(target: Target, folder: Path = FOLDER) -> Path:
    """Return where the library of a target is."""
    return folder / f"{target.name}.so"
