"""The fewest words whose removal turns an answer: found exactly for short texts, and greedily for others."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.engine import Engine
from ..errors import ArgumentError
from ..foreign import shown
from ..predictions import Prediction
from ..reading import Reading
from ..scoring import Scoring
from ..serializable import Serializable
from ..texts import Text
from .attribution import Attribution
from .inputs import read_inputs
from .left_out import prediction_of, variants_without
from .words import n_words, seen_words, word_attributions

# All single words are tried, and all pairs and triples if that takes no more tokens than this: pairs of up to
# 50 words and triples of up to 25, if a word is a token. Twice as many words have sixteen times as many
# tokens in triples.
MAX_EXACT_WORDS = 3
MAX_TOKENS = 1 << 16

# The types of a full dict, as JSON Schema has them.
TYPES_OF_COUNTERFACTUAL = {
    "texts": {"type": "array", "items": {"type": "string"}},
    "words": {"type": "array", "items": {"type": "object"}},
    "shortened": {"type": "array", "items": {"type": "string"}},
    "is_minimal": {"type": "boolean"},
    "before": {"type": "object"},
    "after": {"type": "object"},
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Counterfactual(Serializable):
    """Words without which the answer is another one: another label or, if several may apply, other labels.

    Attributes
    ----------
    texts : tuple of str
        The text, or both of a pair.
    words : tuple of Attribution
        The words to remove, in the order of the text. The attribution of each is by how much the logit of
        the label falls if this word alone is removed.
    shortened : tuple of str
        The text, or both of a pair, with spaces in place of these words. If the model is given all of the
        text at once, this is a text that the classifier gives the answer `after`.
    is_minimal : bool
        Whether it is certain that no fewer words do. All sets of up to three words are tried if the text is
        short; for other texts, words are taken in the order of their attributions, and no single one of them
        could stay.
    before, after : Prediction
        What the classifier says with these words, and without them. If the text is cut, or split into windows
        or sentences, `after` is about the same cut and the same parts, each with its weight: no other words
        move up. `shortened` is cut and split anew, so its answer may differ.
    """

    _JSON_TYPES = TYPES_OF_COUNTERFACTUAL

    texts: tuple[str, ...]
    words: tuple[Attribution, ...]
    shortened: tuple[str, ...]
    is_minimal: bool
    before: Prediction
    after: Prediction

    def as_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Return the counterfactual as a dict that JSON can hold.

        Parameters
        ----------
        full : bool, default False
            Whether the predictions are written in full, as in `Prediction.as_dict`.

        Returns
        -------
        dict of str to object
        """
        return {
            "texts": list(self.texts),
            "words": [asdict(word) for word in self.words],
            "shortened": list(self.shortened),
            "is_minimal": self.is_minimal,
            "before": self.before.as_dict(full=full),
            "after": self.after.as_dict(full=full),
        }

    def __repr__(self) -> str:
        before, after = (_quoted(answer.labels) or "no label" for answer in (self.before, self.after))
        words = _quoted(word.text for word in self.words)
        fewest = "fewest" if self.is_minimal else "perhaps not fewest"
        return f"Counterfactual({before} -> {after} without {words}; {fewest})"


class _Removal(NamedTuple):
    """Words that are removed, by their indices in the text, and the answer without them."""

    words: tuple[int, ...]
    answer: Prediction


