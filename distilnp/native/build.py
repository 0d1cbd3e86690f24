"""Build kernels ahead of time: a shared library for each target, and a manifest beside them.

    python -m distilnp.native.build [--output DIR] [TARGET ...]

The same sources, Numba and linker give the same bytes on any CPU. `library` says when a library may run.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import BuildError
from ..kernels.steps import ABI
from .library import FOLDER, MANIFEST, path_of, read_manifest, sources
from .linker import execute, link, targets_to_build
from .targets import TARGETS, Target, targets_of_this_machine


def build(targets: Iterable[Target], folder: Path) -> None:
    """Build the libraries of targets and the manifest, replacing those in the folder.

    Raises
    ------
    BuildError
        Numba or a linker is missing, or failed.
    """
    libraries = {}
    folder.mkdir(parents=True, exist_ok=True)
    # In the same file system, so that files are replaced whole: a process that has loaded a library keeps it.
    with TemporaryDirectory(dir=folder) as scratch:
        targets = list(targets)
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # each target is compiled in a process of its own
            objects = pool.map(lambda target: compiled(target, Path(scratch)), targets)
            for target, object_file in zip(targets, objects, strict=True):
                library = path_of(target, Path(scratch))
                link(target, object_file, library)
                libraries[target.name] = sha256(library.read_bytes()).hexdigest()
                library.replace(path_of(target, folder))
        _write_manifest(Path(scratch, MANIFEST), libraries)
        Path(scratch, MANIFEST).replace(folder / MANIFEST)


def copy(targets: Iterable[Target], folder: Path) -> None:
    """Copy the libraries of targets from this installation, which has them, into a new folder.

    Raises
    ------
    NotRun
        The manifest of this installation cannot be used.
    """
    built = read_manifest()
    names = [target.name for target in targets]
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(path_of(TARGETS[name]), folder)
    _write_manifest(folder / MANIFEST, {name: built[name] for name in names})


def _write_manifest(path: Path, libraries: dict[str, str]) -> None:
    content = {"abi": ABI, "sources": sources(), "libraries": libraries}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")


def compiled(target: Target, folder: Path) -> Path:
    """Compile `program.run` for a target to an object file, in a process of its own."""
    if find_spec("numba") is None:
        raise BuildError("building kernels needs Numba, which is not installed: pip install 'numba>=0.62'")
    path = folder / f"{target.name}.o"
    execute([sys.executable, "-m", f"{__package__}.object_code", target.name, path], environment(target))
    return path


def environment(target: Target) -> dict[str, str]:
    """Return the environment in which Numba compiles the same code for a target on any machine.

    For a foreign machine, Numba compiles for the simplest CPU of this machine's kind. Its LLVM code names no
    register yet, so `object_code` can translate it for the target.
    """
    is_native = target in targets_of_this_machine()
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(
            filter(None, sys.path)
        ),  # everything importable here, this package included
        "NUMBA_CPU_NAME": target.cpu if is_native else "generic",
        "NUMBA_CPU_FEATURES": target.features if is_native else "",
        "PYTHONHASHSEED": "0",  # Numba iterates over sets of names
    }


def target(name: str) -> Target:
    """Return a target by its name."""
    if name not in TARGETS:
        raise argparse.ArgumentTypeError(f"{name!r} is not a target, expected one of {', '.join(TARGETS)}")
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
        default=targets_to_build(),
        help=f"one of {', '.join(TARGETS)} (default: all for this kind of machine, and those for others that "
        "can be linked here)",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=FOLDER, help="(default: the package's own folder)"
    )
    options = parser.parse_args()
    try:
        build(options.targets, options.output)
    except BuildError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
