r"""How WordPiece classifies one character, read from the frozen tables in `unicode_tables.py`.

Python's own answers (`unicodedata`, `str.lower`, `str.isspace`, `\s`) change with its version. They also
differ from those of the Rust package that made the published models' ids, so this folder never uses them.
"""

from bisect import bisect_right
from collections.abc import Iterator

from . import unicode_tables


class CharacterSet:
    """A set of characters, stored as the borders of its ranges.

    `21-2F 3A` becomes the borders 0x21, 0x30, 0x3A, 0x3B. A character belongs to the set if an odd number
    of borders lie at or below it. The private-use planes take four numbers instead of 131,068 entries.
    """

    def __init__(self, spelling: str) -> None:
        self._borders: list[int] = []
        for item in spelling.split():
            first, _, last = item.partition("-")
            self._borders += [int(first, 16), int(last or first, 16) + 1]

    def __contains__(self, character: str) -> bool:
        return bisect_right(self._borders, ord(character)) % 2 == 1

    def __iter__(self) -> Iterator[str]:
        for first, end in zip(self._borders[::2], self._borders[1::2], strict=True):
            yield from map(chr, range(first, end))


def _read_runs(spelling: str) -> dict[str, str]:
    """Read `41-5A>61` (maps a run to 61 and up) and `100-12E/2>101` (maps every second one of a run)."""
    mapping = {}
    for item in spelling.split():
        run, _, target = item.partition(">")
        run, _, step = run.partition("/")
        first, _, last = run.partition("-")
        shift = int(target, 16) - int(first, 16)
        for code_point in range(int(first, 16), int(last or first, 16) + 1, int(step or "1")):
            mapping[chr(code_point)] = chr(code_point + shift)
    return mapping


def _read_expansions(spelling: str) -> dict[str, str]:
    """Read `C0=41.300` (maps one character to several)."""
    items = (item.partition("=") for item in spelling.split())
    return {chr(int(c, 16)): "".join(chr(int(t, 16)) for t in target.split(".")) for c, _, target in items}


WHITESPACE = CharacterSet(unicode_tables.WHITESPACE)
REMOVED = CharacterSet(unicode_tables.REMOVED)
CHINESE = CharacterSet(unicode_tables.CHINESE)
PUNCTUATION = CharacterSet(unicode_tables.PUNCTUATION)
ACCENTS = CharacterSet(unicode_tables.ACCENTS)
WORD = CharacterSet(unicode_tables.WORD)

LOWERCASE = _read_runs(unicode_tables.LOWERCASE) | _read_expansions(unicode_tables.LOWERCASE_EXPANSIONS)

# NFD depends only on the order of the classes, and only the order can be observed. These are therefore ranks
# from 1, not Unicode's numbers. A character that is not listed has rank 0 and never moves.
COMBINING_CLASS = {
    mark: rank
    for rank, marks in enumerate(unicode_tables.COMBINING_CLASSES.split("|"), start=1)
    for mark in CharacterSet(marks)
}

DECOMPOSITIONS = _read_expansions(unicode_tables.DECOMPOSITIONS)

# The arithmetic of Hangul syllables (Unicode, section 3.12). A syllable is a leading consonant, a vowel and
# an optional trailing consonant. The number of a syllable has these three as its digits.
_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_LEADING, _VOWEL, _TRAILING = 0x1100, 0x1161, 0x11A7
_N_VOWELS, _N_TRAILING = 21, 28


def decompose(character: str) -> str:
    """Return the full canonical decomposition of a character: "é" becomes "e" and an acute accent."""
    code_point = ord(character)
    if _FIRST_SYLLABLE <= code_point <= _LAST_SYLLABLE:
        rest, trailing = divmod(code_point - _FIRST_SYLLABLE, _N_TRAILING)
        leading, vowel = divmod(rest, _N_VOWELS)
        syllable = chr(_LEADING + leading) + chr(_VOWEL + vowel)
        return syllable + chr(_TRAILING + trailing) if trailing else syllable
    return DECOMPOSITIONS.get(character, character)
