"""exp, erf and the activations: their stated errors, on a dense part of all float32 numbers; rounding; NaN.

The oracles are NumPy and the reference in float64.
"""

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from numba import types
from support.comparisons import UNIT_ROUNDOFF, assert_same_bits, assert_within, gelu_tolerance
from support.rounded_once import fma
from witness import fit_elementary

from distilnp.kernels import elementary
from distilnp.kernels.jit import EntryPoint, entry_point
from distilnp.kernels.tiles import LANES
from distilnp.kernels.words.lanes_f32 import load, store
from distilnp.kernels.words.memory import float_pointer
from distilnp.model import erf as float64
from distilnp.model import reference

Floats = np.ndarray[Any, np.dtype[np.float32]]
Numbers = Callable[[], Iterator[Floats]]


def on_arrays(function: Any) -> EntryPoint:
    @entry_point(types.int64, float_pointer, float_pointer)
    def apply(n, x, c):
        for j in range(0, n, LANES):
            store(c, j, function(load(x, j)))

    return apply


ENTRY_POINTS = {name: on_arrays(getattr(elementary, name)) for name in ("exp", "erf", *reference.ACTIVATIONS)}
each_activation = pytest.mark.parametrize("name", reference.ACTIVATIONS)

# The stated error of each activation that rounds, for float32 numbers given in float64. The others are exact.
TOLERANCES = {"gelu": gelu_tolerance}


def kernel(name: str, x: Any) -> Floats:
    x = np.asarray(x, np.float32).ravel()
    lanes = np.pad(x, (0, -len(x) % LANES))
    result = np.empty_like(lanes)
    ENTRY_POINTS[name].call(len(lanes), lanes.ctypes.data, result.ctypes.data)
    return result[: len(x)]


def float32_numbers(first: int = 0, last: int = 2**32, stride: int = 1) -> Floats:
    """Return every stride-th float32 number from `first` to `last`: any sign and size, infinity and NaN."""
    return np.arange(first, last, stride, dtype=np.uint32).view(np.float32)


def some_numbers() -> Iterator[Floats]:
    """Yield 4 million numbers, 8 thousand between each power of two and the next."""
    # The stride is a prime, so that the lowest bits differ.
    yield float32_numbers(stride=1021)


def all_numbers() -> Iterator[Floats]:
    """Yield all float32 numbers in parts of 8 million."""
    part = 2**23
    for first in range(0, 2**32, part):
        yield float32_numbers(first, first + part)


sweep = pytest.mark.parametrize(
    "numbers", [some_numbers, pytest.param(all_numbers, marks=pytest.mark.sweep)], ids=lambda f: f.__name__
)


@sweep
def test_exp_is_within_3_units_of_its_result(numbers: Numbers) -> None:
    for x in numbers():
        x = x[(x >= -87) & (x <= 88)]
        expected = np.exp(x.astype(np.float64))

        assert_within(kernel("exp", x), expected, 3 * UNIT_ROUNDOFF * expected)


@sweep
def test_erf_is_within_6_units_of_1(numbers: Numbers) -> None:
    for x in numbers():
        x = x[~np.isnan(x)]

        assert_within(kernel("erf", x), float64.erf(x.astype(np.float64)), 6 * UNIT_ROUNDOFF)


@sweep
@each_activation
def test_an_activation_is_within_its_stated_error_of_the_reference(name: str, numbers: Numbers) -> None:
    for x in numbers():
        x = x[np.isfinite(x)]
        exact = x.astype(np.float64)
        tolerance = TOLERANCES[name](exact) if name in TOLERANCES else 0.0

        assert_within(kernel(name, x), reference.ACTIVATIONS[name](exact), tolerance)


def test_exp_below_its_domain_equals_exp_at_its_lower_end() -> None:
    np.testing.assert_array_equal(
        kernel("exp", [-87.1, -1e4, -3e38, -np.inf]), kernel("exp", [-87.0]).repeat(4)
    )


def test_exp_of_0_is_1() -> None:
    np.testing.assert_array_equal(kernel("exp", [0.0, -0.0, 1e-45]), [1, 1, 1])


def test_erf_is_exactly_1_from_its_saturation_on() -> None:
    x = np.float32(elementary.SATURATION)
    beyond = np.array([x, np.nextafter(x, np.float32(4)), 4, 100, 3e38, np.inf], np.float32)

    np.testing.assert_array_equal(kernel("erf", beyond), np.ones(6))
    np.testing.assert_array_equal(kernel("erf", -beyond), -np.ones(6))


def test_erf_is_never_beyond_1_and_has_the_sign_of_its_argument() -> None:
    (x,) = some_numbers()
    x = x[~np.isnan(x)]

    result = kernel("erf", x)

    assert np.abs(result).max() == 1
    np.testing.assert_array_equal(np.signbit(result), np.signbit(x))


def test_gelu_vanishes_where_erf_is_minus_1() -> None:
    x = -np.float32(elementary.SATURATION * 2**0.5) * np.array([1.01, 2, 1e9, 1e37], np.float32)

    np.testing.assert_array_equal(kernel("gelu", x), np.zeros(4))


@each_activation
def test_activations_of_special_numbers_are_those_of_the_reference(name: str) -> None:
    x = np.array([0.0, np.nan, np.inf, -np.inf, 3e38])
    with np.errstate(invalid="ignore"):
        expected = reference.ACTIVATIONS[name](x)

    np.testing.assert_array_equal(kernel(name, x), expected.astype(np.float32))


@pytest.mark.parametrize("name", ["exp", "erf"])
def test_nan_stays_nan(name: str) -> None:
    assert np.isnan(kernel(name, np.full(LANES, np.nan))).all()


def test_relu_replaces_negative_numbers_by_0() -> None:
    (x,) = some_numbers()

    assert_same_bits(kernel("relu", x), np.where(x < 0, np.float32(0), x))


# The words in NumPy. With them, Python can run the source of elementary.py.
WORDS = {
    "fma": fma,
    "larger": lambda x, y: np.where(x > y, x, y),
    "smaller": lambda x, y: np.where(x < y, x, y),
    "splat": np.float32,
    "power_of_two": lambda x: ((x.view(np.int32) << 23) + (127 << 23)).view(np.float32),
}


def in_python(name: str) -> Any:
    """Return a kernel as a Python function, which runs it word by word."""
    words = WORDS | ({"erf": in_python("erf")} if name == "gelu" else {})
    code = getattr(elementary, name).py_func.__code__
    return FunctionType(code, vars(elementary) | words)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_kernels_round_exactly_where_the_source_does(name: str) -> None:
    """So no operation was fused, split or reordered, and the bits are the same on any CPU."""
    x = float32_numbers(stride=100_003)
    if name == "exp":
        x = x[~(x > 88)]  # beyond 88, 2**n is not a float32 number, and exp states no result

    with np.errstate(all="ignore"):
        expected = in_python(name)(x)

    assert_same_bits(kernel(name, x), expected)


def test_the_coefficients_are_those_that_the_fit_gives() -> None:
    assert fit_elementary.differences() == {}
