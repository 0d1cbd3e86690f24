"""From logits to a prediction.

The function that turns logits into scores is chosen as in the text-classification pipeline of transformers.
The windows or sentences of a text have predictions of their own; `Scoring` combines them into that of the
text. No model runs here.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from .choices import Aggregate, FunctionToApply
from .errors import ArgumentError
from .foreign import shown
from .long_text import Extent, Passage
from .model.config import DistilBertConfig
from .predictions import Part, Prediction


def default_function(config: DistilBertConfig) -> FunctionToApply:
    """Return the function that the pipeline of transformers would apply to the logits of this model."""
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
        "softmax" gives probabilities that add up to 1, "sigmoid" a probability for each label by itself, and
        "none" the logits.
    temperature : float, default 1.0
        "softmax" and "sigmoid" divide the logits by it. Above 1, probabilities move towards each other and
        keep their order: the model is right as often as before, and less certain.

    Returns
    -------
    list of float, [n_labels]
        Computed in float64, which costs nothing for a handful of labels.
    """
    values = [float(logit) for logit in logits]
    if function == "sigmoid":
        return [sigmoid(value / temperature) for value in values]
    if function == "softmax":
        largest = max(values)  # without subtracting it, exp would overflow for a logit above 709
        exponentials = [math.exp((value - largest) / temperature) for value in values]
        total = math.fsum(exponentials)
        return [exponential / total for exponential in exponentials]
    return values


