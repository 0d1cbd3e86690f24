"""What scikit-learn and scipy compute: nothing else imports them, except to fit a temperature."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, pearsonr
from sklearn.metrics import classification_report, confusion_matrix, precision_recall_fscore_support

from ..widths import columns_of

# A character that no report has, and the lines of a report before those of labels.
PLACEHOLDER = "\ue000"
N_HEAD_LINES = 2

# The quantile of the normal distribution that leaves 2.5 % on either side.
Z_95 = 1.959963984540054


def wilson(n_right: int, n_texts: int) -> tuple[float, float]:
    """Return the 95 % interval of an accuracy: Wilson's, which is good near 1 too."""
    low, high = binomtest(n_right, n_texts).proportion_ci(0.95, method="wilson")
    return float(low), float(high)


def confusion(
    truth: NDArray[Any], predicted: NDArray[Any], n_labels: int, ids: Sequence[int]
) -> NDArray[Any]:
    """Return how often each of these labels was taken for each, [true, predicted]."""
    # For all labels first, because scikit-learn warns about a matrix with one row.
    return confusion_matrix(truth, predicted, labels=range(n_labels))[np.ix_(ids, ids)]


def by_label(
    truth: NDArray[Any], predicted: NDArray[Any], ids: Sequence[int]
) -> list[tuple[float, float, float, int]]:
    """Return precision, recall, F1 and support of each of these labels."""
    columns = precision_recall_fscore_support(truth, predicted, labels=ids, zero_division=0)
    return [(float(p), float(r), float(f), int(n)) for p, r, f, n in zip(*columns, strict=True)]


def report(
    truth: NDArray[Any], predicted: NDArray[Any], ids: Sequence[int], names: Sequence[str]
) -> dict[str, Any]:
    """Return scikit-learn's report with Python's own numbers, which JSON can hold."""
    found = classification_report(
        truth, predicted, labels=ids, target_names=names, zero_division=0, output_dict=True
    )
    return {
        name: {kind: int(value) if kind == "support" else float(value) for kind, value in row.items()}
        if isinstance(row, dict)
        else float(row)
        for name, row in found.items()
    }


def report_in_words(
    truth: NDArray[Any], predicted: NDArray[Any], ids: Sequence[int], names: Sequence[str], digits: int
) -> str:
    """Return scikit-learn's report as the table that model cards have, aligned as a terminal shows it."""
    # scikit-learn counts characters. A terminal may show one of them in two columns, or several in one.
    blanks = [PLACEHOLDER * columns_of(name) for name in names]
    lines = classification_report(
        truth, predicted, labels=ids, target_names=blanks, zero_division=0, digits=digits
    ).split("\n")
    for i, (blank, name) in enumerate(zip(blanks, names, strict=True), start=N_HEAD_LINES):
        lines[i] = lines[i].replace(blank, name, 1)
    return "\n".join(lines)


def correlation(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float | None:
    """Return Pearson's r, or None where it is not defined: for fewer than two numbers, or for equal ones."""
    if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return None
    return float(pearsonr(truth, predicted).statistic)


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the p-value of McNemar's exact test, two-sided: 1 if the answers never differ."""
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def difference_interval(only_a: int, only_b: int, n_texts: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two accuracies on the same texts.

    The interval is that of Agresti and Min 2005 (Statistics in Medicine 24:729): Wald's, after half a text
    has been added to each cell of the table of both models. Without that, it would have no width if no answer
    differs, and would miss the difference too often if few do.
    """
    n, difference, n_different = n_texts + 2, only_a - only_b, only_a + only_b + 1
    middle = difference / n
    reach = Z_95 * math.sqrt(n_different - difference * middle) / n
    return max(middle - reach, -1.0), min(middle + reach, 1.0)
