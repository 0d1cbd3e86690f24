"""Models whose labels apply each by itself: how good the answers are for each label, and for whole texts."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..calibration import expected_calibration_error, fit_temperature
from ..predictions import Prediction
from ..svg import Svg
from .base import LabelEvaluation, LabelScores, Tally, expect_whole, frozen, probabilities
from .truth import LabelSets


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MultiLabelEvaluation(LabelEvaluation):
    """How good the answers are of a model whose labels apply each by itself.

    A label that is nowhere true and nowhere predicted is left out, as scikit-learn does: a mean over labels
    would count it as completely wrong.

    `LabelEvaluation` has the attributes that are common to models of labels.

    Attributes
    ----------
    truth, predicted : array of bool, [n_texts, n_model_labels]
        Which labels are true, and which are predicted because they score above the threshold.
    scores : array of float, [n_texts, n_model_labels]
        The score of each label.
    n_texts : int
        How many texts there are.
    right : array of bool, [n_texts]
        Which texts got exactly their labels.
    exact_match : float
        The share of texts that got exactly their labels.
    exact_match_interval : tuple of float
        Its 95 % interval, by Wilson.
    per_label : dict of str to LabelScores
        Precision, recall, F1 and support of each of `labels`.
    micro_f1 : float
        F1 of all pairs of a text and a label together.
    macro_f1 : float
        The mean of F1 over `labels`; 0 if no label is true or predicted.
    log_loss : float
        The mean of -log of the probability of what is true, over all texts and labels of the model.
    calibration_error : float
        How far the scores of labels, and how often these are true, are apart.
    """

    truth: NDArray[np.bool_]
    predicted: NDArray[np.bool_]
    scores: NDArray[np.float64]

    @property
    def n_texts(self) -> int:
        """How many texts there are."""
        return len(self.truth)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which texts got exactly their labels."""
        return (self.truth == self.predicted).all(axis=1)

    @property
    def exact_match(self) -> float:
        """The share of texts that got exactly their labels."""
        return self.n_right / self.n_texts

    @property
    def exact_match_interval(self) -> tuple[float, float]:
        """Its 95 % interval, by Wilson."""
        from .measures import wilson

        return wilson(self.n_right, self.n_texts)

    @property
    def label_ids(self) -> list[int]:
        """The ids of `labels`."""
        return np.flatnonzero((self.truth | self.predicted).any(axis=0)).tolist()

    @property
    def per_label(self) -> dict[str, LabelScores]:
        """Precision, recall, F1 and support of each label."""
        return {
            label: _label_scores(self.truth[:, i], self.predicted[:, i])
            for i, label in zip(self.label_ids, self.labels, strict=True)
        }

    @property
    def micro_f1(self) -> float:
        """F1 of all pairs of a text and a label together."""
        return _label_scores(self.truth.ravel(), self.predicted.ravel()).f1

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the labels."""
        scores = [scores.f1 for scores in self.per_label.values()]
        return sum(scores) / len(scores) if scores else 0.0

    @property
    def log_loss(self) -> float:
        """The mean of -log of the probability of what is true."""
        of_the_truth = np.where(self.truth, self.scores, 1 - self.scores)
        return float(-np.log(probabilities(of_the_truth.ravel())).mean())

    @property
    def calibration_error(self) -> float:
        """How far the scores of labels, and how often these are true, are apart."""
        return expected_calibration_error(np.minimum(self.scores.ravel(), 1), self.truth.ravel())

    def temperature(self) -> float:
        """Return the temperature that fits these texts: over it, the logits have the least log loss.

        Returns
        -------
        float

        Raises
        ------
        ArgumentError
            No temperature is best, because every answer is right, or texts were answered in parts.
        """
        expect_whole(self.in_parts)
        return fit_temperature(self.logits, self.truth)

    def plot(self) -> Svg:
        """Draw how far scores can be trusted, and how good the answers are for each label.

        Returns
        -------
        Svg
            The text of an SVG file, which a notebook shows. Its colours follow the reader's theme.
        """
        from .pictures import multi_label_picture  # imported late: most evaluations are read

        return multi_label_picture(self.scores, self.truth, self.per_label, self._summary())

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, as JSON can hold them: those that `distilnp evaluate --json` writes.

        Returns
        -------
        dict of str to object
        """
        return {
            "labels": list(self.labels),
            "absent_labels": list(self.absent_labels),
            "per_label": {label: scores._asdict() for label, scores in self.per_label.items()},
            "micro_f1": self.micro_f1,
            "macro_f1": self.macro_f1,
            "exact_match": {
                "n_right": self.n_right,
                "n_texts": self.n_texts,
                "value": self.exact_match,
                "wilson_95": list(self.exact_match_interval),
            },
            "log_loss": self.log_loss,
            "expected_calibration_error": self.calibration_error,
            "truncation": self.truncation._asdict(),
        }

    def _headlines(self) -> dict[str, str]:
        low, high = self.exact_match_interval
        return {
            "exact match": f"{self.n_right}/{self.n_texts} = {self.exact_match:.4f}, "
            f"95 % interval {low:.4f} to {high:.4f}",
            "micro F1": f"{self.micro_f1:.4f}",
            "macro F1": f"{self.macro_f1:.4f}",
        }


