"""From an object file to a shared library: by the system's linker, or by the one on PyPI.

`hatch_build.py` imports this before anything is installed, so it needs neither NumPy nor Numba.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..errors import BuildError
from .targets import TARGETS, Target, targets_of_this_machine

# Nothing from the linker's machine or its C library gets into the file. The few undefined names, such as
# `sched_yield`, exist in every process that runs Python. They are resolved while the library is loaded
# (`now`), when a missing name is an error and not a crash. After that the resolved addresses are read-only
# (`relro`), and no data can be executed (`noexecstack`).
LINK = (
    "-shared",
    "-nostdlib",
    "-s",
    "-Wl,--build-id=none",
    "-Wl,--hash-style=gnu",
    "-Wl,-z,noexecstack",
    "-Wl,-z,relro",
    "-Wl,-z,now",
)


def link(target: Target, object_file: Path, library: Path) -> None:
    """Link an object file to a shared library."""
    execute(
        [*linker(target), *LINK, f"-Wl,-soname,{library.name}", "-o", library, object_file],
        os.environ
        | {"ZIG_GLOBAL_CACHE_DIR": os.fspath(library.parent)},  # ziglang would write to the home folder
    )


def linker(target: Target) -> list[str]:
    """Return the command that links for a target: the system's linker, or ziglang's for any target."""
    is_native = target in targets_of_this_machine()
    if command := shutil.which("cc" if is_native else f"{target.machine}-linux-gnu-gcc"):
        return [command]
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-target", f"{target.machine}-linux-gnu"]
    raise BuildError(
        f"linking for {target.name} takes a C compiler for that machine. Install one, or: pip install ziglang"
    )


def has_linker(target: Target) -> bool:
    """Return whether this machine has a linker for a target."""
    try:
        return bool(linker(target))
    except BuildError:
        return False


def targets_to_build() -> list[Target]:
    """Return the targets that are built by default: all for this machine, and all others that can be linked.

    The libraries of another machine take some tens of kilobytes each, and let `distilnp bundle` write a
    folder for it. They are left out where nothing links for that machine, because the linker on PyPI takes
    411 MB.
    """
    ours = targets_of_this_machine()
    if not ours:
        return []
    return [target for target in TARGETS.values() if target in ours or has_linker(target)]


def execute(command: Sequence[str | Path], environment: dict[str, str]) -> None:
    """Run a command silently.

    Raises
    ------
    BuildError
        The command failed; the message has its output.
    """
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        words = " ".join(map(str, command))
        raise BuildError(f"this command failed:\n  {words}\nIt said:\n{done.stdout}{done.stderr}")
