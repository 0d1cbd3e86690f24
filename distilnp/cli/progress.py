"""The progress bar: on a terminal's standard error, and only for what takes long.

It counts the bytes of a file, whose size is known, or the texts of a pipe. tqdm is imported only for a bar.
"""

import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeVar

from .readers import Lines

T = TypeVar("T")

# Who waits less than this needs no bar.
PATIENCE_SECONDS = 1.0


class Progress:
    """How far the answers to the texts of `lines` have come; leave the `with` to remove the bar.

    `rows_are_seen` says that each answer is written to a terminal, too.
    """

    def __init__(self, lines: Lines, *, rows_are_seen: bool) -> None:
        self._lines = lines
        self._rows_are_seen = rows_are_seen
        # Rows on a terminal show that it goes on: beside them a bar is of use only if it can say how long.
        is_useful = not lines.is_terminal and (lines.size is not None or not self._rows_are_seen)
        self._is_wanted = is_useful and sys.stderr is not None and sys.stderr.isatty()
        self._due = time.monotonic() + PATIENCE_SECONDS
        self._unanswered: deque[int] = deque()  # how far the reading had come with each of these texts
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def watch(self, texts: Iterator[T]) -> Iterator[T]:
        """Give the texts on, and remember where they end: the reading is a batch ahead of the answers."""
        for number, text in enumerate(texts, start=1):
            self._unanswered.append(number if self._lines.size is None else self._lines.n_bytes)
            yield text

    def before_row(self) -> None:
        """Step aside if the row goes to the same terminal."""
        if self._bar is not None and self._rows_are_seen:
            self._bar.clear()

    def after_row(self) -> None:
        """Move on by one text."""
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
        from tqdm import tqdm  # type: ignore[import-untyped]  # it comes without types

        unit = " texts" if self._lines.size is None else "B"
        size = self._lines.size
        return tqdm(total=size, initial=done, unit=unit, unit_scale=True, leave=False, dynamic_ncols=True)
