"""Texts out of files: lines, CSV, TSV and JSON lines.

`Lines` decodes, counts, and knows whether the next line is already there; each of `READERS` picks out of the
rows what is wanted of them: texts, pairs, labels. The first row that does not fit raises `InputFileError`
when its turn has come: nothing is skipped, nothing is repaired. Nothing here knows a model.
"""

import csv
import json
import os
import select
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

from ..errors import InputFileError, TextTooLongError
from ..texts import Text
from .unpacker import DamagedGzip, Unpacker

# As much as a pipe of Linux holds.
CHUNK_BYTES = 65536

# The largest limit that the csv module takes on every platform; its own, 131,072 characters, stops at a book.
LARGEST_FIELD = 2**31 - 1

# Names that a column of texts, or of labels, goes by when nobody says which it is.
USUAL_COLUMNS = ("text", "sentence")
USUAL_LABEL_COLUMNS = ("label", "labels")


class Columns(NamedTuple):
    """The columns that are wanted, by name.

    Attributes
    ----------
    text : str or None
        None is the obvious one.
    pair : str or None
        That of a second text. None: there is none.
    labels : tuple of str
        Names of which the column of labels has one. None of them: labels are not wanted.
    """

    text: str | None = None
    pair: str | None = None
    labels: tuple[str, ...] = ()


class _Chosen(NamedTuple):
    """The columns of a file that are meant."""

    text: str
    pair: str | None
    label: str | None


class Row(NamedTuple):
    """What a row has in these columns; the label is None where it is not wanted."""

    text: Text
    label: str | int | None


class Lines:
    r"""The lines of a UTF-8 file, each with its end, be that \n, \r or \r\n.

    Python's own text files will not say whether the next line would have to be waited for.

    Attributes
    ----------
    name : str
        What messages call the file.
    number : int
        Of the line that was given last; the first is 1.
    n_bytes : int
        Bytes of the file up to here; of gzip, by what share of the text unpacked so far this is.
    size : int or None
        Bytes of the file, as it lies on the disk; None for a pipe or a terminal.
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
        self._chunks: Iterator[bytes] | None = None  # what the last piece of the file holds, None if nothing
        self._n_unpacked = 0
        self._n_given = 0  # of those that were unpacked
        self._is_at_end = False  # of the file
        self._ended = False  # and all of it is in lines
        self._damage: DamagedGzip | None = None  # told when the lines before it have been given
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
        """Say whether there is a next line, and it can be had without waiting."""
        while not (self._whole or self._damage or self._ended):
            if self._chunks is None and not _can_read(self._file):
                break
            self._read()
        return bool(self._whole)

    def error(self, message: str) -> InputFileError:
        """Return an error about the line that was given last."""
        return InputFileError(f"{self.name}, line {self.number}: {message}")

    def _read(self) -> None:
        """Go on by a step: read a piece of the file, or take a chunk of what a piece holds."""
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
            while (piece := self._file.read(CHUNK_BYTES)) is None:  # somebody has made the pipe non-blocking
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
        self._n_given += len(line)
        self.n_bytes = self._unpacker.n_bytes * self._n_given // self._n_unpacked
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
    """Open a file, or standard input for None and "-"; of gzip, whatever its name, what is packed."""
    is_stdin = path in (None, "-")
    name = "standard input" if path is None or is_stdin else path
    try:
        # Unbuffered: `select` would not see what waits in a buffer. Standard input is number 0, whatever
        # became of sys.stdin.
        file = open(0 if is_stdin else name, "rb", buffering=0, closefd=not is_stdin)  # noqa: SIM115
    except OSError as error:
        raise InputFileError(f"{name} cannot be read: {error.strerror}. Expected a file of texts") from error
    with file:
        yield Lines(file, name)


@contextmanager
def naming_the_line(lines: Lines) -> Iterator[None]:
    """Let the error about a text that is too long, which was read last, say on which line it ends."""
    try:
        yield
    except TextTooLongError as error:
        raise lines.error(str(error)) from error


def read_lines(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read one text a line. There are no columns to choose from."""
    for line in lines:
        yield Row(line.rstrip("\r\n"), None)


