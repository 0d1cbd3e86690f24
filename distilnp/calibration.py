"""How far scores can be trusted: the expected calibration error.

Scores are calibrated if nine in ten of the texts that score 0.9 are right. The measure is that of Guo et al.
2017, "On Calibration of Modern Neural Networks" (arXiv:1706.04599). `scoring` applies the temperature that
brings scores closer to it.
"""

import numpy as np
from numpy.typing import ArrayLike

from .choices import DEFAULT_CALIBRATION_BINS
from .errors import ArgumentError


def expected_calibration_error(
    confidences: ArrayLike, correct: ArrayLike, n_bins: int = DEFAULT_CALIBRATION_BINS
) -> float:
    """Return the average distance between confidence and accuracy: 0 at best, 1 at worst.

    Texts are sorted by confidence into bins of equal width; an edge belongs to the bin below it. In each bin,
    the mean confidence is compared with the fraction of texts that are right. The distances are averaged,
    weighted by the number of texts in each bin.

    Parameters
    ----------
    confidences : array of float, [n_texts]
        The score of the predicted label, from 0 to 1.
    correct : array of bool, [n_texts]
        Whether that label was right.
    n_bins : int, default 15
        The paper has 15.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        There are no texts, the two arrays differ in shape, or a confidence is not a number from 0 to 1.

    Examples
    --------
    >>> from distilnp.calibration import expected_calibration_error
    >>> expected_calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, True, False])
    0.0
    """
    scores, right = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    if scores.shape != right.shape or scores.ndim != 1 or not len(scores):
        raise ArgumentError(
            f"confidences has the shape {scores.shape} and correct {right.shape}, expected [n_texts] for "
            "both, and at least one text"
        )
    outside = scores[~((scores >= 0) & (scores <= 1))]  # NaN is in no range
    if len(outside):
        raise ArgumentError(
            f"confidences has {outside[0]}, expected scores from 0 to 1, as softmax and sigmoid give them"
        )
    if type(n_bins) is not int or n_bins < 1:
        raise ArgumentError(f"n_bins is {n_bins!r}, expected an integer of at least 1")
    inner_edges = np.arange(1, n_bins) / n_bins
    bins = np.searchsorted(inner_edges, scores, side="left")
    # size of a bin x |accuracy - mean confidence| = |number of right texts - sum of confidences|
    gaps = np.bincount(bins, weights=right - scores)
    return float(np.abs(gaps).sum() / len(scores))
