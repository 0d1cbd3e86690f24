"""linear_backward: go back through a dense layer."""

import numpy as np

from distilnp.model.params import Array, Linear
from distilnp.model.reference import linear  # or your own: from linear import linear
from exercises.differences import by_differences


def linear_backward(dy: Array, layer: Linear) -> Array:
    """Turn the gradient with respect to the output of a dense layer into the one with respect to its input.

        y = W x + b    =>    dx = W^T dy

    Input i reaches output j through W_ji, so the way back is through the same number, and dx_i is the sum
    over all outputs. `layer.weight` is [out, in]. Here dy has many rows. Which product of dy and the weight
    gives [..., in]?

    dy       [..., out]
    returns  [..., in]

    >>> layer = Linear(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 3.0]]), np.zeros(3))
    >>> linear_backward(np.array([[1.0, 10.0, 100.0]]), layer)
    array([[ 21., 301.]])

    Check yourself: move each number of x a little.

    >>> x, dy = np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    >>> expected = by_differences(lambda x: linear(x, layer), x, dy)
    >>> bool(np.abs(linear_backward(dy, layer) - expected).max() < 1e-8)
    True
    """
    raise NotImplementedError
