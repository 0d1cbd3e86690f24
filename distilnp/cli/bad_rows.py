"""The rows that cannot be used: they end the run, or count, as --on-error says."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from ..errors import InputFileError
from .formats import NULL, SKIP, STOP
from .lines import BadLine

T = TypeVar("T")


class BadRows:
    """Count bad rows, or end the run at the first one.

    Parameters
    ----------
    on_error : str
        "stop", "null" or "skip". The last two differ only in what is written.
    """

    def __init__(self, on_error: str = STOP) -> None:
        self.on_error = on_error
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
            if not isinstance(row, BadLine):
                yield row
                continue
            if self.on_error == STOP:
                raise InputFileError(f"{row}. To go on after such a row, give --on-error {SKIP}") from row
            self._n_rows += 1
            self._first = self._first or row
            yield None

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