def sigmoid(x: float) -> float:
    """Return 1 / (1 + exp(-x)), written so that exp cannot overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How logits become a prediction.

    Parameters
    ----------
    labels : tuple of str
        The label of each logit; no two are equal.
    function_to_apply : {"softmax", "sigmoid", "none"}
        Turns logits into scores: see `decode`.
    threshold : float, tuple of float, or None
        From 0 to 1, only with "sigmoid". Labels that score above it apply; a tuple has one number for each
        label. If None, exactly one label applies.
    temperature : float
        Divides the logits: see `decode`.
    aggregate : {"mean_probs", "mean_logits", "max"}
        How the scores of the windows are combined into the text's: their mean, weighted by the new tokens of
        each window; the scores of the mean logits, weighted alike; or each label's highest score, and then
        the scores need not add up to 1.

    Raises
    ------
    ArgumentError
        A value cannot be used.
    """

    labels: tuple[str, ...]
    function_to_apply: FunctionToApply
    threshold: float | tuple[float, ...] | None
    temperature: float
    aggregate: Aggregate

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ArgumentError(f"labels is {shown(self.labels)}, expected at least one, no two equal")
        _expect_one_of("function_to_apply", self.function_to_apply, FunctionToApply)
        _expect_one_of("aggregate", self.aggregate, Aggregate)
        if self.threshold is not None:
            if isinstance(self.threshold, tuple) and len(self.threshold) != len(self.labels):
                raise ArgumentError(
                    f"threshold is {shown(self.threshold)}, expected {len(self.labels)} numbers, one for "
                    f"each of the labels {shown(self.labels)}"
                )
            if not all(map(_is_threshold, self.thresholds)):
                expected = "a number from 0 to 1"
                if not isinstance(self.threshold, Real):
                    expected += ", or a tuple with one for each label"
                raise ArgumentError(f"threshold is {shown(self.threshold)}, expected {expected}")
            if self.function_to_apply != "sigmoid":
                raise ArgumentError(
                    f"threshold is {shown(self.threshold)} and function_to_apply is "
                    f"{self.function_to_apply!r}, expected 'sigmoid', which scores each label by itself. "
                    "Leave the threshold out, or give function_to_apply='sigmoid' if several labels may "
                    "apply at once"
                )
        if not isinstance(self.temperature, Real) or not 0 < self.temperature <= sys.float_info.max:
            raise ArgumentError(f"temperature is {shown(self.temperature)}, expected a finite number above 0")

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold of each label; empty if there is none."""
        if self.threshold is None:
            return ()
        if isinstance(self.threshold, tuple):
            return self.threshold
        return (self.threshold,) * len(self.labels)

    def answer(self, passage: Passage, logits: NDArray[np.float32]) -> Prediction:
        """Make the prediction for a passage from the logits [n_inputs, n_labels] of its inputs."""
        answers = [
            self._prediction(self._scores(row), row, passage.n_tokens, len(ids))
            for row, ids in zip(logits, passage.inputs, strict=True)
        ]
        if not passage.windows:
            return answers[0]
        windows = tuple(
            placed(replace(answer, n_tokens=answer.n_seen), extent)
            for answer, extent in zip(answers, passage.windows, strict=True)
        )
        weights = [window.n_new for window in windows]
        whole = self._combined(windows, weights, self.aggregate, passage.n_tokens, passage.n_tokens)
        return replace(whole, windows=windows)

    @property
    def has_choice(self) -> bool:
        """Whether texts may get different answers: of several labels, or of one that may not apply."""
        return len(self.labels) > 1 or self.threshold is not None

    def text_answer(
        self, passages: Sequence[Passage], logits: NDArray[np.float32], *, is_split: bool
    ) -> Prediction:
        """Make the prediction for a text from the logits [n_inputs, n_labels] of all inputs of its passages.

        `is_split` says whether the passages are sentences; otherwise there is one passage.
        """
        answers, first = [], 0
        for passage in passages:
            end = first + len(passage.inputs)
            answers.append(self.answer(passage, logits[first:end]))
            first = end
        return self.coalesced(passages, answers) if is_split else answers[0]

    def coalesced(self, passages: Sequence[Passage], answers: Sequence[Prediction]) -> Prediction:
        """Make the prediction for a text from those for its sentences: the mean of their scores.

        Every sentence counts the same, as with `coalesceSentences` of Spark NLP.
        """
        sentences = tuple(
            placed(answer, passage.extent) for answer, passage in zip(answers, passages, strict=True)
        )
        return replace(self.mean(sentences), sentences=sentences)

    def mean(self, answers: Sequence[Prediction]) -> Prediction:
        """Make the prediction whose scores are the mean of those of several; each counts the same."""
        n_tokens = sum(answer.n_tokens for answer in answers)
        n_seen = sum(answer.n_seen for answer in answers)
        return self._combined(answers, [1] * len(answers), "mean_probs", n_tokens, n_seen)

    def _scores(self, logits: NDArray[np.float32]) -> list[float]:
        return decode(logits, self.function_to_apply, self.temperature)

    def _combined(
        self,
        parts: Sequence[Prediction],
        weights: Sequence[int],
        aggregate: Aggregate,
        n_tokens: int,
        n_seen: int,
    ) -> Prediction:
        """Make the prediction for a text from those for its parts. One part keeps its scores to the bit."""
        total = sum(weights)
        shares = [weight / total for weight in weights] if len(parts) > 1 else [1.0]

        def mean(values: Iterable[float]) -> float:
            return math.fsum(value * share for value, share in zip(values, shares, strict=True))

        columns = np.stack([part.logits for part in parts], axis=1).tolist()
        logits = np.array([mean(column) for column in columns], np.float32)
        if aggregate == "mean_logits":
            scores = self._scores(logits)
        else:
            combine = mean if aggregate == "mean_probs" else max
            scores = [combine([part.scores[label] for part in parts]) for label in self.labels]
        return self._prediction(scores, logits, n_tokens, n_seen)

    def _prediction(
        self, scores: list[float], logits: NDArray[np.float32], n_tokens: int, n_seen: int
    ) -> Prediction:
        logits.flags.writeable = False
        # Scores may be equal although logits are not, because a sigmoid reaches 1: then the logits decide,
        # and if they are equal too, the first label wins.
        best = max(range(len(scores)), key=lambda i: (scores[i], logits[i]))
        applying: tuple[str, ...] = (self.labels[best],)
        if self.threshold is not None:
            rows = zip(self.labels, scores, self.thresholds, strict=True)
            applying = tuple(label for label, score, threshold in rows if score > threshold)
        return Prediction(
            label=self.labels[best],
            score=scores[best],
            labels=applying,
            scores=dict(zip(self.labels, scores, strict=True)),
            logits=logits,
            n_tokens=n_tokens,
            n_seen=n_seen,
        )


def placed(prediction: Prediction, extent: Extent) -> Part:
    """Return a prediction together with the place of its text in a longer one."""
    known = {field.name: getattr(prediction, field.name) for field in fields(prediction)}
    return Part(**known, **extent._asdict())


def _is_threshold(value: Any) -> bool:
    # A bool is a number too, and NaN is in no range.
    return isinstance(value, Real) and not isinstance(value, bool) and bool(0 <= value <= 1)  # type: ignore[operator]


def _expect_one_of(name: str, value: object, allowed: Any) -> None:
    if value not in get_args(allowed):
        raise ArgumentError(
            f"{name} is {shown(value)}, expected one of {', '.join(map(repr, get_args(allowed)))}"
        )