class MultiLabelTally(Tally):
    """The record of all answers: for each label a truth, an answer, a score and a logit, 14 bytes together.

    Parameters
    ----------
    labels, label_map
        See `LabelSets`.
    """

    def __init__(self, labels: tuple[str, ...], label_map: Mapping[Any, Any] | None = None) -> None:
        super().__init__()
        self._labels = labels
        self._label_sets = LabelSets(labels, label_map)
        self._truth = array("b")
        self._predicted = array("b")
        self._scores = array("d")
        self._logits = array("f")
        self._in_parts = False

    @property
    def expected(self) -> str:
        """What the truth about a text must be, for messages."""
        return self._label_sets.expected

    def find(self, value: object) -> tuple[int, ...] | None:
        """Return the ids of the true labels, or None if a value is not a set of labels."""
        return self._label_sets.find(value)

    def fits(self, n_columns: int) -> bool:
        """Return whether a table with a column for each label may have so many columns."""
        return n_columns == len(self._labels)

    def is_right(self, truth: tuple[int, ...], prediction: Prediction) -> bool:
        """Return whether the predicted labels are exactly the true ones."""
        return prediction.labels == tuple(self.names(truth))

    def names(self, truth: tuple[int, ...]) -> list[str]:
        """Return the true labels."""
        return [self._labels[i] for i in truth]

    def _add(self, truth: tuple[int, ...], prediction: Prediction) -> None:
        self._truth.extend(i in truth for i in range(len(self._labels)))
        self._predicted.extend(label in prediction.labels for label in self._labels)
        self._scores.extend(prediction.scores.values())
        self._logits.frombytes(prediction.logits.tobytes())
        self._in_parts |= len(prediction.windows) > 1 or len(prediction.sentences) > 1

    def evaluation(self) -> MultiLabelEvaluation:
        """Return the figures for all answers, of which there must be at least one."""
        shape = (-1, len(self._labels))
        return MultiLabelEvaluation(
            truncation=self.truncation,
            model_labels=self._labels,
            truth=frozen(self._truth, *shape).view(np.bool_),
            predicted=frozen(self._predicted, *shape).view(np.bool_),
            scores=frozen(self._scores, *shape),
            logits=frozen(self._logits, *shape),
            in_parts=self._in_parts,
        )


def _label_scores(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> LabelScores:
    """Return the figures of one label; a share of nothing is 0, as scikit-learn reports it."""
    both, n_predicted, n_true = int((truth & predicted).sum()), int(predicted.sum()), int(truth.sum())
    return LabelScores(
        both / n_predicted if n_predicted else 0.0,
        both / n_true if n_true else 0.0,
        2 * both / (n_predicted + n_true) if n_predicted + n_true else 0.0,
        n_true,
    )
