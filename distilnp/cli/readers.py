"""Texts out of files: lines, CSV, TSV and JSON lines.

`Lines` decodes, counts, and knows whether the next line is already there; each of `READERS` picks the texts
out of the rows, or pairs of them. The first row that does not fit raises `InputFileError` when its turn has
come: nothing is skipped, nothing is repaired. Nothing here knows a model.
"""

import csv
import json
import os
import select
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ..errors import InputFileError
from ..texts import Text

# As much as a pipe of Linux holds.
CHUNK_BYTES = 65536

# The largest limit that the csv module takes on every platform; its own, 131,072 characters, stops at a book.
LARGEST_FIELD = 2**31 - 1

# Names that a column of texts goes by when nobody says which it is.
USUAL_COLUMNS = ("text", "sentence")


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
        Bytes of the lines given so far.
    size : int or None
        Bytes of the file, None for a pipe or a terminal.
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
        self._ended = False
        self._whole: deque[bytes] = deque()
        self._unfinished: list[bytes] = []  # pieces, joined once: a line may be as long as the file
        self._held = b""  # a \r that ended a chunk, perhaps half of a \r\n

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._whole:
            if self._ended:
                raise StopIteration
            self._read()
        self.number += 1
        return self._decode(self._whole.popleft())

    def ready(self) -> bool:
        """Say whether there is a next line, and it can be had without waiting."""
        while not self._whole and not self._ended and _can_read(self._file):
            self._read()
        return bool(self._whole)

    def error(self, message: str) -> InputFileError:
        """Return an error about the line that was given last."""
        return InputFileError(f"{self.name}, line {self.number}: {message}")

    def _read(self) -> None:
        try:
            while (chunk := self._file.read(CHUNK_BYTES)) is None:  # somebody has made the pipe non-blocking
                select.select([self._file], [], [])
        except OSError as error:
            raise InputFileError(f"{self.name} cannot be read to its end: {error.strerror}") from error
        self._ended = not chunk
        chunk = self._held + chunk
        self._held = b"\r" if chunk.endswith(b"\r") and not self._ended else b""
        for piece in chunk.removesuffix(self._held).splitlines(keepends=True):
            self._unfinished.append(piece)
            if piece.endswith((b"\n", b"\r")):
                self._finish_line()
        if self._ended and self._unfinished:
            self._finish_line()

    def _finish_line(self) -> None:
        self._whole.append(b"".join(self._unfinished))
        self._unfinished.clear()

    def _decode(self, line: bytes) -> str:
        self.n_bytes += len(line)
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
    """Open a file, or standard input for None and "-"."""
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


def read_lines(lines: Lines, column: str | None = None, pair_column: str | None = None) -> Iterator[Text]:
    """Read one text a line. There are no columns to choose from."""
    for line in lines:
        yield line.rstrip("\r\n")


def read_csv(lines: Lines, column: str | None = None, pair_column: str | None = None) -> Iterator[Text]:
    """Read a column of a CSV file with a header line, or two. A line end in a quoted field stays as it is."""
    return _read_columns(lines, _csv_records(lines), column, pair_column)


def read_tsv(lines: Lines, column: str | None = None, pair_column: str | None = None) -> Iterator[Text]:
    """Read a column of a TSV file with a header line, or two; quotes are characters like any other."""
    records = (line.rstrip("\r\n").split("\t") for line in lines)
    return _read_columns(lines, records, column, pair_column)


def read_jsonl(lines: Lines, column: str | None = None, pair_column: str | None = None) -> Iterator[Text]:
    """Read a key of JSON objects, one a line, or two. Without `column`, the first object decides which."""
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise lines.error(
                f"{line.strip()!r:.60} is not JSON ({error}), expected one object a line"
            ) from error
        if not isinstance(row, dict):
            raise lines.error(
                f'found {line.strip()!r:.60}, expected a JSON object, such as {{"text": "..."}}'
            )
        if column is None or column not in row:
            column = _choose_column(lines, list(row), column, pair_column)
        if pair_column is not None and pair_column not in row:
            _choose_column(lines, list(row), pair_column)
        for key in filter(None, (column, pair_column)):
            if not isinstance(row[key], str):
                raise lines.error(f"{key!r} is {json.dumps(row[key]):.60}, expected a string")
        yield _text(row[column], None if pair_column is None else row[pair_column])


READERS = {"lines": read_lines, "csv": read_csv, "tsv": read_tsv, "jsonl": read_jsonl}


def _text(text: str, pair: str | None) -> Text:
    return text if pair is None else {"text": text, "text_pair": pair}


def _read_columns(
    lines: Lines, records: Iterator[list[str]], column: str | None, pair_column: str | None
) -> Iterator[Text]:
    header = next(records, None)
    if header is None:
        raise InputFileError(f"{lines.name} is empty, expected a header line that names the columns")
    index = header.index(_choose_column(lines, header, column, pair_column))
    pair = None if pair_column is None else header.index(_choose_column(lines, header, pair_column))
    for fields in records:
        if len(fields) != len(header):
            raise lines.error(
                f"the number of fields is {len(fields)}, expected {len(header)} as in the header. In CSV, "
                'a field with a comma or a line end has to be in double quotes; an empty one may be ""'
            )
        yield _text(fields[index], None if pair is None else fields[pair])


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


def _choose_column(
    lines: Lines, columns: list[str], wanted: str | None, pair_column: str | None = None
) -> str:
    """Return the column that holds the texts: the one that is wanted, or the one that is obvious.

    What `pair_column` names is taken.
    """
    others = [name for name in columns if name != pair_column]
    usual = [name for name in USUAL_COLUMNS if name in others]
    obvious = others if len(others) == 1 else usual
    candidates = obvious if wanted is None else [wanted]
    if len(candidates) == 1 and columns.count(candidates[0]) == 1:
        return candidates[0]
    expected = (
        "--column NAME to say which of them holds the text"
        if wanted is None
        else f"one {wanted!r} among them"
    )
    listed = ", ".join(f"{name!r:.60}" for name in columns) or "none"
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
