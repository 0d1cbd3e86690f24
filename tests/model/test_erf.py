"""erf, compared with Python's own, which is that of the C library."""

import math

import numpy as np
import pytest

from distilnp.model.erf import erf

# Dense where erf bends, and every order of magnitude down to the subnormal numbers. The two approximations
# meet at 0.46875.
POINTS = np.concatenate(
    [
        np.linspace(-7, 7, 100_001),
        [0.46875, np.nextafter(0.46875, 0), np.nextafter(0.46875, 1), 5e-324],
        10.0 ** np.arange(-300, 300),
    ]
)


# A few roundings of numbers up to 1; each is off by half of 2.2e-16 or of 1.2e-7.
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 4e-16), (np.float32, 2.5e-7)])
def test_erf_equals_that_of_the_c_library(dtype: type, tolerance: float) -> None:
    with np.errstate(over="ignore"):
        x = POINTS.astype(dtype)
    expected = np.array([math.erf(value) for value in x.tolist()])

    result = erf(x)

    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


def test_erf_handles_nan_infinity_and_the_sign_of_zero() -> None:
    result = erf(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0]))

    np.testing.assert_array_equal(result, [np.nan, 1.0, -1.0, 0.0, 0.0])
    assert np.signbit(result[4])
