"""online_softmax: average values with the softmax of scores, in one pass over both."""

import math

import numpy as np

from distilnp.model.params import Array

# With Numba, the loops become machine code. Without it, the same code runs in Python:
# from numba import njit


# @njit
def online_softmax(scores: Array, values: Array) -> Array:
    """Average the values with the softmax of the scores, and read each score and each value only once.

        result = sum_j exp(s_j) v_j / sum_j exp(s_j)

    exp needs the largest score, which is known only at the end. So keep the largest score so far, m, and two
    sums: of exp(s_j - m), and of exp(s_j - m) v_j. When a larger score m' comes, multiply both sums by
    exp(m - m') (Milakov and Gimelshein, arXiv:1805.02867). Begin with m = -math.inf. At the end, divide.

    Write loops over the scores and over the columns, as `distilnp.kernels` does. Take memory for the result
    with np.zeros(head_dim, scores.dtype).

    scores   [n]
    values   [n, head_dim]
    returns  [head_dim]

    >>> online_softmax(np.array([0.0, np.log(3.0)]), np.array([[1.0, 0.0], [0.0, 1.0]])).round(4)
    array([0.25, 0.75])
    """
    raise NotImplementedError
