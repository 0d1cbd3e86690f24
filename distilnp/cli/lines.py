"""The lines of a file, gzipped or not, decoded and counted; `Lines.ready` says if the next one has arrived.

`unpacker` unpacks gzip, and `readers` turn lines into texts. Nothing here knows what a line holds.
"""

import os
import select
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ..errors import InputFileError, TextTooLongError
from .unpacker import DamagedGzip, Unpacker

# The capacity of a pipe on Linux.
CHUNK_BYTES = 65536


class Lines:
    r"""The lines of a UTF-8 file, each with its end: \n, \r or \r\n.

    Python's own text files cannot say whether the next line has already arrived.

    Attributes
    ----------
    name : str
        The name of the file in messages.
    number : int
        The number of the last line that was returned; the first line has number 1.
    n_bytes : int
        The bytes of the file up to the end of that line. For gzip, an estimate: the bytes that were read,
        times the share of their unpacked text that was returned.
    size : int or None
        The bytes of the file on the disk; None for a pipe or a terminal.
    is_terminal : bool
        Whether somebody types the lines.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self.number = 0
        self.n_bytes = 0
        self.size = _size(file)
        self.is_terminal = file.isatty()
        self._file = file
        self._unpacker = Unpacker()
        self._chunks: Iterator[bytes] | None = None  # the rest of the last piece of the file, None if used up
        self._n_unpacked = 0
        self._n_returned = 0  # of the unpacked bytes
        self._is_at_end = False  # the file has been read
        self._ended = False  # the file has been read and split into lines
        self._damage: DamagedGzip | None = None  # reported after the lines before it have been returned
        self._whole: deque[bytes] = deque()
        self._unfinished: list[bytes] = []  # pieces, joined once: a line may be as long as the file
        self._held = b""  # a \r that ended a chunk, perhaps half of a \r\n

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._whole:
            if self._damage:
                raise InputFileError(
                    f"{self.name}, after line {self.number}: the gzip file {self._damage}. Fetch or compress "
                    "it again"
                ) from self._damage
            if self._ended:
                raise StopIteration
            self._read()
        self.number += 1
        return self._decode(self._whole.popleft())

    def ready(self) -> bool:
        """Return whether there is a next line that can be returned without waiting."""
        while not (self._whole or self._damage or self._ended):
            if self._chunks is None and not _can_read(self._file):
                break
            self._read()
        return bool(self._whole)

    def error(self, message: str) -> InputFileError:
        """Return an error about the last line that was returned."""
        return InputFileError(f"{self.name}, line {self.number}: {message}")

    def _read(self) -> None:
        """Take one step: read a piece of the file, or take a chunk from the last piece."""
        if self._chunks is None:
            self._chunks = self._unpacker.unpack(self._next_piece())
            return
        try:
            chunk = next(self._chunks, None)
        except DamagedGzip as error:
            self._damage = error
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
            if piece.endswith((b"\n", b"\r")):
                self._finish_line()

    def _end(self) -> None:
        self._ended = True
        self._unfinished.append(self._held)
        if any(self._unfinished):
            self._finish_line()

    def _finish_line(self) -> None:
        self._whole.append(b"".join(self._unfinished))
        self._unfinished.clear()

    def _decode(self, line: bytes) -> str:
        self._n_returned += len(line)
        self.n_bytes = self._unpacker.n_bytes * self._n_returned // self._n_unpacked
        if b"\0" in line:
            raise self.error(
                f"byte {line.index(0) + 1} is NUL, expected text in UTF-8. The file is binary, or in UTF-16, "
                "which can be converted: iconv -f UTF-16 -t UTF-8"
            )
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise self.error(
                f"byte {error.start + 1} is 0x{line[error.start]:02x}, expected text in UTF-8. "
                "Convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8"
            ) from error
        return text.removeprefix("\ufeff") if self.number == 1 else text


@contextmanager
def open_lines(path: str | None) -> Iterator[Lines]:
    """Open the lines of a file, or those of standard input for None and "-".

    A gzip file is recognised by its content, not by its name.

    Raises
    ------
    InputFileError
        The file cannot be opened.
    """
    is_stdin = path in (None, "-")
    name = "standard input" if path is None or is_stdin else path
    try:
        # Unbuffered, because `select` does not see bytes that wait in a buffer. Standard input is descriptor
        # 0, even if sys.stdin is something else.
        file = open(0 if is_stdin else name, "rb", buffering=0, closefd=not is_stdin)  # noqa: SIM115
    except OSError as error:
        raise InputFileError(f"{name} cannot be read: {error.strerror}. Expected a file of texts") from error
    with file:
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
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):
        return False
