"""How float32 results are compared: to the bit, or within a tolerance that is derived from the rounding."""

from typing import Any

import numpy as np

from distilnp.model import reference

UNIT_ROUNDOFF = 2.0**-24  # of float32


def assert_same_bits(actual: Any, expected: Any) -> None:
    """Assert that float32 arrays are the same to the bit, except that any NaN equals any other."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype == np.float32
    assert actual.shape == expected.shape
    is_nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(actual), is_nan)
    bits = [np.ascontiguousarray(x).view(np.uint32)[~is_nan] for x in (actual, expected)]
    np.testing.assert_array_equal(*bits)


def assert_within(actual: Any, expected: Any, tolerance: Any) -> None:
    """Assert that every element is within its tolerance, and NaN or infinite where it should be."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    is_special = ~np.isfinite(expected)
    np.testing.assert_array_equal(actual[is_special], expected[is_special])
    error = np.abs(actual - expected)[~is_special]
    tolerance = np.broadcast_to(tolerance, expected.shape)[~is_special]
    worst = np.max(error / tolerance, initial=0) if tolerance.all() else error.max(initial=0)
    assert (error <= tolerance).all(), (
        f"{(error > tolerance).sum()} elements are off, by up to {worst:.3g} tolerances"
    )


def gelu_tolerance(x: Any) -> Any:
    """Return how far off gelu may be for float32 numbers x, which are given in float64.

    The error of erf is 6 units of rounding. Its argument is off by 2 units (the constant and the product),
    which moves erf by at most 1 unit, because x erf'(x) is at most 0.49. These 7 units are multiplied by
    x / 2, and the result is rounded once. If x / 2 or the result is subnormal, each may be off by half of
    2**-149 instead.
    """
    return UNIT_ROUNDOFF * (7 * np.abs(x) / 2 + np.abs(reference.gelu(x))) + 2.0**-149
