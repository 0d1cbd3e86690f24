"""`distilnp bundle`: a folder that needs only Python, for a function, a device or a read-only image."""

import compileall
import importlib.metadata
import shutil
from argparse import Namespace
from pathlib import Path
from py_compile import PycInvalidationMode

from ..api import load
from ..checkpoint.registry import PACKAGE, find_checkpoint, short_name
from ..checkpoint.tensors import find_weights
from ..errors import ArgumentError, BuildError
from ..native.library import BUILD, FOLDER, MANIFEST, NotRun, path_of, read_manifest
from ..native.targets import TARGETS, Target, targets_of_this_machine
from .folders import CHECKPOINT_FILES, check_is_new, copy_files, size_of, written_whole

# The packages that distilnp needs, except the hub's client: a bundle already has its checkpoint.
DEPENDENCIES = ("numpy", "safetensors", "tqdm")

NOT_COPIED = shutil.ignore_patterns("__pycache__", "weights", "lib")


def bundle(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    ArgumentError
        The folder is not empty, or the options contradict each other.
    BuildError
        There are no kernels to put into the folder.
    """
    folder = Path(options.directory)
    targets = [TARGETS[name] for name in options.target or ()]
    _check(folder, targets, options.with_dependencies)
    checkpoint = find_checkpoint(options.model)
    load(checkpoint)  # a model that cannot be loaded must fail here, not on the device
    name = short_name(options.model)
    with written_whole(folder) as unfinished:
        _write(unfinished, checkpoint, name, targets, options.with_dependencies)
    n_model_bytes = size_of(checkpoint_in(folder, name))
    print(f"{folder}: {size_of(folder) / 1e6:,.1f} MB, of which {name} {n_model_bytes / 1e6:,.1f} MB")


def checkpoint_in(folder: Path, name: str) -> Path:
    """Return the folder of the model in a bundle."""
    return folder / "distilnp" / "weights" / name


def _check(folder: Path, targets: list[Target], with_dependencies: bool) -> None:
    check_is_new(folder)
    foreign = [target.name for target in targets if target not in targets_of_this_machine()]
    if with_dependencies and foreign:
        raise ArgumentError(
            f"--with-dependencies copies the packages of this machine, which do not run on {foreign[0]}. "
            "Leave it out, and add them with `pip install --platform ... --only-binary :all: --target DIR "
            f"{' '.join(DEPENDENCIES)}`"
        )


def _write(folder: Path, checkpoint: Path, name: str, targets: list[Target], with_dependencies: bool) -> None:
    package = folder / "distilnp"
    shutil.copytree(PACKAGE, package, ignore=NOT_COPIED)
    libraries = package / FOLDER.relative_to(PACKAGE)
    if targets:
        from ..native.build import build

        build(targets, libraries)
    else:
        _copy_libraries(libraries)
    weights = checkpoint_in(folder, name)
    weights.mkdir(parents=True)
    copy_files(CHECKPOINT_FILES, checkpoint, weights)
    copy_files((path.name for path in find_weights(checkpoint).files()), checkpoint, weights)
    if with_dependencies:
        for dependency in DEPENDENCIES:
            _copy_distribution(dependency, folder)
    # Python cannot keep its bytecode in a folder that is read-only: it would compile the modules in every
    # process. Unchecked, because an archive may change the times of files, which bytecode is checked by.
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


def _copy_libraries(folder: Path) -> None:
    """Copy the libraries of this installation."""
    try:
        names = read_manifest()
    except NotRun as reason:
        raise BuildError(
            f"there are no kernels to put into the folder: {reason}. Build them with `{BUILD}`, or for the "
            "folder alone with --target"
        ) from None
    folder.mkdir()
    for file in (FOLDER / MANIFEST, *(path_of(TARGETS[name]) for name in names)):
        shutil.copy(file, folder)


def _copy_distribution(name: str, folder: Path) -> None:
    """Copy an installed package: its modules, its licence and its metadata, but not its tests."""
    try:
        files = importlib.metadata.files(name) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    if not files:
        raise ArgumentError(
            f"--with-dependencies cannot copy {name}: it was not installed by pip, so its files are unknown"
        )
    for file in files:
        if not {"..", "tests", "__pycache__"} & set(file.parts):
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), target)
