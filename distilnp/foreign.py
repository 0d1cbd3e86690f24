"""Files and text from strangers: files are read up to a limit, and text is escaped before anyone sees it.

Three functions make foreign text safe. `shown` is for a value in a message, `printable` for a name or a path
that stands without quotes, and `printable_lines` for a whole message on its way to a terminal.

Only the standard library is imported, so that code without NumPy can use this module.
"""

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:  # `--help` would wait 3 ms for it
    from pathlib import Path

# Twenty times the largest tokenizer.json in use (multilingual, 3 MB). A larger file is not part of a
# checkpoint.
MAX_FILE_BYTES = 64 << 20

# Enough to recognise a value, and little enough to read in a terminal.
MAX_SHOWN = 200

# Invisible characters that belong to the spelling of some scripts and emoji.
JOINERS = "\u200c\u200d"

LOG10_OF_2 = 0.30103


def open_file(path: "Path") -> BinaryIO:
    """Open a file for reading.

    Raises
    ------
    OSError
        The file cannot be opened, or is a folder, a device or a pipe, which might never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    return path.open("rb")


def size_of(path: "Path") -> int:
    """Return the size of a file that can be opened.

    Raises
    ------
    OSError
        See `open_file`.
    """
    with open_file(path) as file:
        return os.fstat(file.fileno()).st_size


def read_file(path: "Path", largest: int = MAX_FILE_BYTES) -> bytes:
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
    """Return a value for a message: as Python writes it, escaped, and cut after `longest` characters.

    The value may be anything: a file may have megabytes where a word is expected, and an object of a
    stranger's class may raise in its `__repr__`.
    """
    try:
        text = printable(repr(value))
    except RecursionError:  # the parser of JSON can nest values deeper than repr can follow
        text = f"{_type_of(value)} with brackets too deep"
    except Exception:
        text = f"{_type_of(value)} that cannot be shown"
        if isinstance(value, int):  # Python refuses to write an integer of more than 4,300 digits
            text = f"an integer of about {int(value.bit_length() * LOG10_OF_2) + 1:,} digits"
    return _cut(text, longest)


def printable(text: object, longest: int | None = None) -> str:
    r"""Return a name, a path or a label as one line that does nothing to a terminal.

    Characters that move the cursor, end a line, reorder or hide other characters are escaped, such as \x1b,
    \n and \u202e, and so are halves of surrogate pairs, which no encoding can write.

    Parameters
    ----------
    text : object
        A string, or a path.
    longest : int, optional
        The number of characters after which the text is cut; by default, it is not cut.
    """
    line = str(text)
    if not line.isprintable():
        line = "".join(
            character
            if character.isprintable() or character in JOINERS
            else character.encode("unicode_escape").decode()
            for character in line
        )
    return line if longest is None else _cut(line, longest)


def printable_lines(message: str) -> str:
    """Return a message for a terminal, with its lines after the first one indented.

    Only a message begins at the margin. So a line end inside a name cannot forge a message of its own.
    """
    first, *rest = message.rstrip("\n").split("\n")
    indented = (line if line.startswith(" ") else f"  {line}" for line in rest)
    return "\n".join(map(printable, (first, *indented)))


def _type_of(value: object) -> str:
    return printable(type(value).__name__, MAX_SHOWN)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."
