"""The rows of a file: texts, pairs and labels, out of lines, CSV, TSV and JSON lines.

Each of `READERS` picks the wanted columns out of the rows of one format. The first row that cannot be used
raises `InputFileError`, after the rows before it have been yielded: nothing is skipped, nothing is repaired.
Nothing here knows a model.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import InputFileError
from ..texts import Text
from .formats import CSV, JSONL, LINES, TSV, USUAL_COLUMNS
from .lines import Lines

# The largest limit that the csv module accepts on every platform. Its default of 131,072 characters is too
# small for a book.
LARGEST_FIELD = 2**31 - 1


class Columns(NamedTuple):
    """The wanted columns, by name.

    Attributes
    ----------
    text : str or None
        The column of texts; None for the obvious one.
    pair : str or None
        The column of second texts; None if there is none.
    labels : tuple of str
        Possible names of the column of labels; empty if no labels are wanted.
    """

    text: str | None = None
    pair: str | None = None
    labels: tuple[str, ...] = ()


class _Chosen(NamedTuple):
    """The columns of a file that were chosen."""

    text: str
    pair: str | None
    label: str | None


class Row(NamedTuple):
    """The text and the label of a row; the label is None if no labels are wanted."""

    text: Text
    label: str | int | None


def read_lines(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read one text per line. There are no columns to choose from."""
    for line in lines:
        yield Row(line.rstrip("\r\n"), None)


def read_csv(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read columns of a CSV file with a header line. A line end in a quoted field stays as it is."""
    return _read_table(lines, _csv_records(lines), columns)


def read_tsv(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read columns of a TSV file with a header line. A quote is an ordinary character."""
    return _read_table(lines, (line.rstrip("\r\n").split("\t") for line in lines), columns)


def read_jsonl(lines: Lines, columns: Columns) -> Iterator[Row]:
    """Read keys of JSON objects, one object per line. The first object settles what `columns` leaves open."""
    chosen: _Chosen | None = None
    for line in lines:
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise lines.error(
                f"{line.strip()!r:.60} is not JSON ({error}), expected one object per line"
            ) from error
        if not isinstance(cells, dict):
            raise lines.error(
                f'the line is {line.strip()!r:.60}, expected a JSON object, such as {{"text": "..."}}'
            )
        chosen = chosen or _choose(lines, list(cells), columns)
        for name in chosen:
            if name is None:
                continue
            cell = cells[_named(lines, list(cells), name)]
            if name == chosen.label and type(cell) not in (
                str,
                int,
            ):  # isinstance would accept true as an int
                raise lines.error(f"{name!r} is {json.dumps(cell):.60}, expected a string or an integer")
            if name != chosen.label and not isinstance(cell, str):
                raise lines.error(f"{name!r} is {json.dumps(cell):.60}, expected a string")
        yield _row(chosen, cells)


READERS = {LINES: read_lines, CSV: read_csv, TSV: read_tsv, JSONL: read_jsonl}


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
                f"the number of fields is {len(fields)}, expected {len(header)} as in the header. In CSV, a "
                'field with a comma or a line end must be in double quotes, and an empty field may be ""'
            )
        yield _row(chosen, dict(zip(header, fields, strict=True)))


def _csv_records(lines: Lines) -> Iterator[list[str]]:
    csv.field_size_limit(LARGEST_FIELD)
    # Unless it is strict, the module reads everything after a stray quote as one field.
    records = csv.reader(lines, strict=True)
    while True:
        first_line = lines.number + 1
        try:
            fields = next(records, None)
        except csv.Error as error:
            raise lines.error(
                f"the row that begins on line {first_line} is not CSV ({error}). A field that contains a "
                'quote must be in quotes, with the quote doubled: "so ""good"""'
            ) from error
        if fields is None:
            return
        yield fields


def _choose(lines: Lines, names: list[str], wanted: Columns) -> _Chosen:
    """Return the wanted columns if they have been named, otherwise the obvious ones."""
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
    """Return the only candidate, provided that exactly one column has its name."""
    if len(candidates) == 1 and names.count(candidates[0]) == 1:
        return candidates[0]
    listed = ", ".join(f"{name!r:.60}" for name in names) or "none"
    raise lines.error(f"the columns are {listed}; expected {expected}")
