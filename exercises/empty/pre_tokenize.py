"""pre_tokenize: split a normalized text into words."""

from distilnp.tokenizer.characters import PUNCTUATION, WHITESPACE


def pre_tokenize(text: str) -> list[str]:
    """Split a normalized text into words; no word is empty.

    A word ends at each character in `WHITESPACE`. Each character in `PUNCTUATION` is a word of its own.

    >>> pre_tokenize("don't  stop...")
    ['don', "'", 't', 'stop', '.', '.', '.']
    """
    raise NotImplementedError
