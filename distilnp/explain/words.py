"""From tokens to words: the attributions of a text's words, from those of the tokens of its inputs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model.params import Array
from .attribution import Attribution
from .inputs import TextInputs


class Spread(NamedTuple):
    """The attributions of a text.

    Attributes
    ----------
    tokens : array, [n_tokens]
        Of each token of the text, summed over the inputs that it is in, each times its share.
    special : float
        Of [CLS] and [SEP], summed likewise.
    """

    tokens: NDArray[np.float64]
    special: float


def spread(given: TextInputs, attributions: Sequence[Array]) -> Spread:
    """Gather the attributions [n_seq] of every input."""
    tokens, special = np.zeros(len(given.tokens)), 0.0
    for one, values in zip(given.inputs, attributions, strict=True):
        for token, value in zip(one.tokens, values.tolist(), strict=True):
            if token is None:
                special += one.share * value
            else:
                tokens[token] += one.share * value
    return Spread(tokens, special)


def n_words(given: TextInputs) -> int:
    """Return the number of words of a text."""
    return 1 + given.tokens[-1].word if given.tokens else 0


def seen_tokens(given: TextInputs) -> list[bool]:
    """Return whether the model was given each token."""
    seen = {token for one in given.inputs for token in one.tokens}
    return [i in seen for i in range(len(given.tokens))]


def seen_words(given: TextInputs) -> list[int]:
    """Return the indices of the words of which the model was given a token, in order."""
    return sorted({word for one in given.inputs for word in one.words})


def token_attributions(given: TextInputs, values: Array) -> tuple[Attribution, ...]:
    """Put tokens and their attributions [n_tokens] together."""
    return tuple(
        Attribution(
            text=token.token,
            start=token.start,
            end=token.end,
            sequence=token.sequence,
            attribution=float(value),
            is_seen=is_seen,
        )
        for token, value, is_seen in zip(given.tokens, values, seen_tokens(given), strict=True)
    )


def word_attributions(given: TextInputs, values: Array) -> tuple[Attribution, ...]:
    """Put words and their attributions [n_words] together."""
    seen = set(seen_words(given))
    spans: dict[int, tuple[int, int, int]] = {}
    for token in given.tokens:
        start, end, _ = spans.get(token.word, (token.start, token.end, 0))
        spans[token.word] = min(start, token.start), max(end, token.end), token.sequence
    return tuple(
        Attribution(
            text=given.texts[sequence][start:end],
            start=start,
            end=end,
            sequence=sequence,
            attribution=float(values[word]),
            is_seen=word in seen,
        )
        for word, (start, end, sequence) in spans.items()
    )


def sums_of_words(given: TextInputs, values: Array) -> NDArray[np.float64]:
    """Return the attributions of words, [n_words], from those of their tokens [n_tokens]."""
    sums = np.zeros(n_words(given))
    np.add.at(sums, [token.word for token in given.tokens], values)
    return sums
