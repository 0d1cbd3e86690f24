"""Finite differences: what a gradient has to be equal to, computed without any calculus.

Moving one number of x by h moves f(x). The quotient of the two is the slope in this direction. It takes two
calls of f for each number of x, so it is no way to compute gradients, and a good one to check them.
"""

from collections.abc import Callable

import numpy as np

from distilnp.model.params import Array

# Two errors: the curvature of f gives one of about h^2, and rounding one of about 1e-16 / h. With 1e-5, both
# are near 1e-10 or below.
STEP = 1e-5


def by_differences(f: Callable[[Array], Array], x: Array, dy: Array) -> Array:
    """Compute the gradient of sum(dy * f(x)) with respect to x, in float64.

        dx_i = sum(dy * (f(x + h e_i) - f(x - h e_i))) / (2 h)

    e_i is 1 at i, and 0 elsewhere.

    x        [...]
    dy       the shape of f(x)
    returns  the shape of x

    >>> by_differences(lambda x: x**2, np.array([1.0, 3.0]), np.array([1.0, 10.0])).round(4)
    array([ 2., 60.])
    """
    dx = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up, down = x.astype(np.float64), x.astype(np.float64)
        up[i] += STEP
        down[i] -= STEP
        dx[i] = (dy * (f(up) - f(down))).sum() / (2 * STEP)
    return dx
