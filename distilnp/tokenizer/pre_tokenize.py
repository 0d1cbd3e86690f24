"""Stage 2, pre_tokenize: split a normalized text into words.

A word ends at whitespace, and every punctuation character is a word of its own: "don't!" becomes "don", "'",
"t", "!". Punctuation means the Unicode category P and every visible ASCII character that is neither a letter
nor a digit, such as "$". The next stage, `wordpiece.py`, splits words into pieces of the vocabulary.
"""

from collections.abc import Iterator

from .characters import PUNCTUATION, WHITESPACE
from .normalize import AlignedText


def pre_tokenize(aligned: AlignedText) -> Iterator[AlignedText]:
    """Yield the words of a normalized text; no word is empty."""
    characters = set(aligned.text)
    whitespace = {character for character in characters if character in WHITESPACE}
    punctuation = {character for character in characters if character in PUNCTUATION}
    ends = whitespace | punctuation
    start = 0
    for position, character in enumerate(aligned.text):
        if character in ends:
            if start < position:
                yield aligned.slice(start, position)
            if character in punctuation:
                yield aligned.slice(position, position + 1)
            start = position + 1
    if start < len(aligned.text):
        yield aligned.slice(start, len(aligned.text))
