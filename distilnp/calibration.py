"""How far scores may be believed: the expected calibration error.

A score is calibrated when of the texts that get 0.9, nine in ten are right. The measure is that of Guo et al.
2017, "On Calibration of Modern Neural Networks" (arXiv:1706.04599). What brings scores nearer to it, the
temperature, is part of how `predictions` makes them.
"""

import numpy as np
from numpy.typing import ArrayLike

from .choices import DEFAULT_CALIBRATION_BINS
from .errors import ArgumentError


def expected_calibration_error(
    confidences: ArrayLike, correct: ArrayLike, n_bins: int = DEFAULT_CALIBRATION_BINS
) -> float:
    """Return how far confidence and accuracy are apart, on average over texts.

    The texts are sorted by confidence into bins of equal width; an edge belongs to the bin below it. In every
    bin the mean confidence is held against the share of texts that are right, and the distances are weighted
    by how many texts a bin has. It is 0 at best and 1 at worst.

    Parameters
    ----------
    confidences : array of float, [n_texts]
        The score of the label that was predicted, from 0 to 1.
    correct : array of bool, [n_texts]
        Whether that label was right.
    n_bins : int, default 15
        As in the paper.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        There are no texts, the two arrays differ in shape, or a confidence is no number from 0 to 1.

    Examples
    --------
    >>> from distilnp.calibration import expected_calibration_error
    >>> expected_calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, True, False])
    0.0
    """
    scores, right = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    if scores.shape != right.shape or scores.ndim != 1 or not len(scores):
        raise ArgumentError(
            f"confidences has the shape {scores.shape} and correct has {right.shape}, expected [n_texts] of "
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
    # size of a bin x |accuracy - mean confidence| = |sum of what is right - sum of confidences|
    gaps = np.bincount(bins, weights=right - scores)
    return float(np.abs(gaps).sum() / len(scores))
