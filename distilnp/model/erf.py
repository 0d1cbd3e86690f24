"""The error function, which NumPy lacks, for the reference pass.

The rational approximations are from W. J. Cody, "Rational Chebyshev approximations for the error function",
Mathematics of Computation 23 (1969), 631-637, with the coefficients of his program CALERF
(netlib.org/specfun/erf). They are made for float64, where the result is within 4e-16 of the true value. A
float32 array is computed in float32, to within 2.5e-7.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# erf(x) = x P(x^2) / Q(x^2) for |x| <= 0.46875. The highest power comes first.
SMALL_P = (
    1.85777706184603153e-1,
    3.16112374387056560e00,
    1.13864154151050156e02,
    3.77485237685302021e02,
    3.20937758913846947e03,
)
SMALL_Q = (
    1.0,
    2.36012909523441209e01,
    2.44024637934444173e02,
    1.28261652607737228e03,
    2.84423683343917062e03,
)
# erfc(x) = exp(-x^2) P(x) / Q(x) for 0.46875 <= x <= 4. Cody has a third form beyond 4, where erfc is below
# 1.6e-8. It is not needed here, because erf is 1 minus that.
LARGE_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e00,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
)
LARGE_Q = (
    1.0,
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)


def erf(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return the error function of every element, in the type of `x` (float32 or float64)."""
    # Beyond 6, 1 - erf is below half a unit in the last place. The bound also keeps infinity out of the
    # powers.
    size = np.minimum(np.abs(x), 6.0)
    square = size * size
    small = size * polynomial(SMALL_P, square) / polynomial(SMALL_Q, square)
    large = 1.0 - np.exp(-square) * polynomial(LARGE_P, size) / polynomial(LARGE_Q, size)
    return np.copysign(np.where(size <= 0.46875, small, large), x)


def polynomial(coefficients: tuple[float, ...], x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Evaluate a polynomial, highest power first, by Horner's rule."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
