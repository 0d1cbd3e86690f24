"""The rows that cannot be used: they end the run, or count, as --on-error says."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from ..errors import InputFileError
from .formats import NULL, SKIP, STOP
from .lines import BadLine, MissingText

T = TypeVar("T")


class BadRows:
    """Count bad rows, or end the run at the first one.

    Parameters
    ----------
    on_error : str
        "stop", "null" or "skip". The last two differ only in what is written.
    missing_is_null : bool
        Whether a text that its table has as null is no bad row: its answer is null, too, unless it is
        skipped.
    """

    def __init__(self, on_error: str = STOP, *, missing_is_null: bool = False) -> None:
        self.on_error = on_error
        self._missing_is_null = missing_is_null
        self._n_rows = 0
        self._first: BadLine | None = None

    def watch(self, rows: Iterable[T | BadLine]) -> Iterator[T | None]:
        """Pass the rows on, with None in the place of each bad one.

        A bad row that is skipped is passed on as well, because its reader may have to wait for the next row
        while the rows before it are due.

        Raises
        ------
        InputFileError
            A row is bad, and `on_error` is "stop".
        """
        for row in rows:
            if isinstance(row, BadLine):
                self.count(row)
                yield None
            else:
                yield row

    def count(self, row: BadLine) -> None:
        """Count a bad row.

        Raises
        ------
        InputFileError
            `on_error` is "stop".
        """
        if isinstance(row, MissingText) and self._missing_is_null and self.on_error != SKIP:
            return
        if self.on_error == STOP:
            raise InputFileError(f"{row}. To go on after such a row, give --on-error {SKIP}") from row
        self._n_rows += 1
        self._first = self._first or row

    def report(self) -> None:
        """Write how many rows were bad to standard error, and why the first one was."""
        if self._first is None or sys.stderr is None:
            return
        rows, were = ("row", "was") if self._n_rows == 1 else ("rows", "were")
        done = "answered by null" if self.on_error == NULL else "skipped"
        print(
            f"distilnp: {self._n_rows:,} {rows} could not be used and {were} {done}. The first is "
            f"{self._first}",
            file=sys.stderr,
        )
