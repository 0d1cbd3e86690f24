"""exp and erf on 16 lanes, and the activations that are made of them.

exp is a polynomial and erf a quotient of two. `tests/witness/fit_elementary.py` fitted their coefficients so
that the largest relative error is as small as possible (Lawson's iteration), and rounded them to float32. A
unit is 2**-24, half of the distance from 1 to the next float32.
"""

from .jit import inlined
from .words.integers import ROUNDING
from .words.lanes_f32 import fma, larger, power_of_two, smaller, splat

LOG2_E = 1.4426950408889634
# ln 2 in two parts. The first has so few bits that its product with a small integer is exact
# (W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980).
LN_2_HIGH = 0.693359375
LN_2_LOW = -2.12194440e-4
# e**-87 is 1.6e-38. Below that, float32 numbers are subnormal and lose bits.
LOWEST = -87.0

# e**r = 1 + r + r**2 (E2 + r (E3 + ...)) for |r| <= ln(2) / 2
E2, E3, E4, E5, E6 = (
    0.4999999403953552,
    0.1666652113199234,
    0.04166838899254799,
    0.00836874544620514,
    0.0013814539415761828,
)

# erf(x) = x (P0 + P1 x**2 + ...) / (1 + Q1 x**2 + ...) for |x| <= SATURATION. Beyond it, erf rounds to 1.
SATURATION = 3.930000066757202
P0, P1, P2, P3, P4, P5 = (
    1.1283791065216064,
    0.19078300893306732,
    0.05279017984867096,
    0.003779574064537883,
    0.0002848078147508204,
    2.041977268163464e-06,
)
Q1, Q2, Q3, Q4, Q5 = (
    0.5024097561836243,
    0.11425718665122986,
    0.014997366815805435,
    0.0011652040993794799,
    3.8004101952537894e-05,
)


@inlined
def exp(x):
    """Return e**x for x <= 88, within 3 units of the result. An x below -87 counts as -87.

    Oracle: numpy.exp in float64.
    """
    x = larger(splat(LOWEST), x)
    shifted = fma(x, splat(LOG2_E), splat(ROUNDING))
    n = shifted - splat(ROUNDING)
    r = fma(n, splat(-LN_2_LOW), fma(n, splat(-LN_2_HIGH), x))
    p = fma(r, splat(E6), splat(E5))
    p = fma(r, p, splat(E4))
    p = fma(r, p, splat(E3))
    p = fma(r, p, splat(E2))
    p = fma(r, p, splat(1.0))
    p = fma(r, p, splat(1.0))
    return p * power_of_two(shifted)


@inlined
def erf(x):
    """Return the error function, within 6 units of 1.

    Oracle: model.erf in float64.
    """
    x = larger(splat(-SATURATION), smaller(splat(SATURATION), x))
    u = x * x
    p = fma(u, splat(P5), splat(P4))
    p = fma(u, p, splat(P3))
    p = fma(u, p, splat(P2))
    p = fma(u, p, splat(P1))
    p = fma(u, p, splat(P0))
    q = fma(u, splat(Q5), splat(Q4))
    q = fma(u, q, splat(Q3))
    q = fma(u, q, splat(Q2))
    q = fma(u, q, splat(Q1))
    q = fma(u, q, splat(1.0))
    # Rounding may lead beyond 1. Exactly 1 makes gelu 0 for large negative x.
    return larger(splat(-1.0), smaller(splat(1.0), x * p / q))


@inlined
def gelu(x):
    """Return x times the probability that a standard normal variable is below x (arXiv:1606.08415).

    Oracle: reference.gelu in float64.
    """
    half = x * splat(0.5)
    return fma(half, erf(x * splat(0.7071067811865476)), half)


@inlined
def relu(x):
    """Return x where it is above 0, and 0 elsewhere."""
    return larger(splat(0.0), x)
