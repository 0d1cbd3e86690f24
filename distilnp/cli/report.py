"""How good the answers are: figures for a program, and the same figures in words.

The measures are scikit-learn's, and the interval is scipy's. No other module imports these packages.
"""

import math
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import classification_report, confusion_matrix

from ..calibration import expected_calibration_error
from ..predictions import Prediction
from .writers import columns_of, fit

# The width that every terminal has.
LINE_COLUMNS = 80

# The width of the words that begin the lines below the tables.
HEAD_COLUMNS = 12


class Tally:
    """The record of all answers, 24 bytes each: two ids, a score, and the probability of the true label."""

    def __init__(self) -> None:
        self.true_ids = array("i")
        self.predicted_ids = array("i")
        self.true_probabilities = array("d")
        self.predicted_scores = array("d")
        self.n_tokens = 0
        self.n_seen = 0
        self.n_cut = 0

    def add(self, true_id: int, predicted_id: int, prediction: Prediction) -> None:
        """Count one answer."""
        self.true_ids.append(true_id)
        self.predicted_ids.append(predicted_id)
        scores = list(prediction.scores.values())
        # Probabilities add up to 1. The highest scores of windows may add up to more, which would make every
        # loss look small.
        self.true_probabilities.append(scores[true_id] / math.fsum(scores))
        self.predicted_scores.append(prediction.score)
        self.n_tokens += prediction.n_tokens
        self.n_seen += prediction.n_seen
        self.n_cut += prediction.truncated


class Report:
    """The figures for all answers, of which there must be at least one.

    A label that is nowhere true and nowhere predicted is left out, as scikit-learn does: a mean over labels
    would count it as completely wrong.

    Parameters
    ----------
    tally : Tally
        The record of all answers.
    labels : sequence of str
        The labels of the model, in the order of their ids.
    seconds : float
        The time that the answers took.
    """

    def __init__(self, tally: Tally, labels: Sequence[str], seconds: float) -> None:
        self._tally = tally
        self._seconds = seconds
        self._truth = np.array(tally.true_ids)
        self._predicted = np.array(tally.predicted_ids)
        self._ids = np.union1d(self._truth, self._predicted).tolist()
        self._labels = [labels[i] for i in self._ids]
        self._absent = [label for i, label in enumerate(labels) if i not in self._ids]
        # For all labels first, because scikit-learn warns about a matrix with one row.
        matrix = confusion_matrix(self._truth, self._predicted, labels=range(len(labels)))
        self._matrix: list[list[int]] = matrix[np.ix_(self._ids, self._ids)].tolist()

    def figures(self) -> dict[str, Any]:
        """Return all figures, as JSON can hold them."""
        tally, n_texts = self._tally, len(self._truth)
        right = self._truth == self._predicted
        n_right = int(right.sum())
        low, high = binomtest(n_right, n_texts).proportion_ci(0.95, method="wilson")
        # As in scikit-learn: one true label of probability 0 would make the mean infinite.
        probabilities = np.maximum(tally.true_probabilities, np.finfo(np.float64).eps)
        confidences = np.minimum(tally.predicted_scores, 1)  # a mean over windows may round to more than 1
        return {
            "labels": self._labels,
            "absent_labels": self._absent,
            "classification_report": _plain(self._classification_report(output_dict=True)),
            "confusion_matrix": self._matrix,
            "accuracy": {
                "n_right": n_right,
                "n_texts": n_texts,
                "value": n_right / n_texts,
                "wilson_95": [float(low), float(high)],
            },
            "log_loss": float(-np.log(probabilities).mean()),
            "expected_calibration_error": expected_calibration_error(confidences, right),
            "truncation": {
                "n_texts": tally.n_cut,
                "n_tokens": tally.n_tokens,
                "n_tokens_not_seen": tally.n_tokens - tally.n_seen,
            },
            "throughput": {
                "seconds": self._seconds,
                "texts_per_second": n_texts / self._seconds,
                "tokens_per_second": tally.n_seen / self._seconds,
            },
        }

    def in_words(self, digits: int) -> str:
        """Return the same figures for people, with this number of digits after the decimal point."""
        figures = self.figures()
        accuracy, cut, speed = (figures[name] for name in ("accuracy", "truncation", "throughput"))
        low, high = accuracy["wilson_95"]
        lines = {
            "accuracy": f"{accuracy['n_right']}/{accuracy['n_texts']} = {accuracy['value']:.{digits}f}, "
            f"95 % interval {low:.{digits}f} to {high:.{digits}f}",
            "log loss": f"{figures['log_loss']:.{digits}f}",
            "calibration": f"{figures['expected_calibration_error']:.{digits}f} expected calibration error",
            "cut": f"{cut['n_texts']:,} of {accuracy['n_texts']:,} texts; "
            f"{cut['n_tokens_not_seen']:,} of {cut['n_tokens']:,} tokens "
            f"({cut['n_tokens_not_seen'] / cut['n_tokens']:.2%}) not seen",
            "speed": f"{speed['texts_per_second']:,.1f} texts/s, {speed['tokens_per_second']:,.0f} tokens/s",
        }
        if self._absent:
            lines["left out"] = fit(", ".join(self._absent), LINE_COLUMNS - HEAD_COLUMNS)
        return "\n".join(
            [
                self._classification_report(digits=digits),
                _table(self._ids, [fit(label, None) for label in self._labels], self._matrix),
                "",
                *(f"{head:<{HEAD_COLUMNS}} {words}" for head, words in lines.items()),
            ]
        )

    def _classification_report(self, **options: Any) -> Any:
        names = self._labels if "output_dict" in options else [fit(label, None) for label in self._labels]
        return classification_report(
            self._truth, self._predicted, labels=self._ids, target_names=names, zero_division=0, **options
        )


def _plain(report: dict[str, Any]) -> dict[str, Any]:
    """Return scikit-learn's report with Python's own numbers, which JSON can hold."""
    return {
        name: {kind: int(value) if kind == "support" else float(value) for kind, value in row.items()}
        if isinstance(row, dict)
        else float(row)
        for name, row in report.items()
    }


def _table(ids: Sequence[int], names: Sequence[str], matrix: list[list[int]]) -> str:
    """Return the confusion matrix as text; ids head the columns if names are too wide."""
    corner = "true \\ predicted"
    heads, rows = list(names), list(names)
    if max(map(columns_of, [corner, *names])) + sum(2 + columns_of(name) for name in names) > LINE_COLUMNS:
        heads = [str(i) for i in ids]
        rows = [f"{name} {i}" for name, i in zip(names, ids, strict=True)]
    cells = [[str(count) for count in counts] for counts in matrix]
    lines = [[head, *row] for head, row in zip([corner, *rows], [heads, *cells], strict=True)]
    widths = [max(map(columns_of, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(" " * (width - columns_of(cell)) + cell for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
