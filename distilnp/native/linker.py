"""From an object file to a shared library: by the system's linker, or the one that PyPI has.

`hatch_build.py` asks here what it needs, before anything is installed: no NumPy, no Numba.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..errors import BuildError
from .targets import Target, targets_of_this_machine

# Nothing of the linker's machine or of its C library gets in: what is left undefined, `sched_yield` and its
# like, every process that runs Python has. It is resolved while the library is loaded, where a missing name
# is an error and not a crash; then what was resolved cannot be written any more, and nothing but code be run.
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
    run(
        [*linker(target), *LINK, f"-Wl,-soname,{library.name}", "-o", library, object_file],
        os.environ | {"ZIG_GLOBAL_CACHE_DIR": os.fspath(library.parent)},  # ziglang would write to the home
    )


def linker(target: Target) -> list[str]:
    """Return the command that links for a target: the system's, or the one that PyPI has for all targets."""
    is_native = target in targets_of_this_machine()
    if command := shutil.which("cc" if is_native else f"{target.machine}-linux-gnu-gcc"):
        return [command]
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-target", f"{target.machine}-linux-gnu"]
    raise BuildError(f"linking for {target.name} takes a C compiler for it, or: pip install ziglang")


def has_linker(target: Target) -> bool:
    """Say whether something here links for a target."""
    try:
        return bool(linker(target))
    except BuildError:
        return False


def run(command: Sequence[str | Path], environment: dict[str, str]) -> None:
    """Run a command that says something only if it fails.

    Raises
    ------
    BuildError
        It failed.
    """
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        words = " ".join(map(str, command))
        raise BuildError(f"this command failed:\n  {words}\nIt said:\n{done.stdout}{done.stderr}")
