"""layer_norm_backward: go back through a LayerNorm."""

import numpy as np

from distilnp.model.params import Array, LayerNorm
from distilnp.model.reference import LAYER_NORM_EPSILON, layer_norm
from exercises.differences import by_differences


def layer_norm_backward(dy: Array, x: Array, norm: LayerNorm) -> Array:
    """Turn the gradient with respect to the output of a LayerNorm into the one with respect to its input.

        n = (x - mean) / std            y = n weight + bias
        dn = dy weight                  dx = (dn - mean(dn) - n mean(dn n)) / std

    std is sqrt(variance + epsilon), with `LAYER_NORM_EPSILON`. All means are those of a row. A number of x
    goes three ways: directly, into the mean, and into the variance. Each way has its term in the bracket.
    The two means take out what a LayerNorm cannot see: moving a whole row, and stretching it.

    dy, x    [..., dim]
    returns  [..., dim]

    >>> norm = LayerNorm(np.array([1.0, 2.0, 1.0]), np.array([0.0, 0.5, 0.0]))
    >>> layer_norm_backward(np.array([[1.0, 0.0, 0.0]]), np.array([[3.0, 0.0, 0.0]]), norm).round(4) + 0.0
    array([[0., 0., 0.]])
    >>> layer_norm_backward(np.array([[0.0, 1.0, 0.0]]), np.array([[3.0, 0.0, 0.0]]), norm).round(4) + 0.0
    array([[ 0.    ,  0.7071, -0.7071]])

    The first of these says: x_0 is as far above the others as it can be, so no change of x makes n_0 larger.

    Check yourself: move each number of x a little.

    >>> x, dy = np.array([[1.0, -1.0, 0.5], [2.0, 2.5, 0.0]]), np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    >>> expected = by_differences(lambda x: layer_norm(x, norm), x, dy)
    >>> bool(np.abs(layer_norm_backward(dy, x, norm) - expected).max() < 1e-8)
    True
    """
    raise NotImplementedError
