"""The hook of the build backend: a wheel contains the kernels, built ahead of time.

A wheel built on Linux has every library for the kind of machine that builds it, every other library that can
be linked there, and the tags of the machines that it has libraries for. A wheel built elsewhere has no
libraries, and installs anywhere. DISTILNP_BUILD_TARGETS chooses the libraries: names from
`distilnp/native/targets.py`, separated by spaces, `all`, or `none`. For `all`, a linker is installed if there
is none for some target. An editable install has its libraries in `distilnp/native/lib`.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE = "DISTILNP_BUILD_TARGETS"

# Numba 0.62 comes with llvmlite 0.45, the first version that removes unused code.
NUMBA = "numba>=0.62"

# The libraries need no other library and no versioned symbol, so they run with any C library. The tags are
# the oldest that exist for each machine, for glibc (PEP 513, 599 and 600) and for musl (PEP 656).
PLATFORMS = {
    "x86_64": "manylinux_2_5_x86_64.manylinux1_x86_64.musllinux_1_1_x86_64",
    "aarch64": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
}


class KernelsHook(BuildHookInterface):
    """Build the kernels for a wheel."""

    def targets(self) -> list[Any]:
        """Return the kinds of CPU to build for."""
        if self.root not in sys.path:
            sys.path.insert(0, self.root)
        from distilnp.native.linker import targets_to_build
        from distilnp.native.targets import TARGETS

        choice = os.environ.get(VARIABLE)
        if not choice:
            return targets_to_build()
        names = {"none": [], "all": [*TARGETS]}.get(choice, choice.split())
        if unknown := set(names) - set(TARGETS):
            raise ValueError(
                f"{VARIABLE} is {choice!r}, which holds {', '.join(sorted(unknown))}, expected some of "
                f"{', '.join(TARGETS)}, all, or none"
            )
        return [target for name, target in TARGETS.items() if name in names]

    def dependencies(self) -> list[str]:
        """Return what building needs: Numba, and a linker if none is installed; nothing without targets."""
        targets = self.targets()
        from distilnp.native.linker import has_linker

        linker = [] if all(map(has_linker, targets)) else ["ziglang"]
        return [NUMBA, *linker] if targets else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the libraries into the wheel or, for an editable install, into the source tree."""
        targets = self.targets()
        if not targets:
            return
        if version == "editable":
            self.build(targets, Path(self.root, "distilnp", "native", "lib"))
            return
        self.folder = TemporaryDirectory()
        self.build(targets, Path(self.folder.name))
        build_data["force_include"][self.folder.name] = "distilnp/native/lib"
        build_data["pure_python"] = False
        machines = {target.machine for target in targets}
        platforms = (tags for machine, tags in PLATFORMS.items() if machine in machines)
        build_data["tag"] = f"py3-none-{'.'.join(platforms)}"

    def build(self, targets: list[Any], folder: Path) -> None:
        """Build in a separate process, to keep Numba out of the backend's process."""
        names = [target.name for target in targets]
        command = [sys.executable, "-m", "distilnp.native.build", "--output", folder, *names]
        subprocess.run(command, cwd=self.root, check=True)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the built libraries, which are in the wheel by now."""
        if hasattr(self, "folder"):
            self.folder.cleanup()
