"""Files and values from strangers: files are read up to a limit, and values are cut short in messages.

Only the standard library is imported, so that code without NumPy can use this module.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# Twenty times the largest tokenizer.json in use (multilingual, 3 MB). A larger file is not part of a
# checkpoint.
MAX_FILE_BYTES = 64 << 20

# Enough to recognise a value, and little enough to read in a terminal.
MAX_SHOWN = 200


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises
    ------
    OSError
        The file cannot be opened, or is a folder, a device or a pipe, which might never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    return path.open("rb")


def size_of(path: Path) -> int:
    """Return the size of a file that can be opened.

    Raises
    ------
    OSError
        See `open_file`.
    """
    with open_file(path) as file:
        return os.fstat(file.fileno()).st_size


def read_file(path: Path, largest: int = MAX_FILE_BYTES) -> bytes:
    """Read a whole file of at most `largest` bytes.

    Raises
    ------
    OSError
        The file is larger, or cannot be opened (see `open_file`).
    """
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise OSError(errno.EFBIG, f"it has more than {largest} bytes")
        return file.read()


def shown(value: object, longest: int = MAX_SHOWN) -> str:
    """Return a value for a message, cut short: a file may have megabytes where a word is expected."""
    try:
        text = repr(value)
    except RecursionError:  # the parser of JSON can nest values deeper than repr can follow
        text = f"{type(value).__name__} with brackets too deep"
    return text if len(text) <= longest else f"{text[:longest]}..."
