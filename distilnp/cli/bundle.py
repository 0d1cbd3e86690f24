"""`distilnp bundle`: a folder that needs only Python, for a function, a device or a read-only image.

The packages of this machine are copied as they are installed. Those for another Python or another machine are
left to pip.
"""

import ast
import compileall
import importlib.metadata
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import NamedTuple

from ..api import load
from ..checkpoint.registry import PACKAGE, find_checkpoint, short_name
from ..checkpoint.tensors import find_weights
from ..errors import ArgumentError, BuildError
from ..foreign import printable
from ..native.library import BUILD, FOLDER, NotRun, read_manifest
from ..native.targets import TARGETS, Target, targets_of_this_machine
from .failures import while_doing
from .folders import CHECKPOINT_FILES, check_is_new, copy_files, size_of, written_whole

# The packages that distilnp needs, except the hub's client: a bundle already has its checkpoint.
DEPENDENCIES = ("numpy>=2.0", "safetensors>=0.8", "tqdm>=4.66")

NOT_COPIED = shutil.ignore_patterns("__pycache__", "weights", "lib")

# Tests, programs and bytecode of packages. Nothing imports them, and they are a fifth of what pip installs.
NOT_NEEDED = ("tests", "bin", "__pycache__")

# What pip is asked for if a CPU is named and no platform is: the C library of 2018, or that of 2014, which
# packages without requirements of their own are built for.
LINUX_PLATFORMS = ("manylinux_2_28_{}", "manylinux2014_{}")

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# NumPy's own extension module: its suffix says which Pythons, on which machines, can import it.
EXTENSION = "_multiarray_umath"

STAMP = """
from importlib.machinery import EXTENSION_SUFFIXES as _suffixes

if {suffix!r} not in _suffixes:
    raise ImportError(
        f"the packages beside {{__file__}} are for {name}, expected {{_suffixes[0].split('.')[1]}}, which "
        "runs here. Write the folder again with this Python, or with --python and --platform for it"
    )
"""


class Plan(NamedTuple):
    """The parts of a bundle besides the package and the model.

    Attributes
    ----------
    targets : list of Target or None
        The CPUs whose kernels it gets; None for those of this installation.
    has_dependencies : bool
    python : str or None
        The version of Python for which pip installs the dependencies; None if they are copied.
    platforms : tuple of str
        The platforms that pip may take packages for; empty for that of this Python.
    """

    targets: list[Target] | None
    has_dependencies: bool
    python: str | None
    platforms: tuple[str, ...]


