"""Predictions made from logits, without a model."""

import numpy as np

from distilnp.long_text import Extent, Passage
from distilnp.predictions import Part, Prediction
from distilnp.scoring import Scoring, placed


def predict(
    logits: np.ndarray,
    labels: tuple[str, ...],
    function: str,
    *,
    n_tokens: int,
    n_seen: int,
    threshold: float | None = None,
    temperature: float = 1.0,
) -> Prediction:
    """Return the prediction for a text of n_tokens tokens, of which the model saw n_seen."""
    scoring = Scoring(
        labels=labels,
        function_to_apply=function,
        threshold=threshold,
        temperature=temperature,
        aggregate="mean_probs",
    )
    passage = Passage(Extent(0, 0, n_tokens - 2), n_tokens, (tuple(range(n_seen)),))
    return scoring.answer(passage, logits[np.newaxis])


def part(prediction: Prediction, start: int, end: int, n_new: int) -> Part:
    """Return a prediction for the characters from `start` to `end` of a longer text."""
    return placed(prediction, Extent(start, end, n_new))
