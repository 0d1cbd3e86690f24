"""How far scores can be trusted: the expected calibration error, and the temperature that makes it less.

Scores are calibrated if nine in ten of the texts that score 0.9 are right. Measure and temperature are those
of Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv:1706.04599). `scoring` applies the
temperature. Fitting one needs scipy, which is in the extra `evaluate`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .choices import DEFAULT_CALIBRATION_BINS
from .errors import ArgumentError

# Ten times either way of what three epochs of fine-tuning end with; at a bound, something else is wrong.
TEMPERATURES = (0.2, 20.0)

# A minimum that lies closer to a bound than this share of it is the bound itself.
AT_A_BOUND = 0.001


class Bin(NamedTuple):
    """The texts whose scores lie in one range: how many, their mean score, and how many are right."""

    n_texts: int
    confidence: float
    n_right: int


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
    scores, right, bins = _binned(confidences, correct, n_bins)
    # size of a bin x |accuracy - mean confidence| = |number of right texts - sum of confidences|
    gaps = np.bincount(bins, weights=right - scores)
    return float(np.abs(gaps).sum() / len(scores))


def reliability(
    confidences: ArrayLike, correct: ArrayLike, n_bins: int = DEFAULT_CALIBRATION_BINS
) -> list[Bin]:
    """Return the bins of `expected_calibration_error` that have texts, from low scores to high ones.

    Parameters
    ----------
    confidences, correct, n_bins
        See `expected_calibration_error`.

    Returns
    -------
    list of Bin
    """
    scores, right, bins = _binned(confidences, correct, n_bins)
    columns = (np.bincount(bins, weights).tolist() for weights in (None, scores, right))
    return [Bin(n, total / n, int(n_right)) for n, total, n_right in zip(*columns, strict=True) if n]


def log_loss(logits: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean of -log of the probability of what is true, computed in float64.

    Parameters
    ----------
    logits : array, [n_texts, n_labels]
    truth : array
        Of int, [n_texts]: the id of the label that is true, and probabilities are softmax. Or of bool,
        [n_texts, n_labels]: which labels are true, and probabilities are sigmoids.

    Returns
    -------
    float
    """
    values, true = np.asarray(logits, np.float64), np.asarray(truth)
    if true.dtype == np.bool_:
        # -log(sigmoid(x)) is log(1 + exp(-x)), and 1 - sigmoid(x) is sigmoid(-x).
        return float(np.logaddexp(0, np.where(true, -values, values)).mean())
    of_all = np.logaddexp.reduce(values, axis=1)
    return float((of_all - values[np.arange(len(true)), true]).mean())


def errors(logits: ArrayLike, truth: ArrayLike) -> tuple[float, float]:
    """Return the log loss and the expected calibration error of scores that are computed of logits.

    Parameters
    ----------
    logits, truth : array
        See `log_loss`.

    Returns
    -------
    tuple of float
    """
    values, true = np.asarray(logits, np.float64), np.asarray(truth)
    if true.dtype == np.bool_:
        scores, correct = np.exp(-np.logaddexp(0, -values)).ravel(), true.ravel()
    else:
        scores = np.exp(values.max(axis=1) - np.logaddexp.reduce(values, axis=1))
        correct = values.argmax(axis=1) == true
    return log_loss(values, true), expected_calibration_error(np.minimum(scores, 1), correct)


def fit_temperature(logits: ArrayLike, truth: ArrayLike) -> float:
    """Return the temperature with the least log loss: as `calibration_temperature`, it calibrates scores.

    Parameters
    ----------
    logits, truth : array
        See `log_loss`.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        The log loss has no least value between 0.2 and 20: for example, every answer is right, and then
        scores cannot be too high.
    """
    from scipy.optimize import minimize_scalar  # imported late: it is in an extra, and takes a while

    values = np.asarray(logits, np.float64)
    low, high = map(math.log, TEMPERATURES)
    best = minimize_scalar(
        lambda x: log_loss(values / math.exp(x), truth), bounds=(low, high), method="bounded"
    )
    temperature = math.exp(best.x)
    if not TEMPERATURES[0] * (1 + AT_A_BOUND) < temperature < TEMPERATURES[1] * (1 - AT_A_BOUND):
        raise ArgumentError(
            f"the log loss is least at a temperature of {temperature:.2g} or beyond, expected one between "
            f"{TEMPERATURES[0]} and {TEMPERATURES[1]:.0f}. There are too few texts if nearly every answer is "
            "right; if about as many are wrong as by chance, the texts are not what the model was made for"
        )
    return temperature


def over_the_other_half(
    logits: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Return logits over a temperature that was fitted on other texts, which shows what it is worth.

    Parameters
    ----------
    logits, truth : array
        See `log_loss`.

    Returns
    -------
    scaled : array of float64, [n_texts, n_labels]
        The logits of every second text over the temperature of the others.
    temperatures : tuple of float
        Both temperatures.

    Raises
    ------
    ArgumentError
        See `fit_temperature`.
    """
    values, true = np.asarray(logits, np.float64), np.asarray(truth)
    scaled, temperatures = np.empty_like(values), []
    for half in (0, 1):
        temperatures.append(fit_temperature(values[1 - half :: 2], true[1 - half :: 2]))
        scaled[half::2] = values[half::2] / temperatures[-1]
    return scaled, (temperatures[0], temperatures[1])


def _binned(
    confidences: ArrayLike, correct: ArrayLike, n_bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Return confidences and answers, checked, and the bin of each."""
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
    return scores, right, np.searchsorted(inner_edges, scores, side="left")
