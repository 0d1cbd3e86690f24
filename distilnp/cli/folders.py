"""The folders that commands write: how they appear, and which files of a checkpoint they get."""

import os
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from types import FrameType
from typing import NoReturn

from ..checkpoint.files import CONFIG, TOKENIZER_FILES
from ..errors import ArgumentError
from ..foreign import printable
from .failures import while_doing

# The files of a checkpoint besides its weights, and its card, which may state the licence.
CHECKPOINT_FILES = (CONFIG, *TOKENIZER_FILES, "README.md", "LICENSE")


# The beginning of a folder's name that is repeated in the name of the unfinished folder beside it. A name has
# at most 255 bytes, and a character at most four.
NAME_CHARACTERS = 32

# What ends a process and leaves Python no time to tidy up, unless it is caught.
ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _Ended(BaseException):
    """A signal that ends the process has come."""

    def __init__(self, number: int) -> None:
        self.number = number


def check_is_new(folder: Path) -> None:
    """Raise an error unless `written_whole` could write a folder: it is new, or empty and can be replaced.

    Raises
    ------
    ArgumentError
        The folder is neither new nor empty, or something else stands in its place.
    DistilnpError
        The folder cannot be looked at.
    """
    with while_doing(f"{printable(folder)} cannot be written"):
        if folder.is_symlink():
            raise ArgumentError(f"{printable(folder)} is a link, expected a new or an empty folder")
        if not folder.exists():
            return
        if not folder.is_dir() or any(folder.iterdir()):
            raise ArgumentError(f"{printable(folder)} exists, expected a new or an empty folder")
        # A finished folder takes the place of the empty one.
        reason = None
        if folder.samefile(Path.cwd()):
            reason = "the folder in which this command runs"
        elif os.path.ismount(folder):
            reason = "the root of a file system"
        if reason:
            raise ArgumentError(
                f"{printable(folder)} is {reason}, expected a folder that can be replaced. Give the name of "
                "a new folder inside it"
            )


def copy_files(names: Iterable[str], source: Path, destination: Path) -> None:
    """Copy the files with these names that the source has."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, destination / name)


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to write into. It becomes `folder` when all is written, otherwise it is removed.

    It is also removed if SIGTERM or SIGHUP ends the process. Nothing can remove it after SIGKILL. It is then
    beside `folder`, and its name begins with a dot and the name of `folder`.

    Raises
    ------
    DistilnpError
        The folder cannot be written.
    """
    # Named before it is made, so that no moment is left in which a signal could leave it behind.
    unfinished = folder.parent / f".{folder.name[:NAME_CHARACTERS]}.{token_hex(8)}"
    with while_doing(f"{printable(folder)} cannot be written"), _ending_signals_raised():
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.mkdir()
            yield unfinished
            if folder.exists():  # Windows does not replace it, not even if it is empty
                folder.rmdir()
            unfinished.replace(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _ending_signals_raised() -> Iterator[None]:
    """Let the signals that end the process raise an exception, and end the process after the clean-up."""
    if threading.current_thread() is not threading.main_thread():  # Python allows handlers only there
        yield
        return

    def raise_it(number: int, frame: FrameType | None) -> NoReturn:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)  # the clean-up has begun
        raise _Ended(number)

    numbers = [number for number in ENDING_SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, raise_it)
    ended = None
    try:
        yield
    except _Ended as error:
        ended = error
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
    if ended is not None:
        signal.raise_signal(ended.number)
        raise ended


def size_of(folder: Path) -> int:
    """Return the number of bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
