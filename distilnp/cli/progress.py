"""The progress bar: on a terminal's standard error, and only for what takes long.

It counts the bytes of a file, whose size is known, or the texts of a pipe. tqdm is imported only for a bar.
"""

import sys
import time
from typing import Any

from .readers import Lines

# Who waits less than this needs no bar.
PATIENCE_SECONDS = 1.0


class Progress:
    """How far the answers to `lines` have come; leave the `with` to remove the bar."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._rows_are_seen = sys.stdout.isatty()
        # Rows on a terminal show that it goes on: beside them a bar is of use only if it can say how long.
        is_useful = not lines.is_terminal and (lines.size is not None or not self._rows_are_seen)
        self._is_wanted = is_useful and sys.stderr is not None and sys.stderr.isatty()
        self._due = time.monotonic() + PATIENCE_SECONDS
        self._n_texts = 0
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def before_row(self) -> None:
        """Step aside if the row goes to the same terminal."""
        if self._bar is not None and self._rows_are_seen:
            self._bar.clear()

    def after_row(self) -> None:
        """Count one text."""
        self._n_texts += 1
        if not self._is_wanted:
            return
        if self._bar is None:
            if time.monotonic() < self._due:
                return
            self._bar = self._new_bar()
        done = self._n_texts if self._lines.size is None else self._lines.n_bytes
        self._bar.update(done - self._bar.n)
        if self._rows_are_seen:
            self._bar.refresh()

    def _new_bar(self) -> Any:
        from tqdm import tqdm  # type: ignore[import-untyped]  # it comes without types

        unit = " texts" if self._lines.size is None else "B"
        return tqdm(total=self._lines.size, unit=unit, unit_scale=True, leave=False, dynamic_ncols=True)
