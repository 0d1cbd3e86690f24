"""Models that choose one label for a text: accuracy, and how far their scores can be trusted."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..calibration import expected_calibration_error, fit_temperature
from ..choices import USUAL_MIN_SCORES
from ..predictions import Prediction
from ..svg import Svg
from .base import LabelEvaluation, LabelScores, Tally, expect_whole, frozen, probabilities
from .coverage import Coverage, coverage_table
from .truth import LabelIds


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SingleLabelEvaluation(LabelEvaluation):
    """How good the answers are of a model that chooses one label for a text.

    A label that is nowhere true and nowhere predicted is left out, as scikit-learn does: a mean over labels
    would count it as completely wrong.

    `LabelEvaluation` has the attributes that are common to models of labels.

    Attributes
    ----------
    true_ids, predicted_ids : array of int, [n_texts]
        The id of the label that is true, and of the one that is predicted.
    scores : array of float, [n_texts]
        The score of the predicted label.
    true_probabilities : array of float, [n_texts]
        The score of the true label, divided by the sum of all scores.
    n_texts : int
        How many texts there are.
    right : array of bool, [n_texts]
        Which answers are right.
    accuracy : float
        The share of answers that are right.
    accuracy_interval : tuple of float
        The 95 % interval of the accuracy, by Wilson.
    per_label : dict of str to LabelScores
        Precision, recall, F1 and support of each of `labels`.
    confusion_matrix : array of int, [n_labels, n_labels]
        How often each of `labels` (the row) was taken for each (the column).
    log_loss : float
        The mean of -log of the true label's probability.
    calibration_error : float
        How far scores and accuracy are apart; see `distilnp.calibration`.
    """

    true_ids: NDArray[np.int32]
    predicted_ids: NDArray[np.int32]
    scores: NDArray[np.float64]
    true_probabilities: NDArray[np.float64]

    @property
    def n_texts(self) -> int:
        """How many texts there are."""
        return len(self.true_ids)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which answers are right."""
        return self.true_ids == self.predicted_ids

    @property
    def accuracy(self) -> float:
        """The share of answers that are right."""
        return self.n_right / self.n_texts

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, by Wilson."""
        from .measures import wilson

        return wilson(self.n_right, self.n_texts)

    @property
    def label_ids(self) -> list[int]:
        """The ids of `labels`."""
        return np.union1d(self.true_ids, self.predicted_ids).tolist()

    @property
    def per_label(self) -> dict[str, LabelScores]:
        """Precision, recall, F1 and support of each label."""
        from .measures import by_label

        rows = by_label(self.true_ids, self.predicted_ids, self.label_ids)
        return {label: LabelScores(*row) for label, row in zip(self.labels, rows, strict=True)}

    @property
    def confusion_matrix(self) -> NDArray[np.int64]:
        """How often each label was taken for each."""
        from .measures import confusion

        return confusion(self.true_ids, self.predicted_ids, len(self.model_labels), self.label_ids)

    @property
    def log_loss(self) -> float:
        """The mean of -log of the true label's probability."""
        return float(-np.log(probabilities(self.true_probabilities)).mean())

    @property
    def confidences(self) -> NDArray[np.float64]:
        """The scores, of which a mean over windows may have been rounded to more than 1."""
        return np.minimum(self.scores, 1)

    @property
    def calibration_error(self) -> float:
        """How far scores and accuracy are apart."""
        return expected_calibration_error(self.confidences, self.right)

    def coverage(self, min_scores: Iterable[float] = USUAL_MIN_SCORES) -> tuple[Coverage, ...]:
        """Return what abstaining is worth: how good the answers are that score at least so much.

        Parameters
        ----------
        min_scores : iterable of float
            From 0 to 1. By default, some that show the whole range.

        Returns
        -------
        tuple of Coverage
            A row for each: `min_score`, `n_answered`, `coverage`, `n_right`, `accuracy`, `wilson_95`.

        Raises
        ------
        ArgumentError
            A value is not a number from 0 to 1.
        """
        return coverage_table(self.scores, self.right, min_scores)

    def temperature(self) -> float:
        """Return the temperature that fits these texts: over it, the logits have the least log loss.

        `dataclasses.replace(c.scoring, temperature=...)` applies it, and so does `load(..., calibrated=True)`
        once `config.json` has it as `calibration_temperature`. Texts that the model was trained on give a
        temperature that is too low.

        Returns
        -------
        float

        Raises
        ------
        ArgumentError
            No temperature is best, because every answer is right, or texts were answered in parts.
        """
        expect_whole(self.in_parts)
        return fit_temperature(self.logits, self.true_ids)

    def plot(self) -> Svg:
        """Draw how far scores can be trusted, what abstaining is worth, and which labels are confused.

        Returns
        -------
        Svg
            The text of an SVG file, which a notebook shows. Its colours follow the reader's theme.
        """
        from .pictures import single_label_picture  # imported late: most evaluations are read

        return single_label_picture(
            self.scores, self.right, self.confusion_matrix, self.labels, self._headlines()["accuracy"]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, as JSON can hold them: those that `distilnp evaluate --json` writes.

        Returns
        -------
        dict of str to object
        """
        from .measures import report

        ids, labels = self.label_ids, list(self.labels)
        return {
            "labels": labels,
            "absent_labels": list(self.absent_labels),
            "classification_report": report(self.true_ids, self.predicted_ids, ids, labels),
            "confusion_matrix": self.confusion_matrix.tolist(),
            "accuracy": {
                "n_right": self.n_right,
                "n_texts": self.n_texts,
                "value": self.accuracy,
                "wilson_95": list(self.accuracy_interval),
            },
            "log_loss": self.log_loss,
            "expected_calibration_error": self.calibration_error,
            "coverage": [row.as_dict() for row in self.coverage()],
            "truncation": self.truncation._asdict(),
        }

    def _headlines(self) -> dict[str, str]:
        low, high = self.accuracy_interval
        return {
            "accuracy": f"{self.n_right}/{self.n_texts} = {self.accuracy:.4f}, "
            f"95 % interval {low:.4f} to {high:.4f}",
            "log loss": f"{self.log_loss:.4f}",
            "calibration error": f"{self.calibration_error:.4f}",
        }


class SingleLabelTally(Tally):
    """The record of all answers: two ids, two numbers, and the logits, 24 bytes and 4 for each label.

    Parameters
    ----------
    labels : tuple of str
        The labels of the model, in the order of their ids.
    label_map : mapping, optional
        See `LabelIds`.
    """

    def __init__(self, labels: tuple[str, ...], label_map: Mapping[Any, Any] | None = None) -> None:
        super().__init__()
        self._labels = labels
        self._label_ids = LabelIds(labels, label_map)
        self._id_of = {label: i for i, label in enumerate(labels)}
        self._true_ids = array("i")
        self._predicted_ids = array("i")
        self._scores = array("d")
        self._true_probabilities = array("d")
        self._logits = array("f")
        self._in_parts = False

    @property
    def expected(self) -> str:
        """What the truth about a text must be, for messages."""
        return self._label_ids.expected

    def find(self, value: object) -> int | None:
        """Return the id of a label, or None if the model has no such label."""
        return self._label_ids.find(value)

    def is_right(self, truth: int, prediction: Prediction) -> bool:
        """Return whether the predicted label is the true one."""
        return self._id_of[prediction.label] == truth

    def names(self, truth: int) -> str:
        """Return the true label."""
        return self._labels[truth]

    def _add(self, truth: int, prediction: Prediction) -> None:
        scores = list(prediction.scores.values())
        self._true_ids.append(truth)
        self._predicted_ids.append(self._id_of[prediction.label])
        self._scores.append(prediction.score)
        # Probabilities add up to 1. The highest scores of windows may add up to more, which would make every
        # loss look small.
        self._true_probabilities.append(scores[truth] / fsum(scores))
        self._logits.frombytes(prediction.logits.tobytes())
        self._in_parts |= len(prediction.windows) > 1 or len(prediction.sentences) > 1

    def evaluation(self) -> SingleLabelEvaluation:
        """Return the figures for all answers, of which there must be at least one."""
        return SingleLabelEvaluation(
            truncation=self.truncation,
            model_labels=self._labels,
            true_ids=frozen(self._true_ids),
            predicted_ids=frozen(self._predicted_ids),
            scores=frozen(self._scores),
            true_probabilities=frozen(self._true_probabilities),
            logits=frozen(self._logits, -1, len(self._labels)),
            in_parts=self._in_parts,
        )
