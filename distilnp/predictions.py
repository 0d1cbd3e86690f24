"""From logits to a label: `Prediction`, and what turns the numbers of a model into scores.

Which function that is follows transformers' text-classification pipeline. No model is run here.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .checkpoint.config import DistilBertConfig

FunctionToApply = Literal["softmax", "sigmoid", "none"]


@dataclass(frozen=True, slots=True)
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
        What the model computed, before any function or temperature made scores of it. Read-only.
    n_tokens : int
        Tokens of the whole text, [CLS] and [SEP] among them.
    n_seen : int
        Tokens that the model was given.
    """

    label: str
    score: float
    labels: tuple[str, ...]
    scores: dict[str, float] = field(hash=False)
    # Comparing arrays gives an array; two predictions with equal scores are equal without it.
    logits: NDArray[np.float32] = field(compare=False)
    n_tokens: int
    n_seen: int

    @property
    def truncated(self) -> bool:
        """Whether the model was given less than the whole text."""
        return self.n_seen < self.n_tokens

    def as_dict(self) -> dict[str, Any]:
        """Return `{"label": ..., "score": ...}`, as the pipeline of transformers does."""
        return {"label": self.label, "score": self.score}


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
    logits.flags.writeable = False
    scores = dict(zip(labels, decode(logits, function, temperature), strict=True))
    label = labels[int(logits.argmax())]
    if threshold is None:
        held: tuple[str, ...] = (label,)
    else:
        held = tuple(name for name, score in scores.items() if score > threshold)
    return Prediction(
        label=label,
        score=scores[label],
        labels=held,
        scores=scores,
        logits=logits,
        n_tokens=n_tokens,
        n_seen=n_seen,
    )
