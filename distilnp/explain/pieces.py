"""A text as pieces to colour: each word with its attribution, and the characters in between."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .attribution import Attribution


class Piece(NamedTuple):
    """Some characters of a text.

    Attributes
    ----------
    text : str
        The characters.
    word : Attribution or None
        The word that they are; None between words.
    strength : float
        The attribution of the word, divided by the largest one of the text: from -1 to 1.
    """

    text: str
    word: Attribution | None
    strength: float


def pieces(text: str, sequence: int, words: Sequence[Attribution]) -> Iterator[Piece]:
    """Yield the pieces of a text, which is one of a pair or alone. Joined, they are the text.

    `words` are those of both texts, in their order.
    """
    largest = max((abs(word.attribution) for word in words), default=0.0) or 1.0
    end = 0
    for word in words:
        if word.sequence != sequence:
            continue
        start = max(end, word.start)
        if start > end:
            yield Piece(text[end:start], None, 0.0)
        if word.end > start:
            yield Piece(text[start : word.end], word, word.attribution / largest)
            end = word.end
    if end < len(text):
        yield Piece(text[end:], None, 0.0)
