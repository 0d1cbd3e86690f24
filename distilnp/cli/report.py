"""How good answers are: figures for a program, and the same in words.

The measures are scikit-learn's, the interval scipy's; only here are they imported.
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

# What a terminal has at least.
LINE_COLUMNS = 80

# Of the words that begin the lines below the tables.
HEAD_COLUMNS = 12


class Tally:
    """What is kept of every answer, 24 bytes: two ids, a score, and the share of the true label."""

    def __init__(self) -> None:
        self.true_ids = array("i")
        self.predicted_ids = array("i")
        self.true_shares = array("d")
        self.predicted_scores = array("d")
        self.n_tokens = 0
        self.n_seen = 0
        self.n_cut = 0

    def add(self, true_id: int, predicted_id: int, prediction: Prediction) -> None:
        """Count an answer."""
        self.true_ids.append(true_id)
        self.predicted_ids.append(predicted_id)
        scores = list(prediction.scores.values())
        # The highest scores of windows may add up to more than 1, which would make any loss look small.
        self.true_shares.append(scores[true_id] / math.fsum(scores))
        self.predicted_scores.append(prediction.score)
        self.n_tokens += prediction.n_tokens
        self.n_seen += prediction.n_seen
        self.n_cut += prediction.truncated


class Report:
    """The figures of all answers, at least one.

    Labels that are neither true nor predicted anywhere are left out, as scikit-learn does: a mean over labels
    would count them as wholly wrong.

    Parameters
    ----------
    tally : Tally
    labels : sequence of str
        Those of the model.
    seconds : float
        How long the answers took.
    """

    def __init__(self, tally: Tally, labels: Sequence[str], seconds: float) -> None:
        self._tally = tally
        self._seconds = seconds
        self._truth = np.array(tally.true_ids)
        self._predicted = np.array(tally.predicted_ids)
        self._ids = np.union1d(self._truth, self._predicted).tolist()
        self._labels = [labels[i] for i in self._ids]
        self._absent = [label for i, label in enumerate(labels) if i not in self._ids]
        # Of all labels at first: scikit-learn warns of a matrix that has one row.
        matrix = confusion_matrix(self._truth, self._predicted, labels=range(len(labels)))
        self._matrix: list[list[int]] = matrix[np.ix_(self._ids, self._ids)].tolist()

    def figures(self) -> dict[str, Any]:
        """Return all figures as JSON has them."""
        tally, n_texts = self._tally, len(self._truth)
        right = self._truth == self._predicted
        n_right = int(right.sum())
        low, high = binomtest(n_right, n_texts).proportion_ci(0.95, method="wilson")
        # As scikit-learn does: a true label without any share would make the mean infinite.
        shares = np.maximum(tally.true_shares, np.finfo(np.float64).eps)
        confidences = np.minimum(tally.predicted_scores, 1)  # a mean over windows may round to more
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
            "log_loss": float(-np.log(shares).mean()),
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
        """Return the same for people, with so many digits behind the point."""
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
    """Return scikit-learn's report with numbers that JSON can hold."""
    return {
        name: {kind: int(value) if kind == "support" else float(value) for kind, value in row.items()}
        if isinstance(row, dict)
        else float(row)
        for name, row in report.items()
    }


def _table(ids: Sequence[int], names: Sequence[str], matrix: list[list[int]]) -> str:
    """Write the confusion matrix; where the columns have no room for names, ids head them."""
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