class Search:
    """The search for words without which a text gets another answer.

    Parameters
    ----------
    text, reading, engine, scoring
        The text, and the parts of a classifier.
    before : Prediction
        The answer to the text with all its words.
    """

    def __init__(
        self, text: Text, reading: Reading, engine: Engine, scoring: Scoring, before: Prediction
    ) -> None:
        if not scoring.has_choice:
            raise ArgumentError(
                f"the model has the single label {shown(scoring.labels[0])}, expected several: its answer "
                "cannot become another one. explain says what moves its value"
            )
        self._given = read_inputs(reading, text, "text")
        self._words = seen_words(self._given)
        self._is_split = reading.sentences is not None
        self._engine, self._scoring, self._before = engine, scoring, before

    def run(self) -> Counterfactual | None:
        """Return the smallest counterfactual that is found, or None if none is."""
        label = self._scoring.labels.index(self._before.label)
        effects = np.zeros(n_words(self._given))

        def singles() -> Iterator[_Removal]:
            for one in self._without((word,) for word in self._words):
                effects[one.words[0]] = float(self._before.logits[label]) - float(one.answer.logits[label])
                yield one  # not kept: the answer to a long text has a prediction for each window

        found, n_tried = self._clearest(singles()), 1
        while found is None and n_tried < MAX_EXACT_WORDS and self._n_tokens(n_tried + 1) <= MAX_TOKENS:
            n_tried += 1
            found = self._clearest(self._without(combinations(self._words, n_tried)))
        is_exact = found is not None
        if found is None:
            found = self._greedily(sorted(self._words, key=lambda word: -effects[word]), n_tried + 1)
        if found is None:
            return None
        return self._counterfactual(found, effects, is_minimal=is_exact or len(found.words) == n_tried + 1)

    def _n_tokens(self, n_removed: int) -> int:
        """Return about how many tokens the text has in all variants without so many words."""
        n_whole = sum(len(one.ids) for one in self._given.inputs)
        return comb(len(self._words), n_removed) * n_whole

    def _greedily(self, ranked: list[int], n_least: int) -> _Removal | None:
        """Remove the words that count most until the answer turns, then put back whichever can stay."""
        strongest = (tuple(ranked[:n]) for n in range(n_least, len(ranked) + 1))
        found = next(self._turned(self._without(strongest)), None)
        can_shrink = found is not None
        while found is not None and can_shrink:
            can_shrink = False
            for word in reversed(found.words):  # the weakest first
                fewer = tuple(other for other in found.words if other != word)
                smaller = next(self._turned(self._without([fewer])), None)
                if smaller is not None:
                    found, can_shrink = smaller, True
        return found

    def _clearest(self, removals: Iterable[_Removal]) -> _Removal | None:
        """Return the removal that turns the answer most clearly, if any does."""
        label = self._before.label
        return min(self._turned(removals), key=lambda one: one.answer.scores[label], default=None)

    def _turned(self, removals: Iterable[_Removal]) -> Iterator[_Removal]:
        answer = self._answer(self._before)
        return (one for one in removals if self._answer(one.answer) != answer)

    def _without(self, choices: Iterable[tuple[int, ...]]) -> Iterator[_Removal]:
        """Yield the answer to the text without each choice of words."""
        for variant in variants_without(self._engine, self._given, choices):
            answer = prediction_of(self._scoring, self._given, variant, is_split=self._is_split)
            yield _Removal(variant.words, answer)

    def _answer(self, prediction: Prediction) -> object:
        """Return what has to change: the label, or all labels if several may apply."""
        return prediction.label if self._scoring.threshold is None else prediction.labels

    def _counterfactual(
        self, removal: _Removal, effects: NDArray[np.float64], *, is_minimal: bool
    ) -> Counterfactual:
        words = word_attributions(self._given, effects)
        removed = tuple(words[i] for i in sorted(removal.words))
        return Counterfactual(
            texts=self._given.texts,
            words=removed,
            shortened=tuple(
                _blanked(text, [word for word in removed if word.sequence == sequence])
                for sequence, text in enumerate(self._given.texts)
            ),
            is_minimal=is_minimal,
            before=self._before,
            after=removal.answer,
        )


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(map(shown, texts))


def _blanked(text: str, words: Iterable[Attribution]) -> str:
    """Return a text with spaces in place of some words."""
    for word in words:
        text = text[: word.start] + " " * (word.end - word.start) + text[word.end :]
    return text
