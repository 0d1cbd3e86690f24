"""softmax_backward: go back through a softmax."""

import numpy as np

from distilnp.model.params import Array
from distilnp.model.reference import softmax  # or your own: from softmax import softmax
from exercises.differences import by_differences


def softmax_backward(dprobs: Array, probs: Array) -> Array:
    """Turn the gradient with respect to probabilities into the one with respect to their scores.

        probs = softmax(scores)    =>    dscores_i = p_i (dp_i - sum_j p_j dp_j)

    p is a row of `probs`, and dp the same row of `dprobs`: how much the logit rises if a probability rises.
    The sum is the average of dp, weighted with the probabilities. A score counts by how much better than
    the average its dp is, because one probability can only grow if others shrink.

    dprobs, probs  [..., n]; a row lies along the last axis
    returns        [..., n]

    >>> softmax_backward(np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]]))
    array([[ 0.1875, -0.1875]])

    Check yourself: move each score a little, and see what becomes of sum(dprobs * probs).

    >>> scores = np.array([[0.0, 1.0, 3.0], [2.0, 2.0, 0.0]])
    >>> dprobs = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    >>> expected = by_differences(softmax, scores, dprobs)
    >>> bool(np.abs(softmax_backward(dprobs, softmax(scores)) - expected).max() < 1e-8)
    True
    """
    raise NotImplementedError
