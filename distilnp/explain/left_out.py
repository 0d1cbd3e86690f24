"""What the model says about a text without some of its words: many variants in few ragged batches.

A word is left out by leaving out its tokens. Everything else stays as it was: the cut of a long text, its
windows, its sentences. For a text that is given whole, that is the text with spaces in the word's place. (One
exception: an added token of the kind `single_word`, next to the word without a space, is not one before.)
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.engine import Engine
from ..predictions import Prediction
from ..scoring import Scoring
from .finite import expect_finite
from .inputs import Input, TextInputs
from .words import n_words, seen_words

# Variants are gathered until so many tokens have to be computed: hundreds of sentences, or tens of long
# windows. That fills all threads, and a search that ends early has not computed much more than it needed.
BATCH_TOKENS = 1 << 14

Ids = tuple[int, ...]


class Variant(NamedTuple):
    """A text without some words.

    Attributes
    ----------
    words : tuple of int
        The words that are left out, by their indices in the text.
    inputs : list of tuples of int
        The ids that remain of each input.
    logits : array, [n_inputs, n_labels]
    """

    words: tuple[int, ...]
    inputs: list[Ids]
    logits: NDArray[np.float32]


def variants_without(
    engine: Engine, given: TextInputs, choices: Iterable[tuple[int, ...]]
) -> Iterator[Variant]:
    """Yield the text without each choice of words.

    An input that a choice leaves as it is, such as the other windows of a long text, is computed once.

    Raises
    ------
    CheckpointError
        The logits of a variant are not finite.
    """
    whole = {one.ids for one in given.inputs}
    known: dict[Ids, NDArray[np.float32]] = {}
    waiting: list[tuple[tuple[int, ...], list[Ids]]] = []
    new: dict[Ids, None] = {}  # in order, each once
    n_tokens = 0

    def computed() -> Iterator[Variant]:
        logits = engine.forward([*new])
        expect_finite("the logits of the text without some of its words", logits)
        rows = known | dict(zip(new, logits, strict=True))
        known.update((ids, rows[ids]) for ids in new if ids in whole)
        for words, inputs in waiting:
            yield Variant(words, inputs, np.stack([rows[ids] for ids in inputs]))

    for words in choices:
        left_out = frozenset(words)
        inputs = [_without(given, one, left_out) for one in given.inputs]
        waiting.append((words, inputs))
        for ids in inputs:
            if ids not in known and ids not in new:
                new[ids] = None
                n_tokens += len(ids)
        if n_tokens >= BATCH_TOKENS:
            yield from computed()
            waiting.clear()
            new.clear()
            n_tokens = 0
    yield from computed()


def prediction_of(scoring: Scoring, given: TextInputs, variant: Variant, *, is_split: bool) -> Prediction:
    """Make the prediction for a text some of whose words are left out."""
    words = frozenset(variant.words)
    passages, first = [], 0
    for passage in given.passages:
        part = slice(first, first + len(passage.inputs))
        first = part.stop
        kept = tuple(variant.inputs[part])
        left_out = {  # a token may be in two windows
            token
            for one, ids in zip(given.inputs[part], kept, strict=True)
            if len(ids) < len(one.ids)
            for token in one.tokens
            if token is not None and given.tokens[token].word in words
        }
        passages.append(passage._replace(inputs=kept, n_tokens=passage.n_tokens - len(left_out)))
    return scoring.text_answer(passages, variant.logits, is_split=is_split)


def effects_of_words(engine: Engine, given: TextInputs, label: int) -> NDArray[np.float64]:
    """Return by how much the logit of a label falls without each word alone: [n_words]."""
    seen = seen_words(given)
    whole, *without = (
        mean_logits(given, variant.logits)[label]
        for variant in variants_without(engine, given, [(), *((word,) for word in seen)])
    )
    effects = np.zeros(n_words(given))
    effects[seen] = whole - np.array(without)
    return effects


def mean_logits(given: TextInputs, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logits of a text, [n_labels], from those of its inputs [n_inputs, n_labels]."""
    return np.array([one.share for one in given.inputs]) @ logits


def _without(given: TextInputs, one: Input, words: frozenset[int]) -> Ids:
    """Return the ids of an input without some words."""
    if one.words.isdisjoint(words):
        return one.ids
    return tuple(
        id_
        for id_, token in zip(one.ids, one.tokens, strict=True)
        if token is None or given.tokens[token].word not in words
    )
