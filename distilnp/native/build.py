"""Kernels built ahead of time: a shared library for each target, and a manifest beside them.

    python -m distilnp.native.build [--output DIR] [TARGET ...]

The same sources, Numba and linker give the same bytes, on any CPU. What the files must be to be run is said
in `library.py`.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import BuildError
from ..kernels.steps import ABI
from .library import FOLDER, MANIFEST, path_of, sources
from .linker import link, run
from .targets import TARGETS, Target, targets_of_this_machine


def build(targets: Iterable[Target], folder: Path) -> None:
    """Build the libraries of targets, and the manifest, in place of what the folder holds.

    Raises
    ------
    BuildError
        Something that is needed for it is not there, or failed.
    """
    libraries = {}
    folder.mkdir(parents=True, exist_ok=True)
    # In the same file system: who has loaded a library keeps it while another one takes its place.
    with TemporaryDirectory(dir=folder) as scratch:
        for target in targets:
            library = path_of(target, Path(scratch))
            link(target, compiled(target, Path(scratch)), library)
            libraries[target.name] = sha256(library.read_bytes()).hexdigest()
            library.replace(path_of(target, folder))
        manifest = Path(scratch, MANIFEST)
        content = {"abi": ABI, "sources": sources(), "libraries": libraries}
        manifest.write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")
        manifest.replace(folder / MANIFEST)


def compiled(target: Target, folder: Path) -> Path:
    """Compile `program.run` for a target to an object file, in a process of its own."""
    if find_spec("numba") is None:
        raise BuildError("building kernels takes Numba, which is not installed: pip install 'numba>=0.62'")
    path = folder / f"{target.name}.o"
    run([sys.executable, "-m", f"{__package__}.object_code", target.name, path], environment(target))
    return path


def environment(target: Target) -> dict[str, str]:
    """Return what has to be set where Numba is imported, to compile the same code for a target anywhere.

    For a foreign machine, Numba compiles for the least of this one's kind; that code names no register yet.
    """
    is_native = target in targets_of_this_machine()
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # what is found here, this package among it
        "NUMBA_CPU_NAME": target.cpu if is_native else "generic",
        "NUMBA_CPU_FEATURES": target.features if is_native else "",
        "PYTHONHASHSEED": "0",  # Numba goes through sets of names
    }


def target(name: str) -> Target:
    """Return the target of that name."""
    if name not in TARGETS:
        raise argparse.ArgumentTypeError(f"{name!r} is no target, expected one of {', '.join(TARGETS)}")
    return TARGETS[name]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m distilnp.native.build", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        type=target,
        default=targets_of_this_machine(),
        help=f"one of {', '.join(TARGETS)}; by default all of this machine's kind",
    )
    parser.add_argument("--output", metavar="DIR", type=Path, default=FOLDER, help="by default the package's")
    options = parser.parse_args()
    try:
        build(options.targets, options.output)
    except BuildError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
