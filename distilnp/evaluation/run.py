"""Measure texts in memory: their true labels in step with them, and the tally that suits the model."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np

from ..errors import ArgumentError, InputTypeError
from ..foreign import shown
from ..predictions import Prediction
from ..scoring import Scoring
from ..texts import Text, check_iterable, is_missing
from .base import Evaluation, Tally
from .multi_label import MultiLabelTally
from .regression import RegressionTally
from .single_label import SingleLabelTally

Predict = Callable[[Iterable[Text]], Iterable[Prediction]]

# A message shows so much of a value.
SHOWN = 60


def tally_for(scoring: Scoring, label_map: Mapping[Any, Any] | None = None) -> Tally:
    """Return the tally for a kind of model: one label wins, each label applies by itself, or it is a number.

    Raises
    ------
    ArgumentError
        A model gives several numbers, or the label map does not suit the model.
    """
    if scoring.function_to_apply == "softmax":
        return SingleLabelTally(scoring.labels, label_map)
    if scoring.function_to_apply == "sigmoid":
        return MultiLabelTally(scoring.labels, label_map)
    if len(scoring.labels) > 1:
        raise ArgumentError(
            f"function_to_apply is 'none' and the model has {len(scoring.labels)} labels, expected one, "
            "whose logit is the predicted number. For a model of labels, give function_to_apply='softmax' or "
            "'sigmoid'"
        )
    if label_map:
        raise ArgumentError(
            f"the label map is {shown(dict(label_map), SHOWN)}, expected none: this model predicts a number"
        )
    return RegressionTally()


def measured(predict: Predict, tally: Tally, texts: Iterable[Text], labels: Iterable[object]) -> Evaluation:
    """Answer texts, and return the figures.

    Parameters
    ----------
    predict : callable
        Answers texts in their order.
    tally : Tally
    texts, labels
        See `Classifier.evaluate`.

    Raises
    ------
    InputTypeError, ArgumentError
        See `Classifier.evaluate`.
    """
    check_iterable(texts)
    truths = _truths(tally, labels)
    if not truths:
        raise ArgumentError("labels is empty, expected at least one, with its text")
    in_step = _InStep(texts, len(truths))
    for truth, prediction in zip(truths, predict(in_step), strict=True):
        tally.add(truth, prediction)
    return tally.evaluation()


class _InStep:
    """Texts, of which there must be as many as labels."""

    def __init__(self, texts: Iterable[Text], n_labels: int) -> None:
        self._texts = texts
        self._n_labels = n_labels
        if isinstance(texts, Sized) and len(texts) != n_labels:
            raise self._error(len(texts))

    def __len__(self) -> int:
        return self._n_labels

    def __iter__(self) -> Iterator[Text]:
        n_texts = 0
        for text in self._texts:
            n_texts += 1
            if n_texts > self._n_labels:
                raise self._error(f"more than {self._n_labels:,}")
            yield text
        if n_texts < self._n_labels:
            raise self._error(n_texts)

    def _error(self, n_texts: object) -> ArgumentError:
        return ArgumentError(
            f"texts has {n_texts} items and labels has {self._n_labels}, expected one label for each text"
        )


def _truths(tally: Tally, labels: Any) -> list[Any]:
    """Return what each label means to the model."""
    shape: Sequence[int] = getattr(labels, "shape", (0,))
    is_single = isinstance(labels, str | bytes | Mapping)
    if is_single or not isinstance(labels, Iterable) or not _is_column(labels, shape, tally):
        raise InputTypeError(
            f"labels is {type(labels).__name__}{f' of the shape {tuple(shape)}' if len(shape) > 1 else ''}, "
            f"expected a list or a column, with {tally.expected}"
        )
    if len(shape) == 2:
        return [tuple(np.flatnonzero(row).tolist()) for row in labels]
    return [_truth(tally, label, i) for i, label in enumerate(labels)]


def _is_column(labels: Any, shape: Sequence[int], tally: Tally) -> bool:
    if len(shape) == 2 and isinstance(tally, MultiLabelTally) and isinstance(labels, np.ndarray):
        return tally.fits(shape[1]) and bool(np.isin(labels, (0, 1)).all())
    return len(shape) == 1 and not hasattr(labels, "columns") and not hasattr(labels, "column_names")


def _truth(tally: Tally, label: Any, i: int) -> Any:
    value = label.as_py() if hasattr(label, "as_py") else label  # a scalar of Arrow
    truth = None if is_missing(value) else tally.find(value)
    if truth is None:
        advice = "Drop the row" if is_missing(value) else "Translate other names with label_map={...}"
        raise ArgumentError(f"labels[{i}] is {shown(value, SHOWN)}, expected {tally.expected}. {advice}")
    return truth
