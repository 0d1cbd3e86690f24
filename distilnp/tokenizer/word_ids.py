"""The tokenizer to run: ids only, by remembering what every word between two spaces became.

Texts repeat their words, so nearly all the work is looking up what stands between two spaces, as typed, in
a dict; "Movie," is one entry. Only what is not there yet is normalized, split and looked up in the
vocabulary. Exact because no stage looks across a space: a space ends words and stops NFD from sorting
marks. Added tokens, tokens' spellings and offsets are not here: see `stages.py`, whose ids are the same.
"""

import re
from collections.abc import Iterator
from itertools import chain

from .characters import ACCENTS, COMBINING_CLASS, DECOMPOSITIONS, PUNCTUATION, WHITESPACE
from .normalize import AlignedText, normalize
from .settings import TokenizerSettings
from .stages import Stages

# Words in one of the two generations. The 25,000 reviews of IMDB train hold 280,000 different ones; the
# 131,000 most frequent make up 97 % of the text. Both generations full of such words take about 50 MB.
MAX_WORDS = 1 << 17
# Characters and ids of one word together. Longer ones (links, or a script without spaces) hardly come back,
# and could make the cache big: with this limit it cannot exceed about 100 MB whatever the texts.
MAX_WORD_SIZE = 40
# More characters than the texts of any language use.
MAX_CHARACTERS = 1 << 14


class WordIds(dict[str, tuple[int, ...]]):
    """The ids of a word as it stands between two spaces, computed when first asked for.

    A dict with `__missing__`, so that tokenizing a text is one chain of C loops. When it is full it becomes
    the older of two generations, to which a word that is missing in the younger is sent first: so it stays
    bounded, frequent words stay in it, and a hit costs no bookkeeping.

    Any number of threads may use it at once: each step is a single operation on a dict or one assignment,
    and what two threads both find missing they both compute, to the same value. There is no lock, so a
    child of `fork` cannot inherit a locked one.
    """

    def __init__(self, stages: Stages) -> None:
        super().__init__()
        self._older: dict[str, tuple[int, ...]] = {}
        self._stages = stages
        self._characters = _Characters(stages.settings)

    def of(self, text: str) -> Iterator[int]:
        """Return the ids of a text that holds no added tokens and no lone surrogates."""
        # These end words just like a space, whatever the settings. Without this the last word of each line
        # and the first of the next would be remembered together.
        text = text.replace("\n", " ").replace("\t", " ").replace("\r", " ")
        return chain.from_iterable(map(self.__getitem__, text.split(" ")))

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = self._older.get(word)
        if ids is None:
            ids = self._tokenize(word)
        if len(word) + len(ids) <= MAX_WORD_SIZE:
            if len(self) >= MAX_WORDS:
                self._older = self.copy()
                self.clear()
            self[word] = ids
        return ids

    def _tokenize(self, word: str) -> tuple[int, ...]:
        if word.isascii() and word.isprintable():
            parts = _ASCII_PARTS.findall(word)
            if len(parts) > 1:
                return tuple(chain.from_iterable(map(self.__getitem__, parts)))

        stages = self._stages
        if stages.settings.strip_accents and not word.isascii() and _STAYING_MARK.search(word):
            return tuple(token.id for token in stages.tokenize(AlignedText(word, range(len(word)))))

        ids: list[int] = []
        for spelled in word.translate(self._characters).split(" "):
            if spelled:
                ids += stages.wordpiece.ids(spelled)
        return tuple(ids)


class _Characters(dict[int, str]):
    """For `str.translate`: a character normalized, with spaces where words end, computed when first met."""

    def __init__(self, settings: TokenizerSettings) -> None:
        super().__init__()
        self._settings = settings

    def __missing__(self, code_point: int) -> str:
        normalized = normalize(AlignedText(chr(code_point), (0,)), self._settings).text
        spelled = "".join(
            " " if character in WHITESPACE else f" {character} " if character in PUNCTUATION else character
            for character in normalized
        )
        if len(self) >= MAX_CHARACTERS:
            self.clear()
        self[code_point] = spelled
        return spelled


def _staying_marks() -> str:
    """Return the characters with a combining mark that `strip_accents` sorts but does not drop."""
    marks = {mark for mark in COMBINING_CLASS if mark not in ACCENTS}
    return "".join(marks) + "".join(
        c for c, decomposed in DECOMPOSITIONS.items() if not marks.isdisjoint(decomposed)
    )


# In ASCII without control characters a word ends at whatever is neither letter nor digit. Most words that
# are new are known ones with other punctuation: "film" and "..." instead of "film.".
_ASCII_PARTS = re.compile("[0-9A-Za-z]+|[^0-9A-Za-z]")

# Two of these in one word may have to change places, which one character at a time cannot do.
_STAYING_MARK = re.compile(f"[{_staying_marks()}]")
