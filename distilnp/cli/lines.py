"""The lines of a file, packed or not, decoded and counted; `Lines.ready` says if the next one has arrived.

`unpacker` unpacks gzip and others, and `readers` turn lines into texts. Nothing here knows what a line holds.
Memory is bounded whatever the file is: a line may have `MAX_LINE_BYTES`. A file without lines, such as
Parquet, is taken as it is by its reader, which then counts rows instead of lines.
"""

import os
import select
import stat
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO

from ..errors import InputFileError, TextTooLongError
from ..foreign import printable
from .files import is_url, open_url
from .unpacker import Damaged, Unpacker

# The capacity of a pipe on Linux.
CHUNK_BYTES = 65536

# Ten times War and Peace. A longer line is not a text, and would take the memory of the machine: a device of
# zeros never ends, and 3 MB of gzip can hold 3 GB without a line end.
MAX_LINE_BYTES = 32 << 20

# `Lines.peek` waits for a line with something in it, but not for more bytes than these.
PEEK_BYTES = CHUNK_BYTES

# The byte order mark of UTF-8.
MARK = b"\xef\xbb\xbf"

# `Lines.ready` looks behind so many blank lines. A chunk may have 65,536 of them.
MOST_BLANK_LINES = 16


class BadLine(InputFileError):
    """A line, or the row that ends on it, cannot be used; the next one may be.

    Attributes
    ----------
    kept : mapping or None
        The columns of the row that were to be kept, if they are known.
    """

    kept: Mapping[str, object] | None = None


class MissingText(BadLine):
    """The text of a row is a null of its table, which whoever wrote the table meant."""


class _TooLong(Exception):
    """A line has more than `MAX_LINE_BYTES`; the argument is its beginning."""


