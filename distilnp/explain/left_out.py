"""What the model says about a text without some of its words: many variants in few ragged batches.

A word is left out by leaving out its tokens. Everything else stays as it was: the cut of a long text, its
windows, its sentences. For a text that is given whole, that is the text with spaces in the word's place.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..engine.engine import Engine
from ..predictions import Prediction
from ..scoring import Scoring
from .inputs import TextInputs
from .words import n_words, seen_words

# Variants are gathered until they have so many tokens: hundreds of sentences, or tens of long texts. That
# fills all threads, and a search that ends early has not computed much more than it needed.
BATCH_TOKENS = 1 << 14

Ids = tuple[int, ...]


def inputs_without(given: TextInputs, words: Collection[int]) -> list[Ids]:
    """Return the ids of every input of a text without some words."""
    return [
        tuple(
            id_
            for id_, token in zip(one.ids, one.tokens, strict=True)
            if token is None or given.tokens[token].word not in words
        )
        for one in given.inputs
    ]


def logits_without(
    engine: Engine, given: TextInputs, variants: Iterable[Collection[int]]
) -> Iterator[NDArray[np.float32]]:
    """Yield the logits [n_inputs, n_labels] of a text without some words, for each variant of these words.

    An input that several variants share is computed once: the other windows of a long text stay the same.
    """
    longest = sum(len(one.ids) for one in given.inputs)
    variants = iter(variants)
    while some := list(islice(variants, max(1, BATCH_TOKENS // longest))):
        inputs = [inputs_without(given, words) for words in some]
        rows = {ids: i for i, ids in enumerate(dict.fromkeys(ids for one in inputs for ids in one))}
        logits = engine.forward(list(rows))
        for one in inputs:
            yield logits[[rows[ids] for ids in one]]


def prediction_of(
    scoring: Scoring, given: TextInputs, inputs: Sequence[Ids], logits: NDArray[np.float32], *, is_split: bool
) -> Prediction:
    """Make the prediction for a text some of whose words are left out."""
    passages, first = [], 0
    for passage in given.passages:
        kept = tuple(inputs[first : first + len(passage.inputs)])
        first += len(kept)
        n_left_out = sum(map(len, passage.inputs)) - sum(map(len, kept))
        passages.append(passage._replace(inputs=kept, n_tokens=passage.n_tokens - n_left_out))
    return scoring.text_answer(passages, logits, is_split=is_split)


def effects_of_words(engine: Engine, given: TextInputs, label: int) -> NDArray[np.float64]:
    """Return by how much the logit of a label falls without each word alone: [n_words]."""
    seen = seen_words(given)
    whole, *without = (
        mean_logits(given, rows)[label]
        for rows in logits_without(engine, given, [(), *((word,) for word in seen)])
    )
    effects = np.zeros(n_words(given))
    effects[seen] = whole - np.array(without)
    return effects


def mean_logits(given: TextInputs, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logits of a text, [n_labels], from those of its inputs [n_inputs, n_labels]."""
    return np.array([one.share for one in given.inputs]) @ logits
