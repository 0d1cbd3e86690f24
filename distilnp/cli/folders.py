"""The folders that commands write: how they appear, and which files of a checkpoint they get."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..checkpoint.files import CONFIG, TOKENIZER_FILES
from ..errors import ArgumentError, DistilnpError

# The files of a checkpoint besides its weights, and its card, which may state the licence.
CHECKPOINT_FILES = (CONFIG, *TOKENIZER_FILES, "README.md", "LICENSE")


def check_is_new(folder: Path) -> None:
    """Raise an error unless a folder is new or empty.

    Raises
    ------
    ArgumentError
        The folder is neither new nor empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} exists, expected a new or an empty folder")


def copy_files(names: Iterable[str], source: Path, destination: Path) -> None:
    """Copy the files with these names that the source has."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, destination / name)


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to write into. It becomes `folder` when all is written, otherwise it is removed.

    Raises
    ------
    DistilnpError
        The folder cannot be written.
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
    """Return the number of bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
