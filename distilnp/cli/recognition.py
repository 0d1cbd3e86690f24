"""The format of a file by its first line: `recognise`, and `delimiter_of` for tables.

A table must never be read as text: its numbers and separators would get answers. A first line that may be a
text or a row of a table is an error, which says how to decide. The name of the file counts only where the
content leaves a choice, such as between a table of one column and lines.

Only the first line that is not blank decides, so that a pipe is answered as soon as it has one.
"""

import csv
import json
import re

from ..errors import InputFileError
from .formats import (
    COMMA,
    CSV,
    DELIMITERS,
    JSON,
    JSONL,
    LINES,
    PIPE,
    SEMICOLON,
    TAB,
    TSV,
    USUAL_COLUMNS,
    USUAL_LABEL_COLUMNS,
    format_of,
)
from .lines import Lines
from .signatures import kind_of

# The beginnings of an array of objects, strings or arrays, and of an object. "[SEP]" and "{sic}" begin texts.
ARRAY = re.compile(r"\[\s*(?:[{\"]|\[\s*[\d\"-]|\]?\s*$)")
OBJECT = re.compile(r"\{\s*(?:[\"}]|$)")

BLANK_LINES = re.compile(r"^(?:[ \t]*[\r\n])+")

# Excel takes the delimiter from a line like this before the header.
SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)

# Two quoted fields, or one at the beginning of a row. After a quotation in a text, there is a space.
QUOTED = re.compile(r'"[,;|\t]"|^"(?:[^"]|"")*"[,;|\t](?=\S)')

# A number at one end of the line, and no space after the delimiter: 1;good, good;1. In 1,000 and 2;500, the
# delimiter is part of the number.
NUMBER_AT_AN_END = re.compile(r"-?\d+[,;|](?![\s\d])|.*[^\s\d][,;|]-?\d+(?:\.\d+)?$")

# A row of a table of Markdown.
MARKDOWN = re.compile(r"\|.+\|\s*")

# The name of a column: one word, or up to three where the delimiter is rare in text.
NAME = {
    COMMA: re.compile(r"[^\W\d][\w.#%/()-]*"),
    SEMICOLON: re.compile(r"[^\W\d][\w.#%/()-]*(?: [\w.#%/()-]+){0,2}"),
    PIPE: re.compile(r"[^\W\d][\w.#%/()-]*(?: [\w.#%/()-]+){0,2}"),
}


def recognise(lines: Lines, file: str | None, *, is_table: bool) -> str:
    """Return the format of a file.

    Parameters
    ----------
    lines : Lines
        Its lines, none of which has been read yet.
    file : str or None
        Its name, for the suffix.
    is_table : bool
        Whether the command line asks for columns.

    Raises
    ------
    InputFileError
        The file holds something other than text, or its first line may be a text or a row of a table.
    """
    if lines.is_terminal and not is_table:
        return LINES
    expect_text(lines)
    first_line = header_of(lines)
    by_name = format_of(file or "")
    json_start = first_line.lstrip()
    if ARRAY.match(json_start) or (json_start.startswith("[") and _is_json(first_line)):
        return JSON
    if by_name == JSONL:
        return JSONL
    if OBJECT.match(json_start):
        return JSONL if _is_json(first_line) else JSON
    if by_name == JSON:
        return JSON
    has_tabs = TAB in first_line and (is_table or _is_header(first_line, TAB))
    if by_name == TSV or (by_name is None and has_tabs):
        return TSV if _is_tsv(first_line) else CSV
    if by_name == CSV or is_table or SEPARATOR.fullmatch(first_line):
        return CSV
    if any(_is_header(first_line, delimiter) for delimiter in DELIMITERS):
        return CSV
    if _may_be_a_row(first_line):
        tables = TSV if TAB in first_line else CSV
        raise InputFileError(
            f"{lines.name} begins with {first_line!r:.80}, which may be a row of a table or a text. Give "
            f"--input-format {tables} for a table that begins with the names of its columns, or "
            "--input-format lines for one text per line"
        )
    return LINES


def expect_text(lines: Lines) -> None:
    """Raise an error that names what a file is, if its first bytes show that it is no text."""
    kind = kind_of(lines.peek())
    if kind is not None:
        raise InputFileError(f"{lines.name} is {kind.name}, expected text in UTF-8. {kind.advice}")


def separator_line(lines: Lines) -> str | None:
    """Return the delimiter that the first line names, as in "sep=;", or None."""
    match = SEPARATOR.fullmatch(header_of(lines))
    return match and match[1]


def delimiter_of(header: str, wanted: tuple[str, ...] = ()) -> str:
    """Return the delimiter that separates the wanted columns, or else the usual ones, or else the most."""

    def merits(delimiter: str) -> tuple[int, int, int]:
        fields = _fields(header, delimiter)
        usual = (*USUAL_COLUMNS, *USUAL_LABEL_COLUMNS)
        return sum(name in fields for name in wanted), sum(name in fields for name in usual), len(fields)

    return max(DELIMITERS, key=merits)


def header_of(lines: Lines) -> str:
    """Return the first line that is not blank, without its end."""
    text = lines.peek().decode(errors="replace").removeprefix("\ufeff")
    return re.split(r"[\r\n]", BLANK_LINES.sub("", text), maxsplit=1)[0]


def _fields(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line, or none if it has a quote in the middle of a field.

    A line end in a quoted field may have cut off the rest of the header, which is then no error.
    """
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        is_cut = "unexpected end of data" in str(error)
        return next(csv.reader([line], delimiter=delimiter), []) if is_cut else []


def _is_tsv(header: str) -> bool:
    """Return whether tabs or nothing separate the names, and nothing shows that fields are in quotes."""
    delimiter = delimiter_of(header)
    return '"' not in header and (delimiter == TAB or len(_fields(header, delimiter)) < 2)


def _is_header(line: str, delimiter: str) -> bool:
    """Return whether several columns have names, and one of them a usual name."""
    names = {name.casefold() for name in _fields(line, delimiter)}
    has_spaces = any(name != name.strip() for name in names)
    return len(names) > 1 and not has_spaces and not names.isdisjoint((*USUAL_COLUMNS, *USUAL_LABEL_COLUMNS))


def _may_be_a_row(line: str) -> bool:
    joined = re.sub(r" *([,;|]) *", r"\1", line)
    return (
        TAB in line.strip()
        or MARKDOWN.fullmatch(line) is not None
        or QUOTED.search(line) is not None
        or NUMBER_AT_AN_END.match(line) is not None
        or any(_are_names(line.split(delimiter), pattern) for delimiter, pattern in NAME.items())
        or any(_is_header(joined, delimiter) for delimiter in (COMMA, SEMICOLON, PIPE))
    )


def _are_names(fields: list[str], pattern: re.Pattern[str]) -> bool:
    return len(fields) > 1 and all(map(pattern.fullmatch, fields))


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
