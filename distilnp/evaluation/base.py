"""What the figures of all kinds of models share."""

import sys
from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DistilnpError
from ..predictions import Prediction
from ..svg import Svg


class Truncation(NamedTuple):
    """How much of the texts the model did not see.

    Attributes
    ----------
    n_texts : int
        The texts that it saw only in part.
    n_tokens : int
        The tokens of all texts.
    n_tokens_not_seen : int
        How many of them it was not given.
    """

    n_texts: int
    n_tokens: int
    n_tokens_not_seen: int


class LabelScores(NamedTuple):
    """How good the answers are for one label.

    Attributes
    ----------
    precision : float
        The share of the texts predicted to have the label that have it.
    recall : float
        The share of the texts with the label that are predicted to have it.
    f1 : float
        The harmonic mean of both.
    support : int
        The number of texts with the label.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Evaluation(ABC):
    """How good the answers of a model are: answers to texts with labels, and the figures computed of them.

    There is one class for each kind of model: `SingleLabelEvaluation`, `MultiLabelEvaluation` and
    `RegressionEvaluation`. All arrays are read-only, and have the rows of the texts.

    Attributes
    ----------
    truncation : Truncation
        How much of the texts the model did not see.
    n_texts : int
        How many texts there are, at least one.
    """

    truncation: Truncation

    @property
    @abstractmethod
    def n_texts(self) -> int:
        """How many texts there are."""

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """Return all figures, as JSON can hold them: those that `distilnp evaluate --json` writes.

        Returns
        -------
        dict of str to object
        """

    @abstractmethod
    def plot(self) -> Svg:
        """Draw the figures.

        Returns
        -------
        Svg
            The text of an SVG file, which a notebook shows. Its colours follow the reader's theme.
        """

    @abstractmethod
    def _headlines(self) -> dict[str, str]:
        """Return the most important figures in words, by their names."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.n_texts} texts, {self._summary()})"

    def _summary(self) -> str:
        return ", ".join(f"{name} {words}" for name, words in self._headlines().items())

    def _html(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Return the headlines and a table for notebooks."""
        lines = "".join(
            f"<div><b>{escape(name)}</b> {escape(words)}</div>" for name, words in self._headlines().items()
        )
        table = "".join(
            "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"
            for tag, group in (("th", [heads]), ("td", rows))
            for row in group
        )
        return lines + (f"<table>{table}</table>" if rows else "")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LabelEvaluation(Evaluation):
    """What the figures of models of labels share.

    Attributes
    ----------
    model_labels : tuple of str
        All labels of the model, in the order of their ids.
    logits : array of float32, [n_texts, n_model_labels]
        What the model computed.
    in_parts : bool
        Whether a text was answered in several windows or sentences.
    right : array of bool, [n_texts]
        Which answers are right.
    n_right : int
        How many answers are right. Several labels are right if they are exactly the true ones.
    labels : tuple of str
        The labels that are true or predicted somewhere, in the order of their ids.
    absent_labels : tuple of str
        The other labels of the model.
    per_label : dict of str to LabelScores
        Precision, recall, F1 and support of each of `labels`.
    """

    model_labels: tuple[str, ...]
    logits: NDArray[np.float32]
    in_parts: bool

    @property
    @abstractmethod
    def right(self) -> NDArray[np.bool_]:
        """Which answers are right."""

    @property
    @abstractmethod
    def label_ids(self) -> list[int]:
        """The ids of `labels`."""

    @property
    @abstractmethod
    def per_label(self) -> dict[str, LabelScores]:
        """Precision, recall, F1 and support of each label."""

    @property
    def n_right(self) -> int:
        """How many answers are right."""
        return int(self.right.sum())

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that are true or predicted somewhere."""
        return tuple(self.model_labels[i] for i in self.label_ids)

    @property
    def absent_labels(self) -> tuple[str, ...]:
        """The other labels of the model."""
        present = set(self.label_ids)
        return tuple(label for i, label in enumerate(self.model_labels) if i not in present)

    def _repr_html_(self) -> str:
        """Return the figures for notebooks."""
        rows = [
            (label, *(f"{share:.4f}" for share in scores[:3]), f"{scores.support:,}")
            for label, scores in self.per_label.items()
        ]
        return self._html(("label", "precision", "recall", "F1", "texts"), rows)


class Tally(ABC):
    """The record of the answers to texts, in the order of the texts."""

    def __init__(self) -> None:
        self.n_texts = 0
        self._n_cut = 0
        self._n_tokens = 0
        self._n_seen = 0

    @property
    @abstractmethod
    def expected(self) -> str:
        """What the truth about a text must be, for messages."""

    @abstractmethod
    def find(self, value: object) -> Any:
        """Return what a value in a column of labels means, or None if it means nothing to the model."""

    @abstractmethod
    def is_right(self, truth: Any, prediction: Prediction) -> bool:
        """Return whether an answer is right; a number never is."""

    @abstractmethod
    def names(self, truth: Any) -> Any:
        """Return the truth as a file can hold it."""

    def add(self, truth: Any, prediction: Prediction) -> None:
        """Count one answer."""
        self.n_texts += 1
        self._n_cut += prediction.truncated
        self._n_tokens += prediction.n_tokens
        self._n_seen += prediction.n_seen
        self._add(truth, prediction)

    @abstractmethod
    def _add(self, truth: Any, prediction: Prediction) -> None: ...

    @abstractmethod
    def evaluation(self) -> Evaluation:
        """Return the figures for all answers, of which there must be at least one."""

    @property
    def truncation(self) -> Truncation:
        """How much of the texts was not seen."""
        return Truncation(self._n_cut, self._n_tokens, self._n_tokens - self._n_seen)


def frozen(values: "array[Any]", *shape: int) -> NDArray[Any]:
    """Return an array as a read-only one of NumPy."""
    result = np.array(values).reshape(shape or -1)
    result.flags.writeable = False
    return result


def expect_scikit_learn(function: str) -> None:
    """Raise a `DistilnpError` if the packages that compute figures are not installed."""
    try:
        from . import measures  # noqa: F401 (imported late: most programs measure nothing)
    except ImportError as error:
        raise DistilnpError(
            f'{function} needs scikit-learn, which is missing ({error}): pip install "distilnp[evaluate]"'
        ) from error


def expect_whole(in_parts: bool) -> None:
    """Raise an `ArgumentError` if texts were answered in parts, whose scores no single temperature makes."""
    if in_parts:
        raise ArgumentError(
            "texts were answered in windows or sentences, expected each in one piece: the temperature "
            "divides the logits of one input. Fit it with long_text='head' and without sentences"
        )


def probabilities(values: ArrayLike) -> NDArray[np.float64]:
    """Return probabilities as a logarithm can take them.

    As in scikit-learn, none is 0: one would make the mean of all losses infinite.
    """
    return np.clip(np.asarray(values, np.float64), sys.float_info.epsilon, 1.0)
