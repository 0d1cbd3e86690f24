"""LayerNorm, embedding and copying: right at every width, in one fixed order, each row on its own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.comparisons import UNIT_ROUNDOFF, assert_same_bits, assert_within
from support.kernel_programs import embed, gather, layer_norm, with_zeros
from support.rounded_once import fma

from distilnp.kernels.tiles import JOB_ROWS, LANES
from distilnp.model import reference
from distilnp.model.params import LayerNorm

pytestmark = pytest.mark.usefixtures("every_way")

Floats = np.ndarray[Any, np.dtype[np.float32]]

DIMS = [1, 2, 15, 16, 17, 31, 35, 48, 127, 384, 768]
each_dim = pytest.mark.parametrize("dim", DIMS)
# The rows of a job, with one more or one less; primes.
each_number_of_rows = pytest.mark.parametrize("m", [1, 2, 13, JOB_ROWS - 1, JOB_ROWS, JOB_ROWS + 1, 97])


def operands(m: int, dim: int, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Return rows [m, dim], and weight and bias [dim]."""
    random = np.random.RandomState(seed)
    x, weight, bias = (random.standard_normal(shape).astype(np.float32) for shape in ((m, dim), dim, dim))
    return x, weight, bias


def in_float64(x: Floats, weight: Floats, bias: Floats) -> tuple[Any, Any]:
    """Return LayerNorm(x), and how far off it may be.

    For the mean, a lane adds dim / 16 numbers, and the lanes are added by halves, 4 times. Each addition
    rounds by at most a unit of the sum of the absolute values, and so does the division. A centred element is
    off by the error of the mean and by a unit of itself. Its square is off by twice that error times the
    element, and the mean of the squares also by its own additions. The relative error of the root is half
    that of the variance. Then 6 roundings follow: of the sum with epsilon, the root, 1 / root, and three
    products or sums.
    """
    x, weight, bias = (operand.astype(np.float64) for operand in (x, weight, bias))
    n_additions = -(-x.shape[1] // LANES) + 4
    mean_error = (n_additions + 1) * UNIT_ROUNDOFF * np.abs(x).mean(axis=1, keepdims=True)
    centred = np.abs(x - x.mean(axis=1, keepdims=True))
    centred_error = mean_error + UNIT_ROUNDOFF * centred
    variance = (centred**2).mean(axis=1, keepdims=True) + reference.LAYER_NORM_EPSILON
    variance_error = (2 * centred_error * centred + centred_error**2).mean(axis=1, keepdims=True)
    variance_error += (n_additions + 1) * UNIT_ROUNDOFF * variance
    # The smallest possible variance, where the root is steepest.
    root = np.sqrt(np.maximum(variance - variance_error, reference.LAYER_NORM_EPSILON))
    scale_error = variance_error / (2 * root**3) + 6 * UNIT_ROUNDOFF / root

    expected = reference.layer_norm(x, LayerNorm(weight, bias))
    error = np.abs(weight) * (centred_error * (1 / root + scale_error) + centred * scale_error)
    return expected, error + UNIT_ROUNDOFF * np.abs(expected)


def assert_equals_reference(x: Floats, weight: Floats, bias: Floats) -> None:
    result = layer_norm(x, weight, bias, threads=2)

    assert_within(result[:, : x.shape[1]], *in_float64(x, weight, bias))


@each_dim
def test_layer_norm_of_any_width_equals_the_reference(dim: int) -> None:
    assert_equals_reference(*operands(5, dim))


@each_number_of_rows
def test_layer_norm_of_any_number_of_rows_equals_the_reference(m: int) -> None:
    assert_equals_reference(*operands(m, 35))


@pytest.mark.parametrize("offset", [10.0, -1e3, 1e5])
def test_layer_norm_of_rows_far_from_0_equals_the_reference(offset: float) -> None:
    x, weight, bias = operands(5, 768)

    assert_equals_reference(x + np.float32(offset), weight, bias)


@pytest.mark.parametrize("size", [1e-18, 1e-6, 1e6, 1e15])
def test_layer_norm_of_rows_of_any_size_equals_the_reference(size: float) -> None:
    x, weight, bias = operands(5, 35)

    assert_equals_reference(x * np.float32(size), weight, bias)


@each_dim
def test_a_constant_row_becomes_the_bias(dim: int) -> None:
    _, weight, bias = operands(1, dim)
    # Sums of 3 are exact, so that the centred row is 0 and no rounding error is scaled up.
    result = layer_norm(np.full((2, dim), 3.0), weight, bias)

    assert_same_bits(result[:, :dim], np.tile(bias, (2, 1)))


def test_a_row_that_is_constant_except_for_rounding_is_off_only_by_rounding() -> None:
    _, weight, bias = operands(1, 35)

    assert_equals_reference(np.full((2, 35), 0.1, np.float32), weight, bias)


def in_order(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Return LayerNorm(x) with every rounding: each lane sums every 16th element; lanes add up by halves."""
    m, dim = x.shape
    vectors = with_zeros(x).reshape(m, -1, LANES).swapaxes(0, 1)  # [dim / 16, m, 16]
    is_there = (np.arange(vectors.shape[0] * LANES) < dim).reshape(-1, 1, LANES)

    def sum_lanes(lanes: Floats) -> Floats:
        for n in (8, 4, 2, 1):
            lanes = lanes[:, :n] + lanes[:, n:]
        return lanes

    total = np.zeros((m, LANES), np.float32)
    for vector in vectors:
        total = total + vector
    centred = vectors - sum_lanes(total) / np.float32(dim)
    squares = np.zeros((m, LANES), np.float32)
    for vector in np.where(is_there, centred, np.float32(0)):
        squares = fma(vector, vector, squares)
    scale = np.float32(1) / np.sqrt(
        sum_lanes(squares) / np.float32(dim) + np.float32(reference.LAYER_NORM_EPSILON)
    )
    normed = (centred * scale).swapaxes(0, 1).reshape(m, -1)
    return fma(normed, with_zeros(weight), with_zeros(bias))


@each_dim
def test_layer_norm_sums_in_one_order_and_rounds_once_each(dim: int) -> None:
    x, weight, bias = operands(5, dim)

    assert_same_bits(layer_norm(x, weight, bias), in_order(x, weight, bias))


@each_dim
def test_layer_norm_writes_zeros_after_the_last_column(dim: int) -> None:
    padding = layer_norm(*operands(5, dim))[:, dim:]

    np.testing.assert_array_equal(padding, np.zeros((5, -dim % LANES)))


@each_number_of_rows
def test_layer_norm_can_be_computed_in_place(m: int) -> None:
    x, weight, bias = operands(m, 35)

    assert_same_bits(layer_norm(x, weight, bias, in_place=True, threads=2), layer_norm(x, weight, bias))


@given(m=st.integers(1, 50), dim=st.integers(1, 70), threads=st.integers(1, 3), data=st.data())
def test_a_normalized_row_has_the_same_bits_alone_and_at_any_position(
    m: int, dim: int, threads: int, data: st.DataObject
) -> None:
    x, weight, bias = operands(m, dim, seed=m)
    row = data.draw(st.integers(0, m - 1))

    alone = layer_norm(x[[row]], weight, bias)

    assert_same_bits(layer_norm(x, weight, bias, threads=threads)[[row]], alone)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 2])
def test_nan_or_infinity_in_a_row_makes_that_row_nan_and_no_other(row: int, number: float) -> None:
    x, weight, bias = operands(3, 35)
    clean = layer_norm(x, weight, bias)
    x[row, 33] = number

    result = layer_norm(x, weight, bias)

    assert np.isnan(result[row, :35]).all()
    assert_same_bits(np.delete(result, row, axis=0), np.delete(clean, row, axis=0))


# --- embedding and copying ---


@each_dim
def test_embed_adds_the_vectors_of_a_token_and_of_its_position(dim: int) -> None:
    word_vectors, position_vectors = operands(11, dim)[0], operands(7, dim, seed=1)[0]
    ids, positions = [10, 0, 3, 3, 7], [0, 6, 2, 2, 0]

    assert_same_bits(
        embed(ids, positions, word_vectors, position_vectors),
        with_zeros(word_vectors[ids] + position_vectors[positions]),
    )


@each_number_of_rows
def test_embed_takes_any_number_of_tokens(m: int) -> None:
    word_vectors, position_vectors = operands(11, 17)[0], operands(7, 17, seed=1)[0]
    ids, positions = np.arange(m) * 5 % 11, np.arange(m) * 3 % 7

    result = embed(ids, positions, word_vectors, position_vectors, threads=2)

    assert_same_bits(result, with_zeros(word_vectors[ids] + position_vectors[positions]))


@each_dim
def test_gather_copies_rows(dim: int) -> None:
    a, _, _ = operands(11, dim)
    rows = [10, 0, 3, 3, 7]

    assert_same_bits(gather(a, rows), with_zeros(a[rows]))


@each_number_of_rows
def test_gather_copies_any_number_of_rows(m: int) -> None:
    a, _, _ = operands(11, 17)
    rows = np.arange(m) * 5 % 11

    assert_same_bits(gather(a, rows, threads=2), with_zeros(a[rows]))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_embed_and_gather_keep_nan_and_infinity_in_their_element(number: float) -> None:
    a, position_vectors = operands(3, 17)[0], operands(3, 17, seed=1)[0]
    a[1, 16] = number

    assert_same_bits(gather(a, [2, 1, 0]), with_zeros(a[[2, 1, 0]]))
    assert_same_bits(
        embed([2, 1, 0], [0, 1, 2], a, position_vectors), with_zeros(a[[2, 1, 0]] + position_vectors)
    )
