"""Folders that commands write: how they appear, and what a checkpoint brings besides its weights."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..checkpoint.files import CONFIG, TOKENIZER_FILES
from ..errors import ArgumentError, DistilnpError

# What a checkpoint is besides its weights, and its card, which may say under what licence.
CHECKPOINT_FILES = (CONFIG, *TOKENIZER_FILES, "README.md", "LICENSE")


def check_is_new(folder: Path) -> None:
    """Refuse to write where something is.

    Raises
    ------
    ArgumentError
        The folder is neither new nor empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} exists, expected a new or an empty folder")


def copy_files(names: Iterable[str], source: Path, destination: Path) -> None:
    """Copy those files that the source has."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, destination / name)


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into, which becomes `folder` when all is written, and else is removed.

    Raises
    ------
    DistilnpError
        It cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            unfinished = Path(scratch, "unfinished")
            unfinished.mkdir()
            yield unfinished
            unfinished.replace(folder)
    except OSError as error:
        raise DistilnpError(f"{folder} cannot be written: {error}") from error


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
