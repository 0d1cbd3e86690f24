"""gelu: multiply x by the probability that a standard normal variable is below it."""

import math

import numpy as np

from distilnp.model.erf import erf
from distilnp.model.params import Array


def gelu(x: Array) -> Array:
    """Multiply x by the probability that a standard normal variable is below x (arXiv:1606.08415).

        GELU(x) = x / 2 (1 + erf(x / sqrt(2)))

    `erf` takes an array. `math.sqrt` gives a Python number, which does not change the type of an array;
    `np.sqrt(2)` gives a float64, which does.

    x        [...]
    returns  [...]

    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """
    raise NotImplementedError
