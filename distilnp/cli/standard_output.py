"""How answers look on standard output: for people on a terminal, for programs in a file or a pipe."""

import io
import os
import sys
from typing import NamedTuple

from .formats import JSONL, TABLE


class Look(NamedTuple):
    """How answers are written: their format, and whether labels and words have colours."""

    format: str
    has_colours: bool


def settle_look(wanted: str | None) -> Look:
    """Return how answers are written, by default as suits the output, and set the output's encoding.

    A table is in the encoding of the terminal, and what it lacks is escaped; other formats are UTF-8.
    """
    is_terminal = sys.stdout.isatty()
    output_format = wanted or (TABLE if is_terminal else JSONL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = sys.stdout.encoding if output_format == TABLE else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace", newline="\n")
    # https://no-color.org: set, and not empty
    has_colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Look(output_format, has_colours)
