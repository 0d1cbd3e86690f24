"""From logits to a label: `Prediction`, and what turns the numbers of a model into scores.

Which function that is follows transformers' text-classification pipeline. What a text was parted into has
predictions of its own, of which `aggregated` makes that of the text. No model is run here.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .choices import Aggregate, FunctionToApply
from .model.config import DistilBertConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model says about one text.

    Attributes
    ----------
    label : str
        The label with the highest score.
    score : float
        Its score; of a regression model, the value itself.
    labels : tuple of str
        Every label that holds, so that it can be read alike for all models. Where scores are sigmoids, each
        label is judged by itself: those with a score above the threshold, in the order of their ids, perhaps
        none. Otherwise `label` alone, because softmax lets labels compete for one place, and a regression
        model decides nothing.
    scores : dict of str to float
        The score of every label, in the order of their ids.
    logits : array of float32, [n_labels]
        What the model computed, before any function or temperature made scores of it; of a text in parts, the
        weighted mean over them, whatever aggregates the scores. Read-only.
    n_tokens : int
        Tokens of the whole text, [CLS] and [SEP] among them.
    n_seen : int
        Tokens of it that the model was given.
    windows : tuple of Part
        With `long_text="windows"`, what the model says about each of them; otherwise empty.
    sentences : tuple of Part
        With `sentences=True`, what the model says about each of them; otherwise empty. Tokens are then those
        of all sentences, each with a [CLS] and a [SEP].
    """

    label: str
    score: float
    labels: tuple[str, ...]
    scores: dict[str, float] = field(hash=False)
    # Comparing arrays gives an array; two predictions with equal scores are equal without it.
    logits: NDArray[np.float32] = field(compare=False)
    n_tokens: int
    n_seen: int
    windows: tuple["Part", ...] = ()
    sentences: tuple["Part", ...] = ()

    @property
    def truncated(self) -> bool:
        """Whether the model was given less than the whole text."""
        return self.n_seen < self.n_tokens

    def as_dict(self) -> dict[str, Any]:
        """Return `{"label": ..., "score": ...}`, as the pipeline of transformers does."""
        return {"label": self.label, "score": self.score}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Prediction):
    """What a model says about a part of a text, a window or a sentence: a prediction, and where that stands.

    Attributes
    ----------
    start, end : int
        Its span of the text in characters, end exclusive.
    n_new : int
        Tokens of it that are in no part before it, without [CLS] and [SEP].
    """

    start: int
    end: int
    n_new: int


def default_function(config: DistilBertConfig) -> FunctionToApply:
    """Return the function that transformers' pipeline would apply to the logits of this model."""
    if config.problem_type == "regression":
        return "none"
    if config.problem_type == "multi_label_classification" or config.n_labels == 1:
        return "sigmoid"
    return "softmax"


def decode(logits: NDArray[np.float32], function: FunctionToApply, temperature: float = 1.0) -> list[float]:
    """Turn the logits of one text into scores.

    Parameters
    ----------
    logits : array of float32, [n_labels]
    function : {"softmax", "sigmoid", "none"}
        "softmax" makes shares of 1, "sigmoid" judges each label by itself, "none" returns the logits.
    temperature : float, default 1.0
        What "softmax" and "sigmoid" divide the logits by. Above 1 the scores come nearer to each other, in
        the same order: who is right as often as before claims less.

    Returns
    -------
    list of float, [n_labels]
        Worked out in float64, as it costs nothing for a handful of labels.
    """
    values = [float(logit) for logit in logits]
    if function == "sigmoid":
        return [sigmoid(value / temperature) for value in values]
    if function == "softmax":
        largest = max(values)  # without it, a logit beyond 709 would overflow
        exponentials = [math.exp((value - largest) / temperature) for value in values]
        total = math.fsum(exponentials)
        return [exponential / total for exponential in exponentials]
    return values


def sigmoid(x: float) -> float:
    """Return 1 / (1 + exp(-x)), with the exponent kept negative so that it cannot overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))


def predict(
    logits: NDArray[np.float32],
    labels: tuple[str, ...],
    function: FunctionToApply,
    *,
    n_tokens: int,
    n_seen: int,
    threshold: float | None = None,
    temperature: float = 1.0,
) -> Prediction:
    """Make the `Prediction` for one text of its logits [n_labels]; of equal scores the first label wins.

    With a `threshold`, every label whose score is above it holds; without one, the label that wins. The
    `temperature` is that of `decode`.
    """
    return _prediction(decode(logits, function, temperature), logits, labels, threshold, n_tokens, n_seen)


def placed(prediction: Prediction, start: int, end: int, n_new: int) -> Part:
    """Return a prediction with the place that its text has in a longer one."""
    known = {field.name: getattr(prediction, field.name) for field in fields(prediction)}
    return Part(**known, start=start, end=end, n_new=n_new)


def aggregated(
    parts: Sequence[Part],
    weights: Sequence[int],
    aggregate: Aggregate,
    function: FunctionToApply,
    *,
    n_tokens: int,
    n_seen: int,
    threshold: float | None = None,
    temperature: float = 1.0,
) -> Prediction:
    """Make the `Prediction` for a text of those for its parts.

    Parameters
    ----------
    parts : sequence of Part
        At least one.
    weights : sequence of int
        Of each part, in a mean; of several, all are positive.
    aggregate : {"mean_probs", "mean_logits", "max"}
        "mean_probs" is the mean of the scores, "mean_logits" what `function` makes of the mean of the logits,
        "max" of each label its highest score in any part, so that shares no longer add up to 1.

    Returns
    -------
    Prediction
        Of one part, the same scores to the bit. Of equal scores, the first label wins.
    """
    total = sum(weights)
    shares = [weight / total for weight in weights] if len(parts) > 1 else [1.0]

    def mean(values: Iterable[float]) -> float:
        return math.fsum(value * share for value, share in zip(values, shares, strict=True))

    labels = tuple(parts[0].scores)
    columns = np.stack([part.logits for part in parts], axis=1).tolist()
    logits = np.array([mean(column) for column in columns], np.float32)
    if aggregate == "mean_logits":
        scores = decode(logits, function, temperature)
    else:
        combine = mean if aggregate == "mean_probs" else max
        scores = [combine([part.scores[label] for part in parts]) for label in labels]
    return _prediction(scores, logits, labels, threshold, n_tokens, n_seen)


def _prediction(
    scores: list[float],
    logits: NDArray[np.float32],
    labels: tuple[str, ...],
    threshold: float | None,
    n_tokens: int,
    n_seen: int,
) -> Prediction:
    """Make the `Prediction`; where scores are equal, because sigmoids end at 1, the logits decide."""
    logits.flags.writeable = False
    best = max(range(len(labels)), key=lambda i: (scores[i], logits[i]))
    if threshold is None:
        held: tuple[str, ...] = (labels[best],)
    else:
        held = tuple(label for label, score in zip(labels, scores, strict=True) if score > threshold)
    return Prediction(
        label=labels[best],
        score=scores[best],
        labels=held,
        scores=dict(zip(labels, scores, strict=True)),
        logits=logits,
        n_tokens=n_tokens,
        n_seen=n_seen,
    )