def bundle(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    ArgumentError
        The folder cannot be used, or the options contradict each other.
    BuildError
        There are no kernels to put into the folder, or pip has no packages for it.
    """
    folder = Path(options.directory)
    _check(folder)
    plan = plan_of(options)
    with while_doing("the model cannot be read"):
        checkpoint = find_checkpoint(options.model)
        load(checkpoint)  # a model that cannot be loaded must fail here, not on the device
        name = short_name(options.model)
    with written_whole(folder) as unfinished:
        _write(unfinished, checkpoint, name, plan)
    n_model_bytes = size_of(checkpoint_in(folder, name))
    print(
        f"{printable(folder)}: {size_of(folder) / 1e6:,.1f} MB, of which {printable(name)} "
        f"{n_model_bytes / 1e6:,.1f} MB"
    )


def checkpoint_in(folder: Path, name: str) -> Path:
    """Return the folder of the model in a bundle."""
    return folder / "distilnp" / "weights" / name


def plan_of(options: Namespace) -> Plan:
    """Return what the options ask for.

    Raises
    ------
    ArgumentError
        They ask for packages for two kinds of machine, or for pip where there is none.
    """
    platforms = tuple(options.platform or ())
    targets = [TARGETS[name] for name in options.target or ()]
    if not targets and platforms:
        targets = [target for target in TARGETS.values() if any(_is_for(platforms, target))]
        if not targets:  # no kernels are built ahead of time for that system
            return Plan([], True, options.python or THIS_PYTHON, platforms)
    is_foreign = any(target not in targets_of_this_machine() for target in targets)
    has_dependencies = bool(options.with_dependencies or options.python or platforms)
    if not has_dependencies or not (options.python or platforms or is_foreign):
        return Plan(targets or None, has_dependencies, None, ())
    machines = sorted({target.machine for target in targets})
    if len(machines) > 1:
        raise ArgumentError(
            f"the bundle is for {' and '.join(machines)}, expected one kind of machine, because a package "
            "with machine code is for one. Write a bundle for each, or leave out --with-dependencies"
        )
    if is_foreign and not platforms:
        platforms = tuple(platform.format(machines[0]) for platform in LINUX_PLATFORMS)
    return Plan(targets or None, True, options.python or THIS_PYTHON, platforms)


def _is_for(platforms: Iterable[str], target: Target) -> Iterable[bool]:
    return ("linux" in platform and platform.endswith(f"_{target.machine}") for platform in platforms)


def _check(folder: Path) -> None:
    check_is_new(folder)
    with while_doing(f"{printable(folder)} cannot be written"):
        if folder.resolve().is_relative_to(PACKAGE.resolve()):
            raise ArgumentError(
                f"{printable(folder)} is inside the package that is copied, expected a folder outside "
                f"{printable(PACKAGE)}"
            )


def _write(folder: Path, checkpoint: Path, name: str, plan: Plan) -> None:
    package = folder / "distilnp"
    shutil.copytree(PACKAGE, package, ignore=NOT_COPIED)
    _write_libraries(package / FOLDER.relative_to(PACKAGE), plan.targets)
    weights = checkpoint_in(folder, name)
    weights.mkdir(parents=True)
    copy_files(CHECKPOINT_FILES, checkpoint, weights)
    copy_files((path.name for path in find_weights(checkpoint).files()), checkpoint, weights)
    if plan.has_dependencies:
        if plan.python is None:
            for dependency in DEPENDENCIES:
                _copy_distribution(dependency.partition(">=")[0], folder)
        else:
            _install(folder, plan.python, plan.platforms)
        _stamp(folder)
    _compile(folder, plan.python or THIS_PYTHON)


def _write_libraries(folder: Path, targets: list[Target] | None) -> None:
    """Copy the libraries of this installation, and build those that it does not have."""
    from ..native.build import build, copy

    if targets == []:
        return
    try:
        built = read_manifest()
    except NotRun as reason:
        if targets is None:
            raise BuildError(
                f"there are no kernels to put into the folder: {reason}. Build them with `{BUILD}`, or for "
                "the folder alone with --target"
            ) from None
        built = {}
    if targets is None:
        targets = [TARGETS[name] for name in built]
    if all(target.name in built for target in targets):
        copy(targets, folder)
    else:
        build(targets, folder)


def _copy_distribution(name: str, folder: Path) -> None:
    """Copy an installed package: its modules, its licence and its metadata, but not its tests."""
    try:
        files = importlib.metadata.files(name) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    if not files:
        raise ArgumentError(
            f"--with-dependencies cannot copy {name}: it was not installed by pip, so its files are unknown. "
            f"Let pip fetch the packages: --python {THIS_PYTHON}"
        )
    for file in files:
        if not {"..", *NOT_NEEDED} & set(file.parts):
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), target)


def _install(folder: Path, python: str, platforms: tuple[str, ...]) -> None:
    """Let pip install the packages for another Python, or for another machine."""
    if find_spec("pip") is None:
        raise ArgumentError(
            "packages for another Python or another machine come from pip, which is not installed here. "
            "Install it: python -m ensurepip"
        )
    for_platforms = [word for platform in platforms for word in ("--platform", platform)]
    # An interpreter that cannot run here cannot build anything here.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-compile", "--only-binary", ":all:", "--python-version", python, *for_platforms]
    done = subprocess.run(
        [*command, "--target", os.fspath(folder), *DEPENDENCIES], capture_output=True, text=True
    )
    if done.returncode:
        raise BuildError(
            f"pip finds no packages for Python {python} on {' or '.join(platforms) or 'this platform'}. "
            f"It said:\n{done.stderr}"
        )
    for package in folder.iterdir():
        if package.name != "distilnp":  # a model may have any name
            for path in [package, *package.rglob("*")]:
                if path.name in NOT_NEEDED and path.is_dir():
                    shutil.rmtree(path)


def _stamp(folder: Path) -> None:
    """Let the package say which Python its neighbours are for. NumPy would only say that it is damaged."""
    names = (path.name for path in folder.glob(f"numpy/_core/{EXTENSION}.*"))
    suffix = next(name for name in names if name.endswith((".so", ".pyd"))).removeprefix(EXTENSION)
    path = folder / "distilnp" / "__init__.py"
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    end_of_docstring = ast.parse(source).body[0].end_lineno
    lines.insert(end_of_docstring or 0, STAMP.format(suffix=suffix, name=suffix.split(".")[1]))
    path.write_text("".join(lines), encoding="utf-8")


def _compile(folder: Path, python: str) -> None:
    """Write bytecode for a version of Python, if that Python is here.

    Python cannot keep its bytecode in a folder that is read-only: it would compile the modules in every
    process, which took 0.19 s of 0.48 s. Unchecked, because an archive may change the times of files, which
    bytecode is checked by.
    """
    if python == THIS_PYTHON:
        compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        return
    options = ["-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
    executable = shutil.which(f"python{python}")
    # A file with that name may be a launcher that has no such version.
    if not executable or subprocess.run([executable, *options, folder], capture_output=True).returncode:
        print(
            f"distilnp: python{python} is not here, so the folder has no bytecode and starts more slowly. "
            f"Add it there: python{python} {' '.join(options)} DIR",
            file=sys.stderr,
        )
