"""The tokenizer to run: it gives only ids, and remembers those of every word between two spaces.

Texts repeat their words. Nearly all the work is therefore to look up each word between two spaces in a dict,
as it was typed; "Movie," is one entry. Only a word that is not in the dict is normalized, split and looked up
in the vocabulary. The ids are exact because no stage looks across a space: a space ends a word, and NFD sorts
no marks across it. See `stages.py` for added tokens, spellings and offsets; its ids are the same.
"""

import re
from collections.abc import Iterator
from itertools import chain

from .characters import ACCENTS, COMBINING_CLASS, DECOMPOSITIONS, PUNCTUATION, WHITESPACE
from .normalize import AlignedText, normalize
from .settings import TokenizerSettings
from .stages import Stages

# The number of words in each of the two generations. The 25,000 reviews of IMDB train contain 280,000
# different words, and the 131,000 most frequent ones make up 97 % of the text. Two generations full of such
# words take about 50 MB.
MAX_WORDS = 1 << 17
# The number of characters plus the number of ids of one word. Longer words (links, or text in a script
# without spaces) hardly ever repeat, and they could make the cache big. This limit keeps it below about
# 100 MB on any texts.
MAX_WORD_SIZE = 40
# More different characters than the texts of any language use.
MAX_CHARACTERS = 1 << 14


class WordCache(dict[str, tuple[int, ...]]):
    """The ids of every word, as typed between two spaces, computed on first use.

    This is a dict with `__missing__`, so that tokenizing a text is one chain of C loops. A full dict becomes
    the older of two generations. A word that is missing from the younger one is searched for in the older one
    before it is computed. The cache therefore stays bounded, frequent words stay in it, and a hit needs no
    bookkeeping.

    Any number of threads may use it at once. Each step is a single operation on a dict or one assignment, and
    two threads that miss the same word both compute the same value. There is no lock, so a child of `fork`
    cannot inherit a locked one.
    """

    def __init__(self, stages: Stages) -> None:
        super().__init__()
        self._older: dict[str, tuple[int, ...]] = {}
        self._stages = stages
        self._characters = _Characters(stages.settings)

    def ids(self, text: str) -> Iterator[int]:
        """Return the ids of a text that contains no added tokens and no lone surrogates."""
        # These characters end a word as a space does, with any settings. If they stayed, the last word of
        # each line and the first word of the next line would become one entry.
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
    """A table for `str.translate`: each character normalized, with spaces where words end; filled on use."""

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
    """Return the characters that are or contain a mark that `strip_accents` sorts but does not drop."""
    marks = {mark for mark in COMBINING_CLASS if mark not in ACCENTS}
    return "".join(marks) + "".join(
        c for c, decomposed in DECOMPOSITIONS.items() if not marks.isdisjoint(decomposed)
    )


# In ASCII without control characters, a word ends at every character that is neither a letter nor a digit.
# Most new words are known words with other punctuation, such as "film..." after "film.".
_ASCII_PARTS = re.compile("[0-9A-Za-z]+|[^0-9A-Za-z]")

# Two of these in one word may have to change places, which a table of single characters cannot do.
_STAYING_MARK = re.compile(f"[{_staying_marks()}]")
