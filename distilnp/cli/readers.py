"""The rows of a file: texts, pairs and labels, out of lines, CSV, TSV, JSON lines and JSON arrays.

`typed_tables` reads Parquet, Arrow and Excel.

Each of `READERS` picks the wanted columns out of the rows of one format. It yields a row that cannot be used
as the error that says why, and then the rows after it; `bad_rows` decides what becomes of it. Errors after
which there is no next row are raised. Nothing is repaired. Nothing here knows a model.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator

from ..errors import InputFileError
from .columns import Chosen, Columns, Row, Rows, choose, named, row_of
from .formats import CSV, JSON, JSONL, LINES, NAME_OF_DELIMITER, TAB, TSV
from .json_values import json_values
from .lines import MAX_LINE_BYTES, BadLine, Lines
from .recognition import delimiter_of, expect_text, header_of, recognise, separator_line
from .signatures import kind_of

__all__ = ["READERS", "Columns", "Row", "Rows", "read_rows"]

# A field of TSV that looks as if CSV's quotes enclosed it: quotes are doubled in it, or nothing is in it.
ENCLOSED = re.compile(r'"(?:[^"]|"")*"')


def read_rows(
    lines: Lines,
    columns: Columns,
    *,
    file: str | None = None,
    input_format: str | None = None,
    delimiter: str | None = None,
) -> Rows:
    """Read the rows of a file.

    Parameters
    ----------
    lines : Lines
    columns : Columns
    file : str or None
        The name of the file, whose suffix counts where the content leaves a choice.
    input_format : str or None
        One of `READERS`; None for the format that the first line shows.
    delimiter : str or None
        The delimiter of CSV; None for the one that the header shows.

    Raises
    ------
    InputFileError
        The file cannot be used, or not any further.
    """
    if input_format is None and delimiter is None:
        kind = kind_of(lines.peek())
        if kind is not None and kind.is_table:
            # Imported for such a table alone: Arrow takes a tenth of a second.
            from .typed_tables import read_table

            return read_table(lines, columns, kind)
        input_format = recognise(lines, file, is_table=columns != Columns())
        if input_format == TSV:
            return _read_table(lines, _expect_no_quoting(lines, _tsv_records(lines)), columns, delimiter=None)
    elif input_format != LINES:
        expect_text(lines)
    if delimiter is not None:
        return read_csv(lines, columns, delimiter)
    assert input_format is not None
    return READERS[input_format](lines, columns)


def read_lines(lines: Lines, columns: Columns) -> Rows:
    """Read one text per line. There are no columns to choose from."""
    for line in _each(lines):
        yield line if isinstance(line, BadLine) else Row(line.rstrip("\r\n"), None)


def read_csv(lines: Lines, columns: Columns, delimiter: str | None = None) -> Rows:
    """Read columns of a CSV file with a header line. A line end in a quoted field stays as it is."""
    separator = separator_line(lines)
    if separator is not None:
        while next(lines).isspace():  # the lines before it are blank
            pass
    if delimiter is None:
        wanted = (columns.text, columns.pair, *(columns.labels if len(columns.labels) == 1 else ()))
        names = tuple(name for name in wanted if name is not None)
        delimiter = separator or delimiter_of(header_of(lines), names)
    return _read_table(lines, _csv_records(lines, delimiter), columns, delimiter=delimiter)


def read_tsv(lines: Lines, columns: Columns) -> Rows:
    """Read columns of a TSV file with a header line. A quote is an ordinary character."""
    return _read_table(lines, _tsv_records(lines), columns, delimiter=None)


def read_jsonl(lines: Lines, columns: Columns) -> Rows:
    """Read keys of JSON objects, one object per line. The first object settles what `columns` leaves open."""
    objects = _Objects(lines, columns)
    blank = _BlankLines(lines)
    for line in _each(lines):
        if isinstance(line, str) and not line.strip():
            blank.hold()
            continue
        yield from blank.rows("the line is blank, expected a JSON object")
        yield line if isinstance(line, BadLine) else objects.row(line)


def read_json(lines: Lines, columns: Columns) -> Rows:
    """Read keys of the objects in a JSON array, or of JSON objects that follow each other in any layout.

    If no column is wanted, a string is a text, too.
    """
    objects = _Objects(lines, columns)
    for number, value in enumerate(json_values(lines), start=1):
        yield objects.row(value, number)


READERS: dict[str, Callable[[Lines, Columns], Rows]] = {
    LINES: read_lines,
    CSV: read_csv,
    TSV: read_tsv,
    JSONL: read_jsonl,
    JSON: read_json,
}


def _each(lines: Lines) -> Iterator[str | BadLine]:
    """Yield every line, or the error about it."""
    while True:
        try:
            yield next(lines)
        except StopIteration:
            return
        except BadLine as error:
            yield error


class _BlankLines:
    """Blank lines, which are no rows at the end of a file and bad rows anywhere else."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._n_lines = 0
        self._first = 0

    def hold(self) -> None:
        """Count the last line that was read as blank."""
        if not self._n_lines:
            self._first = self._lines.number
        self._n_lines += 1

    def rows(self, message: str) -> Iterator[BadLine]:
        """Yield an error for each line that was held, because a row follows them."""
        n_lines, self._n_lines = self._n_lines, 0
        for number in range(self._first, self._first + n_lines):
            yield BadLine(f"{self._lines.name}, line {number}: {message}")


