"""Copies of the package, to be damaged, moved or thinned out."""

import shutil
from pathlib import Path

import distilnp


def copy_package(folder: Path, *, without: tuple[str, ...] = (), numba: bool = True) -> Path:
    """Copy distilnp, without bundled weights, to a folder for PYTHONPATH; return that.

    `without` are patterns of names; without `numba`, it cannot be imported.
    """
    ignored = shutil.ignore_patterns("__pycache__", "weights", *without)
    shutil.copytree(Path(distilnp.__file__).parent, folder / "distilnp", ignore=ignored)
    if not numba:
        (folder / "numba.py").write_text("raise ImportError('this is not numba')\n")
    return folder
