"""Quantized rows: the integers, scales and zero points of the scheme in NumPy, to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.comparisons import assert_same_bits
from support.kernel_programs import layer_norm_quantized, quantize

from distilnp.kernels.tiles import JOB_ROWS
from distilnp.model import int8
from distilnp.model.int8 import QuantizedRows

pytestmark = pytest.mark.usefixtures("every_way_of_int8")

DIMS = [1, 2, 15, 16, 17, 31, 63, 64, 65, 127, 768, 3072]


def assert_equal(found: QuantizedRows, expected: QuantizedRows) -> None:
    np.testing.assert_array_equal(found.integers, expected.integers)
    np.testing.assert_array_equal(found.zero_point, expected.zero_point)
    assert_same_bits(found.scale, expected.scale)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("m", [1, JOB_ROWS + 1])
def test_rows_of_any_size_equal_the_scheme(m: int, dim: int) -> None:
    x = np.random.RandomState(dim).standard_normal((m, dim)).astype(np.float32)

    assert_equal(quantize(x, threads=2), int8.quantize_rows(x))


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 40)),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    )
)
def test_any_finite_numbers_equal_the_scheme(x: np.ndarray) -> None:
    assert_equal(quantize(x), int8.quantize_rows(x))


@given(st.integers(-126, 126), st.integers(1, 4), st.data())
def test_ties_are_rounded_to_even(low: int, exponent: int, data: st.DataObject) -> None:
    halves = data.draw(st.lists(st.integers(2 * low, 2 * (low + 127)), min_size=1, max_size=20))
    # The range is 127, so the scale is a power of 2, and every other number is a tie.
    x = np.array([[low, low + 127, 0, *(half / 2 for half in halves)]], np.float32) * np.float32(2**exponent)

    assert_equal(quantize(x), int8.quantize_rows(x))


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-45, -1e-38, 3e38, -3e38])
def test_a_constant_row_equals_the_scheme(value: float) -> None:
    x = np.full((2, 19), value, np.float32)

    assert_equal(quantize(x), int8.quantize_rows(x))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 7, 16, 18])
def test_a_row_that_is_not_finite_gets_the_scale_nan_and_changes_no_other(value: float, place: int) -> None:
    x = np.random.RandomState(0).standard_normal((3, 19)).astype(np.float32)
    alone = quantize(x)
    x[1, place] = value

    found = quantize(x)

    assert np.isnan(found.scale[1, 0])
    for part, before in zip(found, alone, strict=True):
        np.testing.assert_array_equal(part[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize("dim", [1, 17, 768])
def test_layer_norm_quantizes_what_it_writes(dim: int) -> None:
    random = np.random.RandomState(dim)
    x = random.standard_normal((JOB_ROWS + 1, dim)).astype(np.float32)
    weight, bias = random.standard_normal((2, dim)).astype(np.float32)

    normalized, rows = layer_norm_quantized(x, weight, bias, threads=2)

    assert_equal(rows, int8.quantize_rows(normalized))
