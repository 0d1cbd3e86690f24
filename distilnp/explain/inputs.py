"""What the model is given of a text, token by token: which word of the text each id of an input comes from.

`Reading.passages` gives the ids alone, because answers need no more. This goes the same way again, and keeps
where each id comes from.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ..long_text import Passage, cut, windows
from ..reading import Reading
from ..texts import Text, as_tuple
from ..tokenizer import Encoding


class TextToken(NamedTuple):
    """A token of a text, and where it is.

    Attributes
    ----------
    token : str
        The token, as the vocabulary spells it.
    start, end : int
        Its span of its text in characters; end exclusive.
    sequence : int
        0, or 1 in the second text of a pair.
    word : int
        The index of its word among all words of the text or pair.
    """

    token: str
    start: int
    end: int
    sequence: int
    word: int


class Input(NamedTuple):
    """One sequence of ids that the model is given.

    Attributes
    ----------
    ids : tuple of int, [n_seq]
    tokens : tuple of int or None, [n_seq]
        The index of each id's token among all tokens of the text; None for [CLS] and [SEP].
    words : frozenset of int
        The words that its tokens belong to.
    share : float
        How much its logits count in the text's: the text's logits are the mean by these shares.
    """

    ids: tuple[int, ...]
    tokens: tuple[int | None, ...]
    words: frozenset[int]
    share: float


class TextInputs(NamedTuple):
    """A text, as tokens and as what the model is given of them.

    Attributes
    ----------
    texts : tuple of str
        The text, or both of a pair.
    tokens : tuple of TextToken
        All tokens of the text, those that the model is not given included; without [CLS] and [SEP].
    passages : tuple of Passage
        What `Reading.passages` returns.
    inputs : tuple of Input
        The inputs of all passages, in order.
    """

    texts: tuple[str, ...]
    tokens: tuple[TextToken, ...]
    passages: tuple[Passage, ...]
    inputs: tuple[Input, ...]


def read_inputs(reading: Reading, text: Text, name: str) -> TextInputs:
    """Read a text, and keep which word each token belongs to.

    Raises
    ------
    DistilnpError
        See `Reading.passages`.
    """
    passages = reading.passages(text, name)
    first, *pair = as_tuple(text, name)
    tokens: list[TextToken] = []
    inputs: list[Input] = []
    for passage in passages:
        start = passage.extent.start
        encoding = reading.tokenizer.encode(first[start : passage.extent.end], *pair)
        # Special tokens are in no text; the others are counted on from those of earlier sentences.
        indices: list[int | None] = []
        n_words = 1 + tokens[-1].word if tokens else 0
        for token in _tokens(encoding, start, n_words):
            indices.append(None if token is None else len(tokens))
            if token is not None:
                tokens.append(token)
        n_new = [window.n_new for window in passage.windows] or [1]
        kept = _kept(reading, encoding, passage)
        for ids, positions, n in zip(passage.inputs, kept, n_new, strict=True):
            chosen = tuple(indices[i] for i in positions)
            words = frozenset(tokens[i].word for i in chosen if i is not None)
            share = n / sum(n_new) if len(n_new) > 1 else 1.0
            inputs.append(Input(ids, chosen, words, share / len(passages)))
    return TextInputs((first, *pair), tuple(tokens), tuple(passages), tuple(inputs))


def _tokens(encoding: Encoding, start: int, n_words: int) -> Iterator[TextToken | None]:
    """Yield the tokens of an encoding: None for [CLS] and [SEP]."""
    columns = encoding.tokens, encoding.offsets, encoding.sequence_ids, encoding.word_ids
    first_word = n_words  # of this sequence
    for token, (from_, to), sequence, word in zip(*columns, strict=True):
        if sequence is None or word is None:
            first_word = n_words
            yield None
            continue
        n_words = first_word + word + 1
        yield TextToken(token, start + from_, start + to, sequence, first_word + word)


def _kept(reading: Reading, encoding: Encoding, passage: Passage) -> list[tuple[int, ...]]:
    """Return the positions in the encoding of the ids of each input of a passage."""
    positions = tuple(range(len(encoding)))
    if passage.windows:
        return [window.ids for window in windows(positions, reading.max_length, reading.stride)]
    return [cut(positions, encoding.lengths, reading.max_length, reading.long_text)]
