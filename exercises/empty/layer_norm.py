"""layer_norm: bring every row to mean 0 and variance 1."""

import numpy as np

from distilnp.model.params import Array, LayerNorm
from distilnp.model.reference import LAYER_NORM_EPSILON


def layer_norm(x: Array, norm: LayerNorm) -> Array:
    """Bring every row to mean 0 and variance 1, then apply the learned scale and shift (arXiv:1607.06450).

        LayerNorm(x) = (x - mean) / sqrt(variance + epsilon) * weight + bias

    Mean and variance are those of the row, which lies along the last axis. The variance is the mean of the
    squared distances from the mean. Epsilon is `LAYER_NORM_EPSILON`, 1e-12. `norm` has `norm.weight` and
    `norm.bias`, both [dim].

    x        [..., dim]
    returns  [..., dim]

    >>> layer_norm(np.array([[2.0, 0.0], [7.0, 5.0]]), LayerNorm(np.array([1.0, 2.0]), np.array([0.0, 0.5])))
    array([[ 1. , -1.5],
           [ 1. , -1.5]])
    """
    raise NotImplementedError
