"""The progress bar: on standard error, if that is a terminal, and only for work that takes long.

It counts the bytes of a file, whose size is known, or the texts of a pipe. tqdm is imported only for a bar.
"""

import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeVar

from .lines import Lines

T = TypeVar("T")

# A shorter wait needs no bar.
PATIENCE_SECONDS = 1.0


class Progress:
    """The progress of the answers to the texts of a file; leaving the `with` removes the bar.

    Parameters
    ----------
    lines : Lines
        The lines that the texts come from.
    rows_are_seen : bool
        Whether each answer is also written to a terminal.
    """

    def __init__(self, lines: Lines, *, rows_are_seen: bool) -> None:
        self._lines = lines
        self._rows_are_seen = rows_are_seen
        # Rows on a terminal already show progress. A bar adds something to them only if it knows the total.
        is_useful = not lines.is_terminal and (lines.size is not None or not self._rows_are_seen)
        self._is_wanted = is_useful and sys.stderr is not None and sys.stderr.isatty()
        self._due = time.monotonic() + PATIENCE_SECONDS
        self._unanswered: deque[int] = deque()  # how far the file had been read after each of these texts
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def watch(self, texts: Iterator[T]) -> Iterator[T]:
        """Pass the texts on, and remember where each ends: reading is up to a batch ahead of the answers."""
        for number, text in enumerate(texts, start=1):
            self._unanswered.append(number if self._lines.size is None else self._lines.n_bytes)
            yield text

    def before_row(self) -> None:
        """Clear the bar if the row goes to the same terminal."""
        if self._bar is not None and self._rows_are_seen:
            self._bar.clear()

    def after_row(self) -> None:
        """Count one more answer, and show the bar when it is due."""
        done = self._unanswered.popleft()
        if not self._is_wanted:
            return
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        elif time.monotonic() >= self._due:
            self._bar = self._new_bar(done)
        else:
            return
        if self._rows_are_seen:
            self._bar.refresh()

    def _new_bar(self, done: int) -> Any:
        from tqdm import tqdm  # type: ignore[import-untyped]  # tqdm has no types

        unit = " texts" if self._lines.size is None else "B"
        size = self._lines.size
        return tqdm(total=size, initial=done, unit=unit, unit_scale=True, leave=False, dynamic_ncols=True)
