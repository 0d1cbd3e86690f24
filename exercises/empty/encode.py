"""encode: all of it, from a text to ids."""

from collections.abc import Mapping

# Your own functions of the earlier exercises.
from normalize import normalize
from pre_tokenize import pre_tokenize
from wordpiece import wordpiece


def encode(text: str, vocab: Mapping[str, int]) -> list[int]:
    """Turn a text into the ids that the model is given.

    Normalize the text, split it into words, split each word into tokens, and look up the id of each token.
    The id of "[CLS]" comes first, and that of "[SEP]" last.

    >>> vocab = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "good": 3, "##s": 4, "!": 5}
    >>> encode("Goods!", vocab)
    [1, 3, 4, 5, 2]
    """
    raise NotImplementedError