class _Objects:
    """The rows that JSON objects are; the first one settles which keys are chosen."""

    def __init__(self, lines: Lines, columns: Columns) -> None:
        self._lines = lines
        self._columns = columns
        self._chosen: Chosen | None = None

    def row(self, text: str, number: int | None = None) -> Row | BadLine:
        """Return the row of an object, or the error about it, with its number if it is one of an array."""
        try:
            return self._row(text, "" if number is None else f"value {number}: ")
        except BadLine as error:
            return error

    def _row(self, text: str, where: str) -> Row:
        try:
            cells = json.loads(text)
        except (ValueError, RecursionError) as error:
            expected = "a JSON value" if where else "one object per line"
            raise self._lines.error(
                f"{where}{text.strip()!r:.60} is not JSON ({error}), expected {expected}"
            ) from error
        if where and isinstance(cells, str) and self._columns == Columns():
            return Row(cells, None)
        if not isinstance(cells, dict):
            raise self._lines.error(
                f"{where or 'the line is '}{text.strip()!r:.60}, expected a JSON object, such as "
                '{"text": "..."}'
            )
        names = list(cells)
        self._chosen = self._chosen or choose(self._lines, names, self._columns)
        self._check_kept(cells, where)
        try:
            for name in self._chosen:
                if name is not None:
                    self._check(cells[named(self._lines, names, name)], name, where)
        except BadLine as error:
            if self._columns.kept is not None:
                error.kept = self._columns.kept.of(cells)
            raise
        return row_of(self._chosen, cells, self._columns.kept)

    def _check(self, cell: object, name: str, where: str) -> None:
        is_label = self._chosen is not None and name == self._chosen.label
        if not isinstance(cell, (str, int, float, list) if is_label else str):
            expected = "a string, a number or an array" if is_label else "a string"
            raise self._lines.error(f"{where}{name!r:.60} is {json.dumps(cell):.60}, expected {expected}")

    def _check_kept(self, cells: dict[str, object], where: str) -> None:
        kept = self._columns.kept
        if kept is None or kept.wanted is not None or kept.columns is None:
            return
        if more := [name for name in cells if name not in kept.columns]:
            raise self._lines.error(
                f"{where}the key {more[0]!r:.60} is not in the first object, expected the same keys in all "
                "of them. Name those to keep: --keep NAME"
            )


