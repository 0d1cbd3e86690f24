"""softmax: turn every row into probabilities."""

import numpy as np

from distilnp.model.params import Array


def softmax(x: Array) -> Array:
    """Turn every row into probabilities: positive numbers that add up to 1, in the same order.

        softmax(x)_i = exp(x_i) / sum_j exp(x_j)

    A row lies along the last axis. exp(1000) is infinite, so subtract the maximum of each row first: it
    cancels in the fraction.

    x        [..., n]
    returns  [..., n]

    >>> softmax(np.array([[0.0, 0.0], [0.0, np.log(3.0)]]))
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    raise NotImplementedError
