"""linear: map every row by a weight and a bias."""

import numpy as np

from distilnp.model.params import Array, Linear


def linear(x: Array, layer: Linear) -> Array:
    """Map every row: y = W x + b.

    `layer.weight` is [out, in], as the checkpoint stores it, and `layer.bias` is [out]. Here x has many rows.
    Which product of x and the weight gives [..., out]?

    x        [..., in]
    returns  [..., out]

    >>> linear(np.array([[1.0, 10.0]]), Linear(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 3.0]]), np.zeros(3)))
    array([[11.,  2., 30.]])
    """
    raise NotImplementedError
