"""How many columns of a terminal a text takes, and a text cut to some of them.

wcwidth is asked for the width of a character where it is installed, because its tables are newer than those
of an older Python. The rules for sequences are the same without it.
"""

import unicodedata
from functools import lru_cache

from .foreign import JOINERS

ZERO_WIDTH_JOINER = "\u200d"

# Makes an emoji of the character before it, which then takes two columns.
EMOJI_STYLE = "\ufe0f"

# Two of these letters make a flag, which takes two columns.
FLAG_LETTERS = range(0x1F1E6, 0x1F200)

# The colours of skin, which belong to the emoji before them.
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def fit(text: str, room: int | None) -> str:
    """Return `text` as a terminal can show it, in at most `room` columns; a text that is cut ends in "…".

    A character that would move the cursor, or hide or reorder others, becomes visible: a line end is "␊", and
    others are escaped.
    """
    cells: list[str] = []
    kept = 0
    cursor = _Cursor()
    for character in text:
        cells.append(_cell(character))
        cursor.advance(cells[-1])
        if room is not None and cursor.columns > room:
            return "".join(cells[:kept]) + "…"
        if room is None or cursor.columns < room:  # "…" takes a column too
            kept = len(cells)
    return "".join(cells)


def columns_of(text: str) -> int:
    """Return how many columns of a terminal printable characters take."""
    if text.isascii():
        return len(text)
    cursor = _Cursor()
    cursor.advance(text)
    return cursor.columns


class _Cursor:
    """Where the cursor of a terminal is: an emoji may be several characters in the columns of one."""

    def __init__(self) -> None:
        self.columns = 0
        self._before = ""
        self._last_width = 0

    def advance(self, text: str) -> None:
        """Go on by printable characters."""
        for character in text:
            width = _width(character)
            if self._last_width == 2 and (self._before == ZERO_WIDTH_JOINER or character in SKIN_TONES):
                width = 0
            elif character == EMOJI_STYLE and self._last_width == 1:
                width, self._last_width = 1, 2
            elif width:
                self._last_width = width
            self.columns += width
            self._before = character


@lru_cache(maxsize=4096)
def _width(character: str) -> int:
    """Return the columns of a printable character that stands alone."""
    if character in JOINERS or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    if ord(character) in FLAG_LETTERS:
        return 1
    try:
        from wcwidth import wcwidth  # imported late: most programs print no table
    except ImportError:
        return 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return max(wcwidth(character), 0)


@lru_cache(maxsize=4096)
def _cell(character: str) -> str:
    """Return a character itself if it is printable, otherwise a printable picture or an escape."""
    if character.isprintable() or character in JOINERS:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode has a picture of each control character
    if code == 0x7F:
        return "␡"
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode()
