"""Copies of the package, for tests to damage, move or thin out."""

import shutil
from pathlib import Path

import distilnp


def copy_package(folder: Path, *, without: tuple[str, ...] = (), numba: bool = True) -> Path:
    """Copy distilnp, without its bundled weights, into a folder for PYTHONPATH; return that folder.

    `without` holds patterns of file names to leave out. If `numba` is False, Numba cannot be imported.
    """
    ignored = shutil.ignore_patterns("__pycache__", "weights", *without)
    shutil.copytree(Path(distilnp.__file__).parent, folder / "distilnp", ignore=ignored)
    if not numba:
        (folder / "numba.py").write_text("raise ImportError('this is not numba')\n")
    return folder