def _read_table(
    lines: Lines, records: Iterator[list[str] | BadLine], columns: Columns, *, delimiter: str | None
) -> Rows:
    """Read the wanted columns of records, which have quoting and this delimiter, or None for TSV."""
    header: list[str] = []
    while not any(name.strip() for name in header):  # a blank line before it is none
        record = next(records, None)
        if record is None:
            raise InputFileError(f"{lines.name} is empty, expected a header line that names the columns")
        if isinstance(record, BadLine):
            raise InputFileError(str(record)) from record
        header = record
    chosen = choose(lines, header, columns)
    blank = _BlankLines(lines)
    for fields in records:
        # In one column, "" is an empty text in CSV, and so is a blank line in TSV, which has no quotes.
        if fields == [] or (fields == [""] and delimiter is None):
            blank.hold()
            continue
        for error in blank.rows(f"the row is blank, expected {len(header)} fields as in the header"):
            yield (
                row_of(chosen, {header[0]: ""}, columns.kept)
                if delimiter is None and len(header) == 1
                else error
            )
        if isinstance(fields, BadLine):
            yield fields
        elif len(fields) != len(header):
            yield lines.error(
                f"the number of fields is {len(fields)}, expected {len(header)} as in the header. "
                + _advice(delimiter)
            )
        else:
            yield row_of(chosen, dict(zip(header, fields, strict=True)), columns.kept)


def _advice(delimiter: str | None) -> str:
    if delimiter is None:
        return "In TSV, a line end always ends a row. If double quotes enclose fields, give --delimiter tab"
    names = [name for name, character in NAME_OF_DELIMITER.items() if character == delimiter]
    return (
        f"In CSV, a field with a {names[0] if names else repr(delimiter)} or a line end must be in double "
        'quotes, and an empty field may be ""'
    )


def _tsv_records(lines: Lines) -> Iterator[list[str] | BadLine]:
    for line in _each(lines):
        yield line if isinstance(line, BadLine) else line.rstrip("\r\n").split(TAB)


def _expect_no_quoting(lines: Lines, records: Iterator[list[str] | BadLine]) -> Iterator[list[str] | BadLine]:
    """Pass the records on, up to the first one in which quotes may enclose a field."""
    for record in records:
        for field in () if isinstance(record, BadLine) else record:
            if field.startswith('"') and ENCLOSED.fullmatch(field) and (field == '""' or '""' in field[1:-1]):
                raise InputFileError(
                    str(lines.error(f"the field {field!r:.60} may be in quotes, or begin and end with one. "))
                    + "Give --delimiter tab for a table with fields in quotes, or --input-format tsv for one "
                    "in which a quote is an ordinary character"
                )
        yield record


class _LinesOfARow:
    """The lines that the csv module reads for a row, which are bounded: a quote may never be closed."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.begin()

    def begin(self) -> None:
        """Begin the next row."""
        self._n_characters = 0
        self._first_line = self._lines.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._n_characters += len(line)
        if self._n_characters > MAX_LINE_BYTES:
            raise InputFileError(
                f"{self._lines.name}, line {self._first_line}: the row that begins here has more than "
                f"{MAX_LINE_BYTES:,} characters, expected a quote that closes its field"
            )
        return line

    def error(self, error: csv.Error) -> BadLine:
        """Return the error about the row."""
        return self._lines.error(
            f"the row that begins on line {self._first_line} is not CSV ({error}). A field that contains a "
            'quote must be in quotes, with the quote doubled: "so ""good"""'
        )


def _csv_records(lines: Lines, delimiter: str) -> Iterator[list[str] | BadLine]:
    # The default limit of 131,072 characters is too small for a book.
    csv.field_size_limit(MAX_LINE_BYTES)
    rows = _LinesOfARow(lines)
    # Unless it is strict, the module reads everything after a stray quote as one field.
    records = csv.reader(rows, strict=True, delimiter=delimiter)
    while True:
        rows.begin()
        try:
            fields = next(records, None)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                # A quote is not closed. Nobody knows how many rows its field has swallowed.
                raise InputFileError(str(rows.error(error))) from error
            yield rows.error(error)
            continue
        except BadLine as error:
            yield error
            continue
        if fields is None:
            return
        yield fields