class Lines:
    r"""The lines of a UTF-8 file, each with its end: \n, \r or \r\n.

    Python's own text files cannot say whether the next line has already arrived.

    Attributes
    ----------
    name : str
        The name of the file in messages.
    number : int
        The number of the last line that was returned, or of the last row of a file that was taken. The first
        one has number 1.
    n_bytes : int
        The bytes of the file up to the end of that line. For a packed file, an estimate: the bytes that were
        read, times the share of their unpacked text that was returned.
    size : int or None
        The bytes of the file on the disk; None for a pipe or a terminal.
    is_terminal : bool
        Whether somebody types the lines.
    has_rest : bool
        Whether a reader, which sets it, has kept some of the last piece for its next row; see `in_pieces`.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = printable(name)
        self.number = 0
        self.has_rest = False
        self.n_bytes = 0
        self.size = _size(file)
        self.is_terminal = file.isatty()
        self._file = file
        self._place = "line"
        self._unpacker = Unpacker()
        self._chunks: Iterator[bytes] | None = None  # the rest of the last piece of the file, None if used up
        self._n_unpacked = 0
        self._n_returned = 0  # of the unpacked bytes
        self._is_at_end = False  # the file has been read
        self._ended = False  # the file has been read and split into lines
        # What ends the file early; reported after the lines before it have been returned.
        self._obstacle: Damaged | _TooLong | None = None
        self._whole: deque[bytes] = deque()
        self._unfinished: list[bytes] = []  # pieces, joined once: a line may be as long as the file
        self._n_unfinished = 0  # their bytes
        self._in_pieces = False
        self._is_at_start_of_line = True
        self._n_earlier = 0  # bytes of the line in the pieces before the last one
        self._held = b""  # a \r that ended a chunk, perhaps half of a \r\n

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._whole:
            if self._obstacle:
                raise self._fatal(self._obstacle) from self._obstacle
            if self._ended:
                raise StopIteration
            self._read()
        if self._is_at_start_of_line:
            self.number += 1
            self._n_earlier = 0
        line = self._whole.popleft()
        if self._in_pieces and (at := _first_bad_byte(line)) is not None:
            # The values before it are read first, as if the piece had ended there.
            rest = line[at or 1 :]
            line = line[: at or 1]
            if rest:
                self._whole.appendleft(rest)
        self._is_at_start_of_line = line.endswith((b"\n", b"\r"))
        text = self._decode(line)
        self._n_earlier += len(line)
        return text

    def ready(self) -> bool:
        """Return whether there is a next line that can be returned without waiting.

        A blank line does not count. It may be the last one, which is no row of a table, so that a reader has
        to wait for the line after it. So it is with a comma or a bracket between the values of JSON.
        """
        if self._place == "row":
            return self.has_rest
        blank = b" \t\r\n,[]" if self._in_pieces else None
        while not (self._whole or self._obstacle or self._ended):
            if self._chunks is None and not _can_read(self._file):
                break
            self._read()
        return self.has_rest or any(line.strip(blank) for line in islice(self._whole, MOST_BLANK_LINES))

    def peek(self) -> bytes:
        """Return the first bytes of the text, which `next` still returns.

        They contain at least the first line that is not blank, unless that ends after `PEEK_BYTES`.
        """
        while True:
            head = b"".join((*self._whole, *self._unfinished))
            has_line = any(not line.removeprefix(MARK).isspace() for line in self._whole)
            if has_line or len(head) >= PEEK_BYTES or self._obstacle or self._ended:
                return head
            self._read()

    def in_pieces(self) -> None:
        """Return the rest of a line that has not ended in pieces, as they arrive.

        This is for a format in which a line end means nothing: a JSON array often is one line, as long as the
        file.
        """
        self._in_pieces = True
        self._finish_piece()

    def all(self) -> str:
        """Return the whole text.

        Raises
        ------
        BadLine
            It has more than `MAX_LINE_BYTES`, or is not UTF-8.
        """
        parts: list[str] = []
        n_characters = 0
        for line in self:
            parts.append(line)
            n_characters += len(line)
            if n_characters > MAX_LINE_BYTES:
                raise self.error(
                    f"the file has more than {MAX_LINE_BYTES:,} characters, expected a text that somebody "
                    "wrote"
                )
        return "".join(parts)

    def take(self) -> BinaryIO:
        """Return the file itself, from its beginning, to the reader of a format that has no lines.

        The reader counts rows in `number`, and bytes as well as it can. `has_rest` is true up to its end.

        Raises
        ------
        InputFileError
            The file is packed, or a pipe. Such formats are read from their ends.
        """
        if self._unpacker.is_packed:
            raise InputFileError(f"{self.name} is packed, expected the file that is in it. Unpack it first")
        if not self._file.seekable():
            raise InputFileError(
                f"{self.name} is a pipe, expected a file, because tables of this kind are read from their "
                "ends. Write the table into a file, and give --file"
            )
        self._file.seek(0)
        self._place = "row"
        self.has_rest = True
        return self._file

    def error(self, message: str) -> BadLine:
        """Return an error about the last line or row that was returned."""
        return BadLine(f"{self.place}: {message}")

    @property
    def place(self) -> str:
        """The last line or row that was returned, as messages name it."""
        return f"{self.name}, {self._place} {self.number}"

    def _read(self) -> None:
        """Take one step: read a piece of the file, or take a chunk from the last piece."""
        if self._chunks is None:
            self._chunks = self._unpacker.unpack(self._next_piece())
            return
        try:
            chunk = next(self._chunks, None)
        except Damaged as error:
            self._obstacle = error
            return
        if chunk is not None:
            self._n_unpacked += len(chunk)
            self._split(chunk)
            return
        self._chunks = None
        if self._is_at_end:
            self._end()

    def _next_piece(self) -> bytes:
        try:
            while (piece := self._file.read(CHUNK_BYTES)) is None:  # the pipe is non-blocking
                select.select([self._file], [], [])
        except OSError as error:
            raise InputFileError(f"{self.name} cannot be read to its end: {error.strerror}") from error
        self._is_at_end = not piece
        return piece

    def _split(self, chunk: bytes) -> None:
        chunk = self._held + chunk
        self._held = b"\r" if chunk.endswith(b"\r") else b""
        for piece in chunk.removesuffix(self._held).splitlines(keepends=True):
            self._unfinished.append(piece)
            self._n_unfinished += len(piece)
            if self._n_unfinished > MAX_LINE_BYTES:
                self._obstacle = _TooLong(b"".join(self._unfinished))
                self._unfinished.clear()
                return
            if piece.endswith((b"\n", b"\r")):
                self._finish_line()
        if self._in_pieces:
            self._finish_piece()

    def _end(self) -> None:
        self._ended = True
        self._unfinished.append(self._held)
        if any(self._unfinished):
            self._finish_line()

    def _finish_line(self) -> None:
        self._whole.append(b"".join(self._unfinished))
        self._unfinished.clear()
        self._n_unfinished = 0

    def _finish_piece(self) -> None:
        """Return what there is of a line next, except for the beginning of a character at its end."""
        piece = b"".join(self._unfinished)
        whole = _length_in_whole_characters(piece)
        self._unfinished = [piece[whole:]]
        self._n_unfinished = len(piece) - whole
        if whole:
            self._whole.append(piece[:whole])

    def _fatal(self, obstacle: Damaged | _TooLong) -> InputFileError:
        if isinstance(obstacle, Damaged):
            return InputFileError(
                f"{self.name}, after line {self.number}: {obstacle}. Fetch or compress it again"
            )
        (beginning,) = obstacle.args
        where = f"{self.name}, line {self.number + 1}: "
        if b"\0" in beginning:
            return InputFileError(where + _nul(beginning))
        return InputFileError(
            f"{where}the line has more than {MAX_LINE_BYTES:,} bytes, expected a text that somebody wrote"
        )

    def _decode(self, line: bytes) -> str:
        is_first = self._n_returned == 0
        self._n_returned += len(line)
        self.n_bytes = self._unpacker.n_bytes * self._n_returned // self._n_unpacked
        if b"\0" in line:
            raise self.error(_nul(line, self._n_earlier))
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise self.error(
                f"byte {self._n_earlier + error.start + 1} is 0x{line[error.start]:02x}, expected text in "
                "UTF-8. Convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8"
            ) from error
        return text.removeprefix("\ufeff") if is_first else text


@contextmanager
def open_lines(path: str | None) -> Iterator[Lines]:
    """Open the lines of a file, or those of standard input for None and "-".

    A packed file is recognised by its content, not by its name.

    Raises
    ------
    InputFileError
        The file cannot be opened, or is the file that standard output writes.
    """
    if path is not None and is_url(path):
        with open_url(path) as file:
            yield Lines(file, path)
        return
    is_stdin = path in (None, "-")
    name = "standard input" if path is None or is_stdin else path
    try:
        # Unbuffered, because `select` does not see bytes that wait in a buffer. Standard input is descriptor
        # 0, even if sys.stdin is something else.
        file = open(0 if is_stdin else name, "rb", buffering=0, closefd=not is_stdin)  # noqa: SIM115
    except OSError as error:
        raise InputFileError(
            f"{printable(name)} cannot be read: {error.strerror}. Expected a file of texts"
        ) from error
    with file:
        if _is_output(file):
            raise InputFileError(
                f"{printable(name)} is also the output, expected another file. The answers would be read as "
                "texts"
            )
        yield Lines(file, name)


@contextmanager
def naming_the_line(lines: Lines) -> Iterator[None]:
    """Add its line to the error about a text that is too long, which is always the last one that was read."""
    try:
        yield
    except TextTooLongError as error:
        raise lines.error(str(error)) from error


def _size(file: BinaryIO) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except OSError:  # a file in memory
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _can_read(file: BinaryIO) -> bool:
    """Return whether a read would return at once; False, which is safe, if that is unknown, as on Windows."""
    try:
        file.fileno()
    except OSError:  # a file in memory, or one that a server sends
        return True
    try:
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):
        return False


def _is_output(file: BinaryIO) -> bool:
    """Return whether standard output goes into this file."""
    try:
        output = sys.stdout.fileno()
        return _size(file) is not None and os.path.sameopenfile(file.fileno(), output)
    except (AttributeError, OSError, ValueError):  # standard output is closed, or an object of the caller's
        return False


def _nul(line: bytes, n_earlier: int = 0) -> str:
    return (
        f"byte {n_earlier + line.index(0) + 1} is NUL, expected text in UTF-8. The file is binary, or in "
        "UTF-16, which can be converted: iconv -f UTF-16 -t UTF-8"
    )


def _first_bad_byte(text: bytes) -> int | None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        text = text[: error.start] + b"\0"
    return text.index(0) if b"\0" in text else None


def _length_in_whole_characters(text: bytes) -> int:
    """Return the length of UTF-8 without the first bytes of a character whose other bytes are missing."""
    for n_bytes, byte in enumerate(reversed(text[-3:]), start=1):
        if byte >= 0xC0:  # the first of 2, 3 or 4 bytes
            expected = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            return len(text) - n_bytes * (n_bytes < expected)
        if byte < 0x80:
            break
    return len(text)
