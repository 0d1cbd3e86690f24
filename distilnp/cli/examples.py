"""Texts with their labels, out of the rows of a file, and the files that name some of them again."""

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TextIO

from ..errors import ArgumentError, DistilnpError
from ..evaluation.base import Tally
from ..foreign import printable, shown
from ..texts import Text
from .formats import USUAL_LABEL_COLUMNS
from .lines import BadLine, Lines
from .readers import Columns, read_rows

# A message shows so much of a label.
SHOWN = 60


class Example(NamedTuple):
    """A text, the truth about it for each tally, and the line on which its row ends."""

    text: Text
    truths: tuple[Any, ...]
    line: int

    def columns(self) -> dict[str, object]:
        """Return the columns that name the row in another file."""
        text = {"text": self.text} if isinstance(self.text, str) else self.text
        return {"line": self.line, **text}


def read_examples(lines: Lines, options: Namespace, tallies: Sequence[Tally]) -> Iterator[Example | BadLine]:
    """Yield the texts of a file with the truth about each, or the error about a row that cannot be used."""
    labels = USUAL_LABEL_COLUMNS if options.label_column is None else (options.label_column,)
    rows = read_rows(
        lines,
        Columns(options.column, options.pair_column, labels),
        file=options.file,
        input_format=options.input_format,
        delimiter=options.delimiter,
    )
    for row in rows:
        if isinstance(row, BadLine):
            yield row
            continue
        truths = tuple(tally.find(row.label) for tally in tallies)
        if None not in truths:
            yield Example(row.text, truths, lines.number)
            continue
        expected = tallies[truths.index(None)].expected
        yield lines.error(
            f"the label is {shown(row.label, SHOWN)}, expected {expected}. Translate other names with "
            "--label-map VALUE=LABEL"
        )


@contextmanager
def side_file(path: str, option: str, source: str) -> Iterator[TextIO]:
    """Open a file for a command that reads `source` and writes its report to standard output.

    Raises
    ------
    ArgumentError
        It is the file of texts.
    DistilnpError
        It cannot be written.
    """
    expect_other_file(path, option, source)
    try:
        with open(path, "w", 1, encoding="utf-8", errors="backslashreplace", newline="\n") as file:  # noqa: PTH123
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DistilnpError(f"{printable(path)} cannot be written: {error.strerror}") from error


def expect_other_file(path: str, option: str, source: str) -> None:
    """Raise an `ArgumentError` if a file to be written is the file of texts."""
    descriptor_or_path = 0 if source == "-" else source
    if os.path.exists(path) and os.path.samefile(descriptor_or_path, path):  # noqa: PTH110, PTH121
        raise ArgumentError(
            f"{option} is {printable(path)}, which is the file of texts, expected another file. It would be "
            "overwritten"
        )


def expect_writable(path: str, option: str, source: str) -> None:
    """Raise the error of `side_file` if it is foreseeable, and leave the file as it is.

    Raises
    ------
    ArgumentError, DistilnpError
        See `side_file`.
    """
    expect_other_file(path, option, source)
    is_there = os.path.exists(path)  # noqa: PTH110
    try:
        with open(path, "ab"):  # noqa: PTH123
            pass
        if not is_there:
            os.remove(path)  # noqa: PTH107
    except OSError as error:
        raise DistilnpError(f"{printable(path)} cannot be written: {error.strerror}") from error