def read_csv(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read columns of a CSV file with a header line. A line end in a quoted field stays as it is."""
    return _read_table(lines, _csv_records(lines), columns)


def read_tsv(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read columns of a TSV file with a header line; quotes are characters like any other."""
    return _read_table(lines, (line.rstrip("\r\n").split("\t") for line in lines), columns)


def read_jsonl(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read keys of JSON objects, one a line. What `columns` leaves open, the first object decides."""
    chosen: _Chosen | None = None
    for line in lines:
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise lines.error(
                f"{line.strip()!r:.60} is not JSON ({error}), expected one object a line"
            ) from error
        if not isinstance(cells, dict):
            raise lines.error(
                f'found {line.strip()!r:.60}, expected a JSON object, such as {{"text": "..."}}'
            )
        chosen = chosen or _choose(lines, list(cells), columns)
        for name in chosen:
            if name is None:
                continue
            cell = cells[_named(lines, list(cells), name)]
            if name == chosen.label and type(cell) not in (str, int):  # true is an int, too
                raise lines.error(f"{name!r} is {json.dumps(cell):.60}, expected a string or an integer")
            if name != chosen.label and not isinstance(cell, str):
                raise lines.error(f"{name!r} is {json.dumps(cell):.60}, expected a string")
        yield _row(chosen, cells)


READERS = {"lines": read_lines, "csv": read_csv, "tsv": read_tsv, "jsonl": read_jsonl}


def _row(columns: _Chosen, cells: Mapping[str, Any]) -> Row:
    text: Text = cells[columns.text]
    if columns.pair is not None:
        text = {"text": cells[columns.text], "text_pair": cells[columns.pair]}
    return Row(text, None if columns.label is None else cells[columns.label])


def _read_table(lines: Lines, records: Iterator[list[str]], columns: Columns) -> Iterator[Row]:
    header = next(records, None)
    if header is None:
        raise InputFileError(f"{lines.name} is empty, expected a header line that names the columns")
    chosen = _choose(lines, header, columns)
    for fields in records:
        if len(fields) != len(header):
            raise lines.error(
                f"the number of fields is {len(fields)}, expected {len(header)} as in the header. In CSV, "
                'a field with a comma or a line end has to be in double quotes; an empty one may be ""'
            )
        yield _row(chosen, dict(zip(header, fields, strict=True)))


def _csv_records(lines: Lines) -> Iterator[list[str]]:
    csv.field_size_limit(LARGEST_FIELD)
    # Not strict, the module takes all that follows a stray quote for one field.
    records = csv.reader(lines, strict=True)
    while True:
        first_line = lines.number + 1
        try:
            fields = next(records, None)
        except csv.Error as error:
            raise lines.error(
                f"the row that begins on line {first_line} is not CSV ({error}). A field with a quote in it "
                'has to be in quotes, and the quote doubled: "so ""good"""'
            ) from error
        if fields is None:
            return
        yield fields


def _choose(lines: Lines, names: list[str], wanted: Columns) -> _Chosen:
    """Return the columns that are wanted by their names, and else those that are obvious."""
    pair = None if wanted.pair is None else _named(lines, names, wanted.pair)
    label = None
    if len(wanted.labels) == 1:
        label = _named(lines, names, wanted.labels[0])
    elif wanted.labels:
        usual = [name for name in wanted.labels if name in names and name not in (wanted.text, pair)]
        label = _only(lines, names, usual, "--label-column NAME to say which of them holds the label")
    if wanted.text is not None:
        return _Chosen(_named(lines, names, wanted.text), pair, label)
    others = [name for name in names if name not in (pair, label)]
    obvious = others if len(others) == 1 else [name for name in USUAL_COLUMNS if name in others]
    text = _only(lines, names, obvious, "--column NAME to say which of them holds the text")
    return _Chosen(text, pair, label)


def _named(lines: Lines, names: list[str], name: str) -> str:
    return _only(lines, names, [name], f"one {name!r} among them")


def _only(lines: Lines, names: list[str], candidates: list[str], expected: str) -> str:
    """Return the only candidate, if it is the name of one column."""
    if len(candidates) == 1 and names.count(candidates[0]) == 1:
        return candidates[0]
    listed = ", ".join(f"{name!r:.60}" for name in names) or "none"
    raise lines.error(f"the columns are {listed}; expected {expected}")


def _size(file: BinaryIO) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except OSError:  # a file in memory
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _can_read(file: BinaryIO) -> bool:
    """Say whether a read would return at once. Where that cannot be known (Windows): no, which is safe."""
    try:
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):
        return False
