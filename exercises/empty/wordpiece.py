"""wordpiece: split a word into the longest pieces of the vocabulary."""

from collections.abc import Mapping


def wordpiece(word: str, vocab: Mapping[str, int]) -> list[str]:
    """Split a word greedily from its beginning into tokens of the vocabulary.

    Take the longest token that the word begins with, then the longest one that the rest begins with, and so
    on. A token that continues a word has "##" in front, in the vocabulary and in the result. If there is none
    for some rest, the whole word becomes ["[UNK]"], and so does a word of more than 100 characters.

    >>> vocab = {"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3, "##a": 4}
    >>> wordpiece("unaffable", vocab)
    ['un', '##aff', '##able']
    >>> wordpiece("unfair", vocab)
    ['[UNK]']
    """
    raise NotImplementedError
